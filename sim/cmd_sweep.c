/* etchsim sweep -- a design space: the points of a sweep file, run on all processors (and ranks), kept in a database that a later start goes on with. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/commands.h"
#include "sim/options.h"
#include "sim/output.h"
#include "sim/sensitivity.h"
#include "sim/sweep_db.h"
#include "sim/sweep_run.h"
#include "sim/sweep_transport.h"

enum { TRACE_HASH, TRACE_NONE }; /* the words of --trace */

struct arguments {
    const char *sweep, *folder, *shard;
    int64_t jobs, at, rank_timeout;
    int trace;
    bool dry_run, sensitivity, restart;
    struct option_list merge;
};

static const struct option options[] = {
    OPTION_OPERAND(struct arguments, sweep, "SWEEP", 1, "a preset (etchsim list sweeps) or a YAML file; docs/sweep.md has the keys"),
    OPTION_TEXT(struct arguments, folder, "out", 'o', "DIR", "where the results are, and go on to be (default: sweep-NAME)"),
    OPTION_INTEGER(struct arguments, jobs, "jobs", 'j', "N", 0, 1024, "worker processes (default: one for each processor)"),
    OPTION_INTEGER(struct arguments, rank_timeout, "rank-timeout", 0, "SECONDS", 1, 86400,
                   "under mpirun: a rank not heard of for so long is given up (default: 30)"),
    OPTION_FLAG(struct arguments, restart, "restart", 0, "begin anew: results that are in the folder are thrown away"),
    OPTION_FLAG(struct arguments, dry_run, "dry-run", 0, "only say how many points there are, how long they will take and how much memory"),
    OPTION_TEXT(struct arguments, shard, "shard", 0, "I/N",
                "only every N-th point, from the I-th on (0 .. N-1): for job arrays, each with an --out of its own"),
    OPTION_CHOICE(struct arguments, trace, "trace", 0, "hash|none",
                  "whether points have a trace's hash (default) or none, and run many times as fast where tokens can leap"),
    OPTION_FLAG(struct arguments, sensitivity, "sensitivity", 0, "then: what 10 % more of each resource buys, at the best point"),
    OPTION_INTEGER(struct arguments, at, "at", 0, "POINT", 0, SWEEP_POINTS_MAX - 1, "... at this point instead"),
    OPTION_REPEATED(struct arguments, merge, "merge", 0, "DIR", "take over the points of another folder (a shard) first"),
};

static const struct command command = {"sweep", "explore a design space: many points, on all processors, resumable",
                                       "  etchsim sweep hc1-sram --dry-run\n"
                                       "  etchsim sweep hc1-sram --out results          again after a stop: it goes on\n"
                                       "  etchsim sweep quick --sensitivity\n"
                                       "  mpirun -n 16 etchsim sweep mine.yaml --out results\n"
                                       "  etchsim sweep mine.yaml --shard 3/8 --out shard-3\n"
                                       "  etchsim sweep mine.yaml --merge shard-0 --merge shard-1 --out results\n",
                                       options, OPTION_COUNT(options)};

static bool parse_shard(const char *text, struct sweep_options *o, struct error *e)
{
    int used = 0;
    return !text ||
           (sscanf(text, "%" SCNu32 "/%" SCNu32 "%n", &o->shard, &o->shards, &used) == 2 && !text[used] && !strchr(text, '-') &&
            o->shards >= 1 && o->shards <= SWEEP_POINTS_MAX && o->shard < o->shards) ||
           error_input(e, "--shard %s: expected I/N with I from 0 to N-1, for instance 0/8", text);
}

/* -- the summary, on stdout: the same on every machine -- */

static void print_value(const struct sweep_point *point, struct sweep_key key)
{
    if (sweep_key_is_name(key)) {
        printf(" %s=%s", sweep_key_text(key), sweep_point_name(point, key));
    } else {
        char word[64];
        printf(" %s=%s", sweep_key_text(key), sweep_point_text(point, key, word, sizeof word));
    }
}

static void print_best(const struct sweep *s, struct sweep_db *db)
{
    uint32_t index = 0;
    double value = 0;
    if (!sweep_db_best(db, s, &index, &value)) {
        return;
    }
    const struct metric *m = &metrics[s->objective];
    struct sweep_point point;
    sweep_point(s, index, &point);
    printf("best %s: %.6g %s at point %" PRIu32 ":", m->name, value, m->unit, index);
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (!s->axes[i].fixed) {
            print_value(&point, s->axes[i].key);
        }
    }
    printf("\n");
}

