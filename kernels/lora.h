/* lora.h -- the LoRA MAC unit: delta = B (A x), beside a ROM array's product of the same x.
 *
 *   phase A   u_j = (sum_i a[j, i] x[i]) * scale_a[j], exponent e_x + e_A;   h = requant(u, 8)
 *   phase B   delta_o = rescale((sum_j b[o, j] h[j]) * scale_b[o], e_h + e_B -> acc_exponent), saturated to +-ACC_LIMIT
 *   add       acc_o = sat(acc_o + delta_o), +-ACC_LIMIT
 *
 * Bounds: |sum_i| <= 32 * 128 * 2^18 = 2^30 (32-bit accumulator), |u| < 2^46; |sum_j| <= 32 * 127 * 128 < 2^19, times 2^16: < 2^35.
 * So weights of -32 and activations of -128, which the chip never makes, are exact as well (the RTL is tested with them).
 * x has one exponent: what the ROM array multiplies with shifts comes aligned (k_align8, requant.h). alpha / r is in scale_b. A pair of rank 0 must not be given to A or B.
 * The embedding's x is a token's one-hot vector, exponent 0: u_j = a[j, token] * scale_a[j]; its delta has exponent RESIDUAL_EXPONENT (kernels/embed.h adds it).
 */
#ifndef ETCHSIM_LORA_H
#define ETCHSIM_LORA_H

#include "kernels/types.h"

/* x->n = n_in; h->n is set to the rank, h->m has room for padded(rank), and the tail is set to zero. */
void k_lora_a(const struct lora_pair *pair, const struct act8 *x, struct act8 *h);
/* The same for the one-hot vector of `token`, 0 <= token < n_in, whatever n_in is. */
void k_lora_a_token(const struct lora_pair *pair, int32_t token, struct act8 *h);
/* delta [n_out]. */
void k_lora_b(const struct lora_pair *pair, const struct act8 *h, int32_t acc_exponent, int64_t *delta);
/* Same n and same exponent. */
void k_lora_add(struct acc *acc, const struct acc *delta);

#endif
