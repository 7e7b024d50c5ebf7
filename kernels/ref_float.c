#include "kernels/ref_float.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "kernels/gemv.h"
#include "kernels/threads.h"
#include "sim/error.h"

/* -- a float model from a ROM image -- */

/* Hands out parts of one block; with memory NULL it only counts. */
struct arena {
    char *memory;
    size_t used;
};

static void *take(struct arena *a, size_t bytes)
{
    const size_t at = a->used;
    a->used += (bytes + 63) / 64 * 64;
    return a->memory ? a->memory + at : NULL;
}

static const float *dequantise(struct arena *a, const struct matrix *w)
{
    float *out = take(a, (size_t)w->n_out * (size_t)w->n_in * sizeof *out);
    for (int32_t o = 0; out && o < w->n_out; o++) {
        for (int32_t p = 0; p < matrix_panels(w); p++) {
            int16_t values[PANEL_INPUTS];
            matrix_unpack_panel(w, o, p, values);
            for (int32_t i = p * PANEL_INPUTS, j = 0; i < w->n_in && j < PANEL_INPUTS; i++, j++) {
                out[(int64_t)o * w->n_in + i] = ldexpf(values[j], w->exponent);
            }
        }
    }
    return out;
}

/* Mantissas as floats; NULL where the model has none. */
static const float *scaled(struct arena *a, const int16_t *m, int32_t n, int32_t exponent)
{
    float *out = m ? take(a, (size_t)n * sizeof *out) : NULL;
    for (int32_t i = 0; out && i < n; i++) {
        out[i] = ldexpf(m[i], exponent);
    }
    return out;
}

static const float *norm_weights(struct arena *a, const struct norm *norm)
{
    return scaled(a, norm->m, norm->n, norm->exponent);
}

static const double *frequencies(struct arena *a, const uint64_t *increment, int32_t n)
{
    double *out = increment ? take(a, (size_t)n * sizeof *out) : NULL;
    for (int32_t i = 0; out && i < n; i++) {
        out[i] = ldexp((double)increment[i], -64) * 2 * M_PI;
    }
    return out;
}

/* w += B A; transposed: the embedding, a row of which is a column of B A. */
static void merge_lora(float *w, const struct lora_pair *p, bool transposed)
{
    for (int32_t o = 0; o < p->n_out; o++) {
        for (int32_t i = 0; i < p->n_in; i++) {
            double sum = 0;
            for (int32_t j = 0; j < p->rank; j++) {
                sum += (double)p->b[(int64_t)o * p->rank + j] * p->scale_a[j] * p->a[(int64_t)j * p->n_in + i];
            }
            w[transposed ? (int64_t)i * p->n_out + o : (int64_t)o * p->n_in + i] +=
                (float)ldexp(sum * p->scale_b[o], p->exponent_a + p->exponent_b);
        }
    }
}

static const float *fill_end(struct arena *a, const struct matrix *from, const struct adapter *adapter, enum linear which)
{
    const float *w = dequantise(a, from);
    if (adapter && w && adapter_pair(adapter, 0, which)->rank > 0) {
        merge_lora((float *)(uintptr_t)w, adapter_pair(adapter, 0, which), which == LINEAR_EMBEDDING);
    }
    return w;
}

static struct float_layer fill_layer(struct arena *a, const struct layer *from, const struct adapter *adapter, int32_t index)
{
    struct float_layer to = {
        .attention_norm = norm_weights(a, &from->attention_norm),
        .ffn_norm = norm_weights(a, &from->ffn_norm),
        .post_attention_norm = norm_weights(a, &from->post_attention_norm),
        .post_ffn_norm = norm_weights(a, &from->post_ffn_norm),
        .q_norm = norm_weights(a, &from->q_norm),
        .k_norm = norm_weights(a, &from->k_norm),
    };
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        to.linear[which] = dequantise(a, &from->linear[which]);
        if (adapter && to.linear[which] && adapter_pair(adapter, index, which)->rank > 0) {
            merge_lora((float *)(uintptr_t)to.linear[which], adapter_pair(adapter, index, which), false);
        }
        if ((int)which < BIASES) {
            to.bias[which] = scaled(a, from->bias[which].m, from->bias[which].n, from->bias[which].exponent);
        }
    }
    return to;
}

