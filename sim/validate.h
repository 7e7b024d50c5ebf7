/* validate.h -- published figures beside ours: the rows of configs/validation.yaml, computed. docs/validation.md explains them.
 *
 *   rows:
 *     - quantity: "HC1: tokens/s of one user, 1K in, 1K out"
 *       published: 16960
 *       unit: tokens/s
 *       source: who published it
 *       kind: calibration             or validation: nothing was fitted to it
 *       fitted: clock.mhz of hc1      what was; expected for a calibration only
 *       within: 5                     percent; or `bracket`: published lies in the likely range (uncertainty.h)
 *       given: rom.accumulator_gates  with `bracket`: constants (a + b) that are fitted to this chip, and so not uncertain here
 *       miss: why                     it is known not to hold, and this is the reason; that it holds after all is a mistake too
 *       measure:
 *         run: {chip: hc1, model: llama-3.1-8b, prompt_tokens: 1024, tokens: 1024, metric: tokens_per_second}
 *
 * Measures: run (a metric of metrics.def, or a sum of several, a + b, divided by `each`; cycles become the row's us), comparator (tokens/s of a user), mlp
 * (cycles of layers, one after the other, each an array of one tile), sram (tokens of KV beside an adapter), leave_one_out (us of a ROM array, predicted
 * from the published us of the others: validate_fit.h).
 */
#ifndef ETCHSIM_VALIDATE_H
#define ETCHSIM_VALIDATE_H

#include "sim/error.h"
#include "sim/presets.h"
#include "sim/run.h"
#include "sim/validate_fit.h"

enum { VALIDATION_TEXT_ROOM = 300, VALIDATION_ROWS_MAX = 256, MLP_LAYERS_MAX = 8 };
enum measure { MEASURE_RUN, MEASURE_COMPARATOR, MEASURE_MLP, MEASURE_SRAM, MEASURE_LEAVE_ONE_OUT, MEASURES };

struct validation_row {
    char quantity[VALIDATION_TEXT_ROOM], unit[32], source[VALIDATION_TEXT_ROOM], fitted[VALIDATION_TEXT_ROOM], miss[VALIDATION_TEXT_ROOM];
    double published;
    bool calibration, bracket;
    double within_percent;
    bool given[CONSTANT_COUNT];
    enum measure measure;
    char chip[PRESET_NAME_ROOM], model[PRESET_NAME_ROOM], metric[VALIDATION_TEXT_ROOM], comparator[PRESET_NAME_ROOM];
    double prompt_tokens, tokens, each, users, context_tokens;
    double layers[MLP_LAYERS_MAX], latency_cycles;
    uint32_t n_layers;
    double sram_bytes, rank, lora_bytes_per_rank, kv_bytes_per_token;
    double array_us[FIT_ARRAYS];
    enum fit_array left_out;
    /* computed */
    double ours, low, high; /* low, high: the likely range, with `bracket` */
    double error_percent;   /* of ours over published; where published is 0, 0 if ours is too and infinite else */
    bool holds;
};

struct validation {
    struct validation_row *rows; /* [n_rows], owned */
    uint32_t n_rows, n_missed;   /* n_missed: as their rows say */
    uint32_t n_broken;           /* misses that no row speaks of, and rows that speak of one while they hold */
};

/* A file, or NULL: configs/validation.yaml. Every kind of mistake is an error with file, line and key. */
bool validation_load(const char *path, struct validation *validation, struct error *e);
/* The same from memory; `file` stands for it. */
bool validation_parse(const char *text, size_t bytes, const char *file, struct validation *validation, struct error *e);
/* Computes every row. An error is a row that cannot be computed; one that does not hold is counted. */
bool validation_run(struct validation *validation, struct error *e);
void validation_free(struct validation *validation);

#endif
