/* The list of a run's scalar results: names, and the sums that hold between them. */
#include <math.h>
#include <string.h>

#include "sim/run.h"
#include "tests/unit/check.h"

static void names_are_columns(void)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric *m = &metrics[i];
        CHECK_EQ_INT(strspn(m->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(m->name));
        CHECK(m->unit[0] && m->meaning[0]);
        CHECK(metric_find(m->name) == m); /* the first of that name: it is the only one */
    }
    CHECK(metric_find("tokens_per_minute") == NULL);
}

static double at(const struct observation *o, int metric)
{
    return metrics[metric].value(o);
}

static double sum(const struct observation *o, int first)
{
    double total = 0;
    for (int p = 0; p < PLACES; p++) {
        total += at(o, first + p);
    }
    return total;
}

static void sums_hold(void)
{
    static const char *const adapters[] = {"clinical", "none"};
    struct run_options options = {.chip = "sample",
                                  .model = "sample",
                                  .adapters = adapters,
                                  .n_adapters = 2,
                                  .prompt = "The old",
                                  .prompt_bytes = 7,
                                  .tokens = 6,
                                  .sequences = 2,
                                  .top_p = 1,
                                  .timing_only = true,
                                  .engine = ENGINE_SKIP};
    struct run run;
    struct error e;
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    REQUIRE_GOOD(run_execute(&run, &e), &e);
    struct observation o = run_observe(&run);
    double mhz = run.config.clock_mhz;
    CHECK_NEAR(sum(&o, METRIC_token_adapter_load_cycles), at(&o, METRIC_cycles_per_token), 1e-6);
    CHECK_NEAR(sum(&o, METRIC_first_token_adapter_load_cycles), at(&o, METRIC_time_to_first_token_us) * mhz, 1e-6);
    CHECK_NEAR(at(&o, METRIC_token_time_us) * at(&o, METRIC_tokens_per_second), 1e6, 1e-3);
    CHECK_NEAR(at(&o, METRIC_generated_tokens), 24, 0);
    CHECK_NEAR(at(&o, METRIC_total_tokens_per_second), 24 / (at(&o, METRIC_run_cycles) / mhz) * 1e6, 1e-3);
    CHECK_NEAR(at(&o, METRIC_sram_capacity_bytes),
               at(&o, METRIC_sram_slots_bytes) + at(&o, METRIC_sram_kv_bytes) + at(&o, METRIC_sram_free_bytes), 0);
    CHECK_NEAR(at(&o, METRIC_slot_bytes) * run.config.slots_count, at(&o, METRIC_sram_slots_bytes), 0);
    CHECK_NEAR(at(&o, METRIC_slot_hits), 1, 0); /* the second sequence with the adapter */
    CHECK_NEAR(at(&o, METRIC_slot_loads), 1, 0);
    CHECK_NEAR(at(&o, METRIC_swap_us),
               at(&o, METRIC_swap_queue_us) + at(&o, METRIC_swap_fixed_us) + at(&o, METRIC_swap_link_us) + at(&o, METRIC_swap_write_us) +
                   at(&o, METRIC_swap_contention_us),
               1e-9);
    CHECK(at(&o, METRIC_between_tokens_p50_us) <= at(&o, METRIC_between_tokens_p99_us));
    CHECK_NEAR(at(&o, METRIC_time_to_first_token_p99_us), (double)(run.requests[2].generated_at[0]) / mhz,
               1e-9); /* the last to have its adapter */
    run_close(&run);
}

static void no_value_is_nan(void)
{
    struct run_options options = {.chip = "sample",
                                  .model = "sample",
                                  .prompt = "The old",
                                  .prompt_bytes = 7,
                                  .tokens = 1,
                                  .sequences = 1,
                                  .top_p = 1,
                                  .timing_only = true,
                                  .engine = ENGINE_SKIP};
    struct run run;
    struct error e;
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    REQUIRE_GOOD(run_execute(&run, &e), &e);
    struct observation o = run_observe(&run);
    CHECK(isnan(at(&o, METRIC_tokens_per_second)));
    CHECK(isnan(at(&o, METRIC_swap_us)));
    CHECK_NEAR(at(&o, METRIC_slot_loads), 0, 0);
    run_close(&run);
}

void suite_metrics(void)
{
    suite_begin("metrics");
    suite_add("names are unique and fit for columns", names_are_columns);
    suite_add("sums between metrics hold", sums_hold);
    suite_add("what there is not is no number", no_value_is_nan);
}
