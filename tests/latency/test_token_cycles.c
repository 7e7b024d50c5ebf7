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

/* A burst pushed in cycle `push` by a unit that makes `width` elements a cycle. */
static struct record sent(uint64_t push, uint64_t elements, uint64_t width)
{
    return (struct record){push + 1, push + up(elements, width)};
}

/* What a lone token's way costs: each cycle in one place, and each unit's cycles at work and stalled. */
struct costs {
    uint64_t place[PLACES];
    uint64_t busy[UNIT_KINDS], stalled[UNIT_KINDS];
};

static void add(struct costs *costs, enum place place, enum unit_kind kind, uint64_t cycles)
{
    costs->place[place] += cycles;
    costs->busy[kind] += cycles;
}

/* passes: 2 where what the array before it sent is normed before it is added. */
static struct record after_norm(const struct chip_config *c, struct costs *costs, enum unit_kind kind, struct record in, uint64_t n,
                                uint64_t passes)
{
    uint64_t cycles = passes * (up(n, c->norm_lanes) + c->norm_latency_cycles);
    add(costs, PLACE_norm, kind, cycles);
    costs->place[PLACE_transfer] += 1; /* a ROM array starts with the first beat */
    return sent(in.to + cycles, n, least(c->norm_lanes, c->link_elements));
}

struct rom { /* one array */
    enum place place;
    enum unit_kind kind;
    uint64_t n_in, n_out;
    bool biased;
};

/* With LoRA the drain waits for the delta's last beat (`delta_to`, 0: none). */
static struct record after_rom(const struct chip_config *c, struct costs *costs, struct rom rom, struct record x, uint64_t delta_to)
{
    uint64_t tiles = up(rom.n_in, c->rom_tile_rows), levels = 0, drain = up(rom.n_out, c->rom_drain_elements);
    for (uint64_t reach = 1; reach < tiles; reach *= 2) {
        levels++;
    }
    uint64_t shared = c->rom_array_macs ? up(rom.n_in * rom.n_out, c->rom_array_macs) : 0;
    uint64_t swept = most(x.from + most(up(up(rom.n_in, tiles), c->rom_rows_per_cycle), shared), x.to + 1);
    uint64_t summed = swept + c->rom_latency_cycles + (levels + rom.biased) * c->rom_reduce_cycles, push = most(summed, delta_to);
    add(costs, rom.place, rom.kind, summed - x.from);
    costs->place[PLACE_lora] += push - summed;
    costs->stalled[rom.kind] += push - summed;
    add(costs, PLACE_transfer, rom.kind, drain);
    return sent(push, rom.n_out, c->rom_drain_elements);
}

/* Cycles from a request's push to the response, the SRAM to itself; one group of banks. */
static uint64_t sram_cycles(const struct chip_config *c, uint64_t words, uint64_t words_per_cycle)
{
    return up(words, least(words_per_cycle, (uint64_t)c->sram_ways * c->sram_ports)) + c->sram_latency_cycles + 1;
}

static uint64_t row_words(const struct chip_config *c, const struct shape *s)
{
    return up((uint64_t)s->n_kv_heads * ((uint64_t)s->head_dim * c->kv_bits + 8), c->sram_width_bits);
}

static struct record after_rope(const struct chip_config *c, struct costs *costs, const struct shape *s, struct record in)
{
    uint64_t n_q = (uint64_t)(s->n_heads * s->head_dim), n_kv = (uint64_t)(s->n_kv_heads * s->head_dim);
    uint64_t width = least(c->rope_lanes, c->link_elements);
    uint64_t cycles = up(n_q + 2 * n_kv, c->rope_lanes) + c->rope_latency_cycles +
                      2 * sram_cycles(c, row_words(c, s), (uint64_t)c->sram_ways * c->sram_ports);
    cycles += s->qk_norm ? up(n_q + n_kv, c->rope_lanes) + c->norm_latency_cycles : 0;
    add(costs, PLACE_rope, KIND_ROPE, cycles);
    costs->place[PLACE_transfer] += up(n_q, width);
    return sent(in.to + cycles, n_q, width);
}

