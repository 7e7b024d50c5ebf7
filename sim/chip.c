/* chip.c -- the block diagram in code.
 *
 *  host --load--> host_port --slice--> dma ------------------------------+ (dma_write of every layer)
 *                                       |loaded (and, streaming,         v
 *                                       |written, to each layer's first norm)
 *  requests --> sequencer --token--> embed --embedded--> [ layer block x L ] --> final_norm --x_head--> rom_head --logits--> sampler
 *                   ^  ^                                                             |retired                                  |sampled
 *                   |  +-------------------------------------------------------------+                                         |
 *                   +----------------------------------------------------------------------------------------------------------+
 *  layer block:
 *    residual, down of the layer before --> attention_norm --x_qkv--> rom_qkv --qkv--> rope --q--> attention --x_o--> rom_o --o--+
 *                                                 |                     ^               |kv_write     |kv_read          ^         |
 *                                                 |                 delta_qkv           v             v             delta_o       |
 *                                            lora_x_qkv --> lora_mac <--lora_read-- [ sram banks ] <-- dma_write                  |
 *                                                 |residual_attention                                                             |
 *                                                 +--------------------------> ffn_norm <-----------------------------------------+
 *    ffn_norm --x_gate_up--> rom_gate_up --gate_up--> silu --x_down--> rom_down --down--> attention_norm of the next layer (or final_norm)
 *       |                        ^ delta_gate_up                          ^ delta_down             ^
 *       +--residual_ffn----------------------------------------------------------------------------+
 */
#include "sim/chip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "sim/wheel.h"

enum { KV_VALUE_BITS = 8 }; /* of the kernels' K and V */
enum { TOKENS_PER_LAYER = 16, RESIDUAL_DEPTH_FACTOR = 4 };
enum { UNITS_OUTSIDE = 7, UNITS_PER_LAYER = 11, UNITS_SHARED = 14, LINKS_OUTSIDE = 9, LINKS_PER_LAYER = 27, LINKS_LAST = 2 };

/* The upper ends of parameters' ranges that the arithmetic relies on. */
enum {
#define PARAM(section, name, default_value, low, high, unit, meaning) HIGHEST_##section##_##name = (high),
#define CHOICE(section, name, default_value, words, meaning)
#include "sim/params.def"
#undef PARAM
#undef CHOICE
};
_Static_assert((int)HIGHEST_rom_tile_rows == (int)TILE_ROWS_MAX, "a tile's 32-bit accumulators hold TILE_ROWS_MAX inputs");
_Static_assert((int)HIGHEST_slots_rank_max == (int)LORA_RANK_MAX, "the LoRA MAC unit has registers for LORA_RANK_MAX");
_Static_assert((int)ROM_MATRICES_MAX == (int)BURST_ACCS, "an array's results travel as one burst");
_Static_assert((int)GROUP_LINEARS_MAX == (int)BURST_ACCS, "a group's LoRA contribution travels as one burst");

/* -- building blocks -- */

/* Zeroed memory that lives as long as the chip. Without memory the chip is not built: back to chip_new(), which says so. */
static void *keep(struct chip *c, size_t count, size_t size)
{
    if (c->n_blocks == c->blocks_room) {
        size_t room = c->blocks_room ? 2 * c->blocks_room : 64;
        void **blocks = realloc(c->blocks, room * sizeof *blocks);
        if (!blocks) {
            longjmp(c->out_of_memory, 1);
        }
        c->blocks = blocks;
        c->blocks_room = room;
    }
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        longjmp(c->out_of_memory, 1);
    }
    c->blocks[c->n_blocks++] = memory;
    return memory;
}

static struct act8 new_act8(struct chip *c, int32_t n)
{
    return (struct act8){keep(c, (size_t)padded(n), 1), n, 0};
}

static struct acc new_acc(struct chip *c, int32_t n)
{
    return (struct acc){keep(c, (size_t)n, sizeof(int64_t)), n, 0};
}

static void add_unit(struct chip *c, struct unit *unit, enum unit_kind kind, int layer, void (*tick)(struct unit *, cycle_t))
{
    *unit =
        (struct unit){.tick = tick, .wake = NEVER, .trace = c->trace, .id = (uint16_t)c->n_units, .layer = (int16_t)layer, .kind = kind};
    c->units[c->n_units++] = unit;
}

struct wire {
    const char *name;
    enum payload payload;
    int32_t n[BURST_ACCS]; /* elements; n[0] only, but for PAYLOAD_ACC */
    enum link_wake wake;
};

static void add_payload(struct chip *c, struct burst *burst, const struct wire *wire)
{
    switch (wire->payload) {
    case PAYLOAD_HEADS: burst->head_exponent = keep(c, (size_t)c->shape.n_heads, sizeof(int16_t)); /* fall through */
    case PAYLOAD_ACT8: burst->act = new_act8(c, wire->n[0]); break;
    case PAYLOAD_ACC:
        for (int i = 0; i < BURST_ACCS && wire->n[i]; i++) {
            burst->acc[i] = new_acc(c, wire->n[i]);
        }
        break;
    case PAYLOAD_RESIDUAL: burst->residual = (struct residual){keep(c, (size_t)wire->n[0], sizeof(int32_t)), wire->n[0]}; break;
    case PAYLOAD_NONE: break;
    }
}

static struct link *connect(struct chip *c, struct link *link, struct unit *from, struct unit *to, uint32_t depth, struct wire wire)
{
    int16_t layer = from->layer >= 0 ? from->layer : to->layer;
    *link = (struct link){.slots = keep(c, depth, sizeof(struct burst)),
                          .depth = depth,
                          .wake = (uint8_t)wire.wake,
                          .popped_at = NEVER,
                          .sender = from,
                          .receiver = to,
                          .trace = c->trace,
                          .id = (uint16_t)c->n_links,
                          .layer = layer,
                          .name = wire.name};
    for (uint32_t i = 0; i < depth && c->model; i++) {
        add_payload(c, &link->slots[i], &wire);
    }
    c->links[c->n_links++] = link;
    return link;
}

/* -- the units' parameters and registers -- */

static uint32_t beats(const struct chip *c, uint32_t n, uint32_t lanes)
{
    uint32_t width = c->config.link_elements;
    return ceil_div(n, lanes < width ? lanes : width);
}

