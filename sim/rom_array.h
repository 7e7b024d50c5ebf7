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
 * Stall rule  waits for the LoRA delta where the token's adapter has one (`lora`), and for room in the output link (`output`).
 * Inaccuracies: sweep and drain do not overlap; the ROM has no refresh, no read disturb, no spare rows.
 */
#ifndef ETCHSIM_ROM_ARRAY_H
#define ETCHSIM_ROM_ARRAY_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

enum { ROM_MATRICES_MAX = 3 };

enum rom_phase { ROM_EMPTY, ROM_SWEEP, ROM_LORA, ROM_SEND, ROM_DRAIN };

struct rom_array {
    struct unit unit;
    struct link *in_x, *in_delta; /* in_delta NULL: the head */
    struct link *out;
    enum linear_group group;
    enum place place;
    uint32_t sweep_cycles, pipeline_cycles, drain_beats;
    enum rom_phase phase;
    cycle_t until;
    struct token *token;
    uint32_t n_matrices;
    const struct matrix *matrix[ROM_MATRICES_MAX]; /* NULL: a run without values */
    struct acc acc[ROM_MATRICES_MAX];              /* registers */
    const struct bias *bias;                       /* [n_matrices], or NULL */
};

void rom_array_timing(struct rom_array *rom, const struct chip_config *config, uint32_t n_in, uint32_t n_out_sum);
/* The outputs have a bias; bias NULL: a run without values. After rom_array_timing. */
void rom_array_bias(struct rom_array *rom, const struct chip_config *config, const struct bias *bias);
void rom_array_tick(struct unit *unit, cycle_t now);

#endif
