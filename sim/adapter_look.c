/* adapter_look.c -- `etchsim adapter inspect` and `pack`: what is in an adapter, and what packing makes of it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "adapters/algebra.h"
#include "adapters/lora_file.h"
#include "adapters/pack_cost.h"
#include "sim/adapter_command.h"
#include "sim/gguf_model.h"
#include "sim/image.h"
#include "sim/text_tokens.h"

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

/* A line for a linear of all layers, or for an end. */
static void inspect_linear(const struct lora_tensors *t, enum linear which, enum pack_format format)
{
    int64_t bits = 0;
    int32_t layers = 0;
    const int32_t n = which < LINEAR_COUNT ? t->base.n_layers : 1;
    double rank[2] = {INFINITY, 0}, scale[2] = {INFINITY, 0}, norm_a = 0, norm_b = 0, norm_delta = 0;
    for (int32_t layer = 0; layer < n; layer++) {
        const struct lora_linear *l = lora_tensors_linear(t, layer, which);
        if (l->rank == 0) {
            continue;
        }
        int32_t index = pair_index(t->base.n_layers, layer, which);
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
    char ranks[48], scales[48], used[16] = "-";
    if (which < LINEAR_COUNT) {
        snprintf(used, sizeof used, "%" PRId32, layers);
    }
    printf("%-12s %9s %6s %12s %10.5g %10.5g %10.5g %12" PRId64 "\n", LINEAR_NAMES[which], range_text(rank[0], rank[1], ranks), used,
           range_text(scale[0], scale[1], scales), sqrt(norm_a), sqrt(norm_b), sqrt(fmax(norm_delta, 0)), (bits + 7) / 8);
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
    printf("packed_bytes     %" PRId64 "\n\n", adapter_packed_bytes(t, format));
    printf("%-12s %9s %6s %12s %10s %10s %10s %12s\n", "linear", "rank", "layers", "alpha/rank", "norm_a", "norm_b", "norm_delta",
           "packed_bytes");
    for (enum linear which = 0; which < LINEAR_ENDS; which++) {
        if (which < LINEAR_COUNT || lora_tensors_linear(t, 0, which)->rank > 0) {
            inspect_linear(t, which, format);
        }
    }
    printf("norms: Frobenius, over all layers; delta is alpha/rank B A\n");
}

bool adapter_inspect(const struct adapter_arguments *a, struct error *e)
{
    struct shape shape;
    struct lora_tensors t = {0};
    struct adapter packed = {0};
    bool good = adapter_base_shape(a->model, &shape, e) && lora_tensors_load(a->adapter, &shape, &t, e) && adapter_pack(&t, &packed, e);
    if (good) {
        print_inspection(&t, &packed, (enum pack_format)a->format);
    }
    adapter_free(&packed);
    lora_tensors_free(&t);
    return good;
}

/* --- pack --- */

static void print_costs(const struct lora_tensors *t, const struct pack_cost *costs, enum pack_format format)
{
    struct pack_cost sum = {0};
    printf("%-18s %5s %13s %8s %8s %12s\n", "pair", "rank", "packed_bytes", "a_%", "b_%", "product_%");
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        char name[LORA_LINEAR_NAME_ROOM];
        if (t->linears[i].rank > 0) {
            pack_cost_add(&sum, &costs[i]);
            printf("%-18s %5" PRId32 " %13" PRId64 " %8.4f %8.4f %12.4f\n", lora_linear_name(t, i, name), t->linears[i].rank,
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

/* Of the rounded adapter's output from the unrounded one's; for 6 bits also on the chip's own arithmetic. */
static bool print_output_distance(const struct adapter_arguments *a, const struct lora_tensors *t, const struct lora_tensors *rounded,
                                  struct error *e)
{
    struct image image;
    struct token_ids ids = {0};
    struct adapter packed = {0};
    struct output_distance d;
    if (!image_open_model(a->model, NULL, &image, e)) {
        return false;
    }
    bool good = text_tokens(a->text, &image, a->tokens, &ids, e) && output_distance(&image.model, t, rounded, ids.ids, ids.count, &d, e);
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

static bool pack_adapter(const struct adapter_arguments *a, const struct lora_tensors *t, struct error *e)
{
    struct lora_tensors rounded = {0};
    enum pack_format format = (enum pack_format)a->format;
    struct pack_cost *costs = error_calloc(e, (size_t)lora_tensors_count(t), sizeof *costs, "the pairs' errors");
    bool good = costs && pack_round(t, format, &rounded, costs, e);
    if (good) {
        print_costs(t, costs, format);
        good = (!a->text || print_output_distance(a, t, &rounded, e)) && (!a->output || adapter_write(a, &rounded, rounded.type, e));
    }
    lora_tensors_free(&rounded);
    free(costs);
    return good;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

bool adapter_pack_action(const struct adapter_arguments *a, struct error *e)
{
    struct shape shape;
    struct lora_tensors t = {0};
    bool good = !(a->text && ends_in(a->model, ".json")) ||
                error_input(e, "--text: expected a --model with weights, found %s, which has a shape only", a->model);
    good = good && adapter_base_shape(a->model, &shape, e) && lora_tensors_load(a->adapter, &shape, &t, e) && pack_adapter(a, &t, e);
    lora_tensors_free(&t);
    return good;
}
