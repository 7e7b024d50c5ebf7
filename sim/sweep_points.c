/* sweep_points.c -- from an index to a point: grid, random and Latin hypercube. */
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "sim/chip_auto.h"
#include "sim/params.h"
#include "sim/sweep.h"
#include "sim/workload_math.h"

const struct sweep_input sweep_inputs[INPUT_COUNT] = {
#define INPUT(section, name, default_value, low, high, unit, meaning) {#section "." #name, default_value, low, high, unit, meaning},
#include "sim/sweep_inputs.def"
#undef INPUT
};

static const char *const name_keys[] = {[TARGET_CHIP] = "chip", [TARGET_MODEL] = "model", [TARGET_SERVE] = "serve"};

bool sweep_key_find(const char *text, struct sweep_key *key)
{
    for (enum sweep_target t = TARGET_CHIP; t <= TARGET_SERVE; t++) {
        if (strcmp(text, name_keys[t]) == 0) {
            *key = (struct sweep_key){t, 0};
            return true;
        }
    }
    for (int32_t i = 0; i < INPUT_COUNT; i++) {
        if (strcmp(text, sweep_inputs[i].key) == 0) {
            *key = (struct sweep_key){TARGET_INPUT, i};
            return true;
        }
    }
    const struct parameter *p = parameter_find(text);
    *key = (struct sweep_key){TARGET_PARAMETER, p ? (int32_t)(p - parameters) : 0};
    return p != NULL;
}

const char *sweep_key_text(struct sweep_key key)
{
    return key.target == TARGET_PARAMETER ? parameters[key.index].key
           : key.target == TARGET_INPUT   ? sweep_inputs[key.index].key
                                          : name_keys[key.target];
}

bool sweep_varies(const struct sweep *s, struct sweep_key key)
{
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (s->axes[i].key.target == key.target && s->axes[i].key.index == key.index) {
            return true;
        }
    }
    return false;
}

uint32_t sweep_key_low(struct sweep_key key)
{
    return key.target == TARGET_INPUT ? sweep_inputs[key.index].low : parameters[key.index].low;
}

uint32_t sweep_key_high(struct sweep_key key)
{
    return key.target == TARGET_INPUT ? sweep_inputs[key.index].high : parameters[key.index].high;
}

/* -- which value of each axis -- */

static uint32_t between(const struct sweep_axis *axis, double sample)
{
    double low = axis->low, high = axis->high;
    double x = axis->logarithmic ? low * portable_exp(sample * portable_log((high + 1) / low)) : low + sample * (high + 1 - low);
    return x >= high ? axis->high : x <= low ? axis->low : (uint32_t)x;
}

/* Which of a list's values, or an interval's value itself. */
static uint32_t choose(const struct sweep *s, uint32_t axis, uint32_t index)
{
    const struct sweep_axis *a = &s->axes[axis];
    if (s->samples) {
        double sample = s->samples[(size_t)axis * s->n_points + index];
        return a->kind == AXIS_INTERVAL ? between(a, sample) : (uint32_t)(sample * a->n_values);
    }
    uint64_t later = 1; /* points for each value: the file's last axis changes fastest */
    for (uint32_t i = axis + 1; i < s->n_axes; i++) {
        later *= s->axes[i].kind == AXIS_LIST ? s->axes[i].n_values : 1;
    }
    return (uint32_t)(index / later % a->n_values);
}

static void set_number(struct sweep_point *point, struct sweep_key key, uint32_t value)
{
    if (key.target == TARGET_INPUT) {
        point->input[key.index] = value;
    } else {
        *parameter_value(&parameters[key.index], &point->config) = value;
    }
}

static void set_name(const struct sweep *s, struct sweep_point *point, struct sweep_key key, const char *name)
{
    for (uint32_t i = 0; key.target == TARGET_CHIP && i < s->n_chips; i++) {
        point->chip = strcmp(s->chips[i].name, name) == 0 ? &s->chips[i] : point->chip;
    }
    for (uint32_t i = 0; key.target == TARGET_MODEL && i < s->n_models; i++) {
        point->model = strcmp(s->models[i].name, name) == 0 ? &s->models[i] : point->model;
    }
    for (uint32_t i = 0; key.target == TARGET_SERVE && i < s->n_workloads; i++) {
        point->workload = strcmp(s->workloads[i].name, name) == 0 ? &s->workloads[i] : point->workload;
    }
}

static void set_axes(const struct sweep *s, uint32_t index, bool names, struct sweep_point *point)
{
    for (uint32_t i = 0; i < s->n_axes; i++) {
        const struct sweep_axis *a = &s->axes[i];
        if (a->kind == AXIS_TIE || sweep_key_is_name(a->key) != names) {
            continue;
        }
        uint32_t choice = choose(s, i, index);
        if (names) {
            set_name(s, point, a->key, a->names[choice]);
        } else {
            set_number(point, a->key, a->kind == AXIS_INTERVAL ? choice : a->numbers[choice]);
        }
    }
}

