#include "sim/gguf_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/architecture.h"
#include "sim/shape_limits.h"

const char *const LINEAR_NAMES[LINEAR_ENDS] = {"attn_q", "attn_k",   "attn_v",     "attn_output", "ffn_gate",
                                               "ffn_up", "ffn_down", "token_embd", "output"};

const char *gguf_matrix_name(enum architecture architecture, enum linear first)
{
    return fused_linears(architecture, first) == 1 ? LINEAR_NAMES[first] : first == LINEAR_Q ? "attn_qkv" : "ffn_up";
}

struct finder {
    const struct gguf *g;
    struct gguf_model *m;
    bool *used; /* [g->n_tensors] */
    struct error *e;
};

int32_t gguf_part_at(const struct gguf_part *part, int32_t i)
{
    return part->first + (part->rotary_dim ? halves_row(i, part->head_dim, part->rotary_dim) : i);
}

/* The tensor of that name and shape [n_out, n_in], n_out 0 for a vector. Absent: NULL, an error if required. */
static bool find(const struct finder *f, const char *name, int32_t n_out, int32_t n_in, bool required, const struct gguf_tensor **out)
{
    const struct gguf_tensor *t = *out = gguf_find_tensor(f->g, name);
    if (!t) {
        return !required || error_input(f->e, "%s: tensor %s: expected with shape [%d, %d], found no such tensor", f->g->path, name,
                                        n_out ? n_out : 1, n_in);
    }
    f->used[t - f->g->tensors] = true;
    if (t->dims[0] != n_in || t->n_rows != (n_out ? n_out : 1) || t->n_dims > 2) {
        return error_input(f->e, "%s: tensor %s at byte %" PRIu64 ": expected shape [%d, %d], found [%" PRId64 ", %" PRId64 "]%s",
                           f->g->path, name, gguf_tensor_at(f->g, t), n_out ? n_out : 1, n_in, t->n_rows, t->dims[0],
                           t->n_dims > 2 ? " of more dimensions" : "");
    }
    return true;
}

/* A whole matrix, or (n_out 0) a vector. */
static bool find_whole(const struct finder *f, const char *name, int32_t n_out, int32_t n_in, bool required, struct gguf_part *part)
{
    *part = (struct gguf_part){.n = n_out ? n_out : n_in};
    return find(f, name, n_out, n_in, required, &part->tensor);
}

static bool find_vector(const struct finder *f, int32_t layer, const char *what, int32_t n, struct gguf_part *part)
{
    char name[GGUF_TENSOR_NAME_MAX + 1];
    snprintf(name, sizeof name, "blk.%d.%s", layer, what);
    return find_whole(f, name, 0, n, true, part);
}

/* Q, K and what belongs to them come in another order where the file has rotated halves. */
static void set_order(const struct shape *s, struct gguf_part *part)
{
    if (architectures[s->architecture].halves) {
        part->head_dim = s->head_dim;
        part->rotary_dim = shape_rotary_dim(s);
    }
}

/* The matrix that begins with linear `first`, and the linears that are its parts. */
static bool find_linears(const struct finder *f, int32_t layer, enum linear first, struct gguf_part *linear)
{
    const struct shape *s = &f->m->shape;
    const int n = fused_linears(s->architecture, first);
    char name[GGUF_TENSOR_NAME_MAX + 1];
    int32_t n_out = 0;
    struct gguf_part whole;
    for (int i = 0; i < n; i++) {
        linear[(int)first + i] = (struct gguf_part){.first = n_out, .n = shape_n_out(s, (enum linear)((int)first + i))};
        n_out += linear[(int)first + i].n;
    }
    snprintf(name, sizeof name, "blk.%d.%s.weight", layer, gguf_matrix_name(s->architecture, first));
    if (!find_whole(f, name, n_out, shape_n_in(s, first), true, &whole)) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        linear[(int)first + i].tensor = whole.tensor;
    }
    return true;
}

static bool find_linears_between(const struct finder *f, int32_t layer, enum linear first, enum linear last, struct gguf_part *linear)
{
    bool good = true;
    for (int which = first; which <= (int)last && good; which += fused_linears(f->m->shape.architecture, (enum linear)which)) {
        good = find_linears(f, layer, (enum linear)which, linear);
    }
    return good;
}

static bool find_attention(const struct finder *f, int32_t layer, struct gguf_layer *l)
{
    const struct shape *s = &f->m->shape;
    if (!find_vector(f, layer, "attn_norm.weight", s->d_model, &l->attention_norm) ||
        !find_linears_between(f, layer, LINEAR_Q, LINEAR_O, l->linear) ||
        (s->qk_norm && (!find_vector(f, layer, "attn_q_norm.weight", s->head_dim, &l->q_norm) ||
                        !find_vector(f, layer, "attn_k_norm.weight", s->head_dim, &l->k_norm))) ||
        (s->post_norms && !find_vector(f, layer, "post_attention_norm.weight", s->d_model, &l->post_attention_norm))) {
        return false;
    }
    for (int i = 0; i < BIASES && s->qkv_bias; i++) {
        char what[32];
        snprintf(what, sizeof what, "%s.bias", LINEAR_NAMES[i]);
        if (!find_vector(f, layer, what, shape_n_out(s, (enum linear)i), &l->bias[i])) {
            return false;
        }
    }
    for (int which = LINEAR_Q; which <= LINEAR_K; which++) {
        set_order(s, &l->linear[which]);
        set_order(s, &l->bias[which]);
    }
    set_order(s, &l->q_norm);
    set_order(s, &l->k_norm);
    return true;
}

