/* etchsim adapter -- what an adapter file holds and costs, other files of it, and sums of several. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "adapters/algebra.h"
#include "adapters/hf_shape.h"
#include "adapters/lora_file.h"
#include "adapters/lora_write.h"
#include "adapters/pack_cost.h"
#include "sim/commands.h"
#include "sim/gguf_model.h"
#include "sim/image.h"
#include "sim/options.h"
#include "sim/presets.h"
#include "sim/suggest.h"
#include "sim/tokenizer.h"

#define MODEL_HELP "the base model: a preset, a GGUF file, a ROM image or a Hugging Face config.json (default: sample)"
#define ADAPTER_HELP "a preset, a PEFT folder or a GGUF file"
#define OUTPUT_HELP "where to: FILE.gguf, or a PEFT folder's name"
#define FORMATS "4|6|8|bf16"
#define TYPES "f32|f16|bf16"

static const enum ggml_type WRITTEN_TYPES[] = {GGML_F32, GGML_F16, GGML_BF16}; /* as in TYPES */

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

/* Only the shape: a GGUF file needn't be baked for that. */
static bool model_shape(const char *name_or_path, struct shape *shape, struct error *e)
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

/* --- inspect --- */

/* "16", "8 to 16", "-" where there is none. */
static const char *range_text(double lowest, double highest, char text[48])
{
    if (highest == 0) {
        snprintf(text, 48, "-");
    } else if (lowest == highest) {
        snprintf(text, 48, "%g", lowest);
    } else {
        snprintf(text, 48, "%g to %g", lowest, highest);
    }
    return text;
}

static double squared_norm(const float *values, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)values[i] * (double)values[i];
    }
    return sum;
}

static void inspect_linear(const struct lora_tensors *t, enum linear which, enum pack_format format)
{
    int64_t bits = 0;
    int32_t layers = 0;
    double rank[2] = {INFINITY, 0}, scale[2] = {INFINITY, 0}, norm_a = 0, norm_b = 0, norm_delta = 0;
    for (int32_t layer = 0; layer < t->base.n_layers; layer++) {
        const struct lora_linear *l = lora_tensors_linear(t, layer, which);
        if (l->rank == 0) {
            continue;
        }
        int32_t index = layer * LINEAR_COUNT + (int32_t)which;
        layers++;
        bits += pack_pair_bits(format, l->rank, l->n_in, l->n_out);
        rank[0] = fmin(rank[0], l->rank);
        rank[1] = fmax(rank[1], l->rank);
        scale[0] = fmin(scale[0], lora_scale(l));
        scale[1] = fmax(scale[1], lora_scale(l));
        norm_a += squared_norm(l->a, (int64_t)l->rank * l->n_in);
        norm_b += squared_norm(l->b, (int64_t)l->rank * l->n_out);
        norm_delta += lora_inner_product(t, t, index);
    }
    char ranks[48], scales[48];
    printf("%-12s %9s %6" PRId32 " %12s %10.5g %10.5g %10.5g %12" PRId64 "\n", LINEAR_NAMES[which], range_text(rank[0], rank[1], ranks),
           layers, range_text(scale[0], scale[1], scales), sqrt(norm_a), sqrt(norm_b), sqrt(fmax(norm_delta, 0)), (bits + 7) / 8);
}

static int64_t packed_bits(const struct lora_tensors *t, enum pack_format format)
{
    int64_t bits = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        bits += pack_pair_bits(format, t->linears[i].rank, t->linears[i].n_in, t->linears[i].n_out);
    }
    return bits;
}

static int32_t layers_used(const struct lora_tensors *t)
{
    int32_t used = 0;
    for (int32_t layer = 0; layer < t->base.n_layers; layer++) {
        bool here = false;
        for (int which = 0; which < LINEAR_COUNT; which++) {
            here = here || lora_tensors_linear(t, layer, (enum linear)which)->rank > 0;
        }
        used += here;
    }
    return used;
}

