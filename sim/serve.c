#include "sim/serve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/synthetic.h"
#include "kernels/ref.h"
#include "kernels/threads.h"
#include "sim/chip_auto.h"
#include "sim/trace_files.h"

enum { STREAM_PROMPTS = 4 }; /* of random_seed(), after those of workload_draw.c */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_auto(const struct serve *s)
{
    return !s->options.config && chip_is_auto(s->workload->chip);
}

/* The chip's parameters; `auto` needs to know the model's shape. */
static bool load_config(struct serve *s, const struct shape *shape, struct error *e)
{
    const struct serve_options *o = &s->options;
    if (o->config) {
        s->config = *o->config;
        return true;
    }
    bool good = is_auto(s) || config_load(s->workload->chip, &s->config, e);
    if (is_auto(s)) {
        chip_auto(shape, &s->config);
    }
    for (int32_t i = 0; good && i < s->workload->n_set; i++) {
        struct error detail;
        good = config_set(&s->config, s->workload->set[i], &detail) ||
               error_input(e, "%.300s: set: %.600s", s->workload->file, detail.message);
    }
    for (int32_t i = 0; good && i < o->n_set; i++) {
        good = config_set(&s->config, o->set[i], e);
    }
    return good;
}

static bool fits_chip(void *user, const struct shape *shape, struct error *e)
{
    struct serve *s = user;
    struct memory_map map;
    return (!is_auto(s) || load_config(s, shape, e)) && config_check(&s->config, e) && memory_map_make(&s->config, shape, &map, e);
}

static bool open_model(struct serve *s, struct error *e)
{
    struct shape_check fits = {fits_chip, s};
    const char *model = s->workload->model;
    return (is_auto(s) || load_config(s, NULL, e)) &&
           (s->options.synthetic_weights ? image_open_synthetic(model, s->options.weights_seed, &fits, &s->image, e)
                                         : (s->workload->values ? image_open_model : image_open_shape)(model, &fits, &s->image, e)) &&
           (!is_auto(s) || load_config(s, &s->image.model.shape, e));
}

/* --- adapters --- */

static bool is_pinned(const struct workload *w, int32_t adapter)
{
    for (int32_t t = 0; t < w->n_tenants; t++) {
        if (w->tenants[t].adapter == adapter && w->tenants[t].pinned) {
            return true;
        }
    }
    return false;
}

/* Pinned adapters come first in the chip's list, the others keep their order. */
static bool order_adapters(struct serve *s, struct error *e)
{
    uint32_t pinned = 0, next = 0;
    s->chip_index = error_calloc(e, (size_t)s->n_adapters + 1, sizeof *s->chip_index, "adapters");
    if (!s->chip_index) {
        return false;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < s->n_adapters; i++) {
            if (is_pinned(s->workload, i) == (pass == 0)) {
                s->chip_index[i] = (int32_t)next++;
            }
        }
        pinned = pass == 0 ? next : pinned;
    }
    if (pinned && s->config.slots_pinned) {
        return error_input(e, "%.300s: pinned: expected either tenants that are pinned or slots.pinned, not both", s->workload->file);
    }
    s->config.slots_pinned = pinned ? pinned : s->config.slots_pinned;
    return config_check(&s->config, e);
}

static bool make_synthetic(const struct serve *s, int32_t index, struct adapter *adapter, struct error *e)
{
    char name[WORKLOAD_PATH_ROOM];
    int32_t rank = (int32_t)s->workload->synthetic_rank[(uint32_t)(index - s->workload->n_adapter_files) % s->workload->n_synthetic_ranks];
    return adapter_synthetic(workload_adapter_name(s->workload, index, name), &s->image.model.shape, rank, config_ends(&s->config), adapter,
                             e);
}

static bool load_adapters(struct serve *s, struct error *e)
{
    const struct workload *w = s->workload;
    s->n_adapters = w->n_adapter_files + (int32_t)w->synthetic_count;
    s->adapters = error_calloc(e, (size_t)s->n_adapters + 1, sizeof *s->adapters, "adapters");
    if (!s->adapters || !order_adapters(s, e)) {
        return false;
    }
    for (int32_t i = 0; i < s->n_adapters; i++) {
        struct adapter *adapter = &s->adapters[s->chip_index[i]];
        if (i >= w->n_adapter_files ? !make_synthetic(s, i, adapter, e)
                                    : !adapter_load(w->adapter_files[i], &s->image.model.shape, adapter, e)) {
            return false;
        }
        for (int32_t j = 0; j < i && j < w->n_adapter_files; j++) {
            if (strcmp(s->adapters[s->chip_index[j]].name, adapter->name) == 0) {
                return error_input(e, "%.300s: adapters: expected adapters of different names, found '%s' twice", w->file, adapter->name);
            }
        }
    }
    return true;
}

