/* chip_units.c -- the parameters and registers of a chip's units: what follows from its config, the model's shape and its weights. */
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "sim/chip_internal.h"

enum { TOKENS_PER_LAYER = 16 };

/* -- memory -- */

void *chip_keep(struct chip *c, size_t count, size_t size)
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

struct act8 chip_new_act8(struct chip *c, int32_t n, bool shifted)
{
    return (struct act8){.m = chip_keep(c, (size_t)padded(n), 1), .n = n, .shift = shifted ? chip_keep(c, (size_t)act_groups(n), 1) : NULL};
}

struct acc chip_new_acc(struct chip *c, int32_t n)
{
    return (struct acc){chip_keep(c, (size_t)n, sizeof(int64_t)), n, 0};
}

/* -- the units' parameters and registers -- */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t beats(const struct chip *c, uint32_t n, uint32_t lanes)
{
    uint32_t width = c->config.link_elements;
    return ceil_div(n, lanes < width ? lanes : width);
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
        u->residual = (struct residual){chip_keep(c, (size_t)n, sizeof(int32_t)), n};
        u->x = chip_new_act8(c, n, true);
        u->scratch = chip_keep(c, (size_t)n, sizeof(int64_t));
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
            port->acc[i] = chip_new_acc(c, shape_n_out(s, which));
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
    port->group = LINEARS_HEAD;
    port->place = PLACE_rom_head;
    rom_port_timing(port, &c->config, (uint32_t)c->shape.d_model, (uint32_t)c->shape.n_vocab, false);
    u->n_ports++;
    if (c->model) {
        port->head = &c->model->head;
        port->acc[0] = chip_new_acc(c, c->shape.n_vocab);
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
        u->q = chip_new_act8(c, (int32_t)n_q, false);
        u->q_exponent = chip_keep(c, (size_t)s->n_heads, sizeof(int16_t));
        u->scratch = chip_keep(c, (size_t)s->head_dim, sizeof(int64_t));
    }
}

static void set_attention(struct chip *c, struct attention_unit *u, struct kv *kv)
{
    const struct shape *s = &c->shape;
    u->map = &c->map;
    u->n_heads = (uint32_t)s->n_heads;
    u->head_dim = (uint32_t)s->head_dim;
    u->shape = s;
    u->ecc = (enum ecc)c->config.sram_ecc;
    u->lanes = c->config.attention_lanes;
    u->max_lanes = c->config.attention_max_lanes;
    u->softmax_lanes = c->config.attention_softmax_lanes;
    u->latency_cycles = c->config.attention_latency_cycles;
    u->beats = beats(c, u->n_heads * u->head_dim, u->lanes);
    u->sram_latency_cycles = c->config.sram_latency_cycles;
    if (c->model) {
        u->model = c->model;
        u->kv = kv;
        u->x = chip_new_act8(c, s->n_heads * s->head_dim, true);
        u->scratch = chip_keep(c, k_attention_scratch(s, (int32_t)c->config.kv_context_tokens), sizeof(int64_t));
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
        u->x = chip_new_act8(c, n, true);
        u->scratch = chip_keep(c, (size_t)n, sizeof(int64_t));
    }
}

static void set_lora_mac(struct chip *c, struct lora_mac *u, enum linear_group first, uint32_t n_groups)
{
    u->first_group = first;
    u->n_groups = n_groups;
    u->map = &c->map;
    u->ecc = (enum ecc)c->config.sram_ecc;
    u->geometry = lora_geometry(&c->config);
    u->values = c->model != NULL;
    for (int i = 0; i < BURST_ACCS && u->values; i++) {
        u->h[i] = chip_new_act8(c, LORA_RANK_MAX, false);
    }
    u->model = c->model;
}

