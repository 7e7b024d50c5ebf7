/* lora_flat.h -- the pins of the LoRA MAC unit without gaps: one bit vector for all inputs, one for all outputs. A line of vectors (vectors.h), an argument of
 * the DPI functions (lora_dpi.h).
 *
 *   bit 0                                                            input_bits - 1
 *   | rst_i | abort_i | x_valid_i[0] .. [3] | x_data_i ... | ... | delta_ready_i |       the order of lora_ports.def, each port's bit 0 first
 */
#ifndef ETCHSIM_LORA_FLAT_H
#define ETCHSIM_LORA_FLAT_H

#include "sim/lora_ports.h"

struct lora_flat {
    uint32_t low[LORA_PORTS]; /* where a port's bit 0 lies, in the vector of its direction */
    uint32_t input_bits, output_bits;
};

struct lora_flat lora_flat(const struct lora_ports *ports);

/* Bit vectors of whole 32-bit words; unused bits of the last one are zero. Records are those of lora_ports.h. */
uint32_t lora_flat_words(uint32_t bits);
void lora_flat_from_inputs(const struct lora_ports *ports, const uint32_t *record, uint32_t *bits);
void lora_flat_to_inputs(const struct lora_ports *ports, const uint32_t *bits, uint32_t *record);
void lora_flat_from_outputs(const struct lora_ports *ports, const uint32_t *record, uint32_t *bits);

/* Ones where a bit of these outputs matters: fields beside their valid, results below their count. As a record. */
void lora_flat_mask(const struct lora_ports *ports, const uint32_t *outputs, uint32_t *mask);

#endif
