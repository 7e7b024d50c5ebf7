/* tables.h -- the chip's function tables, all with linear interpolation.
 *
 * Rounded from double once, before main starts. A library whose sin or exp is off by an ulp gives other bits only where a value lies within
 * 1e-12 of a half; k_tables_hash() pins them, and a test compares it.
 */
#ifndef ETCHSIM_TABLES_H
#define ETCHSIM_TABLES_H

#include <stdint.h>

enum {
    SINE_SEGMENTS = 1024,   /* of a quarter wave */
    EXP2_SEGMENTS = 256,    /* of one octave */
    SIGMOID_SEGMENTS = 512, /* of -16 .. 16 */
    GELU_SEGMENTS = 512     /* of -8 .. 8 */
};

struct tables {
    int32_t sine_q15[SINE_SEGMENTS + 2];       /* round(2^15 sin(pi/2 * i / 1024)), one more than the end for interpolation at the end */
    int32_t exp2[EXP2_SEGMENTS + 1];           /* round(65535 * 2^(-i / 256)) */
    int32_t sigmoid_q15[SIGMOID_SEGMENTS + 1]; /* round(2^15 / (1 + exp(16 - i / 16))), the first 0 */
    int32_t gelu_q15[GELU_SEGMENTS + 1]; /* round(2^15 / (1 + exp(-2 sqrt(2 / pi) (x + 0.044715 x^3)))), x = i / 32 - 8, the first 0 */
};

const struct tables *k_tables(void);
/* FNV-1a of all entries in the order above, as little-endian 32-bit words. */
uint64_t k_tables_hash(void);

/* sin(phase * 2 pi / 2^64) in Q15, -32768 .. 32768: 2 bits of quadrant, 10 of segment, 12 of interpolation; |error| <= 3.2e-5. */
int32_t k_sine_q15(uint64_t phase);
static inline int32_t k_cosine_q15(uint64_t phase)
{
    return k_sine_q15(phase + ((uint64_t)1 << 62));
}

/* 2^(-d / 65536) as T / 65535 * 2^-shift: shift = d >> 16 (at most 63), T in 32768 .. 65535; relative error <= 3.1e-5. */
int32_t k_exp2(uint64_t d, int *shift);
/* The 24-bit weight of softmax and sampling: shr_round(T * 2^8, shift + more). */
uint32_t k_exp2_weight(uint64_t d, int more);

/* Sigmoid in Q15 of x * 2^-11; |error| <= 7e-5. */
int32_t k_sigmoid_q15(int16_t x);

/* GELU(x) / x in Q15 of x * 2^-12, GELU in the tanh approximation; |error| <= 6e-5. */
int32_t k_gelu_gate_q15(int16_t x);

#endif
