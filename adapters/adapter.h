/* adapter.h -- a LoRA adapter packed for the chip: 6-bit A and B for each linear of each layer. */
#ifndef ETCHSIM_ADAPTER_H
#define ETCHSIM_ADAPTER_H

#include "kernels/types.h"
#include "sim/error.h"

struct adapter {
    char name[64]; /* last component of the path, without extension */
    uint64_t hash; /* XXH64 of the packed contents: identity is name + hash */
    int32_t n_layers;
    int32_t rank_max;
    struct lora_pair *pairs; /* [n_layers][LINEAR_COUNT]; rank 0 where the adapter has none */
    int64_t packed_bits;     /* what it occupies in the SRAM slot, over all layers */
    void *memory;            /* owned: everything the pairs point to */
};

static inline const struct lora_pair *adapter_pair(const struct adapter *a, int32_t layer, enum linear which)
{
    return &a->pairs[(int64_t)layer * LINEAR_COUNT + which];
}

/* Reads a PEFT directory (adapter_config.json + adapter_model.safetensors), checks it against the base model's shape, permutes Q and K to
 * GGUF order and packs it to 6 bits. On failure *adapter is empty and *e says which file, tensor or key and what was expected. */
bool adapter_load(const char *path, const struct shape *base, struct adapter *adapter, struct error *e);
void adapter_free(struct adapter *adapter);

#endif
