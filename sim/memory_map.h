/* memory_map.h -- where adapters and KV lie in a layer's SRAM, in words of a bank's width.
 *
 *   word 0            slots.count * slot_words                                     capacity
 *   | slot 0 | slot 1 | ... | sequence 0: K rows, V rows | sequence 1: ... |  free |
 *
 * A slot is as large as an adapter of slots.rank_max on all seven linears. In it, per group of linears that share an input (QKV, O, gate and up, down):
 * region A of all of them, then region B, in whole lane rows (docs/lora_mac.md). A K or V row is one token: n_kv_heads * (head_dim mantissas and an
 * exponent), a byte each.
 * Inaccuracy: the kernels keep KV exponents in 16 bits, and nothing proves that they fit the byte that is counted here.
 */
#ifndef ETCHSIM_MEMORY_MAP_H
#define ETCHSIM_MEMORY_MAP_H

#include "adapters/adapter.h"
#include "sim/config.h"
#include "sim/lora_layout.h"
#include "sim/sram.h"

struct lora_region {     /* one group of linears of one adapter in one layer */
    struct lora_job job; /* without base exponents; rank 0: the adapter leaves this group alone */
    struct sram_rows a, b;
};

struct memory_map {
    uint32_t width_bits;
    uint32_t slot_words;
    uint32_t kv_base_words, kv_row_words, kv_context_tokens;
    uint64_t slots_words, kv_words, capacity_words; /* of one layer */
    /* the adapters that memory_map_place() has seen */
    const struct adapter *adapters;
    int32_t n_layers;
    const struct lora_region *regions; /* [adapters][n_layers][LINEAR_GROUPS], as they lie in slot 0 */
};

/* Fails with the figures when slots and KV do not fit the banks. */
bool memory_map_make(const struct chip_config *config, const struct shape *shape, struct memory_map *map, struct error *e);
/* Lays out the adapters that memory_map_lora() and memory_map_slice_words() will be asked for. They and regions, [n_adapters * n_layers * LINEAR_GROUPS],
 * outlive the map. */
void memory_map_place(struct memory_map *map, const struct chip_config *config, const struct shape *shape, const struct adapter *adapters,
                      uint32_t n_adapters, struct lora_region *regions);

struct lora_region memory_map_lora(const struct memory_map *map, const struct adapter *adapter, int32_t layer, enum linear_group group,
                                   int32_t slot);
/* What an adapter fills of its slot in a layer, from the slot's first word on. */
uint32_t memory_map_slice_words(const struct memory_map *map, const struct adapter *adapter, int32_t layer);

static inline uint32_t memory_map_slot(const struct memory_map *map, int32_t slot)
{
    return (uint32_t)slot * map->slot_words;
}
static inline uint32_t memory_map_k(const struct memory_map *map, uint32_t sequence)
{
    return map->kv_base_words + sequence * 2 * map->kv_context_tokens * map->kv_row_words;
}
static inline uint32_t memory_map_v(const struct memory_map *map, uint32_t sequence)
{
    return memory_map_k(map, sequence) + map->kv_context_tokens * map->kv_row_words;
}

#endif
