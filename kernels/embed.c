#include "kernels/embed.h"

#include "kernels/fixed.h"
#include "kernels/gemv.h"
#include "sim/error.h"

void k_embed(const struct matrix *w, int32_t token, struct residual *out)
{
    ES_ASSERT(out->n == w->n_in);
    for (int32_t g = 0; g < matrix_groups(w); g++) {
        int16_t values[GROUP_INPUTS];
        matrix_unpack_group(w, token, g, values);
        for (int32_t i = g * GROUP_INPUTS, j = 0; i < w->n_in && j < GROUP_INPUTS; i++, j++) {
            out->m[i] = (int32_t)rescale(values[j], w->exponent, RESIDUAL_EXPONENT, INT32_MAX);
        }
    }
}
