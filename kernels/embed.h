/* embed.h -- one row of the embedding ROM becomes the residual stream.
 *
 *   out[i] = rescale(code_value * scale, e -> -16), rounded to nearest (halves up), saturated to +-(2^31 - 1)
 *
 * w [n_vocab, d_model], 0 <= token < n_vocab, out->n = d_model. |error| <= 2^-17 unless saturated.
 */
#ifndef ETCHSIM_EMBED_H
#define ETCHSIM_EMBED_H

#include "kernels/types.h"

void k_embed(const struct matrix *w, int32_t token, struct residual *out);

#endif
