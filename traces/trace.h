/* trace.h -- the event trace: what crossed each link and what each unit did, cycle by cycle.
 *
 * Units report as they tick. Within a cycle the reports are sorted by (kind, id), so the trace does not depend on tick order; they are hashed and handed
 * to the sinks (event text, Perfetto) in blocks of some thousand, all of them at the end. Grammar of the text: docs/trace.md.
 * A chip may have no trace (NULL): trace_event(), trace_end(), trace_hash() and trace_events() take that, hash and number are 0.
 */
#ifndef ETCHSIM_TRACE_H
#define ETCHSIM_TRACE_H

#include <stdio.h>

#include "sim/link.h"

enum event_kind {
    EVENT_BURST,   /* id: link; from: first beat seen; to: last beat seen; a: request, b: position */
    EVENT_SPAN,    /* id: unit; from..to: first and last cycle in state a; b: unused */
    EVENT_TOKEN,   /* id: request; a: position; b: token id sampled */
    EVENT_SLOT,    /* id: slot; a: new state (enum slot_state); b: adapter */
    EVENT_REQUEST, /* id: request; a: new state (enum request_state); b: adapter or -1 */
    EVENT_KINDS
};

struct event {
    uint64_t cycle, from, to;
    uint32_t kind, id;
    int32_t a, b; /* no padding: events are hashed as bytes */
};

struct trace;

/* A sink gets every event in order, and one call at the end. */
struct trace_sink {
    void (*event)(void *context, const struct event *event);
    void (*end)(void *context, cycle_t cycle);
    void *context;
};

struct trace *trace_new(void);
void trace_free(struct trace *trace);
void trace_add_sink(struct trace *trace, struct trace_sink sink); /* at most 4 */

void trace_burst(struct trace *trace, cycle_t now, const struct link *link, const struct burst *burst);
void trace_span(struct trace *trace, cycle_t now, const struct unit *unit, cycle_t since);
void trace_event(struct trace *trace, struct event event);

/* Hashes and hands on what is left and ends the sinks. */
void trace_end(struct trace *trace, cycle_t cycle);
/* XXH3-64 over all events, and their number; complete after trace_end. */
uint64_t trace_hash(const struct trace *trace);
uint64_t trace_events(const struct trace *trace);
/* Both as a line for people. */
void trace_print(const struct trace *trace, FILE *out);

#endif
