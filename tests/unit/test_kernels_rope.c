/* Rotary embedding against doubles, near and far positions, plain and scaled frequencies. */
#include "kernels/rope.h"

#include <math.h>

#include "kernels/rmsnorm.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

static const struct norm NO_NORM = {0};
static const struct rope_balance NO_BALANCE = {0};
enum { HEADS = 3, HEAD_DIM = 128, N = HEADS * HEAD_DIM };

struct rope_case {
    uint32_t position;
    float base;
    const float *factors;
};

/* Each head within a step of 8 bits and 1e-4 of its largest pair. */
static void check_rope(struct random *random, const struct rope_case *c)
{
    uint64_t increment[HEAD_DIM / 2];
    int64_t m[N], scratch[HEAD_DIM];
    int8_t out[N];
    int16_t exponents[HEADS];
    struct acc v = {m, N, random_between(random, -40, 0)};
    random_acc(random, ldexp(1.0, random_between(random, 1, 36)), &v);
    for (int i = 0; i < HEAD_DIM; i++) {
        m[i] >>= 5; /* a head with small values keeps its precision */
    }
    k_rope_increments(c->base, HEAD_DIM, c->factors, increment);
    const struct rope_turns turns = {increment, HEAD_DIM / 2, 0};
    k_rope(&turns, c->position, &NO_NORM, &NO_BALANCE, &v, HEADS, HEAD_DIM, out, exponents, scratch);
    for (int h = 0; h < HEADS; h++) {
        double largest = 0, worst = 0;
        for (int i = 0; i < HEAD_DIM / 2; i++) {
            const long double frequency = powl(c->base, -2.0L * i / HEAD_DIM) / (c->factors ? (long double)c->factors[i] : 1.0L);
            const double angle = (double)fmodl(c->position * frequency, 2 * M_PIl);
            const int at = h * HEAD_DIM + 2 * i;
            const double a = ldexp((double)m[at], v.exponent), b = ldexp((double)m[at + 1], v.exponent);
            largest = fmax(largest, hypot(a, b));
            worst = fmax(worst, fabs(ldexp(out[at], exponents[h]) - (a * cos(angle) - b * sin(angle))));
            worst = fmax(worst, fabs(ldexp(out[at + 1], exponents[h]) - (a * sin(angle) + b * cos(angle))));
        }
        CHECK(worst <= ldexp(1.0, exponents[h]) + 1e-4 * largest);
        CHECK(ldexp(127, exponents[h]) <= 4 * largest || largest == 0);
    }
}

static void rotation_is_close(void)
{
    float factors[HEAD_DIM / 2];
    for (int i = 0; i < HEAD_DIM / 2; i++) {
        factors[i] = i < 20 ? 1.0f : i < 40 ? 1.0f + (float)(i - 20) / 3 : 8.0f;
    }
    const struct rope_case cases[] = {
        {0, 10000.0f, NULL},          {1, 10000.0f, NULL},     {17, 10000.0f, NULL},        {2047, 10000.0f, NULL},
        {131071, 500000.0f, factors}, {1, 500000.0f, factors}, {16777215, 500000.0f, NULL},
    };
    struct random random;
    random_seed(&random, 10, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int round = 0; round < 10; round++) {
            check_rope(&random, &cases[i]);
        }
    }
}

static void position_zero_rotates_nothing(void)
{
    uint64_t increment[2];
    int64_t m[4] = {127 * 256, -5 * 256, 64 * 256, -127 * 256}, scratch[4];
    int8_t out[4];
    int16_t exponent;
    k_rope_increments(10000.0f, 4, NULL, increment);
    k_rope(&(struct rope_turns){increment, 2, 0}, 0, &NO_NORM, &NO_BALANCE, &(struct acc){m, 4, -20}, 1, 4, out, &exponent, scratch);
    CHECK_EQ_INT(exponent, -12);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ_INT(out[i], m[i] / 256);
    }
}

/* Heads normed first, a part of each turned, with a gain: against doubles, within a step of 8 bits. */
static void parts_of_normed_heads_turn(void)
{
    enum { DIM = 12, TURNING = 8, TWO = 2 };
    uint64_t increment[TURNING / 2];
    int64_t m[TWO * DIM], scratch[DIM];
    int16_t g[DIM], exponents[TWO];
    int8_t out[TWO * DIM];
    struct random random;
    random_seed(&random, 11, 0);
    struct acc v = {m, TWO * DIM, -30};
    struct norm norm = {.exponent = -13, .m = g};
    k_norm_constants(DIM, 1e-6, &norm);
    k_rope_increments(10000.0f, TURNING, NULL, increment);
    for (uint32_t position = 0; position < 40; position++) {
        random_acc(&random, 0x1p28, &v);
        for (int i = 0; i < DIM; i++) {
            g[i] = (int16_t)random_between(&random, 2000, 20000);
        }
        k_rope(&(struct rope_turns){increment, TURNING / 2, 5 << 12}, position, &norm, &NO_BALANCE, &v, TWO, DIM, out, exponents,
               scratch); /* gain 1.25 */
        for (int h = 0; h < TWO; h++) {
            double x[DIM], square = 0;
            for (int i = 0; i < DIM; i++) {
                x[i] = ldexp((double)m[h * DIM + i], -30);
                square += x[i] * x[i];
            }
            for (int i = 0; i < DIM; i++) {
                x[i] *= ldexp(g[i], -13) / sqrt(square / DIM + 1e-6);
            }
            for (int i = 0; i < TURNING / 2; i++) {
                const double angle = position * pow(10000, -2.0 * i / TURNING), c = 1.25 * cos(angle), s = 1.25 * sin(angle);
                const double a = x[2 * i], b = x[2 * i + 1];
                x[2 * i] = a * c - b * s;
                x[2 * i + 1] = a * s + b * c;
            }
            for (int i = 0; i < DIM; i++) {
                CHECK_NEAR(ldexp(out[h * DIM + i], exponents[h]), x[i], 0.51 * ldexp(1, exponents[h]) + 1e-3);
            }
        }
    }
}

