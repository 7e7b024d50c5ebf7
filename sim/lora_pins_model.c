#include "sim/lora_pins_model.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/lora.h"
#include "sim/lora_ports.h"

typedef uint64_t pin_cycle_t;

enum {
    ENTRY_ROWS = 3,  /* rows that make 16-bit entries */
    ROW_CYCLES = 4,  /* at least: a block of B has the rows of its scales and of one rank */
    WORD_BITS = 32,  /* of the row register */
    FIELD_MASK = 63, /* of a lane */
};

enum phase { PHASE_IDLE, PHASE_ASK_A, PHASE_A, PHASE_BETWEEN, PHASE_B, PHASE_DRAIN, PHASE_ABORT };

struct result {          /* a block's results on their way through the pipeline */
    pin_cycle_t seen_at; /* the first beat */
    uint32_t count, sent;
    bool last;
    int64_t *delta; /* [lanes] */
};

struct lora_pins_model {
    struct lora_unit unit;
    struct lora_geometry geometry;
    uint32_t inputs_max;
    pin_cycle_t now;
    enum phase phase;
    bool waiting[LINEAR_GROUPS]; /* a burst is at the front of its link, since when */
    pin_cycle_t came[LINEAR_GROUPS];

    struct lora_job job;
    enum linear_group group;
    pin_cycle_t due_at; /* the next request */
    bool opened;
    uint32_t x_taken;
    int8_t *x; /* [padded(inputs_max)] */

    uint32_t words_left, row_words, row; /* of the present request: to come; there of the row; rows before it */
    uint32_t *row_bits;
    uint16_t *entries; /* of the preamble: scales of A, then exponents */
    int8_t *a;         /* [pairs][rank][inputs] */
    struct act8 h[GROUP_LINEARS_MAX];
    int8_t h_m[GROUP_LINEARS_MAX][LORA_RANK_MAX];
    uint32_t linear, pair, block; /* of B: the linear whose rows come, how many there were before it, the block of its outputs */
    uint16_t *scale_b;            /* [lanes] */
    int8_t *b;                    /* [lanes][rank] */

    struct result *results; /* a ring */
    uint32_t results_room, results_first, results_count;

    struct lora_outputs q; /* output registers */
    int64_t *delta_q;      /* [drain_elements] */
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t parts(uint32_t n, uint32_t size)
{
    ES_ASSERT(size > 0);
    return (n + size - 1) / size;
}

static uint32_t row_field(const struct lora_pins_model *u, uint32_t lane)
{
    uint32_t bit = LORA_WEIGHT_BITS * lane;
    uint64_t two = u->row_bits[bit / WORD_BITS] | (uint64_t)u->row_bits[bit / WORD_BITS + 1] << WORD_BITS;
    return (uint32_t)(two >> bit % WORD_BITS) & FIELD_MASK;
}

static int8_t row_weight(const struct lora_pins_model *u, uint32_t lane)
{
    return (int8_t)((int32_t)(row_field(u, lane) ^ 32) - 32);
}

/* A third of a set of 16-bit entries; of the last third only four bits are used. */
static void put_entries(const struct lora_pins_model *u, uint32_t third, uint16_t *entries)
{
    for (uint32_t lane = 0; lane < u->geometry.lanes; lane++) {
        uint32_t before = third == 0 ? 0 : entries[lane];
        entries[lane] = (uint16_t)(before | row_field(u, lane) << (LORA_WEIGHT_BITS * third));
    }
}

/* -- pick -- */

static void note_arrivals(struct lora_pins_model *u, const struct lora_inputs *in)
{
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        if (in->x_valid[g] && !u->waiting[g]) {
            u->waiting[g] = true;
            u->came[g] = u->now;
        }
    }
}

static void check_job(const struct lora_pins_model *u, const struct lora_job *job)
{
    ES_ASSERT(job->rank > 0 && job->rank <= u->geometry.rank_max && job->pairs > 0 && job->pairs < 1u << GROUP_LINEARS_MAX);
    ES_ASSERT(job->inputs > 0 && job->inputs <= u->inputs_max);
    ES_ASSERT(job->beat_elements > 0 && job->beat_elements <= u->geometry.link_elements);
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        ES_ASSERT(job->outputs[i] > 0 || (job->pairs >> i & 1) == 0);
    }
}

static void pick(struct lora_pins_model *u, const struct lora_inputs *in)
{
    uint32_t chosen = LINEAR_GROUPS;
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        if (u->waiting[g] && (chosen == LINEAR_GROUPS || u->came[g] < u->came[chosen])) {
            chosen = g;
        }
    }
    if (chosen == LINEAR_GROUPS) {
        return;
    }
    u->group = (enum linear_group)chosen;
    u->job = in->job[chosen];
    check_job(u, &u->job);
    u->phase = PHASE_ASK_A;
    u->due_at = u->now + u->job.a_delay_cycles;
    u->opened = false;
    u->x_taken = 0;
}

