#include "sim/physical.h"

#include <math.h>
#include <string.h>

static const double UM2_PER_MM2 = 1e6, MM2_PER_CM2 = 100, J_PER_PJ = 1e-12;

const char *const component_names[COMPONENTS] = {
#define COMPONENT(name, label) #name,
#include "sim/components.def"
#undef COMPONENT
};
const char *const component_labels[COMPONENTS] = {
#define COMPONENT(name, label) label,
#include "sim/components.def"
#undef COMPONENT
};

/* --- the die --- */

/* NAND2 equivalents of the components that are logic. */
static void count_gates(const struct constants *k, const struct silicon *s, double gates[COMPONENTS])
{
    memset(gates, 0, COMPONENTS * sizeof *gates);
    gates[COMPONENT_rom_logic] = s->rom_adders * k->rom_adder_gates + s->rom_accumulators * k->rom_accumulator_gates +
                                 s->rom_multipliers * k->rom_multiplier_gates + s->rom_tree_adders * k->rom_tree_gates +
                                 s->matrix_logic_bits * k->matrix_gates_per_bit;
    gates[COMPONENT_lora] = s->lora_lanes * k->lora_lane_gates;
    gates[COMPONENT_attention] = s->attention_lanes * k->attention_lane_gates + s->softmax_lanes * k->attention_softmax_lane_gates;
    gates[COMPONENT_vector] = s->vector_lanes * k->vector_lane_gates;
}

double physical_rom_mm2(const struct constants *k, double rom_bits, double rom_store_bits)
{
    return k->rom_cell_um2 * (rom_bits * k->rom_array_factor + rom_store_bits * k->rom_store_factor) / UM2_PER_MM2;
}

static void areas(const struct constants *k, const struct silicon *s, const double gates[COMPONENTS], struct physical *p)
{
    double ports = 1 + (s->sram_ports - 1) * k->sram_port_factor;
    for (int i = 0; i < COMPONENTS; i++) {
        p->area_mm2[i] = gates[i] * k->logic_gate_um2 / UM2_PER_MM2;
        p->transistors[i] = gates[i] * k->logic_gate_transistors;
    }
    p->area_mm2[COMPONENT_rom_cells] = physical_rom_mm2(k, s->rom_bits, s->rom_store_bits);
    p->transistors[COMPONENT_rom_cells] = (s->rom_bits + s->rom_store_bits) * k->rom_bit_transistors;
    p->area_mm2[COMPONENT_sram] = s->sram_bits * k->sram_bitcell_um2 / k->sram_efficiency * ports / UM2_PER_MM2;
    p->transistors[COMPONENT_sram] = s->sram_bits * k->sram_bit_transistors;
    p->area_mm2[COMPONENT_links] = s->buffer_bits * k->link_buffer_um2_per_bit / UM2_PER_MM2;
    p->transistors[COMPONENT_links] = s->buffer_bits * k->link_buffer_bit_transistors;
    p->area_mm2[COMPONENT_host] = k->host_phy_mm2;
    for (int i = 0; i < COMPONENT_overhead; i++) {
        p->die_mm2 += p->area_mm2[i];
        p->die_transistors += p->transistors[i];
    }
    p->area_mm2[COMPONENT_overhead] = p->die_mm2 * k->chip_overhead_fraction;
    p->die_mm2 += p->area_mm2[COMPONENT_overhead];
    p->second_die_mm2 = s->sram_second_die ? p->area_mm2[COMPONENT_sram] * (1 + k->chip_overhead_fraction) : 0;
}

static bool is_logic(int component)
{
    return component != COMPONENT_rom_cells && component != COMPONENT_sram && component != COMPONENT_overhead;
}

/* W of a square millimetre of logic at work. */
static double clock_w_per_mm2(const struct constants *k, const struct silicon *s)
{
    return k->clock_nj_per_mm2 * 1e-9 * s->clock_mhz * 1e6;
}

