/* A served workload against what is not ours: the M/D/1 queue's mean wait, a run of one request, the model without a clock. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine_systemc.h"
#include "sim/run.h"
#include "sim/serve_report.h"
#include "tests/unit/check.h"

static bool serve(const char *text, const char *const *set, int32_t n_set, uint64_t seed, enum engine engine, struct workload *w,
                  struct serve *s)
{
    struct error e;
    struct serve_options o = {.set = set, .n_set = n_set, .engine = engine};
    if (!CHECK_GOOD(workload_parse(text, strlen(text), "test.yaml", w, &e), &e)) {
        return false;
    }
    w->seed = seed ? seed : w->seed;
    if (!CHECK_GOOD(serve_open(w, &o, s, &e), &e)) {
        workload_free(w);
        return false;
    }
    bool good = CHECK_GOOD(serve_execute(s, &e), &e);
    if (!good) {
        serve_close(s);
        workload_free(w);
    }
    return good;
}

static void finish(struct workload *w, struct serve *s)
{
    serve_close(s);
    workload_free(w);
}

/* One sequence, equal requests: Poisson arrivals at a server of constant service time. The mean wait of Pollaczek and Khinchine is
 * rho / (2 mu (1 - rho)); independent replications give Student's confidence interval, 99.9 % with 15 degrees of freedom. */
static void waits_as_in_md1(void)
{
    enum { RUNS = 16, REQUESTS = 1200, WARM = 200 };
    static const double STUDENT = 4.073, RHO = 0.6;
    const char *set[] = {"kv.sequences=1"};
    const char *one =
        "chip: sample\nmodel: sample\nvalues: false\nseed: 1\nrequests: 2\narrivals: at_once\npopularity: uniform\nprompt_tokens: 1\n"
        "output_tokens: 1\n";
    struct workload w;
    struct serve s;
    char text[400];
    if (!serve(one, set, 1, 1, ENGINE_SKIP, &w, &s)) {
        return;
    }
    cycle_t service = s.requests[0].done_at - s.requests[0].started_at;
    finish(&w, &s);
    snprintf(text, sizeof text,
             "chip: sample\nmodel: sample\nvalues: false\nseed: 1\nrequests: %d\narrivals:\n  poisson: {requests_per_s: %.9f}\n"
             "popularity: uniform\nprompt_tokens: 1\noutput_tokens: 1\n",
             REQUESTS, RHO * 1e9 / (double)service);
    double sum = 0, squares = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        double wait = 0;
        if (!serve(text, set, 1, 100 + run, ENGINE_SKIP, &w, &s)) {
            return;
        }
        for (uint32_t i = 0; i < REQUESTS; i++) {
            const struct request *r = &s.requests[i];
            CHECK_EQ_UINT(r->done_at - r->started_at, service);
            wait += i >= WARM ? (double)(r->started_at - r->arrives_at) / (REQUESTS - WARM) : 0;
        }
        finish(&w, &s);
        sum += wait;
        squares += wait * wait;
    }
    double mean = sum / RUNS, error = sqrt((squares / RUNS - mean * mean) / (RUNS - 1)), expected = RHO / (2 * (1 - RHO)) * (double)service;
    CHECK_NEAR(mean, expected, STUDENT * error);
    CHECK(STUDENT * error < 0.15 * expected); /* narrow enough to tell M/D/1 from M/M/1, which waits twice as long */
}

static void lone_request_equals_run(void)
{
    const char *text =
        "chip: sample\nmodel: sample\nvalues: false\nseed: 1\nrequests: 1\nadapters:\n  files: [clinical]\narrivals: at_once\n"
        "popularity: uniform\nprompt_tokens: 3\noutput_tokens: 20\n";
    const char *adapters[] = {"clinical"};
    struct run_options options = {.chip = "sample",
                                  .model = "sample",
                                  .adapters = adapters,
                                  .n_adapters = 1,
                                  .prompt = "The old",
                                  .prompt_bytes = 7,
                                  .tokens = 20,
                                  .sequences = 1,
                                  .seed = 1,
                                  .top_p = 1,
                                  .timing_only = true,
                                  .engine = ENGINE_SKIP,
                                  .trace_layer = -1};
    struct workload w;
    struct serve s;
    struct run run;
    struct error e;
    if (!serve(text, NULL, 0, 0, ENGINE_SKIP, &w, &s)) {
        return;
    }
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    CHECK_GOOD(run_execute(&run, &e), &e);
    CHECK_EQ_INT(run.requests[0].n_prompt, 3);
    CHECK_EQ_UINT(s.chip->now, run.chip->now);
    CHECK_EQ_UINT(trace_hash(s.trace), trace_hash(run.trace));
    run_close(&run);
    finish(&w, &s);
}

