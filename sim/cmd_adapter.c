/* etchsim adapter -- what an adapter holds once it is packed for the chip. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "adapters/adapter.h"
#include "sim/commands.h"
#include "sim/gguf_llama.h"
#include "sim/image.h"
#include "sim/options.h"
#include "sim/presets.h"
#include "sim/suggest.h"

static bool shape_of_gguf(const char *path, struct shape *shape, struct error *e)
{
    struct gguf g;
    struct gguf_llama m;
    if (!gguf_open(path, &g, e)) {
        return false;
    }
    bool good = gguf_llama(&g, &m, e);
    if (good) {
        *shape = m.shape;
        gguf_llama_free(&m);
    }
    gguf_close(&g);
    return good;
}

/* Only the shape: a GGUF file needn't be baked for that. */
static bool model_shape(const char *name_or_path, struct shape *shape, struct error *e)
{
    char path[PATH_MAX], relative[PATH_MAX];
    size_t length = strlen(name_or_path);
    if (length > 5 && strcmp(name_or_path + length - 5, ".gguf") == 0) {
        return shape_of_gguf(name_or_path, shape, e);
    }
    if (!preset_is_path(name_or_path, ".rom")) {
        struct error absent;
        snprintf(relative, sizeof relative, "models/%s/%s.gguf", name_or_path, name_or_path);
        return config_path(relative, path, sizeof path, &absent) ? shape_of_gguf(path, shape, e)
                                                                 : preset_unknown("model", "models", NULL, name_or_path, e);
    }
    struct image image;
    if (!image_open(name_or_path, &image, e)) {
        return false;
    }
    *shape = image.model.shape;
    image_close(&image);
    return true;
}

static void print_linear(const struct adapter *a, enum linear which)
{
    int32_t lowest = INT32_MAX, highest = 0, layers = 0;
    int64_t bits = 0;
    for (int32_t layer = 0; layer < a->n_layers; layer++) {
        const struct lora_pair *pair = adapter_pair(a, layer, which);
        if (pair->rank > 0) {
            lowest = pair->rank < lowest ? pair->rank : lowest;
            highest = pair->rank > highest ? pair->rank : highest;
            layers++;
            bits += lora_pair_bits(pair);
        }
    }
    char rank[32] = "-";
    if (layers > 0) {
        snprintf(rank, sizeof rank, lowest == highest ? "%" PRId32 : "%" PRId32 " to %" PRId32, lowest, highest);
    }
    printf("%-12s %10s %6" PRId32 " %14" PRId64 "\n", LINEAR_NAMES[which], rank, layers, (bits + 7) / 8);
}

static void print_adapter(const struct adapter *a)
{
    printf("adapter          %s\n", a->name);
    printf("content_hash     %016" PRIx64 "\n", a->hash);
    printf("layers           %" PRId32 "\n", a->n_layers);
    printf("rank_max         %" PRId32 "\n", a->rank_max);
    printf("packed_bytes     %" PRId64 "\n\n", (a->packed_bits + 7) / 8);
    printf("%-12s %10s %6s %14s\n", "linear", "rank", "layers", "packed_bytes");
    for (int which = 0; which < LINEAR_COUNT; which++) {
        print_linear(a, (enum linear)which);
    }
}

static int inspect(int argc, char **argv)
{
    struct arguments {
        const char *path, *model;
    } arguments = {.model = "sample"};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, path, "ADAPTER", 1, "a preset, or a PEFT folder"),
        OPTION_TEXT(struct arguments, model, "model", 'm', "NAME|FILE", "the base model it is for (default: sample)"),
    };
    static const struct command command = {"adapter inspect", "ranks, packed size and content hash of an adapter",
                                           "  etchsim adapter inspect ./my-adapter --model model.gguf\n", options, OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e, absent;
    struct shape shape;
    struct adapter adapter;
    char relative[PATH_MAX], path[PATH_MAX];
    snprintf(path, sizeof path, "%s", arguments.path);
    snprintf(relative, sizeof relative, "adapters/%s", arguments.path);
    if (!preset_is_path(arguments.path, ".gguf") && !config_path(relative, path, sizeof path, &absent)) {
        preset_unknown("adapter", "adapters", NULL, arguments.path, &e);
        return command_fail(command.name, &e);
    }
    if (!model_shape(arguments.model, &shape, &e) || !adapter_load(path, &shape, &adapter, &e)) {
        return command_fail(command.name, &e);
    }
    print_adapter(&adapter);
    adapter_free(&adapter);
    return EXIT_CODE_GOOD;
}

int cmd_adapter(int argc, char **argv)
{
    static const char *const help = "etchsim adapter: look into LoRA adapter files\n"
                                    "\n"
                                    "usage: etchsim adapter inspect ADAPTER [options]\n"
                                    "\n"
                                    "  inspect    ranks, packed size and content hash of an adapter\n";
    struct error e;
    if (argc >= 2 && strcmp(argv[1], "inspect") == 0) {
        return inspect(argc - 1, argv + 1);
    }
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return EXIT_CODE_GOOD;
    }
    if (argc < 2) {
        fputs(help, stderr);
        return EXIT_CODE_INPUT;
    }
    struct suggestion nearest = {0};
    char hint[128];
    suggest_offer(&nearest, argv[1], "inspect");
    error_input(&e, "there is no '%.100s'%s", argv[1], suggest_text(&nearest, hint, sizeof hint));
    return command_fail("adapter", &e);
}
