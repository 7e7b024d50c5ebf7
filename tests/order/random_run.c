#include "tests/order/random_run.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "kernels/ref.h"
#include "sim/lora_cosim.h"

static uint32_t pick(uint64_t *seed, uint32_t low, uint32_t high)
{
    return low + (uint32_t)(test_random(seed) % (high - low + 1));
}

/* Small numbers of everything, so that all kinds of contention occur. */
static void random_config(struct chip_config *c, uint64_t *seed)
{
    config_defaults(c);
    strcpy(c->name, "random");
    c->clock_mhz = pick(seed, 100, 2000);
    c->link_elements = pick(seed, 1, 24);
    c->link_depth = pick(seed, 1, 3);
    c->embed_elements = pick(seed, 1, 40);
    c->embed_latency_cycles = pick(seed, 1, 9);
    c->rom_tile_rows = pick(seed, 8, 80);
    c->rom_rows_per_cycle = pick(seed, 1, 4);
    c->rom_reduce_cycles = pick(seed, 1, 3);
    c->rom_latency_cycles = pick(seed, 1, 8);
    c->rom_drain_elements = pick(seed, 1, 40);
    c->norm_lanes = pick(seed, 1, 40);
    c->norm_latency_cycles = pick(seed, 1, 30);
    c->rope_lanes = pick(seed, 1, 40);
    c->rope_latency_cycles = pick(seed, 1, 12);
    c->attention_lanes = pick(seed, 1, 300);
    c->attention_softmax_lanes = pick(seed, 1, 16);
    c->attention_latency_cycles = pick(seed, 1, 30);
    c->silu_lanes = pick(seed, 1, 40);
    c->silu_latency_cycles = pick(seed, 1, 12);
    c->sampler_lanes = pick(seed, 1, 64);
    c->sampler_latency_cycles = pick(seed, 1, 20);
    c->lora_lanes = pick(seed, 8, 128);
    c->lora_latency_cycles = pick(seed, 6, 12);
    c->sram_ways = pick(seed, 1, 8);
    c->sram_banks = c->sram_ways * pick(seed, 1, 6);
    c->sram_width_bits = 8 * pick(seed, 1, 12);
    c->sram_ports = pick(seed, 1, 2);
    c->sram_arbiter = pick(seed, 0, 1);
    c->sram_latency_cycles = pick(seed, 1, 5);
    c->slots_count = pick(seed, 1, 4);
    c->slots_rank_max = 8;
    c->kv_sequences = pick(seed, 1, 8);
    c->kv_context_tokens = 24;
    c->host_bandwidth_mbytes_per_s = pick(seed, 100, 20000);
    c->host_transfer_cycles = pick(seed, 0, 500);
    c->host_tensor_cycles = pick(seed, 0, 20);
    uint64_t more = *seed ^ 0x5bd1e995; /* later parameters have draws of their own: earlier chips stay what they are */
    c->rom_array_macs = pick(&more, 0, 2) / 2 * pick(&more, 50, 2000);
    c->attention_max_lanes = pick(&more, 0, 2) / 2 * pick(&more, 1, 16);
    c->sram_die = pick(&more, 0, 1);
    c->lora_ends = pick(&more, 0, 3);
}

/* leap: as random_run_make_leap() says. */
static void make(struct random_run *run, uint64_t seed, bool leap)
{
    *run = (struct random_run){.seed = seed, .untraced = leap};
    struct shape shape = random_shape_of((enum architecture)(seed % ARCHITECTURE_COUNT), seed);
    test_random(&seed);
    int32_t n_adapters = (int32_t)pick(&seed, 0, 4);
    random_config(&run->config, &seed);
    if (leap) {
        shape.n_layers = (int32_t)pick(&seed, 1, 9);
        run->config.sram_banks = run->config.sram_ways = pick(&seed, 1, 24);
        run->config.attention_lanes *= pick(&seed, 1, 20);
        run->config.attention_softmax_lanes *= pick(&seed, 1, 8);
    }
    random_model_new(run->seed, &shape, n_adapters, (int32_t)run->config.slots_rank_max, &run->random);
    random_model_adapt_ends(run->seed, config_has_end(&run->config, LINEARS_EMBEDDING), config_has_end(&run->config, LINEARS_HEAD),
                            (int32_t)run->config.slots_rank_max, &run->random);
    struct memory_map map;
    struct error e;
    run->config.sram_depth_words = 64;
    while (!memory_map_make(&run->config, &shape, &map, &e)) {
        run->config.sram_depth_words += run->config.sram_depth_words / 2;
    }
    for (int i = 0; i < 16; i++) {
        run->prompt[i] = (int32_t)pick(&seed, 0, (uint32_t)shape.n_vocab - 1);
    }
    run->n_requests = pick(&seed, 1, 12);
    for (uint32_t i = 0; i < run->n_requests; i++) {
        struct request *r = &run->requests[i];
        *r = (struct request){.n_prompt = (int32_t)pick(&seed, 1, 16), .n_generate = (int32_t)pick(&seed, 1, 8), .stop_token = -1};
        r->adapter = (int32_t)pick(&seed, 0, (uint32_t)n_adapters) - 1;
        sampling_make(pick(&seed, 0, 1) ? 0.8 : 0, 0.9, &r->sampling);
        random_seed(&r->random, run->seed, i);
    }
}

