/* Area, energy and cost: a chip and a run counted by hand, what must add up, and what must grow with what. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/physical_report.h"
#include "sim/run.h"
#include "tests/unit/check.h"

/* --- counted by hand --- */

/* Two layers, d = 4, 2 heads of 2 and one of K and V, ff = 6, 10 tokens; tiles of 4 rows, 2 read a cycle. Arrays: 4 -> 8, 4 -> 4, 4 -> 12, 6 -> 4, and
 * the head 4 -> 10; only Wdown has two tiles. */
static void counts_a_small_chip(void)
{
    const struct shape shape = {
        .n_layers = 2, .d_model = 4, .n_heads = 2, .n_kv_heads = 1, .head_dim = 2, .d_ff = 6, .n_vocab = 10, .context_tokens = 8};
    struct chip_config c;
    struct silicon s;
    config_defaults(&c);
    c.rom_tile_rows = 4;
    c.rom_rows_per_cycle = 2;
    c.rom_drain_elements = 3;
    c.lora_lanes = 8;
    c.attention_lanes = 16;
    c.attention_softmax_lanes = 2;
    c.norm_lanes = 3;
    c.rope_lanes = 5;
    c.silu_lanes = 7;
    c.sampler_lanes = 11;
    c.sram_banks = 4;
    c.sram_depth_words = 16;
    c.sram_width_bits = 32;
    c.sram_ports = 2;
    c.link_depth = 3;
    /* linears 2 * (8 * 18 + 4 * 18 + 12 * 18 + 4 * 24), norms 5 * 4 * 16, embedding and head 10 * (4 * 6 + 6) each */
    silicon_count(&c, &shape, 1056 + 320 + 2 * 300, &s);
    CHECK_NEAR(s.rom_store_bits, 300, 0);
    CHECK_NEAR(s.rom_bits, 1676, 0);
    CHECK_NEAR(s.layers_rom_bits, 1376, 0);
    CHECK_NEAR(s.head_rom_bits, 300, 0);
    CHECK_NEAR(s.rom_accumulators, 2 * (8 + 4 + 12 + 2 * 4) + 10, 0);
    CHECK_NEAR(s.rom_adders, 2 * 2 * (8 + 4 + 12 + 2 * 4) + 2 * 2 * 10, 0); /* the head's weights have 6 bits */
    CHECK_NEAR(s.rom_multipliers, 2 * 2 * 8 * (3 + 1 + 2 + 2) + 2 * 8 * 2, 0);
    CHECK_NEAR(s.rom_tree_adders, 2 * 3, 0);
    CHECK_NEAR(s.layers_adds, 2 * (32 + 16 + 48 + 24), 0);
    CHECK_NEAR(s.head_adds, 80, 0);
    CHECK_NEAR(s.layers_inputs, 2 * (4 + 4 + 4 + 6), 0);
    CHECK_NEAR(s.lora_link_bits, 2 * (18 * 8 + 28 * 40), 0);
    CHECK_NEAR(s.layers_link_bits, 2 * (18 * 8 + 28 * 40 + 4 * 8 + 2 * 4 * 32) + 4 * 32, 0);
    CHECK_NEAR(s.head_link_bits, 4 * 8 + 10 * 40, 0);
    CHECK_NEAR(s.buffer_bits, 3 * (3232 + 2528 + 32), 0);
    CHECK_NEAR(s.lora_lanes, 16, 0);
    CHECK_NEAR(s.attention_lanes, 32, 0);
    CHECK_NEAR(s.softmax_lanes, 4, 0);
    CHECK_NEAR(s.vector_lanes, 2 * (2 * 3 + 5 + 7) + 3 + 11, 0);
    CHECK_NEAR(s.sram_bits, 2 * 4 * 16 * 32, 0);
    CHECK_NEAR(s.layers_vector_elements, 2 * (2 * 4 + 4 + 4 + 6) + 4, 0);
    CHECK_NEAR(s.row_macs, 4, 0);
    CHECK_NEAR(s.row_exponentials, 1, 0);
    c.rom_array_macs = 12; /* arrays of 16, 8, 24 and 16 in a cycle, the head of 20: 8, 4, 12 and 8 columns, 10 */
    silicon_count(&c, &shape, 1056 + 320 + 2 * 300, &s);
    CHECK_NEAR(s.rom_adders, 2 * (12 + 8 + 12 + 12) + 2 * 12, 0);
    CHECK_NEAR(s.rom_accumulators, 2 * (8 + 4 + 12 + 8) + 10, 0);
    c.rom_array_macs = 5;
    silicon_count(&c, &shape, 1056 + 320 + 2 * 300, &s);
    CHECK_NEAR(s.rom_accumulators, 2 * (5 + 4 + 5 + 5) + 5, 0);
}