void sweep_point(const struct sweep *s, uint32_t index, struct sweep_point *point)
{
    memset(point, 0, sizeof *point);
    point->index = index;
    for (int32_t i = 0; i < INPUT_COUNT; i++) {
        point->input[i] = sweep_inputs[i].default_value;
    }
    set_axes(s, index, true, point); /* names first: parameters change the chip that is named */
    if (point->workload) {
        point->chip = point->chip ? point->chip : &point->workload->chip;
        for (uint32_t i = 0; i < s->n_models && !point->model; i++) {
            point->model = strcmp(s->models[i].name, point->workload->workload.model) == 0 ? &s->models[i] : NULL;
        }
    }
    ES_ASSERT(point->chip && point->model);
    point->config = point->chip->config;
    if (point->chip->is_auto) {
        chip_auto(&point->model->image.model.shape, &point->config);
    }
    set_axes(s, index, false, point);
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (s->axes[i].kind == AXIS_TIE) {
            set_number(point, s->axes[i].key, (uint32_t)sweep_point_number(point, s->axes[i].tied_to));
        }
    }
}

bool sweep_point_check(const struct sweep *s, const struct sweep_point *point, struct error *e)
{
    for (uint32_t i = 0; i < s->n_axes; i++) {
        const struct sweep_axis *a = &s->axes[i];
        double value = a->kind == AXIS_TIE ? sweep_point_number(point, a->key) : 0;
        if (a->kind == AXIS_TIE && (value < sweep_key_low(a->key) || value > sweep_key_high(a->key))) {
            return error_input(e, "%s: expected %" PRIu32 " to %" PRIu32 ", found %.0f, that of %s", sweep_key_text(a->key),
                               sweep_key_low(a->key), sweep_key_high(a->key), value, sweep_key_text(a->tied_to));
        }
    }
    return true;
}

/* -- a point's values -- */

double sweep_point_number(const struct sweep_point *point, struct sweep_key key)
{
    return key.target == TARGET_INPUT ? point->input[key.index] : parameter_get(&parameters[key.index], &point->config);
}

const char *sweep_point_name(const struct sweep_point *point, struct sweep_key key)
{
    return key.target == TARGET_CHIP    ? point->chip->name
           : key.target == TARGET_MODEL ? point->model->name
           : point->workload            ? point->workload->name
                                        : "";
}

const char *sweep_point_text(const struct sweep_point *point, struct sweep_key key, char *text, size_t room)
{
    int length = 0;
    const struct parameter *p = key.target == TARGET_PARAMETER ? &parameters[key.index] : NULL;
    const char *word = p && p->words ? parameter_word(p, parameter_get(p, &point->config), &length) : NULL;
    if (word) {
        snprintf(text, room, "%.*s", length, word);
    } else {
        snprintf(text, room, "%.0f", sweep_point_number(point, key));
    }
    return text;
}

static double operand(const struct sweep_operand *x, const struct sweep_point *point, const struct observation *o)
{
    return x->kind == OPERAND_NUMBER ? x->number : x->kind == OPERAND_KEY ? sweep_point_number(point, x->key) : metrics[x->metric].value(o);
}

bool sweep_constraint_holds(const struct sweep_constraint *c, const struct sweep_point *point, const struct observation *o)
{
    double left = operand(&c->left, point, o), right = operand(&c->right, point, o);
    switch (c->comparison) {
    case COMPARE_LESS: return left < right;
    case COMPARE_LESS_EQUAL: return left <= right;
    case COMPARE_GREATER: return left > right;
    case COMPARE_GREATER_EQUAL: return left >= right;
    case COMPARE_EQUAL: return left == right;
    default: return left != right;
    }
}

uint64_t sweep_point_hash(const struct sweep_point *point)
{
    char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text, "chip=%s\nmodel=%s\nmodel_hash=%016" PRIx64 "\nserve=%s\n", point->chip->name,
                                   point->model->name, point->model->image.hash, point->workload ? point->workload->name : "");
    for (int32_t i = 0; i < INPUT_COUNT && used < sizeof text; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s=%" PRIu32 "\n", sweep_inputs[i].key, point->input[i]);
    }
    for (int32_t i = 0; i < PARAMETER_COUNT && used < sizeof text; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s=%" PRIu32 "\n", parameters[i].key,
                                 parameter_get(&parameters[i], &point->config));
    }
    ES_ASSERT(used < sizeof text);
    return XXH64(text, used, 0);
}
