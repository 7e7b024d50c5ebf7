#include "adapters/algebra.h"

#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool start(const struct lora_term *terms, int32_t n, struct lora_tensors *out, struct error *e)
{
    ES_ASSERT(n > 0);
    if (!lora_tensors_make(&terms[0].tensors->base, out, e)) {
        return false;
    }
    memcpy(out->name, terms[0].tensors->name, sizeof out->name);
    memcpy(out->base_name, terms[0].tensors->base_name, sizeof out->base_name);
    out->type = GGML_F32;
    return true;
}

static int64_t rank_sum(const struct lora_term *terms, int32_t n, int32_t index)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += terms[i].tensors->linears[index].rank;
    }
    return sum;
}

/* --- stacking --- */

/* The scale that all terms with a pair share, or 1. */
static double common_scale(const struct lora_term *terms, int32_t n, int32_t index)
{
    double scale = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct lora_linear *l = &terms[i].tensors->linears[index];
        if (l->rank && scale != 0 && lora_scale(l) != scale) {
            return 1;
        }
        scale = l->rank ? lora_scale(l) : scale;
    }
    return scale;
}

static void stack_linear(const struct lora_term *terms, int32_t n, int32_t index, struct lora_linear *to)
{
    int32_t done = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct lora_linear *from = &terms[i].tensors->linears[index];
        if (from->rank == 0) {
            continue;
        }
        double factor = terms[i].weight * lora_scale(from) / lora_scale(to);
        memcpy(to->a + (int64_t)done * to->n_in, from->a, (size_t)from->rank * (size_t)from->n_in * sizeof *to->a);
        for (int64_t o = 0; o < to->n_out; o++) {
            for (int32_t j = 0; j < from->rank; j++) {
                to->b[o * to->rank + done + j] = (float)(factor * (double)from->b[o * from->rank + j]);
            }
        }
        done += from->rank;
    }
}