static void leak(const struct constants *k, const struct silicon *s, struct physical *p)
{
    for (int i = 0; i < COMPONENTS; i++) {
        p->leakage_w[i] = is_logic(i) ? p->area_mm2[i] * k->logic_leakage_w_per_mm2 : 0;
        p->idle_clock_w += is_logic(i) ? p->area_mm2[i] * clock_w_per_mm2(k, s) * k->clock_idle_fraction : 0;
    }
    p->leakage_w[COMPONENT_rom_cells] = p->area_mm2[COMPONENT_rom_cells] * k->rom_leakage_w_per_mm2;
    p->leakage_w[COMPONENT_sram] = p->area_mm2[COMPONENT_sram] * k->sram_leakage_w_per_mm2;
    p->static_w = p->idle_clock_w;
    for (int i = 0; i < COMPONENTS; i++) {
        p->static_w += p->leakage_w[i];
    }
}

/* A good die. A wafer of 300 mm: its area over the die's, less what its edge cuts off; Murphy's yield. A die that fits no wafer costs infinitely much. */
static double good_die_usd(const struct constants *k, double mm2, double *per_wafer, double *yield)
{
    const double diameter_mm = 300, pi = 3.14159265358979323846;
    double dies = pi * diameter_mm * diameter_mm / (4 * mm2) - pi * diameter_mm / sqrt(2 * mm2);
    double defects = mm2 / MM2_PER_CM2 * k->cost_defects_per_cm2 * (1 - k->cost_repaired_fraction);
    double good = -expm1(-defects) / defects;
    *per_wafer = dies > 0 ? floor(dies) : 0;
    *yield = good * good;
    return k->cost_wafer_usd / (*per_wafer * *yield);
}

static void price(const struct constants *k, struct physical *p)
{
    p->die_usd = good_die_usd(k, p->die_mm2 - p->second_die_mm2, &p->dies_per_wafer, &p->yield);
    if (p->second_die_mm2 > 0) {
        double per_wafer, yield;
        p->die_usd = (p->die_usd + good_die_usd(k, p->second_die_mm2, &per_wafer, &yield) + k->bond_usd) / k->bond_yield;
    }
    p->card_usd = (p->die_usd + k->cost_package_usd + k->cost_board_usd) * k->cost_price_factor;
}

void physical_die(const struct constants *k, const struct silicon *s, struct physical *p)
{
    double gates[COMPONENTS];
    *p = (struct physical){0};
    count_gates(k, s, gates);
    areas(k, s, gates, p);
    leak(k, s, p);
    price(k, p);
}

/* --- a run --- */

/* Clock of logic that works, on top of what gating leaves. Links work while their ends do: as the vector units. */
static double working_clock_j(const struct constants *k, const struct silicon *s, const struct activity *a, const struct physical *p)
{
    double mm2 = p->area_mm2[COMPONENT_rom_logic] * a->rom_busy + p->area_mm2[COMPONENT_lora] * a->lora_busy +
                 p->area_mm2[COMPONENT_attention] * a->attention_busy +
                 (p->area_mm2[COMPONENT_vector] + p->area_mm2[COMPONENT_links]) * a->vector_busy;
    return mm2 * clock_w_per_mm2(k, s) * (1 - k->clock_idle_fraction) * a->seconds;
}

