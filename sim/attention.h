/* attention.h -- attention over the KV cache for one token: scores, softmax, weighted values.
 *
 *   q -> [scores: q . K rows] -> [max, exp2, sum] -> [sum of p * V rows] -> 1/Z, requant -> x to ROM array Wo [and LoRA]
 *             ^                                           ^
 *          K rows from SRAM                            V rows from SRAM
 *
 * Latency     from the last beat of q, t = tokens in the cache (this one included), in a layer with a window at most the window's:
 *             scores  max(1 + ceil(t * n_heads * head_dim / lanes) + sram.latency_cycles, K rows from the SRAM) + latency_cycles
 *             maximum ceil(t * n_heads / max_lanes) + latency_cycles; nothing with max_lanes 0, where it follows the scores as they come
 *             softmax ceil(t * n_heads / softmax_lanes) + latency_cycles
 *             values  as scores, with the V rows
 * Throughput  one token at a time.
 * Stall rule  `sram` while the rows take longer than the multipliers, because the banks are narrow or others use them; `output` when Wo's link is full.
 * Inaccuracies: a layer with a window keeps the rows of older tokens too, though nobody reads them; the three phases do not overlap; the requests' way to the SRAM and back counts as part of the phase;
 *             whether a row has flipped bits is seen when q is there, for K and V alike.
 */
#ifndef ETCHSIM_ATTENTION_H
#define ETCHSIM_ATTENTION_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

enum attention_phase { ATTENTION_EMPTY, ATTENTION_SCORES, ATTENTION_SOFTMAX, ATTENTION_VALUES, ATTENTION_SEND };

struct attention_unit {
    struct unit unit;
    struct link *in_q, *out_x, *out_lora;
    struct link *read_request, *read_response;
    const struct memory_map *map;
    const struct shape *shape;
    uint32_t n_heads, head_dim;
    uint32_t lanes, max_lanes, softmax_lanes, latency_cycles, beats, sram_latency_cycles;
    enum ecc ecc;
    uint64_t corrected; /* counter: flipped bits of KV rows that secded put right, a token each */
    enum attention_phase phase;
    cycle_t until; /* the next known end: of the rows on an idle SRAM, of the softmax, of the values */
    struct token *token;
    const struct model *model; /* NULL: a run without values */
    struct kv *kv;             /* the KV contents of its layers, as memory_map_kv() counts them */
    struct act8 x;             /* register, [n_heads * head_dim] */
    int64_t *scratch;
};

void attention_tick(struct unit *unit, cycle_t now);

#endif
