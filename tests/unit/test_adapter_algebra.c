/* Sums of adapters: are they what dense matrices give, and is the reduction the best there is? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/algebra.h"
#include "tests/unit/check.h"
#include "tests/unit/gguf_writer.h"

enum { WIDE = 16, WEIGHTS_MAX = 128 * 128 };

static const struct shape SMALL = {
    .n_layers = 2, .d_model = WIDE, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 24, .n_vocab = 8, .context_tokens = 16};

/* Every linear with this rank and scale, but linear `missing` of layer 1 (-1: none). */
static void make(uint64_t seed, int32_t rank, double scale, int missing, struct lora_tensors *t)
{
    struct error e;
    uint64_t state = seed * 7919 + 13;
    ES_ASSERT(lora_tensors_make(&SMALL, t, &e));
    snprintf(t->name, sizeof t->name, "adapter%d", (int)seed);
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        t->linears[i].rank = i == LINEAR_COUNT + missing && missing >= 0 ? 0 : rank;
        t->linears[i].alpha = t->linears[i].rank * scale;
    }
    ES_ASSERT(lora_tensors_allocate(t, &e));
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        for (int32_t k = 0; k < t->linears[i].rank * (t->linears[i].n_in + t->linears[i].n_out); k++) {
            t->linears[i].a[k] = (float)((int64_t)(test_random(&state) >> 20) % 2001 - 1000) / 1000; /* b is behind a */
        }
    }
}

/* to += weight alpha / rank B A */
static void add_dense(const struct lora_linear *l, double weight, double *to)
{
    for (int32_t o = 0; o < l->n_out; o++) {
        for (int32_t i = 0; i < l->n_in; i++) {
            for (int32_t j = 0; j < l->rank; j++) {
                to[o * l->n_in + i] += weight * l->alpha / l->rank * (double)l->b[o * l->rank + j] * (double)l->a[j * l->n_in + i];
            }
        }
    }
}

static void dense_sum(const struct lora_term *terms, int32_t n, int32_t index, double *to)
{
    memset(to, 0, WEIGHTS_MAX * sizeof *to);
    for (int32_t i = 0; i < n; i++) {
        add_dense(&terms[i].tensors->linears[index], terms[i].weight, to);
    }
}

static double dense_norm2(const double *w)
{
    double sum = 0;
    for (int32_t i = 0; i < WEIGHTS_MAX; i++) {
        sum += w[i] * w[i];
    }
    return sum;
}

/* The relative distance over all linears, by dense matrices. */
static double dense_distance(const struct lora_term *terms, int32_t n, const struct lora_tensors *t)
{
    static double w[WEIGHTS_MAX];
    double error = 0, norm = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        dense_sum(terms, n, i, w);
        norm += dense_norm2(w);
        add_dense(&t->linears[i], -1, w);
        error += dense_norm2(w);
    }
    return sqrt(error / norm);
}

/* --- stacking --- */

static void a_stack_is_the_sum(void)
{
    struct lora_tensors x, y, z, out;
    struct error e;
    make(1, 3, 2, -1, &x);
    make(2, 5, 0.7, LINEAR_K, &y);
    make(3, 1, 2, -1, &z);
    const struct lora_term terms[] = {{&x, 0.5}, {&y, -1.25}, {&z, 3}};
    REQUIRE_GOOD(lora_stack(terms, 3, &out, &e), &e);
    CHECK_EQ_TEXT(out.name, "adapter1");
    CHECK_EQ_INT(lora_tensors_linear(&out, 0, LINEAR_K)->rank, 9);
    CHECK_EQ_INT(lora_tensors_linear(&out, 1, LINEAR_K)->rank, 4);
    CHECK_NEAR(dense_distance(terms, 3, &out), 0, 1e-7);
    lora_tensors_free(&out);
    lora_tensors_free(&x);
    lora_tensors_free(&y);
    lora_tensors_free(&z);
}

/* With one scale and weight 1 every value is copied. */
static void a_plain_stack_is_exact(void)
{
    struct lora_tensors x, y, out;
    struct error e;
    make(4, 2, 0.3, -1, &x);
    make(5, 3, 0.3, LINEAR_DOWN, &y);
    const struct lora_term terms[] = {{&x, 1}, {&y, 1}};
    REQUIRE_GOOD(lora_stack(terms, 2, &out, &e), &e);
    for (int32_t i = 0; i < lora_tensors_count(&out); i++) {
        const struct lora_linear *p = &x.linears[i], *q = &y.linears[i], *l = &out.linears[i];
        size_t row = (size_t)l->n_in * sizeof(float);
        CHECK_NEAR(lora_scale(l), 0.3, 1e-15);
        CHECK_EQ_BYTES(l->a, p->a, 2 * row);
        CHECK_EQ_BYTES(l->a + 2 * (int64_t)l->n_in, q->a, (size_t)q->rank * row);
        for (int32_t o = 0; o < l->n_out; o++) {
            CHECK_EQ_BYTES(l->b + o * l->rank, p->b + o * 2, 2 * sizeof(float));
            CHECK_EQ_BYTES(l->b + o * l->rank + 2, q->b + o * q->rank, (size_t)q->rank * sizeof(float));
        }
    }
    lora_tensors_free(&out);
    lora_tensors_free(&x);
    lora_tensors_free(&y);
}

