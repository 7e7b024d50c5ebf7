/* physical_report.h -- area, energy and cost of a run as text and JSON: nominal, the ends of what is likely, the corners, and what moves them most. */
#ifndef ETCHSIM_PHYSICAL_REPORT_H
#define ETCHSIM_PHYSICAL_REPORT_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "sim/uncertainty.h"

/* All corners of a chip that has run; without requests (NULL, 0) of the die alone. */
void physical_corners(const struct physics *physics, const struct chip *chip, int64_t rom_bits, const struct request *requests,
                      uint32_t n_requests, struct physical corners[CORNERS]);

struct estimate {
    const struct physics *physics;
    struct physical corner[CORNERS];
    struct uncertainty uncertainty;
    double cards, tokens_per_s; /* cards in a server, 0: a card alone; tokens/s of one, over the whole run */
};

/* The parts that follow from counts alone. */
void estimate_make(const struct physics *physics, const struct silicon *silicon, const struct activity *activity, const bool *held,
                   struct estimate *estimate);
/* held: as in uncertainty.h. */
void estimate_of(const struct physics *physics, const struct chip *chip, int64_t rom_bits, const struct request *requests,
                 uint32_t n_requests, const bool *held, struct estimate *estimate);
void estimate_print(const struct estimate *estimate, FILE *out);
cJSON *estimate_json(const struct estimate *estimate);

#endif
