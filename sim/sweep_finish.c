/* sweep_finish.c -- what follows from a sweep's rows: the Pareto front, the CSV file. */
#include <stdlib.h>
#include <string.h>

#include "sim/output.h"
#include "sim/sweep_db_internal.h"

/* -- Pareto front -- */

struct front {                          /* points that no other one beats */
    double (*values)[SWEEP_PARETO_MAX]; /* as costs: lower is better */
    int64_t *points;
    size_t n, room;
};

static bool dominates(const double *a, const double *b, uint32_t n)
{
    bool better = false;
    for (uint32_t i = 0; i < n; i++) {
        if (a[i] > b[i]) {
            return false;
        }
        better |= a[i] < b[i];
    }
    return better;
}

static void offer(struct front *f, int64_t point, const double *values, uint32_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (dominates(f->values[i], values, n)) {
            return; /* then it beats none of the others either: all stay */
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        if (!dominates(values, f->values[i], n)) {
            memcpy(f->values[kept], f->values[i], sizeof f->values[i]);
            f->points[kept++] = f->points[i];
        }
    }
    f->n = kept;
    if (f->n == f->room) {
        f->room = f->room ? 2 * f->room : 64;
        f->values = realloc(f->values, f->room * sizeof *f->values);
        f->points = realloc(f->points, f->room * sizeof *f->points);
        ES_ASSERT(f->values && f->points);
    }
    memcpy(f->values[f->n], values, n * sizeof values[0]);
    f->points[f->n++] = point;
}

static bool collect_front(struct sweep_db *db, const struct sweep *s, struct front *f, struct error *e)
{
    char sql[1024] = "SELECT point";
    sqlite3_stmt *query = NULL;
    for (uint32_t i = 0; i < s->n_pareto; i++) {
        snprintf(sql + strlen(sql), sizeof sql - strlen(sql), ", \"%s\"", metrics[s->pareto[i]].name);
    }
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), " FROM points WHERE status = 'ok' ORDER BY point");
    if (sqlite3_prepare_v2(db->handle, sql, -1, &query, NULL) != SQLITE_OK) {
        return sweep_db_complain(db, e);
    }
    while (sqlite3_step(query) == SQLITE_ROW) {
        double values[SWEEP_PARETO_MAX];
        bool whole = true;
        for (uint32_t i = 0; i < s->n_pareto; i++) {
            whole &= sqlite3_column_type(query, (int)i + 1) != SQLITE_NULL;
            values[i] = sqlite3_column_double(query, (int)i + 1) * (metrics[s->pareto[i]].better == BETTER_HIGHER ? -1 : 1);
        }
        if (whole) {
            offer(f, sqlite3_column_int64(query, 0), values, s->n_pareto);
        }
    }
    sqlite3_finalize(query);
    return true;
}

static bool write_pareto(struct sweep_db *db, const struct sweep *s, struct error *e)
{
    struct front front = {0};
    bool good = collect_front(db, s, &front, e) && sweep_db_begin(db, e) && sweep_db_execute(db, e, "DELETE FROM pareto") &&
                sweep_db_execute(db, e, "DELETE FROM pareto_metrics");
    for (uint32_t i = 0; i < s->n_pareto && good; i++) {
        const struct metric *m = &metrics[s->pareto[i]];
        good =
            sweep_db_execute(db, e, "INSERT INTO pareto_metrics VALUES(%Q, %Q)", m->name, m->better == BETTER_HIGHER ? "higher" : "lower");
    }
    for (size_t i = 0; i < front.n && good; i++) {
        good = sweep_db_execute(db, e, "INSERT INTO pareto VALUES(%lld)", (long long)front.points[i]);
    }
    free(front.values);
    free(front.points);
    return sweep_db_commit(db, e) && good;
}

/* -- CSV -- */

static void print_field(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

static bool write_csv(struct sweep_db *db, const char *folder, struct error *e)
{
    struct output out;
    sqlite3_stmt *query = NULL;
    if (!output_open(&out, folder, "sweep.csv", e)) {
        return false;
    }
    if (sqlite3_prepare_v2(db->handle, "SELECT * FROM points ORDER BY point", -1, &query, NULL) != SQLITE_OK) {
        output_abandon(&out);
        return sweep_db_complain(db, e);
    }
    int n = sqlite3_column_count(query);
    for (int i = 0; i < n; i++) {
        fprintf(out.file, "%s%s", i ? "," : "", sqlite3_column_name(query, i));
    }
    fputc('\n', out.file);
    while (sqlite3_step(query) == SQLITE_ROW) {
        for (int i = 0; i < n; i++) {
            fputs(i ? "," : "", out.file);
            if (sqlite3_column_type(query, i) == SQLITE_FLOAT) {
                fprintf(out.file, "%.17g", sqlite3_column_double(query, i));
            } else if (sqlite3_column_type(query, i) != SQLITE_NULL) {
                print_field(out.file, (const char *)sqlite3_column_text(query, i));
            }
        }
        fputc('\n', out.file);
    }
    sqlite3_finalize(query);
    return output_close(&out, e);
}

bool sweep_db_finish(struct sweep_db *db, const struct sweep *s, const char *folder, struct error *e)
{
    return sweep_db_commit(db, e) && (s->n_pareto == 0 || write_pareto(db, s, e)) && write_csv(db, folder, e);
}