static bool is_shared(const struct chip *c)
{
    return c->config.chip_organisation == ORGANISATION_SHARED;
}

/* `adds`: it gets something to add, and norms that before where the model does so. */
static void set_norm(struct chip *c, struct norm_unit *u, enum norm_place place, enum linear_group feeds, bool adds)
{
    int32_t n = c->shape.d_model;
    u->n = (uint32_t)n;
    u->lanes = c->config.norm_lanes;
    u->latency_cycles = c->config.norm_latency_cycles;
    u->beats = beats(c, u->n, u->lanes);
    u->place = place;
    u->feeds = feeds;
    u->passes = adds && c->shape.post_norms ? 2 : 1;
    u->last_layer = c->shape.n_layers - 1;
    u->model = c->model;
    if (c->model) {
        u->residual = (struct residual){keep(c, (size_t)n, sizeof(int32_t)), n};
        u->x = new_act8(c, n);
        u->scratch = keep(c, (size_t)n, sizeof(int64_t));
    }
}

static void set_rom(struct chip *c, struct rom_array *u, uint32_t port_index, enum linear_group group, enum place place)
{
    const struct shape *s = &c->shape;
    struct rom_port *port = &u->port[port_index];
    uint32_t n_out_sum = 0;
    for (uint32_t i = 0; i < linears_count(group); i++) {
        enum linear which = linears_first(group) + i;
        n_out_sum += (uint32_t)shape_n_out(s, which);
        if (c->model) {
            port->acc[i] = new_acc(c, shape_n_out(s, which));
        }
    }
    port->n_matrices = linears_count(group);
    port->group = group;
    port->place = place;
    port->layers = c->model ? c->model->layers : NULL;
    rom_port_timing(port, &c->config, (uint32_t)shape_n_in(s, linears_first(group)), n_out_sum, group == LINEARS_QKV && s->qkv_bias);
    u->n_ports++;
    u->last_layer = s->n_layers - 1;
}

static void set_head(struct chip *c, struct rom_array *u, uint32_t port_index)
{
    struct rom_port *port = &u->port[port_index];
    port->n_matrices = 1;
    port->place = PLACE_rom_head;
    rom_port_timing(port, &c->config, (uint32_t)c->shape.d_model, (uint32_t)c->shape.n_vocab, false);
    u->n_ports++;
    if (c->model) {
        port->head = &c->model->head;
        port->acc[0] = new_acc(c, c->shape.n_vocab);
    }
}

static void set_rope(struct chip *c, struct rope_unit *u, struct kv *kv)
{
    const struct shape *s = &c->shape;
    uint32_t n_q = (uint32_t)(s->n_heads * s->head_dim), n_kv = (uint32_t)(s->n_kv_heads * s->head_dim);
    u->map = &c->map;
    u->compute_cycles = ceil_div(n_q + 2 * n_kv, c->config.rope_lanes) + c->config.rope_latency_cycles;
    if (s->qk_norm) {
        u->compute_cycles += (uint32_t)ceil_div(n_q + n_kv, c->config.rope_lanes) + c->config.norm_latency_cycles;
    }
    u->q_beats = beats(c, n_q, c->config.rope_lanes);
    u->write_words_per_cycle = c->config.sram_ways * c->config.sram_ports;
    u->sram_latency_cycles = c->config.sram_latency_cycles;
    if (c->model) {
        u->model = c->model;
        u->kv = kv;
        u->q = new_act8(c, (int32_t)n_q);
        u->q_exponent = keep(c, (size_t)s->n_heads, sizeof(int16_t));
        u->scratch = keep(c, (size_t)s->head_dim, sizeof(int64_t));
    }
}

static void set_attention(struct chip *c, struct attention_unit *u, struct kv *kv)
{
    const struct shape *s = &c->shape;
    u->map = &c->map;
    u->n_heads = (uint32_t)s->n_heads;
    u->head_dim = (uint32_t)s->head_dim;
    u->shape = s;
    u->lanes = c->config.attention_lanes;
    u->max_lanes = c->config.attention_max_lanes;
    u->softmax_lanes = c->config.attention_softmax_lanes;
    u->latency_cycles = c->config.attention_latency_cycles;
    u->beats = beats(c, u->n_heads * u->head_dim, u->lanes);
    u->sram_latency_cycles = c->config.sram_latency_cycles;
    if (c->model) {
        u->model = c->model;
        u->kv = kv;
        u->x = new_act8(c, s->n_heads * s->head_dim);
        u->scratch = keep(c, k_attention_scratch(s, (int32_t)c->config.kv_context_tokens), sizeof(int64_t));
    }
}

static void set_silu(struct chip *c, struct silu_unit *u)
{
    int32_t n = c->shape.d_ff;
    u->n = (uint32_t)n;
    u->lanes = c->config.silu_lanes;
    u->latency_cycles = c->config.silu_latency_cycles;
    u->beats = beats(c, u->n, u->lanes);
    u->values = c->model != NULL;
    u->activation = c->shape.activation;
    if (u->values) {
        u->x = new_act8(c, n);
        u->scratch = keep(c, (size_t)n, sizeof(int64_t));
    }
}

static void set_lora_mac(struct chip *c, struct lora_mac *u)
{
    u->map = &c->map;
    u->ecc = (enum ecc)c->config.sram_ecc;
    u->geometry = lora_geometry(&c->config);
    u->values = c->model != NULL;
    for (int i = 0; i < BURST_ACCS && u->values; i++) {
        u->h[i] = new_act8(c, LORA_RANK_MAX);
    }
    u->layers = c->model ? c->model->layers : NULL;
}

/* KV contents of a block's layers, as memory_map_kv() counts them. */
static struct kv *new_kv(struct chip *c)
{
    uint32_t n = c->config.kv_sequences * c->map.layers;
    size_t heads = (size_t)c->config.kv_context_tokens * (size_t)c->shape.n_kv_heads;
    struct kv *kv = keep(c, n, sizeof *kv);
    for (uint32_t i = 0; i < n; i++) {
        kv[i] = (struct kv){keep(c, heads, (size_t)c->shape.head_dim), keep(c, heads, (size_t)c->shape.head_dim),
                            keep(c, heads, sizeof(int16_t)), keep(c, heads, sizeof(int16_t)), (int32_t)c->config.kv_context_tokens};
    }
    return kv;
}

