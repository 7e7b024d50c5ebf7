/* isa_avx2.c -- AVX2: a plane of 16 rows is two registers of 8 rows. */
#include <immintrin.h>
#include <string.h>

#include "kernels/isa_table.h"

/* -- gemv -- */

/* A plane of 8 of the 16 rows; planes points to those rows' half. */
static inline __m256i plane(const uint8_t *planes, int which)
{
    return _mm256_loadu_si256((const __m256i *)(planes + (ptrdiff_t)PLANE_BYTES * which));
}

/* Some low bits of each byte, from bit `from` on. */
static inline __m256i bits(__m256i v, int from, int mask)
{
    return _mm256_and_si256(from ? _mm256_srli_epi16(v, from) : v, _mm256_set1_epi8((char)mask));
}

/* The six bits that stand in the top two of three planes. */
static inline __m256i top_bits(__m256i a, __m256i b, __m256i c)
{
    return _mm256_or_si256(bits(a, 6, 0x03), _mm256_or_si256(bits(b, 4, 0x0c), bits(c, 2, 0x30)));
}

/* Weights + 32 of the two chunks that stand side by side, of 8 rows. */
struct pair {
    __m256i even, odd;
};

static inline struct pair decode(__m256i codebook, __m256i v, int code_bits)
{
    const int mask = (1 << code_bits) - 1;
    return (struct pair){_mm256_shuffle_epi8(codebook, bits(v, 0, mask)), _mm256_shuffle_epi8(codebook, bits(v, code_bits, mask))};
}

static inline void decode_panel(__m256i codebook, enum weight_format format, const uint8_t *planes, struct pair pair[4])
{
    if (format == WEIGHT_W4) {
        for (int i = 0; i < 4; i++) {
            pair[i] = decode(codebook, plane(planes, i), 4);
        }
        return;
    }
    const __m256i a = plane(planes, 0), b = plane(planes, 1), c = plane(planes, 2), top = top_bits(a, b, c);
    if (format == WEIGHT_W3) {
        pair[0] = decode(codebook, a, 3);
        pair[1] = decode(codebook, b, 3);
        pair[2] = decode(codebook, c, 3);
        pair[3] = decode(codebook, top, 3);
        return;
    }
    const __m256i e = plane(planes, 3), f = plane(planes, 4), g = plane(planes, 5);
    pair[0] = (struct pair){bits(a, 0, 63), bits(b, 0, 63)};
    pair[1] = (struct pair){bits(c, 0, 63), top};
    pair[2] = (struct pair){bits(e, 0, 63), bits(f, 0, 63)};
    pair[3] = (struct pair){bits(g, 0, 63), top_bits(e, f, g)};
}

static inline __m256i four_inputs(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
}

/* sum + the products of two chunks. Weights are 0..63, so two products, and two such sums, fit 16 bits: 4 * 63 * 127 < 2^15. */
static inline __m256i add_products(__m256i sum, struct pair pair, const int8_t *x)
{
    const __m256i a = _mm256_maddubs_epi16(pair.even, four_inputs(x)), b = _mm256_maddubs_epi16(pair.odd, four_inputs(x + 4));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1)));
}

/* total + (scales << shift) * sum, 8 rows */
static inline __m256i add_scaled(__m256i total, const uint8_t *scales, __m256i shift, __m256i sum)
{
    const __m256i scale = _mm256_sllv_epi32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)scales)), shift);
    return _mm256_add_epi32(total, _mm256_mullo_epi32(scale, sum));
}

/* total + a panel's sums, of 8 rows from `first_row` on. */
ALWAYS_INLINE __m256i add_panel(__m256i total, __m256i codebook, enum weight_format format, int groups, const uint8_t *data, int first_row,
                                const struct panel_inputs *in)
{
    struct pair pair[4];
    const __m256i shift = _mm256_set1_epi32(in->shift[0]);
    __m256i sum = _mm256_set1_epi32(in->start[0]);
    decode_panel(codebook, format, data + (ptrdiff_t)BLOCK_ROWS * groups + (ptrdiff_t)CHUNK_INPUTS * first_row, pair);
    for (int i = 0; i < 4; i++) {
        if (groups == 2 && i == 2) {
            total = add_scaled(total, data + first_row, shift, sum);
            sum = _mm256_set1_epi32(in->start[1]);
        }
        sum = add_products(sum, pair[i], in->x + (ptrdiff_t)8 * i);
    }
    return add_scaled(total, data + (ptrdiff_t)BLOCK_ROWS * (groups - 1) + first_row, shift, sum);
}

static inline void add_to(int64_t *y, __m256i total)
{
    __m256i *at = (__m256i *)y;
    const __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(total)),
                  high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(total, 1));
    _mm256_storeu_si256(at, _mm256_add_epi64(_mm256_loadu_si256(at), low));
    _mm256_storeu_si256(at + 1, _mm256_add_epi64(_mm256_loadu_si256(at + 1), high));
}

