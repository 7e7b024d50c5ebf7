#include "sim/sweep_columns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *const sweep_column_kinds[] = {"result", "name", "input", "parameter", "metric"};

/* Letters and digits in lower case, "/" as "_per_", anything else as "_". */
static size_t sanitise(const char *text, char *to, size_t room)
{
    size_t used = 0;
    for (; *text && used + 6 < room; text++) {
        if (*text == '/') {
            used += (size_t)snprintf(to + used, room - used, "_per_");
        } else {
            to[used++] = isalnum((unsigned char)*text) ? (char)tolower((unsigned char)*text) : '_';
        }
    }
    to[used] = 0;
    return used;
}

/* Is `part` one of the words of a name that are joined by "_"? */
static bool has_words(const char *name, const char *part)
{
    size_t n = strlen(part);
    for (const char *at = strstr(name, part); at; at = strstr(at + 1, part)) {
        if ((at == name || at[-1] == '_') && (at[n] == 0 || at[n] == '_')) {
            return true;
        }
    }
    return false;
}

void sweep_column_name(const char *key, const char *unit, char name[COLUMN_NAME_ROOM])
{
    char words[COLUMN_NAME_ROOM];
    size_t used = sanitise(key, name, COLUMN_NAME_ROOM / 2);
    sanitise(unit, words, COLUMN_NAME_ROOM / 2);
    const char *per = strstr(words, "_per_");
    if (!words[0] || has_words(name, words) || (per && has_words(name, per + 1))) {
        return;
    }
    char first[COLUMN_NAME_ROOM];
    snprintf(first, sizeof first, "%.*s", per ? (int)(per - words) : 0, words);
    bool said = per && has_words(name, first); /* "link_elements" in "elements/cycle" */
    snprintf(name + used, COLUMN_NAME_ROOM - used, "%s%s", said ? "" : "_", said ? per : words);
}

static const struct sweep_column results[RESULT_COLUMNS] = {
    {"point", COLUMN_RESULT, "INTEGER PRIMARY KEY", "", "", "index of the point in the sweep", "", 0},
    {"status", COLUMN_RESULT, "TEXT NOT NULL", "", "", "ok, excluded (a constraint does not hold), error, crashed", "", 1},
    {"status_text", COLUMN_RESULT, "TEXT", "", "", "the constraint, the error's message, how the process ended", "", 2},
    {"config_hash", COLUMN_RESULT, "TEXT NOT NULL", "", "", "XXH64 over all inputs and parameters of the point", "", 3},
    {"trace_hash", COLUMN_RESULT, "TEXT", "", "", "of the run's event trace", "", 4},
    {"limit_token", COLUMN_RESULT, "TEXT", "", "", "what binds the time of a token after the first", "", 5 + ROW_LIMIT_TOKEN},
    {"limit_first_token", COLUMN_RESULT, "TEXT", "", "", "what binds the time to the first token", "", 5 + ROW_LIMIT_FIRST_TOKEN},
    {"limit_throughput", COLUMN_RESULT, "TEXT", "", "", "what binds the tokens of the whole chip", "", 5 + ROW_LIMIT_THROUGHPUT},
    {"busiest_unit", COLUMN_RESULT, "TEXT", "", "", "the kind of unit that is held longest", "", 5 + ROW_LIMITS},
};
static const struct sweep_column names[NAME_COLUMNS] = {
    {"chip", COLUMN_NAME, "TEXT NOT NULL", "chip", "", "preset or file that the parameters were taken from", "", TARGET_CHIP},
    {"model", COLUMN_NAME, "TEXT NOT NULL", "model", "", "preset or file", "", TARGET_MODEL},
    {"serve", COLUMN_NAME, "TEXT", "serve", "", "workload", "", TARGET_SERVE},
};

static void input_column(int i, struct sweep_column *c)
{
    const struct sweep_input *input = &sweep_inputs[i];
    *c = (struct sweep_column){.kind = COLUMN_INPUT,
                               .type = "INTEGER NOT NULL",
                               .key = input->key,
                               .unit = input->unit,
                               .meaning = input->meaning,
                               .better = "",
                               .index = i};
    sweep_column_name(input->key, input->unit, c->name);
}

static void parameter_column(int i, struct sweep_column *c)
{
    const struct parameter *p = &parameters[i];
    *c = (struct sweep_column){.kind = COLUMN_PARAMETER,
                               .type = p->words ? "TEXT NOT NULL" : "INTEGER NOT NULL",
                               .key = p->key,
                               .unit = p->words ? "" : p->unit,
                               .meaning = p->meaning,
                               .better = "",
                               .index = i};
    sweep_column_name(p->key, c->unit, c->name);
}

static void metric_column(int i, struct sweep_column *c)
{
    static const char *const words[] = {[BETTER_NEITHER] = "", [BETTER_HIGHER] = "higher", [BETTER_LOWER] = "lower"};
    const struct metric *m = &metrics[i];
    *c = (struct sweep_column){.kind = COLUMN_METRIC,
                               .type = "REAL",
                               .key = m->name,
                               .unit = m->unit,
                               .meaning = m->meaning,
                               .better = words[m->better],
                               .index = i};
    snprintf(c->name, sizeof c->name, "%s", m->name);
}

void sweep_column(int i, struct sweep_column *column)
{
    if (i < RESULT_COLUMNS) {
        *column = results[i];
    } else if ((i -= RESULT_COLUMNS) < NAME_COLUMNS) {
        *column = names[i];
    } else if ((i -= NAME_COLUMNS) < INPUT_COUNT) {
        input_column(i, column);
    } else if ((i -= INPUT_COUNT) < PARAMETER_COUNT) {
        parameter_column(i, column);
    } else {
        i -= PARAMETER_COUNT;
        ES_ASSERT(i < METRIC_COUNT);
        metric_column(i, column);
    }
}
