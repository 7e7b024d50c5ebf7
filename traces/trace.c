#include "traces/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SINKS_MAX = 4, EVENTS_KEPT = 2048 };

struct trace {
    struct event *events;    /* [room] of cycles that are over, in order, and of the present one */
    size_t n, room, present; /* the present cycle's first */
    uint64_t n_events;       /* before those */
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
        free(trace->events);
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

/* The present cycle is over. */
static void end_cycle(struct trace *trace)
{
    if (trace->n - trace->present > 1) {
        sort(trace->events + trace->present, trace->n - trace->present);
    }
    trace->present = trace->n;
}

/* All cycles are over: on to hash and sinks. */
static void flush(struct trace *trace)
{
    end_cycle(trace);
    XXH3_64bits_update(trace->hash, trace->events, trace->n * sizeof *trace->events);
    for (int s = 0; s < trace->n_sinks; s++) {
        for (size_t i = 0; i < trace->n; i++) {
            trace->sinks[s].event(trace->sinks[s].context, &trace->events[i]);
        }
    }
    trace->n_events += trace->n;
    trace->n = trace->present = 0;
}

RARELY static void grow(struct trace *trace)
{
    trace->room = trace->room ? 2 * trace->room : 2 * EVENTS_KEPT;
    trace->events = realloc(trace->events, trace->room * sizeof *trace->events);
    ES_ASSERT(trace->events);
}

/* Room for an event of this cycle. */
static struct event *next_event(struct trace *trace, cycle_t cycle)
{
    if (trace->n > trace->present && trace->events[trace->present].cycle != cycle) {
        end_cycle(trace);
        if (trace->n >= EVENTS_KEPT) {
            flush(trace);
        }
    }
    if (trace->n == trace->room) {
        grow(trace);
    }
    return &trace->events[trace->n++];
}

void trace_event(struct trace *trace, struct event event)
{
    if (trace) {
        *next_event(trace, event.cycle) = event;
    }
}

void trace_burst(struct trace *trace, cycle_t now, const struct link *link, const struct burst *burst)
{
    *next_event(trace, now) = (struct event){.cycle = now,
                                             .from = burst->first,
                                             .to = burst->last,
                                             .kind = EVENT_BURST,
                                             .id = link->id,
                                             .a = burst->token ? (int32_t)burst->token->request : -1,
                                             .b = burst->token ? (int32_t)burst->token->position : burst->index};
}

void trace_span(struct trace *trace, cycle_t now, const struct unit *unit, cycle_t since)
{
    *next_event(trace, now) =
        (struct event){.cycle = now, .from = since, .to = now - 1, .kind = EVENT_SPAN, .id = unit->id, .a = (int32_t)unit->state};
}

void trace_end(struct trace *trace, cycle_t cycle)
{
    if (!trace) {
        return;
    }
    flush(trace);
    for (int s = 0; s < trace->n_sinks; s++) {
        if (trace->sinks[s].end) {
            trace->sinks[s].end(trace->sinks[s].context, cycle);
        }
    }
}

uint64_t trace_hash(const struct trace *trace)
{
    return trace ? XXH3_64bits_digest(trace->hash) : 0;
}

uint64_t trace_events(const struct trace *trace)
{
    return trace ? trace->n_events : 0;
}

void trace_print(const struct trace *trace, FILE *out)
{
    if (trace) {
        fprintf(out, "trace of %" PRIu64 " events, hash %016" PRIx64 "\n", trace_events(trace), trace_hash(trace));
    } else {
        fputs("no trace\n", out);
    }
}
