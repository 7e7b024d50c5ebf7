/* Is a chip of real size simulated in real time? The HC1-like chip with Llama 3.1 8B, without values: one user, a full pipeline of users, points of a sweep. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/run.h"
#include "tests/bench/bench.h"

enum { REPEATS = 5 };

/* Room for 160 users of 256 tokens: so many that every layer's slowest array always has the next token waiting. */
static const char *const many_users[] = {"kv.sequences=160", "kv.context_tokens=256", "sram.depth_words=5500"};

static struct run_options options_for(int32_t sequences, int32_t tokens, enum engine engine)
{
    bool many = sequences > 1;
    return (struct run_options){.chip = "hc1",
                                .model = "llama-3.1-8b",
                                .set = many_users,
                                .n_set = many ? 3 : 0,
                                .prompt_tokens = 1,
                                .tokens = tokens,
                                .sequences = sequences,
                                .top_p = 1,
                                .timing_only = true,
                                .engine = engine};
}

struct outcome {
    double setup_s, run_s; /* wall clock, of one run */
    double chip_s;         /* simulated */
    uint64_t tokens;
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
                        (uint64_t)options->tokens * run.n_requests};
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

static void measure(const char *what, int32_t sequences, int32_t tokens, int32_t step_tokens)
{
    struct run_options skip = options_for(sequences, tokens, ENGINE_SKIP), step = options_for(sequences, step_tokens, ENGINE_STEP);
    struct outcome fast = median(&skip), slow = once(&step);
    char name[96];
    snprintf(name, sizeof name, "%s: tokens", what);
    bench_report(name, rate(&fast), "token/s");
    snprintf(name, sizeof name, "%s: simulated time", what);
    bench_report(name, fast.chip_s / fast.run_s, "s of the chip/s");
    snprintf(name, sizeof name, "%s: as fast as step", what);
    bench_report(name, rate(&fast) / rate(&slow), "times");
}

static void sweep_point(void *user)
{
    once(user);
}

void bench_real_time(void)
{
    measure("hc1, one user", 1, 2000, 20);
    measure("hc1, 160 users", 160, 106, 2);
    struct run_options point = options_for(1, 128, ENGINE_SKIP);
    bench_report("hc1, points of 128 tokens, set-up included", 1 / bench_median_seconds(sweep_point, &point), "point/s");
    point.without_trace = true;
    bench_report("hc1, the same without a trace's hash", 1 / bench_median_seconds(sweep_point, &point), "point/s");
}
