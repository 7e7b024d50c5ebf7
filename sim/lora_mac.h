/* lora_mac.h -- the LoRA MAC unit of a layer: delta = B (A x), int8 activations x 6-bit weights, weights read from the adapter slot.
 *
 *   x (QKV) --\                                                              /--> delta to ROM array QKV
 *   x (O) -----> [ pick ] -> phase A: h = A x -> requant -> phase B: B h --->----> delta to O
 *   x (gate up) /                ^                             ^             \--> ...
 *   x (down) --/             adapter slot in the layer's SRAM
 *
 * One unit serves the four groups of linears, one vector at a time, the one that came first (on a tie the earlier group).
 * Latency     x's first beat seen at n: weights of A are asked for at n. Phase A takes max(1 + ceil(weights of A / lanes) + sram.latency_cycles, their
 *             words from the SRAM), and ends no earlier than a cycle after x's last beat; then latency_cycles (requantisation).
 *             Phase B: the same with B's weights, without x; then latency_cycles. The delta burst opens with phase B and closes with its end.
 * Throughput  one vector at a time; the next is picked in the cycle after the close.
 * Stall rule  `sram` while weights come slower than the lanes use them; `output` when phase B finds no room in the delta link.
 * Inaccuracies: phases do not overlap; x is held in the input link's buffer until phase A is over; the weights'
 *             values come with the token's adapter, the SRAM gives the time (an adapter in use cannot be evicted).
 */
#ifndef ETCHSIM_LORA_MAC_H
#define ETCHSIM_LORA_MAC_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

enum lora_phase { LORA_EMPTY, LORA_A, LORA_REQUANT, LORA_OPEN, LORA_B, LORA_CLOSE };

struct lora_mac {
    struct unit unit;
    struct link *in_x[LINEAR_GROUPS], *out_delta[LINEAR_GROUPS];
    struct link *read_request, *read_response;
    const struct memory_map *map;
    uint32_t lanes, latency_cycles, sram_latency_cycles;
    enum lora_phase phase;
    cycle_t until;
    struct token *token;
    enum linear_group group; /* being served */
    struct lora_region region;
    bool values;                         /* false: a run without values */
    struct act8 h[BURST_ACCS];           /* registers, [LORA_RANK_MAX] each */
    int32_t base_exponent[LINEAR_COUNT]; /* of the layer's base weights */
    int32_t x_exponent;
};

/* Whether a token's adapter has something for this group of linears. */
static inline bool token_has_lora(const struct token *token, int32_t layer, enum linear_group group)
{
    if (!token->adapter) {
        return false;
    }
    for (uint32_t i = 0; i < linears_count(group); i++) {
        if (adapter_pair(token->adapter, layer, linears_first(group) + i)->rank > 0) {
            return true;
        }
    }
    return false;
}

void lora_mac_tick(struct unit *unit, cycle_t now);

#endif
