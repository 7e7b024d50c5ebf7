/* expect.h -- what the pins must show in each cycle, foretold from what happens around the unit: docs/lora_mac.md, "Cycle by cycle", sentence by sentence.
 *
 * It shares no code with the model or the RTL. It knows bursts, jobs and their results as a whole, and when the bench delivers which row; so it is
 * told of events ("the last word of A is at the pins now") where the unit has to count words.
 */
#ifndef ETCHSIM_LOCKSTEP_EXPECT_H
#define ETCHSIM_LOCKSTEP_EXPECT_H

#include "sim/lora_pins.h"

typedef uint64_t bench_cycle_t;
#define BENCH_NEVER UINT64_MAX

enum expect_state { EXPECT_IDLE, EXPECT_JOB, EXPECT_ABORT };

struct expect_results { /* of a block of outputs */
    bench_cycle_t seen_at;
    const int64_t *delta;
    uint32_t count;
    bool last;
};

struct expect {
    struct lora_geometry unit;
    bench_cycle_t now;
    enum expect_state state;
    enum linear_group group;
    struct lora_job job;
    bench_cycle_t picked_at, x_until; /* x is taken in picked_at + 1 .. x_until */
    bench_cycle_t a_asked_at, a_over_at, opened_at;
    uint64_t words_outstanding;        /* of requests that were seen */
    struct expect_results results[64]; /* a ring */
    uint32_t results_first, results_count;
    struct lora_outputs next; /* seen in the next cycle */
    int64_t *delta;           /* [drain_elements] of it */
};

struct expect_events {                        /* of this cycle, beside the pins */
    bench_cycle_t waits_since[LINEAR_GROUPS]; /* the burst at the front of each link, where x_valid */
    bool a_over;                              /* the last word of A is at the pins */
    bool block_over;                          /* the last word of a block of B is */
    struct expect_results block;              /* then: its results, seen_at is filled in here */
};

void expect_open(struct expect *x, const struct lora_geometry *unit);
void expect_close(struct expect *x);
/* The pins of this cycle; delta points into *x. */
struct lora_outputs expect_outputs(const struct expect *x);
void expect_clock(struct expect *x, const struct lora_inputs *in, const struct expect_events *events);

#endif
