/* A group's LoRA weights as lane rows: what lora_layout_pack writes is read back by a decoder of its own, typed from docs/lora_mac.md. */
#include "sim/lora_layout.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

enum { RANK = 20, INPUTS = 90, OUTPUTS = 70, REGION_WORDS = 1 << 17 };

struct problem {
    struct lora_geometry unit;
    uint32_t n_linears, ranks[GROUP_LINEARS_MAX], outputs[GROUP_LINEARS_MAX], inputs;
    struct lora_pair pair[GROUP_LINEARS_MAX];
    int8_t a[GROUP_LINEARS_MAX][RANK * INPUTS], b[GROUP_LINEARS_MAX][OUTPUTS * RANK];
    uint16_t scale_a[GROUP_LINEARS_MAX][RANK], scale_b[GROUP_LINEARS_MAX][OUTPUTS];
    struct lora_job job;
    uint32_t region_a[REGION_WORDS], region_b[REGION_WORDS];
};

static uint64_t state = 11;

static uint32_t between(uint32_t low, uint32_t high)
{
    return low + (uint32_t)(test_random(&state) % (high - low + 1));
}

static uint32_t up(uint32_t n, uint32_t size)
{
    return n / size + (n % size > 0);
}

static struct lora_geometry unit_of(uint32_t lanes, uint32_t width, uint32_t ways)
{
    struct chip_config config;
    config_defaults(&config);
    config.lora_lanes = lanes;
    config.sram_width_bits = width;
    config.sram_ways = ways;
    config.slots_rank_max = RANK;
    return lora_geometry(&config);
}

static void fill_pair(struct problem *p, uint32_t i)
{
    for (uint32_t k = 0; k < RANK * INPUTS; k++) {
        p->a[i][k] = (int8_t)((int32_t)between(0, 63) - 32);
    }
    for (uint32_t k = 0; k < OUTPUTS * RANK; k++) {
        p->b[i][k] = (int8_t)((int32_t)between(0, 63) - 32);
    }
    for (uint32_t k = 0; k < RANK; k++) {
        p->scale_a[i][k] = (uint16_t)between(0, 65535);
    }
    for (uint32_t k = 0; k < OUTPUTS; k++) {
        p->scale_b[i][k] = (uint16_t)between(0, 65535);
    }
    p->pair[i] = (struct lora_pair){.rank = (int32_t)p->ranks[i],
                                    .n_in = (int32_t)p->inputs,
                                    .n_out = (int32_t)p->outputs[i],
                                    .exponent_a = (int32_t)between(0, 80) - 60,
                                    .exponent_b = (int32_t)between(0, 80) - 60,
                                    .a = p->a[i],
                                    .b = p->b[i],
                                    .scale_a = p->scale_a[i],
                                    .scale_b = p->scale_b[i]};
}

/* At least one linear has a pair; ranks differ, some are missing. */
static void make(struct problem *p)
{
    static const uint32_t widths[] = {8, 20, 31, 32, 33, 48, 64, 100, 384, 1024};
    p->unit = unit_of(between(8, 80), widths[between(0, 9)], between(1, 16));
    p->n_linears = between(1, GROUP_LINEARS_MAX);
    p->inputs = between(1, INPUTS);
    memset(p->ranks, 0, sizeof p->ranks);
    memset(p->outputs, 0, sizeof p->outputs);
    uint32_t sure = between(0, p->n_linears - 1);
    for (uint32_t i = 0; i < p->n_linears; i++) {
        p->ranks[i] = between(0, 2) > 0 || i == sure ? between(1, RANK) : 0;
        p->outputs[i] = between(1, OUTPUTS);
        fill_pair(p, i);
    }
    p->job = lora_job_make(&p->unit, p->n_linears, p->ranks, p->inputs, p->outputs, between(1, p->unit.link_elements));
    const struct lora_pair *pairs[GROUP_LINEARS_MAX] = {0};
    for (uint32_t i = 0; i < p->n_linears; i++) {
        pairs[i] = p->ranks[i] > 0 ? &p->pair[i] : NULL;
    }
    memset(p->region_a, 0xa5, sizeof p->region_a);
    memset(p->region_b, 0xa5, sizeof p->region_b);
    lora_layout_pack(&p->unit, &p->job, pairs, p->region_a, p->region_b);
}

/* -- the decoder: one bit at a time, and each bit may be read once -- */

struct reader {
    uint32_t *region; /* bits that were read become zero */
    uint32_t row_bits;
};

