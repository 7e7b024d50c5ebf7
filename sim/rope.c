#include "sim/rope.h"

#include <string.h>

#include "sim/sram.h"

static void compute(struct rope_unit *u, const struct burst *in)
{
    const struct shape *s = &u->model->shape;
    const struct layer *w = &u->model->layers[u->token->layer];
    const struct token *token = u->token;
    const struct rope_turns turns = model_rope_turns(u->model, u->token->layer);
    struct kv *kv = &u->kv[memory_map_kv(u->map, token->sequence, token->layer)];
    int64_t heads = (int64_t)token->position * s->n_kv_heads;
    const struct rope_balance q_balance = layer_balance(w, s, LINEAR_Q), k_balance = layer_balance(w, s, LINEAR_K);
    k_rope(&turns, token->position, &w->q_norm, &q_balance, &in->acc[0], s->n_heads, s->head_dim, u->q.m, u->q_exponent, u->scratch);
    k_rope(&turns, token->position, &w->k_norm, &k_balance, &in->acc[1], s->n_kv_heads, s->head_dim, kv->k + heads * s->head_dim,
           kv->k_exponent + heads, u->scratch);
    k_kv_value(&in->acc[2], s->n_kv_heads, s->head_dim, kv->v + heads * s->head_dim, kv->v_exponent + heads);
}

RARELY static void accept(struct rope_unit *u, cycle_t now)
{
    struct burst *in = link_whole(u->in, &u->unit, now);
    if (!in) {
        return;
    }
    u->token = in->token;
    token_arrive(u->token, in->last, now);
    if (u->model) {
        compute(u, in);
    }
    link_pop(u->in, now);
    u->until = now + u->compute_cycles;
    u->phase = ROPE_ROTATE;
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

static void write_row(struct rope_unit *u, cycle_t now, enum kv_part part, enum rope_phase phase)
{
    uint32_t words = u->map->kv_row_words;
    struct sram_place row = memory_map_row(u->map, memory_map_kv(u->map, u->token->sequence, u->token->layer), part, u->token->position);
    sram_request(u->write_request, now, u->token, row, words, u->write_words_per_cycle);
    u->until = now + sram_ideal_cycles(words, u->write_words_per_cycle, u->sram_latency_cycles);
    u->phase = phase;
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

/* The write's acknowledgement, if it is there; books what it took beyond an idle SRAM. */
static bool written(struct rope_unit *u, cycle_t now)
{
    if (!link_front(u->write_response, now)) {
        unit_enter(&u->unit, now, UNIT_STALL_SRAM);
        return false;
    }
    link_pop(u->write_response, now);
    token_book(u->token, PLACE_rope, u->until);
    token_book(u->token, PLACE_sram, now);
    return true;
}

static void send(struct rope_unit *u, cycle_t now)
{
    if (!link_ready(u->out_q, now)) {
        link_block(u->out_q, &u->unit, now);
        return;
    }
    if (u->model) {
        struct burst *burst = link_back(u->out_q);
        act8_copy(&burst->act, &u->q);
        memcpy(burst->head_exponent, u->q_exponent, (size_t)u->model->shape.n_heads * sizeof *u->q_exponent);
    }
    token_book(u->token, PLACE_wait, now);
    link_push(u->out_q, now, u->token, u->q_beats);
    u->token = NULL;
    u->phase = ROPE_EMPTY;
    unit_rest(&u->unit, now);
}

/* A phase is over, or waits for something. */
RARELY static void advance(struct rope_unit *u, cycle_t now)
{
    switch (u->phase) {
    case ROPE_ROTATE:
        token_book(u->token, PLACE_rope, now);
        write_row(u, now, KV_K, ROPE_WRITE_K);
        break;
    case ROPE_WRITE_K:
        if (written(u, now)) {
            write_row(u, now, KV_V, ROPE_WRITE_V);
        }
        break;
    case ROPE_WRITE_V:
        if (written(u, now)) {
            u->phase = ROPE_SEND;
            send(u, now);
        }
        break;
    case ROPE_SEND: send(u, now); break;
    case ROPE_EMPTY: break;
    }
}

void rope_tick(struct unit *unit, cycle_t now)
{
    struct rope_unit *u = (struct rope_unit *)unit;
    if (u->phase == ROPE_EMPTY) {
        if (unit->inbox) {
            accept(u, now);
        }
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else {
        advance(u, now);
    }
}