static void set_layer(struct chip *c, uint32_t l)
{
    struct layer_block *b = &c->layers[l];
    struct kv *kv = c->model ? new_kv(c) : NULL;
    set_norm(c, &b->attention_norm, NORM_ATTENTION, LINEARS_QKV, l > 0 || is_shared(c));
    set_rope(c, &b->rope, kv);
    set_attention(c, &b->attention, kv);
    set_norm(c, &b->ffn_norm, NORM_FFN, LINEARS_GATE_UP, true);
    set_silu(c, &b->silu);
    set_lora_mac(c, &b->lora_mac);
    sram_init(&b->sram, &c->config);
}

/* The matrices of a block: an array for each group of linears, or a port of the units that all layers share. */
static void set_matrices(struct chip *c, struct layer_block *b)
{
    struct rom_array *all = is_shared(c) ? &c->matrix_units : NULL;
    set_rom(c, all ? all : &b->rom_qkv, all ? LINEARS_QKV : 0, LINEARS_QKV, PLACE_rom_qkv);
    set_rom(c, all ? all : &b->rom_o, all ? LINEARS_O : 0, LINEARS_O, PLACE_rom_o);
    set_rom(c, all ? all : &b->rom_gate_up, all ? LINEARS_GATE_UP : 0, LINEARS_GATE_UP, PLACE_rom_gate_up);
    set_rom(c, all ? all : &b->rom_down, all ? LINEARS_DOWN : 0, LINEARS_DOWN, PLACE_rom_down);
}

static void set_ends(struct chip *c)
{
    const struct model *m = c->model;
    c->embed.latency_cycles = c->config.embed_latency_cycles;
    c->embed.beats = beats(c, (uint32_t)c->shape.d_model, c->config.embed_elements);
    c->embed.weights = m ? &m->embedding : NULL;
    c->embed.scale_q16 = m ? m->embedding_scale_q16 : 0;
    set_norm(c, &c->final_norm, NORM_FINAL, LINEARS_QKV, true);
    set_head(c, is_shared(c) ? &c->matrix_units : &c->rom_head, is_shared(c) ? LINEAR_GROUPS : 0);
    c->sampler.pass_cycles = (uint32_t)ceil_div((uint32_t)c->shape.n_vocab, c->config.sampler_lanes);
    c->sampler.latency_cycles = c->config.sampler_latency_cycles;
    c->sampler.values = m != NULL;
    if (m) {
        c->sampler.scratch = keep(c, k_sample_scratch(c->shape.n_vocab), 1);
    }
}

/* Adapters are loaded layer by layer while tokens follow. */
static bool streams(const struct chip *c)
{
    return c->config.slots_loading == LOADING_STREAMING;
}

/* What the host sends along with each slice, and room for the largest one. */
static void set_checksums(struct chip *c, const struct adapter *adapters, uint32_t n_adapters)
{
    uint32_t n_layers = (uint32_t)c->shape.n_layers;
    size_t most_bytes = 0;
    for (uint32_t i = 0; i < n_adapters * n_layers; i++) {
        size_t bytes = slice_contents_bytes(&adapters[i / n_layers], (int32_t)(i % n_layers));
        most_bytes = bytes > most_bytes ? bytes : most_bytes;
    }
    uint64_t *checksums = keep(c, (size_t)n_adapters * n_layers, sizeof *checksums);
    c->dma.arrived = keep(c, most_bytes, 1);
    for (uint32_t i = 0; i < n_adapters * n_layers; i++) {
        const struct adapter *adapter = &adapters[i / n_layers];
        int32_t layer = (int32_t)(i % n_layers);
        slice_contents(adapter, layer, c->dma.arrived);
        checksums[i] = slice_checksum(c->dma.arrived, slice_contents_bytes(adapter, layer));
    }
    c->dma.checksums = checksums;
}

/* Host port and DMA. */
static void set_host(struct chip *c, struct adapter *adapters, uint32_t n_adapters)
{
    size_t n_layers = (size_t)c->shape.n_layers;
    c->host_port.adapters = adapters;
    c->host_port.n_layers = c->shape.n_layers;
    c->host_port.bandwidth_mbytes_per_s = c->config.host_bandwidth_mbytes_per_s;
    c->host_port.clock_mhz = c->config.clock_mhz;
    c->host_port.transfer_cycles = c->config.host_transfer_cycles;
    c->host_port.tensor_cycles = c->config.host_tensor_cycles;
    c->dma.adapters = adapters;
    c->dma.map = &c->map;
    c->dma.n_layers = c->shape.n_layers;
    c->dma.words_per_cycle = c->config.sram_ways * c->config.sram_ports;
    c->dma.sram_latency_cycles = c->config.sram_latency_cycles;
    c->dma.write_request = keep(c, n_layers, sizeof(struct link *));
    c->dma.write_response = keep(c, n_layers, sizeof(struct link *));
    if (streams(c)) {
        c->dma.out_written = keep(c, n_layers, sizeof(struct link *));
        for (size_t l = 0; l < n_layers; l++) {
            c->layers[l].attention_norm.written = keep(c, c->config.slots_count, sizeof(uint32_t));
        }
    }
    if (c->model) {
        set_checksums(c, adapters, n_adapters);
    }
}

/* What the slots know of an adapter. */
static void set_adapter(struct chip *c, uint32_t i, const struct adapter *adapter)
{
    struct slots_adapter *known = &c->sequencer.slots.adapters[i];
    known->bytes = known->words = 0;
    for (int32_t l = 0; l < c->shape.n_layers; l++) {
        known->bytes += slice_size(adapter, l).bytes;
        known->words += memory_map_slice_words(&c->map, adapter, l);
    }
    known->pages = c->map.n_pages ? memory_map_adapter_pages(&c->map, adapter) : 0;
}

static void set_slots(struct chip *c, const struct adapter *adapters, uint32_t n_adapters)
{
    struct slots *slots = &c->sequencer.slots;
    slots->count = c->config.slots_count;
    slots->slot = keep(c, slots->count, sizeof *slots->slot);
    for (uint32_t i = 0; i < slots->count; i++) {
        slots->slot[i].adapter = -1;
    }
    slots->n_adapters = n_adapters;
    slots->adapters = keep(c, n_adapters, sizeof *slots->adapters);
    for (uint32_t i = 0; i < n_adapters; i++) {
        slots->adapters[i].slot = -1;
        set_adapter(c, i, &adapters[i]);
    }
    slots->n_free = slots->count;
    slots->eviction = (enum eviction)c->config.slots_eviction;
    slots->pinned = c->config.slots_pinned;
}

