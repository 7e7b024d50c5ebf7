/* isa_plain.c -- the heavy kernels in portable C: the definition that the SIMD variants must equal. */
#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/matrix_chunk.h"

/* -- gemv -- */

/* Weights of one chunk plus 32, row by row: 1..63 (W6 code 0: 0). */
static void decode_chunk(const struct matrix *w, const uint8_t *chunk, uint8_t weight[64])
{
    if (w->format == WEIGHT_W6) {
        for (int j = 0; j < 64; j++) {
            weight[j] = (uint8_t)chunk_code_w6(chunk, j);
        }
        return;
    }
    uint8_t value[8];
    for (int code = 0; code < 8; code++) {
        value[code] = (uint8_t)(w->codebook[code] + 32);
    }
    for (int j = 0; j < 64; j++) {
        weight[j] = value[chunk_code_w3(chunk, j)];
    }
}

static void add_group(const struct matrix *w, const uint8_t *data, const int8_t *x, int32_t start, int32_t sum[BLOCK_ROWS])
{
    const int chunk_bytes = w->format == WEIGHT_W3 ? CHUNK_BYTES_W3 : CHUNK_BYTES_W6;
    int32_t group_sum[BLOCK_ROWS];
    for (int r = 0; r < BLOCK_ROWS; r++) {
        group_sum[r] = start;
    }
    for (int c = 0; c < CHUNKS_PER_GROUP; c++) {
        uint8_t weight[64];
        decode_chunk(w, data + BLOCK_ROWS + (ptrdiff_t)c * chunk_bytes, weight);
        for (int j = 0; j < 64; j++) {
            group_sum[j / 4] += weight[j] * x[4 * c + j % 4];
        }
    }
    for (int r = 0; r < BLOCK_ROWS; r++) {
        sum[r] += data[r] * group_sum[r];
    }
}

static void gemv_blocks(const struct matrix *w, const uint8_t *data, int32_t n_blocks, const int8_t *x, const int32_t *start, int64_t *y)
{
    const int32_t n_groups = matrix_groups(w);
    const int64_t group_bytes = matrix_group_bytes(w);
    for (int32_t block = 0; block < n_blocks; block++, y += BLOCK_ROWS) {
        memset(y, 0, BLOCK_ROWS * sizeof *y);
        for (int32_t first = 0; first < n_groups; first += TILE_GROUPS) {
            const int32_t last = first + TILE_GROUPS < n_groups ? first + TILE_GROUPS : n_groups;
            int32_t sum[BLOCK_ROWS] = {0};
            for (int32_t g = first; g < last; g++, data += group_bytes) {
                add_group(w, data, x + (ptrdiff_t)GROUP_INPUTS * g, start[g], sum);
            }
            for (int r = 0; r < BLOCK_ROWS; r++) {
                y[r] += sum[r];
            }
        }
    }
}

/* -- rows of int8 -- */

static void dot_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const int8_t *x, int32_t *out)
{
    for (int32_t r = 0; r < n_rows; r++, rows += stride) {
        int32_t sum = 0;
        for (int32_t i = 0; i < n; i++) {
            sum += rows[i] * x[i];
        }
        out[r] = sum;
    }
}

static void weigh_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const uint32_t *weight, int64_t *out)
{
    memset(out, 0, (size_t)n * sizeof *out);
    for (int32_t r = 0; r < n_rows; r++, rows += stride) {
        const int32_t w = (int32_t)weight[r];
        for (int32_t i = 0; i < n; i++) {
            out[i] += w * rows[i];
        }
    }
}

const struct isa_table isa_plain = {gemv_blocks, dot_rows, weigh_rows};
