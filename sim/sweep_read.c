/* sweep_read.c -- sweep files: YAML nodes in, struct sweep out, every complaint with its line. */
#include <stdlib.h>
#include <string.h>

#include "sim/params.h"
#include "sim/presets.h"
#include "sim/suggest.h"
#include "sim/sweep_read_internal.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* -- keys -- */

static void offer_keys(struct suggestion *nearest, const char *typed)
{
    static const char *const names[] = {"chip", "model", "serve"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        suggest_offer(nearest, typed, names[i]);
    }
    for (int i = 0; i < INPUT_COUNT; i++) {
        suggest_offer(nearest, typed, sweep_inputs[i].key);
    }
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        suggest_offer(nearest, typed, parameters[i].key);
    }
}

static bool find_key(struct sweep_reader *r, yaml_node_t *node, const char *where, struct sweep_key *key)
{
    const char *text = yaml_text(&r->yaml, node, where, "a key", SWEEP_KEY_ROOM);
    if (!text || sweep_key_find(text, key)) {
        return text != NULL;
    }
    struct suggestion nearest = {0};
    char hint[128];
    offer_keys(&nearest, text);
    return yaml_complain(&r->yaml, node, "%s: there is nothing called '%s' to vary%s", where, text,
                         suggest_text(&nearest, hint, sizeof hint));
}

static bool same_key(struct sweep_key a, struct sweep_key b)
{
    return a.target == b.target && a.index == b.index;
}

/* -- values -- */

static bool is_choice(struct sweep_key key)
{
    return key.target == TARGET_PARAMETER && parameters[key.index].words;
}

static bool read_number(struct sweep_reader *r, yaml_node_t *node, struct sweep_key key, uint32_t *value)
{
    uint64_t number = 0;
    struct error detail;
    if (!is_choice(key)) {
        bool good = yaml_integer(&r->yaml, node, sweep_key_text(key), sweep_key_low(key), sweep_key_high(key), &number);
        *value = (uint32_t)number;
        return good;
    }
    const char *text = yaml_text(&r->yaml, node, sweep_key_text(key), parameters[key.index].words, SWEEP_TEXT_ROOM);
    return text && (parameter_parse(&parameters[key.index], text, value, &detail) ||
                    yaml_complain(&r->yaml, node, "%s: %s", sweep_key_text(key), detail.message));
}

/* Room for n values of the axis being read. */
static bool make_room(struct sweep_reader *r, uint32_t n)
{
    struct sweep_axis *a = r->axis;
    if (sweep_key_is_name(a->key)) {
        a->names = error_calloc(r->yaml.e, n, sizeof *a->names, "values");
        return a->names != NULL;
    }
    a->numbers = error_calloc(r->yaml.e, n, sizeof *a->numbers, "values");
    return a->numbers != NULL;
}

static bool read_value(struct sweep_reader *r, yaml_node_t *node, uint32_t i)
{
    struct sweep_axis *a = r->axis;
    bool good = sweep_key_is_name(a->key) ? yaml_path(&r->yaml, node, sweep_key_text(a->key),
                                                      a->key.target == TARGET_MODEL ? ".gguf" : ".yaml", a->names[i], sizeof a->names[i])
                                          : read_number(r, node, a->key, &a->numbers[i]);
    for (uint32_t other = 0; good && other < i; other++) {
        bool equal = a->names ? strcmp(a->names[other], a->names[i]) == 0 : a->numbers[other] == a->numbers[i];
        good = !equal || yaml_complain(&r->yaml, node, "%s: expected each value once", sweep_key_text(a->key));
    }
    return good;
}

static bool read_list(struct sweep_reader *r, yaml_node_t *list)
{
    struct sweep_axis *a = r->axis;
    size_t count = yaml_list_length(list);
    if (count == 0 || count > SWEEP_VALUES_MAX) {
        return yaml_complain(&r->yaml, list, "%s: expected 1 to %d values", sweep_key_text(a->key), SWEEP_VALUES_MAX);
    }
    if (!make_room(r, (uint32_t)count)) {
        return false;
    }
    a->kind = AXIS_LIST;
    for (; a->n_values < count; a->n_values++) {
        if (!read_value(r, yaml_list_item(&r->yaml, list, a->n_values), a->n_values)) {
            return false;
        }
    }
    return true;
}

/* -- ranges -- */

static bool read_from(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    (void)key;
    r->from_given = true;
    return read_number(r, value, r->axis->key, &r->axis->low);
}

