/* sweep_read_plots.c -- the part of a sweep file that asks for pictures. */
#include <ctype.h>
#include <string.h>

#include "sim/sweep_read_internal.h"

struct plot_reader {
    struct sweep_reader *sweep;
    struct sweep_plot *plot;
};

/* Letters, digits and '-': it becomes a file's name. */
static bool read_name(void *user, yaml_node_t *value, const char *key)
{
    struct plot_reader *r = user;
    char *name = r->plot->name;
    if (!yaml_copy(&r->sweep->yaml, value, key, "a name", name, sizeof r->plot->name)) {
        return false;
    }
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-') {
            return yaml_complain(&r->sweep->yaml, value, "%s: expected letters, digits and '-', found '%s'", key, name);
        }
    }
    for (const struct sweep_plot *other = r->sweep->s->plots; other < r->plot; other++) {
        if (strcmp(other->name, name) == 0) {
            return yaml_complain(&r->sweep->yaml, value, "%s: expected each name once, found '%s' again", key, name);
        }
    }
    return name[0] || yaml_complain(&r->sweep->yaml, value, "%s: expected a name", key);
}

static bool read_title(void *user, yaml_node_t *value, const char *key)
{
    struct plot_reader *r = user;
    return yaml_copy(&r->sweep->yaml, value, key, "a line of text", r->plot->title, sizeof r->plot->title);
}

/* A key of the design space or a metric; for an axis one with numbers. */
static bool read_quantity(struct plot_reader *r, yaml_node_t *value, const char *key, bool numbers, char to[SWEEP_KEY_ROOM])
{
    struct sweep_key found;
    if (!yaml_copy(&r->sweep->yaml, value, key, "a key or a metric", to, SWEEP_KEY_ROOM)) {
        return false;
    }
    bool is_key = sweep_key_find(to, &found);
    bool good = is_key ? !numbers || !sweep_key_is_name(found) : metric_find(to) != NULL;
    return good || yaml_complain(&r->sweep->yaml, value, "%s: expected a key%s or a metric (etchsim help metrics), found '%s'", key,
                                 numbers ? " with numbers" : "", to);
}

static bool read_x(void *user, yaml_node_t *value, const char *key)
{
    struct plot_reader *r = user;
    return read_quantity(r, value, key, true, r->plot->x);
}

static bool read_y(void *user, yaml_node_t *value, const char *key)
{
    struct plot_reader *r = user;
    return read_quantity(r, value, key, true, r->plot->y);
}

static bool read_lines(void *user, yaml_node_t *value, const char *key)
{
    struct plot_reader *r = user;
    return read_quantity(r, value, key, false, r->plot->lines);
}

static bool read_scale(struct plot_reader *r, yaml_node_t *value, const char *key, bool *logarithmic)
{
    static const char *const words[] = {"linear", "logarithmic"};
    size_t word = 0;
    bool good = yaml_word(&r->sweep->yaml, value, key, words, 2, &word);
    *logarithmic = word == 1;
    return good;
}

static bool read_x_scale(void *user, yaml_node_t *value, const char *key)
{
    struct plot_reader *r = user;
    return read_scale(r, value, key, &r->plot->x_log);
}

static bool read_y_scale(void *user, yaml_node_t *value, const char *key)
{
    struct plot_reader *r = user;
    return read_scale(r, value, key, &r->plot->y_log);
}

bool sweep_read_plots(void *user, yaml_node_t *value, const char *key)
{
    static const struct yaml_key keys[] = {{"name", true, read_name},
                                           {"title", true, read_title},
                                           {"x", true, read_x},
                                           {"y", true, read_y},
                                           {"lines", false, read_lines},
                                           {"x_scale", false, read_x_scale},
                                           {"y_scale", false, read_y_scale}};
    struct sweep_reader *r = user;
    struct sweep *s = r->s;
    size_t count = yaml_list_length(value);
    if (count < 1 || count > SWEEP_PLOTS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected a list of 1 to %d pictures", key, SWEEP_PLOTS_MAX);
    }
    for (size_t i = 0; i < count; i++, s->n_plots++) {
        struct plot_reader one = {r, &s->plots[i]};
        r->yaml.user = &one;
        bool good = YAML_MAP(&r->yaml, yaml_list_item(&r->yaml, value, i), "a picture", keys);
        r->yaml.user = r;
        if (!good) {
            return false;
        }
    }
    return true;
}
