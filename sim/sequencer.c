#include <string.h>

#include "sim/sequencer_internal.h"

#include "sim/slice.h"
#include "traces/trace.h"

void sequencer_event(const struct sequencer *u, cycle_t now, enum event_kind kind, uint32_t id, int32_t a, int32_t b)
{
    trace_event(u->unit.trace, (struct event){.cycle = now, .from = now, .to = now, .kind = kind, .id = id, .a = a, .b = b});
}

void sequencer_set_ready(struct sequencer *u, struct sequence *s, bool ready)
{
    u->n_ready += (uint32_t)ready - (uint32_t)s->ready;
    s->ready = ready;
}

/* No request is lost: what has arrived is queued, has a sequence, or is done. */
static bool requests_conserved(const struct sequencer *u)
{
    uint32_t over = u->n_done + u->n_dropped;
    return u->n_arrived == u->queue.length + u->n_started && over <= u->n_started && u->n_started - over <= u->n_sequences;
}

/* -- pages of KV caches -- */

/* What was set aside becomes the KV cache of a sequence. */
static void take_kv_pages(struct sequencer *u, const struct sequence *s, const struct request *r, cycle_t now)
{
    uint32_t sequence = (uint32_t)(s - u->sequences);
    if (r->kv_pages) {
        u->slots.pool->n_reserved -= 2 * r->kv_pages;
        pages_take(u->slots.pool, r->kv_pages, memory_map_kv_page(u->map, sequence, KV_K), now);
        pages_take(u->slots.pool, r->kv_pages, memory_map_kv_page(u->map, sequence, KV_V), now);
    }
}

static void give_kv_pages(struct sequencer *u, const struct sequence *s, const struct request *r, cycle_t now)
{
    uint32_t sequence = (uint32_t)(s - u->sequences);
    if (r->kv_pages) {
        pages_give(u->slots.pool, r->kv_pages, memory_map_kv_page(u->map, sequence, KV_V), now);
        pages_give(u->slots.pool, r->kv_pages, memory_map_kv_page(u->map, sequence, KV_K), now);
    }
}

/* -- tokens that come back -- */

void sequencer_free_sequence(struct sequencer *u, struct sequence *s, cycle_t now)
{
    give_kv_pages(u, s, &u->requests[s->request], now);
    s->request = -1;
    u->kv_rows -= s->position;
}

static void finish(struct sequencer *u, struct sequence *s, cycle_t now)
{
    struct request *r = &u->requests[s->request];
    r->state = REQUEST_DONE;
    r->done_at = now;
    u->n_done++;
    sequencer_event(u, now, EVENT_REQUEST, (uint32_t)s->request, REQUEST_DONE, r->adapter);
    if (s->slot >= 0) {
        slots_leave(&u->slots, s->slot, now);
        if (u->slots.slot[s->slot].state == SLOT_FREE) {
            sequencer_event(u, now, EVENT_SLOT, (uint32_t)s->slot, SLOT_FREE, -1);
        }
    }
    sequencer_free_sequence(u, s, now);
    ES_ASSERT(requests_conserved(u));
}

/* A sampled token is back: append it; the sequence goes on with it or is over. */
static void collect(struct sequencer *u, const struct burst *sampled, cycle_t now)
{
    struct token *token = sampled->token;
    struct sequence *s = &u->sequences[token->sequence];
    struct request *r = &u->requests[token->request];
    token_arrive(token, sampled->last, now);
    for (int p = 0; p < PLACES; p++) {
        r->account_cycles[p] += token->account_cycles[p];
    }
    r->mark = now;
    r->generated[r->n_generated] = sampled->index;
    r->generated_at[r->n_generated++] = now;
    if (r->n_generated == 1) {
        memcpy(r->first_token_account_cycles, r->account_cycles, sizeof r->account_cycles);
    }
    sequencer_event(u, now, EVENT_TOKEN, token->request, (int32_t)token->position, sampled->index);
    s->next_id = sampled->index;
    s->random = r->random;
    if (r->n_generated == r->n_generate || (r->stop_token >= 0 && sampled->index == r->stop_token)) {
        finish(u, s, now);
    } else {
        sequencer_set_ready(u, s, true);
    }
    if (u->on_token) {
        u->on_token(u->context, r);
    }
}

