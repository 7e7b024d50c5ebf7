#include "sim/limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/params.h"

const char *const limit_names[LIMITS] = {
#define LIMIT(name, label, relax) #name,
#include "sim/limits.def"
#undef LIMIT
};
const char *const limit_labels[LIMITS] = {
#define LIMIT(name, label, relax) label,
#include "sim/limits.def"
#undef LIMIT
};
const char *const limit_relax[LIMITS] = {
#define LIMIT(name, label, relax) relax,
#include "sim/limits.def"
#undef LIMIT
};

/* -- from places to limits -- */

struct booking { /* an account of places that is being booked to limits */
    const struct chip *chip;
    const uint64_t *places;      /* [PLACES], sums over `tokens` tokens */
    double tokens, with_adapter; /* of them, of requests that have an adapter */
    double *cycles;              /* [LIMITS] */
    bool booked[PLACES];
};

/* A place's cycles: `fixed` of each of `visits` visits a token are chain, the rest is the limit's. */
static void book(struct booking *s, enum place place, double visits, double fixed, enum limit limit)
{
    double all = (double)s->places[place], chain = s->tokens * visits * fixed;
    chain = chain < all ? chain : all;
    s->cycles[LIMIT_dependency_chain] += chain;
    s->cycles[limit] += all - chain;
    s->booked[place] = true;
}

/* What makes LoRA late: rows for which the ports need several cycles; pauses for results that drain; else how many rows there are. */
static enum limit lora_limit(const struct chip *c)
{
    struct lora_geometry g = lora_geometry(&c->config);
    double drain = (double)ceil_div(g.lanes, g.drain_elements), rank = 0;
    for (uint32_t i = 0; i < c->n_adapters; i++) {
        rank = c->sequencer.adapters[i].rank_max > rank ? c->sequencer.adapters[i].rank_max : rank;
    }
    return g.row_words > g.port_words ? LIMIT_bank_ports : drain > 3 + rank ? LIMIT_drain_width : LIMIT_lora_lanes;
}

/* What makes a sender's beats many: its own lanes, or the link. */
static enum limit beats_limit(const struct chip *c, uint32_t lanes, enum limit unit)
{
    return lanes < c->config.link_elements ? unit : LIMIT_link_width;
}

/* The sweep, or the beats of the input if those take longer. Where the array then waits for LoRA, all of it is LoRA's: a shorter sweep would wait longer. */
static void book_rom(struct booking *s, enum linear_group group, double visits, enum limit beats)
{
    const struct rom_array *rom = chip_rom(s->chip, group);
    const struct rom_port *port = chip_rom_port(s->chip, group);
    double all = (double)s->places[port->place], hidden = rom->unit.state_cycles[UNIT_STALL_LORA] ? all * s->with_adapter / s->tokens : 0;
    double chain = (s->tokens - (hidden > 0 ? s->with_adapter : 0)) * visits * port->pipeline_cycles;
    double sweep = all - hidden > chain ? all - hidden - chain : 0;
    s->cycles[LIMIT_dependency_chain] += all - hidden - sweep;
    s->cycles[lora_limit(s->chip)] += hidden;
    s->booked[port->place] = true;
    s->cycles[sweep > (s->tokens - (hidden > 0 ? s->with_adapter : 0)) * visits * port->sweep_cycles ? beats : LIMIT_rom_sweep] += sweep;
}

/* Rotation, then a K and a V row: a cycle each and the SRAM's latency are chain, further cycles are for words that the ports do not take at once. */
static void book_rope(struct booking *s)
{
    const struct chip_config *c = &s->chip->config;
    double layers = s->chip->shape.n_layers, all = (double)s->places[PLACE_rope];
    double writes = 2.0 * (double)(ceil_div(s->chip->map.kv_row_words, (uint64_t)c->sram_ways * c->sram_ports) - 1);
    double ports = s->tokens * layers * writes;
    ports = ports < all ? ports : all;
    book(s, PLACE_rope, layers, c->rope_latency_cycles + 2.0 * (2 + c->sram_latency_cycles) + writes, LIMIT_vector_unit);
    s->cycles[LIMIT_dependency_chain] -= ports;
    s->cycles[LIMIT_bank_ports] += ports;
}

