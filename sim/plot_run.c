/* Pictures of one run: where a token's time goes, how busy the units were. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/json_file.h"
#include "sim/mapped.h"
#include "sim/plot.h"
#include "sim/unit.h"

/* What a place is drawn as: the categories of scripts/plots/token-time.gp, from 1. The first five are work, the others are waiting. */
enum category {
    CATEGORY_ROM = 1,
    CATEGORY_ATTENTION,
    CATEGORY_VECTOR,
    CATEGORY_ENDS,
    CATEGORY_LINKS,
    CATEGORY_LORA,
    CATEGORY_SRAM,
    CATEGORY_LOAD,
    CATEGORY_WAIT
};

static const enum category categories[PLACES] = {
    [PLACE_adapter_load] = CATEGORY_LOAD, [PLACE_sequencer] = CATEGORY_WAIT,    [PLACE_embed] = CATEGORY_ENDS,
    [PLACE_norm] = CATEGORY_VECTOR,       [PLACE_rom_qkv] = CATEGORY_ROM,       [PLACE_rope] = CATEGORY_VECTOR,
    [PLACE_scores] = CATEGORY_ATTENTION,  [PLACE_softmax] = CATEGORY_ATTENTION, [PLACE_values] = CATEGORY_ATTENTION,
    [PLACE_rom_o] = CATEGORY_ROM,         [PLACE_rom_gate_up] = CATEGORY_ROM,   [PLACE_silu] = CATEGORY_VECTOR,
    [PLACE_rom_down] = CATEGORY_ROM,      [PLACE_rom_head] = CATEGORY_ROM,      [PLACE_sampler] = CATEGORY_ENDS,
    [PLACE_lora] = CATEGORY_LORA,         [PLACE_sram] = CATEGORY_SRAM,         [PLACE_transfer] = CATEGORY_LINKS,
    [PLACE_wait] = CATEGORY_WAIT,
};

struct bars {
    struct plot plot;
    double clock_mhz;
    int rows;
    char names[PLOT_TEXT_ROOM]; /* set ytics (...) */
    size_t names_used;
    double longest_us; /* of all segments, for the caption */
    const char *longest;
};

/* One bar of so many tokens' cycles. */
static void add_bar(struct bars *b, const cJSON *cycles, double tokens, const char *who, const char *what)
{
    char label[PLOT_NAME_ROOM]; /* short: what stands behind a comma is left out */
    double from_us = 0;
    for (int p = 0; p < PLACES; p++) {
        double us = json_number(cycles, place_names[p], 0) / tokens / b->clock_mhz;
        if (us > 0) {
            fprintf(b->plot.data.file, "%.9g %.9g %d %d ", from_us, from_us + us, b->rows, (int)categories[p]);
            snprintf(label, sizeof label, "%.*s", (int)strcspn(place_labels[p], ","), place_labels[p]);
            plot_field(&b->plot, label);
            fputc('\n', b->plot.data.file);
            if (us > b->longest_us) {
                b->longest_us = us;
                b->longest = place_labels[p];
            }
            from_us += us;
        }
    }
    int length = snprintf(b->names + b->names_used, sizeof b->names - b->names_used, "%s\"%.40s\\n%s, %.4g us\" %d", b->rows ? ", " : "",
                          who, what, from_us, b->rows);
    b->names_used += length > 0 ? (size_t)length : 0;
    b->rows++;
}

static bool told_before(const cJSON *sequences, const cJSON *sequence)
{
    const char *adapter = json_text(sequence, "adapter", "");
    for (const cJSON *earlier = sequences->child; earlier != sequence; earlier = earlier->next) {
        if (strcmp(json_text(earlier, "adapter", ""), adapter) == 0) {
            return true;
        }
    }
    return false;
}

/* An adapter's name as it may stand between double quotes. */
static void name_of(const char *adapter, char who[PLOT_NAME_ROOM])
{
    snprintf(who, PLOT_NAME_ROOM, "%s", strcmp(adapter, "none") == 0 ? "base model" : adapter);
    for (char *c = who; *c; c++) {
        *c = *c == '"' || *c == '\\' ? '_' : *c;
    }
}

