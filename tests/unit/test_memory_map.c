/* Do slots and KV lie apart? Every region of random chips is marked word by word; no word may be marked twice or lie outside. */
#include "sim/memory_map.h"

#include <stdlib.h>

#include "tests/order/random_run.h"

struct words {
    uint8_t *taken;
    uint64_t n;
};

static bool mark(struct words *w, uint64_t address, uint64_t words)
{
    bool good = CHECK(address + words <= w->n);
    for (uint64_t i = address; good && i < address + words; i++) {
        good = CHECK(!w->taken[i]);
        w->taken[i] = 1;
    }
    return good;
}

/* All four groups of an adapter in a slot: they stay in it, and the words that are written when it is loaded are just theirs. */
static bool mark_slot(struct words *w, const struct memory_map *map, const struct adapter *adapter, int32_t layer, int32_t slot)
{
    bool good = true;
    uint64_t begin = (uint64_t)slot * map->slot_words, next = begin;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        struct lora_region r = memory_map_lora(map, adapter, layer, g, slot);
        good = good && mark(w, r.job.a_address_words, r.a.words) && mark(w, r.job.b_address_words, r.b.words);
        good = good && CHECK_EQ_UINT(r.job.a_address_words, next) && CHECK_EQ_UINT(r.job.b_address_words, next + r.a.words);
        good = good && CHECK_EQ_UINT(r.a.words % r.a.row_words, 0) && CHECK_EQ_UINT(r.b.words % r.b.row_words, 0);
        next = r.job.b_address_words + (uint64_t)r.b.words;
    }
    return good && CHECK(next <= begin + map->slot_words) && CHECK_EQ_UINT(next - begin, memory_map_slice_words(map, adapter, layer));
}

/* An end's slots, in its own SRAM. Each block of the embedding's A begins at the same bank. */
static void check_end(const struct memory_map *map, const struct random_run *run, enum linear_group g)
{
    const struct end_map *end = g == LINEARS_HEAD ? &map->head : &map->embedding;
    const int32_t layer = g == LINEARS_HEAD ? map->n_layers : LAYER_EMBEDDING;
    struct words w = {calloc(end->capacity_words + 1, 1), end->capacity_words};
    bool good = w.taken != NULL;
    CHECK_EQ_INT(end->capacity_words > 0, config_has_end(&run->config, g));
    for (uint32_t slot = 0; good && run->random.n_adapters && slot < run->config.slots_count; slot++) {
        const struct adapter *adapter = &run->random.adapters[slot % (uint32_t)run->random.n_adapters];
        struct lora_region r = memory_map_lora(map, adapter, 0, g, (int32_t)slot);
        uint32_t begin = slot * end->slot_words, at = r.job.a_address_words;
        for (uint32_t token = 0; good && r.job.rank && token < (g == LINEARS_HEAD ? 1 : (uint32_t)run->random.model.shape.n_vocab);
             token += r.job.inputs) {
            good = mark(&w, at, r.a.words) && CHECK_EQ_UINT((at - begin) % end->ways, 0);
            at += g == LINEARS_HEAD ? r.a.words : memory_map_block_words(map, &r);
        }
        good = good && mark(&w, r.job.b_address_words, r.b.words) && CHECK_EQ_UINT(r.job.b_address_words, at);
        good = good && CHECK_EQ_UINT(at + r.b.words - begin, memory_map_slice_words(map, adapter, layer));
        good = good && CHECK(at + r.b.words <= begin + end->slot_words);
    }
    free(w.taken);
}

static void regions_do_not_meet(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct random_run run;
        struct memory_map map;
        struct lora_region regions[256];
        struct error e = {0};
        random_run_make(&run, seed);
        REQUIRE_GOOD(memory_map_make(&run.config, &run.random.model.shape, &map, &e), &e);
        REQUIRE((size_t)run.random.n_adapters * memory_map_regions(run.random.model.shape.n_layers) <= 256);
        memory_map_place(&map, &run.config, &run.random.model.shape, run.random.adapters, (uint32_t)run.random.n_adapters, regions);
        for (int32_t layer = 0; layer < run.random.model.shape.n_layers; layer++) {
            struct words w = {calloc(map.capacity_words, 1), map.capacity_words};
            bool good = w.taken != NULL;
            for (uint32_t slot = 0; good && run.random.n_adapters && slot < run.config.slots_count; slot++) {
                good = mark_slot(&w, &map, &run.random.adapters[slot % (uint32_t)run.random.n_adapters], layer, (int32_t)slot);
            }
            for (uint32_t sequence = 0; good && sequence < run.config.kv_sequences; sequence++) {
                uint64_t rows = (uint64_t)map.kv_context_tokens * map.kv_row_words;
                good = mark(&w, memory_map_row(&map, sequence, KV_K, 0).address_words, rows) &&
                       mark(&w, memory_map_row(&map, sequence, KV_V, 0).address_words, rows);
            }
            free(w.taken);
        }
        check_end(&map, &run, LINEARS_EMBEDDING);
        check_end(&map, &run, LINEARS_HEAD);
        random_run_free(&run);
    }
}