static void retire(struct sequencer *u, struct token *token, cycle_t now)
{
    struct sequence *s = &u->sequences[token->sequence];
    s->in_flight--;
    sequencer_drained(u, s, now);
    u->free_tokens[u->n_free++] = (uint32_t)(token - u->tokens);
}

static void take_returns(struct sequencer *u, cycle_t now)
{
    struct burst *sampled = link_front(u->in_sampled, now);
    if (sampled) {
        struct token *token = sampled->token;
        if (sequencer_keeps(u, token, now)) {
            collect(u, sampled, now);
        }
        retire(u, token, now);
        link_pop(u->in_sampled, now);
        unit_sleep(&u->unit, now + 1);
    }
    struct burst *retired = link_front(u->in_retired, now);
    if (retired) {
        token_arrive(retired->token, retired->last, now);
        sequencer_keeps(u, retired->token, now);
        retire(u, retired->token, now);
        link_pop(u->in_retired, now);
        unit_sleep(&u->unit, now + 1);
    }
}

/* -- adapters -- */

void sequencer_ask_for_load(struct sequencer *u, int32_t slot, cycle_t now)
{
    struct burst *burst = link_back(u->out_load);
    burst->index = u->slots.slot[slot].adapter;
    burst->slot = slot;
    burst->load = u->slots.slot[slot].load;
    burst->broken = u->slots.slot[slot].failing || u->slots.slot[slot].let_through;
    link_push(u->out_load, now, NULL, 1);
    sequencer_event(u, now, EVENT_SLOT, (uint32_t)slot, SLOT_LOADING, burst->index);
}

/* Adapters without users go until a slot is free (if `slot`) and so many pages are. Without a pool a load evicts what is in its slot. */
static void make_room(struct sequencer *u, bool slot, uint32_t pages, cycle_t now)
{
    int32_t gone = u->slots.pool ? slots_evict_next(&u->slots, slot, pages, now) : -1;
    while (gone >= 0) {
        sequencer_event(u, now, EVENT_SLOT, (uint32_t)gone, SLOT_FREE, -1);
        gone = slots_evict_next(&u->slots, slot, pages, now);
    }
}

static void take_slot(struct sequencer *u, struct request *r, cycle_t now)
{
    int32_t i = slots_find(&u->slots, r->version);
    r->adapter_hit = i >= 0;
    if (i >= 0) {
        slots_join(&u->slots, i, now);
    } else {
        make_room(u, true, u->slots.adapters[r->version].pages, now);
        i = slots_victim(&u->slots);
        slots_load(&u->slots, i, r->version, now);
        memory_map_set_end_pages(u->map, i, u->slots.slot[i].pages);
        if (u->map->damage) {
            u->map->damage[i] = NULL;
        }
        sequencer_ask_for_load(u, i, now);
        r->adapter_load = true;
    }
    r->slot = i;
    const struct slot *slot = &u->slots.slot[i];
    r->load_requested_at = slot->renew ? slot->renew_at : slot->state == SLOT_LOADING ? slot->load_requested_at : NEVER;
    ES_ASSERT(slots_conserved(&u->slots));
}

/* Gives a request its slot, loading its adapter where it is not resident, and sets pages aside for its KV cache. False when they are not to be had, or the host
 * port has no room. */
