#include "tests/unit/gguf_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/architecture.h"
#include "sim/gguf_model.h"
#include "tests/unit/check.h"

void bytes_add(struct bytes *b, const void *data, size_t size)
{
    if (b->size + size > b->room) {
        b->room = 2 * (b->size + size);
        b->data = realloc(b->data, b->room);
        ES_ASSERT(b->data != NULL);
    }
    if (size) {
        memcpy(b->data + b->size, data, size);
        b->size += size;
    }
}

void bytes_add_u32(struct bytes *b, uint32_t v)
{
    bytes_add(b, &v, sizeof v);
}

void bytes_add_u64(struct bytes *b, uint64_t v)
{
    bytes_add(b, &v, sizeof v);
}

void bytes_add_string(struct bytes *b, const char *text)
{
    bytes_add_u64(b, strlen(text));
    bytes_add(b, text, strlen(text));
}

void bytes_pad(struct bytes *b, size_t alignment)
{
    while (b->size % alignment != 0) {
        bytes_add(b, "", 1);
    }
}

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

const char *bytes_to_file(const struct bytes *b, const char *name)
{
    static char paths[4][4096];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", temporary_folder(), name);
    FILE *f = fopen(path, "wb");
    ES_ASSERT(f != NULL);
    ES_ASSERT(b->size == 0 || fwrite(b->data, 1, b->size, f) == b->size);
    fclose(f);
    return path;
}

void gguf_write_key(struct gguf_writer *w, const char *key, uint32_t type, const void *value, size_t size)
{
    bytes_add_string(&w->keys, key);
    bytes_add_u32(&w->keys, type);
    bytes_add(&w->keys, value, size);
    w->n_keys++;
}

void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
    gguf_write_key(w, key, GGUF_U32, &v, sizeof v);
}

void gguf_write_f32(struct gguf_writer *w, const char *key, float v)
{
    gguf_write_key(w, key, GGUF_F32, &v, sizeof v);
}

void gguf_write_bool(struct gguf_writer *w, const char *key, uint8_t v)
{
    gguf_write_key(w, key, GGUF_BOOL, &v, sizeof v);
}

void gguf_write_string(struct gguf_writer *w, const char *key, const char *text)
{
    gguf_write_key(w, key, GGUF_STRING, NULL, 0);
    bytes_add_string(&w->keys, text);
}

void gguf_write_strings(struct gguf_writer *w, const char *key, const char *const *texts, uint64_t n)
{
    gguf_write_array(w, key, GGUF_STRING, NULL, n, 0);
    for (uint64_t i = 0; i < n; i++) {
        bytes_add_string(&w->keys, texts[i]);
    }
}

void gguf_write_array(struct gguf_writer *w, const char *key, uint32_t type, const void *values, uint64_t n, size_t size)
{
    gguf_write_key(w, key, GGUF_ARRAY, NULL, 0);
    bytes_add_u32(&w->keys, type);
    bytes_add_u64(&w->keys, n);
    bytes_add(&w->keys, values, n * size);
}

void gguf_write_tensor(struct gguf_writer *w, const char *name, uint32_t type, const int64_t *dims, uint32_t n_dims, const void *data,
                       size_t size)
{
    bytes_pad(&w->data, w->alignment ? w->alignment : 32);
    bytes_add_string(&w->infos, name);
    bytes_add_u32(&w->infos, n_dims);
    bytes_add(&w->infos, dims, n_dims * sizeof *dims);
    bytes_add_u32(&w->infos, type);
    bytes_add_u64(&w->infos, w->data.size);
    bytes_add(&w->data, data, size);
    w->n_tensors++;
}

struct bytes gguf_written(struct gguf_writer *w)
{
    struct bytes file = {0};
    if (w->alignment) {
        gguf_write_u32(w, "general.alignment", w->alignment);
    }
    bytes_add(&file, "GGUF", 4);
    bytes_add_u32(&file, w->version ? w->version : 3);
    bytes_add_u64(&file, w->n_tensors);
    bytes_add_u64(&file, w->n_keys);
    bytes_add(&file, w->keys.data, w->keys.size);
    bytes_add(&file, w->infos.data, w->infos.size);
    if (w->n_tensors) {
        bytes_pad(&file, w->alignment ? w->alignment : 32);
        bytes_add(&file, w->data.data, w->data.size);
    }
    bytes_free(&w->keys);
    bytes_free(&w->infos);
    bytes_free(&w->data);
    *w = (struct gguf_writer){0};
    return file;
}