/* A pair of bars for the first sequence of each adapter: up to its first token, and the mean of the later ones. */
static bool draw_token_time(const cJSON *run, const char *corner, struct plots *plots, struct error *e)
{
    enum { ADAPTERS_SHOWN = 4 };
    struct bars b = {.clock_mhz = json_number(run, "clock_mhz", 1), .longest = "nothing"};
    const cJSON *sequences = json_at(run, "sequences"), *s = NULL;
    if (!cJSON_IsArray(sequences) || !plot_open(&b.plot, plots, "token-time", corner, e)) {
        return cJSON_IsArray(sequences) ? false : error_input(e, "run.json: expected an array 'sequences'");
    }
    fputs("# from_us to_us row category \"place\"\n", b.plot.data.file);
    cJSON_ArrayForEach(s, sequences)
    {
        char who[PLOT_NAME_ROOM];
        double later = json_number(s, "tokens", 1) - 1;
        name_of(json_text(s, "adapter", "none"), who);
        if (b.rows >= 2 * ADAPTERS_SHOWN || told_before(sequences, s)) {
            continue;
        }
        add_bar(&b, json_at(s, "first_token_cycles"), 1, who, "first token");
        if (later > 0) {
            add_bar(&b, json_at(s, "later_tokens_cycles"), later, who, "a later token");
        }
    }
    plot_number(&b.plot, "rows", b.rows);
    fprintf(b.plot.script.file, "set ytics (%s)\n", b.names);
    snprintf(b.plot.picture->title, PLOT_TEXT_ROOM, "Where a token's time goes");
    snprintf(b.plot.picture->caption, PLOT_TEXT_ROOM,
             "Stacked bars of a token's time by place, %d of them; the longest single part is '%s' with %.4g us.", b.rows, b.longest,
             b.longest_us);
    return plot_close(&b.plot, "token-time", e);
}

/* --- utilisation.csv: from_us,to_us and a column for each kind of unit --- */

enum { BINS_MOST = 4096, LINE_MOST = 8192 };

struct table {
    int rows;
    double end_us, bin_us;
    float share[UNIT_KINDS][BINS_MOST];
};

static bool read_row(struct table *t, char *line)
{
    char *at = line, *end = NULL;
    double from = strtod(at, &end), to = end != at && *end == ',' ? strtod(at = end + 1, &end) : -1;
    for (int kind = 0; kind < UNIT_KINDS; kind++) {
        if (end == at || *end != ',') {
            return false;
        }
        at = end + 1;
        t->share[kind][t->rows] = strtof(at, &end);
    }
    t->bin_us = t->rows == 0 ? to - from : t->bin_us;
    t->end_us = to;
    t->rows++;
    return end != at && (*end == '\n' || *end == '\0') && to > from;
}

static bool read_table(const char *path, FILE *in, struct table *t, struct error *e)
{
    char line[LINE_MOST];
    int number = 1;
    if (!fgets(line, sizeof line, in) || strncmp(line, "from_us,to_us,", strlen("from_us,to_us,")) != 0) {
        return error_input(e, "%s:1: expected the heading from_us,to_us,...", path);
    }
    while (fgets(line, sizeof line, in)) {
        number++;
        if (t->rows == BINS_MOST || !read_row(t, line)) {
            return error_input(e, "%s:%d: expected %d numbers, at most %d rows", path, number, UNIT_KINDS + 2, BINS_MOST);
        }
    }
    return t->rows > 0 || error_input(e, "%s:2: expected at least one row", path);
}

static bool draw_table(const struct table *t, const char *corner, struct plots *plots, struct error *e)
{
    struct plot plot;
    double most = 0, mean[UNIT_KINDS] = {0};
    int busiest = 0;
    if (!plot_open(&plot, plots, "utilisation", corner, e)) {
        return false;
    }
    fputs("# a row for each kind of unit, a column for each bin of time; the share of the time it was busy\n", plot.data.file);
    for (int kind = 0; kind < UNIT_KINDS; kind++) {
        for (int i = 0; i < t->rows; i++) {
            fprintf(plot.data.file, "%s%.6g", i ? " " : "", (double)t->share[kind][i]);
            mean[kind] += (double)t->share[kind][i] / t->rows;
        }
        fputc('\n', plot.data.file);
        busiest = mean[kind] > most ? kind : busiest;
        most = mean[kind] > most ? mean[kind] : most;
    }
    fputs("set ytics (", plot.script.file);
    for (int kind = 0; kind < UNIT_KINDS; kind++) {
        fprintf(plot.script.file, "%s'%s' %d", kind ? ", " : "", unit_kind_names[kind], kind);
    }
    fputs(")\n", plot.script.file);
    plot_number(&plot, "kinds", UNIT_KINDS);
    plot_number(&plot, "end_us", t->end_us);
    plot_number(&plot, "bin_us", t->bin_us);
    snprintf(plot.picture->title, PLOT_TEXT_ROOM, "How busy the units are over time");
    snprintf(plot.picture->caption, PLOT_TEXT_ROOM,
             "A map of time against kinds of units, darker where they are busier; the busiest kind is %s with %.1f %% of the time.",
             unit_kind_names[busiest], 100 * most);
    return plot_close(&plot, "utilisation", e);
}

static bool draw_utilisation(const char *folder, const char *corner, struct plots *plots, struct error *e)
{
    char path[600];
    snprintf(path, sizeof path, "%s/utilisation.csv", folder);
    FILE *in = fopen(path, "r");
    if (!in) {
        return true; /* a run that left none */
    }
    struct table *table = error_calloc(e, 1, sizeof *table, "the table of utilisation");
    bool good = table && read_table(path, in, table, e) && draw_table(table, corner, plots, e);
    fclose(in);
    free(table);
    return good;
}

