/* embed.h -- the embedding ROM: a token id in, a residual vector out.
 *
 *   token -> [ROM row] -> residual beats to layer 0
 *
 * Latency     embed.latency_cycles from the request to the first beat. Throughput: the next token is taken in the cycle after the vector is sent.
 * Stall rule  `output` until the link has room. Inaccuracies: none known.
 */
#ifndef ETCHSIM_EMBED_ROM_H
#define ETCHSIM_EMBED_ROM_H

#include "sim/config.h"
#include "sim/link.h"

struct embed_rom {
    struct unit unit;
    struct link *in_token, *out_residual;
    uint32_t latency_cycles, beats;
    cycle_t until;
    struct token *token;
    const struct matrix *weights; /* NULL: a run without values */
    int32_t scale_q16;            /* what embeddings are multiplied by, 0: nothing; a stage of the pipeline either way */
};

void embed_tick(struct unit *unit, cycle_t now);

#endif
