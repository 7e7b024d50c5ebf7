#include "sim/lora_mac.h"

#include <string.h>

#include "kernels/lora.h"
#include "sim/sram.h"

/* The waiting vector that came first. */
static struct burst *pick(struct lora_mac *u, cycle_t now)
{
    struct burst *oldest = NULL;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        struct burst *x = link_front(u->in_x[g], now);
        if (x && (!oldest || x->first < oldest->first)) {
            oldest = x;
            u->group = g;
        }
    }
    return oldest;
}

/* Asks for a phase's weights, at the rate at which the lanes use them. */
static void read_weights(struct lora_mac *u, cycle_t now, uint32_t address_words, uint32_t words, uint64_t weights)
{
    cycle_t cycles = ceil_div(weights, u->lanes);
    sram_request(u->read_request, now, u->token, address_words, words, (uint32_t)ceil_div(words, cycles));
    u->until = now + 1 + cycles + u->sram_latency_cycles;
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

static void compute_a(struct lora_mac *u, const struct act8 *x)
{
    for (uint32_t i = 0; i < linears_count(u->group); i++) {
        const struct lora_pair *pair = adapter_pair(u->token->adapter, u->unit.layer, linears_first(u->group) + i);
        if (pair->rank > 0) {
            k_lora_a(pair, x, &u->h[i]);
        }
    }
    u->x_exponent = x->exponent;
}

static void compute_b(struct lora_mac *u, struct burst *delta)
{
    for (uint32_t i = 0; i < linears_count(u->group); i++) {
        enum linear which = linears_first(u->group) + i;
        const struct lora_pair *pair = adapter_pair(u->token->adapter, u->unit.layer, which);
        delta->acc[i].exponent = u->x_exponent + u->base_exponent[which];
        if (pair->rank > 0) {
            k_lora_b(pair, &u->h[i], delta->acc[i].exponent, delta->acc[i].m);
        } else {
            memset(delta->acc[i].m, 0, (size_t)delta->acc[i].n * sizeof *delta->acc[i].m);
        }
    }
}

RARELY static void start(struct lora_mac *u, cycle_t now)
{
    struct burst *x = pick(u, now);
    if (!x) {
        return;
    }
    u->token = x->token;
    u->region = memory_map_lora(u->map, u->token->adapter, u->unit.layer, u->group, u->token->slot);
    if (u->values) {
        compute_a(u, &x->act);
    }
    u->phase = LORA_A;
    read_weights(u, now, u->region.a_address_words, u->region.a_words, u->region.a_weights);
    if (u->until < x->last + 1) { /* the last element of x is needed too */
        u->until = x->last + 1;
    }
}

/* All of a phase's weights are there. */
static bool weights_read(struct lora_mac *u, cycle_t now)
{
    if (!link_front(u->read_response, now)) {
        unit_enter(&u->unit, now, UNIT_STALL_SRAM);
        return false;
    }
    link_pop(u->read_response, now);
    unit_enter(&u->unit, now, UNIT_BUSY);
    u->until = now + u->latency_cycles;
    unit_sleep(&u->unit, u->until);
    return true;
}

static void open_delta(struct lora_mac *u, cycle_t now)
{
    struct link *out = u->out_delta[u->group];
    if (!link_ready(out, now)) {
        link_block(out, &u->unit, now);
        return;
    }
    if (u->values) {
        compute_b(u, link_back(out));
    }
    link_open(out, now, u->token);
    u->phase = LORA_B;
    read_weights(u, now, u->region.b_address_words, u->region.b_words, u->region.b_weights);
}

/* A phase is over, or waits for something. */
RARELY static void advance(struct lora_mac *u, cycle_t now)
{
    switch (u->phase) {
    case LORA_A:
        if (weights_read(u, now)) {
            link_pop(u->in_x[u->group], now);
            u->phase = LORA_REQUANT;
        }
        break;
    case LORA_REQUANT:
        u->phase = LORA_OPEN;
        open_delta(u, now);
        break;
    case LORA_OPEN: open_delta(u, now); break;
    case LORA_B:
        if (weights_read(u, now)) {
            u->phase = LORA_CLOSE;
        }
        break;
    case LORA_CLOSE:
        link_close(u->out_delta[u->group], now);
        u->phase = LORA_EMPTY;
        u->token = NULL;
        unit_rest(&u->unit, now);
        break;
    case LORA_EMPTY: break;
    }
}

void lora_mac_tick(struct unit *unit, cycle_t now)
{
    struct lora_mac *u = (struct lora_mac *)unit;
    if (u->phase == LORA_EMPTY) {
        if (unit->inbox) {
            start(u, now);
        }
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else {
        advance(u, now);
    }
}
