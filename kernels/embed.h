/* embed.h -- one row of the embedding ROM becomes the residual stream.
 *
 *   out[i] = rescale(code_value * scale * s, e - 16 -> -16), rounded to nearest (halves up), saturated to +-(2^31 - 1)
 *
 * s is what the model multiplies embeddings by, in Q16, below 2^26; 2^16 where it multiplies by nothing.
 * k_embed_add, for what the LoRA MAC unit adds, of exponent -16 before that multiplication:
 *
 *   out[i] = sat(out[i] + rescale(clamp(delta[i]) * s, -32 -> -16)), delta clamped to +-(2^36 - 1), all else as above
 *
 * w [n_vocab, d_model], 0 <= token < n_vocab, out->n = d_model. |error| <= 2^-17 unless saturated, and 2^-16 of s, relative.
 */
#ifndef ETCHSIM_EMBED_H
#define ETCHSIM_EMBED_H

#include "kernels/types.h"

/* scale_q16 0 stands for 2^16. */
void k_embed(const struct matrix *w, int32_t scale_q16, int32_t token, struct residual *out);
/* delta->n = out->n. */
void k_embed_add(int32_t scale_q16, const struct acc *delta, struct residual *out);

#endif
