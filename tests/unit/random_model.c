#include "tests/unit/random_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemv.h"
#include "kernels/rmsnorm.h"
#include "kernels/rope.h"
#include "sim/error.h"

static const int8_t CODEBOOKS[3][8] = {
    {-31, -19, -11, -4, 4, 11, 19, 31},
    {-28, -20, -12, -4, 4, 12, 20, 28},
    {-31, -19, -9, 0, 6, 13, 21, 31},
};
/* Root mean square of a code's value, uniform codes, and of a scale in 16..63. */
static const double CODE_RMS = 18.5, SCALE_RMS = 42.0;

int32_t random_between(struct random *random, int32_t low, int32_t high)
{
    return low + (int32_t)(random_next(random) % (uint64_t)(high - low + 1));
}

double random_normal(struct random *random)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++) {
        sum += (double)(random_next(random) >> 11) * 0x1p-53;
    }
    return sum;
}

void random_acc(struct random *random, double deviation, struct acc *v)
{
    for (int32_t i = 0; i < v->n; i++) {
        v->m[i] = llrint(deviation * random_normal(random));
    }
}

void random_matrix(struct random *random, struct matrix *w, uint8_t *data)
{
    const size_t groups = (size_t)matrix_groups(w);
    uint8_t *codes = malloc((size_t)w->n_out * (size_t)w->n_in), *scales = malloc((size_t)w->n_out * groups);
    ES_ASSERT(codes && scales);
    memcpy(w->codebook, CODEBOOKS[random_between(random, 0, 2)], sizeof CODEBOOKS[0]);
    for (int64_t i = 0; i < (int64_t)w->n_out * w->n_in; i++) {
        codes[i] = (uint8_t)random_between(random, w->format == WEIGHT_W6, (1 << weight_bits(w->format)) - 1);
    }
    for (size_t i = 0; i < (size_t)w->n_out * groups; i++) {
        scales[i] = (uint8_t)random_between(random, 16, 63);
    }
    matrix_pack(w, codes, scales, data);
    w->data = data;
    free(codes);
    free(scales);
}

struct shape random_shape(uint64_t seed)
{
    struct random random;
    random_seed(&random, seed, 0x73686170);
    struct shape s = {.context_tokens = 64, .rms_epsilon = 1e-5f, .rope_base = 10000.0f};
    s.n_layers = random_between(&random, 1, 3);
    s.n_kv_heads = random_between(&random, 1, 3);
    s.n_heads = s.n_kv_heads * random_between(&random, 1, 4);
    s.head_dim = 2 * random_between(&random, 4, 16);
    s.d_model = 4 * random_between(&random, 12, 40);
    s.d_ff = random_between(&random, 60, 300);
    s.n_vocab = random_between(&random, 90, 400);
    s.tied_head = random_between(&random, 0, 1);
    return s;
}

struct shape random_shape_of(enum architecture architecture, uint64_t seed)
{
    struct random random;
    random_seed(&random, seed, 0x61726368);
    struct shape s = random_shape(seed);
    s.architecture = architecture;
    switch (architecture) {
    case ARCHITECTURE_QWEN2: s.qkv_bias = true; break;
    case ARCHITECTURE_QWEN3: s.qk_norm = true; break;
    case ARCHITECTURE_GEMMA3:
        s.qk_norm = s.post_norms = s.scaled_embedding = s.tied_head = true;
        s.activation = ACTIVATION_GELU;
        s.window_tokens = random_between(&random, 3, 20);
        s.global_period = random_between(&random, 2, 3);
        s.rope_base_local = 1000.0f;
        break;
    case ARCHITECTURE_PHI3:
        s.rotary_dim = 2 * random_between(&random, 2, s.head_dim / 2);
        s.rope_gain = 1.0f + 0.05f * (float)random_between(&random, 0, 5);
        break;
    default: break;
    }
    return s;
}

static void *keep(struct random_model *m, size_t bytes)
{
    m->blocks = realloc(m->blocks, (size_t)(m->n_blocks + 1) * sizeof *m->blocks);
    void *memory = calloc(bytes ? bytes : 1, 1);
    ES_ASSERT(m->blocks && memory);
    m->blocks[m->n_blocks++] = memory;
    return memory;
}

/* Exponent at which values of rms `mantissa_rms` have about the rms wanted. */
static int32_t exponent_for(double rms, double mantissa_rms)
{
    return (int32_t)lrint(log2(rms / mantissa_rms));
}

static void new_matrix(struct random_model *m, struct random *random, enum weight_format format, int32_t n_out, int32_t n_in, double rms,
                       struct matrix *w)
{
    *w = (struct matrix){.format = format, .n_out = n_out, .n_in = n_in, .exponent = exponent_for(rms, CODE_RMS * SCALE_RMS)};
    random_matrix(random, w, keep(m, (size_t)matrix_bytes(w)));
}