/* The pool of pages, and the tables of those that have some. A table has an entry more than pages, which an SRAM may read and not use. */
static void set_pages(struct chip *c)
{
    struct memory_map *map = &c->map;
    struct slots *slots = &c->sequencer.slots;
    if (map->n_pages == 0) {
        return;
    }
    uint32_t *pages = keep(c, map->n_pages, sizeof *pages);
    for (uint32_t i = 0; i < map->n_pages; i++) {
        pages[i] = memory_map_page(map, i);
    }
    pages_init(&c->pool, pages, map->n_pages);
    map->slot_page = keep(c, (size_t)slots->count * (map->slot_pages + 1), sizeof *map->slot_page);
    if (map->shared) {
        map->kv_page = keep(c, (size_t)c->config.kv_sequences * 2 * (map->kv_pages + 1), sizeof *map->kv_page);
    }
    slots->pool = &c->pool;
    slots->page = map->slot_page;
    slots->page_room = map->slot_pages + 1;
}

static void reset_answer(const struct chip *c, struct request *r)
{
    r->state = REQUEST_QUEUED;
    r->n_generated = 0;
    r->slot = -1;
    r->adapter_hit = r->adapter_load = r->prefetched = r->reserved = false;
    r->version = r->first_version = -1;
    r->restarts = r->flipped_tokens = 0;
    r->restarted_at = 0;
    r->kv_pages = c->map.shared ? memory_map_kv_pages(&c->map, (uint32_t)(r->n_prompt + r->n_generate - 1)) : 0;
    r->overtaken = 0;
    r->slot_wanted_at = r->started_at = r->load_requested_at = r->loaded_at = r->running_at = r->done_at = NEVER;
    r->mark = r->arrives_at;
    memset(r->account_cycles, 0, sizeof r->account_cycles);
    memset(r->first_token_account_cycles, 0, sizeof r->first_token_account_cycles);
}

/* The answers' fields, and an empty queue. */
static void set_requests(struct chip *c, struct request *requests, uint32_t n_requests)
{
    struct sequencer *u = &c->sequencer;
    for (uint32_t i = 0; i < n_requests; i++) {
        ES_ASSERT(i == 0 || requests[i].arrives_at >= requests[i - 1].arrives_at);
        reset_answer(c, &requests[i]);
    }
    u->requests = c->sampler.requests = requests;
    u->n_requests = n_requests;
    u->queue = (struct admission){
        .policy = (enum admission_policy)c->config.admission_policy,
        .look_ahead = c->config.admission_look_ahead,
        .overtakes = c->config.admission_overtakes,
        .ageing_cycles = c->config.admission_ageing_cycles,
        .requests = requests,
        .next = keep(c, n_requests, sizeof(uint32_t)),
    };
}

static void set_sequencer(struct chip *c, struct adapter *adapters)
{
    struct sequencer *u = &c->sequencer;
    u->adapters = adapters;
    u->map = &c->map;
    u->reload = (enum reload)c->config.slots_reload;
    u->retries = c->config.host_retries;
    u->streams = streams(c);
    u->n_layers = c->shape.n_layers;
    u->prefetch = c->config.slots_prefetch;
    u->stop = &c->stop;
    u->failure = &c->failure;
    u->n_sequences = c->config.kv_sequences;
    u->sequences = keep(c, u->n_sequences, sizeof *u->sequences);
    for (uint32_t i = 0; i < u->n_sequences; i++) {
        u->sequences[i].request = -1;
    }
    /* Shared: as many as any link holds, so that no link on the way round is ever full for good. */
    u->n_free = is_shared(c) ? c->config.link_depth : (uint32_t)c->shape.n_layers * TOKENS_PER_LAYER + TOKENS_PER_LAYER;
    u->tokens = keep(c, u->n_free, sizeof *u->tokens);
    u->free_tokens = keep(c, u->n_free, sizeof *u->free_tokens);
    for (uint32_t i = 0; i < u->n_free; i++) {
        u->free_tokens[i] = u->n_free - 1 - i;
    }
}

/* -- the block diagram -- */

static void place_layer(struct chip *c, struct layer_block *b, int l)
{
    bool arrays = !is_shared(c);
    add_unit(c, &b->attention_norm.unit, KIND_ATTENTION_NORM, l, norm_tick);
    if (arrays) {
        add_unit(c, &b->rom_qkv.unit, KIND_ROM_QKV, l, rom_array_tick);
    }
    add_unit(c, &b->rope.unit, KIND_ROPE, l, rope_tick);
    add_unit(c, &b->attention.unit, KIND_ATTENTION, l, attention_tick);
    if (arrays) {
        add_unit(c, &b->rom_o.unit, KIND_ROM_O, l, rom_array_tick);
    }
    add_unit(c, &b->ffn_norm.unit, KIND_FFN_NORM, l, norm_tick);
    if (arrays) {
        add_unit(c, &b->rom_gate_up.unit, KIND_ROM_GATE_UP, l, rom_array_tick);
    }
    add_unit(c, &b->silu.unit, KIND_SILU, l, silu_tick);
    if (arrays) {
        add_unit(c, &b->rom_down.unit, KIND_ROM_DOWN, l, rom_array_tick);
    }
    add_unit(c, &b->lora_mac.unit, KIND_LORA_MAC, l, lora_mac_tick);
    add_unit(c, &b->sram.unit, KIND_SRAM, l, sram_tick);
}

static void place_units(struct chip *c)
{
    add_unit(c, &c->sequencer.unit, KIND_SEQUENCER, -1, sequencer_tick);
    add_unit(c, &c->host_port.unit, KIND_HOST_PORT, -1, host_port_tick);
    add_unit(c, &c->dma.unit, KIND_DMA, -1, dma_tick);
    add_unit(c, &c->embed.unit, KIND_EMBED, -1, embed_tick);
    for (uint32_t l = 0; l < c->n_layer_blocks; l++) {
        place_layer(c, &c->layers[l], is_shared(c) ? -1 : (int)l);
    }
    if (is_shared(c)) {
        add_unit(c, &c->matrix_units.unit, KIND_MATRIX_UNITS, -1, rom_array_tick);
    }
    add_unit(c, &c->final_norm.unit, KIND_FINAL_NORM, -1, norm_tick);
    if (!is_shared(c)) {
        add_unit(c, &c->rom_head.unit, KIND_ROM_HEAD, -1, rom_array_tick);
    }
    add_unit(c, &c->sampler.unit, KIND_SAMPLER, -1, sampler_tick);
}

