/* validate_read.c -- configs/validation.yaml: YAML nodes in, struct validation out, every complaint with its line. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/metrics.h"
#include "sim/validate.h"
#include "sim/yaml_read.h"

enum { FILE_BYTES_MAX = 1 << 20 };

struct reader {
    struct yaml_reader yaml;
    struct validation *validation;
    struct validation_row *row; /* being read */
    bool has_fitted, has_given;
};

/* --- values of a row: a field each --- */

#define READ_TEXT(field, expected)                                                               \
    static bool read_##field(void *user, yaml_node_t *value, const char *key)                    \
    {                                                                                            \
        struct reader *r = user;                                                                 \
        return yaml_copy(&r->yaml, value, key, (expected), r->row->field, sizeof r->row->field); \
    }

READ_TEXT(quantity, "what was published")
READ_TEXT(unit, "a unit")
READ_TEXT(source, "who published it")
READ_TEXT(chip, "a chip's name")
READ_TEXT(model, "a model's name")
READ_TEXT(comparator, "a comparator's name")
READ_TEXT(miss, "why it does not hold")

static const struct yaml_field numbers[] = {
    {"published", YAML_DOUBLE, offsetof(struct validation_row, published), 0, 1e15, NULL},
    {"prompt_tokens", YAML_DOUBLE, offsetof(struct validation_row, prompt_tokens), 1, 1e6, NULL},
    {"tokens", YAML_DOUBLE, offsetof(struct validation_row, tokens), 2, 1e6, NULL},
    {"each", YAML_DOUBLE, offsetof(struct validation_row, each), 1, 1e6, NULL},
    {"users", YAML_DOUBLE, offsetof(struct validation_row, users), 1, 1e6, NULL},
    {"context_tokens", YAML_DOUBLE, offsetof(struct validation_row, context_tokens), 0, 1e7, NULL},
    {"latency_cycles", YAML_DOUBLE, offsetof(struct validation_row, latency_cycles), 1, 1000, NULL},
    {"sram_bytes", YAML_DOUBLE, offsetof(struct validation_row, sram_bytes), 1, 1e12, NULL},
    {"rank", YAML_DOUBLE, offsetof(struct validation_row, rank), 0, 1024, NULL},
    {"lora_bytes_per_rank", YAML_DOUBLE, offsetof(struct validation_row, lora_bytes_per_rank), 0, 1e12, NULL},
    {"kv_bytes_per_token", YAML_DOUBLE, offsetof(struct validation_row, kv_bytes_per_token), 1, 1e9, NULL},
};

static bool read_number(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_field(&r->yaml, value, key, numbers, r->row);
}

static bool read_fitted(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    r->has_fitted = true;
    return yaml_copy(&r->yaml, value, key, "the parameters that were fitted", r->row->fitted, sizeof r->row->fitted);
}

static bool read_kind(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    r->row->calibration = yaml_is_word(value, "calibration");
    return r->row->calibration || yaml_is_word(value, "validation") ||
           yaml_complain(&r->yaml, value, "%s: expected calibration or validation", key);
}

static bool read_within(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    r->row->bracket = yaml_is_word(value, "bracket");
    return r->row->bracket || yaml_number(&r->yaml, value, key, 0, 1000, &r->row->within_percent);
}

