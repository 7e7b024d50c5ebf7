/* Adapters from GGUF files: is the same adapter the same from either kind of file, in the model's output too, and is every file that would
 * not be told and refused? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "adapters/lora_file.h"
#include "kernels/ref_float.h"
#include "sim/gguf_float.h"
#include "tests/unit/adapter_files.h"
#include "tests/unit/check.h"

static struct adapter_spec make_spec(int32_t rank, unsigned linears)
{
    return (struct adapter_spec){.shape = TEST_SHAPE, .rank = rank, .alpha = 12, .linears = linears, .seed = 3};
}

static bool pack_peft(const struct adapter_spec *spec, enum ggml_type type, struct adapter *a)
{
    struct bytes config = adapter_config(spec), tensors = adapter_safetensors(spec, type);
    struct lora_file f;
    struct error e;
    bool good =
        CHECK_GOOD(lora_file_open_peft_memory((const char *)config.data, config.size, tensors.data, tensors.size, &spec->shape, &f, &e),
                   &e) &&
        CHECK_GOOD(adapter_pack_file(&f, a, &e), &e);
    lora_file_close(&f);
    bytes_free(&config);
    bytes_free(&tensors);
    return good;
}

static bool pack_gguf(const struct adapter_spec *spec, enum ggml_type type, struct adapter *a)
{
    struct bytes bytes = adapter_gguf(spec, type);
    struct lora_file f;
    struct error e;
    bool good = CHECK_GOOD(lora_file_open_gguf_memory(bytes.data, bytes.size, &spec->shape, &f, &e), &e) &&
                CHECK_GOOD(adapter_pack_file(&f, a, &e), &e);
    lora_file_close(&f);
    bytes_free(&bytes);
    return good;
}

static void check_same_pair(const struct lora_pair *x, const struct lora_pair *y)
{
    ES_ASSERT(x && y);
    REQUIRE(x->rank == y->rank && x->n_in == y->n_in && x->n_out == y->n_out);
    CHECK_EQ_INT(x->exponent_a, y->exponent_a);
    CHECK_EQ_INT(x->exponent_b, y->exponent_b);
    CHECK_EQ_BYTES(x->a, y->a, (size_t)x->rank * (size_t)x->n_in);
    CHECK_EQ_BYTES(x->b, y->b, (size_t)x->rank * (size_t)x->n_out);
    CHECK_EQ_BYTES(x->scale_a, y->scale_a, 2 * (size_t)x->rank);
    CHECK_EQ_BYTES(x->scale_b, y->scale_b, 2 * (size_t)x->n_out);
}

static void both_files_give_the_same_bits(void)
{
    static const enum ggml_type PEFT_TYPES[] = {GGML_F32, GGML_F16, GGML_BF16}, GGUF_TYPES[] = {GGML_F32, GGML_F16, GGML_BF16, GGML_Q8_0};
    struct adapter_spec spec = make_spec(4, ALL_LINEARS | EMBEDDING_BIT | HEAD_BIT);
    struct adapter first = {0}, other = {0};
    REQUIRE(pack_peft(&spec, GGML_F32, &first));
    for (int k = 0; k < 3 + 4; k++) {
        REQUIRE(k < 3 ? pack_peft(&spec, PEFT_TYPES[k], &other) : pack_gguf(&spec, GGUF_TYPES[k - 3], &other));
        CHECK_EQ_UINT(other.hash, first.hash);
        CHECK_EQ_INT(other.packed_bits, first.packed_bits);
        for (int32_t i = 0; i < pair_count(2); i++) {
            check_same_pair(&other.pairs[i], &first.pairs[i]);
        }
        adapter_free(&other);
    }
    adapter_free(&first);
    spec = make_spec(32, 1u << LINEAR_Q | 1u << LINEAR_DOWN | EMBEDDING_BIT); /* with Q8_0 rows in B, and in the embedding's A */
    REQUIRE(pack_peft(&spec, GGML_F16, &first) && pack_gguf(&spec, GGML_Q8_0, &other));
    CHECK_EQ_UINT(other.hash, first.hash);
    CHECK_EQ_INT(adapter_pair(&other, 1, LINEAR_K)->rank, 0);
    adapter_free(&first);
    adapter_free(&other);
}

/* --- the output, computed once as llama.cpp's files are used and once as Hugging Face computes --- */