static uint32_t field(struct reader *r, uint32_t row, uint32_t lane)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < 6; i++) {
        uint64_t at = (uint64_t)row * r->row_bits + 6 * lane + i;
        value |= (r->region[at / 32] >> at % 32 & 1) << i;
        r->region[at / 32] &= ~(1u << at % 32);
    }
    return value;
}

static int32_t weight(struct reader *r, uint32_t row, uint32_t lane)
{
    int32_t value = (int32_t)field(r, row, lane);
    return value >= 32 ? value - 64 : value;
}

static uint32_t entry(struct reader *r, uint32_t row, uint32_t lane)
{
    uint32_t low = field(r, row, lane), middle = field(r, row + 1, lane), high = field(r, row + 2, lane);
    return low + 64 * middle + 4096 * high;
}

static void check_empty(const uint32_t *region, uint64_t bits)
{
    uint64_t words = (bits + 31) / 32;
    for (uint64_t i = 0; i < words; i++) {
        REQUIRE(region[i] == 0);
    }
    CHECK_EQ_UINT(region[words], 0xa5a5a5a5); /* and nothing behind it was touched */
}

static void check_a(struct problem *p)
{
    const uint32_t lanes = p->unit.lanes;
    uint32_t r = 0, pairs = 0, number = 0;
    for (uint32_t i = 0; i < p->n_linears; i++) {
        r = p->ranks[i] > r ? p->ranks[i] : r;
        pairs += p->ranks[i] > 0;
    }
    const uint32_t rows = r * pairs, preamble = 3 * up(rows + pairs, lanes);
    struct reader reader = {p->region_a, up(6 * lanes, p->unit.sram_width_bits) * p->unit.sram_width_bits};
    for (uint32_t i = 0; i < p->n_linears; i++) {
        if (p->ranks[i] == 0) {
            continue;
        }
        for (uint32_t j = 0; j < r; j++) {
            const uint32_t k = number * r + j, there = j < p->ranks[i];
            REQUIRE(entry(&reader, 3 * (k / lanes), k % lanes) == (there ? p->scale_a[i][j] : 0));
            for (uint32_t n = 0; n < p->inputs; n++) {
                REQUIRE(weight(&reader, preamble + n / lanes * rows + k, n % lanes) == (there ? p->a[i][j * p->inputs + n] : 0));
            }
        }
        const uint32_t k = rows + number++;
        REQUIRE((int16_t)entry(&reader, 3 * (k / lanes), k % lanes) == p->pair[i].exponent_a + p->pair[i].exponent_b);
    }
    CHECK_EQ_UINT(lora_job_preamble_rows(&p->unit, &p->job), preamble);
    CHECK_EQ_UINT(lora_job_a_rows(&p->unit, &p->job), preamble + up(p->inputs, lanes) * rows);
    check_empty(p->region_a, (uint64_t)lora_job_a_rows(&p->unit, &p->job) * reader.row_bits);
}

static void check_b(struct problem *p)
{
    const uint32_t lanes = p->unit.lanes;
    uint32_t r = 0, first = 0, tail = 0;
    for (uint32_t i = 0; i < p->n_linears; i++) {
        r = p->ranks[i] > r ? p->ranks[i] : r;
    }
    struct reader reader = {p->region_b, up(6 * lanes, p->unit.sram_width_bits) * p->unit.sram_width_bits};
    for (uint32_t i = 0; i < p->n_linears; i++) {
        if (p->ranks[i] == 0) {
            continue;
        }
        for (uint32_t o = 0; o < p->outputs[i]; o++) {
            const uint32_t row = first + o / lanes * (3 + r);
            REQUIRE(entry(&reader, row, o % lanes) == p->scale_b[i][o]);
            for (uint32_t j = 0; j < r; j++) {
                REQUIRE(weight(&reader, row + 3 + j, o % lanes) == (j < p->ranks[i] ? p->b[i][o * p->ranks[i] + j] : 0));
            }
        }
        first += up(p->outputs[i], lanes) * (3 + r);
        tail = p->outputs[i] % lanes > 0 ? p->outputs[i] % lanes : lanes;
    }
    CHECK_EQ_UINT(lora_job_b_rows(&p->unit, &p->job), first);
    CHECK_EQ_UINT(lora_job_tail_beats(&p->unit, &p->job), up(tail, p->unit.drain_elements));
    check_empty(p->region_b, (uint64_t)first * reader.row_bits);
}

static void every_bit_is_where_the_document_says(void)
{
    struct problem *p = calloc(1, sizeof *p);
    for (int round = 0; round < 150; round++) {
        make(p);
        check_a(p);
        check_b(p);
    }
    free(p);
}

