/* etchsim run -- generates tokens on a simulated chip, cycle by cycle. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels/threads.h"
#include "sim/chip_auto.h"
#include "sim/commands.h"
#include "sim/model_shape.h"
#include "sim/options.h"
#include "sim/output.h"
#include "sim/report.h"
#include "sim/trace_files.h"

struct arguments {
    const char *chip, *model, *physics, *prompt, *folder, *temperature, *top_p, *window;
    int64_t tokens, prompt_tokens, seed, sequences, layer, before, weights_seed, threads;
    int engine, lora_mac, trigger;
    bool timing_only, json, ignore_stop;
    struct option_list adapters, set, traces;
};

static const struct option options[] = {
    OPTION_TEXT(struct arguments, chip, "chip", 'c', "NAME|FILE",
                "the chip: a preset, a YAML file, or auto: sized for the model (default: sample)"),
    OPTION_TEXT(struct arguments, model, "model", 'm', "NAME|FILE",
                "the model: a preset, a GGUF file or a ROM image; with --timing-only also a shape (default: the one that the chip is made "
                "for, or sample)"),
    OPTION_TEXT(struct arguments, physics, "physics", 0, "NAME|FILE", "constants of area, energy and cost (default: n6)"),
    OPTION_REPEATED(struct arguments, adapters, "adapter", 'a', "NAME|DIR",
                    "a LoRA adapter; each one given answers the prompt, `none` as the base model; with --timing-only also synthetic:RANK, "
                    "one on all linears, and on the ends that the chip has (lora.ends)"),
    OPTION_TEXT(struct arguments, prompt, "prompt", 'p', "TEXT", "the text to continue (default: \"The old\")"),
    OPTION_INTEGER(struct arguments, prompt_tokens, "prompt-tokens", 0, "N", 1, 1048576,
                   "a prompt of N random tokens instead of a text (default for a shape without weights: 1)"),
    OPTION_INTEGER(struct arguments, tokens, "tokens", 'n', "N", 1, 1000000, "tokens to generate at most (default: 128)"),
    OPTION_INTEGER(struct arguments, sequences, "sequences", 0, "N", 1, 65535,
                   "sequences for each adapter, in flight together (default: 1)"),
    OPTION_TEXT(struct arguments, temperature, "temperature", 't', "X", "0: greedy (default); 1: the model's own distribution"),
    OPTION_TEXT(struct arguments, top_p, "top-p", 0, "X", "sample from the likeliest tokens that make up this share (default: 1)"),
    OPTION_INTEGER(struct arguments, seed, "seed", 's', "N", 0, INT64_MAX, "of the sampler (default: 1)"),
    OPTION_FLAG(struct arguments, ignore_stop, "ignore-stop", 0, "go on after the end-of-text token"),
    OPTION_REPEATED(struct arguments, set, "set", 0, "KEY=VALUE", "change a parameter of the chip; `etchsim help parameters` lists them"),
    OPTION_CHOICE(struct arguments, engine, "engine", 'e', ENGINE_WORDS,
                  "step ticks every unit on every cycle; skip (default) jumps, with the same trace"),
    OPTION_CHOICE(struct arguments, lora_mac, "lora-mac", 0, "model|rtl|lockstep",
                  "what computes LoRA: the C unit (default), its Verilog, or both compared in every cycle"),
    OPTION_INTEGER(struct arguments, weights_seed, "synthetic-weights", 0, "SEED", 0, INT64_MAX,
                   "random weights in the model's shape, which may be a shape alone; the text is token numbers then"),
    OPTION_INTEGER(struct arguments, threads, "threads", 0, "N", 0, THREADS_MAX, "of matrix products (default: 0, one for each processor)"),
    OPTION_FLAG(struct arguments, timing_only, "timing-only", 0, "no values: the same cycles without text"),
    OPTION_FLAG(struct arguments, json, "json", 'j', "print one JSON object instead of text"),
    OPTION_TEXT(struct arguments, folder, "out", 'o', "DIR", "leave results, resolved config, versions and traces in a folder"),
    OPTION_REPEATED(
        struct arguments, traces, "trace", 0, "KIND",
        "events (compressed text), perfetto (for ui.perfetto.dev) or fst (LoRA MAC units, for GTKWave), which need --out; none: not "
        "even its hash, much faster with --timing-only"),
    OPTION_TEXT(struct arguments, window, "trace-window", 0, "FROM:TO", "cycles that --trace fst shows (default: all)"),
    OPTION_INTEGER(struct arguments, layer, "trace-layer", 0, "N", -1, 100000, "layer that --trace fst shows (default: -1, all)"),
    OPTION_CHOICE(struct arguments, trigger, "trace-trigger", 0, "none|sram|output",
                  "leave a waveform that ends with a LoRA MAC unit's first stall of this kind; needs --out"),
    OPTION_INTEGER(struct arguments, before, "trace-before", 0, "N", 1, 1000000,
                   "cycles before a trigger or a mismatch to show (default: 200)"),
};

static const struct command command = {
    "run", "generate tokens on a simulated chip, cycle by cycle",
    "  etchsim run --prompt 'On Monday morning'\n"
    "  etchsim run --chip hc1 --timing-only --prompt-tokens 1024 --tokens 1024\n"
    "  etchsim run --adapter none --adapter clinical --adapter contract --tokens 100\n"
    "  etchsim run --chip sample-lean --set lora.lanes=16 --adapter support --json\n"
    "  etchsim run --sequences 8 --temperature 0.8 --out /tmp/run --trace perfetto\n"
    "  etchsim run --adapter support --lora-mac lockstep --tokens 64\n"
    "  etchsim run --adapter support --out /tmp/run --trace fst --trace-window 10000:12000 --trace-layer 0\n",
    options, OPTION_COUNT(options)};

static bool parse_share(const char *text, const char *option, double high, double *value, struct error *e)
{
    if (!text) {
        return true;
    }
    char *end = NULL;
    *value = strtod(text, &end);
    if (end == text || *end || !(*value >= 0 && *value <= high)) {
        return error_input(e, "--%s %s: expected a number from 0 to %g", option, text, high);
    }
    return true;
}

static bool parse_traces(const struct arguments *a, struct run_options *o, struct error *e)
{
    struct trace_kinds kinds;
    if (!trace_kinds_parse(a->traces.items, a->traces.count, true, a->folder, &kinds, e)) {
        return false;
    }
    o->without_trace = kinds.none;
    o->trace_events = kinds.events;
    o->trace_perfetto = kinds.perfetto;
    o->trace_fst = kinds.fst;
    if (a->folder && !*a->folder) {
        return error_input(e, "--out: expected a folder, found an empty name");
    }
    return !kinds.none || !a->folder || error_input(e, "--trace none: expected no --out, whose utilisation.csv is made from the trace");
}

/* Where the waveforms of the LoRA MAC units begin and end. */
static bool parse_window(const struct arguments *a, struct run_options *o, struct error *e)
{
    int used = 0;
    o->trace_from = 0;
    o->trace_to = NEVER - 1;
    if (a->window && (sscanf(a->window, "%" SCNu64 ":%" SCNu64 "%n", &o->trace_from, &o->trace_to, &used) != 2 || a->window[used] ||
                      strchr(a->window, '-') || o->trace_from > o->trace_to)) {
        return error_input(e, "--trace-window %s: expected FROM:TO, two cycles in rising order", a->window);
    }
    if ((a->window || a->layer >= 0) && !o->trace_fst && o->trace_trigger == TRIGGER_NONE) {
        return error_input(e, "%s: expected --trace fst as well", a->window ? "--trace-window" : "--trace-layer");
    }
    if (o->trace_trigger != TRIGGER_NONE && !a->folder) {
        return error_input(e, "--trace-trigger: expected --out DIR as well, the folder for the waveform");
    }
    bool pins = o->lora_mac != LORA_MODEL || o->trace_fst || o->trace_trigger != TRIGGER_NONE;
    return !pins || !o->timing_only ||
           error_input(e, "--timing-only: there are no values for %s; expected one or the other",
                       o->lora_mac != LORA_MODEL ? "--lora-mac rtl or lockstep" : "a waveform");
}

