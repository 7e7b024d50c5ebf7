#include "sim/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/version.h"
#include "traces/trace.h"

static _Thread_local char last_error[sizeof((struct error *)0)->message];

int api_fail(const struct error *e)
{
    memcpy(last_error, e->message, sizeof last_error);
    return e->code == EXIT_CODE_CHECK ? ETCHSIM_CHECK : ETCHSIM_INPUT;
}

const char *etchsim_version(void)
{
    return ETCHSIM_VERSION;
}

const char *etchsim_error(void)
{
    return last_error;
}

/* -- opening -- */

enum { REQUESTS_DEFAULT = 1024, ADAPTERS_DEFAULT = 16, MOST = 1 << 20 };

static bool load_config(etchsim_chip *c, const struct etchsim_options *o, struct error *e)
{
    if (o->requests_max > MOST || o->adapters_max > MOST) {
        return error_input(e, "requests_max %u, adapters_max %u: expected at most %d", o->requests_max, o->adapters_max, MOST);
    }
    if (!config_load(o->chip ? o->chip : "sample", &c->config, e)) {
        return false;
    }
    for (unsigned i = 0; i < o->n_set; i++) {
        if (!config_set(&c->config, o->set[i], e)) {
            return false;
        }
    }
    return true;
}

static bool load_model(etchsim_chip *c, const char *model, struct error *e)
{
    if (!(c->values ? image_open_model(model, NULL, &c->image, e) : image_open_shape(model, NULL, &c->image, e))) {
        return false;
    }
    bool text = c->image.vocab.n_tokens > 0;
    return !text || tokenizer_open(&c->image.vocab, &c->tokenizer, e);
}

/* Requests that never arrive, until they are asked. */
static bool make_requests(etchsim_chip *c, uint32_t requests_max, struct error *e)
{
    c->requests_max = requests_max ? requests_max : REQUESTS_DEFAULT;
    c->requests = error_calloc(e, c->requests_max, sizeof *c->requests, "requests");
    for (uint32_t i = 0; c->requests && i < c->requests_max; i++) {
        c->requests[i] = (struct request){
            .arrives_at = NEVER, .prompt = &c->placeholder, .n_prompt = 1, .n_generate = 1, .adapter = -1, .stop_token = -1};
        sampling_make(0, 1, &c->requests[i].sampling);
    }
    return c->requests != NULL;
}

static void on_token(void *context, const struct request *request)
{
    etchsim_chip *c = context;
    (void)request;
    c->n_tokens++;
    c->chip->pause = true;
}

/* One that was asked: its prompt is a copy of ours. */
static void free_request(const struct request *r)
{
    free((int32_t *)r->prompt);
    free(r->generated);
    free(r->generated_at);
}

int etchsim_open(const struct etchsim_options *options, etchsim_chip **chip)
{
    struct error e;
    etchsim_chip *c = error_calloc(&e, 1, sizeof *c, "a chip");
    if (!c) {
        return api_fail(&e);
    }
    c->values = !options->timing_only;
    c->trace = trace_new();
    bool good = load_config(c, options, &e) && load_model(c, options->model ? options->model : config_model(&c->config), &e) &&
                make_requests(c, options->requests_max, &e) &&
                api_adapters_open(c, options->adapters_max ? options->adapters_max : ADAPTERS_DEFAULT, &e) &&
                chip_new(&c->config, &c->image.model, c->values, c->adapters, c->adapters_max, c->requests, c->requests_max, c->trace,
                         &c->chip, &e);
    if (!good) {
        etchsim_close(c);
        return api_fail(&e);
    }
    api_adapters_hook(c);
    c->chip->sequencer.on_token = on_token;
    c->chip->sequencer.context = c;
    *chip = c;
    return ETCHSIM_GOOD;
}

void etchsim_close(etchsim_chip *c)
{
    if (!c) {
        return;
    }
    chip_free(c->chip);
    trace_free(c->trace);
    for (uint32_t i = 0; i < c->n_asked; i++) {
        free_request(&c->requests[i]);
    }
    free(c->requests);
    api_adapters_close(c);
    tokenizer_close(c->tokenizer);
    image_close(&c->image);
    free(c);
}

void etchsim_facts(const etchsim_chip *c, struct etchsim_facts *facts)
{
    *facts = (struct etchsim_facts){.clock_mhz = c->config.clock_mhz,
                                    .n_layers = (uint32_t)c->chip->shape.n_layers,
                                    .n_vocab = (uint32_t)c->chip->shape.n_vocab,
                                    .context_tokens = c->config.kv_context_tokens,
                                    .sequences = c->config.kv_sequences,
                                    .slots = c->config.slots_count,
                                    .requests_max = c->requests_max,
                                    .adapters_max = c->adapters_max,
                                    .end_token = c->tokenizer ? c->image.vocab.eos : -1};
}

/* -- text -- */

