#include "sim/attention.h"

#include "kernels/attention.h"
#include "sim/lora_mac.h"
#include "sim/sram.h"

/* The tokens it attends to: the latest ones. */
static uint32_t context(const struct attention_unit *u)
{
    return (uint32_t)shape_visible_tokens(u->shape, u->token->layer, (int32_t)u->token->position + 1);
}

/* Asks for all K or V rows of the sequence, as fast as the multipliers use them; they take no less than the multipliers. */
static void read_rows(struct attention_unit *u, cycle_t now, enum kv_part part, enum attention_phase phase)
{
    cycle_t mac_cycles = ceil_div((uint64_t)context(u) * u->n_heads * u->head_dim, u->lanes);
    uint32_t words = context(u) * u->map->kv_row_words;
    struct sram_place first_row =
        memory_map_row(u->map, memory_map_kv(u->map, u->token->sequence, u->token->layer), part, u->token->position + 1 - context(u));
    sram_request(u->read_request, now, u->token, first_row, words, (uint32_t)ceil_div(words, mac_cycles));
    u->until = now + 1 + mac_cycles + u->sram_latency_cycles;
    u->phase = phase;
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

/* A row of the token's KV cache has flipped bits. Returns them if it computes with them, else NULL. */
RARELY static const struct damage *read_damage(struct attention_unit *u, cycle_t now)
{
    const struct damage *d = u->map->kv_damage[u->token->sequence];
    bool reads = d && d->layer == u->token->layer && now > d->from && d->row + context(u) > u->token->position;
    return reads && damage_met(u->ecc, d->bits, u->token, &u->token->kv_detected, &u->corrected) ? d : NULL;
}

/* The bits are flipped for this token, and back: the cache is its sequence's, which has another one next. */
static void compute(struct attention_unit *u, const struct burst *q, const struct damage *d)
{
    const struct shape *s = &u->model->shape;
    struct kv *cache = &u->kv[memory_map_kv(u->map, u->token->sequence, u->token->layer)];
    const struct kv kv = kv_from(s, cache, (int32_t)(u->token->position + 1 - context(u)));
    const uint32_t elements = (uint32_t)(s->n_kv_heads * s->head_dim);
    if (d) {
        damage_kv(cache, d->row, elements, d->bits, d->draw);
    }
    k_attention(s, u->model->softmax_scale_q15, q->act.m, q->head_exponent, &kv, (int32_t)context(u), &u->x, u->scratch);
    if (d) {
        damage_kv(cache, d->row, elements, d->bits, d->draw);
    }
}

RARELY static void accept(struct attention_unit *u, cycle_t now)
{
    struct burst *q = link_whole(u->in_q, &u->unit, now);
    if (!q) {
        return;
    }
    u->token = q->token;
    token_arrive(u->token, q->last, now);
    const struct damage *d = u->map->kv_damage ? read_damage(u, now) : NULL;
    if (u->model) {
        compute(u, q, d);
    }
    link_pop(u->in_q, now);
    read_rows(u, now, KV_K, ATTENTION_SCORES);
}

/* The rows of a phase, if they are there: then its pipeline behind them ends at *end. What they took beyond an idle SRAM is booked. */
static bool rows_read(struct attention_unit *u, cycle_t now, enum place place, cycle_t *end)
{
    if (!link_front(u->read_response, now)) {
        unit_enter(&u->unit, now, UNIT_STALL_SRAM);
        return false;
    }
    link_pop(u->read_response, now);
    token_book(u->token, place, u->until);
    token_book(u->token, PLACE_sram, now);
    *end = now + u->latency_cycles;
    token_book(u->token, place, *end);
    unit_enter(&u->unit, now, UNIT_BUSY);
    return true;
}

/* The scores end at `from`: the maximum, where it takes a pass of its own, and the exponentials. */
static void softmax(struct attention_unit *u, cycle_t from)
{
    uint64_t scores = (uint64_t)context(u) * u->n_heads;
    u->until = from;
    if (u->max_lanes) {
        u->until += ceil_div(scores, u->max_lanes) + u->latency_cycles;
        token_book(u->token, PLACE_maximum, u->until);
    }
    u->until += ceil_div(scores, u->softmax_lanes) + u->latency_cycles;
    token_book(u->token, PLACE_softmax, u->until);
    u->phase = ATTENTION_SOFTMAX;
    unit_sleep(&u->unit, u->until);
}

static void send(struct attention_unit *u, cycle_t now)
{
    bool lora = token_has_lora(u->token, LINEARS_O);
    struct link *full = !link_ready(u->out_x, now) ? u->out_x : lora && !link_ready(u->out_lora, now) ? u->out_lora : NULL;
    if (full) {
        link_block(full, &u->unit, now);
        return;
    }
    token_book(u->token, PLACE_wait, now);
    struct link *outputs[] = {u->out_x, u->out_lora};
    for (int i = 0; i < 1 + lora; i++) {
        if (u->model) {
            act8_copy(&link_back(outputs[i])->act, &u->x);
        }
        link_push(outputs[i], now, u->token, u->beats);
    }
    u->token = NULL;
    u->phase = ATTENTION_EMPTY;
    unit_rest(&u->unit, now);
}

/* A phase is over, or waits for something. */
RARELY static void advance(struct attention_unit *u, cycle_t now)
{
    cycle_t end = 0;
    switch (u->phase) {
    case ATTENTION_SCORES:
        if (rows_read(u, now, PLACE_scores, &end)) {
            softmax(u, end);
        }
        break;
    case ATTENTION_SOFTMAX: read_rows(u, now, KV_V, ATTENTION_VALUES); break;
    case ATTENTION_VALUES:
        if (rows_read(u, now, PLACE_values, &end)) {
            u->phase = ATTENTION_SEND;
            u->until = end;
            unit_sleep(&u->unit, end);
        }
        break;
    case ATTENTION_SEND: send(u, now); break;
    case ATTENTION_EMPTY: break;
    }
}

void attention_tick(struct unit *unit, cycle_t now)
{
    struct attention_unit *u = (struct attention_unit *)unit;
    if (u->phase == ATTENTION_EMPTY) {
        if (unit->inbox) {
            accept(u, now);
        }
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else {
        advance(u, now);
    }
}
