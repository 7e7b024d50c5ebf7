/* Does the LoRA MAC unit do each thing in the cycle that docs/lora_mac.md names, and not a cycle earlier? A layer's unit and its SRAM tick alone; the test
 * is the senders of x and the ROM arrays. All cycles below are computed by hand. */
#include <string.h>

#include "sim/chip.h"
#include "tests/unit/check.h"

enum { NEVER_SEEN = 0xffff, CYCLES = 2000 };

struct rig {
    struct chip_config config;
    struct model model; /* its shape only */
    struct lora_pair pairs[LINEAR_ENDS];
    struct adapter adapter;
    struct token token;
    struct trace *trace;
    struct chip *chip;
    struct layer_block *b;
    struct link *x[LINEAR_GROUPS], *delta[LINEAR_GROUPS];
};

/* 16 inputs on 8 lanes, one word a lane row, beats of one element of x; the pairs' ranks are in the rig. */
static struct rig rig_make(void)
{
    struct rig r = {0};
    config_defaults(&r.config);
    r.config.lora_lanes = 8;
    r.config.lora_latency_cycles = 6;
    r.config.sram_width_bits = 48;
    r.config.sram_banks = r.config.sram_ways = 4;
    r.config.sram_ports = 1;
    r.config.sram_latency_cycles = 2;
    r.config.sram_arbiter = ARBITER_FIXED;
    r.config.slots_rank_max = 4;
    r.config.kv_context_tokens = 8;
    r.config.link_depth = 2;
    r.config.link_elements = 1;
    r.config.rom_drain_elements = 1;
    r.model.shape = (struct shape){
        .n_layers = 1, .d_model = 16, .n_heads = 2, .n_kv_heads = 1, .head_dim = 8, .d_ff = 24, .n_vocab = 16, .context_tokens = 8};
    return r;
}

/* After the last change of config and pairs. */
static bool rig_open(struct rig *r)
{
    struct error e = {0};
    r->adapter = (struct adapter){.n_layers = 1, .rank_max = 4, .pairs = r->pairs};
    for (enum linear w = 0; w < LINEAR_COUNT; w++) {
        r->pairs[w].n_in = shape_n_in(&r->model.shape, w);
        r->pairs[w].n_out = shape_n_out(&r->model.shape, w);
    }
    r->token = (struct token){.adapter = &r->adapter, .slot = 1};
    r->trace = trace_new();
    if (!CHECK_GOOD(chip_new(&r->config, &r->model, false, &r->adapter, 1, NULL, 0, r->trace, &r->chip, &e), &e)) {
        return false;
    }
    r->b = &r->chip->layers[0];
    struct link *x[] = {&r->b->lora_x_qkv, &r->b->lora_x_o, &r->b->lora_x_gate_up, &r->b->lora_x_down};
    struct link *delta[] = {&r->b->delta_qkv, &r->b->delta_o, &r->b->delta_gate_up, &r->b->delta_down};
    memcpy(r->x, x, sizeof x);
    memcpy(r->delta, delta, sizeof delta);
    return true;
}

static void rig_close(struct rig *r)
{
    chip_free(r->chip);
    trace_free(r->trace);
}

/* A vector whose first beat is seen in cycle `first`. */
static void send_x(struct rig *r, enum linear_group group, cycle_t first)
{
    struct lora_job job = lora_mac_job(&r->b->lora_mac, group, &r->token);
    link_push(r->x[group], first - 1, &r->token, (uint32_t)ceil_div(job.inputs, job.beat_elements));
}

struct seen { /* cycles */
    cycle_t request[2], x_taken, opened, closed;
};

static void note(cycle_t *cycle, bool now_or_before, cycle_t now)
{
    *cycle = *cycle == NEVER_SEEN && now_or_before ? now : *cycle;
}

static void tick(struct rig *r, cycle_t now)
{
    r->b->lora_mac.unit.tick(&r->b->lora_mac.unit, now);
    r->b->sram.unit.tick(&r->b->sram.unit, now);
}

