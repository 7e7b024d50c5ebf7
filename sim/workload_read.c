/* workload_read.c -- workload files: YAML nodes in, struct workload out, every complaint with its line.
 *
 * A map's keys are rows of a table: name, whether it must be there, and the function that reads its value. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/presets.h"
#include "sim/workload.h"
#include "sim/yaml_read.h"

enum { FILE_BYTES_MAX = 1 << 24, RANK_MAX = 128 };

struct reader {
    struct yaml_reader yaml;
    struct workload *w;
    struct workload_tenant *tenant; /* that is being read */
    bool given_weight;
    yaml_node_t *tenants, *incidents;   /* read last, since they name adapters */
    struct workload_incident *incident; /* that is being read */
    bool has_kind, has_to, has_layer, has_times, has_bits;
};

/* Of a map with a single key, like `poisson: {...}`: its value, and the key's index in the list of words; NULL and an error otherwise. */
static yaml_node_t *single_key(struct reader *r, yaml_node_t *map, const char *where, const char *const *words, size_t n, size_t *index)
{
    const yaml_node_pair_t *pair = map->type == YAML_MAPPING_NODE ? map->data.mapping.pairs.start : NULL;
    yaml_node_t *name = pair && map->data.mapping.pairs.top - pair == 1 ? yaml_node(&r->yaml, pair->key) : NULL;
    char all[200] = "";
    for (*index = 0; *index < n; ++*index) {
        size_t used = strlen(all);
        if (name && name->type == YAML_SCALAR_NODE && strcmp((const char *)name->data.scalar.value, words[*index]) == 0) {
            return yaml_node(&r->yaml, pair->value);
        }
        snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", words[*index]);
    }
    yaml_complain(&r->yaml, name ? name : map, "%s: expected one of: %s", where, all);
    return NULL;
}

/* --- chip, model, simple keys --- */

static bool read_chip(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_path(&r->yaml, value, key, ".yaml", r->w->chip, sizeof r->w->chip);
}

static bool read_model(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_path(&r->yaml, value, key, ".gguf", r->w->model, sizeof r->w->model);
}

static bool read_set(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
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
    struct reader *r = user;
    uint64_t count = 0;
    if (!yaml_is_word(value, "all") && !yaml_integer(&r->yaml, value, key, 1, WORKLOAD_REQUESTS_MAX, &count)) {
        return false;
    }
    r->w->requests = (uint32_t)count;
    return true;
}

static bool read_seed(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_integer(&r->yaml, value, key, 0, INT64_MAX, &r->w->seed);
}

static bool read_values(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_bool(&r->yaml, value, key, &r->w->values);
}

static bool read_clip(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_bool(&r->yaml, value, key, &r->w->clip);
}

/* --- adapters --- */

static bool read_files(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    struct workload *w = r->w;
    if (value->type != YAML_SEQUENCE_NODE) {
        return yaml_complain(&r->yaml, value, "%s: expected a list of adapters, found %s", key, yaml_kind(value));
    }
    size_t count = (size_t)(value->data.sequence.items.top - value->data.sequence.items.start);
    if (count > WORKLOAD_TENANTS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected at most %d adapters", key, WORKLOAD_TENANTS_MAX);
    }
    w->adapter_files = error_calloc(r->yaml.e, count + 1, sizeof *w->adapter_files, "adapters");
    for (size_t i = 0; w->adapter_files && i < count; i++) {
        yaml_node_t *item = yaml_node(&r->yaml, value->data.sequence.items.start[i]);
        if (!yaml_path(&r->yaml, item, key, ".gguf", w->adapter_files[w->n_adapter_files], sizeof *w->adapter_files)) {
            return false;
        }
        if (strcmp(w->adapter_files[w->n_adapter_files++], "none") == 0) {
            return yaml_complain(&r->yaml, item, "%s: expected adapters; the base model is a tenant's `adapter: none`", key);
        }
    }
    return w->adapter_files != NULL;
}

static bool read_count(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    uint64_t count = 0;
    bool good = yaml_integer(&r->yaml, value, key, 1, WORKLOAD_TENANTS_MAX / 2, &count);
    r->w->synthetic_count = (uint32_t)count;
    return good;
}

