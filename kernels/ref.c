#include "kernels/ref.h"

#include <stdlib.h>

#include "adapters/adapter.h"
#include "kernels/attention.h"
#include "kernels/bias.h"
#include "kernels/embed.h"
#include "kernels/gemv.h"
#include "kernels/lora.h"
#include "kernels/requant.h"
#include "kernels/residual.h"
#include "kernels/rmsnorm.h"
#include "kernels/rope.h"
#include "kernels/silu.h"
#include "sim/error.h"

struct ref {
    const struct model *model;
    int32_t context_tokens;
    struct kv *kv; /* [n_layers] */
    struct residual residual;
    struct act8 x, aligned;       /* input of the next linear, as wide as the widest; what LoRA takes of it */
    int8_t *q;                    /* [n_heads * head_dim] */
    int16_t *q_exponent;          /* [n_heads] */
    struct acc acc[LINEAR_COUNT]; /* one a linear, so that Q, K, V and gate, up stand side by side */
    struct act8 h;                /* LoRA, [rank] */
    struct acc delta;
    int64_t *scratch;
    void **blocks; /* everything above, to be freed */
    int32_t n_blocks;
};

/* -- memory -- */

static void *keep(struct ref *ref, size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    ref->blocks[ref->n_blocks++] = memory; /* a NULL is found by allocated() */
    return memory;
}

static bool allocated(const struct ref *ref)
{
    for (int32_t i = 0; i < ref->n_blocks; i++) {
        if (!ref->blocks[i]) {
            return false;
        }
    }
    return true;
}

static void new_kv(struct ref *ref, struct kv *kv)
{
    const struct shape *s = &ref->model->shape;
    const size_t heads = (size_t)ref->context_tokens * (size_t)s->n_kv_heads;
    kv->k = keep(ref, heads, (size_t)s->head_dim);
    kv->v = keep(ref, heads, (size_t)s->head_dim);
    kv->k_exponent = keep(ref, heads, sizeof *kv->k_exponent);
    kv->v_exponent = keep(ref, heads, sizeof *kv->v_exponent);
    kv->capacity_tokens = ref->context_tokens;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void new_vectors(struct ref *ref)
{
    const struct shape *s = &ref->model->shape;
    const size_t heads = (size_t)s->n_heads * (size_t)s->head_dim;
    const size_t widest = larger(larger((size_t)s->d_model, (size_t)s->d_ff), heads);
    ref->residual = (struct residual){keep(ref, (size_t)s->d_model, sizeof(int32_t)), s->d_model};
    ref->x.m = keep(ref, (size_t)padded((int32_t)widest), 1);
    ref->x.shift = keep(ref, (size_t)act_groups((int32_t)widest), 1);
    ref->aligned.m = keep(ref, (size_t)padded((int32_t)widest), 1);
    ref->q = keep(ref, heads, 1);
    ref->q_exponent = keep(ref, (size_t)s->n_heads, sizeof(int16_t));
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        const int32_t n = shape_n_out(s, which);
        ref->acc[which] = (struct acc){keep(ref, (size_t)n, sizeof(int64_t)), n, 0};
    }
    ref->h.m = keep(ref, LORA_RANK_MAX, 1);
    ref->delta.m = keep(ref, larger(widest, (size_t)s->n_vocab), sizeof(int64_t));
    ref->scratch = keep(ref, larger(widest, k_attention_scratch(s, ref->context_tokens)), sizeof(int64_t));
}

struct ref *ref_new(const struct model *model, int32_t context_tokens)
{
    enum { KV_BLOCKS = 4, OTHER_BLOCKS = 16 + LINEAR_COUNT };
    struct ref *ref = calloc(1, sizeof *ref);
    if (!ref) {
        return NULL;
    }
    ref->model = model;
    ref->context_tokens = context_tokens;
    ref->blocks = calloc((size_t)model->shape.n_layers * KV_BLOCKS + OTHER_BLOCKS, sizeof *ref->blocks);
    if (ref->blocks) {
        ref->kv = keep(ref, (size_t)model->shape.n_layers, sizeof *ref->kv);
    }
    if (!ref->kv) {
        ref_free(ref);
        return NULL;
    }
    for (int32_t l = 0; l < model->shape.n_layers; l++) {
        new_kv(ref, &ref->kv[l]);
    }
    new_vectors(ref);
    if (!allocated(ref)) {
        ref_free(ref);
        return NULL;
    }
    return ref;
}

void ref_free(struct ref *ref)
{
    if (!ref) {
        return;
    }
    for (int32_t i = 0; i < ref->n_blocks; i++) {
        free(ref->blocks[i]);
    }
    free(ref->blocks);
    free(ref);
}

/* -- the model -- */

/* acc = W x, plus B (A x). */
static void multiply(struct ref *ref, const struct matrix *w, const struct lora_pair *pair, struct acc *acc)
{
    k_gemv(w, &ref->x, acc);
    if (pair && pair->rank > 0) {
        ref->delta.n = acc->n;
        ref->delta.exponent = acc->exponent;
        k_align8(&ref->x, &ref->aligned);
        k_lora_a(pair, &ref->aligned, &ref->h);
        k_lora_b(pair, &ref->h, acc->exponent, ref->delta.m);
        k_lora_add(acc, &ref->delta);
    }
}

