#include "kernels/lora.h"

#include "kernels/fixed.h"
#include "kernels/isa_table.h"
#include "kernels/requant.h"
#include "sim/error.h"

_Static_assert((int64_t)32 * 128 * INPUTS_MAX < ((int64_t)1 << 31), "phase A's accumulator is 32 bits wide");

void k_lora_a(const struct lora_pair *pair, const struct act8 *x, struct act8 *h)
{
    ES_ASSERT(x->n == pair->n_in && pair->n_in <= INPUTS_MAX && pair->rank > 0 && pair->rank <= LORA_RANK_MAX);
    int32_t sum[LORA_RANK_MAX];
    int64_t u[LORA_RANK_MAX];
    isa_table()->dot_rows(pair->a, pair->n_in, pair->rank, pair->n_in, x->m, sum);
    for (int32_t j = 0; j < pair->rank; j++) {
        u[j] = (int64_t)sum[j] * pair->scale_a[j];
    }
    k_requant8(&(struct acc){u, pair->rank, x->exponent + pair->exponent_a}, h);
}

void k_lora_a_token(const struct lora_pair *pair, int32_t token, struct act8 *h)
{
    ES_ASSERT(token >= 0 && token < pair->n_in && pair->rank > 0 && pair->rank <= LORA_RANK_MAX);
    int64_t u[LORA_RANK_MAX];
    for (int32_t j = 0; j < pair->rank; j++) {
        u[j] = (int64_t)pair->a[(int64_t)j * pair->n_in + token] * pair->scale_a[j];
    }
    k_requant8(&(struct acc){u, pair->rank, pair->exponent_a}, h);
}

void k_lora_b(const struct lora_pair *pair, const struct act8 *h, int32_t acc_exponent, int64_t *delta)
{
    enum { ROWS = 256 };
    ES_ASSERT(h->n == pair->rank && pair->rank > 0);
    const int32_t exponent = h->exponent + pair->exponent_b;
    for (int32_t first = 0; first < pair->n_out; first += ROWS) {
        const int32_t n = pair->n_out - first < ROWS ? pair->n_out - first : ROWS;
        int32_t sum[ROWS];
        isa_table()->dot_rows(pair->b + (int64_t)first * pair->rank, pair->rank, n, pair->rank, h->m, sum);
        for (int32_t o = 0; o < n; o++) {
            delta[first + o] = rescale((int64_t)sum[o] * pair->scale_b[first + o], exponent, acc_exponent, ACC_LIMIT);
        }
    }
}

void k_lora_add(struct acc *acc, const struct acc *delta)
{
    ES_ASSERT(acc->n == delta->n && acc->exponent == delta->exponent);
    for (int32_t i = 0; i < acc->n; i++) {
        acc->m[i] = clamp_i64(acc->m[i] + delta->m[i], -ACC_LIMIT, ACC_LIMIT);
    }
}