static const struct constants round_constants = {
    .logic_gate_um2 = 1,
    .logic_gate_transistors = 4,
    .logic_leakage_w_per_mm2 = 0.1,
    .clock_nj_per_mm2 = 0.25,
    .clock_idle_fraction = 0.2,
    .matrix_gates_per_bit = 0.01,
    .rom_cell_um2 = 0.01,
    .rom_array_factor = 2,
    .rom_store_factor = 3,
    .rom_bit_transistors = 1,
    .rom_adder_gates = 10,
    .rom_accumulator_gates = 20,
    .rom_multiplier_gates = 100,
    .rom_tree_gates = 100,
    .rom_read_pj_per_bit = 0.01,
    .rom_add_pj = 0.05,
    .rom_leakage_w_per_mm2 = 0.01,
    .sram_bitcell_um2 = 0.05,
    .sram_efficiency = 0.5,
    .sram_port_factor = 0.5,
    .sram_bit_transistors = 6,
    .sram_access_pj_per_bit = 0.5,
    .sram_leakage_w_per_mm2 = 0.02,
    .bond_pj_per_bit = 0.3,
    .bond_usd = 20,
    .bond_yield = 0.8,
    .lora_lane_gates = 1000,
    .attention_lane_gates = 1000,
    .attention_softmax_lane_gates = 2000,
    .vector_lane_gates = 1000,
    .compute_mac_pj = 0.1,
    .compute_vector_pj = 2,
    .link_buffer_um2_per_bit = 0.1,
    .link_buffer_bit_transistors = 8,
    .link_wire_pj_per_bit_mm = 0.1,
    .host_phy_mm2 = 15,
    .host_pj_per_bit = 10,
    .chip_overhead_fraction = 0.25,
    .card_regulator_efficiency = 0.8,
    .card_board_w = 10,
    .server_host_w = 100,
    .server_supply_efficiency = 0.9,
    .cost_wafer_usd = 6400,
    .cost_defects_per_cm2 = 0.1,
    .cost_repaired_fraction = 0.5,
    .cost_package_usd = 40,
    .cost_board_usd = 50,
    .cost_server_usd = 5000,
    .cost_price_factor = 2,
    .cost_years = 2,
    .cost_utilisation = 0.5,
    .cost_electricity_usd_per_kwh = 0.1,
    .cost_facility_factor = 1.5,
};
static const struct silicon round_silicon = {
    .rom_bits = 1e9,
    .rom_store_bits = 1e8,
    .rom_adders = 1e6,
    .rom_accumulators = 5e5,
    .rom_multipliers = 1e4,
    .rom_tree_adders = 1e4,
    .sram_bits = 1e8,
    .sram_ports = 2,
    .lora_lanes = 1000,
    .attention_lanes = 1000,
    .softmax_lanes = 500,
    .vector_lanes = 1000,
    .buffer_bits = 1e7,
    .cards = 10,
    .clock_mhz = 1000,
    .blocks = 4,
    .layers_rom_bits = 8e8,
    .head_rom_bits = 1e8,
    .layers_adds = 3e8,
    .head_adds = 4e7,
    .layers_inputs = 1e5,
    .head_inputs = 1e4,
    .product_wires = 100,
    .layers_link_bits = 1e6,
    .head_link_bits = 2e5,
    .lora_link_bits = 1e5,
    .layers_vector_elements = 1e5,
    .head_vector_elements = 1e5,
    .row_macs = 1000,
    .row_exponentials = 10,
    .sram_word_bits = 64,
};
static const struct activity round_activity = {
    .seconds = 2,
    .layer_tokens = 1e6,
    .head_tokens = 5e5,
    .generated_tokens = 5e5,
    .kv_rows_read = 1e8,
    .lora_words = 6e9,
    .sram_words = 1e10,
    .host_bytes = 1e9,
    .rom_busy = 0.5,
    .lora_busy = 0.25,
    .attention_busy = 0.125,
    .vector_busy = 0.75,
};

