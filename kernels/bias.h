/* bias.h -- what Q, K and V of some models have added to them.
 *
 *   acc_i = sat(acc_i + rescale(b_i, e_b -> the accumulators' exponent)), saturated to +-ACC_LIMIT
 *
 * b_i: 16 bits. Same n. |error| <= half a unit of the accumulators unless saturated.
 */
#ifndef ETCHSIM_BIAS_H
#define ETCHSIM_BIAS_H

#include "kernels/types.h"

/* Nothing happens where there is no bias (m NULL). */
void k_bias_add(const struct bias *bias, struct acc *acc);

#endif
