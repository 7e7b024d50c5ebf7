/* lora_ports.h -- the pins of the LoRA MAC unit as flat bit vectors: for the verilated RTL, waveforms, vectors and DPI. The list is lora_ports.def.
 *
 * One cycle's pins are a record of 32-bit words; each port begins at a word and lies there lowest bit first, as Verilator keeps wide ports.
 */
#ifndef ETCHSIM_LORA_PORTS_H
#define ETCHSIM_LORA_PORTS_H

#include "sim/lora_pins.h"

enum lora_port {
#define INPUT(name, bits) PORT_##name,
#define OUTPUT(name, bits) PORT_##name,
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
    LORA_PORTS
};

struct lora_port_place {
    const char *name;   /* "x_valid" */
    const char *suffix; /* "_i" or "_o" */
    bool input;
    uint32_t bits;
    uint32_t offset_words; /* in the record of inputs or of outputs */
};

struct lora_ports {
    struct lora_geometry unit;
    struct lora_port_place port[LORA_PORTS];
    uint32_t input_words, output_words; /* of the two records */
};

struct lora_ports lora_ports(const struct lora_geometry *unit);

/* Ports that do not matter in this cycle (no valid) are zero. */
void lora_ports_pack_inputs(const struct lora_ports *ports, const struct lora_inputs *in, uint32_t *record);
void lora_ports_pack_outputs(const struct lora_ports *ports, const struct lora_outputs *out, uint32_t *record);
/* beats [LINEAR_GROUPS * link_elements] and in->words point into what the caller owns: beats are copied there, words stay in the record. */
void lora_ports_unpack_inputs(const struct lora_ports *ports, const uint32_t *record, int8_t *beats, struct lora_inputs *in);
/* out->delta [drain_elements] is the caller's. */
void lora_ports_unpack_outputs(const struct lora_ports *ports, const uint32_t *record, struct lora_outputs *out);

/* The first port in which two records of outputs, as packed, differ; LORA_PORTS when they agree. */
enum lora_port lora_ports_differ(const struct lora_ports *ports, const uint32_t *a, const uint32_t *b);

/* n bits at a position of a bit vector, n up to 64. */
uint64_t bits_get(const uint32_t *vector, uint64_t position, uint32_t n);
void bits_put(uint32_t *vector, uint64_t position, uint32_t n, uint64_t value);

#endif
