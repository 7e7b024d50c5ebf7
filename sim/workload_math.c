#include "sim/workload_math.h"

#include <math.h>

/* ln 2 in two parts; the first has 20 zero bits at its end, so that its products with small integers are exact. */
static const double LN2_HIGH = 0x1.62e42fefp-1, LN2_LOW = 0x1.473de6af278edp-34;

/* x = m 2^e with m around 1; log m = 2 artanh(s), s = (m - 1) / (m + 1), |s| <= 0.172, as a power series. */
double portable_log(double x)
{
    enum { TERMS = 12 };
    int e = 0;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int k = TERMS - 1; k > 0; k--) {
        sum = (sum + 1.0 / (2 * k + 1)) * square;
    }
    return e * LN2_HIGH + (2 * s + (2 * s * sum + e * LN2_LOW));
}

/* x = k ln 2 + r, |r| <= 0.35: the power series of exp(r), times 2^k. */
double portable_exp(double x)
{
    enum { TERMS = 16 };
    double k = floor(x / 0.69314718055994531 + 0.5), r = (x - k * LN2_HIGH) - k * LN2_LOW, sum = 1;
    for (int n = TERMS; n > 0; n--) {
        sum = 1 + sum * r / n;
    }
    return ldexp(sum, (int)k);
}

double draw_uniform(struct random *random)
{
    return (double)((random_next(random) >> 11) + 1) * 0x1p-53;
}

double draw_exponential(struct random *random)
{
    return -portable_log(draw_uniform(random));
}

/* Standard normal, polar method (Marsaglia and Bray 1964); the second number of a pair is left. */
static double draw_normal(struct random *random)
{
    for (;;) { /* a pass fails with probability 1 - pi / 4 */
        double u = 2 * draw_uniform(random) - 1, v = 2 * draw_uniform(random) - 1, square = u * u + v * v;
        if (square < 1 && square > 0) {
            return u * sqrt(-2 * portable_log(square) / square);
        }
    }
}

/* Gamma of shape k >= 1, scale 1 (Marsaglia and Tsang 2000). */
static double draw_gamma_shape(struct random *random, double k)
{
    double d = k - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) { /* a pass fails with probability below 0.05 */
        double x = draw_normal(random), v = 1 + c * x;
        if (v <= 0) {
            continue;
        }
        v = v * v * v;
        if (portable_log(draw_uniform(random)) < 0.5 * x * x + d - d * v + d * portable_log(v)) {
            return d * v;
        }
    }
}

double draw_gamma(struct random *random, double cv)
{
    double k = 1 / (cv * cv), scale = cv * cv;
    if (k >= 1) {
        return scale * draw_gamma_shape(random, k);
    }
    double log_u = portable_log(draw_uniform(random)) / k; /* gamma(k) = gamma(k + 1) U^(1/k) */
    double rest = draw_gamma_shape(random, k + 1);
    return log_u < -700 ? 0 : scale * rest * portable_exp(log_u);
}
