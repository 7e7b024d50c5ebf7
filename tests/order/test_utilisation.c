/* Does utilisation over time agree with the counters, in runs shorter and longer than its bins? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/run.h"
#include "tests/unit/check.h"
#include "traces/utilisation.h"

/* Sums of the file's columns, in cycles of all units of a kind; returns its number of rows. */
static int sum_columns(const struct run *run, double cycles[UNIT_KINDS], double *end_us)
{
    char path[600], line[8192];
    double n_units[UNIT_KINDS] = {0};
    int rows = 0;
    for (uint32_t i = 0; i < run->chip->n_units; i++) {
        n_units[run->chip->units[i]->kind]++;
    }
    snprintf(path, sizeof path, "%s/utilisation.csv", run->options.folder);
    FILE *in = fopen(path, "r");
    if (!CHECK(in && fgets(line, sizeof line, in))) {
        return 0;
    }
    for (; fgets(line, sizeof line, in); rows++) {
        char *at = line;
        double from = strtod(at, &at), to = strtod(at + 1, &at);
        CHECK_NEAR(from, *end_us, 1e-4 * to);
        for (int kind = 0; kind < UNIT_KINDS; kind++) {
            double share = strtod(at + 1, &at);
            CHECK(share >= 0 && share <= 1);
            cycles[kind] += share * (to - from) * run->config.clock_mhz * n_units[kind];
        }
        *end_us = to;
    }
    fclose(in);
    return rows;
}

static void agrees(int32_t tokens)
{
    const char *adapters[] = {"none", "clinical"};
    struct run_options options = {.chip = "sample",
                                  .model = "sample",
                                  .adapters = adapters,
                                  .n_adapters = 2,
                                  .prompt = "The old",
                                  .prompt_bytes = 7,
                                  .tokens = tokens,
                                  .sequences = 1,
                                  .seed = 1,
                                  .top_p = 1,
                                  .timing_only = true,
                                  .engine = ENGINE_SKIP,
                                  .folder = temporary_folder(),
                                  .trace_layer = -1,
                                  .trace_to = NEVER - 1};
    struct run run;
    struct error e;
    double cycles[UNIT_KINDS] = {0}, end_us = 0;
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    if (CHECK_GOOD(run_execute(&run, &e), &e)) {
        int rows = sum_columns(&run, cycles, &end_us);
        CHECK(rows > UTILISATION_BINS / 2 && rows <= UTILISATION_BINS);
        CHECK_NEAR(end_us * run.config.clock_mhz, (double)run.chip->now, 1e-5 * (double)run.chip->now);
        for (uint32_t i = 0; i < run.chip->n_units; i++) {
            cycles[run.chip->units[i]->kind] -= (double)run.chip->units[i]->state_cycles[UNIT_BUSY];
        }
        for (int kind = 0; kind < UNIT_KINDS; kind++) { /* as far as six digits go */
            CHECK_NEAR(cycles[kind], 0, 1e-5 * (double)run.chip->now * 6 + 1);
        }
    }
    run_close(&run);
}

static void one_token(void)
{
    agrees(1);
}

static void many_tokens(void)
{
    agrees(150);
}

void suite_utilisation(void)
{
    suite_begin("utilisation");
    suite_add("busy cycles over time add up to the counters: one token", one_token);
    suite_add("busy cycles over time add up to the counters: 150 tokens", many_tokens);
}