/* A run of panels of one block is added to y [16]. Format and group_inputs are constants where it is used. */
ALWAYS_INLINE void run(__m256i codebook, enum weight_format format, int group_inputs, const uint8_t *data, int32_t n_panels,
                       struct panel_inputs in, int64_t *y)
{
    const int groups = PANEL_INPUTS / group_inputs, panel_bytes = BLOCK_ROWS * groups + PLANE_BYTES * weight_bits(format);
    __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
    for (int32_t p = 0; p < n_panels; p++, data += panel_bytes, in = panel_inputs_from(&in, groups, 1)) {
        prefetch_panel(data, panel_bytes);
        low = add_panel(low, codebook, format, groups, data, 0, &in);
        high = add_panel(high, codebook, format, groups, data, 8, &in);
    }
    add_to(y, low);
    add_to(y + 8, high);
}

ALWAYS_INLINE void blocks(const struct matrix *w, enum weight_format format, int group_inputs, const uint8_t *data, int32_t n_blocks,
                          const struct panel_inputs *in, int64_t *y)
{
    const int32_t n_panels = matrix_panels(w), groups = PANEL_INPUTS / group_inputs;
    uint8_t values[CODEBOOK_MAX];
    for (int code = 0; code < CODEBOOK_MAX; code++) {
        values[code] = (uint8_t)(w->codebook[code] + 32);
    }
    const __m256i codebook = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)values));
    for (int32_t block = 0; block < n_blocks; block++, y += BLOCK_ROWS) {
        memset(y, 0, BLOCK_ROWS * sizeof *y);
        for (int32_t p = 0; p < n_panels; p += RUN_PANELS) {
            const int32_t n = n_panels - p < RUN_PANELS ? n_panels - p : RUN_PANELS;
            run(codebook, format, group_inputs, data, n, panel_inputs_from(in, groups, p), y);
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

static inline __m256i widen(const int8_t *at)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)at));
}

static inline int32_t sum_of(__m256i v)
{
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    return _mm_cvtsi128_si32(sum);
}

static void dot_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const int8_t *x, int32_t *out)
{
    for (int32_t r = 0; r < n_rows; r++, rows += stride) {
        __m256i sum = _mm256_setzero_si256();
        int32_t i = 0;
        for (; i + 16 <= n; i += 16) {
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(widen(rows + i), widen(x + i)));
        }
        out[r] = sum_of(sum);
        for (; i < n; i++) {
            out[r] += rows[i] * x[i];
        }
    }
}

/* 16 columns of two rows at a time: weights are split into 12 low and 12 high bits, so that both fit a signed 16-bit operand.
 * 2^11 pairs of rows of 2 * 4095 * 127 fit 32 bits. Columns stand in the order of unpacklo and unpackhi: 0-3 8-11, 4-7 12-15. */
static void weigh_columns(const int8_t *rows, int64_t stride, int32_t n_rows, const uint32_t *weight, __m256i low[2], __m256i high[2])
{
    for (int32_t r = 0; r < n_rows; r += 2, rows += 2 * stride, weight += 2) {
        const bool pair = r + 1 < n_rows;
        const uint32_t a = weight[0], b = pair ? weight[1] : 0;
        const __m256i w_low = _mm256_set1_epi32((int32_t)((a & 0xfff) | (b & 0xfff) << 16));
        const __m256i w_high = _mm256_set1_epi32((int32_t)(a >> 12 | b >> 12 << 16));
        const __m256i row_a = widen(rows), row_b = pair ? widen(rows + stride) : _mm256_setzero_si256();
        const __m256i v[2] = {_mm256_unpacklo_epi16(row_a, row_b), _mm256_unpackhi_epi16(row_a, row_b)};
        for (int i = 0; i < 2; i++) {
            low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(v[i], w_low));
            high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(v[i], w_high));
        }
    }
}

static void add_columns(const __m256i low[2], const __m256i high[2], int64_t *out)
{
    int32_t l[16], h[16];
    memcpy(l, low, sizeof l);
    memcpy(h, high, sizeof h);
    for (int i = 0; i < 16; i++) {
        const int from = (i & 3) | (i & 8) >> 1 | (i & 4) << 1;
        out[i] += l[from] + ((int64_t)h[from] * 4096);
    }
}

static void weigh_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const uint32_t *weight, int64_t *out)
{
    enum { ROWS_AT_ONCE = 1 << 11 };
    memset(out, 0, (size_t)n * sizeof *out);
    const int32_t whole = n / 16 * 16;
    for (int32_t first = 0; first < n_rows; first += ROWS_AT_ONCE) {
        const int32_t n_now = n_rows - first < ROWS_AT_ONCE ? n_rows - first : ROWS_AT_ONCE;
        for (int32_t i = 0; i < whole; i += 16) {
            __m256i low[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()}, high[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
            weigh_columns(rows + first * stride + i, stride, n_now, weight + first, low, high);
            add_columns(low, high, out + i);
        }
    }
    for (int32_t r = 0; r < n_rows && whole < n; r++) {
        for (int32_t i = whole; i < n; i++) {
            out[i] += (int64_t)weight[r] * rows[r * stride + i];
        }
    }
}

const struct isa_table isa_avx2 = {gemv_blocks, dot_rows, isa_plain_exp2_weights, weigh_rows};
