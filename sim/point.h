/* point.h -- one point of a sweep, start to end: its chip is built, run without values, and measured. */
#ifndef ETCHSIM_POINT_H
#define ETCHSIM_POINT_H

#include "sim/sweep.h"

enum point_status {
    POINT_OK,
    POINT_EXCLUDED, /* a constraint does not hold; with one known before the run there are no other metrics than those */
    POINT_ERROR,    /* the chip cannot be built or did not finish; `text` says why */
    POINT_CRASHED,  /* the process that ran it ended; `text` says how */
    POINT_STATUSES
};
extern const char *const point_status_names[POINT_STATUSES];

enum row_limit { ROW_LIMIT_TOKEN, ROW_LIMIT_FIRST_TOKEN, ROW_LIMIT_THROUGHPUT, ROW_LIMITS };

struct sweep_row { /* a point's results. No padding that matters: it travels between processes as bytes */
    uint32_t point;
    enum point_status status;
    int32_t limit[ROW_LIMITS];   /* enum limit; -1: it did not run */
    int32_t busiest_unit;        /* enum unit_kind; -1 as above */
    uint64_t trace_hash;         /* 0: it did not run */
    double seconds, memory_mib;  /* of this machine: not part of the results */
    double metric[METRIC_COUNT]; /* NAN: there is none */
    char text[512];              /* the error, or the constraint that does not hold */
};

/* A row of a point that has no results. */
void row_clear(struct sweep_row *row, uint32_t point);
/* Runs a point; whatever goes wrong is in the row. */
void point_run(const struct sweep *s, uint32_t index, struct sweep_row *row);
/* The same of a point that may have been changed since sweep_point() made it. */
void point_run_at(const struct sweep *s, const struct sweep_point *point, struct sweep_row *row);

#endif