void random_run_make(struct random_run *run, uint64_t seed)
{
    make(run, seed, false);
}

/* Adapters of the same ranks in all layers leap; two in three chips have them. */
void random_run_make_leap(struct random_run *run, uint64_t seed)
{
    make(run, seed, true);
    for (int32_t i = 0; i < run->random.n_adapters && seed % 3; i++) {
        const struct adapter *a = &run->random.adapters[i];
        for (int32_t layer = 1; layer < a->n_layers; layer++) {
            for (enum linear which = 0; which < LINEAR_COUNT; which++) {
                a->pairs[pair_index(a->n_layers, layer, which)] = *adapter_pair(a, 0, which);
            }
        }
    }
}

void random_run_share(struct random_run *run)
{
    uint64_t seed = run->seed * 0x2545f4914f6cdd1du + 1;
    struct chip_config *c = &run->config;
    struct memory_map map;
    struct error e;
    c->chip_organisation = ORGANISATION_SHARED;
    c->matrix_units = pick(&seed, 1, 40);
    c->matrix_macs = pick(&seed, 1, 24);
    c->link_depth = pick(&seed, 1, 4);
    while (!memory_map_make(c, &run->random.model.shape, &map, &e)) {
        c->sram_depth_words += c->sram_depth_words / 2;
    }
}

/* Half of the chips have pages, few enough that adapters (and with a shared pool KV caches) wait for each other's. */
static void random_pages(struct random_run *run, uint64_t *seed)
{
    struct chip_config *c = &run->config;
    struct memory_map map;
    struct error e;
    c->slots_layout = pick(seed, 0, 1);
    c->sram_split = pick(seed, 0, 1);
    if (c->slots_layout == LAYOUT_FIXED && c->sram_split == SPLIT_FIXED) {
        return;
    }
    c->sram_page_words = pick(seed, 1, 60);
    c->sram_depth_words = 60;
    bool fits = false;
    while (!fits) {
        fits = memory_map_make(c, &run->random.model.shape, &map, &e) &&
               (c->slots_pinned + 1) * map.slot_pages + 2 * map.kv_pages <= map.n_pages;
        c->sram_depth_words += fits ? 0 : c->sram_depth_words / 4;
    }
}

void random_run_serve(struct random_run *run)
{
    uint64_t seed = run->seed * 0x9e3779b97f4a7c15u + 1;
    struct chip_config *c = &run->config;
    c->slots_eviction = pick(&seed, 0, 3);
    c->slots_pinned = pick(&seed, 0, c->slots_count - 1);
    c->slots_prefetch = pick(&seed, 0, 1) * pick(&seed, 1, 6);
    c->slots_loading = pick(&seed, 0, 1);
    c->admission_policy = pick(&seed, 0, 2);
    c->admission_look_ahead = pick(&seed, 1, 6);
    c->admission_overtakes = pick(&seed, 0, 3);
    c->admission_ageing_cycles = pick(&seed, 0, 1) * pick(&seed, 0, 20000);
    c->host_depth = pick(&seed, 1, 4);
    cycle_t arrives_at = 0;
    uint32_t gap_cycles = pick(&seed, 0, 6000);
    for (uint32_t i = 0; i < run->n_requests; i++) {
        run->requests[i].arrives_at = arrives_at;
        arrives_at += pick(&seed, 0, 2) * pick(&seed, 0, gap_cycles);
    }
    random_pages(run, &seed);
}

