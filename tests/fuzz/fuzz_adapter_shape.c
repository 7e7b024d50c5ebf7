/* Hugging Face's config.json from anywhere: no crash, and what is accepted is a shape that the rest can compute with. */
#include <stdlib.h>

#include "adapters/hf_shape.h"
#include "sim/shape_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shape s;
    struct error e;
    if (!hf_shape_parse("fuzz.json", (const char *)data, size, &s, &e)) {
        return 0;
    }
    bool heads = s.n_kv_heads > 0 && s.n_heads % s.n_kv_heads == 0 && s.head_dim > 0 && s.head_dim % 2 == 0;
    if (!heads || s.n_layers < 1 || s.d_ff < 1 || s.d_ff > SHAPE_WIDTH_MAX || shape_n_out(&s, LINEAR_Q) > SHAPE_WIDTH_MAX ||
        s.d_model < 1 || s.d_model > SHAPE_WIDTH_MAX || s.n_vocab < 1) {
        abort();
    }
    return 0;
}