static void print_inspection(const struct lora_tensors *t, const struct adapter *a, enum pack_format format)
{
    printf("adapter          %s\n", a->name);
    printf("content_hash     %016" PRIx64 " (packed to 6 bits)\n", a->hash);
    printf("file_type        %s\n", gguf_type_name(t->type));
    printf("layers           %" PRId32 " of %" PRId32 "\n", layers_used(t), a->n_layers);
    printf("rank_max         %" PRId32 "\n", a->rank_max);
    printf("format           %s\n", PACK_FORMAT_NAMES[format]);
    printf("packed_bytes     %" PRId64 "\n\n", (packed_bits(t, format) + 7) / 8);
    printf("%-12s %9s %6s %12s %10s %10s %10s %12s\n", "linear", "rank", "layers", "alpha/rank", "norm_a", "norm_b", "norm_delta",
           "packed_bytes");
    for (int which = 0; which < LINEAR_COUNT; which++) {
        inspect_linear(t, (enum linear)which, format);
    }
    printf("norms: Frobenius, over all layers; delta is alpha/rank B A\n");
}

static int inspect(int argc, char **argv)
{
    struct arguments {
        const char *adapter, *model;
        int format;
    } arguments = {.model = "sample", .format = PACK_6};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, adapter, "ADAPTER", 1, ADAPTER_HELP),
        OPTION_TEXT(struct arguments, model, "model", 'm', "NAME|FILE", MODEL_HELP),
        OPTION_CHOICE(struct arguments, format, "format", 'f', FORMATS,
                      "sizes for this format of weights; the chip has 6 bits (default: 6)"),
    };
    static const struct command command = {"adapter inspect", "ranks, norms, packed size and content hash of an adapter",
                                           "  etchsim adapter inspect clinical\n"
                                           "  etchsim adapter inspect ./my-adapter --model model.gguf\n"
                                           "  etchsim adapter inspect ./my-adapter.gguf --model SmolLM-135M/config.json --format 8\n",
                                           options, OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    struct shape shape;
    struct lora_tensors t = {0};
    struct adapter a = {0};
    bool good =
        model_shape(arguments.model, &shape, &e) && lora_tensors_load(arguments.adapter, &shape, &t, &e) && adapter_pack(&t, &a, &e);
    if (good) {
        print_inspection(&t, &a, (enum pack_format)arguments.format);
    }
    adapter_free(&a);
    lora_tensors_free(&t);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}

/* --- writing --- */

/* type: an index into TYPES, or -1 for `usual`. */
static bool write_adapter(const struct lora_tensors *t, const char *path, int type, enum ggml_type usual, struct error *e)
{
    struct lora_write_report report;
    enum ggml_type written = type < 0 ? usual : WRITTEN_TYPES[type];
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
    return true;
}

static bool expect_output(const char *path, struct error *e)
{
    return path || error_input(e, "expected -o FILE.gguf or -o FOLDER, where to write");
}

/* --- pack --- */

struct pack_arguments {
    const char *adapter, *model, *text, *output;
    int64_t tokens;
    int format, type;
};

static void print_costs(const struct lora_tensors *t, const struct pack_cost *costs, enum pack_format format)
{
    struct pack_cost sum = {0};
    printf("%-18s %5s %13s %8s %8s %12s\n", "pair", "rank", "packed_bytes", "a_%", "b_%", "product_%");
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        char name[LORA_LINEAR_NAME_ROOM];
        if (t->linears[i].rank > 0) {
            pack_cost_add(&sum, &costs[i]);
            printf("%-18s %5" PRId32 " %13" PRId64 " %8.4f %8.4f %12.4f\n", lora_linear_name(i, name), t->linears[i].rank,
                   (costs[i].bits + 7) / 8, 100 * pack_relative_error(&costs[i].a), 100 * pack_relative_error(&costs[i].b),
                   100 * pack_relative_error(&costs[i].product));
        }
    }
    printf("errors: root mean square, relative to the tensor's; product: of B A\n\n");
    printf("format           %s%s\n", PACK_FORMAT_NAMES[format], format == PACK_6 ? "" : " (for comparison: the chip has 6 bits)");
    printf("packed_bytes     %" PRId64 "\n", (sum.bits + 7) / 8);
    printf("a_error          %.6f\n", pack_relative_error(&sum.a));
    printf("b_error          %.6f\n", pack_relative_error(&sum.b));
    printf("product_error    %.6f\n", pack_relative_error(&sum.product));
}

