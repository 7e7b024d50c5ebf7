/* serve_report.h -- what a served workload amounts to: for people, as JSON, as CSV (a row a request). docs/serve.md defines every figure. */
#ifndef ETCHSIM_SERVE_REPORT_H
#define ETCHSIM_SERVE_REPORT_H

#include <stdio.h>

#include "sim/server.h"

void serve_report_text(const struct server *server, FILE *out);
void serve_report_json(const struct server *server, FILE *out);
void serve_report_csv(const struct server *server, FILE *out);

#endif
