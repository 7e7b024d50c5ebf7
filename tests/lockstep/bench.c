#include "tests/lockstep/bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lora_ports.h"
#include "tests/unit/check.h"

const char *const coverage_names[COVERAGE] = {
    [COVER_JOBS] = "job to its end",
    [COVER_TIE] = "two bursts came in the same cycle",
    [COVER_NOT_LOWEST] = "a later group waited longer",
    [COVER_FOUR_WAIT] = "all four links wait",
    [COVER_BACK_TO_BACK] = "the next job is picked in T",
    [COVER_WAIT_A] = "A waits for room for its request",
    [COVER_WAIT_B_REQUEST] = "B waits for room for its request",
    [COVER_WAIT_B_DELTA] = "B waits for room in the delta link",
    [COVER_ROW_IN_PARTS] = "a row comes in more than one cycle",
    [COVER_PARTIAL_BEAT] = "a beat of results that is not full",
    [COVER_PARTIAL_BLOCK] = "a block of outputs that is not full",
    [COVER_TWO_BLOCKS_IN_PIPELINE] = "two blocks of results in the pipeline",
    [COVER_RANK_1] = "rank 1",
    [COVER_RANK_MAX] = "the largest rank",
    [COVER_MISSING_PAIR] = "a linear without a pair",
    [COVER_SHIFT_LEFT] = "left shift of the result",
    [COVER_SATURATED] = "saturation of the result",
    [COVER_SHIFT_TOO_FAR] = "right shift by more than 62",
    [COVER_SHIFT_NONE] = "u needs no shift",
    [COVER_H_CLAMPED] = "h is clamped",
    [COVER_H_HALF] = "h is rounded from half a negative step",
    [COVER_DELTA_HALF] = "a result is rounded from half a negative step",
    [COVER_ABORT_ASKING_A] = "abort before the request of A",
    [COVER_ABORT_A] = "abort in phase A",
    [COVER_ABORT_BETWEEN] = "abort between the phases",
    [COVER_ABORT_B] = "abort in phase B",
    [COVER_ABORT_RESULTS] = "abort after the last word of B",
    [COVER_ABORT_WITH_X] = "abort while x is taken",
    [COVER_ABORT_WITH_WORDS] = "abort while words are outstanding",
    [COVER_ABORT_IDLE] = "abort without a job",
    [COVER_ABORT_TWICE] = "abort during an abort",
    [COVER_RESET_IDLE] = "reset without a job",
    [COVER_RESET_ASKING_A] = "reset before the request of A",
    [COVER_RESET_A] = "reset in phase A",
    [COVER_RESET_BETWEEN] = "reset between the phases",
    [COVER_RESET_B] = "reset in phase B",
    [COVER_RESET_RESULTS] = "reset after the last word of B",
    [COVER_RESET_ABORTING] = "reset during an abort",
};

const struct traffic traffic_calm = {1000, 1000, 1000, 1000, 0, 0, false};

enum { RING_CYCLES = 128 }; /* more than an SRAM's latency and 1 */

struct x_burst {
    const struct weights *weights;
    struct lora_job job;
    bench_cycle_t visible_at;
    uint32_t taken;
    int8_t *x; /* [width + link_elements], what lies behind the last element is random */
};

struct x_link {
    struct x_burst bursts[BENCH_QUEUE]; /* the front one first */
    uint32_t count;
    bool delta_ready;
};

struct delivery { /* words on their way from the banks */
    uint32_t count;
    uint32_t *words;
};

struct reader { /* the SRAM's end of a request */
    bool active, phase_b;
    const uint32_t *region;
    uint32_t words, granted, delivered; /* of the request */
    uint32_t first_rows, block_rows, pause_cycles;
    bench_cycle_t row_from; /* the next row is granted no sooner */
};

