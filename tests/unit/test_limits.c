/* What binds, checked by perturbation: relaxing the limit that is named gains, and more than relaxing any other; what has no cycles gains nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/point.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

static struct sweep sweep; /* large */

struct scenario {
    const char *inputs, *changes; /* "run.tokens: 4", "lora.lanes=16 sram.ways=1" */
    enum row_limit which;
    enum limit binds;
};

static const int measured[ROW_LIMITS] = {METRIC_token_time_us, METRIC_time_to_first_token_us, METRIC_run_cycles};

static bool open_scenario(const struct scenario *c, struct error *e)
{
    char text[400], changes[400];
    snprintf(text, sizeof text, "chip: sample\nmodel: sample\nset: {%s}\n", c->inputs);
    snprintf(changes, sizeof changes, "%s", c->changes);
    if (!sweep_parse(text, strlen(text), "test.yaml", &sweep, e) || !sweep_open(&sweep, e)) {
        return false;
    }
    char *rest = NULL;
    for (char *change = strtok_r(changes, " ", &rest); change; change = strtok_r(NULL, " ", &rest)) {
        if (!config_set(&sweep.chips[0].config, change, e)) {
            sweep_free(&sweep);
            return false;
        }
    }
    return true;
}

/* Shortening of what is measured, in percent, when a limit is relaxed. */
static double gain(const struct sweep_row *before, enum limit relaxed, enum row_limit which)
{
    static struct sweep_row after;
    struct chip_config kept = sweep.chips[0].config;
    uint32_t from, to;
    limit_relax_config(limit_relax[relaxed], &sweep.chips[0].config, &from, &to);
    point_run(&sweep, 0, &after);
    sweep.chips[0].config = kept;
    CHECK_EQ_TEXT(after.text, "");
    double was = before->metric[measured[which]], is = after.metric[measured[which]];
    return 100 * (was - is) / was;
}

static void check_scenario(const struct scenario *c)
{
    static struct sweep_row row;
    struct error e;
    REQUIRE_GOOD(open_scenario(c, &e), &e);
    point_run(&sweep, 0, &row);
    CHECK_EQ_TEXT(row.text, "");
    int32_t named = row.limit[c->which];
    if (named < 0 || !CHECK_EQ_TEXT(limit_names[named], limit_names[c->binds])) {
        printf("    %s %s\n", c->inputs, c->changes);
    }
    double of_named = gain(&row, c->binds, c->which);
    if (!CHECK(of_named > 5)) {
        printf("    %s %s: relaxing %s gains %.2f %%\n", c->inputs, c->changes, limit_names[c->binds], of_named);
    }
    for (enum limit l = 0; l < LIMITS; l++) {
        double of_other = l == c->binds ? 0 : gain(&row, l, c->which);
        if (!CHECK(of_other < of_named)) {
            printf("    %s %s: relaxing %s gains %.2f %%, %s %.2f %%\n", c->inputs, c->changes, limit_names[c->binds], of_named,
                   limit_names[l], of_other);
        }
    }
    sweep_free(&sweep);
}

#define WIDE                                                                                                           \
    "rom.rows_per_cycle=64 rom.drain_elements=1024 norm.lanes=512 rope.lanes=512 silu.lanes=512 attention.lanes=8192 " \
    "attention.softmax_lanes=512 sampler.lanes=1024 link.elements=512 embed.elements=512"

