/* explain_sweep.c -- a sweep's findings in sentences, from its database alone. */
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/explain.h"
#include "sim/limits.h"
#include "sim/sensitivity.h"
#include "sim/sweep_db.h"

enum { VARIED_MAX = 32, VALUES_MAX = 64, NAME_ROOM = COLUMN_NAME_ROOM };
static const double KNEE = 0.05; /* of the value at the end: so much may still be gained behind the knee */

struct varied { /* a key that the sweep varies */
    char column[NAME_ROOM], key[NAME_ROOM];
    bool is_number;
};

struct study { /* the database */
    sqlite3 *db;
    char sweep[128], method[32], objective[NAME_ROOM];
    const struct metric *m;
    struct varied varied[VARIED_MAX];
    int n_varied;
    int64_t best;
};

static sqlite3_stmt *query(const struct study *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    sqlite3_stmt *statement = NULL;
    if (!sql || sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        statement = NULL;
    }
    sqlite3_free(sql);
    return statement;
}

static bool next_row(sqlite3_stmt *statement)
{
    return statement && sqlite3_step(statement) == SQLITE_ROW;
}

static const char *text_at(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

/* -- opening -- */

static void read_meta(const struct study *s, const char *key, char *to, size_t room)
{
    sqlite3_stmt *q = query(s, "SELECT value FROM meta WHERE key = %Q", key);
    snprintf(to, room, "%s", next_row(q) ? text_at(q, 0) : "");
    sqlite3_finalize(q);
}

static void read_varied(struct study *s)
{
    sqlite3_stmt *q = query(s, "SELECT name, key, kind, unit FROM columns WHERE varied = 1 ORDER BY rowid");
    while (s->n_varied < VARIED_MAX && next_row(q)) {
        struct varied *v = &s->varied[s->n_varied++];
        snprintf(v->column, sizeof v->column, "%s", text_at(q, 0));
        snprintf(v->key, sizeof v->key, "%s", text_at(q, 1));
        v->is_number = strcmp(text_at(q, 2), "name") != 0 && text_at(q, 3)[0];
    }
    sqlite3_finalize(q);
}

static bool open_study(const char *folder, struct study *s, struct error *e)
{
    char path[512];
    *s = (struct study){.best = -1};
    if ((size_t)snprintf(path, sizeof path, "%s/sweep.sqlite", folder) >= sizeof path || access(path, R_OK) != 0 ||
        sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        return error_input(e, "%.300s: cannot be read", path);
    }
    read_meta(s, "sweep", s->sweep, sizeof s->sweep);
    read_meta(s, "method", s->method, sizeof s->method);
    read_meta(s, "objective", s->objective, sizeof s->objective);
    s->m = metric_find(s->objective);
    if (!s->m) {
        return error_input(e, "%.300s: not the results of a sweep, or of another version of etchsim", path);
    }
    read_varied(s);
    sqlite3_stmt *q = query(s, "SELECT point FROM points WHERE status = 'ok' AND \"%w\" IS NOT NULL ORDER BY \"%w\" %s, point LIMIT 1",
                            s->m->name, s->m->name, s->m->better == BETTER_LOWER ? "ASC" : "DESC");
    s->best = next_row(q) ? sqlite3_column_int64(q, 0) : -1;
    sqlite3_finalize(q);
    return true;
}

/* -- one point -- */

struct point_facts {
    const struct study *study;
    int64_t point;
    char text[128];
};

static double number(const void *from, const char *metric)
{
    const struct point_facts *p = from;
    sqlite3_stmt *q = query(p->study, "SELECT \"%w\" FROM points WHERE point = %lld", metric, (long long)p->point);
    double value = next_row(q) && sqlite3_column_type(q, 0) != SQLITE_NULL ? sqlite3_column_double(q, 0) : NAN;
    sqlite3_finalize(q);
    return value;
}

static const char *text(const void *from, const char *column)
{
    struct point_facts *p = (struct point_facts *)from; /* its buffer */
    sqlite3_stmt *q = query(p->study, "SELECT \"%w\" FROM points WHERE point = %lld", column, (long long)p->point);
    bool found = next_row(q) && sqlite3_column_type(q, 0) != SQLITE_NULL;
    snprintf(p->text, sizeof p->text, "%s", found ? text_at(q, 0) : "");
    sqlite3_finalize(q);
    return found ? p->text : NULL;
}

static void print_inputs(const struct study *s, int64_t point, FILE *out)
{
    for (int i = 0; i < s->n_varied; i++) {
        struct point_facts p = {.study = s, .point = point};
        const char *value = text(&p, s->varied[i].column);
        fprintf(out, " %s=%s", s->varied[i].key, value ? value : "");
    }
    fprintf(out, "\n");
}

static bool print_point(const struct study *s, int64_t point, FILE *out, struct error *e)
{
    struct point_facts p = {.study = s, .point = point}, why = p;
    const char *status = text(&p, "status");
    if (!status) {
        return error_input(e, "--point %" PRId64 ": there is no such point, or it has not run yet", point);
    }
    fprintf(out, "point %" PRId64 ":", point);
    print_inputs(s, point, out);
    if (strcmp(status, "ok") != 0) {
        const char *reason = text(&why, "status_text");
        fprintf(out, "%s: %s\n", status, reason ? reason : "");
    }
    if (strcmp(status, "error") != 0 && strcmp(status, "crashed") != 0 && !isnan(number(&p, "run_cycles"))) {
        explain_facts(&(struct facts){number, text, &p}, out);
    }
    return true;
}

/* -- all points -- */

static void print_statuses(const struct study *s, FILE *out)
{
    sqlite3_stmt *q = query(s, "SELECT status, count(*) FROM points GROUP BY status ORDER BY 2 DESC, 1");
    fprintf(out, "sweep %s:", s->sweep);
    for (const char *separator = " "; next_row(q); separator = ", ") {
        fprintf(out, "%s%lld %s", separator, (long long)sqlite3_column_int64(q, 1), text_at(q, 0));
    }
    fprintf(out, "\n");
    sqlite3_finalize(q);
    q = query(s, "SELECT status, status_text, count(*) FROM points WHERE status != 'ok' GROUP BY status, CASE status WHEN 'error' THEN "
                 "substr(status_text, 1, 40) ELSE "
                 "status_text END ORDER BY 3 DESC, 2 LIMIT 4");
    while (next_row(q)) {
        fprintf(out, "  %lld %s: %s\n", (long long)sqlite3_column_int64(q, 2), text_at(q, 0), text_at(q, 1));
    }
    sqlite3_finalize(q);
}

static const char *label_of(const char *limit)
{
    for (int l = 0; l < LIMITS; l++) {
        if (strcmp(limit_names[l], limit) == 0) {
            return limit_labels[l];
        }
    }
    return limit;
}

static void print_histogram(const struct study *s, const char *column, const char *what, FILE *out)
{
    sqlite3_stmt *q =
        query(s, "SELECT \"%w\", count(*) FROM points WHERE \"%w\" IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1", column, column);
    const char *separator = " ";
    fprintf(out, "  %s:", what);
    for (; next_row(q); separator = ", ") {
        fprintf(out, "%s%s at %lld", separator, label_of(text_at(q, 0)), (long long)sqlite3_column_int64(q, 1));
    }
    fprintf(out, "%s\n", separator[0] == ' ' ? " no point" : "");
    sqlite3_finalize(q);
}

/* Which limit column goes with the objective. */
static const char *limit_column(const struct study *s)
{
    const char *name = s->m->name;
    return strstr(name, "first_token")                     ? "limit_first_token"
           : strstr(name, "total") || strstr(name, "run_") ? "limit_throughput"
                                                           : "limit_token";
}

struct step {    /* along one key */
    char at[64]; /* the key's value */
    double value;
    char limit[64];
};

/* The points that differ from the best one in this key alone. */
static int read_line(const struct study *s, int axis, struct step steps[VALUES_MAX])
{
    char where[8192] = "";
    int n = 0;
    for (int i = 0; i < s->n_varied; i++) {
        if (i != axis) {
            snprintf(where + strlen(where), sizeof where - strlen(where), " AND p.\"%s\" IS b.\"%s\"", s->varied[i].column,
                     s->varied[i].column);
        }
    }
    const char *column = s->varied[axis].column;
    sqlite3_stmt *q = query(s,
                            "SELECT p.\"%w\", p.\"%w\", p.\"%w\" FROM points p, points b WHERE b.point = %lld AND p.status = 'ok' AND "
                            "p.\"%w\" IS NOT NULL%s ORDER BY 1",
                            column, s->m->name, limit_column(s), (long long)s->best, s->m->name, where);
    while (n < VALUES_MAX && next_row(q)) {
        snprintf(steps[n].at, sizeof steps[n].at, "%s", text_at(q, 0));
        steps[n].value = sqlite3_column_double(q, 1);
        snprintf(steps[n].limit, sizeof steps[n].limit, "%s", text_at(q, 2));
        n++;
    }
    sqlite3_finalize(q);
    return n;
}

static double better_by(const struct study *s, double from, double to)
{
    double gain = gain_percent(s->m, from, to);
    return isnan(gain) ? 0 : gain / 100;
}

/* How the objective goes along one key, where it stops paying, and which limit takes over. */
static void print_line(const struct study *s, int axis, FILE *out)
{
    struct step steps[VALUES_MAX];
    int n = read_line(s, axis, steps), knee = n - 1;
    const char *key = s->varied[axis].key;
    if (n < 2) {
        return;
    }
    fprintf(out, "  %s:", key);
    for (int i = 0; i < n; i++) {
        fprintf(out, "%s%s: %.6g", i ? ", " : " ", steps[i].at, steps[i].value);
    }
    fprintf(out, " %s\n", s->m->unit);
    if (!s->varied[axis].is_number) {
        return; /* words have no more and less */
    }
    for (int i = n - 1; i >= 0 && fabs(better_by(s, steps[i].value, steps[n - 1].value)) < KNEE; i--) {
        knee = i;
    }
    if (knee == 0) {
        fprintf(out, "    It hardly matters: less than %.0f %% from end to end.\n", 100 * KNEE);
    } else if (better_by(s, steps[0].value, steps[n - 1].value) < 0) {
        fprintf(out, "    More of it makes it worse, by %.1f %% from end to end.\n",
                -100 * better_by(s, steps[0].value, steps[n - 1].value));
    } else {
        fprintf(out, "    From %s to %s it gains %.1f %%; ", steps[0].at, steps[knee].at,
                100 * better_by(s, steps[0].value, steps[knee].value));
        fprintf(out, knee == n - 1 ? "no knee yet: the last step still pays.\n" : "the knee: behind it less than %.0f %% is left.\n",
                100 * KNEE);
    }
    for (int i = 1; i < n; i++) {
        if (strcmp(steps[i].limit, steps[i - 1].limit) != 0) {
            fprintf(out, "    Up to %s it is bound by %s, from %s on by %s.\n", steps[i - 1].at, label_of(steps[i - 1].limit), steps[i].at,
                    label_of(steps[i].limit));
        }
    }
}

static void print_sensitivity(const struct study *s, FILE *out)
{
    sqlite3_stmt *q = query(
        s,
        "SELECT parameter, value_before, value_after, gain_percent, base_point FROM sensitivity WHERE metric = %Q AND gain_percent > 0 AND "
        "parameter != 'clock.mhz' ORDER BY base_point, gain_percent_per_10_percent DESC LIMIT 3",
        s->m->name);
    while (next_row(q)) {
        fprintf(out, "  At point %lld %s from %.6g to %.6g buys %.2f %%.\n", (long long)sqlite3_column_int64(q, 4), text_at(q, 0),
                sqlite3_column_double(q, 1), sqlite3_column_double(q, 2), sqlite3_column_double(q, 3));
    }
    sqlite3_finalize(q);
}

static void print_front(const struct study *s, FILE *out)
{
    sqlite3_stmt *q =
        query(s, "SELECT group_concat(metric || ' (' || better || ')', ', '), (SELECT count(*) FROM pareto) FROM pareto_metrics");
    if (next_row(q) && sqlite3_column_int64(q, 1) > 0) {
        fprintf(out, "Pareto front of %s: %lld points (table pareto).\n", text_at(q, 0), (long long)sqlite3_column_int64(q, 1));
    }
    sqlite3_finalize(q);
}

static bool print_study(const struct study *s, FILE *out, struct error *e)
{
    print_statuses(s, out);
    fprintf(out, "What binds, by points:\n");
    print_histogram(s, "limit_token", "a token's time", out);
    print_histogram(s, "limit_first_token", "the first token", out);
    print_histogram(s, "limit_throughput", "the tokens of the chip", out);
    if (s->best < 0) {
        return true;
    }
    fprintf(out, "Best %s, ", s->m->name);
    if (!print_point(s, s->best, out, e)) {
        return false;
    }
    if (strcmp(s->method, "grid") == 0) {
        fprintf(out, "From the best point along each key, %s:\n", s->m->name);
        for (int i = 0; i < s->n_varied; i++) {
            print_line(s, i, out);
        }
    }
    print_sensitivity(s, out);
    print_front(s, out);
    return true;
}

bool explain_sweep(const char *folder, int64_t point, FILE *out, struct error *e)
{
    struct study s;
    bool good = open_study(folder, &s, e) && (point >= 0 ? print_point(&s, point, out, e) : print_study(&s, out, e));
    sqlite3_close(s.db);
    return good;
}
