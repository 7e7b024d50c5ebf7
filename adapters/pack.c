#include "adapters/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/float_types.h"
#include "kernels/types.h"
#include "sim/error.h"

enum { LANES = 8, WHOLE_STEPS = 20, SCALE_MAX = UINT16_MAX };

/* Smallest share of max / code_max tried, and the distance between shares, in percent: with 6 bits the error of Gaussian rows only grows
 * below 70, with 4 bits clipping pays longer. */
enum { SHARE_LEAST = 70, SHARE_LEAST_COARSE = 40, SHARE_STEP = 3 };

const char *const PACK_FORMAT_NAMES[PACK_FORMAT_COUNT] = {"4", "6", "8", "bf16"};

/* Rounding by adding 1.5 * 2^23, which leaves the integer in the low bits; see nearest_w6 in sim/quantise.c. |w * inverse| < 2^22. */
static inline float nearest(float w, float inverse, int32_t code_max)
{
    float shifted = w * inverse + 0x1.8p23f;
    int32_t code;
    memcpy(&code, &shifted, sizeof code);
    code -= 0x4b400000;
    code = code > code_max ? code_max : code;
    code = code < -code_max ? -code_max : code;
    return (float)code;
}

/* Squared error of a row at a step, in a fixed order of addition. */
static double step_error(const float *row, int32_t n, int32_t code_max, float step)
{
    float inverse = 1.0f / step, sum[LANES] = {0};
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            float difference = row[i + lane] - nearest(row[i + lane], inverse, code_max) * step;
            sum[lane] += difference * difference;
        }
    }
    for (; i < n; i++) {
        float difference = row[i] - nearest(row[i], inverse, code_max) * step;
        sum[i % LANES] += difference * difference;
    }
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) {
        total += (double)sum[lane];
    }
    return total;
}

static void try_step(const float *row, int32_t n, int32_t code_max, float step, float *best_step, double *best_error)
{
    if (*best_error > 0 && step > 0 && isfinite(1.0f / step)) {
        double error = step_error(row, n, code_max, step);
        if (error < *best_error) {
            *best_error = error;
            *best_step = step;
        }
    }
}

/* The step with the least squared error among the candidates; 0 for a row of zeros. */
static float search_step(const float *row, int32_t n, int32_t code_max)
{
    float largest = 0.0f, best_step = 0.0f;
    double best_error = INFINITY, product = 0, square = 0;
    for (int32_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(row[i]));
    }
    for (int c = code_max; c > code_max - WHOLE_STEPS && c > code_max / 3; c--) {
        try_step(row, n, code_max, largest / (float)c, &best_step, &best_error);
    }
    int least = code_max < LORA_CODE_MAX ? SHARE_LEAST_COARSE : SHARE_LEAST;
    for (int percent = 100 - SHARE_STEP; percent >= least; percent -= SHARE_STEP) {
        try_step(row, n, code_max, largest * (float)percent / (100.0f * (float)code_max), &best_step, &best_error);
    }
    if (best_step == 0.0f) {
        return 0.0f;
    }
    for (int32_t i = 0; i < n; i++) {
        double code = (double)nearest(row[i], 1.0f / best_step, code_max);
        product += code * (double)row[i];
        square += code * code;
    }
    try_step(row, n, code_max, (float)(product / square), &best_step, &best_error);
    return best_step;
}

static void row_codes(const float *row, int32_t n, int32_t code_max, double step, int8_t *codes, struct pack_error *sum)
{
    float inverse = step > 0 ? (float)(1.0 / step) : 0.0f;
    for (int32_t i = 0; i < n; i++) {
        float code = nearest(row[i], inverse, code_max);
        double error = (double)row[i] - (double)code * step;
        codes[i] = (int8_t)code;
        sum->squared_error += error * error;
        sum->squared_weight += (double)row[i] * (double)row[i];
    }
}

bool pack_rows(const float *rows, int32_t n_rows, int32_t n, int32_t code_max, int8_t *codes, uint16_t *scales, int32_t *exponent,
               struct pack_error *sum)
{
    ES_ASSERT(code_max >= 7 && code_max <= INT8_MAX);
    float largest = 0.0f, *steps = calloc((size_t)n_rows + 1, sizeof *steps);
    if (!steps) {
        return false;
    }
    for (int32_t r = 0; r < n_rows; r++) {
        steps[r] = search_step(rows + (int64_t)r * n, n, code_max);
        largest = fmaxf(largest, steps[r]);
    }
    int32_t e = largest > 0 ? LORA_EXPONENT_MIN : 0;
    while (e < LORA_EXPONENT_MAX && ldexp(SCALE_MAX, e) < (double)largest) {
        e++;
    }
    *sum = (struct pack_error){0};
    *exponent = e;
    for (int32_t r = 0; r < n_rows; r++) {
        double scale = fmin(rint(ldexp((double)steps[r], -e)), SCALE_MAX);
        scales[r] = (uint16_t)scale;
        row_codes(rows + (int64_t)r * n, n, code_max, ldexp(scale, e), codes + (int64_t)r * n, sum);
    }
    free(steps);
    return true;
}

/* -- formats -- */

int32_t pack_code_max(enum pack_format format)
{
    static const int32_t code_max[PACK_FORMAT_COUNT] = {7, LORA_CODE_MAX, 127, 0};
    return code_max[format];
}

int64_t pack_pair_bits(enum pack_format format, int32_t rank, int32_t n_in, int32_t n_out)
{
    static const int32_t weight_bits[PACK_FORMAT_COUNT] = {4, LORA_WEIGHT_BITS, 8, 16};
    int64_t scales = format == PACK_BF16 ? 0 : (int64_t)rank + n_out;
    return rank == 0 ? 0 : weight_bits[format] * (int64_t)rank * ((int64_t)n_in + n_out) + LORA_SCALE_BITS * scales;
}

static void round_to_bf16(float *values, int64_t n, struct pack_error *sum)
{
    *sum = (struct pack_error){0};
    for (int64_t i = 0; i < n; i++) {
        float rounded = float_of_bf16(bf16_of_float(values[i]));
        double error = (double)values[i] - (double)rounded;
        sum->squared_error += error * error;
        sum->squared_weight += (double)values[i] * (double)values[i];
        values[i] = rounded;
    }
}

bool pack_round_rows(enum pack_format format, float *rows, int32_t n_rows, int32_t n, struct pack_error *sum)
{
    if (format == PACK_BF16) {
        round_to_bf16(rows, (int64_t)n_rows * n, sum);
        return true;
    }
    int8_t *codes = calloc((size_t)n_rows * (size_t)n + 1, 1);
    uint16_t *scales = calloc((size_t)n_rows + 1, sizeof *scales);
    int32_t exponent;
    bool good = codes && scales && pack_rows(rows, n_rows, n, pack_code_max(format), codes, scales, &exponent, sum);
    for (int64_t i = 0; good && i < (int64_t)n_rows * n; i++) {
        int32_t units = codes[i] * scales[i / n];
        rows[i] = ldexpf((float)units, exponent);
    }
    free(codes);
    free(scales);
    return good;
}