enum { TOKENS = 6, WIDEST = 128 };

/* A Llama in Hugging Face's order of rows, unmerged: y = W x + alpha / r B (A x). Plain loops, double sums. */
struct hf_model {
    const struct float_model *base; /* in GGUF order */
    const struct adapter_spec *spec;
    double k[2][TOKENS][WIDEST], v[2][TOKENS][WIDEST]; /* of the two layers */
};

/* GGUF's row of Hugging Face's row of a head: half t, pair i stands at 2 i + t. */
static int32_t row_in_gguf(int32_t row, int32_t dim)
{
    return row / dim * dim + row % dim % (dim / 2) * 2 + row % dim / (dim / 2);
}

static void hf_linear(const struct hf_model *m, int32_t layer, enum linear which, const double *x, double *y)
{
    const struct shape *s = &m->base->shape;
    int32_t n_in = shape_n_in(s, which), n_out = shape_n_out(s, which), rank = m->spec->rank;
    float *a = adapter_values(m->spec, layer, which, false), *b = adapter_values(m->spec, layer, which, true);
    double h[WIDEST] = {0};
    for (int32_t j = 0; j < rank; j++) {
        for (int32_t i = 0; i < n_in; i++) {
            h[j] += (double)a[j * n_in + i] * x[i];
        }
    }
    for (int32_t o = 0; o < n_out; o++) {
        int64_t from = which == LINEAR_Q || which == LINEAR_K ? row_in_gguf(o, s->head_dim) : o;
        const float *w = (which == LINEAR_HEAD ? m->base->head : m->base->layers[layer].linear[which]) + from * n_in;
        double delta = 0;
        y[o] = 0;
        for (int32_t i = 0; i < n_in; i++) {
            y[o] += (double)w[i] * x[i];
        }
        for (int32_t j = 0; j < rank && (m->spec->linears >> which & 1); j++) {
            delta += (double)b[o * rank + j] * h[j];
        }
        y[o] += m->spec->alpha / rank * delta;
    }
    free(a);
    free(b);
}

static void hf_norm(const float *weights, const double *x, int32_t n, double epsilon, double *y)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * x[i];
    }
    for (int32_t i = 0; i < n; i++) {
        y[i] = x[i] / sqrt(sum / n + epsilon) * (double)weights[i];
    }
}

/* x cos + rotate_half(x) sin */
static void hf_rotate(double *x, int32_t heads, int32_t dim, int32_t position)
{
    for (int32_t h = 0; h < heads; h++) {
        for (int32_t i = 0; i < dim / 2; i++) {
            double angle = position * pow(10000, -2.0 * i / dim);
            double low = x[h * dim + i], high = x[h * dim + i + dim / 2];
            x[h * dim + i] = low * cos(angle) - high * sin(angle);
            x[h * dim + i + dim / 2] = high * cos(angle) + low * sin(angle);
        }
    }
}

static void hf_attention(struct hf_model *m, int32_t layer, int32_t position, const double *q, double *out)
{
    const struct shape *s = &m->base->shape;
    int32_t dim = s->head_dim;
    for (int32_t h = 0; h < s->n_heads; h++) {
        int32_t kv = h / (s->n_heads / s->n_kv_heads) * dim;
        double p[TOKENS], sum = 0;
        for (int32_t t = 0; t <= position; t++) {
            double dot = 0;
            for (int32_t d = 0; d < dim; d++) {
                dot += q[h * dim + d] * m->k[layer][t][kv + d];
            }
            p[t] = exp(dot / sqrt(dim));
            sum += p[t];
        }
        for (int32_t d = 0; d < dim; d++) {
            out[h * dim + d] = 0;
            for (int32_t t = 0; t <= position; t++) {
                out[h * dim + d] += p[t] / sum * m->v[layer][t][kv + d];
            }
        }
    }
}

