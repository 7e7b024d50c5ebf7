/* gemv.h -- the ROM array's product, and the layout of struct matrix (types.h) in memory.
 *
 *   y[o] = sum over groups g of (scale[o, g] << shift of x in g) * (sum over i in g of code_value[o, i] * x[i]),   exponent e_x + e_w
 *
 * Shapes    w [n_out, n_in], x [n_in] (padded with zeros), y [n_out]
 * Exact     no rounding. A tile has at most 8192 inputs: 8192 * (127 << 3) * 32 * 63 < 2^34, so its sum is 35 bits wide; the sum over at most 32 tiles
 *           (n_in <= 2^18) is below ACC_LIMIT.
 * Reads     each weight once, in the order in which it is stored; large matrices by several threads (threads.h), in parts of some 512 KiB.
 */
#ifndef ETCHSIM_GEMV_H
#define ETCHSIM_GEMV_H

#include "kernels/isa.h"
#include "kernels/types.h"

/* Sets y->exponent; y->n must be n_out. */
void k_gemv(const struct matrix *w, const struct act8 *x, struct acc *y);
/* Rows of blocks first_block .. first_block + n_blocks only, for splitting among threads: y [16 * n_blocks] starts with the first block's
 * first row; beyond n_out it is written too (zeros). */
void k_gemv_blocks(const struct matrix *w, const struct act8 *x, int32_t first_block, int32_t n_blocks, int64_t *y);

/* -31..31 (W6 code 0: -32). */
static inline int matrix_code_value(const struct matrix *w, int code)
{
    return w->format == WEIGHT_W6 ? code - 32 : w->codebook[code];
}
/* Bytes of one block of 16 rows. */
static inline int64_t matrix_block_bytes(const struct matrix *w)
{
    return matrix_panels(w) * matrix_panel_bytes(w);
}
/* Packs one block: codes [16][32 * panels], scales [16][groups], rows beyond the matrix zero; data [matrix_block_bytes]. */
void matrix_pack_block(const struct matrix *w, const uint8_t *codes, const uint8_t *scales, uint8_t *data);
/* Packs all: codes [n_out][n_in], scales [n_out][groups], data [matrix_bytes]. */
void matrix_pack(const struct matrix *w, const uint8_t *codes, const uint8_t *scales, uint8_t *data);
/* values [32] = code value * scale of one row's panel, at most 11 bits and sign. */
void matrix_unpack_panel(const struct matrix *w, int32_t row, int32_t panel, int16_t values[PANEL_INPUTS]);
/* The same for a whole row, values [n_in]. */
void matrix_unpack_row(const struct matrix *w, int32_t row, int16_t *values);

#endif
