/* engine_systemc.h -- the chip's clock as an sc_clock, its units as processes of SystemC's kernel, which picks their order.
 *
 *   sc_clock --rising edge--> every unit: tick(now)        (a method each)
 *            '-falling edge-> end of the cycle: done, deadlock, or now + 1
 *
 * SystemC stays at the edge: it is in libetchsim_systemc.so, which is loaded when this engine is asked for and lies beside the program or in ../lib.
 */
#ifndef ETCHSIM_ENGINE_SYSTEMC_H
#define ETCHSIM_ENGINE_SYSTEMC_H

#include "sim/engine.h"

/* Clocks the chip until its run is over, *end says how. Fails where etchsim was built without SystemC (exit code 2, says what to do). Cycle 0 is at 0 ps. */
bool engine_systemc_run(struct chip *chip, enum cycle_end *end, struct error *e);
/* Whether the library is there and can be loaded; else why not. */
bool engine_systemc_there(struct error *e);

#endif
