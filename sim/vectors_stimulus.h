/* vectors_stimulus.h -- random surroundings of a LoRA MAC unit, at its pins: four links of x, an SRAM with lane rows, four delta links, aborts, resets.
 *
 *   jobs --> 4 links of x --------> inputs of a cycle ----> [ unit ]
 *   SRAM: grants, latency --------->      ^                    |
 *        ^ requests                       | delta_ready        | outputs of the same cycle
 *        +--------------------------------+--------------------+
 *
 * What it sends keeps docs/lora_mac.md (lora_rules.h watches it). Inputs that nobody may look at are random. Everything follows from the seed.
 */
#ifndef ETCHSIM_VECTORS_STIMULUS_H
#define ETCHSIM_VECTORS_STIMULUS_H

#include "sim/lora_ports.h"

struct stimulus_job { /* weights of a group of linears, as they lie in the SRAM */
    enum linear_group group;
    struct lora_job job;
    const struct lora_pair *pair[GROUP_LINEARS_MAX];
};

struct stimulus_options {
    struct lora_geometry unit;
    uint32_t inputs_max; /* longest x; without jobs also the most outputs of a linear */
    uint64_t seed;
    bool stalls;                     /* words, requests and room in the delta links may be late, at random */
    const struct stimulus_job *jobs; /* [n_jobs] to choose from; n_jobs 0: random weights, shapes and shifts */
    uint32_t n_jobs;
};

struct stimulus_counts {          /* what has been seen */
    uint64_t jobs[LINEAR_GROUPS]; /* to their end */
    uint64_t aborted, resets;     /* aborts that ended; resets after the first */
    uint32_t rank_low, rank_high; /* of jobs that were started; 0: none */
    uint64_t words;
};

struct stimulus;

struct stimulus *stimulus_open(const struct stimulus_options *options, struct error *e);
void stimulus_close(struct stimulus *s);
/* The inputs that go with the outputs of this cycle, as a record of lora_ports.h; then it is the next cycle. */
void stimulus_cycle(struct stimulus *s, const struct lora_outputs *out, uint32_t *record);
const struct stimulus_counts *stimulus_counts(const struct stimulus *s);

#endif
