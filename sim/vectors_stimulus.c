#include "sim/vectors_stimulus.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/sample.h"

typedef uint64_t stimulus_cycle_t;
#define STIMULUS_NEVER UINT64_MAX

enum {
    QUEUE = 3,                          /* bursts that a link of x holds */
    LOADS = QUEUE * LINEAR_GROUPS + 1,  /* and the one that is served */
    RING_CYCLES = 128,                  /* more than the SRAM's latency and 1 */
    RESET_CYCLES = 2,                   /* at the beginning */
    PLANNED_BURSTS = 2 * LINEAR_GROUPS, /* random jobs: the groups in turn */
    ABORT_OF_JOBS = 5,                  /* every fifth job is aborted, if it lasts until then */
    RESET_OF_JOBS = 11,
    WEIGHT_LOWEST = -32,
    X_LOWEST = -128,
};

struct load { /* a burst of x, and the weights it is for */
    bool queued;
    struct lora_job job;
    int8_t *x; /* [inputs_max + link_elements]; what lies behind the last element is random */
    uint32_t *region_a, *region_b;
};

struct x_link {
    struct load *queue[QUEUE]; /* the front one first */
    uint32_t count, taken;     /* bursts; elements of the front one */
    bool delta_ready;
};

struct traffic { /* per mille a cycle */
    uint32_t arrival, request_ready, delta_ready, grant;
    bool together; /* bursts arrive on all four links at once */
};

struct reader { /* the SRAM's end of a request */
    const uint32_t *region;
    uint32_t words, granted, first_rows, block_rows, pause_cycles;
    stimulus_cycle_t row_from; /* the next row is granted no sooner */
};

struct stimulus {
    struct stimulus_options options;
    struct lora_geometry unit;
    struct lora_ports ports;
    struct random random;
    stimulus_cycle_t now, traffic_until, abort_at, reset_at, reset_until;
    struct traffic traffic;
    struct load loads[LOADS];
    const struct load *serving;
    struct x_link links[LINEAR_GROUPS];
    struct reader reader;
    uint32_t ring_count[RING_CYCLES];
    uint32_t *ring_words[RING_CYCLES];        /* on their way from the banks */
    uint64_t sent, started;                   /* bursts, jobs */
    struct lora_pair pair[GROUP_LINEARS_MAX]; /* random weights before they are packed: [rank_max * inputs_max] */
    int8_t *a[GROUP_LINEARS_MAX], *b[GROUP_LINEARS_MAX];
    uint16_t *scale_a[GROUP_LINEARS_MAX], *scale_b[GROUP_LINEARS_MAX];
    struct stimulus_counts counts;
};

/* -- chance -- */

/* low .. high */
static uint32_t between(struct stimulus *s, uint32_t low, uint32_t high)
{
    return low + (uint32_t)((random_next(&s->random) >> 16) % ((uint64_t)high - low + 1));
}

static bool chance(struct stimulus *s, uint32_t per_mille)
{
    return between(s, 0, 999) < per_mille;
}

