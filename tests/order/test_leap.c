/* Do tokens that pass layer blocks in one leap change anything? The same random chips and workloads by step, where nothing leaps. */
#include <stdio.h>

#include "tests/order/random_run.h"

enum { N_CONFIGS = 400 };

static void compare(const struct random_run *run, const char *what, struct outcome *sum)
{
    struct outcome step = random_run_execute(run, ENGINE_STEP, 0, false), skip = random_run_execute(run, ENGINE_SKIP, 0, false);
    if (!CHECK(outcomes_equal(&step, &skip))) {
        printf("\n    seed %llu, %s: cycles %llu / %llu, units %d, counters %d, tokens %d, accounts %d, requests %d equal; %s%s",
               (unsigned long long)run->seed, what, (unsigned long long)step.cycles, (unsigned long long)skip.cycles,
               step.unit_cycles_hash == skip.unit_cycles_hash, step.counters_hash == skip.counters_hash,
               step.generated_at_hash == skip.generated_at_hash, step.account_hash == skip.account_hash,
               step.requests_hash == skip.requests_hash, step.error.message, skip.error.message);
    }
    sum->cycles += step.cycles;
    sum->seen.leapt += skip.seen.leapt;
    sum->seen.put_back += skip.seen.put_back;
}

/* Every kind of workload, with and without adapters beside the base model. */
static void step_equals_leaping(void)
{
    struct outcome sum = {0};
    for (uint64_t seed = 1; seed <= N_CONFIGS; seed++) {
        struct random_run run;
        random_run_make_leap(&run, seed);
        for (uint32_t i = 0; i < run.n_requests && seed % 2; i++) {
            run.requests[i].adapter = -1;
        }
        compare(&run, "all at once", &sum);
        random_run_serve(&run);
        compare(&run, "over time", &sum);
        if (random_run_incidents(&run)) {
            compare(&run, "incidents", &sum);
        }
        random_run_free(&run);
    }
    printf("\n    %d random chips, %llu cycles, %llu blocks leapt, %llu put back ", N_CONFIGS, (unsigned long long)sum.cycles,
           (unsigned long long)sum.seen.leapt, (unsigned long long)sum.seen.put_back);
    CHECK(sum.seen.leapt > 20 * N_CONFIGS && sum.seen.put_back > N_CONFIGS);
}

/* With a link and a host port of one place each, a broken load that is to be asked for again waited for the host port, that for the DMA, and that for the sequencer to
 * take its report. */
static void broken_loads_wait_outside_the_links(void)
{
    struct random_run run;
    random_run_make_leap(&run, 5604);
    random_run_serve(&run);
    REQUIRE(random_run_incidents(&run));
    CHECK(run.config.link_depth == 1 && run.config.host_depth == 1);
    struct outcome outcome = random_run_execute(&run, ENGINE_STEP, 0, false);
    CHECK_EQ_TEXT(outcome.error.message, "");
    random_run_free(&run);
}

void suite_leap(void)
{
    suite_begin("leap");
    suite_add("tokens that leap give the same cycles, counters and accounts as step", step_equals_leaping);
    suite_add("broken loads wait outside the links: nothing stands still", broken_loads_wait_outside_the_links);
}
