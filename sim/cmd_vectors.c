/* etchsim vectors -- golden vectors of the LoRA MAC unit for a Verilog bench. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chip.h"
#include "sim/commands.h"
#include "sim/image.h"
#include "sim/memory_map.h"
#include "sim/options.h"
#include "sim/output.h"
#include "sim/vectors.h"

struct arguments {
    const char *chip, *folder, *adapter, *model;
    int64_t cycles, seed, layer;
    bool no_stalls;
    struct option_list set;
};

static const struct option options[] = {
    OPTION_TEXT(struct arguments, folder, "out", 'o', "DIR", "the folder to write to"),
    OPTION_TEXT(struct arguments, chip, "chip", 'c', "NAME|FILE", "the chip: a preset or a YAML file (default: sample)"),
    OPTION_REPEATED(struct arguments, set, "set", 0, "KEY=VALUE", "change a parameter of the chip; `etchsim help parameters` lists them"),
    OPTION_INTEGER(struct arguments, cycles, "cycles", 'n', "N", 1, 1000000, "cycles to write (default: 10000)"),
    OPTION_INTEGER(struct arguments, seed, "seed", 's', "N", 0, INT64_MAX, "the same seed gives the same files (default: 1)"),
    OPTION_FLAG(struct arguments, no_stalls, "no-stalls", 0, "words, requests and results never wait (default: they do, at random)"),
    OPTION_TEXT(struct arguments, adapter, "adapter", 'a', "NAME|DIR",
                "weights of this LoRA adapter (default: random weights, shapes and ranks)"),
    OPTION_TEXT(struct arguments, model, "model", 'm', "NAME|FILE", "the adapter's base model (default: sample)"),
    OPTION_INTEGER(struct arguments, layer, "layer", 'l', "N", 0, 100000, "the adapter's layer (default: 0)"),
};

static const struct command command = {"vectors", "golden vectors of the LoRA MAC unit, with a Verilog bench that plays them",
                                       "  etchsim vectors --out /tmp/vectors\n"
                                       "  etchsim vectors --out /tmp/vectors --set lora.lanes=16 --cycles 50000 --seed 7\n"
                                       "  etchsim vectors --out /tmp/vectors --adapter clinical --layer 3 --no-stalls\n"
                                       "then, in that folder, with RTL the folder of lora_mac.v:\n"
                                       "  iverilog -g2005 -y \"$RTL\" -o lora_mac.vvp lora_mac_vectors_tb.v && vvp -N lora_mac.vvp\n"
                                       "README.txt and legend.txt, beside the vectors, say the rest.\n",
                                       options, OPTION_COUNT(options)};

/* An adapter's weights as they lie in the first and the last slot of one layer's SRAM. */
struct real {
    struct image image;
    struct adapter adapter;
    struct memory_map map;
    struct lora_region *regions;
    struct stimulus_job jobs[2 * LINEAR_GROUPS];
    char text[160];
};

static void close_real(struct real *r)
{
    free(r->regions);
    adapter_free(&r->adapter);
    image_close(&r->image);
}

static bool check_real(const struct arguments *a, const struct chip_config *config, const struct real *r, struct error *e)
{
    if (!chip_check_adapter(config, &r->adapter, e)) {
        return false;
    }
    return a->layer < r->adapter.n_layers ||
           error_input(e, "--layer %" PRId64 ": expected 0 to %" PRId32 ", the model has %" PRId32 " layers", a->layer,
                       r->adapter.n_layers - 1, r->adapter.n_layers);
}

static void add_job(struct real *r, int32_t layer, enum linear_group group, int32_t slot, struct vectors_options *o)
{
    struct lora_region region = memory_map_lora(&r->map, &r->adapter, layer, group, slot);
    if (region.job.rank == 0) {
        return;
    }
    struct stimulus_job *job = &r->jobs[o->n_jobs++];
    *job = (struct stimulus_job){.group = group, .job = region.job};
    for (uint32_t i = 0; i < linears_count(group); i++) {
        enum linear which = linears_first(group) + i;
        job->pair[i] = adapter_pair(&r->adapter, layer, which);
        job->job.base_exponent[i] = r->image.model.layers[layer].linear[which].exponent - ACT_SHIFT_MAX; /* x is aligned */
    }
    o->inputs_max = job->job.inputs > o->inputs_max ? job->job.inputs : o->inputs_max;
}