static void named_limits_bind(void)
{
    static const struct scenario scenarios[] = {
        {"run.tokens: 8", "", ROW_LIMIT_TOKEN, LIMIT_rom_sweep},
        {"run.tokens: 8", "rom.drain_elements=2", ROW_LIMIT_TOKEN, LIMIT_drain_width},
        {"run.tokens: 8", "norm.lanes=2 silu.lanes=2 rope.lanes=2", ROW_LIMIT_TOKEN, LIMIT_vector_unit},
        {"run.tokens: 8, run.prompt_tokens: 60", "attention.lanes=16", ROW_LIMIT_TOKEN, LIMIT_attention_lanes},
        {"run.tokens: 8, run.prompt_tokens: 60", "sram.ways=1", ROW_LIMIT_TOKEN, LIMIT_bank_ports},
        {"run.tokens: 8", "link.elements=1 rom.rows_per_cycle=4", ROW_LIMIT_TOKEN, LIMIT_link_width},
        {"run.tokens: 8", WIDE, ROW_LIMIT_TOKEN, LIMIT_dependency_chain},
        {"run.tokens: 8, adapter.count: 1", "lora.lanes=16", ROW_LIMIT_TOKEN, LIMIT_lora_lanes},
        {"run.tokens: 8, adapter.count: 1", "", ROW_LIMIT_TOKEN,
         LIMIT_lora_lanes}, /* arrays sweep for longer than they wait, but the wait hides it */
        {"run.tokens: 8, adapter.count: 1", "sram.ways=1", ROW_LIMIT_TOKEN, LIMIT_bank_ports},
        {"run.tokens: 2, adapter.count: 1", "host.bandwidth_mbytes_per_s=100", ROW_LIMIT_FIRST_TOKEN, LIMIT_host_link},
        {"run.tokens: 2, adapter.count: 1", "sram.ways=1 host.bandwidth_mbytes_per_s=1000000 host.transfer_cycles=0 host.tensor_cycles=0",
         ROW_LIMIT_FIRST_TOKEN, LIMIT_bank_ports},
        {"run.tokens: 16, run.sequences: 8", "kv.sequences=1", ROW_LIMIT_THROUGHPUT, LIMIT_kv_capacity},
        {"run.tokens: 16, adapter.count: 6",
         "slots.count=1 host.bandwidth_mbytes_per_s=1000000 host.transfer_cycles=0 host.tensor_cycles=0", ROW_LIMIT_THROUGHPUT,
         LIMIT_adapter_capacity},
        {"run.tokens: 16, run.sequences: 32", "kv.sequences=32 kv.context_tokens=64 rom.drain_elements=2", ROW_LIMIT_THROUGHPUT,
         LIMIT_drain_width},
        {"run.tokens: 16, run.sequences: 60", "kv.sequences=60 kv.context_tokens=64 rom.drain_elements=1024 rom.tile_rows=512",
         ROW_LIMIT_THROUGHPUT, LIMIT_rom_sweep},
        {"run.tokens: 4, adapter.count: 4", "host.bandwidth_mbytes_per_s=100", ROW_LIMIT_THROUGHPUT, LIMIT_host_link},
        {"run.tokens: 16, adapter.count: 2, run.sequences: 8", "kv.sequences=16 kv.context_tokens=64 lora.lanes=8 slots.count=2",
         ROW_LIMIT_THROUGHPUT, LIMIT_lora_lanes},
    };
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        check_scenario(&scenarios[i]);
    }
}

/* Random chips with a lone sequence, with and without an adapter: the cycles add up to the token's time; a limit without cycles gains nothing, and none gains
 * more than it has (but for what rounding up to whole cycles, rows and beats adds). */
static void accounts_bound_the_gain(void)
{
    static const char *const widths[] = {"rom.rows_per_cycle",      "rom.drain_elements", "norm.lanes", "rope.lanes",   "silu.lanes",
                                         "attention.softmax_lanes", "attention.lanes",    "lora.lanes", "link.elements"};
    struct random random;
    random_seed(&random, 5, 0);
    for (int i = 0; i < 24; i++) {
        char changes[400] = "";
        static struct sweep_row row;
        struct error e;
        for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
            snprintf(changes + strlen(changes), sizeof changes - strlen(changes), " %s=%d", widths[k], 8 << random_between(&random, 0, 3));
        }
        struct scenario c = {i % 2 ? "run.tokens: 5, adapter.count: 1" : "run.tokens: 5, run.prompt_tokens: 30", changes, ROW_LIMIT_TOKEN,
                             0};
        REQUIRE_GOOD(open_scenario(&c, &e), &e);
        point_run(&sweep, 0, &row);
        CHECK_EQ_TEXT(row.text, "");
        double sum = 0, all = row.metric[METRIC_cycles_per_token];
        for (enum limit l = 0; l < LIMITS; l++) {
            double has = row.metric[METRIC_token_limit_kv_capacity_cycles + l], gained = gain(&row, l, ROW_LIMIT_TOKEN) / 100 * all;
            sum += has;
            bool unseen = has != 0 || fabs(gained) < 1e-6;
            if (!CHECK(unseen) || !CHECK(gained <= has + 1e-6)) {
                printf("    %s%s: %s has %.1f cycles, relaxed it gains %.1f\n", c.inputs, changes, limit_names[l], has, gained);
            }
        }
        CHECK_NEAR(sum, all, 1e-6);
        sweep_free(&sweep);
    }
}

void suite_limits(void)
{
    suite_begin("limits");
    suite_add("the limit that is named binds", named_limits_bind);
    suite_add("a limit gains no more than its cycles", accounts_bound_the_gain);
}
