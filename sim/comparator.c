#include "sim/comparator.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/yaml_read.h"

enum { FILE_BYTES_MAX = 1 << 16 };

const char *const grade_names[GRADES] = {"published", "measured", "derived", "fitted", "assumed"};

const struct quantity quantities[QUANTITY_COUNT] = {
#define QUANTITY(name, unit, least, most, meaning) {#name, unit, least, most, meaning, offsetof(struct comparator, name)},
#include "sim/comparator.def"
#undef QUANTITY
};

struct reader {
    struct yaml_reader yaml;
    struct comparator *comparator;
    int quantity; /* being read */
};

static bool read_value(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    const struct quantity *q = &quantities[r->quantity];
    (void)key;
    return yaml_number(&r->yaml, value, q->name, q->least, q->most, (double *)((char *)r->comparator + q->offset));
}

static bool read_grade(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    for (enum grade g = 0; g < GRADES; g++) {
        if (yaml_is_word(value, grade_names[g])) {
            r->comparator->note[r->quantity].grade = g;
            return true;
        }
    }
    return yaml_complain(&r->yaml, value, "%s: %s: expected published, measured, derived, fitted or assumed", quantities[r->quantity].name,
                         key);
}

static bool read_source(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_copy(&r->yaml, value, key, "who says so", r->comparator->note[r->quantity].source, COMPARATOR_SOURCE_ROOM);
}

static bool read_quantity(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {{"value", true, read_value}, {"grade", true, read_grade}, {"source", true, read_source}};
    struct reader *r = user;
    r->quantity = 0;
    while (strcmp(quantities[r->quantity].name, key) != 0) {
        r->quantity++; /* ends: the key is one of the list */
    }
    return YAML_MAP(&r->yaml, value, key, keys);
}

static bool read_root(void *user, yaml_node_t *root)
{
    struct reader *r = user;
    struct yaml_key keys[QUANTITY_COUNT];
    for (int i = 0; i < QUANTITY_COUNT; i++) {
        keys[i] = (struct yaml_key){quantities[i].name, true, read_quantity};
    }
    return yaml_map(&r->yaml, root, "the comparator", keys, QUANTITY_COUNT);
}

bool comparator_parse(const char *text, size_t bytes, const char *file, struct comparator *comparator, struct error *e)
{
    struct reader r = {.yaml = {.file = file, .e = e, .user = &r}, .comparator = comparator};
    *comparator = (struct comparator){0};
    preset_stem(file, comparator->name);
    return yaml_read(&r.yaml, text, bytes, FILE_BYTES_MAX, read_root);
}

bool comparator_load(const char *name_or_path, struct comparator *comparator, struct error *e)
{
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!preset_yaml("comparator", "comparators", name_or_path, path, sizeof path, e)) {
        return false;
    }
    char *text = yaml_file_text(path, "comparator", FILE_BYTES_MAX, &bytes, e);
    bool good = text && comparator_parse(text, bytes, path, comparator, e);
    free(text);
    return good;
}

/* --- the model --- */

double shape_streamed_weights(const struct shape *s)
{
    double weights = (double)s->n_vocab * s->d_model;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        weights += (double)s->n_layers * shape_n_out(s, which) * shape_n_in(s, which);
    }
    return weights;
}

struct comparison comparator_rate(const struct comparator *c, const struct shape *s, double users, double context_tokens)
{
    double weights = shape_streamed_weights(s), group = ceil(users / c->stages);
    double weight_bytes = weights * c->weight_bits / 8;
    double kv_bytes = context_tokens * 2.0 * s->n_layers * shape_n_out(s, LINEAR_K) * c->kv_bits / 8;
    double attention_macs = 2.0 * context_tokens * s->n_layers * shape_n_out(s, LINEAR_Q);
    double memory_s = (weight_bytes + group * kv_bytes) / (c->memory_gbytes_per_s * 1e9 * c->memory_efficiency);
    double compute_s = group * 2 * (weights + attention_macs) / (c->compute_tflops * 1e12 * c->compute_efficiency);
    double step_s = fmax(memory_s, compute_s) + 1e-6 * (s->n_layers * c->layer_us + c->token_us);
    double embedding_bytes = (s->tied_head ? 0 : (double)s->n_vocab * s->d_model) * c->weight_bits / 8;
    return (struct comparison){.user_tokens_per_s = 1 / step_s,
                               .total_tokens_per_s = users / step_s,
                               .joules_per_token = c->power_w * step_s / users,
                               .fits = weight_bytes + embedding_bytes + users * kv_bytes <= c->memory_gbytes * 1e9};
}