bool lora_stack(const struct lora_term *terms, int32_t n, struct lora_tensors *out, struct error *e)
{
    if (!start(terms, n, out, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(out); i++) {
        int64_t rank = rank_sum(terms, n, i);
        if (rank > LORA_RANK_MAX) {
            char name[LORA_LINEAR_NAME_ROOM];
            error_input(e, "%s: expected stacked ranks of at most %d, found %lld (a reduction to fewer: average --method svd --rank N)",
                        lora_linear_name(out, i, name), LORA_RANK_MAX, (long long)rank);
            lora_tensors_free(out);
            return false;
        }
        out->linears[i].rank = (int32_t)rank;
        out->linears[i].alpha = common_scale(terms, n, i) * (double)rank;
    }
    if (!lora_tensors_allocate(out, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(out); i++) {
        stack_linear(terms, n, i, &out->linears[i]);
    }
    return true;
}

/* --- the mean of the factors --- */

static bool check_same_ranks(const struct lora_term *terms, int32_t n, struct error *e)
{
    for (int32_t index = 0; index < lora_tensors_count(terms[0].tensors); index++) {
        for (int32_t i = 1; i < n; i++) {
            int32_t expected = terms[0].tensors->linears[index].rank, found = terms[i].tensors->linears[index].rank;
            if (expected != found) {
                char name[LORA_LINEAR_NAME_ROOM];
                return error_input(
                    e,
                    "%s: expected the same rank in all adapters for a mean of A and B, found %d in %s and %d in %s (0: no pair); "
                    "--method stack and svd take them",
                    lora_linear_name(terms[0].tensors, index, name), expected, terms[0].tensors->name, found, terms[i].tensors->name);
            }
        }
    }
    return true;
}

static void mean_linear(const struct lora_term *terms, int32_t n, int32_t index, struct lora_linear *to)
{
    int64_t n_a = (int64_t)to->rank * to->n_in, n_b = (int64_t)to->rank * to->n_out;
    for (int64_t k = 0; k < n_a; k++) {
        double sum = 0;
        for (int32_t i = 0; i < n; i++) {
            sum += terms[i].weight * (double)terms[i].tensors->linears[index].a[k];
        }
        to->a[k] = (float)sum;
    }
    for (int64_t k = 0; k < n_b; k++) {
        double sum = 0;
        for (int32_t i = 0; i < n; i++) {
            const struct lora_linear *from = &terms[i].tensors->linears[index];
            sum += terms[i].weight * (lora_scale(from) / lora_scale(to)) * (double)from->b[k];
        }
        to->b[k] = (float)sum;
    }
}

bool lora_mean_factors(const struct lora_term *terms, int32_t n, struct lora_tensors *out, struct error *e)
{
    *out = (struct lora_tensors){0};
    if (!check_same_ranks(terms, n, e) || !start(terms, n, out, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(out); i++) {
        out->linears[i].rank = terms[0].tensors->linears[i].rank;
        out->linears[i].alpha = terms[0].tensors->linears[i].alpha;
    }
    if (!lora_tensors_allocate(out, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(out); i++) {
        mean_linear(terms, n, i, &out->linears[i]);
    }
    return true;
}

/* --- fewer ranks --- */

/* The sum's factors of one linear, column-major as LAPACK wants them, and what becomes of them. k: the sum of ranks. */
struct factors {
    int32_t k, n_out, n_in;
    int32_t m_b, m_a;         /* columns of Q_B and Q_A: at most k, n_out or n_in */
    double *b;                /* [n_out x k]: w s B, then Q_B */
    double *a;                /* [n_in x k]: A transposed, then Q_A */
    double *r_b, *r_a, *core; /* [m_b x k], [m_a x k], [m_b x m_a] */
    double *u, *s, *vt;       /* of the core: [m_b x m], [m], [m x m_a], m the lesser of m_b and m_a */
    double *tau;
    double *memory;
};

static int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static bool factors_make(struct factors *f, struct error *e)
{
    size_t k = (size_t)f->k, m_b = (size_t)f->m_b, m_a = (size_t)f->m_a, m = (size_t)lesser(f->m_b, f->m_a);
    size_t n_b = (size_t)f->n_out * k, n_a = (size_t)f->n_in * k;
    double *at = f->memory =
        error_calloc(e, n_b + n_a + (m_b + m_a) * k + 2 * m_b * m_a + m * m + m_b * m + m * m_a + m + k, sizeof *at, "a linear's factors");
    if (!at) {
        return false;
    }
    f->b = at;
    f->a = f->b + n_b;
    f->r_b = f->a + n_a;
    f->r_a = f->r_b + m_b * k;
    f->core = f->r_a + m_a * k;
    f->u = f->core + m_b * m_a;
    f->s = f->u + m_b * m;
    f->vt = f->s + m;
    f->tau = f->vt + m * m_a;
    return true;
}

static void fill_factors(const struct lora_term *terms, int32_t n, int32_t index, struct factors *f)
{
    int64_t column = 0;
    for (int32_t i = 0; i < n; i++) {
        const struct lora_linear *l = &terms[i].tensors->linears[index];
        for (int32_t j = 0; j < l->rank; j++, column++) {
            for (int64_t o = 0; o < l->n_out; o++) {
                f->b[column * l->n_out + o] = terms[i].weight * lora_scale(l) * (double)l->b[o * l->rank + j];
            }
            for (int64_t k = 0; k < l->n_in; k++) {
                f->a[column * l->n_in + k] = (double)l->a[(int64_t)j * l->n_in + k];
            }
        }
    }
}

/* q [n x k] becomes the Q of its QR factorisation [n x m]; r [m x k] its R. */
static bool factorise(double *q, int32_t n, int32_t k, int32_t m, double *r, double *tau)
{
    if (LAPACKE_dgeqrf(LAPACK_COL_MAJOR, n, k, q, n, tau) != 0) {
        return false;
    }
    for (int64_t column = 0; column < k; column++) {
        for (int64_t row = 0; row < m; row++) {
            r[column * m + row] = row <= column ? q[column * n + row] : 0;
        }
    }
    return LAPACKE_dorgqr(LAPACK_COL_MAJOR, n, m, m, q, n, tau) == 0;
}

/* R_B R_A^T, of which R's zeros are left out. */
static void multiply_core(const struct factors *f)
{
    for (int64_t column = 0; column < f->m_a; column++) {
        for (int64_t p = column; p < f->k; p++) { /* R_A[column, p] is zero below */
            double factor = f->r_a[p * f->m_a + column];
            for (int64_t row = 0; row < f->m_b && row <= p; row++) {
                f->core[column * f->m_b + row] += f->r_b[p * f->m_b + row] * factor;
            }
        }
    }
}

static bool decompose(struct factors *f, const char *name, struct error *e)
{
    int32_t m = lesser(f->m_b, f->m_a);
    if (!factorise(f->b, f->n_out, f->k, f->m_b, f->r_b, f->tau) || !factorise(f->a, f->n_in, f->k, f->m_a, f->r_a, f->tau)) {
        return error_input(e, "%s: not enough memory for LAPACK", name);
    }
    multiply_core(f);
    lapack_int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', f->m_b, f->m_a, f->core, f->m_b, f->s, f->u, f->m_b, f->vt, m);
    return info == 0 || error_input(e,
                                    info > 0 ? "%s: expected singular values, but LAPACK's iteration did not converge"
                                             : "%s: not enough memory for LAPACK",
                                    name);
}

/* B = Q_B U S^1/2, A = S^1/2 V^T Q_A^T, the first to->rank columns; alpha = rank. */
static void recompose(const struct factors *f, struct lora_linear *to)
{
    int32_t m = lesser(f->m_b, f->m_a);
    for (int32_t j = 0; j < to->rank; j++) {
        double root = sqrt(f->s[j]);
        for (int64_t o = 0; o < f->n_out; o++) {
            double sum = 0;
            for (int64_t p = 0; p < f->m_b; p++) {
                sum += f->b[p * f->n_out + o] * f->u[(int64_t)j * f->m_b + p];
            }
            to->b[o * to->rank + j] = (float)(sum * root);
        }
        for (int64_t i = 0; i < f->n_in; i++) {
            double sum = 0;
            for (int64_t p = 0; p < f->m_a; p++) {
                sum += f->a[p * f->n_in + i] * f->vt[p * m + j];
            }
            to->a[(int64_t)j * f->n_in + i] = (float)(sum * root);
        }
    }
}

static bool reduce_linear(const struct lora_term *terms, int32_t n, int32_t index, struct lora_linear *to, struct error *e)
{
    char name[LORA_LINEAR_NAME_ROOM];
    struct factors f = {.k = (int32_t)rank_sum(terms, n, index), .n_out = to->n_out, .n_in = to->n_in};
    f.m_b = lesser(f.k, f.n_out);
    f.m_a = lesser(f.k, f.n_in);
    if (!factors_make(&f, e)) {
        return false;
    }
    fill_factors(terms, n, index, &f);
    bool good = decompose(&f, lora_linear_name(terms[0].tensors, index, name), e);
    if (good) {
        recompose(&f, to);
    }
    free(f.memory);
    return good;
}

bool lora_reduce(const struct lora_term *terms, int32_t n, int32_t rank, struct lora_tensors *out, struct error *e)
{
    ES_ASSERT(rank > 0 && rank <= LORA_RANK_MAX);
    if (!start(terms, n, out, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(out); i++) {
        struct lora_linear *l = &out->linears[i];
        int64_t sum = rank_sum(terms, n, i);
        l->rank = lesser(lesser(rank, (int32_t)sum), lesser(l->n_in, l->n_out));
        l->alpha = l->rank;
    }
    if (!lora_tensors_allocate(out, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(out); i++) {
        if (out->linears[i].rank > 0 && !reduce_linear(terms, n, i, &out->linears[i], e)) {
            lora_tensors_free(out);
            return false;
        }
    }
    return true;
}

/* --- distances --- */

/* tr((B_x^T B_y) (A_y A_x^T)): the inner product of B_x A_x and B_y A_y. */
static double inner_product(const struct lora_linear *x, const struct lora_linear *y)
{
    double total = 0;
    for (int32_t p = 0; p < x->rank; p++) {
        double b[LORA_RANK_MAX] = {0}; /* row p of B_x^T B_y */
        for (int64_t o = 0; o < x->n_out; o++) {
            for (int32_t q = 0; q < y->rank; q++) {
                b[q] += (double)x->b[o * x->rank + p] * (double)y->b[o * y->rank + q];
            }
        }
        for (int32_t q = 0; q < y->rank; q++) {
            double a = 0;
            for (int64_t i = 0; i < x->n_in; i++) {
                a += (double)x->a[(int64_t)p * x->n_in + i] * (double)y->a[(int64_t)q * y->n_in + i];
            }
            total += a * b[q];
        }
    }
    return total * lora_scale(x) * lora_scale(y);
}

double lora_inner_product(const struct lora_tensors *x, const struct lora_tensors *y, int32_t index)
{
    return inner_product(&x->linears[index], &y->linears[index]);
}

double lora_norm2(const struct lora_term *terms, int32_t n)
{
    double total = 0;
    for (int32_t index = 0; index < lora_tensors_count(terms[0].tensors); index++) {
        for (int32_t i = 0; i < n; i++) {
            for (int32_t j = i; j < n; j++) {
                double product = terms[i].weight * terms[j].weight * lora_inner_product(terms[i].tensors, terms[j].tensors, index);
                total += i == j ? product : 2 * product;
            }
        }
    }
    return fmax(total, 0);
}

double lora_distance(const struct lora_term *terms, int32_t n, double norm2, const struct lora_tensors *approximation)
{
    double error2 = norm2;
    for (int32_t index = 0; index < lora_tensors_count(approximation); index++) {
        error2 += lora_inner_product(approximation, approximation, index);
        for (int32_t i = 0; i < n; i++) {
            error2 -= 2 * terms[i].weight * lora_inner_product(terms[i].tensors, approximation, index);
        }
    }
    return norm2 > 0 ? sqrt(fmax(error2, 0) / norm2) : error2 > 0 ? INFINITY : 0;
}
