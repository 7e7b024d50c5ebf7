#include "sim/lora_dpi.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/isa_table.h"
#include "sim/lora_flat.h"
#include "sim/lora_pins_model.h"
#include "sim/lora_rules.h"

struct dpi_unit {
    struct lora_unit *model;
    struct lora_ports ports;
    struct lora_rules rules;
    uint32_t *inputs, *outputs; /* records */
    int8_t *beats;              /* [LINEAR_GROUPS * link_elements] */
    int64_t *delta;             /* [drain_elements] */
};

/* Ranges are those of the chip's parameters. */
enum {
#define PARAM(section, name, default_value, low, high, unit, meaning) LOW_##section##_##name = (low), HIGH_##section##_##name = (high),
#define CHOICE(section, name, default_value, words, meaning)
#include "sim/params.def"
#undef PARAM
#undef CHOICE
};

static bool in_range(const char *name, int value, int low, int high)
{
    if (value < low || value > high) {
        fprintf(stderr, "lora_mac_ref: %s: expected %d to %d, found %d\n", name, low, high, value);
        return false;
    }
    return true;
}

static bool parameters_in_range(const struct chip_config *c, int inputs_max)
{
#define IN_RANGE(text, parameter) in_range(text, (int)c->parameter, LOW_##parameter, HIGH_##parameter)
    return IN_RANGE("LORA_LANES", lora_lanes) && IN_RANGE("LORA_LATENCY_CYCLES", lora_latency_cycles) &&
           IN_RANGE("SRAM_WIDTH_BITS", sram_width_bits) && IN_RANGE("SRAM_WAYS", sram_ways) && IN_RANGE("SRAM_PORTS", sram_ports) &&
           IN_RANGE("LINK_ELEMENTS", link_elements) && IN_RANGE("ROM_DRAIN_ELEMENTS", rom_drain_elements) &&
           IN_RANGE("SLOTS_RANK_MAX", slots_rank_max) && in_range("INPUTS_MAX", inputs_max, 1, INPUTS_MAX);
#undef IN_RANGE
}

static bool new_memory(struct dpi_unit *u, const struct lora_geometry *unit, int inputs_max, struct error *e)
{
    u->inputs = error_calloc(e, u->ports.input_words, sizeof *u->inputs, "the pins");
    u->outputs = error_calloc(e, u->ports.output_words, sizeof *u->outputs, "the pins");
    u->beats = error_calloc(e, (size_t)LINEAR_GROUPS * unit->link_elements, 1, "the pins");
    u->delta = error_calloc(e, unit->drain_elements, sizeof *u->delta, "the pins");
    u->model = lora_pins_model_open(unit, (uint32_t)inputs_max, e);
    return u->inputs && u->outputs && u->beats && u->delta && u->model;
}

void *lora_mac_dpi_open(int lora_lanes, int lora_latency_cycles, int sram_width_bits, int sram_ways, int sram_ports, int link_elements,
                        int rom_drain_elements, int slots_rank_max, int inputs_max, int input_bits, int output_bits)
{
    const struct chip_config config = {.lora_lanes = (uint32_t)lora_lanes,
                                       .lora_latency_cycles = (uint32_t)lora_latency_cycles,
                                       .sram_width_bits = (uint32_t)sram_width_bits,
                                       .sram_ways = (uint32_t)sram_ways,
                                       .sram_ports = (uint32_t)sram_ports,
                                       .link_elements = (uint32_t)link_elements,
                                       .rom_drain_elements = (uint32_t)rom_drain_elements,
                                       .slots_rank_max = (uint32_t)slots_rank_max};
    if (!parameters_in_range(&config, inputs_max)) {
        return NULL;
    }
    const struct lora_geometry unit = lora_geometry(&config);
    const struct lora_ports ports = lora_ports(&unit);
    const struct lora_flat flat = lora_flat(&ports);
    if (flat.input_bits != (uint32_t)input_bits || flat.output_bits != (uint32_t)output_bits) {
        fprintf(stderr, "lora_mac_ref: the ports have %d input and %d output bits, expected %u and %u with these parameters\n", input_bits,
                output_bits, flat.input_bits, flat.output_bits);
        return NULL;
    }
    struct error e = {0};
    struct dpi_unit *u = error_calloc(&e, 1, sizeof *u, "the reference");
    if (u) {
        u->ports = ports;
        lora_rules_open(&u->rules, &unit, (uint32_t)inputs_max);
    }
    if (!u || !new_memory(u, &unit, inputs_max, &e)) {
        fprintf(stderr, "lora_mac_ref: %s\n", e.message);
        lora_mac_dpi_close(u);
        return NULL;
    }
    return u;
}

int lora_mac_dpi_clock(void *unit, const uint32_t *inputs, uint32_t *outputs)
{
    struct dpi_unit *u = unit;
    struct lora_outputs out = {.delta = u->delta};
    struct lora_inputs in;
    struct error e = {0};
    lora_flat_to_inputs(&u->ports, inputs, u->inputs);
    lora_ports_unpack_inputs(&u->ports, u->inputs, u->beats, &in);
    u->model->outputs(u->model, &out);
    if (!lora_rules_check(&u->rules, &out, &in, &e)) {
        fprintf(stderr, "lora_mac_ref: the inputs break docs/lora_mac.md: %s\n", e.message);
        return 0;
    }
    if (u->rules.reset_seen) {
        u->model->clock(u->model, &in);
    }
    u->model->outputs(u->model, &out);
    lora_ports_pack_outputs(&u->ports, &out, u->outputs);
    lora_flat_from_outputs(&u->ports, u->outputs, outputs);
    return 1;
}

void lora_mac_dpi_close(void *unit)
{
    struct dpi_unit *u = unit;
    if (!u) {
        return;
    }
    if (u->model) {
        u->model->close(u->model);
    }
    free(u->inputs);
    free(u->outputs);
    free(u->beats);
    free(u->delta);
    free(u);
}
