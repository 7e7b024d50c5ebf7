/* gguf_types.h -- the tensor types gguf.c can read: block sizes and dequantisation, one row of a table each.
 *
 * Block layouts are llama.cpp's; all scales are IEEE halves unless said otherwise.
 */
#ifndef ETCHSIM_GGUF_TYPES_H
#define ETCHSIM_GGUF_TYPES_H

#include <stdint.h>

struct ggml_layout {
    int32_t id;
    const char *name;
    int32_t block_weights;
    int32_t block_bytes; /* 0: known by name only, not supported */
    void (*dequantise)(const uint8_t *in, int64_t n_blocks, float *out);
};

/* NULL for an id unknown to this program. */
const struct ggml_layout *ggml_layout(uint32_t id);

#endif
