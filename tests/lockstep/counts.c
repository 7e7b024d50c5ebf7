#include "tests/lockstep/counts.h"

#include <stdlib.h>

#include "tests/lockstep/weights.h"

enum { JOBS = 300, OUTPUTS_MOST = (1 << 20) - 1 };

struct count {
    struct lora_unit *unit;
    const struct lora_geometry *geometry;
    struct lora_inputs in;
    struct lora_outputs out;
    uint64_t cycles;
};

static void clock_once(struct count *c)
{
    c->unit->clock(c->unit, &c->in);
    c->unit->outputs(c->unit, &c->out);
    c->cycles++;
}

static uint64_t up(uint64_t n, uint64_t size)
{
    return n / size + (n % size > 0);
}

static bool is(const struct count *c, const char *pin, uint64_t got, uint64_t expected, const struct lora_job *job, struct error *e)
{
    return got == expected || error_check(e, "%s: %s_o is %lu, expected %lu: rank %u, pairs %u, inputs %u, outputs %u %u %u", c->unit->name,
                                          pin, (unsigned long)got, (unsigned long)expected, job->rank, job->pairs, job->inputs,
                                          job->outputs[0], job->outputs[1], job->outputs[2]);
}

static bool check_request(const struct count *c, const struct lora_job *job, uint64_t rows, uint64_t first, uint64_t block,
                          uint32_t address, uint32_t pause, struct error *e)
{
    const struct lora_outputs *o = &c->out;
    return is(c, "request_valid", o->request_valid, 1, job, e) && is(c, "request_address", o->request_address_words, address, job, e) &&
           is(c, "request_words", o->request_words, rows * c->geometry->row_words, job, e) &&
           is(c, "request_first_rows", o->request_first_rows, first, job, e) &&
           is(c, "request_block_rows", o->request_block_rows, block, job, e) &&
           is(c, "request_pause", o->request_pause_cycles, pause, job, e);
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

/* Rows of zeros until B is asked for. */
static void serve_a(struct count *c, uint64_t words)
{
    uint32_t left = c->geometry->row_words;
    for (; words > 0; words -= c->in.word_count) {
        c->in.word_count = left < c->geometry->port_words ? left : c->geometry->port_words;
        left = left == c->in.word_count ? c->geometry->row_words : left - c->in.word_count;
        clock_once(c);
        c->in.x_valid[0] = c->out.x_ready[0];
    }
    c->in.word_count = 0;
    for (uint32_t i = 0; i < c->geometry->latency_cycles; i++) {
        clock_once(c);
    }
}

static bool check_job(struct count *c, const struct lora_job *job, struct error *e)
{
    const uint64_t lanes = c->geometry->lanes, pairs = (job->pairs & 1) + (job->pairs >> 1 & 1) + (job->pairs >> 2 & 1),
                   rows = job->rank * pairs;
    const uint64_t preamble = 3 * up(rows + pairs, lanes), a_rows = preamble + up(job->inputs, lanes) * rows;
    c->in.reset = true;
    clock_once(c);
    c->in.reset = false;
    c->in.x_valid[0] = true;
    c->in.job[0] = *job;
    clock_once(c);
    bool good = check_request(c, job, a_rows, preamble + rows, rows, job->a_address_words, job->a_pause_cycles, e);
    if (!good || job->inputs > lanes) {
        return good;
    }
    for (uint64_t i = 0; i < up(job->inputs, job->beat_elements); i++) {
        clock_once(c);
        c->in.x_valid[0] = c->out.x_ready[0];
    }
    serve_a(c, a_rows * c->geometry->row_words);
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        blocks += (job->pairs >> i & 1) != 0 ? up(job->outputs[i], lanes) : 0;
    }
    return check_request(c, job, blocks * (3 + job->rank), 3 + job->rank, 3 + job->rank, job->b_address_words, job->b_pause_cycles, e);
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
        struct count c = {.unit = units[i], .geometry = geometry, .in = {.words = zeros, .request_ready = true, .delta_ready = {true}}};
        uint64_t random = 77;
        c.in.x[0] = x;
        c.out.delta = delta;
        for (int n = 0; good && n < JOBS; n++) {
            struct lora_job job = random_job(geometry, inputs_max, &random);
            good = check_job(&c, &job, e);
        }
        *cycles += c.cycles;
    }
    free(zeros);
    free(x);
    free(delta);
    return good;
}
