/* Dequantisation of every tensor type that is read, weight by weight from the formats' descriptions. */
#include <math.h>

#include "sim/gguf.h"
#include "tests/unit/check.h"
#include "tests/unit/gguf_writer.h"

static double half_value(const uint8_t *p)
{
    int bits = p[0] | p[1] << 8, exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return bits & 0x8000 ? -magnitude : magnitude;
}

static double weight_f16(const uint8_t *data, int i)
{
    return half_value(data + 2 * i);
}

static double weight_bf16(const uint8_t *data, int i)
{
    int bits = data[2 * i] | data[2 * i + 1] << 8, exponent = bits >> 7 & 255, mantissa = bits & 127;
    double magnitude = exponent ? ldexp(128 + mantissa, exponent - 134) : ldexp(mantissa, -133);
    return bits & 0x8000 ? -magnitude : magnitude;
}

/* The fifth bit is bit i of a 32-bit word, byte i / 8 first. */
static double weight_nibbles(const uint8_t *block, int i, int codes_at, int fifth_at, int middle)
{
    int q = block[codes_at + i % 16] / (i < 16 ? 1 : 16) % 16 + (fifth_at ? 16 * (block[fifth_at + i / 8] >> i % 8 & 1) : 0);
    return half_value(block) * (q - middle) + (middle ? 0 : half_value(block + 2));
}

static double weight_q4_0(const uint8_t *data, int i)
{
    return weight_nibbles(data + i / 32 * 18, i % 32, 2, 0, 8);
}

static double weight_q4_1(const uint8_t *data, int i)
{
    return weight_nibbles(data + i / 32 * 20, i % 32, 4, 0, 0);
}

static double weight_q5_0(const uint8_t *data, int i)
{
    return weight_nibbles(data + i / 32 * 22, i % 32, 6, 2, 16);
}

static double weight_q5_1(const uint8_t *data, int i)
{
    return weight_nibbles(data + i / 32 * 24, i % 32, 8, 4, 0);
}

static double weight_q8_0(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 32 * 34;
    return half_value(block) * (block[2 + i % 32] - (block[2 + i % 32] > 127 ? 256 : 0));
}

static double weight_q2_k(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 256 * 84;
    int in_block = i % 256, q = block[16 + in_block / 128 * 32 + in_block % 32] >> (in_block % 128 / 32 * 2) & 3,
        scale = block[in_block / 16];
    return half_value(block + 80) * (scale & 15) * q - half_value(block + 82) * (scale >> 4);
}

/* The scales are llama.cpp's two rows of four bytes with nibbles, and a third one with the pairs above them. */
static double weight_q3_k(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 256 * 110, *s = block + 96;
    int in_block = i % 256, group = in_block / 16, column = group % 4, row = group / 4;
    int low = s[row % 2 * 4 + column] / (row < 2 ? 1 : 16) % 16, high = s[8 + column] >> (2 * row) & 3;
    int q = block[32 + in_block / 128 * 32 + in_block % 32] >> (in_block % 128 / 32 * 2) & 3;
    int third = block[in_block % 32] >> (in_block / 32) & 1;
    return half_value(block + 108) * (low + 16 * high - 32) * (q - (third ? 0 : 4));
}

/* Scales and minima are a 96-bit field: six low bits of 0..3, six low bits of minima 0..3, then nibbles; the rest in the top bits. */
static double weight_q45_k(const uint8_t *block, int i, const uint8_t *codes, const uint8_t *fifth)
{
    const uint8_t *s = block + 4;
    int j = i / 32, k = j % 4, q = (codes[i / 64 * 32 + i % 32] >> (j % 2 ? 4 : 0) & 15) + (fifth ? 16 * (fifth[i % 32] >> j & 1) : 0);
    int scale = j < 4 ? s[k] % 64 : s[8 + k] % 16 + s[k] / 64 * 16;
    int minimum = j < 4 ? s[4 + k] % 64 : s[8 + k] / 16 + s[4 + k] / 64 * 16;
    return half_value(block) * scale * q - half_value(block + 2) * minimum;
}

static double weight_q4_k(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 256 * 144;
    return weight_q45_k(block, i % 256, block + 16, NULL);
}

static double weight_q5_k(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 256 * 176;
    return weight_q45_k(block, i % 256, block + 48, block + 16);
}

