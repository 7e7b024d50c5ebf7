/* isa_avx512.c -- AVX-512 with VNNI and VBMI: a chunk of 64 weights is one register, one decode and one dot product. */
#include <immintrin.h>
#include <string.h>

#include "kernels/isa_table.h"

/* -- gemv -- */

/* Shifts that bring bits 2L, 2L + 1 of each byte in 128-bit lane L to bits `up`, `up` + 1 of the byte; what stands beside them is masked away
 * later, or has no effect. The shuffle ports are what limits decoding, so it matters how: on Zen 4, one core, a shift to the right gave
 * 56 Gweights/s, a rotation 48, vpmultishiftqb 48.6. */
static __m512i plane_shift(int up)
{
    uint32_t by[16];
    for (int i = 0; i < 16; i++) {
        by[i] = (uint32_t)(2 * (i / 4) - up) & 31;
    }
    return _mm512_loadu_si512(by);
}

static inline __m512i plane(__m512i shift, const uint8_t *at)
{
    return _mm512_srlv_epi32(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)at)), shift);
}

static inline __m512i plane_up(__m512i shift, const uint8_t *at)
{
    return _mm512_rorv_epi32(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)at)), shift);
}

static inline __m512i four_inputs(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

struct decoder_w3 {
    __m512i shift, low, high; /* weights + 32 of codes 0..3 and 4..7, looked up by an index's two low bits */
};

static struct decoder_w3 decoder_w3(const struct matrix *w)
{
    uint8_t low[64], high[64];
    for (int i = 0; i < 64; i++) {
        low[i] = (uint8_t)(w->codebook[i & 3] + 32);
        high[i] = (uint8_t)(w->codebook[4 + (i & 3)] + 32);
    }
    return (struct decoder_w3){plane_shift(0), _mm512_loadu_si512(low), _mm512_loadu_si512(high)};
}

static inline __m512i dot_chunk_w3(const struct decoder_w3 *d, __m512i sum, const uint8_t *chunk, const int8_t *x)
{
    uint64_t bit2;
    memcpy(&bit2, chunk + 16, sizeof bit2);
    const __m512i index = plane(d->shift, chunk);
    const __m512i weight = _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(index, d->low), _cvtu64_mask64(bit2), index, d->high);
    return _mm512_dpbusd_epi32(sum, weight, four_inputs(x));
}

struct decoder_w6 {
    __m512i shift[3];
};

static struct decoder_w6 decoder_w6(void)
{
    return (struct decoder_w6){{plane_shift(0), plane_shift(2), plane_shift(4)}};
}

static inline __m512i dot_chunk_w6(const struct decoder_w6 *d, __m512i sum, const uint8_t *chunk, const int8_t *x)
{
    enum { SELECT = 0xca }; /* a ? b : c, bit by bit */
    const __m512i low =
        _mm512_ternarylogic_epi32(_mm512_set1_epi8(0x03), plane(d->shift[0], chunk), plane_up(d->shift[1], chunk + 16), SELECT);
    const __m512i all = _mm512_ternarylogic_epi32(_mm512_set1_epi8(0x0f), low, plane_up(d->shift[2], chunk + 32), SELECT);
    return _mm512_dpbusd_epi32(sum, _mm512_and_si512(all, _mm512_set1_epi8(0x3f)), four_inputs(x));
}

/* total + scales * the group's sums, 16 rows */
static inline __m512i add_scaled(__m512i total, const uint8_t *scales, __m512i even, __m512i odd)
{
    const __m512i scale = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)scales));
    return _mm512_add_epi32(total, _mm512_mullo_epi32(scale, _mm512_add_epi32(even, odd)));
}

static inline void add_to(int64_t *y, __m512i total)
{
    const __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(total));
    const __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(total, 1));
    _mm512_storeu_si512(y, _mm512_add_epi64(_mm512_loadu_si512(y), low));
    _mm512_storeu_si512(y + 8, _mm512_add_epi64(_mm512_loadu_si512(y + 8), high));
}

