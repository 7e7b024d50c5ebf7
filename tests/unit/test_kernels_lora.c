/* The LoRA MAC unit's two phases and the add: exact up to the two roundings that are documented. */
#include "kernels/lora.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/fixed.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

enum { WIDTH = 700, RANK = 64 };

struct problem {
    struct lora_pair pair;
    int8_t a[RANK * WIDTH], b[WIDTH * RANK], x[WIDTH + VECTOR_PAD], h[LORA_RANK_MAX];
    uint16_t scale_a[RANK], scale_b[WIDTH];
    int64_t delta[WIDTH];
};

static struct problem *problem_new(struct random *random)
{
    struct problem *p = calloc(1, sizeof *p);
    p->pair = (struct lora_pair){.rank = random_between(random, 1, RANK),
                                 .n_in = random_between(random, 1, WIDTH),
                                 .n_out = random_between(random, 1, WIDTH),
                                 .exponent_a = random_between(random, -40, -10),
                                 .exponent_b = random_between(random, -40, -10),
                                 .a = p->a,
                                 .b = p->b,
                                 .scale_a = p->scale_a,
                                 .scale_b = p->scale_b};
    for (int i = 0; i < RANK * WIDTH; i++) {
        p->a[i] = (int8_t)random_between(random, -31, 31);
        p->b[i] = (int8_t)random_between(random, -31, 31);
    }
    for (int i = 0; i < WIDTH; i++) {
        p->scale_b[i] = (uint16_t)random_between(random, 0, 65535);
        p->scale_a[i % RANK] = (uint16_t)random_between(random, 0, 65535);
        p->x[i] = (int8_t)(i < p->pair.n_in ? random_between(random, -127, 127) : 0);
    }
    return p;
}

static double sum_a(const struct problem *p, int32_t j)
{
    double sum = 0;
    for (int32_t i = 0; i < p->pair.n_in; i++) {
        sum += p->a[j * p->pair.n_in + i] * p->x[i];
    }
    return sum * p->scale_a[j];
}

static void phases_are_exact_but_for_rounding(void)
{
    struct random random;
    random_seed(&random, 14, 0);
    for (int round = 0; round < 30; round++) {
        struct problem *p = problem_new(&random);
        const struct act8 x = {p->x, p->pair.n_in, -6, NULL};
        struct act8 h = {p->h, 0, 0, NULL};
        memset(p->h, 99, sizeof p->h);
        k_lora_a(&p->pair, &x, &h);
        CHECK_EQ_INT(h.n, p->pair.rank);
        for (int32_t j = 0; j < p->pair.rank; j++) {
            const double step = ldexp(1.0, h.exponent - (-6 + p->pair.exponent_a));
            CHECK(fabs(h.m[j] * step - sum_a(p, j)) <= (abs(h.m[j]) == 127 ? 1.0 : 0.5) * step);
        }
        for (int32_t j = h.n; j < padded(h.n); j++) {
            CHECK_EQ_INT(h.m[j], 0);
        }
        const int32_t acc_exponent = h.exponent + p->pair.exponent_b + random_between(&random, -3, 20);
        k_lora_b(&p->pair, &h, acc_exponent, p->delta);
        for (int32_t o = 0; o < p->pair.n_out; o++) {
            double sum = 0;
            for (int32_t j = 0; j < p->pair.rank; j++) {
                sum += p->b[o * p->pair.rank + j] * h.m[j];
            }
            CHECK_NEAR((double)p->delta[o], ldexp(sum * p->scale_b[o], h.exponent + p->pair.exponent_b - acc_exponent), 0.5);
        }
        free(p);
    }
}

static void deltas_saturate(void)
{
    const int8_t a[1] = {31}, b[2] = {31, -31};
    const uint16_t scale_a[1] = {65535}, scale_b[2] = {65535, 65535};
    const struct lora_pair pair = {.rank = 1, .n_in = 1, .n_out = 2, .a = a, .b = b, .scale_a = scale_a, .scale_b = scale_b};
    int8_t x_m[64] = {127}, h_m[64];
    struct act8 x = {x_m, 1, 0, NULL}, h = {h_m, 0, 0, NULL};
    int64_t delta[2], base[2] = {-5, ACC_LIMIT};
    k_lora_a(&pair, &x, &h);
    k_lora_b(&pair, &h, h.exponent - 40, delta);
    CHECK_EQ_INT(delta[0], ACC_LIMIT);
    CHECK_EQ_INT(delta[1], -ACC_LIMIT);
    k_lora_b(&pair, &h, h.exponent + 60, delta);
    CHECK_EQ_INT(delta[0], 0);
    delta[0] = -ACC_LIMIT;
    delta[1] = 1;
    k_lora_add(&(struct acc){base, 2, 3}, &(struct acc){delta, 2, 3});
    CHECK_EQ_INT(base[0], -ACC_LIMIT);
    CHECK_EQ_INT(base[1], ACC_LIMIT);
}

void suite_kernels_lora(void)
{
    suite_begin("kernels_lora");
    suite_add("both phases are exact but for their one rounding each", phases_are_exact_but_for_rounding);
    suite_add("deltas and sums saturate", deltas_saturate);
}
