/* counts.h -- the requests' row and word counts for jobs as large as the pins allow, far larger than a bench can serve: asked for, compared, reset. */
#ifndef ETCHSIM_LOCKSTEP_COUNTS_H
#define ETCHSIM_LOCKSTEP_COUNTS_H

#include "sim/lora_pins.h"

/* Every unit against plain arithmetic. Adds the cycles that it took to *cycles. */
bool counts_agree(struct lora_unit *const units[], uint32_t n_units, const struct lora_geometry *geometry, uint32_t inputs_max,
                  uint64_t *cycles, struct error *e);

#endif
