#include "sim/lora_rules.h"

#include <inttypes.h>
#include <string.h>

enum { SCALE_ROWS = 3 }; /* before the rows of a block of B */

void lora_rules_open(struct lora_rules *rules, const struct lora_geometry *unit, uint32_t inputs_max)
{
    *rules = (struct lora_rules){.unit = *unit, .inputs_max = inputs_max};
}

static bool range(const struct lora_rules *r, const char *port, uint32_t g, uint32_t value, uint32_t low, uint32_t high, struct error *e)
{
    return (value >= low && value <= high) ||
           error_check(e, "cycle %" PRIu64 ": %s_i[%u]: expected %u to %u with the first beat of x, found %u", r->cycle, port, g, low, high,
                       value);
}

static bool check_job(const struct lora_rules *r, uint32_t g, const struct lora_job *job, struct error *e)
{
    const struct lora_geometry *u = &r->unit;
    if (!range(r, "job_rank", g, job->rank, 1, u->rank_max, e) ||
        !range(r, "job_pairs", g, job->pairs, 1, (1u << GROUP_LINEARS_MAX) - 1, e) ||
        !range(r, "job_inputs", g, job->inputs, 1, r->inputs_max, e) ||
        !range(r, "job_beat_elements", g, job->beat_elements, 1, u->link_elements, e)) {
        return false;
    }
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        if ((job->pairs >> i & 1) != 0 && job->outputs[i] == 0) {
            return error_check(e, "cycle %" PRIu64 ": job_outputs_i[%u][%u]: expected outputs of a linear that has a pair, found 0",
                               r->cycle, g, i);
        }
    }
    uint32_t drain = (u->lanes + u->drain_elements - 1) / u->drain_elements, rows = SCALE_ROWS + job->rank;
    return range(r, "job_b_pause", g, job->b_pause_cycles, drain > rows ? drain - rows : 0, UINT16_MAX, e);
}

/* x: no beat is taken back, and a burst has no gaps. */
static bool check_x(struct lora_rules *r, const struct lora_outputs *out, const struct lora_inputs *in, struct error *e)
{
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        if ((r->x_waits[g] || out->x_ready[g]) && !in->x_valid[g]) {
            return error_check(e, "cycle %" PRIu64 ": x_valid_i[%u]: expected 1 until a burst of x is taken to its end, found 0", r->cycle,
                               g);
        }
        if (in->x_valid[g] && !out->busy && !check_job(r, g, &in->job[g], e)) {
            return false;
        }
        if (out->busy && !r->busy && out->x_ready[g]) {
            r->job = r->offered[g];
            r->x_taken = 0;
        }
        if (out->x_ready[g]) {
            r->x_taken += r->job.beat_elements;
        }
        r->x_waits[g] = in->x_valid[g] && !out->x_ready[g];
        r->offered[g] = in->job[g];
    }
    return true;
}

static bool check_delta_ready(struct lora_rules *r, const struct lora_outputs *out, const struct lora_inputs *in, struct error *e)
{
    for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
        if (r->delta_ready[g] && !out->delta_open[g] && !in->delta_ready[g]) {
            return error_check(e, "cycle %" PRIu64 ": delta_ready_i[%u]: expected 1 until a burst is opened, found 0", r->cycle, g);
        }
        r->delta_ready[g] = in->delta_ready[g];
    }
    return true;
}

static void note_request(struct lora_rules *r, const struct lora_outputs *out)
{
    if (!out->request_valid) {
        return;
    }
    r->request.b = out->delta_open[0] || out->delta_open[1] || out->delta_open[2] || out->delta_open[3];
    r->request.words_left = out->request_words;
    r->request.row_words = r->request.rows = 0;
    r->request.first_rows = out->request_first_rows;
    r->request.block_rows = out->request_block_rows;
    r->request.pause_cycles = out->request_pause_cycles;
    r->request.row_from = r->cycle;
}

/* A whole row: x of its block must have been taken before, and a block's last row is followed by the pause. x_taken: before this cycle. */
static bool row_is_whole(struct lora_rules *r, uint32_t x_taken, struct error *e)
{
    const uint32_t row = r->request.rows++, block = r->request.block_rows, preamble = r->request.first_rows - block;
    r->request.row_words = 0;
    if (!r->request.b && !r->aborting && row >= preamble && (row - preamble) % block == 0) {
        uint64_t wanted = ((uint64_t)(row - preamble) / block + 1) * r->unit.lanes;
        wanted = wanted < r->job.inputs ? wanted : r->job.inputs;
        if (x_taken < wanted) {
            return error_check(e,
                               "cycle %" PRIu64 ": word_data_i: row %u of A is there, but of x only %u of %" PRIu64
                               " elements (job_a_delay_i, job_a_pause_i)",
                               r->cycle, row, x_taken, wanted);
        }
    }
    bool block_over = r->request.rows >= r->request.first_rows && (r->request.rows - r->request.first_rows) % block == 0;
    r->request.row_from = r->cycle + 1 + (block_over ? r->request.pause_cycles : 0);
    return true;
}

static bool check_words(struct lora_rules *r, const struct lora_inputs *in, uint32_t x_taken, struct error *e)
{
    const uint32_t count = in->word_count;
    if (count == 0) {
        return true;
    }
    if (count > r->unit.port_words || count > r->request.words_left) {
        return error_check(
            e, "cycle %" PRIu64 ": word_count_i: expected at most %u words in a cycle, and of the request %u are to come; found %u",
            r->cycle, r->unit.port_words, r->request.words_left, count);
    }
    if (r->request.row_words + count > r->unit.row_words) {
        return error_check(e, "cycle %" PRIu64 ": word_count_i: expected words of one row, at most %u, found %u", r->cycle,
                           r->unit.row_words - r->request.row_words, count);
    }
    if (r->request.row_words == 0 && r->cycle < r->request.row_from) {
        return error_check(e,
                           "cycle %" PRIu64 ": word_count_i: expected no word before cycle %" PRIu64
                           " (a pause of %u cycles after the last block), found %u",
                           r->cycle, r->request.row_from, r->request.pause_cycles, count);
    }
    r->request.words_left -= count;
    r->request.row_words += count;
    return r->request.row_words < r->unit.row_words || row_is_whole(r, x_taken, e);
}

static void forget(struct lora_rules *r)
{
    memset(r->x_waits, 0, sizeof r->x_waits);
    memset(r->delta_ready, 0, sizeof r->delta_ready);
    r->request.words_left = 0;
    r->busy = r->aborting = false;
    r->reset_seen = true;
}

bool lora_rules_check(struct lora_rules *r, const struct lora_outputs *out, const struct lora_inputs *in, struct error *e)
{
    bool good = true;
    if (in->reset) {
        forget(r);
    } else if (r->reset_seen) {
        const uint32_t x_taken = r->x_taken;
        r->aborting = out->busy && (r->aborting || in->abort);
        note_request(r, out);
        good = check_x(r, out, in, e) && check_delta_ready(r, out, in, e) && check_words(r, in, x_taken, e);
        r->busy = out->busy;
    }
    r->cycle++;
    return good;
}
