#include "adapters/peft_config.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mapped.h"

enum { CONFIG_BYTES_MAX = 1 << 20, KEYS_MAX = 256, PATTERNS_MAX = 8192, EXPRESSIONS_MAX = 64, LAYERS_MAX = 65536 };

/* Keys that must be off, and why. */
static const char *const REFUSED[][2] = {
    {"modules_to_save", "whole modules beside the low-rank pairs have no place in an adapter slot"},
    {"use_dora", "DoRA rescales the base weights' rows"},
    {"lora_bias", "a bias has no place in an adapter slot"},
    {"layer_replication", "the chip has each layer once"},
    {"exclude_modules", "list the modules in target_modules instead"},
    {"trainable_token_indices", "trained rows of the embedding, which is in ROM, have no place in an adapter slot"},
    {"target_parameters", "only linears have adapters"},
    {"use_qalora", "QALoRA pools the inputs"},
    {"alora_invocation_tokens", "an activated LoRA is off for part of the prompt"},
    {"use_bdlora", "block-diagonal pairs are another format"},
};

/* Keys that say how the adapter was trained or where it comes from, and those read below. */
static const char *const KNOWN[] = {
    "peft_type",         "r",
    "lora_alpha",        "target_modules",
    "use_rslora",        "bias",
    "fan_in_fan_out",    "rank_pattern",
    "alpha_pattern",     "layers_to_transform",
    "layers_pattern",    "init_lora_weights",
    "auto_mapping",      "base_model_name_or_path",
    "revision",          "inference_mode",
    "lora_dropout",      "loftq_config",
    "eva_config",        "corda_config",
    "lora_ga_config",    "megatron_config",
    "megatron_core",     "task_type",
    "peft_version",      "runtime_config",
    "qalora_group_size", "ensure_weight_tying",
    "arrow_config",
};

struct reader {
    const char *path, *text;
    size_t length;
    cJSON *json;
    struct error *e;
};

static int line_of(const struct reader *r, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at && i < r->length; i++) {
        line += r->text[i] == '\n';
    }
    return line;
}

/* The line where a key stands: the first place of "key" followed by a colon; the first line if it isn't found (escapes). */
static int line_of_key(const struct reader *r, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; n > 0 && i + n + 2 < r->length; i++) {
        if (r->text[i] == '"' && memcmp(r->text + i + 1, key, n) == 0 && r->text[i + n + 1] == '"') {
            size_t after = i + n + 2;
            while (after < r->length && isspace((unsigned char)r->text[after])) {
                after++;
            }
            if (after < r->length && r->text[after] == ':') {
                return line_of(r, i);
            }
        }
    }
    return 1;
}

static const char *shown(const char *text, char room[PRINTABLE_ROOM])
{
    return printable((struct text){text, (uint32_t)strnlen(text, 4096)}, room);
}

/* A JSON value for a message. */
static const char *describe(const cJSON *item, char room[PRINTABLE_ROOM])
{
    if (!item) {
        return "no such key";
    }
    if (cJSON_IsString(item)) {
        return shown(item->valuestring, room);
    }
    if (cJSON_IsNumber(item)) {
        snprintf(room, PRINTABLE_ROOM, "%g", item->valuedouble);
        return room;
    }
    return cJSON_IsNull(item)    ? "null"
           : cJSON_IsTrue(item)  ? "true"
           : cJSON_IsFalse(item) ? "false"
           : cJSON_IsArray(item) ? "an array"
                                 : "an object";
}

static bool fail(const struct reader *r, const char *key, const char *expected, const cJSON *found)
{
    char name[PRINTABLE_ROOM], value[PRINTABLE_ROOM];
    error_input(r->e, "%s:%d: key %s: expected %s, found %s", r->path, line_of_key(r, key), shown(key, name), expected,
                describe(found, value));
    return false;
}

static const cJSON *get(const struct reader *r, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(r->json, key);
}

static bool is_off(const cJSON *item)
{
    return !item || cJSON_IsNull(item) || cJSON_IsFalse(item) || (cJSON_IsNumber(item) && item->valuedouble == 0) ||
           (cJSON_IsString(item) && item->valuestring[0] == '\0') || ((cJSON_IsArray(item) || cJSON_IsObject(item)) && !item->child);
}

static bool get_bool(const struct reader *r, const char *key, bool *value)
{
    const cJSON *item = get(r, key);
    *value = cJSON_IsTrue(item);
    return !item || cJSON_IsNull(item) || cJSON_IsBool(item) || fail(r, key, "true or false", item);
}