uint16_t half_of_float(float f)
{
    if (f == 0.0f) {
        return signbit(f) ? 0x8000 : 0;
    }
    int exponent;
    float mantissa = frexpf(fabsf(f), &exponent); /* 0.5 .. 1 */
    exponent = exponent < -13 ? -13 : exponent;   /* subnormal below 2^-14 */
    float scaled = ldexpf(fabsf(f), 11 - exponent);
    ES_ASSERT(mantissa > 0 && exponent <= 16 && scaled == floorf(scaled));
    uint32_t bits = (uint32_t)scaled; /* 11 bits with the leading one, fewer for a subnormal */
    uint32_t biased = bits >= 1024 ? (uint32_t)(exponent + 14) : 0;
    return (uint16_t)((signbit(f) ? 0x8000u : 0) | biased << 10 | (bits & 1023));
}

const struct shape TEST_SHAPE = {
    .n_layers = 2,
    .d_model = 64,
    .n_heads = 4,
    .n_kv_heads = 2,
    .head_dim = 16,
    .d_ff = 104,
    .n_vocab = 70,
    .context_tokens = 128,
    .tied_head = true,
    .rms_epsilon = 1e-5f,
    .rope_base = 10000.0f,
};

struct shape test_shape_of(enum architecture architecture)
{
    struct shape s = TEST_SHAPE;
    architecture_apply(architecture, &s);
    if (architecture == ARCHITECTURE_GEMMA3) {
        s.head_dim = 24; /* not d_model / n_heads */
        s.n_layers = 3;
        s.window_tokens = 5;
        s.global_period = 3;
        s.rope_base_local = 500.0f;
    } else if (architecture == ARCHITECTURE_PHI3) {
        s.rotary_dim = 12;
        s.rope_gain = 1.25f;
    }
    return s;
}

static const char *arch_key(const struct shape *s, const char *suffix)
{
    static char key[64];
    snprintf(key, sizeof key, "%s.%s", architectures[s->architecture].name, suffix);
    return key;
}

void gguf_write_llama_keys(struct gguf_writer *w, const struct shape *s)
{
    gguf_write_string(w, "general.architecture", architectures[s->architecture].name);
    gguf_write_u32(w, arch_key(s, "block_count"), (uint32_t)s->n_layers);
    gguf_write_u32(w, arch_key(s, "embedding_length"), (uint32_t)s->d_model);
    gguf_write_u32(w, arch_key(s, "feed_forward_length"), (uint32_t)s->d_ff);
    gguf_write_u32(w, arch_key(s, "context_length"), (uint32_t)s->context_tokens);
    gguf_write_u32(w, arch_key(s, "attention.head_count"), (uint32_t)s->n_heads);
    gguf_write_u32(w, arch_key(s, "attention.head_count_kv"), (uint32_t)s->n_kv_heads);
    gguf_write_u32(w, arch_key(s, "rope.dimension_count"), (uint32_t)shape_rotary_dim(s));
    gguf_write_f32(w, arch_key(s, "attention.layer_norm_rms_epsilon"), s->rms_epsilon);
    gguf_write_f32(w, arch_key(s, "rope.freq_base"), s->rope_base);
    if (s->head_dim * s->n_heads != s->d_model) {
        gguf_write_u32(w, arch_key(s, "attention.key_length"), (uint32_t)s->head_dim);
        gguf_write_u32(w, arch_key(s, "attention.value_length"), (uint32_t)s->head_dim);
    }
    if (s->window_tokens) {
        gguf_write_u32(w, arch_key(s, "attention.sliding_window"), (uint32_t)s->window_tokens);
        gguf_write_u32(w, arch_key(s, "attention.sliding_window_pattern"), (uint32_t)s->global_period);
        gguf_write_f32(w, arch_key(s, "rope.freq_base_swa"), s->rope_base_local);
    }
    if (s->rope_gain != 0) {
        gguf_write_f32(w, arch_key(s, "rope.scaling.attn_factor"), s->rope_gain);
    }
}

static double random_uniform(uint64_t *state)
{
    return ((double)(test_random(state) >> 11) + 0.5) * 0x1p-53;
}

static double random_gaussian(uint64_t *state)
{
    return sqrt(-2 * log(random_uniform(state))) * cos(2 * 3.14159265358979323846 * random_uniform(state));
}

