/* report.h -- what a run found out, for people and as JSON. Both print only what follows from config, inputs and seed, never wall-clock time. */
#ifndef ETCHSIM_REPORT_H
#define ETCHSIM_REPORT_H

#include <stdio.h>

#include "sim/run.h"

/* One screen: figures, where a token's cycles went, busy and stalled units, SRAM and ROM. */
void report_text(const struct run *run, FILE *out);
/* One object; keys are described in docs/run-json.md. */
void report_json(const struct run *run, FILE *out);

#endif
