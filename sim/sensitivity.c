#include "sim/sensitivity.h"

#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "sim/params.h"

double gain_percent(const struct metric *m, double before, double after)
{
    if (m->better == BETTER_NEITHER || isnan(before) || isnan(after) || before == 0) {
        return NAN;
    }
    return 100 * (m->better == BETTER_HIGHER ? after - before : before - after) / before;
}

/* -- the changes -- */

static void set_change(struct sensitivity *change, const struct parameter *p, bool more, uint32_t value)
{
    uint32_t step = value / 10 > 1 ? value / 10 : 1;
    change->parameter = (int32_t)(p - parameters);
    change->before = value;
    change->after = more ? (double)value + step : (double)value - (value > p->low ? step : 0);
    change->after = change->after > p->high ? p->high : change->after < p->low ? p->low : change->after;
}

static bool is_listed(const struct sensitivity *changes, uint32_t count, int32_t parameter)
{
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].parameter == parameter) {
            return true;
        }
    }
    return false;
}

/* Every "key*2" or "key/2" of the limits, and the clock. */
static uint32_t list_changes(const struct chip_config *config, struct sensitivity *changes)
{
    uint32_t count = 0;
    set_change(&changes[count], parameter_find("clock.mhz"), true, config->clock_mhz);
    changes[count++].limit = -1;
    for (int32_t l = 0; l < LIMITS; l++) {
        for (const char *at = limit_relax[l]; *at; at += strspn(at, " ")) {
            char key[64] = "";
            size_t n = strcspn(at, "*/");
            memcpy(key, at, n < sizeof key ? n : sizeof key - 1);
            const struct parameter *p = parameter_find(key);
            ES_ASSERT(p && count < SENSITIVITIES_MAX);
            bool relaxes = strcmp(key, "sram.depth_words") != 0 &&         /* that only makes room for others */
                           (at[n] == '/' || parameter_get(p, config) > 0); /* no lanes: another way altogether */
            if (relaxes && !is_listed(changes, count, (int32_t)(p - parameters))) {
                set_change(&changes[count], p, at[n] == '*', parameter_get(p, config));
                changes[count].limit = l;
                count += changes[count].after != changes[count].before;
            }
            at += n + 2;
        }
    }
    return count;
}

/* With the change. More KV caches and slots need more SRAM: banks get deeper until they fit, at most twice as deep. */
static void run_changed(const struct sweep *s, const struct sweep_point *base, struct sensitivity *change)
{
    struct sweep_point point = *base;
    bool grows = change->limit == LIMIT_kv_capacity || change->limit == LIMIT_adapter_capacity;
    *parameter_value(&parameters[change->parameter], &point.config) = (uint32_t)change->after;
    for (int i = 0; i <= (grows ? 10 : 0); i++) {
        point.config.sram_depth_words = base->config.sram_depth_words + base->config.sram_depth_words / 10 * (uint32_t)i;
        change->depth_words = i > 0 ? point.config.sram_depth_words : 0;
        point_run_at(s, &point, &change->row);
        if (change->row.status != POINT_ERROR) {
            return;
        }
    }
}

bool sensitivity_run(const struct sweep *s, uint32_t index, struct sweep_row *base, struct sensitivity *changes, uint32_t *count,
                     struct error *e)
{
    struct sweep_point point;
    sweep_point(s, index, &point);
    point_run_at(s, &point, base);
    if (base->status != POINT_OK && base->status != POINT_EXCLUDED) {
        return error_input(e, "point %" PRIu32 " has no results to be compared with: %s", index, base->text);
    }
    *count = list_changes(&point.config, changes);
    for (uint32_t i = 0; i < *count; i++) {
        run_changed(s, &point, &changes[i]);
    }
    return true;
}

/* -- the table -- */

static void bind_number(sqlite3_stmt *insert, int at, double value)
{
    if (isnan(value)) {
        sqlite3_bind_null(insert, at);
    } else {
        sqlite3_bind_double(insert, at, value);
    }
}

static const char *limit_word(const struct sensitivity *change)
{
    return change->limit < 0 ? "clock" : limit_names[change->limit];
}

