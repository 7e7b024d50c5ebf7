#include "sim/run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/synthetic.h"
#include "kernels/threads.h"
#include "sim/chip_auto.h"
#include "sim/output.h"
#include "sim/report.h"
#include "sim/trace_files.h"
#include "sim/version.h"
#include "traces/utilisation.h"

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The chip's parameters, those of --set last; `auto` needs to know the model's shape. */
static bool load_config(struct run *run, const struct shape *shape, struct error *e)
{
    if (chip_is_auto(run->options.chip)) {
        chip_auto(shape, &run->config);
    } else if (!config_load(run->options.chip, &run->config, e)) {
        return false;
    }
    for (int32_t i = 0; i < run->options.n_set; i++) {
        if (!config_set(&run->config, run->options.set[i], e)) {
            return false;
        }
    }
    return true;
}

/* The SRAM must hold the model's slots and KV: known from its shape, before a large file is baked. */
static bool fits_chip(void *user, const struct shape *shape, struct error *e)
{
    struct run *run = user;
    struct memory_map map;
    return (!chip_is_auto(run->options.chip) || load_config(run, shape, e)) && config_check(&run->config, e) &&
           memory_map_make(&run->config, shape, &map, e);
}

static bool is_base(const char *adapter)
{
    return strcmp(adapter, "none") == 0;
}

static bool load_adapter(const struct run *run, const char *argument, struct adapter *adapter, struct error *e)
{
    const struct shape *shape = &run->image.model.shape;
    int32_t rank = 0;
    if (!adapter_is_synthetic(argument, &rank, e)) {
        return adapter_load(argument, shape, adapter, e);
    }
    if (rank && !run->options.timing_only) {
        return error_input(e, "--adapter %s: an adapter without values: expected --timing-only with it", argument);
    }
    return rank && adapter_synthetic(argument, shape, rank, config_ends(&run->config), adapter, e);
}

static bool load_adapters(struct run *run, struct error *e)
{
    const struct run_options *o = &run->options;
    run->adapters = error_calloc(e, (size_t)o->n_adapters, sizeof *run->adapters, "adapters");
    if (!run->adapters) {
        return false;
    }
    for (int32_t i = 0; i < o->n_adapters; i++) {
        struct adapter *adapter = &run->adapters[run->n_adapters];
        if (is_base(o->adapters[i])) {
            continue;
        }
        if (!load_adapter(run, o->adapters[i], adapter, e)) {
            return false;
        }
        run->n_adapters++;
        for (const struct adapter *other = run->adapters; other < adapter; other++) {
            if (strcmp(adapter->name, other->name) == 0) {
                return error_input(
                    e, "--adapter %s: %s is given twice: expected adapters of different names (--sequences gives more requests)",
                    o->adapters[i], adapter->name);
            }
        }
    }
    return true;
}

/* So many tokens, whatever they are; with values they are drawn from the seed. */
static bool blank_prompt(struct run *run, struct error *e)
{
    struct random random;
    random_seed(&random, run->options.seed, 0x70726f6d7074); /* "prompt": a stream of its own */
    run->prompt.ids = error_calloc(e, (size_t)run->options.prompt_tokens, sizeof *run->prompt.ids, "the prompt");
    run->prompt.count = run->prompt.ids ? run->options.prompt_tokens : 0;
    for (int32_t i = 0; i < run->prompt.count && !run->options.timing_only; i++) {
        run->prompt.ids[i] = (int32_t)((random_next(&random) >> 32) * (uint64_t)run->image.model.shape.n_vocab >> 32);
    }
    return run->prompt.ids != NULL;
}

static bool open_model(struct run *run, struct error *e)
{
    const struct run_options *o = &run->options;
    const struct shape_check fits = {fits_chip, run};
    return o->synthetic_weights ? image_open_synthetic(o->model, o->weights_seed, &fits, &run->image, e)
           : o->timing_only     ? image_open_shape(o->model, &fits, &run->image, e)
                                : image_open_model(o->model, &fits, &run->image, e);
}

