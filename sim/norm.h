/* norm.h -- residual add and RMSNorm, one before each half of a layer block and one before the head.
 *
 *   residual ------------+                                  +--> x (int8, shifts) to the ROM array [aligned, to the LoRA MAC unit]
 *                        add -> sum of squares -> 1/rms -> scale, requant
 *   delta (ROM) [norm] --+                                  +--> residual, to the next norm
 *
 * Some models norm the delta before it is added (post-norms): a pass of its own through the same lanes.
 * Latency     from the last beat of both inputs: ceil(n / lanes) + norm.latency_cycles to the first beat out, twice that with a post-norm.
 * Throughput  the next vector is taken in the cycle after the outputs are sent; their beats leave meanwhile.
 * Streaming   (slots.loading) the attention norm holds a token until its layer's slice of the token's adapter is written: the DMA says so over `written`.
 * Shared      (chip.organisation) tokens come round to the attention norm from the last ROM port of their layer, or to it for the first time from the
 *             embedding; who comes round goes first.
 * Head        where it has a LoRA MAC unit the final norm does as the others: x goes there too, and a token whose adapter has a pair there waits for the slice.
 * Stall rule  waits for that slice (`slice`), then until all outputs have room (`output`). The final norm drops tokens whose logits nobody wants: they go to the sequencer.
 * Inaccuracies: the add waits for the whole delta, although the adder could follow its beats.
 */
#ifndef ETCHSIM_NORM_H
#define ETCHSIM_NORM_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

enum norm_place { NORM_ATTENTION, NORM_FFN, NORM_FINAL }; /* a token enters its next layer with the attention's */

struct norm_unit {
    struct unit unit;
    struct link *in_residual, *in_delta; /* in_delta NULL: the first norm, right after the embedding */
    struct link *in_first;               /* shared: what comes from the embedding, beside what comes round; else NULL */
    struct link *out_x, *out_lora;       /* out_lora NULL: a final norm before a head without a LoRA MAC unit */
    struct link *out_residual;           /* NULL: the final norm */
    struct link *out_residual_last;      /* for tokens in the last layer, where it is not NULL */
    int32_t last_layer;
    struct link *out_retired; /* the final norm only */
    struct link *in_written;  /* streaming, attention norm and final norm: the slice of a load is there; else NULL */
    uint32_t *written;        /* [slots.count] the latest load of each slot whose slice is there; NULL like in_written */
    bool waited;              /* the token had to wait for its slice */
    enum linear_group feeds;  /* the linears behind out_x */
    uint32_t n, lanes, latency_cycles, beats;
    uint32_t passes; /* 1, or 2 with a post-norm */
    cycle_t until;
    struct token *token;
    enum norm_place place;
    const struct model *model; /* NULL: a run without values */
    struct residual residual;  /* registers, [n] */
    struct act8 x;             /* [n] */
    int64_t *scratch;          /* [n] */
};

/* From the last beat of its inputs until it sends; `adds`: there is a delta. */
static inline cycle_t norm_cycles(const struct norm_unit *u, bool adds)
{
    return (adds ? u->passes : 1) * (ceil_div(u->n, u->lanes) + u->latency_cycles);
}

void norm_tick(struct unit *unit, cycle_t now);

#endif
