/* event_text.h -- the event trace as compressed text (zcat shows it). Grammar: docs/trace.md. */
#ifndef ETCHSIM_EVENT_TEXT_H
#define ETCHSIM_EVENT_TEXT_H

#include "sim/chip.h"

struct event_text;

/* Adds a sink to the chip's trace that writes FOLDER/trace.events.gz. Close after the run. */
bool event_text_open(struct event_text **writer, const char *folder, const struct chip *chip, struct error *e);
/* keep false: the run never started; no file is left. */
bool event_text_close(struct event_text *writer, bool keep, struct error *e);

#endif
