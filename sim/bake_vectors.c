/* bake_vectors.c -- what an image holds beside matrices and text: RoPE's increments, norm weights, biases. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/rmsnorm.h"
#include "kernels/rope.h"
#include "sim/bake_plan.h"
#include "sim/shape_limits.h"

enum { EXPONENT_MIN = -64, EXPONENT_MAX = 16 };

/* ---- RoPE ---- */

static bool read_factors(const struct plan *p, int32_t n, float *factors, struct error *e)
{
    const struct gguf_tensor *t = p->model.rope_factors;
    bool good = !t || gguf_row_finite(p->g, t, 0, factors, e);
    for (int32_t i = 0; i < n && t && good; i++) {
        char name[PRINTABLE_ROOM];
        good = (factors[i] >= 0.5f && factors[i] <= 1e6f) ||
               error_input(e, "%s: tensor %s at byte %llu: expected factors of 0.5 to 1e6, found %g at %d", p->g->path,
                           printable(t->name, name), (unsigned long long)gguf_tensor_at(p->g, t), (double)factors[i], i);
    }
    return good;
}

bool bake_rope(const struct plan *p, struct error *e)
{
    const struct shape *s = &p->model.shape;
    const int32_t n = shape_rotary_dim(s) / 2;
    float *factors = error_calloc(e, (size_t)n, sizeof *factors, "RoPE factors");
    uint64_t *increments = error_calloc(e, image_rope_bytes(s), 1, "RoPE increments");
    bool good = factors && increments && read_factors(p, n, factors, e);
    if (good) {
        k_rope_increments(s->rope_base, 2 * n, p->model.rope_factors ? factors : NULL, increments);
        if (s->rope_base_local > 0) {
            k_rope_increments(s->rope_base_local, 2 * n, NULL, increments + n);
        }
        good = plan_write(p, IMAGE_ROPE, 0, increments, image_rope_bytes(s), e);
    }
    free(factors);
    free(increments);
    return good;
}

/* ---- vectors of 16 bits ---- */

/* Room for any of the model's vectors: as the tensor has it, in the chip's order, as mantissas. */
struct vector {
    float *row, *values;
    int16_t *m;
};

static void vector_free(struct vector *v)
{
    free(v->row);
    free(v->values);
    free(v->m);
}

static bool vector_allocate(const struct shape *s, struct vector *v, struct error *e)
{
    const int32_t q = shape_n_out(s, LINEAR_Q);
    const size_t widest = (size_t)(q > s->d_model ? q : s->d_model);
    v->row = error_calloc(e, widest, sizeof *v->row, "a vector");
    v->values = error_calloc(e, widest, sizeof *v->values, "a vector");
    v->m = error_calloc(e, image_values_bytes((int32_t)widest), 1, "a vector");
    return v->row && v->values && v->m;
}

/* Mantissas with the smallest exponent that fits; reported like a matrix. */
static bool convert(struct plan *p, const struct gguf_part *part, struct vector *v, int32_t *exponent, struct error *e)
{
    const struct gguf_tensor *t = part->tensor;
    const int32_t n = part->n;
    char shown[PRINTABLE_ROOM];
    struct bake_tensor row = {.n_out = 1, .n_in = n, .bits = 16, .bits_per_weight = 16, .codebook_name = "-"};
    memcpy(row.name, t->name.bytes, t->name.length_bytes);
    plan_progress(p, row.name);
    if (p->synthetic) {
        synthetic_values(part, v->values);
    } else if (!gguf_part_values(p->g, part, v->row, v->values, e)) {
        return false;
    }
    double largest = 0;
    for (int32_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)v->values[i]));
    }
    *exponent = EXPONENT_MIN;
    while (*exponent < EXPONENT_MAX && ldexp(INT16_MAX, *exponent) < largest) {
        ++*exponent;
    }
    if (ldexp(INT16_MAX, *exponent) < largest) {
        return error_input(e, "%s: tensor %s at byte %llu: expected weights of magnitude below 2^31, found %g", p->g->path,
                           printable(t->name, shown), (unsigned long long)gguf_tensor_at(p->g, t), largest);
    }
    struct quantise_error sum = {.largest_weight = largest, .n_weights = n};
    memset(v->m, 0, image_values_bytes(n));
    for (int32_t i = 0; i < n; i++) {
        const double value = (double)v->values[i];
        v->m[i] = (int16_t)lrint(ldexp(value, -*exponent));
        const double error = value - ldexp(v->m[i], *exponent);
        sum.squared_error += error * error;
        sum.squared_weight += value * value;
        sum.largest_error = fmax(sum.largest_error, fabs(error));
    }
    row.exponent = *exponent;
    plan_report(p, &row, &sum);
    return true;
}

