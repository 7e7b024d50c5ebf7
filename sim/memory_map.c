#include "sim/memory_map.h"

#include <stdio.h>

#include "sim/unit.h"

enum { KV_EXPONENT_BITS = 8 };

static uint64_t words(uint64_t bits, uint32_t width_bits)
{
    return (bits + width_bits - 1) / width_bits;
}

/* Elements of x in a beat: what its sender makes in a cycle, as far as the link is wide enough. */
static uint32_t beat_elements(const struct chip_config *config, enum linear_group group)
{
    const uint32_t lanes[LINEAR_GROUPS_ALL] = {
        [LINEARS_QKV] = config->norm_lanes,  [LINEARS_O] = config->attention_lanes, [LINEARS_GATE_UP] = config->norm_lanes,
        [LINEARS_DOWN] = config->silu_lanes, [LINEARS_HEAD] = config->norm_lanes,   [LINEARS_EMBEDDING] = config->embed_elements,
    };
    return lanes[group] < config->link_elements ? lanes[group] : config->link_elements;
}

/* Inputs of a job. The embedding's are a block of tokens, one of them 1. */
static uint32_t job_inputs(const struct chip_config *config, const struct shape *shape, enum linear_group group)
{
    uint32_t inputs = (uint32_t)shape_n_in(shape, linears_first(group));
    return group == LINEARS_EMBEDDING && inputs > config->lora_lanes ? config->lora_lanes : inputs;
}

/* As many banks as a lane row has words, and no more than a layer's SRAM has side by side: what the LoRA MAC unit takes in a cycle is the same. */
static uint32_t end_ways(const struct chip_config *config)
{
    uint32_t row_words = lora_geometry(config).row_words;
    return row_words < config->sram_ways ? row_words : config->sram_ways;
}

static bool has_pages(const struct chip_config *config)
{
    return config->slots_layout != LAYOUT_FIXED || config->sram_split != SPLIT_FIXED;
}

/* What begins at a multiple of it begins at the first bank; with pages at the beginning of a row as well. */
static uint32_t end_unit_words(const struct chip_config *config)
{
    uint32_t ways = end_ways(config), row_words = lora_geometry(config).row_words, unit = ways;
    while (has_pages(config) && unit % row_words != 0) {
        unit += ways;
    }
    return unit;
}

/* Of a group's A: one, or of the embedding one for each block of tokens, padded so that all begin at the same bank. */
static uint64_t a_words(const struct chip_config *config, const struct shape *shape, enum linear_group group,
                        const struct lora_region *region)
{
    uint64_t unit = end_unit_words(config), block = ceil_div(region->a.words, unit) * unit;
    return group == LINEARS_EMBEDDING ? ceil_div((uint32_t)shape->n_vocab, region->job.inputs) * block : region->a.words;
}

/* The regions of a group whose linears have these ranks; A begins at the address, B lies behind it. The embedding has an A for each block of tokens. */
static struct lora_region group_region(const struct chip_config *config, const struct shape *shape, enum linear_group group,
                                       const uint32_t ranks[], uint32_t address_words)
{
    enum { SCALE_ROWS = 3 }; /* before each block of B */
    struct lora_geometry unit = lora_geometry(config);
    uint32_t outputs[GROUP_LINEARS_MAX] = {0};
    for (uint32_t i = 0; i < linears_count(group); i++) {
        outputs[i] = (uint32_t)shape_n_out(shape, linears_first(group) + i);
    }
    struct lora_job job =
        lora_job_make(&unit, linears_count(group), ranks, job_inputs(config, shape, group), outputs, beat_elements(config, group));
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
    region.job.b_address_words = address_words + (uint32_t)a_words(config, shape, group, &region);
    return region;
}

/* Of a slot: those groups, from the first one on. */
static uint64_t slot_words(const struct chip_config *config, const struct shape *shape, enum linear_group first, enum linear_group end)
{
    const uint32_t ranks[GROUP_LINEARS_MAX] = {config->slots_rank_max, config->slots_rank_max, config->slots_rank_max};
    uint64_t total = 0;
    for (enum linear_group g = first; g < end; g++) {
        struct lora_region region = group_region(config, shape, g, ranks, 0);
        total += a_words(config, shape, g, &region) + region.b.words;
    }
    return total;
}

