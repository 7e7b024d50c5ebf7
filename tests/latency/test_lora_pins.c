/* Is each pin of the LoRA MAC unit's model right in its very cycle: not at n - 1, yes at n? Cycles and values typed from docs/lora_mac.md. */
#include <string.h>

#include "sim/lora_pins_model.h"
#include "tests/unit/check.h"

enum { LANES = 8, LATENCY = 7, DRAIN = 3, ELEMENTS = 4, INPUTS_MOST = 40, ROWS = 64 };

/* The unit with the test at its pins: 8 lanes in words of 64 bits, so a row is a word. Inputs hold until changed, but for words, abort and reset. */
struct rig {
    struct lora_geometry geometry;
    struct lora_unit *unit;
    uint64_t now;
    struct lora_inputs in;
    struct lora_outputs out; /* of this cycle */
    int64_t delta[DRAIN];
    int8_t x[INPUTS_MOST];
    uint32_t region_a[2 * ROWS + 1], region_b[2 * ROWS + 1];
};

static void clock_once(struct rig *r)
{
    r->unit->clock(r->unit, &r->in);
    r->unit->outputs(r->unit, &r->out);
    r->in.word_count = 0;
    r->in.abort = r->in.reset = false;
    r->now++;
}

/* Nothing but waiting until cycle n. */
static void go_to(struct rig *r, uint64_t n)
{
    CHECK(r->now <= n);
    while (r->now < n) {
        clock_once(r);
    }
}

/* One pair of rank 2 in group g: 10 inputs in 3 beats, 11 outputs; a[j][i] = i - 4 + j, b[o][j] = o - 5 - 2 j. P = 1, R = 2: a preamble of 3 rows,
 * then 2 blocks of 2 rows; B has 2 blocks of 3 + 2. */
static void give_job(struct rig *r, enum linear_group g)
{
    int8_t a[2 * 10], b[11 * 2];
    uint16_t scale_a[2] = {3, 5}, scale_b[11];
    for (int i = 0; i < 10; i++) {
        a[i] = (int8_t)(i - 4);
        a[10 + i] = (int8_t)(i - 3);
        r->x[i] = (int8_t)(i + 1);
    }
    for (int o = 0; o < 11; o++) {
        b[2 * o] = (int8_t)(o - 5);
        b[2 * o + 1] = (int8_t)(o - 7);
        scale_b[o] = (uint16_t)(o + 1);
    }
    const struct lora_pair pair = {
        .rank = 2, .n_in = 10, .n_out = 11, .exponent_a = -3, .exponent_b = -4, .a = a, .b = b, .scale_a = scale_a, .scale_b = scale_b};
    const uint32_t rank = 2, outputs = 11;
    struct lora_job job = lora_job_make(&r->geometry, 1, &rank, 10, &outputs, 4);
    job.a_address_words = 1000;
    job.b_address_words = 2000;
    job.a_pause_cycles = 17;
    job.b_pause_cycles = 19;
    job.base_exponent[0] = -5;
    lora_layout_pack(&r->geometry, &job, (const struct lora_pair *const[]){&pair, NULL, NULL}, r->region_a, r->region_b);
    r->in.x_valid[g] = true;
    r->in.x[g] = r->x;
    r->in.job[g] = job;
}

static bool rig_open(struct rig *r)
{
    struct chip_config config;
    struct error e = {0};
    config_defaults(&config);
    config.lora_lanes = LANES;
    config.lora_latency_cycles = LATENCY;
    config.link_elements = ELEMENTS;
    config.rom_drain_elements = DRAIN;
    memset(r, 0, sizeof *r);
    r->geometry = lora_geometry(&config);
    r->unit = lora_pins_model_open(&r->geometry, INPUTS_MOST, &e);
    if (!CHECK(r->unit)) {
        return false;
    }
    r->out.delta = r->delta;
    r->in.request_ready = true;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        r->in.delta_ready[g] = true;
    }
    r->in.reset = true;
    clock_once(r);
    return true;
}

static void rig_close(struct rig *r)
{
    r->unit->close(r->unit);
}

/* Rows first .. first + n - 1 of a region at the pins, one a cycle from now on. */
static void rows(struct rig *r, const uint32_t *region, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        r->in.word_count = 1;
        r->in.words = region + (size_t)2 * i;
        clock_once(r);
    }
}

/* A job is picked in cycle 10, x is taken in 11 .. 13, A is requested in 10. */
static void start(struct rig *r)
{
    go_to(r, 10);
    give_job(r, LINEARS_O);
    for (uint64_t n = 11; n <= 13; n++) {
        go_to(r, n);
        r->in.x[LINEARS_O] = r->x + 4 * (n - 11);
    }
    go_to(r, 14);
    r->in.x_valid[LINEARS_O] = false;
}

