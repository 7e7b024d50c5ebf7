#include "sim/quantise.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { BOOK = 8, MX_CODE_MAX = 12, MX_SCALE_MAX = 32, EXPONENTS_ABOVE = 5, LLOYD_STEPS = 6, NEIGHBOURS = 3, LANES = 8 };

/* A quantiser with its tables as floats, in units of 2^exponent. */
struct search {
    enum weight_format format;
    float unit_inverse; /* 2^-exponent */
    int32_t n_entries;
    float entry[CODEBOOK_MAX];         /* codebook */
    float threshold[CODEBOOK_MAX - 1]; /* between neighbours */
    int32_t n_magnitudes;
    float magnitude[WEIGHT_CODE_MAX]; /* distinct codebook magnitudes but 0, descending */
};

/* One group of 32 weights: u = w * 2^-exponent, zero beyond the row's end, where mask is 0 (else 1). */
struct group {
    float u[GROUP_INPUTS];
    float mask[GROUP_INPUTS];
    float largest;
    int32_t n;
};

static const struct {
    const char *name;
    int8_t entries[BOOK];
} STANDARD_BOOKS[] = {
    {"gauss", {-31, -19, -11, -4, 4, 11, 19, 31}},
    {"uniform", {-28, -20, -12, -4, 4, 12, 20, 28}},
    {"zero", {-31, -19, -9, 0, 6, 13, 21, 31}},
};
enum { N_STANDARD_BOOKS = sizeof STANDARD_BOOKS / sizeof *STANDARD_BOOKS };

const int8_t MX_BOOK[CODEBOOK_MAX] = {-MX_CODE_MAX, -8, -6, -4, -3, -2, -1, 0, 0, 1, 2, 3, 4, 6, 8, MX_CODE_MAX};

static struct search search_of(const struct quantiser *q)
{
    struct search s = {.format = q->format, .unit_inverse = ldexpf(1.0f, -q->exponent), .n_entries = weight_codebook_entries(q->format)};
    for (int k = 0; k < s.n_entries; k++) {
        s.entry[k] = q->codebook[k];
    }
    for (int k = 0; k < s.n_entries - 1; k++) {
        s.threshold[k] = (s.entry[k] + s.entry[k + 1]) / 2;
    }
    for (int m = WEIGHT_CODE_MAX; m >= 1; m--) {
        bool present = q->format == WEIGHT_W6;
        for (int k = 0; k < s.n_entries && !present; k++) {
            present = q->codebook[k] == m || q->codebook[k] == -m;
        }
        if (present) {
            s.magnitude[s.n_magnitudes++] = (float)m;
        }
    }
    return s;
}

