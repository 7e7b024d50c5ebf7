#include "sim/silicon.h"

#include <math.h>

#include "sim/chip.h"
#include "sim/request.h"

/* A weight is selected three bits at a time out of eight products (MXFP4: a magnitude, and the sign makes the addition a subtraction); what a
 * product and an accumulator are wide is in docs/numbers.md. */
enum { SELECT_BITS = 3, ALPHABET = 8, PRODUCT_BITS = 14, ACC_BITS = 40, RESIDUAL_BITS = 32, ACT_BITS = 8 };

struct array { /* matrices that share an input, side by side */
    int32_t n_in, n_out, matrices;
    enum weight_format format;
};

static double array_weights(const struct array *a)
{
    return (double)a->n_in * a->n_out;
}

static double array_bits(const struct array *a)
{
    struct matrix whole = {.format = a->format, .n_in = a->n_in, .n_out = a->n_out};
    return (double)matrix_rom_bits(&whole);
}

static double array_selects(const struct array *a)
{
    return a->format == WEIGHT_W6 ? 6.0 / SELECT_BITS : 1;
}

/* `copies` arrays of this kind on the die. */
static void count_array(const struct chip_config *c, const struct array *a, double copies, struct silicon *s)
{
    double tiles = (double)ceil_div((uint64_t)a->n_in, c->rom_tile_rows);
    double columns = tiles * a->n_out, macs = columns * c->rom_rows_per_cycle;
    if (c->rom_array_macs && c->rom_array_macs < macs) { /* columns share circuits, accumulators with them */
        macs = c->rom_array_macs;
        columns = fmin(columns, macs);
    }
    s->rom_accumulators += copies * columns;
    s->rom_adders += copies * macs * array_selects(a);
    s->rom_multipliers += copies * tiles * c->rom_rows_per_cycle * a->matrices * ALPHABET * array_selects(a);
    s->rom_tree_adders += copies * (tiles - 1) * c->rom_drain_elements;
}

/* Blocks of units: one for each layer, or one that all layers share. */
static double n_blocks(const struct chip_config *c, const struct shape *m)
{
    return c->chip_organisation == ORGANISATION_SHARED ? 1 : m->n_layers;
}

enum { LAYER_ARRAYS = 4 };

static void layer_arrays(const struct shape *m, struct array arrays[LAYER_ARRAYS])
{
    int32_t q = shape_n_out(m, LINEAR_Q), kv = shape_n_out(m, LINEAR_K);
    arrays[0] = (struct array){m->d_model, q + 2 * kv, 3, WEIGHT_W3};
    arrays[1] = (struct array){q, m->d_model, 1, WEIGHT_W3};
    arrays[2] = (struct array){m->d_model, 2 * m->d_ff, 2, WEIGHT_W3};
    arrays[3] = (struct array){m->d_ff, m->d_model, 1, WEIGHT_W3};
}

/* Shared: matrix units in place of the arrays' own circuits. Each multiplies an input with the alphabet and has accumulators for its part of the largest
 * matrix; every ROM block has circuits beside it, as in ROMA, of which one layer's are at work. */
static void count_matrix_units(const struct chip_config *c, const struct shape *m, struct silicon *s)
{
    double most_outputs = m->n_vocab > 2 * m->d_ff ? m->n_vocab : 2.0 * m->d_ff;
    s->rom_accumulators = most_outputs;
    s->rom_adders = (double)c->matrix_units * c->matrix_macs;
    s->rom_multipliers = (double)c->matrix_units * ALPHABET;
    s->rom_tree_adders = 0;
    s->matrix_logic_bits = s->rom_bits;
}

/* Bits that a token moves over the links: activations into the arrays, accumulators out of them, Q to attention, the residual stream past them. With an
 * adapter the activations once more, and the contributions. */
static void count_links(const struct chip_config *c, const struct shape *m, struct silicon *s)
{
    struct array arrays[LAYER_ARRAYS];
    double activations = 0, results = 0, layers = m->n_layers;
    layer_arrays(m, arrays);
    for (int i = 0; i < LAYER_ARRAYS; i++) {
        activations += arrays[i].n_in;
        results += arrays[i].n_out;
    }
    double q = shape_n_out(m, LINEAR_Q), d = m->d_model;
    s->lora_link_bits = layers * (activations * ACT_BITS + results * ACC_BITS);
    s->layers_link_bits = s->lora_link_bits + layers * (q * ACT_BITS + 2 * d * RESIDUAL_BITS) + d * RESIDUAL_BITS;
    s->head_link_bits = d * ACT_BITS + (double)m->n_vocab * ACC_BITS;
    /* The logits are compared as they come: no buffer holds them all. */
    double blocks = n_blocks(c, m) / layers;
    s->buffer_bits = c->link_depth * (blocks * (s->layers_link_bits + s->lora_link_bits) + d * ACT_BITS);
}

