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

/* The types of 32 weights with nibbles: d, for Q*_1 a minimum, for Q5 the 32 fifth bits, 16 bytes with weight j in the low nibble of
 * byte j and weight j + 16 in the high one; w = d (q - half of the range), or d q + minimum. */
static inline void from_nibbles(const uint8_t *in, int64_t n_blocks, float *out, bool has_minimum, bool has_fifth)
{
    const uint8_t *fifth_at = in + 2 + 2 * has_minimum, *q = fifth_at + 4 * has_fifth;
    const int block_bytes = 2 + 2 * has_minimum + 4 * has_fifth + 16;
    for (int64_t b = 0; b < n_blocks; b++, in += block_bytes, fifth_at += block_bytes, q += block_bytes, out += 32) {
        const float d = half(load_u16(in)), offset = has_minimum ? half(load_u16(in + 2)) : d * (has_fifth ? -16.0f : -8.0f);
        const uint32_t fifth = has_fifth ? load_u32(fifth_at) : 0;
        for (int j = 0; j < 16; j++) {
            out[j] = d * (float)((q[j] & 15u) | (fifth >> j & 1) << 4) + offset;
            out[j + 16] = d * (float)(q[j] >> 4 | (fifth >> (j + 16) & 1) << 4) + offset;
        }
    }
}

static void from_q4_0(const uint8_t *in, int64_t n_blocks, float *out)
{
    from_nibbles(in, n_blocks, out, false, false);
}

static void from_q4_1(const uint8_t *in, int64_t n_blocks, float *out)
{
    from_nibbles(in, n_blocks, out, true, false);
}

static void from_q5_0(const uint8_t *in, int64_t n_blocks, float *out)
{
    from_nibbles(in, n_blocks, out, false, true);
}

static void from_q5_1(const uint8_t *in, int64_t n_blocks, float *out)
{
    from_nibbles(in, n_blocks, out, true, true);
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

/* 16 bytes with a scale in the low and a minimum in the high nibble per 16 weights, 64 bytes, d, dmin; each 32 bytes hold four runs of 32
 * weights, run k at bits 2k. */
static void from_q2_k(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 84, out += 256) {
        float d = half(load_u16(in + 80)), d_minimum = half(load_u16(in + 82));
        for (int run = 0; run < 8; run++) {
            const uint8_t *q = in + 16 + 32 * (run / 4), *scales = in + 2 * run;
            for (int i = 0; i < 32; i++) {
                float scale = d * (float)(scales[i / 16] & 15), minimum = d_minimum * (float)(scales[i / 16] >> 4);
                out[32 * run + i] = scale * (float)(q[i] >> 2 * (run % 4) & 3) - minimum;
            }
        }
    }
}

/* Sixteen 6-bit scales in 12 bytes, less 32: low nibbles of 0..7 and 8..15 in the low and high nibbles of bytes 0..7, the top two bits of
 * scale j in byte 8 + j % 4 at bits 2 (j / 4). */
static int q3_k_scale(const uint8_t *packed, int j)
{
    return ((packed[j % 8] >> 4 * (j / 8) & 15) | (packed[8 + j % 4] >> 2 * (j / 4) & 3) << 4) - 32;
}

/* 32 bytes with the third bits (bit k of byte i: weight 32 k + i), 64 bytes as Q2_K's, 12 bytes of scales, d; w = d scale (q - 4). */
static void from_q3_k(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 110, out += 256) {
        float d = half(load_u16(in + 108));
        for (int run = 0; run < 8; run++) {
            const uint8_t *q = in + 32 + 32 * (run / 4);
            for (int i = 0; i < 32; i++) {
                float scale = d * (float)q3_k_scale(in + 96, 2 * run + i / 16);
                out[32 * run + i] = scale * (float)(((q[i] >> 2 * (run % 4) & 3) | (in[i] >> run & 1) << 2) - 4);
            }
        }
    }
}

/* Eight pairs of 6-bit (scale, minimum) in 12 bytes: the first four pairs in the low six bits of bytes 0..3 and 4..7, the others'
 * low nibbles in bytes 8..11 and their top two bits above the first ones. */
