/* adapter.h -- a LoRA adapter packed for the chip: 6-bit A and B for each linear of each layer, and for the embedding and the head. */
#ifndef ETCHSIM_ADAPTER_H
#define ETCHSIM_ADAPTER_H

#include "kernels/types.h"
#include "sim/error.h"

struct lora_file;
struct lora_tensors;

struct adapter {
    char name[64]; /* last component of the path, without extension */
    uint64_t hash; /* XXH64 of the packed contents: identity is name + hash */
    int32_t n_layers;
    int32_t rank_max;
    struct lora_pair *pairs; /* [pair_count(n_layers)]; rank 0 where the adapter has none */
    int64_t packed_bits;     /* what it occupies in the SRAM slot, over all layers and the ends */
    void *memory;            /* owned: everything the pairs point to */
};

/* `layer` does not matter for an end. */
static inline const struct lora_pair *adapter_pair(const struct adapter *a, int32_t layer, enum linear which)
{
    return &a->pairs[pair_index(a->n_layers, layer, which)];
}

/* What a load of it consists of: a slice for each layer, and one for each end that it has a pair for (layer -1 and layer n_layers). */
static inline int32_t adapter_first_layer(const struct adapter *a)
{
    return adapter_pair(a, 0, LINEAR_EMBEDDING)->rank > 0 ? LAYER_EMBEDDING : 0;
}
static inline int32_t adapter_last_layer(const struct adapter *a)
{
    return adapter_pair(a, 0, LINEAR_HEAD)->rank > 0 ? a->n_layers : a->n_layers - 1;
}

static inline bool adapter_changes_ends(const struct adapter *a)
{
    return adapter_pair(a, 0, LINEAR_EMBEDDING)->rank > 0 || adapter_pair(a, 0, LINEAR_HEAD)->rank > 0;
}

/* Reads a PEFT folder or a GGUF file, given by its path or as a preset's name, checks it against the base model's shape and packs it to
 * 6 bits, rows of Q and K in GGUF order. On failure *adapter is empty and *e says which file, tensor or key and what was expected. */
bool adapter_load(const char *name_or_path, const struct shape *base, struct adapter *adapter, struct error *e);
/* The same from an open file, one pair at a time, and from floats in memory. */
bool adapter_pack_file(const struct lora_file *file, struct adapter *adapter, struct error *e);
bool adapter_pack(const struct lora_tensors *tensors, struct adapter *adapter, struct error *e);
void adapter_free(struct adapter *adapter);

#endif