/* A text, or a number of tokens. A model without a vocabulary takes the latter, and a run without values has no use for weights. */
static bool choose_prompt(const struct arguments *a, struct run_options *o, struct error *e)
{
    if (o->synthetic_weights && a->timing_only) {
        return error_input(e, "--synthetic-weights: expected without --timing-only, which has no values");
    }
    if (a->prompt_tokens && a->prompt) {
        return error_input(e, "--prompt-tokens: expected without --prompt");
    }
    if (!a->prompt && !a->prompt_tokens && (a->timing_only || o->synthetic_weights) && model_shape_named(a->model)) {
        o->prompt_tokens = 1;
    } else if (!a->prompt && !a->prompt_tokens) {
        o->prompt = "The old";
        o->prompt_bytes = strlen(o->prompt);
    }
    return true;
}

/* Unless it is given, the chip's file names the model. */
static bool choose_model(struct arguments *a, struct chip_config *chip, struct error *e)
{
    if (a->model) {
        return true;
    }
    config_defaults(chip);
    if (!chip_is_auto(a->chip) && !config_load(a->chip, chip, e)) {
        return false;
    }
    a->model = config_model(chip);
    return true;
}

static bool to_options(const struct arguments *a, struct run_options *o, struct error *e)
{
    *o = (struct run_options){.chip = a->chip,
                              .model = a->model,
                              .physics = a->physics,
                              .adapters = a->adapters.items,
                              .n_adapters = a->adapters.count,
                              .set = a->set.items,
                              .n_set = a->set.count,
                              .prompt = a->prompt,
                              .prompt_bytes = a->prompt ? strlen(a->prompt) : 0,
                              .prompt_tokens = (int32_t)a->prompt_tokens,
                              .tokens = (int32_t)a->tokens,
                              .sequences = (int32_t)a->sequences,
                              .seed = (uint64_t)a->seed,
                              .top_p = 1,
                              .ignore_stop = a->ignore_stop,
                              .synthetic_weights = a->weights_seed >= 0,
                              .weights_seed = (uint64_t)a->weights_seed,
                              .threads = (int32_t)a->threads,
                              .timing_only = a->timing_only,
                              .engine = (enum engine)a->engine,
                              .folder = a->folder,
                              .lora_mac = (enum lora_mode)a->lora_mac,
                              .trace_layer = (int32_t)a->layer,
                              .trace_trigger = (enum lora_trigger)a->trigger,
                              .trace_before_cycles = (uint32_t)a->before};
    return choose_prompt(a, o, e) && parse_share(a->temperature, "temperature", 100, &o->temperature, e) &&
           parse_share(a->top_p, "top-p", 1, &o->top_p, e) && parse_traces(a, o, e) && parse_window(a, o, e);
}

