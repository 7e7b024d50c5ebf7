/* workload_read.c -- workload files: YAML nodes in, struct workload out, every complaint with its line.
 *
 * A map's keys are rows of a table: name, whether it must be there, and the function that reads its value. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "sim/presets.h"
#include "sim/suggest.h"
#include "sim/workload.h"

enum { FILE_BYTES_MAX = 1 << 24, KEYS_MAX = 16, RANK_MAX = 128 };

struct reader {
    const char *file;
    yaml_document_t document;
    struct error *e;
    struct workload *w;
    struct workload_tenant *tenant; /* that is being read */
    bool given_weight;
    yaml_node_t *tenants; /* read last, since they name adapters */
};

struct key {
    const char *name;
    bool required;
    bool (*read)(struct reader *r, yaml_node_t *value, const char *key);
};

/* --- complaints and simple values --- */

static bool complain(struct reader *r, const yaml_node_t *node, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool complain(struct reader *r, const yaml_node_t *node, const char *format, ...)
{
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_input(r->e, "%.300s:%zu: %s", r->file, node ? node->start_mark.line + 1 : 1, text);
}

static yaml_node_t *node_at(struct reader *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

static const char *kind_of(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SCALAR_NODE: return node->data.scalar.length ? "a single value" : "nothing";
    case YAML_SEQUENCE_NODE: return "a list";
    case YAML_MAPPING_NODE: return "a map";
    default: return "nothing";
    }
}

/* A scalar's text, short enough and without NUL; NULL and an error otherwise. */
static const char *text_of(struct reader *r, yaml_node_t *node, const char *key, const char *expected, size_t room)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0) {
        complain(r, node, "%.60s: expected %s, found %s", key, expected, kind_of(node));
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (node->data.scalar.length >= room || strlen(text) != node->data.scalar.length) {
        complain(r, node, "%.60s: expected %s of at most %zu bytes without NUL", key, expected, room - 1);
        return NULL;
    }
    return text;
}

static bool read_text(struct reader *r, yaml_node_t *node, const char *key, const char *expected, char *to, size_t room)
{
    const char *text = text_of(r, node, key, expected, room);
    if (text) {
        snprintf(to, room, "%s", text);
    }
    return text != NULL;
}

/* A path is relative to the workload's own file; a preset's name stays as it is. */
static bool read_path(struct reader *r, yaml_node_t *node, const char *key, const char *extension, char to[WORKLOAD_PATH_ROOM])
{
    const char *text = text_of(r, node, key, "a preset's name or a path", WORKLOAD_PATH_ROOM);
    if (!text) {
        return false;
    }
    const char *slash = preset_is_path(text, extension) && text[0] != '/' ? strrchr(r->file, '/') : NULL;
    int folder = slash ? (int)(slash - r->file) + 1 : 0;
    return snprintf(to, WORKLOAD_PATH_ROOM, "%.*s%s", folder, r->file, text) < WORKLOAD_PATH_ROOM ||
           complain(r, node, "%.60s: the path is too long", key);
}

static bool read_integer(struct reader *r, yaml_node_t *node, const char *key, uint64_t low, uint64_t high, uint64_t *value)
{
    const char *text = text_of(r, node, key, "an integer", 32);
    char *end = NULL;
    if (!text) {
        return false;
    }
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || text[strspn(text, "0123456789")] || errno || *value < low || *value > high) {
        return complain(r, node, "%.60s: expected an integer from %llu to %llu, found '%s'", key, (unsigned long long)low,
                        (unsigned long long)high, text);
    }
    return true;
}

static bool read_number(struct reader *r, yaml_node_t *node, const char *key, double low, double high, double *value)
{
    const char *text = text_of(r, node, key, "a number", 64);
    char *end = NULL;
    if (!text) {
        return false;
    }
    *value = strtod(text, &end);
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || text[strspn(text, "0123456789.eE+-")] || *end ||
        !(*value >= low && *value <= high)) {
        return complain(r, node, "%.60s: expected a number from %g to %g, found '%s'", key, low, high, text);
    }
    return true;
}