bool random_run_incidents(struct random_run *run)
{
    uint64_t seed = run->seed * 0x9e3779b97f4a7c15u + 2;
    int32_t last = run->random.n_adapters - 1;
    if (last < 1) {
        return false;
    }
    for (uint32_t i = 0; i < run->n_requests; i++) { /* nobody asks for the last adapter: it is a new version of another one */
        run->requests[i].adapter = run->requests[i].adapter == last ? 0 : run->requests[i].adapter;
    }
    run->config.slots_pinned = 0;
    run->config.slots_reload = pick(&seed, 0, 1);
    run->config.sram_ecc = pick(&seed, 0, 2);
    run->config.host_retries = pick(&seed, 0, 2);
    int32_t replaced = (int32_t)pick(&seed, 0, (uint32_t)last - 1);
    uint32_t layers = (uint32_t)run->random.model.shape.n_layers, most = 60000;
    cycle_t at = 0;
    run->n_incidents = pick(&seed, 1, 12);
    for (uint32_t i = 0; i < run->n_incidents; i++) {
        struct incident *what = &run->incidents[i];
        at += pick(&seed, 0, most / run->n_incidents);
        *what = (struct incident){.at = at,
                                  .kind = pick(&seed, 0, INCIDENT_KINDS - 1),
                                  .adapter = (int32_t)pick(&seed, 0, (uint32_t)last),
                                  .version = last,
                                  .layer = (int32_t)pick(&seed, 0, layers - 1),
                                  .count = pick(&seed, 1, 3)};
        if (what->kind == INCIDENT_RELOAD) {
            what->adapter = replaced;
            what->version = pick(&seed, 0, 1) ? last : replaced;
        }
        const struct adapter *adapter = &run->random.adapters[what->adapter];
        uint64_t end = seed ^ 0x5bd1e995; /* some go to an end */
        what->layer = pick(&end, 0, 3) ? what->layer : pick(&end, 0, 1) ? adapter_first_layer(adapter) : adapter_last_layer(adapter);
        const struct linear_range linears = layer_linears((int32_t)layers, what->layer);
        bool weights = false;
        for (enum linear which = linears.first; which < linears.end; which++) {
            weights |= adapter_pair(&run->random.adapters[what->adapter], what->layer, which)->rank > 0;
        }
        what->kind = weights ? what->kind : INCIDENT_UNLOAD;
        what->part = what->kind == INCIDENT_FLIP ? pick(&end, 0, FLIP_KV - 1) : FLIP_WEIGHTS;
        if (what->kind == INCIDENT_UNLOAD && pick(&end, 0, 1)) {
            what->kind = INCIDENT_FLIP;
            what->part = FLIP_KV;
        }
        if (what->part == FLIP_KV) {
            what->adapter = pick(&end, 0, 2) ? what->adapter : -1;
            what->layer = (int32_t)pick(&end, 0, layers - 1);
        }
    }
    return true;
}

void random_run_free(struct random_run *run)
{
    random_model_free(&run->random);
}

/* Tokens from .. to - 1 of a request must be those of the model without a clock with this adapter, fed with what the request has so far. */
static void check_tokens(const struct random_run *run, uint32_t index, const struct request *answered, int32_t version, int32_t from,
                         int32_t to)
{
    const struct request *r = &run->requests[index];
    const struct model *model = &run->random.model;
    struct ref *ref = ref_new(model, (int32_t)run->config.kv_context_tokens);
    struct acc logits = {calloc((size_t)model->shape.n_vocab, sizeof(int64_t)), model->shape.n_vocab, 0};
    void *scratch = malloc(k_sample_scratch(model->shape.n_vocab));
    struct random random = r->random;
    for (int32_t position = 0, n = 0; n < to; position++) {
        int32_t token = position < r->n_prompt ? run->prompt[position] : answered->generated[n - 1];
        ref_forward(ref, version >= 0 ? &run->random.adapters[version] : NULL, token, position, &logits);
        if (position + 1 >= r->n_prompt) {
            int32_t expected = k_sample(&r->sampling, &random, &logits, scratch);
            CHECK(n < from || answered->generated[n] == expected);
            n++;
        }
    }
    free(logits.m);
    free(scratch);
    ref_free(ref);
}

