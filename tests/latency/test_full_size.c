/* Chips of real size: what was published of them, and what they were fitted to. */
#include <string.h>

#include "sim/params.h"
#include "sim/presets.h"
#include "sim/run.h"
#include "tests/unit/check.h"

static bool run(const char *chip, const char *model, int32_t prompt, int32_t tokens, struct run *run, struct error *e)
{
    struct run_options options = {.chip = chip,
                                  .model = model,
                                  .prompt_tokens = prompt,
                                  .tokens = tokens,
                                  .sequences = 1,
                                  .top_p = 1,
                                  .timing_only = true,
                                  .engine = ENGINE_SKIP};
    return run_open(&options, run, e) && run_execute(run, e);
}

/* Of the tokens after the first. */
static double us_per_token(const struct run *r)
{
    const struct request *q = &r->requests[0];
    return (double)(q->generated_at[q->n_generated - 1] - q->generated_at[0]) / (q->n_generated - 1) / r->config.clock_mhz;
}

/* Calibration, no validation: clock.mhz is fitted to this figure. */
static void hc1_has_its_published_rate(void)
{
    struct run r;
    struct error e;
    REQUIRE_GOOD(run("hc1", "llama-3.1-8b", 1024, 1024, &r, &e), &e);
    CHECK_NEAR(1e6 / us_per_token(&r), 16960, 17); /* 0.1 %; a MHz is as much */
    run_close(&r);
}

static void opentallas_has_its_published_operations(void)
{
    static const struct {
        enum place place;
        double us; /* each */
        int count; /* a token */
    } published[] = {
        {PLACE_rom_gate_up, 0.585, 32}, {PLACE_softmax, 0.376, 32}, {PLACE_rom_down, 0.327, 32}, {PLACE_maximum, 0.236, 32},
        {PLACE_silu, 0.176, 32},        {PLACE_rom_qkv, 0.161, 32}, {PLACE_rom_o, 0.1225, 32},   {PLACE_norm, 0.1045, 2 * 32 + 1},
        {PLACE_scores, 0.093, 32},      {PLACE_rom_head, 2.46, 1},
    };
    struct run r;
    struct error e;
    REQUIRE_GOOD(run("opentallas", "llama-3.1-8b", 2047, 2, &r, &e), &e); /* the second token sees 2,048 */
    const struct request *q = &r.requests[0];
    double roms = 0;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        enum place place = published[i].place;
        double us = (double)(q->account_cycles[place] - q->first_token_account_cycles[place]) / r.config.clock_mhz;
        CHECK_NEAR(us / published[i].count, published[i].us, 0.05 * published[i].us);
        bool rom = place == PLACE_rom_gate_up || place == PLACE_rom_down || place == PLACE_rom_qkv || place == PLACE_rom_o;
        roms += rom || place == PLACE_rom_head ? us : 0;
    }
    CHECK_NEAR(us_per_token(&r), 98.98, 0.05 * 98.98);
    CHECK_NEAR(roms, 40.5, 0.05 * 40.5); /* the weights alone: the study's roofline */
    run_close(&r);
}