static bool encode_prompt(struct run *run, struct error *e)
{
    const struct vocab *vocab = &run->image.vocab;
    struct error text;
    if (!run->options.prompt) {
        return blank_prompt(run, e);
    }
    if (vocab->kind == VOCAB_NONE) {
        return error_input(e, "--prompt: the model %s has no vocabulary: expected --prompt-tokens N instead", run->image.name);
    }
    if (!tokenizer_open(vocab, &run->tokenizer, e)) {
        return false;
    }
    if (!tokenizer_encode(run->tokenizer, run->options.prompt, run->options.prompt_bytes, vocab->add_bos, &run->prompt, &text)) {
        return error_input(e, "--prompt: %s", text.message);
    }
    return run->prompt.count > 0
               ? true
               : error_input(e, "--prompt: the text gives no tokens and the model has no begin-of-text token: expected some text");
}

static bool make_requests(struct run *run, struct error *e)
{
    const struct run_options *o = &run->options;
    uint32_t kinds = o->n_adapters ? (uint32_t)o->n_adapters : 1;
    int32_t loaded = 0; /* index of the next adapter in run->adapters */
    run->n_requests = kinds * (uint32_t)o->sequences;
    run->requests = error_calloc(e, run->n_requests, sizeof *run->requests, "requests");
    for (uint32_t i = 0; run->requests && i < run->n_requests; i++) {
        struct request *r = &run->requests[i];
        r->prompt = run->prompt.ids;
        r->n_prompt = run->prompt.count;
        r->n_generate = o->tokens;
        loaded = i % kinds == 0 ? 0 : loaded;
        r->adapter = o->n_adapters && !is_base(o->adapters[i % kinds]) ? loaded++ : -1;
        r->stop_token = o->ignore_stop || o->timing_only ? -1 : run->image.vocab.eos;
        sampling_make(o->temperature, o->top_p, &r->sampling);
        random_seed(&r->random, o->seed, i / kinds);
        r->generated = error_calloc(e, (size_t)o->tokens, sizeof *r->generated, "generated tokens");
        r->generated_at = error_calloc(e, (size_t)o->tokens, sizeof *r->generated_at, "generated tokens");
        if (!r->generated || !r->generated_at) {
            return false;
        }
    }
    return run->requests != NULL;
}

/* The LoRA MAC unit at its pins, where there is RTL or a waveform is asked for. */
static bool attach_cosim(struct run *run, struct error *e)
{
    const struct run_options *o = &run->options;
    if (o->lora_mac == LORA_MODEL && !o->trace_fst && o->trace_trigger == TRIGGER_NONE) {
        return true;
    }
    struct lora_cosim_options cosim = {.mode = o->lora_mac,
                                       .folder = o->folder,
                                       .trace = o->trace_fst,
                                       .layer = o->trace_layer,
                                       .from = o->trace_from,
                                       .to = o->trace_to,
                                       .trigger = o->trace_trigger,
                                       .before_cycles = o->trace_before_cycles};
    return lora_cosim_attach(run->chip, &cosim, &run->cosim, e);
}

static bool watch_utilisation(struct run *run, struct error *e)
{
    return output_folder(run->options.folder, e) && (run->utilisation = utilisation_new(run->chip, e)) != NULL;
}

bool run_open(const struct run_options *options, struct run *run, struct error *e)
{
    double start = seconds_now();
    *run = (struct run){.options = *options, .trace = options->without_trace ? NULL : trace_new()};
    threads_set(options->threads);
    bool is_auto = chip_is_auto(options->chip);
    bool good = (is_auto || load_config(run, NULL, e)) && physics_load(options->physics ? options->physics : "n6", &run->physics, e) &&
                open_model(run, e) && (!is_auto || load_config(run, &run->image.model.shape, e)) && load_adapters(run, e) &&
                encode_prompt(run, e) && chip_check_context(&run->config, run->prompt.count, options->tokens, e) && make_requests(run, e) &&
                chip_new(&run->config, &run->image.model, !options->timing_only, run->adapters, (uint32_t)run->n_adapters, run->requests,
                         run->n_requests, run->trace, &run->chip, e) &&
                (!options->folder || watch_utilisation(run, e)) && attach_cosim(run, e);
    if (!good) {
        run_close(run);
        return false;
    }
    run->setup_seconds = seconds_now() - start;
    return true;
}

