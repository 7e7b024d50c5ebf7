/* Are the three LoRA MAC units one? The C unit in bursts, the model at its pins and the verilated RTL inside token generation: every link in every cycle, and the
 * same trace whichever of them drives the chip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/run.h"
#include "tests/order/random_run.h"
#include "tests/unit/check.h"

static const char *const adapters[] = {"clinical", "none", "contract", "support"};

static struct run_options options_for(const char *chip, enum lora_mode mode, enum engine engine)
{
    static const char prompt[] = "The old";
    return (struct run_options){.chip = chip,
                                .model = "sample",
                                .adapters = adapters,
                                .n_adapters = 4,
                                .prompt = prompt,
                                .prompt_bytes = sizeof prompt - 1,
                                .tokens = 12,
                                .sequences = 2,
                                .seed = 3,
                                .top_p = 1,
                                .engine = engine,
                                .lora_mac = mode,
                                .trace_layer = -1,
                                .trace_to = NEVER - 1,
                                .trace_before_cycles = 200};
}

struct result {
    uint64_t hash, cycles;
};

static struct result execute(const struct run_options *options)
{
    struct run run;
    struct error e = {0};
    struct result result = {0};
    if (!CHECK_GOOD(run_open(options, &run, &e), &e)) {
        return result;
    }
    if (CHECK_GOOD(run_execute(&run, &e), &e)) {
        result = (struct result){trace_hash(run.trace), run.chip->now};
    }
    run_close(&run);
    return result;
}

static bool has_verilator(void)
{
    return system("command -v verilator >/dev/null 2>&1 && command -v g++ >/dev/null 2>&1") == 0;
}

static void check_preset(const char *chip, const char *const *set, int n_set)
{
    struct run_options options = options_for(chip, LORA_MODEL, ENGINE_SKIP);
    options.set = set;
    options.n_set = n_set;
    struct result c = execute(&options);
    for (enum engine engine = ENGINE_STEP; engine <= ENGINE_SKIP; engine++) {
        for (enum lora_mode mode = LORA_RTL; mode <= LORA_LOCKSTEP; mode++) {
            options.engine = engine;
            options.lora_mac = mode;
            struct result other = execute(&options);
            CHECK_EQ_UINT(other.hash, c.hash);
            CHECK_EQ_UINT(other.cycles, c.cycles);
        }
    }
}

static void all_units_agree_on_every_preset(void)
{
    static const char *const chips[] = {"sample", "sample-lean", "sample-wide"};
    if (!has_verilator()) {
        SKIP("no verilator here (scripts/setup.sh rtl)");
    }
    for (int i = 0; i < 3; i++) {
        check_preset(chips[i], NULL, 0);
    }
}

/* Few banks and slow ones, one link deep, two slots for three adapters: stalls of every kind. */
static void all_units_agree_under_contention(void)
{
    static const char *const set[] = {"sram.latency_cycles=9", "sram.arbiter=fixed", "link.depth=1",
                                      "slots.count=2",         "kv.sequences=4",     "attention.lanes=1024"};
    if (!has_verilator()) {
        SKIP("no verilator here (scripts/setup.sh rtl)");
    }
    check_preset("sample", set, 6);
}

/* Chips of every kind: the C unit against the model at its pins, which needs no RTL. */
static void pins_follow_the_c_unit_on_random_chips(void)
{
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct random_run run;
        random_run_make(&run, seed * 77);
        struct outcome alone = random_run_execute(&run, ENGINE_SKIP, 0, true);
        run.pins = true;
        for (enum engine engine = ENGINE_STEP; engine <= ENGINE_SKIP; engine++) {
            struct outcome watched = random_run_execute(&run, engine, 0, true);
            if (!CHECK_GOOD(watched.good, &watched.error) || !CHECK(outcomes_equal(&alone, &watched))) {
                printf("    seed %d\n", (int)seed * 77);
            }
        }
        random_run_free(&run);
    }
}

/* A waveform: whole or not there, of the cycles asked for. */
static void leaves_waveforms(void)
{
    char path[512];
    struct run_options options = options_for("sample", LORA_MODEL, ENGINE_SKIP);
    options.folder = temporary_folder();
    options.trace_fst = true;
    options.trace_trigger = TRIGGER_SRAM;
    options.trace_layer = 2;
    options.trace_from = 10000;
    options.trace_to = 10500;
    struct result traced = execute(&options);
    options.trace_fst = false;
    options.trace_trigger = TRIGGER_NONE;
    CHECK_EQ_UINT(execute(&options).hash, traced.hash);
    snprintf(path, sizeof path, "%s/lora_mac.fst", options.folder);
    CHECK(access(path, R_OK) == 0);
    snprintf(path, sizeof path, "%s/lora_mac_trigger.fst", options.folder);
    CHECK(access(path, R_OK) == 0);
    snprintf(path, sizeof path, "%s/lora_mac.fst.part", options.folder);
    CHECK(access(path, F_OK) != 0);
}

static void refuses_a_layer_that_is_not_there(void)
{
    struct run run;
    struct error e = {0};
    struct run_options options = options_for("sample", LORA_MODEL, ENGINE_SKIP);
    options.folder = temporary_folder();
    options.trace_fst = true;
    options.trace_layer = 6;
    CHECK(!run_open(&options, &run, &e));
    CHECK_CONTAINS(e.message, "layer 6: expected a layer of the model, 0 to 5");
}

void suite_lora_cosim(void)
{
    suite_begin("lora_cosim");
    suite_add("the model at the pins follows the C unit on 80 random chips, both engines", pins_follow_the_c_unit_on_random_chips);
    suite_add("C unit, RTL and lockstep give one trace on every preset, both engines", all_units_agree_on_every_preset);
    suite_add("the same under contention", all_units_agree_under_contention);
    suite_add("leaves waveforms of the cycles asked for", leaves_waveforms);
    suite_add("refuses a layer that is not there", refuses_a_layer_that_is_not_there);
}