static void hf_layer(struct hf_model *m, int32_t layer, int32_t position, double *residual)
{
    const struct shape *s = &m->base->shape;
    const struct float_layer *w = &m->base->layers[layer];
    double x[WIDEST] = {0}, q[WIDEST] = {0}, y[WIDEST] = {0}, up[WIDEST] = {0};
    hf_norm(w->attention_norm, residual, s->d_model, (double)s->rms_epsilon, x);
    hf_linear(m, layer, LINEAR_Q, x, q);
    hf_linear(m, layer, LINEAR_K, x, m->k[layer][position]);
    hf_linear(m, layer, LINEAR_V, x, m->v[layer][position]);
    hf_rotate(q, s->n_heads, s->head_dim, position);
    hf_rotate(m->k[layer][position], s->n_kv_heads, s->head_dim, position);
    hf_attention(m, layer, position, q, x);
    hf_linear(m, layer, LINEAR_O, x, y);
    for (int32_t i = 0; i < s->d_model; i++) {
        residual[i] += y[i];
    }
    hf_norm(w->ffn_norm, residual, s->d_model, (double)s->rms_epsilon, x);
    hf_linear(m, layer, LINEAR_GATE, x, y);
    hf_linear(m, layer, LINEAR_UP, x, up);
    for (int32_t i = 0; i < s->d_ff; i++) {
        x[i] = y[i] / (1 + exp(-y[i])) * up[i];
    }
    hf_linear(m, layer, LINEAR_DOWN, x, y);
    for (int32_t i = 0; i < s->d_model; i++) {
        residual[i] += y[i];
    }
}

/* E[token] + alpha / r F.embedding(token, A^T) B^T */
static void hf_embed(const struct hf_model *m, int32_t token, double *residual)
{
    const struct shape *s = &m->base->shape;
    const int32_t rank = m->spec->rank;
    float *a = adapter_values(m->spec, 0, LINEAR_EMBEDDING, false), *b = adapter_values(m->spec, 0, LINEAR_EMBEDDING, true);
    for (int32_t i = 0; i < s->d_model; i++) {
        residual[i] = (double)m->base->embedding[token * s->d_model + i];
        for (int32_t j = 0; j < rank && (m->spec->linears & EMBEDDING_BIT); j++) {
            residual[i] += m->spec->alpha / rank * (double)b[i * rank + j] * (double)a[j * s->n_vocab + token];
        }
    }
    free(a);
    free(b);
}

static void hf_forward(struct hf_model *m, int32_t token, int32_t position, double *logits)
{
    const struct shape *s = &m->base->shape;
    double residual[WIDEST] = {0}, x[WIDEST] = {0};
    hf_embed(m, token, residual);
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        hf_layer(m, layer, position, residual);
    }
    hf_norm(m->base->final_norm, residual, s->d_model, (double)s->rms_epsilon, x);
    hf_linear(m, 0, LINEAR_HEAD, x, logits);
}

/* The GGUF model's weights with the adapter merged in, as loaded. */
static void merge(const struct lora_tensors *t, struct float_model *model)
{
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        const struct lora_linear *l = &t->linears[i];
        const enum linear which = lora_tensors_which(t, i);
        float *w = (float *)(uintptr_t)(which == LINEAR_EMBEDDING ? model->embedding
                                        : which == LINEAR_HEAD    ? model->head
                                                                  : model->layers[i / LINEAR_COUNT].linear[which]);
        const int32_t row = which == LINEAR_EMBEDDING ? 1 : l->n_in, column = which == LINEAR_EMBEDDING ? l->n_out : 1;
        for (int32_t k = 0; l->rank && k < l->n_out * l->n_in; k++) {
            double sum = 0;
            for (int32_t j = 0; j < l->rank; j++) {
                sum += (double)l->b[k / l->n_in * l->rank + j] * (double)l->a[j * l->n_in + k % l->n_in];
            }
            w[k / l->n_in * row + k % l->n_in * column] += (float)(sum * l->alpha / l->rank);
        }
    }
}