static bool rank_of(const cJSON *item, int32_t *rank)
{
    bool good = cJSON_IsNumber(item) && item->valuedouble >= 1 && item->valuedouble <= LORA_RANK_MAX &&
                floor(item->valuedouble) == item->valuedouble;
    *rank = good ? (int32_t)item->valuedouble : 0;
    return good;
}

static bool alpha_of(const cJSON *item, double *alpha)
{
    bool good = cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble <= PEFT_ALPHA_MAX;
    *alpha = good ? item->valuedouble : 0;
    return good;
}

/* Every key once, none unknown that is on, none refused that is on. */
static bool check_keys(const struct reader *r)
{
    int n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, r->json)
    {
        if (++n > KEYS_MAX) {
            return error_input(r->e, "%s:1: expected at most %d keys, found more", r->path, KEYS_MAX);
        }
        if (get(r, item->string) != item) {
            return fail(r, item->string, "the key once", item);
        }
        bool known = is_off(item);
        for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED && !known; i++) {
            if (strcmp(item->string, REFUSED[i][0]) == 0) {
                char expected[160];
                snprintf(expected, sizeof expected, "null or off (%s)", REFUSED[i][1]);
                return fail(r, item->string, expected, item);
            }
        }
        for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN && !known; i++) {
            known = strcmp(item->string, KNOWN[i]) == 0;
        }
        if (!known) {
            return fail(r, item->string, "a key this program knows, or null (it might change the adapter's arithmetic)", item);
        }
    }
    return true;
}

/* Initialisations that change the base weights too leave an adapter that fits another base. */
static bool check_initialisation(const struct reader *r)
{
    static const char *const GOOD[] = {"gaussian", "eva", "orthogonal"};
    const cJSON *item = get(r, "init_lora_weights");
    if (!cJSON_IsString(item)) {
        return true;
    }
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        if (strcmp(item->valuestring, GOOD[i]) == 0) {
            return true;
        }
    }
    return fail(r, "init_lora_weights", "true, false, gaussian, eva or orthogonal (others change the base weights)", item);
}

/* Room for n patterns; what is filled so far is counted in to->count. */
static bool make_patterns(const struct reader *r, int n, struct peft_patterns *to)
{
    to->items = error_calloc(r->e, (size_t)n, sizeof *to->items, "an adapter's patterns");
    return to->items != NULL;
}

static bool add_pattern(const struct reader *r, const char *key, const cJSON *item, const char *text, bool whole, struct peft_patterns *to)
{
    char reason[128], expected[192];
    if (!module_pattern_compile(text, whole, &to->items[to->count].module, reason)) {
        snprintf(expected, sizeof expected, "a module's name or a regular expression (%s)", reason);
        return fail(r, key, expected, item);
    }
    to->n_expressions += to->items[to->count].module.code != NULL;
    to->count++;
    return to->n_expressions <= EXPRESSIONS_MAX || fail(r, key, "at most 64 regular expressions", item);
}

static bool read_target(const struct reader *r, const cJSON *item, struct peft_config *config)
{
    const char *name = cJSON_IsString(item) ? item->valuestring : "";
    if (config->targets.count == PATTERNS_MAX) {
        return fail(r, "target_modules", "fewer modules", item);
    }
    struct module_pattern plain = {.text = name};
    return module_pattern_possible(&plain)
               ? add_pattern(r, "target_modules", item, name, false, &config->targets)
               : fail(r, "target_modules",
                      "modules of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, embed_tokens, lm_head", item);
}

static bool read_targets(const struct reader *r, struct peft_config *config)
{
    const cJSON *list = get(r, "target_modules"), *item;
    if (cJSON_IsString(list) && strcmp(list->valuestring, "all-linear") == 0) {
        config->all_linear = true;
        return true;
    }
    bool expression = cJSON_IsString(list) && list->valuestring[0];
    if (!expression && (!cJSON_IsArray(list) || !list->child)) {
        return fail(r, "target_modules", "a list of modules, a regular expression or \"all-linear\"", list);
    }
    if (!make_patterns(r, expression ? 1 : cJSON_GetArraySize(list), &config->targets)) {
        return false;
    }
    if (expression) {
        return add_pattern(r, "target_modules", list, list->valuestring, true, &config->targets);
    }
    cJSON_ArrayForEach(item, list)
    {
        if (!read_target(r, item, config)) {
            return false;
        }
    }
    return true;
}

