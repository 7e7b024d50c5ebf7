#include "sim/rom_array.h"

#include "kernels/bias.h"
#include "kernels/gemv.h"
#include "kernels/lora.h"
#include "sim/lora_mac.h"

/* Rows are read in turn; where columns share circuits, each row takes as long as they need for all of its columns together. */
static uint32_t sweep_cycles(const struct chip_config *config, uint32_t tiles, uint32_t n_in, uint32_t n_out_sum)
{
    uint64_t rows = ceil_div(ceil_div(n_in, tiles), config->rom_rows_per_cycle);
    uint64_t columns = config->rom_array_macs ? ceil_div((uint64_t)n_in * n_out_sum, config->rom_array_macs) : 0;
    return (uint32_t)(rows > columns ? rows : columns);
}

void rom_array_timing(struct rom_array *rom, const struct chip_config *config, uint32_t n_in, uint32_t n_out_sum)
{
    uint32_t tiles = (uint32_t)ceil_div(n_in, config->rom_tile_rows), levels = 0;
    while ((uint32_t)1 << levels < tiles) {
        levels++;
    }
    rom->sweep_cycles = sweep_cycles(config, tiles, n_in, n_out_sum);
    rom->pipeline_cycles = config->rom_latency_cycles + levels * config->rom_reduce_cycles;
    rom->drain_beats = (uint32_t)ceil_div(n_out_sum, config->rom_drain_elements);
}

void rom_array_bias(struct rom_array *rom, const struct chip_config *config, const struct bias *bias)
{
    rom->pipeline_cycles += config->rom_reduce_cycles;
    rom->bias = bias;
}

RARELY static void accept(struct rom_array *rom, cycle_t now)
{
    struct burst *x = link_front(rom->in_x, now);
    if (!x) {
        return;
    }
    rom->token = x->token;
    token_arrive(rom->token, x->first, now);
    cycle_t swept = now + rom->sweep_cycles;
    rom->until = (swept > x->last + 1 ? swept : x->last + 1) + rom->pipeline_cycles;
    for (uint32_t i = 0; i < rom->n_matrices && rom->matrix[i]; i++) {
        k_gemv(rom->matrix[i], &x->act, &rom->acc[i]);
    }
    link_pop(rom->in_x, now);
    rom->phase = ROM_SWEEP;
    unit_enter(&rom->unit, now, UNIT_BUSY);
    unit_sleep(&rom->unit, rom->until);
}

/* Takes the LoRA contribution when its last beat is there. */
static bool merge_delta(struct rom_array *rom, cycle_t now)
{
    struct burst *delta = link_front(rom->in_delta, now);
    if (!delta || delta->last > now) {
        unit_enter(&rom->unit, now, UNIT_STALL_LORA);
        return false;
    }
    ES_ASSERT(delta->token == rom->token);
    for (uint32_t i = 0; i < rom->n_matrices && rom->matrix[i]; i++) {
        k_lora_add(&rom->acc[i], &delta->acc[i]);
    }
    link_pop(rom->in_delta, now);
    token_book(rom->token, PLACE_lora, now);
    return true;
}

static bool send(struct rom_array *rom, cycle_t now)
{
    if (!link_ready(rom->out, now)) {
        link_block(rom->out, &rom->unit, now);
        return false;
    }
    struct burst *burst = link_back(rom->out);
    for (uint32_t i = 0; i < rom->n_matrices && rom->matrix[i]; i++) {
        if (rom->bias) {
            k_bias_add(&rom->bias[i], &rom->acc[i]);
        }
        acc_copy(&burst->acc[i], &rom->acc[i]);
    }
    token_book(rom->token, PLACE_wait, now);
    link_push(rom->out, now, rom->token, rom->drain_beats);
    return true;
}

/* A phase is over, or waits for something. */
RARELY static void advance(struct rom_array *rom, cycle_t now)
{
    struct unit *unit = &rom->unit;
    if (rom->phase == ROM_SWEEP) {
        token_book(rom->token, rom->place, now);
        rom->phase = rom->in_delta && token_has_lora(rom->token, unit->layer, rom->group) ? ROM_LORA : ROM_SEND;
    }
    if (rom->phase == ROM_LORA && merge_delta(rom, now)) {
        rom->phase = ROM_SEND;
    }
    if (rom->phase == ROM_SEND && send(rom, now)) {
        rom->phase = ROM_DRAIN;
        rom->until = now + rom->drain_beats;
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
