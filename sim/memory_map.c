#include "sim/memory_map.h"

#include "sim/unit.h"

enum linear linears_first(enum linear_group group)
{
    static const enum linear first[LINEAR_GROUPS] = {LINEAR_Q, LINEAR_O, LINEAR_GATE, LINEAR_DOWN};
    return first[group];
}

uint32_t linears_count(enum linear_group group)
{
    static const uint32_t count[LINEAR_GROUPS] = {3, 1, 2, 1};
    return count[group];
}

static uint64_t words(uint64_t bits, uint32_t width_bits)
{
    return (bits + width_bits - 1) / width_bits;
}

static uint64_t slot_words(const struct shape *shape, uint32_t rank, uint32_t width_bits)
{
    uint64_t total = 0;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        uint64_t a_bits = 0, b_bits = 0;
        for (uint32_t i = 0; i < linears_count(g); i++) {
            enum linear which = linears_first(g) + i;
            a_bits += (uint64_t)rank * ((uint64_t)shape_n_in(shape, which) * LORA_WEIGHT_BITS + LORA_SCALE_BITS);
            b_bits += (uint64_t)shape_n_out(shape, which) * ((uint64_t)rank * LORA_WEIGHT_BITS + LORA_SCALE_BITS);
        }
        total += words(a_bits, width_bits) + words(b_bits, width_bits);
    }
    return total;
}

bool memory_map_make(const struct chip_config *config, const struct shape *shape, struct memory_map *map, struct error *e)
{
    uint32_t width = config->sram_width_bits;
    uint64_t slot = slot_words(shape, config->slots_rank_max, width);
    uint64_t row = words((uint64_t)shape->n_kv_heads * (uint64_t)(shape->head_dim + 1) * 8, width);
    uint64_t slots = slot * config->slots_count;
    uint64_t kv = 2 * row * config->kv_context_tokens * config->kv_sequences;
    uint64_t capacity = (uint64_t)config->sram_banks * config->sram_depth_words;
    if (capacity > UINT32_MAX) {
        return error_input(e, "%s: a layer's SRAM has %u banks x %u words: expected fewer than 2^32 words together", config->name,
                           config->sram_banks, config->sram_depth_words);
    }
    if (slots + kv > capacity) {
        return error_input(e,
                           "%s: a layer's SRAM has %u banks x %u words x %u bits = %.1f KiB, but %u slots of rank %u take %.1f KiB and the "
                           "KV of %u sequences "
                           "x %u tokens takes %.1f KiB: expected both to fit (sram.banks, sram.depth_words, slots.count, slots.rank_max, "
                           "kv.sequences, kv.context_tokens)",
                           config->name, config->sram_banks, config->sram_depth_words, width, (double)capacity * width / 8192,
                           config->slots_count, config->slots_rank_max, (double)slots * width / 8192, config->kv_sequences,
                           config->kv_context_tokens, (double)kv * width / 8192);
    }
    *map = (struct memory_map){
        .width_bits = width,
        .slot_words = (uint32_t)slot,
        .kv_base_words = (uint32_t)slots,
        .kv_row_words = (uint32_t)row,
        .kv_context_tokens = config->kv_context_tokens,
        .slots_words = slots,
        .kv_words = kv,
        .capacity_words = capacity,
    };
    return true;
}

struct lora_region memory_map_lora(const struct memory_map *map, const struct adapter *adapter, int32_t layer, enum linear_group group,
                                   int32_t slot)
{
    uint64_t address = (uint64_t)slot * map->slot_words;
    struct lora_region region = {0};
    for (enum linear_group g = 0; g <= group; g++) {
        uint64_t a_bits = 0, b_bits = 0;
        region = (struct lora_region){0};
        for (uint32_t i = 0; i < linears_count(g); i++) {
            const struct lora_pair *p = adapter_pair(adapter, layer, linears_first(g) + i);
            if (p->rank == 0) {
                continue;
            }
            region.rank_sum += (uint32_t)p->rank;
            region.n_out_sum += (uint32_t)p->n_out;
            region.a_weights += (uint64_t)p->rank * (uint64_t)p->n_in;
            region.b_weights += (uint64_t)p->rank * (uint64_t)p->n_out;
            a_bits += (uint64_t)p->rank * LORA_SCALE_BITS;
            b_bits += (uint64_t)p->n_out * LORA_SCALE_BITS;
        }
        region.a_words = (uint32_t)words(a_bits + region.a_weights * LORA_WEIGHT_BITS, map->width_bits);
        region.b_words = (uint32_t)words(b_bits + region.b_weights * LORA_WEIGHT_BITS, map->width_bits);
        region.a_address_words = (uint32_t)address;
        region.b_address_words = (uint32_t)address + region.a_words;
        address += region.a_words + region.b_words;
    }
    return region;
}
