/* explain.h -- what binds a run or a point of a sweep, in sentences. */
#ifndef ETCHSIM_EXPLAIN_H
#define ETCHSIM_EXPLAIN_H

#include <stdint.h>
#include <stdio.h>

#include "sim/error.h"

/* A run's results, wherever they are kept. */
struct facts {
    double (*number)(const void *from, const char *metric); /* a metric's value; NAN: none */
    const char *(*text)(const void *from,
                        const char *column); /* "limit_token", "limit_first_token", "limit_throughput", "busiest_unit"; NULL: none */
    const void *from;
};

void explain_facts(const struct facts *facts, FILE *out);

/* DIR/sweep.sqlite as a whole, or (point 0 or more) one point of it. */
bool explain_sweep(const char *folder, int64_t point, FILE *out, struct error *e);
/* DIR/run.json */
bool explain_run(const char *folder, FILE *out, struct error *e);

#endif
