/* workload_read.c -- workload files: YAML nodes in, struct workload out, every complaint with its line.
 *
 * A map's keys are rows of a table: name, whether it must be there, and the function that reads its value. Where that is a field and its bounds, they are a row of
 * another table, and the function is read_field. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim/presets.h"
#include "sim/workload_read_internal.h"

enum { FILE_BYTES_MAX = 1 << 24, RANK_MAX = 128, SYNTHETIC_MAX = WORKLOAD_TENANTS_MAX / 2 };

static const struct yaml_field fields[] = {
    {"chip", YAML_PATH, offsetof(struct workload, chip), 0, WORKLOAD_PATH_ROOM, ".yaml"},
    {"model", YAML_PATH, offsetof(struct workload, model), 0, WORKLOAD_PATH_ROOM, ".gguf"},
    {"values", YAML_BOOL, offsetof(struct workload, values), 0, 0, NULL},
    {"clip", YAML_BOOL, offsetof(struct workload, clip), 0, 0, NULL},
    {"count", YAML_UINT32, offsetof(struct workload, synthetic_count), 1, SYNTHETIC_MAX, NULL},
    {"requests_per_s", YAML_DOUBLE, offsetof(struct workload, requests_per_s), 1e-6, 1e12, NULL},
    {"cv", YAML_DOUBLE, offsetof(struct workload, cv), 0.01, 100, NULL},
    {"speed", YAML_DOUBLE, offsetof(struct workload, trace_speed), 1e-6, 1e9, NULL},
    {"s", YAML_DOUBLE, offsetof(struct workload, exponent), 0, 10, NULL},
    {"a", YAML_DOUBLE, offsetof(struct workload, exponent), 0.01, 10, NULL},
};

static const struct yaml_field tenant_fields[] = {
    {"weight", YAML_DOUBLE, offsetof(struct workload_tenant, weight), 1e-9, 1e9, NULL},
    {"pinned", YAML_BOOL, offsetof(struct workload_tenant, pinned), 0, 0, NULL},
};

static bool read_field(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return yaml_field(&r->yaml, value, key, fields, r->w);
}

static bool read_tenant_field(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return yaml_field(&r->yaml, value, key, tenant_fields, r->tenant);
}

/* Of a map with a single key, like `poisson: {...}`: its value, and the key's index in the list of words; NULL and an error otherwise. */
static yaml_node_t *single_key(struct workload_reader *r, yaml_node_t *map, const char *where, const char *const *words, size_t n,
                               size_t *index)
{
    const yaml_node_pair_t *pair = map->type == YAML_MAPPING_NODE ? map->data.mapping.pairs.start : NULL;
    yaml_node_t *name = pair && map->data.mapping.pairs.top - pair == 1 ? yaml_node(&r->yaml, pair->key) : NULL;
    char all[200] = "";
    for (*index = 0; *index < n; ++*index) {
        size_t used = strlen(all);
        if (name && yaml_is_word(name, words[*index])) {
            return yaml_node(&r->yaml, pair->value);
        }
        snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", words[*index]);
    }
    yaml_complain(&r->yaml, name ? name : map, "%s: expected one of: %s", where, all);
    return NULL;
}

/* --- simple keys --- */

static bool read_set(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    struct workload *w = r->w;
    if (value->type != YAML_MAPPING_NODE) {
        return yaml_complain(&r->yaml, value, "%s: expected a map of parameters, section.name: value, found %s", key, yaml_kind(value));
    }
    yaml_node_pair_t *start = value->data.mapping.pairs.start;
    size_t count = (size_t)(value->data.mapping.pairs.top - start);
    w->set = error_calloc(r->yaml.e, count + 1, sizeof *w->set, "set");
    for (size_t i = 0; w->set && i < count; i++) {
        yaml_node_t *name = yaml_node(&r->yaml, start[i].key);
        const char *left = yaml_text(&r->yaml, name, key, "section.name", 128);
        const char *right = left ? yaml_text(&r->yaml, yaml_node(&r->yaml, start[i].value), left, "a value", 128) : NULL;
        if (!right) {
            return false;
        }
        for (int32_t other = 0; other < w->n_set; other++) {
            size_t n = strlen(left);
            if (strncmp(w->set[other], left, n) == 0 && w->set[other][n] == '=') {
                return yaml_complain(&r->yaml, name, "%s: expected once", left);
            }
        }
        snprintf(w->set[w->n_set++], sizeof *w->set, "%s=%s", left, right);
    }
    return w->set != NULL;
}

