/* Does the outcome depend on how time is run? step = skip on random chips, and no tick order matters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine_systemc.h"
#include "tests/order/random_run.h"

enum { N_CONFIGS = 240, N_ORDERS = 3 };

static void report(uint64_t seed, const char *what, const struct outcome *a, const struct outcome *b)
{
    printf("\n    seed %llu, %s: cycles %llu / %llu, events %llu / %llu, hash %016llx / %016llx %s%s", (unsigned long long)seed, what,
           (unsigned long long)a->cycles, (unsigned long long)b->cycles, (unsigned long long)a->events, (unsigned long long)b->events,
           (unsigned long long)a->hash, (unsigned long long)b->hash, a->error.message, b->error.message);
}

static void step_equals_skip(void)
{
    uint64_t cycles = 0;
    for (uint64_t seed = 1; seed <= N_CONFIGS; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        struct outcome step = random_run_execute(&run, ENGINE_STEP, 0, false), skip = random_run_execute(&run, ENGINE_SKIP, 0, false);
        if (!CHECK(outcomes_equal(&step, &skip))) {
            report(seed, "step / skip", &step, &skip);
        }
        cycles += step.cycles;
        random_run_free(&run);
    }
    printf("\n    %d random chips, %llu cycles ", N_CONFIGS, (unsigned long long)cycles);
}

/* SystemC's kernel clocks the units, in an order of its own: plain chips, and those with arrivals, policies and streaming. */
static void step_equals_systemc(void)
{
    struct error absent = {0};
    if (!engine_systemc_there(&absent)) {
        SKIP(absent.message);
    }
    for (uint64_t seed = 1; seed <= N_CONFIGS / 8; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        if (seed % 2) {
            random_run_serve(&run);
        }
        struct outcome step = random_run_execute(&run, ENGINE_STEP, 0, false), systemc = random_run_execute(&run, ENGINE_SYSTEMC, 0, false);
        if (!CHECK(outcomes_equal(&step, &systemc))) {
            report(seed, "step / systemc", &step, &systemc);
        }
        random_run_free(&run);
    }
}

/* The clocked chip computes what the model computes, whatever its widths and whoever else is in flight. */
static void random_chips_equal_the_reference(void)
{
    for (uint64_t seed = 1001; seed <= 1000 + N_CONFIGS / 4; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        struct outcome values = random_run_execute(&run, ENGINE_SKIP, 0, true), step = random_run_execute(&run, ENGINE_STEP, 0, true);
        struct outcome timing = random_run_execute(&run, ENGINE_SKIP, 0, false);
        if (!CHECK(outcomes_equal(&values, &step))) {
            report(seed, "values, step / skip", &step, &values);
        }
        CHECK_EQ_UINT(values.cycles, timing.cycles);
        CHECK_EQ_UINT(values.account_hash, timing.account_hash);
        random_run_free(&run);
    }
}

static void tick_order_does_not_matter(void)
{
    for (uint64_t seed = 1; seed <= N_CONFIGS / 4; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        struct outcome plain = random_run_execute(&run, ENGINE_STEP, 0, false);
        for (uint64_t order = 1; order <= N_ORDERS; order++) {
            struct outcome shuffled = random_run_execute(&run, ENGINE_STEP, order * 7919 + seed, false);
            if (!CHECK(outcomes_equal(&plain, &shuffled))) {
                report(seed, "plain / shuffled", &plain, &shuffled);
            }
        }
        random_run_free(&run);
    }
}

/* One block for all layers: all engines, any order of ticks, and (inside) every token as the reference has it. */
static void shared_blocks(void)
{
    for (uint64_t seed = 1; seed <= N_CONFIGS / 3; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        random_run_share(&run);
        struct outcome values = random_run_execute(&run, ENGINE_SKIP, 0, true), step = random_run_execute(&run, ENGINE_STEP, 0, false);
        struct outcome shuffled = random_run_execute(&run, ENGINE_STEP, seed * 7919, false);
        struct outcome timing = random_run_execute(&run, ENGINE_SKIP, 0, false);
        if (!CHECK(outcomes_equal(&timing, &step))) {
            report(seed, "shared, step / skip", &step, &timing);
        }
        if (!CHECK(outcomes_equal(&shuffled, &step))) {
            report(seed, "shared, plain / shuffled", &step, &shuffled);
        }
        CHECK_EQ_UINT(values.cycles, timing.cycles);
        CHECK_EQ_UINT(values.account_hash, timing.account_hash);
        random_run_free(&run);
    }
}

