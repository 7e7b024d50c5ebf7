#include "sim/vectors.h"

#include <stdlib.h>

#include "sim/lora_pins_model.h"
#include "sim/lora_rules.h"
#include "sim/output.h"

enum file { FILE_INPUTS, FILE_OUTPUTS, FILE_MASK, FILE_LEGEND, FILE_BENCH, FILE_README, FILE_CHIP, FILES };
static const char *const file_names[FILES] = {"inputs.mem", "outputs.mem", "mask.mem", "legend.txt", "lora_mac_vectors_tb.v",
                                              "README.txt", "chip.yaml"};

struct writer {
    const struct vectors_options *options;
    struct lora_ports ports;
    struct lora_flat flat;
    struct lora_rules rules;
    struct lora_unit *model;
    struct stimulus *stimulus;
    struct output files[FILES];
    uint32_t *inputs, *outputs, *mask; /* records */
    uint32_t *bits;                    /* without gaps, of the wider direction */
    char *line;
    int8_t *beats;  /* [LINEAR_GROUPS * link_elements] */
    int64_t *delta; /* [drain_elements] */
};

void vectors_parameters(const struct vectors_options *o, struct vectors_parameter parameters[VECTORS_PARAMETERS])
{
    const struct chip_config *c = o->config;
    const struct vectors_parameter all[VECTORS_PARAMETERS] = {
        {"LORA_LANES", c->lora_lanes},
        {"LORA_LATENCY_CYCLES", c->lora_latency_cycles},
        {"SRAM_WIDTH_BITS", c->sram_width_bits},
        {"SRAM_WAYS", c->sram_ways},
        {"SRAM_PORTS", c->sram_ports},
        {"LINK_ELEMENTS", c->link_elements},
        {"ROM_DRAIN_ELEMENTS", c->rom_drain_elements},
        {"SLOTS_RANK_MAX", c->slots_rank_max},
        {"INPUTS_MAX", o->inputs_max},
    };
    for (int i = 0; i < VECTORS_PARAMETERS; i++) {
        parameters[i] = all[i];
    }
}

uint32_t vectors_random_inputs_max(const struct chip_config *config)
{
    enum { BLOCKS = 4, MORE = 11 };
    return BLOCKS * config->lora_lanes + MORE;
}

/* -- lines -- */

/* Most significant digit first, as $readmemh reads it. */
static void put_line(struct writer *w, enum file file, const uint32_t *bits, uint32_t n_bits)
{
    const uint32_t digits = (n_bits + 3) / 4;
    for (uint32_t i = 0; i < digits; i++) {
        w->line[digits - 1 - i] = "0123456789abcdef"[bits[i / 8] >> i % 8 * 4 & 15];
    }
    w->line[digits] = '\n';
    fwrite(w->line, 1, digits + 1, w->files[file].file);
}

/* What is written is what the model was given: the record, not what it was made of. */
static void one_cycle(struct writer *w, bool first)
{
    struct lora_outputs out = {.delta = w->delta};
    struct lora_inputs in;
    struct error broken = {0};
    w->model->outputs(w->model, &out);
    stimulus_cycle(w->stimulus, &out, w->inputs);
    lora_ports_unpack_inputs(&w->ports, w->inputs, w->beats, &in);
    const bool legal = lora_rules_check(&w->rules, &out, &in, &broken);
    if (!legal) {
        fprintf(stderr, "etchsim vectors: %s\n", broken.message);
    }
    ES_ASSERT(legal);
    lora_ports_pack_outputs(&w->ports, &out, w->outputs);
    lora_flat_mask(&w->ports, w->outputs, w->mask);
    lora_flat_from_inputs(&w->ports, w->inputs, w->bits);
    put_line(w, FILE_INPUTS, w->bits, w->flat.input_bits);
    lora_flat_from_outputs(&w->ports, w->outputs, w->bits);
    put_line(w, FILE_OUTPUTS, w->bits, w->flat.output_bits);
    lora_flat_from_outputs(&w->ports, w->mask, w->bits);
    for (uint32_t i = 0; first && i < lora_flat_words(w->flat.output_bits); i++) {
        w->bits[i] = 0; /* before the first edge with a reset a unit may show anything */
    }
    put_line(w, FILE_MASK, w->bits, w->flat.output_bits);
    w->model->clock(w->model, &in);
}

