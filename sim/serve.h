/* serve.h -- a workload served by a chip: everything named in it is loaded, its requests are drawn, the chip is clocked, and sums are checked. */
#ifndef ETCHSIM_SERVE_H
#define ETCHSIM_SERVE_H

#include "sim/engine.h"
#include "sim/image.h"
#include "sim/workload.h"

struct serve_options {
    const char *const *set; /* [n_set] further changes to the chip, after the workload's own */
    int32_t n_set;
    const struct chip_config *config; /* the chip, instead of the workload's; NULL: that one */
    bool dealt;                       /* of a chip with server.cards, the requests of card `card` only; else all, on one card */
    uint32_t card;
    enum engine engine;
    bool synthetic_weights; /* drawn from weights_seed, in the model's shape */
    uint64_t weights_seed;
    int32_t threads;    /* of matrix products; 0: one for each processor */
    const char *folder; /* for the traces; NULL without any */
    bool without_trace; /* no events, no hash: tokens may leap (leap.h) */
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
    uint32_t *number;         /* [drawn.count] of a request: which one of the workload it is */
    struct request *requests; /* [drawn.count] */
    int32_t *prompts, *generated;
    cycle_t *generated_at;      /* all requests' arrays, one after the other */
    struct incident *incidents; /* [workload->n_incidents] as the chip takes them */
    struct trace *trace;
    struct chip *chip;
    double setup_seconds, run_seconds; /* wall clock; for people only */
};

/* Loads, draws and wires everything; nothing has been clocked yet. The workload must outlive it. On failure it is closed. A card that is dealt no request has
 * no chip: it rests. */
bool serve_open(const struct workload *workload, const struct serve_options *options, struct serve *serve, struct error *e);
/* Clocks the chip until all requests are done, then checks that what went in came out (a failed check otherwise). */
bool serve_execute(struct serve *serve, struct error *e);
struct serve_verified {
    uint64_t tokens; /* that equal those of the model without a clock */
    uint64_t flipped_requests,
        changed_requests; /* those that were given flipped bits which nothing noticed; and those of them with other tokens for it */
};
/* Each request's tokens against those of the model without a clock; only with values. Requests with silently flipped bits are counted, not checked. */
bool serve_verify(const struct serve *serve, struct serve_verified *verified, struct error *e);
void serve_close(struct serve *serve);
/* Cards that the requests are dealt to: 1, or those of a server. */
static inline uint32_t serve_cards(const struct serve *serve)
{
    return serve->options.dealt && serve->config.server_cards ? serve->config.server_cards : 1;
}

#endif
