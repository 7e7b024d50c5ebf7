/* sample.h -- the next token from the logits, in integers, from a seeded generator.
 *
 * Greedy: the largest logit, the lowest index on a tie. Otherwise, with m the largest logit, exponent e:
 *   c = floor(round(log2(e) 2^16) * 2^16 / temperature_q16)
 *   D_i = rescale(m - l_i, e -> -16), saturated to 2^29 (8192)     d_i = D_i * c >> 16      distance below the largest in base 2, Q16
 *   p_i = 24-bit weight of d_i as in attention: shr_round(T * 2^8, i) of k_exp2(d_i)
 *   top_p < 1: tokens in order of (p descending, index ascending) up to the first where the running sum * 2^16 >= top_p_q16 * total
 *   top_p = 1: all, in order of index
 *   r = floor(random * sum / 2^64), 0 .. sum - 1; the first token, in that order, whose running sum exceeds r
 * One 64-bit random number a token, none when greedy. Bounds: D * c < 2^62 as temperature_q16 >= 64; the sum of 2^22 weights < 2^46.
 */
#ifndef ETCHSIM_SAMPLE_H
#define ETCHSIM_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/types.h"

struct sampling {
    bool greedy;
    uint32_t temperature_q16; /* 64 .. 2^26: about 0.001 .. 1024 */
    uint32_t top_p_q16;       /* 1 .. 65536 */
};

struct random { /* xoshiro256** 1.0 (Blackman and Vigna 2018) */
    uint64_t s[4];
};

/* temperature < 0.0005 is greedy; otherwise it and top_p are rounded to the ranges above (top_p <= 0 keeps the best token only). */
void sampling_make(double temperature, double top_p, struct sampling *sampling);
/* State from splitmix64, started at a mix of the run's seed and the sequence's number, so that sequences of a run differ. */
void random_seed(struct random *random, uint64_t seed, uint64_t sequence);
uint64_t random_next(struct random *random);

/* Bytes of scratch, which is aligned for uint64_t. */
size_t k_sample_scratch(int32_t n_vocab);
int32_t k_sample(const struct sampling *sampling, struct random *random, const struct acc *logits, void *scratch);

#endif
