#include "sim/lora_ports.h"

#include <string.h>

uint64_t bits_get(const uint32_t *vector, uint64_t position, uint32_t n)
{
    uint64_t value = 0;
    for (uint32_t done = 0; done < n;) {
        uint32_t offset = (uint32_t)((position + done) % 32), take = 32 - offset < n - done ? 32 - offset : n - done;
        uint64_t part = ((uint64_t)vector[(position + done) / 32] >> offset) & (((uint64_t)1 << take) - 1);
        value |= part << done;
        done += take;
    }
    return value;
}

void bits_put(uint32_t *vector, uint64_t position, uint32_t n, uint64_t value)
{
    for (uint32_t done = 0; done < n;) {
        uint32_t offset = (uint32_t)((position + done) % 32), take = 32 - offset < n - done ? 32 - offset : n - done;
        uint64_t mask = (((uint64_t)1 << take) - 1) << offset;
        uint32_t *word = &vector[(position + done) / 32];
        *word = (uint32_t)((*word & ~mask) | (((value >> done) << offset) & mask));
        done += take;
    }
}

/* Bits of a number from 0 to `most`. */
static uint32_t bits_for(uint32_t most)
{
    uint32_t bits = 1;
    while (most >> bits) {
        bits++;
    }
    return bits;
}

struct lora_ports lora_ports(const struct lora_geometry *unit)
{
    struct lora_ports ports = {.unit = *unit};
    const struct lora_geometry *u = unit;
    const struct lora_port_place places[LORA_PORTS] = {
#define INPUT(name, bits) {#name, "_i", true, (bits), 0},
#define OUTPUT(name, bits) {#name, "_o", false, (bits), 0},
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
    };
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        uint32_t *used = places[p].input ? &ports.input_words : &ports.output_words;
        ports.port[p] = places[p];
        ports.port[p].offset_words = *used;
        *used += (places[p].bits + 31) / 32;
    }
    return ports;
}

static void put(const struct lora_ports *ports, uint32_t *record, enum lora_port port, uint32_t element, uint32_t bits, uint64_t value)
{
    bits_put(record + ports->port[port].offset_words, (uint64_t)element * bits, bits, value);
}

static uint64_t get(const struct lora_ports *ports, const uint32_t *record, enum lora_port port, uint32_t element, uint32_t bits)
{
    return bits_get(record + ports->port[port].offset_words, (uint64_t)element * bits, bits);
}

static int64_t get_signed(const struct lora_ports *ports, const uint32_t *record, enum lora_port port, uint32_t element, uint32_t bits)
{
    uint64_t sign = (uint64_t)1 << (bits - 1);
    return (int64_t)((get(ports, record, port, element, bits) ^ sign) - sign);
}

static void pack_job(const struct lora_ports *ports, const struct lora_job *job, uint32_t g, uint32_t *record)
{
    put(ports, record, PORT_job_rank, g, 8, job->rank);
    put(ports, record, PORT_job_pairs, g, GROUP_LINEARS_MAX, job->pairs);
    put(ports, record, PORT_job_inputs, g, 20, job->inputs);
    put(ports, record, PORT_job_beat_elements, g, 11, job->beat_elements);
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        put(ports, record, PORT_job_outputs, g * GROUP_LINEARS_MAX + i, 20, job->outputs[i]);
        put(ports, record, PORT_job_base_exponent, g * GROUP_LINEARS_MAX + i, 16, (uint64_t)job->base_exponent[i]);
    }
    put(ports, record, PORT_job_a_address, g, 32, job->a_address_words);
    put(ports, record, PORT_job_b_address, g, 32, job->b_address_words);
    put(ports, record, PORT_job_a_delay, g, 16, job->a_delay_cycles);
    put(ports, record, PORT_job_a_pause, g, 16, job->a_pause_cycles);
    put(ports, record, PORT_job_b_pause, g, 16, job->b_pause_cycles);
}

static void unpack_job(const struct lora_ports *ports, const uint32_t *record, uint32_t g, struct lora_job *job)
{
    job->rank = (uint32_t)get(ports, record, PORT_job_rank, g, 8);
    job->pairs = (uint32_t)get(ports, record, PORT_job_pairs, g, GROUP_LINEARS_MAX);
    job->inputs = (uint32_t)get(ports, record, PORT_job_inputs, g, 20);
    job->beat_elements = (uint32_t)get(ports, record, PORT_job_beat_elements, g, 11);
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        job->outputs[i] = (uint32_t)get(ports, record, PORT_job_outputs, g * GROUP_LINEARS_MAX + i, 20);
        job->base_exponent[i] = (int32_t)get_signed(ports, record, PORT_job_base_exponent, g * GROUP_LINEARS_MAX + i, 16);
    }
    job->a_address_words = (uint32_t)get(ports, record, PORT_job_a_address, g, 32);
    job->b_address_words = (uint32_t)get(ports, record, PORT_job_b_address, g, 32);
    job->a_delay_cycles = (uint32_t)get(ports, record, PORT_job_a_delay, g, 16);
    job->a_pause_cycles = (uint32_t)get(ports, record, PORT_job_a_pause, g, 16);
    job->b_pause_cycles = (uint32_t)get(ports, record, PORT_job_b_pause, g, 16);
}

