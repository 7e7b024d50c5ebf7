/* sensitivity.h -- what 10 % more of each resource buys at one point of a sweep: every parameter that relaxes a limit (limits.def) is changed alone. */
#ifndef ETCHSIM_SENSITIVITY_H
#define ETCHSIM_SENSITIVITY_H

#include "sim/point.h"
#include "sim/sweep_db.h"

enum { SENSITIVITIES_MAX = 64 };

struct sensitivity {   /* of one parameter */
    int32_t parameter; /* in `parameters` */
    int32_t limit;     /* enum limit that it relaxes, -1: the clock, which scales all of the chip */
    double before, after;
    uint32_t depth_words; /* the SRAM was deepened to this for it to fit; 0: it was not */
    struct sweep_row row; /* with the change */
};

/* By how much a metric gets better, in percent; negative: worse. NAN: it has no value, or is neither better nor worse. */
double gain_percent(const struct metric *m, double before, double after);

/* Runs the point, and it again for each parameter; `changes` has room for SENSITIVITIES_MAX. Values are whole numbers: a change is of 10 % or of 1, whichever
 * is more. Those that are at the end of their range are left out. False: the point itself fails. */
bool sensitivity_run(const struct sweep *s, uint32_t point, struct sweep_row *base, struct sensitivity *changes, uint32_t *count,
                     struct error *e);
/* Replaces the point's rows of table `sensitivity`: a row for each parameter and each metric that has a better direction. */
bool sensitivity_write(struct sweep_db *db, uint32_t point, const struct sweep_row *base, const struct sensitivity *changes, uint32_t count,
                       struct error *e);
/* What a metric gains by each, largest first. */
void sensitivity_print(const struct sweep_row *base, const struct sensitivity *changes, uint32_t count, const struct metric *m, FILE *out);

#endif
