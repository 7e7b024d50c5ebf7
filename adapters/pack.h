/* pack.h -- float rows to codes of 4, 6 or 8 bits with one 16-bit scale a row, one exponent for all rows (docs/numbers.md, "lora").
 *
 * value = code * scale * 2^exponent, |code| <= code_max. The step of each row is searched for the least squared error: fractions of
 * max / code_max (clipping the largest pays when a row is long), max / c for whole c (rows already on the grid come out exactly), then the
 * least-squares step of the best codes. Scales are rounded before the final codes are found.
 *
 * The chip's adapters have 6 bits. The other formats exist so that accuracy can be weighed against SRAM bytes (docs/adapters.md).
 */
#ifndef ETCHSIM_PACK_H
#define ETCHSIM_PACK_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LORA_CODE_MAX = 31,      /* the chip's */
    LORA_EXPONENT_MIN = -64, /* smaller rows become zero */
    LORA_EXPONENT_MAX = 16,
};

struct pack_error { /* sums over all weights */
    double squared_error, squared_weight;
};

/* rows [n_rows][n], finite, of magnitude up to 2^36; code_max 7 .. 127. Fills codes [n_rows][n], scales [n_rows], *exponent and *sum. False
 * when there is no memory. */
bool pack_rows(const float *rows, int32_t n_rows, int32_t n, int32_t code_max, int8_t *codes, uint16_t *scales, int32_t *exponent,
               struct pack_error *sum);

/* -- formats of an adapter's weights -- */

enum pack_format { PACK_4, PACK_6, PACK_8, PACK_BF16, PACK_FORMAT_COUNT };
extern const char *const PACK_FORMAT_NAMES[PACK_FORMAT_COUNT]; /* "4", "6", "8", "bf16" */

/* The largest code; 0 for bf16, which has neither codes nor scales. */
int32_t pack_code_max(enum pack_format format);
/* Bits of a pair's weights and scales in SRAM, before padding to lane rows. */
int64_t pack_pair_bits(enum pack_format format, int32_t rank, int32_t n_in, int32_t n_out);
/* Each row as the format holds it, back as floats (exact: a code times a scale has 23 bits), in place. False when there is no memory. */
bool pack_round_rows(enum pack_format format, float *rows, int32_t n_rows, int32_t n, struct pack_error *sum);

#endif