/* Nobody gets the base model or a stranger's adapter; after a restart all comes from the new version, as if the old one had never been there. */
static void check_reference(const struct random_run *run, uint32_t index, const struct request *r)
{
    int32_t asked = run->requests[index].adapter;
    bool replaced = false;
    for (uint32_t i = 0; i < run->n_incidents; i++) {
        replaced |=
            run->incidents[i].kind == INCIDENT_RELOAD && run->incidents[i].adapter == asked && run->incidents[i].version == r->version;
    }
    CHECK(r->version == asked || replaced);
    if (r->flipped_tokens > 0) { /* by the definition of `silent` they may be anything, from the first flip on */
        cycle_t flip = NEVER;
        for (uint32_t i = 0; i < run->n_incidents; i++) {
            const struct incident *what = &run->incidents[i];
            flip = what->kind == INCIDENT_FLIP && what->at < flip ? what->at : flip;
        }
        int32_t n = 0;
        while (n < r->n_generated && r->generated_at[n] <= flip) {
            n++;
        }
        check_tokens(run, index, r, r->version, 0, r->restarts ? 0 : n);
        return;
    }
    check_tokens(run, index, r, r->version, r->restarted_at, r->n_generated);
    if (r->restarts == 1) {
        check_tokens(run, index, r, r->first_version, 0, r->restarted_at);
    }
}

static void shuffle(struct chip *c, uint64_t seed)
{
    for (uint32_t i = c->n_units - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(test_random(&seed) % (i + 1));
        struct unit *swapped = c->units[i];
        c->units[i] = c->units[j];
        c->units[j] = swapped;
    }
}

/* Before the units are shuffled they stand in the order of their ids; put them back to be comparable. */
static int by_id(const void *a, const void *b)
{
    const struct unit *const *x = a, *const *y = b;
    return (int)(*x)->id - (int)(*y)->id;
}

/* What a request's answers say of its way must fit together. */
static void check_way(const struct request *r)
{
    bool loads = r->load_requested_at != NEVER;
    CHECK(r->started_at >= r->arrives_at && r->running_at >= r->started_at && r->done_at > r->running_at && r->done_at != NEVER);
    CHECK_EQ_UINT(r->done_at, r->generated_at[r->n_generated - 1]);
    CHECK_EQ_INT(r->adapter_hit + r->adapter_load, r->adapter >= 0);
    CHECK_EQ_INT(r->slot >= 0, r->adapter >= 0);
    CHECK(loads ? r->loaded_at > r->load_requested_at && r->loaded_at != NEVER : r->loaded_at == NEVER && r->running_at == r->started_at);
    CHECK(!r->adapter_load || (loads && r->load_requested_at >= r->arrives_at));
}

/* Each slot's cycles, and the sums over slots and over adapters. */
static void check_slots(const struct slots *slots, uint64_t cycles)
{
    uint64_t sum[2][4] = {{0}};
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *s = &slots->slot[i];
        CHECK_EQ_UINT(s->free_cycles + s->loading_cycles + s->used_cycles + s->unused_cycles, cycles);
        CHECK_EQ_UINT(s->users, 0);
        const uint64_t counts[] = {s->hits, s->loads, s->evictions, s->stall_cycles};
        for (int k = 0; k < 4; k++) {
            sum[0][k] += counts[k];
        }
    }
    for (uint32_t i = 0; i < slots->n_adapters; i++) {
        const struct slots_adapter *a = &slots->adapters[i];
        CHECK(i >= slots->pinned || a->evictions == 0);
        const uint64_t counts[] = {a->hits, a->loads, a->evictions, a->stall_cycles};
        for (int k = 0; k < 4; k++) {
            sum[1][k] += counts[k];
        }
    }
    CHECK_EQ_BYTES(sum[0], sum[1], sizeof sum[0]);
    CHECK_EQ_UINT(sum[0][0], slots->hits);
    CHECK_EQ_UINT(sum[0][1], slots->loads);
    CHECK_EQ_UINT(sum[0][2], slots->evictions);
}