static void a_die_by_hand(void)
{
    /* mm2: 20 + 3, 22, 100 Mbit * 0.05 / 0.5 * 1.5, 1, 1 + 1, 1, 1, 15: 80; a quarter more is 100 */
    static const double area[COMPONENTS] = {23, 22, 15, 1, 2, 1, 1, 15, 20};
    struct physical p;
    physical_die(&round_constants, &round_silicon, &p);
    for (int i = 0; i < COMPONENTS; i++) {
        CHECK_NEAR(p.area_mm2[i], area[i], 1e-12);
    }
    CHECK_NEAR(p.die_mm2, 100, 1e-12);
    CHECK_NEAR(p.die_transistors, 1.1e9 + 4 * 26e6 + 6e8 + 8e7, 1);
    CHECK_NEAR(p.idle_clock_w, 0.05 * 42, 1e-12); /* 0.25 nJ a cycle at 1 GHz, a fifth of it */
    CHECK_NEAR(p.static_w, 0.05 * 42 + 0.1 * 42 + 0.01 * 23 + 0.02 * 15, 1e-12);
    CHECK_NEAR(p.dies_per_wafer, 640, 0);  /* 706.86 - 66.64 */
    CHECK_NEAR(p.yield, 0.9514276, 1e-7);  /* ((1 - exp(-0.05)) / 0.05)^2 */
    CHECK_NEAR(p.die_usd, 10.5105, 1e-4);  /* 10 / yield */
    CHECK_NEAR(p.card_usd, 201.021, 1e-3); /* (die + 40 + 50) * 2 */
}

/* SRAM's 15 mm2 and a quarter more have a die of their own. Both are tested, then bonded, and four pairs of five are good. */
static void two_dies_by_hand(void)
{
    struct silicon s = round_silicon;
    struct physical p, one;
    s.sram_second_die = true;
    physical_die(&round_constants, &round_silicon, &one);
    physical_run(&round_constants, &round_silicon, &round_activity, &one);
    CHECK_NEAR(one.second_die_mm2, 0, 0);
    physical_die(&round_constants, &s, &p);
    physical_run(&round_constants, &s, &round_activity, &p);
    CHECK_NEAR(p.second_die_mm2, 18.75, 1e-12);
    CHECK_NEAR(p.die_mm2, 100, 1e-12); /* both */
    CHECK_NEAR(p.die_transistors, one.die_transistors, 0);
    CHECK_NEAR(p.static_w, one.static_w, 0);
    CHECK_NEAR(p.dies_per_wafer, 796, 0); /* of 81.25 mm2 */
    CHECK_NEAR(p.yield, 0.9603212, 1e-7);
    CHECK_NEAR(p.die_usd, 37.69872, 1e-5);                                                          /* (8.372408 + 1.786569 + 20) / 0.8 */
    CHECK_NEAR(p.card_usd, 255.39744, 1e-4);                                                        /* (dies + 40 + 50) * 2 */
    CHECK_NEAR(p.dynamic_j[COMPONENT_sram], 0.32 + 0.192, 1e-12);                                   /* 640 Gbit over the bond */
    CHECK_NEAR(p.dynamic_j[COMPONENT_links] / one.dynamic_j[COMPONENT_links], sqrt(0.8125), 1e-12); /* a smaller die has shorter wires */
}

