#include "tests/lockstep/expect.h"

#include <stdlib.h>
#include <string.h>

enum { RESULTS_ROOM = sizeof((struct expect *)0)->results / sizeof(struct expect_results) };

void expect_open(struct expect *x, const struct lora_geometry *unit)
{
    struct error e = {0};
    *x = (struct expect){.unit = *unit};
    x->delta = error_calloc(&e, unit->drain_elements, sizeof *x->delta, "results of the bench");
    ES_ASSERT(x->delta);
}

void expect_close(struct expect *x)
{
    free(x->delta);
}

struct lora_outputs expect_outputs(const struct expect *x)
{
    struct lora_outputs out = x->next;
    out.delta = x->delta;
    out.busy = x->state != EXPECT_IDLE;
    out.x_ready[x->group] = out.busy && x->now > x->picked_at && x->now <= x->x_until;
    return out;
}

/* The burst that has been at the front of its link for the longest; among those that came in the same cycle the lowest group. */
static void pick(struct expect *x, const struct lora_inputs *in, const struct expect_events *events)
{
    for (enum linear_group g = LINEAR_GROUPS; g-- > 0;) {
        if (in->x_valid[g] && (x->state == EXPECT_IDLE || events->waits_since[g] <= events->waits_since[x->group])) {
            x->state = EXPECT_JOB;
            x->group = g;
        }
    }
    if (x->state == EXPECT_IDLE) {
        return;
    }
    x->job = in->job[x->group];
    x->picked_at = x->now;
    x->x_until = x->now + (x->job.inputs + x->job.beat_elements - 1) / x->job.beat_elements;
    x->a_asked_at = x->a_over_at = x->opened_at = BENCH_NEVER;
}

static void request(struct expect *x, uint32_t address, uint32_t rows, uint32_t first, uint32_t block, uint32_t pause)
{
    x->next.request_valid = true;
    x->next.request_address_words = address;
    x->next.request_words = rows * x->unit.row_words;
    x->next.request_first_rows = first;
    x->next.request_block_rows = block;
    x->next.request_pause_cycles = pause;
    x->words_outstanding = x->next.request_words;
}

static uint32_t up(uint32_t n, uint32_t size)
{
    return n / size + (n % size > 0);
}

/* The request of A: in n + a_delay, or in the first later cycle with room for it. */
static void ask_a(struct expect *x, const struct lora_inputs *in)
{
    if (x->a_asked_at != BENCH_NEVER || x->now < x->picked_at + x->job.a_delay_cycles || !in->request_ready) {
        return;
    }
    uint32_t pairs = (x->job.pairs & 1) + (x->job.pairs >> 1 & 1) + (x->job.pairs >> 2 & 1), rows = x->job.rank * pairs;
    uint32_t preamble = 3 * up(rows + pairs, x->unit.lanes), blocks = up(x->job.inputs, x->unit.lanes);
    request(x, x->job.a_address_words, preamble + blocks * rows, preamble + rows, rows, x->job.a_pause_cycles);
    x->a_asked_at = x->now;
}

/* Opening and the request of B: lora.latency_cycles after the last word of A, or in the first later cycle with room for both. */
static void open(struct expect *x, const struct lora_inputs *in)
{
    if (x->opened_at != BENCH_NEVER || x->a_over_at == BENCH_NEVER || x->now < x->a_over_at + x->unit.latency_cycles ||
        !in->request_ready || !in->delta_ready[x->group]) {
        return;
    }
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        blocks += (x->job.pairs >> i & 1) != 0 ? up(x->job.outputs[i], x->unit.lanes) : 0;
    }
    request(x, x->job.b_address_words, blocks * (3 + x->job.rank), 3 + x->job.rank, 3 + x->job.rank, x->job.b_pause_cycles);
    x->next.delta_open[x->group] = true;
    x->opened_at = x->now;
}

static void note_rows(struct expect *x, const struct expect_events *events)
{
    if (events->a_over) {
        x->a_over_at = x->now;
    }
    if (events->block_over) {
        ES_ASSERT(x->results_count < RESULTS_ROOM);
        struct expect_results *r = &x->results[(x->results_first + x->results_count++) % RESULTS_ROOM];
        *r = events->block;
        r->seen_at = x->now + x->unit.latency_cycles + 1;
    }
}

/* Beat i of a block is seen i cycles after its first; in T, when the last beat of the last block is seen, the unit is idle. */
static void results(struct expect *x)
{
    struct expect_results *r = &x->results[x->results_first];
    if (x->results_count == 0 || x->now + 1 < r->seen_at) {
        return;
    }
    uint32_t sent = (uint32_t)(x->now + 1 - r->seen_at) * x->unit.drain_elements, left = r->count - sent;
    x->next.delta_valid[x->group] = true;
    x->next.delta_count = left < x->unit.drain_elements ? left : x->unit.drain_elements;
    memcpy(x->delta, r->delta + sent, x->next.delta_count * sizeof *r->delta);
    if (x->next.delta_count == left) {
        x->next.delta_last = r->last;
        x->results_first = (x->results_first + 1) % RESULTS_ROOM;
        x->results_count--;
    }
    if (x->next.delta_last) {
        x->state = EXPECT_IDLE;
    }
}

/* Nothing is outstanding: x was taken, and words that were asked for have come, both before this cycle. */
static void end_abort(struct expect *x, uint64_t words_outstanding)
{
    if (x->now <= x->x_until || words_outstanding > 0) {
        return;
    }
    x->state = EXPECT_IDLE;
    x->next.aborted = true;
    if (x->opened_at != BENCH_NEVER) {
        x->next.delta_valid[x->group] = x->next.delta_last = x->next.delta_abort = true;
    }
}

void expect_clock(struct expect *x, const struct lora_inputs *in, const struct expect_events *events)
{
    const uint64_t words_outstanding = x->words_outstanding;
    x->next = (struct lora_outputs){0};
    x->words_outstanding -= in->word_count;
    if (in->reset) {
        x->state = EXPECT_IDLE;
        x->words_outstanding = 0;
        x->results_count = 0;
    } else if (x->state == EXPECT_IDLE) {
        pick(x, in, events);
        if (x->state == EXPECT_JOB) {
            ask_a(x, in);
        }
    } else if (x->state == EXPECT_JOB && in->abort) {
        x->state = EXPECT_ABORT;
        x->results_count = 0;
    } else if (x->state == EXPECT_ABORT) {
        end_abort(x, words_outstanding);
    } else {
        note_rows(x, events);
        ask_a(x, in);
        open(x, in);
        results(x);
    }
    x->now++;
}
