#include "sim/gguf_types.h"

#include <math.h>
#include <stddef.h>

#include "sim/gguf.h"

static inline float float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Exponent and mantissa moved to their place give the value times 2^-112, subnormals included; exponent 31 stays the largest. */
static inline float half(uint16_t h)
{
    uint32_t magnitude = (h & 0x7fffu) << 13;
    float scaled = float_of_bits(magnitude) * 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &scaled, sizeof bits);
    bits |= magnitude >= 0x0f800000u ? 0x7f800000u : 0;
    return float_of_bits(bits | (h & 0x8000u) << 16);
}

float half_to_float(uint16_t h)
{
    return half(h);
}

static void from_f32(const uint8_t *in, int64_t n, float *out)
{
    memcpy(out, in, (size_t)n * sizeof *out);
}

static void from_f16(const uint8_t *in, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++) {
        out[i] = half(load_u16(in + 2 * i));
    }
}

static void from_bf16(const uint8_t *in, int64_t n, float *out)
{
    for (int64_t i = 0; i < n; i++) {
        out[i] = float_of_bits((uint32_t)load_u16(in + 2 * i) << 16);
    }
}

/* d, 16 bytes: weight j in the low nibble of byte j, weight j + 16 in the high one; w = d (q - 8). */
static void from_q4_0(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 18, out += 32) {
        float d = half(load_u16(in));
        for (int j = 0; j < 16; j++) {
            out[j] = d * (float)((in[2 + j] & 15) - 8);
            out[j + 16] = d * (float)((in[2 + j] >> 4) - 8);
        }
    }
}

/* d, 32 signed bytes. */
static void from_q8_0(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 34, out += 32) {
        float d = half(load_u16(in));
        for (int j = 0; j < 32; j++) {
            out[j] = d * (float)(int8_t)in[2 + j];
        }
    }
}

/* Eight pairs of 6-bit (scale, minimum) in 12 bytes: the first four pairs in the low six bits of bytes 0..3 and 4..7, the others'
 * low nibbles in bytes 8..11 and their top two bits above the first ones. */
static void q4_k_scale(const uint8_t *packed, int j, float *scale, float *minimum)
{
    if (j < 4) {
        *scale = (float)(packed[j] & 63);
        *minimum = (float)(packed[j + 4] & 63);
    } else {
        *scale = (float)((packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4);
        *minimum = (float)((packed[j + 4] >> 4) | (packed[j] >> 6) << 4);
    }
}

/* d, dmin, 12 bytes of scales and minima, 128 bytes; each 32 bytes hold 32 weights in the low nibbles, then 32 in the high ones. */
static void from_q4_k(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 144, out += 256) {
        float d = half(load_u16(in)), d_minimum = half(load_u16(in + 2));
        for (int j = 0; j < 8; j++) {
            const uint8_t *q = in + 16 + 32 * (j / 2);
            float scale, minimum;
            q4_k_scale(in + 4, j, &scale, &minimum);
            scale *= d;
            minimum *= d_minimum;
            for (int i = 0; i < 32; i++) {
                out[32 * j + i] = scale * (float)(q[i] >> 4 * (j % 2) & 15) - minimum;
            }
        }
    }
}

/* 128 bytes of low nibbles, 64 bytes of high pairs, 16 signed scales, d. Each half of the block: 4 runs of 32 weights; run k has its
 * nibbles in bytes 32 (k % 2).. (low for k < 2), its pairs at bits 2k, and a scale per 16 weights. */
static void from_q6_k(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 210, out += 256) {
        float d = half(load_u16(in + 208));
        for (int run = 0; run < 8; run++) {
            int part = run / 4, k = run % 4;
            const uint8_t *low = in + 64 * part + 32 * (k % 2), *high = in + 128 + 32 * part;
            const int8_t *scales = (const int8_t *)in + 192 + 8 * part + 2 * k;
            for (int i = 0; i < 32; i++) {
                int q = (low[i] >> 4 * (k / 2) & 15) | (high[i] >> 2 * k & 3) << 4;
                int scale = scales[i / 16];
                out[32 * run + i] = d * (float)scale * (float)(q - 32);
            }
        }
    }
}

/* Two to the power of e - 127 in a byte, 16 bytes: weight j in the low nibble of byte j, weight j + 16 in the high one: sign, two bits of
 * exponent, one of mantissa. */
static void from_mxfp4(const uint8_t *in, int64_t n_blocks, float *out)
{
    static const float E2M1[16] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
    for (int64_t b = 0; b < n_blocks; b++, in += 17, out += 32) {
        const float d = in[0] == 255 ? NAN : ldexpf(1.0f, in[0] - 127);
        for (int j = 0; j < 16; j++) {
            out[j] = d * E2M1[in[1 + j] & 15];
            out[j + 16] = d * E2M1[in[1 + j] >> 4];
        }
    }
}

static const struct ggml_layout LAYOUTS[] = {
    {GGML_F32, "F32", 1, 4, from_f32},
    {GGML_F16, "F16", 1, 2, from_f16},
    {GGML_BF16, "BF16", 1, 2, from_bf16},
    {GGML_Q4_0, "Q4_0", 32, 18, from_q4_0},
    {GGML_Q8_0, "Q8_0", 32, 34, from_q8_0},
    {GGML_Q4_K, "Q4_K", 256, 144, from_q4_k},
    {GGML_Q6_K, "Q6_K", 256, 210, from_q6_k},
    {GGML_MXFP4, "MXFP4", 32, 17, from_mxfp4},
    /* known by name, so that a message can say what was found */
    {3, "Q4_1", 0, 0, NULL},
    {6, "Q5_0", 0, 0, NULL},
    {7, "Q5_1", 0, 0, NULL},
    {9, "Q8_1", 0, 0, NULL},
    {10, "Q2_K", 0, 0, NULL},
    {11, "Q3_K", 0, 0, NULL},
    {13, "Q5_K", 0, 0, NULL},
    {15, "Q8_K", 0, 0, NULL},
    {16, "IQ2_XXS", 0, 0, NULL},
    {17, "IQ2_XS", 0, 0, NULL},
    {18, "IQ3_XXS", 0, 0, NULL},
    {19, "IQ1_S", 0, 0, NULL},
    {20, "IQ4_NL", 0, 0, NULL},
    {21, "IQ3_S", 0, 0, NULL},
    {22, "IQ2_S", 0, 0, NULL},
    {23, "IQ4_XS", 0, 0, NULL},
    {24, "I8", 0, 0, NULL},
    {25, "I16", 0, 0, NULL},
    {26, "I32", 0, 0, NULL},
    {27, "I64", 0, 0, NULL},
    {28, "F64", 0, 0, NULL},
    {29, "IQ1_M", 0, 0, NULL},
    {34, "TQ1_0", 0, 0, NULL},
    {35, "TQ2_0", 0, 0, NULL},
};

const struct ggml_layout *ggml_layout(uint32_t id)
{
    for (size_t i = 0; i < sizeof LAYOUTS / sizeof *LAYOUTS; i++) {
        if ((uint32_t)LAYOUTS[i].id == id) {
            return &LAYOUTS[i];
        }
    }
    return NULL;
}
