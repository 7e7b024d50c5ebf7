/* residual.h -- a linear's accumulators onto the residual stream.
 *
 *   r[i] = sat32(r[i] + rescale(acc[i], e -> -16)), saturated to +-(2^31 - 1)
 *
 * Same n. |error| <= 2^-17 unless saturated.
 */
#ifndef ETCHSIM_RESIDUAL_H
#define ETCHSIM_RESIDUAL_H

#include "kernels/types.h"

void k_residual_add(struct residual *r, const struct acc *v);

#endif
