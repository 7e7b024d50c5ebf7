/* The matrix product and the packed layout: against sums over the unpacked codes, and every instruction set against plain C. */
#include "kernels/gemv.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/isa_table.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

/* A matrix with its codes and scales beside it, and an input vector. */
struct problem {
    struct matrix w;
    uint8_t *codes, *scales, *data;
    struct act8 x;
    int64_t *expected, *y;
};

static const int8_t BOOK_OF_8[CODEBOOK_MAX] = {-31, -19, -9, 0, 6, 13, 21, 31},
                    BOOK_OF_16[CODEBOOK_MAX] = {-31, -24, -16, -12, -8, -4, -2, 0, 1, 3, 4, 8, 12, 16, 25, 31};

/* Of a number, the format and the group: all six combinations follow each other. */
static void problem_new(int kind, int32_t n_out, int32_t n_in, struct problem *p)
{
    *p = (struct problem){.w = {.format = (enum weight_format)(kind % WEIGHT_FORMATS),
                                .n_out = n_out,
                                .n_in = n_in,
                                .groups_of_16 = kind / WEIGHT_FORMATS % 2 == 1,
                                .exponent = -7}};
    memcpy(p->w.codebook, p->w.format == WEIGHT_W4 ? BOOK_OF_16 : BOOK_OF_8, sizeof p->w.codebook);
    p->codes = calloc((size_t)n_out * (size_t)n_in, 1);
    p->scales = calloc((size_t)n_out * (size_t)matrix_groups(&p->w), 1);
    p->data = malloc((size_t)matrix_bytes(&p->w));
    p->x = (struct act8){calloc((size_t)padded(n_in), 1), n_in, -3, calloc((size_t)act_groups(n_in), 1)};
    p->expected = calloc((size_t)n_out, sizeof(int64_t));
    p->y = calloc((size_t)n_out + BLOCK_ROWS, sizeof(int64_t));
}

static void problem_free(struct problem *p)
{
    free(p->codes);
    free(p->scales);
    free(p->data);
    free(p->x.m);
    free(p->x.shift);
    free(p->expected);
    free(p->y);
}

static void problem_fill(struct random *random, struct problem *p)
{
    const struct matrix *w = &p->w;
    for (int64_t i = 0; i < (int64_t)w->n_out * w->n_in; i++) {
        p->codes[i] = (uint8_t)random_between(random, 0, (1 << weight_bits(w->format)) - 1);
    }
    for (int64_t i = 0; i < (int64_t)w->n_out * matrix_groups(w); i++) {
        p->scales[i] = (uint8_t)random_between(random, 0, 63);
    }
    for (int32_t i = 0; i < w->n_in; i++) {
        p->x.m[i] = (int8_t)random_between(random, -127, 127);
    }
    for (int32_t g = 0; g < act_groups(w->n_in); g++) {
        p->x.shift[g] = (uint8_t)random_between(random, 0, ACT_SHIFT_MAX);
    }
}

/* The definition, from codes and scales as they were before packing. */
static void problem_expect(struct problem *p)
{
    const struct matrix *w = &p->w;
    for (int32_t o = 0; o < w->n_out; o++) {
        p->expected[o] = 0;
        for (int32_t i = 0; i < w->n_in; i++) {
            const int64_t x = (int64_t)p->x.m[i] * (1 << p->x.shift[i / ACT_GROUP]);
            const int code = p->codes[(int64_t)o * w->n_in + i], value = w->format == WEIGHT_W6 ? code - 32 : w->codebook[code];
            p->expected[o] += (int64_t)value * p->scales[(int64_t)o * matrix_groups(w) + i / matrix_group_inputs(w)] * x;
        }
    }
    matrix_pack(w, p->codes, p->scales, p->data);
    p->w.data = p->data;
}

static void check_all_isas(struct problem *p)
{
    const enum k_isa before = k_selected();
    for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
        if (!k_select(isa)) {
            continue;
        }
        struct acc y = {p->y, p->w.n_out, 0};
        memset(p->y, 0x55, ((size_t)p->w.n_out + BLOCK_ROWS) * sizeof *p->y);
        k_gemv(&p->w, &p->x, &y);
        CHECK_EQ_INT(y.exponent, -10);
        CHECK_EQ_BYTES(p->y, p->expected, (size_t)p->w.n_out * sizeof *p->y);
        CHECK_EQ_INT(p->y[p->w.n_out], 0x5555555555555555); /* nothing beyond n_out is written */
    }
    k_select(before);
}