/* code * scale * 2^exponent; each group has a weight of the largest code, as in a trained tensor, in its first place. */
static void fill_on_grid(float *weights, int32_t n_out, int32_t n_in, int32_t bits, int32_t exponent, uint64_t *state)
{
    static const int8_t GAUSS[8] = {-31, -19, -11, -4, 4, 11, 19, 31};
    for (int32_t r = 0; r < n_out; r++) {
        int32_t scale = 0;
        for (int32_t i = 0; i < n_in; i++) {
            if (i % 32 == 0) {
                scale = (int32_t)(test_random(state) % 64);
            }
            int32_t code = bits == 3 ? GAUSS[test_random(state) % 8] : (int32_t)(test_random(state) % 63) - 31;
            weights[(int64_t)r * n_in + i] = ldexpf((float)(code * scale), exponent);
        }
    }
    weights[0] = ldexpf(31.0f * 63, exponent);
    for (int32_t i = 1; i < 32 && i < n_in; i++) {
        weights[i] = bits == 3 ? weights[0] : ldexpf((float)(63 * (i - 16)), exponent);
    }
}

/* Random codes; a group's exponent within three of the tensor's largest. */
static void write_mxfp4(struct gguf_writer *w, const char *name, int32_t n_out, int32_t n_in, uint64_t *state)
{
    const size_t n_blocks = (size_t)n_out * (size_t)n_in / 32;
    uint8_t(*blocks)[17] = calloc(n_blocks, sizeof *blocks);
    ES_ASSERT(blocks && n_in % 32 == 0);
    for (size_t b = 0; b < n_blocks; b++) {
        blocks[b][0] = (uint8_t)(b ? 119 + test_random(state) % 4 : 122);
        for (int i = 1; i < 17; i++) {
            blocks[b][i] = (uint8_t)test_random(state);
        }
        blocks[b][1] = 0x77; /* the largest magnitude is there */
    }
    gguf_write_tensor(w, name, GGML_MXFP4, (int64_t[]){n_in, n_out}, 2, blocks, n_blocks * sizeof *blocks);
    free(blocks);
}

static void write_weights(struct gguf_writer *w, const char *name, int32_t n_out, int32_t n_in, int32_t bits, const struct test_llama *m,
                          uint64_t *state)
{
    size_t n = (size_t)n_out * (size_t)n_in;
    float *weights = calloc(n, sizeof *weights);
    uint16_t *halves = calloc(n, sizeof *halves);
    ES_ASSERT(weights && halves);
    for (size_t i = 0; i < n; i++) {
        weights[i] = bits == 16 ? (float)(int)(4096 * (1 + 0.2 * random_gaussian(state))) / 4096 : (float)(0.05 * random_gaussian(state));
    }
    if (m->on_grid && bits != 16) {
        fill_on_grid(weights, n_out, n_in, bits, -13 - (int32_t)(test_random(state) % 3), state);
    }
    const int64_t dims[2] = {n_in, n_out};
    if (m->on_grid && bits != 16) {
        for (size_t i = 0; i < n; i++) {
            halves[i] = half_of_float(weights[i]);
        }
        gguf_write_tensor(w, name, GGML_F16, dims, 2, halves, n * sizeof *halves);
    } else {
        gguf_write_tensor(w, name, GGML_F32, dims, bits == 16 ? 1 : 2, weights, n * sizeof *weights);
    }
    free(weights);
    free(halves);
}

static void write_vector(struct gguf_writer *w, int32_t layer, const char *what, int32_t n, const struct test_llama *m, uint64_t *state)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%d.%s", layer, what);
    write_weights(w, name, 1, n, 16, m, state);
}

static void write_matrix(struct gguf_writer *w, int32_t layer, const char *what, int32_t n_out, int32_t n_in, const struct test_llama *m,
                         uint64_t *state)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%d.%s.weight", layer, what);
    if (m->mxfp4) {
        write_mxfp4(w, name, n_out, n_in, state);
    } else {
        write_weights(w, name, n_out, n_in, 3, m, state);
    }
}