static bool read_bool(struct reader *r, yaml_node_t *node, const char *key, bool *value)
{
    const char *text = text_of(r, node, key, "true or false", 32);
    if (!text) {
        return false;
    }
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0 || complain(r, node, "%.60s: expected true or false, found '%s'", key, text);
}

/* --- maps and lists --- */

static bool unknown_key(struct reader *r, const yaml_node_t *node, const char *key, const char *where, const struct key *keys, size_t n)
{
    struct suggestion nearest = {0};
    char hint[128];
    for (size_t k = 0; k < n; k++) {
        suggest_offer(&nearest, key, keys[k].name);
    }
    return complain(r, node, "%.60s: there is no such key in %s%s", key, where, suggest_text(&nearest, hint, sizeof hint));
}

/* A map that has these keys and no other, each once. */
static bool read_map(struct reader *r, yaml_node_t *map, const char *where, const struct key *keys, size_t n)
{
    const yaml_node_t *found[KEYS_MAX] = {0};
    ES_ASSERT(n <= KEYS_MAX);
    if (map->type != YAML_MAPPING_NODE) {
        return complain(r, map, "%s: expected a map, found %s", where, kind_of(map));
    }
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = node_at(r, pair->key);
        const char *text = text_of(r, name, where, "a key", WORKLOAD_NAME_ROOM);
        size_t k = 0;
        while (text && k < n && strcmp(keys[k].name, text) != 0) {
            k++;
        }
        if (!text || k == n) {
            return text ? unknown_key(r, name, text, where, keys, n) : false;
        }
        if (found[k]) {
            return complain(r, name, "%s: expected once, given before in line %zu", text, found[k]->start_mark.line + 1);
        }
        found[k] = name;
        if (!keys[k].read(r, node_at(r, pair->value), keys[k].name)) {
            return false;
        }
    }
    for (size_t k = 0; k < n; k++) {
        if (keys[k].required && !found[k]) {
            return complain(r, map, "%s: expected in %s, and missing", keys[k].name, where);
        }
    }
    return true;
}
#define READ_MAP(r, map, where, keys) read_map(r, map, where, keys, sizeof(keys) / sizeof(keys)[0])

/* Of a map with a single key, like `poisson: {...}`: its value, and the key's index in the list of words; NULL and an error otherwise. */
static yaml_node_t *single_key(struct reader *r, yaml_node_t *map, const char *where, const char *const *words, size_t n, size_t *index)
{
    const yaml_node_pair_t *pair = map->type == YAML_MAPPING_NODE ? map->data.mapping.pairs.start : NULL;
    yaml_node_t *name = pair && map->data.mapping.pairs.top - pair == 1 ? node_at(r, pair->key) : NULL;
    char all[200] = "";
    for (*index = 0; *index < n; ++*index) {
        size_t used = strlen(all);
        if (name && name->type == YAML_SCALAR_NODE && strcmp((const char *)name->data.scalar.value, words[*index]) == 0) {
            return node_at(r, pair->value);
        }
        snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", words[*index]);
    }
    complain(r, name ? name : map, "%s: expected one of: %s", where, all);
    return NULL;
}

static bool is_word(const yaml_node_t *node, const char *word)
{
    return node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, word) == 0;
}

/* --- chip, model, simple keys --- */

static bool read_chip(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_path(r, value, key, ".yaml", r->w->chip);
}

static bool read_model(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_path(r, value, key, ".gguf", r->w->model);
}

