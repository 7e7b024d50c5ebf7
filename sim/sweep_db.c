#include "sim/sweep_db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/output.h"
#include "sim/sweep_columns.h"
#include "sim/sweep_db_internal.h"
#include "sim/version.h"

struct sqlite3 *sweep_db_handle(struct sweep_db *db)
{
    return db->handle;
}

bool sweep_db_complain(const struct sweep_db *db, struct error *e)
{
    return error_input(e, "%.300s: %.300s", db->path, sqlite3_errmsg(db->handle));
}

bool sweep_db_execute(struct sweep_db *db, struct error *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    bool good = sql && sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return good || sweep_db_complain(db, e);
}

/* -- the file -- */

/* A lock that ends with the process, whatever ends it. */
static bool hold_folder(struct sweep_db *db, const char *folder, struct error *e)
{
    char path[512];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if ((size_t)snprintf(path, sizeof path, "%s/sweep.lock", folder) >= sizeof path) {
        return error_input(e, "%.300s: the path is too long", folder);
    }
    db->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (db->lock < 0 || fcntl(db->lock, F_SETLK, &lock) != 0) {
        return error_input(e, "%.300s: %s", folder,
                           db->lock < 0 ? strerror(errno)
                                        : "another sweep is at work here; expected one process (or one mpirun) at a time");
    }
    return true;
}

static bool make_points(struct sweep_db *db, struct error *e)
{
    char sql[32768];
    size_t used = (size_t)snprintf(sql, sizeof sql, "CREATE TABLE points(");
    for (int i = 0; i < SWEEP_COLUMNS; i++) {
        struct sweep_column c;
        sweep_column(i, &c);
        used += (size_t)snprintf(sql + used, sizeof sql - used, "%s\"%s\" %s", i ? ", " : "", c.name, c.type);
        ES_ASSERT(used < sizeof sql - 2);
    }
    snprintf(sql + used, sizeof sql - used, ")");
    return sweep_db_execute(db, e, "%s", sql);
}

static bool make_columns(struct sweep_db *db, const struct sweep *s, struct error *e)
{
    bool good = sweep_db_execute(
        db, e, "CREATE TABLE columns(name TEXT PRIMARY KEY, kind TEXT, key TEXT, unit TEXT, better TEXT, varied INTEGER, meaning TEXT)");
    for (int i = 0; i < SWEEP_COLUMNS && good; i++) {
        struct sweep_column c;
        struct sweep_key key;
        sweep_column(i, &c);
        bool varied = false;
        for (uint32_t a = 0; a < s->n_axes && c.kind != COLUMN_METRIC && c.key[0] && sweep_key_find(c.key, &key); a++) {
            varied |= s->axes[a].key.target == key.target && s->axes[a].key.index == key.index && !s->axes[a].fixed &&
                      s->axes[a].kind != AXIS_TIE;
        }
        good = sweep_db_execute(db, e, "INSERT INTO columns VALUES(%Q, %Q, %Q, %Q, %Q, %d, %Q)", c.name, sweep_column_kinds[c.kind], c.key,
                                c.unit, c.better, varied, c.meaning);
    }
    return good;
}

static bool make_meta(struct sweep_db *db, const struct sweep *s, struct error *e)
{
    static const char *const methods[] = {"grid", "random", "latin_hypercube"};
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, s->hash);
    bool good = sweep_db_execute(db, e, "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT)");
    const struct {
        const char *key, *value;
    } rows[] = {{"sweep", s->name},
                {"sweep_hash", hash},
                {"sweep_yaml", s->text},
                {"method", methods[s->method]},
                {"objective", metrics[s->objective].name},
                {"etchsim_version", ETCHSIM_VERSION},
                {"etchsim_commit", version_commit()}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && good; i++) {
        good = sweep_db_execute(db, e, "INSERT INTO meta VALUES(%Q, %Q)", rows[i].key, rows[i].value);
    }
    return good && sweep_db_execute(db, e, "INSERT INTO meta VALUES('schema_version', '%d'), ('points', '%" PRIu32 "')",
                                    SWEEP_SCHEMA_VERSION, s->n_points);
}