/* Then the words of A, the last one in 26; B is asked for in 33. */
static void start_b(struct rig *r)
{
    start(r);
    go_to(r, 20);
    rows(r, r->region_a, 0, 7);
    go_to(r, 34);
}

static bool quiet(const struct lora_outputs *o)
{
    return !o->request_valid && !o->delta_open[0] && !o->delta_open[1] && !o->delta_open[2] && !o->delta_open[3] && !o->delta_valid[0] &&
           !o->delta_valid[1] && !o->delta_valid[2] && !o->delta_valid[3] && !o->aborted;
}

/* -- sentence by sentence -- */

static void x_is_taken_from_the_cycle_after_the_pick(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    go_to(&r, 10);
    CHECK(!r.out.busy && quiet(&r.out));
    give_job(&r, LINEARS_O);
    CHECK(!r.out.x_ready[LINEARS_O]);
    for (uint64_t n = 11; n <= 13; n++) {
        go_to(&r, n);
        CHECK(r.out.busy && r.out.x_ready[LINEARS_O]);
        CHECK(!r.out.x_ready[LINEARS_QKV] && !r.out.x_ready[LINEARS_GATE_UP] && !r.out.x_ready[LINEARS_DOWN]);
        r.in.x[LINEARS_O] = r.x + 4 * (n - 11);
    }
    go_to(&r, 14);
    CHECK(r.out.busy && !r.out.x_ready[LINEARS_O]);
    rig_close(&r);
}

static void a_is_requested_a_delay_after_the_pick(void)
{
    for (uint32_t delay = 0; delay < 4; delay++) {
        for (uint64_t ready_at = 10; ready_at < 16; ready_at++) {
            struct rig r;
            if (!rig_open(&r)) {
                return;
            }
            go_to(&r, 10);
            give_job(&r, LINEARS_DOWN);
            r.in.job[LINEARS_DOWN].a_delay_cycles = delay;
            uint64_t pushed = ready_at > 10 + delay ? ready_at : 10 + delay;
            for (uint64_t n = 10; n <= pushed; n++) {
                go_to(&r, n);
                CHECK(!r.out.request_valid);
                r.in.request_ready = n >= ready_at;
                r.in.x_valid[LINEARS_DOWN] = n < 14;
            }
            go_to(&r, pushed + 1);
            REQUIRE(r.out.request_valid);
            CHECK_EQ_UINT(r.out.request_address_words, 1000);
            CHECK_EQ_UINT(r.out.request_words, 3 + 4);
            CHECK_EQ_UINT(r.out.request_first_rows, 3 + 2);
            CHECK_EQ_UINT(r.out.request_block_rows, 2);
            CHECK_EQ_UINT(r.out.request_pause_cycles, 17);
            r.in.x_valid[LINEARS_DOWN] = pushed + 1 < 14;
            go_to(&r, pushed + 2);
            CHECK(!r.out.request_valid);
            rig_close(&r);
        }
    }
}

/* request and delta: the cycles from which there is room. The last word of A is at the pins in 26. */
static void check_opening(uint64_t request, uint64_t delta)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start(&r);
    go_to(&r, 20);
    r.in.request_ready = r.in.delta_ready[LINEARS_O] = false;
    rows(&r, r.region_a, 0, 7);
    CHECK_EQ_UINT(r.now, 27);
    uint64_t pushed = 26 + LATENCY;
    pushed = request > pushed ? request : pushed;
    pushed = delta > pushed ? delta : pushed;
    for (uint64_t n = 27; n <= pushed; n++) {
        go_to(&r, n);
        CHECK(quiet(&r.out));
        r.in.request_ready = n >= request;
        r.in.delta_ready[LINEARS_O] = n >= delta;
    }
    go_to(&r, pushed + 1);
    CHECK(r.out.request_valid && r.out.delta_open[LINEARS_O]);
    CHECK(!r.out.delta_open[LINEARS_QKV] && !r.out.delta_open[LINEARS_GATE_UP] && !r.out.delta_open[LINEARS_DOWN]);
    CHECK_EQ_UINT(r.out.request_address_words, 2000);
    CHECK_EQ_UINT(r.out.request_words, 10);
    CHECK_EQ_UINT(r.out.request_first_rows, 5);
    CHECK_EQ_UINT(r.out.request_block_rows, 5);
    CHECK_EQ_UINT(r.out.request_pause_cycles, 19);
    go_to(&r, pushed + 2);
    CHECK(quiet(&r.out));
    rig_close(&r);
}

