#include "sim/gguf_llama.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/shape_limits.h"

const char *const LINEAR_NAMES[LINEAR_COUNT] = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};

static bool get_count(const struct gguf *g, const char *key, bool required, int32_t high, int32_t *value, struct error *e)
{
    int64_t v = *value;
    if (!gguf_get_integer(g, key, required, 1, high, &v, e)) {
        return false;
    }
    *value = (int32_t)v;
    return true;
}

static bool expect_string(const struct gguf *g, const char *key, bool required, const char *expected, const char *why, struct error *e)
{
    char value[64];
    snprintf(value, sizeof value, "%s", expected);
    if (!gguf_get_string(g, key, required, value, sizeof value, e)) {
        return false;
    }
    return strcmp(value, expected) == 0 || error_input(e, "%s: key %s at byte %" PRIu64 ": expected \"%s\" (%s), found \"%s\"", g->path,
                                                       key, gguf_find_key(g, key)->at_byte, expected, why, value);
}

/* An integer key that, where present, may only have one value. */
static bool expect_integer(const struct gguf *g, const char *key, int64_t expected, const char *why, struct error *e)
{
    int64_t v = expected;
    if (!gguf_get_integer(g, key, false, INT64_MIN, INT64_MAX, &v, e)) {
        return false;
    }
    return v == expected || error_input(e, "%s: key %s at byte %" PRIu64 ": expected %" PRId64 " (%s), found %" PRId64, g->path, key,
                                        gguf_find_key(g, key)->at_byte, expected, why, v);
}

static bool read_head_shape(const struct gguf *g, struct shape *s, struct error *e)
{
    if (!get_count(g, "llama.attention.head_count", true, SHAPE_HEADS_MAX, &s->n_heads, e)) {
        return false;
    }
    s->n_kv_heads = s->n_heads;
    if (!get_count(g, "llama.attention.head_count_kv", false, SHAPE_HEADS_MAX, &s->n_kv_heads, e)) {
        return false;
    }
    if (s->n_heads % s->n_kv_heads != 0) {
        return error_input(e, "%s: key llama.attention.head_count_kv: expected a divisor of the %d heads, found %d", g->path, s->n_heads,
                           s->n_kv_heads);
    }
    if (!gguf_find_key(g, "llama.attention.key_length") && s->d_model % s->n_heads != 0) {
        return error_input(e, "%s: key llama.attention.head_count: expected a divisor of the embedding length %d, found %d", g->path,
                           s->d_model, s->n_heads);
    }
    s->head_dim = s->d_model / s->n_heads;
    if (!get_count(g, "llama.attention.key_length", false, SHAPE_HEAD_DIM_MAX, &s->head_dim, e)) {
        return false;
    }
    if (s->head_dim % 2 != 0 || s->head_dim < 2 || s->head_dim > SHAPE_HEAD_DIM_MAX) {
        return error_input(e, "%s: expected an even head dimension of 2 to %d, found %d (embedding length %d, %d heads)", g->path,
                           SHAPE_HEAD_DIM_MAX, s->head_dim, s->d_model, s->n_heads);
    }
    if (s->n_heads * s->head_dim > SHAPE_WIDTH_MAX) {
        return error_input(e, "%s: expected heads of %d values together at most, found %d heads of %d", g->path, SHAPE_WIDTH_MAX,
                           s->n_heads, s->head_dim);
    }
    return expect_integer(g, "llama.attention.value_length", s->head_dim, "keys and values of one length", e) &&
           expect_integer(g, "llama.rope.dimension_count", s->head_dim, "all of a head is rotated", e);
}

static bool read_shape(const struct gguf *g, struct shape *s, struct error *e)
{
    *s = (struct shape){.rope_base = 10000.0f};
    if (!expect_string(g, "general.architecture", true, "llama", "the only architecture this chip has", e) ||
        !expect_string(g, "general.type", false, "model", "an adapter is no model", e) ||
        !get_count(g, "llama.block_count", true, SHAPE_LAYERS_MAX, &s->n_layers, e) ||
        !get_count(g, "llama.embedding_length", true, SHAPE_WIDTH_MAX, &s->d_model, e) ||
        !get_count(g, "llama.feed_forward_length", true, SHAPE_WIDTH_MAX, &s->d_ff, e) ||
        !get_count(g, "llama.context_length", true, SHAPE_CONTEXT_MAX, &s->context_tokens, e) ||
        !gguf_get_float(g, "llama.attention.layer_norm_rms_epsilon", true, &s->rms_epsilon, e) ||
        !gguf_get_float(g, "llama.rope.freq_base", false, &s->rope_base, e) || !read_head_shape(g, s, e)) {
        return false;
    }
    if (s->rms_epsilon < 0.0f || s->rms_epsilon > 1.0f) {
        return error_input(e, "%s: key llama.attention.layer_norm_rms_epsilon: expected 0 to 1, found %g", g->path, (double)s->rms_epsilon);
    }
    if (s->rope_base < 1.0f) {
        return error_input(e, "%s: key llama.rope.freq_base: expected at least 1, found %g", g->path, (double)s->rope_base);
    }
    return expect_integer(g, "llama.expert_count", 0, "mixtures of experts have no chip", e) &&
           expect_string(g, "llama.rope.scaling.type", false, "none", "Llama 3 scaling comes as the tensor rope_freqs.weight", e);
}

