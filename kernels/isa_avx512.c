/* isa_avx512.c -- AVX-512 with VNNI and VBMI: a chunk of 64 weights is one register, one decode and one dot product. */
#include <immintrin.h>
#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/tables.h"

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

/* Element j of 128-bit lane L: the sum of lane L of sums[j]. */
static inline __m512i add_across(const __m512i sum[4])
{
    const __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[0], sum[1]), _mm512_unpackhi_epi32(sum[0], sum[1]));
    const __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(sum[2], sum[3]), _mm512_unpackhi_epi32(sum[2], sum[3]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/* The sums of all 16 elements of four registers. */
static inline __m128i reduce_four(const __m512i sum[4])
{
    const __m512i lanes = add_across(sum);
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(lanes), _mm512_extracti64x4_epi64(lanes, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* Rows are made unsigned by adding 128, since the product wants one unsigned operand; what that adds too much is 128 * sum of x.
 * Sums wrap modulo 2^32, and the true result fits. */
static inline __m512i add_products(__m512i sum, __mmask64 mask, const int8_t *row, __m512i x)
{
    return _mm512_dpbusd_epi32(sum, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, row), _mm512_set1_epi8((char)0x80)), x);
}

static __m128i dot_four_rows(const int8_t *const row[4], int32_t n, const int8_t *x, __m128i too_much)
{
    __m512i sum[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int32_t i = 0; i < n; i += 64) {
        const __mmask64 mask = first_bytes(n - i);
        const __m512i inputs = _mm512_maskz_loadu_epi8(mask, x + i);
        for (int r = 0; r < 4; r++) {
            sum[r] = add_products(sum[r], mask, row[r] + i, inputs);
        }
    }
    return _mm_sub_epi32(reduce_four(sum), too_much);
}

/* 128 * sum of x */
static int32_t offset_of(const int8_t *x, int32_t n)
{
    __m512i sum = _mm512_setzero_si512();
    for (int32_t i = 0; i < n; i += 64) {
        sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8((char)0x80), _mm512_maskz_loadu_epi8(first_bytes(n - i), x + i));
    }
    return _mm512_reduce_add_epi32(sum);
}

/* Rows of 16 elements without gaps (LoRA's B at rank 16): four to a register. Returns how many rows it did, a multiple of 16. */
static int32_t dot_short_rows(const int8_t *rows, int32_t n_rows, const int8_t *x, int32_t too_much, int32_t *out)
{
    const __m512i inputs = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)x));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    int32_t r = 0;
    for (; r + 16 <= n_rows; r += 16, rows += 256) {
        __m512i sum[4];
        for (int j = 0; j < 4; j++) {
            sum[j] = add_products(_mm512_setzero_si512(), ~(__mmask64)0, rows + (ptrdiff_t)64 * j, inputs);
        }
        const __m512i dots = _mm512_permutexvar_epi32(order, add_across(sum));
        _mm512_storeu_si512(out + r, _mm512_sub_epi32(dots, _mm512_set1_epi32(too_much)));
    }
    return r;
}

static void dot_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const int8_t *x, int32_t *out)
{
    const int32_t too_much = offset_of(x, n);
    int32_t r = n == 16 && stride == 16 ? dot_short_rows(rows, n_rows, x, too_much, out) : 0;
    for (; r < n_rows; r += 4) {
        const int32_t left = n_rows - r;
        const int8_t *four[4];
        for (int j = 0; j < 4; j++) {
            four[j] = rows + (r + (j < left ? j : 0)) * stride;
        }
        _mm_mask_storeu_epi32(out + r, (__mmask8)(left < 4 ? (1 << left) - 1 : 15), dot_four_rows(four, n, x, _mm_set1_epi32(too_much)));
    }
}

/* -- softmax weights, as in tables.c -- */

/* shr_round(v, by), 0 where by is 32 or more; v < 2^31 */
static inline __m512i shift_round(__m512i v, __m512i by)
{
    const __m512i one = _mm512_set1_epi32(1), half = _mm512_sllv_epi32(one, _mm512_sub_epi32(by, one)); /* by 0: a shift by 2^32 - 1 is 0 */
    return _mm512_srlv_epi32(_mm512_add_epi32(v, half), by);
}

/* 16 times T of k_exp2, for the low 16 bits of d */
static inline __m512i exp2_table(__m512i d)
{
    const int32_t *table = k_tables()->exp2;
    const __m512i byte = _mm512_set1_epi32(0xff), at = _mm512_and_si512(_mm512_srli_epi32(d, 8), byte),
                  fraction = _mm512_and_si512(d, byte);
    const __m512i here = _mm512_i32gather_epi32(at, table, 4), next = _mm512_i32gather_epi32(at, table + 1, 4);
    const __m512i slope = _mm512_mullo_epi32(_mm512_sub_epi32(next, here), fraction);
    return _mm512_add_epi32(here, _mm512_srai_epi32(_mm512_add_epi32(slope, _mm512_set1_epi32(128)), 8));
}

