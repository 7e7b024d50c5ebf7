/* metrics.h -- a run's scalar results as data: the rows of metrics.def, and what they are computed from. */
#ifndef ETCHSIM_METRICS_H
#define ETCHSIM_METRICS_H

#include "sim/chip.h"
#include "sim/limits.h"
#include "sim/physical.h"

struct spread { /* nearest rank: values that occurred */
    cycle_t p50, p99;
};

struct
    swap_time { /* sums over all loads of adapters: load_cycles = queue + transfer + tensor + wire + write + contention; drain comes before */
    uint64_t loads, load_cycles, drain, queue, transfer, tensor, wire, write, contention;
};

struct bank_accesses { /* of all layers */
    uint64_t words[SRAM_CLIENTS], lost_cycles[SRAM_CLIENTS];
    double all_words; /* that the ports could have given */
};

/* A chip that has run (or is about to: then only metrics known BEFORE may be asked for), with what ran on it. */
struct observation {
    const struct chip *chip;
    const struct request *requests; /* [n_requests], the first one is `the first sequence` */
    uint32_t n_requests;
    const struct adapter *adapters; /* the chip's list */
    int64_t rom_bits;
    const struct physics *physics; /* NULL: no area, energy and cost */
    /* computed by observe_before() */
    struct physical physical[CORNERS];
    /* computed by observe() */
    struct spread first_token, between_tokens, whole_request;
    struct swap_time swap;
    struct bank_accesses banks;
    struct limits limits;
};

/* Fills what follows from the chip alone; enough for metrics known BEFORE. */
void observe_before(struct observation *o);
/* Fills all of the computed part; call it after the run. */
void observe(struct observation *o);

enum better { BETTER_NEITHER, BETTER_HIGHER, BETTER_LOWER };
enum known { KNOWN_BEFORE, KNOWN_AFTER };

struct metric {
    const char *name, *unit, *meaning;
    enum better better;
    enum known known;
    double (*value)(const struct observation *o); /* NAN: there is none */
};

enum {
#define METRIC(name, ...) METRIC_##name,
#include "sim/metrics.def"
#undef METRIC
    METRIC_COUNT
};
extern const struct metric metrics[METRIC_COUNT];

/* The list for --help: name, unit, which way is better, meaning. */
void metrics_help(FILE *out);
/* NULL if there is no such metric. */
const struct metric *metric_find(const char *name);

/* -- for metrics and reports -- */

double observation_us(const struct observation *o, double cycles);
uint64_t observation_tokens(const struct observation *o);
/* Bytes of a bank's word, times the layers: what a word of the memory map stands for. */
double observation_word_bytes(const struct observation *o);
struct swap_time swap_time(const struct chip *chip, const struct request *requests, uint32_t n_requests);
struct bank_accesses bank_accesses(const struct chip *chip);
/* Sorts the values; 0 if there are none. The smallest of them such that at least p percent are no larger. */
cycle_t percentile(cycle_t *values, size_t n, uint32_t p);

#endif