static uint32_t one_of(struct stimulus *s, const uint32_t values[4])
{
    return values[between(s, 0, 3)];
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* -- a random job -- */

enum values { VALUES_RANDOM, VALUES_LOWEST, VALUES_SMALL, VALUES_ZERO };

static enum values random_values(struct stimulus *s)
{
    return (enum values)one_of(s, (const uint32_t[4]){VALUES_RANDOM, VALUES_RANDOM, VALUES_RANDOM, between(s, VALUES_LOWEST, VALUES_ZERO)});
}

static uint32_t random_width(struct stimulus *s)
{
    const uint32_t most = s->options.inputs_max, lanes = s->unit.lanes;
    switch (between(s, 0, 3)) {
    case 0: return between(s, 1, least(most, 9));
    case 1: return between(s, 1, least(most, lanes));
    case 2: return most < lanes ? most : between(s, 1, most / lanes) * lanes;
    default: return between(s, 1, most);
    }
}

/* The first two jobs have the lowest and the highest rank; later ones mostly a low one, which keeps them short. */
static uint32_t random_rank(struct stimulus *s)
{
    const uint32_t most = s->unit.rank_max;
    return s->sent == 0 ? 1 : s->sent == 1 ? most : between(s, 1, chance(s, 800) ? least(most, 4) : most);
}

static void fill_weights(struct stimulus *s, int8_t *weights, uint32_t count, enum values values)
{
    for (uint32_t i = 0; i < count; i++) {
        weights[i] = (int8_t)(values == VALUES_LOWEST ? WEIGHT_LOWEST : (int32_t)between(s, 0, 63) + WEIGHT_LOWEST);
    }
}

static void fill_scales(struct stimulus *s, uint16_t *scales, uint32_t count, enum values values)
{
    for (uint32_t i = 0; i < count; i++) {
        scales[i] = (uint16_t)(values == VALUES_LOWEST  ? UINT16_MAX
                               : values == VALUES_SMALL ? between(s, 0, 2)
                               : values == VALUES_ZERO  ? 0
                                                        : between(s, 0, UINT16_MAX));
    }
}

static void fill_pair(struct stimulus *s, uint32_t i, uint32_t rank, uint32_t inputs, uint32_t outputs, enum values values)
{
    fill_weights(s, s->a[i], rank * inputs, values);
    fill_weights(s, s->b[i], rank * outputs, values);
    fill_scales(s, s->scale_a[i], rank, values);
    fill_scales(s, s->scale_b[i], outputs, values);
    s->pair[i] = (struct lora_pair){.rank = (int32_t)rank,
                                    .n_in = (int32_t)inputs,
                                    .n_out = (int32_t)outputs,
                                    .exponent_a = -(int32_t)between(s, 0, 40),
                                    .exponent_b = -(int32_t)between(s, 0, 40),
                                    .a = s->a[i],
                                    .b = s->b[i],
                                    .scale_a = s->scale_a[i],
                                    .scale_b = s->scale_b[i]};
}

/* The result's shift is base exponent - exponents of A and B - the requantiser's own shift (0 .. 39): right, left, too far, as far as can be. */
static int32_t random_base_exponent(struct stimulus *s, const struct lora_pair *pair)
{
    int32_t exponent = pair->exponent_a + pair->exponent_b;
    switch (between(s, 0, 15)) {
    case 0: return chance(s, 500) ? INT16_MAX : INT16_MIN;
    case 1:
    case 2: return exponent + (int32_t)between(s, 55, 105);
    case 3:
    case 4: return exponent - (int32_t)between(s, 0, 50);
    default: return exponent + (int32_t)between(s, 0, 75);
    }
}

/* Delays and pauses that suffice, now and then longer ones. */
static void random_job(struct stimulus *s, enum linear_group group, enum values values, struct stimulus_job *made)
{
    const uint32_t n = linears_count(group), inputs = random_width(s), sure = between(s, 0, n - 1);
    uint32_t ranks[GROUP_LINEARS_MAX] = {0}, outputs[GROUP_LINEARS_MAX] = {0};
    *made = (struct stimulus_job){.group = group};
    for (uint32_t i = 0; i < n; i++) {
        ranks[i] = i == sure || chance(s, 700) ? random_rank(s) : 0;
        outputs[i] = random_width(s);
        fill_pair(s, i, ranks[i], inputs, outputs[i], values);
        made->pair[i] = &s->pair[i];
    }
    struct lora_job *job = &made->job;
    *job =
        lora_job_make(&s->unit, n, ranks, inputs, outputs, chance(s, 500) ? s->unit.link_elements : between(s, 1, s->unit.link_elements));
    for (uint32_t i = 0; i < n; i++) {
        job->base_exponent[i] = random_base_exponent(s, &s->pair[i]);
    }
    const uint32_t a_words = lora_job_a_rows(&s->unit, job) * s->unit.row_words,
                   b_words = lora_job_b_rows(&s->unit, job) * s->unit.row_words;
    job->a_address_words = between(s, 0, chance(s, 500) ? UINT32_MAX - a_words - b_words : 100);
    job->b_address_words = job->a_address_words + a_words;
    job->a_delay_cycles += chance(s, 200) ? between(s, 1, 20) : 0;
    job->a_pause_cycles += chance(s, 200) ? between(s, 1, 20) : 0;
    job->b_pause_cycles += chance(s, 200) ? between(s, 1, 20) : 0;
}

static void fill_x(struct stimulus *s, int8_t *x, uint32_t inputs, enum values values)
{
    for (uint32_t i = 0; i < inputs; i++) {
        x[i] = (int8_t)(values == VALUES_LOWEST  ? X_LOWEST
                        : values == VALUES_ZERO  ? 0
                        : values == VALUES_SMALL ? (int32_t)between(s, 0, 2) - 1
                                                 : (int32_t)between(s, 0, 255) + X_LOWEST);
    }
    for (uint32_t i = 0; i < s->unit.link_elements; i++) {
        x[inputs + i] = (int8_t)between(s, 0, UINT8_MAX);
    }
}

/* -- bursts of x -- */

static struct load *free_load(struct stimulus *s)
{
    for (uint32_t i = 0; i < LOADS; i++) {
        if (!s->loads[i].queued && &s->loads[i] != s->serving) {
            return &s->loads[i];
        }
    }
    return NULL;
}

/* One of the given jobs, if any is for this group. */
static bool given_job(struct stimulus *s, enum linear_group group, struct stimulus_job *made)
{
    const uint32_t n = s->options.n_jobs, first = between(s, 0, n - 1);
    for (uint32_t i = 0; i < n; i++) {
        *made = s->options.jobs[(first + i) % n];
        if (made->group == group) {
            return true;
        }
    }
    return false;
}

/* A burst on a link that has room, if there are weights for it. */
static void send(struct stimulus *s, enum linear_group group)
{
    struct x_link *link = &s->links[group];
    struct stimulus_job made;
    const bool planned = s->options.n_jobs == 0 && s->sent < PLANNED_BURSTS;
    if (link->count == QUEUE || (planned && s->sent % LINEAR_GROUPS != group)) {
        return;
    }
    const enum values values = planned ? VALUES_RANDOM : random_values(s);
    if (s->options.n_jobs == 0) {
        random_job(s, group, values, &made);
    } else if (!given_job(s, group, &made)) {
        return;
    }
    struct load *load = free_load(s);
    ES_ASSERT(load);
    load->job = made.job;
    lora_layout_pack(&s->unit, &made.job, made.pair, load->region_a, load->region_b);
    fill_x(s, load->x, made.job.inputs, values);
    load->queued = true;
    link->queue[link->count++] = load;
    s->sent++;
}

static void arrivals(struct stimulus *s)
{
    const bool all = s->traffic.together && chance(s, s->traffic.arrival);
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        if (s->traffic.together ? all : chance(s, s->traffic.arrival / LINEAR_GROUPS + 1)) {
            send(s, g);
        }
    }
}