static void take_x(struct lora_pins_model *u, const struct lora_inputs *in)
{
    if (!in->x_valid[u->group] || u->x_taken == u->job.inputs) {
        return;
    }
    uint32_t n = least(u->job.beat_elements, u->job.inputs - u->x_taken);
    memcpy(u->x + u->x_taken, in->x[u->group], n);
    u->x_taken += n;
    if (u->x_taken == u->job.inputs) {
        u->waiting[u->group] = false; /* what is there in the next cycle is another burst */
        memset(u->x + u->x_taken, 0, (size_t)padded((int32_t)u->x_taken) - u->x_taken);
    }
}

/* -- rows -- */

static uint32_t block_rows(const struct lora_pins_model *u)
{
    return u->job.rank * lora_job_pairs(&u->job);
}

static void finish_a(struct lora_pins_model *u)
{
    const uint32_t n_pairs = lora_job_pairs(&u->job), rank = u->job.rank;
    const struct act8 x = {u->x, (int32_t)u->job.inputs, 0, NULL};
    for (uint32_t p = 0; p < n_pairs; p++) {
        const struct lora_pair pair = {.rank = (int32_t)rank,
                                       .n_in = (int32_t)u->job.inputs,
                                       .a = u->a + (size_t)p * rank * u->job.inputs,
                                       .scale_a = u->entries + (size_t)p * rank};
        u->h[p] = (struct act8){.m = u->h_m[p]};
        k_lora_a(&pair, &x, &u->h[p]); /* its exponent is the shift: those of x and A are left out */
        u->h[p].exponent += (int16_t)u->entries[n_pairs * rank + p];
    }
    u->phase = PHASE_BETWEEN;
    u->due_at = u->now + u->geometry.latency_cycles;
}

static void row_of_a(struct lora_pins_model *u)
{
    const uint32_t lanes = u->geometry.lanes, preamble = lora_job_preamble_rows(&u->geometry, &u->job), n = u->job.inputs;
    if (u->row < preamble) {
        put_entries(u, u->row % ENTRY_ROWS, u->entries + (size_t)(u->row / ENTRY_ROWS) * lanes);
        return;
    }
    const uint32_t k = (u->row - preamble) % block_rows(u), first = (u->row - preamble) / block_rows(u) * lanes;
    const uint32_t count = least(lanes, n - first);
    ES_ASSERT(k > 0 || u->x_taken >= first + count); /* x of a block is there before its first row */
    for (uint32_t lane = 0; lane < count; lane++) {
        u->a[(size_t)k * n + first + lane] = row_weight(u, lane);
    }
}

static void next_linear(struct lora_pins_model *u)
{
    do {
        u->linear++;
    } while (u->linear < GROUP_LINEARS_MAX && (u->job.pairs >> u->linear & 1) == 0);
}

static void finish_block(struct lora_pins_model *u, uint32_t count)
{
    ES_ASSERT(u->results_count < u->results_room);
    struct result *r = &u->results[(u->results_first + u->results_count++) % u->results_room];
    *r = (struct result){.seen_at = u->now + u->geometry.latency_cycles + 1, .count = count, .delta = r->delta};
    const struct lora_pair pair = {
        .rank = (int32_t)u->job.rank, .n_out = (int32_t)count, .b = u->b, .scale_b = u->scale_b}; /* h has the exponents */
    k_lora_b(&pair, &u->h[u->pair], u->job.base_exponent[u->linear], r->delta);
    u->block++;
    if (u->block == parts(u->job.outputs[u->linear], u->geometry.lanes)) {
        u->block = 0;
        u->pair++;
        next_linear(u);
        r->last = u->linear == GROUP_LINEARS_MAX;
    }
    if (r->last) {
        u->phase = PHASE_DRAIN;
    }
}

static void row_of_b(struct lora_pins_model *u)
{
    const uint32_t rank = u->job.rank, row = u->row % (ENTRY_ROWS + rank);
    if (row < ENTRY_ROWS) {
        put_entries(u, row, u->scale_b);
        return;
    }
    const uint32_t lanes = u->geometry.lanes, count = least(lanes, u->job.outputs[u->linear] - u->block * lanes);
    for (uint32_t lane = 0; lane < count; lane++) {
        u->b[(size_t)lane * rank + row - ENTRY_ROWS] = row_weight(u, lane);
    }
    if (row == ENTRY_ROWS + rank - 1) {
        finish_block(u, count);
    }
}

