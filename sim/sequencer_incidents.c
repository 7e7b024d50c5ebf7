/* sequencer_incidents.c -- slots that change under their users: new versions, unloading, flipped bits, loads that stay broken.
 *
 * Renewing a slot: its sequences are held (nothing is issued, what comes back is thrown away) until none of their tokens is in flight and no load is on the way; then
 * the slot is loaded again, and each of its requests computes its KV cache anew, prompt and tokens generated so far, before it goes on. So no KV row outlives the
 * weights that it was computed with. Where ECC finds flipped bits in a KV cache, its request alone is held, and computes the cache anew.
 */
#include "sim/sequencer_internal.h"

/* -- renewing -- */

static void hold(struct sequencer *u, int32_t i)
{
    struct slot *slot = &u->slots.slot[i];
    slot->in_flight = 0;
    for (uint32_t n = 0; n < u->n_sequences; n++) {
        struct sequence *s = &u->sequences[n];
        if (s->request >= 0 && s->slot == i) {
            s->held = true;
            s->recomputes = false;
            sequencer_set_ready(u, s, false);
            slot->in_flight += s->in_flight > 0;
        }
    }
}

/* Requests that have a slot before they have a KV cache stand at the front of the queue. */
static void tell_reserved(struct sequencer *u, int32_t slot, int32_t version)
{
    uint32_t i = u->queue.head;
    for (uint32_t n = 0; n < u->prefetch && n < u->queue.length; n++, i = u->queue.next[i]) {
        if (u->requests[i].reserved && u->requests[i].slot == slot) {
            u->requests[i].version = version;
        }
    }
}

static void renew(struct sequencer *u, int32_t i, int32_t version, cycle_t now)
{
    u->n_renewing += !u->slots.slot[i].renew;
    slots_renew(&u->slots, i, version, now);
    hold(u, i);
    tell_reserved(u, i, version);
    sequencer_event(u, now, EVENT_SLOT, (uint32_t)i, SLOT_DRAINING, version);
    unit_sleep(&u->unit, now + 1);
}

/* The request begins again with its prompt and what it has generated. */
static void restart(struct sequencer *u, struct sequence *s, int32_t version, enum request_state state, cycle_t now)
{
    struct request *r = &u->requests[s->request];
    if (s->position > 0) {
        r->first_version = r->restarts ? r->first_version : r->version;
        r->restarts++;
        r->restarted_at = r->n_generated;
        r->random = s->random;
        u->kv_rows -= s->position;
    }
    r->version = version;
    r->state = state;
    s->position = 0;
    s->known = (uint32_t)(r->n_prompt + r->n_generated);
    s->next_id = r->prompt[0];
    s->held = s->recomputes = false;
    if (u->map->kv_damage) {
        u->map->kv_damage[s - u->sequences] = NULL;
    }
    sequencer_event(u, now, EVENT_REQUEST, (uint32_t)s->request, (int32_t)state, r->adapter);
}

void sequencer_drained(struct sequencer *u, struct sequence *s, cycle_t now)
{
    if (!s->held || s->in_flight > 0) {
        return;
    }
    if (s->recomputes) {
        restart(u, s, u->requests[s->request].version, REQUEST_RUNNING, now);
        sequencer_set_ready(u, s, true);
    } else {
        u->slots.slot[s->slot].in_flight--;
    }
}

static void reload(struct sequencer *u, int32_t i, cycle_t now)
{
    slots_reload(&u->slots, i, now);
    u->n_renewing--;
    u->map->damage[i] = NULL;
    for (uint32_t n = 0; n < u->n_sequences; n++) {
        struct sequence *s = &u->sequences[n];
        if (s->request >= 0 && s->slot == i) {
            restart(u, s, u->slots.slot[i].adapter, REQUEST_LOADING, now);
        }
    }
    sequencer_ask_for_load(u, i, now);
    unit_sleep(&u->unit, now + 1);
}

/* One load a cycle; without room at the host port the link wakes us. */
static void load_renewed(struct sequencer *u, cycle_t now)
{
    for (uint32_t i = 0; u->n_renewing && i < u->slots.count; i++) {
        const struct slot *slot = &u->slots.slot[i];
        if (slot->renew && slot->state == SLOT_DRAINING && slot->in_flight == 0) {
            if (link_ready(u->out_load, now)) {
                reload(u, i, now);
            }
            return;
        }
    }
}

/* -- tokens -- */

bool sequencer_keeps(struct sequencer *u, const struct token *token, cycle_t now)
{
    struct sequence *s = &u->sequences[token->sequence];
    u->seen.detections += token->detected || token->kv_detected;
    if (token->detected && !s->held) {
        renew(u, token->slot, u->slots.slot[token->slot].adapter, now);
    } else if (token->kv_detected && !s->held) {
        s->held = s->recomputes = true;
        sequencer_set_ready(u, s, false);
    }
    if (s->held) {
        u->seen.discarded_tokens++;
        return false;
    }
    if (token->flipped) {
        u->seen.silent_tokens++;
        u->requests[token->request].flipped_tokens++;
    }
    return true;
}

/* -- loads that stay broken -- */

static void drop_request(struct sequencer *u, struct sequence *s, cycle_t now)
{
    struct request *r = &u->requests[s->request];
    ES_ASSERT(s->in_flight == 0 && !s->ready);
    r->account_cycles[PLACE_adapter_load] += now - r->mark;
    r->mark = r->done_at = now;
    r->state = REQUEST_DROPPED;
    u->n_dropped++;
    sequencer_event(u, now, EVENT_REQUEST, (uint32_t)s->request, REQUEST_DROPPED, r->adapter);
    sequencer_free_sequence(u, s, now);
}