static void a_run_by_hand(void)
{
    /* J; wires are sqrt(100 / 4) mm. Last: the clock of 22 / 2 + 1 / 4 + 2 / 8 + 2 * 3 / 4 = 13 mm2 at work, four fifths of 0.25 W each for 2 s */
    static const double dynamic[COMPONENTS] = {8.5, 16 + 5.25, 0.32, 0.0064, 0.012, 0.3, 0.55, 0.08, 5.2};
    struct physical p;
    physical_die(&round_constants, &round_silicon, &p);
    physical_run(&round_constants, &round_silicon, &round_activity, &p);
    for (int i = 0; i < COMPONENTS; i++) {
        CHECK_NEAR(p.dynamic_j[i], dynamic[i], 1e-12);
    }
    CHECK_NEAR(p.run_dynamic_j, 36.2184, 1e-10);
    CHECK_NEAR(p.run_j, 36.2184 + 2 * 6.83, 1e-10);
    CHECK_NEAR(p.energy_mj_per_token, 0.0997568, 1e-10);
    CHECK_NEAR(physical_dynamic_mj_per_token(&p), 0.0724368, 1e-10);
    CHECK_NEAR(p.die_w, 24.9392, 1e-10);
    CHECK_NEAR(p.card_w, 41.174, 1e-10);
    CHECK_NEAR(p.server_w, 568.6, 1e-4);                                  /* (411.74 + 100) / 0.9 */
    CHECK_NEAR(p.server_mj_per_token, 0.22744, 1e-8);                     /* for 2 s, 5 M tokens */
    CHECK_NEAR(p.capital_usd_per_million_tokens, 8.88561e-5, 1e-9);       /* 701.021 USD / (125,000 tokens/s * 2 years) */
    CHECK_NEAR(p.electricity_usd_per_million_tokens, 1.476133e-5, 1e-10); /* half of the time 56.86 W, half of it 31.71 W */
}

/* Nothing is counted for a host. */
static void a_card_alone_by_hand(void)
{
    struct silicon s = round_silicon;
    struct physical p;
    s.cards = 0;
    physical_die(&round_constants, &s, &p);
    physical_run(&round_constants, &s, &round_activity, &p);
    CHECK_NEAR(p.card_w, 41.174, 1e-10);
    CHECK_NEAR(p.server_w, 0, 0);
    CHECK_NEAR(p.server_mj_per_token, 0, 0);
    CHECK_NEAR(p.capital_usd_per_million_tokens, 2.54799e-5, 1e-9);       /* 201.021 USD */
    CHECK_NEAR(p.electricity_usd_per_million_tokens, 1.105763e-5, 1e-10); /* 45.75 W and 20.60 W */
}

/* The circuits beside a ROM of 1 Gbit, a hundredth of a gate each: 10 mm2, and a quarter more. */
static void circuits_beside_the_rom_take_area(void)
{
    struct silicon s = round_silicon;
    struct physical p;
    s.matrix_logic_bits = 1e9;
    physical_die(&round_constants, &s, &p);
    CHECK_NEAR(p.area_mm2[COMPONENT_rom_logic], 32, 1e-12);
    CHECK_NEAR(p.die_mm2, 112.5, 1e-12);
}

/* --- how sure --- */

