/* leap_passage.h -- a layer block's units run by themselves, apart from the engine: what a token without company does there (leap.h). */
#ifndef ETCHSIM_LEAP_PASSAGE_H
#define ETCHSIM_LEAP_PASSAGE_H

#include "sim/chip.h"

enum {
    BLOCK_ROM_QKV,
    BLOCK_ROPE,
    BLOCK_ATTENTION,
    BLOCK_SRAM,
    BLOCK_ROM_O,
    BLOCK_FFN_NORM,
    BLOCK_ROM_GATE_UP,
    BLOCK_SILU,
    BLOCK_ROM_DOWN,
    BLOCK_LORA_MAC,
    BLOCK_UNITS
};

/* The units that a token meets behind a block's first norm. */
struct unit *block_unit(struct layer_block *block, uint32_t which);

struct block_counts {                                                                      /* what passing a block adds to counters */
    uint64_t busy_cycles[BLOCK_UNITS], lora_cycles[BLOCK_UNITS], sram_cycles[BLOCK_UNITS]; /* the latter two: stalls */
    uint64_t words[SRAM_CLIENTS];
};

/* Times are in cycles after the block's first norm sent the token. */
struct passage {
    int64_t enter[BLOCK_UNITS], leave[BLOCK_UNITS]; /* the first cycle in which the unit has it, the first in which it rests again */
    cycle_t sent;                                   /* rom_down sends */
    cycle_t taken, period;                          /* the next block's norm takes it, and sends it: it is in the next block then */
    struct block_counts counts;
    uint64_t account_cycles[PLACES]; /* booked up to `sent` */
    bool fits;                       /* tokens on board never fill the residual links */
    bool through;                    /* who comes behind it in units doesn't find the next block's norm taken */
};

/* How far a token must be behind the one ahead, in cycles: each unit rests before it gets there. */
int64_t passage_distance(const struct passage *ahead, const struct passage *behind);

struct passages;
/* Of a chip's tokens; the chip outlives them. NULL without memory. */
struct passages *passages_new(const struct chip *chip, struct error *e);
void passages_free(struct passages *passages);
/* What a token like this one does in a block if it meets nobody; measured when the first one comes. NULL: it is not the same in all blocks, or waits for more than units. */
const struct passage *passages_find(struct passages *passages, uint32_t block, const struct token *token);

struct boarded {
    struct token *token;
    cycle_t at; /* it was sent */
};
/* Runs the block's units and the next norm up to the end of cycle `now`, with n tokens that came in in this order and found each unit at rest. Who was in the units
 * before them is further ahead. Then they are the engine's. */
void passage_replay(struct chip *chip, uint32_t layer, const struct boarded *boarded, uint32_t n, cycle_t now);

/* Sends a token into a block as its first norm does. */
void block_send(struct layer_block *block, struct token *token, cycle_t now);

#endif
