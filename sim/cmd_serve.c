/* etchsim serve -- a workload of requests over time, many tenants and adapters, on one simulated chip or the cards of a server. */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels/threads.h"
#include "sim/commands.h"
#include "sim/options.h"
#include "sim/output.h"
#include "sim/serve_latencies.h"
#include "sim/serve_report.h"
#include "sim/trace_files.h"
#include "sim/version.h"

struct arguments {
    const char *workload, *folder, *physics;
    int64_t seed, requests, weights_seed, threads;
    int engine;
    bool json, csv, verify;
    struct option_list set, traces;
};

static const struct option options[] = {
    OPTION_OPERAND(struct arguments, workload, "WORKLOAD", 1,
                   "a preset (etchsim list workloads) or a YAML file; docs/serve.md has the keys"),
    OPTION_REPEATED(struct arguments, set, "set", 0, "KEY=VALUE", "change a parameter of the chip; `etchsim help parameters` lists them"),
    OPTION_INTEGER(struct arguments, seed, "seed", 's', "N", 0, INT64_MAX, "other arrivals, tenants and lengths (default: the workload's)"),
    OPTION_INTEGER(struct arguments, requests, "requests", 'r', "N", 1, WORKLOAD_REQUESTS_MAX,
                   "so many requests (default: the workload's)"),
    OPTION_CHOICE(struct arguments, engine, "engine", 'e', ENGINE_WORDS, "step ticks every unit on every cycle; skip (default) jumps"),
    OPTION_INTEGER(struct arguments, weights_seed, "synthetic-weights", 0, "SEED", 0, INT64_MAX,
                   "random weights in the model's shape; needs values: true"),
    OPTION_TEXT(struct arguments, physics, "physics", 0, "NAME|FILE", "constants of area, energy and cost (default: n6)"),
    OPTION_INTEGER(struct arguments, threads, "threads", 0, "N", 0, THREADS_MAX, "of matrix products (default: 0, one for each processor)"),
    OPTION_FLAG(struct arguments, verify, "verify", 0, "compare every token with the model without a clock; needs values: true"),
    OPTION_FLAG(struct arguments, json, "json", 'j', "print one JSON object instead of text"),
    OPTION_FLAG(struct arguments, csv, "csv", 0, "print a row for each request instead of text"),
    OPTION_TEXT(struct arguments, folder, "out", 'o', "DIR",
                "leave serve.txt, serve.json, requests.csv, latencies.csv, chip.yaml and versions.txt in a folder"),
    OPTION_REPEATED(
        struct arguments, traces, "trace", 0, "KIND",
        "events (compressed text) or perfetto (for ui.perfetto.dev), which need --out; none: not even its hash, faster without values"),
};

static const struct command command = {"serve", "serve a workload: many requests, tenants and adapters over time",
                                       "  etchsim serve agency15\n"
                                       "  etchsim serve agency15 --set slots.count=8 --set slots.loading=streaming --json\n"
                                       "  etchsim serve agency15 --set server.cards=4 --set server.dealing=tenant\n"
                                       "  etchsim serve ping-pong --csv\n"
                                       "  etchsim serve ping-pong --requests 4 --out /tmp/served --trace perfetto\n"
                                       "  etchsim serve n-plus-base --verify --requests 20\n"
                                       "  etchsim serve /tmp/mine.yaml --seed 7 --out /tmp/served\n",
                                       options, OPTION_COUNT(options)};

/* On a terminal: how far it is, once it takes longer than a moment. */
struct watcher {
    uint32_t requests;
    const struct server *server;
    time_t started, shown;
};

static void count_token(void *context, const struct request *request)
{
    struct watcher *w = context;
    time_t now = time(NULL);
    (void)request;
    if (now - w->started >= 2 && now != w->shown) {
        uint32_t done = 0;
        for (uint32_t k = 0; k < w->server->n_cards; k++) {
            done += w->server->card[k].chip ? w->server->card[k].chip->sequencer.n_done : 0;
        }
        fprintf(stderr, "\r%" PRIu32 " of %" PRIu32 " requests", done, w->requests);
        w->shown = now;
    }
}

static bool execute(struct server *server, struct error *e)
{
    struct watcher watcher = {.server = server, .started = time(NULL)};
    for (uint32_t k = 0; k < server->n_cards && isatty(STDERR_FILENO); k++) {
        struct serve *card = &server->card[k];
        watcher.requests += card->drawn.count;
        if (card->chip) {
            card->chip->sequencer.on_token = count_token;
            card->chip->sequencer.context = &watcher;
        }
    }
    bool good = server_execute(server, e);
    if (watcher.shown) {
        fputs("\r\033[K", stderr);
    }
    return good;
}

static bool verify(const struct arguments *a, const struct server *server, struct error *e)
{
    struct serve_verified all = {0};
    for (uint32_t k = 0; k < server->n_cards && a->verify; k++) {
        struct serve_verified v;
        if (!serve_verify(&server->card[k], &v, e)) {
            return false;
        }
        all.tokens += v.tokens;
        all.flipped_requests += v.flipped_requests;
        all.changed_requests += v.changed_requests;
    }
    if (a->verify) {
        fprintf(stderr, "%" PRIu64 " tokens equal those of the model without a clock\n", all.tokens);
    }
    if (all.flipped_requests) {
        fprintf(stderr, "%" PRIu64 " requests were given flipped bits that nothing noticed, %" PRIu64 " of them other tokens for it\n",
                all.flipped_requests, all.changed_requests);
    }
    return true;
}

