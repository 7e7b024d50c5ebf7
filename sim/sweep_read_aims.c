/* sweep_read_aims.c -- the part of a sweep file that names metrics: constraints, objective, Pareto front. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/suggest.h"
#include "sim/sweep_read_internal.h"

static bool read_metric(struct sweep_reader *r, yaml_node_t *value, const char *key, bool aim, int32_t *index)
{
    const char *text = yaml_text(&r->yaml, value, key, "a metric", SWEEP_KEY_ROOM);
    const struct metric *m = text ? metric_find(text) : NULL;
    struct suggestion nearest = {0};
    char hint[128];
    if (m) {
        *index = (int32_t)(m - metrics);
        return !aim || m->better != BETTER_NEITHER ||
               yaml_complain(&r->yaml, value, "%s: %s is a fact: neither more nor less of it is better", key, text);
    }
    for (int i = 0; text && i < METRIC_COUNT; i++) {
        suggest_offer(&nearest, text, metrics[i].name);
    }
    return text && yaml_complain(&r->yaml, value, "%s: there is no metric '%s'%s (etchsim help metrics)", key, text,
                                 suggest_text(&nearest, hint, sizeof hint));
}

bool sweep_read_objective(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    return read_metric(r, value, key, true, &r->s->objective);
}

bool sweep_read_pareto(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    size_t count = yaml_list_length(value);
    if (count < 2 || count > SWEEP_PARETO_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected a list of 2 to %d metrics", key, SWEEP_PARETO_MAX);
    }
    for (uint32_t i = 0; i < count; i++, r->s->n_pareto++) {
        if (!read_metric(r, yaml_list_item(&r->yaml, value, i), key, true, &r->s->pareto[i])) {
            return false;
        }
        for (uint32_t other = 0; other < i; other++) {
            if (r->s->pareto[other] == r->s->pareto[i]) {
                return yaml_complain(&r->yaml, value, "%s: expected each metric once", key);
            }
        }
    }
    return true;
}

/* Takes the next word of a constraint. */
static bool next_word(const char **at, char word[SWEEP_KEY_ROOM])
{
    *at += strspn(*at, " ");
    size_t n = strcspn(*at, " ");
    if (n == 0 || n >= SWEEP_KEY_ROOM) {
        return false;
    }
    memcpy(word, *at, n);
    word[n] = 0;
    *at += n;
    return true;
}

static bool read_operand(const char *word, struct sweep_operand *x)
{
    char *end = NULL;
    const struct metric *m = metric_find(word);
    *x = (struct sweep_operand){.kind = OPERAND_NUMBER};
    if (isdigit((unsigned char)word[0]) || word[0] == '-' || word[0] == '.') {
        x->number = strtod(word, &end);
        return !*end && isfinite(x->number);
    }
    x->kind = m ? OPERAND_METRIC : OPERAND_KEY;
    x->metric = m ? (int32_t)(m - metrics) : 0;
    return m || (sweep_key_find(word, &x->key) && !sweep_key_is_name(x->key));
}

static bool needs_run(const struct sweep_operand *x)
{
    return x->kind == OPERAND_METRIC && metrics[x->metric].known == KNOWN_AFTER;
}

static bool read_constraint(struct sweep_reader *r, yaml_node_t *node, struct sweep_constraint *c)
{
    static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};
    char left[SWEEP_KEY_ROOM], sign[SWEEP_KEY_ROOM], right[SWEEP_KEY_ROOM];
    if (!yaml_copy(&r->yaml, node, "constraints", "NAME <= NUMBER", c->text, sizeof c->text)) {
        return false;
    }
    const char *at = c->text;
    size_t i = 0, n = sizeof signs / sizeof signs[0];
    bool good = next_word(&at, left) && next_word(&at, sign) && next_word(&at, right) && !at[strspn(at, " ")];
    while (good && i < n && strcmp(sign, signs[i]) != 0) {
        i++;
    }
    if (!good || i == n || !read_operand(left, &c->left) || !read_operand(right, &c->right)) {
        return yaml_complain(
            &r->yaml, node,
            "constraints: expected 'NAME <= NUMBER' or 'NAME <= NAME' with <, <=, >, >=, == or !=, names of metrics or of keys "
            "that have numbers; found '%.100s'",
            c->text);
    }
    c->comparison = (enum comparison)i;
    c->known = needs_run(&c->left) || needs_run(&c->right) ? KNOWN_AFTER : KNOWN_BEFORE;
    return true;
}

bool sweep_read_constraints(void *user, yaml_node_t *value, const char *key)
{
    struct sweep_reader *r = user;
    size_t count = yaml_list_length(value);
    if (count == 0 || count > SWEEP_CONSTRAINTS_MAX) {
        return yaml_complain(&r->yaml, value, "%s: expected a list of 1 to %d constraints", key, SWEEP_CONSTRAINTS_MAX);
    }
    for (; r->s->n_constraints < count; r->s->n_constraints++) {
        yaml_node_t *node = yaml_list_item(&r->yaml, value, r->s->n_constraints);
        if (!read_constraint(r, node, &r->s->constraints[r->s->n_constraints])) {
            return false;
        }
    }
    return true;
}