/* LoRA MAC units at embedding and head, their SRAM, and their links: x into them, contributions out of them. */
static void count_ends(const struct chip_config *c, const struct shape *m, struct silicon *s)
{
    struct memory_map map;
    struct error ignored; /* of a chip that is not built */
    double embed_inputs = fmin(m->n_vocab, c->lora_lanes);
    if (c->lora_ends == ENDS_NONE || !memory_map_make(c, m, &map, &ignored)) {
        return;
    }
    s->lora_lanes += c->lora_lanes * ((map.embedding.ways > 0) + (map.head.ways > 0));
    s->sram_bits += ((double)map.embedding.capacity_words + map.head.capacity_words) * c->sram_width_bits;
    s->embed_lora_link_bits = map.embedding.ways ? embed_inputs * ACT_BITS + (double)m->d_model * ACC_BITS : 0;
    s->head_lora_link_bits = map.head.ways ? (double)m->d_model * ACT_BITS + (double)m->n_vocab * ACC_BITS : 0;
    s->buffer_bits += c->link_depth * (s->embed_lora_link_bits + s->head_lora_link_bits);
}

static void count_lanes(const struct chip_config *c, const struct shape *m, struct silicon *s)
{
    double blocks = n_blocks(c, m);
    s->lora_lanes = blocks * c->lora_lanes;
    s->attention_lanes = blocks * c->attention_lanes;
    s->softmax_lanes = blocks * c->attention_softmax_lanes;
    s->vector_lanes = blocks * (2.0 * c->norm_lanes + c->rope_lanes + c->silu_lanes) + c->norm_lanes + c->sampler_lanes;
    s->sram_bits = blocks * c->sram_banks * (double)c->sram_depth_words * c->sram_width_bits;
    count_ends(c, m, s);
    s->sram_ports = c->sram_ports;
    s->sram_second_die = c->sram_die == DIE_SECOND;
    s->blocks = blocks;
    s->cards = c->server_cards;
    s->clock_mhz = c->clock_mhz;
}

void silicon_count(const struct chip_config *c, const struct shape *m, int64_t rom_bits, struct silicon *s)
{
    struct array arrays[LAYER_ARRAYS];
    struct array head = {m->d_model, m->n_vocab, 1, WEIGHT_W6};
    double layers = m->n_layers, d = m->d_model;
    *s = (struct silicon){.rom_store_bits = m->tied_head ? 0 : array_bits(&head)};
    s->rom_bits = (double)rom_bits - s->rom_store_bits;
    s->head_rom_bits = array_bits(&head);
    s->layers_rom_bits = s->rom_bits - s->head_rom_bits;
    s->head_adds = array_weights(&head) * array_selects(&head);
    s->head_inputs = d;
    s->product_wires = ALPHABET * PRODUCT_BITS;
    count_array(c, &head, 1, s);
    layer_arrays(m, arrays);
    for (int i = 0; i < LAYER_ARRAYS; i++) {
        s->layers_adds += layers * array_weights(&arrays[i]);
        s->layers_inputs += layers * arrays[i].n_in;
        count_array(c, &arrays[i], layers, s);
    }
    if (c->chip_organisation == ORGANISATION_SHARED) {
        count_matrix_units(c, m, s);
    }
    count_links(c, m, s);
    count_lanes(c, m, s);
    double q = shape_n_out(m, LINEAR_Q), kv = shape_n_out(m, LINEAR_K);
    s->layers_vector_elements = layers * (2 * d + q + 2 * kv + m->d_ff) + d;
    s->head_vector_elements = m->n_vocab;
    s->row_macs = q;
    s->row_exponentials = m->n_heads / 2.0; /* K and V rows come in pairs */
    s->sram_word_bits = c->sram_width_bits;
}

/* --- what worked --- */

struct work {          /* of units of a component: sums */
    double size, busy; /* busy: cycles x size */
};

static void add_work(const struct unit *u, double size, struct work *w)
{
    w->size += size;
    w->busy += size * (double)u->state_cycles[UNIT_BUSY];
}

