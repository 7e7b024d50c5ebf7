#include "adapters/hf_shape.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/architecture.h"
#include "sim/mapped.h"
#include "sim/shape_limits.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };

struct reader {
    const char *path;
    const cJSON *json;
    struct error *e;
};

static bool fail(const struct reader *r, const char *key, const char *expected)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->json, key);
    char found[PRINTABLE_ROOM] = "something else";
    if (!item) {
        snprintf(found, sizeof found, "no such key");
    } else if (cJSON_IsString(item)) {
        printable((struct text){item->valuestring, (uint32_t)strnlen(item->valuestring, 4096)}, found);
    } else if (cJSON_IsNumber(item)) {
        snprintf(found, sizeof found, "%g", item->valuedouble);
    }
    return error_input(r->e, "%s: key %s: expected %s, found %s", r->path, key, expected, found);
}

/* Absent or null: *value stays if it is positive, else the key is missing. */
static bool get_count(const struct reader *r, const char *key, int32_t high, int32_t *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->json, key);
    if ((!item || cJSON_IsNull(item)) && *value > 0) {
        return true;
    }
    if (!item || !cJSON_IsNumber(item) || !(item->valuedouble >= 1 && item->valuedouble <= high) ||
        floor(item->valuedouble) != item->valuedouble) {
        char expected[64];
        snprintf(expected, sizeof expected, "an integer of 1 to %d", high);
        return fail(r, key, expected);
    }
    *value = (int32_t)item->valuedouble;
    return true;
}

static bool get_number(const struct reader *r, const char *key, float *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->json, key);
    if (!item || cJSON_IsNull(item)) {
        return true;
    }
    if (!cJSON_IsNumber(item) || !isfinite((float)item->valuedouble)) {
        return fail(r, key, "a number");
    }
    *value = (float)item->valuedouble;
    return true;
}

static bool read_architecture(const struct reader *r, struct shape *s)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(r->json, "model_type");
    enum architecture architecture;
    if (!cJSON_IsString(type) || !architecture_find(type->valuestring, true, &architecture)) {
        char names[ARCHITECTURE_NAMES_ROOM], expected[ARCHITECTURE_NAMES_ROOM + 16];
        snprintf(expected, sizeof expected, "one of %s", architecture_names(true, names));
        return fail(r, "model_type", expected);
    }
    architecture_apply(architecture, s);
    return true;
}

/* Phi 3 turns a part of each head: partial_rotary_factor, at the top or among rope_parameters. */
static bool read_rotary_dim(const struct reader *r, struct shape *s)
{
    const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(r->json, "rope_parameters");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(r->json, "partial_rotary_factor");
    item = item && !cJSON_IsNull(item) ? item : cJSON_GetObjectItemCaseSensitive(parameters, "partial_rotary_factor");
    if (s->architecture != ARCHITECTURE_PHI3 || !item || cJSON_IsNull(item)) {
        return true;
    }
    const double rotary_dim = cJSON_IsNumber(item) ? floor(item->valuedouble * s->head_dim) : 0;
    if (!(rotary_dim >= 2 && rotary_dim <= s->head_dim && fmod(rotary_dim, 2) == 0)) {
        return fail(r, "partial_rotary_factor", "a number of 0 to 1 that leaves an even part of a head");
    }
    s->rotary_dim = rotary_dim < s->head_dim ? (int32_t)rotary_dim : 0;
    return true;
}

static bool read_shape(const struct reader *r, struct shape *s)
{
    *s = (struct shape){.context_tokens = 2048, .rms_epsilon = 1e-6f, .rope_base = 10000.0f};
    if (!read_architecture(r, s)) {
        return false;
    }
    if (!get_count(r, "num_hidden_layers", SHAPE_LAYERS_MAX, &s->n_layers) || !get_count(r, "hidden_size", SHAPE_WIDTH_MAX, &s->d_model) ||
        !get_count(r, "intermediate_size", SHAPE_WIDTH_MAX, &s->d_ff) ||
        !get_count(r, "num_attention_heads", SHAPE_HEADS_MAX, &s->n_heads) || !get_count(r, "vocab_size", SHAPE_VOCAB_MAX, &s->n_vocab) ||
        !get_count(r, "max_position_embeddings", SHAPE_CONTEXT_MAX, &s->context_tokens) ||
        !get_number(r, "rms_norm_eps", &s->rms_epsilon) || !get_number(r, "rope_theta", &s->rope_base)) {
        return false;
    }
    s->n_kv_heads = s->n_heads;
    s->head_dim = s->d_model % s->n_heads == 0 ? s->d_model / s->n_heads : 0;
    if (!get_count(r, "num_key_value_heads", SHAPE_HEADS_MAX, &s->n_kv_heads) ||
        !get_count(r, "head_dim", SHAPE_HEAD_DIM_MAX, &s->head_dim)) {
        return false;
    }
    if (s->n_heads % s->n_kv_heads != 0) {
        return fail(r, "num_key_value_heads", "a divisor of num_attention_heads");
    }
    if (s->head_dim % 2 != 0 || s->head_dim > SHAPE_HEAD_DIM_MAX || s->n_heads * s->head_dim > SHAPE_WIDTH_MAX) {
        return error_input(r->e, "%s: expected heads of an even number of values, found %d heads of %d", r->path, s->n_heads, s->head_dim);
    }
    if (!read_rotary_dim(r, s)) {
        return false;
    }
    s->tied_head = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r->json, "tie_word_embeddings"));
    return true;
}

bool hf_shape_parse(const char *path, const char *text, size_t length_bytes, struct shape *shape, struct error *e)
{
    if (length_bytes == 0 || length_bytes > CONFIG_BYTES_MAX) {
        return error_input(e, "%s: expected 1 to %d bytes of JSON, found %zu", path, CONFIG_BYTES_MAX, length_bytes);
    }
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, length_bytes, &end, false);
    while (json && end < text + length_bytes && isspace((unsigned char)*end)) {
        end++;
    }
    struct reader r = {.path = path, .json = json, .e = e};
    bool good = cJSON_IsObject(json) && end == text + length_bytes
                    ? read_shape(&r, shape)
                    : error_input(e, "%s: expected a JSON object and nothing else, found something else", path);
    cJSON_Delete(json);
    return good;
}

bool hf_shape_read(const char *path, struct shape *shape, struct error *e)
{
    struct mapped map;
    if (!mapped_open(path, &map, e)) {
        return false;
    }
    bool good = hf_shape_parse(path, (const char *)map.bytes, map.size_bytes, shape, e);
    mapped_close(&map);
    return good;
}
