#include "kernels/rmsnorm.h"

#include <math.h>

#include "kernels/fixed.h"
#include "kernels/requant.h"
#include "sim/error.h"

enum { Z_BITS = 22, GAIN_BITS = 16, EPSILON_BITS = 40, T_BITS = 61, ROOT_EXPONENT = -78 /* -16 of nq, -62 of the reciprocal */ };

uint32_t k_isqrt(uint64_t v)
{
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 62; bit; bit >>= 2) {
        if (v >= root + bit) {
            v -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

void k_norm_constants(int32_t n, double epsilon, struct norm *norm)
{
    norm->n = n;
    norm->epsilon_q40 = (uint64_t)llrint(epsilon * n * 0x1p40);
    norm->sqrt_n_q16 = (uint32_t)llrint(sqrt(n) * 0x1p16);
}

/* sqrt(n / T) = *gain * 2^exponent (returned). */
static int32_t reciprocal_root(uint64_t t, uint32_t sqrt_n_q16, int64_t *gain)
{
    const int j = (64 - bitlen(t)) / 2;
    const uint32_t root = k_isqrt(t << (2 * j));
    const uint64_t product = ((uint64_t)1 << 62) / root * sqrt_n_q16;
    const int s = bitlen(product) > GAIN_BITS ? bitlen(product) - GAIN_BITS : 0;
    *gain = shr_round((int64_t)product, s);
    return s + j + ROOT_EXPONENT;
}

int32_t k_rmsnorm_wide(const struct norm *norm, const int64_t *x, int32_t exponent, int64_t *y)
{
    const int max_bits = bitlen(k_max_magnitude(x, norm->n));
    int k = max_bits > Z_BITS ? max_bits - Z_BITS : 0;
    /* epsilon stands for bitlen(epsilon_q40) - (40 + 2 (exponent + k)) bits of T */
    const int epsilon_bits = bitlen(norm->epsilon_q40) - EPSILON_BITS - 2 * (exponent + k);
    if (norm->epsilon_q40 && epsilon_bits > T_BITS) {
        k += (epsilon_bits - T_BITS + 1) / 2;
    }
    uint64_t sum = 0;
    for (int32_t i = 0; i < norm->n; i++) {
        y[i] = k > 62 ? 0 : shr_round(x[i], k);
        sum += (uint64_t)(y[i] * y[i]);
    }
    sum += (uint64_t)rescale((int64_t)norm->epsilon_q40, -EPSILON_BITS, 2 * (exponent + k), (int64_t)1 << T_BITS);
    int64_t gain;
    const int32_t root_exponent = reciprocal_root(sum > 0 ? sum : 1, norm->sqrt_n_q16, &gain);
    for (int32_t i = 0; i < norm->n; i++) {
        y[i] *= norm->m[i] * gain;
    }
    return norm->exponent + root_exponent;
}

void k_rmsnorm(const struct norm *norm, const struct residual *x, struct act8 *out, int64_t *scratch)
{
    ES_ASSERT(x->n == norm->n);
    for (int32_t i = 0; i < x->n; i++) {
        scratch[i] = x->m[i];
    }
    const int32_t exponent = k_rmsnorm_wide(norm, scratch, RESIDUAL_EXPONENT, scratch);
    k_requant8(&(struct acc){scratch, x->n, exponent}, out);
}