/* Beats that a receiver waits for: a ROM array's drain; other senders' beats; and the first beat of each, a cycle that nothing shortens. */
static void book_transfer(struct booking *s)
{
    const struct chip *c = s->chip;
    double layers = c->shape.n_layers, all = (double)s->places[PLACE_transfer], drains = 0;
    for (enum linear_group g = 0; g <= LINEARS_HEAD; g++) {
        drains += (g < LINEAR_GROUPS ? layers : 1) * ((double)chip_rom_port(c, g)->drain_beats - 1);
    }
    /* The chain: a drain and an input of each array, the token, the embedding and the sampled token. */
    const double parts[] = {drains, 8 * layers + 5, c->embed.beats - 1.0};
    const enum limit limits[] = {LIMIT_drain_width, LIMIT_dependency_chain, LIMIT_link_width};
    for (int i = 0; i < 3; i++) {
        double part = s->tokens * parts[i] < all ? s->tokens * parts[i] : all;
        s->cycles[limits[i]] += part;
        all -= part;
    }
    s->cycles[beats_limit(c, c->config.rope_lanes, LIMIT_vector_unit)] += all; /* q */
}

/* Loading: reloads of adapters that had been thrown out are the slots' fault, others the link's, or the SRAM's where writing takes the time. */
static void book_load(struct booking *s, double cycles)
{
    const struct chip *c = s->chip;
    const struct slots *slots = &c->sequencer.slots;
    double loads = 0, again = 0, sent = 0;
    for (uint32_t i = 0; i < slots->n_adapters; i++) {
        loads += (double)slots->adapters[i].loads;
        again += slots->adapters[i].loads > 1 ? (double)slots->adapters[i].loads - 1 : 0;
    }
    sent = (double)(c->host_port.transfer_sum_cycles + c->host_port.tensor_sum_cycles + c->host_port.wire_cycles);
    double stalled = (double)c->host_port.unit.state_cycles[UNIT_STALL_OUTPUT]; /* it waits for the DMA, which waits for the ports */
    double capacity = loads > 0 ? cycles * again / loads : 0,
           ports = sent + stalled > 0 ? (cycles - capacity) * stalled / (sent + stalled) : 0;
    s->cycles[LIMIT_adapter_capacity] += capacity;
    s->cycles[LIMIT_bank_ports] += ports;
    s->cycles[LIMIT_host_link] += cycles - capacity - ports;
}

static void book_places(struct booking *s, enum limit busiest)
{
    const struct chip *c = s->chip;
    double layers = c->shape.n_layers;
    book(s, PLACE_embed, 0, 0, LIMIT_dependency_chain);
    book(s, PLACE_norm, 2 * layers + 1, c->config.norm_latency_cycles, LIMIT_vector_unit);
    enum limit norm = beats_limit(c, c->config.norm_lanes, LIMIT_vector_unit);
    book_rom(s, LINEARS_QKV, layers, norm);
    book_rope(s);
    double rows = c->config.attention_latency_cycles + 1.0 + c->config.sram_latency_cycles;
    book(s, PLACE_scores, layers, rows, LIMIT_attention_lanes);
    book(s, PLACE_softmax, layers, c->config.attention_latency_cycles, LIMIT_vector_unit);
    book(s, PLACE_values, layers, rows, LIMIT_attention_lanes);
    book_rom(s, LINEARS_O, layers, beats_limit(c, c->config.attention_lanes, LIMIT_attention_lanes));
    book_rom(s, LINEARS_GATE_UP, layers, norm);
    book(s, PLACE_silu, layers, c->config.silu_latency_cycles, LIMIT_vector_unit);
    book_rom(s, LINEARS_DOWN, layers, beats_limit(c, c->config.silu_lanes, LIMIT_vector_unit));
    book_rom(s, LINEARS_HEAD, 1, norm);
    book(s, PLACE_sampler, 1, c->config.sampler_latency_cycles + 1, LIMIT_vector_unit);
    book(s, PLACE_lora, 0, 0, lora_limit(c));
    book(s, PLACE_sram, 0, 0, LIMIT_bank_ports);
    book_transfer(s);
    book(s, PLACE_wait, 0, 0, busiest);
    book_load(s, (double)s->places[PLACE_adapter_load]);
    s->booked[PLACE_transfer] = s->booked[PLACE_adapter_load] = s->booked[PLACE_sequencer] = true; /* the sequencer: by the caller */
    for (enum place p = 0; p < PLACES; p++) {
        if (!s->booked[p]) {
            book(s, p, 0, 0, LIMIT_vector_unit);
        }
    }
}

/* -- the unit that is held longest -- */

static double held(const struct unit *u)
{
    return (double)(u->state_cycles[UNIT_BUSY] + u->state_cycles[UNIT_STALL_LORA] + u->state_cycles[UNIT_STALL_SRAM] +
                    u->state_cycles[UNIT_STALL_SLICE]);
}