static void write_latencies(const struct server *server, FILE *out)
{
    serve_latencies_csv(&server->whole, out);
}

static void write_chip(const struct server *server, FILE *out)
{
    config_write_yaml(&server->whole.config, out);
}

static void write_versions(const struct server *server, FILE *out)
{
    (void)server;
    version_print(out);
}

static bool write_file(const struct server *server, const char *folder, const char *name, void (*write)(const struct server *, FILE *),
                       struct error *e)
{
    struct output out;
    if (!output_open(&out, folder, name, e)) {
        return false;
    }
    write(server, out.file);
    return output_close(&out, e);
}

static bool write_results(const struct server *s, const char *folder, struct error *e)
{
    return write_file(s, folder, "serve.txt", serve_report_text, e) && write_file(s, folder, "serve.json", serve_report_json, e) &&
           write_file(s, folder, "requests.csv", serve_report_csv, e) && write_file(s, folder, "latencies.csv", write_latencies, e) &&
           write_file(s, folder, "chip.yaml", write_chip, e) && write_file(s, folder, "versions.txt", write_versions, e);
}

static void show(const struct arguments *a, const struct server *server)
{
    void (*report)(const struct server *, FILE *) = a->json ? serve_report_json : a->csv ? serve_report_csv : serve_report_text;
    report(server, stdout);
    fflush(stdout);
    double seconds = server->whole.run_seconds > 0 ? server->whole.run_seconds : 1e-9, cycles = 0;
    for (uint32_t k = 0; k < server->n_cards; k++) {
        cycles += server->card[k].chip ? (double)server->card[k].chip->now : 0;
    }
    image_note_rounding(&server->card[0].image);
    fprintf(stderr, "simulated in %.3f s (set-up %.3f s): %.2f M chip cycles/s\n", server->whole.run_seconds, server->whole.setup_seconds,
            cycles / seconds * 1e-6);
}

static bool check_arguments(const struct arguments *a, const struct workload *w, struct error *e)
{
    if (a->json && a->csv) {
        return error_input(e, "--json, --csv: expected one or the other");
    }
    if (a->folder && !*a->folder) {
        return error_input(e, "--out: expected a folder, found an empty name");
    }
    if (a->weights_seed >= 0 && !w->values) {
        return error_input(e, "--synthetic-weights: expected a workload with `values: true`; %.300s has none", w->file);
    }
    return !a->verify || w->values || error_input(e, "--verify: expected a workload with `values: true`; %.300s has none", w->file);
}

static bool parse_traces(const struct arguments *a, struct serve_options *o, struct error *e)
{
    struct trace_kinds kinds;
    if (!trace_kinds_parse(a->traces.items, a->traces.count, false, a->folder, &kinds, e)) {
        return false;
    }
    o->without_trace = kinds.none;
    o->trace_events = kinds.events;
    o->trace_perfetto = kinds.perfetto;
    return true;
}

static bool one_trace(const struct serve_options *o, const struct server *server, struct error *e)
{
    return server->n_cards == 1 || !(o->trace_events || o->trace_perfetto) ||
           error_input(e, "--trace: expected a card alone (server.cards 0), found %" PRIu32 " cards", server->n_cards);
}

static bool serve_workload(const struct arguments *a, struct workload *w, struct error *e)
{
    struct serve_options o = {.set = a->set.items,
                              .n_set = a->set.count,
                              .engine = (enum engine)a->engine,
                              .synthetic_weights = a->weights_seed >= 0,
                              .weights_seed = (uint64_t)a->weights_seed,
                              .threads = (int32_t)a->threads,
                              .folder = a->folder};
    static struct physics physics;
    struct server server;
    w->seed = a->seed >= 0 ? (uint64_t)a->seed : w->seed;
    w->requests = a->requests ? (uint32_t)a->requests : w->requests;
    if (!check_arguments(a, w, e) || !parse_traces(a, &o, e) || !physics_load(a->physics, &physics, e) ||
        !server_open(w, &o, &physics, &server, e)) {
        return false;
    }
    bool good = one_trace(&o, &server, e) && (!a->folder || output_folder(a->folder, e)) && execute(&server, e) && verify(a, &server, e) &&
                (!a->folder || write_results(&server, a->folder, e));
    if (good) {
        show(a, &server);
    }
    server_close(&server);
    return good;
}

int cmd_serve(int argc, char **argv)
{
    struct arguments arguments = {.physics = "n6", .seed = -1, .weights_seed = -1, .engine = ENGINE_SKIP};
    struct workload workload;
    struct error e;
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    bool good = workload_load(arguments.workload, &workload, &e);
    if (good) {
        good = serve_workload(&arguments, &workload, &e) && (!arguments.folder || output_command(arguments.folder, argc, argv, &e));
        workload_free(&workload);
    }
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}