static void print_distance(const char *name, const struct output_distance *d)
{
    printf("%s_kl %.*s %.6f nats (mean over %" PRId32 " positions; largest %.6f; same first choice %.1f %%)\n", name,
           (int)(12 - strlen(name)), "            ", d->mean_kl, d->n_positions, d->largest_kl, 100.0 * d->n_same_first / d->n_positions);
}

/* The text's first tokens. */
static bool read_text(const char *path, const struct image *image, int64_t tokens, struct token_ids *ids, struct error *e)
{
    struct mapped map;
    struct tokenizer *tokenizer = NULL;
    struct error text;
    if (!mapped_open(path, &map, e)) {
        return false;
    }
    bool good = tokenizer_open(&image->vocab, &tokenizer, e);
    if (good && !tokenizer_encode(tokenizer, (const char *)map.bytes, map.size_bytes, image->vocab.add_bos, ids, &text)) {
        good = error_input(e, "%s: %s", path, text.message);
    }
    tokenizer_close(tokenizer);
    mapped_close(&map);
    if (!good) {
        return false;
    }
    int64_t most = tokens < image->model.shape.context_tokens ? tokens : image->model.shape.context_tokens;
    ids->count = ids->count < most ? ids->count : (int32_t)most;
    return ids->count > 0 || error_input(e, "%s: expected some text, found none", path);
}

/* Of the rounded adapter's output from the unrounded one's; for 6 bits also on the chip's own arithmetic. */
static bool print_output_distance(const struct pack_arguments *a, const struct lora_tensors *t, const struct lora_tensors *rounded,
                                  struct error *e)
{
    struct image image;
    struct token_ids ids = {0};
    struct adapter packed = {0};
    struct output_distance d;
    if (!image_open_model(a->model, NULL, &image, e)) {
        return false;
    }
    bool good = read_text(a->text, &image, a->tokens, &ids, e) && output_distance(&image.model, t, rounded, ids.ids, ids.count, &d, e);
    if (good) {
        print_distance("packing", &d);
    }
    if (good && a->format == PACK_6) {
        good = adapter_pack(t, &packed, e) && output_distance_chip(&image.model, t, &packed, ids.ids, ids.count, &d, e);
        if (good) {
            print_distance("chip", &d);
        }
    }
    adapter_free(&packed);
    free(ids.ids);
    image_close(&image);
    return good;
}

static bool pack_adapter(const struct pack_arguments *a, const struct lora_tensors *t, struct error *e)
{
    struct lora_tensors rounded = {0};
    enum pack_format format = (enum pack_format)a->format;
    struct pack_cost *costs = error_calloc(e, (size_t)lora_tensors_count(t), sizeof *costs, "the pairs' errors");
    bool good = costs && pack_round(t, format, &rounded, costs, e);
    if (good) {
        print_costs(t, costs, format);
        good = (!a->text || print_output_distance(a, t, &rounded, e)) &&
               (!a->output || write_adapter(&rounded, a->output, a->type, rounded.type, e));
    }
    lora_tensors_free(&rounded);
    free(costs);
    return good;
}