static void write_layer(struct gguf_writer *w, int32_t layer, const struct test_llama *m, uint64_t *state)
{
    const struct shape *s = &m->shape;
    const bool fused = architectures[s->architecture].fused;
    write_vector(w, layer, "attn_norm.weight", s->d_model, m, state);
    write_vector(w, layer, "ffn_norm.weight", s->d_model, m, state);
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        if (!fused || which == LINEAR_O || which == LINEAR_DOWN) {
            write_matrix(w, layer, LINEAR_NAMES[which], shape_n_out(s, which), shape_n_in(s, which), m, state);
        }
        if (s->qkv_bias && (int)which < BIASES) {
            char what[32];
            snprintf(what, sizeof what, "%s.bias", LINEAR_NAMES[which]);
            write_vector(w, layer, what, shape_n_out(s, which), m, state);
        }
    }
    if (fused) {
        write_matrix(w, layer, "attn_qkv", shape_n_out(s, LINEAR_Q) + 2 * shape_n_out(s, LINEAR_K), s->d_model, m, state);
        write_matrix(w, layer, "ffn_up", 2 * s->d_ff, s->d_model, m, state);
    }
    if (s->qk_norm) {
        write_vector(w, layer, "attn_q_norm.weight", s->head_dim, m, state);
        write_vector(w, layer, "attn_k_norm.weight", s->head_dim, m, state);
    }
    if (s->post_norms) {
        write_vector(w, layer, "post_attention_norm.weight", s->d_model, m, state);
        write_vector(w, layer, "post_ffw_norm.weight", s->d_model, m, state);
    }
}

static void write_factors(struct gguf_writer *w, const char *name, int32_t n, float step)
{
    float factors[1024];
    for (int32_t i = 0; i < n; i++) {
        factors[i] = 1.0f + step * (float)i;
    }
    gguf_write_tensor(w, name, GGML_F32, (int64_t[]){n}, 1, factors, (size_t)n * sizeof *factors);
}

void gguf_write_llama_tensors(struct gguf_writer *w, const struct test_llama *m)
{
    const struct shape *s = &m->shape;
    uint64_t state = m->seed + 1;
    write_weights(w, "token_embd.weight", s->n_vocab, s->d_model, 6, m, &state);
    for (int32_t layer = 0; layer < s->n_layers; layer++) {
        write_layer(w, layer, m, &state);
    }
    write_weights(w, "output_norm.weight", 1, s->d_model, 16, m, &state);
    if (!s->tied_head) {
        write_weights(w, "output.weight", s->n_vocab, s->d_model, 6, m, &state);
    }
    if (m->rope_factors && s->architecture == ARCHITECTURE_PHI3) {
        write_factors(w, "rope_factors_short.weight", s->rotary_dim / 2, 0.5f);
        write_factors(w, "rope_factors_long.weight", s->rotary_dim / 2, 3.0f);
    } else if (m->rope_factors) {
        write_factors(w, "rope_freqs.weight", s->head_dim / 2, 1.0f);
    }
}

static void write_vocabulary(struct gguf_writer *w, int32_t n)
{
    char(*names)[16] = calloc((size_t)n, sizeof *names);
    const char **texts = calloc((size_t)n, sizeof *texts);
    int32_t *types = calloc((size_t)n, sizeof *types);
    float *scores = calloc((size_t)n, sizeof *scores);
    ES_ASSERT(names && texts && types && scores);
    for (int32_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        texts[i] = names[i];
        types[i] = i == 0 ? TOKEN_UNKNOWN : i < 3 ? TOKEN_CONTROL : TOKEN_NORMAL;
        scores[i] = -(float)i;
    }
    gguf_write_string(w, "tokenizer.ggml.model", "llama");
    gguf_write_strings(w, "tokenizer.ggml.tokens", texts, (uint64_t)n);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, types, (uint64_t)n, sizeof *types);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_F32, scores, (uint64_t)n, sizeof *scores);
    free(names);
    free(texts);
    free(types);
    free(scores);
}

void gguf_write_llama(struct gguf_writer *w, const struct test_llama *m)
{
    struct shape keys = m->shape;
    if (m->rope_factors && keys.architecture == ARCHITECTURE_PHI3) {
        gguf_write_u32(w, "phi3.rope.scaling.original_context_length", (uint32_t)keys.context_tokens);
        keys.context_tokens *= 2;
    }
    gguf_write_llama_keys(w, &keys);
    write_vocabulary(w, m->shape.n_vocab);
    gguf_write_llama_tensors(w, m);
}

float *gguf_all_rows(const struct gguf *g, const char *name)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    float *rows = t ? calloc((size_t)(t->n_rows * t->dims[0]), sizeof *rows) : NULL;
    for (int64_t r = 0; rows && r < t->n_rows; r++) {
        gguf_row(t, r, rows + r * t->dims[0]);
    }
    return rows;
}

struct bytes safetensors_written(const char *header, const void *data, size_t size)
{
    struct bytes file = {0};
    bytes_add_u64(&file, strlen(header));
    bytes_add(&file, header, strlen(header));
    bytes_add(&file, data, size);
    return file;
}