static const struct shape shape_by_hand = {
    .n_layers = 1, .d_model = 8, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 20, .n_vocab = 16, .context_tokens = 8};

/* 8 lanes x 6 bits on words of 20 bits: a lane row is three words. */
static struct chip_config config_by_hand(void)
{
    struct chip_config config;
    config_defaults(&config);
    config.lora_lanes = 8;
    config.sram_width_bits = 20;
    config.sram_ways = config.sram_banks = 2;
    config.slots_rank_max = 2;
    config.kv_context_tokens = 8;
    config.link_elements = 16;
    config.norm_lanes = 1;
    config.attention_lanes = 2;
    config.silu_lanes = 100;
    config.rom_drain_elements = 1;
    return config;
}

/* A full-rank slot: rank 2, d 8, kv 4, ff 20. */
static void a_slot_has_the_size_of_its_largest_adapter(void)
{
    struct chip_config config = config_by_hand();
    struct memory_map map;
    struct error e = {0};
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    /* rows of A: three for up to 8 of the scales and exponents, then one a rank, pair and 8 inputs; of B: three and one a rank, for each 8 outputs of each */
    uint32_t qkv = 3 * 2 + 1 * 3 * 2 + 3 * (3 + 2); /* 6 scales and 3 exponents */
    uint32_t o = 3 + 2 + (3 + 2);
    uint32_t gate_up = 3 + 2 * 2 + 2 * 3 * (3 + 2); /* 4 scales and 2 exponents; 20 outputs in 3 blocks */
    uint32_t down = 3 + 3 * 2 + (3 + 2);
    CHECK_EQ_UINT(map.slot_words, 3 * (qkv + o + gate_up + down));
    CHECK_EQ_UINT(map.kv_row_words, (1 * (4 + 1) * 8 + 19) / 20);
    CHECK_EQ_UINT(map.kv_base_words, config.slots_count * map.slot_words);
    config.kv_bits = 3;
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    CHECK_EQ_UINT(map.kv_row_words, 1); /* 4 mantissas of 3 bits and an exponent of 8: 20 bits */
    config.kv_bits = 4;
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    CHECK_EQ_UINT(map.kv_row_words, 2); /* 24 bits in words of 20 */
}