static void new_norm(struct random_model *m, struct random *random, int32_t n, struct norm *norm)
{
    int16_t *weights = keep(m, (size_t)n * sizeof *weights);
    for (int32_t i = 0; i < n; i++) {
        weights[i] = (int16_t)((1 << 14) + random_between(random, -4000, 4000));
    }
    k_norm_constants(n, (double)m->model.shape.rms_epsilon, norm);
    norm->m = weights;
    norm->exponent = -14;
}

static void new_rope(struct random_model *m, struct random *random, bool scaled)
{
    const struct shape *s = &m->model.shape;
    const int32_t rotary_dim = shape_rotary_dim(s);
    float *factors = keep(m, (size_t)s->head_dim / 2 * sizeof *factors);
    for (int32_t i = 0; i < s->head_dim / 2; i++) {
        factors[i] = 1.0f + (float)random_between(random, 0, 56) / 8.0f;
    }
    m->model.rope_increment = keep(m, (size_t)s->head_dim / 2 * sizeof *m->model.rope_increment);
    k_rope_increments(s->rope_base, rotary_dim, scaled ? factors : NULL, m->model.rope_increment);
    if (s->rope_base_local != 0) {
        m->model.rope_increment_local = keep(m, (size_t)s->head_dim / 2 * sizeof *m->model.rope_increment);
        k_rope_increments(s->rope_base_local, rotary_dim, NULL, m->model.rope_increment_local);
    }
    m->model.rope_gain_q14 = (int32_t)lrintf(s->rope_gain * 0x1p14f);
}

static void new_pair(struct random_model *m, struct random *random, int32_t rank, int32_t n_in, int32_t n_out, struct lora_pair *p)
{
    int8_t *a = keep(m, (size_t)rank * (size_t)n_in), *b = keep(m, (size_t)n_out * (size_t)rank);
    uint16_t *scale_a = keep(m, (size_t)rank * sizeof *scale_a), *scale_b = keep(m, (size_t)n_out * sizeof *scale_b);
    for (int64_t i = 0; i < (int64_t)rank * n_in; i++) {
        a[i] = (int8_t)random_between(random, -31, 31);
    }
    for (int64_t i = 0; i < (int64_t)rank * n_out; i++) {
        b[i] = (int8_t)random_between(random, -31, 31);
    }
    for (int32_t i = 0; i < rank; i++) {
        scale_a[i] = (uint16_t)random_between(random, 20000, 65535);
    }
    for (int32_t i = 0; i < n_out; i++) {
        scale_b[i] = (uint16_t)random_between(random, 20000, 65535);
    }
    *p = (struct lora_pair){.rank = rank, .n_in = n_in, .n_out = n_out, .a = a, .b = b, .scale_a = scale_a, .scale_b = scale_b};
    p->exponent_a = exponent_for(1.0 / sqrt(n_in), CODE_RMS * 44000);
    p->exponent_b = exponent_for(0.5 / sqrt(rank), CODE_RMS * 44000);
}

static void new_adapter(struct random_model *m, struct random *random, int32_t index, int32_t rank_max, struct adapter *adapter)
{
    const struct shape *s = &m->model.shape;
    snprintf(adapter->name, sizeof adapter->name, "random%d", index);
    adapter->hash = random_next(random);
    adapter->n_layers = s->n_layers;
    adapter->pairs = keep(m, (size_t)pair_count(s->n_layers) * sizeof *adapter->pairs);
    for (int32_t i = 0; i < s->n_layers * LINEAR_COUNT; i++) {
        const enum linear which = (enum linear)(i % LINEAR_COUNT);
        const int32_t rank = random_between(random, 0, 4) == 0 ? 0 : random_between(random, 1, rank_max);
        struct lora_pair *pair = &adapter->pairs[i];
        *pair = (struct lora_pair){.n_in = shape_n_in(s, which), .n_out = shape_n_out(s, which)};
        if (rank > 0) {
            new_pair(m, random, rank, pair->n_in, pair->n_out, pair);
        }
        adapter->rank_max = rank > adapter->rank_max ? rank : adapter->rank_max;
        adapter->packed_bits += lora_pair_bits(pair);
    }
}