static bool write_file(const struct run *run, const char *name, void (*write)(const struct run *, FILE *), struct error *e)
{
    struct output out;
    if (!output_open(&out, run->options.folder, name, e)) {
        return false;
    }
    write(run, out.file);
    return output_close(&out, e);
}

static void write_chip(const struct run *run, FILE *out)
{
    config_write_yaml(&run->config, out);
}

static void write_verilog(const struct run *run, FILE *out)
{
    config_write_verilog(&run->config, out);
}

static void write_versions(const struct run *run, FILE *out)
{
    (void)run;
    version_print(out);
}

static void write_utilisation(const struct run *run, FILE *out)
{
    utilisation_write_csv(run->utilisation, out);
}

static bool write_results(const struct run *run, struct error *e)
{
    return write_file(run, "run.json", report_json, e) && write_file(run, "run.txt", report_text, e) &&
           write_file(run, "chip.yaml", write_chip, e) && write_file(run, "chip_params.vh", write_verilog, e) &&
           write_file(run, "versions.txt", write_versions, e) && write_file(run, "utilisation.csv", write_utilisation, e);
}

bool run_execute(struct run *run, struct error *e)
{
    struct trace_files files;
    const struct run_options *o = &run->options;
    bool opened = trace_files_open(&files, o->trace_events, o->trace_perfetto, o->folder, run->chip, e), good = opened;
    if (opened) {
        double start = seconds_now();
        good = chip_run(run->chip, run->options.engine, e);
        run->run_seconds = seconds_now() - start;
        if (!good && !run->chip->stop) { /* a deadlock */
            chip_print_state(run->chip, stderr);
        }
    }
    good = trace_files_close(&files, opened, good, e);
    struct error later;
    good = lora_cosim_close(run->cosim, opened, good ? e : &later) && good;
    run->cosim = NULL;
    return good && (!run->options.folder || write_results(run, e));
}

void run_close(struct run *run)
{
    struct error later;
    lora_cosim_close(run->cosim, false, &later);
    chip_free(run->chip);
    trace_free(run->trace);
    utilisation_free(run->utilisation);
    for (uint32_t i = 0; run->requests && i < run->n_requests; i++) {
        free(run->requests[i].generated);
        free(run->requests[i].generated_at);
    }
    free(run->requests);
    free(run->prompt.ids);
    for (int32_t i = 0; run->adapters && i < run->n_adapters; i++) {
        adapter_free(&run->adapters[i]);
    }
    free(run->adapters);
    tokenizer_close(run->tokenizer);
    image_close(&run->image);
    *run = (struct run){0};
}

struct observation run_observe(const struct run *run)
{
    struct observation o = {.chip = run->chip,
                            .requests = run->requests,
                            .n_requests = run->n_requests,
                            .adapters = run->adapters,
                            .rom_bits = run->image.rom_bits,
                            .physics = &run->physics};
    observe(&o);
    return o;
}

/* What a token reads as; a model without a vocabulary has numbers. Writes at most `room` bytes, returns how many it has. */
static size_t token_text(const struct run *run, int32_t id, char *bytes, size_t room)
{
    if (id < 0) {
        return 0;
    }
    if (run->tokenizer) {
        return tokenizer_decode(run->tokenizer, id, bytes, room);
    }
    char number[16];
    const size_t length = (size_t)snprintf(number, sizeof number, " %d", id);
    if (bytes && length <= room) {
        memcpy(bytes, number, length);
    }
    return length;
}

char *run_text(const struct run *run, const struct request *request, int32_t from, int32_t to, size_t *length_bytes)
{
    char *text = NULL;
    size_t used = 0;
    for (int32_t i = from; i < to; i++) {
        size_t length = token_text(run, request->generated[i], NULL, 0);
        char *longer = realloc(text, used + length + 1);
        ES_ASSERT(longer);
        text = longer;
        token_text(run, request->generated[i], text + used, length);
        used += length;
        text[used] = 0;
    }
    *length_bytes = used;
    return text ? text : calloc(1, 1);
}
