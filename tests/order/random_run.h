/* random_run.h -- random chips and workloads for tests: any parameter, any shape, everything from one seed. */
#ifndef ETCHSIM_RANDOM_RUN_H
#define ETCHSIM_RANDOM_RUN_H

#include "sim/engine.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

struct random_run { /* a chip with its inputs */
    struct chip_config config;
    struct random_model random;
    struct request requests[12];
    uint32_t n_requests;
    int32_t prompt[16];
    uint64_t seed;
    struct incident incidents[12];
    uint32_t n_incidents;
    bool pins;     /* with the model at the LoRA MAC units' pins beside each C unit */
    bool untraced; /* without a trace: tokens may leap */
};

/* A small random config that fits its own shape. */
void random_run_make(struct random_run *run, uint64_t seed);
/* One in whose layers tokens can leap (sim/leap.h): more layers, one group of banks, no trace. */
void random_run_make_leap(struct random_run *run, uint64_t seed);
/* Requests that arrive over time, and random slots.*, admission.* and host.depth on the same chip. */
void random_run_serve(struct random_run *run);
/* Adapters that are replaced and unloaded, broken loads and flipped bits, beside random_run_serve()'s requests; loads that stay broken drop requests. False when the
 * chip has fewer than two adapters. */
bool random_run_incidents(struct random_run *run);
/* The same chip with one block that all layers share. */
void random_run_share(struct random_run *run);
void random_run_free(struct random_run *run);

struct outcome { /* what must be equal between engines */
    uint64_t hash, cycles, events;
    uint64_t unit_cycles_hash;  /* over all units' state cycles */
    uint64_t generated_at_hash; /* over all requests' token times, and tokens */
    uint64_t account_hash;
    uint64_t requests_hash; /* when each started, was loaded, ran, was done; who took which slot */
    uint64_t counters_hash; /* of the SRAMs and the slots */
    struct {
        uint64_t restarts, dropped, detections, corrected, silent, retired, kv_flips, kv_corrected;
        uint64_t end_words, end_page_words;                              /* that LoRA MAC units at the ends read; of them in pages */
        uint64_t hits, evictions, prefetched, overtaken, waiting_cycles; /* the last: of norms for slices, streaming */
        uint64_t leapt, put_back;
    } seen; /* how much of it happened */
    bool good;
    struct error error;
};

/* Runs a fresh copy of the workload. `order_seed` not 0: the units tick in a random order (step only). With values every request's tokens are compared
 * with those of the timeless reference. */
struct outcome random_run_execute(const struct random_run *run, enum engine engine, uint64_t order_seed, bool values);
bool outcomes_equal(const struct outcome *a, const struct outcome *b);

#endif
