/* limits.h -- what binds: a run's cycles, which the accounts of its tokens book to places, booked to the resource that would have to grow.
 *
 *   places of a token (docs/time.md) --limits--> ROM sweep, drain width, vector unit, ..., and what no width shortens: the dependency chain
 *
 * A unit's time is split by its own formula (its header): the latency that every visit costs is chain, the rest is lanes, rows or beats. Where two things
 * run at once (sweep and input beats), the longer one has it all: the other can grow without anybody seeing it. docs/sweep.md says which rule is whose.
 */
#ifndef ETCHSIM_LIMITS_H
#define ETCHSIM_LIMITS_H

#include "sim/chip.h"

enum limit {
#define LIMIT(name, label, relax) LIMIT_##name,
#include "sim/limits.def"
#undef LIMIT
    LIMITS
};
extern const char *const limit_names[LIMITS], *const limit_labels[LIMITS], *const limit_relax[LIMITS];

struct limits {
    double token_cycles
        [LIMITS]; /* of a token after the first, mean over all requests; the sum is the mean distance of tokens. NAN: no such token */
    double first_token_cycles[LIMITS];            /* from a request's arrival to its first token, mean over all requests */
    enum limit token, first_token;                /* the largest of them */
    enum limit throughput;                        /* what keeps the whole chip from delivering more tokens */
    const struct unit *busiest;                   /* of the units that tokens pass, the one that is held longest */
    double busiest_share;                         /* of all cycles */
    double kv_blocked_share, slots_blocked_share; /* of all cycles: somebody waited for a KV cache, for a slot */
};

struct limits limits_of(const struct chip *chip, const struct request *requests, uint32_t n_requests);

/* Applies a limit's `relax`, or one "key*2" of it. Returns the first key's value before and after. */
void limit_relax_config(const char *relax, struct chip_config *config, uint32_t *before, uint32_t *after);

#endif