void random_model_adapt_ends(uint64_t seed, bool embedding, bool head, int32_t rank_max, struct random_model *m)
{
    struct random random;
    random_seed(&random, seed, 0x656e64);
    for (int32_t i = 0; i < m->n_adapters; i++) {
        struct adapter *adapter = &m->adapters[i];
        for (enum linear which = LINEAR_EMBEDDING; which < LINEAR_ENDS; which++) {
            const int32_t rank = random_between(&random, 0, 3) == 0 ? 0 : random_between(&random, 1, rank_max);
            struct lora_pair *pair = &adapter->pairs[pair_index(adapter->n_layers, 0, which)];
            if (rank == 0 || !(which == LINEAR_HEAD ? head : embedding)) {
                continue;
            }
            new_pair(m, &random, rank, shape_n_in(&m->model.shape, which), shape_n_out(&m->model.shape, which), pair);
            if (which == LINEAR_EMBEDDING) {
                pair->exponent_a = exponent_for(1.0, CODE_RMS * 44000); /* x is a single 1 */
            }
            adapter->rank_max = rank > adapter->rank_max ? rank : adapter->rank_max;
            adapter->packed_bits += lora_pair_bits(pair);
        }
    }
}

/* As wide as the values it is added to. */
static void new_bias(struct random_model *m, struct random *random, int32_t n, struct bias *bias)
{
    int16_t *weights = keep(m, (size_t)n * sizeof *weights);
    for (int32_t i = 0; i < n; i++) {
        weights[i] = (int16_t)random_between(random, -32767, 32767);
    }
    *bias = (struct bias){n, -15, weights};
}

/* What only some architectures have, after all that others have, so that those keep their weights. */
static void new_extras(struct random_model *m, struct random *random, struct layer *layer)
{
    const struct shape *s = &m->model.shape;
    if (s->post_norms) {
        new_norm(m, random, s->d_model, &layer->post_attention_norm);
        new_norm(m, random, s->d_model, &layer->post_ffn_norm);
        layer->post_attention_norm.exponent = layer->post_ffn_norm.exponent = -12; /* blocks matter beside the scaled embedding */
    }
    if (s->qk_norm) {
        new_norm(m, random, s->head_dim, &layer->q_norm);
        new_norm(m, random, s->head_dim, &layer->k_norm);
    }
    for (int32_t i = 0; i < BIASES && s->qkv_bias; i++) {
        new_bias(m, random, shape_n_out(s, (enum linear)i), &layer->bias[i]);
    }
    if (s->qkv_bias) {
        const int32_t n = s->n_kv_heads * s->head_dim / 2;
        uint8_t *shift = keep(m, (size_t)n);
        for (int32_t i = 0; i < n; i++) {
            shift[i] = (uint8_t)random_between(random, 2, 3);
        }
        layer->k_shift = shift;
    }
}

static void new_layer(struct random_model *m, struct random *random, struct layer *layer)
{
    const struct shape *s = &m->model.shape;
    new_norm(m, random, s->d_model, &layer->attention_norm);
    new_norm(m, random, s->d_model, &layer->ffn_norm);
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        const int32_t n_in = shape_n_in(s, which);
        new_matrix(m, random, WEIGHT_W3, shape_n_out(s, which), n_in, 1.0 / sqrt(n_in), &layer->linear[which]);
    }
    new_extras(m, random, layer);
}

void random_model_new(uint64_t seed, const struct shape *shape, int32_t n_adapters, int32_t rank_max, struct random_model *out)
{
    struct random random;
    random_seed(&random, seed, 0x6d6f64);
    *out = (struct random_model){.model.shape = *shape, .n_adapters = n_adapters};
    struct model *m = &out->model;
    new_matrix(out, &random, WEIGHT_W6, shape->n_vocab, shape->d_model, shape->tied_head ? 2.0 / sqrt(shape->d_model) : 0.5, &m->embedding);
    m->head = m->embedding;
    if (!shape->tied_head) {
        new_matrix(out, &random, WEIGHT_W6, shape->n_vocab, shape->d_model, 2.0 / sqrt(shape->d_model), &m->head);
    }
    new_norm(out, &random, shape->d_model, &m->final_norm);
    m->layers = keep(out, (size_t)shape->n_layers * sizeof *m->layers);
    for (int32_t l = 0; l < shape->n_layers; l++) {
        new_layer(out, &random, &m->layers[l]);
    }
    new_rope(out, &random, seed % 3 == 0);
    m->embedding_scale_q16 = shape->scaled_embedding ? (int32_t)lrint(sqrt(shape->d_model) * 0x1p16) : 0;
    m->softmax_scale_q15 = (int32_t)lrint(M_LOG2E / sqrt(shape->head_dim) * 0x1p15);
    out->adapters = keep(out, (size_t)n_adapters * sizeof *out->adapters);
    for (int32_t i = 0; i < n_adapters; i++) {
        new_adapter(out, &random, i, rank_max, &out->adapters[i]);
    }
}

void random_model_free(struct random_model *m)
{
    for (int32_t i = 0; i < m->n_blocks; i++) {
        free(m->blocks[i]);
    }
    free(m->blocks);
    *m = (struct random_model){0};
}
