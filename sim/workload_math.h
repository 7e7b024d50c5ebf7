/* workload_math.h -- logarithm and exponential in plain double arithmetic, so that a seed gives the same arrivals with every C library.
 * Error: a few units in the last place for arguments of moderate size; a test compares with the library's. */
#ifndef ETCHSIM_WORKLOAD_MATH_H
#define ETCHSIM_WORKLOAD_MATH_H

#include "kernels/sample.h"

/* x > 0, finite. */
double portable_log(double x);
/* |x| < 700. */
double portable_exp(double x);

/* Above 0, at most 1, in steps of 2^-53. */
double draw_uniform(struct random *random);
/* Mean 1. */
double draw_exponential(struct random *random);
/* Mean 1, standard deviation cv (0.01 .. 100). */
double draw_gamma(struct random *random, double cv);

#endif