static void random_shapes(void)
{
    struct random random;
    random_seed(&random, 2, 0);
    for (int round = 0; round < 120; round++) {
        struct problem p;
        problem_new(round, random_between(&random, 1, 70), random_between(&random, 1, 200), &p);
        problem_fill(&random, &p);
        problem_expect(&p);
        check_all_isas(&p);
        problem_free(&p);
    }
}

/* A vector without shifts is one whose shifts are 0. */
static void shifts_may_be_missing(void)
{
    struct random random;
    struct problem p;
    random_seed(&random, 6, 0);
    problem_new(WEIGHT_W3, 40, 100, &p);
    problem_fill(&random, &p);
    uint8_t *shift = p.x.shift;
    memset(shift, 0, (size_t)act_groups(100));
    problem_expect(&p);
    p.x.shift = NULL;
    check_all_isas(&p);
    p.x.shift = shift;
    problem_free(&p);
}

/* Sums go from 32 into 64 bits after so many inputs. */
enum { RUN_INPUTS = RUN_PANELS * PANEL_INPUTS };

static void wide_rows_span_runs(void)
{
    struct random random;
    random_seed(&random, 3, 0);
    const int32_t widths[] = {RUN_INPUTS - 1, RUN_INPUTS + 1, TILE_ROWS_MAX, 3 * TILE_ROWS_MAX + 77};
    for (int i = 0; i < 24; i++) {
        struct problem p;
        problem_new(i, 18, widths[i / 6], &p);
        problem_fill(&random, &p);
        problem_expect(&p);
        check_all_isas(&p);
        problem_free(&p);
    }
}

/* All +-127 with the largest shift times the extreme codes at scale 63, in a whole run and beyond: the widths that the static bounds promise. */
static void extremes_do_not_overflow(void)
{
    for (int i = 0; i < 48; i++) {
        struct problem p;
        problem_new(i / 8, 17, i & 1 ? RUN_INPUTS : 2 * TILE_ROWS_MAX + 32, &p);
        memset(p.codes, i & 2 ? (1 << weight_bits(p.w.format)) - 1 : 0, (size_t)p.w.n_out * (size_t)p.w.n_in);
        memset(p.scales, 63, (size_t)p.w.n_out * (size_t)matrix_groups(&p.w));
        memset(p.x.m, i & 4 ? 127 : -127, (size_t)p.w.n_in);
        memset(p.x.shift, ACT_SHIFT_MAX, (size_t)act_groups(p.w.n_in));
        problem_expect(&p);
        check_all_isas(&p);
        problem_free(&p);
    }
}

static void blocks_are_parts_of_the_whole(void)
{
    struct random random;
    random_seed(&random, 4, 0);
    struct problem p;
    problem_new(WEIGHT_W3, 75, 96, &p);
    problem_fill(&random, &p);
    problem_expect(&p);
    int64_t part[2 * BLOCK_ROWS];
    k_gemv_blocks(&p.w, &p.x, 1, 2, part);
    CHECK_EQ_BYTES(part, p.expected + BLOCK_ROWS, sizeof part);
    k_gemv_blocks(&p.w, &p.x, 4, 1, part);
    CHECK_EQ_BYTES(part, p.expected + (ptrdiff_t)4 * BLOCK_ROWS, 11 * sizeof *part);
    for (int i = 11; i < BLOCK_ROWS; i++) {
        CHECK_EQ_INT(part[i], 0);
    }
    problem_free(&p);
}

static void packing_round_trips(void)
{
    struct random random;
    random_seed(&random, 5, 0);
    for (int round = 0; round < 24; round++) {
        struct problem p;
        problem_new(round, random_between(&random, 1, 40), random_between(&random, 1, 100), &p);
        problem_fill(&random, &p);
        problem_expect(&p);
        int16_t row[100];
        for (int32_t o = 0; o < p.w.n_out; o++) {
            matrix_unpack_row(&p.w, o, row);
            for (int32_t i = 0; i < p.w.n_in; i++) {
                const int value = matrix_code_value(&p.w, p.codes[(int64_t)o * p.w.n_in + i]);
                CHECK_EQ_INT(row[i], value * p.scales[(int64_t)o * matrix_groups(&p.w) + i / matrix_group_inputs(&p.w)]);
            }
        }
        problem_free(&p);
    }
}

