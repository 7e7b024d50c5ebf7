#include "traces/trace.h"

#include <stdlib.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

enum { SINKS_MAX = 4 };

struct trace {
    struct event *pending; /* of the present cycle */
    size_t n_pending, room;
    uint64_t n_events;
    XXH3_state_t *hash;
    struct trace_sink sinks[SINKS_MAX];
    int n_sinks;
};

struct trace *trace_new(void)
{
    struct trace *trace = calloc(1, sizeof *trace);
    ES_ASSERT(trace);
    trace->hash = XXH3_createState();
    ES_ASSERT(trace->hash);
    XXH3_64bits_reset(trace->hash);
    return trace;
}

void trace_free(struct trace *trace)
{
    if (trace) {
        free(trace->pending);
        XXH3_freeState(trace->hash);
        free(trace);
    }
}

void trace_add_sink(struct trace *trace, struct trace_sink sink)
{
    ES_ASSERT(trace->n_sinks < SINKS_MAX);
    trace->sinks[trace->n_sinks++] = sink;
}

_Static_assert(sizeof(struct event) == 40, "events have no padding");

static uint64_t rank(const struct event *e)
{
    return (uint64_t)e->kind << 32 | e->id;
}

static bool before(const struct event *a, const struct event *b)
{
    return rank(a) != rank(b) ? rank(a) < rank(b) : a->a != b->a ? a->a < b->a : a->b < b->b;
}

/* Few events share a cycle: insertion sort. */
static void sort(struct event *events, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct event e = events[i];
        size_t j = i;
        for (; j > 0 && before(&e, &events[j - 1]); j--) {
            events[j] = events[j - 1];
        }
        events[j] = e;
    }
}

static void flush(struct trace *trace)
{
    sort(trace->pending, trace->n_pending);
    XXH3_64bits_update(trace->hash, trace->pending, trace->n_pending * sizeof *trace->pending);
    for (int s = 0; s < trace->n_sinks; s++) {
        for (size_t i = 0; i < trace->n_pending; i++) {
            trace->sinks[s].event(trace->sinks[s].context, &trace->pending[i]);
        }
    }
    trace->n_events += trace->n_pending;
    trace->n_pending = 0;
}

void trace_event(struct trace *trace, struct event event)
{
    if (trace->n_pending && trace->pending[0].cycle != event.cycle) {
        flush(trace);
    }
    if (trace->n_pending == trace->room) {
        trace->room = trace->room ? 2 * trace->room : 256;
        trace->pending = realloc(trace->pending, trace->room * sizeof *trace->pending);
        ES_ASSERT(trace->pending);
    }
    trace->pending[trace->n_pending++] = event;
}

void trace_burst(struct trace *trace, cycle_t now, const struct link *link, const struct burst *burst)
{
    trace_event(trace, (struct event){.cycle = now,
                                      .from = burst->first,
                                      .to = burst->last,
                                      .kind = EVENT_BURST,
                                      .id = link->id,
                                      .a = burst->token ? (int32_t)burst->token->request : -1,
                                      .b = burst->token ? (int32_t)burst->token->position : burst->index});
}

void trace_span(struct trace *trace, cycle_t now, const struct unit *unit, cycle_t since)
{
    trace_event(trace,
                (struct event){.cycle = now, .from = since, .to = now - 1, .kind = EVENT_SPAN, .id = unit->id, .a = (int32_t)unit->state});
}

void trace_end(struct trace *trace, cycle_t cycle)
{
    flush(trace);
    for (int s = 0; s < trace->n_sinks; s++) {
        if (trace->sinks[s].end) {
            trace->sinks[s].end(trace->sinks[s].context, cycle);
        }
    }
}

uint64_t trace_hash(const struct trace *trace)
{
    return XXH3_64bits_digest(trace->hash);
}

uint64_t trace_events(const struct trace *trace)
{
    return trace->n_events;
}
