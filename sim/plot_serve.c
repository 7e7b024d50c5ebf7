/* Pictures of a served workload: how long its requests waited. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/json_file.h"
#include "sim/plot.h"

enum { LINES_MOST = 7, FIELD_ROOM = 128 };

struct row { /* of latencies.csv */
    char latency[FIELD_ROOM], tenant[FIELD_ROOM];
    double us;
    uint64_t count;
};

struct rows {
    struct row *items;
    size_t count, room;
};

static bool parse_row(const char *line, struct row *row)
{
    int used = 0;
    const char *comma = strchr(line, ','), *second = comma ? strchr(comma + 1, ',') : NULL;
    if (!second || comma - line >= FIELD_ROOM || second - comma > FIELD_ROOM) {
        return false;
    }
    snprintf(row->latency, sizeof row->latency, "%.*s", (int)(comma - line), line);
    snprintf(row->tenant, sizeof row->tenant, "%.*s", (int)(second - comma - 1), comma + 1);
    return sscanf(second + 1, "%lf,%" SCNu64 "%n", &row->us, &row->count, &used) == 2 && strcmp(second + 1 + used, "\n") == 0 &&
           row->us >= 0;
}

static bool add_row(struct rows *rows, const struct row *row, struct error *e)
{
    if (rows->count == rows->room) {
        size_t room = rows->room ? 2 * rows->room : 1024;
        struct row *items = realloc(rows->items, room * sizeof *items);
        if (!items) {
            return error_input(e, "latencies: no memory for %zu rows", room);
        }
        rows->items = items;
        rows->room = room;
    }
    rows->items[rows->count++] = *row;
    return true;
}

static bool read_rows(const char *path, FILE *in, struct rows *rows, struct error *e)
{
    char line[2 * FIELD_ROOM + 64];
    int number = 1;
    if (!fgets(line, sizeof line, in) || strcmp(line, "latency,tenant,us,count\n") != 0) {
        return error_input(e, "%s:1: expected the heading latency,tenant,us,count", path);
    }
    while (fgets(line, sizeof line, in)) {
        struct row row;
        number++;
        if (!parse_row(line, &row)) {
            return error_input(e, "%s:%d: expected LATENCY,TENANT,US,COUNT", path, number);
        }
        if (!add_row(rows, &row, e)) {
            return false;
        }
    }
    return true;
}

struct line {
    const char *latency, *tenant, *label;
    uint64_t total;
    double p50_us, p99_us;
};

static bool belongs(const struct row *row, const struct line *line)
{
    return strcmp(row->latency, line->latency) == 0 && strcmp(row->tenant, line->tenant) == 0;
}

static void sum_line(const struct rows *rows, struct line *line)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < rows->count; i++) {
        line->total += belongs(&rows->items[i], line) ? rows->items[i].count : 0;
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (belongs(&rows->items[i], line)) {
            uint64_t before = sum;
            sum += rows->items[i].count;
            line->p50_us = 2 * before < line->total ? rows->items[i].us : line->p50_us;
            line->p99_us = 100 * before < 99 * line->total ? rows->items[i].us : line->p99_us;
        }
    }
}

/* A block of the table; returns its number of rows. */
static size_t write_line(struct plot *plot, const struct rows *rows, const struct line *line)
{
    uint64_t sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (belongs(&rows->items[i], line)) {
            if (n == 0) {
                fprintf(plot->data.file, "%.6g 0\n", rows->items[i].us);
            }
            sum += rows->items[i].count;
            fprintf(plot->data.file, "%.6g %.8g\n", rows->items[i].us, (double)sum / (double)line->total);
            n++;
        }
    }
    fputs("\n\n", plot->data.file);
    return n;
}