static bool reserve(struct sequencer *u, struct request *r, cycle_t now)
{
    int32_t adapter = admission_adapter(&u->queue, r);
    bool loads = adapter >= 0 && slots_find(&u->slots, adapter) < 0;
    uint32_t kv_pages = 2 * r->kv_pages;
    if (!slots_have_room(&u->slots, adapter, kv_pages) || (loads && !link_ready(u->out_load, now))) {
        return false;
    }
    r->version = adapter;
    if (adapter >= 0) {
        take_slot(u, r, now);
    }
    if (kv_pages) {
        make_room(u, false, kv_pages, now);
        u->slots.pool->n_reserved += kv_pages;
    }
    r->reserved = true;
    return true;
}

/* The slot's adapter is there, or (not `whole`) its first layer is: requests that wait for it run. */
static void run_waiting(struct sequencer *u, int32_t slot, bool whole, cycle_t now)
{
    for (uint32_t i = 0; i < u->n_sequences; i++) {
        struct sequence *s = &u->sequences[i];
        if (s->request < 0 || s->slot != slot) {
            continue;
        }
        struct request *r = &u->requests[s->request];
        if (whole && r->load_requested_at != NEVER && r->loaded_at == NEVER) {
            r->loaded_at = now;
        }
        if (r->state == REQUEST_LOADING) {
            r->state = REQUEST_RUNNING;
            r->running_at = r->running_at == NEVER ? now : r->running_at;
            r->account_cycles[PLACE_adapter_load] += now - r->mark;
            slots_stalled(&u->slots, slot, now - r->mark);
            r->mark = now;
            sequencer_set_ready(u, s, true);
        }
    }
}

/* It stayed broken. */
static void give_up(struct sequencer *u, int32_t i, cycle_t now)
{
    const struct slot *slot = &u->slots.slot[i];
    if (u->drops && u->streams) {
        sequencer_abandon(u, i, now);
        return;
    }
    if (u->drops) {
        sequencer_drop(u, i, now);
        return;
    }
    if (!*u->stop) {
        char slice[SLICE_NAME_ROOM];
        error_check(u->failure, "adapter %s, %s: a slice for slot %d did not arrive as it was sent (checksum), %u times; cycle %llu",
                    u->adapters[slot->adapter].name, slice_name(u->n_layers, slot->broken_layer, slice), (int)i,
                    (unsigned)slot->retries + 1, (unsigned long long)now);
    }
    *u->stop = true;
}

/* A broken load is asked for again, host.retries times. */
static void load_again(struct sequencer *u, int32_t i, cycle_t now)
{
    struct slot *slot = &u->slots.slot[i];
    if (slot->retries == u->retries) {
        give_up(u, i, now);
        return;
    }
    slot->retries++;
    u->slots.retries++;
    sequencer_ask_for_load(u, i, now);
}

/* What the slot was to hold before it was renewed came in broken: streaming tokens may be in layers that wait for its slices. They are let through before the slot
 * can drain. */
static void let_through(struct sequencer *u, int32_t i, cycle_t now)
{
    u->slots.slot[i].let_through = true;
    sequencer_ask_for_load(u, i, now);
}

/* One broken load a cycle; without room at the host port the link wakes us. The reports have been taken: what waits here must not keep the DMA from reporting, for
 * the host port waits for the DMA. */
static void mend(struct sequencer *u, cycle_t now)
{
    for (int32_t i = 0; u->n_broken && i < (int32_t)u->slots.count; i++) {
        struct slot *slot = &u->slots.slot[i];
        if (slot->broken) {
            if (slot->renew && !u->streams) { /* nobody waits for a slice */
                slots_superseded(&u->slots, i, now);
            } else if (!link_ready(u->out_load, now)) {
                return;
            } else {
                (slot->renew ? let_through : load_again)(u, i, now);
            }
            slot->broken = false;
            u->n_broken--;
            unit_sleep(&u->unit, now + 1);
            return;
        }
    }
}

/* A whole load, or its first layer. */
static void loaded_well(struct sequencer *u, const struct burst *loaded, cycle_t now)
{
    struct slot *slot = &u->slots.slot[loaded->slot];
    bool whole = loaded->whole;
    slot->usable = true;
    if (whole) {
        slots_live(&u->slots, loaded->slot, now);
        sequencer_event(u, now, EVENT_SLOT, (uint32_t)loaded->slot, (int32_t)slot->state, slot->adapter);
    }
    run_waiting(u, loaded->slot, whole, now);
}

