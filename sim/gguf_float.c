#include "sim/gguf_float.h"

#include <math.h>
#include <stdlib.h>

#include "sim/gguf_llama.h"

/* Floats and doubles of one block, handed out from its start; what is read stays within what was counted. */
struct filler {
    const struct gguf *g;
    char *at;
    struct error *e;
};

static size_t size_of(const struct gguf_tensor *t)
{
    return t ? (size_t)t->n_rows * (size_t)t->dims[0] * sizeof(float) : 0;
}

/* The tensor's rows from f->at on; NULL when one isn't finite. */
static const float *read_all(struct filler *f, const struct gguf_tensor *t)
{
    float *rows = (float *)(void *)f->at;
    for (int64_t r = 0; r < t->n_rows; r++) {
        if (!gguf_row_finite(f->g, t, r, rows + r * t->dims[0], f->e)) {
            return NULL;
        }
    }
    f->at += size_of(t);
    return rows;
}

static size_t memory_bytes(const struct gguf_llama *m)
{
    const struct shape *s = &m->shape;
    size_t total = (size_t)s->head_dim / 2 * sizeof(double) + (size_t)s->n_layers * sizeof(struct float_layer);
    total += size_of(m->embedding) + size_of(m->head) + size_of(m->final_norm) + size_of(m->rope_factors);
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        total += size_of(m->layers[layer].attention_norm) + size_of(m->layers[layer].ffn_norm);
        for (int which = 0; which < LINEAR_COUNT; which++) {
            total += size_of(m->layers[layer].linear[which]);
        }
    }
    return total;
}

static bool fill_layers(struct filler *f, const struct gguf_llama *m, struct float_layer *layers)
{
    for (int32_t layer = 0; layer < m->shape.n_layers; layer++) {
        const struct llama_layer_tensors *from = &m->layers[layer];
        struct float_layer *to = &layers[layer];
        to->attention_norm = read_all(f, from->attention_norm);
        to->ffn_norm = to->attention_norm ? read_all(f, from->ffn_norm) : NULL;
        bool good = to->ffn_norm != NULL;
        for (int which = 0; which < LINEAR_COUNT && good; which++) {
            to->linear[which] = read_all(f, from->linear[which]);
            good = to->linear[which] != NULL;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool fill_frequencies(struct filler *f, const struct gguf_llama *m, double *frequency)
{
    const float *factors = m->rope_factors ? read_all(f, m->rope_factors) : NULL;
    for (int32_t i = 0; i < m->shape.head_dim / 2; i++) {
        frequency[i] = pow((double)m->shape.rope_base, -2.0 * i / m->shape.head_dim) / (factors ? (double)factors[i] : 1.0);
    }
    return factors || !m->rope_factors;
}

static bool fill(const struct gguf *g, const struct gguf_llama *m, struct float_model *model, struct error *e)
{
    struct filler f = {.g = g, .at = model->memory, .e = e};
    double *frequency = (double *)(void *)f.at;
    f.at += (size_t)m->shape.head_dim / 2 * sizeof *frequency;
    model->rope_frequency = frequency;
    model->embedding_scale = 1.0;
    model->residual_epsilon = (double)m->shape.rms_epsilon;
    model->layers = (struct float_layer *)(void *)f.at;
    f.at += (size_t)m->shape.n_layers * sizeof *model->layers;
    model->embedding = read_all(&f, m->embedding);
    model->head = model->embedding && m->head ? read_all(&f, m->head) : model->embedding;
    model->final_norm = model->head ? read_all(&f, m->final_norm) : NULL;
    return model->final_norm && fill_layers(&f, m, model->layers) && fill_frequencies(&f, m, frequency);
}

bool gguf_float_model(const struct gguf *g, struct float_model *model, struct error *e)
{
    struct gguf_llama m;
    *model = (struct float_model){0};
    if (!gguf_llama(g, &m, e)) {
        return false;
    }
    model->shape = m.shape;
    model->memory = error_calloc(e, memory_bytes(&m), 1, "a model's weights as floats");
    bool good = model->memory && fill(g, &m, model, e);
    if (!good) {
        free(model->memory);
        *model = (struct float_model){0};
    }
    gguf_llama_free(&m);
    return good;
}