static int pack(int argc, char **argv)
{
    struct pack_arguments arguments = {.model = "sample", .format = PACK_6, .tokens = 256, .type = -1};
    static const struct option options[] = {
        OPTION_OPERAND(struct pack_arguments, adapter, "ADAPTER", 1, ADAPTER_HELP),
        OPTION_TEXT(struct pack_arguments, model, "model", 'm', "NAME|FILE", MODEL_HELP),
        OPTION_CHOICE(struct pack_arguments, format, "format", 'f', FORMATS,
                      "bits of a weight (default: 6, the chip's; the others show what bits buy)"),
        OPTION_TEXT(struct pack_arguments, text, "text", 0, "FILE",
                    "measure the output's KL divergence from the unpacked adapter's on this text"),
        OPTION_INTEGER(struct pack_arguments, tokens, "tokens", 'n', "N", 1, 1 << 20, "of the text, at most (default: 256)"),
        OPTION_TEXT(struct pack_arguments, output, "output", 'o', "OUT",
                    "write what the packed weights stand for, as floats: FILE.gguf, or a PEFT folder's name"),
        OPTION_CHOICE(struct pack_arguments, type, "type", 't', TYPES, "of the file's values (default: f32; bf16 for --format bf16)"),
    };
    static const struct command command = {
        "adapter pack", "pack an adapter and tell what that costs: bytes, each tensor's error, the output's",
        "  etchsim adapter pack clinical --text configs/models/sample/heldout/clinical.txt\n"
        "  etchsim adapter pack clinical --format 4 -o /tmp/clinical4.gguf && etchsim run --adapter /tmp/clinical4.gguf\n",
        options, OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    struct shape shape;
    struct lora_tensors t = {0};
    bool good = !(arguments.text && ends_in(arguments.model, ".json")) ||
                error_input(&e, "--text: expected a --model with weights, found %s, which has a shape only", arguments.model);
    good = good && model_shape(arguments.model, &shape, &e) && lora_tensors_load(arguments.adapter, &shape, &t, &e) &&
           pack_adapter(&arguments, &t, &e);
    lora_tensors_free(&t);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}

/* --- convert --- */

static int convert(int argc, char **argv)
{
    struct arguments {
        const char *adapter, *model, *output;
        int type;
    } arguments = {.model = "sample", .type = -1};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, adapter, "ADAPTER", 1, ADAPTER_HELP),
        OPTION_TEXT(struct arguments, output, "output", 'o', "OUT", OUTPUT_HELP),
        OPTION_TEXT(struct arguments, model, "model", 'm', "NAME|FILE", MODEL_HELP),
        OPTION_CHOICE(struct arguments, type, "type", 't', TYPES,
                      "of the values (default: the file's own; f32 where it has several, or Q8_0)"),
    };
    static const struct command command = {"adapter convert", "an adapter from PEFT to GGUF, or back, or to another type of values",
                                           "  etchsim adapter convert ./my-adapter -o my-adapter.gguf --model model.gguf\n"
                                           "  etchsim adapter convert my-adapter.gguf -o ./my-adapter --model model.gguf --type bf16\n",
                                           options, OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    struct shape shape;
    struct lora_tensors t = {0};
    bool good = expect_output(arguments.output, &e) && model_shape(arguments.model, &shape, &e) &&
                lora_tensors_load(arguments.adapter, &shape, &t, &e) && write_adapter(&t, arguments.output, arguments.type, t.type, &e);
    lora_tensors_free(&t);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}

/* --- average and stack --- */

struct sum_arguments {
    struct option_list adapters, weights;
    const char *model, *output;
    int64_t rank;
    int method, type;
};

enum sum_method { METHOD_FACTORS, METHOD_SVD, METHOD_STACK, METHOD_COUNT };
#define METHODS "factors|svd|stack"
static const char *const METHOD_NAMES[METHOD_COUNT] = {"factors", "svd", "stack"};

struct sum { /* adapters with their weights */
    int32_t n;
    struct lora_tensors *tensors; /* owned, [n] */
    struct lora_term *terms;      /* owned, [n] */
};

static void sum_free(struct sum *s)
{
    for (int32_t i = 0; s->tensors && i < s->n; i++) {
        lora_tensors_free(&s->tensors[i]);
    }
    free(s->tensors);
    free(s->terms);
}

static bool parse_weight(const char *text, double low, double *weight, struct error *e)
{
    char *end = NULL;
    *weight = strtod(text, &end);
    return (end != text && *end == '\0' && fabs(*weight) <= 1e9 && *weight >= low && *weight != 0) ||
           error_input(e,
                       low < 0 ? "--weight %.100s: expected a number of -1e9 to 1e9 other than 0"
                               : "--weight %.100s: expected a number above 0 and at most 1e9",
                       text);
}

