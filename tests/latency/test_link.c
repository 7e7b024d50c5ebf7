/* Is a link a register? A beat pushed at n is not seen at n but at n + 1; room freed at n is not seen at n but at n + 1; whoever ticks first. */
#include "sim/link.h"

#include "tests/unit/check.h"
#include "traces/trace.h"

struct rig {
    struct trace *trace;
    struct unit sender, receiver;
    struct burst slots[2];
    struct token token;
    struct link link;
};

static void rig_open(struct rig *r, uint32_t depth)
{
    *r = (struct rig){.trace = trace_new()};
    r->sender = (struct unit){.wake = NEVER, .trace = r->trace};
    r->receiver = (struct unit){.wake = NEVER, .trace = r->trace};
    r->link = (struct link){
        .slots = r->slots, .depth = depth, .popped_at = NEVER, .sender = &r->sender, .receiver = &r->receiver, .trace = r->trace};
}

static void rig_close(struct rig *r)
{
    trace_free(r->trace);
}

static void beats_arrive_a_cycle_later(void)
{
    struct rig r;
    rig_open(&r, 2);
    CHECK(link_ready(&r.link, 10));
    link_push(&r.link, 10, &r.token, 4);
    CHECK(link_front(&r.link, 10) == NULL);
    REQUIRE(link_front(&r.link, 11) != NULL);
    CHECK_EQ_UINT(link_front(&r.link, 11)->first, 11);
    CHECK_EQ_UINT(link_front(&r.link, 11)->last, 14);
    CHECK_EQ_UINT(r.receiver.wake, 11);
    CHECK_EQ_UINT(r.receiver.inbox, 1);
    rig_close(&r);
}

static void wires_carry_one_beat_a_cycle(void)
{
    struct rig r;
    rig_open(&r, 2);
    link_push(&r.link, 10, &r.token, 4);
    CHECK(!link_ready(&r.link, 13));
    CHECK(link_ready(&r.link, 14));
    link_push(&r.link, 14, &r.token, 1);
    rig_close(&r);
}

static void room_is_seen_a_cycle_later(void)
{
    struct rig r;
    rig_open(&r, 1);
    link_push(&r.link, 10, &r.token, 1);
    CHECK(!link_ready(&r.link, 20));
    link_pop(&r.link, 20); /* the receiver ticked first in cycle 20; the sender must not notice before 21 */
    CHECK(!link_ready(&r.link, 20));
    CHECK(link_ready(&r.link, 21));
    CHECK_EQ_UINT(r.sender.wake, 21);
    CHECK_EQ_UINT(r.receiver.inbox, 0);
    rig_close(&r);
}

static void open_bursts_end_when_closed(void)
{
    struct rig r;
    rig_open(&r, 2);
    link_open(&r.link, 10, &r.token);
    REQUIRE(link_front(&r.link, 11) != NULL);
    CHECK(link_front(&r.link, 11)->last == NEVER);
    CHECK(!link_ready(&r.link, 1000));
    link_close(&r.link, 30);
    CHECK_EQ_UINT(link_front(&r.link, 31)->last, 31);
    CHECK(!link_ready(&r.link, 30));
    CHECK(link_ready(&r.link, 31));
    rig_close(&r);
}

static void bursts_keep_their_order(void)
{
    struct rig r;
    struct token second = {0};
    rig_open(&r, 2);
    link_push(&r.link, 1, &r.token, 1);
    link_push(&r.link, 2, &second, 1);
    CHECK(!link_ready(&r.link, 3));
    CHECK(link_front(&r.link, 3)->token == &r.token);
    link_pop(&r.link, 3);
    CHECK(link_front(&r.link, 3)->token == &second);
    rig_close(&r);
}

static void blocked_senders_wake_with_the_wires(void)
{
    struct rig r;
    rig_open(&r, 2);
    link_push(&r.link, 10, &r.token, 5);
    CHECK(!link_ready(&r.link, 11));
    link_block(&r.link, &r.sender, 11);
    CHECK_EQ_INT(r.sender.state, UNIT_STALL_OUTPUT);
    CHECK_EQ_UINT(r.sender.wake, 15);
    rig_close(&r);
}

void suite_link(void)
{
    suite_begin("link");
    suite_add("a beat pushed at n is seen at n + 1", beats_arrive_a_cycle_later);
    suite_add("the wires carry one beat a cycle", wires_carry_one_beat_a_cycle);
    suite_add("room freed at n is seen at n + 1", room_is_seen_a_cycle_later);
    suite_add("an open burst ends in the cycle after the close", open_bursts_end_when_closed);
    suite_add("bursts come out in order", bursts_keep_their_order);
    suite_add("a blocked sender wakes when the wires are free", blocked_senders_wake_with_the_wires);
}