/* A die with one uncertain constant is as uncertain as that; with two, ln adds up as the root of squares. */
static void likely_ranges_by_hand(void)
{
    static struct physics p;
    static struct uncertainty u;
    for (enum corner c = 0; c < CORNERS; c++) {
        p.corner[c] = round_constants;
    }
    uncertainty_of(&p, &round_silicon, &round_activity, NULL, &u);
    CHECK_NEAR(u.nominal[PHYSICAL_area_mm2], 100, 1e-12);
    CHECK_NEAR(u.likely[PHYSICAL_area_mm2].low, 100, 1e-12);
    CHECK_NEAR(u.likely[PHYSICAL_area_mm2].high, 100, 1e-12);
    int most[3];
    CHECK_EQ_INT(uncertainty_most(&u, PHYSICAL_area_mm2, most, 3), 0);
    p.corner[CORNER_HIGH].host_phy_mm2 = 31; /* 16 mm2 and a quarter more: 120 */
    p.corner[CORNER_LOW].host_phy_mm2 = 7;   /* 90 */
    p.corner[CORNER_HIGH].sram_bit_transistors = 7;
    p.corner[CORNER_HIGH].sram_bitcell_um2 = 0.05 * 7 / 3; /* 15 mm2 become 35: 125 */
    uncertainty_of(&p, &round_silicon, &round_activity, NULL, &u);
    CHECK_NEAR(u.alone[PHYSICAL_area_mm2][CONSTANT_host_phy_mm2].low, 90, 1e-12);
    CHECK_NEAR(u.alone[PHYSICAL_area_mm2][CONSTANT_host_phy_mm2].high, 120, 1e-12);
    CHECK_NEAR(u.likely[PHYSICAL_area_mm2].low, 90, 1e-12);
    CHECK_NEAR(u.likely[PHYSICAL_area_mm2].high, 100 * exp(sqrt(log(1.2) * log(1.2) + log(1.25) * log(1.25))), 1e-9);
    CHECK_EQ_INT(uncertainty_most(&u, PHYSICAL_area_mm2, most, 3), 2);
    CHECK_EQ_INT(most[0], CONSTANT_host_phy_mm2); /* 90 to 120 is more than 100 to 125 */
    CHECK_EQ_INT(most[1], CONSTANT_sram_bitcell_um2);
    CHECK_EQ_INT(uncertainty_most(&u, PHYSICAL_area_mm2, most, 1), 1);
    CHECK_EQ_INT(most[0], CONSTANT_host_phy_mm2);
    static bool held[CONSTANT_COUNT];
    held[CONSTANT_host_phy_mm2] = true;
    uncertainty_of(&p, &round_silicon, &round_activity, held, &u);
    CHECK_NEAR(u.likely[PHYSICAL_area_mm2].low, 100, 1e-12);
    CHECK_NEAR(u.likely[PHYSICAL_area_mm2].high, 125, 1e-9);
}

/* --- laws --- */

static double sum_of(const double parts[COMPONENTS])
{
    double sum = 0;
    for (int i = 0; i < COMPONENTS; i++) {
        sum += parts[i];
    }
    return sum;
}

static const char prompt[] = "On Monday morning";
static bool execute(const char *const *adapters, int32_t n_adapters, int32_t sequences, struct run *run, struct error *e)
{
    struct run_options o = {.chip = "sample",
                            .model = "sample",
                            .prompt = prompt,
                            .prompt_bytes = sizeof prompt - 1,
                            .tokens = 12,
                            .sequences = sequences,
                            .adapters = adapters,
                            .n_adapters = n_adapters,
                            .top_p = 1,
                            .ignore_stop = true,
                            .engine = ENGINE_SKIP};
    if (!run_open(&o, run, e)) {
        return false;
    }
    if (!run_execute(run, e)) {
        run_close(run);
        return false;
    }
    return true;
}

