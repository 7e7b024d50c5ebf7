/* synthetic.h -- adapters that have a size but no values: enough to be moved, timed and accounted. */
#ifndef ETCHSIM_SYNTHETIC_ADAPTER_H
#define ETCHSIM_SYNTHETIC_ADAPTER_H

#include "adapters/adapter.h"

struct synthetic_ends { /* where it has pairs beside the layers' linears */
    bool embedding, head;
};

/* Pairs of one rank on all linears of all layers of the shape and on these ends, without weights: not for runs with values. */
bool adapter_synthetic(const char *name, const struct shape *shape, int32_t rank, struct synthetic_ends ends, struct adapter *adapter,
                       struct error *e);

/* Is an argument "synthetic:RANK"? A rank outside 1..LORA_RANK_MAX, or no number, is an error: *rank is then 0. */
bool adapter_is_synthetic(const char *argument, int32_t *rank, struct error *e);

#endif