/* rank_pattern or alpha_pattern. */
static bool read_patterns(const struct reader *r, const char *key, bool ranks, struct peft_patterns *to)
{
    const cJSON *patterns = get(r, key), *item;
    if (is_off(patterns)) {
        return true;
    }
    if (!cJSON_IsObject(patterns)) {
        return fail(r, key, "an object", patterns);
    }
    if (cJSON_GetArraySize(patterns) > PATTERNS_MAX) {
        return fail(r, key, "fewer patterns", patterns);
    }
    if (!make_patterns(r, cJSON_GetArraySize(patterns), to)) {
        return false;
    }
    cJSON_ArrayForEach(item, patterns)
    {
        struct peft_pattern *p = &to->items[to->count];
        int32_t rank;
        if (!add_pattern(r, item->string, item, item->string, false, to)) {
            return false;
        }
        if (!module_pattern_possible(&p->module)) {
            return fail(r, item->string, "the name of one of the model's linears, embed_tokens or lm_head", item);
        }
        if (ranks ? !rank_of(item, &rank) : !alpha_of(item, &p->value)) {
            return fail(r, item->string, ranks ? "a rank of 1 to 128" : "an alpha above 0", item);
        }
        p->value = ranks ? rank : p->value;
    }
    return true;
}

static bool read_layers(const struct reader *r, struct peft_config *config)
{
    const cJSON *layers = get(r, "layers_to_transform"), *pattern = get(r, "layers_pattern"), *item;
    if (!layers || cJSON_IsNull(layers)) {
        return true;
    }
    if (!is_off(pattern) && !(cJSON_IsString(pattern) && strcmp(pattern->valuestring, "layers") == 0)) {
        return fail(r, "layers_pattern", "null or \"layers\"", pattern);
    }
    const cJSON *first = cJSON_IsArray(layers) ? layers->child : layers;
    for (item = first; item; item = item->next) {
        if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble >= LAYERS_MAX ||
            floor(item->valuedouble) != item->valuedouble) {
            return fail(r, "layers_to_transform", "null, a layer's number or a list of them", item);
        }
        int32_t layer = (int32_t)item->valuedouble;
        config->layer_max = layer > config->layer_max ? layer : config->layer_max;
        if (!cJSON_IsArray(layers)) {
            break;
        }
    }
    return first || fail(r, "layers_to_transform", "null, a layer's number or a list of them", layers);
}

static bool read_config(const struct reader *r, struct peft_config *config)
{
    if (!cJSON_IsObject(r->json)) {
        return error_input(r->e, "%s:1: expected a JSON object, found another value", r->path);
    }
    if (!check_keys(r)) {
        return false;
    }
    const cJSON *type = get(r, "peft_type"), *bias = get(r, "bias");
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "LORA") != 0) {
        return fail(r, "peft_type", "\"LORA\"", type);
    }
    if (!is_off(bias) && !(cJSON_IsString(bias) && strcmp(bias->valuestring, "none") == 0)) {
        return fail(r, "bias", "\"none\" (a bias has no place in an adapter slot)", bias);
    }
    bool fan_in_fan_out;
    if (!get_bool(r, "use_rslora", &config->use_rslora) || !get_bool(r, "fan_in_fan_out", &fan_in_fan_out) ||
        !get_bool(r, "ensure_weight_tying", &config->ties_ends) || !check_initialisation(r)) {
        return false;
    }
    if (!rank_of(get(r, "r"), &config->rank)) {
        return fail(r, "r", "a rank of 1 to 128", get(r, "r"));
    }
    if (!alpha_of(get(r, "lora_alpha"), &config->alpha)) {
        return fail(r, "lora_alpha", "a number above 0 and at most 1e8", get(r, "lora_alpha"));
    }
    const cJSON *base = get(r, "base_model_name_or_path");
    config->base_name = cJSON_IsString(base) ? base->valuestring : "";
    return read_targets(r, config) && read_patterns(r, "rank_pattern", true, &config->ranks) &&
           read_patterns(r, "alpha_pattern", false, &config->alphas) && read_layers(r, config);
}

