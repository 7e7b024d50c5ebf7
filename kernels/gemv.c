#include "kernels/gemv.h"

#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/matrix_chunk.h"
#include "sim/error.h"

_Static_assert((int64_t)TILE_ROWS_MAX * 127 * 32 * 63 < ((int64_t)1 << 31), "a tile's accumulator is 32 bits wide");

/* What the offset of 32, which makes weights unsigned for the multipliers, adds too much to each group's sum. */
static void group_starts(const struct matrix *w, const int8_t *x, int32_t *start)
{
    const int32_t n_groups = matrix_groups(w);
    for (int32_t g = 0; g < n_groups; g++) {
        int32_t sum = 0;
        for (int i = 0; i < GROUP_INPUTS; i++) {
            sum += x[g * GROUP_INPUTS + i];
        }
        start[g] = -32 * sum;
    }
}

void k_gemv_blocks(const struct matrix *w, const struct act8 *x, int32_t first_block, int32_t n_blocks, int64_t *y)
{
    ES_ASSERT(x->n == w->n_in && w->n_in <= INPUTS_MAX && first_block >= 0 && first_block + n_blocks <= matrix_blocks(w));
    int32_t start[GROUPS_MAX];
    group_starts(w, x->m, start);
    isa_table()->gemv_blocks(w, w->data + first_block * matrix_block_bytes(w), n_blocks, x->m, start, y);
}

void k_gemv(const struct matrix *w, const struct act8 *x, struct acc *y)
{
    ES_ASSERT(y->n == w->n_out);
    y->exponent = x->exponent + w->exponent;
    const int32_t whole = w->n_out / BLOCK_ROWS, rest = w->n_out % BLOCK_ROWS;
    k_gemv_blocks(w, x, 0, whole, y->m);
    if (rest > 0) {
        int64_t last[BLOCK_ROWS];
        k_gemv_blocks(w, x, whole, 1, last);
        memcpy(y->m + (int64_t)whole * BLOCK_ROWS, last, (size_t)rest * sizeof *last);
    }
}

/* -- the layout -- */

static void pack_chunk(enum weight_format format, const uint8_t codes[64], uint8_t *out)
{
    const int planes = format == WEIGHT_W3 ? 1 : 3;
    memset(out, 0, format == WEIGHT_W3 ? CHUNK_BYTES_W3 : CHUNK_BYTES_W6);
    for (int j = 0; j < 64; j++) {
        for (int plane = 0; plane < planes; plane++) {
            out[16 * plane + j % 16] |= (uint8_t)((codes[j] >> 2 * plane & 3) << 2 * (j / 16));
        }
        if (format == WEIGHT_W3) {
            out[16 + j / 8] |= (uint8_t)((codes[j] >> 2 & 1) << j % 8);
        }
    }
}

void matrix_pack_block(const struct matrix *w, const uint8_t *codes, const uint8_t *scales, uint8_t *data)
{
    const int32_t n_groups = matrix_groups(w);
    const int chunk_bytes = w->format == WEIGHT_W3 ? CHUNK_BYTES_W3 : CHUNK_BYTES_W6;
    for (int32_t g = 0; g < n_groups; g++) {
        for (int r = 0; r < BLOCK_ROWS; r++) {
            *data++ = scales[(int64_t)r * n_groups + g];
        }
        for (int c = 0; c < CHUNKS_PER_GROUP; c++, data += chunk_bytes) {
            uint8_t chunk[64];
            for (int r = 0; r < BLOCK_ROWS; r++) {
                memcpy(chunk + 4 * r, codes + ((int64_t)r * n_groups + g) * GROUP_INPUTS + 4 * c, 4);
            }
            pack_chunk(w->format, chunk, data);
        }
    }
}

/* Scale and the codes of one row's group, picked straight from the caller's arrays. */
static void pack_group(const struct matrix *w, const uint8_t *codes, const uint8_t *scales, int32_t block, int32_t g, uint8_t *data)
{
    const int chunk_bytes = w->format == WEIGHT_W3 ? CHUNK_BYTES_W3 : CHUNK_BYTES_W6;
    const int32_t n_groups = matrix_groups(w), first = block * BLOCK_ROWS;
    const int32_t n_rows = w->n_out - first < BLOCK_ROWS ? w->n_out - first : BLOCK_ROWS;
    for (int r = 0; r < BLOCK_ROWS; r++) {
        data[r] = r < n_rows ? scales[(int64_t)(first + r) * n_groups + g] : 0;
    }
    for (int c = 0; c < CHUNKS_PER_GROUP; c++) {
        uint8_t chunk[64] = {0};
        for (int j = 0; j < 4 * n_rows; j++) {
            int32_t input = g * GROUP_INPUTS + 4 * c + j % 4;
            chunk[j] = input < w->n_in ? codes[(int64_t)(first + j / 4) * w->n_in + input] : 0;
        }
        pack_chunk(w->format, chunk, data + BLOCK_ROWS + c * chunk_bytes);
    }
}

void matrix_pack(const struct matrix *w, const uint8_t *codes, const uint8_t *scales, uint8_t *data)
{
    for (int32_t block = 0; block < matrix_blocks(w); block++) {
        for (int32_t g = 0; g < matrix_groups(w); g++, data += matrix_group_bytes(w)) {
            pack_group(w, codes, scales, block, g, data);
        }
    }
}

void matrix_unpack_group(const struct matrix *w, int32_t row, int32_t group, int16_t values[GROUP_INPUTS])
{
    ES_ASSERT(row >= 0 && row < w->n_out && group >= 0 && group < matrix_groups(w));
    const bool w3 = w->format == WEIGHT_W3;
    const uint8_t *data = w->data + row / BLOCK_ROWS * matrix_block_bytes(w) + group * matrix_group_bytes(w);
    const int in_block = row % BLOCK_ROWS, scale = data[in_block];
    for (int i = 0; i < GROUP_INPUTS; i++) {
        const uint8_t *chunk = data + BLOCK_ROWS + i / 4 * (w3 ? CHUNK_BYTES_W3 : CHUNK_BYTES_W6);
        const int j = 4 * in_block + i % 4;
        values[i] = (int16_t)(matrix_code_value(w, w3 ? chunk_code_w3(chunk, j) : chunk_code_w6(chunk, j)) * scale);
    }
}

void matrix_unpack_row(const struct matrix *w, int32_t row, int16_t *values)
{
    for (int32_t g = 0; g < matrix_groups(w); g++) {
        int16_t group[GROUP_INPUTS];
        const int32_t first = g * GROUP_INPUTS, rest = w->n_in - first;
        matrix_unpack_group(w, row, g, group);
        memcpy(values + first, group, (size_t)(rest < GROUP_INPUTS ? rest : GROUP_INPUTS) * sizeof *group);
    }
}