/* `mean`: weights are positive and made to add up to 1. */
static bool sum_load(const struct sum_arguments *a, bool mean, struct sum *s, struct error *e)
{
    struct shape shape;
    double total = 0;
    *s = (struct sum){0};
    if (a->adapters.count < 2) {
        return error_input(e, "expected --adapter at least twice, found %" PRId32, a->adapters.count);
    }
    if (a->weights.count != 0 && a->weights.count != a->adapters.count) {
        return error_input(e, "expected a --weight for each of the %" PRId32 " adapters, or none, found %" PRId32, a->adapters.count,
                           a->weights.count);
    }
    if (!expect_output(a->output, e) || !model_shape(a->model, &shape, e)) {
        return false;
    }
    s->tensors = error_calloc(e, (size_t)a->adapters.count, sizeof *s->tensors, "the adapters");
    s->terms = error_calloc(e, (size_t)a->adapters.count, sizeof *s->terms, "the adapters");
    bool good = s->tensors && s->terms;
    for (; good && s->n < a->adapters.count; s->n++) {
        struct lora_term *term = &s->terms[s->n];
        *term = (struct lora_term){&s->tensors[s->n], 1};
        good = (a->weights.count == 0 || parse_weight(a->weights.items[s->n], mean ? 0 : -1e9, &term->weight, e)) &&
               lora_tensors_load(a->adapters.items[s->n], &shape, &s->tensors[s->n], e);
        total += term->weight;
    }
    for (int32_t i = 0; good && mean && i < s->n; i++) {
        s->terms[i].weight /= total;
    }
    return good;
}

static void print_terms(const struct sum *s)
{
    printf("%-24s %10s %6s %14s\n", "adapter", "weight", "rank", "packed_bytes");
    for (int32_t i = 0; i < s->n; i++) {
        const struct lora_tensors *t = &s->tensors[i];
        printf("%-24s %10.6g %6" PRId32 " %14" PRId64 "\n", t->name, s->terms[i].weight, lora_tensors_rank_max(t),
               (packed_bits(t, PACK_6) + 7) / 8);
    }
}

static bool make_sum(const struct sum *s, enum sum_method method, int32_t rank, struct lora_tensors *out, struct error *e)
{
    switch (method) {
    case METHOD_FACTORS: return lora_mean_factors(s->terms, s->n, out, e);
    case METHOD_SVD: return lora_reduce(s->terms, s->n, rank, out, e);
    default: return lora_stack(s->terms, s->n, out, e);
    }
}

static void print_method(const struct sum *s, enum sum_method method, const struct lora_tensors *t, double norm2)
{
    printf("%-24s %10.6f %6" PRId32 " %14" PRId64 "\n", METHOD_NAMES[method], lora_distance(s->terms, s->n, norm2, t),
           lora_tensors_rank_max(t), (packed_bits(t, PACK_6) + 7) / 8);
}

static int32_t rank_most(const struct sum *s)
{
    int32_t most = 0;
    for (int32_t i = 0; i < s->n; i++) {
        int32_t rank = lora_tensors_rank_max(&s->tensors[i]);
        most = rank > most ? rank : most;
    }
    return most;
}

/* Every method's error, the wanted one written. What only another method can't do is told in its line. */
static bool average_all(const struct sum_arguments *a, const struct sum *s, struct error *e)
{
    int32_t rank = a->rank ? (int32_t)a->rank : rank_most(s);
    double norm2 = lora_norm2(s->terms, s->n);
    struct lora_tensors wanted = {0};
    print_terms(s);
    printf("\n%-24s %10s %6s %14s\n", "method", "error", "rank", "packed_bytes");
    bool good = true;
    for (int method = 0; method < METHOD_COUNT && good; method++) {
        struct lora_tensors out = {0};
        struct error other;
        if (make_sum(s, (enum sum_method)method, rank, &out, &other)) {
            print_method(s, (enum sum_method)method, &out, norm2);
        } else if (method == a->method) {
            *e = other;
            good = false;
        } else {
            printf("%-24s not possible: %s\n", METHOD_NAMES[method], other.message);
        }
        if (method == a->method) {
            wanted = out;
        } else {
            lora_tensors_free(&out);
        }
    }
    printf("error: of the mean of B A, relative to it\n\n");
    good = good && write_adapter(&wanted, a->output, a->type, GGML_F32, e);
    lora_tensors_free(&wanted);
    return good;
}

