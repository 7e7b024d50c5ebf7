/* Do the cycles come out as the units' headers say? Every burst of a lone token on random chips, against closed formulas typed here from the
 * headers, with no code of the units. A burst that came a cycle early or late fails. */
#include <string.h>

#include "tests/order/random_run.h"

/* -- recording: first and last beat of each burst, by link and position -- */

enum { POSITIONS = 24, LINKS_MAX = 128 };

struct record {
    uint64_t from, to;
};

struct recording {
    const struct chip *chip;
    struct record burst[LINKS_MAX][POSITIONS];
};

static void record_event(void *context, const struct event *e)
{
    struct recording *r = context;
    if (e->kind == EVENT_BURST && e->a == 0 && e->b < POSITIONS) {
        r->burst[e->id][e->b] = (struct record){e->from, e->to};
    }
}

static struct record find(const struct recording *r, const char *name, uint32_t position)
{
    for (uint32_t i = 0; i < r->chip->n_links; i++) {
        char text[CHIP_NAME_ROOM];
        if (strcmp(chip_link_name(r->chip->links[i], text), name) == 0) {
            return r->burst[i][position];
        }
    }
    CHECK(false);
    return (struct record){0};
}

/* -- the headers' formulas -- */

static uint64_t up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A burst pushed in cycle `push` by a unit that makes `lanes` elements a cycle, over activations' links. */
static struct record sent(uint64_t push, uint64_t elements, uint64_t width)
{
    return (struct record){push + 1, push + up(elements, width)};
}

static struct record after_norm(const struct chip_config *c, struct record in, uint64_t n)
{
    return sent(in.to + up(n, c->norm_lanes) + c->norm_latency_cycles, n, least(c->norm_lanes, c->link_elements));
}

/* With LoRA the drain waits for the delta's last beat (`delta_to`, 0: none). */
static struct record after_rom(const struct chip_config *c, struct record x, uint64_t n_in, uint64_t n_out, uint64_t delta_to)
{
    uint64_t tiles = up(n_in, c->rom_tile_rows), levels = 0;
    for (uint64_t reach = 1; reach < tiles; reach *= 2) {
        levels++;
    }
    uint64_t swept = most(x.from + up(up(n_in, tiles), c->rom_rows_per_cycle), x.to + 1);
    uint64_t summed = swept + c->rom_latency_cycles + levels * c->rom_reduce_cycles;
    return sent(most(summed, delta_to), n_out, c->rom_drain_elements);
}

/* Cycles from a request's push to the response, the SRAM to itself; one group of banks. */
static uint64_t sram_cycles(const struct chip_config *c, uint64_t words, uint64_t words_per_cycle)
{
    return up(words, least(words_per_cycle, (uint64_t)c->sram_ways * c->sram_ports)) + c->sram_latency_cycles + 1;
}

static uint64_t row_words(const struct chip_config *c, const struct shape *s)
{
    return up((uint64_t)(s->n_kv_heads * (s->head_dim + 1)) * 8, c->sram_width_bits);
}

static struct record after_rope(const struct chip_config *c, const struct shape *s, struct record in)
{
    uint64_t n_q = (uint64_t)(s->n_heads * s->head_dim), n_kv = (uint64_t)(s->n_kv_heads * s->head_dim);
    uint64_t push = in.to + up(n_q + 2 * n_kv, c->rope_lanes) + c->rope_latency_cycles;
    push += 2 * sram_cycles(c, row_words(c, s), (uint64_t)c->sram_ways * c->sram_ports);
    return sent(push, n_q, least(c->rope_lanes, c->link_elements));
}

static struct record after_attention(const struct chip_config *c, const struct shape *s, struct record q, uint64_t tokens)
{
    uint64_t n_q = (uint64_t)(s->n_heads * s->head_dim), words = tokens * row_words(c, s);
    uint64_t mac_cycles = up(tokens * n_q, c->attention_lanes);
    uint64_t rows = sram_cycles(c, words, up(words, mac_cycles)) + c->attention_latency_cycles;
    uint64_t softmax = up(tokens * (uint64_t)s->n_heads, c->attention_softmax_lanes) + c->attention_latency_cycles;
    return sent(q.to + 2 * rows + softmax, n_q, least(c->attention_lanes, c->link_elements));
}

static struct record after_silu(const struct chip_config *c, struct record in, uint64_t n)
{
    return sent(in.to + up(n, c->silu_lanes) + c->silu_latency_cycles, n, least(c->silu_lanes, c->link_elements));
}

/* -- LoRA: which of the layer's linears an adapter changes, and when the contribution is there -- */

struct lora_group { /* sums over the linears that share an input */
    uint64_t ranks, weights_a, weights_b, words_a, words_b;
};