#define WIRE(from, from_port, link, to, to_port, depth, ...) \
    ((from)->from_port = (to)->to_port = connect(c, (link), &(from)->unit, &(to)->unit, (depth), (struct wire){__VA_ARGS__}))

static void wire_port(struct chip *c, struct layer_block *b, struct sram_port *port, enum sram_client client, struct unit *unit,
                      struct link **request, struct link **response)
{
    static const char *const done[SRAM_CLIENTS] = {"kv_write_done", "kv_read_done", "lora_read_done", "dma_write_done"};
    struct wire ask = {sram_client_names[client], PAYLOAD_NONE, {0}, WAKE_FIRST}, answer = {done[client], PAYLOAD_NONE, {0}, WAKE_FIRST};
    *request = b->sram.request[client] = connect(c, &port->request, unit, &b->sram.unit, 1, ask);
    *response = b->sram.response[client] = connect(c, &port->response, &b->sram.unit, unit, 1, answer);
    port->request.port = (uint8_t)client;
}

/* A layer block's links. in_residual and in_delta of its first norm are wired by the caller.
 *
 * No deadlock: the LoRA MAC unit serves all four ROM arrays and waits for room in a delta link, while an array may wait for the arrays behind it. A delta
 * link is as deep as the x link of its array. Until its delta has come, an x stays in its array or the link before it, behind at most depth - 1 others of
 * that link and one that the array holds; and the array takes the delta of the one it holds before it waits for its own output. So the delta of an x
 * always finds room in time, and the LoRA MAC unit goes on to the arrays behind. (It frees its own x link earlier, which lets no more x come: a sender
 * needs room in both.)
 */
static void wire_layer(struct chip *c, uint32_t l)
{
    struct layer_block *b = &c->layers[l];
    const struct shape *s = &c->shape;
    uint32_t depth = c->config.link_depth, residual_depth = RESIDUAL_DEPTH_FACTOR * depth;
    struct rom_array *all = is_shared(c) ? &c->matrix_units : NULL;
    struct rom_array *qkv = all ? all : &b->rom_qkv, *o = all ? all : &b->rom_o, *gate_up = all ? all : &b->rom_gate_up,
                     *down = all ? all : &b->rom_down;
    uint32_t p_qkv = all ? LINEARS_QKV : 0, p_o = all ? LINEARS_O : 0, p_gate_up = all ? LINEARS_GATE_UP : 0,
             p_down = all ? LINEARS_DOWN : 0;
    int32_t d = s->d_model, q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim, ff = s->d_ff;

    WIRE(&b->attention_norm, out_x, &b->x_qkv, qkv, port[p_qkv].in_x, depth, "x_qkv", PAYLOAD_ACT8, {d}, WAKE_IDLE);
    WIRE(&b->attention_norm, out_lora, &b->lora_x_qkv, &b->lora_mac, in_x[LINEARS_QKV], depth, "lora_x_qkv", PAYLOAD_ACT8, {d}, WAKE_IDLE);
    WIRE(&b->lora_mac, out_delta[LINEARS_QKV], &b->delta_qkv, qkv, port[p_qkv].in_delta, depth, "delta_qkv", PAYLOAD_ACC, {q, kv, kv},
         WAKE_LAST);
    WIRE(qkv, port[p_qkv].out, &b->qkv, &b->rope, in, depth, "qkv", PAYLOAD_ACC, {q, kv, kv}, WAKE_WHOLE);
    WIRE(&b->rope, out_q, &b->q, &b->attention, in_q, depth, "q", PAYLOAD_HEADS, {q}, WAKE_WHOLE);
    WIRE(&b->attention, out_x, &b->x_o, o, port[p_o].in_x, depth, "x_o", PAYLOAD_ACT8, {q}, WAKE_IDLE);
    WIRE(&b->attention, out_lora, &b->lora_x_o, &b->lora_mac, in_x[LINEARS_O], depth, "lora_x_o", PAYLOAD_ACT8, {q}, WAKE_IDLE);
    WIRE(&b->lora_mac, out_delta[LINEARS_O], &b->delta_o, o, port[p_o].in_delta, depth, "delta_o", PAYLOAD_ACC, {d}, WAKE_LAST);
    WIRE(o, port[p_o].out, &b->o, &b->ffn_norm, in_delta, depth, "o", PAYLOAD_ACC, {d}, WAKE_WHOLE);
    WIRE(&b->attention_norm, out_residual, &b->residual_attention, &b->ffn_norm, in_residual, residual_depth, "residual_attention",
         PAYLOAD_RESIDUAL, {d}, WAKE_NOT);
    WIRE(&b->ffn_norm, out_x, &b->x_gate_up, gate_up, port[p_gate_up].in_x, depth, "x_gate_up", PAYLOAD_ACT8, {d}, WAKE_IDLE);
    WIRE(&b->ffn_norm, out_lora, &b->lora_x_gate_up, &b->lora_mac, in_x[LINEARS_GATE_UP], depth, "lora_x_gate_up", PAYLOAD_ACT8, {d},
         WAKE_IDLE);
    WIRE(&b->lora_mac, out_delta[LINEARS_GATE_UP], &b->delta_gate_up, gate_up, port[p_gate_up].in_delta, depth, "delta_gate_up",
         PAYLOAD_ACC, {ff, ff}, WAKE_LAST);
    WIRE(gate_up, port[p_gate_up].out, &b->gate_up, &b->silu, in, depth, "gate_up", PAYLOAD_ACC, {ff, ff}, WAKE_WHOLE);
    WIRE(&b->silu, out_x, &b->x_down, down, port[p_down].in_x, depth, "x_down", PAYLOAD_ACT8, {ff}, WAKE_IDLE);
    WIRE(&b->silu, out_lora, &b->lora_x_down, &b->lora_mac, in_x[LINEARS_DOWN], depth, "lora_x_down", PAYLOAD_ACT8, {ff}, WAKE_IDLE);
    WIRE(&b->lora_mac, out_delta[LINEARS_DOWN], &b->delta_down, down, port[p_down].in_delta, depth, "delta_down", PAYLOAD_ACC, {d},
         WAKE_LAST);
    struct norm_unit *next = all ? &b->attention_norm : l + 1 < c->n_layer_blocks ? &c->layers[l + 1].attention_norm : &c->final_norm;
    WIRE(down, port[p_down].out, &b->down, next, in_delta, depth, "down", PAYLOAD_ACC, {d}, WAKE_WHOLE);
    WIRE(&b->ffn_norm, out_residual, &b->residual_ffn, next, in_residual, residual_depth, "residual_ffn", PAYLOAD_RESIDUAL, {d}, WAKE_NOT);
    if (all) {
        WIRE(down, port[p_down].out_last, &b->down_last, &c->final_norm, in_delta, depth, "down_last", PAYLOAD_ACC, {d}, WAKE_WHOLE);
        WIRE(&b->ffn_norm, out_residual_last, &b->residual_last, &c->final_norm, in_residual, residual_depth, "residual_last",
             PAYLOAD_RESIDUAL, {d}, WAKE_NOT);
    }

    wire_port(c, b, &b->kv_write, SRAM_KV_WRITE, &b->rope.unit, &b->rope.write_request, &b->rope.write_response);
    wire_port(c, b, &b->kv_read, SRAM_KV_READ, &b->attention.unit, &b->attention.read_request, &b->attention.read_response);
    wire_port(c, b, &b->lora_read, SRAM_LORA_READ, &b->lora_mac.unit, &b->lora_mac.read_request, &b->lora_mac.read_response);
    wire_port(c, b, &b->dma_write, SRAM_DMA_WRITE, &c->dma.unit, &c->dma.write_request[l], &c->dma.write_response[l]);
    for (int32_t other = 1; all && other < s->n_layers; other++) {
        c->dma.write_request[other] = c->dma.write_request[0];
        c->dma.write_response[other] = c->dma.write_response[0];
    }
}

