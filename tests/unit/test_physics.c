/* The constants of area, energy and cost: their reader, and what the preset makes of real chips. */
#include <stdio.h>
#include <string.h>

#include "sim/physical_report.h"
#include "sim/run.h"
#include "tests/unit/check.h"

/* --- the file of constants --- */

enum { TEXT_ROOM = 1 << 18 };

static size_t preset_text(char text[static TEXT_ROOM])
{
    FILE *in = fopen(source_file("configs/physics/n6.yaml"), "rb");
    size_t bytes = in ? fread(text, 1, TEXT_ROOM - 1, in) : 0;
    text[bytes] = 0;
    if (in) {
        fclose(in);
    }
    return bytes;
}

static void reads_brackets_into_corners(void)
{
    static struct physics p;
    struct error e;
    static char text[TEXT_ROOM];
    size_t bytes = preset_text(text);
    REQUIRE_GOOD(physics_parse(text, bytes, "x/n6.yaml", &p, &e), &e);
    CHECK_EQ_TEXT(p.name, "n6");
    CHECK_NEAR(p.corner[CORNER_LOW].sram_bitcell_um2, 0.027, 0);
    CHECK_NEAR(p.corner[CORNER_HIGH].sram_bitcell_um2, 0.032, 0);
    CHECK_NEAR(p.corner[CORNER_LOW].sram_efficiency, 0.694, 0); /* less is more expensive */
    CHECK_NEAR(p.corner[CORNER_NOMINAL].sram_efficiency, 0.65, 0);
    CHECK_NEAR(p.corner[CORNER_HIGH].sram_efficiency, 0.354, 0);
    for (int i = 0; i < CONSTANT_COUNT; i++) {
        CHECK(p.given[i].process[0] && p.given[i].source[0]);
    }
}

/* The preset with its first `from` replaced. */
static bool parse_changed(const char *from, const char *to, struct error *e)
{
    static struct physics p;
    static char text[TEXT_ROOM], changed[TEXT_ROOM + 512];
    preset_text(text);
    const char *at = strstr(text, from);
    if (!CHECK(at != NULL)) {
        return true;
    }
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return physics_parse(changed, strlen(changed), "p.yaml", &p, e);
}

static void complains_with_line_and_key(void)
{
    static const struct {
        const char *from, *to, *message;
    } bad[] = {
        {"  bitcell_um2:", "  bitcel_um2:", "bitcel_um2: there is no such key in sram; did you mean 'bitcell_um2'"},
        {"\nhost:", "\nhots:", "hots: there is no such key in the constants; did you mean 'host'"},
        {"  leakage_w_per_mm2:", "  gate_um2:", "gate_um2: expected once, given before in line 5"},
        {"{low: 0.0438,", "{low: 0.05,", "p.yaml:5: logic.gate_um2: expected low <= nominal <= high, found 0.05, 0.0496, 0.0675"},
        {"{low: 0.0438,", "{low: -1,", "p.yaml:5: logic.gate_um2: low: expected a number from 0.001 to 100, found '-1'"},
        {"{low: 0.0438,", "{low: nan,", "logic.gate_um2: low: expected a number"},
        {"{low: 0.0438,", "{", "low: expected in logic.gate_um2, and missing"},
        {"unit: um2", "unit: mm2", "logic.gate_um2: unit: expected um2, found 'mm2'"},
        {"process: N6", "process: ", "process: expected a process node, or none, found nothing"},
        {"low: 0.0438,", "low: 0.0438, colour: red,", "colour: there is no such key in logic.gate_um2"},
        {"logic:", "- logic:", "p.yaml:"},
        {"facility_factor:", "facility:", "facility: there is no such key in cost"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error e = {0};
        CHECK(!parse_changed(bad[i].from, bad[i].to, &e));
        CHECK_CONTAINS(e.message, bad[i].message);
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    }
    static struct physics p;
    struct error e;
    CHECK(!physics_load("n7x", &p, &e));
    CHECK_CONTAINS(e.message, "there is no set of constants 'n7x'");
    CHECK(!physics_load("/nowhere/n6.yaml", &p, &e));
    CHECK_CONTAINS(e.message, "cannot read this file of constants");
}

/* --- real chips --- */

/* What is likely lies between the corners, for every result of a real chip. */
static void likely_ranges_lie_between_the_corners(void)
{
    static const char *const chips[] = {"hc1-server", "hc2", "roma"};
    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
        static struct run run;
        static struct estimate estimate;
        struct chip_config config;
        struct error e;
        REQUIRE_GOOD(config_load(chips[i], &config, &e), &e);
        struct run_options o = {.chip = chips[i],
                                .model = config_model(&config),
                                .prompt_tokens = 4,
                                .tokens = 4,
                                .sequences = 1,
                                .top_p = 1,
                                .timing_only = true,
                                .engine = ENGINE_SKIP};
        REQUIRE_GOOD(run_open(&o, &run, &e), &e);
        CHECK_GOOD(run_execute(&run, &e), &e);
        estimate_of(&run.physics, run.chip, run.image.rom_bits, run.requests, run.n_requests, NULL, &estimate);
        for (int r = 0; r < PHYSICAL_RESULTS; r++) {
            double low = physical_results[r].value(&estimate.corner[CORNER_LOW]),
                   high = physical_results[r].value(&estimate.corner[CORNER_HIGH]);
            CHECK(low <= estimate.uncertainty.likely[r].low * (1 + 1e-12));
            CHECK(estimate.uncertainty.likely[r].low <= estimate.uncertainty.nominal[r]);
            CHECK(estimate.uncertainty.nominal[r] <= estimate.uncertainty.likely[r].high);
            CHECK(estimate.uncertainty.likely[r].high <= high * (1 + 1e-12));
        }
        CHECK_NEAR(estimate.cards, i == 0 ? 10 : 0, 0);
        run_close(&run);
    }
}

void suite_physics(void);
void suite_physics(void)
{
    suite_begin("physics");
    suite_add("brackets become corners", reads_brackets_into_corners);
    suite_add("complaints with line and key", complains_with_line_and_key);
    suite_add("likely ranges lie between the corners", likely_ranges_lie_between_the_corners);
}
