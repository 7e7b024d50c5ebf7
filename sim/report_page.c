#include "sim/report_page.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/json_file.h"
#include "sim/physical.h"
#include "sim/report_page_internal.h"
#include "sim/unit.h"

/* The object in a folder's file, or NULL: not there (*absent), or not such a file. */
static cJSON *read_result(const char *folder, const char *name, const char *schema, bool *absent, struct error *e)
{
    char path[PATH_MAX];
    bool fits = (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path;
    *absent = !fits || access(path, F_OK) != 0;
    return *absent ? NULL : json_file_read(path, schema, e);
}

bool report_pictures(const struct report *r, struct error *e)
{
    for (int i = 0; i < r->plots->count; i++) {
        if (!page_picture(r->page, r->plots, &r->plots->pictures[i], e)) {
            return false;
        }
    }
    r->plots->count = 0;
    return true;
}

static double per_cent(double share)
{
    return 100 * share;
}

/* Area, energy and cost, of a run or a served workload; results that are 0 (a server's, of a card alone) are left out. */
static void physical_table(struct page *page, const cJSON *results)
{
    static const char *const ends[] = {"low", "likely_low", "nominal", "likely_high", "high"};
    static const char *const heads[] = {"lowest", "likely from", "nominal", "likely to", "highest"};
    enum { ENDS = sizeof ends / sizeof *ends };
    const cJSON *physical = json_at(results, "physical");
    if (!physical) {
        return;
    }
    page_section(page, "physical", "Area, energy, cost");
    page_paragraph(page, "With the constants %.60s, as docs/physics.md explains. Likely: as if the constants erred independently.",
                   json_text(physical, "constants", "?"));
    page_table_begin(page, "Area, energy, cost");
    page_table_head(page, "result", true);
    page_table_head(page, "unit", true);
    for (int i = 0; i < ENDS; i++) {
        page_table_head(page, heads[i], false);
    }
    page_table_rows(page);
    for (int r = 0; r < PHYSICAL_RESULTS; r++) {
        const cJSON *bracket = json_at(physical, physical_results[r].name);
        if (json_number(bracket, "nominal", 0) == 0) {
            continue;
        }
        page_row(page);
        page_cell_text(page, physical_results[r].meaning);
        page_cell_text(page, physical_results[r].unit);
        for (int i = 0; i < ENDS; i++) {
            page_cell_number(page, json_number(bracket, ends[i], NAN));
        }
    }
    page_table_end(page);
}

/* --- a run --- */

static void run_figures(struct page *page, const cJSON *run)
{
    page_figure(page, "Speed of one sequence", json_number(run, "tokens_per_second", NAN), "tokens/s");
    page_figure(page, "A token", json_number(run, "cycles_per_token", NAN), "cycles");
    page_figure(page, "First token after", json_number(run, "time_to_first_token_us", NAN), "us");
    page_figure(page, "Speed of the chip, all sequences", json_number(run, "total_tokens_per_second", NAN), "tokens/s");
    page_figure(page, "Clock", json_number(run, "clock_mhz", NAN), "MHz");
    page_figure(page, "SRAM", json_number(run, "sram.capacity_bytes", NAN) / 1024 / 1024, "MiB");
    page_figure(page, "ROM", json_number(run, "rom_bits", NAN) * 1e-6, "Mbit");
}

static void run_sequences(struct page *page, const cJSON *run)
{
    const cJSON *s = NULL;
    page_section(page, "sequences", "Sequences");
    page_table_begin(page, "Sequences");
    page_table_head(page, "adapter", true);
    page_table_head(page, "prompt, tokens", false);
    page_table_head(page, "generated, tokens", false);
    page_table_head(page, "first token, us", false);
    page_table_head(page, "cycles/token", false);
    page_table_head(page, "tokens/s", false);
    page_table_head(page, "text", true);
    page_table_rows(page);
    cJSON_ArrayForEach(s, json_at(run, "sequences"))
    {
        page_row(page);
        page_cell_text(page, json_text(s, "adapter", "?"));
        page_cell_number(page, json_number(s, "prompt_tokens", NAN));
        page_cell_number(page, json_number(s, "tokens", NAN));
        page_cell_number(page, json_number(s, "time_to_first_token_us", NAN));
        page_cell_number(page, json_number(s, "cycles_per_token", NAN));
        page_cell_number(page, json_number(s, "tokens_per_second", NAN));
        page_cell_text(page, json_text(s, "text", ""));
    }
    page_table_end(page);
}

static void run_places(struct page *page, const cJSON *run)
{
    const cJSON *first = json_at(run, "first_token_cycles"), *later = json_at(run, "later_tokens_cycles");
    double tokens = json_number(run, "tokens", 1) - 1, sum = tokens * json_number(run, "cycles_per_token", NAN);
    page_section(page, "places", "Where a token's cycles go");
    page_paragraph(page, "The first sequence. Each cycle from its arrival to its last token is booked to exactly one place.");
    page_table_begin(page, "Cycles of a token by place");
    page_table_head(page, "place", true);
    page_table_head(page, "up to the first token, cycles", false);
    page_table_head(page, "a later token, cycles", false);
    page_table_head(page, "a later token, %", false);
    page_table_rows(page);
    for (int p = 0; p < PLACES; p++) {
        double cycles = json_number(later, place_names[p], NAN);
        page_row(page);
        page_cell_text(page, place_labels[p]);
        page_cell_number(page, json_number(first, place_names[p], NAN));
        page_cell_number(page, tokens > 0 ? cycles / tokens : NAN);
        page_cell_number(page, sum > 0 ? per_cent(cycles / sum) : NAN);
    }
    page_table_end(page);
}

static void run_units(struct page *page, const cJSON *run)
{
    const cJSON *unit = NULL;
    double cycles = json_number(run, "cycles", NAN);
    page_section(page, "units", "Units");
    page_table_begin(page, "Units");
    page_table_head(page, "unit", true);
    page_table_head(page, "busy, %", false);
    for (int s = UNIT_BUSY + 1; s < UNIT_STATES; s++) {
        char name[64];
        snprintf(name, sizeof name, "stalled: %s, %%", unit_state_names[s]);
        page_table_head(page, name, false);
    }
    page_table_rows(page);
    cJSON_ArrayForEach(unit, json_at(run, "units"))
    {
        const cJSON *stalls = json_at(unit, "stall_cycles");
        page_row(page);
        page_cell_text(page, unit->string ? unit->string : "?");
        page_cell_number(page, per_cent(json_number(unit, "utilisation", NAN)));
        for (int s = UNIT_BUSY + 1; s < UNIT_STATES; s++) {
            page_cell_number(page, per_cent(json_number(stalls, unit_state_names[s], NAN) / cycles));
        }
    }
    page_table_end(page);
}

static bool report_run(const struct report *r, struct error *e)
{
    bool absent = false;
    struct page *page = r->page;
    cJSON *run = read_result(r->folder, "run.json", "etchsim-run-1", &absent, e);
    if (!run) {
        return absent;
    }
    page_section(page, "run", "Run");
    page_paragraph(page, "Chip %.80s, model %.80s: %.0f tokens generated in %.0f cycles.", json_text(run, "chip", "?"),
                   json_text(run, "model", "?"), json_number(run, "metrics.generated_tokens", json_number(run, "tokens", 0)),
                   json_number(run, "cycles", 0));
    run_figures(page, run);
    bool good = report_pictures(r, e);
    run_sequences(page, run);
    run_places(page, run);
    run_units(page, run);
    physical_table(page, run);
    cJSON_Delete(run);
    return good;
}

/* --- a served workload --- */

static void serve_figures(struct page *page, const cJSON *serve)
{
    page_figure(page, "Requests", json_number(serve, "requests_done", NAN), "done");
    page_figure(page, "Throughput", json_number(serve, "tokens_per_second", NAN), "tokens/s");
    page_figure(page, "First token, median", json_number(serve, "all.time_to_first_token.p50_us", NAN), "us");
    page_figure(page, "First token, P99", json_number(serve, "all.time_to_first_token.p99_us", NAN), "us");
    page_figure(page, "Between tokens, median", json_number(serve, "all.between_tokens.p50_us", NAN), "us");
    page_figure(page, "Between tokens, P99", json_number(serve, "all.between_tokens.p99_us", NAN), "us");
    page_figure(page, "Fairness (Jain)", json_number(serve, "fairness_jain", NAN), "1 is equal");
    page_figure(page, "Host link busy", per_cent(json_number(serve, "swaps.link_utilisation", NAN)), "%");
}

static void serve_tenants(struct page *page, const cJSON *serve)
{
    static const char *const heads[] = {
        "requests", "tokens", "hits", "loads", "first token P50, us", "P99, us", "between tokens P50, us", "P99, us", "longest wait, us"};
    static const char *const keys[] = {"requests",
                                       "tokens",
                                       "hits",
                                       "loads",
                                       "time_to_first_token.p50_us",
                                       "time_to_first_token.p99_us",
                                       "between_tokens.p50_us",
                                       "between_tokens.p99_us",
                                       "longest_wait_us"};
    const cJSON *tenant = NULL;
    page_section(page, "tenants", "Tenants");
    page_table_begin(page, "Tenants");
    page_table_head(page, "tenant", true);
    page_table_head(page, "adapter", true);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        page_table_head(page, heads[i], false);
    }
    page_table_rows(page);
    cJSON_ArrayForEach(tenant, json_at(serve, "tenants"))
    {
        page_row(page);
        page_cell_text(page, json_text(tenant, "name", "?"));
        page_cell_text(page, json_text(tenant, "adapter", "?"));
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            page_cell_number(page, json_number(tenant, keys[i], NAN));
        }
    }
    page_table_end(page);
}

