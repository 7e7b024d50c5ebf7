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

static void round_to_8(const int64_t *v, int32_t n, int s, int8_t *m)
{
    for (int32_t i = 0; i < n; i++) {
        m[i] = (int8_t)clamp_i64(shr_round(v[i], s), -127, 127);
    }
}

int32_t k_requant8_part(const int64_t *v, int32_t n, int32_t exponent, int8_t *m)
{
    const int s = k_requant_shift(k_max_magnitude(v, n), 8);
    round_to_8(v, n, s, m);
    return exponent + s;
}

static int32_t group_size(int32_t n, int32_t group)
{
    const int32_t rest = n - group * ACT_GROUP;
    return rest < ACT_GROUP ? rest : ACT_GROUP;
}

/* Returns the exponent. */
static int32_t requant_groups(const struct acc *v, int8_t *m, uint8_t *shift)
{
    int largest = 0;
    for (int32_t g = 0; g < act_groups(v->n); g++) {
        const int s = k_requant_shift(k_max_magnitude(v->m + (int64_t)g * ACT_GROUP, group_size(v->n, g)), 8);
        shift[g] = (uint8_t)s;
        largest = s > largest ? s : largest;
    }
    const int base = largest - ACT_SHIFT_MAX;
    for (int32_t g = 0; g < act_groups(v->n); g++) {
        const int s = shift[g] > base ? shift[g] : base;
        round_to_8(v->m + (int64_t)g * ACT_GROUP, group_size(v->n, g), s, m + (int64_t)g * ACT_GROUP);
        shift[g] = (uint8_t)(s - base);
    }
    return v->exponent + base;
}

void k_requant8(const struct acc *v, struct act8 *out)
{
    out->n = v->n;
    out->exponent = out->shift ? requant_groups(v, out->m, out->shift) : k_requant8_part(v->m, v->n, v->exponent, out->m);
    memset(out->m + v->n, 0, (size_t)(padded(v->n) - v->n));
}

void k_align8(const struct act8 *x, struct act8 *out)
{
    for (int32_t i = 0; i < x->n; i++) {
        out->m[i] = (int8_t)shr_round(x->m[i], x->shift ? ACT_SHIFT_MAX - x->shift[i / ACT_GROUP] : 0);
    }
    memset(out->m + x->n, 0, (size_t)(padded(x->n) - x->n));
    out->n = x->n;
    out->exponent = x->exponent + (x->shift ? ACT_SHIFT_MAX : 0);
}

void k_requant16(const struct acc *v, int16_t *m, int32_t *exponent)
{
    const int s = k_requant_shift(k_max_magnitude(v->m, v->n), 16);
    for (int32_t i = 0; i < v->n; i++) {
        m[i] = (int16_t)clamp_i64(shr_round(v->m[i], s), -32767, 32767);
    }
    *exponent = v->exponent + s;
}