/* At the end only resident adapters have pages. */
static void check_pages(const struct sequencer *u)
{
    const struct page_pool *pool = u->slots.pool;
    uint32_t pages = 0;
    for (uint32_t i = 0; i < u->slots.count; i++) {
        pages += u->slots.slot[i].pages;
    }
    if (pool) {
        CHECK_EQ_UINT(pool->n_reserved, 0);
        CHECK_EQ_UINT(pool->n - pool->n_free, pages);
    }
}

static void collect(struct chip *c, const struct request *requests, uint32_t n_requests, struct outcome *out)
{
    out->cycles = c->now;
    qsort(c->units, c->n_units, sizeof(struct unit *), by_id);
    for (uint32_t i = 0; i < c->n_units; i++) {
        out->unit_cycles_hash = XXH3_64bits_withSeed(c->units[i]->state_cycles, sizeof c->units[i]->state_cycles, out->unit_cycles_hash);
        uint64_t sum = 0;
        for (int s = 0; s < UNIT_STATES; s++) {
            sum += c->units[i]->state_cycles[s];
        }
        CHECK_EQ_UINT(sum, c->now); /* a unit is in one state in every cycle */
        out->seen.waiting_cycles += c->units[i]->state_cycles[UNIT_STALL_SLICE];
    }
    for (uint32_t l = 0; l < c->n_layer_blocks; l++) {
        const struct sram *sram = &c->layers[l].sram;
        out->seen.corrected += c->layers[l].lora_mac.corrected;
        out->seen.kv_corrected += c->layers[l].attention.corrected;
        out->counters_hash = XXH3_64bits_withSeed(sram->words, sizeof sram->words, out->counters_hash);
        out->counters_hash = XXH3_64bits_withSeed(sram->lost_cycles, sizeof sram->lost_cycles, out->counters_hash);
    }
    struct end_block *const ends[] = {&c->embed_end, &c->head_end}; /* all zero where there is none */
    for (int i = 0; i < 2; i++) {
        out->seen.corrected += ends[i]->lora_mac.corrected;
        const bool pages = (i == 0 ? &c->map.embedding : &c->map.head)->page_words > 0;
        out->seen.end_words += ends[i]->sram.words[SRAM_LORA_READ];
        out->seen.end_page_words += pages ? ends[i]->sram.words[SRAM_LORA_READ] : 0;
        out->counters_hash = XXH3_64bits_withSeed(ends[i]->sram.words, sizeof ends[i]->sram.words, out->counters_hash);
        out->counters_hash = XXH3_64bits_withSeed(ends[i]->sram.lost_cycles, sizeof ends[i]->sram.lost_cycles, out->counters_hash);
    }
    const uint64_t slots[] = {c->sequencer.slots.hits, c->sequencer.slots.loads, c->sequencer.slots.evictions, c->dma.contention_cycles};
    out->counters_hash = XXH3_64bits_withSeed(slots, sizeof slots, out->counters_hash);
    for (uint32_t i = 0; i < n_requests; i++) {
        const struct request *r = &requests[i];
        out->generated_at_hash = XXH3_64bits_withSeed(r->generated_at, (size_t)r->n_generated * sizeof(cycle_t), out->generated_at_hash);
        out->generated_at_hash = XXH3_64bits_withSeed(r->generated, (size_t)r->n_generated * sizeof(int32_t), out->generated_at_hash);
        out->account_hash = XXH3_64bits_withSeed(r->account_cycles, sizeof r->account_cycles, out->account_hash);
        uint64_t sum = 0;
        for (int p = 0; p < PLACES; p++) {
            sum += r->account_cycles[p];
        }
        out->seen.restarts += r->restarts;
        const uint64_t way[] = {(uint64_t)r->state, (uint64_t)r->version, r->restarts,   (uint64_t)r->restarted_at,
                                r->flipped_tokens,  r->slot_wanted_at,    r->started_at, r->load_requested_at,
                                r->loaded_at,       r->running_at,        r->done_at,    (uint64_t)r->slot,
                                r->adapter_hit,     r->adapter_load,      r->prefetched, r->overtaken};
        out->seen.prefetched += r->prefetched;
        out->seen.overtaken += r->overtaken;
        out->requests_hash = XXH3_64bits_withSeed(way, sizeof way, out->requests_hash);
        if (out->good) { /* every cycle of a request is booked once */
            CHECK_EQ_UINT(sum, r->done_at - r->arrives_at);
            CHECK_EQ_INT(r->n_generated == r->n_generate, r->state == REQUEST_DONE);
            CHECK(c->config.admission_policy != ADMISSION_SKIP_AHEAD || r->overtaken <= c->config.admission_overtakes);
            CHECK(c->config.admission_policy != ADMISSION_FCFS || r->overtaken == 0);
            if (r->state == REQUEST_DONE && r->restarts == 0) {
                check_way(r);
            }
        }
    }
    out->seen.leapt = c->leaps.passed;
    out->seen.put_back = c->leaps.put_back;
    out->seen.hits = c->sequencer.slots.hits;
    out->seen.evictions = c->sequencer.slots.evictions;
    if (out->good) {
        const struct sequencer *u = &c->sequencer;
        CHECK_EQ_UINT(u->n_done + u->n_dropped, n_requests);
        CHECK_EQ_UINT(u->queue.length, 0);
        check_pages(u);
        check_slots(&u->slots, c->now);
        CHECK_EQ_UINT(u->slots.loads + u->slots.retries + u->slots.renewals, c->host_port.loads);
        CHECK(slots_conserved(&u->slots));
        out->seen.dropped = u->n_dropped;
        out->seen.detections = u->seen.detections;
        out->seen.silent = u->seen.silent_tokens;
        out->seen.kv_flips = u->seen.kv_flips;
        out->seen.retired = u->seen.happened[INCIDENT_UNLOAD];
    }
}

