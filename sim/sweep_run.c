#include "sim/sweep_run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/output.h"
#include "sim/sweep_crew.h"
#include "sim/sweep_db.h"
#include "sim/version.h"

enum { PROBES = 3, RANK_SILENT_SECONDS = 30 };

struct job { /* a sweep that runs, on rank 0 */
    const struct sweep *sweep;
    const struct sweep_options *options;
    struct sweep_db *db;
    struct sweep_crew *crew;
    bool *present;  /* [n_points] */
    uint32_t *todo; /* [n_todo] */
    uint32_t n_todo, n_done;
    double started, committed, shown; /* seconds */
    double best;
    bool has_best, terminal, failed;
    double point_seconds, memory_mib; /* of the probed points: mean, most */
    struct error *e;
};

static volatile sig_atomic_t stop_signal;

static void stop(int number)
{
    stop_signal = number;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* -- progress: stderr, on a terminal only -- */

static void show_time(double seconds)
{
    uint64_t s = (uint64_t)(seconds + 0.5);
    if (s >= 3600) {
        fprintf(stderr, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
    } else if (s >= 60) {
        fprintf(stderr, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
    } else {
        fprintf(stderr, "%" PRIu64 " s", s);
    }
}

static void show_progress(struct job *job, double now)
{
    enum { WIDTH = 24 };
    double share = (double)job->n_done / job->n_todo, elapsed = now - job->started;
    const struct metric *m = &metrics[job->sweep->objective];
    fputs("\r[", stderr);
    for (int i = 0; i < WIDTH; i++) {
        fputc(i < (int)(share * WIDTH) ? '#' : '.', stderr);
    }
    fprintf(stderr, "] %" PRIu32 " of %" PRIu32 " points, ", job->n_done, job->n_todo);
    show_time(job->n_done ? elapsed / job->n_done * (job->n_todo - job->n_done) : 0);
    fputs(" left", stderr);
    if (job->has_best) {
        fprintf(stderr, ", best %s %.6g", m->name, job->best);
    }
    fputs("\033[K", stderr);
    job->shown = now;
}

static void keep_best(struct job *job, const struct sweep_row *row)
{
    double value = row->metric[job->sweep->objective];
    if (row->status == POINT_OK && value == value &&
        (!job->has_best || (metrics[job->sweep->objective].better == BETTER_LOWER ? value < job->best : value > job->best))) {
        job->best = value;
        job->has_best = true;
    }
}

/* -- rows -- */

static void take_row(void *context, const struct sweep_row *row)
{
    enum { COMMIT_MS = 300, SHOW_MS = 200 };
    struct job *job = context;
    if (job->failed || row->point >= job->sweep->n_points || job->present[row->point]) {
        return; /* a rank that was given up has come back */
    }
    job->present[row->point] = true;
    job->n_done++;
    job->memory_mib = row->memory_mib > job->memory_mib ? row->memory_mib : job->memory_mib;
    job->failed = !sweep_db_add(job->db, job->sweep, row, job->e);
    keep_best(job, row);
    double now = seconds_now();
    if (!job->failed && 1e3 * (now - job->committed) > COMMIT_MS) {
        job->failed = !sweep_db_commit(job->db, job->e);
        job->committed = now;
    }
    if (job->terminal && 1e3 * (now - job->shown) > SHOW_MS && now - job->started > 2) {
        show_progress(job, now);
    }
}

static void clear_progress(const struct job *job)
{
    if (job->shown > 0) {
        fputs("\r\033[K", stderr);
    }
}

/* -- what there is to do -- */

static bool collect_todo(struct job *job, struct sweep_summary *summary, struct error *e)
{
    const struct sweep *s = job->sweep;
    const struct sweep_options *o = job->options;
    job->present = error_calloc(e, s->n_points, sizeof *job->present, "points");
    job->todo = job->present ? error_calloc(e, s->n_points, sizeof *job->todo, "points") : NULL;
    if (!job->todo || (job->db && !sweep_db_present(job->db, s, job->present, &summary->before, e))) {
        return false;
    }
    for (uint32_t i = 0; i < s->n_points; i++) {
        bool ours = o->shards <= 1 || i % o->shards == o->shard;
        summary->points += ours;
        if (ours && !job->present[i]) {
            job->todo[job->n_todo++] = i;
        }
    }
    return true;
}

static void say_plan(const struct job *job, const struct sweep_summary *summary)
{
    uint32_t hands = crew_size(job->crew), left = job->n_todo - job->n_done;
    fprintf(stderr, "sweep %s: %" PRIu32 " points", job->sweep->name, summary->points);
    if (summary->before) {
        fprintf(stderr, ", %" PRIu32 " of them done before", summary->points - job->n_todo);
    }
    fprintf(stderr, "; %" PRIu32 " to go at %.2f ms each (measured) with %" PRIu32 " process%s: about ", left, 1e3 * job->point_seconds,
            hands, hands == 1 ? "" : "es");
    show_time(left * job->point_seconds / hands);
    fprintf(stderr, ", %.0f MiB each\n", job->memory_mib);
}

static void measure_probe(void *context, const struct sweep_row *row)
{
    struct job *job = context;
    job->point_seconds += row->seconds / PROBES;
    job->memory_mib = row->memory_mib > job->memory_mib ? row->memory_mib : job->memory_mib;
    if (job->db) {
        take_row(job, row);
    } else {
        job->n_done++;
    }
}

/* Runs the first, the middle and the last point of those to be done; their rows count. They leave todo. */
static bool probe(struct job *job, struct error *e)
{
    uint32_t n = job->n_todo, probes[PROBES] = {0, n / 2, n - 1}, points[PROBES], n_probes = n < PROBES ? n : PROBES;
    if (n == 0) {
        return true;
    }
    for (uint32_t i = 0; i < n_probes; i++) {
        points[i] = job->todo[probes[i]];
    }
    for (uint32_t i = n_probes; i-- > 0;) { /* from the last on: what is before keeps its place */
        memmove(&job->todo[probes[i]], &job->todo[probes[i] + 1], (n - 1 - probes[i]) * sizeof job->todo[0]);
        n--;
    }
    if (!crew_run(job->crew, points, n_probes, 0, measure_probe, job, &stop_signal, e)) {
        return false;
    }
    job->point_seconds *= (double)PROBES / n_probes;
    return !job->failed;
}

/* -- what stays in the folder -- */

static void write_yaml(const struct sweep *s, FILE *out)
{
    fputs(s->text, out);
}

static void write_versions(const struct sweep *s, FILE *out)
{
    (void)s;
    version_print(out);
}

static bool write_file(const struct sweep *s, const char *folder, const char *name, void (*write)(const struct sweep *, FILE *),
                       struct error *e)
{
    struct output out;
    if (!output_open(&out, folder, name, e)) {
        return false;
    }
    write(s, out.file);
    return output_close(&out, e);
}

static bool open_results(struct job *job, struct error *e)
{
    const struct sweep_options *o = job->options;
    return o->dry_run || (output_folder(o->folder, e) && sweep_db_open(o->folder, job->sweep, &job->db, e) &&
                          write_file(job->sweep, o->folder, "sweep.yaml", write_yaml, e) &&
                          write_file(job->sweep, o->folder, "versions.txt", write_versions, e) &&
                          (o->argc == 0 || output_command(o->folder, o->argc, o->argv, e)));
}

static bool run_rest(struct job *job, const struct sweep_summary *summary, struct error *e)
{
    if (job->n_todo == 0) {
        return true;
    }
    if (!job->options->quiet) {
        say_plan(job, summary);
    }
    uint32_t first = job->n_done; /* the probes are no longer in todo */
    if (job->options->dry_run) {
        return true;
    }
    job->started = job->committed = seconds_now();
    return crew_run(job->crew, job->todo, job->n_todo - first, job->point_seconds, take_row, job, &stop_signal, e) && !job->failed;
}

static bool run_job(struct job *job, struct sweep_summary *summary, struct error *e)
{
    uint32_t best = 0;
    bool good = open_results(job, e) && collect_todo(job, summary, e);
    job->has_best = good && job->db && sweep_db_best(job->db, job->sweep, &best, &job->best);
    job->started = job->committed = seconds_now();
    good = good && probe(job, e) && run_rest(job, summary, e);
    clear_progress(job);
    crew_end(job->crew);
    summary->stopped = stop_signal != 0;
    if (job->db) { /* what is there counts, whatever went wrong */
        struct error later;
        good = (summary->stopped || !good ? sweep_db_commit(job->db, good ? e : &later)
                                          : sweep_db_finish(job->db, job->sweep, job->options->folder, e)) &&
               good;
    }
    sweep_db_close(job->db);
    free(job->present);
    free(job->todo);
    return good;
}

bool sweep_run(const struct sweep *s, const struct sweep_options *options, struct sweep_summary *summary, struct error *e)
{
    struct job job = {.sweep = s, .options = options, .terminal = !options->quiet && isatty(STDERR_FILENO), .e = e};
    struct sigaction action = {.sa_handler = stop}, before[2];
    *summary = (struct sweep_summary){0};
    stop_signal = 0;
    if (!crew_open(s, options->workers, options->silent_seconds > 0 ? options->silent_seconds : RANK_SILENT_SECONDS, options->before_point,
                   &job.crew, e)) {
        return false;
    }
    if (crew_rank(job.crew) > 0) {
        summary->worker_rank = true;
        return crew_serve(job.crew, e);
    }
    sigaction(SIGINT, &action, &before[0]);
    sigaction(SIGTERM, &action, &before[1]);
    bool good = run_job(&job, summary, e);
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
    crew_close(job.crew);
    return good;
}
