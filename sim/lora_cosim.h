/* lora_cosim.h -- the LoRA MAC unit at its pins inside token generation: the verilated RTL in place of the C unit, or in lockstep with it.
 *
 *             x links, SRAM words, room in the delta links (read from the chip in every cycle)
 *                |                        |                         |
 *          [ C unit, lora_mac.c ]   [ pin model ]            [ verilated RTL ]
 *                |                        |                         |
 *   model        drives the links         compared with the C unit (only where a waveform is asked for)
 *   lockstep     drives the links  <----- every link, every pin, every cycle -----> compared
 *   rtl                                                             drives the links
 *
 * The C unit says in bursts what crosses the links (request, pop of x, opening, closing, values); the pins say the same in beats. All three must agree in every cycle.
 * A disagreement stops the run: error_check() with cycle, layer, link, field, expected and got, and a waveform of the cycles before it.
 * With the step engine the pins are clocked in every cycle; with skip while the unit has work (an idle unit has no state that a clock edge changes).
 */
#ifndef ETCHSIM_LORA_COSIM_H
#define ETCHSIM_LORA_COSIM_H

#include "sim/chip.h"

enum lora_mode { LORA_MODEL, LORA_RTL, LORA_LOCKSTEP };
enum lora_trigger { TRIGGER_NONE, TRIGGER_SRAM, TRIGGER_OUTPUT }; /* the first stall of that kind */

struct lora_cosim_options {
    enum lora_mode mode;
    const char *folder; /* of waveforms; NULL: the current one, for a mismatch only */
    bool trace;         /* lora_mac.fst, and lora_mac_rtl_layerN.fst where there is RTL */
    int32_t layer;      /* which to trace, -1: all */
    cycle_t from, to;   /* traced: from .. to */
    enum lora_trigger trigger;
    uint32_t before_cycles; /* of the waveform that ends with the trigger, or with a mismatch */
};

struct lora_cosim;

/* Takes the place of the layers' LoRA MAC units in a chip that has values and has not been clocked. */
bool lora_cosim_attach(struct chip *chip, const struct lora_cosim_options *options, struct lora_cosim **cosim, struct error *e);
/* After the run: closes the waveforms and frees. NULL is let through. keep false: no waveform stays. */
bool lora_cosim_close(struct lora_cosim *cosim, bool keep, struct error *e);

#endif
