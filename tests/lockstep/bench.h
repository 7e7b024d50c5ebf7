/* bench.h -- the LoRA MAC unit's surroundings at random: four links of x, an SRAM, delta links, aborts, resets; and the comparison of every pin.
 *
 *   bursts of x --x_*--> [ model ] [ RTL ] --delta_*, request_*--> compared with each other and with expect.h in every cycle
 *   SRAM of lane rows --word_*--^    |
 *        ^---------------------------+ request_*
 *
 * A run is replayed by its seed. Words come sram.latency_cycles + 1 after their grant, as docs/time.md has it; grants, room and arrivals are random.
 */
#ifndef ETCHSIM_LOCKSTEP_BENCH_H
#define ETCHSIM_LOCKSTEP_BENCH_H

#include "tests/lockstep/expect.h"
#include "tests/lockstep/weights.h"

enum { BENCH_UNITS_MAX = 2, BENCH_QUEUE = 3, BENCH_POOL = 6 };

struct traffic { /* per mille a cycle */
    uint32_t arrival, request_ready, delta_ready, grant, abort, reset;
    bool together; /* bursts arrive on all four links at once */
};
extern const struct traffic traffic_calm; /* everything at once, nothing in the way */

struct bench_options {
    struct lora_geometry unit;
    uint32_t width; /* longest x, most outputs of a linear */
    uint64_t seed;
    struct recipe recipe;
    const struct traffic *traffic;    /* NULL: random, and changing */
    bench_cycle_t abort_at, reset_at; /* BENCH_NEVER: when traffic says so */
    uint32_t bursts;                  /* at most; 0: no limit */
    struct lora_unit
        *units[BENCH_UNITS_MAX]; /* the first one is compared with expect.h, the second with the first; they stay the caller's */
    uint32_t n_units;
};

enum coverage {
    COVER_JOBS,
    COVER_TIE,
    COVER_NOT_LOWEST,
    COVER_FOUR_WAIT,
    COVER_BACK_TO_BACK,
    COVER_WAIT_A,
    COVER_WAIT_B_REQUEST,
    COVER_WAIT_B_DELTA,
    COVER_ROW_IN_PARTS,
    COVER_PARTIAL_BEAT,
    COVER_PARTIAL_BLOCK,
    COVER_TWO_BLOCKS_IN_PIPELINE,
    COVER_RANK_1,
    COVER_RANK_MAX,
    COVER_MISSING_PAIR,
    COVER_SHIFT_LEFT,
    COVER_SATURATED,
    COVER_SHIFT_TOO_FAR,
    COVER_SHIFT_NONE,
    COVER_H_CLAMPED,
    COVER_H_HALF,
    COVER_DELTA_HALF,
    COVER_ABORT_ASKING_A,
    COVER_ABORT_A,
    COVER_ABORT_BETWEEN,
    COVER_ABORT_B,
    COVER_ABORT_RESULTS,
    COVER_ABORT_WITH_X,
    COVER_ABORT_WITH_WORDS,
    COVER_ABORT_IDLE,
    COVER_ABORT_TWICE,
    COVER_RESET_IDLE,
    COVER_RESET_ASKING_A,
    COVER_RESET_A,
    COVER_RESET_BETWEEN,
    COVER_RESET_B,
    COVER_RESET_RESULTS,
    COVER_RESET_ABORTING,
    COVERAGE
};
extern const char *const coverage_names[COVERAGE];

struct bench;

struct bench *bench_open(const struct bench_options *options);
void bench_close(struct bench *b);
/* One cycle. false: two of the three disagree; *e says cycle, pin, expected and got. */
bool bench_step(struct bench *b, struct error *e);
bool bench_done(const struct bench *b); /* all bursts that were to come were served or dropped */
bench_cycle_t bench_now(const struct bench *b);
const uint64_t *bench_coverage(const struct bench *b); /* [COVERAGE] */

#endif