static bool read_rank(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    struct workload *w = r->w;
    bool list = value->type == YAML_SEQUENCE_NODE;
    size_t count = list ? (size_t)(value->data.sequence.items.top - value->data.sequence.items.start) : 1;
    if (count == 0 || count > WORKLOAD_RANKS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected an integer, or a list of 1 to %d", key, WORKLOAD_RANKS_MAX);
    }
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        uint64_t rank = 0;
        yaml_node_t *item = list ? yaml_node(&r->yaml, value->data.sequence.items.start[i]) : value;
        good = yaml_integer(&r->yaml, item, key, 1, RANK_MAX, &rank);
        w->synthetic_rank[w->n_synthetic_ranks++] = (uint32_t)rank;
    }
    return good;
}

static bool read_synthetic(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    static const struct yaml_key keys[] = {{"count", true, read_count}, {"rank", true, read_rank}};
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_adapters(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
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
    struct reader *r = user;
    const char *text = yaml_text(&r->yaml, value, key, "a name", WORKLOAD_NAME_ROOM);
    if (text && strpbrk(text, ",\"\r\n")) {
        return yaml_complain(&r->yaml, value, "%s: expected a name without commas, quotes and line ends", key);
    }
    return text && yaml_copy(&r->yaml, value, key, "a name", r->tenant->name, sizeof r->tenant->name);
}

/* An adapter of the workload's list; *index -1 for `none`. */
static bool find_adapter(struct reader *r, yaml_node_t *value, const char *key, const char *expected, int32_t *index)
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
    struct reader *r = user;
    return find_adapter(r, value, key, "`none` or ", &r->tenant->adapter);
}

static bool read_weight(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    r->given_weight = true;
    return yaml_number(&r->yaml, value, key, 1e-9, 1e9, &r->tenant->weight);
}

static bool read_pinned(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_bool(&r->yaml, value, key, &r->tenant->pinned);
}

