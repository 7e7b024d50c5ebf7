/* SiLU(gate) * up and GELU(gate) * up against doubles, and at the ends of its table. */
#include "kernels/silu.h"

#include <math.h>

#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

enum { N = 257, ROOM = 320 };

/* Within half a step of 8 bits, the table's error, and 16-bit rounding of both operands. */
static void check_gate(enum activation activation, const struct acc *gate, const struct acc *up)
{
    int8_t m[ROOM];
    int64_t scratch[2 * N];
    struct act8 out = {m, 0, 0, NULL};
    k_gate_mul(activation, gate, up, &out, scratch);
    double gate_max = 0, up_max = 0, worst = 0;
    for (int32_t i = 0; i < gate->n; i++) {
        const double g = ldexp((double)gate->m[i], gate->exponent), u = ldexp((double)up->m[i], up->exponent);
        gate_max = fmax(gate_max, fabs(g));
        up_max = fmax(up_max, fabs(u));
        const double gelu = 0.5 * g * (1 + tanh(0.7978845608028654 * (g + 0.044715 * g * g * g)));
        worst = fmax(worst, fabs(ldexp(m[i], out.exponent) - (activation == ACTIVATION_GELU ? gelu : g / (1 + exp(-g))) * u));
    }
    CHECK_EQ_INT(out.n, gate->n);
    const double step = ldexp(1.0, out.exponent);
    CHECK(worst <= step + 2.5e-4 * gate_max * up_max);
    for (int32_t i = gate->n; i < padded(gate->n); i++) {
        CHECK_EQ_INT(m[i], 0);
    }
}

static void random_vectors(void)
{
    struct random random;
    random_seed(&random, 13, 0);
    int64_t g[N], u[N];
    for (int round = 0; round < 200; round++) {
        const int bits = random_between(&random, 4, 36);
        struct acc gate = {g, random_between(&random, 1, N), 0}, up = {u, gate.n, random_between(&random, -60, 20)};
        gate.exponent = random_between(&random, -4, 4) - bits; /* gates of about 1/16 to 16 */
        random_acc(&random, ldexp(1.0, bits), &gate);
        random_acc(&random, ldexp(1.0, random_between(&random, 2, 36)), &up);
        check_gate(round % 2 ? ACTIVATION_GELU : ACTIVATION_SILU, &gate, &up);
    }
}

static void ends_of_the_range(void)
{
    int64_t g[4] = {0, 0, 0, 0}, u[4] = {64, 64, 64, 64}, scratch[8];
    int8_t m[64];
    struct act8 out = {m, 0, 0, NULL};
    k_silu_mul(&(struct acc){g, 4, -5}, &(struct acc){u, 4, -6}, &out, scratch);
    CHECK(m[0] == 0 && m[3] == 0);
    g[0] = 64; /* 64 * 2^6 is far beyond 16: the sigmoid is 1; -64 * 2^6: 0 */
    g[1] = -64;
    for (enum activation a = ACTIVATION_SILU; a <= ACTIVATION_GELU; a++) {
        k_gate_mul(a, &(struct acc){g, 4, 6}, &(struct acc){u, 4, -6}, &out, scratch);
        CHECK_NEAR(ldexp(m[0], out.exponent), 64 * 64, 0);
        CHECK_EQ_INT(m[1], 0);
    }
    g[0] = ACC_LIMIT; /* the widest that a ROM array gives */
    u[0] = -ACC_LIMIT;
    k_silu_mul(&(struct acc){g, 4, 0}, &(struct acc){u, 4, 0}, &out, scratch);
    CHECK_NEAR(ldexp(m[0], out.exponent) / -0x1p78, 1.0, 0.01);
}

void suite_kernels_silu(void)
{
    suite_begin("kernels_silu");
    suite_add("random vectors within a step of 8 bits and 2.5e-4", random_vectors);
    suite_add("zero, and both ends of the range", ends_of_the_range);
}