static void the_burst_opens_with_the_request_of_b(void)
{
    check_opening(0, 0);
    check_opening(33, 33);
    check_opening(34, 33);
    check_opening(30, 36);
    check_opening(40, 35);
}

/* acc = sum (i - 4 + j)(i + 1) = 110 and 165; u = 330 and 825, s = 10 - 7 = 3; h = (330 + 4) >> 3 = 41, (825 + 4) >> 3 = 103.
 * acc_o = 41 (o - 5) + 103 (o - 7) = 144 o - 926, times o + 1, shifted right by d = -5 - (-7) - 3 = -1: doubled. */
static int64_t expected_delta(int64_t o)
{
    return 2 * (144 * o - 926) * (o + 1);
}

static void check_beat(const struct rig *r, uint32_t first, uint32_t count, bool last)
{
    REQUIRE(r->out.delta_valid[LINEARS_O]);
    CHECK(!r->out.delta_abort);
    CHECK_EQ_UINT(r->out.delta_count, count);
    CHECK_EQ_INT(r->out.delta_last, last);
    for (uint32_t i = 0; i < count; i++) {
        CHECK_EQ_INT(r->delta[i], expected_delta(first + i));
    }
}

static void results_follow_the_last_word_of_their_block(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start(&r);
    go_to(&r, 20);
    rows(&r, r.region_a, 0, 7);
    go_to(&r, 40);
    rows(&r, r.region_b, 0, 5); /* the last word of the block of 8 in 44: seen in 52, 53, 54 */
    rows(&r, r.region_b, 5, 4);
    go_to(&r, 51);
    CHECK(quiet(&r.out));
    go_to(&r, 52);
    check_beat(&r, 0, 3, false);
    go_to(&r, 53);
    check_beat(&r, 3, 3, false);
    go_to(&r, 54);
    check_beat(&r, 6, 2, false);
    go_to(&r, 55);
    CHECK(quiet(&r.out));
    go_to(&r, 60);
    rows(&r, r.region_b, 9, 1); /* the last word of the block of 3 in 60: seen in 68 */
    go_to(&r, 67);
    CHECK(quiet(&r.out) && r.out.busy);
    give_job(&r, LINEARS_QKV); /* waits for one cycle */
    go_to(&r, 68);
    check_beat(&r, 8, 3, true);
    CHECK(!r.out.busy && !r.out.x_ready[LINEARS_QKV]); /* T: it may pick */
    go_to(&r, 69);
    CHECK(r.out.busy && r.out.x_ready[LINEARS_QKV] && r.out.request_valid);
    rig_close(&r);
}

static enum linear_group picked(const struct rig *r)
{
    enum linear_group g = LINEARS_QKV;
    while (g < LINEAR_GROUPS && !r->out.x_ready[g]) {
        g++;
    }
    return g;
}

static void the_oldest_burst_is_picked(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start_b(&r);
    give_job(&r, LINEARS_DOWN); /* comes in 34, while another job is there */
    go_to(&r, 35);
    give_job(&r, LINEARS_QKV); /* both in 35 */
    give_job(&r, LINEARS_GATE_UP);
    r.in.abort = true; /* makes the unit free: words of B are outstanding */
    go_to(&r, 36);
    rows(&r, r.region_b, 0, 10);
    go_to(&r, 47); /* 46: the end is registered, 47: it may pick */
    CHECK(r.out.aborted && !r.out.busy);
    go_to(&r, 48);
    CHECK_EQ_UINT(picked(&r), LINEARS_DOWN);
    go_to(&r, 51);
    CHECK_EQ_UINT(picked(&r), LINEAR_GROUPS);
    r.in.abort = true; /* and again; in 51 the next burst of x (down) has just come */
    go_to(&r, 55);
    rows(&r, r.region_a, 0, 7);
    go_to(&r, 63);
    CHECK(r.out.aborted);
    go_to(&r, 64);
    CHECK_EQ_UINT(picked(&r), LINEARS_QKV);
    rig_close(&r);
}

static void an_abort_waits_for_x(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    go_to(&r, 10);
    r.in.request_ready = false;
    give_job(&r, LINEARS_O);
    r.in.abort = true; /* without a job: nothing */
    go_to(&r, 11);
    CHECK(r.out.busy);
    r.in.abort = true;
    r.in.request_ready = true;
    for (uint64_t n = 12; n <= 14; n++) {
        go_to(&r, n);
        CHECK(r.out.busy && quiet(&r.out)); /* and no request, though there is room now */
        CHECK_EQ_INT(r.out.x_ready[LINEARS_O], n <= 13);
    }
    r.in.x_valid[LINEARS_O] = false;
    go_to(&r, 15); /* x was taken in 11 .. 13, so the end is registered in 14 */
    CHECK(r.out.aborted && !r.out.busy);
    CHECK(!r.out.delta_valid[LINEARS_O]); /* was never opened */
    go_to(&r, 16);
    CHECK(!r.out.aborted);
    rig_close(&r);
}

