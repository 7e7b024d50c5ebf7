#include "sim/lora_mac.h"

#include <string.h>

#include "kernels/lora.h"
#include "sim/sram.h"

/* The vector that has waited at the front of its link for the longest. */
static struct burst *pick(struct lora_mac *u, cycle_t now)
{
    struct burst *oldest = NULL;
    cycle_t since = NEVER;
    for (uint32_t p = 0; p < u->n_groups; p++) {
        struct burst *x = link_front(u->in_x[p], now);
        if (x && link_front_since(u->in_x[p]) < since) {
            oldest = x;
            since = link_front_since(u->in_x[p]);
            u->port = p;
        }
    }
    u->group = u->first_group + u->port;
    return oldest;
}

/* Of what the pair's contribution is added to, from that of x: the embedding's is 0, the others' are ACT_SHIFT_MAX above the vector's (k_align8). */
static int32_t base_exponent(const struct model *model, int32_t layer, enum linear which)
{
    return which == LINEAR_EMBEDDING ? RESIDUAL_EXPONENT
           : which == LINEAR_HEAD    ? model->head.exponent - ACT_SHIFT_MAX
                                     : model->layers[layer].linear[which].exponent - ACT_SHIFT_MAX;
}

static struct lora_region region_of(const struct lora_mac *u, enum linear_group group, const struct token *token)
{
    struct lora_region region = memory_map_lora(u->map, token->adapter, token->layer, group, token->slot);
    if (group == LINEARS_EMBEDDING && u->model) { /* without values no token has an id, and all blocks take the same time */
        region.job.a_address_words += (uint32_t)token->id / region.job.inputs * memory_map_block_words(u->map, &region);
    }
    for (uint32_t i = 0; i < linears_count(group) && u->model; i++) {
        region.job.base_exponent[i] = base_exponent(u->model, token->layer, linears_first(group) + i);
    }
    return region;
}

struct lora_job lora_mac_job(const struct lora_mac *u, uint32_t port, const struct token *token)
{
    return region_of(u, u->first_group + port, token).job;
}

struct sram_place lora_mac_place(const struct lora_mac *u, const struct token *token, uint32_t address_words)
{
    const int32_t layer = group_layer(u->first_group, u->map->n_layers, token->layer);
    return (struct sram_place){address_words, memory_map_slice(u->map, token->slot, layer).pages};
}

static void compute_a(struct lora_mac *u, const struct act8 *x)
{
    for (uint32_t i = 0; i < linears_count(u->group); i++) {
        const struct lora_pair *pair = adapter_pair(u->weights, u->token->layer, linears_first(u->group) + i);
        if (pair->rank > 0 && u->group == LINEARS_EMBEDDING) {
            k_lora_a_token(pair, u->token->id, &u->h[i]);
        } else if (pair->rank > 0) {
            k_lora_a(pair, x, &u->h[i]);
        }
    }
    u->x_exponent = x->exponent;
}

static void compute_b(struct lora_mac *u, struct burst *delta)
{
    for (uint32_t i = 0; i < linears_count(u->group); i++) {
        const struct lora_pair *pair = adapter_pair(u->weights, u->token->layer, linears_first(u->group) + i);
        delta->acc[i].exponent = u->x_exponent + u->region.job.base_exponent[i];
        if (pair->rank > 0) {
            k_lora_b(pair, &u->h[i], delta->acc[i].exponent, delta->acc[i].m);
        } else {
            memset(delta->acc[i].m, 0, (size_t)delta->acc[i].n * sizeof *delta->acc[i].m);
        }
    }
}

static void go_on(struct lora_mac *u, enum lora_phase phase, cycle_t until)
{
    u->phase = phase;
    u->until = until;
    unit_sleep(&u->unit, until);
}

/* Asks for a phase's rows. The request link is free: the answer to the last request has come. */
static void read_rows(struct lora_mac *u, cycle_t now, uint32_t address_words, const struct sram_rows *rows)
{
    sram_request_rows(u->read_request, now, u->token, lora_mac_place(u, u->token, address_words), rows);
    u->rows_at = now + sram_rows_ideal_cycles(rows, u->geometry.port_words, u->geometry.sram_latency_cycles);
}

