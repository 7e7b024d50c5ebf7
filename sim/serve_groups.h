/* serve_groups.h -- figures of a served workload's requests: of all, and of each tenant's. docs/serve.md defines them. */
#ifndef ETCHSIM_SERVE_GROUPS_H
#define ETCHSIM_SERVE_GROUPS_H

#include "sim/serve.h"

enum { PERCENTILES = 3 }; /* 50, 90, 99 */

struct percentiles {
    cycle_t at[PERCENTILES];
};

struct group { /* of requests: a tenant's, or all */
    uint64_t requests, dropped, prompt_tokens, tokens, hits, loads;
    struct percentiles first_token, between, whole;
    uint64_t queue_cycles, adapter_cycles, whole_cycles; /* sums */
    cycle_t longest_wait;                                /* from arrival to the first token that may be issued */
    uint32_t most_overtaken;                             /* later requests that started before one of them */
};

/* Jain's index of n positive figures: (sum x)^2 / (n sum x^2), 1 when all are equal, 1/n when one has everything. */
double serve_jain(const double *x, size_t n);
struct group group_of_all(const struct serve *serve);
/* [n_tenants], owned by the caller. */
struct group *groups_of_tenants(const struct serve *serve);
/* Jain's index of the tenants' tokens/s. */
double group_fairness(const struct serve *serve, const struct group *tenants);
double serve_us(const struct serve *serve, double cycles);

#endif