/* Over many draws: scores are the exact ones, and much nearer to them than without balance where one pair of K is large. */
static void balance_keeps_scores(void)
{
    enum { DIM = 8, SHARING = 2, ROUNDS = 200 };
    const uint8_t shift[DIM / 2] = {4, 0, 0, 0};
    uint64_t increment[DIM / 2];
    int64_t q[SHARING * DIM], k[DIM], scratch[DIM];
    int8_t q8[SHARING * DIM], k8[DIM];
    int16_t q_exponent[SHARING], k_exponent;
    double squared_error[2] = {0};
    struct random random;
    random_seed(&random, 12, 0);
    k_rope_increments(10000.0f, DIM, NULL, increment);
    const struct rope_turns turns = {increment, DIM / 2, 0};
    for (int round = 0; round < ROUNDS; round++) {
        random_acc(&random, 0x1p14, &(struct acc){q, SHARING * DIM, 0});
        random_acc(&random, 0x1p14, &(struct acc){k, DIM, 0});
        k[0] *= 256;
        k[1] *= 256;
        for (int balanced = 0; balanced < 2; balanced++) {
            const uint8_t *shifts = balanced ? shift : NULL;
            k_rope(&turns, 3, &NO_NORM, &(struct rope_balance){shifts, SHARING, false}, &(struct acc){q, SHARING * DIM, -14}, SHARING, DIM,
                   q8, q_exponent, scratch);
            k_rope(&turns, 1, &NO_NORM, &(struct rope_balance){shifts, 1, true}, &(struct acc){k, DIM, -14}, 1, DIM, k8, &k_exponent,
                   scratch);
            for (int h = 0; h < SHARING; h++) {
                double error = 0;
                for (int i = 0; i < DIM / 2; i++) { /* the pairs turn against each other by two positions */
                    const double angle = 2 * pow(10000, -2.0 * i / DIM), c = cos(angle), s = sin(angle);
                    const double a = (double)q[h * DIM + 2 * i], b = (double)q[h * DIM + 2 * i + 1], x = (double)k[2 * i],
                                 y = (double)k[2 * i + 1];
                    error += ldexp((a * c - b * s) * x + (a * s + b * c) * y, -28);
                    error -= ldexp(q8[h * DIM + 2 * i] * k8[2 * i] + q8[h * DIM + 2 * i + 1] * k8[2 * i + 1], q_exponent[h] + k_exponent);
                }
                squared_error[balanced] += error * error;
            }
        }
    }
    CHECK(sqrt(squared_error[1] / (SHARING * ROUNDS)) < 0.01 * 256);
    CHECK(squared_error[1] < squared_error[0]);
}

static void increments_are_turns(void)
{
    uint64_t increment[2];
    const float factors[2] = {1.0f, 4.0f};
    k_rope_increments(10000.0f, 4, factors, increment);
    /* 2^64 / 2 pi = 2935890503282001226.496, from 60 digits of pi; long double has 64 bits or more, so the last digit is the platform's. */
    CHECK_NEAR((double)(int64_t)(increment[0] - 2935890503282001226u), 0, 1);
    CHECK_NEAR((double)(int64_t)(increment[1] - 2935890503282001226u / 400), 0, 1); /* 10000^-0.5 / 4 */
}

static void values_are_requantised_per_head(void)
{
    int64_t m[4] = {1000, -1, 3, -4};
    int8_t out[4];
    int16_t exponents[2];
    k_kv_value(&(struct acc){m, 4, -5}, 2, 2, out, exponents);
    CHECK(exponents[0] == -2 && out[0] == 125 && out[1] == 0);
    CHECK(exponents[1] == -5 && out[2] == 3 && out[3] == -4);
}

void suite_kernels_rope(void)
{
    suite_begin("kernels_rope");
    suite_add("rotation within a step of 8 bits", rotation_is_close);
    suite_add("position 0 rotates nothing", position_zero_rotates_nothing);
    suite_add("a part of normed heads turns, with a gain", parts_of_normed_heads_turn);
    suite_add("balancing K against Q keeps scores, and bits", balance_keeps_scores);
    suite_add("increments are fractions of a turn", increments_are_turns);
    suite_add("values are requantised per head", values_are_requantised_per_head);
}