static void an_abort_waits_for_words_and_closes_the_burst(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start_b(&r);
    CHECK(r.out.delta_open[LINEARS_O] && r.out.request_valid);
    go_to(&r, 40);
    rows(&r, r.region_b, 0, 6);
    go_to(&r, 51);
    r.in.abort = true; /* the first block's results would be seen in 52, 53, 54 */
    for (uint64_t n = 52; n <= 60; n++) {
        go_to(&r, n);
        CHECK(r.out.busy && quiet(&r.out));
    }
    rows(&r, r.region_b, 6, 4); /* in 60 .. 63 */
    CHECK(r.out.busy && quiet(&r.out));
    go_to(&r, 65);
    CHECK(r.out.aborted && !r.out.busy);
    CHECK(r.out.delta_valid[LINEARS_O] && r.out.delta_last && r.out.delta_abort);
    CHECK_EQ_UINT(r.out.delta_count, 0);
    go_to(&r, 66);
    CHECK(quiet(&r.out));
    rig_close(&r);
}

/* Aborted in the cycle before the last beat would be seen: nothing is outstanding, so it is over at once. */
static void the_latest_abort(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start_b(&r);
    go_to(&r, 40);
    rows(&r, r.region_b, 0, 10); /* the last word in 49, T = 57 */
    go_to(&r, 56);
    r.in.abort = true;
    go_to(&r, 57);
    CHECK(r.out.busy && quiet(&r.out));
    go_to(&r, 58);
    CHECK(r.out.aborted && r.out.delta_abort && r.out.delta_last && !r.out.busy);
    rig_close(&r);
}

/* In T there is no job any more. */
static void an_abort_in_t_is_none(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start_b(&r);
    go_to(&r, 40);
    rows(&r, r.region_b, 0, 10);
    go_to(&r, 57);
    CHECK(r.out.delta_last && !r.out.delta_abort && !r.out.busy);
    r.in.abort = true;
    for (uint64_t n = 58; n < 62; n++) {
        go_to(&r, n);
        CHECK(quiet(&r.out) && !r.out.busy);
    }
    rig_close(&r);
}

/* An abort in the cycle of the push comes too late for nothing: what is not seen yet never will be. */
static void an_abort_takes_back_what_is_not_seen(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start(&r);
    go_to(&r, 20);
    rows(&r, r.region_a, 0, 7);
    go_to(&r, 33); /* B would be requested now, seen in 34 */
    r.in.abort = true;
    go_to(&r, 34);
    CHECK(quiet(&r.out) && r.out.busy);
    go_to(&r, 35);
    CHECK(r.out.aborted && !r.out.delta_valid[LINEARS_O] && !r.out.delta_open[LINEARS_O]);
    rig_close(&r);
}

static void reset_empties_the_unit(void)
{
    struct rig r;
    if (!rig_open(&r)) {
        return;
    }
    start_b(&r);
    go_to(&r, 40);
    rows(&r, r.region_b, 0, 6);
    r.in.reset = true;
    clock_once(&r);
    for (uint64_t n = 47; n < 70; n++) {
        go_to(&r, n);
        CHECK(quiet(&r.out) && !r.out.busy);
        CHECK_EQ_UINT(picked(&r), LINEAR_GROUPS);
    }
    rig_close(&r);
}

void suite_lora_pins(void)
{
    suite_begin("lora_pins");
    suite_add("x is taken from the cycle after the pick on", x_is_taken_from_the_cycle_after_the_pick);
    suite_add("A is requested a_delay cycles after the pick, or when there is room", a_is_requested_a_delay_after_the_pick);
    suite_add("the burst opens with the request of B, when there is room for both", the_burst_opens_with_the_request_of_b);
    suite_add("results follow the last word of their block; in T the next job is picked", results_follow_the_last_word_of_their_block);
    suite_add("the oldest burst is picked, on a tie the earlier group", the_oldest_burst_is_picked);
    suite_add("an abort waits for x", an_abort_waits_for_x);
    suite_add("an abort waits for words and closes the burst", an_abort_waits_for_words_and_closes_the_burst);
    suite_add("an abort just before the last beat", the_latest_abort);
    suite_add("an abort in the cycle of the last beat is none", an_abort_in_t_is_none);
    suite_add("an abort takes back what is not seen", an_abort_takes_back_what_is_not_seen);
    suite_add("reset empties the unit", reset_empties_the_unit);
}
