/* lora_rules.h -- what the surroundings of a LoRA MAC unit owe it (docs/lora_mac.md), watched from outside: nothing but its pins is looked at.
 *
 * A reference that is given something else has no right answer. So vectors are held against these rules as they are made, and the DPI unit tells whoever
 * drives it what went wrong, before the model's assertions would. That requests are answered with a constant latency cannot be seen from one side, and is not checked.
 */
#ifndef ETCHSIM_LORA_RULES_H
#define ETCHSIM_LORA_RULES_H

#include "sim/lora_pins.h"

struct lora_rules {
    struct lora_geometry unit;
    uint32_t inputs_max;
    uint64_t cycle;
    bool reset_seen;
    bool x_waits[LINEAR_GROUPS], delta_ready[LINEAR_GROUPS]; /* in the cycle before: was, and was not used up */
    struct lora_job offered[LINEAR_GROUPS];                  /* in the cycle before */
    bool busy, aborting;
    struct lora_job job; /* the present one */
    uint32_t x_taken;
    struct { /* the last request that was seen */
        bool b;
        uint32_t words_left, row_words, rows; /* row_words: of the row that is not whole yet; rows: those that are */
        uint32_t first_rows, block_rows, pause_cycles;
        uint64_t row_from; /* the next row's first word comes no sooner */
    } request;
};

void lora_rules_open(struct lora_rules *rules, const struct lora_geometry *unit, uint32_t inputs_max);
/* The pins of one cycle. Before the first reset everything is let through. */
bool lora_rules_check(struct lora_rules *rules, const struct lora_outputs *out, const struct lora_inputs *in, struct error *e);

#endif
