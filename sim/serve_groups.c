#include "sim/serve_groups.h"

#include <stdlib.h>

#include "sim/metrics.h"

static const uint32_t percents[PERCENTILES] = {50, 90, 99};

double serve_jain(const double *x, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    return squares > 0 ? sum * sum / ((double)n * squares) : 1;
}

/* --- figures --- */

static struct percentiles percentiles_of(cycle_t *values, size_t n)
{
    struct percentiles s;
    for (int i = 0; i < PERCENTILES; i++) {
        s.at[i] = percentile(values, n, percents[i]);
    }
    return s;
}

struct times { /* of a group's requests, in cycles; room for all */
    cycle_t *first, *between, *whole;
    size_t n_first, n_between, n_whole;
};

static void add_request(struct group *g, const struct request *r, struct times *t)
{
    cycle_t runs_at = r->running_at != NEVER ? r->running_at : r->done_at,
            wait = runs_at - r->arrives_at; /* dropped ones may never have run */
    if (r->n_generated > 0) {
        t->first[t->n_first++] = r->generated_at[0] - r->arrives_at;
    }
    if (r->state == REQUEST_DONE) {
        t->whole[t->n_whole++] = r->done_at - r->arrives_at;
    }
    for (int32_t i = 1; i < r->n_generated; i++) {
        t->between[t->n_between++] = r->generated_at[i] - r->generated_at[i - 1];
    }
    g->requests++;
    g->dropped += r->state == REQUEST_DROPPED;
    g->prompt_tokens += (uint64_t)r->n_prompt;
    g->tokens += (uint64_t)r->n_generated;
    g->hits += r->adapter_hit;
    g->loads += r->adapter_load;
    g->queue_cycles += r->started_at - r->arrives_at;
    g->adapter_cycles += runs_at - r->started_at;
    g->whole_cycles += r->done_at - r->arrives_at;
    g->longest_wait = wait > g->longest_wait ? wait : g->longest_wait;
    g->most_overtaken = r->overtaken > g->most_overtaken ? r->overtaken : g->most_overtaken;
}

/* The requests listed, or all (NULL). */
static struct group group_of(const struct serve *s, const uint32_t *list, size_t n)
{
    struct group g = {0};
    size_t tokens = 0;
    for (size_t i = 0; i < n; i++) {
        tokens += (size_t)s->requests[list ? list[i] : i].n_generated;
    }
    struct times t = {calloc(n + 1, sizeof *t.first), calloc(tokens + 1, sizeof *t.between), calloc(n + 1, sizeof *t.whole), 0, 0, 0};
    ES_ASSERT(t.first && t.between && t.whole);
    for (size_t i = 0; i < n; i++) {
        add_request(&g, &s->requests[list ? list[i] : i], &t);
    }
    g.first_token = percentiles_of(t.first, t.n_first);
    g.whole = percentiles_of(t.whole, t.n_whole);
    g.between = percentiles_of(t.between, t.n_between);
    free(t.first);
    free(t.between);
    free(t.whole);
    return g;
}

struct group group_of_all(const struct serve *s)
{
    return group_of(s, NULL, s->drawn.count);
}

double serve_us(const struct serve *s, double cycles)
{
    return cycles / s->config.clock_mhz;
}

/* The speed that each tenant's requests see, tokens by end-to-end time. Tenants without requests don't count. */
double group_fairness(const struct serve *s, const struct group *tenants)
{
    size_t n = 0;
    double *speed = calloc((size_t)s->workload->n_tenants, sizeof *speed);
    ES_ASSERT(speed);
    for (int32_t t = 0; t < s->workload->n_tenants; t++) {
        if (tenants[t].requests) {
            speed[n++] = (double)tenants[t].tokens / (double)tenants[t].whole_cycles;
        }
    }
    double jain = serve_jain(speed, n);
    free(speed);
    return jain;
}

/* Requests are sorted by tenant first, so that many tenants cost no more than few. */
struct group *groups_of_tenants(const struct serve *s)
{
    size_t n_tenants = (size_t)s->workload->n_tenants, n = s->drawn.count;
    struct group *groups = calloc(n_tenants, sizeof *groups);
    size_t *begin = calloc(n_tenants + 1, sizeof *begin), *next = calloc(n_tenants, sizeof *next);
    uint32_t *list = calloc(n, sizeof *list);
    ES_ASSERT(groups && begin && next && list);
    for (size_t i = 0; i < n; i++) {
        begin[s->drawn.items[i].tenant + 1]++;
    }
    for (size_t t = 0; t < n_tenants; t++) {
        begin[t + 1] += begin[t];
        next[t] = begin[t];
    }
    for (size_t i = 0; i < n; i++) {
        list[next[s->drawn.items[i].tenant]++] = (uint32_t)i;
    }
    for (size_t t = 0; t < n_tenants; t++) {
        groups[t] = group_of(s, &list[begin[t]], begin[t + 1] - begin[t]);
    }
    free(begin);
    free(next);
    free(list);
    return groups;
}
