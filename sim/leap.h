/* leap.h -- tokens that meet nobody pass layer blocks in one leap: the skip engine's way through undisturbed stretches.
 *
 *   attention_norm sends x --boards--> [ block | block | ... | block ] --lands--> down, residual: to the next norm, as from rom_down
 *                                        nothing ticks in here
 *
 * All layer blocks are the same hardware, and a token that finds nobody there passes each in the same cycles. They are not computed: for each context
 * length and kind of adapter the units of a block are once run by themselves with such a token (a passage), which tells when each unit is taken and free again, what it counts
 * and what it books to the token. A token boards a block when its norm has sent it, the block is empty but for tokens on board, and the one ahead leaves each
 * unit before this one needs it. Since both pass at a constant speed, what holds in the first block that they share and in the last holds between.
 *
 * A block is put back into its units, as they would be, when that ends: the next token comes too close or cannot leap, the way out is blocked, or the
 * DMA asks for the SRAM. Then the block's units are run by themselves from when its tokens came in up to the present cycle, and the engine goes on with them.
 * When it is empty again, or those in its units are known to meet nobody (leap.c: struct block_state), the next token boards.
 *
 * Holds for    runs without trace and values, a block for each layer, K and V rows in one group of banks and not in pages (so that reading them takes as long
 *              wherever they lie), tokens without adapter or with one that passages_find() knows. All others are as without it. The same cycles, counters and accounts: tests/order/test_leap.c.
 * Not seen     links and units of blocks with tokens on board show them empty; chip_close() puts everything back and counts.
 */
#ifndef ETCHSIM_LEAP_H
#define ETCHSIM_LEAP_H

#include "sim/chip.h"

struct leap;

/* For a chip that has not been clocked. *leap is NULL where tokens cannot leap. Fails without memory. */
bool leap_new(struct chip *chip, struct leap **leap, struct error *e);
/* Kinds of units after whose ticks there may be something to do: a token boards, leaves units or lands, or the DMA asks. UNIT_KINDS are the leap's own. */
enum {
    LEAP_KINDS = 1 << KIND_ATTENTION_NORM | 1 << KIND_ROM_DOWN | 1 << KIND_DMA | 1 << UNIT_KINDS,
};
_Static_assert(UNIT_KINDS < 31, "a bit for each kind");
/* At the end of a cycle in which these units ticked, one of them of LEAP_KINDS. */
void leap_end_cycle(struct chip *chip, struct unit *const *ticked, uint32_t n, cycle_t now);
/* Everything back into its units, and what was passed into their counters. chip->leap is NULL then. `now`: the last cycle that was clocked. */
void leap_close(struct chip *chip, cycle_t now);

#endif
