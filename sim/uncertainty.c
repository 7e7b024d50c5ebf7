#include "sim/uncertainty.h"

#include <math.h>

static void evaluate(const struct constants *k, const struct silicon *s, const struct activity *a, double values[PHYSICAL_RESULTS])
{
    struct physical p;
    physical_die(k, s, &p);
    physical_run(k, s, a, &p);
    for (int r = 0; r < PHYSICAL_RESULTS; r++) {
        values[r] = physical_results[r].value(&p);
    }
}

/* ln(value / nominal); 0 where a result is 0 (nothing ran), or infinite (a die that fits no wafer) in both. */
static double shift(double value, double nominal)
{
    return value == nominal || !(value > 0 && nominal > 0) ? 0 : log(value / nominal);
}

void uncertainty_of(const struct physics *physics, const struct silicon *s, const struct activity *a, const bool *held,
                    struct uncertainty *u)
{
    double down[PHYSICAL_RESULTS] = {0}, up[PHYSICAL_RESULTS] = {0};
    const struct constants *nominal = &physics->corner[CORNER_NOMINAL];
    evaluate(nominal, s, a, u->nominal);
    for (int c = 0; c < CONSTANT_COUNT; c++) {
        double ends[2][PHYSICAL_RESULTS];
        for (int high = 0; high < 2; high++) {
            struct constants k = *nominal;
            const struct constants *corner = &physics->corner[held && held[c] ? CORNER_NOMINAL : high ? CORNER_HIGH : CORNER_LOW];
            *(double *)((char *)&k + constants[c].offset) = constant_value(&constants[c], corner);
            evaluate(&k, s, a, ends[high]);
        }
        for (int r = 0; r < PHYSICAL_RESULTS; r++) {
            double low = shift(ends[0][r], u->nominal[r]), high = shift(ends[1][r], u->nominal[r]);
            u->alone[r][c].low = ends[0][r];
            u->alone[r][c].high = ends[1][r];
            down[r] += low * low;
            up[r] += high * high;
        }
    }
    for (int r = 0; r < PHYSICAL_RESULTS; r++) {
        u->likely[r].low = u->nominal[r] * exp(-sqrt(down[r]));
        u->likely[r].high = u->nominal[r] * exp(sqrt(up[r]));
    }
}

int uncertainty_most(const struct uncertainty *u, int result, int most[], int n)
{
    double width[CONSTANT_COUNT];
    int count = 0;
    for (int c = 0; c < CONSTANT_COUNT; c++) {
        width[c] = shift(u->alone[result][c].high, u->alone[result][c].low);
        if (!(width[c] > 0)) {
            continue;
        }
        int at = count < n ? count++ : n;
        for (; at > 0 && width[most[at - 1]] < width[c]; at--) {
            if (at < n) {
                most[at] = most[at - 1];
            }
        }
        if (at < n) {
            most[at] = c;
        }
    }
    return count;
}