/* All of it in one transaction: a database has all tables or none. */
static bool make_tables(struct sweep_db *db, const struct sweep *s, struct error *e)
{
    return sweep_db_execute(db, e, "BEGIN IMMEDIATE") && make_points(db, e) && make_columns(db, s, e) && make_meta(db, s, e) &&
           sweep_db_execute(db, e, "CREATE TABLE pareto(point INTEGER PRIMARY KEY)") &&
           sweep_db_execute(db, e, "CREATE TABLE pareto_metrics(metric TEXT PRIMARY KEY, better TEXT)") &&
           sweep_db_execute(
               db, e,
               "CREATE TABLE sensitivity(base_point INTEGER, parameter TEXT, \"limit\" TEXT, unit TEXT, value_before REAL, value_after "
               "REAL, "
               "change_percent REAL, metric TEXT, metric_unit TEXT, better TEXT, metric_before REAL, metric_after REAL, gain_percent REAL, "
               "gain_percent_per_10_percent REAL, status TEXT, status_text TEXT, PRIMARY KEY(base_point, parameter, metric))") &&
           sweep_db_execute(db, e, "CREATE TABLE costs(point INTEGER PRIMARY KEY, wall_seconds REAL, memory_mib REAL)") &&
           sweep_db_execute(db, e, "COMMIT");
}

static bool read_meta(struct sweep_db *db, const char *key, char *value, size_t room)
{
    sqlite3_stmt *query = NULL;
    bool found = sqlite3_prepare_v2(db->handle, "SELECT value FROM meta WHERE key = ?", -1, &query, NULL) == SQLITE_OK &&
                 sqlite3_bind_text(query, 1, key, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW &&
                 sqlite3_column_text(query, 0);
    if (found) {
        snprintf(value, room, "%s", (const char *)sqlite3_column_text(query, 0));
    }
    sqlite3_finalize(query);
    return found;
}

static bool check_same(struct sweep_db *db, const struct sweep *s, struct error *e)
{
    char hash[17], found[128] = "", commit[128] = "";
    snprintf(hash, sizeof hash, "%016" PRIx64, s->hash);
    if (!read_meta(db, "sweep_hash", found, sizeof found) || !read_meta(db, "etchsim_commit", commit, sizeof commit)) {
        return error_input(e, "%.300s: not the results of a sweep", db->path);
    }
    if (strcmp(found, hash) != 0) {
        return error_input(e,
                           "%.300s: these are results of another sweep, or of other chips, models and workloads (hash %s, expected %s): "
                           "expected another --out, or a folder without sweep.sqlite",
                           db->path, found, hash);
    }
    return strcmp(commit, version_commit()) == 0 ||
           error_input(
               e,
               "%.300s: begun by another version of etchsim (%s, this is %s): expected another --out, so that all rows are of one version",
               db->path, commit, version_commit());
}

static bool has_tables(struct sweep_db *db)
{
    sqlite3_stmt *query = NULL;
    bool found = sqlite3_prepare_v2(db->handle, "SELECT 1 FROM sqlite_master LIMIT 1", -1, &query, NULL) == SQLITE_OK &&
                 sqlite3_step(query) == SQLITE_ROW;
    sqlite3_finalize(query);
    return found;
}

static bool prepare_insert(struct sweep_db *db, struct error *e)
{
    char sql[16384] = "INSERT OR IGNORE INTO points VALUES(?";
    size_t used = strlen(sql);
    for (int i = 1; i < SWEEP_COLUMNS; i++) {
        used += (size_t)snprintf(sql + used, sizeof sql - used, ",?");
    }
    ES_ASSERT(used < sizeof sql - 2);
    snprintf(sql + used, sizeof sql - used, ")");
    return sqlite3_prepare_v2(db->handle, sql, -1, &db->insert, NULL) == SQLITE_OK || sweep_db_complain(db, e);
}

bool sweep_db_open(const char *folder, const struct sweep *s, struct sweep_db **out, struct error *e)
{
    struct sweep_db *db = error_calloc(e, 1, sizeof *db, "the results");
    if (!db) {
        return false;
    }
    db->lock = -1;
    bool good = (size_t)snprintf(db->path, sizeof db->path, "%s/sweep.sqlite", folder) < sizeof db->path ||
                error_input(e, "%.300s: the path is too long", folder);
    good = good && hold_folder(db, folder, e) && (sqlite3_open(db->path, &db->handle) == SQLITE_OK || sweep_db_complain(db, e));
    sqlite3_busy_timeout(db->handle, 10000); /* readers of the file */
    good = good && sweep_db_execute(db, e, "PRAGMA journal_mode = WAL") && sweep_db_execute(db, e, "PRAGMA synchronous = NORMAL") &&
           (has_tables(db) ? check_same(db, s, e) : make_tables(db, s, e)) && prepare_insert(db, e);
    if (!good) {
        sweep_db_close(db);
        return false;
    }
    *out = db;
    return true;
}

void sweep_db_close(struct sweep_db *db)
{
    if (db) {
        sqlite3_finalize(db->insert);
        sqlite3_close(db->handle);
        if (db->lock >= 0) {
            close(db->lock);
        }
        free(db);
    }
}

bool sweep_db_remove(const char *folder, struct error *e)
{
    static const char *const names[] = {"sweep.sqlite-wal", "sweep.sqlite-shm", "sweep.sqlite", "sweep.csv"};
    struct sweep_db db = {.lock = -1};
    char path[600];
    struct stat status;
    if (stat(folder, &status) != 0) {
        return true;
    }
    bool good = hold_folder(&db, folder, e);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && good; i++) {
        snprintf(path, sizeof path, "%.500s/%s", folder, names[i]);
        good = unlink(path) == 0 || errno == ENOENT || error_input(e, "%s: cannot be removed: %s", path, strerror(errno));
    }
    if (db.lock >= 0) {
        close(db.lock);
    }
    return good;
}

