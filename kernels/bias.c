#include "kernels/bias.h"

#include "kernels/fixed.h"
#include "sim/error.h"

void k_bias_add(const struct bias *bias, struct acc *acc)
{
    ES_ASSERT(!bias->m || bias->n == acc->n);
    for (int32_t i = 0; bias->m && i < acc->n; i++) {
        const int64_t b = rescale(bias->m[i], bias->exponent, acc->exponent, 2 * ACC_LIMIT);
        acc->m[i] = clamp_i64(acc->m[i] + b, -ACC_LIMIT, ACC_LIMIT);
    }
}
