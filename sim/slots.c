#include "sim/slots.h"

int32_t slots_find(const struct slots *slots, int32_t adapter)
{
    return adapter >= 0 ? slots->adapters[adapter].slot : -1;
}

/* -- who goes -- */

static uint64_t asked(const struct slots *slots, const struct slot *s)
{
    return slots->adapters[s->adapter].hits + slots->adapters[s->adapter].loads;
}

/* What is lost with a slot's adapter, by the policy: the smallest goes. */
static uint64_t worth(const struct slots *slots, const struct slot *s)
{
    switch (slots->eviction) {
    case EVICTION_FIFO: return s->load_requested_at;
    case EVICTION_LFU: return asked(slots, s);
    case EVICTION_COST_AWARE: return asked(slots, s) * slots->adapters[s->adapter].bytes;
    case EVICTION_LRU: break;
    }
    return s->used_at;
}

static bool goes_before(const struct slots *slots, const struct slot *a, const struct slot *b)
{
    uint64_t x = worth(slots, a), y = worth(slots, b);
    return x != y ? x < y : a->used_at < b->used_at;
}

int32_t slots_victim(const struct slots *slots)
{
    int32_t victim = -1;
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *s = &slots->slot[i];
        if (s->state == SLOT_FREE) {
            return (int32_t)i;
        }
        bool evictable = s->state == SLOT_LIVE && s->users == 0 && s->adapter >= (int32_t)slots->pinned;
        if (evictable && (victim < 0 || goes_before(slots, s, &slots->slot[victim]))) {
            victim = (int32_t)i;
        }
    }
    return victim;
}

/* -- changes -- */

/* Books the cycles since the last change to the state that ends now. */
static struct slot *account(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = &slots->slot[i];
    uint64_t *cycles = s->state == SLOT_FREE      ? &s->free_cycles
                       : s->state == SLOT_LOADING ? &s->loading_cycles
                       : s->users                 ? &s->used_cycles
                                                  : &s->unused_cycles;
    *cycles += now - s->since;
    s->since = now;
    return s;
}

void slots_join(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = account(slots, i, now);
    s->users++;
    s->hits++;
    slots->hits++;
    slots->adapters[s->adapter].hits++;
}

static void evict(struct slots *slots, struct slot *s)
{
    ES_ASSERT(s->state == SLOT_LIVE && s->users == 0 && s->adapter >= (int32_t)slots->pinned);
    struct slots_adapter *old = &slots->adapters[s->adapter];
    old->slot = -1;
    old->evictions++;
    s->evictions++;
    slots->evictions++;
}

void slots_load(struct slots *slots, int32_t i, int32_t adapter, cycle_t now)
{
    struct slot *s = account(slots, i, now);
    if (s->state != SLOT_FREE) {
        evict(slots, s);
    }
    s->state = SLOT_LOADING;
    s->adapter = adapter;
    s->users = 1;
    s->used_at = s->load_requested_at = now;
    s->loaded_at = NEVER;
    s->load++;
    s->usable = s->retried = false;
    s->loads++;
    slots->loads++;
    slots->adapters[adapter].loads++;
    slots->adapters[adapter].slot = i;
}

void slots_live(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = account(slots, i, now);
    ES_ASSERT(s->state == SLOT_LOADING);
    s->state = SLOT_LIVE;
    s->usable = true;
    s->loaded_at = now;
}

void slots_leave(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = account(slots, i, now);
    ES_ASSERT(s->state == SLOT_LIVE && s->users > 0);
    s->users--;
    s->used_at = now;
}

void slots_stalled(struct slots *slots, int32_t i, cycle_t cycles)
{
    slots->slot[i].stall_cycles += cycles;
    slots->adapters[slots->slot[i].adapter].stall_cycles += cycles;
}

void slots_close(struct slots *slots, cycle_t now)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        account(slots, (int32_t)i, now);
    }
}

bool slots_conserved(const struct slots *slots)
{
    uint32_t n[SLOT_STATES] = {0};
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *s = &slots->slot[i];
        n[s->state]++;
        if (s->state == SLOT_FREE ? s->users || s->adapter >= 0 : slots->adapters[s->adapter].slot != (int32_t)i) {
            return false;
        }
    }
    return n[SLOT_FREE] + n[SLOT_LOADING] + n[SLOT_LIVE] == slots->count;
}