bool config_has_end(const struct chip_config *config, enum linear_group end)
{
    return config->lora_ends == ENDS_BOTH || config->lora_ends == (end == LINEARS_HEAD ? ENDS_HEAD : ENDS_EMBEDDING);
}

/* Pages that lie before a word; none lies across two groups of banks. */
static uint32_t pages_before(const struct memory_map *map, uint64_t word)
{
    uint64_t in_last = word % map->group_words / map->page_words;
    return (uint32_t)(word / map->group_words * map->group_pages + (in_last < map->group_pages ? in_last : map->group_pages));
}

/* The end of the last of n pages. */
static uint64_t pages_end(const struct memory_map *map, uint32_t n)
{
    return n ? (uint64_t)memory_map_page(map, n - 1) + map->page_words : 0;
}

static bool no_room(const struct chip_config *config, const struct memory_map *map, const char *adapters, uint64_t words, struct error *e)
{
    uint32_t width = config->sram_width_bits;
    return error_input(e,
                       "%s: %s SRAM has %u banks x %u words x %u bits = %.1f KiB, but %s take %.1f KiB and the "
                       "KV of %u sequences "
                       "x %u tokens takes %.1f KiB: expected both to fit (sram.banks, sram.depth_words, slots.count, slots.rank_max, "
                       "slots.pages, kv.sequences, kv.context_tokens)",
                       config->name, map->layers > 1 ? "the" : "a layer's", config->sram_banks, config->sram_depth_words, width,
                       (double)map->capacity_words * width / 8192, adapters, (double)words * width / 8192, config->kv_sequences,
                       config->kv_context_tokens, (double)map->kv_words * width / 8192);
}

/* Adapters have pages, and the KV cache lies behind them. */
static bool place_pages(const struct chip_config *config, struct memory_map *map, struct error *e)
{
    uint64_t kv = map->kv_words;
    char text[64];
    map->n_pages = config->slots_pages ? config->slots_pages : kv < map->capacity_words ? pages_before(map, map->capacity_words - kv) : 0;
    map->slots_words = pages_end(map, map->n_pages);
    snprintf(text, sizeof text, "%u pages of %u words", map->n_pages ? map->n_pages : 1, map->page_words);
    if (map->n_pages == 0 || map->slots_words + kv > map->capacity_words) {
        return no_room(config, map, text, map->n_pages ? map->slots_words : map->page_words, e);
    }
    map->kv_base_words = (uint32_t)map->slots_words;
    return true;
}

/* Nothing but pages; what a request needs of them is checked when it is known. */
static void share_pages(struct memory_map *map)
{
    map->shared = true;
    map->n_pages = pages_before(map, map->capacity_words);
    map->slots_words = (uint64_t)map->n_pages * map->page_words;
    map->kv_words = 0;
    map->kv_base_words = 0;
    map->kv_pages = memory_map_kv_pages(map, map->kv_context_tokens);
}

static bool place_slots(const struct chip_config *config, struct memory_map *map, struct error *e)
{
    char text[64];
    snprintf(text, sizeof text, "%u slots of rank %u", config->slots_count, config->slots_rank_max);
    map->slots_words = (uint64_t)map->slot_words * config->slots_count * map->layers;
    map->kv_base_words = (uint32_t)map->slots_words;
    return map->slots_words + map->kv_words <= map->capacity_words || no_room(config, map, text, map->slots_words, e);
}

/* Slots of their own, or the pool's pages where these take less. */
static uint64_t size_end(const struct chip_config *config, const struct memory_map *map, struct end_map *end)
{
    uint64_t slots = ceil_div((uint64_t)end->slot_words * config->slots_count, end->ways) * end->ways;
    if (map->n_pages > 0) {
        uint64_t page = ceil_div(ceil_div(end->slot_words, map->slot_pages), end->unit_words) * end->unit_words;
        end->page_words = page * map->n_pages < slots ? (uint32_t)page : 0;
    }
    return end->page_words ? (uint64_t)end->page_words * map->n_pages : slots;
}

