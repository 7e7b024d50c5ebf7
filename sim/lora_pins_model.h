/* lora_pins_model.h -- the LoRA MAC unit in C at its pins, cycle by cycle: the reference for the RTL, for vectors and for other people's benches.
 *
 * The chip's own unit (lora_mac.h) knows bursts and leaps over cycles; this one counts rows and beats. Values come from kernels/lora.h, from the weights as they come over the pins.
 */
#ifndef ETCHSIM_LORA_PINS_MODEL_H
#define ETCHSIM_LORA_PINS_MODEL_H

#include "sim/lora_pins.h"

/* inputs_max: the longest x. NULL and *e when there is no memory. */
struct lora_unit *lora_pins_model_open(const struct lora_geometry *geometry, uint32_t inputs_max, struct error *e);

#endif
