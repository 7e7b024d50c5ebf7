/* Comparator files from anywhere: no crash, and what is accepted gives finite rates. */
#include <math.h>

#include "sim/comparator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct shape shape = {
        .n_layers = 2, .d_model = 64, .n_heads = 2, .n_kv_heads = 1, .head_dim = 32, .d_ff = 96, .n_vocab = 100, .context_tokens = 64};
    struct comparator c;
    struct error e;
    if (comparator_parse((const char *)data, size, "fuzz.yaml", &c, &e)) {
        struct comparison r = comparator_rate(&c, &shape, 64, 32);
        ES_ASSERT(isfinite(r.user_tokens_per_s) && r.user_tokens_per_s > 0 && r.total_tokens_per_s >= r.user_tokens_per_s);
    }
    return 0;
}
