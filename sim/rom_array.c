#include "sim/rom_array.h"

#include "kernels/bias.h"
#include "kernels/gemv.h"
#include "kernels/lora.h"
#include "sim/lora_mac.h"

/* Rows are read in turn; where columns share circuits, each row takes as long as they need for all of its columns together. */
static uint64_t sweep_rows(const struct chip_config *config, uint32_t tiles, uint32_t n_in, uint32_t n_out_sum)
{
    uint64_t rows = ceil_div(ceil_div(n_in, tiles), config->rom_rows_per_cycle);
    uint64_t columns = config->rom_array_macs ? ceil_div((uint64_t)n_in * n_out_sum, config->rom_array_macs) : 0;
    return rows > columns ? rows : columns;
}

void rom_port_timing(struct rom_port *port, const struct chip_config *config, uint32_t n_in, uint32_t n_out_sum, bool biased)
{
    uint32_t tiles = (uint32_t)ceil_div(n_in, config->rom_tile_rows), levels = biased;
    while ((uint32_t)1 << (levels - biased) < tiles) {
        levels++;
    }
    if (config->chip_organisation == ORGANISATION_SHARED) {
        port->sweep_cycles = (uint32_t)ceil_div(ceil_div(n_out_sum, config->matrix_units) * n_in, config->matrix_macs);
        levels = biased;
    } else {
        port->sweep_cycles = (uint32_t)sweep_rows(config, tiles, n_in, n_out_sum);
    }
    port->pipeline_cycles = config->rom_latency_cycles + levels * config->rom_reduce_cycles;
    port->drain_beats = (uint32_t)ceil_div(n_out_sum, config->rom_drain_elements);
    port->biased = biased;
}

/* The port whose vector has been at the front for the longest, or NULL. */
static struct rom_port *pick(struct rom_array *rom, cycle_t now)
{
    struct rom_port *oldest = NULL;
    cycle_t since = NEVER;
    for (struct rom_port *port = rom->port; port < rom->port + rom->n_ports; port++) {
        if (link_front(port->in_x, now) && link_front_since(port->in_x) < since) {
            oldest = port;
            since = link_front_since(port->in_x);
        }
    }
    return oldest;
}

static bool has_values(const struct rom_port *port)
{
    return port->layers || port->head;
}

static void compute(const struct rom_array *rom, struct rom_port *port, const struct act8 *x)
{
    for (uint32_t i = 0; i < port->n_matrices; i++) {
        k_gemv(port->head ? port->head : &port->layers[rom->token->layer].linear[linears_first(port->group) + i], x, &port->acc[i]);
    }
}

RARELY static void accept(struct rom_array *rom, cycle_t now)
{
    struct rom_port *port = rom->n_ports == 1 ? rom->port : pick(rom, now);
    struct burst *x = port ? link_front(port->in_x, now) : NULL;
    if (!x) {
        return;
    }
    rom->serving = port;
    rom->token = x->token;
    token_arrive(rom->token, x->first, now);
    cycle_t swept = now + port->sweep_cycles;
    rom->until = (swept > x->last + 1 ? swept : x->last + 1) + port->pipeline_cycles;
    if (has_values(port)) {
        compute(rom, port, &x->act);
    }
    link_pop(port->in_x, now);
    rom->phase = ROM_SWEEP;
    unit_enter(&rom->unit, now, UNIT_BUSY);
    unit_sleep(&rom->unit, rom->until);
}

/* Takes the LoRA contribution when its last beat is there. */
static bool merge_delta(struct rom_array *rom, cycle_t now)
{
    struct rom_port *port = rom->serving;
    struct burst *delta = link_front(port->in_delta, now);
    if (!delta || delta->last > now) {
        unit_enter(&rom->unit, now, UNIT_STALL_LORA);
        return false;
    }
    ES_ASSERT(delta->token == rom->token);
    for (uint32_t i = 0; i < port->n_matrices && has_values(port); i++) {
        k_lora_add(&port->acc[i], &delta->acc[i]);
    }
    link_pop(port->in_delta, now);
    token_book(rom->token, PLACE_lora, now);
    return true;
}

static bool send(struct rom_array *rom, cycle_t now)
{
    struct rom_port *port = rom->serving;
    struct link *out = port->out_last && rom->token->layer == rom->last_layer ? port->out_last : port->out;
    if (!link_ready(out, now)) {
        link_block(out, &rom->unit, now);
        return false;
    }
    struct burst *burst = link_back(out);
    for (uint32_t i = 0; i < port->n_matrices && has_values(port); i++) {
        if (port->biased) {
            k_bias_add(&port->layers[rom->token->layer].bias[i], &port->acc[i]);
        }
        acc_swap(&burst->acc[i], &port->acc[i]); /* the registers are filled anew before they are read again */
    }
    token_book(rom->token, PLACE_wait, now);
    link_push(out, now, rom->token, port->drain_beats);
    return true;
}

/* A phase is over, or waits for something. */
RARELY static void advance(struct rom_array *rom, cycle_t now)
{
    struct unit *unit = &rom->unit;
    const struct rom_port *port = rom->serving;
    if (rom->phase == ROM_SWEEP) {
        token_book(rom->token, port->place, now);
        rom->phase = port->in_delta && token_has_lora(rom->token, port->group) ? ROM_LORA : ROM_SEND;
    }
    if (rom->phase == ROM_LORA && merge_delta(rom, now)) {
        rom->phase = ROM_SEND;
    }
    if (rom->phase == ROM_SEND && send(rom, now)) {
        rom->phase = ROM_DRAIN;
        rom->until = now + port->drain_beats;
        unit_enter(unit, now, UNIT_BUSY);
        unit_sleep(unit, rom->until);
    } else if (rom->phase == ROM_DRAIN) {
        rom->phase = ROM_EMPTY;
        rom->token = NULL;
        unit_rest(unit, now);
    }
}

void rom_array_tick(struct unit *unit, cycle_t now)
{
    struct rom_array *rom = (struct rom_array *)unit;
    if (rom->phase == ROM_EMPTY) {
        if (unit->inbox) {
            accept(rom, now);
        }
    } else if (now < rom->until) {
        unit_sleep(unit, rom->until);
    } else {
        advance(rom, now);
    }
}
