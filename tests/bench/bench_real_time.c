/* Is a chip of real size simulated in real time? The HC1-like chip with Llama 3.1 8B, without values: one user, a full pipeline of users, more than that, users
 * with adapters, long prompts as recorded ones are, points of a sweep. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/run.h"
#include "tests/bench/bench.h"

enum { REPEATS = 5 };

struct scene {
    const char *what;
    int32_t sequences, prompt_tokens, tokens, n_adapters;
    int32_t step_tokens; /* so many for step, which is slow; 0: no comparison */
    const char *set[4];
    bool without_trace;
};

static const char *const adapters[] = {"synthetic:16", "synthetic:8"};

/* HC1 holds some 120 tokens when each comes as the one before leaves the head, its slowest unit; with 160 users the last layers are full and wait. */
static const struct scene scenes[] = {
    {"hc1, one user, traced", 1, 1, 2000, 0, 20, {"kv.context_tokens=2048"}, false},
    {"hc1, one user", 1, 1, 20000, 0, 20, {"kv.sequences=1", "kv.context_tokens=20001", "sram.depth_words=5500"}, true},
    {"hc1, one user with an adapter", 1, 1, 2000, 1, 20, {"kv.context_tokens=2048"}, true},
    {"hc1, 118 users", 118, 1, 1000, 0, 2, {"kv.sequences=118", "kv.context_tokens=1001", "sram.depth_words=16000"}, true},
    {"hc1, 160 users", 160, 1, 1000, 0, 2, {"kv.sequences=160", "kv.context_tokens=1001", "sram.depth_words=21000"}, true},
    {"hc1, 160 users with two adapters", 80, 1, 40, 2, 2, {"kv.sequences=160", "kv.context_tokens=256", "sram.depth_words=5500"}, true},
    {"hc1, 16 prompts of 4,000 tokens", 16, 4000, 96, 0, 0, {"kv.sequences=16", "kv.context_tokens=4096", "sram.depth_words=9000"}, true},
};

static struct run_options options_for(const struct scene *s, int32_t tokens, enum engine engine)
{
    int32_t n_set = 0;
    while (n_set < 4 && s->set[n_set]) {
        n_set++;
    }
    return (struct run_options){.chip = "hc1",
                                .model = "llama-3.1-8b",
                                .set = s->set,
                                .n_set = n_set,
                                .adapters = adapters,
                                .n_adapters = s->n_adapters,
                                .prompt_tokens = s->prompt_tokens,
                                .tokens = tokens,
                                .sequences = s->sequences,
                                .top_p = 1,
                                .timing_only = true,
                                .without_trace = s->without_trace,
                                .engine = engine};
}

struct outcome {
    double setup_s, run_s; /* wall clock, of one run */
    double chip_s;         /* simulated */
    uint64_t tokens;       /* in and out */
};

static struct outcome once(const struct run_options *options)
{
    struct run run;
    struct error e;
    if (!run_open(options, &run, &e) || !run_execute(&run, &e)) {
        fprintf(stderr, "%s\n", e.message);
        exit(e.code);
    }
    struct outcome o = {run.setup_seconds, run.run_seconds, (double)run.chip->now / run.config.clock_mhz * 1e-6,
                        (uint64_t)(options->prompt_tokens - 1 + options->tokens) * run.n_requests};
    run_close(&run);
    return o;
}

static int by_time(const void *a, const void *b)
{
    const struct outcome *x = a, *y = b;
    return (x->run_s > y->run_s) - (x->run_s < y->run_s);
}

static struct outcome median(const struct run_options *options)
{
    struct outcome o[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        o[i] = once(options);
    }
    qsort(o, REPEATS, sizeof o[0], by_time);
    return o[REPEATS / 2];
}

static double rate(const struct outcome *o)
{
    return (double)o->tokens / o->run_s;
}

static void measure(const struct scene *s)
{
    struct run_options skip = options_for(s, s->tokens, ENGINE_SKIP);
    struct outcome fast = median(&skip);
    char name[96];
    snprintf(name, sizeof name, "%s: tokens", s->what);
    bench_report(name, rate(&fast), "token/s");
    snprintf(name, sizeof name, "%s: simulated time", s->what);
    bench_report(name, fast.chip_s / fast.run_s, "s of the chip/s");
    if (s->step_tokens) {
        struct run_options step = options_for(s, s->step_tokens, ENGINE_STEP);
        struct outcome slow = once(&step);
        snprintf(name, sizeof name, "%s: as fast as step", s->what);
        bench_report(name, rate(&fast) / rate(&slow), "times");
    }
}

static void sweep_point(void *user)
{
    once(user);
}

void bench_real_time(void)
{
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        measure(&scenes[i]);
    }
    struct run_options point = options_for(&scenes[0], 128, ENGINE_SKIP);
    bench_report("hc1, points of 128 tokens, set-up included", 1 / bench_median_seconds(sweep_point, &point), "point/s");
    point.without_trace = true;
    bench_report("hc1, the same without a trace", 1 / bench_median_seconds(sweep_point, &point), "point/s");
}
