#include "kernels/tables.h"

#include <math.h>

#include "kernels/fixed.h"

static struct tables tables; /* constant after fill_tables */

__attribute__((constructor)) static void fill_tables(void)
{
    for (int i = 0; i < SINE_SEGMENTS + 2; i++) {
        tables.sine_q15[i] = (int32_t)lround(0x1p15 * sin(M_PI_2 * i / SINE_SEGMENTS));
    }
    for (int i = 0; i <= EXP2_SEGMENTS; i++) {
        tables.exp2[i] = (int32_t)lround(65535.0 * exp2(-(double)i / EXP2_SEGMENTS));
    }
    for (int i = 0; i <= SIGMOID_SEGMENTS; i++) {
        tables.sigmoid_q15[i] = (int32_t)lround(0x1p15 / (1.0 + exp(16.0 - 32.0 * i / SIGMOID_SEGMENTS)));
    }
    for (int i = 0; i <= GELU_SEGMENTS; i++) {
        const double x = 16.0 * i / GELU_SEGMENTS - 8.0, u = 2 * M_SQRT2 / sqrt(M_PI) * (x + 0.044715 * x * x * x);
        tables.gelu_q15[i] = (int32_t)lround(0x1p15 / (1.0 + exp(-u)));
    }
}

const struct tables *k_tables(void)
{
    return &tables;
}

static uint64_t hash_words(uint64_t hash, const int32_t *words, int n)
{
    for (int i = 0; i < n; i++) {
        for (int byte = 0; byte < 4; byte++) {
            hash = (hash ^ ((uint32_t)words[i] >> (8 * byte) & 0xff)) * 0x100000001b3u;
        }
    }
    return hash;
}

uint64_t k_tables_hash(void)
{
    uint64_t hash = 0xcbf29ce484222325u;
    hash = hash_words(hash, tables.sine_q15, SINE_SEGMENTS + 2);
    hash = hash_words(hash, tables.exp2, EXP2_SEGMENTS + 1);
    hash = hash_words(hash, tables.sigmoid_q15, SIGMOID_SEGMENTS + 1);
    return hash_words(hash, tables.gelu_q15, GELU_SEGMENTS + 1);
}

/* Between table[at >> bits] and the next entry. */
static int32_t interpolate(const int32_t *table, uint32_t at, int bits)
{
    const int32_t *entry = table + (at >> bits);
    const int32_t fraction = (int32_t)(at & (((uint32_t)1 << bits) - 1));
    return entry[0] + (int32_t)shr_round((int64_t)(entry[1] - entry[0]) * fraction, bits);
}

int32_t k_sine_q15(uint64_t phase)
{
    enum { BITS = 12, QUARTER = SINE_SEGMENTS << BITS };
    const uint32_t quadrant = (uint32_t)(phase >> 62), in_quadrant = (uint32_t)(phase >> 40) & (QUARTER - 1);
    const int32_t s = interpolate(tables.sine_q15, quadrant & 1 ? QUARTER - in_quadrant : in_quadrant, BITS);
    return quadrant & 2 ? -s : s;
}

int32_t k_exp2(uint64_t d, int *shift)
{
    const uint64_t whole = d >> 16;
    *shift = whole < 63 ? (int)whole : 63;
    return interpolate(tables.exp2, d & 0xffff, 8);
}

uint32_t k_exp2_weight(uint64_t d, int more)
{
    int shift;
    const int32_t t = k_exp2(d, &shift);
    shift += more;
    return shift > 24 ? 0 : (uint32_t)shr_round((int64_t)t << 8, shift);
}

int32_t k_sigmoid_q15(int16_t x)
{
    return interpolate(tables.sigmoid_q15, (uint32_t)(x + 32768), 7);
}

int32_t k_gelu_gate_q15(int16_t x)
{
    return interpolate(tables.gelu_q15, (uint32_t)(x + 32768), 7);
}
