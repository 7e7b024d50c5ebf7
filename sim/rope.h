/* rope.h -- rotary embedding of Q and K, requantisation per head, and the KV write.
 *
 *   Q, K, V accumulators -> [norm the heads of Q, K] -> [rotate Q, K by the position] -> requant per head -> Q to attention
 *                                                                            -> K row, V row to the SRAM
 * Latency     from the last beat: ceil((n_q + 2 n_kv) / lanes) + rope.latency_cycles, before it ceil((n_q + n_kv) / lanes) + norm.latency_cycles
 *             where the model norms its heads; then two SRAM writes (K row, then V row); Q leaves when the
 *             second is acknowledged, so attention always finds the token's own row.
 * Throughput  one token at a time.
 * Stall rule  `sram` while the writes take longer than on an idle SRAM, `output` when attention's link is full.
 * Inaccuracies: the writes do not overlap the rotation.
 */
#ifndef ETCHSIM_ROPE_H
#define ETCHSIM_ROPE_H

#include "kernels/rope.h"
#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

enum rope_phase { ROPE_EMPTY, ROPE_ROTATE, ROPE_WRITE_K, ROPE_WRITE_V, ROPE_SEND };

struct rope_unit {
    struct unit unit;
    struct link *in, *out_q;
    struct link *write_request, *write_response;
    const struct memory_map *map;
    uint32_t compute_cycles, q_beats, write_words_per_cycle, sram_latency_cycles;
    enum rope_phase phase;
    cycle_t until; /* end of the rotation, or when an undisturbed write would be done */
    struct token *token;
    const struct model *model; /* NULL: a run without values */
    struct kv *kv;             /* the KV contents of its layers, as memory_map_kv() counts them */
    struct act8 q;             /* registers; exponents per head beside it */
    int16_t *q_exponent;
    int64_t *scratch;
};

void rope_tick(struct unit *unit, cycle_t now);

#endif
