#include "kernels/silu.h"

#include "kernels/fixed.h"
#include "kernels/requant.h"
#include "kernels/tables.h"
#include "sim/error.h"

enum { SILU_ARGUMENT_EXPONENT = -11, GELU_ARGUMENT_EXPONENT = -12 };

/* Element i of v in 16 bits; the vector's shift is known. */
static int64_t mantissa(const struct acc *v, int shift, int32_t i)
{
    return clamp_i64(shr_round(v->m[i], shift), -32767, 32767);
}

static void gate_mul(const struct acc *gate, const struct acc *up, int argument_exponent, int32_t (*table_q15)(int16_t), struct act8 *out,
                     int64_t *scratch)
{
    ES_ASSERT(gate->n == up->n);
    const int gate_shift = k_requant_shift(k_max_magnitude(gate->m, gate->n), 16);
    const int up_shift = k_requant_shift(k_max_magnitude(up->m, up->n), 16);
    const int32_t gate_exponent = gate->exponent + gate_shift, up_exponent = up->exponent + up_shift;
    for (int32_t i = 0; i < gate->n; i++) {
        const int64_t g = mantissa(gate, gate_shift, i);
        const int16_t argument = (int16_t)rescale(g, gate_exponent, argument_exponent, 32767);
        scratch[i] = g * table_q15(argument) * mantissa(up, up_shift, i);
    }
    k_requant8(&(struct acc){scratch, gate->n, gate_exponent + up_exponent - 15}, out);
}

void k_silu_mul(const struct acc *gate, const struct acc *up, struct act8 *out, int64_t *scratch)
{
    gate_mul(gate, up, SILU_ARGUMENT_EXPONENT, k_sigmoid_q15, out, scratch);
}

void k_gelu_mul(const struct acc *gate, const struct acc *up, struct act8 *out, int64_t *scratch)
{
    gate_mul(gate, up, GELU_ARGUMENT_EXPONENT, k_gelu_gate_q15, out, scratch);
}
