/* threads.h -- a few threads that share the work of one kernel.
 *
 *   caller:  publishes the work as a ticket (parts : next part) -- takes parts itself -- waits until all are done
 *   others:  watch the ticket for a moment, then sleep; woken, they take parts until none is left
 *
 * Results do not depend on how many there are or on who takes what: each part is computed as if alone. The threads start with the first work
 * that is shared. A caller that finds them busy with another caller's work (or that is itself part of some) does its work alone.
 */
#ifndef ETCHSIM_THREADS_H
#define ETCHSIM_THREADS_H

#include <stdbool.h>
#include <stdint.h>

enum { THREADS_MAX = 64 };

/* How many work together from now on, the caller included: 1 .. THREADS_MAX. 0: as many as there are processors for this process, which is also the
 * start. Not while work is being shared. */
void threads_set(int32_t n);
int32_t threads_count(void);

/* Calls work(user, first, n) for parts that together are 0 .. n_items - 1, each once; of `grain` items (> 0; the last may have fewer), or for all at once
 * where the caller is alone. Returns when all are done. */
void threads_share(int32_t n_items, int32_t grain, void (*work)(void *user, int32_t first, int32_t n), void *user);

#endif
