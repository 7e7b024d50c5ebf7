/* engine.h -- time: the two ways to run a chip's clock. Both give the same trace, counters and results. */
#ifndef ETCHSIM_ENGINE_H
#define ETCHSIM_ENGINE_H

#include "sim/chip.h"

enum engine {
    ENGINE_STEP, /* ticks every unit on every cycle; knows nothing of when units can change */
    ENGINE_SKIP, /* ticks only units that said they have something to do, and jumps over the cycles in which none has */
};

/* Runs until all requests are done; the clock stops after the cycle in which the last token reached the sequencer, spans and trace are closed.
 * A deadlock (no unit will ever do anything again) is a failed check; chip_print_state() shows where it stands. */
bool chip_run(struct chip *chip, enum engine engine, struct error *e);

#endif
