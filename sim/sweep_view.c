#include "sim/sweep_view.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep_db.h"

void sweep_view_meta(const struct sweep_view *view, const char *key, char *value, size_t room)
{
    struct error none;
    sqlite3_stmt *query = sweep_view_query(view, &none, "SELECT value FROM meta WHERE key = %Q", key);
    bool found = query && sqlite3_step(query) == SQLITE_ROW && sqlite3_column_text(query, 0);
    snprintf(value, room, "%s", found ? (const char *)sqlite3_column_text(query, 0) : "?");
    sqlite3_finalize(query);
}

sqlite3_stmt *sweep_view_query(const struct sweep_view *view, struct error *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    sqlite3_stmt *query = NULL;
    if (!sql || sqlite3_prepare_v2(view->db, sql, -1, &query, NULL) != SQLITE_OK) {
        error_input(e, "%.300s: %.300s", view->path, sqlite3_errmsg(view->db));
    }
    sqlite3_free(sql);
    return query;
}

/* The sweep's file is in the database. */
static bool read_sweep(struct sweep_view *view, struct error *e)
{
    sqlite3_stmt *query = sweep_view_query(view, e, "SELECT value FROM meta WHERE key = 'sweep_yaml'");
    bool good = query != NULL;
    if (good && (sqlite3_step(query) != SQLITE_ROW || !sqlite3_column_text(query, 0))) {
        good = error_input(e, "%s: expected a sweep's file in table meta", view->path);
    }
    good = good &&
           sweep_parse((const char *)sqlite3_column_text(query, 0), (size_t)sqlite3_column_bytes(query, 0), view->path, &view->sweep, e);
    sqlite3_finalize(query);
    return good;
}

bool sweep_view_open(const char *folder, struct sweep_view *view, struct error *e)
{
    char version[16], expected[16];
    *view = (struct sweep_view){0};
    snprintf(view->path, sizeof view->path, "%s/sweep.sqlite", folder);
    if (sqlite3_open_v2(view->path, &view->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        error_input(e, "%.300s: %.300s", view->path, sqlite3_errmsg(view->db));
        sweep_view_close(view);
        return false;
    }
    sweep_view_meta(view, "schema_version", version, sizeof version);
    snprintf(expected, sizeof expected, "%d", SWEEP_SCHEMA_VERSION);
    bool good = strcmp(version, expected) == 0 ||
                error_input(e, "%s: expected a sweep's database of version %s, found %s", view->path, expected, version);
    if (!good || !read_sweep(view, e)) {
        sweep_view_close(view);
        return false;
    }
    return true;
}

void sweep_view_close(struct sweep_view *view)
{
    sqlite3_close(view->db);
    sweep_free(&view->sweep);
    view->db = NULL;
}

static void copy_text(char *to, size_t room, sqlite3_stmt *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query, column);
    snprintf(to, room, "%s", text ? text : "");
}

bool sweep_view_column(const struct sweep_view *view, const char *key, struct sweep_view_column *column, struct error *e)
{
    sqlite3_stmt *query = sweep_view_query(view, e, "SELECT name, unit, better FROM columns WHERE key = %Q OR name = %Q", key, key);
    bool good = query != NULL;
    if (good && sqlite3_step(query) != SQLITE_ROW) {
        good = error_input(e, "%s: there is no column for '%s'", view->path, key);
    }
    if (good) {
        copy_text(column->name, sizeof column->name, query, 0);
        copy_text(column->unit, sizeof column->unit, query, 1);
        copy_text(column->better, sizeof column->better, query, 2);
    }
    sqlite3_finalize(query);
    return good;
}
