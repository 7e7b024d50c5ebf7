/* silu.h -- the FFN's gate: SiLU(gate) * up, or GELU(gate) * up.
 *
 *   gate, up -> 16 bits each, exponents e_g, e_u (requant.h)
 *   q_i = rescale(gate_i, e_g -> -11), saturated to +-32767        the table's argument, Q11, +-16
 *   s_i = sigmoid of q_i in Q15, 0 .. 32768 (tables.h)
 *   y_i = gate_i * s_i * up_i, exact, exponent e_g + e_u - 15;  out = requant(y, 8)
 *
 * GELU is the tanh approximation, x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)): the same with another table, whose argument is in Q12, +-8.
 *
 * Bound: |y_i| < 2^45. Beyond +-16 the sigmoid is 0 or 1 to 2^-23. |error of s| <= 7e-5 (tables.h), plus 2^-12 / 4 of the argument's step (GELU: 6e-5, and the same).
 */
#ifndef ETCHSIM_SILU_KERNEL_H
#define ETCHSIM_SILU_KERNEL_H

#include "kernels/types.h"

/* Same n; out->n is set to it; scratch [n]. */
void k_silu_mul(const struct acc *gate, const struct acc *up, struct act8 *out, int64_t *scratch);
void k_gelu_mul(const struct acc *gate, const struct acc *up, struct act8 *out, int64_t *scratch);

static inline void k_gate_mul(enum activation activation, const struct acc *gate, const struct acc *up, struct act8 *out, int64_t *scratch)
{
    (activation == ACTIVATION_GELU ? k_gelu_mul : k_silu_mul)(gate, up, out, scratch);
}

#endif
