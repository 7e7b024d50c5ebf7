/* Flipped bits of weights, scales and KV rows under a served workload: who is given them, and what tokens come of them, against the model without a clock. */
#include <stdlib.h>
#include <string.h>

#include "kernels/ref.h"
#include "sim/serve.h"
#include "tests/order/random_run.h"

/* Two adapters and the base model, one flip; `ecc` a value of sram.ecc. */
static bool serve(const char *incident, const char *ecc, uint32_t seed, enum engine engine, struct workload *w, struct serve *s)
{
    struct error e;
    struct serve_options o = {.engine = engine};
    char text[1000];
    snprintf(
        text, sizeof text,
        "chip: sample\nmodel: sample\nset: {sram.ecc: %s}\nvalues: true\nseed: %u\nrequests: 9\nadapters:\n  files: [clinical, contract]\n"
        "tenants:\n  - {name: a, adapter: clinical}\n  - {name: b, adapter: contract}\n  - {name: c, adapter: none}\n"
        "incidents: [%s]\narrivals: at_once\npopularity: uniform\nprompt_tokens: 6\noutput_tokens: 24\n",
        ecc, seed, incident);
    if (!CHECK_GOOD(workload_parse(text, strlen(text), "test.yaml", w, &e), &e)) {
        return false;
    }
    if (!CHECK_GOOD(serve_open(w, &o, s, &e), &e)) {
        workload_free(w);
        return false;
    }
    if (!CHECK_GOOD(serve_execute(s, &e), &e)) {
        serve_close(s);
        workload_free(w);
        return false;
    }
    return true;
}

static void finish(struct workload *w, struct serve *s)
{
    serve_close(s);
    workload_free(w);
}

/* How many of a request's tokens are those of the model without a clock, fed with them, whose bits flip before the token at position `flip`. */
static int32_t equal_tokens(const struct serve *s, uint32_t index, int32_t flip)
{
    const struct request *r = &s->requests[index];
    const struct model *model = &s->image.model;
    const struct damage *d = &s->chip->sequencer.damage[0];
    struct ref *ref = ref_new(model, (int32_t)s->config.kv_context_tokens);
    struct acc logits = {calloc((size_t)model->shape.n_vocab, sizeof(int64_t)), model->shape.n_vocab, 0};
    void *scratch = malloc(k_sample_scratch(model->shape.n_vocab));
    const struct adapter *adapter = r->version >= 0 ? &s->adapters[r->version] : NULL;
    struct random random = {0};
    int32_t equal = 0;
    for (int32_t position = 0; equal < r->n_generated; position++) {
        if (position == flip && s->incidents[0].part == FLIP_KV) {
            damage_kv(ref_kv(ref, d->layer), d->row, (uint32_t)(model->shape.n_kv_heads * model->shape.head_dim), d->bits, d->draw);
        } else if (position == flip) {
            adapter = d->adapter;
        }
        ref_forward(ref, adapter, position < r->n_prompt ? r->prompt[position] : r->generated[position - r->n_prompt], position, &logits);
        if (position + 1 < r->n_prompt) {
            continue;
        }
        if (k_sample(&r->sampling, &random, &logits, scratch) != r->generated[equal]) {
            break;
        }
        equal++;
    }
    free(logits.m);
    free(scratch);
    ref_free(ref);
    return equal;
}

static bool same_as_flipped_somewhere(const struct serve *s, uint32_t index)
{
    const struct request *r = &s->requests[index];
    for (int32_t flip = 0; flip < r->n_prompt + r->n_generated; flip++) {
        if (equal_tokens(s, index, flip) == r->n_generated) {
            return true;
        }
    }
    return false;
}

/* Who was not given the bits has the model's own tokens, who was has those of the model whose bits flip between two of its positions. Returns how many of these
 * differ. */
static int check_flipped(const struct serve *s)
{
    const struct sequencer *u = &s->chip->sequencer;
    const bool kv = s->incidents[0].part == FLIP_KV;
    int flipped = 0, changed = 0;
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        const struct request *r = &s->requests[i];
        const bool same = equal_tokens(s, i, -1) == r->n_generated;
        if (r->flipped_tokens == 0) {
            CHECK(same);
        } else {
            flipped++;
            changed += !same;
            CHECK_EQ_INT(r->adapter, s->incidents[0].adapter);
            CHECK(same_as_flipped_somewhere(s, i));
        }
    }
    CHECK(kv ? (uint64_t)flipped == u->seen.kv_flips : flipped >= 1);
    CHECK(u->seen.happened[INCIDENT_FLIP] == (kv ? u->seen.kv_flips : 1) && u->seen.kv_flips <= kv);
    CHECK_EQ_UINT(u->seen.detections, 0);
    return changed;
}

static void without_ecc_the_tokens_are_those_of_the_flipped_bits(void)
{
    static const char *const incidents[] = {
        "{at_us: 60, flip: clinical, layer: 1, bits: 2}",           "{at_us: 60, flip: clinical, layer: 1, bits: 2, part: scales}",
        "{at_us: 60, flip: contract, layer: 0, part: scales}",      "{at_us: 60, flip: clinical, layer: 0, bits: 3, part: kv}",
        "{at_us: 80, flip: contract, layer: 2, bits: 3, part: kv}", "{at_us: 60, flip: none, layer: 1, bits: 3, part: kv}"};
    int changed[FLIP_PARTS] = {0};
    for (uint32_t k = 0; k < 6 * sizeof incidents / sizeof *incidents; k++) {
        const char *incident = incidents[k / 6];
        struct workload w;
        struct serve s, step;
        if (!serve(incident, "none", 1 + k, ENGINE_SKIP, &w, &s)) {
            continue;
        }
        changed[s.incidents[0].part] += check_flipped(&s);
        const uint64_t cycles = s.chip->now, hash = trace_hash(s.trace);
        finish(&w, &s);
        if (k % 6 == 0 && serve(incident, "none", 1 + k, ENGINE_STEP, &w, &step)) {
            CHECK_EQ_UINT(step.chip->now, cycles);
            CHECK_EQ_UINT(trace_hash(step.trace), hash);
            finish(&w, &step);
        }
    }
    printf("\n    requests with other tokens: %d by weights, %d by scales, %d by KV rows ", changed[0], changed[1], changed[2]);
    CHECK(changed[FLIP_WEIGHTS] > 3 && changed[FLIP_SCALES] > 3 && changed[FLIP_KV] > 3);
}