static bool has_text(const etchsim_chip *c, struct error *e)
{
    return c->tokenizer || error_input(e, "this model has no vocabulary: expected token ids");
}

int etchsim_encode(etchsim_chip *c, const char *text, int32_t *ids, size_t room, size_t *n)
{
    struct error e;
    struct token_ids all = {0};
    if (!has_text(c, &e) || !tokenizer_encode(c->tokenizer, text, strlen(text), c->image.vocab.add_bos, &all, &e)) {
        return api_fail(&e);
    }
    *n = (size_t)all.count;
    if (*n && room) {
        memcpy(ids, all.ids, (*n < room ? *n : room) * sizeof *ids);
    }
    free(all.ids);
    return ETCHSIM_GOOD;
}

int etchsim_decode(etchsim_chip *c, const int32_t *ids, size_t n_ids, char *text, size_t room, size_t *n)
{
    struct error e;
    if (!has_text(c, &e)) {
        return api_fail(&e);
    }
    *n = 0;
    for (size_t i = 0; i < n_ids; i++) {
        if (ids[i] < 0 || ids[i] >= c->chip->shape.n_vocab) {
            error_input(&e, "token %" PRId32 ": expected 0 to %" PRId32, ids[i], c->chip->shape.n_vocab - 1);
            return api_fail(&e);
        }
        *n += tokenizer_decode(c->tokenizer, ids[i], *n < room ? text + *n : NULL, *n < room ? room - *n : 0);
    }
    if (*n < room) {
        text[*n] = '\0';
    }
    return ETCHSIM_GOOD;
}

/* -- requests -- */

static bool check_request(const etchsim_chip *c, const struct etchsim_request *r, struct error *e)
{
    int32_t n_vocab = c->chip->shape.n_vocab;
    if (c->n_asked == c->requests_max) {
        return error_input(e, "%" PRIu32 " requests were asked already: expected at most requests_max", c->n_asked);
    }
    if (r->n_prompt < 1 || r->n_generate < 1 || r->n_prompt > INT32_MAX || r->n_generate > INT32_MAX) {
        return error_input(e, "a prompt of %" PRIu32 " tokens, %" PRIu32 " to generate: expected at least 1 of both", r->n_prompt,
                           r->n_generate);
    }
    if (r->adapter < -1 || r->adapter >= (int32_t)c->n_adapters) {
        return error_input(e, "adapter %" PRId32 ": expected -1 or one of the %" PRIu32 " that are known", r->adapter, c->n_adapters);
    }
    for (uint32_t i = 0; i < r->n_prompt; i++) {
        if (r->prompt[i] < 0 || r->prompt[i] >= n_vocab) {
            return error_input(e, "token %" PRIu32 " of the prompt is %" PRId32 ": expected 0 to %" PRId32, i, r->prompt[i], n_vocab - 1);
        }
    }
    if (!(r->temperature >= 0 && r->temperature <= 100 && r->top_p >= 0 && r->top_p <= 1)) {
        return error_input(e, "temperature %g, top_p %g: expected 0 to 100, 0 to 1", r->temperature, r->top_p);
    }
    return chip_check_context(&c->config, (int32_t)r->n_prompt, (int32_t)r->n_generate, e);
}

static bool is_over(const etchsim_chip *c, struct error *e)
{
    if (c->chip->stop) {
        *e = c->chip->failure;
        return true;
    }
    return c->closed && !error_input(e, "the run is over: its trace was closed");
}

int etchsim_ask(etchsim_chip *c, const struct etchsim_request *asked, unsigned *number)
{
    struct error e;
    if (is_over(c, &e) || !check_request(c, asked, &e)) {
        return api_fail(&e);
    }
    struct request r = {.arrives_at = c->chip->now,
                        .n_prompt = (int32_t)asked->n_prompt,
                        .n_generate = (int32_t)asked->n_generate,
                        .adapter = asked->adapter,
                        .stop_token = c->values ? asked->stop_token : -1,
                        .generated = error_calloc(&e, asked->n_generate, sizeof *r.generated, "generated tokens"),
                        .generated_at = error_calloc(&e, asked->n_generate, sizeof *r.generated_at, "generated tokens")};
    int32_t *prompt = error_calloc(&e, asked->n_prompt, sizeof *prompt, "a prompt");
    if (!r.generated || !r.generated_at || !prompt) {
        free_request(&(struct request){.prompt = prompt, .generated = r.generated, .generated_at = r.generated_at});
        return api_fail(&e);
    }
    memcpy(prompt, asked->prompt, asked->n_prompt * sizeof *prompt);
    r.prompt = prompt;
    sampling_make(asked->temperature, asked->top_p, &r.sampling);
    random_seed(&r.random, asked->seed, 0);
    struct request *place = &c->requests[c->n_asked], unknown = *place;
    *place = r;
    if (!chip_request_known(c->chip, c->n_asked, &e)) {
        *place = unknown;
        free_request(&r);
        return api_fail(&e);
    }
    *number = c->n_asked++;
    return ETCHSIM_GOOD;
}