/* KV contents of a block's layers, as memory_map_kv() counts them. */
static struct kv *new_kv(struct chip *c)
{
    uint32_t n = c->config.kv_sequences * c->map.layers;
    size_t heads = (size_t)c->config.kv_context_tokens * (size_t)c->shape.n_kv_heads;
    struct kv *kv = chip_keep(c, n, sizeof *kv);
    for (uint32_t i = 0; i < n; i++) {
        kv[i] =
            (struct kv){chip_keep(c, heads, (size_t)c->shape.head_dim), chip_keep(c, heads, (size_t)c->shape.head_dim),
                        chip_keep(c, heads, sizeof(int16_t)), chip_keep(c, heads, sizeof(int16_t)), (int32_t)c->config.kv_context_tokens};
    }
    return kv;
}

void chip_set_layer(struct chip *c, uint32_t l)
{
    struct layer_block *b = &c->layers[l];
    struct kv *kv = c->model ? new_kv(c) : NULL;
    set_norm(c, &b->attention_norm, NORM_ATTENTION, LINEARS_QKV, l > 0 || chip_is_shared(c));
    set_rope(c, &b->rope, kv);
    set_attention(c, &b->attention, kv);
    set_norm(c, &b->ffn_norm, NORM_FFN, LINEARS_GATE_UP, true);
    set_silu(c, &b->silu);
    set_lora_mac(c, &b->lora_mac, 0, LINEAR_GROUPS);
    sram_init(&b->sram, &c->config);
}

/* The matrices of a block: an array for each group of linears, or a port of the units that all layers share. */
void chip_set_matrices(struct chip *c, struct layer_block *b)
{
    struct rom_array *all = chip_is_shared(c) ? &c->matrix_units : NULL;
    set_rom(c, all ? all : &b->rom_qkv, all ? LINEARS_QKV : 0, LINEARS_QKV, PLACE_rom_qkv);
    set_rom(c, all ? all : &b->rom_o, all ? LINEARS_O : 0, LINEARS_O, PLACE_rom_o);
    set_rom(c, all ? all : &b->rom_gate_up, all ? LINEARS_GATE_UP : 0, LINEARS_GATE_UP, PLACE_rom_gate_up);
    set_rom(c, all ? all : &b->rom_down, all ? LINEARS_DOWN : 0, LINEARS_DOWN, PLACE_rom_down);
}

static void set_end(struct chip *c, struct end_block *b, enum linear_group group)
{
    set_lora_mac(c, &b->lora_mac, group, 1);
    const struct end_map *map = memory_map_end(&c->map, group);
    sram_init_group(&b->sram, &c->config, map->ways, map->capacity_words);
    b->sram.page_words = map->page_words;
}

void chip_set_ends(struct chip *c)
{
    const struct model *m = c->model;
    for (enum linear_group g = LINEARS_HEAD; g < LINEAR_GROUPS_ALL; g++) {
        if (chip_end(c, g)) {
            set_end(c, chip_end(c, g), g);
        }
    }
    c->embed.latency_cycles = c->config.embed_latency_cycles;
    c->embed.beats = beats(c, (uint32_t)c->shape.d_model, c->config.embed_elements);
    c->embed.weights = m ? &m->embedding : NULL;
    c->embed.scale_q16 = m ? m->embedding_scale_q16 : 0;
    c->embed.lora_inputs = least((uint32_t)c->shape.n_vocab, c->config.lora_lanes);
    c->embed.lora_beats = beats(c, c->embed.lora_inputs, c->config.embed_elements);
    if (m) {
        c->embed.row = (struct residual){chip_keep(c, (size_t)c->shape.d_model, sizeof(int32_t)), c->shape.d_model};
    }
    set_norm(c, &c->final_norm, NORM_FINAL, LINEARS_HEAD, true);
    set_head(c, chip_is_shared(c) ? &c->matrix_units : &c->rom_head, chip_is_shared(c) ? LINEARS_HEAD : 0);
    c->sampler.pass_cycles = (uint32_t)ceil_div((uint32_t)c->shape.n_vocab, c->config.sampler_lanes);
    c->sampler.latency_cycles = c->config.sampler_latency_cycles;
    c->sampler.values = m != NULL;
    if (m) {
        c->sampler.scratch = chip_keep(c, k_sample_scratch(c->shape.n_vocab), 1);
    }
}

