#include "sim/point.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "adapters/synthetic.h"
#include "sim/engine.h"
#include "sim/serve.h"

const char *const point_status_names[POINT_STATUSES] = {"ok", "excluded", "error", "crashed"};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* -- measuring -- */

static bool fail(struct sweep_row *row, const struct error *e)
{
    row->status = POINT_ERROR;
    snprintf(row->text, sizeof row->text, "%s", e->message);
    return false;
}

static void take_metrics(const struct observation *o, bool all, struct sweep_row *row)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        if (all || metrics[i].known == KNOWN_BEFORE) {
            row->metric[i] = metrics[i].value(o);
        }
    }
}

/* False: a constraint of those that are known now does not hold. */
static bool constraints_hold(const struct sweep *s, const struct sweep_point *point, const struct observation *o, enum known known,
                             struct sweep_row *row)
{
    for (uint32_t i = 0; i < s->n_constraints; i++) {
        const struct sweep_constraint *c = &s->constraints[i];
        if (c->known == known && !sweep_constraint_holds(c, point, o)) {
            row->status = POINT_EXCLUDED;
            snprintf(row->text, sizeof row->text, "%s", c->text);
            return false;
        }
    }
    return true;
}

/* Metrics that are known without a run, and whether the run is worth it. */
static bool worth_running(const struct sweep *s, const struct sweep_point *point, struct observation *o, struct sweep_row *row)
{
    observe_before(o);
    take_metrics(o, false, row);
    return constraints_hold(s, point, o, KNOWN_BEFORE, row);
}

static void measure(const struct sweep *s, const struct sweep_point *point, struct observation *o, struct sweep_row *row)
{
    observe(o);
    take_metrics(o, true, row);
    row->trace_hash = trace_hash(o->chip->trace);
    row->limit[ROW_LIMIT_TOKEN] = isnan(o->limits.token_cycles[0]) ? -1 : (int32_t)o->limits.token;
    row->limit[ROW_LIMIT_FIRST_TOKEN] = (int32_t)o->limits.first_token;
    row->limit[ROW_LIMIT_THROUGHPUT] = (int32_t)o->limits.throughput;
    row->busiest_unit = (int32_t)o->limits.busiest->kind;
    constraints_hold(s, point, o, KNOWN_AFTER, row);
}

/* -- a run -- */

struct point_inputs { /* of a run, owned */
    struct adapter *adapters;
    uint32_t n_adapters;
    struct request *requests;
    uint32_t n_requests;
    int32_t *prompt, *generated;
    cycle_t *generated_at;
};

static void free_inputs(struct point_inputs *in)
{
    for (uint32_t i = 0; in->adapters && i < in->n_adapters; i++) {
        adapter_free(&in->adapters[i]);
    }
    free(in->adapters);
    free(in->requests);
    free(in->prompt);
    free(in->generated);
    free(in->generated_at);
}

static bool make_adapters(const struct sweep_point *point, struct point_inputs *in, struct error *e)
{
    in->adapters = error_calloc(e, point->input[INPUT_adapter_count], sizeof *in->adapters, "adapters");
    for (; in->adapters && in->n_adapters < point->input[INPUT_adapter_count]; in->n_adapters++) {
        char name[32];
        snprintf(name, sizeof name, "synthetic-%04u", in->n_adapters + 1);
        if (!adapter_synthetic(name, &point->model->image.model.shape, (int32_t)point->input[INPUT_adapter_rank],
                               config_ends(&point->config), &in->adapters[in->n_adapters], e)) {
            return false;
        }
    }
    return in->adapters != NULL;
}

/* All requests are there at the start, as those of `etchsim run`: the adapters in turn. */
static bool make_requests(const struct sweep_point *point, struct point_inputs *in, struct error *e)
{
    uint32_t kinds = in->n_adapters ? in->n_adapters : 1, tokens = point->input[INPUT_run_tokens];
    in->n_requests = kinds * point->input[INPUT_run_sequences];
    in->requests = error_calloc(e, in->n_requests, sizeof *in->requests, "requests");
    in->prompt = in->requests ? error_calloc(e, point->input[INPUT_run_prompt_tokens], sizeof *in->prompt, "the prompt") : NULL;
    in->generated = in->prompt ? error_calloc(e, (size_t)in->n_requests * tokens, sizeof *in->generated, "generated tokens") : NULL;
    in->generated_at =
        in->generated ? error_calloc(e, (size_t)in->n_requests * tokens, sizeof *in->generated_at, "generated tokens") : NULL;
    for (uint32_t i = 0; in->generated_at && i < in->n_requests; i++) {
        struct request *r = &in->requests[i];
        r->prompt = in->prompt;
        r->n_prompt = (int32_t)point->input[INPUT_run_prompt_tokens];
        r->n_generate = (int32_t)tokens;
        r->adapter = in->n_adapters ? (int32_t)(i % kinds) : -1;
        r->stop_token = -1;
        r->generated = &in->generated[(size_t)i * tokens];
        r->generated_at = &in->generated_at[(size_t)i * tokens];
        sampling_make(0, 1, &r->sampling);
    }
    return in->generated_at != NULL;
}