static void take_beat(struct stimulus *s, enum linear_group g)
{
    struct x_link *link = &s->links[g];
    struct load *front = link->queue[0];
    link->taken += front->job.beat_elements;
    if (link->taken >= front->job.inputs) {
        front->queued = false;
        link->taken = 0;
        link->count--;
        for (uint32_t i = 0; i < link->count; i++) {
            link->queue[i] = link->queue[i + 1];
        }
    }
}

/* -- the SRAM -- */

static void take_request(struct stimulus *s, const struct lora_outputs *out)
{
    if (!out->request_valid) {
        return;
    }
    const struct lora_job *job = &s->serving->job;
    const bool b = out->request_address_words == job->b_address_words;
    ES_ASSERT(b || out->request_address_words == job->a_address_words);
    s->reader = (struct reader){.region = b ? s->serving->region_b : s->serving->region_a,
                                .words = out->request_words,
                                .first_rows = out->request_first_rows,
                                .block_rows = out->request_block_rows,
                                .pause_cycles = out->request_pause_cycles,
                                .row_from = s->now};
}

/* Words granted in this cycle set out for the pins. */
static void grant(struct stimulus *s)
{
    struct reader *r = &s->reader;
    const uint32_t row_words = s->unit.row_words, width = s->unit.sram_width_bits;
    if (r->granted == r->words || s->now < r->row_from) {
        return;
    }
    const uint32_t left = row_words - r->granted % row_words, most = least(left, s->unit.port_words);
    const uint32_t count = chance(s, s->traffic.grant) ? most : between(s, 0, most);
    const uint32_t slot = (uint32_t)((s->now + s->unit.sram_latency_cycles + 1) % RING_CYCLES);
    s->ring_count[slot] = count;
    for (uint32_t bit = 0; bit < count * width; bit += 32) {
        s->ring_words[slot][bit / 32] = (uint32_t)bits_get(r->region, (uint64_t)r->granted * width + bit, least(count * width - bit, 32));
    }
    r->granted += count;
    if (count == left) {
        const uint32_t rows = r->granted / row_words;
        const bool block_over = rows >= r->first_rows && (rows - r->first_rows) % r->block_rows == 0;
        r->row_from = s->now + 1 + (block_over ? r->pause_cycles : 0);
    }
}

