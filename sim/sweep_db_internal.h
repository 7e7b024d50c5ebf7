/* sweep_db_internal.h -- the open database, for the files that implement sweep_db.h. */
#ifndef ETCHSIM_SWEEP_DB_INTERNAL_H
#define ETCHSIM_SWEEP_DB_INTERNAL_H

#include <sqlite3.h>

#include "sim/sweep_db.h"

struct sweep_db {
    sqlite3 *handle;
    sqlite3_stmt *insert;
    char path[512];
    int lock; /* file descriptor: the folder is ours while it is open */
    bool begun;
};

/* SQLite's message, as an input error; returns false. */
bool sweep_db_complain(const struct sweep_db *db, struct error *e);
/* The format is sqlite3_mprintf()'s: %Q is a text in quotes. */
bool sweep_db_execute(struct sweep_db *db, struct error *e, const char *format, ...);
/* Begins a transaction unless there is one; sweep_db_commit() ends it. */
bool sweep_db_begin(struct sweep_db *db, struct error *e);

#endif