static void linear(struct ref *ref, const struct adapter *adapter, int32_t layer, enum linear which)
{
    struct acc *acc = &ref->acc[which];
    multiply(ref, &ref->model->layers[layer].linear[which], adapter ? adapter_pair(adapter, layer, which) : NULL, acc);
    if ((int)which < BIASES) {
        k_bias_add(&ref->model->layers[layer].bias[which], acc);
    }
}

/* What a block adds to the residual stream, normed first where the model does so. */
static void add_to_residual(struct ref *ref, const struct norm *post_norm, struct acc *acc)
{
    if (post_norm->m) {
        acc->exponent = k_rmsnorm_wide(post_norm, acc->m, acc->exponent, acc->m);
    }
    k_residual_add(&ref->residual, acc);
}

static void attention_block(struct ref *ref, const struct adapter *adapter, int32_t layer, int32_t position)
{
    const struct model *m = ref->model;
    const struct shape *s = &m->shape;
    const struct layer *w = &m->layers[layer];
    const struct rope_turns turns = model_rope_turns(m, layer);
    const struct kv *kv = &ref->kv[layer];
    const int64_t row = (int64_t)position * s->n_kv_heads;
    const int32_t n_visible = shape_visible_tokens(s, layer, position + 1);
    k_rmsnorm(&w->attention_norm, &ref->residual, &ref->x, ref->scratch);
    linear(ref, adapter, layer, LINEAR_Q);
    linear(ref, adapter, layer, LINEAR_K);
    linear(ref, adapter, layer, LINEAR_V);
    const struct rope_balance q_balance = layer_balance(w, s, LINEAR_Q), k_balance = layer_balance(w, s, LINEAR_K);
    k_rope(&turns, (uint32_t)position, &w->q_norm, &q_balance, &ref->acc[LINEAR_Q], s->n_heads, s->head_dim, ref->q, ref->q_exponent,
           ref->scratch);
    k_rope(&turns, (uint32_t)position, &w->k_norm, &k_balance, &ref->acc[LINEAR_K], s->n_kv_heads, s->head_dim, kv->k + row * s->head_dim,
           kv->k_exponent + row, ref->scratch);
    k_kv_value(&ref->acc[LINEAR_V], s->n_kv_heads, s->head_dim, kv->v + row * s->head_dim, kv->v_exponent + row);
    const struct kv visible = kv_from(s, kv, position + 1 - n_visible);
    k_attention(s, m->softmax_scale_q15, ref->q, ref->q_exponent, &visible, n_visible, &ref->x, ref->scratch);
    linear(ref, adapter, layer, LINEAR_O);
    add_to_residual(ref, &w->post_attention_norm, &ref->acc[LINEAR_O]);
}

static void ffn_block(struct ref *ref, const struct adapter *adapter, int32_t layer)
{
    const struct layer *w = &ref->model->layers[layer];
    k_rmsnorm(&w->ffn_norm, &ref->residual, &ref->x, ref->scratch);
    linear(ref, adapter, layer, LINEAR_GATE);
    linear(ref, adapter, layer, LINEAR_UP);
    k_gate_mul(ref->model->shape.activation, &ref->acc[LINEAR_GATE], &ref->acc[LINEAR_UP], &ref->x, ref->scratch);
    linear(ref, adapter, layer, LINEAR_DOWN);
    add_to_residual(ref, &w->post_ffn_norm, &ref->acc[LINEAR_DOWN]);
}

static void embed(struct ref *ref, const struct adapter *adapter, int32_t token)
{
    const struct model *m = ref->model;
    k_embed(&m->embedding, m->embedding_scale_q16, token, &ref->residual);
    const struct lora_pair *pair = adapter ? adapter_pair(adapter, 0, LINEAR_EMBEDDING) : NULL;
    if (pair && pair->rank > 0) {
        ref->delta.n = ref->residual.n;
        ref->delta.exponent = RESIDUAL_EXPONENT;
        k_lora_a_token(pair, token, &ref->h);
        k_lora_b(pair, &ref->h, RESIDUAL_EXPONENT, ref->delta.m);
        k_embed_add(m->embedding_scale_q16, &ref->delta, &ref->residual);
    }
}

void ref_forward(struct ref *ref, const struct adapter *adapter, int32_t token, int32_t position, struct acc *logits)
{
    const struct model *m = ref->model;
    ES_ASSERT(position >= 0 && position < ref->context_tokens && token >= 0 && token < m->shape.n_vocab);
    embed(ref, adapter, token);
    for (int32_t layer = 0; layer < m->shape.n_layers; layer++) {
        attention_block(ref, adapter, layer, position);
        ffn_block(ref, adapter, layer);
    }
    if (logits) {
        k_rmsnorm(&m->final_norm, &ref->residual, &ref->x, ref->scratch);
        logits->n = m->shape.n_vocab;
        multiply(ref, &m->head, adapter ? adapter_pair(adapter, 0, LINEAR_HEAD) : NULL, logits);
    }
}

struct kv *ref_kv(struct ref *ref, int32_t layer)
{
    ES_ASSERT(layer >= 0 && layer < ref->model->shape.n_layers);
    return &ref->kv[layer];
}