static bool insert_change(sqlite3_stmt *insert, uint32_t point, const struct sweep_row *base, const struct sensitivity *c, int metric)
{
    const struct metric *m = &metrics[metric];
    const struct parameter *p = &parameters[c->parameter];
    double before = base->metric[metric], after = c->row.metric[metric], gain = gain_percent(m, before, after);
    double change = c->before > 0 ? 100 * (c->after - c->before) / c->before : NAN;
    char text[80] = "";
    if (c->depth_words) {
        snprintf(text, sizeof text, "with sram.depth_words=%" PRIu32, c->depth_words);
    }
    sqlite3_bind_int64(insert, 1, point);
    sqlite3_bind_text(insert, 2, p->key, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, limit_word(c), -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 4, p->unit, -1, SQLITE_STATIC);
    bind_number(insert, 5, c->before);
    bind_number(insert, 6, c->after);
    bind_number(insert, 7, change);
    sqlite3_bind_text(insert, 8, m->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 9, m->unit, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 10, m->better == BETTER_HIGHER ? "higher" : "lower", -1, SQLITE_STATIC);
    bind_number(insert, 11, before);
    bind_number(insert, 12, after);
    bind_number(insert, 13, gain);
    bind_number(insert, 14, isnan(change) ? NAN : gain * 10 / fabs(change));
    sqlite3_bind_text(insert, 15, point_status_names[c->row.status], -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 16, c->row.text[0] ? c->row.text : text, -1, SQLITE_TRANSIENT);
    bool good = sqlite3_step(insert) == SQLITE_DONE;
    sqlite3_reset(insert);
    return good;
}

bool sensitivity_write(struct sweep_db *db, uint32_t point, const struct sweep_row *base, const struct sensitivity *changes, uint32_t count,
                       struct error *e)
{
    sqlite3 *handle = sweep_db_handle(db);
    sqlite3_stmt *insert = NULL;
    char clear[100];
    snprintf(clear, sizeof clear, "BEGIN; DELETE FROM sensitivity WHERE base_point = %" PRIu32, point);
    bool good =
        sqlite3_exec(handle, clear, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(handle, "INSERT INTO sensitivity VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1, &insert, NULL) == SQLITE_OK;
    for (uint32_t i = 0; i < count && good; i++) {
        for (int m = 0; m < METRIC_COUNT && good; m++) {
            good = metrics[m].better == BETTER_NEITHER || insert_change(insert, point, base, &changes[i], m);
        }
    }
    sqlite3_finalize(insert);
    good = good && sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    return good || error_input(e, "table sensitivity: %.300s", sqlite3_errmsg(handle));
}

/* -- for people -- */

struct shown {
    const struct sensitivity *change;
    double gain;
};

static int compare_gains(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    return x->gain != y->gain ? (x->gain < y->gain) - (x->gain > y->gain) : x->change->parameter - y->change->parameter;
}

void sensitivity_print(const struct sweep_row *base, const struct sensitivity *changes, uint32_t count, const struct metric *m, FILE *out)
{
    struct shown shown[SENSITIVITIES_MAX];
    size_t index = (size_t)(m - metrics);
    for (uint32_t i = 0; i < count; i++) {
        double gain = gain_percent(m, base->metric[index], changes[i].row.metric[index]);
        shown[i] = (struct shown){&changes[i], isnan(gain) ? -INFINITY : gain};
    }
    qsort(shown, count, sizeof shown[0], compare_gains);
    fprintf(out, "%-30s %18s  %-22s gain in %s (%s at the point: %.6g)\n", "parameter", "changed", "relaxes", m->name, m->unit,
            base->metric[index]);
    for (uint32_t i = 0; i < count; i++) {
        const struct sensitivity *c = shown[i].change;
        fprintf(out, "%-30s %8.0f -> %-6.0f  %-22s ", parameters[c->parameter].key, c->before, c->after, limit_word(c));
        if (c->row.status == POINT_ERROR) {
            fprintf(out, "%.100s\n", c->row.text);
        } else if (isinf(shown[i].gain)) {
            fprintf(out, "no value\n");
        } else {
            fprintf(out, "%+.3f %%\n", shown[i].gain);
        }
    }
}