static struct record after_attention(const struct chip_config *c, struct costs *costs, const struct shape *s, struct record q,
                                     uint64_t tokens)
{
    uint64_t n_q = (uint64_t)(s->n_heads * s->head_dim), words = tokens * row_words(c, s);
    uint64_t mac_cycles = up(tokens * n_q, c->attention_lanes), multiplied = 1 + mac_cycles + c->sram_latency_cycles;
    uint64_t read = most(multiplied, sram_cycles(c, words, up(words, mac_cycles)));
    uint64_t softmax = up(tokens * (uint64_t)s->n_heads, c->attention_softmax_lanes) + c->attention_latency_cycles;
    uint64_t maximum = c->attention_max_lanes ? up(tokens * (uint64_t)s->n_heads, c->attention_max_lanes) + c->attention_latency_cycles : 0;
    add(costs, PLACE_maximum, KIND_ATTENTION, maximum);
    add(costs, PLACE_scores, KIND_ATTENTION, multiplied + c->attention_latency_cycles);
    add(costs, PLACE_values, KIND_ATTENTION, multiplied + c->attention_latency_cycles);
    add(costs, PLACE_softmax, KIND_ATTENTION, softmax);
    costs->place[PLACE_sram] += 2 * (read - multiplied);
    costs->stalled[KIND_ATTENTION] += 2 * (read - multiplied);
    costs->place[PLACE_transfer] += 1;
    return sent(q.to + 2 * (read + c->attention_latency_cycles) + maximum + softmax, n_q, least(c->attention_lanes, c->link_elements));
}

static struct record after_silu(const struct chip_config *c, struct costs *costs, struct record in, uint64_t n)
{
    uint64_t cycles = up(n, c->silu_lanes) + c->silu_latency_cycles;
    add(costs, PLACE_silu, KIND_SILU, cycles);
    costs->place[PLACE_transfer] += 1;
    return sent(in.to + cycles, n, least(c->silu_lanes, c->link_elements));
}

/* -- LoRA: which linears of a layer, or which end, an adapter changes, and when the contribution is there (docs/lora_mac.md) -- */

struct lora_group {            /* of linears that share an input */
    uint64_t rank, pairs;      /* the largest rank; 0: the adapter leaves the group alone */
    uint64_t n_in, last_n_out; /* n_out of the last linear that has a pair */
    uint64_t preamble, blocks_a, blocks_b;
    uint64_t words;
    enum unit_kind kind; /* whose it is */
};

static uint64_t lane_row_words(const struct chip_config *c)
{
    return up(6 * (uint64_t)c->lora_lanes, c->sram_width_bits);
}

/* Banks side by side in an end's SRAM. */
static uint64_t end_ways(const struct chip_config *c)
{
    return least(lane_row_words(c), c->sram_ways);
}

static struct lora_group lora_of(const struct chip_config *c, const struct adapter *adapter, int layer, int first, int count)
{
    struct lora_group g = {.kind = first == LINEAR_EMBEDDING ? KIND_EMBED_LORA_MAC
                                   : first == LINEAR_HEAD    ? KIND_HEAD_LORA_MAC
                                                             : KIND_LORA_MAC};
    uint64_t lanes = c->lora_lanes;
    for (int i = first; adapter && i < first + count; i++) {
        const struct lora_pair *p = adapter_pair(adapter, layer, (enum linear)i);
        if (p->rank > 0) {
            g.rank = most(g.rank, (uint64_t)p->rank);
            g.pairs++;
            g.n_in = (uint64_t)p->n_in;
            g.last_n_out = (uint64_t)p->n_out;
            g.blocks_b += up((uint64_t)p->n_out, lanes);
        }
    }
    g.preamble = 3 * up(g.rank * g.pairs + g.pairs, lanes); /* of 16 bits each: a scale a row, an exponent a pair */
    g.blocks_a = up(g.n_in, lanes);
    g.words = (g.preamble + g.blocks_a * g.rank * g.pairs + g.blocks_b * (3 + g.rank)) * lane_row_words(c);
    if (first == LINEAR_EMBEDDING && g.rank) { /* an A for each block of tokens; each begins at the same bank */
        uint64_t block = up((g.preamble + g.rank) * lane_row_words(c), end_ways(c)) * end_ways(c);
        g.n_in = least(g.n_in, lanes);
        g.words = g.blocks_a * block + g.blocks_b * (3 + g.rank) * lane_row_words(c);
        g.blocks_a = 1;
    }
    return g;
}