static int average(int argc, char **argv)
{
    static struct sum_arguments arguments = {.model = "sample", .method = METHOD_SVD, .type = -1};
    static const struct option options[] = {
        OPTION_REPEATED(struct sum_arguments, adapters, "adapter", 'a', "ADAPTER", ADAPTER_HELP),
        OPTION_REPEATED(struct sum_arguments, weights, "weight", 'w', "W",
                        "of the adapter in the same place, for instance its number of examples (default: all alike)"),
        OPTION_TEXT(struct sum_arguments, output, "output", 'o', "OUT", OUTPUT_HELP),
        OPTION_CHOICE(struct sum_arguments, method, "method", 0, METHODS,
                      "the means of A and of B; or the mean of B A, cut to --rank (default) or exact"),
        OPTION_INTEGER(struct sum_arguments, rank, "rank", 'r', "N", 1, LORA_RANK_MAX, "for svd (default: the adapters' largest)"),
        OPTION_TEXT(struct sum_arguments, model, "model", 'm', "NAME|FILE", MODEL_HELP),
        OPTION_CHOICE(struct sum_arguments, type, "type", 't', TYPES, "of the file's values (default: f32)"),
    };
    static const struct command command = {
        "adapter average", "the weighted mean of adapters, as after a federated round, and the error of each way to take it",
        "  etchsim adapter average -a ward-a -w 1200 -a ward-b -w 300 -o mean.gguf   (presets; folders are given with a '/')\n"
        "  etchsim adapter average -a clinical -a support --method factors -o ./mean\n",
        options, OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    struct sum s;
    bool good = sum_load(&arguments, true, &s, &e) && average_all(&arguments, &s, &e);
    sum_free(&s);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}

static int stack(int argc, char **argv)
{
    static struct sum_arguments arguments = {.model = "sample", .type = -1};
    static const struct option options[] = {
        OPTION_REPEATED(struct sum_arguments, adapters, "adapter", 'a', "ADAPTER", ADAPTER_HELP),
        OPTION_REPEATED(struct sum_arguments, weights, "weight", 'w', "W",
                        "what the adapter in the same place counts, or minus that (default: 1)"),
        OPTION_TEXT(struct sum_arguments, output, "output", 'o', "OUT", OUTPUT_HELP),
        OPTION_TEXT(struct sum_arguments, model, "model", 'm', "NAME|FILE", MODEL_HELP),
        OPTION_CHOICE(struct sum_arguments, type, "type", 't', TYPES, "of the file's values (default: f32)"),
    };
    static const struct command command = {"adapter stack",
                                           "one adapter that does what several do together: exact, with the sum of their ranks",
                                           "  etchsim adapter stack -a clinical -a support -o both.gguf\n"
                                           "  etchsim adapter stack -a clinical -w 1 -a contract -w -0.5 -o ./difference\n",
                                           options, OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    struct sum s;
    struct lora_tensors out = {0};
    bool good = sum_load(&arguments, false, &s, &e) && lora_stack(s.terms, s.n, &out, &e);
    if (good) {
        print_terms(&s);
        print_method(&s, METHOD_STACK, &out, lora_norm2(s.terms, s.n));
        good = write_adapter(&out, arguments.output, arguments.type, GGML_F32, &e);
    }
    lora_tensors_free(&out);
    sum_free(&s);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}

/* --- the command --- */

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} ACTIONS[] = {
    {"inspect", "ranks, norms, packed size and content hash", inspect},
    {"pack", "what packing to 6 bits (or 4, 8, bf16) costs: bytes and errors", pack},
    {"convert", "from PEFT to GGUF and back", convert},
    {"average", "the weighted mean of several, in three ways", average},
    {"stack", "the exact sum of several", stack},
};
enum { ACTION_COUNT = sizeof ACTIONS / sizeof *ACTIONS };

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
            return ACTIONS[i].run(argc - 1, argv + 1);
        }
        suggest_offer(&nearest, argv[1], ACTIONS[i].name);
    }
    char hint[128];
    error_input(&e, "there is no '%.100s'%s", argv[1], suggest_text(&nearest, hint, sizeof hint));
    return command_fail("adapter", &e);
}
