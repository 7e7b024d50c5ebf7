/* Attention against doubles: few and many tokens, all kinds of exponents, GQA; and that all of softmax's mass is there. */
#include "kernels/attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/isa.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

struct problem {
    struct shape shape;
    struct kv kv;
    int32_t n_tokens, softmax_scale_q15;
    int8_t *q;
    int16_t *q_exponent;
    struct act8 out;
    int64_t *scratch;
    double *score;
};

static void problem_new(int32_t n_heads, int32_t n_kv_heads, int32_t head_dim, int32_t n_tokens, struct problem *p)
{
    *p = (struct problem){.shape = {.n_heads = n_heads, .n_kv_heads = n_kv_heads, .head_dim = head_dim}, .n_tokens = n_tokens};
    const size_t rows = (size_t)n_tokens * (size_t)n_kv_heads, n = (size_t)n_heads * (size_t)head_dim;
    p->kv = (struct kv){calloc(rows, (size_t)head_dim), calloc(rows, (size_t)head_dim), calloc(rows, 2), calloc(rows, 2), n_tokens};
    p->q = calloc(n, 1);
    p->q_exponent = calloc((size_t)n_heads, sizeof *p->q_exponent);
    p->out = (struct act8){malloc((size_t)padded((int32_t)n)), 0, 0, NULL};
    p->scratch = malloc(k_attention_scratch(&p->shape, n_tokens) * sizeof *p->scratch);
    p->score = calloc((size_t)n_tokens, sizeof *p->score);
    p->softmax_scale_q15 = (int32_t)lrint(M_LOG2E / sqrt(head_dim) * 0x1p15);
}

static void problem_free(struct problem *p)
{
    free(p->kv.k);
    free(p->kv.v);
    free(p->kv.k_exponent);
    free(p->kv.v_exponent);
    free(p->q);
    free(p->q_exponent);
    free(p->out.m);
    free(p->scratch);
    free(p->score);
}

static void run(struct problem *p)
{
    k_attention(&p->shape, p->softmax_scale_q15, p->q, p->q_exponent, &p->kv, p->n_tokens, &p->out, p->scratch);
}

/* sharpness: how far apart the scores are, in nats; spread: how far apart the exponents are. */
static void problem_fill(struct random *random, double sharpness, int spread, struct problem *p)
{
    const struct shape *s = &p->shape;
    const int32_t sum = (int32_t)lrint(log2(sharpness / (60.0 * 60.0)));
    for (int32_t i = 0; i < s->n_heads * s->head_dim; i++) {
        p->q[i] = (int8_t)random_between(random, -127, 127);
    }
    for (int64_t i = 0; i < (int64_t)p->n_tokens * s->n_kv_heads * s->head_dim; i++) {
        p->kv.k[i] = (int8_t)random_between(random, -127, 127);
        p->kv.v[i] = (int8_t)random_between(random, -127, 127);
    }
    for (int32_t i = 0; i < s->n_heads; i++) {
        p->q_exponent[i] = (int16_t)random_between(random, sum / 2 - spread / 2, sum / 2);
    }
    for (int64_t i = 0; i < (int64_t)p->n_tokens * s->n_kv_heads; i++) {
        p->kv.k_exponent[i] = (int16_t)random_between(random, sum - sum / 2 - spread, sum - sum / 2);
        p->kv.v_exponent[i] = (int16_t)random_between(random, -9 - spread, -9);
    }
}

/* Output d of head h in doubles; p->score is the head's probabilities. */
static double expected_value(const struct problem *p, int32_t h, int32_t d)
{
    const struct shape *s = &p->shape;
    const int32_t kv_head = h / (s->n_heads / s->n_kv_heads);
    double sum = 0;
    for (int32_t t = 0; t < p->n_tokens; t++) {
        const int64_t row = (int64_t)t * s->n_kv_heads + kv_head;
        sum += p->score[t] * ldexp(p->kv.v[row * s->head_dim + d], p->kv.v_exponent[row]);
    }
    return sum;
}

