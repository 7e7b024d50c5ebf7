#include "sim/embed.h"

#include "kernels/embed.h"

RARELY static void accept(struct embed_rom *u, cycle_t now)
{
    struct burst *request = link_front(u->in_token, now);
    if (request) {
        u->token = request->token;
        token_arrive(u->token, request->last, now);
        link_pop(u->in_token, now);
        u->until = now + u->latency_cycles;
        unit_enter(&u->unit, now, UNIT_BUSY);
        unit_sleep(&u->unit, u->until);
    }
}

RARELY static void send(struct embed_rom *u, cycle_t now)
{
    if (!link_ready(u->out_residual, now)) {
        link_block(u->out_residual, &u->unit, now);
        return;
    }
    if (u->weights) {
        k_embed(u->weights, u->scale_q16, u->token->id, &link_back(u->out_residual)->residual);
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