/* One tile of one block, n_groups groups from data and x on. */
static __m512i tile_w3(const struct decoder_w3 *d, const uint8_t *data, int32_t n_groups, const int8_t *x, const int32_t *start)
{
    __m512i total = _mm512_setzero_si512();
    for (int32_t g = 0; g < n_groups; g++, x += GROUP_INPUTS) {
        const uint8_t *chunk = data + BLOCK_ROWS;
        __m512i even = _mm512_set1_epi32(start[g]), odd = _mm512_setzero_si512();
        for (int c = 0; c < CHUNKS_PER_GROUP; c += 2, chunk += (ptrdiff_t)2 * CHUNK_BYTES_W3) {
            even = dot_chunk_w3(d, even, chunk, x + 4 * c);
            odd = dot_chunk_w3(d, odd, chunk + CHUNK_BYTES_W3, x + 4 * c + 4);
        }
        total = add_scaled(total, data, even, odd);
        data = chunk;
    }
    return total;
}

static __m512i tile_w6(const struct decoder_w6 *d, const uint8_t *data, int32_t n_groups, const int8_t *x, const int32_t *start)
{
    __m512i total = _mm512_setzero_si512();
    for (int32_t g = 0; g < n_groups; g++, x += GROUP_INPUTS) {
        const uint8_t *chunk = data + BLOCK_ROWS;
        __m512i even = _mm512_set1_epi32(start[g]), odd = _mm512_setzero_si512();
        for (int c = 0; c < CHUNKS_PER_GROUP; c += 2, chunk += (ptrdiff_t)2 * CHUNK_BYTES_W6) {
            even = dot_chunk_w6(d, even, chunk, x + 4 * c);
            odd = dot_chunk_w6(d, odd, chunk + CHUNK_BYTES_W6, x + 4 * c + 4);
        }
        total = add_scaled(total, data, even, odd);
        data = chunk;
    }
    return total;
}

static void gemv_blocks(const struct matrix *w, const uint8_t *data, int32_t n_blocks, const int8_t *x, const int32_t *start, int64_t *y)
{
    const int32_t n_groups = matrix_groups(w);
    const int64_t group_bytes = matrix_group_bytes(w);
    const bool w3 = w->format == WEIGHT_W3;
    const struct decoder_w3 d3 = decoder_w3(w);
    const struct decoder_w6 d6 = decoder_w6();
    for (int32_t block = 0; block < n_blocks; block++, y += BLOCK_ROWS) {
        memset(y, 0, BLOCK_ROWS * sizeof *y);
        for (int32_t g = 0; g < n_groups; g += TILE_GROUPS) {
            const int32_t n = n_groups - g < TILE_GROUPS ? n_groups - g : TILE_GROUPS;
            const int8_t *tile_x = x + (int64_t)g * GROUP_INPUTS;
            add_to(y, w3 ? tile_w3(&d3, data, n, tile_x, start + g) : tile_w6(&d6, data, n, tile_x, start + g));
            data += n * group_bytes;
        }
    }
}

/* -- rows of int8 -- */

static inline __mmask64 first_bytes(int32_t n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

/* Rows are made unsigned by adding 128; what that adds too much is 128 * sum of x. Sums wrap modulo 2^32, and the true result fits. */
static void dot_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const int8_t *x, int32_t *out)
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    __m512i x_sum = _mm512_setzero_si512();
    for (int32_t i = 0; i < n; i += 64) {
        x_sum = _mm512_dpbusd_epi32(x_sum, sign, _mm512_maskz_loadu_epi8(first_bytes(n - i), x + i));
    }
    const uint32_t too_much = (uint32_t)_mm512_reduce_add_epi32(x_sum);
    for (int32_t r = 0; r < n_rows; r++, rows += stride) {
        __m512i sum = _mm512_setzero_si512();
        for (int32_t i = 0; i < n; i += 64) {
            const __mmask64 mask = first_bytes(n - i);
            const __m512i row = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, rows + i), sign);
            sum = _mm512_dpbusd_epi32(sum, row, _mm512_maskz_loadu_epi8(mask, x + i));
        }
        out[r] = (int32_t)((uint32_t)_mm512_reduce_add_epi32(sum) - too_much);
    }
}