static void serve_cards_table(struct page *page, const cJSON *serve)
{
    const cJSON *card = NULL;
    int number = 0;
    if (!json_at(serve, "cards")) {
        return;
    }
    page_section(page, "cards", "Cards");
    page_table_begin(page, "Cards");
    page_table_head(page, "card", false);
    page_table_head(page, "requests", false);
    page_table_head(page, "tokens", false);
    page_table_head(page, "hits", false);
    page_table_head(page, "loads", false);
    page_table_head(page, "first token P50, us", false);
    page_table_head(page, "P99, us", false);
    page_table_head(page, "host link busy, %", false);
    page_table_rows(page);
    cJSON_ArrayForEach(card, json_at(serve, "cards"))
    {
        page_row(page);
        page_cell_number(page, number++);
        page_cell_number(page, json_number(card, "requests", NAN));
        page_cell_number(page, json_number(card, "tokens", NAN));
        page_cell_number(page, json_number(card, "hits", NAN));
        page_cell_number(page, json_number(card, "loads", NAN));
        page_cell_number(page, json_number(card, "time_to_first_token.p50_us", NAN));
        page_cell_number(page, json_number(card, "time_to_first_token.p99_us", NAN));
        page_cell_number(page, per_cent(json_number(card, "swaps.link_utilisation", 0)));
    }
    page_table_end(page);
}

