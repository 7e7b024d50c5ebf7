/* Does the clocked chip compute what the model computes? Tokens of the sample model out of the chip against the timeless reference, on every preset, alone
 * and among others, with and without adapters, greedy and sampled; and the same trace from both engines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ref.h"
#include "sim/engine_systemc.h"
#include "sim/run.h"
#include "tests/unit/check.h"

static const char *const chips[] = {"sample", "sample-lean", "sample-wide"};
static const char *const adapters[] = {"clinical", "none", "contract", "support"};
enum { N_CHIPS = 3, N_ADAPTERS = 4, TOKENS = 40, CONTEXT = 512 };

static struct run_options options_for(const char *chip)
{
    static const char prompt[] = "On Monday morning";
    return (struct run_options){.chip = chip,
                                .model = "sample",
                                .prompt = prompt,
                                .prompt_bytes = sizeof prompt - 1,
                                .tokens = TOKENS,
                                .sequences = 1,
                                .seed = 7,
                                .top_p = 1,
                                .engine = ENGINE_SKIP};
}

/* The reference's answer to a request, computed without a clock. */
static void reference(const struct run *run, const struct request *r, uint64_t seed, uint64_t stream, int32_t *generated, int32_t *count)
{
    const struct model *model = &run->image.model;
    struct ref *ref = ref_new(model, CONTEXT);
    struct acc logits = {calloc((size_t)model->shape.n_vocab, sizeof(int64_t)), model->shape.n_vocab, 0};
    void *scratch = malloc(k_sample_scratch(model->shape.n_vocab));
    const struct adapter *adapter = r->adapter >= 0 ? &run->adapters[r->adapter] : NULL;
    struct random random;
    random_seed(&random, seed, stream);
    *count = 0;
    for (int32_t position = 0; *count < r->n_generate; position++) {
        bool prompt = position + 1 < r->n_prompt;
        ref_forward(ref, adapter, position < r->n_prompt ? r->prompt[position] : generated[*count - 1], position, prompt ? NULL : &logits);
        if (!prompt) {
            generated[(*count)++] = k_sample(&r->sampling, &random, &logits, scratch);
            if (generated[*count - 1] == r->stop_token) {
                break;
            }
        }
    }
    free(logits.m);
    free(scratch);
    ref_free(ref);
}

static bool equals_reference(const struct run *run)
{
    uint32_t kinds = run->options.n_adapters ? (uint32_t)run->options.n_adapters : 1;
    bool equal = true;
    for (uint32_t i = 0; i < run->n_requests; i++) {
        const struct request *r = &run->requests[i];
        int32_t expected[TOKENS] = {0}, count = 0;
        reference(run, r, run->options.seed, i / kinds, expected, &count);
        equal = CHECK_EQ_INT(r->n_generated, count) && equal;
        equal = CHECK_EQ_BYTES(r->generated, expected, (size_t)count * sizeof *expected) && equal;
    }
    return equal;
}

struct result {
    uint64_t hash, cycles;
};

/* Runs, compares with the reference if the run has values, and gives what must be equal between engines. */
static struct result execute(const struct run_options *options)
{
    struct run run;
    struct error e = {0};
    struct result result = {0};
    if (!CHECK_GOOD(run_open(options, &run, &e), &e)) {
        return result;
    }
    if (CHECK_GOOD(run_execute(&run, &e), &e)) {
        CHECK(options->timing_only || equals_reference(&run));
        result = (struct result){trace_hash(run.trace), run.chip->now};
    }
    run_close(&run);
    return result;
}

/* All engines; the chip's tokens are the reference's in each. */
static void check(struct run_options options)
{
    options.engine = ENGINE_SKIP;
    struct result skip = execute(&options);
    options.engine = ENGINE_STEP;
    struct result step = execute(&options);
    CHECK_EQ_UINT(step.hash, skip.hash);
    CHECK_EQ_UINT(step.cycles, skip.cycles);
    options.engine = ENGINE_SYSTEMC;
    struct error absent;
    if (engine_systemc_there(&absent)) {
        struct result systemc = execute(&options);
        CHECK_EQ_UINT(systemc.hash, skip.hash);
        CHECK_EQ_UINT(systemc.cycles, skip.cycles);
    }
}

static void base_on_every_preset(void)
{
    for (int i = 0; i < N_CHIPS; i++) {
        check(options_for(chips[i]));
    }
}

static void adapters_on_every_preset(void)
{
    for (int i = 0; i < N_CHIPS; i++) {
        struct run_options options = options_for(chips[i]);
        options.adapters = adapters;
        options.n_adapters = N_ADAPTERS;
        check(options);
    }
}

/* More in flight than layers, each sequence with its own KV, adapter slot and random numbers; the prompt's tokens overlap. */
static void many_sequences_in_flight(void)
{
    struct run_options options = options_for("sample");
    options.adapters = adapters;
    options.n_adapters = N_ADAPTERS;
    options.sequences = 3;
    options.temperature = 0.9;
    options.top_p = 0.95;
    check(options);
}

/* More requests than KV caches and more adapters than slots: they wait, slots are reloaded, answers stay the same. */
static void requests_wait_for_kv_and_slots(void)
{
    static const char *const set[] = {"kv.sequences=2", "slots.count=1"};
    struct run_options options = options_for("sample");
    options.adapters = adapters;
    options.n_adapters = N_ADAPTERS;
    options.sequences = 2;
    options.set = set;
    options.n_set = 2;
    check(options);
}

