/* RMSNorm, its square root, and the two ends of the residual stream. */
#include <math.h>
#include <stdlib.h>

#include "kernels/bias.h"
#include "kernels/embed.h"
#include "kernels/fixed.h"
#include "kernels/gemv.h"
#include "kernels/requant.h"
#include "kernels/residual.h"
#include "kernels/rmsnorm.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

static void roots_are_exact(void)
{
    struct random random;
    random_seed(&random, 9, 0);
    CHECK_EQ_UINT(k_isqrt(0), 0);
    CHECK_EQ_UINT(k_isqrt(UINT64_MAX), UINT32_MAX);
    for (int i = 0; i < 100000; i++) {
        const uint64_t v = random_next(&random) >> random_between(&random, 0, 63), root = k_isqrt(v);
        CHECK(root * root <= v && (root == UINT32_MAX || (root + 1) * (root + 1) > v));
    }
    for (uint64_t root = UINT32_MAX; root > UINT32_MAX - 1000; root--) {
        CHECK_EQ_UINT(k_isqrt(root * root), root);
        CHECK_EQ_UINT(k_isqrt(root * root - 1), root - 1);
    }
}

struct norm_case {
    int32_t n;
    double epsilon, deviation, outlier; /* of the residual, in its own units; element 0 is the outlier if not 0 */
    int32_t weight_exponent;
};

/* Largest error of the 64-bit result before the requantiser (left in scratch), relative to its largest element. */
static double norm_error(const struct norm_case *c, uint64_t seed)
{
    struct random random;
    random_seed(&random, seed, 0);
    const size_t n = (size_t)c->n;
    int32_t *x = malloc(n * sizeof *x);
    int16_t *g = malloc(n * sizeof *g);
    int64_t *scratch = malloc(n * sizeof *scratch);
    struct act8 out = {malloc((size_t)padded(c->n)), 0, 0, NULL};
    double sum = 0, worst = 0, largest = 0;
    for (int32_t i = 0; i < c->n; i++) {
        x[i] = (int32_t)clamp_i64(llrint(c->deviation * random_normal(&random) * 65536), -INT32_MAX, INT32_MAX);
        g[i] = (int16_t)random_between(&random, -32767, 32767);
    }
    x[0] = c->outlier != 0 ? (int32_t)clamp_i64(llrint(c->outlier * 65536), -INT32_MAX, INT32_MAX) : x[0];
    for (int32_t i = 0; i < c->n; i++) {
        sum += ldexp(x[i], -16) * ldexp(x[i], -16);
    }
    struct norm norm = {.exponent = c->weight_exponent, .m = g};
    k_norm_constants(c->n, c->epsilon, &norm);
    k_rmsnorm(&norm, &(struct residual){x, c->n}, &out, scratch);
    const int32_t exponent = out.exponent - k_requant_shift(k_max_magnitude(scratch, c->n), 8);
    const double rms = sqrt(sum / c->n + c->epsilon);
    for (int32_t i = 0; i < c->n; i++) {
        const double expected = ldexp(x[i], -16) / rms * ldexp(g[i], c->weight_exponent);
        largest = fmax(largest, fabs(expected));
        worst = fmax(worst, fabs(ldexp((double)scratch[i], exponent) - expected));
    }
    free(x);
    free(g);
    free(scratch);
    free(out.m);
    return largest > 0 ? worst / largest : worst;
}

static void norm_is_close(void)
{
    const struct norm_case cases[] = {
        {64, 1e-5, 1.0, 0, -14},      {4096, 1e-5, 0.5, 0, -14},        {4096, 1e-5, 0.01, 0, -20},  {288, 1e-6, 30.0, 0, -10},
        {16384, 1e-5, 0.3, 900, -15}, {1 << 18, 1e-5, 2.0, 0, -14},     {1 << 18, 1e-5, 1e5, 0, 16}, {1 << 18, 1e-5, 30.0, 32767, -64},
        {1, 1e-5, 1.0, 0, -14},       {2, 1e-5, 1e-4, 0, -14},          {5, 1.0, 1e-3, 0, -14},      {100, 0.0, 1e-4, 0, -14},
        {100, 1e-5, 20000.0, 0, -14}, {1 << 18, 1.0, 0.001, 1000, -14},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint64_t seed = 0; seed < 5; seed++) {
            CHECK_NEAR(norm_error(&cases[i], seed), 0, 5e-5);
        }
    }
}