/* A unit's size: weights of a ROM array (of 6 bits count twice), lanes of others. */
static void count_work(const struct chip *chip, struct activity *a)
{
    const struct chip_config *c = &chip->config;
    struct array arrays[LAYER_ARRAYS];
    struct work rom = {0}, lora = {0}, attention = {0}, vector = {0};
    layer_arrays(&chip->shape, arrays);
    for (uint32_t i = 0; i < chip->n_units; i++) {
        const struct unit *u = chip->units[i];
        switch (u->kind) {
        case KIND_ROM_QKV: add_work(u, array_weights(&arrays[0]), &rom); break;
        case KIND_ROM_O: add_work(u, array_weights(&arrays[1]), &rom); break;
        case KIND_ROM_GATE_UP: add_work(u, array_weights(&arrays[2]), &rom); break;
        case KIND_ROM_DOWN: add_work(u, array_weights(&arrays[3]), &rom); break;
        case KIND_ROM_HEAD: add_work(u, 2.0 * chip->shape.n_vocab * chip->shape.d_model, &rom); break;
        case KIND_MATRIX_UNITS: add_work(u, 1, &rom); break;
        case KIND_EMBED_LORA_MAC:
        case KIND_HEAD_LORA_MAC:
        case KIND_LORA_MAC: add_work(u, 1, &lora); break;
        case KIND_ATTENTION: add_work(u, 1, &attention); break;
        case KIND_ATTENTION_NORM:
        case KIND_FFN_NORM:
        case KIND_FINAL_NORM: add_work(u, c->norm_lanes, &vector); break;
        case KIND_ROPE: add_work(u, c->rope_lanes, &vector); break;
        case KIND_SILU: add_work(u, c->silu_lanes, &vector); break;
        case KIND_SAMPLER: add_work(u, c->sampler_lanes, &vector); break;
        default: break;
        }
    }
    double now = chip->now ? (double)chip->now : 1;
    double layers_at_work = c->chip_organisation == ORGANISATION_SHARED ? 1.0 / chip->shape.n_layers : 1;
    a->rom_busy = rom.busy / rom.size / now * layers_at_work;
    a->lora_busy = lora.busy / lora.size / now;
    a->attention_busy = attention.busy / attention.size / now;
    a->vector_busy = vector.busy / vector.size / now;
}

static bool has_pair(const struct chip *chip, int32_t adapter, enum linear which)
{
    return adapter >= 0 && adapter_pair(&chip->sequencer.adapters[adapter], 0, which)->rank > 0;
}

void activity_count(const struct chip *chip, const struct request *requests, uint32_t n_requests, struct activity *a)
{
    *a = (struct activity){.seconds = (double)chip->now / (chip->config.clock_mhz * 1e6), .host_bytes = (double)chip->host_port.bytes};
    for (uint32_t i = 0; i < n_requests; i++) {
        const struct request *r = &requests[i];
        double tokens = r->n_generated ? r->n_prompt + r->n_generated - 1 : 0; /* the last one is not fed back */
        a->layer_tokens += tokens;
        a->lora_tokens += r->adapter >= 0 ? tokens : 0;
        a->embed_lora_tokens += has_pair(chip, r->adapter, LINEAR_EMBEDDING) ? tokens : 0;
        a->head_lora_tokens += has_pair(chip, r->adapter, LINEAR_HEAD) ? r->n_generated : 0;
        a->head_tokens += r->n_generated;
        a->generated_tokens += r->n_generated;
    }
    count_work(chip, a);
    for (uint32_t i = 0; i < chip_srams(chip); i++) {
        const uint64_t *words = chip_sram(chip, i)->words;
        a->kv_rows_read += (double)words[SRAM_KV_READ] / chip->map.kv_row_words;
        a->lora_words += (double)words[SRAM_LORA_READ];
        for (enum sram_client k = 0; k < SRAM_CLIENTS; k++) {
            a->sram_words += (double)words[k];
        }
    }
}

/* Every field of struct activity but its time. */
static const struct {
    size_t offset;
    bool share; /* of the time */
} activity_fields[] = {
    {offsetof(struct activity, layer_tokens), false},      {offsetof(struct activity, head_tokens), false},
    {offsetof(struct activity, lora_tokens), false},       {offsetof(struct activity, generated_tokens), false},
    {offsetof(struct activity, embed_lora_tokens), false}, {offsetof(struct activity, head_lora_tokens), false},
    {offsetof(struct activity, kv_rows_read), false},      {offsetof(struct activity, lora_words), false},
    {offsetof(struct activity, sram_words), false},        {offsetof(struct activity, host_bytes), false},
    {offsetof(struct activity, rom_busy), true},           {offsetof(struct activity, lora_busy), true},
    {offsetof(struct activity, attention_busy), true},     {offsetof(struct activity, vector_busy), true},
};
enum { ACTIVITY_FIELDS = sizeof activity_fields / sizeof *activity_fields };
_Static_assert((ACTIVITY_FIELDS + 1) * sizeof(double) == sizeof(struct activity), "all but `seconds`");

static double *activity_field(struct activity *a, int i)
{
    return (double *)((char *)a + activity_fields[i].offset);
}

void activity_add(struct activity *sum, const struct activity *a, double time_share)
{
    struct activity other = *a;
    for (int i = 0; i < ACTIVITY_FIELDS; i++) {
        *activity_field(sum, i) += *activity_field(&other, i) * (activity_fields[i].share ? time_share : 1);
    }
}

void activity_divide(struct activity *sum, double n)
{
    for (int i = 0; i < ACTIVITY_FIELDS; i++) {
        *activity_field(sum, i) /= n;
    }
}
