/* The table of published figures: it holds as shipped, a broken tolerance is seen, and its reader complains. */
#include <math.h>
#include <string.h>

#include "sim/validate.h"
#include "tests/unit/check.h"

#define ROW(published, kind, within, measure)                                                                        \
    "rows:\n  - quantity: q\n    published: " published "\n    unit: us\n    source: s\n" kind "    within: " within \
    "\n    measure:\n      " measure "\n"
#define VALIDATION "    kind: validation\n"
#define MISS VALIDATION "    miss: for want of a nail\n"
#define MLP "mlp: {layers: [784, 32, 10], latency_cycles: 2}"
#define SRAM "sram: {sram_bytes: 100, rank: 2, lora_bytes_per_rank: 20, kv_bytes_per_token: 7}"
#define LEAVE \
    "leave_one_out: {chip: opentallas, model: llama-3.1-8b, us: {qkv: 0.161, o: 0.1225, gate_up: 0.585, down: 0.327, head: 2.46}, "
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
        {ROW("864", VALIDATION "    given: rom.cell_um2\n", "5", MLP), "given: expected with `within: bracket` only"},
        {ROW("1", VALIDATION "    given: rom.cell\n", "bracket", RUN "area_mm2}"), "v.yaml:7: given: there is no constant 'rom.cell'"},
        {ROW("1", VALIDATION, "5", LEAVE "predict: norm}"), "predict: expected one of qkv|o|gate_up|down|head, found norm"},
        {ROW("1", VALIDATION, "5", "leave_one_out: {chip: sample, model: x, us: {qkv: 1}, predict: o}"), "o: expected in us, and missing"},
        {ROW("864", VALIDATION, "5", "guess: {}"), "guess: there is no such key in measure"},
        {ROW("864", VALIDATION, "5", "mlp: {layers: [3], latency_cycles: 2}"), "layers: expected a list of 2 to 8 widths"},
        {ROW("864", VALIDATION, "5", MLP "\n      " SRAM), "measure: expected one of run, comparator, mlp, sram and leave_one_out"},
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
        CHECK_EQ_UINT(v.n_broken, v.rows[0].holds == (v.rows[0].miss[0] != '\0'));
        CHECK_EQ_UINT(v.n_missed, v.rows[0].miss[0] && !v.rows[0].holds);
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

/* A miss that a row owns up to is none too many; one that is gone is. */
static void a_known_miss_must_be_one(void)
{
    struct validation_row row = compute(ROW("800", MISS, "7.9", MLP)); /* compute() checks what is counted */
    CHECK(!row.holds);
    CHECK_EQ_TEXT(row.miss, "for want of a nail");
    CHECK(compute(ROW("800", MISS, "8", MLP)).holds);
}

/* A constant that is given widens nothing: the range is within that without it, and a range of one point where it is all that matters. */
static void given_constants_are_not_uncertain(void)
{
    struct validation_row free = compute(ROW("11", VALIDATION, "bracket", RUN "area_mm2}"));
    struct validation_row given =
        compute(ROW("11", VALIDATION "    given: sram.efficiency + logic.gate_um2\n", "bracket", RUN "area_mm2}"));
    CHECK_NEAR(given.ours, free.ours, 0);
    CHECK(free.low < given.low && given.high < free.high);
}

/* Two arrays on a line, by hand: at 1034 MHz a MAC takes 1 / (array_macs * MHz) us; what is left out is not looked at. */
static void an_array_is_predicted_from_the_others(void)
{
    struct validation_row row = compute(ROW("2.46", VALIDATION, "5", LEAVE "predict: head}"));
    /* gate_up and qkv alone give (0.585 - 0.161) us / (117.44 - 25.17) M MAC; 525.3 M of the head take 2.46 us */
    CHECK(row.holds && row.ours > 2.40 && row.ours < 2.53);
    struct validation_row wild = compute(
        ROW("2.46", VALIDATION, "5",
            "leave_one_out: {chip: opentallas, model: llama-3.1-8b, us: {qkv: 0.161, o: 0.1225, gate_up: 0.585, down: 0.327, head: 9}, "
            "predict: head}"));
    CHECK_NEAR(wild.ours, row.ours, 0);
    CHECK(!compute(ROW("0.9", VALIDATION, "5", LEAVE "predict: gate_up}")).holds);
}

/* docs/validation.md: what a tolerance may be does not depend on the result. */
static double widest(const struct validation_row *r)
{
    return r->measure == MEASURE_MLP || r->measure == MEASURE_SRAM ? 0 : r->calibration ? 2 : r->measure == MEASURE_COMPARATOR ? 15 : 5;
}

/* The shipped table: what `make validate` prints. */
static void the_shipped_table_holds(void)
{
    struct validation v;
    struct error e;
    REQUIRE_GOOD(validation_load(NULL, &v, &e), &e);
    CHECK_GOOD(validation_run(&v, &e), &e);
    for (uint32_t i = 0; i < v.n_rows; i++) {
        const struct validation_row *r = &v.rows[i];
        CHECK_EQ_TEXT(r->holds || r->miss[0] ? "" : r->quantity, "");
        CHECK(!(r->holds && r->miss[0]));
        CHECK_EQ_TEXT(r->bracket || r->within_percent <= widest(r) ? "" : r->quantity, "");
        CHECK(!(r->calibration && r->miss[0])); /* a fit that misses is none */
    }
    CHECK_EQ_UINT(v.n_broken, 0);
    CHECK(v.n_rows >= 40);
    validation_free(&v);
}

void suite_validate(void)
{
    suite_begin("validate");
    suite_add("complaints with line and key", complains_with_line_and_key);
    suite_add("a broken tolerance is seen", a_broken_tolerance_is_seen);
    suite_add("runs are measured by their metrics", runs_are_measured_by_their_metrics);
    suite_add("a known miss must be one", a_known_miss_must_be_one);
    suite_add("constants that are given are not uncertain", given_constants_are_not_uncertain);
    suite_add("a ROM array is predicted from the others", an_array_is_predicted_from_the_others);
    suite_add("the shipped table holds", the_shipped_table_holds);
}