static void adapter_loaded(struct sequencer *u, cycle_t now)
{
    struct burst *loaded = link_front(u->in_loaded, now);
    if (!loaded) {
        return;
    }
    struct slot *slot = &u->slots.slot[loaded->slot];
    if (slot->failing) { /* nothing waits for a slice any more */
        slot->released = true;
    } else if (loaded->broken && !slot->let_through) {
        slot->broken = true;
        slot->broken_layer = loaded->layer;
        u->n_broken++;
    } else if (!slot->renew) {
        loaded_well(u, loaded, now);
    } else if (loaded->broken || loaded->whole) { /* of what this slot was to hold before */
        slots_superseded(&u->slots, loaded->slot, now);
    }
    link_pop(u->in_loaded, now);
    unit_sleep(&u->unit, now + 1);
}

/* Requests at the front of the queue take their slots in the queue's order, one a cycle, so that nobody's load waits for a later one's. */
static void prefetch(struct sequencer *u, cycle_t now)
{
    uint32_t i = u->queue.head;
    for (uint32_t n = 0; n < u->prefetch && n < u->queue.length; n++, i = u->queue.next[i]) {
        struct request *r = &u->requests[i];
        if ((r->adapter >= 0 || r->kv_pages) && !r->reserved) {
            if (reserve(u, r, now)) {
                r->prefetched = r->adapter >= 0;
                unit_sleep(&u->unit, now + 1);
            }
            return;
        }
    }
}

/* -- requests -- */

/* Requests of cycle 0 are there without a word; the others are announced. */
static void arrive(struct sequencer *u, cycle_t now)
{
    while (u->n_arrived < u->n_requests && u->requests[u->n_arrived].arrives_at <= now) {
        if (now > 0) {
            sequencer_event(u, now, EVENT_REQUEST, u->n_arrived, REQUEST_QUEUED, u->requests[u->n_arrived].adapter);
        }
        admission_arrive(&u->queue, u->n_arrived++);
    }
    if (u->n_arrived < u->n_requests) {
        unit_sleep(&u->unit, u->requests[u->n_arrived].arrives_at);
    }
}

static struct sequence *free_sequence(struct sequencer *u)
{
    for (uint32_t i = 0; u->n_started - u->n_done - u->n_dropped < u->n_sequences && i < u->n_sequences; i++) {
        if (u->sequences[i].request < 0 && u->sequences[i].in_flight == 0) {
            return &u->sequences[i];
        }
    }
    return NULL;
}

static void start(struct sequencer *u, struct sequence *s, uint32_t index, cycle_t now)
{
    struct request *r = &u->requests[index];
    const struct slot *slot = r->slot >= 0 ? &u->slots.slot[r->slot] : NULL;
    bool runs = !slot || slot->usable;
    take_kv_pages(u, s, r, now);
    if (u->map->kv_damage) {
        u->map->kv_damage[s - u->sequences] = NULL;
    }
    *s = (struct sequence){
        .request = (int32_t)index, .slot = r->slot, .known = (uint32_t)r->n_prompt, .random = r->random, .next_id = r->prompt[0]};
    r->state = runs ? REQUEST_RUNNING : REQUEST_LOADING;
    r->started_at = now;
    if (runs) {
        r->running_at = now;
    }
    if (!runs && r->load_requested_at == NEVER) { /* it joined while the adapter was live, and the slot is renewed now */
        r->load_requested_at = slot->renew ? slot->renew_at : slot->load_requested_at;
    }
    if (slot && r->load_requested_at != NEVER) {
        r->loaded_at = slot->renew ? NEVER : slot->loaded_at;
    }
    r->account_cycles[PLACE_sequencer] += now - r->mark;
    r->mark = now;
    admission_leave(&u->queue, index);
    u->n_started++;
    sequencer_set_ready(u, s, runs);
    sequencer_event(u, now, EVENT_REQUEST, index, (int32_t)r->state, r->adapter);
}