/* --- requests --- */

static bool is_own(const struct serve *s, uint32_t number, int32_t tenant)
{
    uint32_t dealt = s->config.server_dealing == DEALING_TENANT ? (uint32_t)tenant : number;
    return dealt % serve_cards(s) == s->options.card;
}

static bool room_for_tokens(struct serve *s, struct error *e)
{
    uint64_t prompt = 0, output = 0, own = 0;
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        if (is_own(s, i, s->drawn.items[i].tenant)) {
            own++;
            prompt += s->drawn.items[i].prompt_tokens;
            output += s->drawn.items[i].output_tokens;
        }
    }
    s->number = error_calloc(e, own + 1, sizeof *s->number, "requests");
    s->requests = s->number ? error_calloc(e, own + 1, sizeof *s->requests, "requests") : NULL;
    s->prompts = s->requests ? error_calloc(e, prompt + 1, sizeof *s->prompts, "prompts") : NULL;
    s->generated = s->prompts ? error_calloc(e, output + 1, sizeof *s->generated, "generated tokens") : NULL;
    s->generated_at = s->generated ? error_calloc(e, output + 1, sizeof *s->generated_at, "generated tokens") : NULL;
    return s->generated_at != NULL;
}

/* Prompts are random tokens, behind the begin-of-text token where the model has one. prompt NULL: they are another card's, drawn and forgotten. */
static void draw_prompt(const struct serve *s, struct random *random, int32_t *prompt, uint32_t n)
{
    for (uint32_t i = 0; i < n && s->workload->values; i++) {
        int32_t token = (int32_t)((random_next(random) >> 32) * (uint64_t)s->image.model.shape.n_vocab >> 32);
        if (prompt) {
            prompt[i] = i == 0 && s->image.vocab.add_bos ? s->image.vocab.bos : token;
        }
    }
}

static struct request make_request(const struct serve *s, const struct workload_request *from, uint32_t number)
{
    int32_t adapter = s->workload->tenants[from->tenant].adapter;
    struct request r = {.arrives_at = from->arrives_at,
                        .n_prompt = (int32_t)from->prompt_tokens,
                        .n_generate = (int32_t)from->output_tokens,
                        .adapter = adapter >= 0 ? s->chip_index[adapter] : -1,
                        .stop_token = -1};
    sampling_make(0, 1, &r.sampling);
    random_seed(&r.random, s->workload->seed, number);
    return r;
}

/* The workload's requests are drawn all, whoever serves them; those of this card are kept. */
static bool make_requests(struct serve *s, struct error *e)
{
    const struct workload *w = s->workload;
    struct random random;
    if (!workload_draw(w, s->config.clock_mhz, s->config.kv_context_tokens, &s->drawn, e) || !room_for_tokens(s, e)) {
        return false;
    }
    random_seed(&random, w->seed, STREAM_PROMPTS);
    uint64_t prompt = 0, output = 0;
    uint32_t own = 0, clipped = 0;
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        const struct workload_request from = s->drawn.items[i];
        bool mine = is_own(s, i, from.tenant);
        draw_prompt(s, &random, mine ? &s->prompts[prompt] : NULL, from.prompt_tokens);
        if (mine) {
            s->requests[own] = make_request(s, &from, i);
            s->requests[own].prompt = &s->prompts[prompt];
            s->requests[own].generated = &s->generated[output];
            s->requests[own].generated_at = &s->generated_at[output];
            s->number[own] = i;
            s->drawn.items[own++] = from;
            prompt += from.prompt_tokens;
            output += from.output_tokens;
            clipped += from.clipped;
        }
    }
    s->drawn.count = own;
    s->drawn.clipped = clipped;
    return true;
}

/* --- incidents --- */

static int by_cycle(const void *a, const void *b)
{
    const struct incident *x = a, *y = b;
    const int64_t keys[][2] = {{(int64_t)x->at, (int64_t)y->at},
                               {x->kind, y->kind},
                               {x->adapter, y->adapter},
                               {x->version, y->version},
                               {x->layer, y->layer},
                               {x->count, y->count},
                               {x->part, y->part}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i][0] != keys[i][1]) {
            return keys[i][0] < keys[i][1] ? -1 : 1;
        }
    }
    return 0;
}