static void wire_chip(struct chip *c)
{
    uint32_t depth = c->config.link_depth;
    int32_t d = c->shape.d_model;
    WIRE(&c->sequencer, out_load, &c->load, &c->host_port, in_load, c->config.host_depth, "load", PAYLOAD_NONE, {0}, WAKE_FIRST);
    WIRE(&c->host_port, out_slice, &c->slice, &c->dma, in_slice, depth, "slice", PAYLOAD_NONE, {0}, WAKE_FIRST);
    WIRE(&c->dma, out_loaded, &c->loaded, &c->sequencer, in_loaded, depth, "loaded", PAYLOAD_NONE, {0}, WAKE_FIRST);
    WIRE(&c->sequencer, out_token, &c->token, &c->embed, in_token, depth, "token", PAYLOAD_NONE, {0}, WAKE_IDLE);
    if (is_shared(c)) {
        WIRE(&c->embed, out_residual, &c->embedded, &c->layers[0].attention_norm, in_first, depth, "embedded", PAYLOAD_RESIDUAL, {d},
             WAKE_WHOLE);
    } else {
        WIRE(&c->embed, out_residual, &c->embedded, &c->layers[0].attention_norm, in_residual, depth, "embedded", PAYLOAD_RESIDUAL, {d},
             WAKE_WHOLE);
    }
    struct rom_array *head = is_shared(c) ? &c->matrix_units : &c->rom_head;
    uint32_t p_head = is_shared(c) ? LINEAR_GROUPS : 0;
    for (uint32_t l = 0; l < c->n_layer_blocks; l++) {
        wire_layer(c, l);
    }
    WIRE(&c->final_norm, out_x, &c->x_head, head, port[p_head].in_x, depth, "x_head", PAYLOAD_ACT8, {d}, WAKE_IDLE);
    WIRE(&c->final_norm, out_retired, &c->retired, &c->sequencer, in_retired, depth, "retired", PAYLOAD_NONE, {0}, WAKE_FIRST);
    WIRE(head, port[p_head].out, &c->logits, &c->sampler, in_logits, depth, "logits", PAYLOAD_ACC, {c->shape.n_vocab}, WAKE_WHOLE);
    WIRE(&c->sampler, out_token, &c->sampled, &c->sequencer, in_sampled, depth, "sampled", PAYLOAD_NONE, {0}, WAKE_FIRST);
    for (int l = 0; l < c->shape.n_layers && streams(c); l++) {
        struct layer_block *b = &c->layers[l];
        WIRE(&c->dma, out_written[l], &b->written, &b->attention_norm, in_written, 1, "written", PAYLOAD_NONE, {0}, WAKE_FIRST);
    }
}

/* -- outside -- */

bool chip_check_context(const struct chip_config *config, int32_t n_prompt, int32_t n_generate, struct error *e)
{
    int64_t most = (int64_t)config->kv_context_tokens + 1;
    return (int64_t)n_prompt + n_generate <= most ||
           error_input(e,
                       "%s: a prompt of %" PRId32 " tokens and %" PRId32 " more do not fit the KV cache: expected at most %" PRId64
                       " together (kv.context_tokens + 1)",
                       config->name, n_prompt, n_generate, most);
}

static bool check_requests(const struct chip_config *config, const struct shape *shape, const struct adapter *adapters, uint32_t n_adapters,
                           const struct request *requests, uint32_t n_requests, struct error *e)
{
    for (uint32_t i = 0; i < n_adapters; i++) {
        ES_ASSERT(adapters[i].n_layers == shape->n_layers);
        if (adapters[i].rank_max > (int32_t)config->slots_rank_max) {
            return error_input(e, "%s: adapter %s has rank %" PRId32 ", expected at most slots.rank_max = %" PRIu32, config->name,
                               adapters[i].name, adapters[i].rank_max, config->slots_rank_max);
        }
    }
    for (uint32_t i = 0; i < n_requests; i++) {
        const struct request *r = &requests[i];
        ES_ASSERT(r->n_prompt >= 1 && r->n_generate >= 1 && r->adapter < (int32_t)n_adapters);
        if (!chip_check_context(config, r->n_prompt, r->n_generate, e)) {
            return false;
        }
    }
    return true;
}