/* Runs from cycle `from` until a vector of the group is done. */
static struct seen serve(struct rig *r, enum linear_group group, cycle_t from)
{
    struct seen s = {{NEVER_SEEN, NEVER_SEEN}, NEVER_SEEN, NEVER_SEEN, NEVER_SEEN};
    const struct link *request = &r->b->lora_read.request, *x = r->x[group], *delta = r->delta[group];
    uint32_t n_x = x->count, n_delta = delta->count;
    for (cycle_t now = from; now < CYCLES && s.closed == NEVER_SEEN; now++) {
        tick(r, now);
        bool asked = request->count && request->slots[request->head].first == now + 1;
        note(&s.request[1], asked && s.request[0] != NEVER_SEEN, now);
        note(&s.request[0], asked, now);
        note(&s.x_taken, x->count < n_x, now);
        note(&s.opened, delta->count > n_delta, now);
        note(&s.closed, delta->count > n_delta && delta->slots[(delta->head + n_delta) % delta->depth].last != NEVER, now);
    }
    return s;
}

static void check_seen(struct seen found, struct seen expected)
{
    CHECK_EQ_UINT(found.request[0], expected.request[0]);
    CHECK_EQ_UINT(found.x_taken, expected.x_taken);
    CHECK_EQ_UINT(found.opened, expected.opened);
    CHECK_EQ_UINT(found.request[1], expected.request[1]);
    CHECK_EQ_UINT(found.closed, expected.closed);
}

/* Rank 2 on O, x and results at one element a cycle. Region A: 3 rows of scales (3 entries), 2 blocks of 2 rows. B: 2 blocks of 3 + 2.
 *   picked 10; the first block's 8 beats are taken by 18, so A is asked for in 10 + 8 - 3 - 2 - 1 = 12, rows 13 .. 17, a pause of 8 - 2 = 6 cycles,
 *   rows 24 25, the last one seen in 25 + 2 + 1 = 28; x is taken by 10 + 16 = 26; opened in 28 + 6 = 34;
 *   B: rows 35 .. 39, a pause of 8 - 5, rows 43 .. 47, seen in 50; the last of 8 beats is seen in 50 + 6 + 8 = 64. */
static void slow_beats_delay_and_pause(void)
{
    struct rig r = rig_make();
    r.pairs[LINEAR_O].rank = 2;
    REQUIRE(rig_open(&r));
    send_x(&r, LINEARS_O, 10);
    check_seen(serve(&r, LINEARS_O, 0), (struct seen){{12, 34}, 26, 34, 63});
    CHECK_EQ_UINT(r.b->delta_o.slots[0].last, 64);
    rig_close(&r);
}

/* Rank 2 on Q and 1 on V, beats of 8 elements and 4 results; rows of 48 bits on words of 20 in one bank take 3 cycles each. Region A: 3 rows of scales (6
 * entries), 2 blocks of 4 rows. B: 2 blocks of Q and one of V, of 3 + 2 rows.
 *   picked and asked for in 10; 11 rows until 10 + 33, seen in 46; x is taken by 12; opened in 52; 15 rows until 52 + 45, seen in 100; 2 beats: 108.
 *   Narrow banks are no stall: the unit is at work from 10 to 106. */
static void narrow_banks_take_their_time(void)
{
    struct rig r = rig_make();
    r.pairs[LINEAR_Q].rank = 2;
    r.pairs[LINEAR_V].rank = 1;
    r.config.link_elements = 8;
    r.config.rom_drain_elements = 4;
    r.config.sram_width_bits = 20;
    r.config.sram_ways = r.config.sram_banks = 1;
    r.config.sram_depth_words = 24576;
    REQUIRE(rig_open(&r));
    send_x(&r, LINEARS_QKV, 10);
    check_seen(serve(&r, LINEARS_QKV, 0), (struct seen){{10, 52}, 12, 52, 107});
    const struct unit *unit = &r.b->lora_mac.unit;
    CHECK_EQ_UINT(unit->since, 107);
    CHECK_EQ_UINT(unit->state_cycles[UNIT_BUSY], 107 - 10);
    CHECK_EQ_UINT(unit->state_cycles[UNIT_STALL_SRAM], 0);
    rig_close(&r);
}

