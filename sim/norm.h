/* norm.h -- residual add and RMSNorm, one before each half of a layer block and one before the head.
 *
 *   residual ------------+                                  +--> x (int8) to the ROM array [and to the LoRA MAC unit]
 *                        add -> sum of squares -> 1/rms -> scale, requant
 *   delta (ROM) [norm] --+                                  +--> residual, to the next norm
 *
 * Some models norm the delta before it is added (post-norms): a pass of its own through the same lanes.
 * Latency     from the last beat of both inputs: ceil(n / lanes) + norm.latency_cycles to the first beat out, twice that with a post-norm.
 * Throughput  the next vector is taken in the cycle after the outputs are sent; their beats leave meanwhile.
 * Streaming   (slots.loading) the attention norm holds a token until its layer's slice of the token's adapter is written: the DMA says so over `written`.
 * Stall rule  waits for that slice (`slice`), then until all outputs have room (`output`). The final norm drops tokens whose logits nobody wants: they go to the sequencer.
 * Inaccuracies: the add waits for the whole delta, although the adder could follow its beats.
 */
#ifndef ETCHSIM_NORM_H
#define ETCHSIM_NORM_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

struct norm_unit {
    struct unit unit;
    struct link *in_residual, *in_delta; /* in_delta NULL: the first norm, right after the embedding */
    struct link *out_x, *out_lora;       /* out_lora NULL: the final norm */
    struct link *out_residual;           /* NULL: the final norm */
    struct link *out_retired;            /* the final norm only */
    struct link *in_written;             /* attention norm, streaming: the layer's slice of a load is there; else NULL */
    uint32_t *written;                   /* [slots.count] the latest load of each slot whose slice is there; NULL like in_written */
    bool waited;                         /* the token had to wait for its slice */
    enum linear_group feeds;             /* the linears behind out_x */
    uint32_t n, lanes, latency_cycles, beats;
    uint32_t passes; /* 1, or 2 with a post-norm */
    cycle_t until;
    struct token *token;
    const struct norm *weights; /* NULL: a run without values */
    const struct norm *post;    /* of the delta; NULL, or without weights: it is added as it comes */
    struct residual residual;   /* registers, [n] */
    struct act8 x;              /* [n] */
    int64_t *scratch;           /* [n] */
};

void norm_tick(struct unit *unit, cycle_t now);

#endif