/* An adapter with rank 2 on V, rank 1 on Q and up, and nothing else, in slot 1. */
static void a_region_by_hand(void)
{
    struct chip_config config = config_by_hand();
    struct lora_pair pairs[LINEAR_ENDS] = {[LINEAR_Q] = {.rank = 1}, [LINEAR_V] = {.rank = 2}, [LINEAR_UP] = {.rank = 1}};
    struct adapter adapter = {.n_layers = 1, .rank_max = 2, .pairs = pairs};
    struct lora_region regions[LINEAR_GROUPS_ALL];
    struct memory_map map;
    struct error e = {0};
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    memory_map_place(&map, &config, &shape_by_hand, &adapter, 1, regions);

    struct lora_region qkv = memory_map_lora(&map, &adapter, 0, LINEARS_QKV, 1);
    CHECK_EQ_UINT(qkv.job.rank, 2);
    CHECK_EQ_UINT(qkv.job.pairs, 5);
    CHECK_EQ_UINT(qkv.job.inputs, 8);
    CHECK_EQ_UINT(qkv.job.outputs[0], 8);
    CHECK_EQ_UINT(qkv.job.outputs[2], 4);
    CHECK_EQ_UINT(qkv.job.beat_elements, 1); /* norm.lanes */
    CHECK_EQ_UINT(qkv.job.a_address_words, map.slot_words);
    CHECK_EQ_UINT(qkv.a.row_words, 3);
    CHECK_EQ_UINT(qkv.a.words, 3 * (3 + 4)); /* 4 scales and 2 exponents; two pairs of 2 rows, Q's second one zero */
    CHECK_EQ_UINT(qkv.a.first_rows, 3 + 4);
    CHECK_EQ_UINT(qkv.a.block_rows, 4);
    CHECK_EQ_UINT(qkv.a.pause_cycles, 8 - 4); /* 8 beats a block of inputs */
    CHECK_EQ_UINT(qkv.job.b_address_words, map.slot_words + 21);
    CHECK_EQ_UINT(qkv.b.words, 3 * (5 + 5));
    CHECK_EQ_UINT(qkv.b.first_rows, 5);
    CHECK_EQ_UINT(qkv.b.block_rows, 5);
    CHECK_EQ_UINT(qkv.b.pause_cycles, 8 - 5); /* 8 beats a block of results */

    struct lora_region o = memory_map_lora(&map, &adapter, 0, LINEARS_O, 1);
    CHECK_EQ_UINT(o.job.rank, 0);
    CHECK_EQ_UINT(o.a.words + o.b.words, 0);

    struct lora_region gate_up = memory_map_lora(&map, &adapter, 0, LINEARS_GATE_UP, 1);
    CHECK_EQ_UINT(gate_up.job.pairs, 2);
    CHECK_EQ_UINT(gate_up.job.a_address_words, map.slot_words + 21 + 30);
    CHECK_EQ_UINT(gate_up.a.words, 3 * (3 + 1));
    CHECK_EQ_UINT(gate_up.b.words, 3 * 3 * (3 + 1));
    CHECK_EQ_UINT(memory_map_slice_words(&map, &adapter, 0), 21 + 30 + 12 + 36);
    CHECK_EQ_UINT(memory_map_lora(&map, &adapter, 0, LINEARS_O, 0).job.beat_elements, 2);     /* attention.lanes */
    CHECK_EQ_UINT(memory_map_lora(&map, &adapter, 0, LINEARS_DOWN, 0).job.beat_elements, 16); /* the link is narrower than silu.lanes */
}

/* Rank 2 on both ends, 16 tokens: two blocks of A, and the head's B. Lane rows are three words, banks two: an A of 15 words is padded to 16. */
static void ends_by_hand(void)
{
    struct chip_config config = config_by_hand();
    struct lora_pair pairs[LINEAR_ENDS] = {[LINEAR_EMBEDDING] = {.rank = 2}, [LINEAR_HEAD] = {.rank = 1}};
    struct adapter adapter = {.n_layers = 1, .rank_max = 2, .pairs = pairs};
    struct lora_region regions[LINEAR_GROUPS_ALL];
    struct memory_map map;
    struct error e = {0};
    config.lora_ends = ENDS_BOTH;
    config.slots_count = 3;
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    memory_map_place(&map, &config, &shape_by_hand, &adapter, 1, regions);
    CHECK_EQ_UINT(map.embedding.slot_words, 2 * 16 + 3 * (3 + 2));
    CHECK_EQ_UINT(map.embedding.capacity_words, 142); /* 141, in two banks */
    CHECK_EQ_UINT(map.embedding.ways, 2);
    struct lora_region r = memory_map_lora(&map, &adapter, 0, LINEARS_EMBEDDING, 2);
    CHECK_EQ_UINT(r.job.inputs, 8);
    CHECK_EQ_UINT(r.job.outputs[0], 8);
    CHECK_EQ_UINT(r.job.beat_elements, 16);
    CHECK_EQ_UINT(r.a.words, 3 * (3 + 2)); /* of a block: 2 scales and an exponent, 2 rows */
    CHECK_EQ_UINT(r.job.a_address_words, 2 * 47);
    CHECK_EQ_UINT(r.job.b_address_words, 2 * 47 + 32);
    CHECK_EQ_UINT(memory_map_slice_words(&map, &adapter, LAYER_EMBEDDING), 47);
    CHECK_EQ_UINT(map.head.slot_words, 3 * (3 + 2 + 2 * (3 + 2)));
    r = memory_map_lora(&map, &adapter, 0, LINEARS_HEAD, 1);
    CHECK_EQ_UINT(r.job.inputs, 8);
    CHECK_EQ_UINT(r.job.outputs[0], 16);
    CHECK_EQ_UINT(r.job.beat_elements, 1); /* norm.lanes */
    CHECK_EQ_UINT(r.job.b_address_words, 45 + 3 * (3 + 1));
    CHECK_EQ_UINT(memory_map_slice_words(&map, &adapter, 1), 3 * (3 + 1 + 2 * (3 + 1)));
    CHECK_EQ_UINT(memory_map_slice_words(&map, &adapter, 0), 0);
    config.lora_ends = ENDS_HEAD;
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    CHECK_EQ_UINT(map.embedding.capacity_words, 0);
    struct shape large = shape_by_hand;
    large.n_vocab = 1 << 20;
    CHECK(!memory_map_make(&config, &large, &map, &e));
    CHECK_CONTAINS(e.message, "lora.ends: expected a head of at most 1048575 tokens, which the LoRA MAC unit can count, found 1048576");
}