static void take_words(struct lora_pins_model *u, const struct lora_inputs *in)
{
    if (in->word_count == 0) {
        return;
    }
    ES_ASSERT(in->word_count <= u->words_left && in->word_count <= u->geometry.port_words);
    ES_ASSERT(u->row_words + in->word_count <= u->geometry.row_words); /* of one row */
    const uint32_t width = u->geometry.sram_width_bits, bits = in->word_count * width;
    for (uint32_t bit = 0; bit < bits; bit += WORD_BITS) {
        uint32_t part = least(bits - bit, WORD_BITS);
        bits_put(u->row_bits, (uint64_t)u->row_words * width + bit, part, bits_get(in->words, bit, part));
    }
    u->words_left -= in->word_count;
    u->row_words += in->word_count;
    if (u->row_words < u->geometry.row_words) {
        return;
    }
    if (u->phase == PHASE_A) {
        row_of_a(u);
    } else if (u->phase == PHASE_B) {
        row_of_b(u);
    }
    u->row_words = 0;
    u->row++;
    if (u->phase == PHASE_A && u->words_left == 0) {
        finish_a(u);
    }
}

/* -- requests and results -- */

static void ask(struct lora_pins_model *u, uint32_t address_words, uint32_t rows, uint32_t first_rows, uint32_t block_rows,
                uint32_t pause_cycles)
{
    u->words_left = rows * u->geometry.row_words;
    u->row_words = 0;
    u->row = 0;
    u->q.request_valid = true;
    u->q.request_address_words = address_words;
    u->q.request_words = u->words_left;
    u->q.request_first_rows = first_rows;
    u->q.request_block_rows = block_rows;
    u->q.request_pause_cycles = pause_cycles;
}

static void ask_a(struct lora_pins_model *u, const struct lora_inputs *in)
{
    if (u->now < u->due_at || !in->request_ready) {
        return;
    }
    ask(u, u->job.a_address_words, lora_job_a_rows(&u->geometry, &u->job), lora_job_preamble_rows(&u->geometry, &u->job) + block_rows(u),
        block_rows(u), u->job.a_pause_cycles);
    u->phase = PHASE_A;
}

static void open_and_ask_b(struct lora_pins_model *u, const struct lora_inputs *in)
{
    if (u->now < u->due_at || !in->request_ready || !in->delta_ready[u->group]) {
        return;
    }
    ask(u, u->job.b_address_words, lora_job_b_rows(&u->geometry, &u->job), ENTRY_ROWS + u->job.rank, ENTRY_ROWS + u->job.rank,
        u->job.b_pause_cycles);
    u->q.delta_open[u->group] = true;
    u->opened = true;
    u->phase = PHASE_B;
    u->pair = 0;
    u->block = 0;
    u->linear = UINT32_MAX; /* + 1 is 0 */
    next_linear(u);
}

static void send_results(struct lora_pins_model *u)
{
    struct result *r = &u->results[u->results_first];
    if (u->results_count == 0 || u->now + 1 < r->seen_at) {
        return;
    }
    uint32_t drain = u->geometry.drain_elements, n = least(drain, r->count - r->sent);
    ES_ASSERT(u->now + 1 == r->seen_at + r->sent / drain); /* blocks do not overtake each other's results */
    memcpy(u->delta_q, r->delta + r->sent, n * sizeof *r->delta);
    r->sent += n;
    u->q.delta_valid[u->group] = true;
    u->q.delta_count = n;
    if (r->sent == r->count) {
        u->results_first = (u->results_first + 1) % u->results_room;
        u->results_count--;
        u->q.delta_last = r->last;
    }
    if (u->q.delta_last) {
        u->phase = PHASE_IDLE;
    }
}

/* -- abort -- */

static void start_abort(struct lora_pins_model *u)
{
    u->phase = PHASE_ABORT;
    u->results_count = 0;
}

/* x and words are counted on until nothing is outstanding. */
static void end_abort(struct lora_pins_model *u)
{
    u->phase = PHASE_IDLE;
    u->q.aborted = true;
    if (u->opened) {
        u->q.delta_valid[u->group] = true;
        u->q.delta_last = true;
        u->q.delta_abort = true;
    }
}

/* -- the clock -- */