/* The bytes of four rows, n <= 16 columns: column i's four stand together in element i. */
static inline __m512i four_rows(const int8_t *rows, int64_t stride, int32_t n_rows, __mmask16 columns)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128i a = _mm_maskz_loadu_epi8(columns, rows);
    const __m128i b = n_rows > 1 ? _mm_maskz_loadu_epi8(columns, rows + stride) : zero;
    const __m128i c = n_rows > 2 ? _mm_maskz_loadu_epi8(columns, rows + 2 * stride) : zero;
    const __m128i d = n_rows > 3 ? _mm_maskz_loadu_epi8(columns, rows + 3 * stride) : zero;
    const __m128i ab_low = _mm_unpacklo_epi8(a, b), ab_high = _mm_unpackhi_epi8(a, b);
    const __m128i cd_low = _mm_unpacklo_epi8(c, d), cd_high = _mm_unpackhi_epi8(c, d);
    const __m256i low = _mm256_set_m128i(_mm_unpackhi_epi16(ab_low, cd_low), _mm_unpacklo_epi16(ab_low, cd_low));
    const __m256i high = _mm256_set_m128i(_mm_unpackhi_epi16(ab_high, cd_high), _mm_unpacklo_epi16(ab_high, cd_high));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* Byte `which` of four weights, as the unsigned operand of a 4-way dot product. */
static inline __m512i weight_bytes(const uint32_t weight[4], int which)
{
    uint32_t four = 0;
    for (int r = 0; r < 4; r++) {
        four |= (weight[r] >> (8 * which) & 0xff) << (8 * r);
    }
    return _mm512_set1_epi32((int32_t)four);
}

/* 16 columns of all rows: weights are split into three bytes, each a sum of its own; 2^14 rows of 255 * 127 fit 32 bits. */
static void weigh_columns(const int8_t *rows, int64_t stride, int32_t n_rows, __mmask16 columns, const uint32_t *weight, __m512i sum[3])
{
    for (int32_t r = 0; r < n_rows; r += 4, rows += 4 * stride, weight += 4) {
        const int32_t n = n_rows - r < 4 ? n_rows - r : 4;
        uint32_t four[4] = {0};
        memcpy(four, weight, (size_t)n * sizeof *four);
        const __m512i v = four_rows(rows, stride, n, columns);
        for (int byte = 0; byte < 3; byte++) {
            sum[byte] = _mm512_dpbusd_epi32(sum[byte], weight_bytes(four, byte), v);
        }
    }
}

static void weigh_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const uint32_t *weight, int64_t *out)
{
    enum { ROWS_AT_ONCE = 1 << 14 };
    memset(out, 0, (size_t)n * sizeof *out);
    for (int32_t first = 0; first < n_rows; first += ROWS_AT_ONCE) {
        const int32_t n_now = n_rows - first < ROWS_AT_ONCE ? n_rows - first : ROWS_AT_ONCE;
        for (int32_t i = 0; i < n; i += 16) {
            const int32_t width = n - i < 16 ? n - i : 16;
            __m512i sum[3] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
            weigh_columns(rows + first * stride + i, stride, n_now, (__mmask16)(((uint32_t)1 << width) - 1), weight + first, sum);
            int32_t part[3][16];
            memcpy(part, sum, sizeof part);
            for (int32_t c = 0; c < width; c++) {
                out[i + c] += part[0][c] + ((int64_t)part[1][c] * 256) + ((int64_t)part[2][c] * 65536);
            }
        }
    }
}

const struct isa_table isa_avx512 = {gemv_blocks, dot_rows, weigh_rows};
