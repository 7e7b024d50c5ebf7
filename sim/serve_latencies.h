/* serve_latencies.h -- the distributions behind a served workload's percentiles, as CSV. */
#ifndef ETCHSIM_SERVE_LATENCIES_H
#define ETCHSIM_SERVE_LATENCIES_H

#include <stdio.h>

#include "sim/serve.h"

/* latency,tenant,us,count: how often each time occurred, ascending within a latency and tenant. Latencies: first_token (arrival to first
 * token), between_tokens, whole_request (arrival to last token), each of all tenants together (tenant empty); first_token also of each tenant. */
void serve_latencies_csv(const struct serve *serve, FILE *out);

#endif