static bool read_set(struct reader *r, yaml_node_t *value, const char *key)
{
    struct workload *w = r->w;
    if (value->type != YAML_MAPPING_NODE) {
        return complain(r, value, "%s: expected a map of parameters, section.name: value, found %s", key, kind_of(value));
    }
    yaml_node_pair_t *start = value->data.mapping.pairs.start;
    size_t count = (size_t)(value->data.mapping.pairs.top - start);
    w->set = error_calloc(r->e, count + 1, sizeof *w->set, "set");
    for (size_t i = 0; w->set && i < count; i++) {
        yaml_node_t *name = node_at(r, start[i].key);
        const char *left = text_of(r, name, key, "section.name", 128);
        const char *right = left ? text_of(r, node_at(r, start[i].value), left, "a value", 128) : NULL;
        if (!right) {
            return false;
        }
        for (int32_t other = 0; other < w->n_set; other++) {
            size_t n = strlen(left);
            if (strncmp(w->set[other], left, n) == 0 && w->set[other][n] == '=') {
                return complain(r, name, "%s: expected once", left);
            }
        }
        snprintf(w->set[w->n_set++], sizeof *w->set, "%s=%s", left, right);
    }
    return w->set != NULL;
}

static bool read_requests(struct reader *r, yaml_node_t *value, const char *key)
{
    uint64_t count = 0;
    if (!is_word(value, "all") && !read_integer(r, value, key, 1, WORKLOAD_REQUESTS_MAX, &count)) {
        return false;
    }
    r->w->requests = (uint32_t)count;
    return true;
}

static bool read_seed(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_integer(r, value, key, 0, INT64_MAX, &r->w->seed);
}

static bool read_values(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_bool(r, value, key, &r->w->values);
}

static bool read_clip(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_bool(r, value, key, &r->w->clip);
}

/* --- adapters --- */

static bool read_files(struct reader *r, yaml_node_t *value, const char *key)
{
    struct workload *w = r->w;
    if (value->type != YAML_SEQUENCE_NODE) {
        return complain(r, value, "%s: expected a list of adapters, found %s", key, kind_of(value));
    }
    size_t count = (size_t)(value->data.sequence.items.top - value->data.sequence.items.start);
    if (count > WORKLOAD_TENANTS_MAX) {
        return complain(r, value, "%s: expected at most %d adapters", key, WORKLOAD_TENANTS_MAX);
    }
    w->adapter_files = error_calloc(r->e, count + 1, sizeof *w->adapter_files, "adapters");
    for (size_t i = 0; w->adapter_files && i < count; i++) {
        yaml_node_t *item = node_at(r, value->data.sequence.items.start[i]);
        if (!read_path(r, item, key, ".gguf", w->adapter_files[w->n_adapter_files])) {
            return false;
        }
        if (strcmp(w->adapter_files[w->n_adapter_files++], "none") == 0) {
            return complain(r, item, "%s: expected adapters; the base model is a tenant's `adapter: none`", key);
        }
    }
    return w->adapter_files != NULL;
}

static bool read_count(struct reader *r, yaml_node_t *value, const char *key)
{
    uint64_t count = 0;
    bool good = read_integer(r, value, key, 1, WORKLOAD_TENANTS_MAX / 2, &count);
    r->w->synthetic_count = (uint32_t)count;
    return good;
}

static bool read_rank(struct reader *r, yaml_node_t *value, const char *key)
{
    uint64_t rank = 0;
    bool good = read_integer(r, value, key, 1, RANK_MAX, &rank);
    r->w->synthetic_rank = (uint32_t)rank;
    return good;
}

static bool read_synthetic(struct reader *r, yaml_node_t *value, const char *key)
{
    static const struct key keys[] = {{"count", true, read_count}, {"rank", true, read_rank}};
    return READ_MAP(r, value, key, keys);
}

static bool read_adapters(struct reader *r, yaml_node_t *value, const char *key)
{
    static const struct key keys[] = {{"files", false, read_files}, {"synthetic", false, read_synthetic}};
    return READ_MAP(r, value, key, keys);
}

