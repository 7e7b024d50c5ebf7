/* memory_map.h -- where adapters and KV lie in a layer's SRAM, in words of a bank's width.
 *
 *   slots.layout: fixed, sram.split: fixed
 *   word 0            slots.count * slot_words                                     capacity
 *   | slot 0 | slot 1 | ... | sequence 0: K rows, V rows | sequence 1: ... |  free |
 *
 *   slots.layout: paged, sram.split: fixed: pages in place of slots; an adapter has as many as it fills
 *   | page | page | ...     | sequence 0: K rows, V rows | sequence 1: ... |  free |
 *
 *   sram.split: shared: nothing but pages. A KV cache has as many for its K rows, and for its V rows, as its request can come to fill; a fixed slot as many as
 *   an adapter of slots.rank_max would.
 *   | page | page | ...                                                    |  rest |
 *
 *   chip.organisation: shared has one SRAM for all layers: a slot is as many slots as there are layers, one behind the other, and the KV caches of layer 0 are
 *   followed by those of layer 1, and so on.
 *
 * A slot is as large as an adapter of slots.rank_max on all seven linears. In it (or in an adapter's pages, one after the other), per group of linears that share
 * an input (QKV, O, gate and up, down): region A of all of them, then region B, in whole lane rows (docs/lora_mac.md). A K or V row is one token: n_kv_heads *
 * (head_dim mantissas of kv.bits and an exponent of a byte).
 * An end (embedding or head) that has a LoRA MAC unit (lora.ends) has an SRAM of its own, in one group of banks, as many as a lane row has words (sram.ways, if
 * those are fewer), as deep as it takes: slots.count slots, each as large as a pair of slots.rank_max. Where there are pages, and all of them together take less
 * than that, it has them too: page i of the layers is page i of an end, of a size that makes a pair of slots.rank_max fill as many pages as such linears do. The head's
 * regions are those of a linear. The embedding's region A is one for each block of lora.lanes tokens, each with its preamble, so that a token's column is read as the
 * block that it is in; then region B. Each A begins at the same bank, and with pages at the beginning of a row (padded where sram.ways is less than a row's words), so
 * that no token's id changes cycles.
 *   | slot 0: A of tokens 0 .. L - 1, A of tokens L .. 2 L - 1, ..., B | slot 1: ... |
 *
 * Inaccuracy: the kernels keep KV exponents in 16 bits, and nothing proves that they fit the byte that is counted here.
 */
#ifndef ETCHSIM_MEMORY_MAP_H
#define ETCHSIM_MEMORY_MAP_H

#include "adapters/adapter.h"
#include "adapters/synthetic.h"
#include "sim/config.h"
#include "sim/incident.h"
#include "sim/lora_layout.h"
#include "sim/sram.h"

struct lora_region {     /* one group of linears of one adapter in one layer */
    struct lora_job job; /* without base exponents; rank 0: the adapter leaves this group alone */
    struct sram_rows a, b;
};

struct end_map { /* the SRAM of an end, all zero where it has no LoRA MAC unit */
    uint32_t slot_words, capacity_words, ways;
    uint32_t unit_words; /* blocks of the embedding's A, and pages, are multiples of it: they begin at the same bank */
    uint32_t page_words; /* 0: a slot has its place. Else a slot's pages are those of its table, in an end's words: */
    uint32_t *page;      /* [slots.count][slot_pages + 1] tables, as memory_map.slot_page */
};

struct memory_map {
    struct end_map head, embedding;
    int32_t n_layers;
    uint32_t width_bits;
    uint32_t layers; /* in the block whose SRAM this is: 1, or with chip.organisation: shared all of the model */
    uint32_t ways;   /* sram.ways */
    uint32_t kv_sequences;
    uint32_t slot_words;
    uint32_t kv_base_words, kv_row_words, kv_context_tokens;
    uint64_t slots_words, kv_words,
        capacity_words; /* of one block; slots_words: all pages, where there are pages; kv_words: 0 when they are shared */
    /* pages; n_pages 0: neither adapters nor KV have any */
    bool shared;      /* KV too */
    bool whole_slots; /* an adapter takes as many as one of slots.rank_max */
    uint32_t page_words, n_pages, group_pages, group_words;
    uint32_t slot_pages, kv_pages; /* at most: of an adapter; of the K rows, and of the V rows, of a sequence */
    uint32_t *
        slot_page; /* [slots.count][slot_pages + 1] tables of first words, set by the sequencer before anyone is told of a slot; NULL: no pages */
    const struct damage **damage;    /* [slots.count] flipped bits in a slot, NULL: none */
    const struct damage **kv_damage; /* [kv.sequences] the same in a KV cache; NULL: there won't be any */
    uint32_t *kv_page;               /* [kv.sequences][2][kv_pages + 1] the same for K and V */
    /* the adapters that memory_map_place() has seen */
    const struct adapter *adapters;
    struct lora_region *regions; /* [adapters][memory_map_regions()], as they lie in slot 0 */
};

/* Whether the chip has a LoRA MAC unit at an end, and its SRAM. */
bool config_has_end(const struct chip_config *config, enum linear_group end);
/* Those that a synthetic adapter is to have: all. */
static inline struct synthetic_ends config_ends(const struct chip_config *config)
{
    return (struct synthetic_ends){config_has_end(config, LINEARS_EMBEDDING), config_has_end(config, LINEARS_HEAD)};
}
static inline struct end_map *memory_map_end(struct memory_map *map, enum linear_group end)
{
    return end == LINEARS_HEAD ? &map->head : &map->embedding;
}

