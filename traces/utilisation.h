/* utilisation.h -- how busy each kind of unit was, over time: a sink of the trace that adds up busy cycles in bins.
 *
 * A run's length is not known beforehand. So the bins begin narrow, and when the run outgrows them, two neighbours become one. At the end
 * there are between UTILISATION_BINS / 2 and UTILISATION_BINS of them (fewer in a run of fewer cycles), whatever the length.
 */
#ifndef ETCHSIM_UTILISATION_H
#define ETCHSIM_UTILISATION_H

#include <stdio.h>

#include "sim/chip.h"

enum { UTILISATION_BINS = 256 };

struct utilisation;

/* Adds a sink to the chip's trace. Free after the run. */
struct utilisation *utilisation_new(const struct chip *chip, struct error *e);
void utilisation_free(struct utilisation *utilisation);

/* CSV: from_us, to_us, then a column for each kind of unit: the share of the bin's cycles, 0 to 1, in which units of it were busy, mean over
 * them. After the run. */
void utilisation_write_csv(const struct utilisation *utilisation, FILE *out);

#endif
