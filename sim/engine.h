/* engine.h -- time: the ways to run a chip's clock. All give the same trace, counters and results. */
#ifndef ETCHSIM_ENGINE_H
#define ETCHSIM_ENGINE_H

#include "sim/chip.h"

enum engine {
    ENGINE_STEP,    /* ticks every unit on every cycle; knows nothing of when units can change */
    ENGINE_SKIP,    /* ticks only units that said they have something to do, and jumps over the cycles in which none has;
                     * without a trace tokens leap (leap.h) */
    ENGINE_SYSTEMC, /* as step, but the clock is an sc_clock and every unit a process of SystemC's (engine_systemc.h) */
};
#define ENGINE_WORDS "step|skip|systemc" /* of --engine, in the order above */

/* Runs until all requests are done; the clock stops after the cycle in which the last token reached the sequencer, spans and trace are closed.
 * A deadlock (no unit will ever do anything again) is a failed check; chip_print_state() shows where it stands. */
bool chip_run(struct chip *chip, enum engine engine, struct error *e);

/* A part of a run by ENGINE_SKIP, as often as one likes, then chip_close(): clocks the chip until all requests are done, the first cycle in which something
 * can happen is `until` or later, or chip->pause was set in a cycle (it is taken back). Fails without memory only. */
bool chip_advance(struct chip *chip, cycle_t until, struct error *e);
/* The first cycle in which something can happen, as far as is known; NEVER: none. */
cycle_t chip_next(const struct chip *chip);
/* Closes spans and trace; the failure, if a check failed. */
bool chip_close(struct chip *chip, struct error *e);

/* A clock from elsewhere: chip_begin_cycle(), every unit's tick in any order, chip_end_cycle(), for now = 0, 1, ... until it says that the run is over. */
enum cycle_end { CYCLE_NEXT, CYCLE_DONE, CYCLE_DEADLOCK };
void chip_begin_cycle(struct chip *chip, cycle_t now);
enum cycle_end chip_end_cycle(struct chip *chip, cycle_t now);

#endif