const char *workload_adapter_name(const struct workload *w, int32_t adapter, char text[WORKLOAD_PATH_ROOM])
{
    if (adapter < 0) {
        return "none";
    }
    if (adapter < w->n_adapter_files) {
        return w->adapter_files[adapter];
    }
    snprintf(text, WORKLOAD_PATH_ROOM, "synthetic-%04d", adapter - w->n_adapter_files + 1);
    return text;
}

/* --- tenants --- */

static bool read_tenant_name(struct reader *r, yaml_node_t *value, const char *key)
{
    const char *text = text_of(r, value, key, "a name", WORKLOAD_NAME_ROOM);
    if (text && strpbrk(text, ",\"\r\n")) {
        return complain(r, value, "%s: expected a name without commas, quotes and line ends", key);
    }
    return text && read_text(r, value, key, "a name", r->tenant->name, sizeof r->tenant->name);
}

static bool read_tenant_adapter(struct reader *r, yaml_node_t *value, const char *key)
{
    char text[WORKLOAD_PATH_ROOM], name[WORKLOAD_PATH_ROOM];
    int32_t count = r->w->n_adapter_files + (int32_t)r->w->synthetic_count, i = -1;
    if (!read_path(r, value, key, ".gguf", text)) {
        return false;
    }
    while (i < count && strcmp(workload_adapter_name(r->w, i, name), text) != 0) {
        i++;
    }
    r->tenant->adapter = i;
    return i < count || complain(r, value, "%s: expected `none` or one of the workload's adapters, found '%.100s'", key, text);
}

static bool read_weight(struct reader *r, yaml_node_t *value, const char *key)
{
    r->given_weight = true;
    return read_number(r, value, key, 1e-9, 1e9, &r->tenant->weight);
}

static bool read_pinned(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_bool(r, value, key, &r->tenant->pinned);
}

static bool read_tenant(struct reader *r, yaml_node_t *item)
{
    static const struct key keys[] = {{"name", true, read_tenant_name},
                                      {"adapter", true, read_tenant_adapter},
                                      {"weight", false, read_weight},
                                      {"pinned", false, read_pinned}};
    struct workload *w = r->w;
    r->tenant = &w->tenants[w->n_tenants];
    r->given_weight = false;
    r->tenant->weight = 1;
    if (!READ_MAP(r, item, "tenants", keys)) {
        return false;
    }
    if (r->given_weight != (w->popularity == POPULARITY_WEIGHTS)) {
        return complain(r, item, "weight: expected %s",
                        r->given_weight ? "only with `popularity: weights`" : "of every tenant, with `popularity: weights`");
    }
    if (r->tenant->pinned && r->tenant->adapter < 0) {
        return complain(r, item, "pinned: expected of a tenant with an adapter");
    }
    for (int32_t t = 0; t < w->n_tenants; t++) {
        if (strcmp(w->tenants[t].name, r->tenant->name) == 0) {
            return complain(r, item, "name: expected once, found a second tenant '%s'", r->tenant->name);
        }
    }
    w->n_tenants++;
    return true;
}

static bool keep_tenants(struct reader *r, yaml_node_t *value, const char *key)
{
    (void)key;
    r->tenants = value;
    return true;
}

/* Without a list: a tenant for each adapter, with its name; without adapters one for the base model. */
static bool default_tenants(struct reader *r)
{
    struct workload *w = r->w;
    int32_t adapters = w->n_adapter_files + (int32_t)w->synthetic_count, count = adapters ? adapters : 1;
    w->tenants = error_calloc(r->e, (size_t)count, sizeof *w->tenants, "tenants");
    for (int32_t t = 0; w->tenants && t < count; t++) {
        char text[WORKLOAD_PATH_ROOM];
        const char *name = adapters ? workload_adapter_name(w, t, text) : "base", *slash = strrchr(name, '/');
        snprintf(w->tenants[t].name, sizeof w->tenants[t].name, "%s", slash && slash[1] ? slash + 1 : name);
        w->tenants[t].adapter = adapters ? t : -1;
        w->tenants[t].weight = 1;
    }
    w->n_tenants = count;
    return w->tenants &&
           (w->popularity != POPULARITY_WEIGHTS || complain(r, NULL, "popularity: weights: expected `tenants` with their weights"));
}