void lora_ports_pack_inputs(const struct lora_ports *ports, const struct lora_inputs *in, uint32_t *record)
{
    uint32_t elements = ports->unit.link_elements;
    memset(record, 0, ports->input_words * sizeof *record);
    put(ports, record, PORT_rst, 0, 1, in->reset);
    put(ports, record, PORT_abort, 0, 1, in->abort);
    put(ports, record, PORT_request_ready, 0, 1, in->request_ready);
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        put(ports, record, PORT_x_valid, g, 1, in->x_valid[g]);
        put(ports, record, PORT_delta_ready, g, 1, in->delta_ready[g]);
        if (in->x_valid[g]) {
            memcpy((uint8_t *)(record + ports->port[PORT_x_data].offset_words) + (size_t)g * elements, in->x[g], elements);
            pack_job(ports, &in->job[g], g, record);
        }
    }
    uint32_t count_bits = ports->port[PORT_word_count].bits, width = ports->unit.sram_width_bits;
    put(ports, record, PORT_word_count, 0, count_bits, in->word_count);
    for (uint64_t bit = 0, n = (uint64_t)in->word_count * width; bit < n; bit += 32) {
        uint32_t part = n - bit < 32 ? (uint32_t)(n - bit) : 32;
        bits_put(record + ports->port[PORT_word_data].offset_words, bit, part, bits_get(in->words, bit, part));
    }
}

void lora_ports_unpack_inputs(const struct lora_ports *ports, const uint32_t *record, int8_t *beats, struct lora_inputs *in)
{
    uint32_t elements = ports->unit.link_elements;
    *in = (struct lora_inputs){
        .reset = get(ports, record, PORT_rst, 0, 1),
        .abort = get(ports, record, PORT_abort, 0, 1),
        .request_ready = get(ports, record, PORT_request_ready, 0, 1),
        .word_count = (uint32_t)get(ports, record, PORT_word_count, 0, ports->port[PORT_word_count].bits),
        .words = record + ports->port[PORT_word_data].offset_words,
    };
    memcpy(beats, record + ports->port[PORT_x_data].offset_words, (size_t)LINEAR_GROUPS * elements);
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        in->x_valid[g] = get(ports, record, PORT_x_valid, g, 1);
        in->delta_ready[g] = get(ports, record, PORT_delta_ready, g, 1);
        in->x[g] = beats + (size_t)g * elements;
        unpack_job(ports, record, g, &in->job[g]);
    }
}

static bool any(const bool of_group[LINEAR_GROUPS])
{
    bool some = false;
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        some |= of_group[g];
    }
    return some;
}

void lora_ports_pack_outputs(const struct lora_ports *ports, const struct lora_outputs *out, uint32_t *record)
{
    memset(record, 0, ports->output_words * sizeof *record);
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        put(ports, record, PORT_x_ready, g, 1, out->x_ready[g]);
        put(ports, record, PORT_delta_open, g, 1, out->delta_open[g]);
        put(ports, record, PORT_delta_valid, g, 1, out->delta_valid[g]);
    }
    put(ports, record, PORT_busy, 0, 1, out->busy);
    put(ports, record, PORT_aborted, 0, 1, out->aborted);
    if (out->request_valid) {
        put(ports, record, PORT_request_valid, 0, 1, 1);
        put(ports, record, PORT_request_address, 0, 32, out->request_address_words);
        put(ports, record, PORT_request_words, 0, 32, out->request_words);
        put(ports, record, PORT_request_first_rows, 0, 16, out->request_first_rows);
        put(ports, record, PORT_request_block_rows, 0, 16, out->request_block_rows);
        put(ports, record, PORT_request_pause, 0, 16, out->request_pause_cycles);
    }
    if (any(out->delta_valid)) {
        put(ports, record, PORT_delta_last, 0, 1, out->delta_last);
        put(ports, record, PORT_delta_abort, 0, 1, out->delta_abort);
        put(ports, record, PORT_delta_count, 0, ports->port[PORT_delta_count].bits, out->delta_count);
        for (uint32_t i = 0; i < out->delta_count && i < ports->unit.drain_elements; i++) {
            put(ports, record, PORT_delta_data, i, 40, (uint64_t)out->delta[i]);
        }
    }
}

void lora_ports_unpack_outputs(const struct lora_ports *ports, const uint32_t *record, struct lora_outputs *out)
{
    int64_t *delta = out->delta;
    *out = (struct lora_outputs){
        .busy = get(ports, record, PORT_busy, 0, 1),
        .aborted = get(ports, record, PORT_aborted, 0, 1),
        .request_valid = get(ports, record, PORT_request_valid, 0, 1),
        .request_address_words = (uint32_t)get(ports, record, PORT_request_address, 0, 32),
        .request_words = (uint32_t)get(ports, record, PORT_request_words, 0, 32),
        .request_first_rows = (uint32_t)get(ports, record, PORT_request_first_rows, 0, 16),
        .request_block_rows = (uint32_t)get(ports, record, PORT_request_block_rows, 0, 16),
        .request_pause_cycles = (uint32_t)get(ports, record, PORT_request_pause, 0, 16),
        .delta_last = get(ports, record, PORT_delta_last, 0, 1),
        .delta_abort = get(ports, record, PORT_delta_abort, 0, 1),
        .delta_count = (uint32_t)get(ports, record, PORT_delta_count, 0, ports->port[PORT_delta_count].bits),
        .delta = delta,
    };
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        out->x_ready[g] = get(ports, record, PORT_x_ready, g, 1);
        out->delta_open[g] = get(ports, record, PORT_delta_open, g, 1);
        out->delta_valid[g] = get(ports, record, PORT_delta_valid, g, 1);
    }
    for (uint32_t i = 0; any(out->delta_valid) && i < out->delta_count && i < ports->unit.drain_elements; i++) {
        out->delta[i] = get_signed(ports, record, PORT_delta_data, i, 40);
    }
}

enum lora_port lora_ports_differ(const struct lora_ports *ports, const uint32_t *a, const uint32_t *b)
{
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *place = &ports->port[p];
        if (!place->input && memcmp(a + place->offset_words, b + place->offset_words, (place->bits + 31) / 32 * sizeof *a) != 0) {
            return p;
        }
    }
    return LORA_PORTS;
}