static double weight_q6_k(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 256 * 210;
    int n = i % 256 / 128, l = i % 32, quarter = i % 128 / 32;
    int low = block[n * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
    int high = block[128 + n * 32 + l] >> (2 * quarter) & 3;
    int scale = block[192 + n * 8 + quarter * 2 + l / 16];
    return half_value(block + 208) * (scale - (scale > 127 ? 256 : 0)) * (low + 16 * high - 32);
}

/* E2M1 has a sign, two bits of exponent (bias 1) and one of mantissa; the block's first byte is an exponent with bias 127. */
static double weight_mxfp4(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 32 * 17;
    int j = i % 32, code = j < 16 ? block[1 + j] & 15 : block[1 + j - 16] >> 4, exponent = code >> 1 & 3, mantissa = code & 1;
    double magnitude = exponent ? ldexp(1 + 0.5 * mantissa, exponent - 1) : 0.5 * mantissa;
    return (code & 8 ? -magnitude : magnitude) * ldexp(1, block[0] - 127);
}

/* The values of IQ4_NL, as llama.cpp's kvalues_iq4nl. */
static const int IQ4_VALUES[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static double weight_iq4_nl(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 32 * 18;
    return half_value(block) * IQ4_VALUES[block[2 + i % 16] / (i % 32 < 16 ? 1 : 16) % 16];
}

static double weight_iq4_xs(const uint8_t *data, int i)
{
    const uint8_t *block = data + i / 256 * 136;
    int j = i % 256 / 32, high = block[2 + j / 4] >> (j % 4 * 2) & 3, low = block[4 + j / 2] / (j % 2 ? 16 : 1) % 16;
    return half_value(block) * (16 * high + low - 32) * IQ4_VALUES[block[8 + 16 * j + i % 16] / (i % 32 < 16 ? 1 : 16) % 16];
}

static void dequantises_every_type(void)
{
    static const struct {
        enum ggml_type type;
        int block_weights, block_bytes;
        double (*weight)(const uint8_t *data, int i);
        int halves[2]; /* where the block's scales are, which must be finite */
    } TYPES[] = {
        {GGML_F16, 1, 2, weight_f16, {0, 0}},           {GGML_BF16, 1, 2, weight_bf16, {0, 0}},
        {GGML_Q4_0, 32, 18, weight_q4_0, {0, 0}},       {GGML_Q4_1, 32, 20, weight_q4_1, {0, 2}},
        {GGML_Q5_0, 32, 22, weight_q5_0, {0, 0}},       {GGML_Q5_1, 32, 24, weight_q5_1, {0, 2}},
        {GGML_Q8_0, 32, 34, weight_q8_0, {0, 0}},       {GGML_Q2_K, 256, 84, weight_q2_k, {80, 82}},
        {GGML_Q3_K, 256, 110, weight_q3_k, {108, 108}}, {GGML_Q4_K, 256, 144, weight_q4_k, {0, 2}},
        {GGML_Q5_K, 256, 176, weight_q5_k, {0, 2}},     {GGML_Q6_K, 256, 210, weight_q6_k, {208, 208}},
        {GGML_IQ4_NL, 32, 18, weight_iq4_nl, {0, 0}},   {GGML_IQ4_XS, 256, 136, weight_iq4_xs, {0, 0}},
        {GGML_MXFP4, 32, 17, weight_mxfp4, {-1, -1}},
    };
    uint64_t state = 3;
    for (size_t k = 0; k < sizeof TYPES / sizeof *TYPES; k++) {
        enum { WEIGHTS = 512 };
        uint8_t data[2 * WEIGHTS];
        int n_blocks = WEIGHTS / TYPES[k].block_weights;
        for (size_t i = 0; i < sizeof data; i++) {
            data[i] = (uint8_t)test_random(&state);
        }
        for (int b = 0; b < n_blocks; b++) {
            for (int h = 0; h < 2; h++) {
                data[b * TYPES[k].block_bytes + TYPES[k].halves[h] + 1] &= 0xbb; /* no exponent of all ones */
            }
        }
        struct gguf_writer w = {0};
        gguf_write_tensor(&w, "t", TYPES[k].type, (int64_t[]){WEIGHTS}, 1, data, (size_t)(n_blocks * TYPES[k].block_bytes));
        struct bytes file = gguf_written(&w);
        struct gguf g;
        struct error e;
        float row[WEIGHTS];
        const bool has_minimum = TYPES[k].halves[0] != TYPES[k].halves[1];
        REQUIRE_GOOD(gguf_open_memory("f.gguf", file.data, file.size, &g, &e), &e);
        CHECK_GOOD(gguf_row_finite(&g, g.tensors, 0, row, &e), &e);
        double largest = 0; /* of two terms that may cancel each other, the sum is as exact as the larger one */
        for (int i = 0; i < WEIGHTS && has_minimum; i++) {
            largest = fmax(largest, fabs(TYPES[k].weight(data, i)));
        }
        const double rounding = 1e-6 * largest;
        for (int i = 0; i < WEIGHTS; i++) {
            double expected = TYPES[k].weight(data, i);
            CHECK_NEAR(row[i], expected, 1e-6 * fabs(expected) + rounding);
        }
        gguf_close(&g);
        bytes_free(&file);
    }
}

static void converts_every_half(void)
{
    for (uint32_t bits = 0; bits < 65536; bits++) {
        const uint8_t p[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
        float f = half_to_float((uint16_t)bits);
        bool special = (bits >> 10 & 31) == 31;
        if (special ? isfinite(f) || (isnan(f) != ((bits & 1023) != 0)) : (double)f != half_value(p)) {
            CHECK_EQ_UINT(bits, 0);
        }
    }
}

void suite_gguf_types(void)
{
    suite_begin("gguf_types");
    suite_add("every tensor type is dequantised as described", dequantises_every_type);
    suite_add("all 65,536 halves convert exactly", converts_every_half);
}
