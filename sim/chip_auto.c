#include "sim/chip_auto.h"

#include <string.h>

#include "sim/memory_map.h"
#include "sim/params.h"

enum { TOKENS_PER_CYCLE = 16, CONTEXT_TOKENS = 2048, SEQUENCES = 2, SLOTS = 2, RANK = 16 };

bool chip_is_auto(const char *name)
{
    return strcmp(name, "auto") == 0;
}

static uint32_t power_of_two(uint32_t at_least)
{
    uint32_t n = 1;
    while (n < at_least) {
        n *= 2;
    }
    return n;
}

/* No more than the parameter may be. */
static uint32_t limited(uint64_t value, int parameter)
{
    return value > parameters[parameter].high ? parameters[parameter].high : (uint32_t)value;
}

static void set_lanes(const struct shape *s, struct chip_config *c)
{
    uint32_t width = power_of_two((uint32_t)ceil_div((uint32_t)s->d_model, 16));
    c->link_elements = c->embed_elements = c->norm_lanes = c->silu_lanes = width;
    c->rope_lanes = limited(2 * (uint64_t)width, PARAMETER_rope_lanes);
    c->rom_drain_elements = 4 * width;
    c->sampler_lanes = limited(4 * (uint64_t)width, PARAMETER_sampler_lanes);
    c->rom_tile_rows = 256;
    c->attention_lanes = limited((uint64_t)TOKENS_PER_CYCLE * (uint32_t)s->n_heads * (uint32_t)s->head_dim, PARAMETER_attention_lanes);
    c->attention_softmax_lanes = limited((uint64_t)TOKENS_PER_CYCLE * (uint32_t)s->n_heads, PARAMETER_attention_softmax_lanes);
    c->lora_lanes = limited(4 * (uint64_t)width < 8 ? 8 : 4 * (uint64_t)width, PARAMETER_lora_lanes);
}

static void set_sram(const struct shape *s, struct chip_config *c)
{
    uint64_t row_bits = 8 * (uint64_t)s->n_kv_heads * ((uint64_t)s->head_dim + 1);
    c->sram_width_bits = 128;
    while (TOKENS_PER_CYCLE * ceil_div(row_bits, c->sram_width_bits) > parameters[PARAMETER_sram_ways].high &&
           c->sram_width_bits < parameters[PARAMETER_sram_width_bits].high) {
        c->sram_width_bits *= 2;
    }
    c->sram_banks = c->sram_ways = limited(TOKENS_PER_CYCLE * ceil_div(row_bits, c->sram_width_bits), PARAMETER_sram_ways);
    c->slots_count = SLOTS;
    c->slots_rank_max = RANK;
    c->kv_sequences = SEQUENCES;
    c->kv_context_tokens = s->context_tokens < CONTEXT_TOKENS ? (uint32_t)s->context_tokens : CONTEXT_TOKENS;
    c->sram_depth_words = limited(UINT32_MAX / c->sram_banks, PARAMETER_sram_depth_words);
    struct memory_map map;
    struct error too_large; /* whoever makes the chip says so */
    if (memory_map_make(c, s, &map, &too_large)) {
        uint32_t depth = (uint32_t)ceil_div(map.slots_words + map.kv_words, c->sram_banks);
        c->sram_depth_words = depth < parameters[PARAMETER_sram_depth_words].low ? parameters[PARAMETER_sram_depth_words].low : depth;
    }
}

void chip_auto(const struct shape *shape, struct chip_config *config)
{
    config_defaults(config);
    snprintf(config->name, sizeof config->name, "auto");
    config->norm_latency_cycles = 24;
    config->embed_latency_cycles = 4;
    set_lanes(shape, config);
    set_sram(shape, config);
}