/* x is taken at a beat a cycle, whatever the rows do; they come late enough for it. */
static void ask_for_a(struct lora_mac *u, cycle_t now)
{
    read_rows(u, now, u->region.job.a_address_words, &u->region.a);
    ES_ASSERT(now < u->x_taken_at && u->x_taken_at < u->rows_at);
    go_on(u, LORA_X, u->x_taken_at);
}

/* The group's weights in the slot have flipped bits: what ECC makes of them is the token's for all of the vector. */
RARELY static void read_damage(struct lora_mac *u, const struct damage *d, cycle_t now)
{
    uint32_t first = linears_first(u->group);
    if (d->layer != group_layer(u->group, u->map->n_layers, u->token->layer) || d->linear < (int32_t)first ||
        d->linear >= (int32_t)(first + linears_count(u->group)) || now <= d->from) {
        return;
    }
    if (damage_met(u->ecc, d->bits, u->token, &u->token->detected, &u->corrected) && d->adapter) {
        u->weights = d->adapter;
    }
}

RARELY static void start(struct lora_mac *u, cycle_t now)
{
    struct burst *x = pick(u, now);
    if (!x) {
        return;
    }
    uint64_t beats = x->last - x->first + 1;
    u->token = x->token;
    u->region = region_of(u, u->group, u->token);
    u->weights = u->token->adapter;
    if (u->map->damage && u->map->damage[u->token->slot]) {
        read_damage(u, u->map->damage[u->token->slot], now);
    }
    ES_ASSERT(u->region.job.rank > 0 && beats == ceil_div(u->region.job.inputs, u->region.job.beat_elements));
    if (u->values) {
        compute_a(u, &x->act);
    }
    u->x_taken_at = now + beats;
    unit_enter(&u->unit, now, UNIT_BUSY);
    if (u->region.job.a_delay_cycles > 0) {
        go_on(u, LORA_DELAY, now + u->region.job.a_delay_cycles);
    } else {
        ask_for_a(u, now);
    }
}

/* All of a phase's rows are there. */
static bool rows_read(struct lora_mac *u, cycle_t now)
{
    if (!link_front(u->read_response, now)) {
        unit_enter(&u->unit, now, UNIT_STALL_SRAM);
        return false;
    }
    link_pop(u->read_response, now);
    unit_enter(&u->unit, now, UNIT_BUSY);
    return true;
}

static void open_delta(struct lora_mac *u, cycle_t now)
{
    struct link *out = u->out_delta[u->port];
    if (!link_ready(out, now)) {
        u->phase = LORA_OPEN;
        link_block(out, &u->unit, now);
        return;
    }
    if (u->values) {
        compute_b(u, link_back(out));
    }
    link_open(out, now, u->token);
    unit_enter(&u->unit, now, UNIT_BUSY);
    read_rows(u, now, u->region.job.b_address_words, &u->region.b);
    go_on(u, LORA_B, u->rows_at);
}

/* The burst's last beat is seen in the next cycle, in which the unit may pick again. */
static void close_delta(struct lora_mac *u, cycle_t now)
{
    link_close(u->out_delta[u->port], now);
    u->phase = LORA_EMPTY;
    u->token = NULL;
    unit_rest(&u->unit, now);
}

/* A phase is over, or waits for something. */
RARELY static void advance(struct lora_mac *u, cycle_t now)
{
    switch (u->phase) {
    case LORA_DELAY: ask_for_a(u, now); break;
    case LORA_X:
        link_pop(u->in_x[u->port], now);
        go_on(u, LORA_A, u->rows_at);
        break;
    case LORA_A:
        if (rows_read(u, now)) {
            go_on(u, LORA_REQUANT, now + u->geometry.latency_cycles);
        }
        break;
    case LORA_REQUANT:
    case LORA_OPEN: open_delta(u, now); break;
    case LORA_B:
        if (rows_read(u, now)) {
            go_on(u, LORA_CLOSE, now + u->geometry.latency_cycles + lora_job_tail_beats(&u->geometry, &u->region.job) - 1);
        }
        break;
    case LORA_CLOSE: close_delta(u, now); break;
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
