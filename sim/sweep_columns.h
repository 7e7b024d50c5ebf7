/* sweep_columns.h -- the columns of a sweep's table `points`, in order: what the point is, then its inputs, then its metrics. */
#ifndef ETCHSIM_SWEEP_COLUMNS_H
#define ETCHSIM_SWEEP_COLUMNS_H

#include "sim/params.h"
#include "sim/sweep_db.h"

enum column_kind { COLUMN_RESULT, COLUMN_NAME, COLUMN_INPUT, COLUMN_PARAMETER, COLUMN_METRIC };

enum { RESULT_COLUMNS = 9, NAME_COLUMNS = 3, SWEEP_COLUMNS = RESULT_COLUMNS + NAME_COLUMNS + INPUT_COUNT + PARAMETER_COUNT + METRIC_COUNT };

struct sweep_column {
    char name[COLUMN_NAME_ROOM];
    enum column_kind kind;
    const char *type; /* SQLite's */
    const char *key, *unit, *meaning;
    const char *better; /* "higher", "lower" or "" */
    int index;          /* within its kind */
};

/* Column i of SWEEP_COLUMNS. */
void sweep_column(int i, struct sweep_column *column);
extern const char *const sweep_column_kinds[]; /* for table `columns` */

#endif
