/* rmsnorm.h -- x / sqrt(mean(x^2) + epsilon) * g, in integers: of the residual stream to 8 bits, and of accumulators.
 *
 * x_i * 2^e_x, n <= 2^18; g_i * 2^e_g, 16 bits. Constants of the model: epsilon_q40 = round(epsilon n 2^40), nq = round(sqrt(n) 2^16).
 *
 *   k = max(0, bitlen(max |x_i|) - 22)          z_i = shr_round(x_i, k)             |z_i| <= 2^22; x_i = z_i 2^k
 *        at least as large as lets epsilon_q40 * 2^-(40 + 2 e_x + 2k) stay below 2^62 (of the residual stream it always does)
 *   S = sum z_i^2                               T = max(1, S + rescale(epsilon_q40, -40 -> 2 e_x + 2k))
 *        so mean(x^2) + epsilon = T / n * 2^(2k + 2 e_x), and x / sqrt(...) = z * sqrt(n / T): k and e_x cancel
 *   j = (64 - bitlen(T)) / 2 (floor)            t = T * 4^j                         in [2^62, 2^64)
 *   root = floor(sqrt(t))                       in [2^31, 2^32), exact
 *   G = floor(2^62 / root) * nq                 sg = max(0, bitlen(G) - 16)         gain = shr_round(G, sg), 2^15 .. 2^16
 *        so sqrt(n / T) = gain * 2^(sg + j - 78)
 *   y_i = z_i * g_i * gain                      exponent e_g + sg + j - 78
 *   of the residual stream: out = requant(y, 8)
 *
 * Bounds: z^2 <= 2^44, S <= 2^62, T <= 2^63; G < 2^31 * 2^26; |y_i| <= 2^(22 + 15 + 16) = 2^53.
 * Error of y against the real formula, relative to its largest element: z: at most 2^-22 for an element, and sqrt(n) / 2^24 in the
 * root mean square in the worst case; gain 2^-16; the rest less than 2^-29. Together below 5e-5 for n up to 2^18 (3e-5 for n up to 65536).
 */
#ifndef ETCHSIM_RMSNORM_H
#define ETCHSIM_RMSNORM_H

#include "kernels/types.h"

/* e_x = -16; out->n is set to the norm's n; scratch [n]. */
void k_rmsnorm(const struct norm *norm, const struct residual *x, struct act8 *out, int64_t *scratch);
/* y, not requantised: x [norm->n] with its exponent -> y [norm->n], which may be x. Returns y's exponent. |x_i| < 2^62. */
int32_t k_rmsnorm_wide(const struct norm *norm, const int64_t *x, int32_t exponent, int64_t *y);
/* Fills n, epsilon_q40 and sqrt_n_q16; the one place with floating point, at load time. 0 <= epsilon <= 1. */
void k_norm_constants(int32_t n, double epsilon, struct norm *norm);
/* floor(sqrt(v)), exact: the digit-by-digit method, one bit a step. */
uint32_t k_isqrt(uint64_t v);

#endif
