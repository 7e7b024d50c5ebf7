#include "sim/silu.h"

#include "kernels/silu.h"
#include "sim/lora_mac.h"

RARELY static void accept(struct silu_unit *u, cycle_t now)
{
    struct burst *in = link_whole(u->in, &u->unit, now);
    if (!in) {
        return;
    }
    u->token = in->token;
    token_arrive(u->token, in->last, now);
    if (u->values) {
        k_gate_mul(u->activation, &in->acc[0], &in->acc[1], &u->x, u->scratch);
    }
    link_pop(u->in, now);
    u->until = now + ceil_div(u->n, u->lanes) + u->latency_cycles;
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

RARELY static void send(struct silu_unit *u, cycle_t now)
{
    bool lora = token_has_lora(u->token, LINEARS_DOWN);
    struct link *full = !link_ready(u->out_x, now) ? u->out_x : lora && !link_ready(u->out_lora, now) ? u->out_lora : NULL;
    if (full) {
        link_block(full, &u->unit, now);
        return;
    }
    token_book(u->token, PLACE_silu, u->until);
    token_book(u->token, PLACE_wait, now);
    struct link *outputs[] = {u->out_x, u->out_lora};
    for (int i = 0; i < 1 + lora; i++) {
        if (u->values) {
            act8_copy(&link_back(outputs[i])->act, &u->x);
        }
        link_push(outputs[i], now, u->token, u->beats);
    }
    u->token = NULL;
    unit_rest(&u->unit, now);
}

void silu_tick(struct unit *unit, cycle_t now)
{
    struct silu_unit *u = (struct silu_unit *)unit;
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