static void check_logits(const struct gguf *g, const struct adapter_spec *spec, const struct lora_tensors *t)
{
    static struct hf_model hf; /* large */
    static float head[70 * 64];
    struct float_model base, merged;
    struct error e;
    REQUIRE_GOOD(gguf_float_model(g, &base, &e), &e);
    REQUIRE_GOOD(gguf_float_model(g, &merged, &e), &e);
    if (merged.head == merged.embedding) { /* tied weights, but a pair of one end does not change the other */
        memcpy(head, merged.head, sizeof head);
        merged.head = head;
    }
    merge(t, &merged);
    hf = (struct hf_model){.base = &base, .spec = spec};
    struct ref_float *ref = ref_float_new(&merged, TOKENS), *bare = ref_float_new(&base, TOKENS);
    double largest = 0, adapted = 0;
    for (int32_t position = 0; position < TOKENS; position++) {
        double expected[WIDEST] = {0};
        float logits[WIDEST], without[WIDEST];
        int32_t token = (7 + 11 * position) % spec->shape.n_vocab;
        hf_forward(&hf, token, position, expected);
        ref_float_forward(ref, token, position, logits);
        ref_float_forward(bare, token, position, without);
        for (int32_t i = 0; i < spec->shape.n_vocab; i++) {
            largest = fmax(largest, fabs(expected[i] - (double)logits[i]));
            adapted = fmax(adapted, fabs(expected[i] - (double)without[i]));
        }
    }
    CHECK_NEAR(largest, 0, 1e-4);
    CHECK(adapted > 0.1); /* the adapter matters */
    ref_float_free(ref);
    ref_float_free(bare);
    float_model_free(&base);
    float_model_free(&merged);
}

static void check_both_files(unsigned linears)
{
    struct adapter_spec spec = make_spec(4, linears);
    spec.alpha = 0.0625; /* B A of such values is large */
    struct test_llama model = {.shape = TEST_SHAPE, .seed = 5};
    struct gguf_writer w = {0};
    gguf_write_llama(&w, &model);
    struct bytes base = gguf_written(&w), adapter = adapter_gguf(&spec, GGML_F32);
    struct gguf g;
    struct lora_file f;
    struct lora_tensors t;
    struct error e;
    REQUIRE_GOOD(gguf_open_memory("base.gguf", base.data, base.size, &g, &e), &e);
    REQUIRE_GOOD(lora_file_open_gguf_memory(adapter.data, adapter.size, &spec.shape, &f, &e), &e);
    REQUIRE_GOOD(lora_file_read_all(&f, &t, &e), &e);
    check_logits(&g, &spec, &t);
    lora_tensors_free(&t);
    lora_file_close(&f);
    REQUIRE_GOOD(lora_tensors_load(adapter_folder_written(&spec, GGML_F32, "logits"), &spec.shape, &t, &e), &e);
    check_logits(&g, &spec, &t);
    lora_tensors_free(&t);
    gguf_close(&g);
    bytes_free(&base);
    bytes_free(&adapter);
}

static void both_files_give_hugging_face_logits(void)
{
    static const unsigned LINEARS[] = {ALL_LINEARS, EMBEDDING_BIT, HEAD_BIT, EMBEDDING_BIT | HEAD_BIT,
                                       ALL_LINEARS | EMBEDDING_BIT | HEAD_BIT};
    for (size_t k = 0; k < sizeof LINEARS / sizeof *LINEARS; k++) {
        check_both_files(LINEARS[k]);
    }
}

/* --- alpha --- */

static void alpha_is_for_each_rank(void)
{
    struct adapter_spec spec = make_spec(8, 1u << LINEAR_V);
    struct gguf_writer w = {0};
    struct lora_file f;
    struct error e;
    adapter_gguf_keys(&spec, &w);
    adapter_gguf_tensors(&spec, GGML_F32, &w);
    spec = make_spec(2, 1u << LINEAR_O);
    adapter_gguf_tensors(&spec, GGML_F32, &w);
    struct bytes file = gguf_written(&w);
    REQUIRE_GOOD(lora_file_open_gguf_memory(file.data, file.size, &spec.shape, &f, &e), &e);
    CHECK_NEAR(lora_scale(lora_tensors_linear(&f.tensors, 0, LINEAR_V)), 12.0 / 8, 0);
    CHECK_NEAR(lora_scale(lora_tensors_linear(&f.tensors, 1, LINEAR_O)), 12.0 / 2, 0);
    CHECK_NEAR(lora_scale(lora_tensors_linear(&f.tensors, 1, LINEAR_Q)), 0, 0);
    lora_file_close(&f);
    bytes_free(&file);
}

/* alpha 0: B A as it is. */
static void alpha_0_is_a_scale_of_1(void)
{
    struct adapter_spec spec = make_spec(8, 1u << LINEAR_V);
    spec.alpha = 0;
    struct bytes file = adapter_gguf(&spec, GGML_F32);
    struct lora_file f;
    struct error e;
    REQUIRE_GOOD(lora_file_open_gguf_memory(file.data, file.size, &spec.shape, &f, &e), &e);
    CHECK_NEAR(lora_scale(lora_tensors_linear(&f.tensors, 0, LINEAR_V)), 1, 0);
    lora_file_close(&f);
    bytes_free(&file);
}