static void ranks_above_the_limit_are_told(void)
{
    struct lora_tensors x, out;
    struct error e = {0};
    make(6, 64, 1, -1, &x);
    const struct lora_term terms[] = {{&x, 1}, {&x, 1}, {&x, 1}};
    REQUIRE_GOOD(lora_stack(terms, 2, &out, &e), &e);
    CHECK_EQ_INT(lora_tensors_rank_max(&out), 128);
    lora_tensors_free(&out);
    CHECK(!lora_stack(terms, 3, &out, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, "blk.0.attn_q: expected stacked ranks of at most 128, found 192");
    lora_tensors_free(&x);
}

/* --- means --- */

static void the_mean_of_factors_is_elementwise(void)
{
    struct lora_tensors x, y, out;
    struct error e;
    make(7, 3, 2, -1, &x);
    make(8, 3, 0.5, -1, &y);
    const struct lora_term terms[] = {{&x, 0.25}, {&y, 0.75}};
    REQUIRE_GOOD(lora_mean_factors(terms, 2, &out, &e), &e);
    for (int32_t i = 0; i < lora_tensors_count(&out); i++) {
        const struct lora_linear *p = &x.linears[i], *q = &y.linears[i], *l = &out.linears[i];
        for (int32_t k = 0; k < 3 * l->n_in; k++) {
            CHECK_NEAR(l->a[k], 0.25 * (double)p->a[k] + 0.75 * (double)q->a[k], 1e-7);
        }
        for (int32_t k = 0; k < 3 * l->n_out; k++) {
            CHECK_NEAR(lora_scale(l) * (double)l->b[k], 0.25 * 2 * (double)p->b[k] + 0.75 * 0.5 * (double)q->b[k], 1e-6);
        }
    }
    double norm2 = lora_norm2(terms, 2), distance = lora_distance(terms, 2, norm2, &out);
    CHECK_NEAR(distance, dense_distance(terms, 2, &out), 1e-9);
    CHECK(distance > 0.1); /* the products mix */
    lora_tensors_free(&out);
    const struct lora_term same[] = {{&x, 0.5}, {&x, 0.5}};
    REQUIRE_GOOD(lora_mean_factors(same, 2, &out, &e), &e);
    CHECK_EQ_BYTES(out.linears[3].b, x.linears[3].b, 3 * WIDE * sizeof(float));
    CHECK_NEAR(lora_distance(same, 2, lora_norm2(same, 2), &out), 0, 1e-7);
    lora_tensors_free(&out);
    lora_tensors_free(&x);
    lora_tensors_free(&y);
}

static void unlike_ranks_are_told(void)
{
    struct lora_tensors x, y, out;
    struct error e = {0};
    make(9, 3, 2, -1, &x);
    make(10, 3, 2, LINEAR_V, &y);
    const struct lora_term terms[] = {{&x, 0.5}, {&y, 0.5}};
    CHECK(!lora_mean_factors(terms, 2, &out, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message,
                   "blk.1.attn_v: expected the same rank in all adapters for a mean of A and B, found 3 in adapter9 and 0 in adapter10");
    lora_tensors_free(&x);
    lora_tensors_free(&y);
}

/* --- reduction --- */

/* Squared singular values of w [n_out][n_in], descending, by one-sided Jacobi rotations of its rows: no LAPACK. */
static int32_t jacobi(double *w, int32_t n_out, int32_t n_in, double *squares)
{
    for (int sweep = 0; sweep < 60; sweep++) {
        for (int32_t p = 0; p < n_out; p++) {
            for (int32_t q = p + 1; q < n_out; q++) {
                double alpha = 0, beta = 0, gamma = 0;
                for (int32_t i = 0; i < n_in; i++) {
                    alpha += w[p * n_in + i] * w[p * n_in + i];
                    beta += w[q * n_in + i] * w[q * n_in + i];
                    gamma += w[p * n_in + i] * w[q * n_in + i];
                }
                if (fabs(gamma) < 1e-300) {
                    continue;
                }
                double zeta = (beta - alpha) / (2 * gamma), t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
                double c = 1 / sqrt(1 + t * t), s = c * t;
                for (int32_t i = 0; i < n_in; i++) {
                    double x = w[p * n_in + i], y = w[q * n_in + i];
                    w[p * n_in + i] = c * x - s * y;
                    w[q * n_in + i] = s * x + c * y;
                }
            }
        }
    }
    for (int32_t p = 0; p < n_out; p++) {
        double square = 0;
        for (int32_t i = 0; i < n_in; i++) {
            square += w[p * n_in + i] * w[p * n_in + i];
        }
        int32_t at = p;
        for (; at > 0 && squares[at - 1] < square; at--) {
            squares[at] = squares[at - 1];
        }
        squares[at] = square;
    }
    return n_out;
}

static void check_reduction(const struct lora_term *terms, int32_t n, int32_t rank)
{
    static double w[WEIGHTS_MAX];
    struct lora_tensors out;
    struct error e;
    REQUIRE_GOOD(lora_reduce(terms, n, rank, &out, &e), &e);
    double norm = 0, best = 0;
    for (int32_t i = 0; i < lora_tensors_count(&out); i++) {
        double squares[WEIGHTS_MAX / WIDE];
        const struct lora_linear *l = &out.linears[i];
        dense_sum(terms, n, i, w);
        norm += dense_norm2(w);
        int32_t count = jacobi(w, l->n_out, l->n_in, squares);
        for (int32_t k = rank; k < count; k++) {
            best += squares[k];
        }
        CHECK(l->rank <= rank);
    }
    double found = dense_distance(terms, n, &out), told = lora_distance(terms, n, lora_norm2(terms, n), &out);
    CHECK_NEAR(found, sqrt(best / norm), 1e-6);
    CHECK_NEAR(told, found, 1e-6);
    lora_tensors_free(&out);
}

static void a_reduction_is_the_best_of_its_rank(void)
{
    struct lora_tensors x, y, z;
    make(11, 3, 2, -1, &x);
    make(12, 2, 0.5, LINEAR_GATE, &y);
    make(13, 12, 0.1, -1, &z);
    const struct lora_term terms[] = {{&x, 0.5}, {&y, 0.3}, {&z, 0.2}};
    for (int32_t rank = 1; rank <= 4; rank++) {
        check_reduction(terms, 2, rank);
    }
    for (int32_t rank = 1; rank <= 17; rank += 4) {
        check_reduction(terms, 3, rank); /* 17 ranks, of matrices with as few as 4 rows */
    }
    check_reduction(terms, 1, 128);
    lora_tensors_free(&x);
    lora_tensors_free(&y);
    lora_tensors_free(&z);
}

/* Two ranks that are one: what is left has no weight, and nothing divides by zero. */
static void a_deficient_sum_reduces(void)
{
    struct lora_tensors x, zero;
    make(14, 2, 1, -1, &x);
    make(15, 2, 1, -1, &zero);
    for (int32_t i = 0; i < lora_tensors_count(&x); i++) {
        struct lora_linear *l = &x.linears[i];
        memcpy(l->a + l->n_in, l->a, (size_t)l->n_in * sizeof *l->a);
        memset(zero.linears[i].b, 0, 2 * (size_t)l->n_out * sizeof *l->b);
    }
    const struct lora_term terms[] = {{&x, 1}, {&zero, 1}};
    check_reduction(terms, 2, 1);
    check_reduction(terms, 2, 3);
    struct lora_tensors out;
    struct error e;
    REQUIRE_GOOD(lora_reduce(terms + 1, 1, 2, &out, &e), &e);
    CHECK_NEAR(lora_norm2(terms + 1, 1), 0, 0);
    CHECK_NEAR(lora_distance(terms + 1, 1, 0, &out), 0, 0);
    lora_tensors_free(&out);
    lora_tensors_free(&x);
    lora_tensors_free(&zero);
}

void suite_adapter_algebra(void)
{
    suite_begin("adapter_algebra");
    suite_add("a stack is the weighted sum", a_stack_is_the_sum);
    suite_add("a plain stack copies every value", a_plain_stack_is_exact);
    suite_add("ranks above the limit are told", ranks_above_the_limit_are_told);
    suite_add("the mean of A and of B is elementwise", the_mean_of_factors_is_elementwise);
    suite_add("unlike ranks are told", unlike_ranks_are_told);
    suite_add("a reduction is the best of its rank", a_reduction_is_the_best_of_its_rank);
    suite_add("a deficient sum reduces", a_deficient_sum_reduces);
}
