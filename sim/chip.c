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
 *  an end, where lora.ends has a LoRA MAC unit; embed and rom_head add the delta to what comes out of their ROM:
 *    embed (or final_norm) --lora_x--> lora_mac <--lora_read-- [ sram banks ] <-- dma_write
 *    embed (or rom_head) <---delta---------'                                    (streaming: written, to final_norm)
 */
#include "sim/chip.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/chip_internal.h"
#include "sim/wheel.h"

enum { KV_VALUE_BITS = 8 }; /* of the kernels' K and V */
enum { RESIDUAL_DEPTH_FACTOR = 4 };
enum { UNITS_OUTSIDE = 7, UNITS_PER_LAYER = 11, UNITS_SHARED = 14, LINKS_OUTSIDE = 9, LINKS_PER_LAYER = 27, LINKS_LAST = 2 };
enum { UNITS_PER_END = 2, LINKS_PER_END = 6 };

/* The upper ends of parameters' ranges that the arithmetic relies on. */
enum {
#define PARAM(section, name, default_value, low, high, unit, meaning) HIGHEST_##section##_##name = (high),
#define CHOICE(section, name, default_value, words, meaning)
#include "sim/params.def"
#undef PARAM
#undef CHOICE
};
_Static_assert((int)HIGHEST_rom_tile_rows == (int)TILE_ROWS_MAX, "a tile's accumulators hold TILE_ROWS_MAX inputs");
_Static_assert((int)HIGHEST_slots_rank_max == (int)LORA_RANK_MAX, "the LoRA MAC unit has registers for LORA_RANK_MAX");
_Static_assert((int)ROM_MATRICES_MAX == (int)BURST_ACCS, "an array's results travel as one burst");
_Static_assert((int)GROUP_LINEARS_MAX == (int)BURST_ACCS, "a group's LoRA contribution travels as one burst");

/* -- building blocks -- */

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
    case PAYLOAD_HEADS: burst->head_exponent = chip_keep(c, (size_t)c->shape.n_heads, sizeof(int16_t)); /* fall through */
    case PAYLOAD_ALIGNED:
    case PAYLOAD_ACT8: burst->act = chip_new_act8(c, wire->n[0], wire->payload == PAYLOAD_ACT8); break;
    case PAYLOAD_ACC:
        for (int i = 0; i < BURST_ACCS && wire->n[i]; i++) {
            burst->acc[i] = chip_new_acc(c, wire->n[i]);
        }
        break;
    case PAYLOAD_RESIDUAL: burst->residual = (struct residual){chip_keep(c, (size_t)wire->n[0], sizeof(int32_t)), wire->n[0]}; break;
    case PAYLOAD_NONE: break;
    }
}

