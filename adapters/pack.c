#include "adapters/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8, WHOLE_STEPS_LEAST = 12, SCALE_MAX = UINT16_MAX };

/* Smallest share of max / 31 tried, and the distance between shares, in percent: below 70 the error of Gaussian rows only grows. */
enum { SHARE_LEAST = 70, SHARE_STEP = 3 };

/* Rounding by adding 1.5 * 2^23, which leaves the integer in the low bits; see nearest_w6 in sim/quantise.c. |w * inverse| < 2^22. */
static inline float nearest(float w, float inverse)
{
    float shifted = w * inverse + 0x1.8p23f;
    int32_t code;
    memcpy(&code, &shifted, sizeof code);
    code -= 0x4b400000;
    code = code > LORA_CODE_MAX ? LORA_CODE_MAX : code;
    code = code < -LORA_CODE_MAX ? -LORA_CODE_MAX : code;
    return (float)code;
}

/* Squared error of a row at a step, in a fixed order of addition. */
static double step_error(const float *row, int32_t n, float step)
{
    float inverse = 1.0f / step, sum[LANES] = {0};
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            float difference = row[i + lane] - nearest(row[i + lane], inverse) * step;
            sum[lane] += difference * difference;
        }
    }
    for (; i < n; i++) {
        float difference = row[i] - nearest(row[i], inverse) * step;
        sum[i % LANES] += difference * difference;
    }
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
        total += (double)sum[lane];
    }
    return total;
}

static void try_step(const float *row, int32_t n, float step, float *best_step, double *best_error)
{
    if (*best_error > 0 && step > 0 && isfinite(1.0f / step)) {
        double error = step_error(row, n, step);
        if (error < *best_error) {
            *best_error = error;
            *best_step = step;
        }
    }
}

/* The step with the least squared error among the candidates; 0 for a row of zeros. */
static float search_step(const float *row, int32_t n)
{
    float largest = 0.0f, best_step = 0.0f;
    double best_error = INFINITY, product = 0, square = 0;
    for (int32_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(row[i]));
    }
    for (int c = LORA_CODE_MAX; c >= WHOLE_STEPS_LEAST; c--) {
        try_step(row, n, largest / (float)c, &best_step, &best_error);
    }
    for (int percent = 100 - SHARE_STEP; percent >= SHARE_LEAST; percent -= SHARE_STEP) {
        try_step(row, n, largest * (float)percent / (100.0f * LORA_CODE_MAX), &best_step, &best_error);
    }
    if (best_step == 0.0f) {
        return 0.0f;
    }
    for (int32_t i = 0; i < n; i++) {
        double code = (double)nearest(row[i], 1.0f / best_step);
        product += code * (double)row[i];
        square += code * code;
    }
    try_step(row, n, (float)(product / square), &best_step, &best_error);
    return best_step;
}

static void row_codes(const float *row, int32_t n, double step, int8_t *codes, struct pack_error *sum)
{
    float inverse = step > 0 ? (float)(1.0 / step) : 0.0f;
    for (int32_t i = 0; i < n; i++) {
        float code = nearest(row[i], inverse);
        double error = (double)row[i] - (double)code * step;
        codes[i] = (int8_t)code;
        sum->squared_error += error * error;
        sum->squared_weight += (double)row[i] * (double)row[i];
    }
}

bool pack_rows(const float *rows, int32_t n_rows, int32_t n, int8_t *codes, uint16_t *scales, int32_t *exponent, struct pack_error *sum)
{
    float largest = 0.0f, *steps = calloc((size_t)n_rows + 1, sizeof *steps);
    if (!steps) {
        return false;
    }
    for (int32_t r = 0; r < n_rows; r++) {
        steps[r] = search_step(rows + (int64_t)r * n, n);
        largest = fmaxf(largest, steps[r]);
    }
    int32_t e = largest > 0 ? LORA_EXPONENT_MIN : 0;
    while (e < LORA_EXPONENT_MAX && ldexp(SCALE_MAX, e) < (double)largest) {
        e++;
    }
    *sum = (struct pack_error){0};
    *exponent = e;
    for (int32_t r = 0; r < n_rows; r++) {
        scales[r] = (uint16_t)lrint(ldexp((double)steps[r], -e));
        row_codes(rows + (int64_t)r * n, n, ldexp(scales[r], e), codes + (int64_t)r * n, sum);
    }
    free(steps);
    return true;
}
