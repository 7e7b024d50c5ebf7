#include "sim/lora_layout.h"

#include <string.h>

/* Three rows of six-bit fields make 16-bit entries: what a preamble and the scales of B are made of. */
enum { ENTRY_ROWS = 3, ENTRY_BITS_LOW = 12 };

enum linear linears_first(enum linear_group group)
{
    static const enum linear first[LINEAR_GROUPS_ALL] = {LINEAR_Q, LINEAR_O, LINEAR_GATE, LINEAR_DOWN, LINEAR_HEAD, LINEAR_EMBEDDING};
    return first[group];
}

uint32_t linears_count(enum linear_group group)
{
    static const uint32_t count[LINEAR_GROUPS_ALL] = {3, 1, 2, 1, 1, 1};
    return count[group];
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t parts(uint32_t n, uint32_t size)
{
    return (n + size - 1) / size;
}

struct lora_geometry lora_geometry(const struct chip_config *config)
{
    uint32_t row_words = parts(LORA_WEIGHT_BITS * config->lora_lanes, config->sram_width_bits);
    return (struct lora_geometry){
        .lanes = config->lora_lanes,
        .sram_width_bits = config->sram_width_bits,
        .row_words = row_words,
        .port_words = least(row_words, config->sram_ways * config->sram_ports),
        .link_elements = config->link_elements,
        .drain_elements = config->rom_drain_elements,
        .latency_cycles = config->lora_latency_cycles,
        .sram_latency_cycles = config->sram_latency_cycles,
        .rank_max = config->slots_rank_max,
    };
}

static bool has_pair(const struct lora_job *job, uint32_t linear)
{
    return (job->pairs >> linear & 1) != 0;
}

uint32_t lora_job_pairs(const struct lora_job *job)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        count += has_pair(job, i);
    }
    return count;
}

uint32_t lora_job_preamble_rows(const struct lora_geometry *geometry, const struct lora_job *job)
{
    return ENTRY_ROWS * parts((job->rank + 1) * lora_job_pairs(job), geometry->lanes);
}

uint32_t lora_job_a_rows(const struct lora_geometry *geometry, const struct lora_job *job)
{
    return lora_job_preamble_rows(geometry, job) + parts(job->inputs, geometry->lanes) * job->rank * lora_job_pairs(job);
}

uint32_t lora_job_b_rows(const struct lora_geometry *geometry, const struct lora_job *job)
{
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        blocks += has_pair(job, i) ? parts(job->outputs[i], geometry->lanes) : 0;
    }
    return blocks * (ENTRY_ROWS + job->rank);
}

uint32_t lora_job_tail_beats(const struct lora_geometry *geometry, const struct lora_job *job)
{
    uint32_t beats = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        if (has_pair(job, i)) {
            beats = parts((job->outputs[i] - 1) % geometry->lanes + 1, geometry->drain_elements);
        }
    }
    return beats;
}

struct lora_job lora_job_make(const struct lora_geometry *geometry, uint32_t n_linears, const uint32_t ranks[], uint32_t inputs,
                              const uint32_t outputs[], uint32_t beat_elements)
{
    struct lora_job job = {.inputs = inputs, .beat_elements = beat_elements};
    for (uint32_t i = 0; i < n_linears; i++) {
        job.outputs[i] = outputs[i];
        if (ranks[i] > 0) {
            job.pairs |= 1u << i;
            job.rank = ranks[i] > job.rank ? ranks[i] : job.rank;
        }
    }
    if (job.rank == 0) {
        return job;
    }
    /* What the environment owes the unit: x of a block before the block's rows, a block's results gone before the next block's are there. */
    uint32_t rows = job.rank * lora_job_pairs(&job);
    uint32_t x_first = parts(least(geometry->lanes, inputs), beat_elements), x_block = parts(geometry->lanes, beat_elements);
    uint32_t lead = lora_job_preamble_rows(geometry, &job) + geometry->sram_latency_cycles + 1;
    uint32_t drain = parts(geometry->lanes, geometry->drain_elements);
    job.a_delay_cycles = x_first > lead ? x_first - lead : 0;
    job.a_pause_cycles = x_block > rows ? x_block - rows : 0;
    job.b_pause_cycles = drain > ENTRY_ROWS + job.rank ? drain - (ENTRY_ROWS + job.rank) : 0;
    return job;
}

/* -- bits -- */