static void note_wait_for_slot(struct sequencer *u, cycle_t now)
{
    struct request *head = &u->requests[u->queue.head];
    if (head->slot_wanted_at == NEVER && admission_waits_for_slot(&u->queue, &u->slots)) {
        head->slot_wanted_at = now;
    }
}

/* Starts the request whose turn it is, when it can have a KV cache and its adapter a slot. */
static void start_next(struct sequencer *u, cycle_t now)
{
    struct sequence *s = u->queue.length ? free_sequence(u) : NULL;
    uint32_t index = s ? admission_pick(&u->queue, &u->slots, link_ready(u->out_load, now), now) : NOBODY;
    if (s && index != u->queue.head) {
        note_wait_for_slot(u, now);
    }
    if (index == NOBODY) {
        return;
    }
    struct request *r = &u->requests[index];
    if (!r->reserved) {
        bool reserved = reserve(u, r, now);
        ES_ASSERT(reserved);
    }
    start(u, s, index, now);
    ES_ASSERT(requests_conserved(u));
    unit_sleep(&u->unit, now + 1);
}

/* -- tokens -- */

static struct token *new_token(struct sequencer *u, const struct sequence *s, cycle_t now)
{
    struct request *r = &u->requests[s->request];
    struct token *token = &u->tokens[u->free_tokens[--u->n_free]];
    *token = (struct token){
        .sequence = (uint32_t)(s - u->sequences),
        .request = (uint32_t)s->request,
        .position = s->position,
        .layer = -1,
        .id = s->next_id,
        .slot = s->slot,
        .load = s->slot >= 0 ? u->slots.slot[s->slot].load : 0,
        .adapter = s->slot >= 0 ? &u->adapters[r->version] : NULL,
        .wants_logits = s->position + 1 >= s->known,
        .mark = now,
    };
    if (token->wants_logits) { /* on the critical path: everything since the last token (or the start) is booked */
        token->mark = r->mark;
        token_book(token, PLACE_sequencer, now);
    }
    return token;
}

static void issue(struct sequencer *u, cycle_t now)
{
    if (u->n_ready == 0 || u->n_free == 0) {
        unit_enter(&u->unit, now, UNIT_IDLE);
        return;
    }
    if (!link_ready(u->out_token, now)) {
        link_block(u->out_token, &u->unit, now);
        return;
    }
    while (!u->sequences[u->turn].ready) {
        u->turn = u->turn + 1 < u->n_sequences ? u->turn + 1 : 0;
    }
    struct sequence *s = &u->sequences[u->turn];
    struct request *r = &u->requests[s->request];
    link_push(u->out_token, now, new_token(u, s, now), 1);
    s->in_flight++;
    s->position++;
    u->kv_rows++;
    u->kv_rows_peak = u->kv_rows > u->kv_rows_peak ? u->kv_rows : u->kv_rows_peak;
    bool goes_on = s->position < s->known;
    if (goes_on) {
        s->next_id = s->position < (uint32_t)r->n_prompt ? r->prompt[s->position] : r->generated[s->position - (uint32_t)r->n_prompt];
    }
    sequencer_set_ready(u, s, goes_on);
    u->turn = u->turn + 1 < u->n_sequences ? u->turn + 1 : 0;
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, now + 1);
}

void sequencer_tick(struct unit *unit, cycle_t now)
{
    struct sequencer *u = (struct sequencer *)unit;
    take_returns(u, now);
    adapter_loaded(u, now);
    mend(u, now);
    if (u->n_incidents) {
        sequencer_incidents(u, now);
    }
    arrive(u, now);
    start_next(u, now);
    if (u->prefetch) {
        prefetch(u, now);
    }
    issue(u, now);
}
