/* Dot products and weighted sums of int8 rows (attention, LoRA): every instruction set against 64-bit sums. */
#include <stdlib.h>
#include <string.h>

#include "kernels/isa.h"
#include "kernels/isa_table.h"
#include "kernels/tables.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

/* Rows end where the allocation ends, so that a sanitizer sees a read beyond the last one. */
static int8_t *new_rows(struct random *random, int32_t n_rows, int64_t stride, int32_t n, int extreme)
{
    const size_t bytes = (size_t)(n_rows - 1) * (size_t)stride + (size_t)n;
    int8_t *rows = calloc(bytes, 1);
    for (size_t i = 0; i < bytes; i++) {
        rows[i] = (int8_t)(extreme ? extreme : random_between(random, -128, 127));
    }
    return rows;
}

static void check_dot(struct random *random, int32_t n_rows, int64_t stride, int32_t n, int extreme)
{
    int8_t *rows = new_rows(random, n_rows, stride, n, extreme), *x = new_rows(random, 1, n, n, extreme);
    int32_t *expected = calloc((size_t)n_rows, sizeof *expected), *out = calloc((size_t)n_rows, sizeof *out);
    for (int32_t r = 0; r < n_rows; r++) {
        for (int32_t i = 0; i < n; i++) {
            expected[r] += rows[r * stride + i] * x[i];
        }
    }
    for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
        if (k_select(isa)) {
            memset(out, 0x55, (size_t)n_rows * sizeof *out);
            isa_table()->dot_rows(rows, stride, n_rows, n, x, out);
            CHECK_EQ_BYTES(out, expected, (size_t)n_rows * sizeof *out);
        }
    }
    free(rows);
    free(x);
    free(expected);
    free(out);
}

static void dots_agree(void)
{
    const enum k_isa before = k_selected();
    struct random random;
    random_seed(&random, 6, 0);
    for (int round = 0; round < 150; round++) {
        const int32_t n = random_between(&random, 1, 200);
        check_dot(&random, random_between(&random, 1, 40), n + random_between(&random, 0, 30), n, 0);
    }
    for (int32_t n_rows = 1; n_rows < 70; n_rows++) {
        check_dot(&random, n_rows, 16, 16, n_rows % 3 == 0 ? -128 : 0); /* rows without gaps: LoRA's B */
    }
    check_dot(&random, 3, 100000, 100000, 0);
    check_dot(&random, 2, 100000, 100000, -128); /* 1.6e9: close to the 31 bits of the result */
    k_select(before);
}

static void check_weigh(struct random *random, int32_t n_rows, int64_t stride, int32_t n, int extreme)
{
    int8_t *rows = new_rows(random, n_rows, stride, n, extreme);
    uint32_t *weight = malloc((size_t)n_rows * sizeof *weight);
    int64_t *expected = calloc((size_t)n, sizeof *expected), *out = calloc((size_t)n, sizeof *out);
    for (int32_t r = 0; r < n_rows; r++) {
        weight[r] = extreme ? (1 << 24) - 1 : (uint32_t)random_between(random, 0, (1 << 24) - 1) >> random_between(random, 0, 23);
        for (int32_t i = 0; i < n; i++) {
            expected[i] += (int64_t)weight[r] * rows[r * stride + i];
        }
    }
    for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
        if (k_select(isa)) {
            memset(out, 0x55, (size_t)n * sizeof *out);
            isa_table()->weigh_rows(rows, stride, n_rows, n, weight, out);
            CHECK_EQ_BYTES(out, expected, (size_t)n * sizeof *out);
        }
    }
    free(rows);
    free(weight);
    free(expected);
    free(out);
}

static void weighted_sums_agree(void)
{
    const enum k_isa before = k_selected();
    struct random random;
    random_seed(&random, 7, 0);
    for (int round = 0; round < 150; round++) {
        const int32_t n = random_between(&random, 1, 150);
        check_weigh(&random, random_between(&random, 1, 40), n + random_between(&random, 0, 30), n, 0);
    }
    check_weigh(&random, 70000, 40, 36, 127); /* beyond what 32-bit partial sums hold */
    check_weigh(&random, 70001, 40, 36, -128);
    k_select(before);
}

static void exponentials_agree(void)
{
    enum { N = 1000 };
    const enum k_isa before = k_selected();
    struct random random;
    random_seed(&random, 18, 0);
    int32_t l[N];
    uint32_t shift[N], weight[N], expected[N];
    for (int round = 0; round < 200; round++) {
        const int32_t n = random_between(&random, 1, N), max = round % 4 == 0 ? INT32_MAX : random_between(&random, -100000000, 100000000);
        int64_t sum = 0;
        for (int32_t i = 0; i < n; i++) {
            const uint64_t room = (uint64_t)((int64_t)max + INT32_MAX), distance = random_next(&random) >> random_between(&random, 32, 63);
            l[i] = (int32_t)(max - (int64_t)(distance < room ? distance : room));
            shift[i] = (uint32_t)random_next(&random) >> random_between(&random, 15, 31);
            expected[i] = k_exp2_weight((uint64_t)((int64_t)max - l[i]), (int)shift[i]);
            sum += k_exp2_weight((uint64_t)((int64_t)max - l[i]), 0);
        }
        for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
            if (k_select(isa)) {
                memcpy(weight, shift, sizeof weight);
                CHECK_EQ_INT(isa_table()->exp2_weights(l, max, n, weight), sum);
                CHECK_EQ_BYTES(weight, expected, (size_t)n * sizeof *weight);
            }
        }
    }
    k_select(before);
}

void suite_kernels_rows(void)
{
    suite_begin("kernels_rows");
    suite_add("dot products agree on every instruction set", dots_agree);
    suite_add("softmax weights agree on every instruction set", exponentials_agree);
    suite_add("weighted sums agree on every instruction set", weighted_sums_agree);
}
