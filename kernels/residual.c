#include "kernels/residual.h"

#include "kernels/fixed.h"
#include "sim/error.h"

void k_residual_add(struct residual *r, const struct acc *v)
{
    ES_ASSERT(r->n == v->n);
    for (int32_t i = 0; i < r->n; i++) {
        /* A limit beyond twice the range: what saturates here saturates below too. */
        const int64_t delta = rescale(v->m[i], v->exponent, RESIDUAL_EXPONENT, (int64_t)1 << 33);
        r->m[i] = (int32_t)clamp_i64(r->m[i] + delta, -INT32_MAX, INT32_MAX);
    }
}
