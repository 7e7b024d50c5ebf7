/* memory_map.h -- where adapters and KV lie in a layer's SRAM, in words of a bank's width.
 *
 *   word 0            slots.count * slot_words                                     capacity
 *   | slot 0 | slot 1 | ... | sequence 0: K rows, V rows | sequence 1: ... |  free |
 *
 * A slot is as large as an adapter of slots.rank_max on all seven linears. In it, per group of linears that share an input (QKV, O, gate and up, down):
 * A of all of them with its scales, then B with its scales. A K or V row is one token: n_kv_heads * (head_dim mantissas and an exponent), a byte each.
 * Inaccuracy: the kernels keep KV exponents in 16 bits, and nothing proves that they fit the byte that is counted here.
 */
#ifndef ETCHSIM_MEMORY_MAP_H
#define ETCHSIM_MEMORY_MAP_H

#include "adapters/adapter.h"
#include "sim/config.h"

enum linear_group { LINEARS_QKV, LINEARS_O, LINEARS_GATE_UP, LINEARS_DOWN, LINEAR_GROUPS };
/* The linears of a group are consecutive: first .. first + count - 1. */
enum linear linears_first(enum linear_group group);
uint32_t linears_count(enum linear_group group);

struct memory_map {
    uint32_t width_bits;
    uint32_t slot_words;
    uint32_t kv_base_words, kv_row_words, kv_context_tokens;
    uint64_t slots_words, kv_words, capacity_words; /* of one layer */
};

/* Fails with the figures when slots and KV do not fit the banks. */
bool memory_map_make(const struct chip_config *config, const struct shape *shape, struct memory_map *map, struct error *e);

struct lora_region { /* one group of linears of one adapter in one layer */
    uint32_t a_address_words, a_words, b_address_words, b_words;
    uint64_t a_weights, b_weights; /* multiply-accumulates of phase A and phase B */
    uint32_t rank_sum, n_out_sum;
};
/* rank_sum 0: the adapter leaves this group alone. */
struct lora_region memory_map_lora(const struct memory_map *map, const struct adapter *adapter, int32_t layer, enum linear_group group,
                                   int32_t slot);

static inline uint32_t memory_map_k(const struct memory_map *map, uint32_t sequence)
{
    return map->kv_base_words + sequence * 2 * map->kv_context_tokens * map->kv_row_words;
}
static inline uint32_t memory_map_v(const struct memory_map *map, uint32_t sequence)
{
    return memory_map_k(map, sequence) + map->kv_context_tokens * map->kv_row_words;
}

#endif
