#include "sim/physics.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/yaml_read.h"

enum { FILE_BYTES_MAX = 1 << 18 };

const char *const corner_names[CORNERS] = {"low", "nominal", "high"};

const struct constant constants[CONSTANT_COUNT] = {
#define CONSTANT(section, name, unit, least, most, effect, meaning) \
    {#section, #name, unit, least, most, EFFECT_##effect, meaning, offsetof(struct constants, section##_##name)},
#include "sim/physics.def"
#undef CONSTANT
};

struct reader {
    struct yaml_reader yaml;
    struct physics *physics;
    const char *section;
    int constant; /* being read */
};

/* --- one constant --- */

static bool read_bound(struct reader *r, yaml_node_t *value, const char *key, double *bound)
{
    const struct constant *c = &constants[r->constant];
    char text[160];
    snprintf(text, sizeof text, "%s.%s: %s", c->section, c->name, key);
    return yaml_number(&r->yaml, value, text, c->least, c->most, bound);
}

static bool read_low(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return read_bound(r, value, key, &r->physics->given[r->constant].low);
}

static bool read_nominal(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return read_bound(r, value, key, &r->physics->given[r->constant].nominal);
}

static bool read_high(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return read_bound(r, value, key, &r->physics->given[r->constant].high);
}

static bool read_unit(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    const struct constant *c = &constants[r->constant];
    const char *unit = yaml_text(&r->yaml, value, key, "a unit", PHYSICS_PROCESS_ROOM);
    return unit && (strcmp(unit, c->unit) == 0 ||
                    yaml_complain(&r->yaml, value, "%s.%s: unit: expected %s, found '%s'", c->section, c->name, c->unit, unit));
}

static bool read_process(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_copy(&r->yaml, value, key, "a process node, or none", r->physics->given[r->constant].process, PHYSICS_PROCESS_ROOM);
}

static bool read_source(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_copy(&r->yaml, value, key, "who says so", r->physics->given[r->constant].source, PHYSICS_SOURCE_ROOM);
}

/* The bracket's ends go to the corners by what a larger value does. */
static void assign(struct physics *p, int i)
{
    bool less = constants[i].effect == EFFECT_LESS;
    double ends[CORNERS] = {less ? p->given[i].high : p->given[i].low, p->given[i].nominal, less ? p->given[i].low : p->given[i].high};
    for (enum corner k = 0; k < CORNERS; k++) {
        *(double *)((char *)&p->corner[k] + constants[i].offset) = ends[k];
    }
}

static bool read_constant(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {{"low", true, read_low},   {"nominal", true, read_nominal}, {"high", true, read_high},
                                           {"unit", true, read_unit}, {"process", true, read_process}, {"source", true, read_source}};
    struct reader *r = user;
    char where[128];
    r->constant = 0;
    while (strcmp(constants[r->constant].section, r->section) != 0 || strcmp(constants[r->constant].name, key) != 0) {
        r->constant++; /* ends: the key is one of the list */
    }
    snprintf(where, sizeof where, "%s.%s", r->section, key);
    if (!YAML_MAP(&r->yaml, value, where, keys)) {
        return false;
    }
    double low = r->physics->given[r->constant].low, nominal = r->physics->given[r->constant].nominal,
           high = r->physics->given[r->constant].high;
    assign(r->physics, r->constant);
    return (low <= nominal && nominal <= high) ||
           yaml_complain(&r->yaml, value, "%s: expected low <= nominal <= high, found %g, %g, %g", where, low, nominal, high);
}

/* --- sections, file --- */

static bool read_section(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    struct yaml_key keys[CONSTANT_COUNT];
    size_t n = 0;
    for (int i = 0; i < CONSTANT_COUNT; i++) {
        if (strcmp(constants[i].section, key) == 0) {
            keys[n++] = (struct yaml_key){constants[i].name, true, read_constant};
        }
    }
    r->section = key;
    return yaml_map(&r->yaml, value, key, keys, n);
}

static bool read_root(void *user, yaml_node_t *root)
{
    struct reader *r = user;
    struct yaml_key keys[CONSTANT_COUNT];
    size_t n = 0;
    for (int i = 0; i < CONSTANT_COUNT; i++) {
        if (i == 0 || strcmp(constants[i].section, constants[i - 1].section) != 0) {
            keys[n++] = (struct yaml_key){constants[i].section, true, read_section};
        }
    }
    return yaml_map(&r->yaml, root, "the constants", keys, n);
}

bool physics_parse(const char *text, size_t bytes, const char *file, struct physics *physics, struct error *e)
{
    struct reader r = {.yaml = {.file = file, .e = e, .user = &r}, .physics = physics};
    *physics = (struct physics){0};
    preset_stem(file, physics->name);
    return yaml_read(&r.yaml, text, bytes, FILE_BYTES_MAX, read_root);
}

bool physics_load(const char *name_or_path, struct physics *physics, struct error *e)
{
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!preset_yaml("set of constants", "physics", name_or_path, path, sizeof path, e)) {
        return false;
    }
    char *text = yaml_file_text(path, "file of constants", FILE_BYTES_MAX, &bytes, e);
    bool good = text && physics_parse(text, bytes, path, physics, e);
    free(text);
    return good;
}
