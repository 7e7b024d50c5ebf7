#include "sim/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/comparator.h"
#include "sim/model_shape.h"
#include "sim/physical_report.h"

/* A run serves all rows in succession that ask for it. */
struct runs {
    struct run run;
    const struct validation_row *of; /* NULL: none yet */
};

static void close_run(struct runs *runs)
{
    if (runs->of) {
        run_close(&runs->run);
        runs->of = NULL;
    }
}

static bool same_run(const struct validation_row *a, const struct validation_row *b)
{
    return a && strcmp(a->chip, b->chip) == 0 && strcmp(a->model, b->model) == 0 && a->prompt_tokens == b->prompt_tokens &&
           a->tokens == b->tokens;
}

static bool execute(struct runs *runs, const struct validation_row *row, struct error *e)
{
    if (same_run(runs->of, row)) {
        return true;
    }
    struct run_options options = {.chip = row->chip,
                                  .model = row->model,
                                  .prompt_tokens = (int32_t)row->prompt_tokens,
                                  .tokens = (int32_t)row->tokens,
                                  .sequences = 1,
                                  .top_p = 1,
                                  .timing_only = true,
                                  .engine = ENGINE_SKIP};
    close_run(runs);
    if (!run_open(&options, &runs->run, e)) {
        return false;
    }
    runs->of = row;
    return run_execute(&runs->run, e);
}

/* --- measures --- */

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* The sum of the metrics; those in cycles become microseconds where the row is in us. */
static double sum_of_metrics(const struct run *run, const struct observation *o, const struct validation_row *row)
{
    char names[VALIDATION_TEXT_ROOM], *rest = names;
    double sum = 0;
    memcpy(names, row->metric, sizeof names);
    for (char *name = strtok_r(names, " +", &rest); name; name = strtok_r(NULL, " +", &rest)) {
        bool cycles = strcmp(row->unit, "us") == 0 && ends_in(name, "_cycles");
        sum += metric_find(name)->value(o) / (cycles ? run->config.clock_mhz : 1);
    }
    return sum / row->each;
}

/* What a metric of the physical model is likely to be. */
static bool bracket(const struct run *run, struct validation_row *row, struct error *e)
{
    struct estimate estimate;
    for (int i = 0; i < PHYSICAL_RESULTS; i++) {
        if (strcmp(physical_results[i].name, row->metric) == 0) {
            estimate_of(&run->physics, run->chip, run->image.rom_bits, run->requests, run->n_requests, row->given, &estimate);
            row->low = estimate.uncertainty.likely[i].low / row->each;
            row->high = estimate.uncertainty.likely[i].high / row->each;
            return true;
        }
    }
    return error_input(e, "%s: bracket: expected a metric of area, energy or cost, found '%s'", row->quantity, row->metric);
}

static bool measure_run(struct validation_row *row, struct runs *runs, struct error *e)
{
    if (!execute(runs, row, e)) {
        return false;
    }
    struct observation o = run_observe(&runs->run);
    row->ours = sum_of_metrics(&runs->run, &o, row);
    return !row->bracket || bracket(&runs->run, row, e);
}

static bool measure_comparator(struct validation_row *row, struct error *e)
{
    struct comparator machine;
    struct model_shape model;
    if (!comparator_load(row->comparator, &machine, e) || !model_shape_load(row->model, &model, e)) {
        return false;
    }
    row->ours = comparator_rate(&machine, &model.shape, row->users, row->context_tokens).user_tokens_per_s;
    return true;
}

/* Layers one after the other, an input and an output a cycle, each in one tile of a ROM array: its own timing, which a chip's arrays have too. */
static double mlp_cycles(const struct validation_row *row)
{
    struct chip_config config;
    double cycles = 0;
    config_defaults(&config);
    config.rom_tile_rows = TILE_ROWS_MAX;
    config.rom_rows_per_cycle = 1;
    config.rom_drain_elements = 1;
    config.rom_latency_cycles = (uint32_t)row->latency_cycles;
    for (uint32_t i = 1; i < row->n_layers; i++) {
        struct rom_port port = {0};
        rom_port_timing(&port, &config, (uint32_t)row->layers[i - 1], (uint32_t)row->layers[i], false);
        cycles += 1.0 + port.sweep_cycles + port.pipeline_cycles + port.drain_beats; /* 1: from the push to the first beat */
    }
    return cycles;
}

static double sram_tokens(const struct validation_row *row)
{
    double room = row->sram_bytes - row->rank * row->lora_bytes_per_rank;
    return room > 0 ? floor(room / row->kv_bytes_per_token) : 0;
}

static bool measure_left_out(struct validation_row *row, struct error *e)
{
    struct chip_config config;
    struct model_shape model;
    if (!config_load(row->chip, &config, e) || !model_shape_load(row->model, &model, e)) {
        return false;
    }
    row->ours = fit_predict(&config, &model.shape, row->array_us, row->left_out);
    return true;
}

static bool measure(struct validation_row *row, struct runs *runs, struct error *e)
{
    switch (row->measure) {
    case MEASURE_RUN: return measure_run(row, runs, e);
    case MEASURE_COMPARATOR: return measure_comparator(row, e);
    case MEASURE_MLP: row->ours = mlp_cycles(row); return true;
    case MEASURE_LEAVE_ONE_OUT: return measure_left_out(row, e);
    default: row->ours = sram_tokens(row); return true;
    }
}

/* --- judgement --- */

static void judge(struct validation_row *row)
{
    row->error_percent = row->published != 0 ? 100 * (row->ours / row->published - 1) : row->ours == 0 ? 0 : INFINITY;
    row->holds = row->bracket ? row->low <= row->published && row->published <= row->high
                              : fabs(row->error_percent) <= row->within_percent + 1e-9; /* NAN does not hold */
}

bool validation_run(struct validation *v, struct error *e)
{
    static struct runs runs;
    bool good = true;
    v->n_broken = v->n_missed = 0;
    for (uint32_t i = 0; i < v->n_rows && good; i++) {
        good = measure(&v->rows[i], &runs, e);
        judge(&v->rows[i]);
        bool spoken_of = v->rows[i].miss[0] != '\0';
        v->n_missed += spoken_of && !v->rows[i].holds;
        v->n_broken += spoken_of == v->rows[i].holds;
    }
    close_run(&runs);
    return good;
}
