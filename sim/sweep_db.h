/* sweep_db.h -- a sweep's results on disk: DIR/sweep.sqlite, one row a point, and DIR/sweep.csv from it. docs/sweep.md has the schema.
 *
 * Rows are written in transactions; what was committed survives the end of the process at any moment, and a point is a row once or not at all.
 */
#ifndef ETCHSIM_SWEEP_DB_H
#define ETCHSIM_SWEEP_DB_H

#include "sim/point.h"

enum { SWEEP_SCHEMA_VERSION = 1 };

struct sweep_db;

/* Opens DIR/sweep.sqlite, or makes it. One that is there must be of the same sweep (hash) and the same program. The folder is held: a second process on it
 * is an error. */
bool sweep_db_open(const char *folder, const struct sweep *s, struct sweep_db **db, struct error *e);
void sweep_db_close(struct sweep_db *db);
/* Throws the results in a folder away, if there are any. */
bool sweep_db_remove(const char *folder, struct error *e);

/* present[n_points]: which points have a row. Returns their number. */
bool sweep_db_present(struct sweep_db *db, const struct sweep *s, bool *present, uint32_t *count, struct error *e);
/* Adds a row; a point that has one already is left as it is. It is on disk after the next sweep_db_commit(). */
bool sweep_db_add(struct sweep_db *db, const struct sweep *s, const struct sweep_row *row, struct error *e);
bool sweep_db_commit(struct sweep_db *db, struct error *e);
/* Copies the points of another folder's database of the same sweep. */
bool sweep_db_merge(struct sweep_db *db, const char *folder, struct error *e);
/* What follows from the rows: table pareto, the CSV file. */
bool sweep_db_finish(struct sweep_db *db, const struct sweep *s, const char *folder, struct error *e);

/* The best point by the sweep's objective: false if there is none. Ties go to the lower index. */
bool sweep_db_best(struct sweep_db *db, const struct sweep *s, uint32_t *point, double *value);
/* Points of each status. */
bool sweep_db_counts(struct sweep_db *db, uint32_t counts[POINT_STATUSES], struct error *e);

/* For commands of their own (sensitivity, explain). */
struct sqlite3;
struct sqlite3 *sweep_db_handle(struct sweep_db *db);

/* A column's name: key and unit, "lora_lanes_mac_per_cycle" from lora.lanes and MAC/cycle; the unit only where the name doesn't say it. */
enum { COLUMN_NAME_ROOM = 96 };
void sweep_column_name(const char *key, const char *unit, char name[COLUMN_NAME_ROOM]);

#endif
