/* gguf_shape.c -- a model's shape from the keys of a GGUF file. Each key begins with the architecture's name. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/architecture.h"
#include "sim/gguf_model.h"
#include "sim/shape_limits.h"

enum { KEY_ROOM = 96, GEMMA_GLOBAL_PERIOD = 6, GEMMA_27B_LAYERS = 62 };
static const float GEMMA_LOCAL_BASE = 10000.0f, GAIN_MAX = 3.9f; /* a gain has 16 bits, 14 of them behind the point */

static const char *key_of(const struct shape *s, const char *suffix, char key[KEY_ROOM])
{
    snprintf(key, KEY_ROOM, "%s.%s", architectures[s->architecture].name, suffix);
    return key;
}

static bool has(const struct gguf *g, const struct shape *s, const char *suffix)
{
    char key[KEY_ROOM];
    return gguf_find_key(g, key_of(s, suffix, key)) != NULL;
}

static bool get_count(const struct gguf *g, const struct shape *s, const char *suffix, bool required, int32_t high, int32_t *value,
                      struct error *e)
{
    char key[KEY_ROOM];
    int64_t v = *value;
    if (!gguf_get_integer(g, key_of(s, suffix, key), required, 1, high, &v, e)) {
        return false;
    }
    *value = (int32_t)v;
    return true;
}

/* A number that must lie within bounds where it is present. */
static bool get_number(const struct gguf *g, const struct shape *s, const char *suffix, bool required, float low, float high, float *value,
                       struct error *e)
{
    char key[KEY_ROOM];
    if (!gguf_get_float(g, key_of(s, suffix, key), required, value, e)) {
        return false;
    }
    return !gguf_find_key(g, key) || (*value >= low && *value <= high) ||
           error_input(e, "%s: key %s: expected %g to %g, found %g", g->path, key, (double)low, (double)high, (double)*value);
}

static bool expect_string(const struct gguf *g, const char *key, const char *expected, const char *why, struct error *e)
{
    char value[64];
    snprintf(value, sizeof value, "%s", expected);
    if (!gguf_get_string(g, key, false, value, sizeof value, e)) {
        return false;
    }
    return strcmp(value, expected) == 0 || error_input(e, "%s: key %s at byte %" PRIu64 ": expected \"%s\" (%s), found \"%s\"", g->path,
                                                       key, gguf_find_key(g, key)->at_byte, expected, why, value);
}

bool gguf_shape_expect(const struct gguf *g, const struct shape *s, const char *suffix, int64_t expected, const char *why, struct error *e)
{
    char key[KEY_ROOM];
    int64_t v = expected;
    if (!gguf_get_integer(g, key_of(s, suffix, key), false, INT64_MIN, INT64_MAX, &v, e)) {
        return false;
    }
    return v == expected || error_input(e, "%s: key %s at byte %" PRIu64 ": expected %" PRId64 " (%s), found %" PRId64, g->path, key,
                                        gguf_find_key(g, key)->at_byte, expected, why, v);
}

static bool read_architecture(const struct gguf *g, struct shape *s, struct error *e)
{
    static const char key[] = "general.architecture";
    char value[64], names[ARCHITECTURE_NAMES_ROOM];
    enum architecture architecture;
    if (!gguf_get_string(g, key, true, value, sizeof value, e)) {
        return false;
    }
    if (!architecture_find(value, false, &architecture)) {
        return error_input(e, "%s: key %s at byte %" PRIu64 ": expected one of %s, found \"%s\"", g->path, key,
                           gguf_find_key(g, key)->at_byte, architecture_names(false, names), value);
    }
    architecture_apply(architecture, s);
    return true;
}