/* Accumulators of any exponent, where epsilon matters and where it doesn't, and where it is all there is. */
static void wide_norm_is_close(void)
{
    enum { N = 48 };
    static const struct {
        int bits; /* of the accumulators */
        int32_t exponent;
        double epsilon;
    } cases[] = {{36, -40, 1e-6}, {20, -30, 1e-5}, {38, -10, 1e-6}, {12, -22, 1e-5},
                 {10, 4, 0},      {30, -38, 1e-3}, {38, -44, 1e-6}, {25, -35, 1.0}};
    struct random random;
    random_seed(&random, 19, 0);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t x[N], y[N];
        int16_t g[N];
        struct norm norm = {.exponent = -14, .m = g};
        double sum = 0, largest = 0, worst = 0;
        struct acc v = {x, N, cases[c].exponent};
        random_acc(&random, ldexp(1, cases[c].bits), &v);
        for (int i = 0; i < N; i++) {
            g[i] = (int16_t)random_between(&random, -32767, 32767);
            sum += pow(ldexp((double)x[i], v.exponent), 2);
        }
        k_norm_constants(N, cases[c].epsilon, &norm);
        const int32_t exponent = k_rmsnorm_wide(&norm, x, v.exponent, y);
        for (int i = 0; i < N; i++) {
            const double expected = ldexp((double)x[i], v.exponent) / sqrt(sum / N + cases[c].epsilon) * ldexp(g[i], -14);
            largest = fmax(largest, fabs(expected));
            worst = fmax(worst, fabs(ldexp((double)y[i], exponent) - expected));
        }
        CHECK_NEAR(worst / largest, 0, 5e-5);
    }
    /* far below epsilon's root: precision goes, but nothing overflows and nothing grows */
    int64_t tiny[2] = {3, -1}, y[2];
    const int16_t g[2] = {1 << 14, 1 << 14};
    struct norm norm = {.exponent = -14, .m = g};
    k_norm_constants(2, 1.0, &norm);
    for (int32_t exponent = -60; exponent >= -200; exponent -= 20) {
        const int32_t y_exponent = k_rmsnorm_wide(&norm, tiny, exponent, y);
        CHECK_NEAR(ldexp((double)y[0], y_exponent), 0, 1e-8);
    }
}

static void biases_are_added_in_the_sums_unit(void)
{
    int64_t m[5] = {100, -7, 0, ACC_LIMIT - 5, -ACC_LIMIT};
    const int16_t b[5] = {8, -6, 32767, 32767, -32767};
    struct acc acc = {m, 5, -10};
    k_bias_add(&(struct bias){5, -12, b}, &acc); /* 4 of its units are one of the sums' */
    CHECK_EQ_INT(m[0], 102);
    CHECK_EQ_INT(m[1], -8); /* -1.5: halves go up */
    CHECK_EQ_INT(m[2], 8192);
    CHECK_EQ_INT(m[3], ACC_LIMIT);
    CHECK_EQ_INT(m[4], -ACC_LIMIT);
    k_bias_add(&(struct bias){5, 60, b}, &acc); /* saturated, whatever was there */
    CHECK_EQ_INT(m[0], ACC_LIMIT);
    CHECK_EQ_INT(m[1], -ACC_LIMIT);
    k_bias_add(&(struct bias){0}, &acc);
    CHECK_EQ_INT(m[2], ACC_LIMIT);
}

