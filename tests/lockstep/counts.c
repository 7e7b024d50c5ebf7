#include "tests/lockstep/counts.h"

#include <stdlib.h>
#include <string.h>

#include "tests/lockstep/weights.h"

enum { JOBS = 300, LATE_JOBS = 12, OUTPUTS_MOST = (1 << 20) - 1 };

struct count {
    struct lora_unit *unit;
    const struct lora_geometry *geometry;
    struct lora_inputs in;
    struct lora_outputs out;
    enum linear_group group; /* of the job */
    uint64_t cycles;
    uint64_t elements, ends; /* of results */
};

static void clock_once(struct count *c)
{
    c->unit->clock(c->unit, &c->in);
    c->unit->outputs(c->unit, &c->out);
    c->cycles++;
    c->elements += c->out.delta_valid[c->group] ? c->out.delta_count : 0;
    c->ends += c->out.delta_valid[c->group] && c->out.delta_last;
    c->in.x_valid[c->group] = c->out.x_ready[c->group];
}

static uint64_t up(uint64_t n, uint64_t size)
{
    return n / size + (n % size > 0);
}

static bool is(const struct count *c, const char *pin, uint64_t got, uint64_t expected, const struct lora_job *job, struct error *e)
{
    return got == expected || error_check(e, "%s: %s is %lu, expected %lu: rank %u, pairs %u, inputs %u, outputs %u %u %u", c->unit->name,
                                          pin, (unsigned long)got, (unsigned long)expected, job->rank, job->pairs, job->inputs,
                                          job->outputs[0], job->outputs[1], job->outputs[2]);
}

static bool check_request(const struct count *c, const struct lora_job *job, uint64_t rows, uint64_t first, uint64_t block,
                          uint32_t address, uint32_t pause, struct error *e)
{
    const struct lora_outputs *o = &c->out;
    return is(c, "request_valid_o", o->request_valid, 1, job, e) && is(c, "request_address_o", o->request_address_words, address, job, e) &&
           is(c, "request_words_o", o->request_words, rows * c->geometry->row_words, job, e) &&
           is(c, "request_first_rows_o", o->request_first_rows, first, job, e) &&
           is(c, "request_block_rows_o", o->request_block_rows, block, job, e) &&
           is(c, "request_pause_o", o->request_pause_cycles, pause, job, e);
}

static struct lora_job random_job(const struct lora_geometry *g, uint32_t inputs_max, uint64_t *random)
{
    struct lora_job job = {.rank = between(random, 1, g->rank_max), .pairs = between(random, 1, 7), .beat_elements = g->link_elements};
    job.inputs = between(random, 1, chance(random, 500) || inputs_max < g->lanes ? inputs_max : g->lanes);
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        job.outputs[i] = between(random, 1, chance(random, 700) ? OUTPUTS_MOST : 3 * g->lanes);
        job.outputs[i] = chance(random, 100) ? OUTPUTS_MOST : job.outputs[i];
    }
    job.a_address_words = between(random, 0, UINT32_MAX);
    job.b_address_words = between(random, 0, UINT32_MAX);
    job.a_pause_cycles = between(random, 0, UINT16_MAX);
    job.b_pause_cycles = between(random, 0, UINT16_MAX);
    return job;
}

static void serve_rows(struct count *c, uint64_t rows)
{
    const uint32_t row_words = c->geometry->row_words, port_words = c->geometry->port_words;
    for (; rows > 0; rows--) {
        for (uint32_t left = row_words; left > 0; left -= c->in.word_count) {
            c->in.word_count = left < port_words ? left : port_words;
            clock_once(c);
        }
    }
    c->in.word_count = 0;
}

static void wait_cycles(struct count *c, uint64_t cycles)
{
    for (; cycles > 0; cycles--) {
        clock_once(c);
    }
}

/* From a reset to the request of A, seen a_delay + 1 cycles after the pick. The other links' fields are there to be confused with this one's. */
static bool ask_a(struct count *c, const struct lora_job *job, uint64_t *random, struct error *e)
{
    c->in.reset = true;
    clock_once(c);
    c->in.reset = false;
    c->group = between(random, 0, LINEAR_GROUPS - 1);
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        memset(&c->in.job[g], (int)between(random, 0, 255), sizeof c->in.job[g]);
        c->in.x_valid[g] = g == c->group;
    }
    c->in.job[c->group] = *job;
    clock_once(c);
    for (uint32_t i = 0; i < job->a_delay_cycles; i++) {
        if (!is(c, "request_valid_o before its time", c->out.request_valid, 0, job, e)) {
            return false;
        }
        clock_once(c);
    }
    return true;
}

