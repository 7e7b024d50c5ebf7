/* etchsim bake -- a GGUF model becomes a ROM image, with a table of what quantisation cost. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/bake.h"
#include "sim/bake_quality.h"
#include "sim/commands.h"
#include "sim/image.h"
#include "sim/options.h"
#include "sim/physical.h"

/* One line that overwrites itself; only where a person watches. */
static void show_progress(void *user, const char *tensor, int32_t done, int32_t total)
{
    (void)user;
    if (tensor) {
        fprintf(stderr, "\r\033[Kbaking %" PRId32 " of %" PRId32 ": %s", done + 1, total, tensor);
    } else {
        fputs("\r\033[K", stderr);
    }
}

static void print_tensor(const struct bake_tensor *t)
{
    char shape[32], codebook[64] = "-";
    snprintf(shape, sizeof shape, "%" PRId32 "x%" PRId32, t->n_out, t->n_in);
    if (t->bits <= 4) {
        snprintf(codebook, sizeof codebook, "%s", t->codebook_name);
    }
    printf("%-28s %14s %5" PRId32 " %12.4f %-8s %8.2f %8.2f\n", t->name, shape, t->bits, t->bits_per_weight, codebook,
           100 * t->relative_rms_error, 100 * t->relative_max_error);
}

/* Bits that are only read, not multiplied: the embedding, where the head has weights of its own. */
static double embedding_bits(const struct bake_report *report)
{
    const struct bake_tensor *embedding = NULL, *head = NULL;
    for (int32_t i = 0; i < report->n_tensors; i++) {
        const struct bake_tensor *t = &report->tensors[i];
        embedding = strcmp(t->name, "token_embd.weight") == 0 ? t : embedding;
        head = strcmp(t->name, "output.weight") == 0 ? t : head;
    }
    return embedding && head ? embedding->bits_per_weight * embedding->n_out * embedding->n_in : 0;
}

/* What the ROM takes of a die. */
static void print_area(const struct bake_report *report, const struct physics *physics)
{
    double mm2[CORNERS], store_bits = embedding_bits(report);
    for (enum corner c = 0; c < CORNERS; c++) {
        mm2[c] = physical_rom_mm2(&physics->corner[c], (double)report->rom_bits - store_bits, store_bits);
    }
    printf("rom_area_mm2     %.4g (%.4g to %.4g; constants %s; cells and their lines, without the tiles' logic)\n", mm2[CORNER_NOMINAL],
           mm2[CORNER_LOW], mm2[CORNER_HIGH], physics->name);
}

static void print_report(const struct bake_report *report, const struct physics *physics)
{
    printf("%-28s %14s %5s %12s %-8s %8s %8s\n", "tensor", "shape", "bits", "bits/weight", "codebook", "rms_%", "max_%");
    for (int32_t i = 0; i < report->n_tensors; i++) {
        print_tensor(&report->tensors[i]);
    }
    printf("\nweights          %" PRId64 "\n", report->n_weights);
    printf("bits_per_weight  %.4f (matrices, with scales)\n", report->bits_per_weight);
    printf("rom_bits         %" PRId64 " (with norms)\n", report->rom_bits);
    print_area(report, physics);
    printf("image_bytes      %" PRId64 "\n", report->image_bytes);
    printf("errors: root mean square relative to the tensor's, and the largest relative to the largest weight\n");
}

static void show_measuring(int64_t done, int64_t total)
{
    if (done < total) {
        fprintf(stderr, "\r\033[Kmeasuring: %" PRId64 " of %" PRId64 " tokens", done, total);
    } else {
        fputs("\r\033[K", stderr);
    }
}

static void print_distance(const char *name, const struct output_distance *d)
{
    printf("%-16s %.6f nats (largest %.6f; same first choice %.1f %%)\n", name, d->mean_kl, d->largest_kl,
           100.0 * d->n_same_first / d->n_positions);
}

static void print_quality(const struct bake_quality *q)
{
    printf("output, mean Kullback-Leibler divergence over %" PRId32 " tokens of text\n", q->n_positions);
    print_distance("weights_kl", &q->weights);
    print_distance("arithmetic_kl", &q->arithmetic);
    print_distance("chip_kl", &q->chip);
    if (q->n_positions > 1) {
        printf("perplexity       %.3f on the chip, %.3f of its weights as floats, %.3f of the file\n", q->perplexity[EVALUATED_CHIP],
               q->perplexity[EVALUATED_ROM], q->perplexity[EVALUATED_FILE]);
    }
    printf("weights: the ROM's as floats from the file's; arithmetic: the chip's integers from floats on the same weights; chip: both\n");
}