static void run_chip(const struct sweep *s, const struct sweep_point *point, struct point_inputs *in, struct sweep_row *row)
{
    struct error e;
    struct chip *chip = NULL;
    struct trace *trace = s->without_trace ? NULL : trace_new();
    const struct image *image = &point->model->image;
    if (!chip_new(&point->config, &image->model, false, in->adapters, in->n_adapters, in->requests, in->n_requests, trace, &chip, &e)) {
        fail(row, &e);
        trace_free(trace);
        return;
    }
    struct observation o = {.chip = chip,
                            .requests = in->requests,
                            .n_requests = in->n_requests,
                            .adapters = in->adapters,
                            .rom_bits = image->rom_bits,
                            .physics = &s->physics};
    if (worth_running(s, point, &o, row)) {
        if (chip_run(chip, ENGINE_SKIP, &e)) {
            measure(s, point, &o, row);
        } else {
            fail(row, &e);
        }
    }
    chip_free(chip);
    trace_free(trace);
}

static void run_point(const struct sweep *s, const struct sweep_point *point, struct sweep_row *row)
{
    struct error e;
    struct point_inputs in = {0};
    if (make_adapters(point, &in, &e) && make_requests(point, &in, &e)) {
        run_chip(s, point, &in, row);
    } else {
        fail(row, &e);
    }
    free_inputs(&in);
}

/* -- a workload served -- */

static void serve_point(const struct sweep *s, const struct sweep_point *point, struct sweep_row *row)
{
    struct error e;
    struct serve serve;
    struct workload w = point->workload->workload; /* its lists are shared: it is not freed here */
    struct serve_options options = {.config = &point->config, .engine = ENGINE_SKIP, .without_trace = s->without_trace};
    snprintf(w.model, sizeof w.model, "%s", point->model->name);
    w.requests = point->input[INPUT_serve_requests] ? point->input[INPUT_serve_requests] : w.requests;
    w.seed = point->input[INPUT_serve_seed] ? point->input[INPUT_serve_seed] : w.seed;
    if (sweep_varies(s, (struct sweep_key){TARGET_INPUT, INPUT_adapter_rank})) { /* all synthetic adapters get this one rank */
        w.synthetic_rank[0] = point->input[INPUT_adapter_rank];
        w.n_synthetic_ranks = 1;
    }
    if (!serve_open(&w, &options, &serve, &e)) {
        fail(row, &e);
        return;
    }
    struct observation o = {.chip = serve.chip,
                            .requests = serve.requests,
                            .n_requests = serve.drawn.count,
                            .adapters = serve.adapters,
                            .rom_bits = serve.image.rom_bits,
                            .physics = &s->physics};
    if (worth_running(s, point, &o, row)) {
        if (serve_execute(&serve, &e)) {
            measure(s, point, &o, row);
        } else {
            fail(row, &e);
        }
    }
    serve_close(&serve);
}

void row_clear(struct sweep_row *row, uint32_t point)
{
    memset(row, 0, sizeof *row);
    row->point = point;
    for (int i = 0; i < METRIC_COUNT; i++) {
        row->metric[i] = NAN;
    }
    for (int i = 0; i < ROW_LIMITS; i++) {
        row->limit[i] = -1;
    }
    row->busiest_unit = -1;
}

void point_run_at(const struct sweep *s, const struct sweep_point *point, struct sweep_row *row)
{
    double start = seconds_now();
    struct rusage usage;
    struct error e;
    row_clear(row, point->index);
    if (sweep_point_check(s, point, &e)) {
        (point->workload ? serve_point : run_point)(s, point, row);
    } else {
        fail(row, &e);
    }
    getrusage(RUSAGE_SELF, &usage);
    row->seconds = seconds_now() - start;
    row->memory_mib = (double)usage.ru_maxrss / 1024;
}

void point_run(const struct sweep *s, uint32_t index, struct sweep_row *row)
{
    struct sweep_point point;
    sweep_point(s, index, &point);
    point_run_at(s, &point, row);
}
