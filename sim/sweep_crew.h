/* sweep_crew.h -- who computes the points: the workers on this machine and, under mpirun, the other ranks. Points are dealt in chunks to whoever is idle.
 *
 * A rank that has not been heard of for a while is given up, until it is heard again; what it had goes to others. (Open MPI itself ends the whole job when a
 * rank dies, unless it is told not to; then the same command goes on where it was.)
 */
#ifndef ETCHSIM_SWEEP_CREW_H
#define ETCHSIM_SWEEP_CREW_H

#include <signal.h>

#include "sim/sweep_pool.h"

struct sweep_crew;

/* n_workers 0: one for each processor; under mpirun every rank has one. silent_seconds: after which a rank is given up. */
bool crew_open(const struct sweep *s, uint32_t n_workers, double silent_seconds, void (*before_point)(uint32_t point),
               struct sweep_crew **crew, struct error *e);
void crew_close(struct sweep_crew *crew);
/* Rank 0: lets the other ranks go; crew_close() does it as well. */
void crew_end(struct sweep_crew *crew);
int crew_rank(const struct sweep_crew *crew);
/* Processes that run points. */
uint32_t crew_size(const struct sweep_crew *crew);

/* Rank 0: has all points run and hands over their rows, in any order; a point's row may come twice. point_seconds: what one takes (0: unknown, they are
 * dealt singly). Ends early when *stop is set. */
bool crew_run(struct sweep_crew *crew, const uint32_t *points, uint32_t n, double point_seconds,
              void (*on_row)(void *context, const struct sweep_row *row), void *context, const volatile sig_atomic_t *stop,
              struct error *e);
/* The other ranks: run what rank 0 sends until it is over; closes the crew. */
bool crew_serve(struct sweep_crew *crew, struct error *e);

#endif