struct bench {
    struct bench_options options;
    struct lora_geometry unit;
    uint64_t random;
    bench_cycle_t now;
    struct traffic traffic;
    bench_cycle_t traffic_until;
    uint32_t bursts;
    struct weights *pool[BENCH_POOL];
    struct x_link links[LINEAR_GROUPS];
    struct reader reader;
    struct delivery ring[RING_CYCLES];
    struct expect expect;
    /* of the present job */
    const struct weights *weights;
    int64_t *delta[GROUP_LINEARS_MAX];      /* what must come out, [width] */
    uint32_t rows_delivered, linear, block; /* of B */
    struct lora_outputs out[BENCH_UNITS_MAX];
    uint64_t covered[COVERAGE];
};

static void *room(size_t count, size_t size)
{
    struct error e = {0};
    void *memory = error_calloc(&e, count, size, "the bench");
    ES_ASSERT(memory);
    return memory;
}

struct bench *bench_open(const struct bench_options *options)
{
    struct bench *b = room(1, sizeof *b);
    b->options = *options;
    b->unit = options->unit;
    b->random = 0x9e3779b97f4a7c15u * (options->seed + 1);
    test_random(&b->random);
    ES_ASSERT(b->unit.sram_latency_cycles + 1 < RING_CYCLES && options->width >= b->unit.lanes);
    for (uint32_t i = 0; i < BENCH_POOL; i++) {
        b->pool[i] = weights_new(&b->unit, options->width);
        weights_fill(b->pool[i], &b->unit, options->width, &options->recipe, &b->random);
    }
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        for (uint32_t i = 0; i < BENCH_QUEUE; i++) {
            b->links[g].bursts[i].x = room(options->width + b->unit.link_elements, 1);
        }
    }
    for (uint32_t i = 0; i < RING_CYCLES; i++) {
        b->ring[i].words = room(((size_t)b->unit.port_words * b->unit.sram_width_bits + 31) / 32 + 1, sizeof(uint32_t));
    }
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        b->delta[i] = room(options->width, sizeof *b->delta[i]);
    }
    for (uint32_t i = 0; i < options->n_units; i++) {
        b->out[i].delta = room(b->unit.drain_elements, sizeof *b->out[i].delta);
    }
    expect_open(&b->expect, &b->unit);
    return b;
}

void bench_close(struct bench *b)
{
    for (uint32_t i = 0; i < BENCH_POOL; i++) {
        weights_free(b->pool[i]);
    }
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        for (uint32_t i = 0; i < BENCH_QUEUE; i++) {
            free(b->links[g].bursts[i].x);
        }
    }
    for (uint32_t i = 0; i < RING_CYCLES; i++) {
        free(b->ring[i].words);
    }
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        free(b->delta[i]);
    }
    for (uint32_t i = 0; i < b->options.n_units; i++) {
        free(b->out[i].delta);
    }
    expect_close(&b->expect);
    free(b);
}

bench_cycle_t bench_now(const struct bench *b)
{
    return b->now;
}

const uint64_t *bench_coverage(const struct bench *b)
{
    return b->covered;
}

bool bench_done(const struct bench *b)
{
    bool links = false;
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        links |= b->links[g].count > 0;
    }
    return b->options.bursts > 0 && b->bursts == b->options.bursts && !links && b->expect.state == EXPECT_IDLE && b->now > 0;
}

/* -- comparison -- */

static bool differs(const struct bench *b, const char *pin, uint32_t index, uint64_t expected, uint64_t got, const char *expected_of,
                    const char *got_of, struct error *e)
{
    return error_check(
        e, "cycle %" PRIu64 ": %s_o[%" PRIu32 "]: expected %" PRId64 " (0x%" PRIx64 ", %s), got %" PRId64 " (0x%" PRIx64 ", %s)", b->now,
        pin, index, (int64_t)expected, expected, expected_of, (int64_t)got, got, got_of);
}

static bool any(const bool of_group[LINEAR_GROUPS])
{
    return of_group[0] || of_group[1] || of_group[2] || of_group[3];
}

