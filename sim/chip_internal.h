/* chip_internal.h -- what the files that build a chip share: chip.c draws it, chip_units.c gives its units their parameters and registers,
 * chip_incidents.c prepares what happens to it. */
#ifndef ETCHSIM_CHIP_INTERNAL_H
#define ETCHSIM_CHIP_INTERNAL_H

#include "sim/chip.h"

/* Zeroed memory that lives as long as the chip. Without memory the chip is not built: back to chip_new(), which says so. */
void *chip_keep(struct chip *c, size_t count, size_t size);
/* Vectors of n elements in such memory. */
struct act8 chip_new_act8(struct chip *c, int32_t n, bool shifted);
struct acc chip_new_acc(struct chip *c, int32_t n);

static inline bool chip_is_shared(const struct chip *c)
{
    return c->config.chip_organisation == ORGANISATION_SHARED;
}

/* Adapters are loaded layer by layer while tokens follow. */
static inline bool chip_streams(const struct chip *c)
{
    return c->config.slots_loading == LOADING_STREAMING;
}

/* An end's block, or NULL where the chip has none. */
static inline struct end_block *chip_end(struct chip *c, enum linear_group end)
{
    return !config_has_end(&c->config, end) ? NULL : end == LINEARS_HEAD ? &c->head_end : &c->embed_end;
}

/* The parameters and registers of the units, before these are placed and wired. */
void chip_set_layer(struct chip *c, uint32_t l);
void chip_set_matrices(struct chip *c, struct layer_block *b);
void chip_set_ends(struct chip *c);
void chip_set_host(struct chip *c, struct adapter *adapters, uint32_t n_adapters);
void chip_set_slots(struct chip *c, const struct adapter *adapters, uint32_t n_adapters);
void chip_set_pages(struct chip *c);
void chip_set_requests(struct chip *c, struct request *requests, uint32_t n_requests);
void chip_set_sequencer(struct chip *c, struct adapter *adapters);

/* For what becomes known later: one adapter of the slot table; a request as if it had never been answered. */
void chip_set_adapter(struct chip *c, uint32_t i, const struct adapter *adapter);
void chip_reset_answer(const struct chip *c, struct request *r);

#endif
