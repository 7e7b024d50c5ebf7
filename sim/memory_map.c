#include "sim/memory_map.h"

#include "sim/unit.h"

static uint64_t words(uint64_t bits, uint32_t width_bits)
{
    return (bits + width_bits - 1) / width_bits;
}

/* Elements of x in a beat: what its sender makes in a cycle, as far as the link is wide enough. */
static uint32_t beat_elements(const struct chip_config *config, enum linear_group group)
{
    const uint32_t lanes[LINEAR_GROUPS] = {
        [LINEARS_QKV] = config->norm_lanes,
        [LINEARS_O] = config->attention_lanes,
        [LINEARS_GATE_UP] = config->norm_lanes,
        [LINEARS_DOWN] = config->silu_lanes,
    };
    return lanes[group] < config->link_elements ? lanes[group] : config->link_elements;
}

/* The regions of a group whose linears have these ranks; A begins at the address, B lies behind it. */
static struct lora_region group_region(const struct chip_config *config, const struct shape *shape, enum linear_group group,
                                       const uint32_t ranks[], uint32_t address_words)
{
    enum { SCALE_ROWS = 3 }; /* before each block of B */
    struct lora_geometry unit = lora_geometry(config);
    uint32_t outputs[GROUP_LINEARS_MAX] = {0};
    for (uint32_t i = 0; i < linears_count(group); i++) {
        outputs[i] = (uint32_t)shape_n_out(shape, linears_first(group) + i);
    }
    struct lora_job job = lora_job_make(&unit, linears_count(group), ranks, (uint32_t)shape_n_in(shape, linears_first(group)), outputs,
                                        beat_elements(config, group));
    uint32_t block_a = job.rank * lora_job_pairs(&job), block_b = SCALE_ROWS + job.rank;
    struct lora_region region = {
        .job = job,
        .a = {.words = lora_job_a_rows(&unit, &job) * unit.row_words,
              .row_words = unit.row_words,
              .first_rows = lora_job_preamble_rows(&unit, &job) + block_a,
              .block_rows = block_a,
              .pause_cycles = job.a_pause_cycles},
        .b = {.words = lora_job_b_rows(&unit, &job) * unit.row_words,
              .row_words = unit.row_words,
              .first_rows = block_b,
              .block_rows = block_b,
              .pause_cycles = job.b_pause_cycles},
    };
    region.job.a_address_words = address_words;
    region.job.b_address_words = address_words + region.a.words;
    return region;
}

static uint64_t slot_words(const struct chip_config *config, const struct shape *shape)
{
    const uint32_t ranks[GROUP_LINEARS_MAX] = {config->slots_rank_max, config->slots_rank_max, config->slots_rank_max};
    uint64_t total = 0;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        struct lora_region region = group_region(config, shape, g, ranks, 0);
        total += (uint64_t)region.a.words + region.b.words;
    }
    return total;
}

bool memory_map_make(const struct chip_config *config, const struct shape *shape, struct memory_map *map, struct error *e)
{
    uint32_t width = config->sram_width_bits;
    uint64_t slot = slot_words(config, shape);
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

void memory_map_place(struct memory_map *map, const struct chip_config *config, const struct shape *shape, const struct adapter *adapters,
                      uint32_t n_adapters, struct lora_region *regions)
{
    map->adapters = adapters;
    map->n_layers = shape->n_layers;
    map->regions = regions;
    for (uint32_t i = 0; i < n_adapters; i++) {
        for (int32_t layer = 0; layer < shape->n_layers; layer++) {
            uint32_t address_words = 0;
            for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
                uint32_t ranks[GROUP_LINEARS_MAX] = {0};
                for (uint32_t j = 0; j < linears_count(g); j++) {
                    ranks[j] = (uint32_t)adapter_pair(&adapters[i], layer, linears_first(g) + j)->rank;
                }
                *regions = group_region(config, shape, g, ranks, address_words);
                address_words += regions->a.words + regions->b.words;
                regions++;
            }
            ES_ASSERT(address_words <= map->slot_words);
        }
    }
}

static const struct lora_region *region_in_slot_0(const struct memory_map *map, const struct adapter *adapter, int32_t layer,
                                                  enum linear_group group)
{
    return &map->regions[((adapter - map->adapters) * map->n_layers + layer) * LINEAR_GROUPS + (int)group];
}

struct lora_region memory_map_lora(const struct memory_map *map, const struct adapter *adapter, int32_t layer, enum linear_group group,
                                   int32_t slot)
{
    struct lora_region region = *region_in_slot_0(map, adapter, layer, group);
    region.job.a_address_words += memory_map_slot(map, slot);
    region.job.b_address_words += memory_map_slot(map, slot);
    return region;
}

uint32_t memory_map_slice_words(const struct memory_map *map, const struct adapter *adapter, int32_t layer)
{
    const struct lora_region *last = region_in_slot_0(map, adapter, layer, LINEAR_GROUPS - 1);
    return last->job.b_address_words + last->b.words;
}