/* -- when what happens -- */

static void change_traffic(struct stimulus *s)
{
    if (s->now < s->traffic_until) {
        return;
    }
    const bool stalls = s->options.stalls;
    s->traffic_until = s->now + between(s, 100, 2000);
    s->traffic = (struct traffic){
        .arrival = one_of(s, (const uint32_t[4]){5, 20, 200, 1000}),
        .request_ready = stalls ? one_of(s, (const uint32_t[4]){1000, 1000, 500, 30}) : 1000,
        .delta_ready = stalls ? one_of(s, (const uint32_t[4]){1000, 1000, 100, 10}) : 1000,
        .grant = stalls ? one_of(s, (const uint32_t[4]){1000, 1000, 700, 200}) : 1000,
        .together = chance(s, 250),
    };
}

/* Some jobs are aborted, or end with a reset, at any time of their course. */
static void plan_end(struct stimulus *s, const struct lora_job *job)
{
    const uint32_t row_cycles = (s->unit.row_words + s->unit.port_words - 1) / s->unit.port_words;
    const uint32_t rows = lora_job_a_rows(&s->unit, job) + lora_job_b_rows(&s->unit, job);
    const uint32_t cycles = job->a_delay_cycles + rows * row_cycles + 2 * (s->unit.latency_cycles + s->unit.sram_latency_cycles);
    if (s->started % ABORT_OF_JOBS == 2) {
        s->abort_at = s->now + between(s, 0, cycles);
    }
    if (s->started % RESET_OF_JOBS == 7) {
        s->reset_at = s->now + between(s, 0, cycles);
    }
    s->started++;
}

/* The unit has picked the burst at the front of this link: its first beat is taken now. */
static void start_job(struct stimulus *s, enum linear_group g)
{
    s->serving = s->links[g].queue[0];
    const uint32_t rank = s->serving->job.rank;
    s->counts.rank_low = s->counts.rank_low == 0 ? rank : least(rank, s->counts.rank_low);
    s->counts.rank_high = rank > s->counts.rank_high ? rank : s->counts.rank_high;
    plan_end(s, &s->serving->job);
}

static void note_outputs(struct stimulus *s, const struct lora_outputs *out)
{
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        if (out->x_ready[g] && s->links[g].taken == 0) {
            start_job(s, g);
        }
        s->counts.jobs[g] += out->delta_valid[g] && out->delta_last && !out->delta_abort;
    }
    s->counts.aborted += out->aborted;
    take_request(s, out);
}

/* -- one cycle -- */

static bool abort_now(struct stimulus *s)
{
    const bool now = s->now == s->abort_at || chance(s, 1);
    if (now && chance(s, 250)) {
        s->abort_at = s->now + between(s, 1, 10); /* an abort of what is being aborted does nothing */
    }
    return now;
}

