/* sweep_run.h -- runs a sweep: says what is to be done, deals the points to workers and ranks, keeps the rows, and goes on where it was stopped. */
#ifndef ETCHSIM_SWEEP_RUN_H
#define ETCHSIM_SWEEP_RUN_H

#include "sim/sweep.h"

struct sweep_options {
    const char *folder;
    int argc; /* the command line, for DIR/command.txt; 0: none */
    char **argv;
    uint32_t workers;                     /* processes on this machine; 0: one for each processor */
    uint32_t shard, shards;               /* only the points whose index modulo `shards` is `shard`; shards 0 or 1: all */
    double silent_seconds;                /* after which a rank is given up; 0: 30 */
    bool quiet;                           /* says nothing on stderr */
    bool dry_run;                         /* only say how much there is to do */
    void (*before_point)(uint32_t point); /* for tests, see sweep_pool.h; NULL */
};

struct sweep_summary {
    uint32_t before, points; /* rows that were there, points asked for */
    bool stopped;            /* by a signal: the same command goes on */
    bool worker_rank;        /* this process was a rank that only ran points */
};

/* Under mpirun every rank calls this with the same sweep; only rank 0 touches the folder. */
bool sweep_run(const struct sweep *s, const struct sweep_options *options, struct sweep_summary *summary, struct error *e);

#endif
