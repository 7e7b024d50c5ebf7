/* quantise.h -- float weights to the chip's codes and scales (docs/numbers.md, "Weights").
 *
 *   sample rows --quantise_choose--> format, exponent, codebook --quantise_row, row by row--> codes, scales, error
 *
 * Per group of 32 inputs the scale is searched for the least squared error. A tensor that is already on the grid is found exactly:
 * with a standard codebook always, with any other when some sampled group holds all eight of its values.
 * Results depend on the numbers only, not on the SIMD width or the number of threads.
 */
#ifndef ETCHSIM_QUANTISE_H
#define ETCHSIM_QUANTISE_H

#include "kernels/types.h"

enum {
    WEIGHT_CODE_MAX = 31, /* largest magnitude of a codebook entry and of a w6 value */
    WEIGHT_SCALE_MAX = 63,
    WEIGHT_EXPONENT_MIN = -64, /* of a weight tensor; smaller weights become zero */
    WEIGHT_EXPONENT_MAX = 16,
    QUANTISE_CHOICES_MAX = 8,
};

struct quantiser {
    enum weight_format format;
    int32_t exponent;
    int8_t codebook[CODEBOOK_MAX]; /* ascending; zero beyond the format's entries */
    char codebook_name[8]; /* "gauss", "uniform", "zero", "fitted"; "found" when read off on-grid weights; "e2m1"; "-" for WEIGHT_W6 */
};

struct quantise_error { /* sums over the weights seen */
    double squared_error, squared_weight;
    double largest_error, largest_weight; /* magnitudes */
    int64_t n_weights;
};

/* Smallest exponent at which the magnitude is at most 31 * 63 * 2^e, within WEIGHT_EXPONENT_MIN..MAX; 0 for 0. */
int32_t quantise_exponent(float largest);

/* MXFP4's codebook: E2M1 of OCP MX 1.0, times two; 0 and -0 are two codes of one value. */
extern const int8_t MX_BOOK[CODEBOOK_MAX];

/* Chooses exponent and, for w3, codebook (w4 is MXFP4, with the one of E2M1 and powers of two for scales) from rows [n_rows][n_in] of a tensor whose largest magnitude is `largest`. Returns how many
 * choices it leaves in choices[], at least 1: several only when each of them fits the sample exactly (the caller takes the first
 * that fits the whole tensor), else the best one. */
int32_t quantise_choose(enum weight_format format, const float *sample, int32_t n_rows, int32_t n_in, float largest,
                        struct quantiser choices[QUANTISE_CHOICES_MAX]);

/* Codes and scales of one row of n_in finite floats. codes [n_groups * 32] (0 beyond n_in), scales [n_groups], n_groups = n_in / 32
 * rounded up. Adds to *sum. */
void quantise_row(const struct quantiser *q, const float *row, int32_t n_in, uint8_t *codes, uint8_t *scales, struct quantise_error *sum);

/* The value a code stands for, in units of 2^exponent and of the group's scale. */
static inline int32_t quantise_code_value(const struct quantiser *q, uint8_t code)
{
    return q->format == WEIGHT_W6 ? (int32_t)code - 32 : q->codebook[code & (CODEBOOK_MAX - 1)];
}

void quantise_error_add(struct quantise_error *sum, const struct quantise_error *part);
/* sqrt(sum of squared errors / sum of squared weights); 0 for exact. */
double quantise_relative_rms(const struct quantise_error *sum);

#endif