static void norm_of_zero_is_zero(void)
{
    int32_t x[10] = {0};
    int16_t g[10] = {1, -1, 32767, -32767};
    int64_t scratch[10];
    int8_t m[64];
    struct act8 out = {m, 0, 0, NULL};
    for (int i = 0; i < 2; i++) {
        struct norm norm = {.exponent = -14, .m = g};
        k_norm_constants(10, i ? 1e-5 : 0, &norm);
        k_rmsnorm(&norm, &(struct residual){x, 10}, &out, scratch);
        for (int j = 0; j < 64; j++) {
            CHECK_EQ_INT(m[j], 0);
        }
    }
}

static void constants_are_rounded(void)
{
    struct norm norm;
    k_norm_constants(64, 1e-5, &norm);
    CHECK_EQ_INT(norm.n, 64);
    CHECK_EQ_UINT(norm.epsilon_q40, 703687442); /* 64e-5 * 2^40 = 703687441.8 */
    CHECK_EQ_UINT(norm.sqrt_n_q16, 8 << 16);
}

static void embedding_shifts_and_saturates(void)
{
    struct matrix w = {.format = WEIGHT_W6, .n_out = 3, .n_in = 40};
    uint8_t codes[120], scales[6] = {1, 2, 3, 40, 63, 63}, data[4096];
    int32_t m[40];
    for (int i = 0; i < 120; i++) {
        codes[i] = (uint8_t)(i % 63 + 1);
    }
    CHECK(matrix_bytes(&w) <= (int64_t)sizeof data);
    matrix_pack(&w, codes, scales, data);
    w.data = data;
    const int32_t exponents[] = {-16, -10, -20, -40, 10, 16};
    for (int e = 0; e < 6; e++) {
        w.exponent = exponents[e];
        for (int32_t token = 0; token < 3; token++) {
            const int32_t factor_q16 = e % 2 ? 0 : 25 << 15; /* 12.5 */
            k_embed(&w, factor_q16, token, &(struct residual){m, 40});
            for (int i = 0; i < 40; i++) {
                const int scale = scales[2 * token + i / GROUP_INPUTS];
                const double expected = (e % 2 ? 1 : 12.5) * ldexp((codes[40 * token + i] - 32) * scale, w.exponent + 16);
                CHECK_NEAR(m[i], fmax(fmin(expected, INT32_MAX), -INT32_MAX), 0.5);
            }
        }
    }
}

static void residual_saturates(void)
{
    int32_t r[6] = {INT32_MAX - 1, -INT32_MAX + 1, 5, -5, INT32_MAX, 0};
    int64_t v[6] = {3 << 4, -3 * 16, 7, -8, -((int64_t)1 << 38), ACC_LIMIT};
    k_residual_add(&(struct residual){r, 6}, &(struct acc){v, 6, -20});
    CHECK_EQ_INT(r[0], INT32_MAX);
    CHECK_EQ_INT(r[1], -INT32_MAX);
    CHECK_EQ_INT(r[2], 5);  /* 7/16 */
    CHECK_EQ_INT(r[3], -5); /* -8/16: halves go up */
    CHECK_EQ_INT(r[4], -INT32_MAX);
    CHECK_EQ_INT(r[5], INT32_MAX);
    int64_t one[1] = {1};
    int32_t zero[1] = {0};
    k_residual_add(&(struct residual){zero, 1}, &(struct acc){one, 1, 100});
    CHECK_EQ_INT(zero[0], INT32_MAX);
}

void suite_kernels_norm(void)
{
    suite_begin("kernels_norm");
    suite_add("integer square roots are exact", roots_are_exact);
    suite_add("RMSNorm within 5e-5 of its largest element", norm_is_close);
    suite_add("RMSNorm of accumulators within 5e-5", wide_norm_is_close);
    suite_add("biases: round, saturate", biases_are_added_in_the_sums_unit);
    suite_add("RMSNorm of zero", norm_of_zero_is_zero);
    suite_add("the norm's constants", constants_are_rounded);
    suite_add("embedding: shift, round, saturate", embedding_shifts_and_saturates);
    suite_add("residual add: round, saturate", residual_saturates);
}
