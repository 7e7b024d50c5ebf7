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

static bool mark_slot(struct words *w, const struct memory_map *map, const struct adapter *adapter, int32_t layer, int32_t slot)
{
    bool good = true;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        struct lora_region r = memory_map_lora(map, adapter, layer, g, slot);
        good = good && mark(w, r.a_address_words, r.a_words) && mark(w, r.b_address_words, r.b_words);
        uint64_t end = r.b_address_words + (uint64_t)r.b_words;
        good = good && CHECK(end <= (uint64_t)(slot + 1) * map->slot_words); /* stays in its slot */
    }
    return good;
}

static void regions_do_not_meet(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct random_run run;
        struct memory_map map;
        struct error e = {0};
        random_run_make(&run, seed);
        REQUIRE_GOOD(memory_map_make(&run.config, &run.random.model.shape, &map, &e), &e);
        for (int32_t layer = 0; layer < run.random.model.shape.n_layers; layer++) {
            struct words w = {calloc(map.capacity_words, 1), map.capacity_words};
            bool good = w.taken != NULL;
            for (uint32_t slot = 0; good && run.random.n_adapters && slot < run.config.slots_count; slot++) {
                good = mark_slot(&w, &map, &run.random.adapters[slot % (uint32_t)run.random.n_adapters], layer, (int32_t)slot);
            }
            for (uint32_t sequence = 0; good && sequence < run.config.kv_sequences; sequence++) {
                uint64_t rows = (uint64_t)map.kv_context_tokens * map.kv_row_words;
                good = mark(&w, memory_map_k(&map, sequence), rows) && mark(&w, memory_map_v(&map, sequence), rows);
            }
            free(w.taken);
        }
        random_run_free(&run);
    }
}

/* A full-rank slot by hand: rank 2, d 8, kv 4, ff 6, 16-bit words. */
static void a_slot_has_the_size_of_its_largest_adapter(void)
{
    struct chip_config config;
    struct shape shape = {
        .n_layers = 1, .d_model = 8, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 6, .n_vocab = 16, .context_tokens = 8};
    struct memory_map map;
    struct error e = {0};
    config_defaults(&config);
    config.sram_width_bits = 16;
    config.slots_rank_max = 2;
    REQUIRE_GOOD(memory_map_make(&config, &shape, &map, &e), &e);
    /* bits: A 2 * (n_in * 6 + 16) each, B n_out * (2 * 6 + 16) each; per group rounded up to words */
    uint32_t qkv = 3 * 2 * (8 * 6 + 16) / 16 + (8 + 4 + 4) * 28 / 16;
    uint32_t o = 2 * (8 * 6 + 16) / 16 + 8 * 28 / 16;
    uint32_t gate_up = 2 * 2 * (8 * 6 + 16) / 16 + 12 * 28 / 16;
    uint32_t down = (2 * (6 * 6 + 16) + 15) / 16 + 8 * 28 / 16;
    CHECK_EQ_UINT(map.slot_words, qkv + o + gate_up + down);
    CHECK_EQ_UINT(map.kv_row_words, (1 * (4 + 1) * 8 + 15) / 16);
}

void suite_memory_map(void)
{
    suite_begin("memory_map");
    suite_add("slots, phases of LoRA and KV rows share no word and stay inside", regions_do_not_meet);
    suite_add("a slot's size by hand", a_slot_has_the_size_of_its_largest_adapter);
}