static bool read_tenant(struct reader *r, yaml_node_t *item)
{
    static const struct yaml_key keys[] = {{"name", true, read_tenant_name},
                                           {"adapter", true, read_tenant_adapter},
                                           {"weight", false, read_weight},
                                           {"pinned", false, read_pinned}};
    struct workload *w = r->w;
    r->tenant = &w->tenants[w->n_tenants];
    r->given_weight = false;
    r->tenant->weight = 1;
    if (!YAML_MAP(&r->yaml, item, "tenants", keys)) {
        return false;
    }
    if (r->given_weight != (w->popularity == POPULARITY_WEIGHTS)) {
        return yaml_complain(&r->yaml, item, "weight: expected %s",
                             r->given_weight ? "only with `popularity: weights`" : "of every tenant, with `popularity: weights`");
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

static bool keep_tenants(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    (void)key;
    r->tenants = value;
    return true;
}

/* Without a list: a tenant for each adapter, with its name; without adapters one for the base model. */
static bool default_tenants(struct reader *r)
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

static bool read_tenants(struct reader *r)
{
    yaml_node_t *list = r->tenants;
    if (!list) {
        return default_tenants(r);
    }
    size_t count = list->type == YAML_SEQUENCE_NODE ? (size_t)(list->data.sequence.items.top - list->data.sequence.items.start) : 0;
    if (count == 0 || count > WORKLOAD_TENANTS_MAX) {
        return yaml_complain(&r->yaml, list, "tenants: expected a list of 1 to %d tenants", WORKLOAD_TENANTS_MAX);
    }
    r->w->tenants = error_calloc(r->yaml.e, count, sizeof *r->w->tenants, "tenants");
    bool good = r->w->tenants != NULL;
    for (size_t i = 0; i < count && good; i++) {
        good = read_tenant(r, yaml_node(&r->yaml, list->data.sequence.items.start[i]));
    }
    return good;
}

/* --- incidents --- */

static bool keep_incidents(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    (void)key;
    r->incidents = value;
    return true;
}

static bool read_at(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_number(&r->yaml, value, key, 0, 1e9, &r->incident->at_us);
}

/* reload: NAME, ...: the key says what happens. */
static bool read_kind(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    int kind = 0;
    while (kind < INCIDENT_KINDS - 1 && strcmp(incident_names[kind], key) != 0) {
        kind++;
    }
    if (r->has_kind) {
        return yaml_complain(&r->yaml, value, "%s: expected one of reload, unload, corrupt, truncate, flip in an incident", key);
    }
    r->has_kind = true;
    r->incident->what.kind = (enum incident_kind)kind;
    return find_adapter(r, value, key, "", &r->incident->what.adapter) &&
           (r->incident->what.adapter >= 0 || yaml_complain(&r->yaml, value, "%s: expected an adapter, found none", key));
}

static bool read_to(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    r->has_to = true;
    return find_adapter(r, value, key, "", &r->incident->what.version) &&
           (r->incident->what.version >= 0 || yaml_complain(&r->yaml, value, "%s: expected an adapter, found none", key));
}

static bool read_layer(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    const bool embedding = yaml_is_word(value, "embedding"), head = yaml_is_word(value, "head");
    uint64_t layer = 0;
    r->has_layer = embedding || head || yaml_integer(&r->yaml, value, key, 0, 100000, &layer);
    r->incident->what.layer = embedding ? LAYER_EMBEDDING : head ? INCIDENT_AT_HEAD : (int32_t)layer;
    return r->has_layer;
}

static bool read_times(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    uint64_t times = 0;
    r->has_times = yaml_integer(&r->yaml, value, key, 1, 1000000000, &times);
    r->incident->what.count = (uint32_t)times;
    return r->has_times;
}

static bool read_bits(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    uint64_t bits = 0;
    r->has_bits = yaml_integer(&r->yaml, value, key, 1, 3, &bits);
    r->incident->what.count = (uint32_t)bits;
    return r->has_bits;
}

/* A new version belongs to one adapter only: whoever else had it would be moved along with a second reload. */
static bool check_version(struct reader *r, yaml_node_t *item, const struct incident *what)
{
    for (int32_t t = 0; what->version != what->adapter && t < r->w->n_tenants; t++) {
        if (r->w->tenants[t].adapter == what->version) {
            return yaml_complain(&r->yaml, item, "to: expected an adapter that no tenant has, and '%s' has it", r->w->tenants[t].name);
        }
    }
    return true;
}

static bool read_incident(struct reader *r, yaml_node_t *item)
{
    static const struct yaml_key keys[] = {{"at_us", true, read_at},      {"reload", false, read_kind},   {"unload", false, read_kind},
                                           {"corrupt", false, read_kind}, {"truncate", false, read_kind}, {"flip", false, read_kind},
                                           {"to", false, read_to},        {"layer", false, read_layer},   {"times", false, read_times},
                                           {"bits", false, read_bits}};
    struct incident *what = &r->incident->what;
    r->has_kind = r->has_to = r->has_layer = r->has_times = r->has_bits = false;
    what->count = 1;
    if (!YAML_MAP(&r->yaml, item, "incidents", keys)) {
        return false;
    }
    bool slice = what->kind == INCIDENT_CORRUPT || what->kind == INCIDENT_TRUNCATE, layer = slice || what->kind == INCIDENT_FLIP;
    const char *name = incident_names[what->kind];
    if (!r->has_kind) {
        return yaml_complain(&r->yaml, item, "incidents: expected one of reload, unload, corrupt, truncate, flip");
    }
    if (r->has_layer != layer) {
        return yaml_complain(&r->yaml, item, "layer: %s with %s", layer ? "expected" : "not expected", name);
    }
    if ((r->has_to && what->kind != INCIDENT_RELOAD) || (r->has_times && !slice) || (r->has_bits && what->kind != INCIDENT_FLIP)) {
        return yaml_complain(&r->yaml, item, "%s: not expected with %s", r->has_to ? "to" : r->has_times ? "times" : "bits", name);
    }
    what->version = r->has_to ? what->version : what->adapter;
    return check_version(r, item, what);
}

static bool read_incidents(struct reader *r)
{
    enum { INCIDENTS_MAX = 10000 };
    yaml_node_t *list = r->incidents;
    size_t count = list && list->type == YAML_SEQUENCE_NODE ? (size_t)(list->data.sequence.items.top - list->data.sequence.items.start) : 0;
    if (!list) {
        return true;
    }
    if (count == 0 || count > INCIDENTS_MAX) {
        return yaml_complain(&r->yaml, list, "incidents: expected a list of 1 to %d", INCIDENTS_MAX);
    }
    r->w->incidents = error_calloc(r->yaml.e, count, sizeof *r->w->incidents, "incidents");
    bool good = r->w->incidents != NULL;
    for (size_t i = 0; good && i < count; i++) {
        r->incident = &r->w->incidents[r->w->n_incidents++];
        good = read_incident(r, yaml_node(&r->yaml, list->data.sequence.items.start[i]));
    }
    return good;
}

/* --- arrivals --- */

static bool read_rate(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_number(&r->yaml, value, key, 1e-6, 1e12, &r->w->requests_per_s);
}

static bool read_cv(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_number(&r->yaml, value, key, 0.01, 100, &r->w->cv);
}

static bool read_trace_file(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
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
    struct reader *r = user;
    for (int f = 0; f < REQUEST_FORMATS; f++) {
        if (yaml_is_word(value, request_format_names[f])) {
            r->w->trace_format = (enum request_format)f;
            return true;
        }
    }
    return yaml_complain(&r->yaml, value, "%s: expected azure, mooncake or columns", key);
}

static bool read_speed(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_number(&r->yaml, value, key, 1e-6, 1e9, &r->w->trace_speed);
}

static bool read_arrivals(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    static const char *const words[] = {"constant", "poisson", "gamma", "trace"};
    static const struct yaml_key rate[] = {{"requests_per_s", true, read_rate}};
    static const struct yaml_key gamma[] = {{"requests_per_s", true, read_rate}, {"cv", true, read_cv}};
    static const struct yaml_key trace[] = {{"file", true, read_trace_file}, {"format", true, read_format}, {"speed", false, read_speed}};
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

static bool read_exponent(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    bool power = r->w->popularity == POPULARITY_POWER_LAW;
    return yaml_number(&r->yaml, value, key, power ? 0.01 : 0, 10, &r->w->exponent);
}

static bool read_popularity(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    static const char *const plain[] = {"uniform", "weights", "trace"}, *const words[] = {"zipf", "power_law"};
    static const enum popularity kinds[] = {POPULARITY_UNIFORM, POPULARITY_WEIGHTS, POPULARITY_TRACE};
    static const struct yaml_key zipf[] = {{"s", true, read_exponent}}, power[] = {{"a", true, read_exponent}};
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

static bool read_length(struct reader *r, yaml_node_t *value, const char *key, struct workload_length *length)
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
    if (list && (list->type != YAML_SEQUENCE_NODE || list->data.sequence.items.top - list->data.sequence.items.start != 2)) {
        return yaml_complain(&r->yaml, list, "%s: expected uniform: [LOW, HIGH]", key);
    }
    if (!list || !yaml_integer(&r->yaml, yaml_node(&r->yaml, list->data.sequence.items.start[0]), key, 1, 1000000, &low) ||
        !yaml_integer(&r->yaml, yaml_node(&r->yaml, list->data.sequence.items.start[1]), key, low, 1000000, &high)) {
        return false;
    }
    *length = (struct workload_length){LENGTH_UNIFORM, (uint32_t)low, (uint32_t)high};
    return true;
}

static bool read_prompt(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return read_length(r, value, key, &r->w->prompt);
}

static bool read_output(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return read_length(r, value, key, &r->w->output);
}

/* --- the whole file --- */

static bool check(struct reader *r, const yaml_node_t *root)
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

static bool read_root(void *user, yaml_node_t *root)
{
    struct reader *r = user;
    static const struct yaml_key keys[] = {{"chip", true, read_chip},
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
                                           {"clip", false, read_clip},
                                           {"incidents", false, keep_incidents}};
    return YAML_MAP(&r->yaml, root, "the workload", keys) && read_tenants(r) && read_incidents(r) && check(r, root);
}

static void set_name(struct workload *w, const char *file)
{
    const char *slash = strrchr(file, '/'), *stem = slash ? slash + 1 : file, *dot = strrchr(stem, '.');
    snprintf(w->name, sizeof w->name, "%.*s", dot && dot > stem ? (int)(dot - stem) : (int)strlen(stem), stem);
    snprintf(w->file, sizeof w->file, "%s", file);
}

bool workload_parse(const char *text, size_t bytes, const char *file, struct workload *w, struct error *e)
{
    struct reader r = {.yaml = {.file = file, .e = e, .user = &r}, .w = w};
    *w = (struct workload){0};
    set_name(w, file);
    bool good = yaml_read(&r.yaml, text, bytes, FILE_BYTES_MAX, read_root);
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
    size_t bytes = 0;
    *w = (struct workload){0};
    char *text = find_file(name_or_path, path, e) ? yaml_file_text(path, "workload", FILE_BYTES_MAX, &bytes, e) : NULL;
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
