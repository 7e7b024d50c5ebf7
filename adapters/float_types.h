/* float_types.h -- floats rounded to the 16-bit types of adapter files, to the nearest, ties to even. */
#ifndef ETCHSIM_FLOAT_TYPES_H
#define ETCHSIM_FLOAT_TYPES_H

#include <stdint.h>
#include <string.h>

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float float_of_bits32(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The upper half of a float; infinity beyond the largest. NaN must not come in. */
static inline uint16_t bf16_of_float(float value)
{
    uint32_t bits = bits_of_float(value);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float float_of_bf16(uint16_t bits)
{
    return float_of_bits32((uint32_t)bits << 16);
}

/* IEEE half; infinity from 65520 on. NaN must not come in. */
static inline uint16_t f16_of_float(float value)
{
    uint32_t bits = bits_of_float(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x47800000) { /* 2^16 */
        return (uint16_t)(sign | 0x7c00);
    }
    if (magnitude < 0x38800000) { /* 2^-14: in the sum with 1/2 the last bit stands for 2^-24, a half's smallest step */
        return (uint16_t)(sign | (bits_of_float(float_of_bits32(magnitude) + 0.5f) - bits_of_float(0.5f)));
    }
    return (uint16_t)(sign | (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

#endif