static bool read_requests(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    uint64_t count = 0;
    if (!yaml_is_word(value, "all") && !yaml_integer(&r->yaml, value, key, 1, WORKLOAD_REQUESTS_MAX, &count)) {
        return false;
    }
    r->w->requests = (uint32_t)count;
    return true;
}

static bool read_seed(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return yaml_integer(&r->yaml, value, key, 0, INT64_MAX, &r->w->seed);
}

/* --- adapters --- */

static bool read_files(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    struct workload *w = r->w;
    if (value->type != YAML_SEQUENCE_NODE) {
        return yaml_complain(&r->yaml, value, "%s: expected a list of adapters, found %s", key, yaml_kind(value));
    }
    size_t count = yaml_list_length(value);
    if (count > WORKLOAD_TENANTS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected at most %d adapters", key, WORKLOAD_TENANTS_MAX);
    }
    w->adapter_files = error_calloc(r->yaml.e, count + 1, sizeof *w->adapter_files, "adapters");
    for (size_t i = 0; w->adapter_files && i < count; i++) {
        yaml_node_t *item = yaml_list_item(&r->yaml, value, i);
        if (!yaml_path(&r->yaml, item, key, ".gguf", w->adapter_files[w->n_adapter_files], sizeof *w->adapter_files)) {
            return false;
        }
        if (strcmp(w->adapter_files[w->n_adapter_files++], "none") == 0) {
            return yaml_complain(&r->yaml, item, "%s: expected adapters; the base model is a tenant's `adapter: none`", key);
        }
    }
    return w->adapter_files != NULL;
}

static bool read_rank(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    struct workload *w = r->w;
    bool list = value->type == YAML_SEQUENCE_NODE;
    size_t count = list ? yaml_list_length(value) : 1;
    if (count == 0 || count > WORKLOAD_RANKS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected an integer, or a list of 1 to %d", key, WORKLOAD_RANKS_MAX);
    }
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        uint64_t rank = 0;
        yaml_node_t *item = list ? yaml_list_item(&r->yaml, value, i) : value;
        good = yaml_integer(&r->yaml, item, key, 1, RANK_MAX, &rank);
        w->synthetic_rank[w->n_synthetic_ranks++] = (uint32_t)rank;
    }
    return good;
}