static void build(struct chip *c, struct adapter *adapters, uint32_t n_adapters, struct request *requests, uint32_t n_requests)
{
    size_t n_layers = (size_t)c->shape.n_layers;
    c->n_layer_blocks = is_shared(c) ? 1 : (uint32_t)n_layers;
    size_t n_units = is_shared(c) ? UNITS_SHARED : UNITS_OUTSIDE + UNITS_PER_LAYER * n_layers;
    c->layers = keep(c, c->n_layer_blocks, sizeof *c->layers);
    c->units = keep(c, n_units, sizeof(struct unit *));
    c->due = keep(c, n_units, sizeof(struct unit *));
    size_t n_links = LINKS_OUTSIDE + (LINKS_PER_LAYER + (is_shared(c) ? LINKS_LAST : streams(c))) * (size_t)c->n_layer_blocks;
    c->links = keep(c, n_links, sizeof(struct link *));
    memory_map_place(&c->map, &c->config, &c->shape, adapters, n_adapters,
                     keep(c, n_adapters * n_layers * LINEAR_GROUPS, sizeof(struct lora_region)));
    for (uint32_t l = 0; l < c->n_layer_blocks; l++) {
        set_layer(c, l);
        set_matrices(c, &c->layers[l]);
    }
    set_ends(c);
    set_host(c, adapters, n_adapters);
    set_slots(c, adapters, n_adapters);
    set_pages(c);
    set_requests(c, requests, n_requests);
    set_sequencer(c, adapters);
    place_units(c);
    wire_chip(c);
    ES_ASSERT(c->n_units == n_units && c->n_links == n_links);
}

/* Every request can start once the others are done: its adapter and its KV cache have pages beside the pinned adapters. */
static bool check_pages(const struct chip *c, uint32_t index, struct error *e)
{
    const struct sequencer *u = &c->sequencer;
    const struct request *r = &u->requests[index];
    uint64_t pinned = 0, adapter = r->adapter >= (int32_t)u->slots.pinned ? u->slots.adapters[r->adapter].pages : 0;
    for (uint32_t i = 0; i < u->slots.n_adapters && i < u->slots.pinned; i++) {
        pinned += u->slots.adapters[i].pages;
    }
    return c->map.n_pages == 0 || pinned + adapter + 2 * (uint64_t)r->kv_pages <= c->map.n_pages ||
           error_input(e,
                       "%s: request %" PRIu32 " needs %" PRIu64 " pages for its adapter and %" PRIu64 " for its KV cache beside %" PRIu64
                       " of pinned adapters: expected at most %" PRIu32 " of %" PRIu32
                       " words (sram.page_words, sram.depth_words, slots.pages)",
                       c->config.name, index, adapter, 2 * (uint64_t)r->kv_pages, pinned, c->map.n_pages, c->map.page_words);
}

bool chip_new(const struct chip_config *config, const struct model *model, bool values, struct adapter *adapters, uint32_t n_adapters,
              struct request *requests, uint32_t n_requests, struct trace *trace, struct chip **chip, struct error *e)
{
    struct memory_map map;
    if (!config_check(config, e) || !memory_map_make(config, &model->shape, &map, e) ||
        !check_requests(config, &model->shape, adapters, n_adapters, requests, n_requests, e)) {
        return false;
    }
    if (values && config->kv_bits != KV_VALUE_BITS) {
        return error_input(
            e, "%s: kv.bits: expected %d with values, found %" PRIu32 ": other precisions are timed (--timing-only), not computed",
            config->name, KV_VALUE_BITS, config->kv_bits);
    }
    struct chip *c = error_calloc(e, 1, sizeof *c, "the chip");
    if (!c) {
        return false;
    }
    c->config = *config;
    c->shape = model->shape;
    c->map = map;
    c->model = values ? model : NULL;
    c->trace = trace;
    c->n_adapters = n_adapters;
    if (setjmp(c->out_of_memory)) {
        chip_free(c);
        return error_input(e, "%s: not enough memory for the chip's contents: expected room for %.1f MiB of SRAM in values", config->name,
                           (double)map.capacity_words * map.width_bits / 8 * model->shape.n_layers / map.layers / 1048576);
    }
    build(c, adapters, n_adapters, requests, n_requests);
    for (uint32_t i = 0; i < n_requests; i++) {
        if (!check_pages(c, i, e)) {
            chip_free(c);
            return false;
        }
    }
    *chip = c;
    return true;
}

/* -- incidents -- */

static bool complain(const struct chip *c, const struct incident *what, struct error *e, const char *expected)
{
    return error_input(e, "%s: %s of adapter %.100s in cycle %" PRIu64 ": expected %s", c->config.name, incident_names[what->kind],
                       c->dma.adapters[what->adapter].name, what->at, expected);
}

static bool check_incident(const struct chip *c, const struct incident *what, struct error *e)
{
    const struct sequencer *u = &c->sequencer;
    ES_ASSERT(what->adapter >= 0 && what->adapter < (int32_t)u->slots.n_adapters);
    bool replaces = what->kind == INCIDENT_RELOAD || what->kind == INCIDENT_UNLOAD;
    if (replaces &&
        (what->adapter < (int32_t)u->slots.pinned || (what->kind == INCIDENT_RELOAD && what->version < (int32_t)u->slots.pinned))) {
        return complain(c, what, e, "none that is pinned");
    }
    if (!replaces && what->layer >= c->shape.n_layers) {
        return complain(c, what, e, "a layer of the model");
    }
    if (what->kind == INCIDENT_FLIP) {
        for (enum linear which = 0; which < LINEAR_COUNT; which++) {
            if (adapter_pair(&c->dma.adapters[what->adapter], what->layer, which)->rank > 0) {
                return true;
            }
        }
        return complain(c, what, e, "a layer in which it has weights");
    }
    return true;
}

