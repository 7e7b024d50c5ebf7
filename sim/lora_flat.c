#include "sim/lora_flat.h"

#include <string.h>

enum { WORD_BITS = 32, RESULT_BITS = 40 };

struct lora_flat lora_flat(const struct lora_ports *ports)
{
    struct lora_flat flat = {.input_bits = 0};
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        uint32_t *used = ports->port[p].input ? &flat.input_bits : &flat.output_bits;
        flat.low[p] = *used;
        *used += ports->port[p].bits;
    }
    return flat;
}

uint32_t lora_flat_words(uint32_t bits)
{
    return (bits + WORD_BITS - 1) / WORD_BITS;
}

static void copy(const uint32_t *from, uint32_t from_bit, uint32_t *to, uint32_t to_bit, uint32_t bits)
{
    for (uint32_t done = 0; done < bits; done += WORD_BITS) {
        uint32_t part = bits - done < WORD_BITS ? bits - done : WORD_BITS;
        bits_put(to, to_bit + done, part, bits_get(from, from_bit + done, part));
    }
}

static void flatten(const struct lora_ports *ports, bool inputs, const uint32_t *record, uint32_t *bits)
{
    const struct lora_flat flat = lora_flat(ports);
    memset(bits, 0, lora_flat_words(inputs ? flat.input_bits : flat.output_bits) * sizeof *bits);
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *place = &ports->port[p];
        if (place->input == inputs) {
            copy(record + place->offset_words, 0, bits, flat.low[p], place->bits);
        }
    }
}

void lora_flat_from_inputs(const struct lora_ports *ports, const uint32_t *record, uint32_t *bits)
{
    flatten(ports, true, record, bits);
}

void lora_flat_from_outputs(const struct lora_ports *ports, const uint32_t *record, uint32_t *bits)
{
    flatten(ports, false, record, bits);
}

void lora_flat_to_inputs(const struct lora_ports *ports, const uint32_t *bits, uint32_t *record)
{
    const struct lora_flat flat = lora_flat(ports);
    memset(record, 0, ports->input_words * sizeof *record);
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *place = &ports->port[p];
        if (place->input) {
            copy(bits, flat.low[p], record + place->offset_words, 0, place->bits);
        }
    }
}

/* -- what matters -- */

static uint64_t field(const struct lora_ports *ports, const uint32_t *outputs, enum lora_port port)
{
    return bits_get(outputs + ports->port[port].offset_words, 0, ports->port[port].bits);
}

/* The lowest `bits` of a port. */
static void care(const struct lora_ports *ports, enum lora_port port, uint32_t bits, uint32_t *mask)
{
    for (uint32_t done = 0; done < bits; done += WORD_BITS) {
        bits_put(mask + ports->port[port].offset_words, done, bits - done < WORD_BITS ? bits - done : WORD_BITS, UINT32_MAX);
    }
}

void lora_flat_mask(const struct lora_ports *ports, const uint32_t *outputs, uint32_t *mask)
{
    const bool request = field(ports, outputs, PORT_request_valid) != 0, beat = field(ports, outputs, PORT_delta_valid) != 0;
    memset(mask, 0, ports->output_words * sizeof *mask);
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        uint32_t bits = ports->port[p].bits;
        switch (p) {
        case PORT_request_address:
        case PORT_request_words:
        case PORT_request_first_rows:
        case PORT_request_block_rows:
        case PORT_request_pause: bits = request ? bits : 0; break;
        case PORT_delta_count:
        case PORT_delta_last:
        case PORT_delta_abort: bits = beat ? bits : 0; break;
        case PORT_delta_data: bits = beat ? RESULT_BITS * (uint32_t)field(ports, outputs, PORT_delta_count) : 0; break;
        default: break;
        }
        if (!ports->port[p].input) {
            care(ports, p, bits, mask);
        }
    }
}