static void parts_add_up(void)
{
    static struct run run;
    struct error e;
    struct physical corners[CORNERS];
    static const char *const adapters[] = {"clinical", "none"};
    REQUIRE_GOOD(execute(adapters, 2, 1, &run, &e), &e);
    physical_corners(&run.physics, run.chip, run.image.rom_bits, run.requests, run.n_requests, corners);
    for (enum corner c = 0; c < CORNERS; c++) {
        const struct physical *p = &corners[c];
        CHECK_NEAR(sum_of(p->area_mm2) / p->die_mm2, 1, 1e-14);
        CHECK_NEAR(sum_of(p->transistors) / p->die_transistors, 1, 1e-14);
        CHECK_NEAR((sum_of(p->leakage_w) + p->idle_clock_w) / p->static_w, 1, 1e-14);
        CHECK_NEAR(sum_of(p->dynamic_j) / p->run_dynamic_j, 1, 1e-14);
        CHECK_NEAR((p->run_dynamic_j + p->static_w * (double)run.chip->now * 1e-9) / p->run_j, 1, 1e-14); /* 1000 MHz */
        for (int i = 0; i < COMPONENT_overhead; i++) {
            CHECK(p->dynamic_j[i] > 0); /* everything worked: an adapter was loaded and used */
        }
        CHECK(c == CORNER_LOW || (p->die_mm2 > corners[c - 1].die_mm2 && p->run_j > corners[c - 1].run_j));
    }
    run_close(&run);
}

/* The activity is counted from requests and SRAM words; the words of K and V tell independently how many tokens went through the layers. */
/* LoRA at the ends, rank 16, 8 lanes: lane rows of 2 words. A block of the embedding's A has 9 + 16 rows and there are 2, B 19; the head has 25 and 2 x 19. */
static void counts_the_ends(void)
{
    const struct shape shape = {
        .n_layers = 2, .d_model = 4, .n_heads = 2, .n_kv_heads = 1, .head_dim = 2, .d_ff = 6, .n_vocab = 10, .context_tokens = 8};
    struct chip_config c;
    struct silicon none, embedding, both;
    config_defaults(&c);
    c.lora_lanes = 8;
    c.sram_width_bits = 32;
    c.link_depth = 3;
    silicon_count(&c, &shape, 2000, &none);
    c.lora_ends = ENDS_EMBEDDING;
    silicon_count(&c, &shape, 2000, &embedding);
    c.lora_ends = ENDS_BOTH;
    silicon_count(&c, &shape, 2000, &both);
    double words = 2 * (2 * 25 + 19), head_words = 2 * (25 + 2 * 19), bits = 8 * 8 + 4 * 40, head_bits = 4 * 8 + 10 * 40;
    CHECK_NEAR(none.embed_lora_link_bits + none.head_lora_link_bits, 0, 0);
    CHECK_NEAR(embedding.lora_lanes - none.lora_lanes, 8, 0);
    CHECK_NEAR(embedding.sram_bits - none.sram_bits, 4 * words * 32, 0);
    CHECK_NEAR(embedding.embed_lora_link_bits, bits, 0);
    CHECK_NEAR(embedding.head_lora_link_bits, 0, 0);
    CHECK_NEAR(embedding.buffer_bits - none.buffer_bits, 3 * bits, 0);
    CHECK_NEAR(both.lora_lanes - none.lora_lanes, 16, 0);
    CHECK_NEAR(both.sram_bits - none.sram_bits, 4 * (words + head_words) * 32, 0);
    CHECK_NEAR(both.head_lora_link_bits, head_bits, 0);
    CHECK_NEAR(both.buffer_bits - none.buffer_bits, 3 * (bits + head_bits), 0);
}

