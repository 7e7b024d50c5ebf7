/* Pages of adapters and KV caches: who gets which, what goes to make room, what a page table means in the SRAM; a table set by hand, and a shape counted by hand. */
#include "sim/memory_map.h"
#include "sim/slots.h"

#include "tests/unit/check.h"

enum { SLOTS = 4, ADAPTERS = 5, PAGES = 10, ROOM = 7 };

static struct slot table[SLOTS];
static struct slots_adapter adapters[ADAPTERS];
static uint32_t first_words[PAGES], tables[SLOTS * ROOM];
static struct page_pool pool;

/* Ten pages; adapter i takes i + 1 of them, adapter 4 six. */
static struct slots paged_slots(uint32_t pinned)
{
    for (uint32_t i = 0; i < PAGES; i++) {
        first_words[i] = 100 * i;
    }
    pages_init(&pool, first_words, PAGES);
    for (int i = 0; i < SLOTS; i++) {
        table[i] = (struct slot){.adapter = -1};
    }
    for (uint32_t i = 0; i < ADAPTERS; i++) {
        adapters[i] = (struct slots_adapter){.slot = -1, .pages = i < 4 ? i + 1 : 6, .words = 10 * i, .bytes = i};
    }
    return (struct slots){.slot = table,
                          .count = SLOTS,
                          .n_free = SLOTS,
                          .adapters = adapters,
                          .n_adapters = ADAPTERS,
                          .pinned = pinned,
                          .pool = &pool,
                          .page = tables,
                          .page_room = ROOM};
}

static void load(struct slots *s, int32_t adapter, cycle_t now)
{
    int32_t i = slots_victim(s);
    REQUIRE(i >= 0);
    slots_load(s, i, adapter, now);
    slots_live(s, i, now + 1);
}

static void pages_come_and_go(void)
{
    struct slots s = paged_slots(0);
    load(&s, 1, 0);
    load(&s, 2, 10);
    CHECK_EQ_UINT(tables[0], 0);
    CHECK_EQ_UINT(tables[1], 100);
    CHECK_EQ_UINT(tables[ROOM], 200);
    CHECK_EQ_UINT(tables[ROOM + 2], 400);
    CHECK_EQ_UINT(pages_available(&pool), 5);
    CHECK_EQ_UINT(s.fill_words, 30);
    slots_leave(&s, 0, 20);
    CHECK_EQ_UINT(s.idle_pages, 2);
    CHECK_EQ_INT(slots_evict_next(&s, false, 7, 30), 0);
    CHECK_EQ_INT(slots_evict_next(&s, false, 7, 30), -1); /* they are there */
    CHECK_EQ_UINT(pages_available(&pool), 7);
    CHECK_EQ_UINT(s.fill_words, 20);
    CHECK_EQ_UINT(s.fill_words_peak, 30);
    load(&s, 0, 40);
    CHECK_EQ_UINT(tables[0], 0); /* given back last, taken first */
    CHECK(slots_conserved(&s));
    slots_close(&s, 50);
    CHECK_EQ_UINT(pool.used_page_cycles, 10 * 2 + 20 * 5 + 10 * 3 + 10 * 4);
    CHECK_EQ_UINT(pool.used_peak, 5);
}

/* Six pages for a large adapter: as many small ones go as it takes, the one used longest ago first, and none that is in use or pinned. */
static void several_go_for_a_large_one(void)
{
    struct slots s = paged_slots(1);
    for (int32_t a = 0; a < 4; a++) { /* 1 + 2 + 3 + 4 pages: all */
        load(&s, a, (cycle_t)a);
    }
    CHECK(!slots_have_room(&s, 4, 0));
    slots_leave(&s, 0, 10); /* pinned */
    slots_leave(&s, 3, 20);
    CHECK(!slots_have_room(&s, 4, 0)); /* 4 of 6 */
    slots_leave(&s, 2, 30);
    CHECK(slots_have_room(&s, 4, 0));
    CHECK(slots_have_room(&s, 4, 1) && !slots_have_room(&s, 4, 2));
    CHECK_EQ_INT(slots_evict_next(&s, true, 6, 40), 3);
    CHECK_EQ_INT(slots_evict_next(&s, true, 6, 40), 2);
    CHECK_EQ_INT(slots_evict_next(&s, true, 6, 40), -1);
    load(&s, 4, 40);
    CHECK_EQ_UINT(pages_available(&pool), 1);
    CHECK_EQ_INT(slots_find(&s, 2), -1);
    CHECK_EQ_INT(slots_find(&s, 0), 0);
    CHECK(slots_conserved(&s));
}

