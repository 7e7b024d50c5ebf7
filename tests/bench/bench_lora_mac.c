/* How fast is the verilated LoRA MAC unit? Alone at its pins, busy in every cycle, with and without a waveform of its inside; and in lockstep inside token generation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/lora_pins_model.h"
#include "sim/lora_rtl.h"
#include "sim/run.h"
#include "tests/bench/bench.h"

enum { CYCLES = 20000, TRACED_CYCLES = 2000, INPUTS = 384, OUTPUTS = 384, RANK = 16, WORDS_MAX = 512 };

static void fail(const struct error *e)
{
    fprintf(stderr, "%s\n", e->message);
    exit(e->code);
}

/* x waits at all times, rows come in every cycle, results find room: the next job follows at once. */
struct busy_unit {
    struct lora_unit *unit;
    struct lora_inputs in;
    struct lora_outputs out;
    uint32_t words_left, way_left, row_words, sram_latency_cycles, cycles;
};

static void clock_unit(void *user)
{
    struct busy_unit *u = user;
    for (uint32_t i = 0; i < u->cycles; i++) {
        u->unit->outputs(u->unit, &u->out);
        if (u->out.request_valid) {
            u->words_left = u->out.request_words;
            u->way_left = u->sram_latency_cycles + 1;
        }
        u->in.word_count = u->way_left == 0 && u->words_left > 0 ? u->row_words : 0;
        u->words_left -= u->in.word_count;
        u->way_left -= u->way_left > 0;
        u->unit->clock(u->unit, &u->in);
    }
}

static void measure_unit(const char *what, const struct lora_geometry *geometry, struct lora_unit *unit, uint32_t cycles)
{
    static int8_t x[1024];
    static uint32_t words[WORDS_MAX];
    static int64_t delta[4096];
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof x; i++) {
        x[i] = (int8_t)((state = state * 6364136223846793005u + 1) >> 60);
    }
    for (size_t i = 0; i < WORDS_MAX; i++) {
        words[i] = (uint32_t)((state = state * 6364136223846793005u + 1) >> 32);
    }
    uint32_t ranks[] = {RANK}, outputs[] = {OUTPUTS};
    struct busy_unit busy = {
        .unit = unit, .row_words = geometry->row_words, .sram_latency_cycles = geometry->sram_latency_cycles, .cycles = cycles};
    busy.out.delta = delta;
    busy.in.words = words;
    busy.in.request_ready = true;
    busy.in.x_valid[LINEARS_O] = true;
    busy.in.job[LINEARS_O] = lora_job_make(geometry, 1, ranks, INPUTS, outputs, geometry->link_elements);
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        busy.in.x[g] = x;
        busy.in.delta_ready[g] = true;
    }
    unit->clock(unit, &(struct lora_inputs){.reset = true});
    bench_report(what, cycles / bench_median_seconds(clock_unit, &busy) * 1e-6, "Mcycle/s");
}

/* The same RTL in a library that cannot write waveforms: what does it cost that the other one could? */
static void measure_untraced(const struct lora_geometry *geometry)
{
    struct lora_unit *rtl;
    struct error e;
    char name[96];
    setenv("ETCHSIM_RTL_TRACE", "0", 1);
    if (!lora_rtl_open(geometry, INPUTS, &rtl, &e)) {
        fail(&e);
    }
    unsetenv("ETCHSIM_RTL_TRACE");
    snprintf(name, sizeof name, "verilated RTL, %u lanes, built without waveforms", geometry->lanes);
    measure_unit(name, geometry, rtl, CYCLES);
    rtl->close(rtl);
}

static void measure_lanes(uint32_t lanes)
{
    struct chip_config config;
    struct error e;
    struct lora_unit *rtl;
    char name[96];
    if (!config_load("sample", &config, &e)) {
        fail(&e);
    }
    config.lora_lanes = lanes;
    struct lora_geometry geometry = lora_geometry(&config);
    if (geometry.port_words < geometry.row_words) {
        config.sram_width_bits = 64 * lanes / 128;
        geometry = lora_geometry(&config);
    }
    struct lora_unit *model = lora_pins_model_open(&geometry, INPUTS, &e);
    if (!model || !lora_rtl_open(&geometry, INPUTS, &rtl, &e)) {
        fail(&e);
    }
    snprintf(name, sizeof name, "C model at the pins, %u lanes", lanes);
    measure_unit(name, &geometry, model, CYCLES);
    snprintf(name, sizeof name, "verilated RTL, %u lanes", lanes);
    measure_unit(name, &geometry, rtl, CYCLES);
    measure_untraced(&geometry);
    char path[] = "/tmp/etchsim-bench-XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || !lora_rtl_trace_start(rtl, path, 0, &e)) {
        fail(&e);
    }
    snprintf(name, sizeof name, "verilated RTL, %u lanes, writing a waveform", lanes);
    measure_unit(name, &geometry, rtl, TRACED_CYCLES);
    lora_rtl_trace_stop(rtl);
    close(file);
    unlink(path);
    rtl->close(rtl);
    model->close(model);
}

static void measure_lockstep(void)
{
    static const char *const adapters[] = {"clinical"};
    static const char prompt[] = "On Monday morning";
    static const char *const names[] = {"C unit", "RTL", "lockstep"};
    for (enum lora_mode mode = LORA_MODEL; mode <= LORA_LOCKSTEP; mode++) {
        struct run_options options = {.chip = "sample",
                                      .model = "sample",
                                      .prompt = prompt,
                                      .prompt_bytes = sizeof prompt - 1,
                                      .adapters = adapters,
                                      .n_adapters = 1,
                                      .tokens = 64,
                                      .sequences = 1,
                                      .seed = 1,
                                      .top_p = 1,
                                      .ignore_stop = true,
                                      .engine = ENGINE_STEP,
                                      .lora_mac = mode,
                                      .trace_layer = -1,
                                      .trace_before_cycles = 200};
        struct run run;
        struct error e;
        char name[96];
        if (!run_open(&options, &run, &e) || !run_execute(&run, &e)) {
            fail(&e);
        }
        snprintf(name, sizeof name, "64 tokens, step, LoRA by the %s", names[mode]);
        bench_report(name, run.run_seconds, "s");
        run_close(&run);
    }
}

void bench_lora_mac(void)
{
    measure_lanes(64);
    measure_lanes(256);
    measure_lockstep();
}