static void advance(struct lora_pins_model *u, const struct lora_inputs *in)
{
    const bool aborts = in->abort && u->phase != PHASE_ABORT, outstanding = u->words_left > 0 || u->x_taken < u->job.inputs;
    if (u->phase == PHASE_IDLE) {
        pick(u, in);
        if (u->phase == PHASE_ASK_A) {
            ask_a(u, in);
        }
        return;
    }
    if (aborts) {
        start_abort(u);
    }
    take_words(u, in); /* before x: rows that come now may use what was taken before now */
    take_x(u, in);
    if (u->phase == PHASE_ASK_A) {
        ask_a(u, in);
    } else if (u->phase == PHASE_BETWEEN) {
        open_and_ask_b(u, in);
    } else if (u->phase == PHASE_B || u->phase == PHASE_DRAIN) {
        send_results(u);
    } else if (u->phase == PHASE_ABORT && !aborts && !outstanding) {
        end_abort(u);
    }
}

static void model_clock(struct lora_unit *unit, const struct lora_inputs *in)
{
    struct lora_pins_model *u = (struct lora_pins_model *)unit;
    u->q = (struct lora_outputs){0};
    if (in->reset) {
        memset(u->waiting, 0, sizeof u->waiting);
        u->phase = PHASE_IDLE;
        u->words_left = 0;
        u->results_count = 0;
    } else {
        note_arrivals(u, in);
        advance(u, in);
    }
    u->now++;
}

static void model_outputs(struct lora_unit *unit, struct lora_outputs *out)
{
    const struct lora_pins_model *u = (const struct lora_pins_model *)unit;
    int64_t *delta = out->delta;
    *out = u->q;
    out->delta = delta;
    memcpy(delta, u->delta_q, u->q.delta_count * sizeof *delta);
    out->busy = u->phase != PHASE_IDLE;
    out->x_ready[u->group] = out->busy && u->x_taken < u->job.inputs;
}

static void model_close(struct lora_unit *unit)
{
    struct lora_pins_model *u = (struct lora_pins_model *)unit;
    if (u->results) {
        free(u->results[0].delta);
    }
    free(u->results);
    free(u->x);
    free(u->row_bits);
    free(u->entries);
    free(u->a);
    free(u->scale_b);
    free(u->b);
    free(u->delta_q);
    free(u);
}

/* Blocks of B come every ROW_CYCLES cycles at most, and stay for the latency and their beats. */
static bool new_results(struct lora_pins_model *u, struct error *e)
{
    const struct lora_geometry *g = &u->geometry;
    u->results_room = (g->latency_cycles + parts(g->lanes, g->drain_elements)) / ROW_CYCLES + 2;
    u->results = error_calloc(e, u->results_room, sizeof *u->results, "the LoRA MAC unit's results");
    int64_t *delta = error_calloc(e, (size_t)u->results_room * g->lanes, sizeof *delta, "the LoRA MAC unit's results");
    if (!u->results || !delta) {
        free(delta);
        return false;
    }
    for (uint32_t i = 0; i < u->results_room; i++) {
        u->results[i].delta = delta + (size_t)i * g->lanes;
    }
    return true;
}

struct lora_unit *lora_pins_model_open(const struct lora_geometry *geometry, uint32_t inputs_max, struct error *e)
{
    static const char what[] = "the LoRA MAC unit's registers";
    ES_ASSERT(geometry->rank_max <= LORA_RANK_MAX && inputs_max <= INPUTS_MAX);
    struct lora_pins_model *u = error_calloc(e, 1, sizeof *u, what);
    if (!u) {
        return NULL;
    }
    u->unit = (struct lora_unit){"model", model_outputs, model_clock, model_close};
    u->geometry = *geometry;
    u->inputs_max = inputs_max;
    const uint32_t lanes = geometry->lanes, rank = geometry->rank_max, entries = GROUP_LINEARS_MAX * (rank + 1);
    u->x = error_calloc(e, (size_t)padded((int32_t)inputs_max), 1, what);
    u->row_bits = error_calloc(e, (size_t)geometry->row_words * geometry->sram_width_bits / WORD_BITS + 2, sizeof *u->row_bits, what);
    u->entries = error_calloc(e, (size_t)parts(entries, lanes) * lanes, sizeof *u->entries, what);
    u->a = error_calloc(e, (size_t)GROUP_LINEARS_MAX * rank * inputs_max, 1, what);
    u->scale_b = error_calloc(e, lanes, sizeof *u->scale_b, what);
    u->b = error_calloc(e, (size_t)lanes * rank, 1, what);
    u->delta_q = error_calloc(e, geometry->drain_elements, sizeof *u->delta_q, what);
    if (!u->x || !u->row_bits || !u->entries || !u->a || !u->scale_b || !u->b || !u->delta_q || !new_results(u, e)) {
        model_close(&u->unit);
        return NULL;
    }
    return &u->unit;
}