static bool reset_now(struct stimulus *s)
{
    if (s->now == s->reset_at) {
        s->reset_until = s->now + between(s, 1, 3);
        s->counts.resets++;
    }
    return s->now < s->reset_until;
}

static void drive(struct stimulus *s, const struct lora_outputs *out, struct lora_inputs *in)
{
    const uint32_t slot = (uint32_t)(s->now % RING_CYCLES);
    *in = (struct lora_inputs){
        .reset = reset_now(s),
        .abort = abort_now(s),
        .request_ready = chance(s, s->traffic.request_ready),
        .word_count = s->ring_count[slot],
        .words = s->ring_words[slot],
    };
    s->counts.words += in->word_count;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        struct x_link *link = &s->links[g];
        in->x_valid[g] = link->count > 0;
        if (in->x_valid[g]) {
            in->x[g] = link->queue[0]->x + link->taken;
            in->job[g] = link->queue[0]->job;
        }
        link->delta_ready = (link->delta_ready && !out->delta_open[g]) || chance(s, s->traffic.delta_ready);
        in->delta_ready[g] = link->delta_ready;
    }
}

static void scramble(struct stimulus *s, uint32_t *record, enum lora_port port, uint32_t from_bit, uint32_t to_bit)
{
    for (uint32_t bit = from_bit; bit < to_bit; bit += 32) {
        bits_put(record + s->ports.port[port].offset_words, bit, least(to_bit - bit, 32), random_next(&s->random));
    }
}

/* What nobody may look at is random: the fields of a link without a beat, a job's fields once the first beat is taken, words beyond their count. */
static void scramble_unused(struct stimulus *s, const struct lora_inputs *in, uint32_t *record)
{
    for (enum lora_port p = PORT_x_data; p <= PORT_job_b_pause; p++) {
        const uint32_t bits = s->ports.port[p].bits / LINEAR_GROUPS;
        for (uint32_t g = 0; g < LINEAR_GROUPS; g++) {
            if (!in->x_valid[g] || (p != PORT_x_data && s->links[g].taken > 0)) {
                scramble(s, record, p, g * bits, (g + 1) * bits);
            }
        }
    }
    scramble(s, record, PORT_word_data, in->word_count * s->unit.sram_width_bits, s->ports.port[PORT_word_data].bits);
}

static void reset_surroundings(struct stimulus *s)
{
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        s->links[g] = (struct x_link){.count = 0};
    }
    for (uint32_t i = 0; i < LOADS; i++) {
        s->loads[i].queued = false;
    }
    memset(s->ring_count, 0, sizeof s->ring_count);
    s->reader = (struct reader){0};
    s->serving = NULL;
}

void stimulus_cycle(struct stimulus *s, const struct lora_outputs *out, uint32_t *record)
{
    struct lora_inputs in;
    note_outputs(s, out);
    change_traffic(s);
    drive(s, out, &in);
    lora_ports_pack_inputs(&s->ports, &in, record);
    scramble_unused(s, &in, record);
    grant(s);
    s->ring_count[s->now % RING_CYCLES] = 0;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        if (in.x_valid[g] && out->x_ready[g]) {
            take_beat(s, g);
        }
    }
    arrivals(s);
    if (in.reset) {
        reset_surroundings(s);
    }
    s->now++;
}

const struct stimulus_counts *stimulus_counts(const struct stimulus *s)
{
    return &s->counts;
}

/* -- memory -- */