static bool draw(const char *name, const char *title, const char *what, const char *corner, const struct rows *rows, struct line *lines,
                 int n_lines, struct plots *plots, struct error *e)
{
    struct plot plot;
    size_t marks[LINES_MOST], used = 0;
    if (!plot_open(&plot, plots, name, corner, e)) {
        return false;
    }
    fputs("# us share_that_took_no_longer; a block for each line\n", plot.data.file);
    fputs("lines = \"", plot.script.file);
    for (int i = 0; i < n_lines; i++) {
        size_t n = write_line(&plot, rows, &lines[i]);
        marks[i] = n / 10 + 1;
        fprintf(plot.script.file, "%s'%.60s'", i ? " " : "", lines[i].label);
    }
    fprintf(plot.script.file, "\"\narray marks[%d] = [", n_lines);
    for (int i = 0; i < n_lines; i++) {
        fprintf(plot.script.file, "%s%zu", i ? ", " : "", marks[i]);
    }
    fputs("]\n", plot.script.file);
    plot_text(&plot, "what", what);
    snprintf(plot.picture->title, PLOT_TEXT_ROOM, "%s", title);
    char *caption = plot.picture->caption;
    used = (size_t)snprintf(caption, PLOT_TEXT_ROOM, "Cumulative distributions; median and 99th percentile in us:");
    for (int i = 0; i < n_lines && used < PLOT_TEXT_ROOM; i++) {
        used += (size_t)snprintf(caption + used, PLOT_TEXT_ROOM - used, "%s %.40s %.4g and %.4g", i ? "," : "", lines[i].label,
                                 lines[i].p50_us, lines[i].p99_us);
    }
    return plot_close(&plot, "latencies", e);
}

static bool draw_all(const struct rows *rows, const char *corner, struct plots *plots, struct error *e)
{
    struct line lines[] = {{.latency = "first_token", .tenant = "", .label = "first token"},
                           {.latency = "between_tokens", .tenant = "", .label = "between tokens"},
                           {.latency = "whole_request", .tenant = "", .label = "whole request"}};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        struct line line = lines[i];
        sum_line(rows, &line);
        if (line.total) {
            lines[n++] = line;
        }
    }
    return n == 0 || draw("latencies", "How long requests and tokens take", "time", corner, rows, lines, n, plots, e);
}

/* The tenants with most requests. */
static bool draw_tenants(const struct rows *rows, const char *corner, struct plots *plots, struct error *e)
{
    struct line lines[LINES_MOST + 1];
    int n = 0;
    const char *last = "";
    for (size_t i = 0; i < rows->count; i++) {
        struct line line = {.latency = "first_token", .tenant = rows->items[i].tenant, .label = rows->items[i].tenant};
        if (strcmp(rows->items[i].latency, "first_token") != 0 || !line.tenant[0] || strcmp(line.tenant, last) == 0) {
            continue;
        }
        last = line.tenant;
        sum_line(rows, &line);
        int at = n;
        for (; at > 0 && lines[at - 1].total < line.total; at--) {
            lines[at] = lines[at - 1];
        }
        lines[at] = line;
        n = n < LINES_MOST ? n + 1 : n;
    }
    return n < 2 ||
           draw("first-token-by-tenant", "Time to the first token, by tenant", "arrival to first token", corner, rows, lines, n, plots, e);
}

/* latencies.csv, which serve leaves beside serve.json. */
static bool read_latencies(const char *folder, struct rows *rows, struct error *e)
{
    char path[600];
    snprintf(path, sizeof path, "%s/latencies.csv", folder);
    FILE *in = fopen(path, "r");
    if (!in) {
        return error_input(e, "%s: cannot be read: expected it beside serve.json", path);
    }
    bool good = read_rows(path, in, rows, e);
    fclose(in);
    return good;
}

bool plot_serve(const char *folder, struct plots *plots, struct error *e)
{
    char path[600], corner[PLOT_TEXT_ROOM];
    snprintf(path, sizeof path, "%s/serve.json", folder);
    if (access(path, F_OK) != 0) {
        return true;
    }
    cJSON *serve = json_file_read(path, "etchsim-serve-1", e);
    if (!serve) {
        return false;
    }
    snprintf(corner, sizeof corner, "workload %.60s, chip %.60s, model %.60s, trace %.16s", json_text(serve, "workload", "?"),
             json_text(serve, "chip", "?"), json_text(serve, "model", "?"), json_text(serve, "trace_hash", "?"));
    struct rows rows = {0};
    bool good = read_latencies(folder, &rows, e) && draw_all(&rows, corner, plots, e) && draw_tenants(&rows, corner, plots, e);
    free(rows.items);
    cJSON_Delete(serve);
    return good;
}
