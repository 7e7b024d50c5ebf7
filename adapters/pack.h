/* pack.h -- float rows to the adapter format: 6-bit codes with one 16-bit scale a row, one exponent for all rows (docs/numbers.md, "lora").
 *
 * value = code * scale * 2^exponent, code in -31..31. The step of each row is searched for the least squared error: fractions of
 * max / 31 (clipping the largest pays when a row is long), max / c for whole c (rows already on the grid come out exactly), then the
 * least-squares step of the best codes. Scales are rounded before the final codes are found.
 */
#ifndef ETCHSIM_PACK_H
#define ETCHSIM_PACK_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LORA_CODE_MAX = 31,
    LORA_EXPONENT_MIN = -64, /* smaller rows become zero */
    LORA_EXPONENT_MAX = 16,
};

struct pack_error { /* sums over all weights */
    double squared_error, squared_weight;
};

/* rows [n_rows][n], finite, of magnitude up to 2^36. Fills codes [n_rows][n], scales [n_rows], *exponent and *sum. False when there is no
 * memory. */
bool pack_rows(const float *rows, int32_t n_rows, int32_t n, int8_t *codes, uint16_t *scales, int32_t *exponent, struct pack_error *sum);

/* Which row of a Hugging Face q_proj or k_proj is row `row` in GGUF order, whose rotated pairs are adjacent: row 2i + t of a head is
 * Hugging Face's row t * head_dim / 2 + i of the same head. */
static inline int32_t hf_row_of_gguf_row(int32_t row, int32_t head_dim)
{
    int32_t in_head = row % head_dim;
    return row - in_head + in_head % 2 * (head_dim / 2) + in_head / 2;
}

#endif