/* Three adapters take turns on two slots: what is loaded, evicted and found again follows from first come, first served and least recently used. */
static void slots_are_shared_least_recently_used_first(void)
{
    static const char *const set[] = {"kv.sequences=1", "slots.count=2"};
    static const char *const three[] = {"clinical", "contract", "support"};
    struct run_options options = options_for("sample");
    options.adapters = three;
    options.n_adapters = 3;
    options.sequences = 2;
    options.tokens = 2;
    options.set = set;
    options.n_set = 2;
    struct run run;
    struct error e = {0};
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    static const int32_t order[] = {0, 1, 0, 2, 0, 1};
    for (int i = 0; i < 6; i++) {
        run.requests[i].adapter = order[i];
    }
    if (CHECK_GOOD(run_execute(&run, &e), &e)) {
        const struct slots *slots = &run.chip->sequencer.slots;
        CHECK_EQ_UINT(slots->loads, 4); /* 0, 1, 2 in the place of 1 (0 was used later), 1 in the place of 2 */
        CHECK_EQ_UINT(slots->evictions, 2);
        CHECK_EQ_UINT(slots->hits, 2); /* 0, twice */
    }
    run_close(&run);
}

/* Requests that are all there at cycle 0, on a chip that is told nothing of slots and queue: these traces were recorded before requests could arrive later
 * and slots had policies. A change of any unit's time changes them too; then they are to be recorded anew, with
 * `etchsim run --chip CHIP [--adapter ...] --tokens 24 --prompt 'On Monday' --json`. */
static void without_arrivals_and_policies_nothing_changed(void)
{
    static const uint64_t base[N_CHIPS] = {0x51d429994829c13d, 0x7defa0e28d9f94ac, 0xb439d371a300265a};
    static const uint64_t loaded[N_CHIPS] = {0x1b337d9071fa83e8, 0x6546cebd3543ad36, 0x629d9cca3368497b};
    static const char *const in_order[] = {"clinical", "none", "contract", "support"};
    static const char *const three[] = {"clinical", "contract", "support"};
    static const char *const set[] = {"slots.count=1", "kv.sequences=2"};
    static const char prompt[] = "On Monday";
    for (int i = 0; i < N_CHIPS; i++) {
        struct run_options options = options_for(chips[i]);
        options.prompt = prompt;
        options.prompt_bytes = sizeof prompt - 1;
        options.tokens = 24;
        CHECK_EQ_UINT(execute(&options).hash, base[i]);
        options.adapters = in_order;
        options.n_adapters = N_ADAPTERS;
        CHECK_EQ_UINT(execute(&options).hash, loaded[i]);
    }
    struct run_options options = options_for("sample");
    options.prompt = prompt;
    options.prompt_bytes = sizeof prompt - 1;
    options.tokens = 24;
    options.adapters = three;
    options.n_adapters = 3;
    options.sequences = 2;
    options.set = set;
    options.n_set = 2;
    CHECK_EQ_UINT(execute(&options).hash, 0x00cf29d987389fa5);
}

/* The stop token ends the answer, and is its last token. */
static void the_stop_token_ends_an_answer(void)
{
    struct run_options options = options_for("sample");
    struct run run;
    struct error e = {0};
    int32_t expected[TOKENS] = {0}, count = 0, third = 0;
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    reference(&run, &run.requests[0], options.seed, 0, expected, &count);
    while (third < 2 || expected[third] == expected[0] || expected[third] == expected[1]) {
        third++;
    }
    run.requests[0].stop_token = expected[third];
    if (CHECK_GOOD(run_execute(&run, &e), &e)) {
        CHECK_EQ_INT(run.requests[0].n_generated, third + 1);
        CHECK_EQ_INT(run.requests[0].generated[third], expected[third]);
    }
    run_close(&run);
}

static void timing_only_takes_the_same_cycles(void)
{
    for (int i = 0; i < N_CHIPS; i++) {
        struct run_options options = options_for(chips[i]);
        options.adapters = adapters;
        options.n_adapters = N_ADAPTERS;
        options.ignore_stop = true;
        struct result values = execute(&options);
        options.timing_only = true;
        struct result timing = execute(&options);
        CHECK_EQ_UINT(timing.cycles, values.cycles);
    }
}

static void seeds_replay(void)
{
    struct run_options options = options_for("sample");
    options.temperature = 1;
    struct result first = execute(&options), again = execute(&options);
    options.seed = 8;
    struct result other = execute(&options);
    CHECK_EQ_UINT(first.hash, again.hash);
    CHECK(first.hash != other.hash);
}

void suite_chip(void)
{
    suite_begin("chip");
    suite_add("base model: the chip's tokens are the reference's, step = skip, on every preset", base_on_every_preset);
    suite_add("adapters: the same, one sequence for each", adapters_on_every_preset);
    suite_add("twelve sampled sequences, with adapters and without, in flight together", many_sequences_in_flight);
    suite_add("requests wait for KV caches and slots, and stay right", requests_wait_for_kv_and_slots);
    suite_add("three adapters share two slots, least recently used first", slots_are_shared_least_recently_used_first);
    suite_add("all requests at cycle 0, no policies: the traces from before there were any", without_arrivals_and_policies_nothing_changed);
    suite_add("the stop token ends an answer", the_stop_token_ends_an_answer);
    suite_add("a run without values takes the same cycles", timing_only_takes_the_same_cycles);
    suite_add("the same seed gives the same trace, another one another", seeds_replay);
}
