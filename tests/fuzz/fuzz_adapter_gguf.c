/* GGUF adapters from anywhere: no crash, and what is accepted has ranks, alphas and values that pack. */
#include <math.h>
#include <stdlib.h>

#include "adapters/adapter.h"
#include "adapters/lora_file.h"

static const struct shape BASE = {
    .n_layers = 2, .d_model = 8, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 8, .n_vocab = 4, .context_tokens = 8};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lora_file f;
    struct lora_tensors t;
    struct adapter a;
    struct error e;
    if (!lora_file_open_gguf_memory(data, size, &BASE, &f, &e)) {
        return 0;
    }
    for (int32_t i = 0; i < lora_tensors_count(&f.tensors); i++) {
        const struct lora_linear *l = &f.tensors.linears[i];
        if (l->rank < 0 || l->rank > LORA_RANK_MAX || (l->rank > 0 && !(isfinite(l->alpha) && l->alpha > 0))) {
            abort();
        }
    }
    if (lora_file_read_all(&f, &t, &e)) {
        if (!adapter_pack(&t, &a, &e) || a.rank_max == 0) {
            abort();
        }
        adapter_free(&a);
        lora_tensors_free(&t);
    }
    lora_file_close(&f);
    return 0;
}
