/* isa_avx2.c -- AVX2: a chunk of 64 weights is two registers of 8 rows. */
#include <immintrin.h>
#include <string.h>

#include "kernels/isa_table.h"

/* -- gemv -- */

/* Two bits of each code of 8 rows (half = 0: rows 0-7, 1: rows 8-15), others beside them zero. */
static inline __m256i plane(const uint8_t *at, int half)
{
    const __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)at));
    const __m256i shift = half ? _mm256_setr_epi32(4, 4, 4, 4, 6, 6, 6, 6) : _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2);
    return _mm256_and_si256(_mm256_srlv_epi32(bytes, shift), _mm256_set1_epi8(3));
}

/* Bit i of the 32 as byte i: 4 or 0. */
static inline __m256i bit_two(const uint8_t *at)
{
    int32_t bits;
    memcpy(&bits, at, sizeof bits);
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), spread), bit), bit);
    return _mm256_and_si256(set, _mm256_set1_epi8(4));
}

static inline __m256i weights_w3(const uint8_t *chunk, int half, __m256i codebook)
{
    const __m256i code = _mm256_or_si256(plane(chunk, half), bit_two(chunk + 16 + (ptrdiff_t)4 * half));
    return _mm256_shuffle_epi8(codebook, code);
}

static inline __m256i weights_w6(const uint8_t *chunk, int half)
{
    const __m256i middle = _mm256_slli_epi16(plane(chunk + 16, half), 2), high = _mm256_slli_epi16(plane(chunk + 32, half), 4);
    return _mm256_or_si256(plane(chunk, half), _mm256_or_si256(middle, high));
}

static inline __m256i four_inputs(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
}

/* 8 rows of a group. Weights are 0..63, so two products, and two such sums, fit 16 bits: 4 * 63 * 127 < 2^15. */
static inline __m256i group_w3(const uint8_t *data, int half, const int8_t *x, int32_t start, __m256i codebook)
{
    __m256i sum = _mm256_set1_epi32(start);
    const uint8_t *chunk = data + BLOCK_ROWS;
    for (int c = 0; c < CHUNKS_PER_GROUP; c += 2, chunk += (ptrdiff_t)2 * CHUNK_BYTES_W3) {
        const __m256i a = _mm256_maddubs_epi16(weights_w3(chunk, half, codebook), four_inputs(x + 4 * c));
        const __m256i b = _mm256_maddubs_epi16(weights_w3(chunk + CHUNK_BYTES_W3, half, codebook), four_inputs(x + 4 * c + 4));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1)));
    }
    return sum;
}

static inline __m256i group_w6(const uint8_t *data, int half, const int8_t *x, int32_t start)
{
    __m256i sum = _mm256_set1_epi32(start);
    const uint8_t *chunk = data + BLOCK_ROWS;
    for (int c = 0; c < CHUNKS_PER_GROUP; c += 2, chunk += (ptrdiff_t)2 * CHUNK_BYTES_W6) {
        const __m256i a = _mm256_maddubs_epi16(weights_w6(chunk, half), four_inputs(x + 4 * c));
        const __m256i b = _mm256_maddubs_epi16(weights_w6(chunk + CHUNK_BYTES_W6, half), four_inputs(x + 4 * c + 4));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1)));
    }
    return sum;
}

static inline __m256i scales(const uint8_t *data, int half)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(data + (ptrdiff_t)8 * half)));
}

static inline void add_to(int64_t *y, __m256i total)
{
    __m256i *at = (__m256i *)y;
    const __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(total)),
                  high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(total, 1));
    _mm256_storeu_si256(at, _mm256_add_epi64(_mm256_loadu_si256(at), low));
    _mm256_storeu_si256(at + 1, _mm256_add_epi64(_mm256_loadu_si256(at + 1), high));
}

/* One tile of one block is added to y [16]. */
static void tile(const struct matrix *w, const uint8_t *data, int32_t n_groups, const int8_t *x, const int32_t *start, __m256i codebook,
                 int64_t *y)
{
    const int64_t group_bytes = matrix_group_bytes(w);
    __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
    for (int32_t g = 0; g < n_groups; g++, data += group_bytes, x += GROUP_INPUTS) {
        const bool w3 = w->format == WEIGHT_W3;
        const __m256i low_sum = w3 ? group_w3(data, 0, x, start[g], codebook) : group_w6(data, 0, x, start[g]);
        const __m256i high_sum = w3 ? group_w3(data, 1, x, start[g], codebook) : group_w6(data, 1, x, start[g]);
        low = _mm256_add_epi32(low, _mm256_mullo_epi32(scales(data, 0), low_sum));
        high = _mm256_add_epi32(high, _mm256_mullo_epi32(scales(data, 1), high_sum));
    }
    add_to(y, low);
    add_to(y + 8, high);
}

static void gemv_blocks(const struct matrix *w, const uint8_t *data, int32_t n_blocks, const int8_t *x, const int32_t *start, int64_t *y)
{
    const int32_t n_groups = matrix_groups(w);
    uint8_t values[16] = {0};
    for (int code = 0; code < 8; code++) {
        values[code] = (uint8_t)(w->codebook[code] + 32);
    }
    const __m256i codebook = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)values));
    for (int32_t block = 0; block < n_blocks; block++, y += BLOCK_ROWS) {
        memset(y, 0, BLOCK_ROWS * sizeof *y);
        for (int32_t g = 0; g < n_groups; g += TILE_GROUPS) {
            const int32_t n = n_groups - g < TILE_GROUPS ? n_groups - g : TILE_GROUPS;
            tile(w, data, n, x + (int64_t)g * GROUP_INPUTS, start + g, codebook, y);
            data += n * matrix_group_bytes(w);
        }
    }
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
