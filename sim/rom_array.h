/* rom_array.h -- base weights in mask ROM, as multiply-select-add tiles.
 *
 *   x beats -> dealt to the tiles in turn        tile: tile_rows inputs x all outputs of the array
 *      tile 0: row by row: x_i * {8 codebook values}, each output's 3-bit cell selects one, accumulators add
 *      tile 1: ...                                                     |
 *      reduction tree over tiles  -> accumulators -> (+ LoRA delta) -> (+ bias) -> drain, drain_elements a cycle
 *
 * One array holds all matrices that share an input (Q, K and V; gate and up), side by side.
 * Latency     first beat of x seen at n; the sweep takes ceil(ceil(n_in / tiles) / rows_per_cycle) cycles, tiles = ceil(n_in / tile_rows) (with
 *             array_macs no less than ceil(n_in * n_out / array_macs)), and ends no
 *             earlier than a cycle after the last beat; then latency_cycles, then reduce_cycles per level of the tree, log2(tiles) levels up,
 *             and one level more where the outputs have a bias (Q, K and V of some models);
 *             then the first beat out. Drain: ceil(n_out / drain_elements) beats.
 * Throughput  one vector at a time: the next is taken in the cycle after the drain is over.
 * Shared      (chip.organisation) one such unit holds the matrices of all layers, and the head's: a port for each group of linears, one vector at a time, of
 *             the port whose vector has been at the front for the longest. Outputs are dealt to matrix.units, each of which does matrix.macs
 *             multiply-accumulates a cycle: the sweep takes ceil(ceil(n_out / units) * n_in / macs) cycles; no tree, no tiles.
 * Stall rule  waits for the LoRA delta where the token's adapter has one (`lora`), and for room in the output link (`output`).
 * Inaccuracies: sweep and drain do not overlap; the ROM has no refresh, no read disturb, no spare rows.
 */
#ifndef ETCHSIM_ROM_ARRAY_H
#define ETCHSIM_ROM_ARRAY_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

enum { ROM_MATRICES_MAX = 3, ROM_PORTS_MAX = 5 };

enum rom_phase { ROM_EMPTY, ROM_SWEEP, ROM_LORA, ROM_SEND, ROM_DRAIN };

struct rom_port {                 /* a way in and out, with the matrices behind it */
    struct link *in_x, *in_delta; /* in_delta NULL: the head */
    struct link *out, *out_last;  /* out_last: for tokens in the last layer, where it is not NULL */
    enum linear_group group;
    enum place place;
    uint32_t sweep_cycles, pipeline_cycles, drain_beats;
    uint32_t n_matrices;
    const struct layer *layers;       /* [n_layers] of the model, where the matrices are; NULL: a run without values, or the head */
    const struct matrix *head;        /* NULL: no head, or a run without values */
    struct acc acc[ROM_MATRICES_MAX]; /* registers */
    bool biased;
};

struct rom_array {
    struct unit unit;
    uint32_t n_ports; /* 1; more for the matrix units that all layers share */
    int32_t last_layer;
    struct rom_port *serving; /* whose vector it works on */
    enum rom_phase phase;
    cycle_t until;
    struct token *token;
    struct rom_port port[ROM_PORTS_MAX];
};

/* Sets a port's cycles for n_in inputs and so many outputs together; with a bias if `biased`. */
void rom_port_timing(struct rom_port *port, const struct chip_config *config, uint32_t n_in, uint32_t n_out_sum, bool biased);
void rom_array_tick(struct unit *unit, cycle_t now);

#endif
