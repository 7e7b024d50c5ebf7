/* matrix_panel.h -- one code of a panel's planes, see struct matrix in types.h. */
#ifndef ETCHSIM_MATRIX_PANEL_H
#define ETCHSIM_MATRIX_PANEL_H

#include <stddef.h>

#include "kernels/types.h"

/* Three planes hold four 6-bit values a byte position: three in the low bits, the fourth in the top two bits of each. */
static inline int panel_six_bits(const uint8_t *planes, int which, int j)
{
    const uint8_t *at = planes + j;
    return which < 3 ? at[PLANE_BYTES * which] & 63 : at[0] >> 6 | at[PLANE_BYTES] >> 6 << 2 | at[2 * PLANE_BYTES] >> 6 << 4;
}

/* Code j (0..63) of a chunk (0..7). */
static inline int panel_code(enum weight_format format, const uint8_t *planes, int chunk, int j)
{
    switch (format) {
    case WEIGHT_W3: return panel_six_bits(planes, chunk / 2, j) >> 3 * (chunk % 2) & 7;
    case WEIGHT_W4: return planes[PLANE_BYTES * (chunk / 2) + j] >> 4 * (chunk % 2) & 15;
    default: return panel_six_bits(planes + (ptrdiff_t)chunk / 4 * 3 * PLANE_BYTES, chunk % 4, j);
    }
}

static inline void panel_put_six_bits(uint8_t *planes, int which, int j, int value)
{
    for (int plane = 0; plane < 3; plane++) {
        planes[PLANE_BYTES * plane + j] |= (uint8_t)(which == plane ? value : which == 3 ? (value >> 2 * plane & 3) << 6 : 0);
    }
}

/* Into planes that are zero there. */
static inline void panel_put_code(enum weight_format format, uint8_t *planes, int chunk, int j, int code)
{
    switch (format) {
    case WEIGHT_W3: panel_put_six_bits(planes, chunk / 2, j, code << 3 * (chunk % 2)); break;
    case WEIGHT_W4: planes[PLANE_BYTES * (chunk / 2) + j] |= (uint8_t)(code << 4 * (chunk % 2)); break;
    default: panel_put_six_bits(planes + (ptrdiff_t)chunk / 4 * 3 * PLANE_BYTES, chunk % 4, j, code);
    }
}

#endif