static bool read_tenants(struct reader *r)
{
    yaml_node_t *list = r->tenants;
    if (!list) {
        return default_tenants(r);
    }
    size_t count = list->type == YAML_SEQUENCE_NODE ? (size_t)(list->data.sequence.items.top - list->data.sequence.items.start) : 0;
    if (count == 0 || count > WORKLOAD_TENANTS_MAX) {
        return complain(r, list, "tenants: expected a list of 1 to %d tenants", WORKLOAD_TENANTS_MAX);
    }
    r->w->tenants = error_calloc(r->e, count, sizeof *r->w->tenants, "tenants");
    bool good = r->w->tenants != NULL;
    for (size_t i = 0; i < count && good; i++) {
        good = read_tenant(r, node_at(r, list->data.sequence.items.start[i]));
    }
    return good;
}

/* --- arrivals --- */

static bool read_rate(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_number(r, value, key, 1e-6, 1e12, &r->w->requests_per_s);
}

static bool read_cv(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_number(r, value, key, 0.01, 100, &r->w->cv);
}

static bool read_trace_file(struct reader *r, yaml_node_t *value, const char *key)
{
    char text[WORKLOAD_PATH_ROOM];
    if (!read_text(r, value, key, "a file", text, sizeof text)) {
        return false;
    }
    const char *slash = text[0] != '/' ? strrchr(r->file, '/') : NULL; /* always a path, never a preset's name */
    int folder = slash ? (int)(slash - r->file) + 1 : 0;
    return snprintf(r->w->trace_file, sizeof r->w->trace_file, "%.*s%s", folder, r->file, text) < WORKLOAD_PATH_ROOM ||
           complain(r, value, "%s: the path is too long", key);
}

static bool read_format(struct reader *r, yaml_node_t *value, const char *key)
{
    for (int f = 0; f < REQUEST_FORMATS; f++) {
        if (is_word(value, request_format_names[f])) {
            r->w->trace_format = (enum request_format)f;
            return true;
        }
    }
    return complain(r, value, "%s: expected azure, mooncake or columns", key);
}

static bool read_speed(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_number(r, value, key, 1e-6, 1e9, &r->w->trace_speed);
}

static bool read_arrivals(struct reader *r, yaml_node_t *value, const char *key)
{
    static const char *const words[] = {"constant", "poisson", "gamma", "trace"};
    static const struct key rate[] = {{"requests_per_s", true, read_rate}};
    static const struct key gamma[] = {{"requests_per_s", true, read_rate}, {"cv", true, read_cv}};
    static const struct key trace[] = {{"file", true, read_trace_file}, {"format", true, read_format}, {"speed", false, read_speed}};
    size_t index = 0;
    r->w->trace_speed = 1;
    if (is_word(value, "at_once")) {
        r->w->arrivals = ARRIVALS_AT_ONCE;
        return true;
    }
    yaml_node_t *inner = single_key(r, value, "arrivals (a map, or `at_once`)", words, sizeof words / sizeof *words, &index);
    (void)key;
    r->w->arrivals = (enum arrivals)(ARRIVALS_CONSTANT + index);
    return inner && (index == 3   ? READ_MAP(r, inner, "arrivals.trace", trace)
                     : index == 2 ? READ_MAP(r, inner, "arrivals.gamma", gamma)
                                  : READ_MAP(r, inner, words[index], rate));
}

/* --- popularity, lengths --- */

static bool read_exponent(struct reader *r, yaml_node_t *value, const char *key)
{
    bool power = r->w->popularity == POPULARITY_POWER_LAW;
    return read_number(r, value, key, power ? 0.01 : 0, 10, &r->w->exponent);
}

