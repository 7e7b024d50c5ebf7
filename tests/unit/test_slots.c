/* Which adapter is where? The slot table's choice of victims, its counters and its conservation. */
#include "sim/slots.h"

#include "tests/unit/check.h"

enum { COUNT = 3, ADAPTERS = 6 };

static struct slot table[COUNT];
static struct slots_adapter adapters[ADAPTERS];

static struct slots empty_slots(enum eviction eviction, uint32_t pinned)
{
    for (int i = 0; i < COUNT; i++) {
        table[i] = (struct slot){.state = SLOT_FREE, .adapter = -1};
    }
    for (int i = 0; i < ADAPTERS; i++) {
        adapters[i] = (struct slots_adapter){.slot = -1, .bytes = 1000};
    }
    return (struct slots){.slot = table,
                          .count = COUNT,
                          .n_free = COUNT,
                          .adapters = adapters,
                          .n_adapters = ADAPTERS,
                          .eviction = eviction,
                          .pinned = pinned};
}

/* Loads an adapter from `from` to `from` + 10; its request is done at `to`. */
static void use(struct slots *s, int32_t i, int32_t adapter, cycle_t from, cycle_t to)
{
    slots_load(s, i, adapter, from);
    slots_live(s, i, from + 10);
    slots_leave(s, i, to);
}

static void finds_resident_and_loading_adapters(void)
{
    struct slots s = empty_slots(EVICTION_LRU, 0);
    use(&s, 0, 4, 0, 50);
    slots_load(&s, 1, 5, 60);
    CHECK_EQ_INT(slots_find(&s, 4), 0);
    CHECK_EQ_INT(slots_find(&s, 5), 1);
    CHECK_EQ_INT(slots_find(&s, 3), -1);
    CHECK_EQ_INT(slots_find(&s, -1), -1); /* a free slot holds nothing */
    slots_load(&s, 0, 3, 70);
    CHECK_EQ_INT(slots_find(&s, 4), -1); /* evicted */
    CHECK_EQ_INT(slots_find(&s, 3), 0);
    CHECK_EQ_UINT(s.evictions, 1);
    CHECK_EQ_UINT(adapters[4].evictions, 1);
    CHECK(slots_conserved(&s));
}

static void takes_a_free_slot_before_it_evicts(void)
{
    struct slots s = empty_slots(EVICTION_LRU, 0);
    use(&s, 0, 0, 0, 50);
    use(&s, 1, 1, 1, 60);
    CHECK_EQ_INT(slots_victim(&s), 2);
}

static void never_evicts_a_slot_in_use(void)
{
    struct slots s = empty_slots(EVICTION_LRU, 0);
    use(&s, 0, 0, 0, 50);
    slots_join(&s, 0, 55);
    slots_load(&s, 1, 1, 60);
    use(&s, 2, 2, 61, 100);
    CHECK_EQ_INT(slots_victim(&s), 2);
    slots_join(&s, 2, 101);
    CHECK_EQ_INT(slots_victim(&s), -1);
    slots_live(&s, 1, 110);
    CHECK_EQ_INT(slots_victim(&s), -1);
    slots_leave(&s, 1, 111);
    CHECK_EQ_INT(slots_victim(&s), 1);
}

/* Slot 0 was loaded last and is asked for most often; 1 is used longest ago; 2 was loaded first and is the largest. */
static struct slots full_slots(enum eviction eviction, uint32_t pinned)
{
    struct slots s = empty_slots(eviction, pinned);
    adapters[2].bytes = 10000;
    use(&s, 2, 2, 0, 200);
    use(&s, 1, 1, 20, 40);
    use(&s, 0, 0, 50, 100);
    for (int i = 0; i < 3; i++) {
        slots_join(&s, 0, 100);
        slots_leave(&s, 0, 110);
    }
    slots_join(&s, 1, 45);
    slots_leave(&s, 1, 50);
    return s;
}