static void q45_k_scale(const uint8_t *packed, int j, float *scale, float *minimum)
{
    if (j < 4) {
        *scale = (float)(packed[j] & 63);
        *minimum = (float)(packed[j + 4] & 63);
    } else {
        *scale = (float)((packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4);
        *minimum = (float)((packed[j + 4] >> 4) | (packed[j] >> 6) << 4);
    }
}

/* d, dmin, 12 bytes of scales and minima, for Q5_K 32 bytes with the fifth bits (bit k of byte i: weight 32 k + i), 128 bytes; each 32 bytes
 * hold 32 weights in the low nibbles, then 32 in the high ones. */
static inline void from_q45_k(const uint8_t *in, int64_t n_blocks, float *out, bool has_fifth)
{
    const int block_bytes = has_fifth ? 176 : 144;
    for (int64_t b = 0; b < n_blocks; b++, in += block_bytes, out += 256) {
        float d = half(load_u16(in)), d_minimum = half(load_u16(in + 2));
        for (int j = 0; j < 8; j++) {
            const uint8_t *fifth = in + 16, *q = in + (has_fifth ? 48 : 16) + 32 * (j / 2);
            float scale, minimum;
            q45_k_scale(in + 4, j, &scale, &minimum);
            scale *= d;
            minimum *= d_minimum;
            for (int i = 0; i < 32; i++) {
                out[32 * j + i] = scale * (float)((q[i] >> 4 * (j % 2) & 15) | (has_fifth ? (fifth[i] >> j & 1) << 4 : 0)) - minimum;
            }
        }
    }
}

static void from_q4_k(const uint8_t *in, int64_t n_blocks, float *out)
{
    from_q45_k(in, n_blocks, out, false);
}

static void from_q5_k(const uint8_t *in, int64_t n_blocks, float *out)
{
    from_q45_k(in, n_blocks, out, true);
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

/* The 16 values of IQ4: steps that grow towards the ends. */
static const int8_t IQ4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* 16 bytes: weight j in the low nibble of byte j, weight j + 16 in the high one. */
static void from_iq4(const uint8_t *q, float scale, float *out)
{
    for (int j = 0; j < 16; j++) {
        out[j] = scale * (float)IQ4[q[j] & 15];
        out[j + 16] = scale * (float)IQ4[q[j] >> 4];
    }
}

static void from_iq4_nl(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 18, out += 32) {
        from_iq4(in + 2, half(load_u16(in)), out);
    }
}

/* d, two top bits of eight scales (16 bits), their low nibbles in 4 bytes, 128 bytes; w = d (scale - 32) value. */
static void from_iq4_xs(const uint8_t *in, int64_t n_blocks, float *out)
{
    for (int64_t b = 0; b < n_blocks; b++, in += 136, out += 256) {
        const int high = load_u16(in + 2);
        for (int j = 0; j < 8; j++) {
            int scale = (in[4 + j / 2] >> 4 * (j % 2) & 15) | (high >> 2 * j & 3) << 4;
            from_iq4(in + 8 + 16 * j, half(load_u16(in)) * (float)(scale - 32), out + 32 * j);
        }
    }
}

static const struct ggml_layout LAYOUTS[] = {
    {GGML_F32, "F32", 1, 4, from_f32},
    {GGML_F16, "F16", 1, 2, from_f16},
    {GGML_BF16, "BF16", 1, 2, from_bf16},
    {GGML_Q4_0, "Q4_0", 32, 18, from_q4_0},
    {GGML_Q4_1, "Q4_1", 32, 20, from_q4_1},
    {GGML_Q5_0, "Q5_0", 32, 22, from_q5_0},
    {GGML_Q5_1, "Q5_1", 32, 24, from_q5_1},
    {GGML_Q8_0, "Q8_0", 32, 34, from_q8_0},
    {GGML_Q2_K, "Q2_K", 256, 84, from_q2_k},
    {GGML_Q3_K, "Q3_K", 256, 110, from_q3_k},
    {GGML_Q4_K, "Q4_K", 256, 144, from_q4_k},
    {GGML_Q5_K, "Q5_K", 256, 176, from_q5_k},
    {GGML_Q6_K, "Q6_K", 256, 210, from_q6_k},
    {GGML_IQ4_NL, "IQ4_NL", 32, 18, from_iq4_nl},
    {GGML_IQ4_XS, "IQ4_XS", 256, 136, from_iq4_xs},
    {GGML_MXFP4, "MXFP4", 32, 17, from_mxfp4},
    /* known by name, so that a message can say what was found */
    {9, "Q8_1", 0, 0, NULL},
    {15, "Q8_K", 0, 0, NULL},
    {16, "IQ2_XXS", 0, 0, NULL},
    {17, "IQ2_XS", 0, 0, NULL},
    {18, "IQ3_XXS", 0, 0, NULL},
    {19, "IQ1_S", 0, 0, NULL},
    {21, "IQ3_S", 0, 0, NULL},
    {22, "IQ2_S", 0, 0, NULL},
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
