/* fuzz_adapter_peft.c -- PEFT adapters from anywhere: no crash, and what is accepted has values that pack.
 *
 *   bytes of the configuration (2, little-endian) | adapter_config.json | the rest is adapter_model.safetensors
 */
#include <stdlib.h>

#include "adapters/adapter.h"
#include "adapters/lora_file.h"

static const struct shape BASE = {
    .n_layers = 2, .d_model = 8, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 8, .n_vocab = 4, .context_tokens = 8};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lora_file f;
    struct adapter a;
    struct error e;
    size_t config_bytes = size < 2 ? 0 : (size_t)data[0] | (size_t)data[1] << 8;
    if (size < 2 || config_bytes > size - 2) {
        return 0;
    }
    const uint8_t *config = data + 2, *tensors = config + config_bytes;
    size_t tensors_bytes = size - 2 - config_bytes;
    if (!lora_file_open_peft_memory((const char *)config, config_bytes, tensors, tensors_bytes, &BASE, &f, &e)) {
        return 0;
    }
    if (adapter_pack_file(&f, &a, &e)) {
        if (a.rank_max < 1 || a.rank_max > LORA_RANK_MAX || a.packed_bits <= 0) {
            abort();
        }
        adapter_free(&a);
    }
    lora_file_close(&f);
    return 0;
}