/* Every pin; those that go with a valid only beside it. */
static bool same(const struct bench *b, const struct lora_outputs *expected, const struct lora_outputs *got, const char *expected_of,
                 const char *got_of, struct error *e)
{
#define SAME(pin, index, field)                                                                                 \
    if (expected->field != got->field) {                                                                        \
        return differs(b, pin, index, (uint64_t)expected->field, (uint64_t)got->field, expected_of, got_of, e); \
    }
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        SAME("x_ready", g, x_ready[g])
        SAME("delta_open", g, delta_open[g])
        SAME("delta_valid", g, delta_valid[g])
    }
    SAME("busy", 0, busy)
    SAME("aborted", 0, aborted)
    SAME("request_valid", 0, request_valid)
    if (expected->request_valid) {
        SAME("request_address", 0, request_address_words)
        SAME("request_words", 0, request_words)
        SAME("request_first_rows", 0, request_first_rows)
        SAME("request_block_rows", 0, request_block_rows)
        SAME("request_pause", 0, request_pause_cycles)
    }
    if (any(expected->delta_valid)) {
        SAME("delta_last", 0, delta_last)
        SAME("delta_abort", 0, delta_abort)
        SAME("delta_count", 0, delta_count)
        for (uint32_t i = 0; i < expected->delta_count; i++) {
            SAME("delta_data", i, delta[i])
        }
    }
#undef SAME
    return true;
}

static bool compare(struct bench *b, struct error *e)
{
    struct lora_outputs expected = expect_outputs(&b->expect);
    const char *of = "docs/lora_mac.md";
    const struct lora_outputs *reference = &expected;
    for (uint32_t i = 0; i < b->options.n_units; i++) {
        struct lora_unit *u = b->options.units[i];
        u->outputs(u, &b->out[i]);
        if (!same(b, reference, &b->out[i], of, u->name, e)) {
            return false;
        }
        reference = &b->out[i];
        of = u->name;
    }
    return true;
}

/* -- traffic -- */

static uint32_t one_of(uint64_t *random, const uint32_t values[4])
{
    return values[between(random, 0, 3)];
}

static void change_traffic(struct bench *b)
{
    if (b->now < b->traffic_until) {
        return;
    }
    uint64_t *random = &b->random;
    b->traffic_until = b->now + between(random, 100, 3000);
    b->traffic = (struct traffic){
        .arrival = one_of(random, (const uint32_t[4]){2, 20, 200, 1000}),
        .request_ready = one_of(random, (const uint32_t[4]){1000, 1000, 500, 30}),
        .delta_ready = one_of(random, (const uint32_t[4]){1000, 1000, 100, 10}),
        .grant = one_of(random, (const uint32_t[4]){1000, 1000, 700, 200}),
        .abort = one_of(random, (const uint32_t[4]){0, 0, 2, 20}),
        .reset = one_of(random, (const uint32_t[4]){0, 0, 0, 2}),
        .together = chance(random, 250),
    };
    if (b->options.traffic) {
        b->traffic = *b->options.traffic;
        b->traffic_until = BENCH_NEVER;
    }
    bool used[BENCH_POOL] = {false};
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        for (uint32_t i = 0; i < b->links[g].count; i++) {
            for (uint32_t k = 0; k < BENCH_POOL; k++) {
                used[k] |= b->links[g].bursts[i].weights == b->pool[k];
            }
        }
    }
    for (uint32_t k = 0; k < BENCH_POOL; k++) {
        if (!used[k] && b->pool[k] != b->weights && chance(random, 300)) {
            weights_fill(b->pool[k], &b->unit, b->options.width, &b->options.recipe, random);
        }
    }
}

