#include "sim/gguf_float.h"

#include <math.h>
#include <stdlib.h>

#include "sim/gguf_model.h"

/* Floats and doubles of one block, handed out from its start; what is read stays within what was counted. */
struct filler {
    const struct gguf *g;
    char *at;
    bool failed;
    struct error *e;
};

static int64_t width_of(const struct gguf_part *part, bool matrix)
{
    return matrix ? part->tensor->dims[0] : 1;
}

static size_t size_of(const struct gguf_part *part, bool matrix)
{
    return part->tensor ? (size_t)part->n * (size_t)width_of(part, matrix) * sizeof(float) : 0;
}

/* A part from f->at on, in the chip's order; NULL where the model has none, or when a value isn't finite (then f->failed). */
static const float *read_part(struct filler *f, const struct gguf_part *part, bool matrix)
{
    float *out = (float *)(void *)f->at;
    if (!part->tensor || f->failed) {
        return NULL;
    }
    for (int32_t i = 0; i < part->n && matrix && !f->failed; i++) {
        f->failed = !gguf_row_finite(f->g, part->tensor, gguf_part_at(part, i), out + i * width_of(part, true), f->e);
    }
    if (!matrix) {
        float *row = error_calloc(f->e, (size_t)part->tensor->dims[0], sizeof *row, "a vector");
        f->failed = !row || !gguf_part_values(f->g, part, row, out, f->e);
        free(row);
    }
    f->at += size_of(part, matrix);
    return f->failed ? NULL : out;
}

static size_t memory_bytes(const struct gguf_model *m)
{
    const struct shape *shape = &m->shape;
    size_t total = 2 * (size_t)shape->head_dim * sizeof(double) + (size_t)shape->n_layers * sizeof(struct float_layer);
    total += size_of(&m->embedding, true) + size_of(&m->head, true) + size_of(&m->final_norm, false);
    for (int32_t i = 0; i < shape->n_layers; i++) {
        const struct gguf_layer *l = &m->layers[i];
#define LAYER_NORM(field, width, present) total += size_of(&l->field, false);
#include "kernels/layer_norms.def"
#undef LAYER_NORM
        for (int which = 0; which < LINEAR_COUNT; which++) {
            total += size_of(&l->linear[which], true) + (which < BIASES ? size_of(&l->bias[which], false) : 0);
        }
    }
    return total;
}

static void fill_layer(struct filler *f, const struct gguf_layer *from, struct float_layer *to)
{
#define LAYER_NORM(field, width, present) to->field = read_part(f, &from->field, false);
#include "kernels/layer_norms.def"
#undef LAYER_NORM
    for (int which = 0; which < LINEAR_COUNT; which++) {
        to->linear[which] = read_part(f, &from->linear[which], true);
        if (which < BIASES) {
            to->bias[which] = read_part(f, &from->bias[which], false);
        }
    }
}

/* Doubles from f->at on. */
static double *take_frequencies(struct filler *f, float base, int32_t n, const float *factors)
{
    double *frequency = (double *)(void *)f->at;
    for (int32_t i = 0; i < n; i++) {
        frequency[i] = pow((double)base, -1.0 * i / n) / (factors ? (double)factors[i] : 1.0);
    }
    f->at += (size_t)n * sizeof *frequency;
    return frequency;
}

static void fill_frequencies(struct filler *f, const struct gguf_model *m, struct float_model *model)
{
    const int32_t n = shape_rotary_dim(&m->shape) / 2;
    float *factors = error_calloc(f->e, (size_t)n, sizeof *factors, "RoPE factors");
    f->failed = !factors || (m->rope_factors && !gguf_row_finite(f->g, m->rope_factors, 0, factors, f->e));
    if (!f->failed) {
        model->rope_frequency = take_frequencies(f, m->shape.rope_base, n, m->rope_factors ? factors : NULL);
        model->rope_frequency_local = m->shape.rope_base_local > 0 ? take_frequencies(f, m->shape.rope_base_local, n, NULL) : NULL;
    }
    free(factors);
}

static bool fill(const struct gguf *g, const struct gguf_model *m, struct float_model *model, struct error *e)
{
    struct filler f = {.g = g, .at = model->memory, .e = e};
    fill_frequencies(&f, m, model);
    model->layers = (struct float_layer *)(void *)f.at;
    f.at += (size_t)m->shape.n_layers * sizeof *model->layers;
    model->embedding = read_part(&f, &m->embedding, true);
    model->head = m->head.tensor ? read_part(&f, &m->head, true) : model->embedding;
    model->final_norm = read_part(&f, &m->final_norm, false);
    model->embedding_scale = m->shape.scaled_embedding ? sqrt(m->shape.d_model) : 1.0;
    model->residual_epsilon = (double)m->shape.rms_epsilon;
    for (int32_t layer = 0; layer < m->shape.n_layers; layer++) {
        fill_layer(&f, &m->layers[layer], &model->layers[layer]);
    }
    return !f.failed;
}

bool gguf_float_model(const struct gguf *g, struct float_model *model, struct error *e)
{
    struct gguf_model m;
    *model = (struct float_model){0};
    if (!gguf_model(g, &m, e)) {
        return false;
    }
    model->shape = m.shape;
    model->memory = error_calloc(e, memory_bytes(&m), 1, "a model's weights as floats");
    bool good = model->memory && fill(g, &m, model, e);
    if (!good) {
        free(model->memory);
        *model = (struct float_model){0};
    }
    gguf_model_free(&m);
    return good;
}
