/* How many points of a sweep a core does in a second: HC1 with Llama 3.1 8B, 128 tokens each, without values; rows in the database included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep_run.h"
#include "tests/bench/bench.h"

enum { POINTS = 400 };

static struct sweep sweep; /* large */

static void check(bool good, const struct error *e)
{
    if (!good) {
        fprintf(stderr, "%s\n", e->message);
        exit(e->code);
    }
}

/* A fresh folder for the results; removed at the end. */
static double run_points(const char *text, const char *folder)
{
    struct error e;
    struct sweep_summary summary;
    char command[200];
    check(sweep_parse(text, strlen(text), "bench.yaml", &sweep, &e) && sweep_open(&sweep, &e), &e);
    double start = bench_seconds();
    check(sweep_run(&sweep, &(struct sweep_options){.folder = folder, .workers = 1, .quiet = true}, &summary, &e), &e);
    double seconds = bench_seconds() - start;
    uint32_t points = sweep.n_points;
    sweep_free(&sweep);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    check(system(command) == 0, &(struct error){.code = EXIT_CODE_INPUT, .message = "cannot remove the benchmark's folder"});
    return points / seconds;
}

void bench_sweep(void)
{
    char folder[] = "/tmp/etchsim-bench-XXXXXX";
    char text[300];
    if (!mkdtemp(folder)) {
        perror("mkdtemp");
        exit(EXIT_CODE_INPUT);
    }
    snprintf(text, sizeof text,
             "chip: hc1\nmodel: llama-3.1-8b\nset: {run.tokens: 128}\nparameters: {norm.lanes: {from: 101, to: %d, step: 1}}\n",
             100 + POINTS);
    bench_report("sweep, HC1, 128 tokens a point", run_points(text, folder), "points/s per core");
    snprintf(text, sizeof text,
             "chip: sample\nmodel: sample\nset: {run.tokens: 1}\nparameters: {norm.lanes: {from: 101, to: %d, step: 1}}\n", 100 + POINTS);
    bench_report("sweep, sample chip, 1 token a point", run_points(text, folder), "points/s per core");
}