/* What the host sends along with each slice, and room for the largest one. */
static void set_checksums(struct chip *c, const struct adapter *adapters, uint32_t n_adapters)
{
    const int32_t n_layers = c->shape.n_layers;
    size_t most_bytes = 0;
    for (uint32_t i = 0; i < n_adapters; i++) {
        for (int32_t layer = LAYER_EMBEDDING; layer <= n_layers; layer++) {
            size_t bytes = slice_contents_bytes(&adapters[i], layer);
            most_bytes = bytes > most_bytes ? bytes : most_bytes;
        }
    }
    uint64_t *checksums = chip_keep(c, n_adapters * slices_per_adapter(n_layers), sizeof *checksums);
    c->dma.arrived = chip_keep(c, most_bytes, 1);
    for (uint32_t i = 0; i < n_adapters; i++) {
        for (int32_t layer = LAYER_EMBEDDING; layer <= n_layers; layer++) {
            slice_contents(&adapters[i], layer, c->dma.arrived);
            checksums[slice_index(n_layers, (int32_t)i, layer)] = slice_checksum(c->dma.arrived, slice_contents_bytes(&adapters[i], layer));
        }
    }
    c->dma.checksums = checksums;
}

/* Host port and DMA. */
void chip_set_host(struct chip *c, struct adapter *adapters, uint32_t n_adapters)
{
    const size_t n_layers = (size_t)c->shape.n_layers, n_slices = slices_per_adapter(c->shape.n_layers);
    c->host_port.adapters = adapters;
    c->host_port.n_layers = c->shape.n_layers;
    c->host_port.head = c->dma.head = chip_end(c, LINEARS_HEAD);
    c->host_port.bandwidth_mbytes_per_s = c->config.host_bandwidth_mbytes_per_s;
    c->host_port.clock_mhz = c->config.clock_mhz;
    c->host_port.transfer_cycles = c->config.host_transfer_cycles;
    c->host_port.tensor_cycles = c->config.host_tensor_cycles;
    c->dma.adapters = adapters;
    c->dma.map = &c->map;
    c->dma.n_layers = c->shape.n_layers;
    c->dma.ports = c->config.sram_ports;
    c->dma.sram_latency_cycles = c->config.sram_latency_cycles;
    c->dma.write_request = chip_keep(c, n_slices, sizeof(struct link *));
    c->dma.write_response = chip_keep(c, n_slices, sizeof(struct link *));
    if (chip_streams(c)) {
        c->dma.out_written = chip_keep(c, n_slices, sizeof(struct link *));
        if (chip_end(c, LINEARS_HEAD)) {
            c->final_norm.written = chip_keep(c, c->config.slots_count, sizeof(uint32_t));
        }
        for (size_t l = 0; l < n_layers; l++) {
            c->layers[l].attention_norm.written = chip_keep(c, c->config.slots_count, sizeof(uint32_t));
        }
    }
    if (c->model) {
        set_checksums(c, adapters, n_adapters);
    }
}

/* What the slots know of an adapter. */
void chip_set_adapter(struct chip *c, uint32_t i, const struct adapter *adapter)
{
    struct slots_adapter *known = &c->sequencer.slots.adapters[i];
    known->bytes = known->words = 0;
    for (int32_t l = adapter_first_layer(adapter); l <= adapter_last_layer(adapter); l++) {
        known->bytes += slice_size(adapter, l).bytes;
        known->words += memory_map_slice_words(&c->map, adapter, l);
    }
    known->pages = c->map.n_pages ? memory_map_adapter_pages(&c->map, adapter) : 0;
}