bool peft_config_parse(const char *path, const char *text, size_t length_bytes, struct peft_config *config, struct error *e)
{
    *config = (struct peft_config){0};
    if (length_bytes == 0 || length_bytes > CONFIG_BYTES_MAX) {
        return error_input(e, "%s:1: expected 1 to %d bytes of JSON, found %zu", path, CONFIG_BYTES_MAX, length_bytes);
    }
    struct reader r = {.path = path, .text = text, .length = length_bytes, .e = e};
    const char *end = NULL;
    r.json = cJSON_ParseWithLengthOpts(text, length_bytes, &end, false);
    size_t at = end ? (size_t)(end - text) : 0;
    while (r.json && at < length_bytes && isspace((unsigned char)text[at])) {
        at++;
    }
    if (!r.json || at < length_bytes) {
        cJSON_Delete(r.json);
        return error_input(e, "%s:%d: byte %zu: expected JSON, found a mistake", path, line_of(&r, at), at);
    }
    config->json = r.json;
    config->path = error_calloc(e, strlen(path) + 1, 1, "a file's name");
    if (config->path && read_config(&r, config)) {
        memcpy(config->path, path, strlen(path) + 1);
        return true;
    }
    peft_config_free(config);
    return false;
}

bool peft_config_read(const char *path, struct peft_config *config, struct error *e)
{
    struct mapped map;
    *config = (struct peft_config){0};
    if (!mapped_open(path, &map, e)) {
        return false;
    }
    bool good = peft_config_parse(path, (const char *)map.bytes, map.size_bytes, config, e);
    mapped_close(&map);
    return good;
}

static void free_patterns(struct peft_patterns *patterns)
{
    for (int32_t i = 0; i < patterns->count; i++) {
        module_pattern_free(&patterns->items[i].module);
    }
    free(patterns->items);
}

void peft_config_free(struct peft_config *config)
{
    free_patterns(&config->targets);
    free_patterns(&config->ranks);
    free_patterns(&config->alphas);
    cJSON_Delete(config->json);
    free(config->path);
    *config = (struct peft_config){0};
}

/* The first pattern that matches, in *found; NULL where none does. */
static bool find_pattern(const struct peft_config *config, const struct peft_patterns *patterns, enum architecture architecture,
                         int32_t layer, enum linear which, const struct peft_pattern **found, struct error *e)
{
    *found = NULL;
    for (int32_t i = 0; i < patterns->count && !*found; i++) {
        ES_ASSERT(patterns->items != NULL);
        const struct peft_pattern *p = &patterns->items[i];
        enum module_match match = module_pattern_match(&p->module, architecture, layer, which);
        if (match == MODULE_TOO_MUCH_WORK) {
            char name[PRINTABLE_ROOM];
            return error_input(e, "%s: pattern %s: expected an expression that is matched in few steps, found one that is not",
                               config->path, shown(p->module.text, name));
        }
        *found = match == MODULE_MATCHES ? p : NULL;
    }
    return true;
}

static bool layer_is_target(const struct peft_config *config, int32_t layer)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(config->json, "layers_to_transform"), *item;
    if (cJSON_IsNumber(layers)) {
        return layers->valuedouble == layer;
    }
    bool found = !cJSON_IsArray(layers);
    cJSON_ArrayForEach(item, layers)
    {
        found = found || item->valuedouble == layer;
    }
    return found;
}

/* A module that a target names whole has a pair whatever layers_to_transform says. */
static bool is_named_whole(const struct peft_config *config, enum architecture architecture, int32_t layer, enum linear which)
{
    bool whole = false;
    for (int32_t i = 0; i < config->targets.count && !whole; i++) {
        whole = module_pattern_is_whole(&config->targets.items[i].module, architecture, layer, which);
    }
    return whole;
}

/* layers_to_transform leaves what is outside the layers alone. */
static bool has_layers(const struct peft_config *config)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(config->json, "layers_to_transform");
    return cJSON_IsNumber(layers) || cJSON_IsArray(layers);
}

bool peft_config_pair(const struct peft_config *config, enum architecture architecture, int32_t layer, enum linear which, int32_t *rank,
                      double *alpha, struct error *e)
{
    const struct peft_pattern *target, *own_rank, *own_alpha;
    *rank = 0;
    *alpha = 0;
    if (!find_pattern(config, &config->targets, architecture, layer, which, &target, e) ||
        !find_pattern(config, &config->ranks, architecture, layer, which, &own_rank, e) ||
        !find_pattern(config, &config->alphas, architecture, layer, which, &own_alpha, e)) {
        return false;
    }
    const bool here = which < LINEAR_COUNT ? layer_is_target(config, layer) : !has_layers(config) && !config->all_linear;
    if (((target || config->all_linear) && here) || is_named_whole(config, architecture, layer, which)) {
        *rank = own_rank ? (int32_t)own_rank->value : config->rank;
        *alpha = own_alpha ? own_alpha->value : config->alpha;
        *alpha *= config->use_rslora ? sqrt(*rank) : 1;
    }
    return true;
}
