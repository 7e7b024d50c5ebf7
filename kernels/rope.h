/* rope.h -- rotary position embedding of all heads of Q or K, and requantisation per head.
 *
 * For each head of head_dim accumulators (exponent e):
 *   0. where the model norms its heads: RMSNorm over the head, not requantised (rmsnorm.h); e is then that norm's exponent
 *   1. requant to 16 bits, exponent e16 = e + s (requant.h)
 *   2. pairs (2i, 2i + 1) = (a, b), i < n_pairs, turn by the angle position * freq_i: phase = position * increment_i mod 2^64, in units of
 *      2^-64 turns; c, s = cosine and sine in Q15 of k_sine_q15 (tables.h), where there is a gain shr_round(c * gain, 14), in Q14, and s alike;
 *      a' = a c - b s,  b' = a s + b c, exponent e16 - 15. Pairs from n_pairs on do not turn and have no gain: c = 2^15, s = 0
 *   2b. where the model balances K and Q (large biases of K): pair i of a head of K is multiplied by 2^(7 - s_i) and the exponent lowered by 7, of a
 *      head of Q by 2^s_i. All heads that share a KV head have its s_i, so scores stay the same, and large pairs of K take fewer bits from the others
 *   3. requant to 8 bits -> out, exponent of this head
 *
 * Bounds: |a|, |b| < 2^15, |c|, |s| <= 2^15 (2^17 with a gain): |a'| < 2^33, 2^40 balanced. Error before step 3, relative to the head's largest element: 2^-15 of rounding to 16
 * bits, 2^-15 of each of sine and cosine; the phase itself is exact to position * 2^-65 turns.
 * Source: RoFormer (Su et al. 2021), in GGUF's order of rows, where the two of a pair are neighbours.
 */
#ifndef ETCHSIM_ROPE_KERNEL_H
#define ETCHSIM_ROPE_KERNEL_H

#include "kernels/types.h"

enum { HEAD_DIM_MAX = 1024 };

struct rope_turns {
    const uint64_t *increment; /* [n_pairs] */
    int32_t n_pairs;           /* of a head's head_dim / 2 */
    int32_t gain_q14;          /* 0: none; below 2^16 */
};
/* Of a layer: local ones can have their own. */
struct rope_turns model_rope_turns(const struct model *model, int32_t layer);

struct rope_balance {
    const uint8_t *shift; /* [n_heads / sharing][head_dim / 2], 0..K_SHIFT_MAX; NULL: none */
    int32_t sharing;      /* heads to a KV head: 1 for K itself */
    bool keys;
};
struct rope_balance layer_balance(const struct layer *layer, const struct shape *shape, enum linear which);

/* norm [head_dim]: of heads, m NULL where the model has none. in->n = n_heads * head_dim, out [n_heads * head_dim], exponents [n_heads],
 * scratch [head_dim]. */
void k_rope(const struct rope_turns *turns, uint32_t position, const struct norm *norm, const struct rope_balance *balance,
            const struct acc *in, int32_t n_heads, int32_t head_dim, int8_t *out, int16_t *exponents, int64_t *scratch);
/* V: requant to 8 bits per head, no rotation. */
void k_kv_value(const struct acc *v, int32_t n_kv_heads, int32_t head_dim, int8_t *out, int16_t *exponents);
/* increment_i = round(base^(-2i / rotary_dim) / factor_i / (2 pi) * 2^64), in long double at load time; factors [rotary_dim / 2] is what
 * rope_freqs.weight holds, or NULL. base >= 1, factors >= 0.5,
 * so an increment is less than a third of a turn. Exact to one unit of 2^-64, the last bit being the platform's. */
void k_rope_increments(float base, int32_t rotary_dim, const float *factors, uint64_t *increment);

#endif
