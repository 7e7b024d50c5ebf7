#include "kernels/requant.h"

#include <string.h>

#include "kernels/fixed.h"

uint64_t k_max_magnitude(const int64_t *m, int32_t n)
{
    int64_t high = 0, low = 0; /* the signs apart: two plain comparisons */
    for (int32_t i = 0; i < n; i++) {
        high = m[i] > high ? m[i] : high;
        low = m[i] < low ? m[i] : low;
    }
    return high > -low ? (uint64_t)high : (uint64_t)-low;
}

int k_requant_shift(uint64_t max_magnitude, int bits)
{
    const int s = bitlen(max_magnitude) - (bits - 1);
    return s > 0 ? s : 0;
}

int32_t k_requant8_part(const int64_t *v, int32_t n, int32_t exponent, int8_t *m)
{
    const int s = k_requant_shift(k_max_magnitude(v, n), 8);
    for (int32_t i = 0; i < n; i++) {
        m[i] = (int8_t)clamp_i64(shr_round(v[i], s), -127, 127);
    }
    return exponent + s;
}

void k_requant8(const struct acc *v, struct act8 *out)
{
    out->n = v->n;
    out->exponent = k_requant8_part(v->m, v->n, v->exponent, out->m);
    memset(out->m + v->n, 0, (size_t)(padded(v->n) - v->n));
}

void k_requant16(const struct acc *v, int16_t *m, int32_t *exponent)
{
    const int s = k_requant_shift(k_max_magnitude(v->m, v->n), 16);
    for (int32_t i = 0; i < v->n; i++) {
        m[i] = (int16_t)clamp_i64(shr_round(v->m[i], s), -32767, 32767);
    }
    *exponent = v->exponent + s;
}