/* Who is told of each token: a lone sequence's text is printed as it comes; else a counter on the terminal, once the run takes longer than a moment. */
struct watcher {
    const struct run *run;
    int32_t printed; /* tokens of the lone sequence */
    uint64_t tokens;
    time_t started, shown; /* seconds; shown 0: no counter yet */
};

static void show_token(void *context, const struct request *request)
{
    struct watcher *watcher = context;
    size_t length = 0;
    char *text = run_text(watcher->run, request, watcher->printed, request->n_generated, &length);
    fwrite(text, 1, length, stdout);
    fflush(stdout);
    free(text);
    watcher->printed = request->n_generated;
}

static void count_token(void *context, const struct request *request)
{
    enum { MOMENT_SECONDS = 2 };
    struct watcher *w = context;
    (void)request;
    w->tokens++;
    time_t now = time(NULL);
    if (now - w->started >= MOMENT_SECONDS && now != w->shown) {
        fprintf(stderr, "\r%" PRIu64 " of at most %" PRIu64 " tokens", w->tokens,
                (uint64_t)w->run->n_requests * (uint64_t)w->run->options.tokens);
        w->shown = now;
    }
}

/* Runs with somebody watching. */
static bool execute(struct run *run, bool stream_text, struct error *e)
{
    struct watcher watcher = {.run = run, .started = time(NULL)};
    if (stream_text || isatty(STDERR_FILENO)) {
        run->chip->sequencer.on_token = stream_text ? show_token : count_token;
        run->chip->sequencer.context = &watcher;
    }
    bool good = run_execute(run, e);
    if (watcher.shown) {
        fputs("\r\033[K", stderr);
    }
    return good;
}

static void show_texts(const struct run *run)
{
    for (uint32_t i = 0; i < run->n_requests; i++) {
        const struct request *r = &run->requests[i];
        size_t length = 0;
        char *text = run_text(run, r, 0, r->n_generated, &length);
        printf("[%s] %s", r->adapter >= 0 ? run->adapters[r->adapter].name : "base", run->options.prompt ? run->options.prompt : "");
        fwrite(text, 1, length, stdout);
        printf("\n\n");
        free(text);
    }
}

static bool show(struct run *run, struct error *e)
{
    bool one = run->n_requests == 1, text = !run->options.timing_only;
    if (one && text && run->options.prompt) {
        fputs(run->options.prompt, stdout);
    }
    bool good = execute(run, one && text, e);
    if (one && text) {
        printf("\n\n");
    } else if (good && text) {
        show_texts(run);
    }
    if (good) {
        report_text(run, stdout);
    }
    return good;
}

/* Wall-clock figures go to stderr only: stdout is the same on every machine. */
static void show_wall_clock(const struct run *run)
{
    fflush(stdout);
    double seconds = run->run_seconds > 0 ? run->run_seconds : 1e-9;
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < run->n_requests; i++) {
        tokens += (uint64_t)run->requests[i].n_generated;
    }
    image_note_rounding(&run->image);
    fprintf(stderr, "simulated in %.3f s (set-up %.3f s): %.2f M chip cycles/s, %.2f tokens/s\n", run->run_seconds, run->setup_seconds,
            (double)run->chip->now / seconds * 1e-6, (double)tokens / seconds);
}

int cmd_run(int argc, char **argv)
{
    struct arguments arguments = {.chip = "sample",
                                  .physics = "n6",
                                  .tokens = 128,
                                  .seed = 1,
                                  .weights_seed = -1,
                                  .sequences = 1,
                                  .engine = ENGINE_SKIP,
                                  .layer = -1,
                                  .before = 200};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct run_options run_options;
    struct chip_config chip;
    struct run run;
    struct error e;
    if (!choose_model(&arguments, &chip, &e) || !to_options(&arguments, &run_options, &e) || !run_open(&run_options, &run, &e)) {
        return command_fail(command.name, &e);
    }
    bool good = arguments.json ? execute(&run, false, &e) : show(&run, &e);
    good = good && (!arguments.folder || output_command(arguments.folder, argc, argv, &e));
    if (good && arguments.json) {
        report_json(&run, stdout);
    }
    if (good) {
        show_wall_clock(&run);
    }
    run_close(&run);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}