/* The model gives its shape, and its vocabulary where it has one. */
static bool bake_drawn(const char *model, uint64_t seed, const char *image_path, const struct bake_options *options,
                       struct bake_report *report, struct error *e)
{
    struct image shape;
    if (!image_open_shape(model, NULL, &shape, e)) {
        return false;
    }
    const struct synthetic_model drawn = {&shape.model.shape, &shape.vocab, shape.name, seed};
    bool good = bake_synthetic(&drawn, image_path, options, report, e);
    image_close(&shape);
    return good;
}

int cmd_bake(int argc, char **argv)
{
    struct arguments {
        const char *model, *image, *format, *physics, *text;
        int64_t threads, weights_seed, tokens;
        bool quiet, long_rope;
    } arguments = {.physics = "n6", .weights_seed = -1, .tokens = 256};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, model, "MODEL.gguf", 1, "the model, in GGUF v3; with --synthetic-weights also a shape"),
        OPTION_TEXT(struct arguments, image, "output", 'o', "IMAGE", "the ROM image to write"),
        OPTION_TEXT(struct arguments, format, "bits", 'b', "CLASS=N,...",
                    "3, 4 (MXFP4) or 6 bits for a class of tensors: linears, attn_v, ffn_down, ..."),
        OPTION_INTEGER(struct arguments, weights_seed, "synthetic-weights", 0, "SEED", 0, INT64_MAX, "random weights in the model's shape"),
        OPTION_INTEGER(struct arguments, threads, "threads", 't', "N", 1, 1024, "threads (default: one per processor)"),
        OPTION_TEXT(struct arguments, physics, "physics", 0, "NAME|FILE", "constants that the ROM's area is computed from (default: n6)"),
        OPTION_FLAG(struct arguments, long_rope, "long-rope", 0, "the RoPE factors for a long context (Phi 3)"),
        OPTION_TEXT(struct arguments, text, "text", 0, "FILE", "measure on this text what baking costs the model's output"),
        OPTION_INTEGER(struct arguments, tokens, "tokens", 'n', "N", 1, 1 << 20, "of the text, at most (default: 256)"),
        OPTION_FLAG(struct arguments, quiet, "quiet", 'q', "no table"),
    };
    static const struct command command = {"bake", "turn a GGUF model into a ROM image",
                                           "  etchsim bake model.gguf -o model.rom\n"
                                           "  etchsim bake model.gguf -o model.rom --bits attn_v=6,ffn_down=6\n"
                                           "  etchsim bake model.gguf -o model.rom --bits linears=4 --text article.txt\n"
                                           "  etchsim bake llama-3.1-8b --synthetic-weights 1 -o model.rom\n",
                                           options, OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    if (!arguments.image) {
        error_input(&e, "expected -o IMAGE, the file to write");
        return command_fail(command.name, &e);
    }
    if (arguments.text && arguments.weights_seed >= 0) {
        error_input(&e, "--text: expected a model with weights of its own, found --synthetic-weights");
        return command_fail(command.name, &e);
    }
    static struct physics physics;
    struct bake_options bake_options;
    bake_options_default(&bake_options);
    bake_options.long_rope = arguments.long_rope;
    bake_options.n_threads = (int32_t)arguments.threads;
    bake_options.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
    struct bake_report report = {0};
    if (!physics_load(arguments.physics, &physics, &e) || (arguments.format && !bake_options_set(&bake_options, arguments.format, &e)) ||
        !(arguments.weights_seed >= 0
              ? bake_drawn(arguments.model, (uint64_t)arguments.weights_seed, arguments.image, &bake_options, &report, &e)
              : bake(arguments.model, arguments.image, &bake_options, &report, &e))) {
        fputs(bake_options.progress ? "\r\033[K" : "", stderr);
        return command_fail(command.name, &e);
    }
    if (!arguments.quiet) {
        print_report(&report, &physics);
    }
    bake_report_free(&report);
    if (arguments.text) {
        struct bake_quality quality;
        if (!bake_quality(arguments.model, arguments.image, arguments.text, arguments.tokens, bake_options.progress ? show_measuring : NULL,
                          &quality, &e)) {
            fputs(bake_options.progress ? "\r\033[K" : "", stderr);
            return command_fail(command.name, &e);
        }
        fputs(arguments.quiet ? "" : "\n", stdout);
        print_quality(&quality);
    }
    return EXIT_CODE_GOOD;
}
