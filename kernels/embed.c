#include "kernels/embed.h"

#include "kernels/fixed.h"
#include "kernels/gemv.h"
#include "sim/error.h"

void k_embed(const struct matrix *w, int32_t scale_q16, int32_t token, struct residual *out)
{
    const int64_t scale = scale_q16 ? scale_q16 : 1 << 16;
    ES_ASSERT(out->n == w->n_in);
    for (int32_t p = 0; p < matrix_panels(w); p++) {
        int16_t values[PANEL_INPUTS];
        matrix_unpack_panel(w, token, p, values);
        for (int32_t i = p * PANEL_INPUTS, j = 0; i < w->n_in && j < PANEL_INPUTS; i++, j++) {
            out->m[i] = (int32_t)rescale(values[j] * scale, w->exponent - 16, RESIDUAL_EXPONENT, INT32_MAX);
        }
    }
}

void k_embed_add(int32_t scale_q16, const struct acc *delta, struct residual *out)
{
    const int64_t scale = scale_q16 ? scale_q16 : 1 << 16, most = ((int64_t)1 << 36) - 1;
    ES_ASSERT(out->n == delta->n && delta->exponent == RESIDUAL_EXPONENT);
    for (int32_t i = 0; i < out->n; i++) {
        const int64_t added = rescale(clamp_i64(delta->m[i], -most, most) * scale, RESIDUAL_EXPONENT - 16, RESIDUAL_EXPONENT, INT32_MAX);
        out->m[i] = (int32_t)clamp_i64(out->m[i] + added, -INT32_MAX, INT32_MAX);
    }
}