/* An SRAM for each end that has a LoRA MAC unit. */
static bool make_ends(const struct chip_config *config, const struct shape *shape, struct memory_map *map, struct error *e)
{
    for (enum linear_group g = LINEARS_HEAD; g < LINEAR_GROUPS_ALL; g++) {
        if (!config_has_end(config, g)) {
            continue;
        }
        if (g == LINEARS_HEAD && shape->n_vocab > LORA_OUTPUTS_MAX) {
            return error_input(e, "%s: lora.ends: expected a head of at most %d tokens, which the LoRA MAC unit can count, found %d",
                               config->name, LORA_OUTPUTS_MAX, shape->n_vocab);
        }
        uint64_t slot = slot_words(config, shape, g, g + 1), words = slot;
        struct end_map *end = memory_map_end(map, g);
        *end = (struct end_map){.slot_words = (uint32_t)slot, .ways = end_ways(config), .unit_words = end_unit_words(config)};
        if (slot <= UINT32_MAX) {
            words = size_end(config, map, end);
        }
        if (words > UINT32_MAX) {
            return error_input(
                e, "%s: %u slots of rank %u on the %s take %.1f GiB: expected fewer than 2^32 words (slots.count, slots.rank_max)",
                config->name, config->slots_count, config->slots_rank_max, g == LINEARS_HEAD ? "head" : "embedding",
                (double)words * config->sram_width_bits / 8 / 1073741824);
        }
        end->capacity_words = (uint32_t)words;
    }
    return true;
}

bool memory_map_make(const struct chip_config *config, const struct shape *shape, struct memory_map *map, struct error *e)
{
    uint32_t width = config->sram_width_bits, layers = config->chip_organisation == ORGANISATION_SHARED ? (uint32_t)shape->n_layers : 1;
    uint64_t slot = slot_words(config, shape, 0, LINEAR_GROUPS);
    uint64_t row = words((uint64_t)shape->n_kv_heads * ((uint64_t)shape->head_dim * config->kv_bits + KV_EXPONENT_BITS), width);
    uint64_t capacity = (uint64_t)config->sram_banks * config->sram_depth_words;
    if (capacity > UINT32_MAX) {
        return error_input(e, "%s: a layer's SRAM has %u banks x %u words: expected fewer than 2^32 words together", config->name,
                           config->sram_banks, config->sram_depth_words);
    }
    *map = (struct memory_map){
        .width_bits = width,
        .layers = layers,
        .ways = config->sram_ways,
        .n_layers = shape->n_layers,
        .kv_sequences = config->kv_sequences,
        .slot_words = (uint32_t)slot,
        .kv_row_words = (uint32_t)row,
        .kv_context_tokens = config->kv_context_tokens,
        .kv_words = 2 * row * config->kv_context_tokens * config->kv_sequences * layers,
        .capacity_words = capacity,
        .whole_slots = config->slots_layout == LAYOUT_FIXED,
        .page_words = config->sram_page_words,
        .group_words = config->sram_ways * config->sram_depth_words,
    };
    if (!has_pages(config)) {
        return place_slots(config, map, e) && make_ends(config, shape, map, e);
    }
    map->group_pages = map->group_words / map->page_words;
    map->slot_pages = (uint32_t)ceil_div(slot, map->page_words);
    if (config->sram_split == SPLIT_SHARED) {
        share_pages(map);
        return make_ends(config, shape, map, e);
    }
    return place_pages(config, map, e) && make_ends(config, shape, map, e);
}

/* A layer's groups, or an end. */
static enum linear_group first_group(const struct memory_map *map, int32_t layer)
{
    return layer == LAYER_EMBEDDING ? LINEARS_EMBEDDING : layer == map->n_layers ? LINEARS_HEAD : 0;
}
static enum linear_group end_group(const struct memory_map *map, int32_t layer)
{
    return layer == LAYER_EMBEDDING || layer == map->n_layers ? first_group(map, layer) + 1 : LINEAR_GROUPS;
}