/* A request that finds its adapter in an idle slot can't have that adapter's pages for its KV cache. */
static void an_adapter_makes_no_room_for_its_own_request(void)
{
    struct slots s = paged_slots(0);
    load(&s, 4, 0);
    slots_leave(&s, 0, 5);
    CHECK(slots_have_room(&s, -1, 10)); /* the base model's may: the adapter goes */
    CHECK(slots_have_room(&s, 4, 4) && !slots_have_room(&s, 4, 5));
    pool.n_reserved = 3;
    CHECK(slots_have_room(&s, 4, 1) && !slots_have_room(&s, 4, 2));
}

/* Two groups of 2 x 50 words, pages of 30: three in each group, ten words of it left. */
static void no_page_lies_across_groups(void)
{
    static const struct shape shape = {
        .n_layers = 1, .d_model = 8, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 20, .n_vocab = 16, .context_tokens = 8};
    struct chip_config c;
    struct memory_map map;
    struct error e;
    config_defaults(&c);
    c.lora_lanes = 8;
    c.sram_width_bits = 20;
    c.sram_banks = 4;
    c.sram_ways = 2;
    c.sram_depth_words = 50;
    c.slots_rank_max = 1;
    c.slots_count = 2;
    c.kv_context_tokens = 8;
    c.kv_sequences = 2;
    c.sram_page_words = 30;
    c.slots_layout = LAYOUT_PAGED;
    REQUIRE_GOOD(memory_map_make(&c, &shape, &map, &e), &e);
    /* A row is 5 bytes: 2 words of 20 bits; K and V of 2 sequences x 8 tokens: 64 words. 136 are left: one group's 3 pages, and one of 36 words. */
    CHECK_EQ_UINT(map.n_pages, 4);
    CHECK_EQ_UINT(memory_map_page(&map, 2), 60);
    CHECK_EQ_UINT(memory_map_page(&map, 3), 100);
    CHECK_EQ_UINT(map.kv_base_words, 130);
    CHECK_EQ_UINT(memory_map_row(&map, 1, KV_V, 3).address_words, 130 + 3 * 16 + 3 * 2);
    c.slots_pages = 5;
    CHECK(!memory_map_make(&c, &shape, &map, &e));
    CHECK_CONTAINS(e.message, "5 pages of 30 words");
    c.sram_split = SPLIT_SHARED;
    REQUIRE_GOOD(memory_map_make(&c, &shape, &map, &e), &e);
    CHECK_EQ_UINT(map.n_pages, 6);
    CHECK_EQ_UINT(map.kv_pages, 1);
    CHECK_EQ_UINT(memory_map_kv_pages(&map, 16), 2); /* 32 words */
    c.sram_page_words = 101;
    CHECK(!config_check(&c, &e));
    CHECK_CONTAINS(e.message, "sram.page_words");
}

void suite_pages(void);
void suite_pages(void)
{
    suite_begin("pages");
    suite_add("adapters take pages and give them back", pages_come_and_go);
    suite_add("several adapters go for a large one", several_go_for_a_large_one);
    suite_add("an adapter makes no room for its own request", an_adapter_makes_no_room_for_its_own_request);
    suite_add("no page lies across groups of banks; the map by hand", no_page_lies_across_groups);
}