/* The longest regions of the jobs to come. */
static void region_rows(const struct stimulus *s, uint32_t *a_rows, uint32_t *b_rows)
{
    const struct stimulus_options *o = &s->options;
    const uint32_t most = o->inputs_max, rank = s->unit.rank_max;
    const uint32_t ranks[GROUP_LINEARS_MAX] = {rank, rank, rank}, outputs[GROUP_LINEARS_MAX] = {most, most, most};
    const struct lora_job largest = lora_job_make(&s->unit, GROUP_LINEARS_MAX, ranks, most, outputs, 1);
    *a_rows = o->n_jobs > 0 ? 0 : lora_job_a_rows(&s->unit, &largest);
    *b_rows = o->n_jobs > 0 ? 0 : lora_job_b_rows(&s->unit, &largest);
    for (uint32_t i = 0; i < o->n_jobs; i++) {
        const uint32_t a = lora_job_a_rows(&s->unit, &o->jobs[i].job), b = lora_job_b_rows(&s->unit, &o->jobs[i].job);
        *a_rows = a > *a_rows ? a : *a_rows;
        *b_rows = b > *b_rows ? b : *b_rows;
    }
}

static bool new_loads(struct stimulus *s, struct error *e)
{
    const size_t row_bits = (size_t)s->unit.row_words * s->unit.sram_width_bits;
    uint32_t a_rows, b_rows;
    bool good = true;
    region_rows(s, &a_rows, &b_rows);
    for (uint32_t i = 0; good && i < LOADS; i++) {
        struct load *load = &s->loads[i];
        load->x = error_calloc(e, (size_t)s->options.inputs_max + s->unit.link_elements, 1, "x");
        load->region_a = error_calloc(e, a_rows * row_bits / 32 + 2, sizeof *load->region_a, "lane rows");
        load->region_b = error_calloc(e, b_rows * row_bits / 32 + 2, sizeof *load->region_b, "lane rows");
        good = load->x && load->region_a && load->region_b;
    }
    return good;
}

static bool new_weights(struct stimulus *s, struct error *e)
{
    const size_t width = s->options.inputs_max, rank = s->unit.rank_max;
    bool good = true;
    for (uint32_t i = 0; good && s->options.n_jobs == 0 && i < GROUP_LINEARS_MAX; i++) {
        s->a[i] = error_calloc(e, rank * width, 1, "weights");
        s->b[i] = error_calloc(e, rank * width, 1, "weights");
        s->scale_a[i] = error_calloc(e, rank, sizeof *s->scale_a[i], "weights");
        s->scale_b[i] = error_calloc(e, width, sizeof *s->scale_b[i], "weights");
        good = s->a[i] && s->b[i] && s->scale_a[i] && s->scale_b[i];
    }
    return good;
}

static bool new_ring(struct stimulus *s, struct error *e)
{
    const size_t words = ((size_t)s->unit.port_words * s->unit.sram_width_bits + 31) / 32;
    bool good = true;
    for (uint32_t i = 0; good && i < RING_CYCLES; i++) {
        s->ring_words[i] = error_calloc(e, words, sizeof *s->ring_words[i], "words of the SRAM");
        good = s->ring_words[i] != NULL;
    }
    return good;
}

struct stimulus *stimulus_open(const struct stimulus_options *options, struct error *e)
{
    ES_ASSERT(options->unit.sram_latency_cycles + 1 < RING_CYCLES && options->inputs_max > 0);
    struct stimulus *s = error_calloc(e, 1, sizeof *s, "the stimulus");
    if (!s) {
        return NULL;
    }
    s->options = *options;
    s->unit = options->unit;
    s->ports = lora_ports(&s->unit);
    s->abort_at = s->reset_at = STIMULUS_NEVER;
    s->reset_until = RESET_CYCLES;
    random_seed(&s->random, options->seed, 0);
    if (!new_loads(s, e) || !new_weights(s, e) || !new_ring(s, e)) {
        stimulus_close(s);
        return NULL;
    }
    return s;
}

void stimulus_close(struct stimulus *s)
{
    if (!s) {
        return;
    }
    for (uint32_t i = 0; i < LOADS; i++) {
        free(s->loads[i].x);
        free(s->loads[i].region_a);
        free(s->loads[i].region_b);
    }
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        free(s->a[i]);
        free(s->b[i]);
        free(s->scale_a[i]);
        free(s->scale_b[i]);
    }
    for (uint32_t i = 0; i < RING_CYCLES; i++) {
        free(s->ring_words[i]);
    }
    free(s);
}
