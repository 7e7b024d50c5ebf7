#include "sim/slice.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

struct slice_size slice_size(const struct adapter *adapter, int32_t layer)
{
    uint64_t bits = 0, tensors = 0;
    const struct linear_range linears = layer_linears(adapter->n_layers, layer);
    for (enum linear which = linears.first; which < linears.end; which++) {
        const struct lora_pair *pair = adapter_pair(adapter, layer, which);
        bits += (uint64_t)lora_pair_bits(pair);
        tensors += pair->rank > 0 ? 2 : 0;
    }
    return (struct slice_size){(bits + 7) / 8, tensors};
}

const char *slice_name(int32_t n_layers, int32_t layer, char name[SLICE_NAME_ROOM])
{
    if (layer == LAYER_EMBEDDING || layer == n_layers) {
        snprintf(name, SLICE_NAME_ROOM, "%s", layer == n_layers ? "head" : "embedding");
    } else {
        snprintf(name, SLICE_NAME_ROOM, "layer %d", layer);
    }
    return name;
}

/* A pair's header: what is the same for all its weights. */
enum { HEADER = 3 };

static size_t pair_bytes(const struct lora_pair *p)
{
    size_t rank = (size_t)p->rank, n_in = (size_t)p->n_in, n_out = (size_t)p->n_out;
    return HEADER * sizeof(int32_t) + (rank == 0 ? 0 : rank * (n_in + n_out) + (rank + n_out) * sizeof(uint16_t));
}

static uint8_t *append(uint8_t *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
    return to + bytes;
}

static uint8_t *append_pair(uint8_t *to, const struct lora_pair *p)
{
    size_t rank = (size_t)p->rank, n_in = (size_t)p->n_in, n_out = (size_t)p->n_out;
    const int32_t header[HEADER] = {p->rank, p->rank ? p->exponent_a : 0, p->rank ? p->exponent_b : 0};
    to = append(to, header, sizeof header);
    if (rank > 0) {
        to = append(to, p->a, rank * n_in);
        to = append(to, p->b, rank * n_out);
        to = append(to, p->scale_a, rank * sizeof *p->scale_a);
        to = append(to, p->scale_b, n_out * sizeof *p->scale_b);
    }
    return to;
}

size_t slice_contents_bytes(const struct adapter *adapter, int32_t layer)
{
    size_t bytes = 0;
    const struct linear_range linears = layer_linears(adapter->n_layers, layer);
    for (enum linear which = linears.first; which < linears.end; which++) {
        bytes += pair_bytes(adapter_pair(adapter, layer, which));
    }
    return bytes;
}

void slice_contents(const struct adapter *adapter, int32_t layer, uint8_t *to)
{
    const struct linear_range linears = layer_linears(adapter->n_layers, layer);
    for (enum linear which = linears.first; which < linears.end; which++) {
        to = append_pair(to, adapter_pair(adapter, layer, which));
    }
}

uint64_t slice_checksum(const uint8_t *contents, size_t bytes)
{
    return XXH64(contents, bytes, 0);
}
