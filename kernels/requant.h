/* requant.h -- an accumulator vector to 8 or 16 bits: with one power-of-two exponent, or, 8 bits, with one for each group of 32.
 *
 * With M = max |v_i| and b = 8 or 16: s = max(0, bitlen(M) - (b - 1)); mantissa = clamp(shr_round(v_i, s), +-(2^(b-1) - 1)); exponent = e + s.
 * So the largest magnitude lands in 2^(b-2) .. 2^(b-1) - 1 (2^(b-1) after rounding up is clamped); vectors that fit already are exact, and
 * a vector of zeros keeps its exponent. |error| <= half a step, a whole step where the clamp acts.
 * With groups: s_g as s, of the group's own M, but at least S - 3, where S is the largest of them. The vector's exponent is e + S - 3, and the group's shift
 * s_g - (S - 3), 0..3; the largest is always 3. Vectors of real models have a few elements tens of times larger than all others, which would leave those
 * few bits (docs/numbers.md).
 * Bound: |v_i| < 2^62.
 */
#ifndef ETCHSIM_REQUANT_H
#define ETCHSIM_REQUANT_H

#include "kernels/types.h"

/* max |m_i|, 0 for n = 0. */
uint64_t k_max_magnitude(const int64_t *m, int32_t n);
/* s above. */
int k_requant_shift(uint64_t max_magnitude, int bits);

/* out->n is set to v->n; out->m has room for padded(v->n), and the tail is set to zero. With groups where out->shift is there, with room for
 * act_groups(v->n); else one exponent. */
void k_requant8(const struct acc *v, struct act8 *out);
/* The same without the tail, for a part of a vector (a head): m [n]. Returns the exponent. */
int32_t k_requant8_part(const int64_t *v, int32_t n, int32_t exponent, int8_t *m);
/* The same vector with one exponent, that of the largest shift, 3 above its own: what LoRA is computed from. out->m has room for padded(x->n);
 * out->shift is NULL. Where x has no shifts it is copied. */
void k_align8(const struct act8 *x, struct act8 *out);
/* m [v->n]. */
void k_requant16(const struct acc *v, int16_t *m, int32_t *exponent);

#endif