/* A burst on link g, if there is room and someone has weights for it. */
static void send(struct bench *b, enum linear_group g)
{
    struct x_link *link = &b->links[g];
    const struct weights *w = b->pool[between(&b->random, 0, BENCH_POOL - 1)];
    bool limited = b->options.bursts > 0;
    if (link->count == BENCH_QUEUE || (limited && b->bursts == b->options.bursts) || w->n_linears > linears_count(g)) {
        return; /* weights for fewer linears do for a larger group */
    }
    struct x_burst *burst = &link->bursts[link->count++];
    int8_t *x = burst->x;
    *burst = (struct x_burst){.weights = w, .visible_at = b->now + 1, .x = x};
    burst->job = weights_job(w, &b->unit, &b->options.recipe, &b->random);
    weights_x(w, &b->random, x);
    for (uint32_t i = 0; i < b->unit.link_elements; i++) {
        x[w->inputs + i] = (int8_t)between(&b->random, 0, 255);
    }
    b->bursts++;
}

static void arrivals(struct bench *b)
{
    bool all = b->traffic.together && chance(&b->random, b->traffic.arrival);
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        if (b->traffic.together ? all : chance(&b->random, b->traffic.arrival / 4 + 1)) {
            send(b, g);
        }
    }
}

static bool x_valid(const struct bench *b, enum linear_group g)
{
    return b->links[g].count > 0 && b->links[g].bursts[0].visible_at <= b->now;
}

static void pop_x(struct bench *b, enum linear_group g)
{
    struct x_link *link = &b->links[g];
    struct x_burst *front = &link->bursts[0];
    front->taken += front->job.beat_elements;
    if (front->taken < front->job.inputs) {
        return;
    }
    struct x_burst done = *front;
    memmove(front, front + 1, (BENCH_QUEUE - 1) * sizeof *front);
    link->bursts[BENCH_QUEUE - 1] = done; /* keeps its buffer */
    link->count--;
    if (link->count > 0 && front->visible_at <= b->now) {
        front->visible_at = b->now + 1; /* only now at the front */
    }
}

/* -- SRAM -- */

static void take_request(struct bench *b, const struct lora_outputs *out)
{
    struct reader *r = &b->reader;
    if (!out->request_valid) {
        return;
    }
    ES_ASSERT(!r->active);
    bool phase_b = out->delta_open[b->expect.group];
    *r = (struct reader){.active = true,
                         .phase_b = phase_b,
                         .region = phase_b ? b->weights->region_b : b->weights->region_a,
                         .words = out->request_words,
                         .first_rows = out->request_first_rows,
                         .block_rows = out->request_block_rows,
                         .pause_cycles = out->request_pause_cycles,
                         .row_from = b->now};
}

/* Words granted in this cycle set out for the pins. */
static void grant(struct bench *b)
{
    struct reader *r = &b->reader;
    const uint32_t row_words = b->unit.row_words, width = b->unit.sram_width_bits;
    if (!r->active || r->granted == r->words || b->now < r->row_from) {
        return;
    }
    uint32_t left = row_words - r->granted % row_words, count = left < b->unit.port_words ? left : b->unit.port_words;
    if (!chance(&b->random, b->traffic.grant)) {
        count = between(&b->random, 0, count);
    }
    struct delivery *d = &b->ring[(b->now + b->unit.sram_latency_cycles + 1) % RING_CYCLES];
    d->count = count;
    for (uint32_t bit = 0; bit < count * width; bit += 32) {
        uint32_t part = count * width - bit < 32 ? count * width - bit : 32;
        d->words[bit / 32] = (uint32_t)bits_get(r->region, (uint64_t)r->granted * width + bit, part);
    }
    r->granted += count;
    if (count == left) {
        uint32_t rows = r->granted / row_words;
        bool block = rows >= r->first_rows && (rows - r->first_rows) % r->block_rows == 0;
        r->row_from = b->now + 1 + (block ? r->pause_cycles : 0);
    }
}

/* The linear whose block b->block of outputs comes next. */
static void next_block(struct bench *b)
{
    const struct weights *w = b->weights;
    while (b->linear < w->n_linears && (w->ranks[b->linear] == 0 || b->block * b->unit.lanes >= w->outputs[b->linear])) {
        b->linear++;
        b->block = 0;
    }
}

