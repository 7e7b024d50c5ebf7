#include "sim/sequencer.h"

#include <string.h>

#include "traces/trace.h"

static void event(const struct sequencer *u, cycle_t now, enum event_kind kind, uint32_t id, int32_t a, int32_t b)
{
    trace_event(u->unit.trace, (struct event){.cycle = now, .from = now, .to = now, .kind = kind, .id = id, .a = a, .b = b});
}

static void set_ready(struct sequencer *u, struct sequence *s, bool ready)
{
    u->n_ready += (uint32_t)ready - (uint32_t)s->ready;
    s->ready = ready;
}

static void finish(struct sequencer *u, struct sequence *s, cycle_t now)
{
    struct request *r = &u->requests[s->request];
    r->state = REQUEST_DONE;
    u->n_done++;
    if (s->slot >= 0) {
        u->slots.slot[s->slot].users--;
        u->slots.slot[s->slot].used_at = now;
    }
    event(u, now, EVENT_REQUEST, (uint32_t)s->request, REQUEST_DONE, r->adapter);
    s->request = -1;
    u->kv_rows -= s->position;
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
    event(u, now, EVENT_TOKEN, token->request, (int32_t)token->position, sampled->index);
    s->next_id = sampled->index;
    if (r->n_generated == r->n_generate || (r->stop_token >= 0 && sampled->index == r->stop_token)) {
        finish(u, s, now);
    } else {
        set_ready(u, s, true);
    }
    if (u->on_token) {
        u->on_token(u->context, r);
    }
}

static void retire(struct sequencer *u, struct token *token)
{
    u->sequences[token->sequence].in_flight--;
    u->free_tokens[u->n_free++] = (uint32_t)(token - u->tokens);
}

static void take_returns(struct sequencer *u, cycle_t now)
{
    struct burst *sampled = link_front(u->in_sampled, now);
    if (sampled) {
        struct token *token = sampled->token;
        collect(u, sampled, now);
        retire(u, token);
        link_pop(u->in_sampled, now);
        unit_sleep(&u->unit, now + 1);
    }
    struct burst *retired = link_front(u->in_retired, now);
    if (retired) {
        token_arrive(retired->token, retired->last, now);
        retire(u, retired->token);
        link_pop(u->in_retired, now);
        unit_sleep(&u->unit, now + 1);
    }
}

static void adapter_loaded(struct sequencer *u, cycle_t now)
{
    struct burst *loaded = link_front(u->in_loaded, now);
    if (!loaded) {
        return;
    }
    struct slot *slot = &u->slots.slot[loaded->slot];
    slot->state = SLOT_LIVE;
    event(u, now, EVENT_SLOT, (uint32_t)loaded->slot, SLOT_LIVE, slot->adapter);
    for (uint32_t i = 0; i < u->n_sequences; i++) {
        struct sequence *s = &u->sequences[i];
        if (s->request >= 0 && s->slot == loaded->slot) {
            u->requests[s->request].state = REQUEST_RUNNING;
            u->requests[s->request].account_cycles[PLACE_adapter_load] += now - u->requests[s->request].mark;
            u->requests[s->request].mark = now;
            set_ready(u, s, true);
        }
    }
    link_pop(u->in_loaded, now);
    unit_sleep(&u->unit, now + 1);
}

/* The slot for an adapter, loading it where it is not resident; -1 when every slot is in use or the host port has no room. */
static int32_t claim_slot(struct sequencer *u, int32_t adapter, cycle_t now)
{
    int32_t i = slots_find(&u->slots, adapter);
    if (i >= 0) {
        u->slots.hits++;
        u->slots.slot[i].users++;
        return i;
    }
    i = slots_victim(&u->slots);
    if (i < 0 || !link_ready(u->out_load, now)) {
        return -1;
    }
    struct slot *slot = &u->slots.slot[i];
    u->slots.evictions += slot->state == SLOT_LIVE;
    u->slots.loads++;
    *slot = (struct slot){.state = SLOT_LOADING, .adapter = adapter, .users = 1, .used_at = now};
    struct burst *burst = link_back(u->out_load);
    burst->index = adapter;
    burst->slot = i;
    link_push(u->out_load, now, NULL, 1);
    event(u, now, EVENT_SLOT, (uint32_t)i, SLOT_LOADING, adapter);
    return i;
}

static struct sequence *free_sequence(struct sequencer *u)
{
    for (uint32_t i = 0; i < u->n_sequences; i++) {
        if (u->sequences[i].request < 0 && u->sequences[i].in_flight == 0) {
            return &u->sequences[i];
        }
    }
    return NULL;
}

/* Starts the oldest waiting request when it can have a KV cache and its adapter a slot. */
static void start_next(struct sequencer *u, cycle_t now)
{
    if (u->n_started == u->n_requests) {
        return;
    }
    struct sequence *s = free_sequence(u);
    if (!s) {
        return;
    }
    struct request *r = &u->requests[u->n_started];
    int32_t slot = r->adapter >= 0 ? claim_slot(u, r->adapter, now) : -1;
    if (r->adapter >= 0 && slot < 0) {
        return;
    }
    bool live = slot < 0 || u->slots.slot[slot].state == SLOT_LIVE;
    *s = (struct sequence){.request = (int32_t)u->n_started, .slot = slot, .next_id = r->prompt[0]};
    r->state = live ? REQUEST_RUNNING : REQUEST_LOADING;
    r->account_cycles[PLACE_sequencer] += now - r->mark;
    r->mark = now;
    event(u, now, EVENT_REQUEST, u->n_started, (int32_t)r->state, r->adapter);
    u->n_started++;
    set_ready(u, s, live);
    ES_ASSERT(slots_conserved(&u->slots));
    unit_sleep(&u->unit, now + 1);
}

static struct token *new_token(struct sequencer *u, const struct sequence *s, cycle_t now)
{
    struct request *r = &u->requests[s->request];
    struct token *token = &u->tokens[u->free_tokens[--u->n_free]];
    *token = (struct token){
        .sequence = (uint32_t)(s - u->sequences),
        .request = (uint32_t)s->request,
        .position = s->position,
        .id = s->next_id,
        .slot = s->slot,
        .adapter = s->slot >= 0 ? &u->adapters[r->adapter] : NULL,
        .wants_logits = s->position + 1 >= (uint32_t)r->n_prompt,
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
    bool prompt_goes_on = s->position < (uint32_t)r->n_prompt;
    if (prompt_goes_on) {
        s->next_id = r->prompt[s->position];
    }
    set_ready(u, s, prompt_goes_on);
    u->turn = u->turn + 1 < u->n_sequences ? u->turn + 1 : 0;
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, now + 1);
}

void sequencer_tick(struct unit *unit, cycle_t now)
{
    struct sequencer *u = (struct sequencer *)unit;
    take_returns(u, now);
    adapter_loaded(u, now);
    start_next(u, now);
    issue(u, now);
}
