#include "sim/link.h"

#include <string.h>

#include "traces/trace.h"

static void start(struct link *link, cycle_t now, struct token *token)
{
    ES_ASSERT(link_ready(link, now));
    struct burst *burst = link_back(link);
    burst->token = token;
    burst->first = now + 1;
    link->count++;
    link->receiver->inbox++;
    unit_sleep(link->receiver, now + 1);
}

void link_push(struct link *link, cycle_t now, struct token *token, uint32_t beats)
{
    struct burst *burst = link_back(link);
    start(link, now, token);
    burst->last = now + beats;
    link->wires_free_at = now + beats;
    trace_burst(link->trace, now, link, burst);
}

void link_open(struct link *link, cycle_t now, struct token *token)
{
    link_back(link)->last = NEVER;
    start(link, now, token);
    link->wires_free_at = NEVER;
}

void link_close(struct link *link, cycle_t now)
{
    uint32_t slot = (link->head + link->count - 1) % link->depth;
    struct burst *burst = &link->slots[slot];
    ES_ASSERT(link->count && burst->last == NEVER);
    burst->last = now + 1;
    link->wires_free_at = now + 1;
    unit_sleep(link->receiver, now + 1);
    trace_burst(link->trace, now, link, burst);
}

void link_pop(struct link *link, cycle_t now)
{
    ES_ASSERT(link_front(link, now) && link->popped_at != now);
    link->head = link->head + 1 < link->depth ? link->head + 1 : 0;
    link->count--;
    link->receiver->inbox--;
    link->popped_at = now;
    unit_sleep(link->sender, now + 1);
}

void link_block(struct link *link, struct unit *unit, cycle_t now)
{
    unit_enter(unit, now, UNIT_STALL_OUTPUT);
    if (link->wires_free_at > now) {
        unit_sleep(unit, link->wires_free_at);
    }
}

void act8_copy(struct act8 *to, const struct act8 *from)
{
    ES_ASSERT(to->n == from->n);
    memcpy(to->m, from->m, (size_t)padded(from->n));
    to->exponent = from->exponent;
}

void acc_copy(struct acc *to, const struct acc *from)
{
    ES_ASSERT(to->n == from->n);
    memcpy(to->m, from->m, (size_t)from->n * sizeof *from->m);
    to->exponent = from->exponent;
}