static bool print_summary(const struct sweep *s, const char *folder, struct error *e)
{
    struct sweep_db *db = NULL;
    uint32_t counts[POINT_STATUSES];
    if (!sweep_db_open(folder, s, &db, e)) {
        return false;
    }
    bool good = sweep_db_counts(db, counts, e);
    if (good) {
        printf("sweep %s: %" PRIu32 " points: %" PRIu32 " ok, %" PRIu32 " excluded by constraints, %" PRIu32 " with an error, %" PRIu32
               " crashed\n",
               s->name, s->n_points, counts[POINT_OK], counts[POINT_EXCLUDED], counts[POINT_ERROR], counts[POINT_CRASHED]);
        print_best(s, db);
        printf("results: %s/sweep.sqlite, %s/sweep.csv\n", folder, folder);
    }
    sweep_db_close(db);
    return good;
}

static bool merge_folders(const struct sweep *s, const struct arguments *a, const char *folder, struct error *e)
{
    struct sweep_db *db = NULL;
    if (a->merge.count == 0) {
        return true;
    }
    bool good = output_folder(folder, e) && sweep_db_open(folder, s, &db, e);
    for (int32_t i = 0; i < a->merge.count && good; i++) {
        good = sweep_db_merge(db, a->merge.items[i], e);
    }
    sweep_db_close(db);
    return good;
}

/* What is done to the folder before the sweep goes on in it. */
static bool prepare_folder(const struct sweep *s, const struct arguments *a, const char *folder, struct error *e)
{
    if (sweep_transport_ranks() > 1) {
        return (!a->restart && a->merge.count == 0) ||
               error_input(e, "--%s: expected one process, not ranks of mpirun", a->restart ? "restart" : "merge");
    }
    return (!a->restart || sweep_db_remove(folder, e)) && merge_folders(s, a, folder, e);
}

/* What more of each resource buys, at the best point or at the one asked for. */
static bool show_sensitivity(const struct sweep *s, const struct arguments *a, const char *folder, struct error *e)
{
    static struct sensitivity changes[SENSITIVITIES_MAX];
    static struct sweep_row base;
    struct sweep_db *db = NULL;
    uint32_t point = (uint32_t)(a->at < 0 ? 0 : a->at), count = 0;
    double best = 0;
    if (a->at >= (int64_t)s->n_points) {
        return error_input(e, "--at %" PRId64 ": expected a point from 0 to %" PRIu32, a->at, s->n_points - 1);
    }
    if (!sweep_db_open(folder, s, &db, e)) {
        return false;
    }
    bool good = a->at >= 0 || sweep_db_best(db, s, &point, &best) || error_input(e, "--sensitivity: there is no point that is ok");
    good = good && sensitivity_run(s, point, &base, changes, &count, e) && sensitivity_write(db, point, &base, changes, count, e);
    if (good) {
        printf("\nsensitivity at point %" PRIu32 "\n", point);
        sensitivity_print(&base, changes, count, &metrics[s->objective], stdout);
    }
    sweep_db_close(db);
    return good;
}

static int run(const struct arguments *a, const struct sweep *s, struct sweep_options *o, struct error *e)
{
    struct sweep_summary summary;
    if (!parse_shard(a->shard, o, e) || !prepare_folder(s, a, o->folder, e) || !sweep_run(s, o, &summary, e)) {
        return command_fail(command.name, e);
    }
    if (summary.stopped) {
        fprintf(stderr, "stopped; the same command goes on from here\n");
        return EXIT_CODE_CHECK;
    }
    return summary.worker_rank || o->dry_run ||
                   (print_summary(s, o->folder, e) && (!a->sensitivity || show_sensitivity(s, a, o->folder, e)))
               ? EXIT_CODE_GOOD
               : command_fail(command.name, e);
}

int cmd_sweep(int argc, char **argv)
{
    struct arguments arguments = {.at = -1};
    struct sweep sweep;
    struct error e;
    char folder[128];
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    if (!sweep_load(arguments.sweep, &sweep, &e)) {
        return command_fail(command.name, &e);
    }
    sweep.without_trace = arguments.trace == TRACE_NONE;
    snprintf(folder, sizeof folder, "sweep-%s", sweep.name);
    struct sweep_options o = {.folder = arguments.folder ? arguments.folder : folder,
                              .argc = argc,
                              .argv = argv,
                              .workers = (uint32_t)arguments.jobs,
                              .silent_seconds = (double)arguments.rank_timeout,
                              .dry_run = arguments.dry_run};
    exit_code = run(&arguments, &sweep, &o, &e);
    sweep_free(&sweep);
    return exit_code;
}