int etchsim_answer(const etchsim_chip *c, unsigned number, struct etchsim_answer *answer)
{
    static const enum etchsim_state states[] = {[REQUEST_QUEUED] = ETCHSIM_QUEUED,
                                                [REQUEST_LOADING] = ETCHSIM_LOADING,
                                                [REQUEST_RUNNING] = ETCHSIM_RUNNING,
                                                [REQUEST_DONE] = ETCHSIM_DONE,
                                                [REQUEST_DROPPED] = ETCHSIM_DONE};
    if (number >= c->n_asked) {
        struct error e;
        error_input(&e, "request %u: expected one of the %" PRIu32 " that were asked", number, c->n_asked);
        return api_fail(&e);
    }
    const struct request *r = &c->requests[number];
    *answer = (struct etchsim_answer){.state = states[r->state],
                                      .n_tokens = (uint32_t)r->n_generated,
                                      .tokens = r->generated,
                                      .token_cycles = r->generated_at,
                                      .asked = r->arrives_at,
                                      .started = r->started_at,
                                      .load_requested = r->load_requested_at,
                                      .loaded = r->loaded_at,
                                      .done = r->done_at};
    return ETCHSIM_GOOD;
}

/* -- time -- */

static bool all_done(const etchsim_chip *c)
{
    return c->chip->sequencer.n_done == c->n_asked;
}

/* Requests are left, nothing will happen by itself, and nobody outside owes a slice. */
static bool deadlock(const etchsim_chip *c)
{
    return !all_done(c) && chip_next(c->chip) == NEVER && !c->chip->host_port.waits;
}

int etchsim_advance(etchsim_chip *c, uint64_t until)
{
    struct error e;
    struct chip *chip = c->chip;
    if (is_over(c, &e)) {
        return api_fail(&e);
    }
    if (!chip_advance(chip, until, &e)) {
        return api_fail(&e);
    }
    if (chip->stop) {
        return api_fail(&chip->failure);
    }
    if (deadlock(c)) {
        error_check(&chip->failure,
                    "deadlock at cycle %" PRIu64 ": no unit will ever do anything again, %" PRIu32 " of %" PRIu32 " requests done",
                    chip->now - 1, chip->sequencer.n_done, c->n_asked);
        chip->stop = true;
        return api_fail(&chip->failure);
    }
    if (!chip->pause && until != NEVER && until > chip->now) {
        chip->now = until;
    }
    return ETCHSIM_GOOD;
}

int etchsim_run(etchsim_chip *c)
{
    int code = ETCHSIM_GOOD;
    while (code == ETCHSIM_GOOD && !all_done(c) && !c->chip->host_port.waits) {
        code = etchsim_advance(c, NEVER);
    }
    return code;
}

uint64_t etchsim_now(const etchsim_chip *c)
{
    return c->chip->now;
}

uint64_t etchsim_next(const etchsim_chip *c)
{
    cycle_t next = c->chip->stop || c->closed ? NEVER : chip_next(c->chip);
    return next < c->chip->now ? c->chip->now : next;
}

/* -- counters -- */

void etchsim_counters(const etchsim_chip *c, struct etchsim_counters *counters)
{
    const struct sequencer *u = &c->chip->sequencer;
    *counters = (struct etchsim_counters){.cycles = c->chip->now,
                                          .tokens = c->n_tokens,
                                          .requests_asked = c->n_asked,
                                          .requests_done = u->n_done,
                                          .slot_hits = u->slots.hits,
                                          .slot_loads = u->slots.loads,
                                          .slot_evictions = u->slots.evictions,
                                          .load_bytes = c->chip->host_port.bytes};
}

int etchsim_slot(const etchsim_chip *c, unsigned slot, struct etchsim_slot *contents)
{
    static const enum etchsim_slot_state states[] = {
        [SLOT_FREE] = ETCHSIM_SLOT_FREE, [SLOT_LOADING] = ETCHSIM_SLOT_LOADING, [SLOT_LIVE] = ETCHSIM_SLOT_LIVE};
    const struct slots *slots = &c->chip->sequencer.slots;
    if (slot >= slots->count) {
        struct error e;
        error_input(&e, "slot %u: expected one of %" PRIu32, slot, slots->count);
        return api_fail(&e);
    }
    const struct slot *s = &slots->slot[slot];
    *contents = (struct etchsim_slot){states[s->state], s->adapter, s->users, s->loads};
    return ETCHSIM_GOOD;
}

int etchsim_trace_hash(etchsim_chip *c, uint64_t *hash)
{
    struct error e;
    if (!c->closed) {
        chip_close(c->chip, &e);
        c->closed = true;
    }
    *hash = trace_hash(c->trace);
    return ETCHSIM_GOOD;
}