static uint64_t beyond(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* From the request of n rows to the cycle in which the last one is seen. */
static uint64_t rows_cycles(const struct chip_config *c, uint64_t rows, uint64_t blocks, uint64_t pause)
{
    uint64_t row_words = lane_row_words(c), ports = least(row_words, (uint64_t)c->sram_ways * c->sram_ports);
    return 1 + rows * up(row_words, ports) + (blocks - 1) * pause + c->sram_latency_cycles;
}

/* x in beats of `beat` elements; picked when its first beat is seen. Its unit is at work until the burst is closed, a cycle before its last beat is seen. */
static struct record lora_delta(const struct chip_config *c, struct costs *costs, const struct lora_group *g, struct record x,
                                uint64_t beat)
{
    uint64_t lanes = c->lora_lanes, rows = g->rank * g->pairs;
    uint64_t delay = beyond(up(least(lanes, g->n_in), beat), g->preamble + c->sram_latency_cycles + 1);
    uint64_t pause_a = beyond(up(lanes, beat), rows), pause_b = beyond(up(lanes, c->rom_drain_elements), 3 + g->rank);
    uint64_t read_a = x.from + delay + rows_cycles(c, g->preamble + g->blocks_a * rows, g->blocks_a, pause_a);
    uint64_t opened = read_a + c->lora_latency_cycles;
    uint64_t read_b = opened + rows_cycles(c, g->blocks_b * (3 + g->rank), g->blocks_b, pause_b);
    uint64_t last_block = g->last_n_out % lanes ? g->last_n_out % lanes : lanes;
    uint64_t last = read_b + c->lora_latency_cycles + up(last_block, c->rom_drain_elements);
    costs->busy[g->kind] += last - 1 - x.from;
    return (struct record){opened + 1, last};
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
    bool greedy;
    uint32_t position;
    struct costs *costs;
};

/* A ROM array with what the LoRA MAC unit adds, for `count` linears from `first` on. */
static struct record check_rom(const struct lone *t, int layer, struct record x, int first, int count, enum place place,
                               enum unit_kind kind, const char *delta_link, uint64_t sender_lanes)
{
    struct lora_group g = lora_of(t->config, t->adapter, layer, first, count);
    struct record delta = {0};
    struct rom rom = {place, kind, (uint64_t)shape_n_in(t->shape, (enum linear)first), 0, first == LINEAR_Q && t->shape->qkv_bias};
    for (int i = first; i < first + count; i++) {
        rom.n_out += (uint64_t)shape_n_out(t->shape, (enum linear)i);
    }
    if (g.rank) {
        delta = lora_delta(t->config, t->costs, &g, x, least(sender_lanes, t->config->link_elements));
        check_burst(t->recording, layer, delta_link, t->position, delta);
    }
    return after_rom(t->config, t->costs, rom, x, delta.to);
}

static struct record check_layer(const struct lone *t, int l, struct record b)
{
    const struct recording *r = t->recording;
    const struct chip_config *c = t->config;
    const struct shape *s = t->shape;
    uint32_t p = t->position;
    uint64_t d = (uint64_t)s->d_model, ff = (uint64_t)s->d_ff, passes = s->post_norms ? 2 : 1, tokens = p + 1;
    if (s->window_tokens && (l + 1) % s->global_period) {
        tokens = least(tokens, (uint64_t)s->window_tokens);
    }
    check_burst(r, l, "x_qkv", p, b = after_norm(c, t->costs, KIND_ATTENTION_NORM, b, d, l > 0 ? passes : 1));
    check_burst(r, l, "qkv", p, b = check_rom(t, l, b, LINEAR_Q, 3, PLACE_rom_qkv, KIND_ROM_QKV, "delta_qkv", c->norm_lanes));
    check_burst(r, l, "q", p, b = after_rope(c, t->costs, s, b));
    check_burst(r, l, "x_o", p, b = after_attention(c, t->costs, s, b, tokens));
    check_burst(r, l, "o", p, b = check_rom(t, l, b, LINEAR_O, 1, PLACE_rom_o, KIND_ROM_O, "delta_o", c->attention_lanes));
    check_burst(r, l, "x_gate_up", p, b = after_norm(c, t->costs, KIND_FFN_NORM, b, d, passes));
    check_burst(r, l, "gate_up", p,
                b = check_rom(t, l, b, LINEAR_GATE, 2, PLACE_rom_gate_up, KIND_ROM_GATE_UP, "delta_gate_up", c->norm_lanes));
    check_burst(r, l, "x_down", p, b = after_silu(c, t->costs, b, ff));
    check_burst(r, l, "down", p, b = check_rom(t, l, b, LINEAR_DOWN, 1, PLACE_rom_down, KIND_ROM_DOWN, "delta_down", c->silu_lanes));
    return b;
}

/* From the cycle in which the sequencer issues the token to the cycle in which it has the next one. */
static uint64_t check_token(const struct lone *t, uint64_t issued)
{
    const struct chip_config *c = t->config;
    uint64_t d = (uint64_t)t->shape->d_model, n_vocab = (uint64_t)t->shape->n_vocab, width = least(c->embed_elements, c->link_elements);
    struct lora_group g = lora_of(c, t->adapter, LAYER_EMBEDDING, LINEAR_EMBEDDING, 1);
    uint64_t read = issued + 1 + c->embed_latency_cycles, push = read;
    add(t->costs, PLACE_embed, KIND_EMBED, c->embed_latency_cycles);
    if (g.rank) { /* x is sent when the request is seen */
        struct record x = sent(issued + 1, g.n_in, width), delta = lora_delta(c, t->costs, &g, x, width);
        check_burst(t->recording, -1, "lora_x_embed", t->position, x);
        check_burst(t->recording, -1, "delta_embed", t->position, delta);
        push = most(read, delta.to);
        t->costs->place[PLACE_lora] += push - read;
        t->costs->stalled[KIND_EMBED] += push - read;
    }
    struct record b = sent(push, d, width);
    t->costs->place[PLACE_transfer] += 1 + up(d, width);
    check_burst(t->recording, 0, "embedded", t->position, b);
    for (int l = 0; l < t->shape->n_layers; l++) {
        b = check_layer(t, l, b);
    }
    check_burst(t->recording, -1, "x_head", t->position, b = after_norm(c, t->costs, KIND_FINAL_NORM, b, d, t->shape->post_norms ? 2 : 1));
    check_burst(t->recording, -1, "logits", t->position,
                b = check_rom(t, -1, b, LINEAR_HEAD, 1, PLACE_rom_head, KIND_ROM_HEAD, "delta_head", c->norm_lanes));
    uint64_t pass = up(n_vocab, c->sampler_lanes), passes = t->greedy ? 0 : 2 * pass;
    push = most(b.from + pass, b.to) + c->sampler_latency_cycles + passes;
    add(t->costs, PLACE_sampler, KIND_SAMPLER, push - b.to);
    t->costs->place[PLACE_transfer] += 1;
    return push + 1;
}

/* The cycle in which the sequencer hears that an adapter is loaded, asked for at 0: the host link brings a layer's slice while the DMA writes the one before. */
static uint64_t loaded_at(const struct chip_config *c, const struct shape *s, const struct adapter *adapter)
{
    uint64_t host_sent = 1 + c->host_transfer_cycles, dma_free = 0, written = 0;
    for (int l = -1; l <= s->n_layers; l++) { /* the embedding's slice first, the head's last, where there are such pairs */
        uint64_t bits = 0, tensors = 0, words = 0;
        const bool end = l < 0 || l == s->n_layers;
        const int begin = l < 0 ? LINEAR_EMBEDDING : l == s->n_layers ? LINEAR_HEAD : 0;
        if (end && adapter_pair(adapter, 0, (enum linear)begin)->rank == 0) {
            continue;
        }
        for (int i = begin; i < (end ? begin + 1 : LINEAR_COUNT); i++) {
            const struct lora_pair *p = adapter_pair(adapter, l, (enum linear)i);
            bits += p->rank ? (uint64_t)(6 * p->rank * (p->n_in + p->n_out) + 16 * (p->rank + p->n_out)) : 0;
            tensors += p->rank ? 2 : 0;
        }
        static const int first[] = {LINEAR_Q, LINEAR_O, LINEAR_GATE, LINEAR_DOWN}, count[] = {3, 1, 2, 1};
        for (int g = 0; end ? g < 1 : g < 4; g++) {
            words += end ? lora_of(c, adapter, l, begin, 1).words : lora_of(c, adapter, l, first[g], count[g]).words;
        }
        host_sent += most(1, tensors * c->host_tensor_cycles + up(up(bits, 8) * c->clock_mhz, c->host_bandwidth_mbytes_per_s));
        uint64_t taken = most(host_sent + 1, dma_free);
        written = taken + (words ? sram_cycles(c, words, (end ? end_ways(c) : c->sram_ways) * (uint64_t)c->sram_ports) : 0);
        dma_free = written + 1;
    }
    return written + 1 + 1;
}

/* The run's accounts and units against what the formulas add up to. */
static void check_costs(const struct chip *chip, const struct request *request, const struct costs *costs)
{
    for (int p = 0; p < PLACES; p++) {
        if (!CHECK_EQ_UINT(request->account_cycles[p], costs->place[p])) {
            printf("\n    in the place %s", place_names[p]);
        }
    }
    for (enum unit_kind k = KIND_EMBED; k < UNIT_KINDS; k++) {
        uint64_t busy = 0, stalled = 0; /* a lone token's vector finds no one else in the LoRA MAC unit's way */
        for (uint32_t i = 0; i < chip->n_units; i++) {
            const uint64_t *cycles = chip->units[i]->state_cycles;
            if (chip->units[i]->kind == k) {
                busy += cycles[UNIT_BUSY];
                bool lora_mac = k == KIND_LORA_MAC || k == KIND_EMBED_LORA_MAC || k == KIND_HEAD_LORA_MAC;
                stalled += cycles[k == KIND_ATTENTION || lora_mac ? UNIT_STALL_SRAM : UNIT_STALL_LORA];
            }
        }
        bool sram = k == KIND_SRAM || k == KIND_EMBED_SRAM || k == KIND_HEAD_SRAM;
        if (!sram && !(CHECK_EQ_UINT(busy, costs->busy[k]) && CHECK_EQ_UINT(stalled, costs->stalled[k]))) {
            printf("\n    unit %s", unit_kind_names[k]);
        }
    }
}

enum { GENERATED = 8 };

static void check_lone_run(struct random_run *run, const struct adapter *adapter, bool greedy)
{
    run->config.sram_ways = run->config.sram_banks;
    run->config.link_depth = 3; /* slices queue up without blocking the host port */
    int32_t generated[GENERATED];
    cycle_t at[GENERATED];
    struct request request = {.prompt = run->prompt, .n_prompt = 1, .n_generate = GENERATED, .adapter = adapter ? 0 : -1, .stop_token = -1};
    sampling_make(greedy ? 0 : 1, 1, &request.sampling);
    request.generated = generated;
    request.generated_at = at;
    struct trace *trace = trace_new();
    struct chip *chip = NULL;
    struct error e = {0};
    struct recording recording = {0};
    struct costs costs = {0};
    const struct shape *shape = &run->random.model.shape;
    REQUIRE_GOOD(chip_new(&run->config, &run->random.model, false, run->random.adapters, adapter ? 1 : 0, &request, 1, trace, &chip, &e),
                 &e);
    recording.chip = chip;
    trace_add_sink(trace, (struct trace_sink){record_event, NULL, &recording});
    REQUIRE_GOOD(chip_run(chip, ENGINE_STEP, &e), &e);
    uint64_t issued = adapter ? loaded_at(&run->config, shape, adapter) : 0;
    costs.place[PLACE_adapter_load] = issued;
    for (uint32_t position = 0; position < GENERATED; position++) {
        issued = check_token(&(struct lone){&recording, &run->config, shape, adapter, greedy, position, &costs}, issued);
        CHECK_EQ_UINT(at[position], issued);
        for (int p = 0; position == 0 && p < PLACES; p++) {
            CHECK_EQ_UINT(request.first_token_account_cycles[p], costs.place[p]);
        }
    }
    check_costs(chip, &request, &costs);
    chip_free(chip);
    trace_free(trace);
}

static void lone_tokens_follow_the_formulas(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        run.config.kv_bits = 2 + (uint32_t)seed % 7; /* of a run without values: narrower rows fit as well */
        check_lone_run(&run, NULL, seed % 2);
        random_run_free(&run);
    }
}