static void fill(struct arena *a, const struct model *model, const struct adapter *adapter, bool untied, struct float_model *out)
{
    const struct shape *s = &model->shape;
    struct float_layer *layers = take(a, (size_t)s->n_layers * sizeof *layers);
    *out = (struct float_model){
        .shape = *s,
        .layers = layers,
        .rope_frequency = frequencies(a, model->rope_increment, shape_rotary_dim(s) / 2),
        .rope_frequency_local = frequencies(a, model->rope_increment_local, shape_rotary_dim(s) / 2),
        .embedding_scale = model->embedding_scale_q16 ? ldexp(model->embedding_scale_q16, -16) : 1.0,
        .residual_epsilon = ldexp((double)model->final_norm.epsilon_q40, -40) / s->d_model,
        .memory = a->memory,
    };
    out->embedding = fill_end(a, &model->embedding, adapter, LINEAR_EMBEDDING);
    out->head = s->tied_head && !untied ? out->embedding : fill_end(a, &model->head, adapter, LINEAR_HEAD);
    out->final_norm = norm_weights(a, &model->final_norm);
    for (int32_t l = 0; l < s->n_layers; l++) {
        const struct float_layer layer = fill_layer(a, &model->layers[l], adapter, l);
        if (layers) {
            layers[l] = layer;
        }
    }
}

static bool from_image(const struct model *model, const struct adapter *adapter, bool untied, struct float_model *out)
{
    struct arena arena = {NULL, 0};
    fill(&arena, model, adapter, untied, out); /* how much */
    arena = (struct arena){malloc(arena.used), 0};
    if (!arena.memory) {
        *out = (struct float_model){0};
        return false;
    }
    fill(&arena, model, adapter, untied, out);
    return true;
}

bool float_model_from_image(const struct model *model, const struct adapter *adapter, struct float_model *out)
{
    return from_image(model, adapter, adapter && adapter_changes_ends(adapter), out);
}

bool float_model_untied(const struct model *model, struct float_model *out)
{
    return from_image(model, NULL, true, out);
}

void float_model_free(struct float_model *m)
{
    free(m->memory);
    *m = (struct float_model){0};
}

/* -- evaluation -- */

struct ref_float {
    const struct float_model *model;
    int32_t context_tokens;
    float *k, *v; /* [n_layers][context_tokens][n_kv_heads * head_dim] */
    float *residual, *x, *q, *gate, *up, *out;
    double *score;
    void *memory;
};

static void take_all(struct ref_float *r, struct arena *a)
{
    const struct shape *s = &r->model->shape;
    const size_t heads = (size_t)s->n_heads * (size_t)s->head_dim, d = (size_t)s->d_model, ff = (size_t)s->d_ff;
    const size_t kv = (size_t)s->n_layers * (size_t)r->context_tokens * (size_t)s->n_kv_heads * (size_t)s->head_dim;
    const size_t widest = heads > d ? heads : d;
    r->k = take(a, kv * sizeof(float));
    r->v = take(a, kv * sizeof(float));
    r->residual = take(a, d * sizeof(float));
    r->x = take(a, widest * sizeof(float));
    r->q = take(a, heads * sizeof(float));
    r->gate = take(a, ff * sizeof(float));
    r->up = take(a, ff * sizeof(float));
    r->out = take(a, d * sizeof(float));
    r->score = take(a, (size_t)r->context_tokens * sizeof(double));
}

struct ref_float *ref_float_new(const struct float_model *model, int32_t context_tokens)
{
    struct ref_float *r = calloc(1, sizeof *r);
    if (!r) {
        return NULL;
    }
    *r = (struct ref_float){.model = model, .context_tokens = context_tokens};
    struct arena arena = {NULL, 0};
    take_all(r, &arena);
    r->memory = calloc(arena.used, 1);
    if (!r->memory) {
        free(r);
        return NULL;
    }
    arena = (struct arena){r->memory, 0};
    take_all(r, &arena);
    return r;
}

void ref_float_free(struct ref_float *ref)
{
    if (ref) {
        free(ref->memory);
        free(ref);
    }
}

enum { DOT_LANES = 16 }; /* sums of their own, for wide registers */

