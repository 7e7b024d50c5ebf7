#include "sim/link.h"

#include <string.h>

#include "kernels/requant.h"
#include "traces/trace.h"

/* The link holds one burst more, its first beat in the next cycle. */
static struct burst *start(struct link *link, cycle_t now, struct token *token, cycle_t last)
{
    ES_ASSERT(now >= link->wires_free_at && link->count + (link->popped_at == now) < link->depth);
    struct burst *burst = link_back(link);
    burst->token = token;
    burst->first = now + 1;
    burst->last = last;
    link->count++;
    link->receiver->inbox++;
    link->receiver->ports |= 1u << link->port;
    return burst;
}

static void wake_receiver(const struct link *link, const struct burst *burst)
{
    struct unit *receiver = link->receiver;
    bool idle = receiver->state == UNIT_IDLE, last = link->wake == WAKE_WHOLE || link->wake == WAKE_LAST;
    if (link->wake == WAKE_FIRST || link->wake == WAKE_LAST || (idle && link->wake != WAKE_NOT)) {
        unit_sleep(receiver, last ? burst->last : burst->first);
    }
}

void link_push(struct link *link, cycle_t now, struct token *token, uint32_t beats)
{
    const struct burst *burst = start(link, now, token, now + beats);
    link->wires_free_at = now + beats;
    wake_receiver(link, burst);
    if (link->trace) {
        trace_burst(link->trace, now, link, burst);
    }
}

void link_open(struct link *link, cycle_t now, struct token *token)
{
    const struct burst *burst = start(link, now, token, NEVER);
    link->wires_free_at = NEVER;
    wake_receiver(link, burst);
}

void link_close(struct link *link, cycle_t now)
{
    uint32_t slot = (link->head + link->count - 1) % link->depth;
    struct burst *burst = &link->slots[slot];
    ES_ASSERT(link->count && burst->last == NEVER);
    burst->last = now + 1;
    link->wires_free_at = now + 1;
    wake_receiver(link, burst);
    if (link->trace) {
        trace_burst(link->trace, now, link, burst);
    }
}

void link_pop(struct link *link, cycle_t now)
{
    ES_ASSERT(link_front(link, now) && link->popped_at != now);
    link->head = link->head + 1 < link->depth ? link->head + 1 : 0;
    link->count--;
    link->receiver->inbox--;
    link->receiver->ports &= ~((uint32_t)(link->count == 0) << link->port);
    link->popped_at = now;
    if (link->wanted) {
        link->wanted = false;
        unit_sleep(link->sender, now + 1);
    }
}

/* The receiver may tick before or after the sender: if it has just popped, nobody else will wake the sender. */
void link_refuse(struct link *link, cycle_t now)
{
    link->wanted = true;
    if (link->popped_at == now) {
        unit_sleep(link->sender, now + 1);
    }
    if (link->wires_free_at > now) {
        unit_sleep(link->sender, link->wires_free_at);
    }
}

void link_block(const struct link *link, struct unit *unit, cycle_t now)
{
    ES_ASSERT(link->sender == unit);
    unit_enter(unit, now, UNIT_STALL_OUTPUT);
}

void act8_copy(struct act8 *to, const struct act8 *from)
{
    ES_ASSERT(to->n == from->n);
    if (!to->shift) {
        k_align8(from, to);
        return;
    }
    memcpy(to->m, from->m, (size_t)padded(from->n));
    memcpy(to->shift, from->shift, (size_t)act_groups(from->n));
    to->exponent = from->exponent;
}

void acc_swap(struct acc *a, struct acc *b)
{
    const struct acc before = *a;
    ES_ASSERT(a->n == b->n);
    *a = *b;
    *b = before;
}
