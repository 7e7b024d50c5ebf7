/* Pictures of a sweep: the lines that its file asks for, the Pareto front, what 10 % more of each resource buys. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/plot.h"
#include "sim/sweep_view.h"

/* The unit as a metric's name ends in it: "us", "mj_per_token", "tokens_per_second". */
static void unit_suffix(const char *unit, char suffix[PLOT_NAME_ROOM])
{
    size_t used = 0;
    for (; *unit && used < PLOT_NAME_ROOM - 12; unit++) {
        bool second = unit[0] == '/' && unit[1] == 's' && !unit[2];
        used += (size_t)snprintf(suffix + used, PLOT_NAME_ROOM - used,
                                 second         ? "_per_second"
                                 : *unit == '/' ? "_per_"
                                                : "%c",
                                 tolower((unsigned char)*unit));
        unit += second;
    }
    suffix[used] = '\0';
}

/* What an axis says: "swap, us" of the metric swap_us, "rom.tile_rows, rows" of a key. */
static void axis_text(const char *key, const struct sweep_view_column *column, char text[PLOT_TEXT_ROOM])
{
    char suffix[PLOT_NAME_ROOM] = "";
    size_t length = strlen(key);
    unit_suffix(column->unit, suffix);
    size_t tail = strlen(suffix);
    if (!strchr(key, '.') && strncmp(suffix, "tokens", strlen("tokens")) != 0 && tail > 0 && length > tail + 1 &&
        strcmp(key + length - tail, suffix) == 0 && key[length - tail - 1] == '_') {
        length -= tail + 1;
    }
    bool has_unit = column->unit[0] && strcmp(column->unit, "1") != 0;
    snprintf(text, PLOT_TEXT_ROOM, has_unit ? "%.*s, %.40s" : "%.*s", (int)length, key, column->unit);
    for (char *c = text; *c && *c != ','; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
}

static void corner_text(const struct sweep_view *view, char corner[PLOT_TEXT_ROOM])
{
    char name[SWEEP_KEY_ROOM], hash[32];
    sweep_view_meta(view, "sweep", name, sizeof name);
    sweep_view_meta(view, "sweep_hash", hash, sizeof hash);
    snprintf(corner, PLOT_TEXT_ROOM, "sweep %.60s, %.16s", name, hash);
}

/* --- lines --- */

struct lines {
    struct plot plot;
    const struct sweep_plot *ask;
    struct sweep_view_column x, y, by;
    double best, best_x;
    char best_line[PLOT_NAME_ROOM];
    bool any;
};

static void begin_line(struct lines *l, const char *label)
{
    fprintf(l->plot.script.file, "%s'", l->any ? " " : "");
    for (const char *c = label; *c; c++) {
        fputc(*c == '\'' || *c == '"' || *c == '\\' ? '_' : *c, l->plot.script.file);
    }
    fputc('\'', l->plot.script.file);
    fprintf(l->plot.data.file, "%s# %s\n", l->any ? "\n\n" : "", label);
}

static void add_point(struct lines *l, double x, double y, const char *label)
{
    bool higher = strcmp(l->y.better, "lower") != 0;
    fprintf(l->plot.data.file, "%.10g %.10g\n", x, y);
    if (!l->any || (higher ? y > l->best : y < l->best)) {
        l->best = y;
        l->best_x = x;
        snprintf(l->best_line, sizeof l->best_line, "%s", label);
    }
    l->any = true;
}

/* The rows come ordered by line, then x. */
static void add_rows(struct lines *l, sqlite3_stmt *query)
{
    char last[PLOT_NAME_ROOM] = "", label[PLOT_NAME_ROOM];
    bool first = true;
    fputs("lines = \"", l->plot.script.file);
    while (sqlite3_step(query) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(query, 0);
        snprintf(label, sizeof label, "%s", text ? text : "?");
        if (first || strcmp(label, last) != 0) {
            begin_line(l, label);
            snprintf(last, sizeof last, "%s", label);
            first = false;
        }
        add_point(l, sqlite3_column_double(query, 1), sqlite3_column_double(query, 2), label);
    }
    fputs("\"\n", l->plot.script.file);
}

static void finish_lines(struct lines *l)
{
    char text[PLOT_TEXT_ROOM];
    const struct sweep_plot *ask = l->ask;
    axis_text(ask->x, &l->x, text);
    plot_text(&l->plot, "x_name", text);
    axis_text(ask->y, &l->y, text);
    plot_text(&l->plot, "y_name", text);
    if (ask->lines[0]) {
        axis_text(ask->lines, &l->by, text);
    } else {
        text[0] = '\0';
    }
    plot_text(&l->plot, "lines_name", text);
    plot_number(&l->plot, "x_log", ask->x_log);
    plot_number(&l->plot, "y_log", ask->y_log);
    snprintf(l->plot.picture->title, PLOT_TEXT_ROOM, "%s", ask->title);
    int used = snprintf(l->plot.picture->caption, PLOT_TEXT_ROOM, "%.60s is best, %.5g %.20s, at %.60s %.6g", ask->y, l->best, l->y.unit,
                        ask->x, l->best_x);
    if (ask->lines[0] && used > 0 && used < PLOT_TEXT_ROOM) {
        snprintf(l->plot.picture->caption + used, PLOT_TEXT_ROOM - (size_t)used, ", %.60s %.60s", ask->lines, l->best_line);
    }
}

/* Of several points with the same x and line the best one counts. */
static bool draw_lines(const struct sweep_view *view, const struct sweep_plot *ask, const char *corner, struct plots *plots,
                       struct error *e)
{
    struct lines l = {.ask = ask};
    if (!sweep_view_column(view, ask->x, &l.x, e) || !sweep_view_column(view, ask->y, &l.y, e) ||
        (ask->lines[0] && !sweep_view_column(view, ask->lines, &l.by, e))) {
        return false;
    }
    const bool many = ask->lines[0] != '\0';
    sqlite3_stmt *query =
        sweep_view_query(view, e,
                         "SELECT CASE WHEN %d THEN \"%w\" ELSE 'all' END AS line, \"%w\" AS x, %s(\"%w\") AS y FROM points "
                         "WHERE status = 'ok' AND \"%w\" IS NOT NULL AND x IS NOT NULL GROUP BY line, x ORDER BY line, x",
                         many, many ? l.by.name : l.x.name, l.x.name, strcmp(l.y.better, "lower") == 0 ? "MIN" : "MAX", l.y.name, l.y.name);
    if (!query || !plot_open(&l.plot, plots, ask->name, corner, e)) {
        sqlite3_finalize(query);
        return false;
    }
    fputs("# x y, a block for each line\n", l.plot.data.file);
    add_rows(&l, query);
    sqlite3_finalize(query);
    if (!l.any) { /* nothing ran: no picture */
        plot_abandon(&l.plot);
        return true;
    }
    finish_lines(&l);
    return plot_close(&l.plot, "lines", e);
}

/* --- the Pareto front of the first two metrics --- */

static int write_rows(struct plot *plot, sqlite3_stmt *query, int columns)
{
    int rows = 0;
    for (; sqlite3_step(query) == SQLITE_ROW; rows++) {
        for (int i = 0; i < columns; i++) {
            fprintf(plot->data.file, "%s%.10g", i ? " " : "", sqlite3_column_double(query, i));
        }
        fputc('\n', plot->data.file);
    }
    fputs("\n\n", plot->data.file);
    return rows;
}

static bool draw_pareto(const struct sweep_view *view, const char *corner, struct plots *plots, struct error *e)
{
    struct plot plot;
    char text[PLOT_TEXT_ROOM];
    struct sweep_view_column x, y;
    if (view->sweep.n_pareto < 2) {
        return true;
    }
    const char *x_key = metrics[view->sweep.pareto[0]].name, *y_key = metrics[view->sweep.pareto[1]].name;
    if (!sweep_view_column(view, x_key, &x, e) || !sweep_view_column(view, y_key, &y, e)) {
        return false;
    }
    sqlite3_stmt *all = sweep_view_query(
        view, e, "SELECT \"%w\" AS x, \"%w\" AS y FROM points WHERE status = 'ok' AND x IS NOT NULL AND y IS NOT NULL", x.name, y.name);
    sqlite3_stmt *front = sweep_view_query(
        view, e, "SELECT \"%w\" AS x, \"%w\" AS y, MIN(point) FROM points JOIN pareto USING (point) GROUP BY x, y ORDER BY x, y", x.name,
        y.name);
    if (!all || !front || !plot_open(&plot, plots, "pareto", corner, e)) {
        sqlite3_finalize(all);
        sqlite3_finalize(front);
        return false;
    }
    fputs("# x y of all points; x y point of the front\n", plot.data.file);
    int n_all = write_rows(&plot, all, 2), n_front = write_rows(&plot, front, 3);
    sqlite3_finalize(all);
    sqlite3_finalize(front);
    if (n_front == 0) {
        plot_abandon(&plot);
        return true;
    }
    axis_text(x_key, &x, text);
    plot_text(&plot, "x_name", text);
    axis_text(y_key, &y, text);
    plot_text(&plot, "y_name", text);
    snprintf(plot.picture->title, PLOT_TEXT_ROOM, "Pareto front");
    snprintf(plot.picture->caption, PLOT_TEXT_ROOM,
             "%d of %d points are beaten by no other one in all of the front's metrics (those with equal figures count once); numbers name "
             "points.",
             n_front, n_all);
    return plot_close(&plot, "pareto", e);
}

/* --- sensitivity --- */

static bool draw_tornado(const struct sweep_view *view, const char *corner, struct plots *plots, struct error *e)
{
    struct plot plot;
    int rows = 0;
    char objective[PLOT_NAME_ROOM], text[PLOT_TEXT_ROOM], first[PLOT_NAME_ROOM] = "";
    double most = 0;
    sweep_view_meta(view, "objective", objective, sizeof objective);
    sqlite3_stmt *query =
        sweep_view_query(view, e,
                         "SELECT parameter, gain_percent_per_10_percent FROM sensitivity WHERE metric = %Q AND status = 'ok' AND "
                         "gain_percent_per_10_percent <> 0 AND base_point = "
                         "(SELECT base_point FROM sensitivity LIMIT 1) ORDER BY ABS(gain_percent_per_10_percent) DESC LIMIT 16",
                         objective);
    if (!query || !plot_open(&plot, plots, "sensitivity", corner, e)) {
        sqlite3_finalize(query);
        return false;
    }
    fputs("# row change_percent \"resource\"\n", plot.data.file);
    for (; sqlite3_step(query) == SQLITE_ROW; rows++) {
        const char *name = (const char *)sqlite3_column_text(query, 0);
        fprintf(plot.data.file, "%d %.6g ", rows, sqlite3_column_double(query, 1));
        plot_field(&plot, name ? name : "?");
        fputc('\n', plot.data.file);
        if (rows == 0) {
            snprintf(first, sizeof first, "%s", name ? name : "?");
            most = sqlite3_column_double(query, 1);
        }
    }
    sqlite3_finalize(query);
    if (rows == 0) {
        plot_abandon(&plot);
        return true;
    }
    snprintf(text, sizeof text, "gain in %s from 10 %% more of a resource, %%", objective);
    plot_text(&plot, "y_name", text);
    plot_number(&plot, "rows", rows);
    snprintf(plot.picture->title, PLOT_TEXT_ROOM, "What 10 %% more of each resource buys");
    snprintf(plot.picture->caption, PLOT_TEXT_ROOM, "Gain in %s at the base point; the most comes from %s: %.3g %%.", objective, first,
             most);
    return plot_close(&plot, "tornado", e);
}

bool plot_sweep(const char *folder, struct plots *plots, struct error *e)
{
    struct sweep_view view;
    char path[600], corner[PLOT_TEXT_ROOM];
    snprintf(path, sizeof path, "%s/sweep.sqlite", folder);
    if (access(path, F_OK) != 0) {
        return true;
    }
    if (!sweep_view_open(folder, &view, e)) {
        return false;
    }
    corner_text(&view, corner);
    bool good = true;
    for (uint32_t i = 0; good && i < view.sweep.n_plots; i++) {
        good = draw_lines(&view, &view.sweep.plots[i], corner, plots, e);
    }
    good = good && draw_pareto(&view, corner, plots, e) && draw_tornado(&view, corner, plots, e);
    sweep_view_close(&view);
    return good;
}