static void put_field(const struct lora_geometry *geometry, uint32_t *region, uint32_t row, uint32_t lane, uint32_t value)
{
    uint64_t position = (uint64_t)row * geometry->row_words * geometry->sram_width_bits + (uint64_t)LORA_WEIGHT_BITS * lane;
    uint32_t *word = region + position / 32, offset = (uint32_t)(position % 32);
    value &= (1u << LORA_WEIGHT_BITS) - 1;
    word[0] |= value << offset;
    if (offset + LORA_WEIGHT_BITS > 32) {
        word[1] |= value >> (32 - offset);
    }
}

/* 16 bits in three rows, the top field half empty. */
static void put_entry(const struct lora_geometry *geometry, uint32_t *region, uint32_t first_row, uint32_t lane, uint32_t value)
{
    put_field(geometry, region, first_row, lane, value);
    put_field(geometry, region, first_row + 1, lane, value >> LORA_WEIGHT_BITS);
    put_field(geometry, region, first_row + 2, lane, (value & 0xffff) >> ENTRY_BITS_LOW);
}

static void put_preamble(const struct lora_geometry *geometry, const struct lora_job *job, const struct lora_pair *const pair[],
                         uint32_t *a)
{
    uint32_t lanes = geometry->lanes, rows = job->rank * lora_job_pairs(job), p = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        if (!has_pair(job, i)) {
            continue;
        }
        for (uint32_t j = 0; j < (uint32_t)pair[i]->rank; j++) {
            uint32_t k = p * job->rank + j;
            put_entry(geometry, a, ENTRY_ROWS * (k / lanes), k % lanes, pair[i]->scale_a[j]);
        }
        uint32_t k = rows + p++;
        put_entry(geometry, a, ENTRY_ROWS * (k / lanes), k % lanes, (uint32_t)(pair[i]->exponent_a + pair[i]->exponent_b));
    }
}

static void put_a(const struct lora_geometry *geometry, const struct lora_job *job, const struct lora_pair *const pair[], uint32_t *a)
{
    uint32_t lanes = geometry->lanes, rows = job->rank * lora_job_pairs(job), preamble = lora_job_preamble_rows(geometry, job), p = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        if (!has_pair(job, i)) {
            continue;
        }
        for (uint32_t j = 0; j < (uint32_t)pair[i]->rank; j++) {
            const int8_t *weights = pair[i]->a + (size_t)j * job->inputs;
            for (uint32_t n = 0; n < job->inputs; n++) {
                put_field(geometry, a, preamble + n / lanes * rows + p * job->rank + j, n % lanes, (uint32_t)weights[n]);
            }
        }
        p++;
    }
}

static void put_b(const struct lora_geometry *geometry, const struct lora_job *job, const struct lora_pair *const pair[], uint32_t *b)
{
    uint32_t lanes = geometry->lanes, first_row = 0;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        if (!has_pair(job, i)) {
            continue;
        }
        uint32_t rank = (uint32_t)pair[i]->rank;
        for (uint32_t o = 0; o < job->outputs[i]; o++) {
            uint32_t row = first_row + o / lanes * (ENTRY_ROWS + job->rank), lane = o % lanes;
            put_entry(geometry, b, row, lane, pair[i]->scale_b[o]);
            for (uint32_t j = 0; j < rank; j++) {
                put_field(geometry, b, row + ENTRY_ROWS + j, lane, (uint32_t)pair[i]->b[(size_t)o * rank + j]);
            }
        }
        first_row += parts(job->outputs[i], lanes) * (ENTRY_ROWS + job->rank);
    }
}

static void clear(const struct lora_geometry *geometry, uint32_t rows, uint32_t *region)
{
    uint64_t bits = (uint64_t)rows * geometry->row_words * geometry->sram_width_bits;
    memset(region, 0, (bits + 31) / 32 * sizeof *region);
}

void lora_layout_pack(const struct lora_geometry *geometry, const struct lora_job *job, const struct lora_pair *const pair[], uint32_t *a,
                      uint32_t *b)
{
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        ES_ASSERT(!has_pair(job, i) || (pair[i]->rank > 0 && (uint32_t)pair[i]->rank <= job->rank &&
                                        (uint32_t)pair[i]->n_in == job->inputs && (uint32_t)pair[i]->n_out == job->outputs[i]));
    }
    clear(geometry, lora_job_a_rows(geometry, job), a);
    clear(geometry, lora_job_b_rows(geometry, job), b);
    put_preamble(geometry, job, pair, a);
    put_a(geometry, job, pair, a);
    put_b(geometry, job, pair, b);
}
