/* sequencer_internal.h -- what sequencer.c and sequencer_incidents.c have of each other. */
#ifndef ETCHSIM_SEQUENCER_INTERNAL_H
#define ETCHSIM_SEQUENCER_INTERNAL_H

#include "sim/sequencer.h"
#include "traces/trace.h"

/* -- sequencer.c -- */
void sequencer_event(const struct sequencer *u, cycle_t now, enum event_kind kind, uint32_t id, int32_t a, int32_t b);
void sequencer_set_ready(struct sequencer *u, struct sequence *s, bool ready);
void sequencer_ask_for_load(struct sequencer *u, int32_t slot, cycle_t now);
/* The request's sequence is free again. */
void sequencer_free_sequence(struct sequencer *u, struct sequence *s, cycle_t now);

/* -- sequencer_incidents.c -- */
/* What happens in this cycle, and loads of renewed slots that have drained. */
void sequencer_incidents(struct sequencer *u, cycle_t now);
/* A token is back. Returns false when it is to be thrown away. */
bool sequencer_keeps(struct sequencer *u, const struct token *token, cycle_t now);
/* The token is no longer in flight. */
void sequencer_drained(struct sequencer *u, struct sequence *s, cycle_t now);
/* A load stayed broken: the requests that started and wait for it are dropped, those that are queued ask for another. */
void sequencer_drop(struct sequencer *u, int32_t slot, cycle_t now);
/* The same with streaming, where tokens may be in layers that wait for a slice: they are let through first, and thrown away when they are back. The host port has room. */
void sequencer_abandon(struct sequencer *u, int32_t slot, cycle_t now);

#endif