static void note_block(struct bench *b, struct expect_events *events)
{
    const uint32_t lanes = b->unit.lanes, first = b->block * lanes;
    const uint32_t left = b->weights->outputs[b->linear] - first;
    events->block_over = true;
    events->block = (struct expect_results){.delta = b->delta[b->linear] + first, .count = left < lanes ? left : lanes};
    b->covered[COVER_PARTIAL_BLOCK] += left < lanes;
    b->covered[COVER_PARTIAL_BEAT] += events->block.count % b->unit.drain_elements > 0;
    b->covered[COVER_TWO_BLOCKS_IN_PIPELINE] += b->expect.results_count > 0;
    b->block++;
    next_block(b);
    events->block.last = b->linear == b->weights->n_linears;
}

/* What this cycle's words complete. */
static void note_words(struct bench *b, uint32_t count, struct expect_events *events)
{
    struct reader *r = &b->reader;
    const uint32_t row_words = b->unit.row_words;
    r->delivered += count;
    b->covered[COVER_ROW_IN_PARTS] += count > 0 && r->delivered % row_words > 0;
    if (count == 0 || r->delivered % row_words > 0) {
        return;
    }
    uint32_t rows = r->delivered / row_words;
    if (r->phase_b && rows % r->block_rows == 0 && b->expect.state == EXPECT_JOB) {
        note_block(b, events);
    }
    if (r->delivered == r->words) {
        events->a_over = !r->phase_b;
        r->active = false;
    }
}

/* -- coverage -- */

static enum coverage state_of(const struct bench *b)
{
    const struct expect *x = &b->expect;
    return x->a_asked_at == BENCH_NEVER  ? COVER_ABORT_ASKING_A
           : x->a_over_at == BENCH_NEVER ? COVER_ABORT_A
           : x->opened_at == BENCH_NEVER ? COVER_ABORT_BETWEEN
           : x->words_outstanding > 0    ? COVER_ABORT_B
                                         : COVER_ABORT_RESULTS;
}

static void cover(struct bench *b, const struct lora_inputs *in)
{
    const struct expect *x = &b->expect;
    const bool job = x->state == EXPECT_JOB, idle = x->state == EXPECT_IDLE, ends = any(x->next.delta_valid) && x->next.delta_last;
    uint64_t *c = b->covered;
    c[COVER_JOBS] += ends && !x->next.delta_abort;
    c[COVER_BACK_TO_BACK] += ends && idle && any(in->x_valid);
    if (in->reset) {
        c[idle ? COVER_RESET_IDLE : job ? state_of(b) - COVER_ABORT_ASKING_A + COVER_RESET_ASKING_A : COVER_RESET_ABORTING]++;
    } else if (in->abort) {
        c[idle ? COVER_ABORT_IDLE : job ? state_of(b) : COVER_ABORT_TWICE]++;
        c[COVER_ABORT_WITH_X] += job && x->now <= x->x_until;
        c[COVER_ABORT_WITH_WORDS] += job && x->words_outstanding > 0;
    } else if (job) {
        bool due = x->a_over_at != BENCH_NEVER && x->opened_at == BENCH_NEVER && x->now >= x->a_over_at + b->unit.latency_cycles;
        c[COVER_WAIT_A] += x->a_asked_at == BENCH_NEVER && x->now >= x->picked_at + x->job.a_delay_cycles && !in->request_ready;
        c[COVER_WAIT_B_REQUEST] += due && !in->request_ready;
        c[COVER_WAIT_B_DELTA] += due && !in->delta_ready[x->group];
    }
}

static void cover_pick(struct bench *b, const struct lora_inputs *in, const struct expect_events *events)
{
    const struct expect *x = &b->expect;
    const enum linear_group picked = x->group;
    uint32_t waiting = 0;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        waiting += in->x_valid[g];
        b->covered[COVER_TIE] += in->x_valid[g] && g != picked && events->waits_since[g] == events->waits_since[picked];
        b->covered[COVER_NOT_LOWEST] += in->x_valid[g] && g < picked;
    }
    b->covered[COVER_FOUR_WAIT] += waiting == LINEAR_GROUPS;
    b->covered[COVER_RANK_1] += x->job.rank == 1;
    b->covered[COVER_RANK_MAX] += x->job.rank == b->unit.rank_max;
    b->covered[COVER_MISSING_PAIR] += lora_job_pairs(&x->job) < b->weights->n_linears;
}