/* The case before last, while others write 100 words and win the ports in cycles 13 to 37: A's rows come 25 cycles later, which is stall, not work. */
static void others_at_the_ports_are_a_stall(void)
{
    struct rig r = rig_make();
    r.pairs[LINEAR_O].rank = 2;
    REQUIRE(rig_open(&r));
    send_x(&r, LINEARS_O, 10);
    for (cycle_t now = 0; now < 12; now++) {
        tick(&r, now);
    }
    sram_request(&r.b->kv_write.request, 12, &r.token, sram_at(0), 100, 4);
    check_seen(serve(&r, LINEARS_O, 12), (struct seen){{12, 34 + 25}, 26, 34 + 25, 63 + 25});
    const struct unit *unit = &r.b->lora_mac.unit;
    CHECK_EQ_UINT(unit->state_cycles[UNIT_STALL_SRAM], 25);
    CHECK_EQ_UINT(unit->state_cycles[UNIT_BUSY], 63 - 10);
    rig_close(&r);
}

/* The next vector is picked when the last beat is seen, in 64, whether it has waited or comes in that very cycle; or when it comes. */
static void the_next_vector_is_picked_with_the_last_beat(void)
{
    static const cycle_t firsts[] = {26, 40, 63, 64, 65, 80};
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        struct rig r = rig_make();
        r.pairs[LINEAR_O].rank = 2;
        REQUIRE(rig_open(&r));
        cycle_t first = firsts[i], picked = first > 64 ? first : 64;
        send_x(&r, LINEARS_O, 10);
        for (cycle_t now = 0; now < picked; now++) {
            if (now == first - 1) {
                send_x(&r, LINEARS_O, first);
            }
            tick(&r, now);
            CHECK_EQ_INT(r.b->lora_mac.phase == LORA_EMPTY, now < 10 || now >= 63);
        }
        check_seen(serve(&r, LINEARS_O, picked), (struct seen){{picked + 2, picked + 24}, picked + 16, picked + 24, picked + 53});
        rig_close(&r);
    }
}

/* No room for the burst until cycle 50: it is opened there, and the unit was stalled on its output since 34. */
static void a_full_delta_link_holds_phase_b_up(void)
{
    struct rig r = rig_make();
    r.config.link_depth = 1;
    r.pairs[LINEAR_O].rank = 2;
    REQUIRE(rig_open(&r));
    struct link *delta = r.delta[LINEARS_O];
    link_push(delta, 3, &r.token, 1);
    send_x(&r, LINEARS_O, 10);
    for (cycle_t now = 0; now < 50; now++) {
        tick(&r, now);
        if (now == 49) {
            link_pop(delta, now); /* seen as room from 50 on */
        }
    }
    CHECK_EQ_INT(r.b->lora_mac.phase, LORA_OPEN);
    CHECK_EQ_INT(delta->count, 0);
    tick(&r, 50);
    CHECK_EQ_INT(r.b->lora_mac.phase, LORA_B);
    CHECK_EQ_INT(delta->count, 1);
    CHECK_EQ_UINT(delta->slots[delta->head].first, 51);
    CHECK_EQ_UINT(r.b->lora_mac.unit.state_cycles[UNIT_STALL_OUTPUT], 50 - 34);
    rig_close(&r);
}

/* Which group is served: two vectors are there when the unit looks for the first time, in cycle 10. */
static void check_order(cycle_t down_at, cycle_t qkv_at, enum linear_group expected)
{
    struct rig r = rig_make();
    r.pairs[LINEAR_Q].rank = r.pairs[LINEAR_DOWN].rank = 2;
    REQUIRE(rig_open(&r));
    send_x(&r, LINEARS_DOWN, down_at);
    send_x(&r, LINEARS_QKV, qkv_at);
    tick(&r, 10);
    CHECK_EQ_INT(r.b->lora_mac.phase, LORA_DELAY);
    CHECK_EQ_INT(r.b->lora_mac.group, expected);
    rig_close(&r);
}