static bool read_to(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    (void)key;
    r->to_given = true;
    return read_number(r, value, r->axis->key, &r->axis->high);
}

static bool read_small(struct sweep_reader *r, yaml_node_t *value, const char *key, uint64_t low, uint32_t *to)
{
    uint64_t number = 0;
    bool good = yaml_integer(&r->yaml, value, key, low, UINT32_MAX, &number);
    *to = (uint32_t)number;
    return good;
}

static bool read_step(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    r->step_given = true;
    return read_small(r, value, key, 1, &r->step);
}

static bool read_powers(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    r->powers_given = true;
    return read_small(r, value, key, 2, &r->powers_of);
}

static bool read_scale(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    r->scale_given = true;
    r->axis->logarithmic = yaml_is_word(value, "logarithmic");
    return r->axis->logarithmic || yaml_is_word(value, "linear") ||
           yaml_complain(&r->yaml, value, "%s: expected linear or logarithmic", key);
}

static bool read_equal(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    struct sweep_key other;
    if (!find_key(r, value, key, &other)) {
        return false;
    }
    if (sweep_key_is_name(other) || is_choice(other) || same_key(other, r->axis->key)) {
        return yaml_complain(&r->yaml, value, "%s: expected the key of another number, found '%s'", key, sweep_key_text(other));
    }
    r->axis->kind = AXIS_TIE;
    r->axis->tied_to = other;
    return true;
}

/* Writes a range's values out, or counts them (numbers NULL). */
static uint64_t range_values(const struct sweep_reader *r, uint32_t *numbers)
{
    const struct sweep_axis *a = r->axis;
    uint64_t n = 0;
    for (uint64_t x = a->low; x <= a->high && n <= SWEEP_VALUES_MAX; x = r->powers_given ? x * r->powers_of : x + r->step) {
        if (numbers) {
            numbers[n] = (uint32_t)x;
        }
        n++;
    }
    return n;
}

static bool read_range(struct sweep_reader *r, yaml_node_t *map)
{
    static const struct yaml_key keys[] = {{"from", false, read_from},        {"to", false, read_to},       {"step", false, read_step},
                                           {"powers_of", false, read_powers}, {"scale", false, read_scale}, {"equal", false, read_equal}};
    struct sweep_axis *a = r->axis;
    const char *text = sweep_key_text(a->key);
    if (sweep_key_is_name(a->key) || is_choice(a->key)) {
        return yaml_complain(&r->yaml, map, "%s: expected a list of names", text);
    }
    r->from_given = r->to_given = r->step_given = r->powers_given = r->scale_given = false;
    a->kind = AXIS_INTERVAL;
    if (!YAML_MAP(&r->yaml, map, text, keys)) {
        return false;
    }
    if (a->kind == AXIS_TIE) {
        return !(r->from_given || r->to_given || r->step_given || r->powers_given || r->scale_given) ||
               yaml_complain(&r->yaml, map, "%s: expected `equal` alone", text);
    }
    if (!r->from_given || !r->to_given || a->low > a->high || r->step_given + r->powers_given + r->scale_given > 1) {
        return yaml_complain(&r->yaml, map, "%s: expected from and to, in rising order, and at most one of step, powers_of and scale",
                             text);
    }
    if ((r->powers_given || a->logarithmic) && a->low == 0) {
        return yaml_complain(&r->yaml, map, "%s: expected from: 1 or more", text);
    }
    if (!r->step_given && !r->powers_given) {
        return true;
    }
    uint64_t n = range_values(r, NULL);
    if (n > SWEEP_VALUES_MAX) {
        return yaml_complain(&r->yaml, map, "%s: expected at most %d values", text, SWEEP_VALUES_MAX);
    }
    if (!make_room(r, (uint32_t)n)) {
        return false;
    }
    a->kind = AXIS_LIST;
    a->n_values = (uint32_t)range_values(r, a->numbers);
    return true;
}

/* -- axes -- */

static bool new_axis(struct sweep_reader *r, yaml_node_t *node, struct sweep_key key)
{
    struct sweep *s = r->s;
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (same_key(s->axes[i].key, key)) {
            return yaml_complain(&r->yaml, node, "%s: expected once in the whole file", sweep_key_text(key));
        }
    }
    if (s->n_axes == SWEEP_AXES_MAX) {
        return yaml_complain(&r->yaml, node, "expected at most %d keys", SWEEP_AXES_MAX);
    }
    r->axis = &s->axes[s->n_axes++];
    *r->axis = (struct sweep_axis){.key = key};
    return true;
}

