/* isa_plain.c -- the heavy kernels in portable C: the definition that the SIMD variants must equal. */
#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/tables.h"

/* -- gemv -- */

/* The four codes' two bits of each of a plane's 16 bytes, as bytes in the order of codes. */
static void spread_plane(const uint8_t plane[16], uint8_t code[64])
{
    for (int quarter = 0; quarter < 4; quarter++) {
        for (int i = 0; i < 16; i++) {
            code[16 * quarter + i] = plane[i] >> (2 * quarter) & 3;
        }
    }
}

/* Weights of one chunk plus 32, row by row: 1..63. value: of the eight codes. */
static void decode_w3(const uint8_t *chunk, const uint8_t value[8], uint8_t weight[64])
{
    uint8_t low[64];
    spread_plane(chunk, low);
    for (int j = 0; j < 64; j++) {
        weight[j] = value[low[j] | (chunk[16 + j / 8] >> (j % 8) & 1) << 2];
    }
}

/* The code is the weight plus 32 already: 0..63. */
static void decode_w6(const uint8_t *chunk, uint8_t weight[64])
{
    uint8_t low[64], middle[64], high[64];
    spread_plane(chunk, low);
    spread_plane(chunk + 16, middle);
    spread_plane(chunk + 32, high);
    for (int j = 0; j < 64; j++) {
        weight[j] = (uint8_t)(low[j] | middle[j] << 2 | high[j] << 4);
    }
}

static void add_chunk(const uint8_t weight[64], const int8_t x[4], int32_t sum[BLOCK_ROWS])
{
    for (int r = 0; r < BLOCK_ROWS; r++) {
        sum[r] += weight[4 * r] * x[0] + weight[4 * r + 1] * x[1] + weight[4 * r + 2] * x[2] + weight[4 * r + 3] * x[3];
    }
}

static void add_group(const struct matrix *w, const uint8_t *data, const int8_t *x, int32_t start, int32_t sum[BLOCK_ROWS])
{
    uint8_t value[8];
    for (int code = 0; code < 8; code++) {
        value[code] = (uint8_t)(w->codebook[code] + 32);
    }
    const int chunk_bytes = w->format == WEIGHT_W3 ? CHUNK_BYTES_W3 : CHUNK_BYTES_W6;
    int32_t group_sum[BLOCK_ROWS];
    for (int r = 0; r < BLOCK_ROWS; r++) {
        group_sum[r] = start;
    }
    for (int c = 0; c < CHUNKS_PER_GROUP; c++) {
        const uint8_t *chunk = data + BLOCK_ROWS + (ptrdiff_t)c * chunk_bytes;
        uint8_t weight[64];
        if (w->format == WEIGHT_W3) {
            decode_w3(chunk, value, weight);
        } else {
            decode_w6(chunk, weight);
        }
        add_chunk(weight, x + (ptrdiff_t)4 * c, group_sum);
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

int64_t isa_plain_exp2_weights(const int32_t *l, int32_t max, int32_t n, uint32_t *weight)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        const uint64_t distance = (uint64_t)((int64_t)max - l[i]);
        const int more = (int)weight[i];
        const uint32_t p = k_exp2_weight(distance, 0);
        sum += p;
        weight[i] = more == 0 ? p : k_exp2_weight(distance, more);
    }
    return sum;
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

const struct isa_table isa_plain = {gemv_blocks, dot_rows, isa_plain_exp2_weights, weigh_rows};
