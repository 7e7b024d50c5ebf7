/* A served workload against what is not ours: the M/D/1 queue's mean wait, a run of one request, the model without a clock. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine_systemc.h"
#include "sim/run.h"
#include "sim/serve_groups.h"
#include "sim/server.h"
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

/* --- the cards of a server --- */

#define SERVED(dealing)                                                                                                                  \
    "chip: sample\nmodel: sample\nvalues: true\nseed: 3\nrequests: 14\nset:\n  server.cards: 3\n  server.dealing: " dealing              \
    "\nadapters:\n  files: [clinical, contract, support]\ntenants:\n  - {name: a, adapter: clinical, weight: 1}\n"                       \
    "  - {name: b, adapter: contract, weight: 1}\n  - {name: c, adapter: none, weight: 1}\n  - {name: d, adapter: support, weight: 1}\n" \
    "arrivals:\n  poisson: {requests_per_s: 30000}\npopularity: weights\nprompt_tokens:\n  uniform: [2, 6]\noutput_tokens: 5\n"

static bool serve_on_cards(const char *text, struct workload *w, struct server *server)
{
    static struct physics physics;
    const struct serve_options o = {.engine = ENGINE_SKIP};
    struct error e;
    if (!CHECK_GOOD(physics_load("n6", &physics, &e), &e) || !CHECK_GOOD(workload_parse(text, strlen(text), "test.yaml", w, &e), &e)) {
        return false;
    }
    if (!CHECK_GOOD(server_open(w, &o, &physics, server, &e), &e)) {
        workload_free(w);
        return false;
    }
    return CHECK_GOOD(server_execute(server, &e), &e);
}

/* Each request is served once, by the card that the rule says, as if the card were alone with what it is dealt; every token is right. */
static void cards_serve_what_they_are_dealt(void)
{
    static const char *const texts[] = {SERVED("round_robin"), SERVED("tenant")};
    for (int tenant = 0; tenant < 2; tenant++) {
        struct workload w;
        struct server server;
        struct error e;
        uint64_t tokens = 0;
        if (!serve_on_cards(texts[tenant], &w, &server)) {
            return;
        }
        CHECK_EQ_UINT(server.n_cards, 3);
        CHECK_EQ_UINT(server.whole.drawn.count, 14);
        for (uint32_t i = 0; i < 14; i++) {
            const struct request *r = &server.whole.requests[i];
            uint32_t dealt = tenant ? (uint32_t)server.whole.drawn.items[i].tenant : i;
            CHECK_EQ_UINT(server.card_of[i], dealt % 3);
            CHECK_EQ_INT(r->state, REQUEST_DONE);
            CHECK_EQ_INT(r->n_generated, 5);
            CHECK_EQ_UINT(r->arrives_at, server.whole.drawn.items[i].arrives_at);
            CHECK(i == 0 || server.whole.requests[i - 1].arrives_at <= r->arrives_at);
        }
        for (uint32_t k = 0; k < 3; k++) {
            struct serve_verified v;
            CHECK_GOOD(serve_verify(&server.card[k], &v, &e), &e);
            tokens += v.tokens;
            CHECK(server.card[k].chip->now <= server.whole.chip->now);
            if (tenant) { /* an adapter is loaded by one card alone */
                CHECK(server.card[k].chip->sequencer.slots.loads <= (k == 0 ? 2U : 1U));
            }
        }
        CHECK_EQ_UINT(tokens, 14 * 5);
        server_close(&server);
        workload_free(&w);
    }
}

/* The same prompts, whoever serves them: a request's tokens do not depend on the number of cards. */
static void tokens_do_not_depend_on_the_cards(void)
{
    struct workload w, alone_workload;
    struct server server;
    struct serve alone;
    const char *set[] = {"server.cards=0"};
    if (!serve_on_cards(SERVED("round_robin"), &w, &server)) {
        return;
    }
    if (serve(SERVED("round_robin"), set, 1, 0, ENGINE_SKIP, &alone_workload, &alone)) {
        CHECK_EQ_UINT(alone.drawn.count, 14);
        for (uint32_t i = 0; i < 14; i++) {
            CHECK_EQ_INT(server.whole.requests[i].n_prompt, alone.requests[i].n_prompt);
            CHECK_EQ_BYTES(server.whole.requests[i].generated, alone.requests[i].generated, 5 * sizeof(int32_t));
        }
        finish(&alone_workload, &alone);
    }
    server_close(&server);
    workload_free(&w);
}

/* A server's energy is that of its cards, each at rest once it is done; a card without requests rests all the time. */
static void a_server_spends_what_its_cards_do(void)
{
    struct workload w;
    struct server server;
    static struct estimate estimate, one;
    const char *text = "chip: sample\nmodel: sample\nvalues: false\nseed: 1\nrequests: 5\nset:\n  server.cards: 7\narrivals: at_once\n"
                       "popularity: uniform\nprompt_tokens: 3\noutput_tokens:\n  uniform: [2, 40]\n";
    if (!serve_on_cards(text, &w, &server)) {
        return;
    }
    server_estimate(&server, &estimate);
    double moved = 0, rest = 0, seconds = (double)server.whole.chip->now / 1e9;
    for (uint32_t k = 0; k < 7; k++) {
        const struct serve *card = &server.card[k];
        CHECK_EQ_INT(card->chip != NULL, k < 5);
        if (card->chip) {
            estimate_of(server.physics, card->chip, card->image.rom_bits, card->requests, card->drawn.count, NULL, &one);
            moved += one.corner[CORNER_NOMINAL].run_dynamic_j;
        }
        rest += one.corner[CORNER_NOMINAL].static_w * seconds;
    }
    const struct physical *p = &estimate.corner[CORNER_NOMINAL];
    CHECK_NEAR(7 * p->run_dynamic_j / moved, 1, 1e-12);
    CHECK_NEAR(7 * p->run_j / (moved + rest), 1, 1e-12);
    CHECK_NEAR(estimate.cards, 7, 0);
    const struct constants *c = &server.physics->corner[CORNER_NOMINAL];
    double watts =
        ((moved + rest) / seconds / c->card_regulator_efficiency + 7 * c->card_board_w + c->server_host_w) / c->server_supply_efficiency;
    CHECK_NEAR(p->server_w / watts, 1, 1e-12);
    server_close(&server);
    workload_free(&w);
}

void suite_serve(void);
void suite_serve(void)
{
    suite_begin("serve");
    suite_add("one sequence of equal requests waits as the M/D/1 queue", waits_as_in_md1);
    suite_add("a lone request takes the cycles of a run, with the same trace", lone_request_equals_run);
    suite_add("tenants in flight together get the tokens they get alone, step = skip", tenants_keep_their_tokens);
    suite_add("adapters that all have slots are loaded once and waited for once", resident_adapters_cost_nothing);
    suite_add("cards serve what they are dealt", cards_serve_what_they_are_dealt);
    suite_add("tokens do not depend on the number of cards", tokens_do_not_depend_on_the_cards);
    suite_add("a server spends what its cards do", a_server_spends_what_its_cards_do);
    suite_add("percentiles by nearest rank, Jain's index", percentile_and_fairness);
}
