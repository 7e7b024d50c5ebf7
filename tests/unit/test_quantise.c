/* Quantisation: are on-grid weights found exactly, is the search better than plain rounding, is the error it tells the true one? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/error.h"
#include "sim/quantise.h"
#include "tests/unit/check.h"

enum { ROWS = 64, INPUTS = 256 };

static double uniform(uint64_t *state)
{
    return ((double)(test_random(state) >> 11) + 0.5) * 0x1p-53;
}

static double gaussian(uint64_t *state)
{
    return sqrt(-2 * log(uniform(state))) * cos(2 * 3.14159265358979323846 * uniform(state));
}

static double laplace(uint64_t *state)
{
    double sign = test_random(state) & 1 ? 1 : -1;
    return sign * log(uniform(state));
}

/* Quantises rows with the first choice that is exact, or the only one; returns the error as summed up by quantise_row, and the true one. */
static double relative_error(enum weight_format format, const float *rows, int32_t n_rows, int32_t n_in, double *true_error,
                             struct quantiser *chosen)
{
    struct quantiser choices[QUANTISE_CHOICES_MAX];
    int32_t n_groups = (n_in + 31) / 32;
    uint8_t codes[INPUTS], scales[INPUTS / 32];
    float largest = 0;
    for (int64_t i = 0; i < (int64_t)n_rows * n_in; i++) {
        largest = fmaxf(largest, fabsf(rows[i]));
    }
    int32_t n = quantise_choose(format, rows, n_rows, n_in, largest, choices);
    double squared = 0, weights = 0;
    struct quantise_error sum = {0};
    for (int32_t r = 0; r < n_rows; r++) {
        quantise_row(&choices[0], rows + (int64_t)r * n_in, n_in, codes, scales, &sum);
        for (int32_t i = 0; i < n_in; i++) {
            double w = rows[(int64_t)r * n_in + i];
            int32_t units = quantise_code_value(&choices[0], codes[i]) * scales[i / 32];
            double value = ldexp(units, choices[0].exponent);
            squared += (w - value) * (w - value);
            weights += w * w;
        }
        for (int32_t i = n_in; i < n_groups * 32; i++) {
            CHECK_EQ_INT(codes[i], 0);
        }
        for (int32_t g = 0; g < n_groups; g++) {
            CHECK(scales[g] <= 63);
        }
    }
    CHECK(n >= 1 && n <= QUANTISE_CHOICES_MAX);
    CHECK_EQ_INT(sum.n_weights, (int64_t)n_rows * n_in);
    *true_error = weights > 0 ? sqrt(squared / weights) : 0;
    *chosen = choices[0];
    return quantise_relative_rms(&sum);
}

/* codebook NULL: w6 codes. */
static void fill_grid(float *rows, int32_t n, const int8_t *codebook, int32_t exponent, int32_t scale_max, uint64_t *state)
{
    int32_t scale = 0;
    for (int32_t i = 0; i < n; i++) {
        if (i % 32 == 0) {
            scale = (int32_t)(test_random(state) % (uint64_t)(scale_max + 1));
        }
        int32_t code = codebook ? codebook[test_random(state) % 8] : (int32_t)(test_random(state) % 63) - 31;
        rows[i] = ldexpf((float)(code * scale), exponent);
    }
}

static void finds_on_grid_weights_exactly(void)
{
    static const int8_t BOOKS[][8] = {
        {-31, -19, -11, -4, 4, 11, 19, 31}, {-28, -20, -12, -4, 4, 12, 20, 28}, {-31, -19, -9, 0, 6, 13, 21, 31},
        {-31, -14, -6, -1, 2, 7, 16, 30},   {-15, -9, -5, -2, 1, 4, 8, 13},     {-4, -3, -2, -1, 0, 1, 2, 3},
        {-30, -20, -10, 0, 2, 10, 20, 28},
    };
    static const int32_t SCALE_MAX[3] = {63, 20, 1};
    uint64_t state = 5;
    float rows[ROWS * INPUTS];
    for (size_t b = 0; b <= sizeof BOOKS / sizeof *BOOKS; b++) {
        for (int k = 0; k < 24; k += b % 2 ? 5 : 7) {
            const int8_t *book = b < sizeof BOOKS / sizeof *BOOKS ? BOOKS[b] : NULL;
            fill_grid(rows, ROWS * INPUTS, book, k - 24, SCALE_MAX[k % 3], &state);
            double true_error;
            struct quantiser q;
            double error = relative_error(book ? WEIGHT_W3 : WEIGHT_W6, rows, ROWS, INPUTS, &true_error, &q);
            CHECK_NEAR(error, 0, 0);
            CHECK_NEAR(true_error, 0, 0);
        }
    }
}