/* The bytes that types.h promises, by hand: codes of some row and input, scales of some row and group, and where they stand. */
static void check_layout(struct matrix w, uint8_t codes[16][32], const uint8_t *scales, int (*bytes)[2], int n_bytes)
{
    uint8_t packed[32 + 6 * 64], block[sizeof packed], expected[sizeof packed] = {0};
    REQUIRE(matrix_bytes(&w) <= (int64_t)sizeof packed);
    for (int i = 0; i < n_bytes; i++) {
        expected[bytes[i][0]] = (uint8_t)bytes[i][1];
    }
    matrix_pack(&w, codes[0], scales, packed);
    CHECK_EQ_BYTES(packed, expected, (size_t)matrix_bytes(&w));
    matrix_pack_block(&w, codes[0], scales, block);
    CHECK_EQ_BYTES(block, packed, (size_t)matrix_bytes(&w));
}

static void layout_is_the_documented_one(void)
{
    const uint8_t scales[32] = {[3] = 42, [16 + 5] = 7}; /* [row][group] where there are two groups: rows 1 and 10 */
    struct matrix w = {.format = WEIGHT_W3, .n_out = 16, .n_in = 32};
    /* Row 1, input 2 is code 6 of chunk 0; row 15, inputs 7, 27 and 31: code 63 of chunks 1, 6 and 7. */
    uint8_t codes[16][32] = {[1] = {[2] = 5}, [15] = {[7] = 3, [27] = 6, [31] = 5}};
    CHECK_EQ_INT(matrix_bytes(&w), 208);
    check_layout(w, codes, scales,
                 (int[][2]){{3, 42},
                            {16 + 6, 5},
                            {16 + 63, 3 << 3 | 2 << 6}, /* the six bits 101110: 10, 11, 10 from plane 0 on */
                            {16 + 64 + 63, 3 << 6},
                            {16 + 128 + 63, 2 << 6}},
                 5);
    w.format = WEIGHT_W4;
    w.groups_of_16 = true;
    codes[1][2] = 13;
    CHECK_EQ_INT(matrix_bytes(&w), 32 + 256);
    check_layout(w, codes, scales,
                 (int[][2]){{16 + 1, 42}, /* group 1 of row 1 */
                            {16 + 10, 7},
                            {32 + 6, 13},
                            {32 + 63, 3 << 4},
                            {32 + 192 + 63, 6 | 5 << 4}},
                 5);
    w.format = WEIGHT_W6;
    w.groups_of_16 = false;
    codes[1][2] = 45;
    codes[15][12] = 57; /* code 60 of chunk 3: 111001, from plane 0 on 01, 10, 11 */
    CHECK_EQ_INT(matrix_bytes(&w), 16 + 384);
    check_layout(w, codes, scales,
                 (int[][2]){{3, 42},
                            {16 + 6, 45},
                            {16 + 64 + 63, 3},
                            {16 + 60, 1 << 6},
                            {16 + 64 + 60, 2 << 6},
                            {16 + 128 + 60, 3 << 6},
                            {16 + 320 + 63, 6 | 0 << 6}, /* chunk 6; chunk 7 is 000101 */
                            {16 + 192 + 63, 1 << 6},
                            {16 + 256 + 63, 1 << 6}},
                 9);
}

static void isas_are_chosen(void)
{
    const enum k_isa before = k_selected();
    CHECK(k_isa_available(K_ISA_PLAIN));
    CHECK(k_select(K_ISA_PLAIN));
    CHECK_EQ_INT(k_selected(), K_ISA_PLAIN);
    CHECK(!k_select(K_ISA_COUNT));
    CHECK_EQ_INT(k_selected(), K_ISA_PLAIN);
    k_select(before);
}

void suite_kernels_gemv(void)
{
    suite_begin("kernels_gemv");
    suite_add("random shapes, exact on every instruction set", random_shapes);
    suite_add("a vector without shifts has shifts of 0", shifts_may_be_missing);
    suite_add("rows wider than a tile", wide_rows_span_runs);
    suite_add("extreme values do not overflow", extremes_do_not_overflow);
    suite_add("blocks are parts of the whole", blocks_are_parts_of_the_whole);
    suite_add("packing and unpacking", packing_round_trips);
    suite_add("the layout is the documented one", layout_is_the_documented_one);
    suite_add("instruction sets are chosen", isas_are_chosen);
}