/* --- files that are refused --- */

static void check_refused(struct gguf_writer *w, const char *expected)
{
    struct bytes file = gguf_written(w);
    struct lora_file f;
    struct error e = {0};
    bool opened = lora_file_open_gguf_memory(file.data, file.size, &TEST_SHAPE, &f, &e);
    if (opened) { /* values are looked at when they are read */
        struct lora_tensors t;
        opened = lora_file_read_all(&f, &t, &e);
        lora_file_close(&f);
    }
    CHECK_EQ_TEXT(opened ? expected : "", "");
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, "adapter.gguf: ");
    CHECK_CONTAINS(e.message, expected);
    bytes_free(&file);
}

static void refused_keys_are_told(void)
{
    static const char *const GOOD[3][2] = {{"general.architecture", "llama"}, {"general.type", "adapter"}, {"adapter.type", "lora"}};
    static const struct {
        int key;
        const char *value, *expected; /* value NULL: no such key */
    } WRONG[] = {
        {0, "qwen2", "key general.architecture at byte 24: expected \"llama\" (the base model's architecture), found \"qwen2\""},
        {0, NULL, "key general.architecture: expected a string, found no such key"},
        {1, "model", "expected \"adapter\" (a model is no adapter), found \"model\""},
        {1, NULL, "key general.type: expected a string, found no such key"},
        {2, "control_vector", "expected \"lora\" (low-rank pairs are all that a slot holds), found \"control_vector\""},
        {2, NULL, "key adapter.type: expected a string, found no such key"},
    };
    struct adapter_spec spec = make_spec(4, 1u << LINEAR_Q);
    for (size_t k = 0; k < sizeof WRONG / sizeof *WRONG; k++) {
        struct gguf_writer w = {0};
        for (int key = 0; key < 3; key++) {
            const char *value = key == WRONG[k].key ? WRONG[k].value : GOOD[key][1];
            if (value) {
                gguf_write_string(&w, GOOD[key][0], value);
            }
        }
        gguf_write_f32(&w, "adapter.lora.alpha", 8);
        adapter_gguf_tensors(&spec, GGML_F32, &w);
        check_refused(&w, WRONG[k].expected);
    }
}

static void refused_alphas_are_told(void)
{
    static const struct {
        float alpha;
        const char *expected;
    } WRONG[] = {
        {NAN, "key adapter.lora.alpha at byte 144: expected a finite number"},
        {INFINITY, "expected a finite number"},
        {-1, "key adapter.lora.alpha at byte 144: expected a number of 0 to 1e8, found -1"},
        {2e8f, "expected a number of 0 to 1e8, found 2e+08"},
    };
    struct adapter_spec spec = make_spec(4, 1u << LINEAR_Q);
    for (size_t k = 0; k < sizeof WRONG / sizeof *WRONG; k++) {
        struct gguf_writer w = {0};
        spec.alpha = (double)WRONG[k].alpha;
        adapter_gguf_keys(&spec, &w);
        adapter_gguf_tensors(&spec, GGML_F32, &w);
        check_refused(&w, WRONG[k].expected);
    }
    struct gguf_writer w = {0};
    gguf_write_string(&w, "general.architecture", "llama");
    gguf_write_string(&w, "general.type", "adapter");
    gguf_write_string(&w, "adapter.type", "lora");
    adapter_gguf_tensors(&spec, GGML_F32, &w);
    check_refused(&w, "key adapter.lora.alpha: expected a number, found no such key");
    spec.alpha = 8;
    w = (struct gguf_writer){0};
    adapter_gguf_keys(&spec, &w);
    gguf_write_array(&w, "adapter.alora.invocation_tokens", GGUF_U32, (uint32_t[]){1, 2}, 2, 4);
    adapter_gguf_tensors(&spec, GGML_F32, &w);
    check_refused(&w, "key adapter.alora.invocation_tokens at byte 178: expected no such key (an activated LoRA is off");
}

