/* isa_plain.c -- the heavy kernels in portable C: the definition that the SIMD variants must equal. */
#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/matrix_panel.h"
#include "kernels/tables.h"

/* -- gemv -- */

/* Weights plus 32, 0..63, of each code. */
static void decoder(const struct matrix *w, uint8_t value[64])
{
    const int n = weight_codebook_entries(w->format);
    for (int code = 0; code < 64; code++) {
        value[code] = (uint8_t)(n == 0 ? code : w->codebook[code % CODEBOOK_MAX] + 32);
    }
}

ALWAYS_INLINE void decode_panel(enum weight_format format, const uint8_t *planes, const uint8_t value[64],
                                uint8_t weight[PANEL_CHUNKS][CHUNK_CODES])
{
    for (int c = 0; c < PANEL_CHUNKS; c++) {
        for (int j = 0; j < CHUNK_CODES; j++) {
            const int code = panel_code(format, planes, c, j);
            weight[c][j] = format == WEIGHT_W6 ? (uint8_t)code : value[code];
        }
    }
}

static void add_chunk(const uint8_t weight[CHUNK_CODES], const int8_t x[CHUNK_INPUTS], int32_t sum[BLOCK_ROWS])
{
    for (int r = 0; r < BLOCK_ROWS; r++) {
        sum[r] += weight[4 * r] * x[0] + weight[4 * r + 1] * x[1] + weight[4 * r + 2] * x[2] + weight[4 * r + 3] * x[3];
    }
}

/* A group's sums, times its scales and the inputs' power of two, are added to sum. */
static void add_group(uint8_t (*weight)[CHUNK_CODES], int n_chunks, const int8_t *x, int32_t start, const uint8_t *scales, int shift,
                      int32_t sum[BLOCK_ROWS])
{
    int32_t group_sum[BLOCK_ROWS];
    for (int r = 0; r < BLOCK_ROWS; r++) {
        group_sum[r] = start;
    }
    for (int c = 0; c < n_chunks; c++) {
        add_chunk(weight[c], x + (ptrdiff_t)CHUNK_INPUTS * c, group_sum);
    }
    for (int r = 0; r < BLOCK_ROWS; r++) {
        sum[r] += (scales[r] << shift) * group_sum[r];
    }
}

/* A run of panels of one block is added to y [16]. */
ALWAYS_INLINE void run(enum weight_format format, int group_inputs, const uint8_t value[64], const uint8_t *data, int32_t n_panels,
                       struct panel_inputs in, int64_t *y)
{
    const int groups = PANEL_INPUTS / group_inputs, n_chunks = PANEL_CHUNKS / groups;
    int32_t sum[BLOCK_ROWS] = {0};
    for (int32_t p = 0; p < n_panels; p++) {
        uint8_t weight[PANEL_CHUNKS][CHUNK_CODES];
        decode_panel(format, data + (ptrdiff_t)BLOCK_ROWS * groups, value, weight);
        for (int g = 0; g < groups; g++, in.x += group_inputs) {
            add_group(weight + (ptrdiff_t)n_chunks * g, n_chunks, in.x, *in.start++, data + (ptrdiff_t)BLOCK_ROWS * g, in.shift[p], sum);
        }
        data += BLOCK_ROWS * groups + PLANE_BYTES * weight_bits(format);
    }
    for (int r = 0; r < BLOCK_ROWS; r++) {
        y[r] += sum[r];
    }
}

ALWAYS_INLINE void blocks(const struct matrix *w, enum weight_format format, int group_inputs, const uint8_t *data, int32_t n_blocks,
                          const struct panel_inputs *in, int64_t *y)
{
    const int32_t n_panels = matrix_panels(w), groups = PANEL_INPUTS / group_inputs;
    uint8_t value[64];
    decoder(w, value);
    for (int32_t block = 0; block < n_blocks; block++, y += BLOCK_ROWS) {
        memset(y, 0, BLOCK_ROWS * sizeof *y);
        for (int32_t p = 0; p < n_panels; p += RUN_PANELS) {
            const int32_t n = n_panels - p < RUN_PANELS ? n_panels - p : RUN_PANELS;
            run(format, group_inputs, value, data, n, panel_inputs_from(in, groups, p), y);
            data += n * matrix_panel_bytes(w);
        }
    }
}

static void gemv_blocks(const struct matrix *w, const uint8_t *data, int32_t n_blocks, const struct panel_inputs *in, int64_t *y)
{
#define GEMV_BLOCKS(format, group_inputs) blocks(w, format, group_inputs, data, n_blocks, in, y)
    FOR_MATRIX_KIND(w, GEMV_BLOCKS)
#undef GEMV_BLOCKS
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
