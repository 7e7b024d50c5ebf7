/* chip_auto.h -- a chip for any model: `--chip auto`.
 *
 * The rule, of round figures in the proportions of the hc1 preset (sim/chip_auto.c has it line by line, docs/chips.md in words):
 *   links, norms, SiLU       the power of two at or above d_model / 16 elements a cycle; RoPE twice, drain and sampler four times as many
 *   ROM arrays               tiles of 256 rows, a row a cycle, all columns at once
 *   attention                16 tokens of the cache a cycle, in scores and values; 16 exponentials a head
 *   SRAM                     as many banks in one group as give 16 rows of K a cycle, just deep enough for two KV caches of 2,048 tokens (or the model's
 *                            context, if that is less) and two slots of rank 16
 *   clock                    1,000 MHz
 * Everything else is a default. Nothing of it is fitted to a published figure.
 */
#ifndef ETCHSIM_CHIP_AUTO_H
#define ETCHSIM_CHIP_AUTO_H

#include "kernels/types.h"
#include "sim/config.h"

/* What --chip and a workload's chip: say for it. */
bool chip_is_auto(const char *name);
void chip_auto(const struct shape *shape, struct chip_config *config);

#endif