static void load_group(const struct search *s, const float *row, int32_t n_in, int32_t index, struct group *g)
{
    int32_t first = index * GROUP_INPUTS;
    g->n = n_in - first < GROUP_INPUTS ? n_in - first : GROUP_INPUTS;
    if (g->n < GROUP_INPUTS) {
        memset(g->u, 0, sizeof g->u);
        memset(g->mask, 0, sizeof g->mask);
    }
    float largest = 0.0f;
    for (int32_t i = 0; i < g->n; i++) {
        g->u[i] = row[first + i] * s->unit_inverse;
        g->mask[i] = 1.0f;
        float magnitude = fabsf(g->u[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    g->largest = largest;
}

/* The nearest grid values at a scale, in v. */
static inline void nearest_entry(const struct search *s, int n_entries, const float *u, float scale, float *v)
{
    for (int i = 0; i < GROUP_INPUTS; i++) {
        v[i] = s->entry[0] * scale;
    }
    for (int k = 0; k < n_entries - 1; k++) {
        float threshold = s->threshold[k] * scale, value = s->entry[k + 1] * scale;
        for (int i = 0; i < GROUP_INPUTS; i++) {
            v[i] = u[i] > threshold ? value : v[i];
        }
    }
}

/* Rounding by adding 1.5 * 2^23, which leaves the integer in the low bits; clamped there, because gcc vectorises integer comparisons but
 * not (without -fno-trapping-math) these floating-point ones. */
static inline void nearest_w6(const float *u, float scale, float *v)
{
    const int32_t zero_bits = 0x4b400000; /* of 1.5 * 2^23 */
    float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    for (int i = 0; i < GROUP_INPUTS; i++) {
        float shifted = u[i] * inverse + 0x1.8p23f;
        int32_t code;
        memcpy(&code, &shifted, sizeof code);
        code -= zero_bits;
        code = code > WEIGHT_CODE_MAX ? WEIGHT_CODE_MAX : code;
        code = code < -WEIGHT_CODE_MAX ? -WEIGHT_CODE_MAX : code;
        v[i] = (float)code * scale;
    }
}

/* Sum of squared errors at a scale, in a fixed order of addition. */
static inline float group_error(const struct search *s, const struct group *g, float scale)
{
    float v[GROUP_INPUTS], sum[LANES] = {0};
    if (s->format == WEIGHT_W3) {
        nearest_entry(s, BOOK, g->u, scale, v);
    } else if (s->format == WEIGHT_W4) {
        nearest_entry(s, CODEBOOK_MAX, g->u, scale, v);
    } else {
        nearest_w6(g->u, scale, v);
    }
    for (int i = 0; i < GROUP_INPUTS; i++) {
        float difference = (g->u[i] - v[i]) * g->mask[i];
        v[i] = difference * difference;
    }
    for (int j = 0; j < GROUP_INPUTS; j += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            sum[lane] += v[j + lane];
        }
    }
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

/* Scales worth trying, as a set of 0..63: largest / |c| rounded for each magnitude, and the neighbours of the first. */
static uint64_t candidate_scales(const struct search *s, float largest)
{
    uint64_t set = 0;
    if (s->format == WEIGHT_W4) { /* the power of two that just holds the largest, and its neighbours */
        for (int scale = 1; scale <= MX_SCALE_MAX; scale *= 2) {
            const float room = MX_CODE_MAX * (float)scale;
            set |= room >= largest / 2 && (room < 4 * largest || scale == 1) ? (uint64_t)1 << scale : 0;
        }
        return set ? set : (uint64_t)1 << MX_SCALE_MAX;
    }
    for (int32_t k = 0; k < s->n_magnitudes; k++) {
        float ratio = largest / s->magnitude[k];
        int scale = ratio < WEIGHT_SCALE_MAX ? (int)(ratio + 0.5f) : WEIGHT_SCALE_MAX;
        int low = k == 0 && scale > NEIGHBOURS ? scale - NEIGHBOURS : k == 0 ? 0 : scale;
        int high = k == 0 && scale + NEIGHBOURS < WEIGHT_SCALE_MAX ? scale + NEIGHBOURS : k == 0 ? WEIGHT_SCALE_MAX : scale;
        for (int candidate = low; candidate <= high; candidate++) {
            set |= (uint64_t)1 << candidate;
        }
    }
    return set;
}

/* The best scale, the smaller one on a tie; its error in *error. */
static int search_scale(const struct search *s, const struct group *g, float *error)
{
    int best = 0;
    *error = FLT_MAX;
    if (g->largest == 0.0f) {
        *error = 0.0f;
        return 0;
    }
    for (uint64_t set = candidate_scales(s, g->largest); set != 0 && *error > 0.0f; set &= set - 1) {
        int scale = __builtin_ctzll(set);
        float candidate_error = group_error(s, g, (float)scale);
        if (candidate_error < *error) {
            *error = candidate_error;
            best = scale;
        }
    }
    return best;
}

static void group_codes(const struct search *s, const struct group *g, int scale, uint8_t codes[GROUP_INPUTS])
{
    float v[GROUP_INPUTS];
    if (s->format == WEIGHT_W6) {
        nearest_w6(g->u, (float)scale, v);
        for (int i = 0; i < GROUP_INPUTS; i++) {
            codes[i] = scale ? (uint8_t)(lrintf(v[i] / (float)scale) + 32) : 32;
        }
    } else {
        for (int i = 0; i < GROUP_INPUTS; i++) {
            int code = 0;
            for (int k = 0; k < s->n_entries - 1; k++) {
                code += g->u[i] > s->threshold[k] * (float)scale;
            }
            codes[i] = (uint8_t)code;
        }
    }
    memset(codes + g->n, 0, (size_t)(GROUP_INPUTS - g->n));
}

void quantise_row(const struct quantiser *q, const float *row, int32_t n_in, uint8_t *codes, uint8_t *scales, struct quantise_error *sum)
{
    struct search s = search_of(q);
    double unit = ldexp(1.0, q->exponent), squared_error = 0, squared_weight = 0, largest_error = 0, largest_weight = 0;
    for (int32_t index = 0; index * GROUP_INPUTS < n_in; index++) {
        struct group g;
        float error;
        load_group(&s, row, n_in, index, &g);
        int scale = search_scale(&s, &g, &error);
        uint8_t *code = codes + (size_t)index * GROUP_INPUTS;
        scales[index] = (uint8_t)scale;
        group_codes(&s, &g, scale, code);
        float square = 0;
        for (int i = 0; i < GROUP_INPUTS; i++) {
            square += g.u[i] * g.u[i];
        }
        squared_weight += (double)square;
        largest_weight = g.largest > largest_weight ? g.largest : largest_weight;
        squared_error += (double)error;
        for (int i = 0; error > 0 && i < g.n; i++) {
            double difference = fabs((double)g.u[i] - scale * quantise_code_value(q, code[i]));
            largest_error = difference > largest_error ? difference : largest_error;
        }
    }
    struct quantise_error part = {squared_error * unit * unit, squared_weight * unit * unit, largest_error * unit, largest_weight * unit,
                                  n_in};
    quantise_error_add(sum, &part);
}

void quantise_error_add(struct quantise_error *sum, const struct quantise_error *part)
{
    sum->squared_error += part->squared_error;
    sum->squared_weight += part->squared_weight;
    sum->largest_error = fmax(sum->largest_error, part->largest_error);
    sum->largest_weight = fmax(sum->largest_weight, part->largest_weight);
    sum->n_weights += part->n_weights;
}

double quantise_relative_rms(const struct quantise_error *sum)
{
    return sum->squared_error > 0 ? sqrt(sum->squared_error / sum->squared_weight) : 0.0;
}

int32_t quantise_exponent(float largest)
{
    if (largest == 0.0f) {
        return 0;
    }
    int32_t e = WEIGHT_EXPONENT_MIN;
    while (e < WEIGHT_EXPONENT_MAX && ldexpf((float)(WEIGHT_CODE_MAX * WEIGHT_SCALE_MAX), e) < largest) {
        e++;
    }
    return e;
}

/* ---- the choice of exponent and codebook ---- */

struct sample {
    const float *rows;
    int32_t n_rows, n_in;
};

/* Squared error over the sample, in weights' own units; stops early, with what it has, once that exceeds `bound`. */
static double sample_error(const struct sample *sample, const struct quantiser *q, double bound)
{
    struct search s = search_of(q);
    double unit = ldexp(1.0, q->exponent), total = 0;
    bound /= unit * unit;
    for (int32_t r = 0; r < sample->n_rows && total <= bound; r++) {
        for (int32_t index = 0; index * GROUP_INPUTS < sample->n_in; index++) {
            struct group g;
            float error;
            load_group(&s, sample->rows + (int64_t)r * sample->n_in, sample->n_in, index, &g);
            search_scale(&s, &g, &error);
            total += (double)error;
        }
    }
    return total * unit * unit;
}

/* What the choice has found: the best so far, and all that are exact. */
struct choice {
    const struct sample *sample;
    struct quantiser *exact;
    int32_t n_exact;
    struct quantiser best;
    double best_error;
};

static void try_quantiser(struct choice *c, const struct quantiser *q)
{
    double error = sample_error(c->sample, q, c->best_error);
    if (error == 0.0 && c->n_exact < QUANTISE_CHOICES_MAX) {
        c->exact[c->n_exact++] = *q;
    }
    if (error < c->best_error) {
        c->best_error = error;
        c->best = *q;
    }
}

static struct quantiser quantiser_of(enum weight_format format, int32_t exponent, const char *name, const int8_t *entries)
{
    struct quantiser q = {.format = format, .exponent = exponent};
    snprintf(q.codebook_name, sizeof q.codebook_name, "%s", name);
    if (entries) {
        memcpy(q.codebook, entries, (size_t)weight_codebook_entries(format));
    }
    return q;
}

/* Exponents e .. e + 5, then e - 1, each with one codebook. On-grid weights need no other: the largest weight is at least a 31st of what
 * its scale allows. */
static void try_exponents(struct choice *c, enum weight_format format, int32_t exponent, const char *name, const int8_t *entries)
{
    for (int i = 0; i <= EXPONENTS_ABOVE + 1; i++) {
        int32_t e = i <= EXPONENTS_ABOVE ? exponent + i : exponent - 1;
        if (e >= WEIGHT_EXPONENT_MIN && e <= WEIGHT_EXPONENT_MAX) {
            struct quantiser q = quantiser_of(format, e, name, entries);
            try_quantiser(c, &q);
        }
    }
}

/* The exponent at which the largest weight just fits, and one below. Weights of MXFP4 are on the first's grid, as long as a group's shared exponent
 * is at most 5 below the largest one's: the values of a scale with the largest weight 6 or less are values of half the scale. */
static void try_mx(struct choice *c, float largest)
{
    int32_t exponent = WEIGHT_EXPONENT_MIN;
    while (exponent < WEIGHT_EXPONENT_MAX && ldexpf((float)(MX_CODE_MAX * MX_SCALE_MAX), exponent) < largest) {
        exponent++;
    }
    for (int32_t e = exponent; e >= exponent - 1 && e >= WEIGHT_EXPONENT_MIN; e--) {
        struct quantiser q = quantiser_of(WEIGHT_W4, largest > 0 ? e : 0, "e2m1", MX_BOOK);
        try_quantiser(c, &q);
    }
}

/* Eight real centres to a codebook: stretched so that the largest magnitude is 31, rounded, made strictly ascending. */
static void round_book(const double centre[BOOK], int8_t entries[BOOK])
{
    double largest = fmax(fabs(centre[0]), fabs(centre[BOOK - 1]));
    double stretch = largest > 0 ? WEIGHT_CODE_MAX / largest : 1.0;
    for (int k = 0; k < BOOK; k++) {
        long v = lrint(centre[k] * stretch);
        long low = k > 0 ? entries[k - 1] + 1 : -WEIGHT_CODE_MAX, high = WEIGHT_CODE_MAX - (BOOK - 1 - k);
        v = v < low ? low : v;
        entries[k] = (int8_t)(v > high ? high : v);
    }
}

/* One step of Lloyd's algorithm: with the scales and codes of q, the least-squares centre of each code's weights. */
static void lloyd_step(const struct sample *sample, struct quantiser *q)
{
    struct search s = search_of(q);
    double product[BOOK] = {0}, square[BOOK] = {0}, centre[BOOK];
    for (int32_t r = 0; r < sample->n_rows; r++) {
        for (int32_t index = 0; index * GROUP_INPUTS < sample->n_in; index++) {
            struct group g;
            float error;
            uint8_t codes[GROUP_INPUTS];
            load_group(&s, sample->rows + (int64_t)r * sample->n_in, sample->n_in, index, &g);
            int scale = search_scale(&s, &g, &error);
            group_codes(&s, &g, scale, codes);
            for (int i = 0; i < g.n; i++) {
                product[codes[i]] += (double)g.u[i] * scale;
                square[codes[i]] += (double)scale * scale;
            }
        }
    }
    for (int k = 0; k < BOOK; k++) {
        centre[k] = square[k] > 0 ? product[k] / square[k] : q->codebook[k];
    }
    round_book(centre, q->codebook);
}

static void try_fitted(struct choice *c)
{
    struct quantiser q = c->best;
    snprintf(q.codebook_name, sizeof q.codebook_name, "fitted");
    for (int step = 0; step < LLOYD_STEPS && c->best_error > 0; step++) {
        int8_t before[BOOK];
        memcpy(before, q.codebook, BOOK);
        lloyd_step(c->sample, &q);
        if (memcmp(before, q.codebook, BOOK) == 0) {
            break;
        }
        try_quantiser(c, &q);
    }
}

/* Integers in units of the group's finest bit; false where the group isn't exactly eight distinct values of a narrow range. */
static bool distinct_integers(const float *w, int64_t distinct[BOOK])
{
    int finest = INT32_MAX, n = 0;
    for (int i = 0; i < GROUP_INPUTS; i++) {
        int exponent;
        int64_t mantissa = (int64_t)ldexpf(frexpf(w[i], &exponent), FLT_MANT_DIG);
        if (mantissa != 0) {
            int bit = exponent - FLT_MANT_DIG + __builtin_ctzll((uint64_t)mantissa);
            finest = bit < finest ? bit : finest;
        }
    }
    for (int i = 0; i < GROUP_INPUTS; i++) {
        float v = w[i] == 0.0f ? 0.0f : ldexpf(w[i], -finest);
        if (fabsf(v) > WEIGHT_CODE_MAX * WEIGHT_SCALE_MAX) {
            return false;
        }
        int64_t integer = (int64_t)v;
        int at = 0;
        while (at < n && distinct[at] < integer) {
            at++;
        }
        if (at < n && distinct[at] == integer) {
            continue;
        }
        if (n == BOOK) {
            return false;
        }
        memmove(distinct + at + 1, distinct + at, (size_t)(n - at) * sizeof *distinct);
        distinct[at] = integer;
        n++;
    }
    return n == BOOK;
}

/* Eight distinct values of one group, divided by what they share, are the codebook (times a small integer) of on-grid weights. */
static bool read_off_book(const float *w, int8_t entries[BOOK])
{
    int64_t distinct[BOOK], common = 0;
    if (!distinct_integers(w, distinct)) {
        return false;
    }
    for (int k = 0; k < BOOK; k++) {
        int64_t a = distinct[k] < 0 ? -distinct[k] : distinct[k];
        while (a != 0) {
            int64_t rest = common % a;
            common = a;
            a = rest;
        }
    }
    for (int k = 0; k < BOOK; k++) {
        int64_t entry = distinct[k] / common;
        if (entry < -WEIGHT_CODE_MAX || entry > WEIGHT_CODE_MAX) {
            return false;
        }
        entries[k] = (int8_t)entry;
    }
    return true;
}

static void try_found(struct choice *c, int32_t exponent)
{
    const struct sample *sample = c->sample;
    for (int32_t r = 0; r < sample->n_rows; r++) {
        for (int32_t first = 0; first + GROUP_INPUTS <= sample->n_in; first += GROUP_INPUTS) {
            int8_t entries[BOOK], multiple[BOOK];
            if (!read_off_book(sample->rows + (int64_t)r * sample->n_in + first, entries)) {
                continue;
            }
            int largest = -entries[0] > entries[BOOK - 1] ? -entries[0] : entries[BOOK - 1];
            for (int m = WEIGHT_CODE_MAX / largest; m >= 1; m--) {
                for (int k = 0; k < BOOK; k++) {
                    multiple[k] = (int8_t)(entries[k] * m);
                }
                try_exponents(c, WEIGHT_W3, exponent, "found", multiple);
            }
            return;
        }
    }
}

int32_t quantise_choose(enum weight_format format, const float *sample_rows, int32_t n_rows, int32_t n_in, float largest,
                        struct quantiser choices[QUANTISE_CHOICES_MAX])
{
    struct sample sample = {sample_rows, n_rows, n_in};
    int32_t exponent = quantise_exponent(largest);
    struct choice c = {.sample = &sample, .exact = choices, .best_error = DBL_MAX};
    if (format == WEIGHT_W6) {
        try_exponents(&c, WEIGHT_W6, exponent, "-", NULL);
    } else if (format == WEIGHT_W4) {
        try_mx(&c, largest);
    } else {
        for (int i = 0; i < N_STANDARD_BOOKS; i++) {
            try_exponents(&c, WEIGHT_W3, exponent, STANDARD_BOOKS[i].name, STANDARD_BOOKS[i].entries);
        }
        if (c.n_exact == 0) {
            try_found(&c, exponent);
            try_fitted(&c);
        }
    }
    if (c.n_exact == 0) {
        choices[0] = c.best;
        return 1;
    }
    return c.n_exact;
}
