/* sampler.h -- the next token from the logits: greedy, or seeded temperature and top-p.
 *
 *   logits (head ROM) -> [compare, or weigh and draw] -> token id to the sequencer
 *
 * Latency     greedy: sampler.latency_cycles after the last beat (the comparison follows the beats) or after ceil(n_vocab / lanes) cycles from the first;
 *             sampled: two more passes of ceil(n_vocab / lanes), one to weigh and one to draw.
 * Throughput  one token at a time. Stall rule: `output` until the sequencer's link has room.
 * Inaccuracies: the order that top-p needs is taken as free; a real one would find a threshold in some passes more.
 */
#ifndef ETCHSIM_SAMPLER_H
#define ETCHSIM_SAMPLER_H

#include "kernels/sample.h"
#include "sim/config.h"
#include "sim/link.h"

struct request;

struct sampler {
    struct unit unit;
    struct link *in_logits, *out_token;
    struct request *requests; /* their sampling parameters and random state */
    uint32_t pass_cycles, latency_cycles;
    cycle_t until;
    struct token *token;
    int32_t sampled;
    bool values;
    void *scratch;
};

void sampler_tick(struct unit *unit, cycle_t now);

#endif