static bool read_head_shape(const struct gguf *g, struct shape *s, struct error *e)
{
    char key[KEY_ROOM];
    if (!get_count(g, s, "attention.head_count", true, SHAPE_HEADS_MAX, &s->n_heads, e)) {
        return false;
    }
    s->n_kv_heads = s->n_heads;
    if (!get_count(g, s, "attention.head_count_kv", false, SHAPE_HEADS_MAX, &s->n_kv_heads, e)) {
        return false;
    }
    if (s->n_heads % s->n_kv_heads != 0) {
        return error_input(e, "%s: key %s: expected a divisor of the %d heads, found %d", g->path,
                           key_of(s, "attention.head_count_kv", key), s->n_heads, s->n_kv_heads);
    }
    if (!has(g, s, "attention.key_length") && s->d_model % s->n_heads != 0) {
        return error_input(e, "%s: key %s: expected a divisor of the embedding length %d, found %d", g->path,
                           key_of(s, "attention.head_count", key), s->d_model, s->n_heads);
    }
    s->head_dim = s->d_model / s->n_heads;
    if (!get_count(g, s, "attention.key_length", false, SHAPE_HEAD_DIM_MAX, &s->head_dim, e)) {
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
    return gguf_shape_expect(g, s, "attention.value_length", s->head_dim, "keys and values of one length", e);
}

/* All of a head turns, but in Phi 3. */
static bool read_rotary_dim(const struct gguf *g, struct shape *s, struct error *e)
{
    static const char suffix[] = "rope.dimension_count";
    if (s->architecture != ARCHITECTURE_PHI3) {
        return gguf_shape_expect(g, s, suffix, s->head_dim, "all of a head is rotated", e);
    }
    int32_t rotary_dim = s->head_dim;
    char key[KEY_ROOM];
    if (!get_count(g, s, suffix, false, SHAPE_HEAD_DIM_MAX, &rotary_dim, e)) {
        return false;
    }
    if (rotary_dim % 2 != 0 || rotary_dim > s->head_dim) {
        return error_input(e, "%s: key %s: expected an even number of at most the head dimension %d, found %d", g->path,
                           key_of(s, suffix, key), s->head_dim, rotary_dim);
    }
    s->rotary_dim = rotary_dim < s->head_dim ? rotary_dim : 0;
    return true;
}

static bool expect_no_cap(const struct gguf *g, const struct shape *s, const char *suffix, struct error *e)
{
    char key[KEY_ROOM];
    float cap = 0;
    return gguf_get_float(g, key_of(s, suffix, key), false, &cap, e) &&
           (cap == 0.0f || error_input(e, "%s: key %s: expected 0 (soft caps have no chip), found %g", g->path, key, (double)cap));
}

/* The period of a list that says of each layer whether it is local. Layers that follow no period have no chip. */
static bool read_pattern(const struct gguf *g, const struct gguf_key *key, struct shape *s, struct error *e)
{
    if ((key->type != GGUF_BOOL && key->type != GGUF_U32 && key->type != GGUF_I32) || key->count != (uint64_t)s->n_layers) {
        return error_input(e,
                           "%s: key %.*s at byte %" PRIu64 ": expected an integer, or a list of a flag for each of the %d layers, found "
                           "something else",
                           g->path, (int)key->name.length_bytes, key->name.bytes, key->at_byte, s->n_layers);
    }
    const size_t size = key->type == GGUF_BOOL ? 1 : 4;
    s->global_period = 0;
    for (int32_t i = 0; i < s->n_layers; i++) {
        const bool local = key->value[(size_t)i * size] != 0;
        s->global_period = !local && s->global_period == 0 ? i + 1 : s->global_period;
        if (local != (s->global_period == 0 || (i + 1) % s->global_period != 0)) {
            return error_input(e,
                               "%s: key %.*s at byte %" PRIu64 ": expected every so many-th layer to be global, found another at layer %d",
                               g->path, (int)key->name.length_bytes, key->name.bytes, key->at_byte, i);
        }
    }
    return true;
}

/* Gemma 3's local layers: a window, a pattern, a RoPE base of their own. */
static bool read_local_layers(const struct gguf *g, struct shape *s, struct error *e)
{
    char name[KEY_ROOM];
    const struct gguf_key *key = gguf_find_key(g, key_of(s, "attention.sliding_window_pattern", name));
    s->global_period = GEMMA_GLOBAL_PERIOD;
    s->rope_base_local = GEMMA_LOCAL_BASE;
    return (key && key->is_array ? read_pattern(g, key, s, e)
                                 : get_count(g, s, "attention.sliding_window_pattern", false, SHAPE_LAYERS_MAX, &s->global_period, e)) &&
           get_number(g, s, "rope.freq_base_swa", false, 1, 1e12f, &s->rope_base_local, e);
}

static bool read_window(const struct gguf *g, struct shape *s, struct error *e)
{
    static const char suffix[] = "attention.sliding_window";
    char key[KEY_ROOM];
    int64_t window = 0;
    if (!gguf_get_integer(g, key_of(s, suffix, key), false, 0, INT32_MAX, &window, e)) {
        return false;
    }
    s->window_tokens = (int32_t)window;
    if (s->architecture != ARCHITECTURE_GEMMA3) {
        s->window_tokens = s->window_tokens < s->context_tokens ? s->window_tokens : 0; /* one that no context fills is none */
        return true;
    }
    return (s->window_tokens == 0 || read_local_layers(g, s, e)) && expect_no_cap(g, s, "attn_logit_softcapping", e) &&
           expect_no_cap(g, s, "final_logit_softcapping", e) &&
           (s->n_layers != GEMMA_27B_LAYERS ||
            error_input(e,
                        "%s: key gemma3.block_count: expected a model whose attention is scaled by the head dimension, found %d layers "
                        "(Gemma 3 27B)",
                        g->path, s->n_layers));
}

/* Phi 3: a context beyond the original one needs other factors, and has a gain. */
static bool read_long_context(const struct gguf *g, struct shape *s, int32_t *long_context_tokens, struct error *e)
{
    int32_t original = s->context_tokens;
    if (s->architecture != ARCHITECTURE_PHI3) {
        return true;
    }
    if (!get_count(g, s, "rope.scaling.original_context_length", false, SHAPE_CONTEXT_MAX, &original, e) ||
        !get_number(g, s, "rope.scaling.attn_factor", false, 0.1f, GAIN_MAX, &s->rope_gain, e)) {
        return false;
    }
    s->rope_gain = s->rope_gain == 1.0f ? 0.0f : s->rope_gain;
    if (original < s->context_tokens && gguf_find_tensor(g, "rope_factors_short.weight")) {
        *long_context_tokens = s->context_tokens;
        s->context_tokens = original;
    }
    return true;
}

bool gguf_shape(const struct gguf *g, struct shape *s, int32_t *long_context_tokens, struct error *e)
{
    char key[KEY_ROOM];
    *s = (struct shape){.rope_base = 10000.0f};
    *long_context_tokens = 0;
    return read_architecture(g, s, e) && expect_string(g, "general.type", "model", "an adapter is no model", e) &&
           get_count(g, s, "block_count", true, SHAPE_LAYERS_MAX, &s->n_layers, e) &&
           get_count(g, s, "embedding_length", true, SHAPE_WIDTH_MAX, &s->d_model, e) &&
           get_count(g, s, "feed_forward_length", true, SHAPE_WIDTH_MAX, &s->d_ff, e) &&
           get_count(g, s, "context_length", true, SHAPE_CONTEXT_MAX, &s->context_tokens, e) &&
           get_number(g, s, "attention.layer_norm_rms_epsilon", true, 0, 1, &s->rms_epsilon, e) &&
           get_number(g, s, "rope.freq_base", false, 1, 1e12f, &s->rope_base, e) && read_head_shape(g, s, e) && read_rotary_dim(g, s, e) &&
           read_window(g, s, e) && read_long_context(g, s, long_context_tokens, e) &&
           gguf_shape_expect(g, s, "expert_count", 0, "mixtures of experts have no chip", e) &&
           expect_string(g, key_of(s, "rope.scaling.type", key), "none", "scaling comes as a tensor of factors", e);
}
