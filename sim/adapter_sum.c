/* adapter_sum.c -- `etchsim adapter average` and `stack`: one adapter from several. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/algebra.h"
#include "adapters/lora_file.h"
#include "sim/adapter_command.h"

static const char *const METHOD_NAMES[METHOD_COUNT] = {"factors", "svd", "stack"};

struct sum { /* adapters with their weights */
    int32_t n;
    struct lora_tensors *tensors; /* owned, [n] */
    struct lora_term *terms;      /* owned, [n] */
};

static void sum_free(struct sum *s)
{
    for (int32_t i = 0; s->tensors && i < s->n; i++) {
        lora_tensors_free(&s->tensors[i]);
    }
    free(s->tensors);
    free(s->terms);
}

static bool parse_weight(const char *text, double low, double *weight, struct error *e)
{
    char *end = NULL;
    *weight = strtod(text, &end);
    return (end != text && *end == '\0' && fabs(*weight) <= 1e9 && *weight >= low && *weight != 0) ||
           error_input(e,
                       low < 0 ? "--weight %.100s: expected a number of -1e9 to 1e9 other than 0"
                               : "--weight %.100s: expected a number above 0 and at most 1e9",
                       text);
}

/* `mean`: weights are positive and made to add up to 1. */
static bool sum_load(const struct adapter_arguments *a, bool mean, struct sum *s, struct error *e)
{
    struct shape shape;
    double total = 0;
    *s = (struct sum){0};
    if (a->adapters.count < 2) {
        return error_input(e, "expected --adapter at least twice, found %" PRId32, a->adapters.count);
    }
    if (a->weights.count != 0 && a->weights.count != a->adapters.count) {
        return error_input(e, "expected a --weight for each of the %" PRId32 " adapters, or none, found %" PRId32, a->adapters.count,
                           a->weights.count);
    }
    if (!adapter_base_shape(a->model, &shape, e)) {
        return false;
    }
    s->tensors = error_calloc(e, (size_t)a->adapters.count, sizeof *s->tensors, "the adapters");
    s->terms = error_calloc(e, (size_t)a->adapters.count, sizeof *s->terms, "the adapters");
    bool good = s->tensors && s->terms;
    for (; good && s->n < a->adapters.count; s->n++) {
        struct lora_term *term = &s->terms[s->n];
        *term = (struct lora_term){&s->tensors[s->n], 1};
        good = (a->weights.count == 0 || parse_weight(a->weights.items[s->n], mean ? 0 : -1e9, &term->weight, e)) &&
               lora_tensors_load(a->adapters.items[s->n], &shape, &s->tensors[s->n], e);
        total += term->weight;
    }
    for (int32_t i = 0; good && mean && i < s->n; i++) {
        s->terms[i].weight /= total;
    }
    return good;
}

static void print_terms(const struct sum *s)
{
    printf("%-24s %10s %6s %14s\n", "adapter", "weight", "rank", "packed_bytes");
    for (int32_t i = 0; i < s->n; i++) {
        const struct lora_tensors *t = &s->tensors[i];
        printf("%-24s %10.6g %6" PRId32 " %14" PRId64 "\n", t->name, s->terms[i].weight, lora_tensors_rank_max(t),
               adapter_packed_bytes(t, PACK_6));
    }
}

static bool make_sum(const struct sum *s, enum sum_method method, int32_t rank, struct lora_tensors *out, struct error *e)
{
    switch (method) {
    case METHOD_FACTORS: return lora_mean_factors(s->terms, s->n, out, e);
    case METHOD_SVD: return lora_reduce(s->terms, s->n, rank, out, e);
    default: return lora_stack(s->terms, s->n, out, e);
    }
}

static void print_method(const struct sum *s, enum sum_method method, const struct lora_tensors *t, double norm2)
{
    printf("%-24s %10.6f %6" PRId32 " %14" PRId64 "\n", METHOD_NAMES[method], lora_distance(s->terms, s->n, norm2, t),
           lora_tensors_rank_max(t), adapter_packed_bytes(t, PACK_6));
}

static int32_t rank_most(const struct sum *s)
{
    int32_t most = 0;
    for (int32_t i = 0; i < s->n; i++) {
        int32_t rank = lora_tensors_rank_max(&s->tensors[i]);
        most = rank > most ? rank : most;
    }
    return most;
}

/* Every method's error, the wanted one written. What only another method can't do is told in its line. */
static bool average_all(const struct adapter_arguments *a, const struct sum *s, struct error *e)
{
    int32_t rank = a->rank ? (int32_t)a->rank : rank_most(s);
    double norm2 = lora_norm2(s->terms, s->n);
    struct lora_tensors wanted = {0};
    print_terms(s);
    printf("\n%-24s %10s %6s %14s\n", "method", "error", "rank", "packed_bytes");
    bool good = true;
    for (int method = 0; method < METHOD_COUNT && good; method++) {
        struct lora_tensors out = {0};
        struct error other;
        if (make_sum(s, (enum sum_method)method, rank, &out, &other)) {
            print_method(s, (enum sum_method)method, &out, norm2);
        } else if (method == a->method) {
            *e = other;
            good = false;
        } else {
            printf("%-24s not possible: %s\n", METHOD_NAMES[method], other.message);
        }
        if (method == a->method) {
            wanted = out;
        } else {
            lora_tensors_free(&out);
        }
    }
    printf("error: of the mean of B A, relative to it\n\n");
    good = good && adapter_write(a, &wanted, GGML_F32, e);
    lora_tensors_free(&wanted);
    return good;
}

bool adapter_average(const struct adapter_arguments *a, struct error *e)
{
    struct sum s;
    bool good = sum_load(a, true, &s, e) && average_all(a, &s, e);
    sum_free(&s);
    return good;
}

bool adapter_stack(const struct adapter_arguments *a, struct error *e)
{
    struct sum s;
    struct lora_tensors out = {0};
    bool good = sum_load(a, false, &s, e) && lora_stack(s.terms, s.n, &out, e);
    if (good) {
        print_terms(&s);
        print_method(&s, METHOD_STACK, &out, lora_norm2(s.terms, s.n));
        good = adapter_write(a, &out, GGML_F32, e);
    }
    lora_tensors_free(&out);
    sum_free(&s);
    return good;
}