/* --- area and energy by component --- */

enum { COMPONENTS_MOST = 32, BRACKET = 3 };
static const char *const bracket_names[BRACKET] = {"low", "nominal", "high"};

struct component {
    char name[PLOT_NAME_ROOM];
    double first[BRACKET], second[BRACKET]; /* stacked */
};

static double sum_of(const struct component *c, int estimate)
{
    return c->first[estimate] + c->second[estimate];
}

static int compare_components(const void *a, const void *b)
{
    double x = sum_of(a, 1), y = sum_of(b, 1);
    return (x < y) - (x > y);
}

/* Each component's figure in units of `scale`; leakage_scale: that of its leakage in W, 0 if it is no part. */
static int read_components(const cJSON *run, const char *first, double scale, double leakage_scale,
                           struct component components[COMPONENTS_MOST])
{
    const cJSON *json = NULL;
    int n = 0;
    cJSON_ArrayForEach(json, json_at(run, "physical.components"))
    {
        struct component *c = &components[n];
        if (n == COMPONENTS_MOST) {
            break;
        }
        snprintf(c->name, sizeof c->name, "%s", json->string ? json->string : "?");
        for (char *letter = c->name; *letter; letter++) {
            *letter = *letter == '_' ? ' ' : *letter;
        }
        for (int i = 0; i < BRACKET; i++) {
            c->first[i] = scale * json_number(json_at(json, first), bracket_names[i], 0);
            c->second[i] = leakage_scale * json_number(json_at(json, "leakage_w"), bracket_names[i], 0);
        }
        n += sum_of(c, 2) > 0;
    }
    qsort(components, (size_t)n, sizeof *components, compare_components);
    return n;
}

static bool draw_components(struct plots *plots, const char *name, const char *corner, const struct component *components, int n,
                            const char *title, const char *axis, const char *first_name, const char *second_name, struct error *e)
{
    struct plot plot;
    double sum[BRACKET] = {0};
    if (!plot_open(&plot, plots, name, corner, e)) {
        return false;
    }
    fputs("# row first second low high \"component\"\n", plot.data.file);
    for (int i = 0; i < n; i++) {
        const struct component *c = &components[i];
        fprintf(plot.data.file, "%d %.8g %.8g %.8g %.8g ", i, c->first[1], c->second[1], sum_of(c, 0), sum_of(c, 2));
        plot_field(&plot, c->name);
        fputc('\n', plot.data.file);
        for (int b = 0; b < BRACKET; b++) {
            sum[b] += sum_of(c, b);
        }
    }
    plot_number(&plot, "rows", n);
    plot_text(&plot, "x_name", axis);
    plot_text(&plot, "first_name", first_name);
    plot_text(&plot, "second_name", second_name);
    snprintf(plot.picture->title, PLOT_TEXT_ROOM, "%s: %.4g (%.4g to %.4g) %.60s", title, sum[1], sum[0], sum[2], axis);
    snprintf(plot.picture->caption, PLOT_TEXT_ROOM,
             "Bars with a bracket from the low to the high estimate; the largest is %.60s with %.4g of %.4g %.60s, nominal.",
             components[0].name, sum_of(&components[0], 1), sum[1], axis);
    return plot_close(&plot, "brackets", e);
}

static bool draw_physical(const cJSON *run, const char *corner, struct plots *plots, struct error *e)
{
    struct component components[COMPONENTS_MOST] = {0};
    double tokens = json_number(run, "metrics.generated_tokens", 0);
    double us = json_number(run, "cycles", 0) / json_number(run, "clock_mhz", 1);
    int n = read_components(run, "area_mm2", 1, 0, components);
    if (n == 0 || tokens <= 0) {
        return true;
    }
    if (!draw_components(plots, "area", corner, components, n, "Area of the die by component", "mm2", "nominal", "", e)) {
        return false;
    }
    n = read_components(run, "dynamic_mj", 1e3 / tokens, us / tokens, components);
    return draw_components(plots, "energy", corner, components, n, "Energy of a token by component", "uJ/token", "for what moved",
                           "leakage", e);
}

bool plot_run(const char *folder, struct plots *plots, struct error *e)
{
    char path[600], corner[PLOT_TEXT_ROOM];
    snprintf(path, sizeof path, "%s/run.json", folder);
    if (access(path, F_OK) != 0) {
        return true;
    }
    cJSON *run = json_file_read(path, "etchsim-run-1", e);
    if (!run) {
        return false;
    }
    snprintf(corner, sizeof corner, "chip %.80s, model %.80s, trace %.16s", json_text(run, "chip", "?"), json_text(run, "model", "?"),
             json_text(run, "trace_hash", "?"));
    bool good =
        draw_token_time(run, corner, plots, e) && draw_utilisation(folder, corner, plots, e) && draw_physical(run, corner, plots, e);
    cJSON_Delete(run);
    return good;
}
