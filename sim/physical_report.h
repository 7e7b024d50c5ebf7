/* physical_report.h -- area, energy and cost of a run as text and JSON: brackets low, nominal, high. */
#ifndef ETCHSIM_PHYSICAL_REPORT_H
#define ETCHSIM_PHYSICAL_REPORT_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "sim/physical.h"

enum {
#define RESULT(stem, suffix, ...) PHYSICAL_##stem##_##suffix,
#include "sim/physical_results.def"
#undef RESULT
    PHYSICAL_RESULTS
};

struct physical_result {
    const char *name, *unit, *meaning;
    bool shown;
    double (*value)(const struct physical *p);
};
extern const struct physical_result physical_results[PHYSICAL_RESULTS];

/* All corners of a chip that has run; without requests (NULL, 0) of the die alone. */
void physical_corners(const struct physics *physics, const struct chip *chip, int64_t rom_bits, const struct request *requests,
                      uint32_t n_requests, struct physical corners[CORNERS]);

void physical_print(const struct physics *physics, const struct physical corners[CORNERS], FILE *out);
cJSON *physical_json(const struct physics *physics, const struct physical corners[CORNERS]);

#endif
