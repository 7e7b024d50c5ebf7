/* isa_avx512.c -- AVX-512 with VNNI and VBMI: 64 weights are one table look-up and one dot product. */
#include <immintrin.h>
#include <string.h>

#include "kernels/isa_table.h"
#include "kernels/tables.h"

/* -- gemv -- */

/* a ? b : c, bit by bit; with a mask of low bits, b's low bits below c's others. */
static inline __m512i below(int mask, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi32(_mm512_set1_epi8((char)mask), b, c, 0xca);
}

static inline __m512i plane(const uint8_t *planes, int which)
{
    return _mm512_loadu_si512(planes + (ptrdiff_t)PLANE_BYTES * which);
}

/* The six bits that stand in the top two of three planes. What stands above them in the byte belongs to its neighbour. */
static inline __m512i top_bits(__m512i a, __m512i b, __m512i c)
{
    return below(0x0f, below(0x03, _mm512_srli_epi32(a, 6), _mm512_srli_epi32(b, 4)), _mm512_srli_epi32(c, 2));
}

/* Weights + 32, looked up by the low six bits of an index: w3 has two codes there, w4 one and two bits of no meaning. */
struct decoder {
    __m512i first, second;
};

static struct decoder decoder(const struct matrix *w)
{
    uint8_t first[64], second[64];
    const int n = weight_codebook_entries(w->format);
    for (int i = 0; i < 64; i++) {
        first[i] = (uint8_t)(n ? w->codebook[i % n] + 32 : 0);
        second[i] = (uint8_t)(n ? w->codebook[i / n % n] + 32 : 0);
    }
    return (struct decoder){_mm512_loadu_si512(first), _mm512_loadu_si512(second)};
}

/* Weights + 32 of the two chunks that stand in byte i of a plane: even chunks, odd chunks. */
struct pair {
    __m512i even, odd;
};

static inline struct pair decode_w3(const struct decoder *d, __m512i six)
{
    return (struct pair){_mm512_permutexvar_epi8(six, d->first), _mm512_permutexvar_epi8(six, d->second)};
}

static inline struct pair decode_w4(const struct decoder *d, __m512i two)
{
    return (struct pair){_mm512_permutexvar_epi8(two, d->first), _mm512_permutexvar_epi8(_mm512_srli_epi32(two, 4), d->first)};
}

static inline struct pair decode_w6(__m512i even, __m512i odd)
{
    const __m512i mask = _mm512_set1_epi8(63);
    return (struct pair){_mm512_and_si512(even, mask), _mm512_and_si512(odd, mask)};
}

static inline void decode_panel(const struct decoder *d, enum weight_format format, const uint8_t *planes, struct pair pair[4])
{
    if (format == WEIGHT_W4) {
        for (int i = 0; i < 4; i++) {
            pair[i] = decode_w4(d, plane(planes, i));
        }
        return;
    }
    const __m512i a = plane(planes, 0), b = plane(planes, 1), c = plane(planes, 2), top = top_bits(a, b, c);
    if (format == WEIGHT_W3) {
        pair[0] = decode_w3(d, a);
        pair[1] = decode_w3(d, b);
        pair[2] = decode_w3(d, c);
        pair[3] = decode_w3(d, top);
        return;
    }
    const __m512i e = plane(planes, 3), f = plane(planes, 4), g = plane(planes, 5);
    pair[0] = decode_w6(a, b);
    pair[1] = decode_w6(c, top);
    pair[2] = decode_w6(e, f);
    pair[3] = decode_w6(g, top_bits(e, f, g));
}

static inline __m512i four_inputs(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

/* total + (scales << shift) * sum, 16 rows */
static inline __m512i add_scaled(__m512i total, const uint8_t *scales, __m512i shift, __m512i sum)
{
    const __m512i scale = _mm512_sllv_epi32(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)scales)), shift);
    return _mm512_add_epi32(total, _mm512_mullo_epi32(scale, sum));
}

/* A run of panels of one block. Format and group_inputs are constants where it is used, so that each combination is a loop without branches. */
ALWAYS_INLINE __m512i run(const struct decoder *d, enum weight_format format, int group_inputs, const uint8_t *data, int32_t n_panels,
                          struct panel_inputs in)
{
    const int groups = PANEL_INPUTS / group_inputs, panel_bytes = BLOCK_ROWS * groups + PLANE_BYTES * weight_bits(format);
    __m512i total = _mm512_setzero_si512();
    for (int32_t p = 0; p < n_panels; p++, data += panel_bytes, in = panel_inputs_from(&in, groups, 1)) {
        struct pair pair[4];
        const __m512i shift = _mm512_set1_epi32(in.shift[0]);
        prefetch_panel(data, panel_bytes);
        __m512i even = _mm512_set1_epi32(in.start[0]), odd = _mm512_setzero_si512();
        decode_panel(d, format, data + (ptrdiff_t)BLOCK_ROWS * groups, pair);
        for (int i = 0; i < 4; i++) {
            if (groups == 2 && i == 2) {
                total = add_scaled(total, data, shift, _mm512_add_epi32(even, odd));
                even = _mm512_set1_epi32(in.start[1]);
                odd = _mm512_setzero_si512();
            }
            even = _mm512_dpbusd_epi32(even, pair[i].even, four_inputs(in.x + (ptrdiff_t)8 * i));
            odd = _mm512_dpbusd_epi32(odd, pair[i].odd, four_inputs(in.x + (ptrdiff_t)8 * i + 4));
        }
        total = add_scaled(total, data + (ptrdiff_t)BLOCK_ROWS * (groups - 1), shift, _mm512_add_epi32(even, odd));
    }
    return total;
}

static inline void add_to(int64_t *y, __m512i total)
{
    const __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(total));
    const __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(total, 1));
    _mm512_storeu_si512(y, _mm512_add_epi64(_mm512_loadu_si512(y), low));
    _mm512_storeu_si512(y + 8, _mm512_add_epi64(_mm512_loadu_si512(y + 8), high));
}

ALWAYS_INLINE void blocks(const struct matrix *w, enum weight_format format, int group_inputs, const uint8_t *data, int32_t n_blocks,
                          const struct panel_inputs *in, int64_t *y)
{
    const int32_t n_panels = matrix_panels(w), groups = PANEL_INPUTS / group_inputs;
    const int64_t panel_bytes = matrix_panel_bytes(w);
    const struct decoder d = decoder(w);
    for (int32_t block = 0; block < n_blocks; block++, y += BLOCK_ROWS) {
        memset(y, 0, BLOCK_ROWS * sizeof *y);
        for (int32_t p = 0; p < n_panels; p += RUN_PANELS) {
            const int32_t n = n_panels - p < RUN_PANELS ? n_panels - p : RUN_PANELS;
            add_to(y, run(&d, format, group_inputs, data, n, panel_inputs_from(in, groups, p)));
            data += n * panel_bytes;
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