static int find_constant(const char *name)
{
    for (int i = 0; i < CONSTANT_COUNT; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s.%s", constants[i].section, constants[i].name);
        if (strcmp(full, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Names of constants with a plus between them. */
static bool read_given(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    char names[VALIDATION_TEXT_ROOM], *rest = names;
    r->has_given = true;
    if (!yaml_copy(&r->yaml, value, key, "a constant", names, sizeof names)) {
        return false;
    }
    for (char *name = strtok_r(names, " +", &rest); name; name = strtok_r(NULL, " +", &rest)) {
        int constant = find_constant(name);
        if (constant < 0) {
            return yaml_complain(&r->yaml, value, "%s: there is no constant '%.100s' (etchsim physics lists them)", key, name);
        }
        r->row->given[constant] = true;
    }
    return true;
}

/* Names of metrics with a plus between them. */
static bool read_metric(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    char names[VALIDATION_TEXT_ROOM], *rest = names;
    if (!yaml_copy(&r->yaml, value, key, "a metric", r->row->metric, sizeof r->row->metric)) {
        return false;
    }
    memcpy(names, r->row->metric, sizeof names);
    for (char *name = strtok_r(names, " +", &rest); name; name = strtok_r(NULL, " +", &rest)) {
        if (!metric_find(name)) {
            return yaml_complain(&r->yaml, value, "%s: there is no metric '%.100s'", key, name);
        }
    }
    return true;
}

static bool read_layers(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    size_t count = yaml_list_length(value);
    if (count < 2 || count > MLP_LAYERS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected a list of 2 to %d widths", key, MLP_LAYERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!yaml_number(&r->yaml, yaml_list_item(&r->yaml, value, i), key, 1, 8192, &r->row->layers[i])) {
            return false;
        }
    }
    r->row->n_layers = (uint32_t)count;
    return true;
}

/* --- measures --- */

static bool read_run(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {
        {"chip", true, read_chip},     {"model", true, read_model},   {"prompt_tokens", true, read_number},
        {"tokens", true, read_number}, {"metric", true, read_metric}, {"each", false, read_number}};
    struct reader *r = user;
    r->row->measure = MEASURE_RUN;
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_machine(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {
        {"name", true, read_comparator}, {"model", true, read_model}, {"users", true, read_number}, {"context_tokens", true, read_number}};
    struct reader *r = user;
    r->row->measure = MEASURE_COMPARATOR;
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_mlp(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {{"layers", true, read_layers}, {"latency_cycles", true, read_number}};
    struct reader *r = user;
    r->row->measure = MEASURE_MLP;
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_sram(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {{"sram_bytes", true, read_number},
                                           {"rank", true, read_number},
                                           {"lora_bytes_per_rank", true, read_number},
                                           {"kv_bytes_per_token", true, read_number}};
    struct reader *r = user;
    r->row->measure = MEASURE_SRAM;
    return YAML_MAP(&r->yaml, value, key, keys);
}

/* us of each array, by its name: the published ones. */
static bool read_array_us(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    size_t i = 0;
    while (strcmp(fit_array_names[i], key) != 0) {
        i++; /* ends: the key is one of the list */
    }
    return yaml_number(&r->yaml, value, key, 1e-6, 1e6, &r->row->array_us[i]);
}

static bool read_us(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    struct yaml_key keys[FIT_ARRAYS];
    for (int i = 0; i < FIT_ARRAYS; i++) {
        keys[i] = (struct yaml_key){fit_array_names[i], true, read_array_us};
    }
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_predict(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    size_t index = 0;
    bool good = yaml_word(&r->yaml, value, key, fit_array_names, FIT_ARRAYS, &index);
    r->row->left_out = (enum fit_array)index;
    return good;
}

static bool read_leave_one_out(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {
        {"chip", true, read_chip}, {"model", true, read_model}, {"us", true, read_us}, {"predict", true, read_predict}};
    struct reader *r = user;
    r->row->measure = MEASURE_LEAVE_ONE_OUT;
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_measure(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {{"run", false, read_run},
                                           {"comparator", false, read_machine},
                                           {"mlp", false, read_mlp},
                                           {"sram", false, read_sram},
                                           {"leave_one_out", false, read_leave_one_out}};
    struct reader *r = user;
    r->row->measure = MEASURES;
    if (value->type != YAML_MAPPING_NODE || value->data.mapping.pairs.top - value->data.mapping.pairs.start != 1) {
        return yaml_complain(&r->yaml, value, "%s: expected one of run, comparator, mlp, sram and leave_one_out, with a map", key);
    }
    return YAML_MAP(&r->yaml, value, key, keys);
}

/* --- rows, file --- */

static bool read_row(struct reader *r, yaml_node_t *node)
{
    static const struct yaml_key keys[] = {
        {"quantity", true, read_quantity}, {"published", true, read_number}, {"unit", true, read_unit},     {"source", true, read_source},
        {"kind", true, read_kind},         {"fitted", false, read_fitted},   {"within", true, read_within}, {"given", false, read_given},
        {"miss", false, read_miss},        {"measure", true, read_measure}};
    r->has_fitted = r->has_given = false;
    r->row->each = 1;
    if (!YAML_MAP(&r->yaml, node, "a row", keys)) {
        return false;
    }
    if (r->row->calibration != r->has_fitted) {
        return yaml_complain(&r->yaml, node, "fitted: expected for a calibration, and for nothing else");
    }
    if (r->has_given && !r->row->bracket) {
        return yaml_complain(&r->yaml, node, "given: expected with `within: bracket` only");
    }
    return !r->row->bracket || r->row->measure == MEASURE_RUN ||
           yaml_complain(&r->yaml, node, "within: bracket is expected with a run only");
}

static bool read_rows(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    size_t count = yaml_list_length(value);
    if (count == 0 || count > VALIDATION_ROWS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected a list of 1 to %d rows", key, VALIDATION_ROWS_MAX);
    }
    r->validation->rows = error_calloc(r->yaml.e, count, sizeof *r->validation->rows, "rows");
    bool good = r->validation->rows != NULL;
    for (size_t i = 0; i < count && good; i++) {
        r->row = &r->validation->rows[i];
        good = read_row(r, yaml_list_item(&r->yaml, value, i));
        r->validation->n_rows += good;
    }
    return good;
}

static bool read_root(void *user, yaml_node_t *root)
{
    static const struct yaml_key keys[] = {{"rows", true, read_rows}};
    struct reader *r = user;
    return YAML_MAP(&r->yaml, root, "the validation", keys);
}

bool validation_parse(const char *text, size_t bytes, const char *file, struct validation *v, struct error *e)
{
    struct reader r = {.yaml = {.file = file, .e = e, .user = &r}, .validation = v};
    *v = (struct validation){0};
    if (yaml_read(&r.yaml, text, bytes, FILE_BYTES_MAX, read_root)) {
        return true;
    }
    validation_free(v);
    return false;
}

bool validation_load(const char *path, struct validation *v, struct error *e)
{
    char preset[PATH_MAX];
    size_t bytes = 0;
    if (!path && !config_path("validation.yaml", preset, sizeof preset, e)) {
        return false;
    }
    path = path ? path : preset;
    char *text = yaml_file_text(path, "validation", FILE_BYTES_MAX, &bytes, e);
    bool good = text && validation_parse(text, bytes, path, v, e);
    free(text);
    return good;
}

void validation_free(struct validation *v)
{
    free(v->rows);
    *v = (struct validation){0};
}