/* Two lane rows by hand: 8 lanes, words of 20 bits, rank 1, 3 inputs. */
static void a_row_by_hand(void)
{
    const int8_t a[3] = {1, -2, 31}, b[2] = {-32, 5};
    const uint16_t scale_a[1] = {0xabcd}, scale_b[2] = {0x1041, 0xffff};
    const struct lora_pair pair = {
        .rank = 1, .n_in = 3, .n_out = 2, .exponent_a = -9, .exponent_b = -12, .a = a, .b = b, .scale_a = scale_a, .scale_b = scale_b};
    struct lora_geometry unit = unit_of(8, 20, 2);
    CHECK_EQ_UINT(unit.row_words, 3);
    CHECK_EQ_UINT(unit.port_words, 2);
    const uint32_t rank = 1, outputs = 2;
    struct lora_job job = lora_job_make(&unit, 1, &rank, 3, &outputs, 16);
    uint32_t region_a[8], region_b[8];
    lora_layout_pack(&unit, &job, (const struct lora_pair *const[]){&pair, NULL, NULL}, region_a, region_b);
    /* 0xabcd in six-bit fields: 0x0d, 0x2f, 0x0a; -21 = 0xffeb: 0x2b, 0x3f, 0x0f. A row is 60 bits. */
    CHECK_EQ_UINT(region_a[0], 0x0d | 0x2b << 6);
    CHECK_EQ_UINT(region_a[1], 0x2fu << 28);
    CHECK_EQ_UINT(region_a[2], 0x2f >> 4 | 0x3f << 2);
    CHECK_EQ_UINT(region_a[3], 0x0au << 24 | 0x0fu << 30);
    CHECK_EQ_UINT(region_a[4], 0x0f >> 2);
    CHECK_EQ_UINT(region_a[5], (1u | 0x3e << 6 | 31 << 12) << 20);
    CHECK_EQ_UINT(region_a[6], (1u | 0x3e << 6 | 31 << 12) >> 12);
    CHECK_EQ_UINT(region_b[0], 0x01 | 0x3f << 6);
    CHECK_EQ_UINT(region_b[1], 0x01u << 28);
    CHECK_EQ_UINT(region_b[5], (0x20u | 5 << 6) << 20);
}

/* What a chip waits for: 8 elements of x a beat, 64 lanes. */
static void delays_and_pauses_by_hand(void)
{
    struct chip_config config;
    config_defaults(&config);
    config.lora_lanes = 64;
    config.link_elements = 8;
    config.rom_drain_elements = 4;
    config.sram_latency_cycles = 2;
    const struct lora_geometry unit = lora_geometry(&config);
    const uint32_t ranks[3] = {2, 0, 1}, outputs[3] = {64, 64, 65};
    /* P = 2, R = 4: a preamble of 3 rows; the first block of x takes 8 beats, a block's results 16 */
    struct lora_job job = lora_job_make(&unit, 3, ranks, 200, outputs, 8);
    CHECK_EQ_UINT(job.rank, 2);
    CHECK_EQ_UINT(job.pairs, 5);
    CHECK_EQ_UINT(lora_job_pairs(&job), 2);
    CHECK_EQ_UINT(job.a_delay_cycles, 8 - 3 - 2 - 1);
    CHECK_EQ_UINT(job.a_pause_cycles, 8 - 4);
    CHECK_EQ_UINT(job.b_pause_cycles, 16 - 5);
    CHECK_EQ_UINT(lora_job_a_rows(&unit, &job), 3 + 4 * 4);
    CHECK_EQ_UINT(lora_job_b_rows(&unit, &job), (1 + 2) * 5);
    CHECK_EQ_UINT(lora_job_tail_beats(&unit, &job), 1);
    job = lora_job_make(&unit, 1, ranks, 20, outputs, 8);
    CHECK_EQ_UINT(job.a_delay_cycles, 0); /* 3 beats */
    CHECK_EQ_UINT(lora_job_tail_beats(&unit, &job), 16);
    const uint32_t none[1] = {0};
    job = lora_job_make(&unit, 1, none, 20, outputs, 8);
    CHECK(job.rank == 0 && job.pairs == 0);
}

void suite_lora_layout(void)
{
    suite_begin("lora_layout");
    suite_add("every bit of both regions is where the document says", every_bit_is_where_the_document_says);
    suite_add("a row by hand", a_row_by_hand);
    suite_add("delays and pauses by hand", delays_and_pauses_by_hand);
}
