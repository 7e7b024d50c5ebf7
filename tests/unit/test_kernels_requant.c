/* Requantisation, and the shifts and saturations of fixed.h that everything else is made of. */
#include <math.h>
#include <stdlib.h>

#include "kernels/fixed.h"
#include "kernels/requant.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

enum { N = 100, ROOM = 128 };

static void shifts_round_halves_up(void)
{
    CHECK_EQ_INT(shr_round(3, 1), 2);
    CHECK_EQ_INT(shr_round(-3, 1), -1);
    CHECK_EQ_INT(shr_round(-5, 2), -1);
    CHECK_EQ_INT(shr_round(-6, 2), -1);
    CHECK_EQ_INT(shr_round(-7, 2), -2);
    CHECK_EQ_INT(shr_round(-7, 0), -7);
    CHECK_EQ_INT(bitlen(0), 0);
    CHECK_EQ_INT(bitlen(127), 7);
    CHECK_EQ_INT(bitlen(128), 8);
    CHECK_EQ_INT(bitlen(UINT64_MAX), 64);
}

static void rescale_saturates(void)
{
    CHECK_EQ_INT(rescale(5, 0, 3, 100), 1);
    CHECK_EQ_INT(rescale(4, 0, 3, 100), 1);
    CHECK_EQ_INT(rescale(-4, 0, 3, 100), 0);
    CHECK_EQ_INT(rescale(5, 4, 0, 100), 80);
    CHECK_EQ_INT(rescale(-7, 4, 0, 100), -100);
    CHECK_EQ_INT(rescale(1, 200, 0, INT32_MAX), INT32_MAX);
    CHECK_EQ_INT(rescale(-1, 200, 0, INT32_MAX), -INT32_MAX);
    CHECK_EQ_INT(rescale(0, 200, 0, INT32_MAX), 0);
    CHECK_EQ_INT(rescale(ACC_LIMIT, -200, 0, INT32_MAX), 0);
    CHECK_EQ_INT(rescale(-ACC_LIMIT, -62, 0, INT32_MAX), 0);
    CHECK_EQ_INT(rescale(ACC_LIMIT, 0, 0, INT32_MAX), INT32_MAX);
}

/* Every element within half a step of the real value; a whole step at the clamp. */
static void check_requant(const struct acc *v, int bits)
{
    int16_t m16[N];
    int8_t m8[ROOM];
    struct act8 out = {m8, 0, 0, NULL};
    int32_t exponent;
    if (bits == 8) {
        k_requant8(v, &out);
        exponent = out.exponent;
        CHECK_EQ_INT(out.n, v->n);
        for (int32_t i = v->n; i < padded(v->n); i++) {
            CHECK_EQ_INT(m8[i], 0);
        }
    } else {
        k_requant16(v, m16, &exponent);
    }
    const int s = exponent - v->exponent, limit = (1 << (bits - 1)) - 1;
    const double step = ldexp(1.0, s);
    int largest = 0;
    for (int32_t i = 0; i < v->n; i++) {
        const int m = bits == 8 ? m8[i] : m16[i];
        largest = abs(m) > largest ? abs(m) : largest;
        CHECK(abs(m) <= limit);
        CHECK(fabs(m * step - (double)v->m[i]) <= (abs(m) == limit ? 1.0 : 0.5) * step);
    }
    CHECK(s >= 0 && (s == 0 || largest > limit / 2));
}

static void errors_are_half_a_step(void)
{
    struct random random;
    random_seed(&random, 1, 0);
    int64_t m[N];
    for (int bits_of_v = 1; bits_of_v <= 60; bits_of_v++) {
        struct acc v = {m, random_between(&random, 1, N), random_between(&random, -40, 10)};
        for (int32_t i = 0; i < v.n; i++) {
            m[i] = (int64_t)(random_next(&random) >> (64 - bits_of_v)) * (random_next(&random) & 1 ? 1 : -1);
        }
        check_requant(&v, 8);
        check_requant(&v, 16);
    }
}