static int64_t exp2_weights(const int32_t *l, int32_t max, int32_t n, uint32_t *weight)
{
    __m512i sum = _mm512_setzero_si512();
    for (int32_t i = 0; i < n; i += 16) {
        const __mmask16 mask = (__mmask16)(n - i < 16 ? (1 << (n - i)) - 1 : 0xffff);
        /* The difference of two int32 fits an unsigned one. */
        const __m512i d = _mm512_sub_epi32(_mm512_set1_epi32(max), _mm512_mask_loadu_epi32(_mm512_set1_epi32(max), mask, l + i));
        const __m512i t = _mm512_slli_epi32(exp2_table(d), 8), shift = _mm512_srli_epi32(d, 16);
        const __m512i p = _mm512_maskz_mov_epi32(mask, shift_round(t, shift));
        const __m512i w = shift_round(t, _mm512_add_epi32(shift, _mm512_maskz_loadu_epi32(mask, weight + i)));
        sum = _mm512_add_epi64(sum, _mm512_cvtepu32_epi64(_mm512_castsi512_si256(p)));
        sum = _mm512_add_epi64(sum, _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(p, 1)));
        _mm512_mask_storeu_epi32(weight + i, mask, w);
    }
    return _mm512_reduce_add_epi64(sum);
}

/* -- weighted sums -- */

enum { ROWS_AT_ONCE = 1 << 10 }; /* of a weighted sum; 2^14 rows of 255 * 127 would fit 32 bits */

/* Bytes of the weights of four rows each, as unsigned operands of four-way dot products: word[4 * (r / 4) + k] has byte k of weights r .. r + 3.
 * Weights beyond n_rows count as zero. */
static void split_weights(const uint32_t *weight, int32_t n_rows, uint32_t word[ROWS_AT_ONCE])
{
    const __m512i transpose = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    for (int32_t r = 0; r < n_rows; r += 16) {
        const __mmask16 mask = (__mmask16)(n_rows - r < 16 ? (1 << (n_rows - r)) - 1 : 0xffff);
        _mm512_storeu_si512(word + r, _mm512_shuffle_epi8(_mm512_maskz_loadu_epi32(mask, weight + r), transpose));
    }
}

/* 64 columns of four rows: element e of v[q] has the four bytes of one column, number 16 * (e / 4) + 4 * q + e % 4. */
static inline void interleave(const int8_t *const row[4], __mmask64 columns, __m512i v[4])
{
    const __m512i a = _mm512_maskz_loadu_epi8(columns, row[0]), b = _mm512_maskz_loadu_epi8(columns, row[1]);
    const __m512i c = _mm512_maskz_loadu_epi8(columns, row[2]), d = _mm512_maskz_loadu_epi8(columns, row[3]);
    const __m512i ab_low = _mm512_unpacklo_epi8(a, b), ab_high = _mm512_unpackhi_epi8(a, b);
    const __m512i cd_low = _mm512_unpacklo_epi8(c, d), cd_high = _mm512_unpackhi_epi8(c, d);
    v[0] = _mm512_unpacklo_epi16(ab_low, cd_low);
    v[1] = _mm512_unpackhi_epi16(ab_low, cd_low);
    v[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
    v[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
}

/* Adds up to 64 columns of n_rows rows to out; each of the weights' three bytes has sums of its own. */
static void weigh_columns(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n_columns, const uint32_t *word, int64_t *out)
{
    const __mmask64 columns = first_bytes(n_columns);
    __m512i sum[3][4];
    for (int i = 0; i < 12; i++) {
        sum[i / 4][i % 4] = _mm512_setzero_si512();
    }
    for (int32_t r = 0; r < n_rows; r += 4) {
        const int8_t *four[4];
        __m512i v[4];
        for (int j = 0; j < 4; j++) {
            four[j] = rows + (r + j < n_rows ? r + j : r) * stride;
        }
        interleave(four, columns, v);
        for (int i = 0; i < 12; i++) {
            sum[i / 4][i % 4] = _mm512_dpbusd_epi32(sum[i / 4][i % 4], _mm512_set1_epi32((int32_t)word[r + i / 4]), v[i % 4]);
        }
    }
    int32_t part[3][4][16];
    memcpy(part, sum, sizeof part);
    for (int32_t i = 0; i < n_columns; i++) {
        const int q = i / 4 % 4, e = i / 16 * 4 + i % 4;
        out[i] += part[0][q][e] + ((int64_t)part[1][q][e] * 256) + ((int64_t)part[2][q][e] * 65536);
    }
}

static void weigh_rows(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const uint32_t *weight, int64_t *out)
{
    uint32_t word[ROWS_AT_ONCE];
    memset(out, 0, (size_t)n * sizeof *out);
    for (int32_t first = 0; first < n_rows; first += ROWS_AT_ONCE) {
        const int32_t n_now = n_rows - first < ROWS_AT_ONCE ? n_rows - first : ROWS_AT_ONCE;
        split_weights(weight + first, n_now, word);
        for (int32_t i = 0; i < n; i += 64) {
            weigh_columns(rows + first * stride + i, stride, n_now, n - i < 64 ? n - i : 64, word, out + i);
        }
    }
}

const struct isa_table isa_avx512 = {gemv_blocks, dot_rows, exp2_weights, weigh_rows};