/* Three users on the two KV caches of hc1, two on their way round roma, one on hc2: skip's events are step's. */
static void engines_agree_at_full_size(void)
{
    static const struct {
        const char *chip, *model;
        int32_t sequences;
    } cases[] = {{"hc1", "llama-3.1-8b", 3}, {"roma", "llama-3.2-3b", 2}, {"hc2", "dense-20b", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char *const set[] = {"kv.sequences=2", "kv.context_tokens=512"};
        uint64_t hash[2] = {0}, cycles[2] = {0};
        for (enum engine engine = ENGINE_STEP; engine <= ENGINE_SKIP; engine++) {
            struct run_options options = {.chip = cases[i].chip,
                                          .model = cases[i].model,
                                          .set = set,
                                          .n_set = 2,
                                          .prompt_tokens = 3,
                                          .tokens = 2,
                                          .sequences = cases[i].sequences,
                                          .top_p = 1,
                                          .timing_only = true,
                                          .engine = engine};
            struct run r;
            struct error e;
            REQUIRE_GOOD(run_open(&options, &r, &e) && run_execute(&r, &e), &e);
            hash[engine] = trace_hash(r.trace);
            cycles[engine] = r.chip->now;
            run_close(&r);
        }
        CHECK_EQ_UINT(hash[0], hash[1]);
        CHECK_EQ_UINT(cycles[0], cycles[1]);
        CHECK(hash[0] != 0 && cycles[0] > 10000);
    }
}

/* More than 20,000 tokens/s are published, at no stated context: matrix.macs is fitted to that. */
static void roma_has_its_published_rate(void)
{
    struct run r;
    struct error e;
    REQUIRE_GOOD(run("roma", "llama-3.2-3b", 1, 256, &r, &e), &e);
    CHECK_NEAR(1e6 / us_per_token(&r), 21000, 1000);
    run_close(&r);
}

/* Every preset fits its chip, and the SRAM is no deeper than it must be. For HC1's model the rule gives HC1's figures. */
static void auto_sizes_a_chip_for_every_model(void)
{
    struct preset_list models;
    struct error e;
    REQUIRE_GOOD(presets_list("models", "/.yaml", &models, &e), &e);
    CHECK(models.count >= 11);
    for (int i = 0; i < models.count; i++) {
        struct run r;
        REQUIRE_GOOD(run("auto", models.names[i], 16, 4, &r, &e), &e);
        struct memory_map map;
        r.config.sram_depth_words -= 1;
        CHECK(r.config.sram_depth_words < 16 || !memory_map_make(&r.config, &r.image.model.shape, &map, &e));
        run_close(&r);
    }
    presets_free(&models);
    struct chip_config hc1;
    struct run r;
    REQUIRE_GOOD(config_load("hc1", &hc1, &e), &e);
    REQUIRE_GOOD(run("auto", "llama-3.1-8b", 1, 1, &r, &e), &e);
    hc1.clock_mhz = r.config.clock_mhz;               /* fitted */
    hc1.sram_depth_words = r.config.sram_depth_words; /* rounded up */
    memcpy(hc1.model, r.config.model, sizeof hc1.model);
    memcpy(hc1.name, r.config.name, sizeof hc1.name);
    CHECK_EQ_BYTES(&r.config, &hc1, sizeof hc1);
    run_close(&r);
}

static void every_parameter_says_where_it_is_from(void)
{
    static const char *const chips[] = {"hc1", "hc1-server", "hc2", "opentallas", "roma", "llama-3.2-1b", "gemma-3-270m"};
    static const char *const words[] = {"published", "derived", "guessed", "fitted"};
    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
        struct chip_config config;
        struct error e;
        char notes[PARAMETER_COUNT][CONFIG_NOTE_ROOM];
        REQUIRE_GOOD(config_load_notes(chips[i], &config, notes, &e), &e);
        CHECK(notes[PARAMETER_rom_tile_rows][0] || config.chip_organisation == ORGANISATION_SHARED);
        CHECK(notes[PARAMETER_attention_lanes][0] && notes[PARAMETER_sram_banks][0]);
        for (size_t p = 0; p < PARAMETER_COUNT; p++) {
            bool found = notes[p][0] == '\0'; /* left out: a default */
            for (size_t w = 0; w < 4; w++) {
                size_t n = strlen(words[w]);
                found |= strncmp(notes[p], words[w], n) == 0 && (notes[p][n] == ':' || notes[p][n] == '\0');
            }
            if (!found) {
                printf("%s: %s: '%s'\n", chips[i], parameters[p].key, notes[p]);
            }
            CHECK(found);
        }
    }
}

void suite_full_size(void);
void suite_full_size(void)
{
    suite_begin("full_size");
    suite_add("hc1 has the rate that its clock is fitted to", hc1_has_its_published_rate);
    suite_add("opentallas has the operations and the total of its study", opentallas_has_its_published_operations);
    suite_add("step and skip agree at full size", engines_agree_at_full_size);
    suite_add("roma has the rate that its matrix units are fitted to", roma_has_its_published_rate);
    suite_add("auto sizes a chip for every model", auto_sizes_a_chip_for_every_model);
    suite_add("every parameter of a real chip says where it is from", every_parameter_says_where_it_is_from);
}