static bool find_ffn(const struct finder *f, int32_t layer, struct gguf_layer *l)
{
    const struct shape *s = &f->m->shape;
    return find_vector(f, layer, "ffn_norm.weight", s->d_model, &l->ffn_norm) &&
           find_linears_between(f, layer, LINEAR_GATE, LINEAR_DOWN, l->linear) &&
           (!s->post_norms || find_vector(f, layer, "post_ffw_norm.weight", s->d_model, &l->post_ffn_norm));
}

/* Rows of the embedding are the vocabulary's size. */
static bool find_embedding(const struct finder *f)
{
    const struct gguf *g = f->g;
    const struct gguf_tensor *t = gguf_find_tensor(g, "token_embd.weight");
    struct shape *s = &f->m->shape;
    s->n_vocab = t && t->n_rows <= SHAPE_VOCAB_MAX ? (int32_t)t->n_rows : 0;
    if (t && s->n_vocab == 0) {
        return error_input(f->e, "%s: tensor token_embd.weight at byte %" PRIu64 ": expected at most %d tokens, found %" PRId64, g->path,
                           gguf_tensor_at(g, t), SHAPE_VOCAB_MAX, t->n_rows);
    }
    if (!t) {
        return error_input(f->e, "%s: tensor token_embd.weight: expected in a model, found no such tensor%s", g->path,
                           g->n_tensors == 0 ? " (a file with a vocabulary only?)" : "");
    }
    return find_whole(f, "token_embd.weight", s->n_vocab, s->d_model, true, &f->m->embedding) &&
           gguf_shape_expect(g, s, "vocab_size", s->n_vocab, "the rows of token_embd.weight", f->e);
}

/* What frequencies are divided by: Llama 3's factors, or Phi 3's two sets. */
static bool find_rope_factors(const struct finder *f)
{
    struct gguf_model *m = f->m;
    const int32_t n = shape_rotary_dim(&m->shape) / 2;
    if (m->shape.architecture != ARCHITECTURE_PHI3) {
        return find(f, "rope_freqs.weight", 0, n, false, &m->rope_factors);
    }
    const bool both = gguf_find_tensor(f->g, "rope_factors_short.weight") || gguf_find_tensor(f->g, "rope_factors_long.weight");
    return find(f, "rope_factors_short.weight", 0, n, both, &m->rope_factors) &&
           find(f, "rope_factors_long.weight", 0, n, both, &m->rope_factors_long);
}

/* A tensor that nothing uses would change the model by its absence. */
static bool all_used(const struct finder *f)
{
    const struct shape *s = &f->m->shape;
    for (uint64_t i = 0; i < f->g->n_tensors; i++) {
        if (!f->used[i]) {
            char name[PRINTABLE_ROOM];
            return error_input(f->e,
                               "%s: tensor %s at byte %" PRIu64 ": expected a tensor of a %s model of %d layers, found one that this "
                               "program does not know",
                               f->g->path, printable(f->g->tensors[i].name, name), gguf_tensor_at(f->g, &f->g->tensors[i]),
                               architectures[s->architecture].name, s->n_layers);
        }
    }
    return true;
}

/* As the file stores them: MXFP4 if all linears are, else the chip's 3 bits. */
static enum weight_format linear_format(const struct gguf_model *m)
{
    for (int32_t layer = 0; layer < m->shape.n_layers; layer++) {
        for (enum linear which = 0; which < LINEAR_COUNT; which++) {
            if (m->layers[layer].linear[which].tensor->type != GGML_MXFP4) {
                return WEIGHT_W3;
            }
        }
    }
    return WEIGHT_W4;
}

static bool find_all(const struct finder *f)
{
    struct gguf_model *m = f->m;
    const struct shape *s = &m->shape;
    if (!find_embedding(f) || !find_whole(f, "output_norm.weight", 0, s->d_model, true, &m->final_norm) ||
        !find_whole(f, "output.weight", s->n_vocab, s->d_model, false, &m->head) || !find_rope_factors(f)) {
        return false;
    }
    m->shape.tied_head = m->head.tensor == NULL;
    m->layers = error_calloc(f->e, (size_t)s->n_layers, sizeof *m->layers, "the layers' tensors");
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        if (!m->layers || !find_attention(f, layer, &m->layers[layer]) || !find_ffn(f, layer, &m->layers[layer])) {
            return false;
        }
    }
    m->shape.linear_format = linear_format(m);
    return all_used(f);
}

bool gguf_model(const struct gguf *g, struct gguf_model *m, struct error *e)
{
    *m = (struct gguf_model){0};
    struct finder f = {.g = g, .m = m, .e = e};
    bool good = gguf_shape(g, &m->shape, &m->long_context_tokens, e);
    if (good) {
        f.used = error_calloc(e, (size_t)g->n_tensors + 1, sizeof *f.used, "the list of tensors");
        good = f.used && find_all(&f);
    }
    free(f.used);
    if (!good) {
        gguf_model_free(m);
    }
    return good;
}

void gguf_model_free(struct gguf_model *m)
{
    free(m->layers);
    *m = (struct gguf_model){0};
}

bool gguf_model_use_long_rope(const struct gguf *g, struct gguf_model *m, struct error *e)
{
    if (!m->rope_factors_long || !m->long_context_tokens) {
        return error_input(e, "%s: expected a model with RoPE factors for a long context (rope_factors_long.weight), found none", g->path);
    }
    m->rope_factors = m->rope_factors_long;
    m->shape.context_tokens = m->long_context_tokens;
    return true;
}

bool gguf_part_values(const struct gguf *g, const struct gguf_part *part, float *row, float *out, struct error *e)
{
    if (!gguf_row_finite(g, part->tensor, 0, row, e)) {
        return false;
    }
    for (int32_t i = 0; i < part->n; i++) {
        out[i] = row[gguf_part_at(part, i)];
    }
    return true;
}
