#include "sim/host_port.h"

#include "sim/sram.h"

/* The next layer's slice on the link; a layer that the adapter leaves alone still takes a cycle. */
static cycle_t slice_cycles(const struct host_port *u)
{
    uint64_t bits = 0, tensors = 0;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        const struct lora_pair *pair = adapter_pair(&u->adapters[u->adapter], u->layer, which);
        bits += (uint64_t)lora_pair_bits(pair);
        tensors += pair->rank > 0 ? 2 : 0;
    }
    uint64_t bytes = (bits + 7) / 8;
    cycle_t cycles = tensors * u->tensor_cycles + (bytes * u->clock_mhz + u->bandwidth_mbytes_per_s - 1) / u->bandwidth_mbytes_per_s;
    return cycles ? cycles : 1;
}

static void accept_load(struct host_port *u, cycle_t now)
{
    struct burst *load = link_front(u->in_load, now);
    if (!load) {
        return;
    }
    u->active = true;
    u->adapter = load->index;
    u->slot = load->slot;
    u->layer = 0;
    link_pop(u->in_load, now);
    u->until = now + u->transfer_cycles + slice_cycles(u);
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

static void send_slice(struct host_port *u, cycle_t now)
{
    if (!link_ready(u->out_slice, now)) {
        link_block(u->out_slice, &u->unit, now);
        return;
    }
    struct burst *slice = link_back(u->out_slice);
    slice->index = u->adapter;
    slice->slot = u->slot;
    slice->layer = u->layer;
    link_push(u->out_slice, now, NULL, 1);
    u->layer++;
    if (u->layer == u->n_layers) {
        u->active = false;
        unit_rest(&u->unit, now);
    } else {
        u->until = now + slice_cycles(u);
        unit_enter(&u->unit, now, UNIT_BUSY);
        unit_sleep(&u->unit, u->until);
    }
}

void host_port_tick(struct unit *unit, cycle_t now)
{
    struct host_port *u = (struct host_port *)unit;
    if (!u->active) {
        accept_load(u, now);
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else {
        send_slice(u, now);
    }
}

/* The layer is done (or had nothing): the next slice, or the word to the sequencer. */
static void next_slice(struct dma *u, cycle_t now)
{
    u->active = false;
    u->written = u->layer == u->n_layers - 1;
    unit_enter(&u->unit, now, u->written ? UNIT_BUSY : UNIT_IDLE);
    unit_sleep(&u->unit, now + 1);
}

static void accept_slice(struct dma *u, cycle_t now)
{
    struct burst *slice = link_front(u->in_slice, now);
    if (!slice) {
        return;
    }
    u->active = true;
    u->adapter = slice->index;
    u->slot = slice->slot;
    u->layer = slice->layer;
    link_pop(u->in_slice, now);
    uint32_t words = memory_map_slice_words(u->map, &u->adapters[u->adapter], u->layer);
    if (words == 0) {
        next_slice(u, now);
        return;
    }
    sram_request(u->write_request[u->layer], now, NULL, memory_map_slot(u->map, u->slot), words, u->words_per_cycle);
    u->until = now + sram_ideal_cycles(words, u->words_per_cycle, u->sram_latency_cycles);
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

static void send_loaded(struct dma *u, cycle_t now)
{
    if (!link_ready(u->out_loaded, now)) {
        link_block(u->out_loaded, &u->unit, now);
        return;
    }
    struct burst *loaded = link_back(u->out_loaded);
    loaded->slot = u->slot;
    link_push(u->out_loaded, now, NULL, 1);
    u->written = false;
    unit_rest(&u->unit, now);
}

void dma_tick(struct unit *unit, cycle_t now)
{
    struct dma *u = (struct dma *)unit;
    if (u->written) {
        send_loaded(u, now);
    } else if (!u->active) {
        accept_slice(u, now);
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else if (link_front(u->write_response[u->layer], now)) {
        link_pop(u->write_response[u->layer], now);
        next_slice(u, now);
    } else {
        unit_enter(unit, now, UNIT_STALL_SRAM);
    }
}