static void random_runs_differ(void)
{
    struct random_run a, b;
    random_run_make(&a, 1);
    random_run_make(&b, 2);
    struct outcome x = random_run_execute(&a, ENGINE_SKIP, 0, false), y = random_run_execute(&b, ENGINE_SKIP, 0, false);
    CHECK(!outcomes_equal(&x, &y));
    random_run_free(&a);
    random_run_free(&b);
}

/* -- slots under load -- */

static void serving_step_equals_skip(void)
{
    uint64_t cycles = 0, hits = 0, evictions = 0, prefetched = 0, overtaken = 0, waiting_cycles = 0, end_words = 0, end_page_words = 0;
    for (uint64_t seed = 1; seed <= N_CONFIGS; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        random_run_serve(&run);
        struct outcome step = random_run_execute(&run, ENGINE_STEP, 0, false), skip = random_run_execute(&run, ENGINE_SKIP, 0, false);
        if (!CHECK(outcomes_equal(&step, &skip))) {
            report(seed, "serving, step / skip", &step, &skip);
        }
        cycles += step.cycles;
        hits += step.seen.hits;
        evictions += step.seen.evictions;
        prefetched += step.seen.prefetched;
        overtaken += step.seen.overtaken;
        waiting_cycles += step.seen.waiting_cycles;
        end_words += step.seen.end_words;
        end_page_words += step.seen.end_page_words;
        random_run_free(&run);
    }
    CHECK(end_page_words > 10000 && end_words > end_page_words + 10000);
    CHECK(hits > N_CONFIGS && evictions > N_CONFIGS / 2 && prefetched > N_CONFIGS / 2 && overtaken > N_CONFIGS / 8 &&
          waiting_cycles > 100000);
    printf(
        "\n    %d random chips, %llu cycles, %llu hits, %llu evictions, %llu prefetched, %llu overtaken, %llu cycles in norms for slices, "
        "%llu words read at the ends, %llu of them in pages ",
        N_CONFIGS, (unsigned long long)cycles, (unsigned long long)hits, (unsigned long long)evictions, (unsigned long long)prefetched,
        (unsigned long long)overtaken, (unsigned long long)waiting_cycles, (unsigned long long)end_words,
        (unsigned long long)end_page_words);
}

/* Tenants do not disturb each other: each request's tokens are those of the model alone with its adapter, whatever the policy. */
static void serving_equals_the_reference(void)
{
    for (uint64_t seed = 2001; seed <= 2000 + N_CONFIGS / 2; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        random_run_serve(&run);
        struct outcome values = random_run_execute(&run, ENGINE_SKIP, 0, true), timing = random_run_execute(&run, ENGINE_SKIP, 0, false);
        CHECK(values.good);
        CHECK_EQ_UINT(values.cycles, timing.cycles);
        CHECK_EQ_UINT(values.account_hash, timing.account_hash);
        CHECK_EQ_UINT(values.requests_hash, timing.requests_hash);
        random_run_free(&run);
    }
}

static void serving_tick_order_does_not_matter(void)
{
    for (uint64_t seed = 1; seed <= N_CONFIGS / 4; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        random_run_serve(&run);
        struct outcome plain = random_run_execute(&run, ENGINE_STEP, 0, false);
        for (uint64_t order = 1; order <= N_ORDERS; order++) {
            struct outcome shuffled = random_run_execute(&run, ENGINE_STEP, order * 7919 + seed, false);
            if (!CHECK(outcomes_equal(&plain, &shuffled))) {
                report(seed, "serving, plain / shuffled", &plain, &shuffled);
            }
        }
        random_run_free(&run);
    }
}

/* -- incidents -- */

/* New versions, unloading, broken loads, flipped bits: the engines agree, nothing is lost, and every token that is handed out is one of the adapter that was asked for
 * or of its new version, with a KV cache of the same. */
