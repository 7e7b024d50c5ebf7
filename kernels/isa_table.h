/* isa_table.h -- between the kernels and their SIMD variants only: the operations that exist once per instruction set.
 *
 * Each variant must equal the plain one bit for bit; tests/unit/test_kernels_gemv.c and test_kernels_rows.c hold that.
 */
#ifndef ETCHSIM_ISA_TABLE_H
#define ETCHSIM_ISA_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/types.h"

enum { INPUTS_MAX = 1 << 18, GROUPS_MAX = INPUTS_MAX / 16, RUN_PANELS = 32 }; /* after so many panels, sums in 32 bits go into 64 */

/* DO(format, group_inputs) for the matrix at hand, with both as constants, so that each combination becomes a loop without branches. */
#define FOR_MATRIX_KIND(w, DO)                        \
    switch ((w)->format * 2 + (w)->groups_of_16) {    \
    case WEIGHT_W3 * 2: DO(WEIGHT_W3, 32); break;     \
    case WEIGHT_W3 * 2 + 1: DO(WEIGHT_W3, 16); break; \
    case WEIGHT_W4 * 2: DO(WEIGHT_W4, 32); break;     \
    case WEIGHT_W4 * 2 + 1: DO(WEIGHT_W4, 16); break; \
    case WEIGHT_W6 * 2: DO(WEIGHT_W6, 32); break;     \
    default: DO(WEIGHT_W6, 16);                       \
    }
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Brings the panel that comes a while later into the L2 cache. The processor's own prefetching stops at each page, and follows less closely when every line
 * brings work. Two threads of a machine that reads 29.3 GB/s: 18.6 GB/s without, 25.5 with this. Reading ahead of the end of the data does nothing. */
ALWAYS_INLINE void prefetch_panel(const uint8_t *data, int panel_bytes)
{
    enum { AHEAD_BYTES = 3072, LINE_BYTES = 64, FOR_READING = 0, INTO_L2 = 2 };
    for (int at = 0; at < panel_bytes; at += LINE_BYTES) {
        __builtin_prefetch((const void *)((uintptr_t)data + AHEAD_BYTES + (uintptr_t)at), FOR_READING, INTO_L2);
    }
}

struct panel_inputs {     /* what a row of panels is multiplied with */
    const int8_t *x;      /* [32 * panels] */
    const int32_t *shift; /* [panels], 0..ACT_SHIFT_MAX, of the panel's sums */
    const int32_t *start; /* [groups], -32 * sum of x over the group: what the weights' offset of 32 adds too much */
};
/* From panel p on, of a matrix with `groups` groups a panel. */
ALWAYS_INLINE struct panel_inputs panel_inputs_from(const struct panel_inputs *in, int groups, int32_t p)
{
    return (struct panel_inputs){in->x + (ptrdiff_t)PANEL_INPUTS * p, in->shift + p, in->start + (ptrdiff_t)groups * p};
}

struct isa_table {
    /* y[16 * n_blocks] for the blocks that start at data. */
    void (*gemv_blocks)(const struct matrix *w, const uint8_t *data, int32_t n_blocks, const struct panel_inputs *in, int64_t *y);
    /* out[r] = sum over i < n of rows[r * stride + i] * x[i]. Nothing beyond rows[r * stride + n) or x[n) is read. The true sums fit int32. */
    void (*dot_rows)(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const int8_t *x, int32_t *out);
    /* For each i < n: weight[i] holds a shift of 0 .. 2^17, and becomes the weight k_exp2_weight(max - l[i], shift) (tables.h). Returns the sum of
     * the weights at shift 0. l[i] <= max. */
    int64_t (*exp2_weights)(const int32_t *l, int32_t max, int32_t n, uint32_t *weight);
    /* out[i] = sum over r of weight[r] * rows[r * stride + i] for i < n; weight < 2^24, n_rows <= 2^24. */
    void (*weigh_rows)(const int8_t *rows, int64_t stride, int32_t n_rows, int32_t n, const uint32_t *weight, int64_t *out);
};

int64_t isa_plain_exp2_weights(const int32_t *l, int32_t max, int32_t n, uint32_t *weight); /* a variant without its own uses it */
extern const struct isa_table isa_plain, isa_avx2, isa_avx512;
const struct isa_table *isa_table(void);

#endif