/* One tensor beside a good adapter's (of V). */
static void check_tensor_refused(const char *name, enum ggml_type type, const int64_t *dims, uint32_t n_dims, const char *expected)
{
    static const float zeros[129 * 129];
    struct adapter_spec spec = make_spec(4, 1u << LINEAR_V);
    struct gguf_writer w = {0};
    adapter_gguf_keys(&spec, &w);
    adapter_gguf_tensors(&spec, GGML_F32, &w);
    size_t bytes = type == GGML_Q4_0 ? 18 : 4;
    for (uint32_t d = 0; d < n_dims; d++) {
        bytes *= (size_t)(type == GGML_Q4_0 && d == 0 ? dims[d] / 32 : dims[d]);
    }
    ES_ASSERT(bytes <= sizeof zeros);
    gguf_write_tensor(&w, name, type, dims, n_dims, zeros, bytes);
    check_refused(&w, expected);
}

static void refused_tensors_are_told(void)
{
    static const int64_t A[] = {64, 4}, B[] = {4, 64};
    static const struct {
        const char *name, *expected;
    } NAMES[] = {
        {"token_embd.weight.lora_a", "tensor token_embd.weight.lora_a at byte 3584: expected lora_b beside it, found no such tensor"},
        {"output.weight.lora_b", "tensor output.weight.lora_b at byte 3584: expected lora_a beside it, found no such tensor"},
        {"token_embd.weight", "found another name (base weights are in ROM)"},
        {"output.weight", "found another name (base weights are in ROM)"},
        {"token_embd.weight.lora_c", "found another name"},
        {"xoutput.weight.lora_a", "found another name"},
        {"output_norm.weight", "found another name (norm weights are in ROM)"},
        {"blk.0.attn_norm.weight", "found another name (norm weights are in ROM)"},
        {"blk.0.attn_q.bias", "found another name (a bias has no place in an adapter slot)"},
        {"blk.0.attn_q.weight",
         "expected (blk.N.(attn_[qkv]|attn_output|ffn_gate|ffn_up|ffn_down)|token_embd|output).weight.lora_(a|b), found another name"},
        {"blk.0.attn_q.weight.lora_c", "found another name"},
        {"blk.0.attn_output.weight.lora_x", "found another name"},
        {"blk.00.attn_q.weight.lora_a", "found another name"},
        {"blk..attn_q.weight.lora_a", "found another name"},
        {"blk.0.ffn_gate_exps.weight.lora_a", "found another name"},
        {"blk.2.attn_q.weight.lora_a", "tensor blk.2.attn_q.weight.lora_a at byte"},
        {"blk.2.attn_q.weight.lora_a", "expected layers below 2, the base model's, found a layer beyond them"},
        {"blk.0.attn_q.weight.lora_a", "tensor blk.0.attn_q.weight.lora_a at byte 3584: expected lora_b beside it, found no such tensor"},
    };
    for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++) {
        check_tensor_refused(NAMES[k].name, GGML_F32, A, 2, NAMES[k].expected);
    }
    check_tensor_refused("blk.1.attn_q.weight.lora_b", GGML_F32, B, 2, "expected lora_a beside it, found no such tensor");
    check_tensor_refused("blk.1.attn_q.weight.lora_b", GGML_Q4_0, (int64_t[]){32, 4}, 2, "expected F32, F16, BF16 or Q8_0, found Q4_0");
}

/* A pair whose two tensors have these dimensions. */
static void check_pair_of_refused(const char *matrix, const int64_t *a, uint32_t n_a, const int64_t *b, uint32_t n_b, const char *expected)
{
    static const float zeros[129 * 129];
    struct adapter_spec spec = make_spec(4, 0);
    struct gguf_writer w = {0};
    size_t size_a = 4, size_b = 4;
    char name_a[64], name_b[64];
    snprintf(name_a, sizeof name_a, "%s.weight.lora_a", matrix);
    snprintf(name_b, sizeof name_b, "%s.weight.lora_b", matrix);
    adapter_gguf_keys(&spec, &w);
    for (uint32_t d = 0; d < n_a; d++) {
        size_a *= (size_t)a[d];
    }
    for (uint32_t d = 0; d < n_b; d++) {
        size_b *= (size_t)b[d];
    }
    gguf_write_tensor(&w, name_a, GGML_F32, a, n_a, zeros, size_a);
    gguf_write_tensor(&w, name_b, GGML_F32, b, n_b, zeros, size_b);
    check_refused(&w, expected);
}