static void incidents_keep_tenants_apart(void)
{
    int tested = 0;
    struct outcome all = {0};
    for (uint64_t seed = 3001; seed <= 3000 + N_CONFIGS; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        random_run_serve(&run);
        if (random_run_incidents(&run)) {
            struct outcome step = random_run_execute(&run, ENGINE_STEP, seed, false),
                           skip = random_run_execute(&run, ENGINE_SKIP, 0, false);
            struct outcome values = random_run_execute(&run, ENGINE_SKIP, 0, true);
            if (!CHECK(outcomes_equal(&step, &skip))) {
                report(seed, "incidents, step / skip", &step, &skip);
            }
            CHECK_EQ_UINT(values.cycles, skip.cycles);
            CHECK_EQ_UINT(values.requests_hash, skip.requests_hash);
            all.seen.restarts += skip.seen.restarts;
            all.seen.dropped += skip.seen.dropped;
            all.seen.detections += skip.seen.detections;
            all.seen.corrected += skip.seen.corrected;
            all.seen.kv_flips += skip.seen.kv_flips;
            all.seen.kv_corrected += skip.seen.kv_corrected;
            all.seen.silent += skip.seen.silent;
            all.seen.retired += skip.seen.retired;
            tested++;
        }
        random_run_free(&run);
    }
    CHECK(all.seen.restarts > 20 && all.seen.dropped > 5 && all.seen.detections > 5 && all.seen.corrected > 5 && all.seen.silent > 5 &&
          all.seen.retired > 20 && all.seen.kv_flips > 20 && all.seen.kv_corrected > 5);
    printf("\n    %d random chips: %llu restarts, %llu dropped, %llu flips detected, %llu reads corrected, %llu tokens silently wrong, "
           "%llu unloaded, %llu flips in KV caches, %llu reads of them corrected ",
           tested, (unsigned long long)all.seen.restarts, (unsigned long long)all.seen.dropped, (unsigned long long)all.seen.detections,
           (unsigned long long)all.seen.corrected, (unsigned long long)all.seen.silent, (unsigned long long)all.seen.retired,
           (unsigned long long)all.seen.kv_flips, (unsigned long long)all.seen.kv_corrected);
}

/* Slots, queue and loading leave a run of the base model alone, to the last byte of its trace. */
static void without_adapters_nothing_of_it_shows(void)
{
    for (uint64_t seed = 1; seed <= N_CONFIGS / 4; seed++) {
        struct random_run run;
        random_run_make(&run, seed);
        for (uint32_t i = 0; i < run.n_requests; i++) {
            run.requests[i].adapter = -1;
        }
        struct outcome plain = random_run_execute(&run, ENGINE_SKIP, 0, false);
        run.config.slots_loading = LOADING_STREAMING;
        run.config.slots_prefetch = 3;
        run.config.slots_eviction = EVICTION_COST_AWARE;
        run.config.admission_policy = seed % 2 ? ADMISSION_AFFINITY : ADMISSION_SKIP_AHEAD;
        struct outcome other = random_run_execute(&run, ENGINE_SKIP, 0, false);
        if (!CHECK(outcomes_equal(&plain, &other))) {
            report(seed, "base model, without / with", &plain, &other);
        }
        random_run_free(&run);
    }
}

/* -- who is next -- */

struct issues { /* requests in the order of their tokens on one link */
    const struct chip *chip;
    int32_t request[16];
    int n;
};

static void record_issue(void *context, const struct event *e)
{
    struct issues *issues = context;
    if (e->kind == EVENT_BURST && issues->chip->links[e->id] == &issues->chip->token && issues->n < 16) {
        issues->request[issues->n++] = e->a;
    }
}