static struct lora_region *region_in_slot_0(const struct memory_map *map, const struct adapter *adapter, int32_t layer,
                                            enum linear_group group)
{
    const size_t first = (size_t)(adapter - map->adapters) * memory_map_regions(map->n_layers);
    const int32_t end = map->n_layers * LINEAR_GROUPS + (int32_t)group - LINEARS_HEAD;
    return &map->regions[first + (size_t)(group < LINEAR_GROUPS ? layer * LINEAR_GROUPS + (int32_t)group : end)];
}

static void place_slice(struct memory_map *map, const struct chip_config *config, const struct shape *shape, const struct adapter *adapter,
                        int32_t layer)
{
    uint32_t address_words = 0;
    for (enum linear_group g = first_group(map, layer); g < end_group(map, layer); g++) {
        uint32_t ranks[GROUP_LINEARS_MAX] = {0};
        for (uint32_t j = 0; j < linears_count(g); j++) {
            ranks[j] = (uint32_t)adapter_pair(adapter, layer, linears_first(g) + j)->rank;
        }
        struct lora_region *region = region_in_slot_0(map, adapter, layer, g);
        *region = group_region(config, shape, g, ranks, address_words);
        address_words = region->job.b_address_words + region->b.words;
    }
    ES_ASSERT(address_words <= memory_map_slice_room(map, layer));
}

void memory_map_place(struct memory_map *map, const struct chip_config *config, const struct shape *shape, const struct adapter *adapters,
                      uint32_t n_adapters, struct lora_region *regions)
{
    map->adapters = adapters;
    map->regions = regions;
    for (uint32_t i = 0; i < n_adapters; i++) {
        for (int32_t layer = LAYER_EMBEDDING; layer <= shape->n_layers; layer++) {
            place_slice(map, config, shape, &adapters[i], layer);
        }
    }
}

struct lora_region memory_map_lora(const struct memory_map *map, const struct adapter *adapter, int32_t layer, enum linear_group group,
                                   int32_t slot)
{
    const int32_t of = group_layer(group, map->n_layers, layer);
    struct lora_region region = *region_in_slot_0(map, adapter, of, group);
    region.job.a_address_words += memory_map_slice(map, slot, of).address_words;
    region.job.b_address_words += memory_map_slice(map, slot, of).address_words;
    return region;
}

uint32_t memory_map_slice_words(const struct memory_map *map, const struct adapter *adapter, int32_t layer)
{
    const struct lora_region *last = region_in_slot_0(map, adapter, layer, end_group(map, layer) - 1);
    return last->job.b_address_words + last->b.words;
}

/* Pages of an end that an adapter fills; 0 where it has none. */
static uint32_t end_pages(const struct memory_map *map, const struct adapter *adapter, const struct end_map *end, int32_t layer)
{
    return end->page_words ? (uint32_t)ceil_div(memory_map_slice_words(map, adapter, layer), end->page_words) : 0;
}

uint32_t memory_map_adapter_pages(const struct memory_map *map, const struct adapter *adapter)
{
    uint32_t most_words = map->whole_slots ? map->slot_words : 1;
    for (int32_t layer = 0; layer < map->n_layers; layer++) {
        uint32_t here = memory_map_slice_words(map, adapter, layer);
        most_words = here > most_words ? here : most_words;
    }
    uint32_t pages = (uint32_t)ceil_div(most_words, map->page_words);
    uint32_t embedding = end_pages(map, adapter, &map->embedding, LAYER_EMBEDDING),
             head = end_pages(map, adapter, &map->head, map->n_layers);
    pages = embedding > pages ? embedding : pages;
    return head > pages ? head : pages;
}

void memory_map_set_end_pages(const struct memory_map *map, int32_t slot, uint32_t n)
{
    const uint32_t *from = memory_map_slot_page(map, slot);
    const struct end_map *const ends[] = {&map->embedding, &map->head};
    for (int k = 0; k < 2; k++) {
        const struct end_map *end = ends[k];
        for (uint32_t i = 0; end->page && i < n; i++) {
            uint32_t index = from[i] / map->group_words * map->group_pages + from[i] % map->group_words / map->page_words;
            end->page[(size_t)slot * (map->slot_pages + 1) + i] = index * end->page_words;
        }
    }
}