/* A record and its values at *at of the section, which moves on. */
static bool write_record(const struct plan *p, enum image_section_kind kind, uint64_t *at, const void *record, size_t record_bytes,
                         const struct vector *v, int32_t n, struct error *e)
{
    const uint64_t values_at = *at + record_bytes;
    bool good = plan_write(p, kind, *at, record, record_bytes, e) && plan_write(p, kind, values_at, v->m, image_values_bytes(n), e);
    *at = values_at + image_values_bytes(n);
    return good;
}

/* What a norm does with the factor of the residual stream (POST_NORM_SHIFT). */
enum norm_role { NORM_OF_STREAM, NORM_ONTO_STREAM, NORM_ELSEWHERE };

static bool write_norm(struct plan *p, const struct gguf_part *part, enum norm_role role, struct vector *v, uint64_t *at, struct error *e)
{
    const int shift = plan_residual_shift(&p->model.shape);
    struct norm constants;
    int32_t exponent;
    if (!convert(p, part, v, &exponent, e)) {
        return false;
    }
    k_norm_constants(part->n, ldexp((double)p->model.shape.rms_epsilon, role == NORM_OF_STREAM ? -2 * shift : 0), &constants);
    const struct image_norm record = {.n = part->n,
                                      .exponent = exponent - (role == NORM_ONTO_STREAM ? shift : 0),
                                      .epsilon_q40 = constants.epsilon_q40,
                                      .sqrt_n_q16 = constants.sqrt_n_q16};
    return write_record(p, IMAGE_NORMS, at, &record, sizeof record, v, part->n, e);
}

static enum norm_role role_of(const struct gguf_layer *l, const struct gguf_part *part)
{
    return part == &l->attention_norm || part == &l->ffn_norm             ? NORM_OF_STREAM
           : part == &l->post_attention_norm || part == &l->post_ffn_norm ? NORM_ONTO_STREAM
                                                                          : NORM_ELSEWHERE;
}

bool bake_norms(struct plan *p, struct error *e)
{
    const struct shape *shape = &p->model.shape;
    struct vector v = {0};
    uint64_t at = 0;
    bool good = vector_allocate(shape, &v, e);
    for (int32_t i = 0; i < shape->n_layers; i++) {
        const struct gguf_layer *l = &p->model.layers[i];
#define LAYER_NORM(field, width, present) good = good && (!(present) || write_norm(p, &l->field, role_of(l, &l->field), &v, &at, e));
#include "kernels/layer_norms.def"
#undef LAYER_NORM
    }
    good = good && write_norm(p, &p->model.final_norm, NORM_OF_STREAM, &v, &at, e);
    vector_free(&v);
    return good;
}

/* ---- biases, and the balance of K against Q ---- */

/* What a row of Q or K is expected to be like, squared: its bias, and its weights times the norm before them, whose inputs have a mean square of 1. */
static bool expected_square(const struct plan *p, const struct gguf_part *part, int32_t row, const float *norm, float *weights, float bias,
                            double *square, struct error *e)
{
    if (!gguf_row_finite(p->g, part->tensor, gguf_part_at(part, row), weights, e)) {
        return false;
    }
    *square = (double)bias * (double)bias;
    for (int32_t i = 0; i < p->model.shape.d_model; i++) {
        *square += pow((double)weights[i] * (double)norm[i], 2);
    }
    return true;
}