static struct lora_group lora_of(const struct chip_config *c, const struct adapter *adapter, int layer, int first, int count)
{
    struct lora_group g = {0};
    uint64_t bits_a = 0, bits_b = 0;
    for (int i = first; adapter && i < first + count; i++) {
        const struct lora_pair *p = &adapter->pairs[layer * LINEAR_COUNT + i];
        if (p->rank > 0) {
            g.ranks += (uint64_t)p->rank;
            g.weights_a += (uint64_t)(p->rank * p->n_in);
            g.weights_b += (uint64_t)(p->rank * p->n_out);
            bits_a += (uint64_t)(6 * p->rank * p->n_in + 16 * p->rank);
            bits_b += (uint64_t)(6 * p->rank * p->n_out + 16 * p->n_out);
        }
    }
    g.words_a = up(bits_a, c->sram_width_bits);
    g.words_b = up(bits_b, c->sram_width_bits);
    return g;
}

/* Cycles of a phase from its request to its last weight: the multipliers' or the SRAM's, whichever is longer. */
static uint64_t phase_cycles(const struct chip_config *c, uint64_t weights, uint64_t words, uint64_t lanes)
{
    uint64_t macs = up(weights, lanes);
    return most(1 + macs + c->sram_latency_cycles, sram_cycles(c, words, up(words, macs)));
}

static struct record lora_delta(const struct chip_config *c, const struct lora_group *g, struct record x)
{
    uint64_t opened =
        x.from + phase_cycles(c, g->weights_a, g->words_a, least(c->lora_lanes, g->ranks * c->link_elements)) + c->lora_latency_cycles;
    uint64_t closed = opened + phase_cycles(c, g->weights_b, g->words_b, c->lora_lanes) + c->lora_latency_cycles;
    return (struct record){opened + 1, closed + 1};
}

/* -- one lone token after another -- */

static void check_burst(const struct recording *r, int layer, const char *link, uint32_t position, struct record expected)
{
    char name[64];
    if (layer >= 0) {
        snprintf(name, sizeof name, "layer%d.%s", layer, link);
    } else {
        snprintf(name, sizeof name, "%s", link);
    }
    struct record found = find(r, name, position);
    if (!CHECK(found.from == expected.from && found.to == expected.to)) {
        printf("\n    %s position %u: beats %llu..%llu, the formula says %llu..%llu", name, position, (unsigned long long)found.from,
               (unsigned long long)found.to, (unsigned long long)expected.from, (unsigned long long)expected.to);
    }
}

struct lone { /* what the formulas need of a run */
    const struct recording *recording;
    const struct chip_config *config;
    const struct shape *shape;
    const struct adapter *adapter; /* NULL: the base model */
    uint32_t position;
};

/* A ROM array with what the LoRA MAC unit adds, for `count` linears from `first` on. */
static struct record check_rom(const struct lone *t, int layer, struct record x, int first, int count, const char *delta_link)
{
    struct lora_group g = lora_of(t->config, t->adapter, layer, first, count);
    struct record delta = {0};
    uint64_t n_out = 0;
    for (int i = first; i < first + count; i++) {
        n_out += (uint64_t)shape_n_out(t->shape, (enum linear)i);
    }
    if (g.ranks) {
        delta = lora_delta(t->config, &g, x);
        check_burst(t->recording, layer, delta_link, t->position, delta);
    }
    return after_rom(t->config, x, (uint64_t)shape_n_in(t->shape, (enum linear)first), n_out, delta.to);
}

/* From the cycle in which the sequencer issues the token to the cycle in which it has the next one. */
static uint64_t check_token(const struct lone *t, uint64_t issued)
{
    const struct recording *r = t->recording;
    const struct chip_config *c = t->config;
    const struct shape *s = t->shape;
    uint32_t position = t->position;
    uint64_t d = (uint64_t)s->d_model, ff = (uint64_t)s->d_ff;
    struct record b = sent(issued + 1 + c->embed_latency_cycles, d, least(c->embed_elements, c->link_elements));
    check_burst(r, 0, "embedded", position, b);
    for (int l = 0; l < s->n_layers; l++) {
        check_burst(r, l, "x_qkv", position, b = after_norm(c, b, d));
        check_burst(r, l, "qkv", position, b = check_rom(t, l, b, LINEAR_Q, 3, "delta_qkv"));
        check_burst(r, l, "q", position, b = after_rope(c, s, b));
        check_burst(r, l, "x_o", position, b = after_attention(c, s, b, position + 1));
        check_burst(r, l, "o", position, b = check_rom(t, l, b, LINEAR_O, 1, "delta_o"));
        check_burst(r, l, "x_gate_up", position, b = after_norm(c, b, d));
        check_burst(r, l, "gate_up", position, b = check_rom(t, l, b, LINEAR_GATE, 2, "delta_gate_up"));
        check_burst(r, l, "x_down", position, b = after_silu(c, b, ff));
        check_burst(r, l, "down", position, b = check_rom(t, l, b, LINEAR_DOWN, 1, "delta_down"));
    }
    check_burst(r, -1, "x_head", position, b = after_norm(c, b, d));
    check_burst(r, -1, "logits", position, b = after_rom(c, b, d, (uint64_t)s->n_vocab, 0));
    uint64_t compared = most(b.from + up((uint64_t)s->n_vocab, c->sampler_lanes), b.to);
    return compared + c->sampler_latency_cycles + 1;
}