static void check_pair_refused(const int64_t *a, uint32_t n_a, const int64_t *b, uint32_t n_b, const char *expected)
{
    check_pair_of_refused("blk.0.attn_q", a, n_a, b, n_b, expected);
}

static void refused_shapes_are_told(void)
{
    check_pair_refused((int64_t[]){63, 4}, 2, (int64_t[]){4, 64}, 2,
                       "lora_a at byte 320: expected shape [4, 64] for this base model and rank, found [4, 63]");
    check_pair_refused((int64_t[]){64, 5}, 2, (int64_t[]){4, 64}, 2, "expected shape [4, 64] for this base model and rank, found [5, 64]");
    check_pair_refused((int64_t[]){64, 4}, 2, (int64_t[]){4, 65}, 2, "expected shape [64, 4] for this base model and rank, found [65, 4]");
    check_pair_refused((int64_t[]){64, 129}, 2, (int64_t[]){129, 64}, 2, "expected a rank of 1 to 128, found 129");
    check_pair_refused((int64_t[]){64}, 1, (int64_t[]){4, 64}, 2, "for this base model and rank, found not two dimensions");
    check_pair_refused((int64_t[]){64, 4}, 2, (int64_t[]){64}, 1, "expected a rank of 1 to 128, found not two dimensions");
    check_pair_refused((int64_t[]){64, 2, 2}, 3, (int64_t[]){4, 64}, 2, "for this base model and rank, found not two dimensions");
    const int64_t vocab = TEST_SHAPE.n_vocab;
    char embedding[96], head[96];
    snprintf(embedding, sizeof embedding,
             "token_embd.weight.lora_a at byte 320: expected shape [%d, 4] for this base model and rank, found [4, %d]", (int)vocab,
             (int)vocab);
    snprintf(head, sizeof head, "expected shape [%d, 4] for this base model and rank, found [64, 4]", (int)vocab);
    check_pair_of_refused("token_embd", (int64_t[]){vocab, 4}, 2, (int64_t[]){4, 64}, 2, embedding); /* not transposed */
    check_pair_of_refused("token_embd", (int64_t[]){4, vocab}, 2, (int64_t[]){4, 65}, 2,
                          "expected shape [64, 4] for this base model and rank");
    check_pair_of_refused("output", (int64_t[]){64, 4}, 2, (int64_t[]){4, 64}, 2, head);
    struct adapter_spec spec = make_spec(4, 0);
    struct gguf_writer w = {0};
    adapter_gguf_keys(&spec, &w);
    check_refused(&w, "expected a pair for at least one linear, found none");
}

static void refused_values_are_told(void)
{
    static const struct {
        float value;
        const char *expected;
    } WRONG[] = {
        {NAN, "expected finite weights, found"},
        {-INFINITY, "expected finite weights, found -inf in row 63, input 3"},
        {0x1p35f,
         "blk.0.attn_q.weight.lora_b at byte 1344: expected values (B's times alpha / r) of magnitude up to 2^36, found a larger one"},
    };
    for (size_t k = 0; k < sizeof WRONG / sizeof *WRONG; k++) {
        struct adapter_spec spec = make_spec(4, 0);
        struct gguf_writer w = {0};
        float values[64 * 4] = {0};
        adapter_gguf_keys(&spec, &w);
        gguf_write_tensor(&w, "blk.0.attn_q.weight.lora_a", GGML_F32, (int64_t[]){64, 4}, 2, values, sizeof values);
        values[255] = WRONG[k].value;
        gguf_write_tensor(&w, "blk.0.attn_q.weight.lora_b", GGML_F32, (int64_t[]){4, 64}, 2, values, sizeof values);
        check_refused(&w, WRONG[k].expected);
    }
}