/* The job that was picked in this cycle: what must come out of it. */
static void start_job(struct bench *b, const struct lora_inputs *in, const struct expect_events *events)
{
    const struct x_burst *burst = &b->links[b->expect.group].bursts[0];
    struct shifts seen = {0};
    b->weights = burst->weights;
    b->linear = b->block = 0;
    next_block(b);
    weights_delta(b->weights, burst->x, burst->job.base_exponent, b->delta, &seen);
    cover_pick(b, in, events);
    b->covered[COVER_SHIFT_LEFT] += seen.left;
    b->covered[COVER_SATURATED] += seen.saturated;
    b->covered[COVER_SHIFT_TOO_FAR] += seen.too_far;
    b->covered[COVER_SHIFT_NONE] += seen.exact_h;
    b->covered[COVER_H_CLAMPED] += seen.clamped_h;
    b->covered[COVER_H_HALF] += seen.half_h;
    b->covered[COVER_DELTA_HALF] += seen.half_delta;
}

/* -- one cycle -- */

static void drive(struct bench *b, const struct lora_outputs *out, struct lora_inputs *in, struct expect_events *events)
{
    const struct delivery *d = &b->ring[b->now % RING_CYCLES];
    *in = (struct lora_inputs){
        .reset = b->now == 0 || b->now == b->options.reset_at || chance(&b->random, b->traffic.reset),
        .abort = b->now == b->options.abort_at || chance(&b->random, b->traffic.abort),
        .request_ready = chance(&b->random, b->traffic.request_ready),
        .word_count = d->count,
        .words = d->words,
    };
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        struct x_link *link = &b->links[g];
        const struct x_burst *front = &link->bursts[0];
        in->x_valid[g] = x_valid(b, g);
        in->x[g] = front->x + front->taken;
        in->job[g] = front->job;
        if (front->taken > 0) { /* nobody may look at it any more */
            memset(&in->job[g], (int)between(&b->random, 0, 255), sizeof in->job[g]);
        }
        events->waits_since[g] = front->visible_at;
        link->delta_ready = (link->delta_ready && !out->delta_open[g]) || chance(&b->random, b->traffic.delta_ready);
        in->delta_ready[g] = link->delta_ready;
    }
}

static void reset_surroundings(struct bench *b)
{
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        b->links[g].count = 0;
    }
    for (uint32_t i = 0; i < RING_CYCLES; i++) {
        b->ring[i].count = 0;
    }
    b->reader = (struct reader){0};
}

bool bench_step(struct bench *b, struct error *e)
{
    if (b->now > 0 && !compare(b, e)) { /* before the first reset they may show anything */
        return false;
    }
    const struct lora_outputs out = expect_outputs(&b->expect);
    struct expect_events events = {0};
    struct lora_inputs in;
    change_traffic(b);
    take_request(b, &out);
    drive(b, &out, &in, &events);
    grant(b);
    note_words(b, in.word_count, &events);
    cover(b, &in);
    bool was_idle = b->expect.state == EXPECT_IDLE;
    expect_clock(&b->expect, &in, &events);
    for (uint32_t i = 0; i < b->options.n_units; i++) {
        b->options.units[i]->clock(b->options.units[i], &in);
    }
    if (was_idle && b->expect.state == EXPECT_JOB) {
        start_job(b, &in, &events);
    }
    b->ring[b->now % RING_CYCLES].count = 0;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        if (in.x_valid[g] && out.x_ready[g]) {
            pop_x(b, g);
        }
    }
    if (in.reset) {
        reset_surroundings(b);
    }
    arrivals(b);
    b->now++;
    return true;
}