static void expected_scores(struct problem *p, int32_t h)
{
    const struct shape *s = &p->shape;
    const int32_t kv_head = h / (s->n_heads / s->n_kv_heads);
    double max = -INFINITY, sum = 0;
    for (int32_t t = 0; t < p->n_tokens; t++) {
        const int64_t row = (int64_t)t * s->n_kv_heads + kv_head;
        double dot = 0;
        for (int32_t d = 0; d < s->head_dim; d++) {
            dot += p->q[h * s->head_dim + d] * p->kv.k[row * s->head_dim + d];
        }
        p->score[t] = ldexp(dot, p->q_exponent[h] + p->kv.k_exponent[row]) / sqrt(s->head_dim);
        max = fmax(max, p->score[t]);
    }
    for (int32_t t = 0; t < p->n_tokens; t++) {
        sum += p->score[t] = exp(p->score[t] - max);
    }
    for (int32_t t = 0; t < p->n_tokens; t++) {
        p->score[t] /= sum;
    }
}

/* Within half a step of 8 bits and `tolerance` of the largest V (scores of `tolerance` nats of error shift mass by as much). */
static void check_close(struct problem *p, double tolerance)
{
    run(p);
    double v_max = 0, worst = 0;
    for (int64_t row = 0; row < (int64_t)p->n_tokens * p->shape.n_kv_heads; row++) {
        v_max = fmax(v_max, ldexp(127, p->kv.v_exponent[row]));
    }
    for (int32_t h = 0; h < p->shape.n_heads; h++) {
        expected_scores(p, h);
        for (int32_t d = 0; d < p->shape.head_dim; d++) {
            worst = fmax(worst, fabs(ldexp(p->out.m[h * p->shape.head_dim + d], p->out.exponent) - expected_value(p, h, d)));
        }
    }
    CHECK_EQ_INT(p->out.n, p->shape.n_heads * p->shape.head_dim);
    CHECK(worst <= ldexp(0.5, p->out.exponent) + tolerance * v_max);
}

static void random_problems(void)
{
    struct random random;
    random_seed(&random, 11, 0);
    for (int round = 0; round < 60; round++) {
        struct problem p;
        const int32_t n_kv_heads = random_between(&random, 1, 4);
        problem_new(n_kv_heads * random_between(&random, 1, 4), n_kv_heads, 2 * random_between(&random, 1, 64),
                    round % 10 == 0 ? 1500 : random_between(&random, 1, 100), &p);
        problem_fill(&random, random_between(&random, 0, 1) ? 0.1 : 8.0, random_between(&random, 0, 3), &p);
        check_close(&p, 3e-4);
        problem_free(&p);
    }
}

/* Equal scores, V all 100: the mean is 100 only if no mass is lost on the way. (8-bit probabilities lose all of it here.) */
static void mass_is_kept_over_many_tokens(void)
{
    const int32_t tokens[] = {1, 2, 1000, 1024, 5000, 70000};
    for (int i = 0; i < 6; i++) {
        struct problem p;
        problem_new(1, 1, 8, tokens[i], &p);
        memset(p.q, 50, 8);
        memset(p.kv.k, 3, (size_t)tokens[i] * 8);
        memset(p.kv.v, 100, (size_t)tokens[i] * 8);
        run(&p);
        CHECK_NEAR(ldexp(p.out.m[0], p.out.exponent), 100.0, 0.5);
        problem_free(&p);
    }
}