/* A vector of some groups, each of a size of its own: as the definition has it, and aligned, within a step of the largest group's. */
static void groups_keep_their_bits(void)
{
    struct random random;
    random_seed(&random, 7, 0);
    for (int round = 0; round < 400; round++) {
        int64_t m[N];
        int8_t m8[ROOM], aligned8[ROOM];
        uint8_t shift[ROOM / ACT_GROUP];
        const struct acc v = {m, random_between(&random, 1, N), random_between(&random, -40, 10)};
        int largest = 0;
        for (int32_t g = 0; g < act_groups(v.n); g++) {
            const int bits = random_between(&random, 0, round % 2 ? 12 : 60);
            for (int32_t i = g * ACT_GROUP; i < v.n && i < (g + 1) * ACT_GROUP; i++) {
                m[i] = bits ? (int64_t)(random_next(&random) >> (64 - bits)) * (random_next(&random) & 1 ? 1 : -1) : 0;
            }
        }
        struct act8 out = {.m = m8, .shift = shift}, aligned = {.m = aligned8};
        k_requant8(&v, &out);
        k_align8(&out, &aligned);
        for (int32_t g = 0; g < act_groups(v.n); g++) {
            const int32_t rest = v.n - g * ACT_GROUP, n = rest < ACT_GROUP ? rest : ACT_GROUP;
            const int s = out.exponent + shift[g] - v.exponent, own = k_requant_shift(k_max_magnitude(m + (ptrdiff_t)g * ACT_GROUP, n), 8);
            const double step = ldexp(1.0, s), coarse = ldexp(1.0, aligned.exponent - v.exponent);
            largest = shift[g] > largest ? shift[g] : largest;
            CHECK(s >= own && (s == own || shift[g] == 0)); /* no coarser than it must be, but where 3 bits of shift don't reach */
            for (int32_t i = g * ACT_GROUP; i < g * ACT_GROUP + n; i++) {
                CHECK(abs(m8[i]) <= 127);
                CHECK(fabs(m8[i] * step - (double)m[i]) <= (abs(m8[i]) == 127 ? 1.0 : 0.5) * step);
                CHECK(fabs(aligned8[i] * coarse - m8[i] * step) <= 0.5 * coarse);
            }
        }
        CHECK_EQ_INT(largest, ACT_SHIFT_MAX);
        CHECK_EQ_INT(aligned.exponent, out.exponent + ACT_SHIFT_MAX);
        for (int32_t i = v.n; i < padded(v.n); i++) {
            CHECK(m8[i] == 0 && aligned8[i] == 0);
        }
    }
}

static void small_vectors_are_exact(void)
{
    int64_t m[5] = {127, -127, 0, 1, -1};
    int8_t out8[64];
    struct act8 out = {out8, 0, 0, NULL};
    k_requant8(&(struct acc){m, 5, -9}, &out);
    CHECK_EQ_INT(out.exponent, -9);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ_INT(out8[i], m[i]);
    }
    m[0] = 128; /* one more: a shift, and 64 */
    k_requant8(&(struct acc){m, 5, -9}, &out);
    CHECK_EQ_INT(out.exponent, -8);
    CHECK_EQ_INT(out8[0], 64);
    m[0] = 255; /* rounds up to 128: clamped */
    k_requant8(&(struct acc){m, 5, -9}, &out);
    CHECK_EQ_INT(out.exponent, -8);
    CHECK_EQ_INT(out8[0], 127);
    m[0] = -256;
    k_requant8(&(struct acc){m, 5, -9}, &out);
    CHECK_EQ_INT(out8[0], -64);
}

static void zeros_keep_their_exponent(void)
{
    int64_t m[3] = {0};
    int8_t out8[64] = {1, 1, 1, 1};
    struct act8 out = {out8, 0, 0, NULL};
    k_requant8(&(struct acc){m, 3, -33}, &out);
    CHECK_EQ_INT(out.exponent, -33);
    CHECK(out8[0] == 0 && out8[2] == 0 && out8[3] == 0);
    CHECK_EQ_UINT(k_max_magnitude(m, 0), 0);
    m[1] = -ACC_LIMIT;
    CHECK_EQ_UINT(k_max_magnitude(m, 3), ACC_LIMIT);
}

void suite_kernels_requant(void)
{
    suite_begin("kernels_requant");
    suite_add("shifts round halves up", shifts_round_halves_up);
    suite_add("rescale saturates on both sides", rescale_saturates);
    suite_add("errors are within half a step, 8 and 16 bits, vectors of 1 to 60 bits", errors_are_half_a_step);
    suite_add("groups of 32 keep 8 bits each, as far as 3 bits of shift reach", groups_keep_their_bits);
    suite_add("small vectors are exact, the clamp acts at 127.5", small_vectors_are_exact);
    suite_add("zeros keep their exponent", zeros_keep_their_exponent);
}