/* The tensor of that name and shape [n_out, n_in], n_out 0 for a vector; counted in *n_found. Absent: NULL, an error if required. */
static bool find(const struct gguf *g, const char *name, int32_t n_out, int32_t n_in, bool required, const struct gguf_tensor **out,
                 uint64_t *n_found, struct error *e)
{
    const struct gguf_tensor *t = *out = gguf_find_tensor(g, name);
    if (!t) {
        return !required ||
               error_input(e, "%s: tensor %s: expected with shape [%d, %d], found no such tensor", g->path, name, n_out ? n_out : 1, n_in);
    }
    ++*n_found;
    if (t->dims[0] != n_in || t->n_rows != (n_out ? n_out : 1) || t->n_dims > 2) {
        return error_input(e, "%s: tensor %s at byte %" PRIu64 ": expected shape [%d, %d], found [%" PRId64 ", %" PRId64 "]%s", g->path,
                           name, gguf_tensor_at(g, t), n_out ? n_out : 1, n_in, t->n_rows, t->dims[0],
                           t->n_dims > 2 ? " of more dimensions" : "");
    }
    return true;
}

static bool find_layer(const struct gguf *g, const struct shape *s, int32_t layer, struct llama_layer_tensors *l, uint64_t *n_found,
                       struct error *e)
{
    char name[GGUF_TENSOR_NAME_MAX + 1];
    snprintf(name, sizeof name, "blk.%d.attn_norm.weight", layer);
    if (!find(g, name, 0, s->d_model, true, &l->attention_norm, n_found, e)) {
        return false;
    }
    snprintf(name, sizeof name, "blk.%d.ffn_norm.weight", layer);
    if (!find(g, name, 0, s->d_model, true, &l->ffn_norm, n_found, e)) {
        return false;
    }
    for (int which = 0; which < LINEAR_COUNT; which++) {
        snprintf(name, sizeof name, "blk.%d.%s.weight", layer, LINEAR_NAMES[which]);
        if (!find(g, name, shape_n_out(s, which), shape_n_in(s, which), true, &l->linear[which], n_found, e)) {
            return false;
        }
    }
    return true;
}

/* Rows of the embedding are the vocabulary's size. */
static bool find_embedding(const struct gguf *g, struct gguf_llama *m, uint64_t *n_found, struct error *e)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, "token_embd.weight");
    struct shape *s = &m->shape;
    s->n_vocab = t && t->n_rows <= SHAPE_VOCAB_MAX ? (int32_t)t->n_rows : 0;
    if (t && s->n_vocab == 0) {
        return error_input(e, "%s: tensor token_embd.weight at byte %" PRIu64 ": expected at most %d tokens, found %" PRId64, g->path,
                           gguf_tensor_at(g, t), SHAPE_VOCAB_MAX, t->n_rows);
    }
    if (!t) {
        return error_input(e, "%s: tensor token_embd.weight: expected in a model, found no such tensor%s", g->path,
                           g->n_tensors == 0 ? " (a file with a vocabulary only?)" : "");
    }
    return find(g, "token_embd.weight", s->n_vocab, s->d_model, true, &m->embedding, n_found, e) &&
           expect_integer(g, "llama.vocab_size", s->n_vocab, "the rows of token_embd.weight", e);
}

/* A tensor that nothing uses would change the model by its absence. */
static bool fail_unknown(const struct gguf *g, const struct gguf_llama *m, struct error *e)
{
    for (uint64_t i = 0; i < g->n_tensors; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        bool known = t == m->embedding || t == m->head || t == m->final_norm || t == m->rope_factors;
        for (int32_t l = 0; l < m->shape.n_layers && !known; l++) {
            known = t == m->layers[l].attention_norm || t == m->layers[l].ffn_norm;
            for (int which = 0; which < LINEAR_COUNT && !known; which++) {
                known = t == m->layers[l].linear[which];
            }
        }
        if (!known) {
            char name[PRINTABLE_ROOM];
            return error_input(e,
                               "%s: tensor %s at byte %" PRIu64 ": expected a tensor of a Llama of %d layers, found one that this program "
                               "does not know",
                               g->path, printable(t->name, name), gguf_tensor_at(g, t), m->shape.n_layers);
        }
    }
    return error_input(e, "%s: expected each tensor once", g->path);
}

static bool find_all(const struct gguf *g, struct gguf_llama *m, struct error *e)
{
    uint64_t n_found = 0;
    const struct shape *s = &m->shape;
    if (!find_embedding(g, m, &n_found, e) || !find(g, "output_norm.weight", 0, s->d_model, true, &m->final_norm, &n_found, e) ||
        !find(g, "output.weight", s->n_vocab, s->d_model, false, &m->head, &n_found, e) ||
        !find(g, "rope_freqs.weight", 0, s->head_dim / 2, false, &m->rope_factors, &n_found, e)) {
        return false;
    }
    m->shape.tied_head = m->head == NULL;
    m->layers = error_calloc(e, (size_t)s->n_layers, sizeof *m->layers, "the layers' tensors");
    if (!m->layers) {
        return false;
    }
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        if (!find_layer(g, s, layer, &m->layers[layer], &n_found, e)) {
            return false;
        }
    }
    return n_found == g->n_tensors || fail_unknown(g, m, e);
}

bool gguf_llama(const struct gguf *g, struct gguf_llama *m, struct error *e)
{
    *m = (struct gguf_llama){0};
    if (!read_shape(g, &m->shape, e) || !find_all(g, m, e)) {
        gguf_llama_free(m);
        return false;
    }
    return true;
}

void gguf_llama_free(struct gguf_llama *m)
{
    free(m->layers);
    *m = (struct gguf_llama){0};
}
