/* Who leaves the queue next? The three policies and their bounds, on a slot table set by hand. */
#include "sim/admission.h"

#include "tests/unit/check.h"

enum { REQUESTS = 8, SLOTS = 2, ADAPTERS = 6 };

static struct request requests[REQUESTS];
static uint32_t next[REQUESTS];
static struct slot table[SLOTS];
static struct slots_adapter adapters[ADAPTERS];
static struct slots slots;

/* All requests for these adapters are queued, one arrives every 100 cycles. Slot 0 has adapter 0, slot 1 has adapter 1, both in use. */
static struct admission queue_of(enum admission_policy policy, const int32_t adapter[], uint32_t count)
{
    struct admission q = {.policy = policy, .look_ahead = 4, .overtakes = 2, .ageing_cycles = 5000, .requests = requests, .next = next};
    slots = (struct slots){.slot = table, .count = SLOTS, .n_free = SLOTS, .adapters = adapters, .n_adapters = ADAPTERS};
    for (int i = 0; i < ADAPTERS; i++) {
        adapters[i] = (struct slots_adapter){.slot = -1};
    }
    for (int32_t i = 0; i < SLOTS; i++) {
        table[i] = (struct slot){.adapter = -1};
        slots_load(&slots, i, i, 0);
        slots_live(&slots, i, 10);
    }
    for (uint32_t i = 0; i < count; i++) {
        requests[i] = (struct request){.adapter = adapter[i], .arrives_at = 100 * i, .slot = -1};
        admission_arrive(&q, i);
    }
    return q;
}

static uint32_t take(struct admission *q, cycle_t now)
{
    uint32_t i = admission_pick(q, &slots, true, now);
    if (i != NOBODY) {
        admission_leave(q, i);
    }
    return i;
}

static void leaves_from_anywhere(void)
{
    struct admission q = queue_of(ADMISSION_FCFS, (const int32_t[]){-1, -1, -1, -1}, 4);
    admission_leave(&q, 2);
    admission_leave(&q, 3); /* the tail */
    CHECK_EQ_UINT(q.tail, 1);
    admission_arrive(&q, 2);
    admission_leave(&q, 0); /* the head */
    CHECK_EQ_UINT(q.head, 1);
    CHECK_EQ_UINT(q.next[1], 2);
    CHECK_EQ_UINT(q.length, 2);
    CHECK_EQ_UINT(requests[0].overtaken, 2);
    CHECK_EQ_UINT(requests[1].overtaken, 2);
    admission_leave(&q, 1);
    admission_leave(&q, 2);
    CHECK_EQ_UINT(q.length, 0);
    CHECK_EQ_UINT(admission_pick(&q, &slots, true, 0), NOBODY);
    admission_arrive(&q, 3);
    CHECK_EQ_UINT(admission_pick(&q, &slots, true, 0), 3);
}

static void fcfs_waits_for_the_head(void)
{
    struct admission q = queue_of(ADMISSION_FCFS, (const int32_t[]){2, 0, -1}, 3);
    CHECK_EQ_UINT(take(&q, 1000), NOBODY); /* both slots are in use */
    slots_leave(&slots, 0, 1000);
    CHECK_EQ_UINT(admission_pick(&q, &slots, false, 1000), NOBODY); /* the host port has no room */
    CHECK_EQ_UINT(take(&q, 1000), 0);
    CHECK_EQ_UINT(take(&q, 1001), 1);
    CHECK_EQ_UINT(take(&q, 1002), 2);
}

static void skip_ahead_is_bounded(void)
{
    struct admission q = queue_of(ADMISSION_SKIP_AHEAD, (const int32_t[]){2, 3, 0, -1, 1, 0}, 6);
    CHECK_EQ_UINT(take(&q, 1000), 2);
    CHECK_EQ_UINT(take(&q, 1000), 3);
    CHECK_EQ_UINT(requests[0].overtaken, 2);
    CHECK_EQ_UINT(take(&q, 1000), NOBODY); /* nobody passes any more */
    slots_leave(&slots, 1, 1000);
    CHECK_EQ_UINT(take(&q, 1000), 0);
}

static void skip_ahead_prefers_the_head(void)
{
    struct admission q = queue_of(ADMISSION_SKIP_AHEAD, (const int32_t[]){2, 0}, 2);
    slots_leave(&slots, 1, 500);
    CHECK_EQ_UINT(take(&q, 1000), 0);
}

static void looks_no_further_than_it_may(void)
{
    for (enum admission_policy policy = ADMISSION_SKIP_AHEAD; policy <= ADMISSION_AFFINITY; policy++) {
        struct admission q = queue_of(policy, (const int32_t[]){2, 3, 4, 5, 0}, 5);
        CHECK_EQ_UINT(take(&q, 1000), NOBODY);
        q.look_ahead = 5;
        CHECK_EQ_UINT(take(&q, 1000), 4);
    }
}

static void affinity_prefers_who_can_run(void)
{
    struct admission q = queue_of(ADMISSION_AFFINITY, (const int32_t[]){2, 1, 3, 0}, 4);
    slots_leave(&slots, 1, 500); /* adapter 1 could go */
    CHECK_EQ_UINT(take(&q, 1000), 1);
    CHECK_EQ_UINT(take(&q, 1000), 3);
    CHECK_EQ_UINT(take(&q, 1000), 0); /* nobody can run: the head, with a load */
}

/* Who would only wait for a load that is under way goes after who can run. */
static void affinity_counts_a_loading_adapter_as_not_there(void)
{
    struct admission q = queue_of(ADMISSION_AFFINITY, (const int32_t[]){3, 2, 0}, 3);
    slots_leave(&slots, 1, 500);
    slots_load(&slots, 1, 2, 600);
    CHECK_EQ_UINT(take(&q, 1000), 2);
    CHECK_EQ_UINT(take(&q, 1000), 1); /* joins; the head can have no slot */
    CHECK_EQ_UINT(take(&q, 1000), NOBODY);
}

static void affinity_ages(void)
{
    struct admission q = queue_of(ADMISSION_AFFINITY, (const int32_t[]){2, 1, 0}, 3);
    CHECK_EQ_UINT(admission_pick(&q, &slots, true, 4999), 1);
    CHECK_EQ_UINT(admission_pick(&q, &slots, true, 5000), NOBODY);
    slots_leave(&slots, 0, 5000);
    CHECK_EQ_UINT(take(&q, 5000), 0);
    CHECK_EQ_UINT(admission_pick(&q, &slots, true, 5000), 1);
}

void suite_admission(void)
{
    suite_begin("admission");
    suite_add("requests leave from any place in the queue", leaves_from_anywhere);
    suite_add("fcfs waits for the head", fcfs_waits_for_the_head);
    suite_add("skip_ahead passes a head without a slot so many times", skip_ahead_is_bounded);
    suite_add("skip_ahead takes the head where it can", skip_ahead_prefers_the_head);
    suite_add("nobody is looked for beyond admission.look_ahead", looks_no_further_than_it_may);
    suite_add("affinity prefers who can run at once", affinity_prefers_who_can_run);
    suite_add("affinity: an adapter that is loading is not there yet", affinity_counts_a_loading_adapter_as_not_there);
    suite_add("affinity: after admission.ageing_cycles the head comes first", affinity_ages);
}