static bool read_popularity(struct reader *r, yaml_node_t *value, const char *key)
{
    static const char *const plain[] = {"uniform", "weights", "trace"}, *const words[] = {"zipf", "power_law"};
    static const enum popularity kinds[] = {POPULARITY_UNIFORM, POPULARITY_WEIGHTS, POPULARITY_TRACE};
    static const struct key zipf[] = {{"s", true, read_exponent}}, power[] = {{"a", true, read_exponent}};
    size_t index = 0;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (is_word(value, plain[i])) {
            r->w->popularity = kinds[i];
            return true;
        }
    }
    (void)key;
    yaml_node_t *inner = single_key(r, value, "popularity (or uniform, weights, trace)", words, 2, &index);
    r->w->popularity = index == 0 ? POPULARITY_ZIPF : POPULARITY_POWER_LAW;
    return inner && (index == 0 ? READ_MAP(r, inner, "popularity.zipf", zipf) : READ_MAP(r, inner, "popularity.power_law", power));
}

static bool read_length(struct reader *r, yaml_node_t *value, const char *key, struct workload_length *length)
{
    static const char *const words[] = {"uniform"};
    uint64_t low = 0, high = 0;
    size_t index = 0;
    if (is_word(value, "trace")) {
        *length = (struct workload_length){LENGTH_TRACE, 0, 0};
        return true;
    }
    if (value->type == YAML_SCALAR_NODE) {
        bool good = read_integer(r, value, key, 1, 1000000, &low);
        *length = (struct workload_length){LENGTH_FIXED, (uint32_t)low, (uint32_t)low};
        return good;
    }
    yaml_node_t *list = single_key(r, value, key, words, 1, &index);
    if (list && (list->type != YAML_SEQUENCE_NODE || list->data.sequence.items.top - list->data.sequence.items.start != 2)) {
        return complain(r, list, "%s: expected uniform: [LOW, HIGH]", key);
    }
    if (!list || !read_integer(r, node_at(r, list->data.sequence.items.start[0]), key, 1, 1000000, &low) ||
        !read_integer(r, node_at(r, list->data.sequence.items.start[1]), key, low, 1000000, &high)) {
        return false;
    }
    *length = (struct workload_length){LENGTH_UNIFORM, (uint32_t)low, (uint32_t)high};
    return true;
}

static bool read_prompt(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_length(r, value, key, &r->w->prompt);
}

static bool read_output(struct reader *r, yaml_node_t *value, const char *key)
{
    return read_length(r, value, key, &r->w->output);
}

/* --- the whole file --- */

static bool check(struct reader *r, const yaml_node_t *root)
{
    const struct workload *w = r->w;
    bool trace = w->arrivals == ARRIVALS_TRACE;
    if (!trace && (w->prompt.kind == LENGTH_TRACE || w->output.kind == LENGTH_TRACE || w->popularity == POPULARITY_TRACE)) {
        return complain(r, root, "%s: `trace` is expected only with arrivals from a trace",
                        w->popularity == POPULARITY_TRACE ? "popularity"
                        : w->prompt.kind == LENGTH_TRACE  ? "prompt_tokens"
                                                          : "output_tokens");
    }
    if (!trace && w->requests == 0) {
        return complain(r, root, "requests: `all` is expected only with arrivals from a trace");
    }
    return !w->values || !w->synthetic_count || complain(r, root, "values: expected false with synthetic adapters, which have none");
}

static bool read_root(struct reader *r)
{
    static const struct key keys[] = {{"chip", true, read_chip},
                                      {"model", true, read_model},
                                      {"set", false, read_set},
                                      {"values", true, read_values},
                                      {"seed", true, read_seed},
                                      {"requests", true, read_requests},
                                      {"adapters", false, read_adapters},
                                      {"tenants", false, keep_tenants},
                                      {"arrivals", true, read_arrivals},
                                      {"popularity", true, read_popularity},
                                      {"prompt_tokens", true, read_prompt},
                                      {"output_tokens", true, read_output},
                                      {"clip", false, read_clip}};
    yaml_node_t *root = yaml_document_get_root_node(&r->document);
    if (!root) {
        return complain(r, NULL, "expected a map of keys, found an empty file");
    }
    return READ_MAP(r, root, "the workload", keys) && read_tenants(r) && check(r, root);
}