static void counts_what_the_chip_did(void)
{
    static struct run run;
    struct error e;
    struct silicon s;
    struct activity a;
    static const char *const adapters[] = {"clinical", "none"};
    REQUIRE_GOOD(execute(adapters, 2, 3, &run, &e), &e);
    silicon_count(&run.config, &run.image.model.shape, run.image.rom_bits, &s);
    activity_count(run.chip, run.requests, run.n_requests, &a);
    uint64_t written = 0;
    for (int32_t l = 0; l < run.chip->shape.n_layers; l++) {
        written += run.chip->layers[l].sram.words[SRAM_KV_WRITE];
    }
    CHECK_NEAR(a.layer_tokens * run.chip->shape.n_layers * 2 * run.chip->map.kv_row_words, (double)written, 0);
    CHECK_NEAR(a.lora_tokens * 2, a.layer_tokens, 0);
    CHECK_NEAR(a.generated_tokens, 6 * 12, 0);
    const struct model *m = &run.image.model;
    double bits = 16.0 * m->shape.d_model * (2 * m->shape.n_layers + 1);
    for (int32_t l = 0; l < m->shape.n_layers; l++) {
        for (enum linear which = 0; which < LINEAR_COUNT; which++) {
            bits += (double)matrix_rom_bits(&m->layers[l].linear[which]);
        }
    }
    CHECK_NEAR(s.layers_rom_bits, bits, 0);
    CHECK_NEAR(s.head_rom_bits, (double)matrix_rom_bits(&m->head), 0);
    run_close(&run);
}

/* Shares of the time in which units work, against the metrics of each kind: by weights for ROM arrays, by lanes for vector units. */
static void counts_who_worked(void)
{
    static struct run run;
    struct error e;
    struct activity a;
    static const char *const adapters[] = {"clinical"};
    REQUIRE_GOOD(execute(adapters, 1, 1, &run, &e), &e);
    activity_count(run.chip, run.requests, run.n_requests, &a);
    struct observation o = run_observe(&run);
    const struct shape *s = &run.chip->shape;
    const struct chip_config *c = &run.config;
    const double d = s->d_model, q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim, ff = s->d_ff, layers = s->n_layers;
    const struct {
        const char *metric;
        double size;
    } rom[] = {{"rom_qkv_busy_utilisation", layers * d * (q + 2 * kv)},
               {"rom_o_busy_utilisation", layers * q * d},
               {"rom_gate_up_busy_utilisation", layers * d * 2 * ff},
               {"rom_down_busy_utilisation", layers * ff * d},
               {"rom_head_busy_utilisation", 2.0 * d * s->n_vocab}},
      vector[] = {{"attention_norm_busy_utilisation", layers * c->norm_lanes},
                  {"ffn_norm_busy_utilisation", layers * c->norm_lanes},
                  {"final_norm_busy_utilisation", c->norm_lanes},
                  {"rope_busy_utilisation", layers * c->rope_lanes},
                  {"silu_busy_utilisation", layers * c->silu_lanes},
                  {"sampler_busy_utilisation", c->sampler_lanes}};
    double size = 0, busy = 0;
    for (size_t i = 0; i < sizeof rom / sizeof *rom; i++) {
        size += rom[i].size;
        busy += rom[i].size * metric_find(rom[i].metric)->value(&o);
    }
    CHECK(busy > 0);
    CHECK_NEAR(a.rom_busy / (busy / size), 1, 1e-12);
    size = busy = 0;
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++) {
        size += vector[i].size;
        busy += vector[i].size * metric_find(vector[i].metric)->value(&o);
    }
    CHECK_NEAR(a.vector_busy / (busy / size), 1, 1e-12);
    CHECK_NEAR(a.lora_busy / metric_find("lora_mac_busy_utilisation")->value(&o), 1, 1e-12);
    CHECK_NEAR(a.attention_busy / metric_find("attention_busy_utilisation")->value(&o), 1, 1e-12);
    run_close(&run);
}