static double dot(const float *a, const float *b, int32_t n)
{
    double lane[DOT_LANES] = {0}, sum = 0;
    int32_t i = 0;
    for (; i + DOT_LANES <= n; i += DOT_LANES) {
        for (int32_t j = 0; j < DOT_LANES; j++) {
            lane[j] += (double)a[i + j] * (double)b[i + j];
        }
    }
    for (; i < n; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    for (int32_t j = 0; j < DOT_LANES; j++) {
        sum += lane[j];
    }
    return sum;
}

struct product { /* y = w x, shared by rows */
    const float *w, *x;
    int32_t n_in;
    float *y;
};

static void multiply_rows(void *user, int32_t first, int32_t n)
{
    const struct product *p = user;
    for (int32_t o = first; o < first + n; o++) {
        p->y[o] = (float)dot(p->w + (int64_t)o * p->n_in, p->x, p->n_in);
    }
}

static void multiply(const float *w, int32_t n_out, int32_t n_in, const float *x, float *y)
{
    struct product p = {w, x, n_in, y};
    const int32_t grain = 1 + (1 << 18) / n_in; /* rows that are worth another thread's while */
    threads_share(n_out, grain, multiply_rows, &p);
}

static void rms_norm(const float *x, const float *g, int32_t n, double epsilon, float *y)
{
    const double scale = 1.0 / sqrt(dot(x, x, n) / n + epsilon);
    for (int32_t i = 0; i < n; i++) {
        y[i] = (float)(x[i] * scale * g[i]);
    }
}

static void rotate(const struct float_model *m, int32_t layer, float *x, int32_t n_heads, int32_t position)
{
    const int32_t head_dim = m->shape.head_dim;
    const bool local = m->rope_frequency_local && shape_is_local(&m->shape, layer);
    const double *frequency = local ? m->rope_frequency_local : m->rope_frequency;
    const double gain = m->shape.rope_gain != 0 ? (double)m->shape.rope_gain : 1.0;
    for (int32_t i = 0; i < shape_rotary_dim(&m->shape) / 2; i++) {
        const double c = gain * cos(position * frequency[i]), s = gain * sin(position * frequency[i]);
        for (int32_t h = 0; h < n_heads; h++) {
            float *pair = x + (int64_t)h * head_dim + 2 * (int64_t)i;
            const double a = pair[0], b = pair[1];
            pair[0] = (float)(a * c - b * s);
            pair[1] = (float)(a * s + b * c);
        }
    }
}

/* Softmax in place; scores become probabilities. */
static void softmax(double *p, int32_t n)
{
    double max = p[0], sum = 0;
    for (int32_t i = 1; i < n; i++) {
        max = fmax(max, p[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        p[i] = exp(p[i] - max);
        sum += p[i];
    }
    for (int32_t i = 0; i < n; i++) {
        p[i] /= sum;
    }
}

/* One head over n_tokens rows of `row` elements; out [head_dim]. */
static void attend(struct ref_float *r, const float *q, const float *k, const float *v, int32_t n_tokens, int64_t row, float *out)
{
    const int32_t head_dim = r->model->shape.head_dim;
    for (int32_t t = 0; t < n_tokens; t++) {
        r->score[t] = dot(q, k + t * row, head_dim) / sqrt(head_dim);
    }
    softmax(r->score, n_tokens);
    for (int32_t d = 0; d < head_dim; d++) {
        double sum = 0;
        for (int32_t t = 0; t < n_tokens; t++) {
            sum += r->score[t] * v[t * row + d];
        }
        out[d] = (float)sum;
    }
}

/* y = W x, plus the bias where there is one. */
static void multiply_add(const struct float_model *m, int32_t layer, enum linear which, const float *x, float *y)
{
    const struct float_layer *w = &m->layers[layer];
    const int32_t n_out = shape_n_out(&m->shape, which);
    multiply(w->linear[which], n_out, shape_n_in(&m->shape, which), x, y);
    for (int32_t i = 0; w->bias[which] && i < n_out; i++) {
        y[i] += w->bias[which][i];
    }
}

static void norm_heads(const struct shape *s, const float *g, int32_t n_heads, float *x)
{
    for (int32_t h = 0; g && h < n_heads; h++) {
        float *head = x + (int64_t)h * s->head_dim;
        rms_norm(head, g, s->head_dim, (double)s->rms_epsilon, head);
    }
}

/* What a block made onto the residual stream, normed first where the model does so. */
static void add(struct ref_float *r, const float *post_norm, float *x)
{
    const struct shape *s = &r->model->shape;
    if (post_norm) {
        rms_norm(x, post_norm, s->d_model, (double)s->rms_epsilon, x);
    }
    for (int32_t i = 0; i < s->d_model; i++) {
        r->residual[i] += x[i];
    }
}

static void attention_block(struct ref_float *r, int32_t layer, int32_t position)
{
    const struct float_model *m = r->model;
    const struct shape *s = &m->shape;
    const struct float_layer *w = &m->layers[layer];
    const int64_t row = (int64_t)s->n_kv_heads * s->head_dim;
    const int32_t sharing = s->n_heads / s->n_kv_heads; /* query heads to a KV head */
    const int32_t n_visible = shape_visible_tokens(s, layer, position + 1);
    ES_ASSERT(sharing > 0);
    float *k = r->k + (int64_t)layer * r->context_tokens * row, *v = r->v + (int64_t)layer * r->context_tokens * row;
    rms_norm(r->residual, w->attention_norm, s->d_model, m->residual_epsilon, r->x);
    multiply_add(m, layer, LINEAR_Q, r->x, r->q);
    multiply_add(m, layer, LINEAR_K, r->x, k + position * row);
    multiply_add(m, layer, LINEAR_V, r->x, v + position * row);
    norm_heads(s, w->q_norm, s->n_heads, r->q);
    norm_heads(s, w->k_norm, s->n_kv_heads, k + position * row);
    rotate(m, layer, r->q, s->n_heads, position);
    rotate(m, layer, k + position * row, s->n_kv_heads, position);
    const int64_t first = (position + 1 - n_visible) * row;
    for (int32_t h = 0; h < s->n_heads; h++) {
        const int64_t kv_head = (int64_t)(h / sharing) * s->head_dim + first, at = (int64_t)h * s->head_dim;
        attend(r, r->q + at, k + kv_head, v + kv_head, n_visible, row, r->x + at);
    }
    multiply(w->linear[LINEAR_O], s->d_model, s->n_heads * s->head_dim, r->x, r->out);
    add(r, w->post_attention_norm, r->out);
}

static double activation(enum activation which, double x)
{
    return which == ACTIVATION_GELU ? 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) : x / (1 + exp(-x));
}

static void ffn_block(struct ref_float *r, int32_t layer)
{
    const struct shape *s = &r->model->shape;
    const struct float_layer *w = &r->model->layers[layer];
    rms_norm(r->residual, w->ffn_norm, s->d_model, r->model->residual_epsilon, r->x);
    multiply(w->linear[LINEAR_GATE], s->d_ff, s->d_model, r->x, r->gate);
    multiply(w->linear[LINEAR_UP], s->d_ff, s->d_model, r->x, r->up);
    for (int32_t i = 0; i < s->d_ff; i++) {
        r->gate[i] = (float)(activation(s->activation, r->gate[i]) * r->up[i]);
    }
    multiply(w->linear[LINEAR_DOWN], s->d_model, s->d_ff, r->gate, r->out);
    add(r, w->post_ffn_norm, r->out);
}

void ref_float_forward(struct ref_float *ref, int32_t token, int32_t position, float *logits)
{
    const struct float_model *m = ref->model;
    const struct shape *s = &m->shape;
    ES_ASSERT(position >= 0 && position < ref->context_tokens && token >= 0 && token < s->n_vocab);
    for (int32_t i = 0; i < s->d_model; i++) {
        ref->residual[i] = (float)(m->embedding_scale * m->embedding[(int64_t)token * s->d_model + i]);
    }
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        attention_block(ref, layer, position);
        ffn_block(ref, layer);
    }
    if (logits) {
        rms_norm(ref->residual, m->final_norm, s->d_model, m->residual_epsilon, ref->x);
        multiply(m->head, s->n_vocab, s->d_model, ref->x, logits);
    }
}

/* -- comparing -- */

static double log_sum_exp(const float *l, int32_t n)
{
    double max = l[0], sum = 0;
    for (int32_t i = 1; i < n; i++) {
        max = fmax(max, l[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        sum += exp(l[i] - max);
    }
    return max + log(sum);
}

double float_kl(const float *p_logits, const float *q_logits, int32_t n)
{
    const double p_sum = log_sum_exp(p_logits, n), q_sum = log_sum_exp(q_logits, n);
    double kl = 0;
    for (int32_t i = 0; i < n; i++) {
        const double log_p = p_logits[i] - p_sum, log_q = q_logits[i] - q_sum;
        kl += exp(log_p) * (log_p - log_q);
    }
    return kl;
}

double float_surprise(const float *logits, int32_t n, int32_t token)
{
    return log_sum_exp(logits, n) - logits[token];
}

static int32_t first_choice(const float *logits, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

void output_distance_add(struct output_distance *sum, const float *p_logits, const float *q_logits, int32_t n)
{
    const double kl = float_kl(p_logits, q_logits, n);
    sum->n_positions++;
    sum->mean_kl += (kl - sum->mean_kl) / sum->n_positions;
    sum->largest_kl = fmax(sum->largest_kl, kl);
    sum->n_same_first += first_choice(p_logits, n) == first_choice(q_logits, n);
}

void acc_to_float(const struct acc *v, float *out)
{
    for (int32_t i = 0; i < v->n; i++) {
        out[i] = (float)ldexp((double)v->m[i], v->exponent);
    }
}