/* One token 11 nats above 70,000 others: together they weigh 1.17 times as much, each of them 1.7e-5 of it. */
static void tails_count(void)
{
    enum { TOKENS = 70001, TOP = 9 };
    struct problem p;
    problem_new(1, 1, 2, TOKENS, &p);
    p.q[0] = 100;
    p.q_exponent[0] = -4;
    const double step = ldexp(100, -4 - 5) / sqrt(2); /* nats per unit of k */
    const int k = (int)lrint(11 / step);
    p.kv.k[(ptrdiff_t)2 * TOP] = (int8_t)k;
    for (int t = 0; t < TOKENS; t++) {
        p.kv.k_exponent[t] = -5;
        p.kv.v[(ptrdiff_t)2 * t] = t == TOP ? 0 : 100;
        p.kv.v[(ptrdiff_t)2 * t + 1] = t == TOP ? 100 : 0;
    }
    run(&p);
    const double rest = (TOKENS - 1) * exp(-k * step);
    CHECK_NEAR(ldexp(p.out.m[0], p.out.exponent), 100 * rest / (1 + rest), 1.0);
    CHECK_NEAR(ldexp(p.out.m[1], p.out.exponent), 100 / (1 + rest), 1.0);
    problem_free(&p);
}

/* An attention sink: nearly all weight on a token whose V is small; what the others add must survive. */
static void small_values_beside_large_ones(void)
{
    struct problem p;
    problem_new(1, 1, 2, 9, &p);
    p.q[0] = 64;
    for (int t = 0; t < 9; t++) {
        p.kv.k[(ptrdiff_t)2 * t] = (int8_t)(t == 0 ? 90 : 0);
        p.kv.k_exponent[t] = -10;
        p.kv.v[(ptrdiff_t)2 * t] = (int8_t)(t == 0 ? 0 : 127);
        p.kv.v[(ptrdiff_t)2 * t + 1] = (int8_t)(t == 0 ? 100 : 0);
        p.kv.v_exponent[t] = (int16_t)(t == 0 ? -12 : -4);
    }
    check_close(&p, 1e-5);
    problem_free(&p);
}

static void scores_saturate(void)
{
    for (int i = 0; i < 3; i++) {
        struct problem p;
        problem_new(1, 1, 4, 6, &p);
        memset(p.q, i == 1 ? -127 : 127, 4);
        memset(p.kv.k, 127, 24);
        p.q_exponent[0] = (int16_t)(i == 2 ? -300 : 300);
        for (int t = 0; t < 6; t++) {
            p.kv.v[(ptrdiff_t)4 * t] = (int8_t)(10 * t);
        }
        run(&p);
        CHECK_NEAR(ldexp(p.out.m[0], p.out.exponent), 25, 0.5); /* all equal, at one end of the range or at zero */
        problem_free(&p);
    }
}

static void isas_agree(void)
{
    const enum k_isa before = k_selected();
    struct random random;
    random_seed(&random, 12, 0);
    for (int round = 0; round < 10; round++) {
        struct problem p;
        problem_new(4, 2, 2 * random_between(&random, 3, 70), random_between(&random, 1, 300), &p);
        problem_fill(&random, 2.0, 2, &p);
        k_select(K_ISA_PLAIN);
        run(&p);
        const int32_t n = padded(p.out.n), exponent = p.out.exponent;
        int8_t *plain = malloc((size_t)n);
        memcpy(plain, p.out.m, (size_t)n);
        for (enum k_isa isa = K_ISA_AVX2; isa < K_ISA_COUNT; isa++) {
            if (k_select(isa)) {
                run(&p);
                CHECK_EQ_INT(p.out.exponent, exponent);
                CHECK_EQ_BYTES(p.out.m, plain, (size_t)n);
            }
        }
        free(plain);
        problem_free(&p);
    }
    k_select(before);
}

void suite_kernels_attention(void)
{
    suite_begin("kernels_attention");
    suite_add("random problems within half a step and 3e-4", random_problems);
    suite_add("equal scores lose no mass over up to 70,000 tokens", mass_is_kept_over_many_tokens);
    suite_add("a long tail of small weights counts", tails_count);
    suite_add("a sink with small V leaves the others their precision", small_values_beside_large_ones);
    suite_add("scores saturate", scores_saturate);
    suite_add("every instruction set gives the same bits", isas_agree);
}