/* What one would write first: scale max / 31, rounded, and the evenly spaced codebook. */
static double plain_error(const float *rows, int32_t n)
{
    float largest = 0;
    for (int32_t i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(rows[i]));
    }
    double unit = ldexp(1, quantise_exponent(largest)), squared = 0, weights = 0;
    for (int32_t first = 0; first < n; first += 32) {
        double most = 0;
        for (int32_t i = first; i < first + 32; i++) {
            most = fmax(most, fabs((double)rows[i]));
        }
        double scale = fmin(63, rint(most / 31 / unit)) * unit;
        for (int32_t i = first; i < first + 32; i++) {
            double best = INFINITY;
            for (int code = -28; code <= 28; code += 8) {
                best = fmin(best, fabs((double)rows[i] - code * scale));
            }
            squared += best * best;
            weights += (double)rows[i] * (double)rows[i];
        }
    }
    return sqrt(squared / weights);
}

static void beats_plain_rounding(void)
{
    static const struct {
        const char *name;
        double (*draw)(uint64_t *state);
        double share_of_plain; /* of the mean squared error, at most */
    } KINDS[2] = {{"Gaussian", gaussian, 0.85}, {"Laplace", laplace, 0.65}};
    float *rows = calloc((size_t)ROWS * INPUTS, sizeof *rows);
    ES_ASSERT(rows != NULL);
    for (int k = 0; k < 2; k++) {
        uint64_t state = 17;
        for (int32_t i = 0; i < ROWS * INPUTS; i++) {
            rows[i] = (float)(0.02 * KINDS[k].draw(&state));
        }
        double true_error, plain = plain_error(rows, ROWS * INPUTS);
        struct quantiser q;
        double error = relative_error(WEIGHT_W3, rows, ROWS, INPUTS, &true_error, &q);
        double share = error * error / (plain * plain);
        printf("\n  %s: relative mean squared error %.5f (%s), plain rounding %.5f: %.0f %% of it ", KINDS[k].name, error * error,
               q.codebook_name, plain * plain, 100 * share);
        CHECK(share < KINDS[k].share_of_plain);
        CHECK_NEAR(error, true_error, 1e-5 * true_error);
        error = relative_error(WEIGHT_W6, rows, ROWS, INPUTS, &true_error, &q);
        CHECK(error < 0.03);
        CHECK_NEAR(error, true_error, 1e-4 * true_error);
    }
    free(rows);
}

static void takes_any_width(void)
{
    uint64_t state = 9;
    float rows[INPUTS];
    for (int32_t n = 1; n <= 100; n++) {
        for (int32_t i = 0; i < n; i++) {
            rows[i] = (float)gaussian(&state);
        }
        double true_error;
        struct quantiser q;
        double error = relative_error(n % 2 ? WEIGHT_W3 : WEIGHT_W6, rows, 1, n, &true_error, &q);
        CHECK_NEAR(error, true_error, 1e-5);
        CHECK(error < 0.3);
    }
}

static void takes_zeros_and_extremes(void)
{
    static const float VALUES[] = {0, 1e-38f, 1e-45f, 1e-10f, 1, 1e8f};
    for (size_t k = 0; k < sizeof VALUES / sizeof *VALUES; k++) {
        float rows[64];
        for (int i = 0; i < 64; i++) {
            rows[i] = i % 3 ? VALUES[k] : -VALUES[k];
        }
        double true_error;
        struct quantiser q;
        double error = relative_error(WEIGHT_W3, rows, 2, 32, &true_error, &q);
        CHECK(q.exponent >= WEIGHT_EXPONENT_MIN && q.exponent <= WEIGHT_EXPONENT_MAX);
        CHECK(VALUES[k] < 1e-18f || error < 0.02); /* below 2^-64 weights become zero */
    }
}

static void exponent_is_the_smallest(void)
{
    CHECK_EQ_INT(quantise_exponent(0), 0);
    CHECK_EQ_INT(quantise_exponent(1953), 0);
    CHECK_EQ_INT(quantise_exponent(1953.001f), 1);
    CHECK_EQ_INT(quantise_exponent(976.5f), -1);
    CHECK_EQ_INT(quantise_exponent(1e-30f), WEIGHT_EXPONENT_MIN);
}