static void each_policy_has_its_victim(void)
{
    struct slots s = full_slots(EVICTION_LRU, 0);
    CHECK_EQ_INT(slots_victim(&s), 1);
    s = full_slots(EVICTION_FIFO, 0);
    CHECK_EQ_INT(slots_victim(&s), 2);
    s = full_slots(EVICTION_LFU, 0);
    CHECK_EQ_INT(slots_victim(&s), 2); /* asked for once; 1: twice, 0: four times */
    s = full_slots(EVICTION_COST_AWARE, 0);
    CHECK_EQ_INT(slots_victim(&s), 1); /* 2 x 1000 bytes; 0: 4 x 1000, 2: 1 x 10000 */
    adapters[0].bytes = 100;
    CHECK_EQ_INT(slots_victim(&s), 0);
}

/* Among equals of a policy: used longest ago. */
static void ties_go_to_the_longest_unused(void)
{
    struct slots s = empty_slots(EVICTION_LFU, 0);
    use(&s, 0, 0, 0, 100);
    use(&s, 1, 1, 20, 60);
    use(&s, 2, 2, 40, 80);
    CHECK_EQ_INT(slots_victim(&s), 1);
}

/* An adapter is remembered after it was evicted: how often it was asked for counts over the whole run. */
static void frequency_outlives_eviction(void)
{
    struct slots s = empty_slots(EVICTION_LFU, 0);
    use(&s, 0, 0, 0, 20);
    use(&s, 0, 1, 30, 50);
    use(&s, 0, 0, 60, 80);
    use(&s, 1, 2, 90, 110);
    use(&s, 2, 3, 120, 140);
    CHECK_EQ_INT(slots_victim(&s), 1); /* adapters 2 and 3 once, 0 twice */
}

static void pinned_adapters_stay(void)
{
    struct slots s = full_slots(EVICTION_LRU, 2);
    CHECK_EQ_INT(slots_victim(&s), 2); /* adapters 0 and 1 are pinned */
    slots_load(&s, 2, 3, 300);
    CHECK_EQ_INT(slots_victim(&s), -1);
}

static void cycles_are_counted_by_state(void)
{
    struct slots s = empty_slots(EVICTION_LRU, 0);
    slots_load(&s, 1, 4, 100);
    slots_live(&s, 1, 130);
    slots_stalled(&s, 1, 25);
    slots_leave(&s, 1, 170);
    slots_join(&s, 1, 175);
    slots_leave(&s, 1, 177);
    slots_close(&s, 200);
    CHECK_EQ_UINT(table[1].free_cycles, 100);
    CHECK_EQ_UINT(table[1].loading_cycles, 30);
    CHECK_EQ_UINT(table[1].used_cycles, 42);
    CHECK_EQ_UINT(table[1].unused_cycles, 28);
    CHECK_EQ_UINT(table[1].stall_cycles, 25);
    CHECK_EQ_UINT(adapters[4].stall_cycles, 25);
    CHECK_EQ_UINT(adapters[4].hits, 1);
    CHECK_EQ_UINT(adapters[4].loads, 1);
    CHECK_EQ_UINT(table[0].free_cycles, 200);
}

static void conserves_slots(void)
{
    struct slots s = full_slots(EVICTION_LRU, 0);
    CHECK(slots_conserved(&s));
    s = empty_slots(EVICTION_LRU, 0);
    table[2].users = 1;
    CHECK(!slots_conserved(&s));
    s = full_slots(EVICTION_LRU, 0);
    adapters[1].slot = 2;
    CHECK(!slots_conserved(&s));
}

void suite_slots(void)
{
    suite_begin("slots");
    suite_add("finds adapters that are resident or loading", finds_resident_and_loading_adapters);
    suite_add("takes a free slot before it evicts", takes_a_free_slot_before_it_evicts);
    suite_add("never evicts a slot in use or loading", never_evicts_a_slot_in_use);
    suite_add("lru, fifo, lfu, cost_aware each have their victim", each_policy_has_its_victim);
    suite_add("among equals the one used longest ago goes", ties_go_to_the_longest_unused);
    suite_add("how often an adapter was asked for outlives its eviction", frequency_outlives_eviction);
    suite_add("pinned adapters stay", pinned_adapters_stay);
    suite_add("a slot's cycles are counted by state", cycles_are_counted_by_state);
    suite_add("notices a free slot with users, and an entry that points elsewhere", conserves_slots);
}
