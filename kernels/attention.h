/* attention.h -- softmax(q K / sqrt(head_dim)) V for all heads of one token.
 *
 * Query head h uses KV head h / (n_heads / n_kv_heads). For each head, over the tokens t = 0 .. n_tokens - 1:
 *   score_t = sum q_d k_td                                         |score| <= 127 * 127 * 1024 < 2^24
 *   L_t = rescale(score_t * c, e_q + e_kt - 15 -> -16)             log2 of the weight, Q16, saturated to +-(2^31 - 1);
 *                                                                  c = softmax_scale_q15 = round(log2(e) / sqrt(head_dim) * 2^15) < 2^16
 *   m = max L_t                     i_t, T_t = k_exp2(m - L_t)     2^-(m - L_t) = T_t * 2^-i_t / 65535 (tables.h)
 *   Z = sum shr_round(T_t * 2^8, i_t)                              24-bit weights: 16 bits of table and 8 more for what is far below the largest
 *   E = max e_vt                    w_t = shr_round(T_t * 2^8, i_t + E - e_vt)
 *   o_d = sum w_t v_td                                             |o_d| < 2^(24 + 7 + 24)
 *   u = max(0, bitlen(Z) - 40)      Z' = Z >> u, o' = shr_round(o_d, u)
 *   y_d = sign(o') * floor((|o'| * 2^14 + floor(Z' / 2)) / Z')     |y_d| <= 127 * 2^14, exponent E - 14
 * All heads to the largest of their exponents (shr_round), then requant(., 8) of the whole vector.
 *
 * The scores are all there before the first weight is taken, so nothing depends on the order of tokens. n_tokens <= 2^24.
 * Errors: L half of 2^-16 and c 2^-16 relative; weights 2^-15 relative (table) and 2^-25 of the largest (shift); y 2^-15.
 */
#ifndef ETCHSIM_ATTENTION_KERNEL_H
#define ETCHSIM_ATTENTION_KERNEL_H

#include <stddef.h>

#include "kernels/types.h"

/* Elements (int64_t) of scratch for up to n_tokens. */
size_t k_attention_scratch(const struct shape *shape, int32_t n_tokens);
/* The cache from token `first` on, for a layer that attends to the latest tokens only. */
struct kv kv_from(const struct shape *shape, const struct kv *kv, int32_t first);
/* q [n_heads * head_dim], q_exponent [n_heads], the first n_tokens >= 1 of kv; out->n is set to n_heads * head_dim. */
void k_attention(const struct shape *shape, int32_t softmax_scale_q15, const int8_t *q, const int16_t *q_exponent, const struct kv *kv,
                 int32_t n_tokens, struct act8 *out, int64_t *scratch);

#endif
