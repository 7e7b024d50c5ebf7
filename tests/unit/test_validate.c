/* The table of published figures: it holds as shipped, a broken tolerance is seen, and its reader complains. */
#include <math.h>
#include <string.h>

#include "sim/validate.h"
#include "tests/unit/check.h"

#define ROW(published, kind, within, measure)                                                                        \
    "rows:\n  - quantity: q\n    published: " published "\n    unit: us\n    source: s\n" kind "    within: " within \
    "\n    measure:\n      " measure "\n"
#define VALIDATION "    kind: validation\n"
#define MLP "mlp: {layers: [784, 32, 10], latency_cycles: 2}"
#define SRAM "sram: {sram_bytes: 100, rank: 2, lora_bytes_per_rank: 20, kv_bytes_per_token: 7}"
#define RUN "run: {chip: sample, model: sample, prompt_tokens: 3, tokens: 4, metric: "

static bool parse(const char *text, struct validation *v, struct error *e)
{
    return validation_parse(text, strlen(text), "v.yaml", v, e);
}

static void complains_with_line_and_key(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "v.yaml:1: expected a map"},
        {"rows: []\n", "rows: expected a list of 1 to 256 rows"},
        {"rows:\n  - colour: red\n", "v.yaml:2: colour: there is no such key in a row"},
        {ROW("864", "    kind: guess\n", "5", MLP), "v.yaml:6: kind: expected calibration or validation"},
        {ROW("864", "    kind: calibration\n", "5", MLP), "v.yaml:2: fitted: expected for a calibration, and for nothing else"},
        {ROW("864", VALIDATION "    fitted: x\n", "5", MLP), "fitted: expected for a calibration, and for nothing else"},
        {ROW("-1", VALIDATION, "5", MLP), "v.yaml:3: published: expected a number from 0"},
        {ROW("864", VALIDATION, "five", MLP), "within: expected a number"},
        {ROW("864", VALIDATION, "bracket", MLP), "within: bracket is expected with a run only"},
        {ROW("864", VALIDATION, "5", "guess: {}"), "guess: there is no such key in measure"},
        {ROW("864", VALIDATION, "5", "mlp: {layers: [3], latency_cycles: 2}"), "layers: expected a list of 2 to 8 widths"},
        {ROW("864", VALIDATION, "5", MLP "\n      " SRAM), "measure: expected one of run, comparator, mlp and sram"},
        {ROW("864", VALIDATION, "5", RUN "speed}"), "metric: there is no metric 'speed'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct validation v;
        struct error e = {0};
        CHECK(!parse(bad[i].text, &v, &e));
        CHECK_CONTAINS(e.message, bad[i].message);
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    }
}

/* One row, computed. */
static struct validation_row compute(const char *text)
{
    struct validation v;
    struct validation_row row = {0};
    struct error e;
    if (CHECK_GOOD(parse(text, &v, &e), &e)) {
        CHECK_GOOD(validation_run(&v, &e), &e);
        CHECK_EQ_UINT(v.n_broken, !v.rows[0].holds);
        row = v.rows[0];
        validation_free(&v);
    }
    return row;
}

static void a_broken_tolerance_is_seen(void)
{
    struct validation_row row = compute(ROW("800", VALIDATION, "8", MLP));
    CHECK_NEAR(row.ours, 864, 0); /* 784 + 2 * 32 + 10 + 6 */
    CHECK_NEAR(row.error_percent, 8, 1e-9);
    CHECK(row.holds);
    CHECK(!compute(ROW("800", VALIDATION, "7.9", MLP)).holds);
    CHECK(!compute(ROW("863", VALIDATION, "0", MLP)).holds);
    row = compute(ROW("8", VALIDATION, "0", SRAM));
    CHECK_NEAR(row.ours, 8, 0); /* 60 bytes */
    CHECK(row.holds);
    CHECK(!compute(ROW("0", VALIDATION, "100", SRAM)).holds);
    row = compute(ROW("0", VALIDATION, "0", "sram: {sram_bytes: 39, rank: 2, lora_bytes_per_rank: 20, kv_bytes_per_token: 7}"));
    CHECK_NEAR(row.ours, 0, 0);
    CHECK(row.holds);
}

static void runs_are_measured_by_their_metrics(void)
{
    /* cycles become us at 1000 MHz: the sample chip's ROM arrays, as docs/time.md has them */
    struct validation_row row = compute(ROW("0.792", VALIDATION, "0.001", RUN "token_rom_qkv_cycles}"));
    CHECK_NEAR(row.ours, 0.792, 1e-9);
    CHECK(row.holds);
    row = compute(ROW("0.264", VALIDATION, "0.001", RUN "token_rom_qkv_cycles + token_rom_o_cycles, each: 6}"));
    CHECK_NEAR(row.ours, 0.264, 1e-9);
    row = compute(ROW("11", VALIDATION, "bracket", RUN "area_mm2}"));
    CHECK(row.holds && row.low < row.ours && row.ours < row.high);
    CHECK(!compute(ROW("1", VALIDATION, "bracket", RUN "area_mm2}")).holds);
    struct validation v;
    struct error e;
    REQUIRE_GOOD(parse(ROW("1", VALIDATION, "bracket", RUN "tokens_per_second}"), &v, &e), &e);
    CHECK(!validation_run(&v, &e));
    CHECK_CONTAINS(e.message, "bracket: expected a metric of area, energy or cost");
    validation_free(&v);
}

/* The shipped table: what `make validate` prints. */
static void the_shipped_table_holds(void)
{
    struct validation v;
    struct error e;
    REQUIRE_GOOD(validation_load(NULL, &v, &e), &e);
    CHECK_GOOD(validation_run(&v, &e), &e);
    for (uint32_t i = 0; i < v.n_rows; i++) {
        CHECK_EQ_TEXT(v.rows[i].holds ? "" : v.rows[i].quantity, "");
    }
    CHECK_EQ_UINT(v.n_broken, 0);
    CHECK(v.n_rows >= 30);
    validation_free(&v);
}

void suite_validate(void)
{
    suite_begin("validate");
    suite_add("complaints with line and key", complains_with_line_and_key);
    suite_add("a broken tolerance is seen", a_broken_tolerance_is_seen);
    suite_add("runs are measured by their metrics", runs_are_measured_by_their_metrics);
    suite_add("the shipped table holds", the_shipped_table_holds);
}