void chip_set_slots(struct chip *c, const struct adapter *adapters, uint32_t n_adapters)
{
    struct slots *slots = &c->sequencer.slots;
    slots->count = c->config.slots_count;
    slots->slot = chip_keep(c, slots->count, sizeof *slots->slot);
    for (uint32_t i = 0; i < slots->count; i++) {
        slots->slot[i].adapter = -1;
    }
    slots->n_adapters = n_adapters;
    slots->adapters = chip_keep(c, n_adapters, sizeof *slots->adapters);
    for (uint32_t i = 0; i < n_adapters; i++) {
        slots->adapters[i].slot = -1;
        chip_set_adapter(c, i, &adapters[i]);
    }
    slots->n_free = slots->count;
    slots->eviction = (enum eviction)c->config.slots_eviction;
    slots->pinned = c->config.slots_pinned;
}

/* The pool of pages, and the tables of those that have some. A table has an entry more than pages, which an SRAM may read and not use. */
void chip_set_pages(struct chip *c)
{
    struct memory_map *map = &c->map;
    struct slots *slots = &c->sequencer.slots;
    if (map->n_pages == 0) {
        return;
    }
    uint32_t *pages = chip_keep(c, map->n_pages, sizeof *pages);
    for (uint32_t i = 0; i < map->n_pages; i++) {
        pages[i] = memory_map_page(map, i);
    }
    pages_init(&c->pool, pages, map->n_pages);
    map->slot_page = chip_keep(c, (size_t)slots->count * (map->slot_pages + 1), sizeof *map->slot_page);
    for (enum linear_group g = LINEARS_HEAD; g < LINEAR_GROUPS_ALL; g++) {
        struct end_map *end = memory_map_end(map, g);
        end->page = end->page_words ? chip_keep(c, (size_t)slots->count * (map->slot_pages + 1), sizeof *end->page) : NULL;
    }
    if (map->shared) {
        map->kv_page = chip_keep(c, (size_t)c->config.kv_sequences * 2 * (map->kv_pages + 1), sizeof *map->kv_page);
    }
    slots->pool = &c->pool;
    slots->page = map->slot_page;
    slots->page_room = map->slot_pages + 1;
}

void chip_reset_answer(const struct chip *c, struct request *r)
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
void chip_set_requests(struct chip *c, struct request *requests, uint32_t n_requests)
{
    struct sequencer *u = &c->sequencer;
    for (uint32_t i = 0; i < n_requests; i++) {
        ES_ASSERT(i == 0 || requests[i].arrives_at >= requests[i - 1].arrives_at);
        chip_reset_answer(c, &requests[i]);
    }
    u->requests = c->sampler.requests = requests;
    u->n_requests = n_requests;
    u->queue = (struct admission){
        .policy = (enum admission_policy)c->config.admission_policy,
        .look_ahead = c->config.admission_look_ahead,
        .overtakes = c->config.admission_overtakes,
        .ageing_cycles = c->config.admission_ageing_cycles,
        .requests = requests,
        .next = chip_keep(c, n_requests, sizeof(uint32_t)),
    };
}

void chip_set_sequencer(struct chip *c, struct adapter *adapters)
{
    struct sequencer *u = &c->sequencer;
    u->adapters = adapters;
    u->map = &c->map;
    u->reload = (enum reload)c->config.slots_reload;
    u->retries = c->config.host_retries;
    u->streams = chip_streams(c);
    u->n_layers = c->shape.n_layers;
    u->prefetch = c->config.slots_prefetch;
    u->stop = &c->stop;
    u->failure = &c->failure;
    u->n_sequences = c->config.kv_sequences;
    u->sequences = chip_keep(c, u->n_sequences, sizeof *u->sequences);
    for (uint32_t i = 0; i < u->n_sequences; i++) {
        u->sequences[i].request = -1;
    }
    /* Shared: as many as any link holds, so that no link on the way round is ever full for good. */
    u->n_free = chip_is_shared(c) ? c->config.link_depth : (uint32_t)c->shape.n_layers * TOKENS_PER_LAYER + TOKENS_PER_LAYER;
    u->tokens = chip_keep(c, u->n_free, sizeof *u->tokens);
    u->free_tokens = chip_keep(c, u->n_free, sizeof *u->free_tokens);
    for (uint32_t i = 0; i < u->n_free; i++) {
        u->free_tokens[i] = u->n_free - 1 - i;
    }
}