static void refuses_every_truncation(void)
{
    struct adapter_spec spec = make_spec(1, 1u << LINEAR_V);
    struct bytes file = adapter_gguf(&spec, GGML_F16);
    for (size_t n = 0; n + 32 < file.size; n++) { /* the last tensor's padding may be missing */
        uint8_t *copy = malloc(n + 1);
        struct lora_file f;
        struct error e = {0};
        memcpy(copy, file.data, n);
        CHECK(!lora_file_open_gguf_memory(copy, n, &spec.shape, &f, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK(f.pairs == NULL && f.gguf.keys == NULL);
        free(copy);
    }
    bytes_free(&file);
}

/* --- by path --- */

static void paths_give_names(void)
{
    struct adapter_spec spec = make_spec(4, 1u << LINEAR_V);
    struct bytes file = adapter_gguf(&spec, GGML_F16);
    struct adapter a;
    struct error e = {0};
    const char *path = bytes_to_file(&file, "ward-7.gguf");
    REQUIRE_GOOD(adapter_load(path, &spec.shape, &a, &e), &e);
    CHECK_EQ_TEXT(a.name, "ward-7");
    adapter_free(&a);
    path = bytes_to_file(&file, "no-extension");
    REQUIRE_GOOD(adapter_load(path, &spec.shape, &a, &e), &e);
    CHECK_EQ_TEXT(a.name, "no-extension");
    adapter_free(&a);
    path = bytes_to_file(&file, "adapter_model.safetensors");
    CHECK(!adapter_load(path, &spec.shape, &a, &e));
    CHECK_CONTAINS(e.message, "adapter_model.safetensors: expected the folder it is in, with its adapter_config.json");
    CHECK(!adapter_load("nowhere.gguf", &spec.shape, &a, &e));
    CHECK_CONTAINS(e.message,
                   "nowhere.gguf: expected a folder with adapter_config.json and adapter_model.safetensors, or a GGUF file, found none");
    bytes_free(&file);
}

/* --- a real one --- */

static void a_real_adapter_is_the_same_in_both(void)
{
    struct shape smollm = {.n_layers = 30, .d_model = 576, .n_heads = 9, .n_kv_heads = 3, .head_dim = 64, .d_ff = 1536, .n_vocab = 49152};
    const char *gguf_path = shared_data("lora/medai-smollm135m-r16.gguf"), *folder = shared_data("lora/medai-smollm135m");
    if (!gguf_path || !folder) {
        SKIP("the shared test data are not here");
    }
    struct adapter peft, gguf;
    struct error e;
    REQUIRE_GOOD(adapter_load(folder, &smollm, &peft, &e), &e);
    REQUIRE_GOOD(adapter_load(gguf_path, &smollm, &gguf, &e), &e);
    CHECK_EQ_UINT(gguf.hash, peft.hash);
    CHECK_EQ_TEXT(gguf.name, "medai-smollm135m-r16");
    CHECK_EQ_INT(peft.rank_max, 16);
    CHECK_EQ_INT(peft.packed_bits, 30 * (6 * 16 * (576 + 576 + 576 + 192) + 16 * (16 + 576 + 16 + 192)));
    adapter_free(&peft);
    adapter_free(&gguf);
    struct shape other = smollm;
    other.n_layers = 29;
    CHECK(!adapter_load(folder, &other, &peft, &e));
    CHECK_CONTAINS(e.message, "expected layers below 29, the base model's");
    CHECK(!adapter_load(gguf_path, &other, &gguf, &e));
    CHECK_CONTAINS(e.message, "expected layers below 29, the base model's");
    other = smollm;
    other.n_kv_heads = 9;
    CHECK(!adapter_load(gguf_path, &other, &gguf, &e));
    CHECK_CONTAINS(e.message, "expected shape [576, 16] for this base model and rank, found [192, 16]");
}

void suite_adapter_gguf(void)
{
    suite_begin("adapter_gguf");
    suite_add("PEFT and GGUF, in all types, give the same packed bits", both_files_give_the_same_bits);
    suite_add("PEFT and GGUF give the logits of Hugging Face's order", both_files_give_hugging_face_logits);
    suite_add("alpha is divided by each pair's rank", alpha_is_for_each_rank);
    suite_add("alpha 0 is a scale of 1", alpha_0_is_a_scale_of_1);
    suite_add("refused keys are told", refused_keys_are_told);
    suite_add("refused alphas are told", refused_alphas_are_told);
    suite_add("refused tensors are told", refused_tensors_are_told);
    suite_add("refused shapes are told", refused_shapes_are_told);
    suite_add("refused values are told", refused_values_are_told);
    suite_add("every truncation is refused", refuses_every_truncation);
    suite_add("paths give names", paths_give_names);
    suite_add("a real adapter is the same in both files", a_real_adapter_is_the_same_in_both);
}
