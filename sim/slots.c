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

static bool evictable(const struct slots *slots, const struct slot *s)
{
    return s->state == SLOT_LIVE && s->users == 0 && s->adapter >= (int32_t)slots->pinned;
}

static int32_t least_worth(const struct slots *slots)
{
    int32_t victim = -1;
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *s = &slots->slot[i];
        if (evictable(slots, s) && (victim < 0 || goes_before(slots, s, &slots->slot[victim]))) {
            victim = (int32_t)i;
        }
    }
    return victim;
}

int32_t slots_victim(const struct slots *slots)
{
    for (uint32_t i = 0; slots->n_free && i < slots->count; i++) {
        if (slots->slot[i].state == SLOT_FREE) {
            return (int32_t)i;
        }
    }
    return slots->n_idle ? least_worth(slots) : -1;
}

/* Pages that a new owner could have. */
static uint64_t pages_in_reach(const struct slots *slots)
{
    return (uint64_t)pages_available(slots->pool) + slots->idle_pages;
}

bool slots_have_room(const struct slots *slots, int32_t adapter, uint32_t more_pages)
{
    int32_t i = slots_find(slots, adapter);
    uint32_t new_pages = 0, kept_pages = 0;
    if (i >= 0) {
        kept_pages = evictable(slots, &slots->slot[i]) ? slots->slot[i].pages : 0;
    } else if (adapter >= 0) {
        new_pages = slots->adapters[adapter].pages;
        if (slots->n_free + slots->n_idle == 0) {
            return false;
        }
    }
    return !slots->pool || pages_in_reach(slots) >= (uint64_t)kept_pages + new_pages + more_pages;
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

/* Before and after a change of a slot: n_free, n_idle and idle_pages follow. */
static void count(struct slots *slots, const struct slot *s, uint32_t one)
{
    slots->n_free += s->state == SLOT_FREE ? one : 0;
    if (evictable(slots, s)) {
        slots->n_idle += one;
        slots->idle_pages += one * s->pages;
    }
}

static struct slot *change(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = account(slots, i, now);
    count(slots, s, UINT32_MAX); /* minus one */
    return s;
}

static void changed(struct slots *slots, const struct slot *s)
{
    count(slots, s, 1);
}

static uint32_t *pages_of(const struct slots *slots, const struct slot *s)
{
    return &slots->page[(size_t)(s - slots->slot) * slots->page_room];
}

void slots_join(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    s->users++;
    s->hits++;
    slots->hits++;
    slots->adapters[s->adapter].hits++;
    changed(slots, s);
}

static void count_fill(struct slots *slots, const struct slots_adapter *a, bool comes)
{
    slots->fill_words += comes ? a->words : -a->words;
    slots->fill_bytes += comes ? a->bytes : -a->bytes;
    slots->fill_words_peak = slots->fill_words > slots->fill_words_peak ? slots->fill_words : slots->fill_words_peak;
    slots->fill_bytes_peak = slots->fill_bytes > slots->fill_bytes_peak ? slots->fill_bytes : slots->fill_bytes_peak;
}

/* The slot's adapter goes, and its pages with it. */
static void vacate(struct slots *slots, struct slot *s, cycle_t now)
{
    struct slots_adapter *old = &slots->adapters[s->adapter];
    if (!s->retired) {
        old->slot = -1;
    }
    count_fill(slots, old, false);
    if (slots->pool) {
        pages_give(slots->pool, s->pages, pages_of(slots, s), now);
    }
    s->state = SLOT_FREE;
    s->adapter = -1;
    s->users = s->pages = 0;
    s->usable = s->retired = s->renew = s->failing = s->released = s->let_through = false;
}

static void evict(struct slots *slots, struct slot *s, cycle_t now)
{
    ES_ASSERT(evictable(slots, s));
    slots->adapters[s->adapter].evictions++;
    s->evictions++;
    slots->evictions++;
    vacate(slots, s, now);
}

int32_t slots_evict_next(struct slots *slots, bool slot, uint32_t pages, cycle_t now)
{
    if ((!slot || slots->n_free > 0) && pages_available(slots->pool) >= pages) {
        return -1;
    }
    int32_t i = least_worth(slots);
    ES_ASSERT(i >= 0);
    struct slot *s = change(slots, i, now);
    evict(slots, s, now);
    changed(slots, s);
    return i;
}

void slots_load(struct slots *slots, int32_t i, int32_t adapter, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    if (s->state != SLOT_FREE) {
        evict(slots, s, now);
    }
    s->state = SLOT_LOADING;
    s->adapter = adapter;
    s->users = 1;
    s->used_at = s->load_requested_at = now;
    s->loaded_at = NEVER;
    s->load++;
    s->usable = s->retired = s->renew = s->renewed = false;
    s->retries = 0;
    s->loads++;
    slots->loads++;
    slots->adapters[adapter].loads++;
    slots->adapters[adapter].slot = i;
    count_fill(slots, &slots->adapters[adapter], true);
    if (slots->pool) {
        s->pages = slots->adapters[adapter].pages;
        pages_take(slots->pool, s->pages, pages_of(slots, s), now);
    }
    changed(slots, s);
}

void slots_live(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    ES_ASSERT(s->state == SLOT_LOADING && !s->renew);
    s->state = s->retired ? SLOT_DRAINING : SLOT_LIVE;
    s->usable = true;
    s->loaded_at = now;
    slots->renewal_load_cycles += s->renewed ? now - s->load_requested_at : 0;
    changed(slots, s);
}

void slots_leave(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    ES_ASSERT((s->state == SLOT_LIVE || s->state == SLOT_DRAINING) && s->users > 0);
    s->users--;
    s->used_at = now;
    if (s->retired && s->users == 0) {
        vacate(slots, s, now);
    }
    changed(slots, s);
}

void slots_retire(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    slots->adapters[s->adapter].slot = -1;
    s->retired = true;
    if (s->state == SLOT_LIVE && s->users == 0) {
        vacate(slots, s, now);
    } else if (s->state == SLOT_LIVE) {
        s->state = SLOT_DRAINING;
    }
    changed(slots, s);
}

void slots_renew(struct slots *slots, int32_t i, int32_t version, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    struct slots_adapter *old = &slots->adapters[s->adapter], *new = &slots->adapters[version];
    ES_ASSERT(s->users > 0 && old->pages == new->pages);
    count_fill(slots, old, false);
    count_fill(slots, new, true);
    if (!s->retired) {
        old->slot = -1;
        new->slot = i;
    }
    s->renew_at = s->renew ? s->renew_at : now;
    s->adapter = version;
    s->renew = true;
    s->usable = false;
    s->state = s->state == SLOT_LIVE || s->released ? SLOT_DRAINING : s->state; /* released: no load is on the way */
    s->failing = s->released = false;
    changed(slots, s);
}

void slots_superseded(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    ES_ASSERT(s->state == SLOT_LOADING && s->renew);
    s->state = SLOT_DRAINING;
    s->let_through = false;
    changed(slots, s);
}

void slots_reload(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    ES_ASSERT(s->state == SLOT_DRAINING && s->renew && s->in_flight == 0);
    slots->renewals++;
    slots->renewal_drain_cycles += now - s->renew_at;
    s->state = SLOT_LOADING;
    s->renew = false;
    s->renewed = true;
    s->load_requested_at = now;
    s->loaded_at = NEVER;
    s->load++;
    s->retries = 0;
    changed(slots, s);
}

void slots_fail(struct slots *slots, int32_t i, cycle_t now)
{
    struct slot *s = change(slots, i, now);
    ES_ASSERT(s->state == SLOT_LOADING);
    slots->failures++;
    vacate(slots, s, now);
    changed(slots, s);
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
    if (slots->pool) {
        pages_close(slots->pool, now);
    }
}

bool slots_conserved(const struct slots *slots)
{
    uint32_t n[SLOT_STATES] = {0}, n_idle = 0, idle_pages = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *s = &slots->slot[i];
        n[s->state]++;
        n_idle += evictable(slots, s);
        idle_pages += evictable(slots, s) ? s->pages : 0;
        if (s->state == SLOT_FREE ? s->users || s->adapter >= 0 : (slots->adapters[s->adapter].slot == (int32_t)i) == s->retired) {
            return false;
        }
    }
    return n[SLOT_FREE] == slots->n_free && n_idle == slots->n_idle && idle_pages == slots->idle_pages &&
           n[SLOT_FREE] + n[SLOT_LOADING] + n[SLOT_LIVE] + n[SLOT_DRAINING] == slots->count;
}
