/* serve_report.h -- what a served workload amounts to: for people, as JSON, as CSV (a row a request). docs/serve.md defines every figure. */
#ifndef ETCHSIM_SERVE_REPORT_H
#define ETCHSIM_SERVE_REPORT_H

#include <stdio.h>

#include "sim/serve.h"

/* Jain's index of n positive figures: (sum x)^2 / (n sum x^2), 1 when all are equal, 1/n when one has everything. */
double serve_jain(const double *x, size_t n);

void serve_report_text(const struct serve *serve, FILE *out);
void serve_report_json(const struct serve *serve, FILE *out);
void serve_report_csv(const struct serve *serve, FILE *out);

#endif
