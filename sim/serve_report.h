/* serve_report.h -- what a served workload amounts to: for people, as JSON, as CSV (a row a request). docs/serve.md defines every figure. */
#ifndef ETCHSIM_SERVE_REPORT_H
#define ETCHSIM_SERVE_REPORT_H

#include <stdio.h>

#include "sim/serve.h"

/* The smallest of n values such that at least p percent of them are no larger (nearest rank): one of the values, nothing in between. Sorts them. */
cycle_t serve_percentile(cycle_t *values, size_t n, uint32_t p);
/* Jain's index of n positive figures: (sum x)^2 / (n sum x^2), 1 when all are equal, 1/n when one has everything. */
double serve_jain(const double *x, size_t n);

void serve_report_text(const struct serve *serve, FILE *out);
void serve_report_json(const struct serve *serve, FILE *out);
void serve_report_csv(const struct serve *serve, FILE *out);

#endif
