/* slice.h -- what the host sends for one layer of an adapter: how much it is, its contents, and the checksum that guards them. An end has a slice of its own, layer
 * -1 (LAYER_EMBEDDING) or layer n_layers (the head). */
#ifndef ETCHSIM_SLICE_H
#define ETCHSIM_SLICE_H

#include <stddef.h>

#include "adapters/adapter.h"

struct slice_size {
    uint64_t bytes;   /* on the host link: 6-bit weights and 16-bit scales, without padding */
    uint64_t tensors; /* A and B of each pair */
};
struct slice_size slice_size(const struct adapter *adapter, int32_t layer);

/* Where slices are kept in order, adapter by adapter: how many an adapter has room for, and where one is. */
static inline size_t slices_per_adapter(int32_t n_layers)
{
    return (size_t)n_layers + LINEAR_ENDS - LINEAR_COUNT;
}
static inline size_t slice_index(int32_t n_layers, int32_t adapter, int32_t layer)
{
    return (size_t)adapter * slices_per_adapter(n_layers) + (size_t)(layer - LAYER_EMBEDDING);
}

/* "layer 3", "embedding", "head"; returns `name`. */
enum { SLICE_NAME_ROOM = 32 };
const char *slice_name(int32_t n_layers, int32_t layer, char name[SLICE_NAME_ROOM]);

/* The contents as bytes, one for each weight: of how many, and written to `to`. */
size_t slice_contents_bytes(const struct adapter *adapter, int32_t layer);
void slice_contents(const struct adapter *adapter, int32_t layer, uint8_t *to);
/* XXH64 of them. */
uint64_t slice_checksum(const uint8_t *contents, size_t bytes);

#endif
