/* sweep_view.h -- a sweep's results read again, for pictures and the page: DIR/sweep.sqlite, opened for reading. */
#ifndef ETCHSIM_SWEEP_VIEW_H
#define ETCHSIM_SWEEP_VIEW_H

#include <sqlite3.h>

#include "sim/sweep.h"

struct sweep_view {
    sqlite3 *db;
    char path[600];
    struct sweep sweep; /* its file, parsed again; what it names is not opened */
};

struct sweep_view_column {
    char name[128], unit[32], better[8]; /* better: "higher", "lower" or "" */
};

/* Errors: no such database, of another version, not made by a sweep. */
bool sweep_view_open(const char *folder, struct sweep_view *view, struct error *e);
void sweep_view_close(struct sweep_view *view);
/* The column of table `points` that holds a key ("lora.lanes") or a metric. */
bool sweep_view_column(const struct sweep_view *view, const char *key, struct sweep_view_column *column, struct error *e);
/* A value of table `meta`, "?" if there is none. */
void sweep_view_meta(const struct sweep_view *view, const char *key, char *value, size_t room);
/* Prepares a query, in sqlite3_mprintf()'s format: %w is a name between double quotes. NULL: *e says why. */
sqlite3_stmt *sweep_view_query(const struct sweep_view *view, struct error *e, const char *format, ...);

#endif