/* The cycle in which the sequencer hears that an adapter is loaded, asked for at 0: the host link brings a layer's slice while the DMA writes the one before. */
static uint64_t loaded_at(const struct chip_config *c, const struct shape *s, const struct adapter *adapter)
{
    uint64_t host_sent = 1 + c->host_transfer_cycles, dma_free = 0, written = 0;
    for (int l = 0; l < s->n_layers; l++) {
        uint64_t bits = 0, tensors = 0, words = 0;
        for (int i = 0; i < LINEAR_COUNT; i++) {
            const struct lora_pair *p = &adapter->pairs[l * LINEAR_COUNT + i];
            bits += p->rank ? (uint64_t)(6 * p->rank * (p->n_in + p->n_out) + 16 * (p->rank + p->n_out)) : 0;
            tensors += p->rank ? 2 : 0;
        }
        static const int first[] = {LINEAR_Q, LINEAR_O, LINEAR_GATE, LINEAR_DOWN}, count[] = {3, 1, 2, 1};
        for (int g = 0; g < 4; g++) {
            struct lora_group group = lora_of(c, adapter, l, first[g], count[g]);
            words += group.words_a + group.words_b;
        }
        host_sent += most(1, tensors * c->host_tensor_cycles + up(up(bits, 8) * c->clock_mhz, c->host_bandwidth_mbytes_per_s));
        uint64_t taken = most(host_sent + 1, dma_free);
        written = taken + (words ? sram_cycles(c, words, (uint64_t)c->sram_ways * c->sram_ports) : 0);
        dma_free = written + 1;
    }
    return written + 1 + 1;
}

static void check_lone_run(uint64_t seed, bool with_adapter)
{
    struct random_run run;
    random_run_make(&run, seed);
    run.config.sram_ways = run.config.sram_banks;
    run.config.link_depth = 3; /* slices queue up without blocking the host port */
    const struct adapter *adapter = with_adapter ? &run.random.adapters[0] : NULL;
    int32_t generated[8];
    cycle_t at[8];
    struct request request = {.prompt = run.prompt, .n_prompt = 1, .n_generate = 8, .adapter = with_adapter ? 0 : -1, .stop_token = -1};
    sampling_make(0, 1, &request.sampling);
    request.generated = generated;
    request.generated_at = at;
    struct trace *trace = trace_new();
    struct chip *chip = NULL;
    struct error e = {0};
    struct recording recording = {0};
    REQUIRE_GOOD(chip_new(&run.config, &run.random.model, false, run.random.adapters, with_adapter ? 1 : 0, &request, 1, trace, &chip, &e),
                 &e);
    recording.chip = chip;
    trace_add_sink(trace, (struct trace_sink){record_event, NULL, &recording});
    REQUIRE_GOOD(chip_run(chip, ENGINE_STEP, &e), &e);
    uint64_t issued = with_adapter ? loaded_at(&run.config, &run.random.model.shape, adapter) : 0;
    for (uint32_t position = 0; position < 8; position++) {
        issued = check_token(&(struct lone){&recording, &run.config, &run.random.model.shape, adapter, position}, issued);
        CHECK_EQ_UINT(at[position], issued);
    }
    chip_free(chip);
    trace_free(trace);
    random_run_free(&run);
}

static void lone_tokens_follow_the_formulas(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        check_lone_run(seed, false);
    }
}

static void adapters_follow_the_formulas(void)
{
    int n = 0;
    for (uint64_t seed = 1; n < 40; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        bool usable = run.random.n_adapters > 0;
        random_run_free(&run);
        if (usable) {
            check_lone_run(seed, true);
            n++;
        }
    }
}

void suite_token_cycles(void)
{
    suite_begin("token_cycles");
    suite_add("every burst of a lone token is where the headers' formulas put it", lone_tokens_follow_the_formulas);
    suite_add("with an adapter: loading, both LoRA phases and the wait for them", adapters_follow_the_formulas);
}