/* A disagreement stops the run; its waveform goes with the temporary folder. */
static struct lora_cosim *watch_pins(const struct random_run *run, struct chip *chip)
{
    struct lora_cosim *cosim = NULL;
    struct error e = {0};
    struct lora_cosim_options options = {.mode = LORA_MODEL, .folder = temporary_folder(), .layer = -1, .before_cycles = 200};
    if (run->pins) {
        CHECK_GOOD(lora_cosim_attach(chip, &options, &cosim, &e), &e);
    }
    return cosim;
}

struct outcome random_run_execute(const struct random_run *run, enum engine engine, uint64_t order_seed, bool values)
{
    struct outcome out = {0};
    struct random_run copy = *run;
    struct trace *trace = run->untraced ? NULL : trace_new();
    struct chip *chip = NULL;
    struct error later = {0};
    for (uint32_t i = 0; i < copy.n_requests; i++) {
        struct request *r = &copy.requests[i];
        r->prompt = copy.prompt;
        r->generated = calloc((size_t)r->n_generate, sizeof *r->generated);
        r->generated_at = calloc((size_t)r->n_generate, sizeof *r->generated_at);
    }
    if (CHECK_GOOD(chip_new(&copy.config, &copy.random.model, values, copy.random.adapters, (uint32_t)copy.random.n_adapters, copy.requests,
                            copy.n_requests, trace, &chip, &out.error),
                   &out.error)) {
        if (run->n_incidents) {
            CHECK_GOOD(chip_set_incidents(chip, run->incidents, run->n_incidents, run->seed, &out.error), &out.error);
            chip->sequencer.drops = true;
        }
        if (order_seed) {
            shuffle(chip, order_seed);
        }
        struct lora_cosim *cosim = watch_pins(run, chip);
        out.good = chip_run(chip, engine, &out.error);
        CHECK_GOOD(lora_cosim_close(cosim, false, &later), &later);
        collect(chip, copy.requests, copy.n_requests, &out);
        for (uint32_t i = 0; values && out.good && i < copy.n_requests; i++) {
            check_reference(run, i, &copy.requests[i]);
        }
    }
    out.hash = trace_hash(trace);
    out.events = trace_events(trace);
    chip_free(chip);
    trace_free(trace);
    for (uint32_t i = 0; i < copy.n_requests; i++) {
        free(copy.requests[i].generated);
        free(copy.requests[i].generated_at);
    }
    return out;
}

bool outcomes_equal(const struct outcome *a, const struct outcome *b)
{
    return a->good && b->good && a->hash == b->hash && a->cycles == b->cycles && a->events == b->events &&
           a->unit_cycles_hash == b->unit_cycles_hash && a->generated_at_hash == b->generated_at_hash &&
           a->account_hash == b->account_hash && a->requests_hash == b->requests_hash && a->counters_hash == b->counters_hash;
}
