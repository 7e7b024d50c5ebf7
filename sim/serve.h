/* serve.h -- a workload served by a chip: everything named in it is loaded, its requests are drawn, the chip is clocked, and sums are checked. */
#ifndef ETCHSIM_SERVE_H
#define ETCHSIM_SERVE_H

#include "sim/engine.h"
#include "sim/image.h"
#include "sim/workload.h"

struct serve_options {
    const char *const *set; /* [n_set] further changes to the chip, after the workload's own */
    int32_t n_set;
    enum engine engine;
    bool synthetic_weights; /* drawn from weights_seed, in the model's shape */
    uint64_t weights_seed;
    int32_t threads;    /* of matrix products; 0: one for each processor */
    const char *folder; /* for the traces; NULL without any */
    bool trace_events, trace_perfetto;
};

struct serve {
    const struct workload *workload;
    struct serve_options options;
    struct chip_config config;
    struct image image;
    struct adapter *adapters; /* [n_adapters] pinned ones first, as slots.pinned wants them */
    int32_t n_adapters;
    int32_t *chip_index; /* [n_adapters] of an adapter of the workload's list: where it is in `adapters` */
    struct workload_requests drawn;
    struct request *requests; /* [drawn.count] */
    int32_t *prompts, *generated;
    cycle_t *generated_at; /* all requests' arrays, one after the other */
    struct trace *trace;
    struct chip *chip;
    double setup_seconds, run_seconds; /* wall clock; for people only */
};

/* Loads, draws and wires everything; nothing has been clocked yet. The workload must outlive it. On failure it is closed. */
bool serve_open(const struct workload *workload, const struct serve_options *options, struct serve *serve, struct error *e);
/* Clocks the chip until all requests are done, then checks that what went in came out (a failed check otherwise). */
bool serve_execute(struct serve *serve, struct error *e);
/* Each request's tokens against those of the model without a clock; only with values. `checked` counts tokens. */
bool serve_verify(const struct serve *serve, uint64_t *checked, struct error *e);
void serve_close(struct serve *serve);

#endif
