/* Which adapter is where? The slot table's choice of victims and its conservation. */
#include "sim/slots.h"

#include "tests/unit/check.h"

static struct slot table[3];
static struct slots slots_of(struct slot a, struct slot b, struct slot c)
{
    table[0] = a;
    table[1] = b;
    table[2] = c;
    return (struct slots){.slot = table, .count = 3};
}

static const struct slot free_slot = {SLOT_FREE, -1, 0, 0};

static void finds_resident_and_loading_adapters(void)
{
    struct slots s = slots_of((struct slot){SLOT_LIVE, 7, 0, 5}, (struct slot){SLOT_LOADING, 8, 1, 6}, free_slot);
    CHECK_EQ_INT(slots_find(&s, 7), 0);
    CHECK_EQ_INT(slots_find(&s, 8), 1);
    CHECK_EQ_INT(slots_find(&s, 9), -1);
    CHECK_EQ_INT(slots_find(&s, -1), -1); /* a free slot holds nothing */
}

static void takes_a_free_slot_before_it_evicts(void)
{
    struct slots s = slots_of((struct slot){SLOT_LIVE, 7, 0, 5}, (struct slot){SLOT_LIVE, 8, 0, 6}, free_slot);
    CHECK_EQ_INT(slots_victim(&s), 2);
}

static void evicts_what_was_used_longest_ago(void)
{
    struct slots s = slots_of((struct slot){SLOT_LIVE, 7, 0, 9}, (struct slot){SLOT_LIVE, 8, 0, 6}, (struct slot){SLOT_LIVE, 9, 0, 8});
    CHECK_EQ_INT(slots_victim(&s), 1);
}

static void never_evicts_a_slot_in_use(void)
{
    struct slots s = slots_of((struct slot){SLOT_LIVE, 7, 1, 1}, (struct slot){SLOT_LOADING, 8, 0, 2}, (struct slot){SLOT_LIVE, 9, 0, 8});
    CHECK_EQ_INT(slots_victim(&s), 2);
    table[2].users = 1;
    CHECK_EQ_INT(slots_victim(&s), -1);
}

static void conserves_slots(void)
{
    struct slots s = slots_of((struct slot){SLOT_LIVE, 7, 1, 1}, (struct slot){SLOT_LOADING, 8, 0, 2}, free_slot);
    CHECK(slots_conserved(&s));
    table[2].users = 1;
    CHECK(!slots_conserved(&s));
}

void suite_slots(void)
{
    suite_begin("slots");
    suite_add("finds adapters that are resident or loading", finds_resident_and_loading_adapters);
    suite_add("takes a free slot before it evicts", takes_a_free_slot_before_it_evicts);
    suite_add("evicts what was used longest ago", evicts_what_was_used_longest_ago);
    suite_add("never evicts a slot in use or loading", never_evicts_a_slot_in_use);
    suite_add("notices a free slot with users", conserves_slots);
}
