/* lora_mac.h -- the LoRA MAC unit of a layer, or of an end: delta = B (A x), int8 activations x 6-bit weights, weights read from the adapter slot. docs/lora_mac.md
 * says what it does at its pins; this is the same unit with bursts instead of beats and rows.
 *
 *   x (QKV) --\                                                              /--> delta to ROM array QKV
 *   x (O) -----> [ pick ] -> phase A: h = A x -> requant -> phase B: B h --->----> delta to O
 *   x (gate up) /                ^                             ^             \--> ...
 *   x (down) --/             adapter slot in the layer's SRAM
 *
 * At an end (chip.h) the unit is the same, with one x and one delta, and an SRAM of its own. The embedding's x is a block of tokens, one of them 1.
 * One unit serves the four groups of linears, one vector at a time: the one that has been at the front of its link for the longest, on a tie the earlier
 * group. Weights come in lane rows, one six-bit field a lane; a row takes ceil(row_words / (ways * ports)) cycles, at least one.
 * Latency     picked in n: A's rows are asked for in n + a_delay; x has been taken in n + its beats. The last row of A is seen in c, the delta burst opens
 *             and B is asked for in c + latency_cycles. The last row of B is seen in c: the burst's last beat is seen in T = c + latency_cycles + the beats
 *             of B's last block of results.
 * Throughput  one vector at a time; the next is picked from T on.
 * Stall rule  `sram` while rows come slower than from an idle SRAM; `output` when the delta link has no room for the burst.
 * Inaccuracies: phases do not overlap; lower ranks of a group are padded to the largest, and vectors to whole lane rows, as the weights lie in the SRAM;
 *             the weights' values come with the token's adapter, the SRAM gives the time (an adapter in use cannot be evicted). A row that lies across two
 *             groups of banks takes a cycle more than ideal, which counts as `sram`.
 */
#ifndef ETCHSIM_LORA_MAC_H
#define ETCHSIM_LORA_MAC_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

enum lora_phase { LORA_EMPTY, LORA_DELAY, LORA_X, LORA_A, LORA_REQUANT, LORA_OPEN, LORA_B, LORA_CLOSE };

struct lora_mac {
    struct unit unit;
    enum linear_group first_group; /* its ports are those of this group and the following ones */
    uint32_t n_groups;
    struct link *in_x[LINEAR_GROUPS], *out_delta[LINEAR_GROUPS]; /* [n_groups] */
    struct link *read_request, *read_response;
    const struct memory_map *map;
    struct lora_geometry geometry;
    enum lora_phase phase;
    cycle_t until; /* the phase's known end; of the rows on an idle SRAM */
    cycle_t x_taken_at, rows_at;
    struct token *token;
    uint32_t port;           /* being served */
    enum linear_group group; /* of it */
    struct lora_region region;
    const struct adapter *weights; /* the token's adapter as the slot's bits have it */
    enum ecc ecc;
    uint64_t corrected;        /* counter: flipped bits that secded put right, a read of the word each */
    bool values;               /* false: a run without values */
    struct act8 h[BURST_ACCS]; /* registers, [LORA_RANK_MAX] each */
    const struct model *model; /* for the exponents of base weights; NULL: a run without values */
    int32_t x_exponent;
    struct cosim_layer *cosim; /* its pins (lora_cosim.h), or NULL */
};

/* What the unit is told with a burst of x at this port. */
struct lora_job lora_mac_job(const struct lora_mac *u, uint32_t port, const struct token *token);
/* Where a request for the token's rows counts from. */
struct sram_place lora_mac_place(const struct lora_mac *u, const struct token *token, uint32_t address_words);

/* Whether a token's adapter has something for this group of linears of the layer that it is in. */
static inline bool token_has_lora(const struct token *token, enum linear_group group)
{
    if (!token->adapter) {
        return false;
    }
    for (uint32_t i = 0; i < linears_count(group); i++) {
        if (adapter_pair(token->adapter, token->layer, linears_first(group) + i)->rank > 0) {
            return true;
        }
    }
    return false;
}

void lora_mac_tick(struct unit *unit, cycle_t now);

#endif
