/* The page's sections of a sweep: how it went, its pictures, the Pareto front, all points, what more of each resource buys. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "sim/report_page_internal.h"
#include "sim/sweep_view.h"

enum { COLUMNS_MOST = 96, ROWS_MOST = 5000, SQL_ROOM = 16384 };

/* The columns that a person looks at: what the point is, what the sweep varies, its aims, what binds. */
struct columns {
    struct sweep_view_column items[COLUMNS_MOST];
    int count;
};

static void add_column(struct columns *c, const struct sweep_view *view, const char *key)
{
    struct error none;
    struct sweep_view_column column;
    if (c->count == COLUMNS_MOST || !sweep_view_column(view, key, &column, &none)) {
        return;
    }
    for (int i = 0; i < c->count; i++) {
        if (strcmp(c->items[i].name, column.name) == 0) {
            return;
        }
    }
    c->items[c->count++] = column;
}

static bool pick_columns(const struct sweep_view *view, struct columns *c, struct error *e)
{
    char objective[SWEEP_KEY_ROOM];
    sqlite3_stmt *query = sweep_view_query(view, e, "SELECT name FROM columns WHERE varied ORDER BY rowid");
    if (!query) {
        return false;
    }
    add_column(c, view, "point");
    add_column(c, view, "status");
    while (sqlite3_step(query) == SQLITE_ROW) {
        add_column(c, view, (const char *)sqlite3_column_text(query, 0));
    }
    sqlite3_finalize(query);
    sweep_view_meta(view, "objective", objective, sizeof objective);
    add_column(c, view, objective);
    for (uint32_t i = 0; i < view->sweep.n_pareto; i++) {
        add_column(c, view, metrics[view->sweep.pareto[i]].name);
    }
    for (uint32_t i = 0; i < view->sweep.n_plots; i++) {
        add_column(c, view, view->sweep.plots[i].y);
    }
    add_column(c, view, "limit_token");
    return true;
}

static void put_cell(struct page *page, sqlite3_stmt *query, int i)
{
    switch (sqlite3_column_type(query, i)) {
    case SQLITE_NULL: page_cell_number(page, NAN); break;
    case SQLITE_TEXT: page_cell_text(page, (const char *)sqlite3_column_text(query, i)); break;
    default: page_cell_number(page, sqlite3_column_double(query, i));
    }
}

/* The first row says which columns are texts. */
static void put_table(struct page *page, sqlite3_stmt *query, const char *caption)
{
    int n = sqlite3_column_count(query), rows = 0;
    for (; sqlite3_step(query) == SQLITE_ROW; rows++) {
        if (rows == 0) {
            page_table_begin(page, caption);
            for (int i = 0; i < n; i++) {
                page_table_head(page, sqlite3_column_name(query, i), sqlite3_column_type(query, i) == SQLITE_TEXT);
            }
            page_table_rows(page);
        }
        page_row(page);
        for (int i = 0; i < n; i++) {
            put_cell(page, query, i);
        }
    }
    if (rows > 0) {
        page_table_end(page);
    } else {
        page_paragraph(page, "None.");
    }
}

/* A table of points; `where` follows the table's name. */
static bool put_points(const struct sweep_view *view, struct page *page, const struct columns *c, const char *where, const char *caption,
                       struct error *e)
{
    char list[SQL_ROOM] = "";
    size_t used = 0;
    for (int i = 0; i < c->count && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%s\"", i ? ", " : "", c->items[i].name);
    }
    sqlite3_stmt *query = sweep_view_query(view, e, "SELECT %s FROM points %s ORDER BY point LIMIT %d", list, where, ROWS_MOST);
    if (!query) {
        return false;
    }
    put_table(page, query, caption);
    sqlite3_finalize(query);
    return true;
}

static double count_points(const struct sweep_view *view, const char *status)
{
    struct error none;
    sqlite3_stmt *query = sweep_view_query(view, &none, "SELECT COUNT(*) FROM points WHERE status = %Q", status);
    double count = query && sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_double(query, 0) : NAN;
    sqlite3_finalize(query);
    return count;
}

/* The objective's best value and where. */
static bool put_best(const struct sweep_view *view, struct page *page, struct error *e)
{
    char objective[SWEEP_KEY_ROOM];
    struct sweep_view_column column;
    sweep_view_meta(view, "objective", objective, sizeof objective);
    if (!sweep_view_column(view, objective, &column, e)) {
        return false;
    }
    sqlite3_stmt *query =
        sweep_view_query(view, e, "SELECT \"%w\", point FROM points WHERE status = 'ok' AND \"%w\" IS NOT NULL ORDER BY 1 %s, 2 LIMIT 1",
                         column.name, column.name, strcmp(column.better, "lower") == 0 ? "ASC" : "DESC");
    if (query && sqlite3_step(query) == SQLITE_ROW) {
        char text[128];
        snprintf(text, sizeof text, "Best %s, at point %d", objective, sqlite3_column_int(query, 1));
        page_figure(page, text, sqlite3_column_double(query, 0), column.unit);
    }
    sqlite3_finalize(query);
    return query != NULL;
}

static bool put_summary(const struct sweep_view *view, struct page *page, struct error *e)
{
    static const char *const statuses[] = {"ok", "excluded", "error", "crashed"};
    char name[SWEEP_KEY_ROOM], hash[32], points[16];
    sweep_view_meta(view, "sweep", name, sizeof name);
    sweep_view_meta(view, "sweep_hash", hash, sizeof hash);
    sweep_view_meta(view, "points", points, sizeof points);
    page_section(page, "sweep", "Sweep");
    page_paragraph(page, "Sweep %s (%s): %s points.", name, hash, points);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        page_figure(page, statuses[i], count_points(view, statuses[i]), "points");
    }
    return put_best(view, page, e);
}

static bool put_sensitivity(const struct sweep_view *view, struct page *page, struct error *e)
{
    char objective[SWEEP_KEY_ROOM];
    sweep_view_meta(view, "objective", objective, sizeof objective);
    sqlite3_stmt *query =
        sweep_view_query(view, e,
                         "SELECT parameter, \"limit\", unit, value_before, value_after, metric, metric_before, metric_after, "
                         "gain_percent_per_10_percent FROM sensitivity WHERE metric = %Q ORDER BY ABS(gain_percent_per_10_percent) DESC",
                         objective);
    if (query) {
        page_section(page, "sensitivity", "What 10 % more of each resource buys");
        put_table(page, query, "Sensitivity");
    }
    sqlite3_finalize(query);
    return query != NULL;
}

bool report_sweep(const struct report *r, struct error *e)
{
    static struct columns columns;
    struct sweep_view view;
    char path[600];
    snprintf(path, sizeof path, "%s/sweep.sqlite", r->folder);
    if (access(path, F_OK) != 0) {
        return true;
    }
    if (!sweep_view_open(r->folder, &view, e)) {
        return false;
    }
    columns.count = 0;
    bool good = pick_columns(&view, &columns, e) && put_summary(&view, r->page, e) && report_pictures(r, e);
    if (good && view.sweep.n_pareto >= 2) {
        page_section(r->page, "front", "Pareto front");
        good = put_points(&view, r->page, &columns, "WHERE point IN (SELECT point FROM pareto)", "Pareto front", e);
    }
    if (good) {
        page_section(r->page, "points", "All points");
        good = put_points(&view, r->page, &columns, "", "Points", e) && put_sensitivity(&view, r->page, e);
    }
    sweep_view_close(&view);
    return good;
}