/* -- rows -- */

bool sweep_db_present(struct sweep_db *db, const struct sweep *s, bool *present, uint32_t *count, struct error *e)
{
    sqlite3_stmt *query = NULL;
    *count = 0;
    if (sqlite3_prepare_v2(db->handle, "SELECT point FROM points", -1, &query, NULL) != SQLITE_OK) {
        return sweep_db_complain(db, e);
    }
    while (sqlite3_step(query) == SQLITE_ROW) {
        int64_t point = sqlite3_column_int64(query, 0);
        if (point >= 0 && point < s->n_points && !present[point]) {
            present[point] = true;
            ++*count;
        }
    }
    sqlite3_finalize(query);
    return true;
}

static void bind_text(sqlite3_stmt *insert, int i, const char *text)
{
    if (text && text[0]) {
        sqlite3_bind_text(insert, i, text, -1, SQLITE_TRANSIENT);
    } else {
        sqlite3_bind_null(insert, i);
    }
}

static void bind_hash(sqlite3_stmt *insert, int i, uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    bind_text(insert, i, text);
}

static void bind_result(sqlite3_stmt *insert, int at, int i, const struct sweep_point *point, const struct sweep_row *row)
{
    switch (i) {
    case 0: sqlite3_bind_int64(insert, at, row->point); break;
    case 1: bind_text(insert, at, point_status_names[row->status]); break;
    case 2: bind_text(insert, at, row->text); break;
    case 3: bind_hash(insert, at, sweep_point_hash(point)); break;
    case 4:
        if (row->trace_hash) {
            bind_hash(insert, at, row->trace_hash);
        } else {
            sqlite3_bind_null(insert, at);
        }
        break;
    case 5 + ROW_LIMITS: bind_text(insert, at, row->busiest_unit >= 0 ? unit_kind_names[row->busiest_unit] : NULL); break;
    default: bind_text(insert, at, row->limit[i - 5] >= 0 ? limit_names[row->limit[i - 5]] : NULL);
    }
}

static void bind_parameter(sqlite3_stmt *insert, int at, const struct parameter *p, uint32_t value)
{
    int length = 0;
    const char *word = p->words ? parameter_word(p, value, &length) : NULL;
    if (word) {
        sqlite3_bind_text(insert, at, word, length, SQLITE_TRANSIENT);
    } else {
        sqlite3_bind_int64(insert, at, value);
    }
}

static void bind_column(sqlite3_stmt *insert, int at, const struct sweep_column *c, const struct sweep_point *point,
                        const struct sweep_row *row)
{
    switch (c->kind) {
    case COLUMN_RESULT: bind_result(insert, at, c->index, point, row); break;
    case COLUMN_NAME: bind_text(insert, at, sweep_point_name(point, (struct sweep_key){(enum sweep_target)c->index, 0})); break;
    case COLUMN_INPUT: sqlite3_bind_int64(insert, at, point->input[c->index]); break;
    case COLUMN_PARAMETER: bind_parameter(insert, at, &parameters[c->index], parameter_get(&parameters[c->index], &point->config)); break;
    case COLUMN_METRIC:
        if (isnan(row->metric[c->index])) {
            sqlite3_bind_null(insert, at);
        } else {
            sqlite3_bind_double(insert, at, row->metric[c->index]);
        }
    }
}

bool sweep_db_begin(struct sweep_db *db, struct error *e)
{
    db->begun = db->begun || sweep_db_execute(db, e, "BEGIN IMMEDIATE");
    return db->begun;
}