void sequencer_drop(struct sequencer *u, int32_t slot, cycle_t now)
{
    for (uint32_t n = 0; n < u->n_sequences; n++) {
        struct sequence *s = &u->sequences[n];
        if (s->request >= 0 && s->slot == slot) {
            drop_request(u, s, now);
        }
    }
    uint32_t i = u->queue.head;
    for (uint32_t n = 0; n < u->prefetch && n < u->queue.length; n++, i = u->queue.next[i]) {
        struct request *r = &u->requests[i];
        if (r->reserved && r->slot == slot) {
            r->reserved = false;
            r->slot = r->version = -1;
            u->slots.n_dropped_hits += r->adapter_hit;
            u->slots.n_dropped_loads += r->adapter_load;
            r->adapter_hit = r->adapter_load = r->prefetched = false;
            if (r->kv_pages) {
                u->slots.pool->n_reserved -= 2 * r->kv_pages;
            }
        }
    }
    slots_fail(&u->slots, slot, now);
    sequencer_event(u, now, EVENT_SLOT, (uint32_t)slot, SLOT_FREE, -1);
}

void sequencer_abandon(struct sequencer *u, int32_t slot, cycle_t now)
{
    u->slots.slot[slot].failing = true;
    u->slots.slot[slot].usable = false;
    u->n_failing++;
    hold(u, slot);
    sequencer_ask_for_load(u, slot, now);
}

static void drop_released(struct sequencer *u, cycle_t now)
{
    uint32_t failing = 0;
    for (uint32_t i = 0; u->n_failing && i < u->slots.count; i++) {
        const struct slot *slot = &u->slots.slot[i];
        if (slot->released && slot->in_flight == 0) {
            sequencer_drop(u, (int32_t)i, now);
            unit_sleep(&u->unit, now + 1);
        }
        failing += slot->failing;
    }
    u->n_failing = failing;
}

/* -- what happens -- */

/* The slot that holds an adapter is given up once its users are done; and whoever comes later does not find it. */
static void retire(struct sequencer *u, int32_t i, cycle_t now)
{
    slots_retire(&u->slots, i, now);
    enum slot_state state = u->slots.slot[i].state;
    if (state != SLOT_LOADING) {
        sequencer_event(u, now, EVENT_SLOT, (uint32_t)i, (int32_t)state, u->slots.slot[i].adapter);
    }
}

static void new_version(struct sequencer *u, const struct incident *what, cycle_t now)
{
    int32_t old = u->version[what->adapter], i = slots_find(&u->slots, old);
    u->version[what->adapter] = what->version;
    u->seen.happened[INCIDENT_RELOAD]++;
    if (i < 0) {
        return;
    }
    bool free_to_take = old == what->version || slots_find(&u->slots, what->version) < 0;
    bool same_size = u->slots.adapters[old].pages == u->slots.adapters[what->version].pages;
    if (u->reload == RELOAD_RESTART && u->slots.slot[i].users > 0 && same_size && free_to_take) {
        renew(u, i, what->version, now);
    } else {
        retire(u, i, now);
    }
}

/* In the KV cache of the first sequence that has rows of a request for the adapter, in one of those that are in all layers. */
static void flip_kv(struct sequencer *u, uint32_t incident, cycle_t now)
{
    for (uint32_t i = 0; i < u->n_sequences; i++) {
        const struct sequence *s = &u->sequences[i];
        if (s->request >= 0 && !s->held && s->position > s->in_flight &&
            u->requests[s->request].adapter == u->incidents[incident].adapter) {
            struct damage *d = &u->damage[incident];
            if (!u->map->kv_damage[i]) {
                d->from = now;
                d->row = (uint32_t)(d->draw % (s->position - s->in_flight));
                u->map->kv_damage[i] = d;
                u->seen.happened[INCIDENT_FLIP]++;
                u->seen.kv_flips++;
            }
            return;
        }
    }
}

static void flip(struct sequencer *u, uint32_t incident, cycle_t now)
{
    int32_t i = slots_find(&u->slots, u->incidents[incident].adapter);
    if (i >= 0 && u->slots.slot[i].state == SLOT_LIVE && !u->map->damage[i]) {
        u->damage[incident].from = now;
        u->map->damage[i] = &u->damage[incident];
        u->seen.happened[INCIDENT_FLIP]++;
    }
}

static void happen(struct sequencer *u, uint32_t incident, cycle_t now)
{
    const struct incident *what = &u->incidents[incident];
    int32_t i = -1;
    switch (what->kind) {
    case INCIDENT_RELOAD: new_version(u, what, now); break;
    case INCIDENT_UNLOAD:
        i = slots_find(&u->slots, u->version[what->adapter]);
        if (i >= 0) {
            u->seen.happened[INCIDENT_UNLOAD]++;
            retire(u, i, now);
        }
        break;
    case INCIDENT_FLIP: (what->part == FLIP_KV ? flip_kv : flip)(u, incident, now); break;
    case INCIDENT_CORRUPT: /* the DMA's */
    case INCIDENT_TRUNCATE:
    case INCIDENT_KINDS: break;
    }
}

void sequencer_incidents(struct sequencer *u, cycle_t now)
{
    while (u->next_incident < u->n_incidents && u->incidents[u->next_incident].at <= now) {
        happen(u, u->next_incident++, now);
    }
    if (u->next_incident < u->n_incidents) {
        unit_sleep(&u->unit, u->incidents[u->next_incident].at);
    }
    load_renewed(u, now);
    drop_released(u, now);
}
