/* run.h -- one run, start to end: what --chip, --model, --adapter and --prompt name is loaded, wired and clocked. */
#ifndef ETCHSIM_RUN_H
#define ETCHSIM_RUN_H

#include "sim/engine.h"
#include "sim/image.h"
#include "sim/lora_cosim.h"
#include "sim/metrics.h"
#include "sim/physics.h"
#include "sim/tokenizer.h"

struct run_options {
    const char *chip, *model; /* preset names or files */
    const char *physics;      /* the same, for the constants of area, energy and cost; NULL: n6 */
    const char *const *
        adapters; /* [n_adapters] names or folders, "none" for the base model, with timing_only "synthetic:RANK" for one without values; each
                                    has requests of its own. No adapters: "none" */
    int32_t n_adapters;
    const char *const *set; /* [n_set] key=value changes to the chip */
    int32_t n_set;
    const char *prompt; /* NULL: prompt_tokens tokens without text, with timing_only */
    size_t prompt_bytes;
    int32_t prompt_tokens;
    int32_t tokens;    /* to generate */
    int32_t sequences; /* requests for each adapter (or for the base model); they differ in their seeds */
    uint64_t seed;
    double temperature, top_p; /* temperature 0: greedy */
    bool ignore_stop;          /* go on after the end-of-text token */
    bool synthetic_weights;    /* drawn from weights_seed, in the model's shape */
    uint64_t weights_seed;
    int32_t threads;    /* of matrix products; 0: one for each processor */
    bool timing_only;   /* no values: the same cycles, without tokens. Generates all tokens asked for; the model may be a shape */
    bool without_trace; /* no events, no hash: tokens may leap (leap.h) */
    enum engine engine;
    const char *folder; /* results go there too; NULL: nowhere */
    bool trace_events, trace_perfetto, trace_fst;
    enum lora_mode lora_mac;
    cycle_t trace_from, trace_to; /* of the waveform */
    int32_t trace_layer;          /* of the waveform, -1: all */
    enum lora_trigger trace_trigger;
    uint32_t trace_before_cycles;
};

struct run {
    struct run_options options;
    struct image image;
    struct tokenizer *tokenizer;
    struct adapter *adapters; /* [n_adapters] those that are loaded: options.adapters without "none" */
    int32_t n_adapters;
    struct token_ids prompt;
    struct request *requests; /* [n_requests] */
    uint32_t n_requests;
    struct chip_config config;
    struct physics physics;
    struct trace *trace;
    struct chip *chip;
    struct utilisation *utilisation;   /* NULL: no folder asks for it */
    struct lora_cosim *cosim;          /* NULL: the C unit alone */
    double setup_seconds, run_seconds; /* wall clock; for people only */
};

/* Loads and wires everything; nothing has been clocked yet. On failure *e is filled and the run is closed. */
bool run_open(const struct run_options *options, struct run *run, struct error *e);
/* Clocks the chip to the end and leaves the files of options.folder. */
bool run_execute(struct run *run, struct error *e);
void run_close(struct run *run);

/* What an executed run amounts to; it refers to the run. */
struct observation run_observe(const struct run *run);

/* The text of generated tokens from..to (without to), owned by the caller; their numbers where the model has no vocabulary. */
char *run_text(const struct run *run, const struct request *request, int32_t from, int32_t to, size_t *length_bytes);

#endif