static const struct unit *find_busiest(const struct chip *c)
{
    const struct unit *busiest = &c->embed.unit;
    for (uint32_t i = 0; i < c->n_units; i++) {
        enum unit_kind kind = c->units[i]->kind;
        bool counts = kind != KIND_SEQUENCER && kind != KIND_SRAM && kind != KIND_EMBED_SRAM &&
                      kind != KIND_HEAD_SRAM; /* tokens do not pass them; who waits for the SRAM is stalled `sram` */
        if (counts && held(c->units[i]) > held(busiest)) {
            busiest = c->units[i];
        }
    }
    return busiest;
}

/* A visit takes a vector through one port; of several ports, each has as many. */
static enum limit rom_limit(const struct chip *c, const struct rom_array *rom)
{
    const struct unit *u = &rom->unit;
    double sweep = 0, pipeline = 0, drain = 0, lora = (double)u->state_cycles[UNIT_STALL_LORA], busy = (double)u->state_cycles[UNIT_BUSY];
    for (const struct rom_port *port = rom->port; port < rom->port + rom->n_ports; port++) {
        sweep += port->sweep_cycles;
        pipeline += port->pipeline_cycles;
        drain += port->drain_beats;
    }
    double visits = busy / (sweep + pipeline + drain);
    if (lora > visits * sweep && lora > visits * drain) {
        return lora_limit(c);
    }
    return sweep >= drain && sweep >= pipeline ? LIMIT_rom_sweep : drain >= pipeline ? LIMIT_drain_width : LIMIT_dependency_chain;
}

/* By where the tokens spent their time in it. */
static enum limit attention_limit(const struct chip *c, const struct request *requests, uint32_t n_requests)
{
    double rows = 0, softmax = 0, ports = 0;
    for (uint32_t i = 0; i < n_requests; i++) {
        const uint64_t *p = requests[i].account_cycles;
        rows += (double)(p[PLACE_scores] + p[PLACE_values]);
        softmax += (double)p[PLACE_softmax];
        ports += (double)p[PLACE_sram];
    }
    (void)c;
    return ports > rows && ports > softmax ? LIMIT_bank_ports : rows >= softmax ? LIMIT_attention_lanes : LIMIT_vector_unit;
}

static enum limit unit_limit(const struct chip *c, const struct unit *u, const struct request *requests, uint32_t n_requests)
{
    switch (u->kind) {
    case KIND_ROM_QKV:
    case KIND_ROM_O:
    case KIND_ROM_GATE_UP:
    case KIND_ROM_DOWN:
    case KIND_ROM_HEAD:
    case KIND_MATRIX_UNITS: return rom_limit(c, (const struct rom_array *)u);
    case KIND_ATTENTION: return attention_limit(c, requests, n_requests);
    case KIND_EMBED_LORA_MAC:
    case KIND_HEAD_LORA_MAC:
    case KIND_LORA_MAC: return lora_limit(c);
    case KIND_HOST_PORT: return LIMIT_host_link;
    case KIND_DMA: return LIMIT_bank_ports;
    case KIND_EMBED: return LIMIT_dependency_chain;
    default: return LIMIT_vector_unit;
    }
}

/* -- waiting in the queue -- */

struct change { /* of how many requests are queued and running */
    cycle_t at;
    int32_t queued, running;
};

static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* Cycles in which somebody was queued: with all KV caches taken, and with one free (then there was no slot). */
static void queue_cycles(const struct chip *c, const struct request *requests, uint32_t n, double *kv, double *slots)
{
    struct change *changes = calloc(3 * (size_t)n, sizeof *changes);
    int64_t queued = 0, running = 0;
    *kv = *slots = 0;
    ES_ASSERT(changes);
    for (uint32_t i = 0; i < n; i++) {
        const struct request *r = &requests[i]; /* one that was dropped may never have started */
        cycle_t end = r->done_at < c->now ? r->done_at : c->now, start = r->started_at < end ? r->started_at : end;
        changes[3 * i] = (struct change){r->arrives_at < start ? r->arrives_at : start, 1, 0};
        changes[3 * i + 1] = (struct change){start, -1, 1};
        changes[3 * i + 2] = (struct change){end, 0, -1};
    }
    qsort(changes, 3 * (size_t)n, sizeof *changes, compare_changes);
    for (size_t i = 0; i + 1 < 3 * (size_t)n; i++) {
        queued += changes[i].queued;
        running += changes[i].running;
        double span = queued > 0 ? (double)(changes[i + 1].at - changes[i].at) : 0;
        *(running >= (int64_t)c->config.kv_sequences ? kv : slots) += span;
    }
    free(changes);
}

/* -- the whole -- */

static enum limit largest(const double cycles[LIMITS])
{
    enum limit most = 0;
    for (enum limit l = 1; l < LIMITS; l++) {
        most = cycles[l] > cycles[most] ? l : most;
    }
    return most;
}