static void nothing_moves_nothing_is_spent(void)
{
    static const struct activity rest = {.seconds = 3};
    struct physical p;
    physical_die(&round_constants, &round_silicon, &p);
    physical_run(&round_constants, &round_silicon, &rest, &p);
    CHECK_NEAR(p.run_dynamic_j, 0, 0);
    CHECK_NEAR(p.run_j, 3 * p.static_w, 1e-12);
    CHECK_NEAR(p.die_w, p.static_w, 0);
    CHECK_NEAR(p.energy_mj_per_token, 0, 0);
    CHECK_NEAR(physical_usd_per_million_tokens(&p), 0, 0);
    struct constants cold = round_constants;
    cold.clock_nj_per_mm2 = 0;
    physical_die(&cold, &round_silicon, &p);
    CHECK_NEAR(p.static_w, sum_of(p.leakage_w), 1e-12); /* without a clock: leakage only */
}

/* The same sequence twice over is exactly twice the energy for what moved. */
static void twice_the_tokens_twice_the_energy(void)
{
    static struct run run;
    struct error e;
    struct physical one[CORNERS], two[CORNERS];
    REQUIRE_GOOD(execute(NULL, 0, 1, &run, &e), &e);
    physical_corners(&run.physics, run.chip, run.image.rom_bits, run.requests, run.n_requests, one);
    run_close(&run);
    REQUIRE_GOOD(execute(NULL, 0, 2, &run, &e), &e);
    physical_corners(&run.physics, run.chip, run.image.rom_bits, run.requests, run.n_requests, two);
    run_close(&run);
    for (enum corner c = 0; c < CORNERS; c++) {
        CHECK_NEAR(two[c].run_dynamic_j / one[c].run_dynamic_j, 2, 1e-12);
        CHECK_NEAR(two[c].die_mm2, one[c].die_mm2, 0);
    }
}

/* A larger constant never makes area, energy or cost smaller; or never larger, where the list says LESS. This is what makes the corners brackets. */
static void results_follow_each_constant(void)
{
    struct silicon two_dies = round_silicon;
    two_dies.sram_second_die = true;
    two_dies.matrix_logic_bits = 1e9;
    for (int i = 0; i < CONSTANT_COUNT; i++) {
        struct constants k = round_constants;
        struct physical before, after;
        double *value = (double *)((char *)&k + constants[i].offset), sign = constants[i].effect == EFFECT_LESS ? -1 : 1;
        *value = fmin(constants[i].most, *value * 1.01);
        physical_die(&round_constants, &two_dies, &before);
        physical_run(&round_constants, &two_dies, &round_activity, &before);
        physical_die(&k, &two_dies, &after);
        physical_run(&k, &two_dies, &round_activity, &after);
        const double changes[] = {after.die_mm2 - before.die_mm2, after.die_transistors - before.die_transistors,
                                  after.run_j - before.run_j, after.card_w - before.card_w,
                                  physical_usd_per_million_tokens(&after) - physical_usd_per_million_tokens(&before)};
        bool moves = false;
        for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
            CHECK(sign * changes[c] >= 0);
            moves |= changes[c] != 0;
        }
        CHECK(moves); /* no constant is read by nobody */
    }
}

void suite_physical(void)
{
    suite_begin("physical");
    suite_add("a small chip counted by hand", counts_a_small_chip);
    suite_add("LoRA at embedding and head is counted", counts_the_ends);
    suite_add("a die by hand", a_die_by_hand);
    suite_add("two dies by hand", two_dies_by_hand);
    suite_add("a run by hand", a_run_by_hand);
    suite_add("a card alone by hand", a_card_alone_by_hand);
    suite_add("circuits beside the ROM take area", circuits_beside_the_rom_take_area);
    suite_add("likely ranges by hand", likely_ranges_by_hand);
    suite_add("components add up, everything that works is counted", parts_add_up);
    suite_add("activity against the chip's SRAM words, bits against the image", counts_what_the_chip_did);
    suite_add("who worked, against the units' metrics", counts_who_worked);
    suite_add("no traffic: static power alone", nothing_moves_nothing_is_spent);
    suite_add("twice the tokens, twice the dynamic energy", twice_the_tokens_twice_the_energy);
    suite_add("every constant counts, in its direction", results_follow_each_constant);
}