static void the_longest_at_the_front_is_served_first(void)
{
    check_order(4, 6, LINEARS_DOWN);
    check_order(6, 4, LINEARS_QKV);
    check_order(5, 5, LINEARS_QKV);
    check_order(10, 10, LINEARS_QKV);
    check_order(10, 11, LINEARS_DOWN);
}

/* O's second vector comes long before gate and up's, but gets to the front of its link in 27 only, after the first one was taken in 26. */
static void check_second_in_line(cycle_t gate_up_at, enum linear_group expected)
{
    struct rig r = rig_make();
    r.pairs[LINEAR_O].rank = r.pairs[LINEAR_GATE].rank = 2;
    REQUIRE(rig_open(&r));
    for (cycle_t now = 0; now <= 64; now++) {
        if (now == 9) {
            send_x(&r, LINEARS_O, 10);
        }
        if (now == gate_up_at - 1) {
            send_x(&r, LINEARS_GATE_UP, gate_up_at);
        }
        if (now == 25) {
            send_x(&r, LINEARS_O, 26);
        }
        tick(&r, now);
        CHECK_EQ_INT(r.b->lora_mac.phase == LORA_EMPTY, now < 10 || now == 63);
    }
    CHECK_EQ_INT(r.b->lora_mac.group, expected);
    rig_close(&r);
}

static void a_second_vector_has_not_waited_at_the_front(void)
{
    check_second_in_line(26, LINEARS_GATE_UP);
    check_second_in_line(27, LINEARS_O); /* a tie: the earlier group */
    check_second_in_line(28, LINEARS_O);
}

/* A harness at the unit's pins gets the job from here. */
static void a_job_is_complete(void)
{
    struct rig r = rig_make();
    r.pairs[LINEAR_Q].rank = 2;
    r.pairs[LINEAR_V].rank = 1;
    REQUIRE(rig_open(&r));
    struct layer weights = {0};
    for (enum linear w = 0; w < LINEAR_COUNT; w++) {
        weights.linear[w].exponent = -10 - (int32_t)w;
    }
    const struct model model = {.layers = &weights};
    r.b->lora_mac.model = &model;
    struct lora_job job = lora_mac_job(&r.b->lora_mac, LINEARS_QKV, &r.token);
    CHECK_EQ_UINT(job.rank, 2);
    CHECK_EQ_UINT(job.pairs, 1 | 4);
    CHECK_EQ_UINT(job.inputs, 16);
    CHECK_EQ_UINT(job.outputs[0], 16);
    CHECK_EQ_UINT(job.outputs[2], 8);
    CHECK_EQ_UINT(job.beat_elements, 1);
    CHECK_EQ_INT(job.base_exponent[0], -10 - LINEAR_Q - ACT_SHIFT_MAX); /* x is aligned */
    CHECK_EQ_INT(job.base_exponent[2], -10 - LINEAR_V - ACT_SHIFT_MAX);
    CHECK_EQ_UINT(job.a_address_words, r.chip->map.slot_words); /* slot 1 */
    CHECK_EQ_UINT(job.b_address_words, r.chip->map.slot_words + 3 + 2 * 4);
    CHECK_EQ_UINT(job.a_delay_cycles, 8 - 3 - 2 - 1);
    CHECK_EQ_UINT(job.a_pause_cycles, 8 - 4);
    CHECK_EQ_UINT(job.b_pause_cycles, 8 - 5);
    rig_close(&r);
}

void suite_lora_mac(void)
{
    suite_begin("lora_mac");
    suite_add("delay, pauses, opening and closing with one element a beat", slow_beats_delay_and_pause);
    suite_add("banks narrower than a lane row", narrow_banks_take_their_time);
    suite_add("rows that come late are a stall", others_at_the_ports_are_a_stall);
    suite_add("the next vector is picked when the last beat is seen", the_next_vector_is_picked_with_the_last_beat);
    suite_add("a full delta link holds phase B up", a_full_delta_link_holds_phase_b_up);
    suite_add("the vector that has been at the front the longest is served first", the_longest_at_the_front_is_served_first);
    suite_add("a second vector has not waited at the front", a_second_vector_has_not_waited_at_the_front);
    suite_add("a job has all that the pins want", a_job_is_complete);
}