bool sweep_db_add(struct sweep_db *db, const struct sweep *s, const struct sweep_row *row, struct error *e)
{
    static struct sweep_column columns[SWEEP_COLUMNS]; /* made once */
    struct sweep_point point;
    if (!sweep_db_begin(db, e)) {
        return false;
    }
    for (int i = 0; i < SWEEP_COLUMNS && !columns[SWEEP_COLUMNS - 1].type; i++) {
        sweep_column(i, &columns[i]);
    }
    sweep_point(s, row->point, &point);
    for (int i = 0; i < SWEEP_COLUMNS; i++) {
        bind_column(db->insert, i + 1, &columns[i], &point, row);
    }
    bool good = sqlite3_step(db->insert) == SQLITE_DONE || sweep_db_complain(db, e);
    sqlite3_reset(db->insert);
    return good && sweep_db_execute(db, e, "INSERT OR IGNORE INTO costs VALUES(%" PRIu32 ", %.6f, %.1f)", row->point, row->seconds,
                                    row->memory_mib);
}

bool sweep_db_commit(struct sweep_db *db, struct error *e)
{
    bool begun = db->begun;
    db->begun = false;
    return !begun || sweep_db_execute(db, e, "COMMIT");
}

bool sweep_db_merge(struct sweep_db *db, const char *folder, struct error *e)
{
    char path[512], here[128] = "", there[128] = "", commit[128] = "";
    struct sweep_db other = {.lock = -1};
    if ((size_t)snprintf(path, sizeof path, "%s/sweep.sqlite", folder) >= sizeof path || access(path, R_OK) != 0) {
        return error_input(e, "%.300s: expected a folder with the results of a sweep, sweep.sqlite", folder);
    }
    snprintf(other.path, sizeof other.path, "%s", path);
    bool good = sqlite3_open_v2(path, &other.handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                read_meta(&other, "sweep_hash", there, sizeof there) && read_meta(&other, "etchsim_commit", commit, sizeof commit) &&
                read_meta(db, "sweep_hash", here, sizeof here);
    sqlite3_close(other.handle);
    if (!good || strcmp(here, there) != 0 || strcmp(commit, version_commit()) != 0) {
        return error_input(e, "%.300s: expected results of the same sweep (hash %s, found %s) by the same version of etchsim", path, here,
                           there);
    }
    return sweep_db_execute(db, e, "ATTACH %Q AS shard", path) &&
           sweep_db_execute(db, e, "INSERT OR IGNORE INTO main.points SELECT * FROM shard.points") &&
           sweep_db_execute(db, e, "INSERT OR IGNORE INTO main.costs SELECT * FROM shard.costs") && sweep_db_execute(db, e, "DETACH shard");
}

/* -- what follows -- */

bool sweep_db_counts(struct sweep_db *db, uint32_t counts[POINT_STATUSES], struct error *e)
{
    sqlite3_stmt *query = NULL;
    memset(counts, 0, POINT_STATUSES * sizeof counts[0]);
    if (sqlite3_prepare_v2(db->handle, "SELECT status, count(*) FROM points GROUP BY status", -1, &query, NULL) != SQLITE_OK) {
        return sweep_db_complain(db, e);
    }
    while (sqlite3_step(query) == SQLITE_ROW) {
        for (int i = 0; i < POINT_STATUSES; i++) {
            if (strcmp((const char *)sqlite3_column_text(query, 0), point_status_names[i]) == 0) {
                counts[i] = (uint32_t)sqlite3_column_int64(query, 1);
            }
        }
    }
    sqlite3_finalize(query);
    return true;
}

bool sweep_db_best(struct sweep_db *db, const struct sweep *s, uint32_t *point, double *value)
{
    const struct metric *m = &metrics[s->objective];
    sqlite3_stmt *query = NULL;
    char sql[300];
    snprintf(sql, sizeof sql,
             "SELECT point, \"%s\" FROM points WHERE status = 'ok' AND \"%s\" IS NOT NULL ORDER BY \"%s\" %s, point LIMIT 1", m->name,
             m->name, m->name, m->better == BETTER_LOWER ? "ASC" : "DESC");
    bool found = sqlite3_prepare_v2(db->handle, sql, -1, &query, NULL) == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW;
    if (found) {
        *point = (uint32_t)sqlite3_column_int64(query, 0);
        *value = sqlite3_column_double(query, 1);
    }
    sqlite3_finalize(query);
    return found;
}