static const char mixed[] =
    "chip: sample\nmodel: sample\nvalues: true\nseed: 5\nrequests: 24\nadapters:\n  files: [clinical, contract, support]\n"
    "tenants:\n  - {name: base, adapter: none}\n  - {name: a, adapter: clinical}\n  - {name: b, adapter: contract, pinned: true}\n"
    "  - {name: c, adapter: support}\narrivals:\n  gamma: {requests_per_s: 40000, cv: 2}\npopularity: uniform\n"
    "prompt_tokens: {uniform: [1, 8]}\noutput_tokens: {uniform: [1, 12]}\n";

static void tenants_keep_their_tokens(void)
{
    static const char *const sets[][3] = {
        {"slots.count=4", "slots.loading=whole", "admission.policy=fcfs"},
        {"slots.count=2", "slots.loading=streaming", "admission.policy=skip_ahead"},
        {"slots.count=2", "slots.prefetch=3", "admission.policy=affinity"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct workload w;
        struct serve s;
        struct error e;
        struct serve_verified v;
        uint64_t tokens = 0;
        if (!serve(mixed, sets[i], 3, 0, ENGINE_SKIP, &w, &s)) {
            return;
        }
        for (uint32_t r = 0; r < s.drawn.count; r++) {
            tokens += (uint64_t)s.requests[r].n_generate;
        }
        CHECK_GOOD(serve_verify(&s, &v, &e), &e);
        CHECK_EQ_UINT(v.tokens, tokens);
        uint64_t hash = trace_hash(s.trace);
        CHECK(i == 0 || s.chip->sequencer.slots.evictions > 0);
        CHECK_EQ_UINT(s.chip->sequencer.slots.adapters[0].evictions, 0); /* pinned: contract */
        CHECK_EQ_TEXT(s.adapters[0].name, "contract");
        s.requests[3].generated[0] ^= 1; /* and it would be seen */
        CHECK(!serve_verify(&s, &v, &e));
        CHECK_CONTAINS(e.message, "request 3, token 0");
        finish(&w, &s);
        if (!serve(mixed, sets[i], 3, 0, ENGINE_STEP, &w, &s)) {
            return;
        }
        CHECK_EQ_UINT(trace_hash(s.trace), hash);
        finish(&w, &s);
        if (!engine_systemc_there(&e) || !serve(mixed, sets[i], 3, 0, ENGINE_SYSTEMC, &w, &s)) {
            continue;
        }
        CHECK_EQ_UINT(trace_hash(s.trace), hash);
        finish(&w, &s);
    }
}

/* With a slot each, an adapter is loaded once; the requests after that wait for nothing. */
static void resident_adapters_cost_nothing(void)
{
    const char *text =
        "chip: sample\nmodel: sample\nvalues: false\nseed: 1\nrequests: 60\nadapters:\n  synthetic: {count: 3, rank: 8}\narrivals:\n"
        "  constant: {requests_per_s: 5000}\npopularity: uniform\nprompt_tokens: 2\noutput_tokens: 3\n";
    struct workload w;
    struct serve s;
    bool loaded[3] = {0};
    if (!serve(text, NULL, 0, 0, ENGINE_SKIP, &w, &s)) {
        return;
    }
    for (uint32_t i = 0; i < s.drawn.count; i++) {
        const struct request *r = &s.requests[i];
        CHECK_EQ_INT(r->adapter_load, !loaded[r->adapter]);
        CHECK(loaded[r->adapter] ? r->running_at == r->started_at : r->running_at > r->started_at);
        loaded[r->adapter] = true;
    }
    CHECK_EQ_UINT(s.chip->sequencer.slots.loads, 3);
    finish(&w, &s);
}

static void percentile_and_fairness(void)
{
    cycle_t v[] = {50, 15, 40, 20, 35};
    CHECK_EQ_UINT(percentile(v, 5, 50), 35);
    CHECK_EQ_UINT(percentile(v, 5, 40), 20); /* nearest rank: the second of five */
    CHECK_EQ_UINT(percentile(v, 5, 99), 50);
    CHECK_EQ_UINT(percentile(v, 1, 1), 15);
    double equal[] = {3, 3, 3}, one[] = {5, 0, 0, 0};
    CHECK_NEAR(serve_jain(equal, 3), 1, 1e-12);
    CHECK_NEAR(serve_jain(one, 4), 0.25, 1e-12);
}

void suite_serve(void);
void suite_serve(void)
{
    suite_begin("serve");
    suite_add("one sequence of equal requests waits as the M/D/1 queue", waits_as_in_md1);
    suite_add("a lone request takes the cycles of a run, with the same trace", lone_request_equals_run);
    suite_add("tenants in flight together get the tokens they get alone, step = skip", tenants_keep_their_tokens);
    suite_add("adapters that all have slots are loaded once and waited for once", resident_adapters_cost_nothing);
    suite_add("percentiles by nearest rank, Jain's index", percentile_and_fairness);
}
