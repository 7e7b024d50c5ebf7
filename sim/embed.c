#include "sim/embed.h"

#include <string.h>

#include "kernels/embed.h"
#include "sim/lora_mac.h"

/* The token's place in its block of A. The link has room: the last token's contribution came before its vector was sent. */
static void send_x(const struct embed_rom *u, cycle_t now)
{
    bool ready = link_ready(u->out_lora, now);
    ES_ASSERT(ready);
    if (u->weights) {
        struct act8 *x = &link_back(u->out_lora)->act;
        memset(x->m, 0, (size_t)x->n);
        x->m[(uint32_t)u->token->id % u->lora_inputs] = 1;
        x->exponent = 0;
    }
    link_push(u->out_lora, now, u->token, u->lora_beats);
}

RARELY static void accept(struct embed_rom *u, cycle_t now)
{
    struct burst *request = link_front(u->in_token, now);
    if (request) {
        u->token = request->token;
        token_arrive(u->token, request->last, now);
        link_pop(u->in_token, now);
        u->until = now + u->latency_cycles;
        u->lora = token_has_lora(u->token, LINEARS_EMBEDDING);
        if (u->weights) {
            k_embed(u->weights, u->scale_q16, u->token->id, &u->row);
        }
        if (u->lora) {
            send_x(u, now);
        }
        unit_enter(&u->unit, now, UNIT_BUSY);
        unit_sleep(&u->unit, u->until);
    }
}

/* Takes the LoRA contribution when its last beat is there. */
static bool add_delta(struct embed_rom *u, cycle_t now)
{
    struct burst *delta = link_front(u->in_delta, now);
    if (!delta || delta->last > now) {
        unit_enter(&u->unit, now, UNIT_STALL_LORA);
        return false;
    }
    ES_ASSERT(delta->token == u->token);
    if (u->weights) {
        k_embed_add(u->scale_q16, &delta->acc[0], &u->row);
    }
    link_pop(u->in_delta, now);
    token_book(u->token, PLACE_embed, u->until);
    token_book(u->token, PLACE_lora, now);
    u->until = now;
    u->lora = false;
    return true;
}

RARELY static void send(struct embed_rom *u, cycle_t now)
{
    if (u->lora && !add_delta(u, now)) {
        return;
    }
    if (!link_ready(u->out_residual, now)) {
        link_block(u->out_residual, &u->unit, now);
        return;
    }
    if (u->weights) {
        memcpy(link_back(u->out_residual)->residual.m, u->row.m, (size_t)u->row.n * sizeof *u->row.m);
    }
    token_book(u->token, PLACE_embed, u->until);
    token_book(u->token, PLACE_wait, now);
    link_push(u->out_residual, now, u->token, u->beats);
    u->token = NULL;
    unit_rest(&u->unit, now);
}

void embed_tick(struct unit *unit, cycle_t now)
{
    struct embed_rom *u = (struct embed_rom *)unit;
    if (!u->token) {
        if (unit->inbox) {
            accept(u, now);
        }
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else {
        send(u, now);
    }
}