static void dynamic(const struct constants *k, const struct silicon *s, const struct activity *a, struct physical *p)
{
    double block_mm = sqrt((p->die_mm2 - p->second_die_mm2) / s->blocks);
    double sram_pj_per_bit = k->sram_access_pj_per_bit + (s->sram_second_die ? k->bond_pj_per_bit : 0);
    double rom_bits = a->layer_tokens * s->layers_rom_bits + a->head_tokens * s->head_rom_bits;
    double adds = a->layer_tokens * s->layers_adds + a->head_tokens * s->head_adds;
    double lora_macs = a->lora_words * s->sram_word_bits / LORA_WEIGHT_BITS;
    double elements = a->layer_tokens * s->layers_vector_elements + a->head_tokens * s->head_vector_elements;
    double bits = a->layer_tokens * s->layers_link_bits + a->lora_tokens * s->lora_link_bits + a->head_tokens * s->head_link_bits +
                  a->embed_lora_tokens * s->embed_lora_link_bits + a->head_lora_tokens * s->head_lora_link_bits;
    double product_bits = (a->layer_tokens * s->layers_inputs + a->head_tokens * s->head_inputs) * s->product_wires;
    double pj[COMPONENTS] = {
        [COMPONENT_rom_cells] = rom_bits * k->rom_read_pj_per_bit,
        [COMPONENT_rom_logic] = adds * k->rom_add_pj + product_bits * block_mm * k->link_wire_pj_per_bit_mm,
        [COMPONENT_sram] = a->sram_words * s->sram_word_bits * sram_pj_per_bit,
        [COMPONENT_lora] = lora_macs * k->compute_mac_pj,
        [COMPONENT_attention] = a->kv_rows_read * (s->row_macs * k->compute_mac_pj + s->row_exponentials * k->compute_vector_pj),
        [COMPONENT_vector] = elements * k->compute_vector_pj,
        [COMPONENT_links] = bits * block_mm * k->link_wire_pj_per_bit_mm,
        [COMPONENT_host] = a->host_bytes * 8 * k->host_pj_per_bit,
        [COMPONENT_overhead] = working_clock_j(k, s, a, p) / J_PER_PJ,
    };
    p->run_dynamic_j = 0;
    for (int i = 0; i < COMPONENTS; i++) {
        p->dynamic_j[i] = pj[i] * J_PER_PJ;
        p->run_dynamic_j += p->dynamic_j[i];
    }
}

/* What a million tokens cost, if the chip went on as in the run for cost.utilisation of its years, and drew static power for the rest. */
static void cost(const struct constants *k, const struct silicon *s, const struct activity *a, struct physical *p)
{
    const double seconds_per_year = 365.25 * 24 * 3600, joule_per_kwh = 3.6e6;
    double tokens_per_s = a->generated_tokens / a->seconds * k->cost_utilisation;
    double host_w = s->cards > 0 ? k->server_host_w / s->cards : 0, host_usd = s->cards > 0 ? k->cost_server_usd / s->cards : 0;
    double capital_usd = p->card_usd + host_usd;
    double rest_w = p->static_w / k->card_regulator_efficiency + k->card_board_w + host_w, busy_w = p->card_w + host_w;
    double mean_w = (busy_w * k->cost_utilisation + rest_w * (1 - k->cost_utilisation)) / k->server_supply_efficiency;
    p->capital_usd_per_million_tokens = 1e6 * capital_usd / (tokens_per_s * k->cost_years * seconds_per_year);
    p->electricity_usd_per_million_tokens =
        1e6 * mean_w * k->cost_facility_factor / tokens_per_s / joule_per_kwh * k->cost_electricity_usd_per_kwh;
}

void physical_run(const struct constants *k, const struct silicon *s, const struct activity *a, struct physical *p)
{
    dynamic(k, s, a, p);
    p->run_j = p->run_dynamic_j + p->static_w * a->seconds;
    p->die_w = p->static_w + (a->seconds > 0 ? p->run_dynamic_j / a->seconds : 0);
    p->card_w = p->die_w / k->card_regulator_efficiency + k->card_board_w;
    p->server_w = s->cards > 0 ? (p->card_w * s->cards + k->server_host_w) / k->server_supply_efficiency : 0;
    if (a->generated_tokens > 0) {
        p->energy_mj_per_token = 1e3 * p->run_j / a->generated_tokens;
        p->server_mj_per_token = s->cards > 0 ? 1e3 * p->server_w * a->seconds / (a->generated_tokens * s->cards) : 0;
        cost(k, s, a, p);
    }
}

/* --- the list --- */

#define RESULT(stem, suffix, unit, better, known, shown, meaning, value) \
    static double value_##stem##_##suffix(const struct physical *p)      \
    {                                                                    \
        return (value);                                                  \
    }
#include "sim/physical_results.def"
#undef RESULT

const struct physical_result physical_results[PHYSICAL_RESULTS] = {
#define RESULT(stem, suffix, unit, better, known, shown, meaning, value) {#stem "_" #suffix, unit, meaning, shown, value_##stem##_##suffix},
#include "sim/physical_results.def"
#undef RESULT
};