static bool read_fixed(struct sweep_reader *r, yaml_node_t *node, struct sweep_key key, yaml_node_t *value)
{
    if (!new_axis(r, node, key) || !make_room(r, 1)) {
        return false;
    }
    r->axis->kind = AXIS_LIST;
    r->axis->fixed = true;
    r->axis->n_values = 1;
    return read_value(r, value, 0);
}

static bool read_axis(struct sweep_reader *r, yaml_node_t *node, struct sweep_key key, yaml_node_t *value)
{
    if (!new_axis(r, node, key)) {
        return false;
    }
    return value->type == YAML_SEQUENCE_NODE ? read_list(r, value)
           : value->type == YAML_MAPPING_NODE
               ? read_range(r, value)
               : yaml_complain(&r->yaml, value, "%s: expected a list of values or a range, found %s (`set` fixes a value)",
                               sweep_key_text(key), yaml_kind(value));
}

static bool read_keys(struct sweep_reader *r, yaml_node_t *map, const char *where,
                      bool (*read)(struct sweep_reader *r, yaml_node_t *node, struct sweep_key key, yaml_node_t *value))
{
    if (map->type != YAML_MAPPING_NODE) {
        return yaml_complain(&r->yaml, map, "%s: expected a map, found %s", where, yaml_kind(map));
    }
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        yaml_node_t *node = yaml_node(&r->yaml, pair->key);
        struct sweep_key key;
        if (!find_key(r, node, where, &key) || !read(r, node, key, yaml_node(&r->yaml, pair->value))) {
            return false;
        }
    }
    return true;
}

static bool read_set(void *user, yaml_node_t *value, const char *key)
{
    return read_keys(user, value, key, read_fixed);
}

static bool read_parameters(void *user, yaml_node_t *value, const char *key)
{
    return read_keys(user, value, key, read_axis);
}

static bool read_named(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_key which;
    bool found = sweep_key_find(key, &which);
    ES_ASSERT(found);
    return read_fixed(user, value, which, value);
}

/* -- method -- */

static bool read_method(void *user, yaml_node_t *value, const char *key)
{
    static const char *const words[] = {"grid", "random", "latin_hypercube"};
    struct sweep_reader *r = user;
    for (int i = 0; i < 3; i++) {
        if (yaml_is_word(value, words[i])) {
            r->s->method = (enum sampling_method)i;
            return true;
        }
    }
    return yaml_complain(&r->yaml, value, "%s: expected grid, random or latin_hypercube", key);
}

static bool read_points(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    uint64_t n = 0;
    bool good = yaml_integer(&r->yaml, value, key, 1, SWEEP_POINTS_MAX, &n);
    r->points_given = true;
    r->s->n_points = (uint32_t)n;
    return good;
}

static bool read_seed(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    r->seed_given = true;
    return yaml_integer(&r->yaml, value, key, 0, INT64_MAX, &r->s->seed);
}

static bool read_physics(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    return yaml_path(&r->yaml, value, key, ".yaml", r->s->physics_name, sizeof r->s->physics_name);
}

/* -- the whole -- */

static const struct sweep_axis *find_axis(const struct sweep *s, enum sweep_target target, int32_t index)
{
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (same_key(s->axes[i].key, (struct sweep_key){target, index})) {
            return &s->axes[i];
        }
    }
    return NULL;
}

static bool check_ties(struct sweep_reader *r, const yaml_node_t *root)
{
    for (uint32_t i = 0; i < r->s->n_axes; i++) {
        const struct sweep_axis *a = &r->s->axes[i],
                                *other = a->kind == AXIS_TIE ? find_axis(r->s, a->tied_to.target, a->tied_to.index) : NULL;
        if (other && other->kind == AXIS_TIE) {
            return yaml_complain(&r->yaml, root, "%s: equal: expected a key with values of its own, found %s, which is tied as well",
                                 sweep_key_text(a->key), sweep_key_text(a->tied_to));
        }
    }
    return true;
}