static bool report_serve(const struct report *r, struct error *e)
{
    bool absent = false;
    struct page *page = r->page;
    cJSON *serve = read_result(r->folder, "serve.json", "etchsim-serve-1", &absent, e);
    if (!serve) {
        return absent;
    }
    page_section(page, "served", "Served workload");
    page_paragraph(page, "Workload %.80s on chip %.80s, model %.80s: %.0f requests in %.0f cycles.", json_text(serve, "workload", "?"),
                   json_text(serve, "chip", "?"), json_text(serve, "model", "?"), json_number(serve, "requests_in", 0),
                   json_number(serve, "cycles", 0));
    serve_figures(page, serve);
    bool good = report_pictures(r, e);
    serve_tenants(page, serve);
    serve_cards_table(page, serve);
    physical_table(page, serve);
    cJSON_Delete(serve);
    return good;
}

/* --- the page --- */

static void add_provenance(struct page *page, const char *folder)
{
    page_section(page, "reproduce", "How to get this again");
    page_paragraph(page, "The same inputs give the same bytes on every machine. The command that left these results, the chip with every "
                         "parameter as it was used, and what computed it:");
    page_file(page, folder, "command.txt", "Command");
    page_file(page, folder, "chip.yaml", "Chip, resolved");
    page_file(page, folder, "sweep.yaml", "Sweep");
    page_file(page, folder, "versions.txt", "Program, compiler, libraries");
    page_file(page, folder, "run.txt", "Summary as text");
    page_file(page, folder, "serve.txt", "Summary as text");
}

bool report_page(const char *folder, struct error *e)
{
    static struct plots plots;
    struct page page;
    char title[PLOT_TEXT_ROOM];
    const char *slash = strrchr(folder, '/');
    if (!plots_draw(folder, &plots, e)) {
        return false;
    }
    snprintf(title, sizeof title, "etchsim report: %.200s", slash && slash[1] ? slash + 1 : folder);
    if (!page_open(&page, folder, "report.html", title, e)) {
        return false;
    }
    const struct report report = {folder, &page, &plots};
    if (!report_run(&report, e) || !report_serve(&report, e) || !report_sweep(&report, e)) {
        page_abandon(&page);
        return false;
    }
    add_provenance(&page, folder);
    return page_close(&page, e);
}