static void codebooks_are_in_range(void)
{
    uint64_t state = 21;
    float *rows = calloc((size_t)ROWS * INPUTS, sizeof *rows);
    ES_ASSERT(rows != NULL);
    for (int k = 0; k < 20; k++) {
        for (int32_t i = 0; i < ROWS * INPUTS; i++) {
            double v = k % 2 ? laplace(&state) : uniform(&state); /* uniform: positive weights only */
            rows[i] = (float)(k < 4 ? v : k < 10 ? v * v * v : rint(v));
        }
        double true_error;
        struct quantiser q;
        relative_error(WEIGHT_W3, rows, ROWS, INPUTS, &true_error, &q);
        for (int j = 0; j < 8; j++) {
            CHECK(q.codebook[j] >= -31 && q.codebook[j] <= 31 && (j == 0 || q.codebook[j] > q.codebook[j - 1]));
        }
    }
    free(rows);
}

/* A group as OCP MX 1.0 converts it: the shared exponent of the largest weight less E2M1's largest (2), then rounding, ties to even. */
static double ocp_error(const float *w)
{
    double largest = 0, squared = 0;
    for (int i = 0; i < 32; i++) {
        largest = fmax(largest, fabs((double)w[i]));
    }
    const double scale = ldexp(1, (int)floor(log2(largest)) - 2);
    for (int i = 0; i < 32; i++) {
        static const double values[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
        const double magnitude = fabs((double)w[i]) / scale;
        double nearest = 0;
        for (int k = 0; k < 8; k++) {
            nearest = fabs(values[k] - magnitude) < fabs(nearest - magnitude) ? values[k] : nearest;
        }
        squared += (nearest - magnitude) * (nearest - magnitude) * scale * scale;
    }
    return squared;
}

static void finds_mxfp4_exactly(void)
{
    static float rows[ROWS * INPUTS];
    uint64_t state = 77;
    for (int round = 0; round < 12; round++) {
        const int top = (int)(test_random(&state) % 40) - 30;
        for (int g = 0; g < ROWS * INPUTS / 32; g++) {
            const int scale = top - (g == 0 ? 0 : (int)(test_random(&state) % 6));
            for (int i = 0; i < 32; i++) {
                static const float values[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
                const uint64_t code = g == 0 && i == 0 ? (uint64_t)(round % 7 + 1) : test_random(&state) % 16;
                rows[32 * g + i] = ldexpf(code & 8 ? -values[code & 7] : values[code & 7], scale);
            }
        }
        struct quantiser chosen;
        double true_error;
        const double error = relative_error(WEIGHT_W4, rows, ROWS, INPUTS, &true_error, &chosen);
        /* a first group whose largest is below the others' (round 0 to 5) still sets no exponent: the tensor's largest does */
        CHECK_NEAR(error, 0, 0);
        CHECK_NEAR(true_error, 0, 0);
        CHECK_EQ_TEXT(chosen.codebook_name, "e2m1");
    }
}

static void mxfp4_is_no_worse_than_the_standards_rounding(void)
{
    static float rows[ROWS * INPUTS];
    uint64_t state = 5;
    double squared = 0, ocp = 0;
    for (int i = 0; i < ROWS * INPUTS; i++) {
        rows[i] = (float)gaussian(&state);
        squared += (double)rows[i] * (double)rows[i];
    }
    for (int g = 0; g < ROWS * INPUTS / 32; g++) {
        ocp += ocp_error(rows + (ptrdiff_t)32 * g);
    }
    struct quantiser chosen;
    double true_error;
    const double error = relative_error(WEIGHT_W4, rows, ROWS, INPUTS, &true_error, &chosen);
    printf("\n  Gaussian in MXFP4: relative mean squared error %.5f, by the standard's conversion %.5f ", error * error, ocp / squared);
    CHECK_NEAR(error, true_error, 1e-6);
    CHECK(error * error < ocp / squared);
    for (int k = 1; k < CODEBOOK_MAX; k++) {
        CHECK(chosen.codebook[k] > chosen.codebook[k - 1] || (chosen.codebook[k] == 0 && chosen.codebook[k - 1] == 0));
    }
}

void suite_quantise(void)
{
    suite_begin("quantise");
    suite_add("weights on the grid are found exactly", finds_on_grid_weights_exactly);
    suite_add("MXFP4 weights are found exactly", finds_mxfp4_exactly);
    suite_add("MXFP4 errs no more than by the standard's conversion", mxfp4_is_no_worse_than_the_standards_rounding);
    suite_add("the search beats plain rounding", beats_plain_rounding);
    suite_add("rows of any width", takes_any_width);
    suite_add("zeros and extreme magnitudes", takes_zeros_and_extremes);
    suite_add("the exponent is the smallest that fits", exponent_is_the_smallest);
    suite_add("codebooks ascend and are in range", codebooks_are_in_range);
}
