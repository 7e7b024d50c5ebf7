#include "adapters/pack_cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/algebra.h"
#include "kernels/ref.h"

double pack_relative_error(const struct pack_error *sum)
{
    return sum->squared_weight > 0 ? sqrt(sum->squared_error / sum->squared_weight) : 0;
}

static void add_error(struct pack_error *sum, const struct pack_error *error)
{
    sum->squared_error += error->squared_error;
    sum->squared_weight += error->squared_weight;
}

void pack_cost_add(struct pack_cost *sum, const struct pack_cost *cost)
{
    sum->bits += cost->bits;
    add_error(&sum->a, &cost->a);
    add_error(&sum->b, &cost->b);
    add_error(&sum->product, &cost->product);
}

/* --- errors of the tensors --- */

static bool round_linear(const struct lora_linear *from, enum pack_format format, struct lora_linear *to, struct pack_cost *cost)
{
    memcpy(to->a, from->a, (size_t)from->rank * (size_t)from->n_in * sizeof *to->a);
    for (int64_t i = 0; i < (int64_t)from->n_out * from->rank; i++) {
        to->b[i] = (float)((double)from->b[i] * lora_scale(from));
    }
    cost->bits = pack_pair_bits(format, from->rank, from->n_in, from->n_out);
    return pack_round_rows(format, to->a, to->rank, to->n_in, &cost->a) && pack_round_rows(format, to->b, to->n_out, to->rank, &cost->b);
}

bool pack_round(const struct lora_tensors *in, enum pack_format format, struct lora_tensors *out, struct pack_cost *costs, struct error *e)
{
    if (!lora_tensors_make(&in->base, out, e)) {
        return false;
    }
    memcpy(out->name, in->name, sizeof out->name);
    memcpy(out->base_name, in->base_name, sizeof out->base_name);
    out->type = format == PACK_BF16 ? GGML_BF16 : GGML_F32;
    for (int32_t i = 0; i < lora_tensors_count(in); i++) {
        out->linears[i].rank = in->linears[i].rank;
        out->linears[i].alpha = in->linears[i].rank;
    }
    if (!lora_tensors_allocate(out, e)) {
        return false;
    }
    memset(costs, 0, (size_t)lora_tensors_count(in) * sizeof *costs);
    for (int32_t i = 0; i < lora_tensors_count(in); i++) {
        if (in->linears[i].rank == 0) {
            continue;
        }
        if (!round_linear(&in->linears[i], format, &out->linears[i], &costs[i])) {
            lora_tensors_free(out);
            return error_input(e, "not enough memory to pack an adapter");
        }
        double norm2 = lora_inner_product(in, in, i);
        double error2 = norm2 - 2 * lora_inner_product(in, out, i) + lora_inner_product(out, out, i);
        costs[i].product = (struct pack_error){fmax(error2, 0), norm2};
    }
    return true;
}

/* --- errors of the output --- */

/* w += alpha / rank B A; transposed: the embedding, a row of which is a column of B A. */
static void merge_linear(const struct lora_linear *l, bool transposed, float *w)
{
    for (int64_t o = 0; o < l->n_out; o++) {
        for (int64_t i = 0; i < l->n_in; i++) {
            double sum = 0;
            for (int32_t j = 0; j < l->rank; j++) {
                sum += (double)l->b[o * l->rank + j] * (double)l->a[(int64_t)j * l->n_in + i];
            }
            w[transposed ? i * l->n_out + o : o * l->n_in + i] += (float)(lora_scale(l) * sum);
        }
    }
}

/* One of the two that are compared: float with an adapter merged in, or the chip's integers. */
struct evaluation {
    struct float_model model;
    struct ref_float *floating;
    struct ref *integer;
    const struct adapter *packed;
    struct acc acc;
    float *logits;
};

static bool open_float(const struct model *model, const struct lora_tensors *adapter, int32_t n, struct evaluation *v)
{
    if (!float_model_untied(model, &v->model)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(adapter); i++) {
        const enum linear which = lora_tensors_which(adapter, i);
        const float *w = which == LINEAR_EMBEDDING ? v->model.embedding
                         : which == LINEAR_HEAD    ? v->model.head
                                                   : v->model.layers[i / LINEAR_COUNT].linear[which];
        merge_linear(&adapter->linears[i], which == LINEAR_EMBEDDING, (float *)(uintptr_t)w); /* the weights are v->model's own */
    }
    v->floating = ref_float_new(&v->model, n);
    v->logits = calloc((size_t)model->shape.n_vocab, sizeof *v->logits);
    return v->floating && v->logits;
}

static bool open_chip(const struct model *model, const struct adapter *packed, int32_t n, struct evaluation *v)
{
    v->packed = packed;
    v->integer = ref_new(model, n);
    v->acc.m = calloc((size_t)model->shape.n_vocab, sizeof *v->acc.m);
    v->logits = calloc((size_t)model->shape.n_vocab, sizeof *v->logits);
    return v->integer && v->acc.m && v->logits;
}

static void close_evaluation(struct evaluation *v)
{
    ref_float_free(v->floating);
    ref_free(v->integer);
    float_model_free(&v->model);
    free(v->acc.m);
    free(v->logits);
}

static void forward(struct evaluation *v, int32_t token, int32_t position)
{
    if (v->floating) {
        ref_float_forward(v->floating, token, position, v->logits);
    } else {
        ref_forward(v->integer, v->packed, token, position, &v->acc);
        acc_to_float(&v->acc, v->logits);
    }
}

static void compare(struct evaluation *p, struct evaluation *q, int32_t n_vocab, const int32_t *ids, int32_t n, struct output_distance *out)
{
    *out = (struct output_distance){0};
    for (int32_t i = 0; i < n; i++) {
        forward(p, ids[i], i);
        forward(q, ids[i], i);
        output_distance_add(out, p->logits, q->logits, n_vocab);
    }
}

static bool compare_and_close(const struct model *model, bool opened, struct evaluation *p, struct evaluation *q, const int32_t *ids,
                              int32_t n, struct output_distance *out, struct error *e)
{
    if (opened) {
        compare(p, q, model->shape.n_vocab, ids, n, out);
    }
    close_evaluation(p);
    close_evaluation(q);
    return opened || error_input(e, "not enough memory for the model's weights as floats");
}

bool output_distance(const struct model *model, const struct lora_tensors *p, const struct lora_tensors *q, const int32_t *ids, int32_t n,
                     struct output_distance *out, struct error *e)
{
    ES_ASSERT(n > 0);
    struct evaluation one = {0}, other = {0};
    bool opened = open_float(model, p, n, &one) && open_float(model, q, n, &other);
    return compare_and_close(model, opened, &one, &other, ids, n, out, e);
}

bool output_distance_chip(const struct model *model, const struct lora_tensors *p, const struct adapter *packed, const int32_t *ids,
                          int32_t n, struct output_distance *out, struct error *e)
{
    ES_ASSERT(n > 0);
    struct evaluation one = {0}, other = {0};
    bool opened = open_float(model, p, n, &one) && open_chip(model, packed, n, &other);
    return compare_and_close(model, opened, &one, &other, ids, n, out, e);
}