static bool read_synthetic(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    static const struct yaml_key keys[] = {{"count", true, read_field}, {"rank", true, read_rank}};
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_adapters(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    static const struct yaml_key keys[] = {{"files", false, read_files}, {"synthetic", false, read_synthetic}};
    return YAML_MAP(&r->yaml, value, key, keys);
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

static bool read_tenant_name(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    const char *text = yaml_text(&r->yaml, value, key, "a name", WORKLOAD_NAME_ROOM);
    if (text && strpbrk(text, ",\"\r\n")) {
        return yaml_complain(&r->yaml, value, "%s: expected a name without commas, quotes and line ends", key);
    }
    return text && yaml_copy(&r->yaml, value, key, "a name", r->tenant->name, sizeof r->tenant->name);
}

bool workload_find_adapter(struct workload_reader *r, yaml_node_t *value, const char *key, const char *expected, int32_t *index)
{
    char text[WORKLOAD_PATH_ROOM], name[WORKLOAD_PATH_ROOM];
    int32_t count = r->w->n_adapter_files + (int32_t)r->w->synthetic_count, i = -1;
    if (!yaml_path(&r->yaml, value, key, ".gguf", text, sizeof text)) {
        return false;
    }
    while (i < count && strcmp(workload_adapter_name(r->w, i, name), text) != 0) {
        i++;
    }
    *index = i;
    return i < count ||
           yaml_complain(&r->yaml, value, "%s: expected %sone of the workload's adapters, found '%.100s'", key, expected, text);
}

static bool read_tenant_adapter(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return workload_find_adapter(r, value, key, "`none` or ", &r->tenant->adapter);
}

static bool read_tenant(struct workload_reader *r, yaml_node_t *item)
{
    static const struct yaml_key keys[] = {{"name", true, read_tenant_name},
                                           {"adapter", true, read_tenant_adapter},
                                           {"weight", false, read_tenant_field},
                                           {"pinned", false, read_tenant_field}};
    struct workload *w = r->w;
    r->tenant = &w->tenants[w->n_tenants];
    r->tenant->weight = 1;
    if (!YAML_MAP(&r->yaml, item, "tenants", keys)) {
        return false;
    }
    bool weight = yaml_value(&r->yaml, item, "weight") != NULL;
    if (weight != (w->popularity == POPULARITY_WEIGHTS)) {
        return yaml_complain(&r->yaml, item, "weight: expected %s",
                             weight ? "only with `popularity: weights`" : "of every tenant, with `popularity: weights`");
    }
    if (r->tenant->pinned && r->tenant->adapter < 0) {
        return yaml_complain(&r->yaml, item, "pinned: expected of a tenant with an adapter");
    }
    for (int32_t t = 0; t < w->n_tenants; t++) {
        if (strcmp(w->tenants[t].name, r->tenant->name) == 0) {
            return yaml_complain(&r->yaml, item, "name: expected once, found a second tenant '%s'", r->tenant->name);
        }
    }
    w->n_tenants++;
    return true;
}

/* Without a list: a tenant for each adapter, with its name; without adapters one for the base model. */
static bool default_tenants(struct workload_reader *r)
{
    struct workload *w = r->w;
    int32_t adapters = w->n_adapter_files + (int32_t)w->synthetic_count, count = adapters ? adapters : 1;
    w->tenants = error_calloc(r->yaml.e, (size_t)count, sizeof *w->tenants, "tenants");
    for (int32_t t = 0; w->tenants && t < count; t++) {
        char text[WORKLOAD_PATH_ROOM];
        const char *name = adapters ? workload_adapter_name(w, t, text) : "base", *slash = strrchr(name, '/');
        snprintf(w->tenants[t].name, sizeof w->tenants[t].name, "%s", slash && slash[1] ? slash + 1 : name);
        w->tenants[t].adapter = adapters ? t : -1;
        w->tenants[t].weight = 1;
    }
    w->n_tenants = count;
    return w->tenants && (w->popularity != POPULARITY_WEIGHTS ||
                          yaml_complain(&r->yaml, NULL, "popularity: weights: expected `tenants` with their weights"));
}

static bool read_tenants(struct workload_reader *r)
{
    yaml_node_t *list = r->tenants;
    if (!list) {
        return default_tenants(r);
    }
    size_t count = yaml_list_length(list);
    if (count == 0 || count > WORKLOAD_TENANTS_MAX) {
        return yaml_complain(&r->yaml, list, "tenants: expected a list of 1 to %d tenants", WORKLOAD_TENANTS_MAX);
    }
    r->w->tenants = error_calloc(r->yaml.e, count, sizeof *r->w->tenants, "tenants");
    bool good = r->w->tenants != NULL;
    for (size_t i = 0; i < count && good; i++) {
        good = read_tenant(r, yaml_list_item(&r->yaml, list, i));
    }
    return good;
}

/* --- arrivals --- */

static bool read_trace_file(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    char text[WORKLOAD_PATH_ROOM];
    if (!yaml_copy(&r->yaml, value, key, "a file", text, sizeof text)) {
        return false;
    }
    const char *slash = text[0] != '/' ? strrchr(r->yaml.file, '/') : NULL; /* always a path, never a preset's name */
    int folder = slash ? (int)(slash - r->yaml.file) + 1 : 0;
    return snprintf(r->w->trace_file, sizeof r->w->trace_file, "%.*s%s", folder, r->yaml.file, text) < WORKLOAD_PATH_ROOM ||
           yaml_complain(&r->yaml, value, "%s: the path is too long", key);
}

static bool read_format(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    for (int f = 0; f < REQUEST_FORMATS; f++) {
        if (yaml_is_word(value, request_format_names[f])) {
            r->w->trace_format = (enum request_format)f;
            return true;
        }
    }
    return yaml_complain(&r->yaml, value, "%s: expected azure, mooncake or columns", key);
}

static bool read_arrivals(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    static const char *const words[] = {"constant", "poisson", "gamma", "trace"};
    static const struct yaml_key rate[] = {{"requests_per_s", true, read_field}};
    static const struct yaml_key gamma[] = {{"requests_per_s", true, read_field}, {"cv", true, read_field}};
    static const struct yaml_key trace[] = {{"file", true, read_trace_file}, {"format", true, read_format}, {"speed", false, read_field}};
    size_t index = 0;
    r->w->trace_speed = 1;
    if (yaml_is_word(value, "at_once")) {
        r->w->arrivals = ARRIVALS_AT_ONCE;
        return true;
    }
    yaml_node_t *inner = single_key(r, value, "arrivals (a map, or `at_once`)", words, sizeof words / sizeof *words, &index);
    (void)key;
    r->w->arrivals = (enum arrivals)(ARRIVALS_CONSTANT + index);
    return inner && (index == 3   ? YAML_MAP(&r->yaml, inner, "arrivals.trace", trace)
                     : index == 2 ? YAML_MAP(&r->yaml, inner, "arrivals.gamma", gamma)
                                  : YAML_MAP(&r->yaml, inner, words[index], rate));
}

/* --- popularity, lengths --- */

static bool read_popularity(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    static const char *const plain[] = {"uniform", "weights", "trace"}, *const words[] = {"zipf", "power_law"};
    static const enum popularity kinds[] = {POPULARITY_UNIFORM, POPULARITY_WEIGHTS, POPULARITY_TRACE};
    static const struct yaml_key zipf[] = {{"s", true, read_field}}, power[] = {{"a", true, read_field}};
    size_t index = 0;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (yaml_is_word(value, plain[i])) {
            r->w->popularity = kinds[i];
            return true;
        }
    }
    (void)key;
    yaml_node_t *inner = single_key(r, value, "popularity (or uniform, weights, trace)", words, 2, &index);
    r->w->popularity = index == 0 ? POPULARITY_ZIPF : POPULARITY_POWER_LAW;
    return inner &&
           (index == 0 ? YAML_MAP(&r->yaml, inner, "popularity.zipf", zipf) : YAML_MAP(&r->yaml, inner, "popularity.power_law", power));
}

static bool read_length(struct workload_reader *r, yaml_node_t *value, const char *key, struct workload_length *length)
{
    static const char *const words[] = {"uniform"};
    uint64_t low = 0, high = 0;
    size_t index = 0;
    if (yaml_is_word(value, "trace")) {
        *length = (struct workload_length){LENGTH_TRACE, 0, 0};
        return true;
    }
    if (value->type == YAML_SCALAR_NODE) {
        bool good = yaml_integer(&r->yaml, value, key, 1, 1000000, &low);
        *length = (struct workload_length){LENGTH_FIXED, (uint32_t)low, (uint32_t)low};
        return good;
    }
    yaml_node_t *list = single_key(r, value, key, words, 1, &index);
    if (list && (yaml_list_length(list) != 2)) {
        return yaml_complain(&r->yaml, list, "%s: expected uniform: [LOW, HIGH]", key);
    }
    if (!list || !yaml_integer(&r->yaml, yaml_list_item(&r->yaml, list, 0), key, 1, 1000000, &low) ||
        !yaml_integer(&r->yaml, yaml_list_item(&r->yaml, list, 1), key, low, 1000000, &high)) {
        return false;
    }
    *length = (struct workload_length){LENGTH_UNIFORM, (uint32_t)low, (uint32_t)high};
    return true;
}

static bool read_prompt(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return read_length(r, value, key, &r->w->prompt);
}

static bool read_output(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return read_length(r, value, key, &r->w->output);
}

/* --- the whole file --- */

static bool check(struct workload_reader *r, const yaml_node_t *root)
{
    const struct workload *w = r->w;
    bool trace = w->arrivals == ARRIVALS_TRACE;
    if (!trace && (w->prompt.kind == LENGTH_TRACE || w->output.kind == LENGTH_TRACE || w->popularity == POPULARITY_TRACE)) {
        return yaml_complain(&r->yaml, root, "%s: `trace` is expected only with arrivals from a trace",
                             w->popularity == POPULARITY_TRACE ? "popularity"
                             : w->prompt.kind == LENGTH_TRACE  ? "prompt_tokens"
                                                               : "output_tokens");
    }
    if (!trace && w->requests == 0) {
        return yaml_complain(&r->yaml, root, "requests: `all` is expected only with arrivals from a trace");
    }
    return !w->values || !w->synthetic_count ||
           yaml_complain(&r->yaml, root, "values: expected false with synthetic adapters, which have none");
}

static bool keep(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    *(strcmp(key, "tenants") == 0 ? &r->tenants : &r->incidents) = value;
    return true;
}

static bool read_root(void *user, yaml_node_t *root)
{
    struct workload_reader *r = user;
    static const struct yaml_key keys[] = {{"chip", true, read_field},
                                           {"model", true, read_field},
                                           {"set", false, read_set},
                                           {"values", true, read_field},
                                           {"seed", true, read_seed},
                                           {"requests", true, read_requests},
                                           {"adapters", false, read_adapters},
                                           {"tenants", false, keep},
                                           {"arrivals", true, read_arrivals},
                                           {"popularity", true, read_popularity},
                                           {"prompt_tokens", true, read_prompt},
                                           {"output_tokens", true, read_output},
                                           {"clip", false, read_field},
                                           {"incidents", false, keep}};
    return YAML_MAP(&r->yaml, root, "the workload", keys) && read_tenants(r) && workload_read_incidents(r) && check(r, root);
}

bool workload_parse(const char *text, size_t bytes, const char *file, struct workload *w, struct error *e)
{
    struct workload_reader r = {.yaml = {.file = file, .e = e, .user = &r}, .w = w};
    *w = (struct workload){0};
    preset_stem(file, w->name);
    snprintf(w->file, sizeof w->file, "%s", file);
    bool good = yaml_read(&r.yaml, text, bytes, FILE_BYTES_MAX, read_root);
    if (!good) {
        workload_free(w);
    }
    return good;
}

bool workload_load(const char *name_or_path, struct workload *w, struct error *e)
{
    char path[WORKLOAD_PATH_ROOM];
    size_t bytes = 0;
    *w = (struct workload){0};
    char *text = preset_yaml("workload", "workloads", name_or_path, path, sizeof path, e)
                     ? yaml_file_text(path, "workload", FILE_BYTES_MAX, &bytes, e)
                     : NULL;
    bool good = text && workload_parse(text, bytes, path, w, e);
    free(text);
    return good;
}

void workload_free(struct workload *w)
{
    free(w->set);
    free(w->adapter_files);
    free(w->tenants);
    free(w->incidents);
    *w = (struct workload){0};
}