/* Fails with the figures when slots and KV do not fit the banks. */
bool memory_map_make(const struct chip_config *config, const struct shape *shape, struct memory_map *map, struct error *e);
/* Regions of an adapter: those of all layers, the head's, the embedding's. */
static inline size_t memory_map_regions(int32_t n_layers)
{
    return (size_t)n_layers * LINEAR_GROUPS + LINEAR_GROUPS_ALL - LINEAR_GROUPS;
}
/* Lays out the adapters that memory_map_lora() and memory_map_slice_words() will be asked for. They and regions, [n_adapters * memory_map_regions()],
 * outlive the map. */
void memory_map_place(struct memory_map *map, const struct chip_config *config, const struct shape *shape, const struct adapter *adapters,
                      uint32_t n_adapters, struct lora_region *regions);

/* From one block of the embedding's A to the next. */
static inline uint32_t memory_map_block_words(const struct memory_map *map, const struct lora_region *embedding)
{
    return (uint32_t)(ceil_div(embedding->a.words, map->embedding.unit_words) * map->embedding.unit_words);
}
/* Where a group's regions lie; of the embedding's A the block of token 0, the others behind it. */
struct lora_region memory_map_lora(const struct memory_map *map, const struct adapter *adapter, int32_t layer, enum linear_group group,
                                   int32_t slot);
/* What an adapter fills of its slot in a layer, or at an end (layer LAYER_EMBEDDING, n_layers), from the slot's first word on. */
uint32_t memory_map_slice_words(const struct memory_map *map, const struct adapter *adapter, int32_t layer);

/* Pages that an adapter takes, and that the K rows (or the V rows) of so many tokens take. */
uint32_t memory_map_adapter_pages(const struct memory_map *map, const struct adapter *adapter);
static inline uint32_t memory_map_kv_pages(const struct memory_map *map, uint32_t tokens)
{
    return (uint32_t)ceil_div((uint64_t)tokens * map->kv_row_words, map->page_words);
}
/* The first word of page i, in the order of their addresses. */
static inline uint32_t memory_map_page(const struct memory_map *map, uint32_t i)
{
    return i / map->group_pages * map->group_words + i % map->group_pages * map->page_words;
}

/* Where an adapter's words begin: in the SRAM, or in the slot's pages. */
static inline uint32_t *memory_map_slot_page(const struct memory_map *map, int32_t slot)
{
    return map->slot_page ? &map->slot_page[(size_t)slot * (map->slot_pages + 1)] : NULL;
}
static inline struct sram_place memory_map_slot(const struct memory_map *map, int32_t slot)
{
    return (struct sram_place){map->slot_page ? 0 : (uint32_t)slot * map->slot_words * map->layers, memory_map_slot_page(map, slot)};
}
/* Banks over which words rotate in a layer's SRAM, or in an end's. */
static inline uint32_t memory_map_ways(const struct memory_map *map, int32_t layer)
{
    return layer == LAYER_EMBEDDING ? map->embedding.ways : layer == map->n_layers ? map->head.ways : map->ways;
}
/* Words of a slot in a layer, or at an end. */
static inline uint32_t memory_map_slice_room(const struct memory_map *map, int32_t layer)
{
    return layer == LAYER_EMBEDDING ? map->embedding.slot_words : layer == map->n_layers ? map->head.slot_words : map->slot_words;
}
/* The place of the slice of a layer, or of an end. */
static inline struct sram_place memory_map_slice(const struct memory_map *map, int32_t slot, int32_t layer)
{
    if (layer == LAYER_EMBEDDING || layer == map->n_layers) {
        const struct end_map *end = layer == LAYER_EMBEDDING ? &map->embedding : &map->head;
        return end->page ? (struct sram_place){0, &end->page[(size_t)slot * (map->slot_pages + 1)]}
                         : (struct sram_place){(uint32_t)slot * end->slot_words, NULL};
    }
    struct sram_place place = memory_map_slot(map, slot);
    place.address_words += map->layers > 1 ? (uint32_t)layer * map->slot_words : 0;
    return place;
}

/* A slot has got so many pages: which ones they are at the ends. */
void memory_map_set_end_pages(const struct memory_map *map, int32_t slot, uint32_t n);

enum kv_part { KV_K, KV_V };
/* A sequence's KV cache of one layer, among those in the block's SRAM. */
static inline uint32_t memory_map_kv(const struct memory_map *map, uint32_t sequence, int32_t layer)
{
    return map->layers > 1 ? (uint32_t)layer * map->kv_sequences + sequence : sequence;
}
static inline uint32_t *memory_map_kv_page(const struct memory_map *map, uint32_t sequence, enum kv_part part)
{
    return map->kv_page ? &map->kv_page[((size_t)sequence * 2 + part) * (map->kv_pages + 1)] : NULL;
}
/* Where the row of a token begins; `sequence` as memory_map_kv() counts them. */
static inline struct sram_place memory_map_row(const struct memory_map *map, uint32_t sequence, enum kv_part part, uint32_t position)
{
    uint32_t base_words = map->kv_page ? 0 : map->kv_base_words + (sequence * 2 + part) * map->kv_context_tokens * map->kv_row_words;
    return (struct sram_place){base_words + position * map->kv_row_words, memory_map_kv_page(map, sequence, part)};
}

#endif