static bool parse_document(struct reader *r, yaml_parser_t *parser)
{
    if (!yaml_parser_load(parser, &r->document)) {
        return error_input(r->e, "%.300s:%zu: not YAML: %s", r->file, parser->problem_mark.line + 1,
                           parser->problem ? parser->problem : "out of memory");
    }
    bool good = read_root(r);
    yaml_document_delete(&r->document);
    return good;
}

/* Nothing may follow the document. */
static bool parse_end(struct reader *r, yaml_parser_t *parser)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        return error_input(r->e, "%.300s:%zu: not YAML: %s", r->file, parser->problem_mark.line + 1,
                           parser->problem ? parser->problem : "out of memory");
    }
    bool good =
        !yaml_document_get_root_node(&second) || complain(r, yaml_document_get_root_node(&second), "expected one document in the file");
    yaml_document_delete(&second);
    return good;
}

static void set_name(struct workload *w, const char *file)
{
    const char *slash = strrchr(file, '/'), *stem = slash ? slash + 1 : file, *dot = strrchr(stem, '.');
    snprintf(w->name, sizeof w->name, "%.*s", dot && dot > stem ? (int)(dot - stem) : (int)strlen(stem), stem);
    snprintf(w->file, sizeof w->file, "%s", file);
}

bool workload_parse(const char *text, size_t bytes, const char *file, struct workload *w, struct error *e)
{
    yaml_parser_t parser;
    *w = (struct workload){0};
    struct reader r = {.file = file, .e = e, .w = w};
    set_name(w, file);
    if (bytes > FILE_BYTES_MAX || !yaml_parser_initialize(&parser)) {
        return error_input(e, "%.300s: expected at most %d bytes, and enough memory", file, FILE_BYTES_MAX);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
    bool good = parse_document(&r, &parser) && parse_end(&r, &parser);
    yaml_parser_delete(&parser);
    if (!good) {
        workload_free(w);
    }
    return good;
}

static bool find_file(const char *name_or_path, char path[PATH_MAX], struct error *e)
{
    char relative[PATH_MAX];
    struct error absent;
    if (preset_is_path(name_or_path, ".yaml")) {
        return snprintf(path, PATH_MAX, "%s", name_or_path) < WORKLOAD_PATH_ROOM ||
               error_input(e, "%.300s: the path is too long", name_or_path);
    }
    if (snprintf(relative, sizeof relative, "workloads/%s.yaml", name_or_path) < PATH_MAX &&
        config_path(relative, path, PATH_MAX, &absent)) {
        return true;
    }
    return preset_unknown("workload", "workloads", ".yaml", name_or_path, e);
}

bool workload_load(const char *name_or_path, struct workload *w, struct error *e)
{
    char path[PATH_MAX];
    struct stat status;
    *w = (struct workload){0};
    if (!find_file(name_or_path, path, e)) {
        return false;
    }
    FILE *in = fopen(path, "rb");
    if (!in || fstat(fileno(in), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX) {
        const char *reason = in ? "expected a regular file of at most 16 MiB" : strerror(errno);
        if (in) {
            fclose(in);
        }
        return error_input(e, "%.300s: cannot read this workload: %s", path, reason);
    }
    size_t bytes = (size_t)status.st_size;
    char *text = error_calloc(e, bytes + 1, 1, path);
    bool good = text && (fread(text, 1, bytes, in) == bytes || error_input(e, "%.300s: cannot read this workload", path)) &&
                workload_parse(text, bytes, path, w, e);
    free(text);
    fclose(in);
    return good;
}

void workload_free(struct workload *w)
{
    free(w->set);
    free(w->adapter_files);
    free(w->tenants);
    *w = (struct workload){0};
}
