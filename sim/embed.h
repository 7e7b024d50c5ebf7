/* embed.h -- the embedding ROM: a token id in, a residual vector out.
 *
 *   token -> [ROM row] ----------------------> (+ delta) -> residual beats to layer 0
 *              '-> x, one-hot -> LoRA MAC unit ---'            where the token's adapter has a pair for the embedding
 *
 * Latency     embed.latency_cycles from the request to the first beat; where there is a pair, x is sent in the cycle of the request, and the first beat comes no
 *             earlier than the delta's last one is seen. Throughput: the next token is taken in the cycle after the vector is sent.
 * Stall rule  `lora` until the delta is there, `output` until the link has room. Inaccuracies: none known.
 */
#ifndef ETCHSIM_EMBED_ROM_H
#define ETCHSIM_EMBED_ROM_H

#include "sim/config.h"
#include "sim/link.h"

struct embed_rom {
    struct unit unit;
    struct link *in_token, *out_residual;
    struct link *out_lora, *in_delta; /* NULL: no LoRA MAC unit */
    uint32_t latency_cycles, beats;
    uint32_t lora_inputs, lora_beats; /* tokens of a block of A: x has a 1 for one of them */
    cycle_t until;
    struct token *token;
    bool lora;                    /* the token's contribution is still to come */
    const struct matrix *weights; /* NULL: a run without values */
    int32_t scale_q16;            /* what embeddings are multiplied by, 0: nothing; a stage of the pipeline either way */
    struct residual row;          /* register, [d_model] */
};

void embed_tick(struct unit *unit, cycle_t now);

#endif