static uint64_t blocks_of(const struct count *c, const struct lora_job *job)
{
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        blocks += (job->pairs >> i & 1) != 0 ? up(job->outputs[i], c->geometry->lanes) : 0;
    }
    return blocks;
}

static bool check_job(struct count *c, const struct lora_job *job, uint64_t *random, struct error *e)
{
    const uint64_t lanes = c->geometry->lanes, pairs = lora_job_pairs(job), rows = job->rank * pairs;
    const uint64_t preamble = 3 * up(rows + pairs, lanes), a_rows = preamble + up(job->inputs, lanes) * rows, b_rows = 3 + job->rank;
    bool good =
        ask_a(c, job, random, e) && check_request(c, job, a_rows, preamble + rows, rows, job->a_address_words, job->a_pause_cycles, e);
    if (!good || job->inputs > lanes) {
        return good;
    }
    wait_cycles(c, up(job->inputs, job->beat_elements));
    serve_rows(c, a_rows);
    wait_cycles(c, c->geometry->latency_cycles);
    return check_request(c, job, blocks_of(c, job) * b_rows, b_rows, b_rows, job->b_address_words, job->b_pause_cycles, e);
}

/* The largest results: as many elements as there are outputs, the last one with the last row. */
static bool check_outputs(struct count *c, uint64_t *random, struct error *e)
{
    const struct lora_job job = {.rank = 1, .pairs = 7, .inputs = 1, .beat_elements = 1, .outputs = {OUTPUTS_MOST, 0x95555, 0x6aaaa}};
    const uint64_t beats = up(c->geometry->lanes, c->geometry->drain_elements);
    const uint64_t rows = 3 + job.rank, row_cycles = up(c->geometry->row_words, c->geometry->port_words);
    if (!check_job(c, &job, random, e)) {
        return false;
    }
    clock_once(c); /* the request is seen, words come later */
    c->elements = c->ends = 0;
    for (uint64_t left = blocks_of(c, &job); left > 0; left--) {
        if (!is(c, "delta_last_o before the last block", c->ends, 0, &job, e)) {
            return false;
        }
        serve_rows(c, rows);
        wait_cycles(c, beats > rows * row_cycles ? beats - rows * row_cycles : 0);
    }
    wait_cycles(c, c->geometry->latency_cycles + beats);
    return is(c, "the number of results", c->elements, (uint64_t)job.outputs[0] + job.outputs[1] + job.outputs[2], &job, e) &&
           is(c, "the number of delta_last_o", c->ends, 1, &job, e) && is(c, "busy_o after it", c->out.busy, 0, &job, e);
}

bool counts_agree(struct lora_unit *const units[], uint32_t n_units, const struct lora_geometry *geometry, uint32_t inputs_max,
                  uint64_t *cycles, struct error *e)
{
    uint32_t words = geometry->port_words * geometry->sram_width_bits / 32 + 1;
    uint32_t *zeros = error_calloc(e, words, sizeof *zeros, "words of the bench");
    int8_t *x = error_calloc(e, geometry->link_elements, sizeof *x, "a beat of the bench");
    int64_t *delta = error_calloc(e, geometry->drain_elements, sizeof *delta, "results of the bench");
    bool good = zeros && x && delta;
    for (uint32_t i = 0; good && i < n_units; i++) {
        struct count c = {.unit = units[i], .geometry = geometry, .in = {.words = zeros, .request_ready = true}};
        uint64_t random = 77;
        for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
            c.in.x[g] = x;
            c.in.delta_ready[g] = true;
        }
        c.out.delta = delta;
        for (int n = 0; good && n < JOBS; n++) {
            struct lora_job job = random_job(geometry, inputs_max, &random);
            job.a_delay_cycles = n < LATE_JOBS ? between(&random, 0, UINT16_MAX) : 0;
            good = check_job(&c, &job, &random, e);
        }
        good = good && check_outputs(&c, &random, e);
        *cycles += c.cycles;
    }
    free(zeros);
    free(x);
    free(delta);
    return good;
}
