/* shape_limits.h -- the largest model the readers accept: what the 32-bit sizes and the chip's accumulators hold, with room to spare. */
#ifndef ETCHSIM_SHAPE_LIMITS_H
#define ETCHSIM_SHAPE_LIMITS_H

#include "kernels/types.h"

enum {
    SHAPE_LAYERS_MAX = 1024,
    SHAPE_WIDTH_MAX = 1 << 18, /* inputs or outputs of a linear: 32 tiles of 8192 rows */
    SHAPE_HEADS_MAX = 1024,
    SHAPE_HEAD_DIM_MAX = 1024,
    SHAPE_VOCAB_MAX = 1 << 22,
    SHAPE_CONTEXT_MAX = 1 << 24,
};
_Static_assert((int64_t)SHAPE_WIDTH_MAX *ACT_MAX * 32 * 63 <= ACC_LIMIT, "the reduction over tiles is 40 bits wide");

#endif