static bool set_incidents(struct serve *s, struct error *e)
{
    const struct workload *w = s->workload;
    s->incidents = error_calloc(e, (size_t)w->n_incidents + 1, sizeof *s->incidents, "incidents");
    for (uint32_t i = 0; s->incidents && i < w->n_incidents; i++) {
        s->incidents[i] = w->incidents[i].what;
        s->incidents[i].at = (cycle_t)(w->incidents[i].at_us * s->config.clock_mhz);
        if (s->incidents[i].adapter >= 0) {
            s->incidents[i].adapter = s->chip_index[w->incidents[i].what.adapter];
            s->incidents[i].version = s->chip_index[w->incidents[i].what.version];
        }
        if (s->incidents[i].layer == INCIDENT_AT_HEAD) {
            s->incidents[i].layer = s->chip->shape.n_layers;
        }
    }
    if (!s->incidents || w->n_incidents == 0) {
        return s->incidents != NULL;
    }
    qsort(s->incidents, w->n_incidents, sizeof *s->incidents, by_cycle);
    s->chip->sequencer.drops = true;
    return chip_set_incidents(s->chip, s->incidents, w->n_incidents, w->seed, e);
}

static bool make_chip(struct serve *s, struct error *e)
{
    const struct workload *w = s->workload;
    if (serve_cards(s) > 1 && w->n_incidents) {
        return error_input(e, "%.300s: incidents: expected a card alone, found server.cards %" PRIu32, w->file, s->config.server_cards);
    }
    return s->drawn.count == 0 || (chip_new(&s->config, &s->image.model, w->values, s->adapters, (uint32_t)s->n_adapters, s->requests,
                                            s->drawn.count, s->trace, &s->chip, e) &&
                                   set_incidents(s, e));
}

bool serve_open(const struct workload *workload, const struct serve_options *options, struct serve *s, struct error *e)
{
    double start = seconds_now();
    *s = (struct serve){.workload = workload, .options = *options, .trace = options->without_trace ? NULL : trace_new()};
    threads_set(options->threads);
    bool good = open_model(s, e) && load_adapters(s, e) && make_requests(s, e) && make_chip(s, e);
    if (!good) {
        serve_close(s);
        return false;
    }
    s->setup_seconds = seconds_now() - start;
    return true;
}

/* --- running and checking --- */

/* In = done + queued + running, each load belongs to one request, and a request's accounts are its time. */
static bool check_sums(const struct serve *s, struct error *e)
{
    const struct sequencer *q = &s->chip->sequencer;
    uint64_t done = 0, dropped = 0, hits = 0, loads = 0, unbooked = 0;
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        const struct request *r = &s->requests[i];
        uint64_t booked = 0;
        for (int p = 0; p < PLACES; p++) {
            booked += r->account_cycles[p];
        }
        unbooked += booked != r->done_at - r->arrives_at;
        done += r->state == REQUEST_DONE && r->n_generated == r->n_generate;
        dropped += r->state == REQUEST_DROPPED;
        hits += r->adapter_hit;
        loads += r->adapter_load;
    }
    if (done + dropped != s->drawn.count || q->n_done != done || q->n_dropped != dropped || q->queue.length != 0) {
        return error_check(e, "%" PRIu32 " requests went in, %" PRIu64 " came out whole, %" PRIu64 " were dropped, %" PRIu32 " are queued",
                           s->drawn.count, done, dropped, q->queue.length);
    }
    if (hits + q->slots.n_dropped_hits != q->slots.hits || loads + q->slots.n_dropped_loads != q->slots.loads) {
        return error_check(e, "requests had %" PRIu64 " hits and %" PRIu64 " loads, the slots %" PRIu64 " and %" PRIu64, hits, loads,
                           q->slots.hits, q->slots.loads);
    }
    return unbooked == 0 || error_check(e, "%" PRIu64 " requests whose places do not add up to their time", unbooked);
}

bool serve_execute(struct serve *s, struct error *e)
{
    const struct serve_options *o = &s->options;
    struct trace_files files;
    if (!s->chip) {
        return true;
    }
    bool opened = trace_files_open(&files, o->trace_events, o->trace_perfetto, o->folder, s->chip, e), good = opened;
    if (opened) {
        double start = seconds_now();
        good = chip_run(s->chip, o->engine, e);
        s->run_seconds = seconds_now() - start;
        if (!good && !s->chip->stop) { /* a deadlock */
            chip_print_state(s->chip, stderr);
        }
    }
    return trace_files_close(&files, opened, good, e) && check_sums(s, e);
}

void serve_close(struct serve *s)
{
    chip_free(s->chip);
    trace_free(s->trace);
    free(s->number);
    free(s->requests);
    free(s->prompts);
    free(s->generated);
    free(s->generated_at);
    workload_requests_free(&s->drawn);
    for (int32_t i = 0; s->adapters && i < s->n_adapters; i++) {
        adapter_free(&s->adapters[i]);
    }
    free(s->adapters);
    free(s->chip_index);
    free(s->incidents);
    image_close(&s->image);
    *s = (struct serve){0};
}
