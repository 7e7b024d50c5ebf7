/* perfetto.h -- the run as a timeline for ui.perfetto.dev: one row per unit and per link, one per request; compressed Chrome trace JSON. */
#ifndef ETCHSIM_PERFETTO_H
#define ETCHSIM_PERFETTO_H

#include "sim/chip.h"

struct perfetto;

/* Adds a sink to the chip's trace that writes FOLDER/trace.perfetto.json.gz. Times are in microseconds of the chip's clock. */
bool perfetto_open(struct perfetto **writer, const char *folder, const struct chip *chip, struct error *e);
/* keep false: the run never started; no file is left. */
bool perfetto_close(struct perfetto *writer, bool keep, struct error *e);

#endif
