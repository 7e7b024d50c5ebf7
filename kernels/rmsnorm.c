#include "kernels/rmsnorm.h"

#include <math.h>

#include "kernels/fixed.h"
#include "kernels/requant.h"
#include "sim/error.h"

enum { Z_BITS = 22, GAIN_BITS = 16, ROOT_EXPONENT = -78 /* -16 of nq, -62 of the reciprocal */ };

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

static uint64_t max_magnitude(const struct residual *x)
{
    int64_t max = 0;
    for (int32_t i = 0; i < x->n; i++) {
        const int64_t magnitude = x->m[i] < 0 ? -(int64_t)x->m[i] : x->m[i];
        max = magnitude > max ? magnitude : max;
    }
    return (uint64_t)max;
}

void k_rmsnorm(const struct norm *norm, const struct residual *x, struct act8 *out, int64_t *scratch)
{
    ES_ASSERT(x->n == norm->n);
    const int max_bits = bitlen(max_magnitude(x)), k = max_bits > Z_BITS ? max_bits - Z_BITS : 0;
    uint64_t sum = 0;
    for (int32_t i = 0; i < x->n; i++) {
        scratch[i] = shr_round(x->m[i], k);
        sum += (uint64_t)(scratch[i] * scratch[i]);
    }
    sum += (uint64_t)shr_round((int64_t)norm->epsilon_q40, 8 + 2 * k);
    int64_t gain;
    const int32_t exponent = reciprocal_root(sum > 0 ? sum : 1, norm->sqrt_n_q16, &gain);
    for (int32_t i = 0; i < x->n; i++) {
        scratch[i] *= norm->m[i] * gain;
    }
    k_requant8(&(struct acc){scratch, x->n, norm->exponent + exponent}, out);
}
