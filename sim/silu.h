/* silu.h -- the feed-forward gate: SiLU(gate) x up, requantised; GELU instead in some models.
 *
 *   gate, up accumulators -> [SiLU or GELU table x up] -> requant -> x to ROM array Wdown [and LoRA]
 *
 * Latency     from the last beat: ceil(d_ff / lanes) + silu.latency_cycles to the first beat out.
 * Throughput  the next vector is taken in the cycle after the outputs are sent; their beats leave meanwhile.
 * Stall rule  `output` until both outputs have room.
 * Inaccuracies: requantisation needs the vector's maximum, so nothing overlaps the input's beats.
 */
#ifndef ETCHSIM_SILU_H
#define ETCHSIM_SILU_H

#include "sim/config.h"
#include "sim/link.h"

struct silu_unit {
    struct unit unit;
    struct link *in, *out_x, *out_lora;
    uint32_t n, lanes, latency_cycles, beats;
    cycle_t until;
    struct token *token;
    bool values;
    enum activation activation;
    struct act8 x; /* register, [d_ff] */
    int64_t *scratch;
};

void silu_tick(struct unit *unit, cycle_t now);

#endif