/* Every third adapter leaves layer 0 alone: an empty slice. */
static void adapters_follow_the_formulas(void)
{
    int n = 0;
    for (uint64_t seed = 1; n < 40; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        if (run.random.n_adapters > 0) {
            struct adapter *adapter = &run.random.adapters[0];
            for (int i = 0; n % 3 == 0 && i < LINEAR_COUNT; i++) {
                adapter->pairs[i].rank = 0;
            }
            check_lone_run(&run, adapter, true);
            n++;
        }
        random_run_free(&run);
    }
}

/* Prompt tokens follow each other as closely as the slowest ROM array lets them: sweep, pipeline, drain, and a cycle to take the next. */
static void prompts_stream_at_the_slowest_arrays_pace(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        struct chip_config *c = &run.config;
        const struct shape *s = &run.random.model.shape;
        c->rom_tile_rows = 8192;
        c->rom_rows_per_cycle = 1;
        c->rom_array_macs = 0;
        c->rom_drain_elements = 3;
        c->link_elements = c->norm_lanes = c->rope_lanes = c->silu_lanes = 1024;
        c->attention_lanes = 8192;
        c->attention_max_lanes = 0;
        c->attention_softmax_lanes = 4096;
        c->norm_latency_cycles = c->rope_latency_cycles = c->attention_latency_cycles = c->silu_latency_cycles = c->embed_latency_cycles =
            1;
        c->sram_latency_cycles = 1;
        c->sram_ports = 4;
        c->sram_width_bits = 4096;
        c->link_depth = 3;
        static const char *const results[LINEAR_COUNT] = {"layer0.qkv", "", "", "layer0.o", "layer0.gate_up", "", "layer0.down"};
        const char *slowest_link = NULL; /* in layer 0: nothing before it is as slow, so it always has the next vector waiting */
        uint64_t slowest = 0;
        for (enum linear first = LINEAR_Q; first <= LINEAR_DOWN; first += first == LINEAR_Q ? 3 : first == LINEAR_GATE ? 2 : 1) {
            uint64_t n_out = (uint64_t)shape_n_out(s, first);
            n_out += first == LINEAR_Q ? 2 * (uint64_t)shape_n_out(s, LINEAR_K) : first == LINEAR_GATE ? n_out : 0;
            uint64_t period = (uint64_t)shape_n_in(s, first) + c->rom_latency_cycles + up(n_out, 3) + 1;
            period += first == LINEAR_Q && s->qkv_bias ? c->rom_reduce_cycles : 0;
            if (period > slowest) {
                slowest = period;
                slowest_link = results[first];
            }
        }
        int32_t generated[1];
        cycle_t at[1];
        struct request request = {.prompt = run.prompt, .n_prompt = 16, .n_generate = 1, .adapter = -1, .stop_token = -1};
        sampling_make(0, 1, &request.sampling);
        request.generated = generated;
        request.generated_at = at;
        struct trace *trace = trace_new();
        struct chip *chip = NULL;
        struct error e = {0};
        struct recording recording = {0};
        REQUIRE_GOOD(chip_new(c, &run.random.model, false, NULL, 0, &request, 1, trace, &chip, &e), &e);
        recording.chip = chip;
        trace_add_sink(trace, (struct trace_sink){record_event, NULL, &recording});
        REQUIRE_GOOD(chip_run(chip, ENGINE_SKIP, &e), &e);
        for (uint32_t position = 8; position < 16; position++) {
            CHECK_EQ_UINT(find(&recording, slowest_link, position).from - find(&recording, slowest_link, position - 1).from, slowest);
        }
        chip_free(chip);
        trace_free(trace);
        random_run_free(&run);
    }
}

void suite_token_cycles(void)
{
    suite_begin("token_cycles");
    suite_add("every burst of a lone token, its accounts and its units' cycles are what the headers' formulas say",
              lone_tokens_follow_the_formulas);
    suite_add("with an adapter: loading, both LoRA phases and the wait for them", adapters_follow_the_formulas);
    suite_add("a prompt streams at the pace of the slowest ROM array", prompts_stream_at_the_slowest_arrays_pace);
}
