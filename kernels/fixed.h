/* fixed.h -- the few integer operations everything on the chip is made of. See docs/numbers.md. */
#ifndef ETCHSIM_FIXED_H
#define ETCHSIM_FIXED_H

#include <stdint.h>

/* v / 2^s rounded to the nearest integer, halves up. s in 0..63; v + half must not overflow. */
static inline int64_t shr_round(int64_t v, int s)
{
    return s > 0 ? (v + ((int64_t)1 << (s - 1))) >> s : v;
}

static inline int64_t clamp_i64(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Number of bits of a magnitude: 0 for 0, 1 for 1, 7 for 127, 8 for 128. */
static inline int bitlen(uint64_t v)
{
    return v ? 64 - __builtin_clzll(v) : 0;
}

/* v * 2^from expressed in units of 2^to: shifted right with rounding, or left with saturation at +-limit (limit < 2^62).
 * Right shifts beyond 62 give 0 or -0's rounding, that is 0. */
static inline int64_t rescale(int64_t v, int from, int to, int64_t limit)
{
    int s = to - from;
    if (s >= 0) {
        return s > 62 ? 0 : clamp_i64(shr_round(v, s), -limit, limit);
    }
    uint64_t magnitude = v < 0 ? (uint64_t)-v : (uint64_t)v;
    if (magnitude == 0) {
        return 0;
    }
    if (s < -62 || bitlen(magnitude) - s > 62) {
        return v < 0 ? -limit : limit;
    }
    return clamp_i64(v * ((int64_t)1 << -s), -limit, limit);
}

#endif