static bool write_lines(struct writer *w, struct error *e)
{
    for (uint64_t cycle = 0; cycle < w->options->cycles; cycle++) {
        one_cycle(w, cycle == 0);
        if (ferror(w->files[FILE_INPUTS].file) || ferror(w->files[FILE_OUTPUTS].file) || ferror(w->files[FILE_MASK].file)) {
            return error_input(e, "%s: cannot write (is the disk full?)", w->files[FILE_INPUTS].path);
        }
    }
    return true;
}

/* -- files -- */

static bool open_files(struct writer *w, const char *folder, struct error *e)
{
    for (enum file f = 0; f < FILES; f++) {
        if (!output_open(&w->files[f], folder, file_names[f], e)) {
            w->files[f].file = NULL;
            return false;
        }
    }
    return true;
}

/* The bits of the words are on the disk before the first file takes its place. */
static bool close_files(struct writer *w, struct error *e)
{
    for (enum file f = 0; f < FILES; f++) {
        if (fflush(w->files[f].file) != 0 || ferror(w->files[f].file)) {
            return error_input(e, "%s: cannot write (is the disk full?)", w->files[f].path);
        }
    }
    for (enum file f = 0; f < FILES; f++) {
        if (!output_close(&w->files[f], e)) {
            return false;
        }
    }
    return true;
}

static bool open_writer(struct writer *w, struct error *e)
{
    const struct vectors_options *o = w->options;
    const struct lora_geometry unit = lora_geometry(o->config);
    const struct stimulus_options stimulus = {unit, o->inputs_max, o->seed, o->stalls, o->jobs, o->n_jobs};
    static const char what[] = "vectors";
    w->ports = lora_ports(&unit);
    w->flat = lora_flat(&w->ports);
    lora_rules_open(&w->rules, &unit, o->inputs_max);
    const uint32_t widest = w->flat.input_bits > w->flat.output_bits ? w->flat.input_bits : w->flat.output_bits;
    w->inputs = error_calloc(e, w->ports.input_words, sizeof *w->inputs, what);
    w->outputs = error_calloc(e, w->ports.output_words, sizeof *w->outputs, what);
    w->mask = error_calloc(e, w->ports.output_words, sizeof *w->mask, what);
    w->bits = error_calloc(e, lora_flat_words(widest), sizeof *w->bits, what);
    w->line = error_calloc(e, widest / 4 + 3, 1, what);
    w->beats = error_calloc(e, (size_t)LINEAR_GROUPS * unit.link_elements, 1, what);
    w->delta = error_calloc(e, unit.drain_elements, sizeof *w->delta, what);
    if (!w->inputs || !w->outputs || !w->mask || !w->bits || !w->line || !w->beats || !w->delta) {
        return false;
    }
    w->stimulus = stimulus_open(&stimulus, e);
    w->model = w->stimulus ? lora_pins_model_open(&unit, o->inputs_max, e) : NULL;
    return w->model != NULL;
}

static void close_writer(struct writer *w)
{
    for (enum file f = 0; f < FILES; f++) {
        output_abandon(&w->files[f]);
    }
    if (w->model) {
        w->model->close(w->model);
    }
    stimulus_close(w->stimulus);
    free(w->inputs);
    free(w->outputs);
    free(w->mask);
    free(w->bits);
    free(w->line);
    free(w->beats);
    free(w->delta);
}

bool vectors_write(const struct vectors_options *options, const char *folder, struct stimulus_counts *counts, struct error *e)
{
    struct writer w = {.options = options};
    bool good = open_writer(&w, e) && open_files(&w, folder, e) && write_lines(&w, e);
    if (good) {
        *counts = *stimulus_counts(w.stimulus);
        vectors_write_legend(options, &w.ports, w.files[FILE_LEGEND].file);
        vectors_write_bench(options, &w.ports, w.files[FILE_BENCH].file);
        vectors_write_readme(options, &w.ports, counts, w.files[FILE_README].file);
        config_write_yaml(options->config, w.files[FILE_CHIP].file);
        good = close_files(&w, e);
    }
    close_writer(&w);
    return good;
}