struct sums { /* over all requests */
    uint64_t first[PLACES], later[PLACES];
    double n_first, n_later, queued;
    double first_with_adapter, later_with_adapter;
};

static struct sums sum_requests(const struct request *requests, uint32_t n)
{
    struct sums s = {0};
    for (uint32_t i = 0; i < n; i++) {
        const struct request *r = &requests[i];
        if (r->n_generated == 0) { /* dropped before */
            continue;
        }
        s.n_first++;
        for (int p = 0; p < PLACES; p++) {
            s.first[p] += r->first_token_account_cycles[p];
            s.later[p] += r->account_cycles[p] - r->first_token_account_cycles[p];
        }
        s.n_later += r->n_generated - 1;
        s.first_with_adapter += r->adapter >= 0;
        s.later_with_adapter += r->adapter >= 0 ? r->n_generated - 1 : 0;
        s.queued += (double)(r->started_at - r->arrives_at);
    }
    return s;
}

/* The throughput's: a unit that is held nearly always; else what the queue waits for; else what the tokens' time goes to. */
static enum limit throughput_limit(const struct limits *l, const struct sums *s, enum limit busiest)
{
    double all[LIMITS];
    if (l->busiest_share >= 0.85) {
        return busiest;
    }
    if (l->kv_blocked_share >= 0.25 || l->slots_blocked_share >= 0.25) {
        return l->kv_blocked_share >= l->slots_blocked_share ? LIMIT_kv_capacity : LIMIT_adapter_capacity;
    }
    for (enum limit i = 0; i < LIMITS; i++) {
        all[i] = (s->n_first > 0 ? l->first_token_cycles[i] * s->n_first : 0) + (s->n_later > 0 ? l->token_cycles[i] * s->n_later : 0);
    }
    return largest(all);
}

struct limits limits_of(const struct chip *c, const struct request *requests, uint32_t n)
{
    struct limits l = {.busiest = find_busiest(c)};
    struct sums s = sum_requests(requests, n);
    double kv, slots, now = (double)c->now;
    enum limit busiest = unit_limit(c, l.busiest, requests, n);
    queue_cycles(c, requests, n, &kv, &slots);
    if (s.n_first > 0) {
        struct booking first = {
            .chip = c, .places = s.first, .tokens = s.n_first, .with_adapter = s.first_with_adapter, .cycles = l.first_token_cycles};
        book_places(&first, busiest);
    }
    if (s.n_later > 0) {
        struct booking later = {
            .chip = c, .places = s.later, .tokens = s.n_later, .with_adapter = s.later_with_adapter, .cycles = l.token_cycles};
        book_places(&later, busiest);
    }
    /* After the queue the rest of the prompt goes in, as fast as the slowest unit takes it. */
    double waiting = kv + slots, issue = (double)s.first[PLACE_sequencer] - s.queued;
    l.first_token_cycles[LIMIT_kv_capacity] += waiting > 0 ? s.queued * kv / waiting : 0;
    l.first_token_cycles[LIMIT_adapter_capacity] += waiting > 0 ? s.queued * slots / waiting : s.queued;
    l.first_token_cycles[busiest] += issue;
    l.token_cycles[LIMIT_dependency_chain] += (double)s.later[PLACE_sequencer];
    for (enum limit i = 0; i < LIMITS; i++) {
        l.first_token_cycles[i] = s.n_first > 0 ? l.first_token_cycles[i] / s.n_first : NAN;
        l.token_cycles[i] = s.n_later > 0 ? l.token_cycles[i] / s.n_later : NAN;
    }
    l.busiest_share = held(l.busiest) / now;
    l.kv_blocked_share = kv / now;
    l.slots_blocked_share = slots / now;
    l.token = largest(l.token_cycles);
    l.first_token = largest(l.first_token_cycles);
    l.throughput = throughput_limit(&l, &s, busiest);
    return l;
}

void limit_relax_config(const char *relax, struct chip_config *config, uint32_t *before, uint32_t *after)
{
    bool first = true;
    while (*relax) {
        char key[64] = "";
        size_t n = strcspn(relax, "*/");
        ES_ASSERT(n < sizeof key && (relax[n] == '*' || relax[n] == '/') && relax[n + 1] == '2');
        memcpy(key, relax, n);
        const struct parameter *p = parameter_find(key);
        ES_ASSERT(p);
        uint32_t *value = parameter_value(p, config), was = *value;
        uint64_t changed = relax[n] == '*' ? 2 * (uint64_t)was : was / 2;
        *value = changed > p->high ? p->high : changed < p->low ? p->low : (uint32_t)changed;
        if (first) {
            *before = was;
            *after = *value;
            first = false;
        }
        relax += n + 2;
        relax += strspn(relax, " ");
    }
}
