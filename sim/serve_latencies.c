#include "sim/serve_latencies.h"

#include <stdlib.h>

struct times { /* in cycles */
    cycle_t *items;
    size_t count, room;
};

static void add(struct times *t, cycle_t cycles)
{
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 1024;
        t->items = realloc(t->items, t->room * sizeof *t->items);
        ES_ASSERT(t->items);
    }
    t->items[t->count++] = cycles;
}

static int compare(const void *a, const void *b)
{
    cycle_t x = *(const cycle_t *)a, y = *(const cycle_t *)b;
    return (x > y) - (x < y);
}

/* Writes the rows and empties the list. */
static void write_rows(struct times *t, const char *latency, const char *tenant, double clock_mhz, FILE *out)
{
    if (t->count) {
        qsort(t->items, t->count, sizeof *t->items, compare);
    }
    for (size_t i = 0, next; i < t->count; i = next) {
        for (next = i + 1; next < t->count && t->items[next] == t->items[i]; next++) {
        }
        fprintf(out, "%s,%s,%.6g,%zu\n", latency, tenant, (double)t->items[i] / clock_mhz, next - i);
    }
    t->count = 0;
}

static void add_first_tokens(struct times *t, const struct serve *s, int32_t tenant)
{
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        if (s->requests[i].n_generated && (tenant < 0 || s->drawn.items[i].tenant == tenant)) {
            add(t, s->requests[i].generated_at[0] - s->requests[i].arrives_at);
        }
    }
}

void serve_latencies_csv(const struct serve *s, FILE *out)
{
    struct times times = {0};
    double clock_mhz = s->config.clock_mhz;
    fputs("latency,tenant,us,count\n", out);
    add_first_tokens(&times, s, -1);
    write_rows(&times, "first_token", "", clock_mhz, out);
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        for (int32_t t = 1; t < s->requests[i].n_generated; t++) {
            add(&times, s->requests[i].generated_at[t] - s->requests[i].generated_at[t - 1]);
        }
    }
    write_rows(&times, "between_tokens", "", clock_mhz, out);
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        if (s->requests[i].state == REQUEST_DONE) {
            add(&times, s->requests[i].done_at - s->requests[i].arrives_at);
        }
    }
    write_rows(&times, "whole_request", "", clock_mhz, out);
    for (int32_t t = 0; t < s->workload->n_tenants; t++) {
        add_first_tokens(&times, s, t);
        write_rows(&times, "first_token", s->workload->tenants[t].name, clock_mhz, out);
    }
    free(times.items);
}