static bool check_whole(struct sweep_reader *r, const yaml_node_t *root)
{
    struct sweep *s = r->s;
    uint64_t points = 1;
    bool serves = find_axis(s, TARGET_SERVE, 0) != NULL;
    if (!serves && (!find_axis(s, TARGET_CHIP, 0) || !find_axis(s, TARGET_MODEL, 0))) {
        return yaml_complain(&r->yaml, root, "expected chip and model, or serve: WORKLOAD");
    }
    if (s->method == SAMPLE_GRID ? r->points_given || r->seed_given : !r->points_given) {
        return yaml_complain(&r->yaml, root, "points: expected with method random or latin_hypercube, and only there, as is seed");
    }
    for (uint32_t i = 0; i < s->n_axes && s->method == SAMPLE_GRID; i++) {
        if (s->axes[i].kind == AXIS_INTERVAL) {
            return yaml_complain(&r->yaml, root, "%s: expected step or powers_of in the range: a grid has no other way to know its values",
                                 sweep_key_text(s->axes[i].key));
        }
        points *= s->axes[i].kind == AXIS_LIST ? s->axes[i].n_values : 1;
        if (points > SWEEP_POINTS_MAX) {
            return yaml_complain(&r->yaml, root, "expected at most %d points", SWEEP_POINTS_MAX);
        }
    }
    s->n_points = s->method == SAMPLE_GRID ? (uint32_t)points : s->n_points;
    s->serves = serves;
    for (int32_t i = 0; i < INPUT_COUNT; i++) {
        bool of_serve = strncmp(sweep_inputs[i].key, "serve.", 6) == 0, of_both = i == INPUT_adapter_rank;
        if (find_axis(s, TARGET_INPUT, i) && of_serve != serves && !of_both) {
            return yaml_complain(&r->yaml, root, "%s: expected only %s", sweep_inputs[i].key,
                                 of_serve ? "with serve: WORKLOAD" : "without serve");
        }
    }
    return check_ties(r, root);
}

static bool read_root(void *user, yaml_node_t *root)
{
    static const struct yaml_key keys[] = {{"chip", false, read_named},
                                           {"model", false, read_named},
                                           {"serve", false, read_named},
                                           {"physics", false, read_physics},
                                           {"set", false, read_set},
                                           {"parameters", false, read_parameters},
                                           {"method", false, read_method},
                                           {"points", false, read_points},
                                           {"seed", false, read_seed},
                                           {"constraints", false, sweep_read_constraints},
                                           {"objective", false, sweep_read_objective},
                                           {"pareto", false, sweep_read_pareto},
                                           {"plots", false, sweep_read_plots}};
    struct sweep_reader *r = user;
    return YAML_MAP(&r->yaml, root, "the sweep", keys) && check_whole(r, root);
}

static void set_name(struct sweep *s, const char *file)
{
    const char *slash = strrchr(file, '/'), *stem = slash ? slash + 1 : file, *dot = strrchr(stem, '.');
    int length = dot && dot > stem ? (int)(dot - stem) : (int)strlen(stem);
    snprintf(s->file, sizeof s->file, "%s", file);
    snprintf(s->name, sizeof s->name, "%.*s", length, stem);
}

bool sweep_parse(const char *text, size_t bytes, const char *file, struct sweep *s, struct error *e)
{
    struct sweep_reader r = {.yaml = {.file = file, .e = e}, .s = s};
    r.yaml.user = &r;
    *s = (struct sweep){.seed = 1, .objective = METRIC_tokens_per_second, .physics_name = "n6"};
    set_name(s, file);
    s->text = error_calloc(e, bytes + 1, 1, "the sweep");
    bool good = s->text && yaml_read(&r.yaml, text, bytes, FILE_BYTES_MAX, read_root);
    if (!good) {
        sweep_free(s);
        return false;
    }
    memcpy(s->text, text, bytes);
    return true;
}

bool sweep_load(const char *name_or_path, struct sweep *s, struct error *e)
{
    char relative[SWEEP_TEXT_ROOM], path[SWEEP_TEXT_ROOM];
    struct error absent;
    size_t bytes = 0;
    *s = (struct sweep){0};
    if (preset_is_path(name_or_path, ".yaml")) {
        if ((size_t)snprintf(path, sizeof path, "%s", name_or_path) >= sizeof path) {
            return error_input(e, "%.300s: the path is too long", name_or_path);
        }
    } else if ((size_t)snprintf(relative, sizeof relative, "sweeps/%s.yaml", name_or_path) >= sizeof relative ||
               !config_path(relative, path, sizeof path, &absent)) {
        return preset_unknown("sweep", "sweeps", ".yaml", name_or_path, e);
    }
    char *text = yaml_file_text(path, "sweep", FILE_BYTES_MAX, &bytes, e);
    bool good = text && sweep_parse(text, bytes, path, s, e) && sweep_open(s, e);
    free(text);
    return good;
}