/* The same in pages: blocks and pages are whole rows that begin at the first bank, multiples of 6 words. A slot of 264 words is 5 pages of 64 in a layer, so of 12 in
 * the embedding (51 words), 18 for the head. */
static void ends_have_pages_by_hand(void)
{
    struct chip_config config = config_by_hand();
    struct lora_pair pairs[LINEAR_ENDS] = {[LINEAR_Q] = {.rank = 1}, [LINEAR_EMBEDDING] = {.rank = 2}, [LINEAR_HEAD] = {.rank = 1}};
    struct adapter adapter = {.n_layers = 1, .rank_max = 2, .pairs = pairs};
    struct lora_region regions[LINEAR_GROUPS_ALL];
    struct memory_map map;
    struct error e = {0};
    config.lora_ends = ENDS_BOTH;
    config.slots_layout = LAYOUT_PAGED;
    config.slots_count = 8;
    config.slots_pages = 12;
    config.sram_page_words = 64;
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    memory_map_place(&map, &config, &shape_by_hand, &adapter, 1, regions);
    CHECK_EQ_UINT(map.slot_words, 264);
    CHECK_EQ_UINT(map.slot_pages, 5);
    CHECK_EQ_UINT(map.embedding.slot_words, 2 * 18 + 3 * (3 + 2));
    CHECK_EQ_UINT(map.embedding.page_words, 12);
    CHECK_EQ_UINT(map.embedding.capacity_words, 12 * 12);
    CHECK_EQ_UINT(map.head.slot_words, 45);
    CHECK_EQ_UINT(map.head.page_words, 12);
    CHECK_EQ_UINT(memory_map_slice_words(&map, &adapter, LAYER_EMBEDDING), 51);
    CHECK_EQ_UINT(memory_map_adapter_pages(&map, &adapter), 5); /* the embedding's; Q takes 1, the head's 36 words 3 */
    uint32_t slots[8 * 6] = {[2 * 6] = 3 * 64, 0, 7 * 64}, embedding[8 * 6] = {0}, head[8 * 6] = {0};
    map.slot_page = slots;
    map.embedding.page = embedding;
    map.head.page = head;
    memory_map_set_end_pages(&map, 2, 3);
    CHECK_EQ_UINT(embedding[12], 3 * 12);
    CHECK_EQ_UINT(embedding[13], 0);
    CHECK_EQ_UINT(embedding[14], 7 * 12);
    CHECK(memory_map_slice(&map, 2, LAYER_EMBEDDING).pages == embedding + 12 && memory_map_slice(&map, 2, 1).pages == head + 12);
    config.slots_count = 2; /* fewer words than 12 pages */
    REQUIRE_GOOD(memory_map_make(&config, &shape_by_hand, &map, &e), &e);
    CHECK_EQ_UINT(map.embedding.page_words, 0);
    CHECK_EQ_UINT(map.embedding.capacity_words, 2 * 51);
}

void suite_memory_map(void)
{
    suite_begin("memory_map");
    suite_add("slots, phases of LoRA and KV rows share no word and stay inside", regions_do_not_meet);
    suite_add("a slot's size by hand", a_slot_has_the_size_of_its_largest_adapter);
    suite_add("an adapter's regions by hand", a_region_by_hand);
    suite_add("the ends' regions by hand", ends_by_hand);
    suite_add("the ends' pages by hand", ends_have_pages_by_hand);
}
