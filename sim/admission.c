#include "sim/admission.h"

void admission_arrive(struct admission *q, uint32_t request)
{
    q->next[request] = NOBODY;
    if (q->length == 0) {
        q->head = request;
    } else {
        q->next[q->tail] = request;
    }
    q->tail = request;
    q->length++;
}

int32_t admission_adapter(const struct admission *q, const struct request *r)
{
    return r->reserved ? r->version : r->adapter >= 0 && q->version ? q->version[r->adapter] : r->adapter;
}

/* It needs no load: base model, or it has a slot, or its adapter is in one or on the way into one. */
static bool resident(const struct admission *q, const struct request *r, const struct slots *slots)
{
    return r->adapter < 0 || r->reserved || slots_find(slots, admission_adapter(q, r)) >= 0;
}

/* Slot and pages, if a load can be asked for where it takes one. */
static bool has_room(const struct admission *q, const struct request *r, const struct slots *slots)
{
    return r->reserved || slots_have_room(slots, admission_adapter(q, r), 2 * r->kv_pages);
}

static bool can_run(const struct admission *q, const struct request *r, const struct slots *slots)
{
    int32_t slot = r->reserved ? r->slot : slots_find(slots, admission_adapter(q, r));
    return (r->adapter < 0 || (slot >= 0 && slots->slot[slot].usable)) && has_room(q, r, slots);
}

/* The first request that needs no load, none after one that lets nobody pass any more; or NOBODY. */
static uint32_t first_resident(const struct admission *q, const struct slots *slots)
{
    uint32_t i = q->head;
    for (uint32_t n = 0; n < q->look_ahead && i != NOBODY; n++, i = q->next[i]) {
        if (resident(q, &q->requests[i], slots) && has_room(q, &q->requests[i], slots)) {
            return i;
        }
        if (q->policy == ADMISSION_SKIP_AHEAD && q->requests[i].overtaken >= q->overtakes) {
            break;
        }
    }
    return NOBODY;
}

static uint32_t first_that_can_run(const struct admission *q, const struct slots *slots)
{
    uint32_t i = q->head;
    for (uint32_t n = 0; n < q->look_ahead && i != NOBODY; n++, i = q->next[i]) {
        if (can_run(q, &q->requests[i], slots)) {
            return i;
        }
    }
    return NOBODY;
}

uint32_t admission_pick(const struct admission *q, const struct slots *slots, bool can_load, cycle_t now)
{
    if (q->length == 0) {
        return NOBODY;
    }
    const struct request *head = &q->requests[q->head];
    bool head_can = has_room(q, head, slots) && (can_load || resident(q, head, slots));
    if (q->policy == ADMISSION_AFFINITY && now - head->arrives_at < q->ageing_cycles) {
        uint32_t running = first_that_can_run(q, slots);
        return running != NOBODY ? running : head_can ? q->head : first_resident(q, slots);
    }
    if (head_can) {
        return q->head;
    }
    return q->policy == ADMISSION_SKIP_AHEAD ? first_resident(q, slots) : NOBODY;
}

bool admission_waits_for_slot(const struct admission *q, const struct slots *slots)
{
    const struct request *head = &q->requests[q->head];
    return !has_room(q, head, slots);
}

void admission_leave(struct admission *q, uint32_t request)
{
    uint32_t before = NOBODY;
    for (uint32_t i = q->head; i != request; i = q->next[i]) {
        ES_ASSERT(i != NOBODY);
        q->requests[i].overtaken++;
        before = i;
    }
    if (before == NOBODY) {
        q->head = q->next[request];
    } else {
        q->next[before] = q->next[request];
    }
    if (q->tail == request) {
        q->tail = before;
    }
    q->length--;
}