/* The adapter with flipped bits: all but one pair's matrices are the adapter's own. */
static void set_damage(struct chip *c, const struct incident *what, struct damage *d, uint64_t seed)
{
    const struct adapter *whole = &c->dma.adapters[what->adapter];
    uint32_t which = (uint32_t)(seed % LINEAR_COUNT);
    while (adapter_pair(whole, what->layer, (enum linear)which)->rank == 0) {
        which = (which + 1) % LINEAR_COUNT;
    }
    *d = (struct damage){.layer = what->layer, .linear = (int32_t)which, .bits = what->count, .from = NEVER};
    if (!c->model) {
        return;
    }
    size_t n_pairs = (size_t)whole->n_layers * LINEAR_COUNT;
    struct adapter *broken = keep(c, 1, sizeof *broken);
    struct lora_pair *pairs = keep(c, n_pairs, sizeof *pairs), *pair = &pairs[(size_t)what->layer * LINEAR_COUNT + which];
    memcpy(pairs, whole->pairs, n_pairs * sizeof *pairs);
    size_t n_a = (size_t)pair->rank * (size_t)pair->n_in, n_b = (size_t)pair->rank * (size_t)pair->n_out;
    int8_t *a = keep(c, n_a, 1), *b = keep(c, n_b, 1);
    memcpy(a, pair->a, n_a);
    memcpy(b, pair->b, n_b);
    damage_weight(a, n_a, b, n_b, what->count, seed);
    pair->a = a;
    pair->b = b;
    *broken = *whole;
    broken->pairs = pairs;
    d->adapter = broken;
}

static void keep_incidents(struct chip *c, const struct incident *incidents, uint32_t n, uint64_t seed)
{
    struct sequencer *u = &c->sequencer;
    u->incidents = c->dma.incidents = incidents;
    u->n_incidents = c->dma.n_incidents = n;
    u->damage = keep(c, n, sizeof *u->damage);
    c->dma.incidents_left = keep(c, n, sizeof *c->dma.incidents_left);
    c->map.damage = keep(c, u->slots.count, sizeof(const struct damage *));
    u->version = keep(c, u->slots.n_adapters, sizeof *u->version);
    u->queue.version = u->version;
    for (uint32_t i = 0; i < u->slots.n_adapters; i++) {
        u->version[i] = (int32_t)i;
    }
    for (uint32_t i = 0; i < n; i++) {
        c->dma.incidents_left[i] = incidents[i].count;
        if (incidents[i].kind == INCIDENT_FLIP) {
            set_damage(c, &incidents[i], &u->damage[i], seed + i);
        }
    }
}

bool chip_set_incidents(struct chip *c, const struct incident *incidents, uint32_t n, uint64_t seed, struct error *e)
{
    for (uint32_t i = 0; i < n; i++) {
        ES_ASSERT(i == 0 || incidents[i].at >= incidents[i - 1].at);
        if (!check_incident(c, &incidents[i], e)) {
            return false;
        }
        for (uint32_t j = 0; j < i && incidents[i].kind == INCIDENT_RELOAD; j++) {
            if (incidents[j].kind == INCIDENT_RELOAD && incidents[j].version == incidents[i].version &&
                incidents[j].adapter != incidents[i].adapter) {
                return complain(c, &incidents[i], e, "a version that is no other adapter's");
            }
        }
    }
    if (setjmp(c->out_of_memory)) {
        return error_input(e, "%s: not enough memory for adapters with flipped bits", c->config.name);
    }
    keep_incidents(c, incidents, n, seed);
    return true;
}

bool chip_request_known(struct chip *c, uint32_t index, struct error *e)
{
    struct sequencer *u = &c->sequencer;
    ES_ASSERT(index < u->n_requests && index >= u->n_arrived && u->requests[index].arrives_at >= c->now);
    reset_answer(c, &u->requests[index]);
    if (!check_pages(c, index, e)) {
        return false;
    }
    unit_sleep(&u->unit, u->requests[u->n_arrived].arrives_at);
    return true;
}

void chip_adapter_known(struct chip *c, uint32_t index)
{
    ES_ASSERT(index < c->n_adapters && c->sequencer.slots.adapters[index].slot < 0);
    memory_map_place(&c->map, &c->config, &c->shape, c->map.adapters, c->n_adapters, (struct lora_region *)c->map.regions);
    set_adapter(c, index, &c->map.adapters[index]);
}

void chip_free(struct chip *chip)
{
    if (!chip) {
        return;
    }
    for (size_t i = 0; i < chip->n_blocks; i++) {
        free(chip->blocks[i]);
    }
    free(chip->blocks);
    wheel_free(chip->wheel);
    free(chip);
}

const struct rom_array *chip_rom(const struct chip *c, enum linear_group group)
{
    const struct layer_block *b = &c->layers[0];
    const struct rom_array *arrays[] = {[LINEARS_QKV] = &b->rom_qkv,
                                        [LINEARS_O] = &b->rom_o,
                                        [LINEARS_GATE_UP] = &b->rom_gate_up,
                                        [LINEARS_DOWN] = &b->rom_down,
                                        &c->rom_head};
    return is_shared(c) ? &c->matrix_units : arrays[group];
}

const struct rom_port *chip_rom_port(const struct chip *c, enum linear_group group)
{
    return &chip_rom(c, group)->port[is_shared(c) ? (int)group : 0];
}

static const char *name(const char *what, int layer, char text[CHIP_NAME_ROOM])
{
    if (layer >= 0) {
        snprintf(text, CHIP_NAME_ROOM, "layer%d.%s", layer, what);
    } else {
        snprintf(text, CHIP_NAME_ROOM, "%s", what);
    }
    return text;
}

const char *chip_unit_name(const struct unit *unit, char text[CHIP_NAME_ROOM])
{
    return name(unit_kind_names[unit->kind], unit->layer, text);
}

const char *chip_link_name(const struct link *link, char text[CHIP_NAME_ROOM])
{
    return name(link->name, link->layer, text);
}

void chip_print_state(const struct chip *c, FILE *out)
{
    char text[CHIP_NAME_ROOM];
    for (uint32_t i = 0; i < c->n_units; i++) {
        fprintf(out, "unit %s: %s since cycle %" PRIu64 "\n", chip_unit_name(c->units[i], text), unit_state_names[c->units[i]->state],
                c->units[i]->since);
    }
    for (uint32_t i = 0; i < c->n_links; i++) {
        const struct link *link = c->links[i];
        chip_link_name(link, text);
        if (link->count == 0) {
            fprintf(out, "link %s: empty\n", text);
        } else {
            fprintf(out, "link %s: %" PRIu32 " of %" PRIu32 " bursts, the oldest seen since cycle %" PRIu64 "\n", text, link->count,
                    link->depth, link->slots[link->head].first);
        }
    }
}