/* Of all rows of a linear, [n_out]. */
static bool expected_squares(const struct plan *p, const struct gguf_layer *l, enum linear which, double *square, struct error *e)
{
    const int32_t n = shape_n_out(&p->model.shape, which), d = p->model.shape.d_model;
    const size_t widest = (size_t)(n > d ? n : d);
    float *bias = error_calloc(e, (size_t)n, sizeof *bias, "a bias"), *norm = error_calloc(e, (size_t)d, sizeof *norm, "a norm");
    float *row_room = error_calloc(e, widest, sizeof *row_room, "a row");
    bool good = bias && norm && row_room && gguf_part_values(p->g, &l->bias[which], row_room, bias, e) &&
                gguf_part_values(p->g, &l->attention_norm, row_room, norm, e);
    for (int32_t row = 0; row < n && good; row++) {
        good = expected_square(p, &l->linear[which], row, norm, row_room, bias[row], &square[row], e);
    }
    free(bias);
    free(norm);
    free(row_room);
    return good;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Half of what a pair's ratio of K to Q is above the head's median, in octaves, and two: a pair below the median gives some back. */
static void choose_shifts(const double *octaves, int32_t n, double *sorted, uint8_t *shift)
{
    memcpy(sorted, octaves, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_doubles);
    for (int32_t i = 0; i < n; i++) {
        shift[i] = (uint8_t)lrint(fmin(fmax(2 + (octaves[i] - sorted[n / 2]) / 2, 0), K_SHIFT_MAX));
    }
}

static bool balance_keys(const struct plan *p, const struct gguf_layer *l, uint8_t *shift, struct error *e)
{
    const struct shape *s = &p->model.shape;
    const int32_t half = s->head_dim / 2, sharing = s->n_heads / s->n_kv_heads;
    const double tiny = 1e-12;
    double *q = error_calloc(e, (size_t)shape_n_out(s, LINEAR_Q), sizeof *q, "squares");
    double *k = error_calloc(e, (size_t)shape_n_out(s, LINEAR_K), sizeof *k, "squares");
    double *octaves = error_calloc(e, (size_t)s->head_dim, sizeof *octaves, "ratios");
    bool good = q && k && octaves && expected_squares(p, l, LINEAR_Q, q, e) && expected_squares(p, l, LINEAR_K, k, e);
    for (int32_t h = 0; h < s->n_kv_heads && good; h++) {
        for (int32_t i = 0; i < half; i++) {
            const double *k_pair = k + (ptrdiff_t)h * s->head_dim + (ptrdiff_t)2 * i;
            double q_square = 0;
            for (int32_t j = 0; j < sharing; j++) {
                const double *q_pair = q + (ptrdiff_t)(h * sharing + j) * s->head_dim + (ptrdiff_t)2 * i;
                q_square += (q_pair[0] + q_pair[1]) / sharing;
            }
            octaves[i] = log2((k_pair[0] + k_pair[1] + tiny) / (q_square + tiny)) / 2;
        }
        choose_shifts(octaves, half, octaves + half, shift + (ptrdiff_t)h * half);
    }
    free(q);
    free(k);
    free(octaves);
    return good;
}

static bool bake_layer_biases(struct plan *p, const struct gguf_layer *l, struct vector *v, uint8_t *shift, uint64_t *at, struct error *e)
{
    const uint64_t shifts_bytes = image_shifts_bytes(&p->model.shape);
    for (int i = 0; i < BIASES; i++) {
        struct image_bias record = {.n = l->bias[i].n};
        if (!convert(p, &l->bias[i], v, &record.exponent, e) ||
            !write_record(p, IMAGE_BIASES, at, &record, sizeof record, v, l->bias[i].n, e)) {
            return false;
        }
    }
    bool good = (p->synthetic || balance_keys(p, l, shift, e)) && /* drawn biases are alike: shifts of 0 */
                plan_write(p, IMAGE_BIASES, *at, shift, shifts_bytes, e);
    *at += shifts_bytes;
    return good;
}

bool bake_biases(struct plan *p, struct error *e)
{
    const struct shape *s = &p->model.shape;
    struct vector v = {0};
    uint64_t at = 0;
    uint8_t *shift = error_calloc(e, image_shifts_bytes(s), 1, "shifts");
    bool good = shift && vector_allocate(s, &v, e);
    for (int32_t i = 0; i < s->n_layers && s->qkv_bias && good; i++) {
        good = bake_layer_biases(p, &p->model.layers[i], &v, shift, &at, e);
    }
    vector_free(&v);
    free(shift);
    return good;
}