/* Three prompts at once: their tokens are issued in turn. */
static void sequences_take_turns(void)
{
    struct random_run run;
    random_run_make(&run, 7);
    run.config.kv_sequences = 3;
    run.config.slots_count = 1; /* none is used; what was free may be too small for three KV caches */
    struct request requests[3];
    int32_t generated[3];
    cycle_t generated_at[3];
    for (int i = 0; i < 3; i++) {
        requests[i] = (struct request){.prompt = run.prompt, .n_prompt = 4, .n_generate = 1, .adapter = -1, .stop_token = -1};
        sampling_make(0, 1, &requests[i].sampling);
        requests[i].generated = &generated[i];
        requests[i].generated_at = &generated_at[i];
    }
    struct trace *trace = trace_new();
    struct chip *chip = NULL;
    struct error e = {0};
    struct issues issues = {0};
    REQUIRE_GOOD(chip_new(&run.config, &run.random.model, false, NULL, 0, requests, 3, trace, &chip, &e), &e);
    issues.chip = chip;
    trace_add_sink(trace, (struct trace_sink){record_issue, NULL, &issues});
    REQUIRE_GOOD(chip_run(chip, ENGINE_SKIP, &e), &e);
    CHECK_EQ_INT(issues.n, 12);
    for (int i = 0; i < issues.n; i++) {
        CHECK_EQ_INT(issues.request[i], i % 3);
    }
    chip_free(chip);
    trace_free(trace);
    random_run_free(&run);
}

static void dead_tick(struct unit *unit, cycle_t now)
{
    (void)unit;
    (void)now;
}

/* A unit that never does anything again must end the run with a failed check that shows where everything stands. */
static void deadlock_is_reported(void)
{
    struct error absent;
    enum engine last = engine_systemc_there(&absent) ? ENGINE_SYSTEMC : ENGINE_SKIP;
    for (enum engine engine = ENGINE_STEP; engine <= last; engine++) {
        struct random_run run;
        random_run_make(&run, 5);
        run.config.link_depth = 2;
        struct request request = {.prompt = run.prompt, .n_prompt = 3, .n_generate = 2, .adapter = -1, .stop_token = -1};
        sampling_make(0, 1, &request.sampling);
        int32_t generated[2];
        cycle_t generated_at[2];
        request.generated = generated;
        request.generated_at = generated_at;
        struct trace *trace = trace_new();
        struct chip *chip = NULL;
        struct error e = {0};
        REQUIRE_GOOD(chip_new(&run.config, &run.random.model, false, NULL, 0, &request, 1, trace, &chip, &e), &e);
        chip->layers[0].rom_o.unit.tick = dead_tick;
        CHECK(!chip_run(chip, engine, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_CHECK);
        CHECK_CONTAINS(e.message, "deadlock at cycle");
        CHECK_CONTAINS(e.message, "0 of 1 requests");
        char *state = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&state, &bytes);
        REQUIRE(out != NULL);
        chip_print_state(chip, out);
        fclose(out);
        CHECK_CONTAINS(state, "unit layer0.attention: output since cycle");
        CHECK_CONTAINS(state, "link layer0.x_o: 2 of 2 bursts");
        CHECK_CONTAINS(state, "link layer0.qkv: empty");
        free(state);
        chip_free(chip);
        trace_free(trace);
        random_run_free(&run);
    }
}

void suite_engines(void)
{
    suite_begin("engines");
    suite_add("new versions, broken loads and flipped bits: engines agree, tenants stay apart", incidents_keep_tenants_apart);
    suite_add("random runs are not all alike", random_runs_differ);
    suite_add("step and skip give the same trace, counters and accounts on random chips", step_equals_skip);
    suite_add("SystemC's kernel gives the same as step", step_equals_systemc);
    suite_add("random chips with values: the reference's tokens, step = skip, and the same cycles without values",
              random_chips_equal_the_reference);
    suite_add("the order in which units tick does not matter", tick_order_does_not_matter);
    suite_add("arrivals, policies, streaming, prefetch: step = skip", serving_step_equals_skip);
    suite_add("... each request's tokens are the reference's, and timing only takes the same cycles", serving_equals_the_reference);
    suite_add("... the order in which units tick does not matter", serving_tick_order_does_not_matter);
    suite_add("without adapters the trace is the same whatever slots and queue are told", without_adapters_nothing_of_it_shows);
    suite_add("sequences take turns", sequences_take_turns);
    suite_add("a deadlock is a failed check that shows every link", deadlock_is_reported);
    suite_add("one block shared by all layers: engines, tick order, values", shared_blocks);
}