static bool load_real(const struct arguments *a, const struct chip_config *config, struct real *r, struct vectors_options *o,
                      struct error *e)
{
    const int32_t layer = (int32_t)a->layer;
    if (!image_open_model(a->model ? a->model : "sample", NULL, &r->image, e)) {
        return false;
    }
    const struct shape *shape = &r->image.model.shape;
    if (!adapter_load(a->adapter, shape, &r->adapter, e) || !check_real(a, config, r, e) || !memory_map_make(config, shape, &r->map, e)) {
        return false;
    }
    r->regions = error_calloc(e, memory_map_regions(shape->n_layers), sizeof *r->regions, "the adapter's place in the SRAM");
    if (!r->regions) {
        return false;
    }
    memory_map_place(&r->map, config, shape, &r->adapter, 1, r->regions);
    o->inputs_max = 0;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        add_job(r, layer, g, 0, o);
        add_job(r, layer, g, (int32_t)config->slots_count - 1, o);
    }
    snprintf(r->text, sizeof r->text, "adapter %s, layer %" PRId32 " of model %s", r->adapter.name, layer, r->image.name);
    o->weights = r->text;
    o->jobs = r->jobs;
    return o->n_jobs > 0 || error_input(e, "--adapter %s: expected weights in layer %" PRId32 ", it has none there", a->adapter, layer);
}

static bool load_config(const struct arguments *a, struct chip_config *config, struct error *e)
{
    if (!config_load(a->chip, config, e)) {
        return false;
    }
    for (int32_t i = 0; i < a->set.count; i++) {
        if (!config_set(config, a->set.items[i], e)) {
            return false;
        }
    }
    return config_check(config, e);
}

static bool check_arguments(const struct arguments *a, struct error *e)
{
    if (!a->folder || !*a->folder) {
        return error_input(e, "expected --out DIR, the folder to write to");
    }
    return a->adapter || (!a->model && a->layer < 0) ||
           error_input(e, "--%s: expected --adapter as well, whose weights are taken", a->model ? "model" : "layer");
}

static void print_summary(const struct arguments *a, const struct vectors_options *o, const struct stimulus_counts *c)
{
    const struct lora_geometry unit = lora_geometry(o->config);
    const struct lora_ports ports = lora_ports(&unit);
    const struct lora_flat flat = lora_flat(&ports);
    printf("vectors  %" PRIu64 " cycles of %" PRIu32 " input and %" PRIu32 " output bits in %s\n", o->cycles, flat.input_bits,
           flat.output_bits, a->folder);
    printf("chip     %s, weights: %s\n", o->config->name, o->weights);
    printf("jobs     QKV %" PRIu64 ", O %" PRIu64 ", gate up %" PRIu64 ", down %" PRIu64 " to their end; ranks %" PRIu32 " to %" PRIu32
           "; %" PRIu64 " aborted; %" PRIu64 " resets on the way\n",
           c->jobs[LINEARS_QKV], c->jobs[LINEARS_O], c->jobs[LINEARS_GATE_UP], c->jobs[LINEARS_DOWN], c->rank_low, c->rank_high, c->aborted,
           c->resets);
    printf("next     README.txt there says how to run them\n");
}

int cmd_vectors(int argc, char **argv)
{
    struct arguments arguments = {.chip = "sample", .cycles = 10000, .seed = 1, .layer = -1};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct chip_config config;
    struct vectors_options o = {.config = &config,
                                .weights = "random",
                                .cycles = (uint64_t)arguments.cycles,
                                .seed = (uint64_t)arguments.seed,
                                .stalls = !arguments.no_stalls};
    struct real real = {.regions = NULL};
    struct stimulus_counts counts;
    struct error e;
    bool good = check_arguments(&arguments, &e) && load_config(&arguments, &config, &e);
    if (good) {
        o.inputs_max = vectors_random_inputs_max(&config);
        arguments.layer = arguments.layer < 0 ? 0 : arguments.layer;
        good = (!arguments.adapter || load_real(&arguments, &config, &real, &o, &e)) && output_folder(arguments.folder, &e) &&
               vectors_write(&o, arguments.folder, &counts, &e);
    }
    if (good) {
        print_summary(&arguments, &o, &counts);
    }
    close_real(&real);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}
