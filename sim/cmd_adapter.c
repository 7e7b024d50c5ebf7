/* etchsim adapter -- what an adapter file holds and costs, other files of it, and sums of several. */
#include "sim/adapter_command.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "adapters/hf_shape.h"
#include "adapters/lora_file.h"
#include "adapters/lora_write.h"
#include "sim/commands.h"
#include "sim/gguf_model.h"
#include "sim/image.h"
#include "sim/presets.h"
#include "sim/suggest.h"

/* --- the base model --- */

static bool shape_of_gguf(const char *path, struct shape *shape, struct error *e)
{
    struct gguf g;
    struct gguf_model m;
    if (!gguf_open(path, &g, e)) {
        return false;
    }
    bool good = gguf_model(&g, &m, e);
    if (good) {
        *shape = m.shape;
        gguf_model_free(&m);
    }
    gguf_close(&g);
    return good;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

bool adapter_base_shape(const char *name_or_path, struct shape *shape, struct error *e)
{
    char path[PATH_MAX], relative[PATH_MAX];
    if (ends_in(name_or_path, ".gguf")) {
        return shape_of_gguf(name_or_path, shape, e);
    }
    if (ends_in(name_or_path, ".json")) {
        return hf_shape_read(name_or_path, shape, e);
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

int64_t adapter_packed_bytes(const struct lora_tensors *t, enum pack_format format)
{
    int64_t bits = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        bits += pack_pair_bits(format, t->linears[i].rank, t->linears[i].n_in, t->linears[i].n_out);
    }
    return (bits + 7) / 8;
}

/* --- writing --- */

static bool changes_ends(const struct lora_tensors *t)
{
    return lora_tensors_linear(t, 0, LINEAR_EMBEDDING)->rank > 0 || lora_tensors_linear(t, 0, LINEAR_HEAD)->rank > 0;
}

bool adapter_write(const struct adapter_arguments *a, const struct lora_tensors *t, enum ggml_type usual, struct error *e)
{
    static const enum ggml_type types[] = {GGML_F32, GGML_F16, GGML_BF16}; /* as in TYPES */
    struct lora_write_report report;
    const char *path = a->output;
    enum ggml_type written = a->type < 0 ? usual : types[a->type];
    if (!lora_write(t, path, written, &report, e)) {
        return false;
    }
    printf("written          %s (%s)\n", path, lora_path_is_gguf(path) ? "GGUF" : "PEFT");
    printf("type             %s\n", gguf_type_name(written));
    printf("values           %" PRId64 "\n", report.n_values);
    printf("changed_values   %" PRId64 "\n", report.n_changed);
    printf("relative_error   %.3g\n", report.relative_error);
    printf("tensor_file_bytes %" PRId64 "\n", report.file_bytes);
    if (report.alphas_folded) {
        printf("alphas differ    their ratio to the first is in B: a GGUF file has one alpha\n");
    }
    if (report.alpha_error > 0) {
        printf("alpha_error      %.3g (relative: a GGUF file's alpha has 32 bits)\n", report.alpha_error);
    }
    if (lora_path_is_gguf(path) && t->base.tied_head && changes_ends(t)) {
        printf("tied base        llama.cpp takes no pair of embedding or head where these are one tensor\n");
    }
    return true;
}

/* --- convert --- */

static bool convert(const struct adapter_arguments *a, struct error *e)
{
    struct shape shape;
    struct lora_tensors t = {0};
    bool good = adapter_base_shape(a->model, &shape, e) && lora_tensors_load(a->adapter, &shape, &t, e) && adapter_write(a, &t, t.type, e);
    lora_tensors_free(&t);
    return good;
}

/* --- options --- */

#define ARG struct adapter_arguments
#define ADAPTER_HELP "a preset, a PEFT folder or a GGUF file"
#define ADAPTER OPTION_OPERAND(ARG, adapter, "ADAPTER", 1, ADAPTER_HELP)
#define MODEL                                          \
    OPTION_TEXT(ARG, model, "model", 'm', "NAME|FILE", \
                "the base model: a preset, a GGUF file, a ROM image or a Hugging Face config.json (default: sample)")
#define FORMAT(help) OPTION_CHOICE(ARG, format, "format", 'f', "4|6|8|bf16", help)
#define OUTPUT(help) OPTION_TEXT(ARG, output, "output", 'o', "OUT", help)
#define TO "where to: FILE.gguf, or a PEFT folder's name"
#define TYPE(help) OPTION_CHOICE(ARG, type, "type", 't', "f32|f16|bf16", help)
#define ADAPTERS OPTION_REPEATED(ARG, adapters, "adapter", 'a', "ADAPTER", ADAPTER_HELP)
#define WEIGHTS(help) OPTION_REPEATED(ARG, weights, "weight", 'w', "W", help)

static const struct option INSPECT[] = {
    ADAPTER,
    MODEL,
    FORMAT("sizes for this format of weights; the chip has 6 bits (default: 6)"),
};
static const struct option PACK[] = {
    ADAPTER,
    MODEL,
    FORMAT("bits of a weight (default: 6, the chip's; the others show what bits buy)"),
    OPTION_TEXT(ARG, text, "text", 0, "FILE", "measure the output's KL divergence from the unpacked adapter's on this text"),
    OPTION_INTEGER(ARG, tokens, "tokens", 'n', "N", 1, 1 << 20, "of the text, at most (default: 256)"),
    OUTPUT("write what the packed weights stand for, as floats: FILE.gguf, or a PEFT folder's name"),
    TYPE("of the file's values (default: f32; bf16 for --format bf16)"),
};
static const struct option CONVERT[] = {
    ADAPTER,
    OUTPUT(TO),
    MODEL,
    TYPE("of the values (default: the file's own; f32 where it has several, or Q8_0)"),
};
static const struct option AVERAGE[] = {
    ADAPTERS,
    WEIGHTS("of the adapter in the same place, for instance its number of examples (default: all alike)"),
    OUTPUT(TO),
    OPTION_CHOICE(ARG, method, "method", 0, "factors|svd|stack",
                  "the means of A and of B; or the mean of B A, cut to --rank (default) or exact"),
    OPTION_INTEGER(ARG, rank, "rank", 'r', "N", 1, LORA_RANK_MAX, "for svd (default: the adapters' largest)"),
    MODEL,
    TYPE("of the file's values (default: f32)"),
};
static const struct option STACK[] = {
    ADAPTERS,
    WEIGHTS("what the adapter in the same place counts, or minus that (default: 1)"),
    OUTPUT(TO),
    MODEL,
    TYPE("of the file's values (default: f32)"),
};

/* --- the actions --- */

struct action {
    const char *name, *summary; /* for the list of all */
    struct command command;
    bool writes; /* needs -o */
    bool (*act)(const struct adapter_arguments *a, struct error *e);
};

#define COMMAND(name, summary, examples, options)                          \
    {                                                                      \
        "adapter " name, summary, examples, options, OPTION_COUNT(options) \
    }
static const struct action ACTIONS[] = {
    {"inspect", "ranks, norms, packed size and content hash",
     COMMAND("inspect", "ranks, norms, packed size and content hash of an adapter",
             "  etchsim adapter inspect clinical\n"
             "  etchsim adapter inspect ./my-adapter --model model.gguf\n"
             "  etchsim adapter inspect ./my-adapter.gguf --model SmolLM-135M/config.json --format 8\n",
             INSPECT),
     false, adapter_inspect},
    {"pack", "what packing to 6 bits (or 4, 8, bf16) costs: bytes and errors",
     COMMAND("pack", "pack an adapter and tell what that costs: bytes, each tensor's error, the output's",
             "  etchsim adapter pack clinical --text configs/models/sample/heldout/clinical.txt\n"
             "  etchsim adapter pack clinical --format 4 -o /tmp/clinical4.gguf && etchsim run --adapter /tmp/clinical4.gguf\n",
             PACK),
     false, adapter_pack_action},
    {"convert", "from PEFT to GGUF and back",
     COMMAND("convert", "an adapter from PEFT to GGUF, or back, or to another type of values",
             "  etchsim adapter convert ./my-adapter -o my-adapter.gguf --model model.gguf\n"
             "  etchsim adapter convert my-adapter.gguf -o ./my-adapter --model model.gguf --type bf16\n",
             CONVERT),
     true, convert},
    {"average", "the weighted mean of several, in three ways",
     COMMAND("average", "the weighted mean of adapters, as after a federated round, and the error of each way to take it",
             "  etchsim adapter average -a ward-a -w 1200 -a ward-b -w 300 -o mean.gguf   (presets; folders are given with a '/')\n"
             "  etchsim adapter average -a clinical -a support --method factors -o ./mean\n",
             AVERAGE),
     true, adapter_average},
    {"stack", "the exact sum of several",
     COMMAND("stack", "one adapter that does what several do together: exact, with the sum of their ranks",
             "  etchsim adapter stack -a clinical -a support -o both.gguf\n"
             "  etchsim adapter stack -a clinical -w 1 -a contract -w -0.5 -o ./difference\n",
             STACK),
     true, adapter_stack},
};
enum { ACTION_COUNT = sizeof ACTIONS / sizeof *ACTIONS };

static int run(const struct action *action, int argc, char **argv)
{
    static struct adapter_arguments arguments = {.model = "sample", .format = PACK_6, .tokens = 256, .method = METHOD_SVD, .type = -1};
    int exit_code = EXIT_CODE_GOOD;
    struct error e;
    if (!options_parse(&action->command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    bool good = !action->writes || arguments.output || error_input(&e, "expected -o FILE.gguf or -o FOLDER, where to write");
    return good && action->act(&arguments, &e) ? EXIT_CODE_GOOD : command_fail(action->command.name, &e);
}

static void print_help(FILE *out)
{
    fputs("etchsim adapter: look into LoRA adapter files, convert and combine them\n"
          "\n"
          "usage: etchsim adapter ACTION ... (etchsim adapter ACTION --help explains each)\n"
          "\n",
          out);
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", ACTIONS[i].name, ACTIONS[i].summary);
    }
    fputs("\nAn adapter is a PEFT folder (adapter_config.json, adapter_model.safetensors), a GGUF file, or a preset's name.\n", out);
}

int cmd_adapter(int argc, char **argv)
{
    struct error e;
    if (argc < 2) {
        print_help(stderr);
        return EXIT_CODE_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_CODE_GOOD;
    }
    struct suggestion nearest = {0};
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(argv[1], ACTIONS[i].name) == 0) {
            return run(&ACTIONS[i], argc - 1, argv + 1);
        }
        suggest_offer(&nearest, argv[1], ACTIONS[i].name);
    }
    char hint[128];
    error_input(&e, "there is no '%.100s'%s", argv[1], suggest_text(&nearest, hint, sizeof hint));
    return command_fail("adapter", &e);
}