/* Corrected: the run is that without a flip, to the cycle. Noticed: the request with the KV cache alone restarts, and no slot is loaded again. */
static void ecc_keeps_the_tokens(void)
{
    static const char *const who[] = {"clinical", "contract", "none"};
    struct error e;
    for (int k = 0; k < 3; k++) {
        for (int bits = 1; bits <= 2; bits++) {
            struct workload w;
            struct serve s;
            struct serve_verified v;
            char incident[100];
            snprintf(incident, sizeof incident, "{at_us: 60, flip: %s, layer: 1, bits: %d, part: kv}", who[k], bits);
            if (!serve(incident, "secded", 3, ENGINE_SKIP, &w, &s)) {
                continue;
            }
            uint32_t restarts = 0;
            for (uint32_t i = 0; i < s.drawn.count; i++) {
                CHECK_EQ_INT(equal_tokens(&s, i, -1), s.requests[i].n_generated);
                CHECK(s.requests[i].restarts == 0 || s.requests[i].adapter == s.incidents[0].adapter);
                restarts += s.requests[i].restarts;
            }
            CHECK(CHECK_GOOD(serve_verify(&s, &v, &e), &e) && v.flipped_requests == 0);
            CHECK_EQ_UINT(s.chip->layers[1].attention.corrected > 0, bits == 1);
            CHECK_EQ_UINT(restarts, bits == 2);
            CHECK_EQ_UINT(s.chip->sequencer.seen.detections > 0, bits == 2);
            CHECK_EQ_UINT(s.chip->sequencer.slots.renewals, 0);
            const uint64_t cycles = s.chip->now, hash = trace_hash(s.trace);
            finish(&w, &s);
            if (bits == 1 && serve("{at_us: 1000000, unload: clinical}", "secded", 3, ENGINE_SKIP, &w, &s)) {
                CHECK_EQ_UINT(s.chip->now, cycles);
                CHECK_EQ_UINT(trace_hash(s.trace), hash);
                finish(&w, &s);
            }
        }
    }
}

/* The first request alone, one token of prompt, on a chip of its own. Returns how many of its tokens read flipped bits. */
static uint32_t lone_request(const struct random_run *run, const struct incident *flip, uint64_t seed, cycle_t generated_at[24],
                             uint32_t *row)
{
    struct chip *chip = NULL;
    struct error e;
    int32_t generated[24];
    struct request r = run->requests[0];
    r.prompt = run->prompt;
    r.n_prompt = 1;
    r.n_generate = 24;
    r.adapter = -1;
    r.generated = generated;
    r.generated_at = generated_at;
    if (CHECK_GOOD(chip_new(&run->config, &run->random.model, false, run->random.adapters, (uint32_t)run->random.n_adapters, &r, 1, NULL,
                            &chip, &e),
                   &e) &&
        (!flip || CHECK_GOOD(chip_set_incidents(chip, flip, 1, seed, &e), &e))) {
        CHECK_GOOD(chip_run(chip, ENGINE_SKIP, &e), &e);
        *row = flip ? chip->sequencer.damage[0].row : 0;
    }
    chip_free(chip);
    return r.flipped_tokens;
}

/* Bits of one of the first 12 rows flip while position 12 is about to be issued: positions 12 to 23 read it in a layer without a window, else those whose window reaches
 * back to it. */
static void tokens_beyond_the_window_do_not_read_the_row(void)
{
    int all = 0, some = 0, none = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct random_run run;
        random_run_make(&run, seed * ARCHITECTURE_COUNT + ARCHITECTURE_GEMMA3);
        const struct shape *s = &run.random.model.shape;
        run.config.sram_ecc = ECC_NONE;
        cycle_t generated_at[24] = {0};
        uint32_t row = 0;
        lone_request(&run, NULL, 0, generated_at, &row);
        struct incident flip = {.at = generated_at[11], .kind = INCIDENT_FLIP, .part = FLIP_KV, .adapter = -1, .count = 1};
        flip.layer = (int32_t)(seed % (uint64_t)s->n_layers);
        const uint32_t read = lone_request(&run, &flip, seed, generated_at, &row);
        const int32_t last = shape_is_local(s, flip.layer) ? (int32_t)row + s->window_tokens - 1 : 23;
        const int32_t expected = last < 12 ? 0 : (last < 23 ? last : 23) - 11;
        CHECK_EQ_UINT(row, seed % 12);
        CHECK_EQ_INT((int32_t)read, expected);
        none += expected == 0;
        some += expected > 0 && expected < 12;
        all += expected == 12;
        random_run_free(&run);
    }
    CHECK(all > 0 && some > 0 && none > 0);
}

void suite_flips(void);
void suite_flips(void)
{
    suite_begin("flips");
    suite_add("without ECC the tokens are those of the flipped bits, of who reads them alone",
              without_ecc_the_tokens_are_those_of_the_flipped_bits);
    suite_add("tokens whose window does not reach back to the row do not read it", tokens_beyond_the_window_do_not_read_the_row);
    suite_add("ECC keeps the tokens, corrected or computed anew", ecc_keeps_the_tokens);
}
