/* How fast is simulated time? Chip cycles and tokens per second of all engines on the sample chip, with and without values; and the timeless reference. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ref.h"
#include "sim/engine_systemc.h"
#include "sim/run.h"
#include "tests/bench/bench.h"

enum { TOKENS = 200, REPEATS = 5 };

static const char *const adapters[] = {"clinical"};

static struct run_options options_for(enum engine engine, bool timing_only, int32_t n_adapters, int32_t sequences)
{
    static const char prompt[] = "On Monday morning";
    return (struct run_options){.chip = "sample",
                                .model = "sample",
                                .prompt = prompt,
                                .prompt_bytes = sizeof prompt - 1,
                                .adapters = adapters,
                                .n_adapters = n_adapters,
                                .tokens = TOKENS,
                                .sequences = sequences,
                                .seed = 1,
                                .top_p = 1,
                                .ignore_stop = true,
                                .timing_only = timing_only,
                                .engine = engine};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median over fresh chips; only the run counts, not loading. Returns it, in seconds. */
static double measure(const char *what, const struct run_options *options)
{
    double seconds[REPEATS];
    uint64_t cycles = 0, tokens = 0;
    char name[96];
    for (int i = 0; i < REPEATS; i++) {
        struct run run;
        struct error e;
        if (!run_open(options, &run, &e) || !run_execute(&run, &e)) {
            fprintf(stderr, "%s\n", e.message);
            exit(e.code);
        }
        seconds[i] = run.run_seconds;
        cycles = run.chip->now;
        tokens = (uint64_t)TOKENS * run.n_requests;
        run_close(&run);
    }
    qsort(seconds, REPEATS, sizeof seconds[0], compare);
    snprintf(name, sizeof name, "%s: chip cycles", what);
    bench_report(name, (double)cycles / seconds[REPEATS / 2] * 1e-6, "Mcycle/s");
    snprintf(name, sizeof name, "%s: tokens", what);
    bench_report(name, (double)tokens / seconds[REPEATS / 2], "token/s");
    return seconds[REPEATS / 2];
}

/* The same run by all three engines; what SystemC's kernel costs as a ratio. */
static void measure_systemc(const char *what, bool timing_only)
{
    struct run_options options = options_for(ENGINE_STEP, timing_only, 1, 1);
    struct error absent;
    char name[96];
    double seconds[3];
    if (!engine_systemc_there(&absent)) {
        printf("systemc: not measured, SystemC is not there\n");
        return;
    }
    for (enum engine engine = ENGINE_STEP; engine <= ENGINE_SYSTEMC; engine++) {
        static const char *const names[] = {"step", "skip", "systemc"};
        options.engine = engine;
        snprintf(name, sizeof name, "%s, %s", names[engine], what);
        seconds[engine] = measure(name, &options);
    }
    snprintf(name, sizeof name, "systemc over step, %s: time", what);
    bench_report(name, seconds[ENGINE_SYSTEMC] / seconds[ENGINE_STEP], "times");
    snprintf(name, sizeof name, "systemc over skip, %s: time", what);
    bench_report(name, seconds[ENGINE_SYSTEMC] / seconds[ENGINE_SKIP], "times");
}

static void measure_reference(void)
{
    struct run_options options = options_for(ENGINE_SKIP, false, 0, 1);
    struct run run;
    struct error e;
    if (!run_open(&options, &run, &e)) {
        fprintf(stderr, "%s\n", e.message);
        exit(e.code);
    }
    int32_t n_vocab = run.image.model.shape.n_vocab;
    struct acc logits = {calloc((size_t)n_vocab, sizeof(int64_t)), n_vocab, 0};
    struct ref *ref = ref_new(&run.image.model, TOKENS);
    double start = bench_seconds();
    for (int32_t position = 0; position < TOKENS; position++) {
        ref_forward(ref, NULL, position % n_vocab, position, &logits);
    }
    bench_report("reference without time: tokens", TOKENS / (bench_seconds() - start), "token/s");
    ref_free(ref);
    free(logits.m);
    run_close(&run);
}

void bench_engines(void)
{
    struct run_options options = options_for(ENGINE_STEP, true, 0, 1);
    measure("step, timing only, alone", &options);
    options = options_for(ENGINE_SKIP, true, 0, 1);
    measure("skip, timing only, alone", &options);
    options = options_for(ENGINE_SKIP, true, 1, 1);
    measure("skip, timing only, with LoRA", &options);
    options = options_for(ENGINE_STEP, true, 1, 8);
    measure("step, timing only, 8 sequences with LoRA", &options);
    options = options_for(ENGINE_SKIP, true, 1, 8);
    measure("skip, timing only, 8 sequences with LoRA", &options);
    options = options_for(ENGINE_STEP, false, 1, 1);
    measure("step with values and LoRA", &options);
    options = options_for(ENGINE_SKIP, false, 0, 1);
    measure("skip with values", &options);
    options = options_for(ENGINE_SKIP, false, 1, 1);
    measure("skip with values and LoRA", &options);
    measure_reference();
}

void bench_systemc(void)
{
    measure_systemc("timing only with LoRA", true);
    measure_systemc("values and LoRA", false);
}
