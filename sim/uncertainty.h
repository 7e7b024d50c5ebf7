/* uncertainty.h -- how sure a result is: each constant alone moved to the ends of its bracket, the others nominal.
 *
 *   alone         what a result becomes by one constant: which source would be worth having
 *   likely range  nominal x/: exp(root of the sum of squares of ln(alone / nominal)): as if constants erred independently, none correlated.
 *                 The corners of physics.h assume instead that all of them err to the same side.
 *
 * No heap; some 120 evaluations of the model, a fraction of a millisecond.
 */
#ifndef ETCHSIM_UNCERTAINTY_H
#define ETCHSIM_UNCERTAINTY_H

#include "sim/physical.h"

struct uncertainty {
    double nominal[PHYSICAL_RESULTS];
    struct {
        double low, high;
    } alone[PHYSICAL_RESULTS][CONSTANT_COUNT], /* by a constant at its end that makes results smaller, larger */
        likely[PHYSICAL_RESULTS];
};

/* held [CONSTANT_COUNT]: constants that stay nominal, since they are known for this chip (fitted to it); NULL: none. */
void uncertainty_of(const struct physics *physics, const struct silicon *silicon, const struct activity *activity, const bool *held,
                    struct uncertainty *u);

/* The n constants that move a result most, the first one most, into `most`; fewer if fewer move it at all. Returns how many. */
int uncertainty_most(const struct uncertainty *u, int result, int most[], int n);

#endif