static struct link *connect(struct chip *c, struct link *link, struct unit *from, struct unit *to, uint32_t depth, struct wire wire)
{
    int16_t layer = from->layer >= 0 ? from->layer : to->layer;
    *link = (struct link){.slots = chip_keep(c, depth, sizeof(struct burst)),
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

/* -- the block diagram -- */

static void place_layer(struct chip *c, struct layer_block *b, int l)
{
    bool arrays = !chip_is_shared(c);
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

static void place_end(struct chip *c, struct end_block *b, enum unit_kind lora_mac, enum unit_kind sram)
{
    if (b) {
        add_unit(c, &b->lora_mac.unit, lora_mac, -1, lora_mac_tick);
        add_unit(c, &b->sram.unit, sram, -1, sram_tick);
    }
}

static void place_units(struct chip *c)
{
    add_unit(c, &c->sequencer.unit, KIND_SEQUENCER, -1, sequencer_tick);
    add_unit(c, &c->host_port.unit, KIND_HOST_PORT, -1, host_port_tick);
    add_unit(c, &c->dma.unit, KIND_DMA, -1, dma_tick);
    add_unit(c, &c->embed.unit, KIND_EMBED, -1, embed_tick);
    place_end(c, chip_end(c, LINEARS_EMBEDDING), KIND_EMBED_LORA_MAC, KIND_EMBED_SRAM);
    for (uint32_t l = 0; l < c->n_layer_blocks; l++) {
        place_layer(c, &c->layers[l], chip_is_shared(c) ? -1 : (int)l);
    }
    if (chip_is_shared(c)) {
        add_unit(c, &c->matrix_units.unit, KIND_MATRIX_UNITS, -1, rom_array_tick);
    }
    add_unit(c, &c->final_norm.unit, KIND_FINAL_NORM, -1, norm_tick);
    if (!chip_is_shared(c)) {
        add_unit(c, &c->rom_head.unit, KIND_ROM_HEAD, -1, rom_array_tick);
    }
    place_end(c, chip_end(c, LINEARS_HEAD), KIND_HEAD_LORA_MAC, KIND_HEAD_SRAM);
    add_unit(c, &c->sampler.unit, KIND_SAMPLER, -1, sampler_tick);
}

#define WIRE(from, from_port, link, to, to_port, depth, ...) \
    ((from)->from_port = (to)->to_port = connect(c, (link), &(from)->unit, &(to)->unit, (depth), (struct wire){__VA_ARGS__}))

/* names: of the request, of the response. */
static void wire_port(struct chip *c, struct sram *sram, struct sram_port *port, enum sram_client client, const char *const *names,
                      struct unit *unit, struct link **request, struct link **response)
{
    struct wire ask = {names[0], PAYLOAD_NONE, {0}, WAKE_FIRST}, answer = {names[1], PAYLOAD_NONE, {0}, WAKE_FIRST};
    *request = sram->request[client] = connect(c, &port->request, unit, &sram->unit, 1, ask);
    *response = sram->response[client] = connect(c, &port->response, &sram->unit, unit, 1, answer);
    port->request.port = (uint8_t)client;
}

/* A layer's SRAM; the DMA's links to it are those of slice `slice`. */
static void wire_sram(struct chip *c, struct layer_block *b, size_t slice)
{
    static const char *const names[SRAM_CLIENTS][2] = {
        {"kv_write", "kv_write_done"}, {"kv_read", "kv_read_done"}, {"lora_read", "lora_read_done"}, {"dma_write", "dma_write_done"}};
    wire_port(c, &b->sram, &b->kv_write, SRAM_KV_WRITE, names[SRAM_KV_WRITE], &b->rope.unit, &b->rope.write_request,
              &b->rope.write_response);
    wire_port(c, &b->sram, &b->kv_read, SRAM_KV_READ, names[SRAM_KV_READ], &b->attention.unit, &b->attention.read_request,
              &b->attention.read_response);
    wire_port(c, &b->sram, &b->lora_read, SRAM_LORA_READ, names[SRAM_LORA_READ], &b->lora_mac.unit, &b->lora_mac.read_request,
              &b->lora_mac.read_response);
    wire_port(c, &b->sram, &b->dma_write, SRAM_DMA_WRITE, names[SRAM_DMA_WRITE], &c->dma.unit, &c->dma.write_request[slice],
              &c->dma.write_response[slice]);
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
    struct rom_array *all = chip_is_shared(c) ? &c->matrix_units : NULL;
    struct rom_array *qkv = all ? all : &b->rom_qkv, *o = all ? all : &b->rom_o, *gate_up = all ? all : &b->rom_gate_up,
                     *down = all ? all : &b->rom_down;
    uint32_t p_qkv = all ? LINEARS_QKV : 0, p_o = all ? LINEARS_O : 0, p_gate_up = all ? LINEARS_GATE_UP : 0,
             p_down = all ? LINEARS_DOWN : 0;
    int32_t d = s->d_model, q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim, ff = s->d_ff;

    WIRE(&b->attention_norm, out_x, &b->x_qkv, qkv, port[p_qkv].in_x, depth, "x_qkv", PAYLOAD_ACT8, {d}, WAKE_IDLE);
    WIRE(&b->attention_norm, out_lora, &b->lora_x_qkv, &b->lora_mac, in_x[LINEARS_QKV], depth, "lora_x_qkv", PAYLOAD_ALIGNED, {d},
         WAKE_IDLE);
    WIRE(&b->lora_mac, out_delta[LINEARS_QKV], &b->delta_qkv, qkv, port[p_qkv].in_delta, depth, "delta_qkv", PAYLOAD_ACC, {q, kv, kv},
         WAKE_LAST);
    WIRE(qkv, port[p_qkv].out, &b->qkv, &b->rope, in, depth, "qkv", PAYLOAD_ACC, {q, kv, kv}, WAKE_WHOLE);
    WIRE(&b->rope, out_q, &b->q, &b->attention, in_q, depth, "q", PAYLOAD_HEADS, {q}, WAKE_WHOLE);
    WIRE(&b->attention, out_x, &b->x_o, o, port[p_o].in_x, depth, "x_o", PAYLOAD_ACT8, {q}, WAKE_IDLE);
    WIRE(&b->attention, out_lora, &b->lora_x_o, &b->lora_mac, in_x[LINEARS_O], depth, "lora_x_o", PAYLOAD_ALIGNED, {q}, WAKE_IDLE);
    WIRE(&b->lora_mac, out_delta[LINEARS_O], &b->delta_o, o, port[p_o].in_delta, depth, "delta_o", PAYLOAD_ACC, {d}, WAKE_LAST);
    WIRE(o, port[p_o].out, &b->o, &b->ffn_norm, in_delta, depth, "o", PAYLOAD_ACC, {d}, WAKE_WHOLE);
    WIRE(&b->attention_norm, out_residual, &b->residual_attention, &b->ffn_norm, in_residual, residual_depth, "residual_attention",
         PAYLOAD_RESIDUAL, {d}, WAKE_NOT);
    WIRE(&b->ffn_norm, out_x, &b->x_gate_up, gate_up, port[p_gate_up].in_x, depth, "x_gate_up", PAYLOAD_ACT8, {d}, WAKE_IDLE);
    WIRE(&b->ffn_norm, out_lora, &b->lora_x_gate_up, &b->lora_mac, in_x[LINEARS_GATE_UP], depth, "lora_x_gate_up", PAYLOAD_ALIGNED, {d},
         WAKE_IDLE);
    WIRE(&b->lora_mac, out_delta[LINEARS_GATE_UP], &b->delta_gate_up, gate_up, port[p_gate_up].in_delta, depth, "delta_gate_up",
         PAYLOAD_ACC, {ff, ff}, WAKE_LAST);
    WIRE(gate_up, port[p_gate_up].out, &b->gate_up, &b->silu, in, depth, "gate_up", PAYLOAD_ACC, {ff, ff}, WAKE_WHOLE);
    WIRE(&b->silu, out_x, &b->x_down, down, port[p_down].in_x, depth, "x_down", PAYLOAD_ACT8, {ff}, WAKE_IDLE);
    WIRE(&b->silu, out_lora, &b->lora_x_down, &b->lora_mac, in_x[LINEARS_DOWN], depth, "lora_x_down", PAYLOAD_ALIGNED, {ff}, WAKE_IDLE);
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

    const size_t slice = slice_index(s->n_layers, 0, (int32_t)l);
    wire_sram(c, b, slice);
    for (int32_t other = 1; all && other < s->n_layers; other++) {
        c->dma.write_request[slice + (size_t)other] = c->dma.write_request[slice];
        c->dma.write_response[slice + (size_t)other] = c->dma.write_response[slice];
    }
}

static void wire_end_sram(struct chip *c, struct end_block *b, const char *const names[4], int32_t layer)
{
    const size_t slice = slice_index(c->shape.n_layers, 0, layer);
    wire_port(c, &b->sram, &b->lora_read, SRAM_LORA_READ, names, &b->lora_mac.unit, &b->lora_mac.read_request, &b->lora_mac.read_response);
    wire_port(c, &b->sram, &b->dma_write, SRAM_DMA_WRITE, names + 2, &c->dma.unit, &c->dma.write_request[slice],
              &c->dma.write_response[slice]);
}

/* The ends' links. No deadlock: the LoRA MAC unit serves one receiver, which takes its delta before it waits for its own output. */
static void wire_ends(struct chip *c, struct rom_array *rom, uint32_t p_head)
{
    static const char *const embed_names[] = {"embed_lora_read", "embed_lora_read_done", "embed_dma_write", "embed_dma_write_done"};
    static const char *const head_names[] = {"head_lora_read", "head_lora_read_done", "head_dma_write", "head_dma_write_done"};
    struct end_block *embed = chip_end(c, LINEARS_EMBEDDING), *head = chip_end(c, LINEARS_HEAD);
    const uint32_t depth = c->config.link_depth;
    const int32_t d = c->shape.d_model, n_layers = c->shape.n_layers;
    if (embed) {
        WIRE(&c->embed, out_lora, &embed->lora_x, &embed->lora_mac, in_x[0], depth, "lora_x_embed", PAYLOAD_ALIGNED,
             {(int32_t)c->embed.lora_inputs}, WAKE_IDLE);
        WIRE(&embed->lora_mac, out_delta[0], &embed->delta, &c->embed, in_delta, depth, "delta_embed", PAYLOAD_ACC, {d}, WAKE_LAST);
        wire_end_sram(c, embed, embed_names, LAYER_EMBEDDING);
    }
    if (head) {
        WIRE(&c->final_norm, out_lora, &head->lora_x, &head->lora_mac, in_x[0], depth, "lora_x_head", PAYLOAD_ALIGNED, {d}, WAKE_IDLE);
        WIRE(&head->lora_mac, out_delta[0], &head->delta, rom, port[p_head].in_delta, depth, "delta_head", PAYLOAD_ACC, {c->shape.n_vocab},
             WAKE_LAST);
        wire_end_sram(c, head, head_names, n_layers);
    }
    if (head && chip_streams(c)) {
        WIRE(&c->dma, out_written[slice_index(n_layers, 0, n_layers)], &head->written, &c->final_norm, in_written, 1, "head_written",
             PAYLOAD_NONE, {0}, WAKE_FIRST);
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
    if (chip_is_shared(c)) {
        WIRE(&c->embed, out_residual, &c->embedded, &c->layers[0].attention_norm, in_first, depth, "embedded", PAYLOAD_RESIDUAL, {d},
             WAKE_WHOLE);
    } else {
        WIRE(&c->embed, out_residual, &c->embedded, &c->layers[0].attention_norm, in_residual, depth, "embedded", PAYLOAD_RESIDUAL, {d},
             WAKE_WHOLE);
    }
    struct rom_array *head = chip_is_shared(c) ? &c->matrix_units : &c->rom_head;
    uint32_t p_head = chip_is_shared(c) ? LINEARS_HEAD : 0;
    for (uint32_t l = 0; l < c->n_layer_blocks; l++) {
        wire_layer(c, l);
    }
    WIRE(&c->final_norm, out_x, &c->x_head, head, port[p_head].in_x, depth, "x_head", PAYLOAD_ACT8, {d}, WAKE_IDLE);
    WIRE(&c->final_norm, out_retired, &c->retired, &c->sequencer, in_retired, depth, "retired", PAYLOAD_NONE, {0}, WAKE_FIRST);
    WIRE(head, port[p_head].out, &c->logits, &c->sampler, in_logits, depth, "logits", PAYLOAD_ACC, {c->shape.n_vocab}, WAKE_WHOLE);
    WIRE(&c->sampler, out_token, &c->sampled, &c->sequencer, in_sampled, depth, "sampled", PAYLOAD_NONE, {0}, WAKE_FIRST);
    wire_ends(c, head, p_head);
    for (int l = 0; l < c->shape.n_layers && chip_streams(c); l++) {
        struct layer_block *b = &c->layers[l];
        WIRE(&c->dma, out_written[slice_index(c->shape.n_layers, 0, l)], &b->written, &b->attention_norm, in_written, 1, "written",
             PAYLOAD_NONE, {0}, WAKE_FIRST);
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

bool chip_check_adapter(const struct chip_config *config, const struct adapter *adapter, struct error *e)
{
    if (adapter->rank_max > (int32_t)config->slots_rank_max) {
        return error_input(e, "%s: adapter %s has rank %" PRId32 ", expected at most slots.rank_max = %" PRIu32, config->name,
                           adapter->name, adapter->rank_max, config->slots_rank_max);
    }
    for (enum linear_group g = LINEARS_HEAD; g < LINEAR_GROUPS_ALL; g++) {
        if (adapter_pair(adapter, 0, linears_first(g))->rank > 0 && !config_has_end(config, g)) {
            const char *end = g == LINEARS_HEAD ? "head" : "embedding";
            return error_input(
                e, "%s: adapter %s has a pair for the %s, where the chip has no LoRA MAC unit: expected lora.ends to be %s or both",
                config->name, adapter->name, end, end);
        }
    }
    return true;
}

static bool check_requests(const struct chip_config *config, const struct shape *shape, const struct adapter *adapters, uint32_t n_adapters,
                           const struct request *requests, uint32_t n_requests, struct error *e)
{
    for (uint32_t i = 0; i < n_adapters; i++) {
        ES_ASSERT(adapters[i].n_layers == shape->n_layers);
        if (!chip_check_adapter(config, &adapters[i], e)) {
            return false;
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
    c->n_layer_blocks = chip_is_shared(c) ? 1 : (uint32_t)n_layers;
    const size_t n_ends = (size_t)(chip_end(c, LINEARS_EMBEDDING) != NULL) + (chip_end(c, LINEARS_HEAD) != NULL);
    size_t n_units = (chip_is_shared(c) ? UNITS_SHARED : UNITS_OUTSIDE + UNITS_PER_LAYER * n_layers) + n_ends * UNITS_PER_END;
    c->layers = chip_keep(c, c->n_layer_blocks, sizeof *c->layers);
    c->units = chip_keep(c, n_units, sizeof(struct unit *));
    size_t n_links = LINKS_OUTSIDE + (LINKS_PER_LAYER + (chip_is_shared(c) ? LINKS_LAST : chip_streams(c))) * (size_t)c->n_layer_blocks;
    n_links += n_ends * LINKS_PER_END + (chip_streams(c) && chip_end(c, LINEARS_HEAD));
    c->links = chip_keep(c, n_links, sizeof(struct link *));
    memory_map_place(&c->map, &c->config, &c->shape, adapters, n_adapters,
                     chip_keep(c, n_adapters * memory_map_regions(c->shape.n_layers), sizeof(struct lora_region)));
    for (uint32_t l = 0; l < c->n_layer_blocks; l++) {
        chip_set_layer(c, l);
        chip_set_matrices(c, &c->layers[l]);
    }
    chip_set_ends(c);
    chip_set_host(c, adapters, n_adapters);
    chip_set_slots(c, adapters, n_adapters);
    chip_set_pages(c);
    chip_set_requests(c, requests, n_requests);
    chip_set_sequencer(c, adapters);
    c->due = chip_keep(c, n_units + c->sequencer.n_free, sizeof(struct unit *));
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

bool chip_request_known(struct chip *c, uint32_t index, struct error *e)
{
    struct sequencer *u = &c->sequencer;
    ES_ASSERT(index < u->n_requests && index >= u->n_arrived && u->requests[index].arrives_at >= c->now);
    chip_reset_answer(c, &u->requests[index]);
    if (!check_pages(c, index, e)) {
        return false;
    }
    unit_sleep(&u->unit, u->requests[u->n_arrived].arrives_at);
    return true;
}

void chip_adapter_known(struct chip *c, uint32_t index)
{
    ES_ASSERT(index < c->n_adapters && c->sequencer.slots.adapters[index].slot < 0);
    memory_map_place(&c->map, &c->config, &c->shape, c->map.adapters, c->n_adapters, c->map.regions);
    chip_set_adapter(c, index, &c->map.adapters[index]);
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

uint32_t chip_srams(const struct chip *c)
{
    return c->n_layer_blocks + config_has_end(&c->config, LINEARS_EMBEDDING) + config_has_end(&c->config, LINEARS_HEAD);
}

const struct sram *chip_sram(const struct chip *c, uint32_t i)
{
    return i < c->n_layer_blocks                                                     ? &c->layers[i].sram
           : i == c->n_layer_blocks && config_has_end(&c->config, LINEARS_EMBEDDING) ? &c->embed_end.sram
                                                                                     : &c->head_end.sram;
}

const struct rom_array *chip_rom(const struct chip *c, enum linear_group group)
{
    const struct layer_block *b = &c->layers[0];
    const struct rom_array *arrays[] = {[LINEARS_QKV] = &b->rom_qkv,
                                        [LINEARS_O] = &b->rom_o,
                                        [LINEARS_GATE_UP] = &b->rom_gate_up,
                                        [LINEARS_DOWN] = &b->rom_down,
                                        [LINEARS_HEAD] = &c->rom_head};
    return chip_is_shared(c) ? &c->matrix_units : arrays[group];
}

const struct rom_port *chip_rom_port(const struct chip *c, enum linear_group group)
{
    return &chip_rom(c, group)->port[chip_is_shared(c) ? (int)group : 0];
}
