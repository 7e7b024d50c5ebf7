/* The function tables: their bits, and their errors against libm over the whole range. */
#include "kernels/tables.h"

#include <math.h>

#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

static void bits_are_pinned(void)
{
    CHECK_EQ_UINT(k_tables_hash(), 0xd5329a75da7f1706u);
    CHECK_EQ_INT(k_tables()->sine_q15[SINE_SEGMENTS], 1 << 15);
    CHECK_EQ_INT(k_tables()->exp2[0], 65535);
    CHECK_EQ_INT(k_tables()->exp2[EXP2_SEGMENTS], 32768);
    CHECK_EQ_INT(k_tables()->sigmoid_q15[SIGMOID_SEGMENTS / 2], 1 << 14);
}

static void sine_is_close(void)
{
    struct random random;
    random_seed(&random, 8, 0);
    double worst = 0;
    for (int i = 0; i < 200000; i++) {
        const uint64_t phase = random_next(&random);
        const double angle = ldexp((double)phase, -64) * 2 * M_PI;
        worst = fmax(worst, fabs(k_sine_q15(phase) * 0x1p-15 - sin(angle)));
        worst = fmax(worst, fabs(k_cosine_q15(phase) * 0x1p-15 - cos(angle)));
    }
    CHECK_NEAR(worst, 0, 3.2e-5);
    static const int32_t quarters[5] = {0, 32768, 0, -32768, 0};
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        const uint64_t phase = (uint64_t)quadrant << 62;
        CHECK_EQ_INT(k_sine_q15(phase), quarters[quadrant]);
        CHECK_EQ_INT(k_cosine_q15(phase), quarters[quadrant + 1]);
        CHECK_NEAR(k_sine_q15(phase - 1), quarters[quadrant], 1);
    }
}

/* The quarters are mirror images to the last bit, at all points of the table's resolution. */
static void sine_is_symmetric(void)
{
    const uint64_t half_turn = (uint64_t)1 << 63;
    for (uint64_t step = 0; step <= (uint64_t)1 << 22; step += 37) {
        const uint64_t phase = step << 40;
        CHECK_EQ_INT(k_sine_q15(half_turn - phase), k_sine_q15(phase));
        CHECK_EQ_INT(k_sine_q15(half_turn + phase), -k_sine_q15(phase));
    }
}

static void exp2_is_close(void)
{
    double worst = 0;
    int32_t before = 65536;
    for (uint64_t d = 0; d < 65536; d++) {
        int shift;
        const int32_t t = k_exp2(d, &shift);
        worst = fmax(worst, fabs(t / 65535.0 / exp2(-(double)d / 65536) - 1));
        CHECK(shift == 0 && t <= before);
        before = t;
    }
    CHECK_NEAR(worst, 0, 3.1e-5);
    int shift;
    CHECK_EQ_INT(k_exp2((uint64_t)5 << 16, &shift), 65535);
    CHECK_EQ_INT(shift, 5);
    k_exp2(UINT64_MAX, &shift);
    CHECK_EQ_INT(shift, 63);
}

static void weights_have_24_bits(void)
{
    CHECK_EQ_UINT(k_exp2_weight(0, 0), 65535 << 8);
    CHECK_EQ_UINT(k_exp2_weight(0, 8), 65535);
    CHECK_EQ_UINT(k_exp2_weight((uint64_t)8 << 16, 0), 65535);
    CHECK_EQ_UINT(k_exp2_weight((uint64_t)24 << 16, 0), 1);
    CHECK_EQ_UINT(k_exp2_weight(((uint64_t)25 << 16) - 1, 0), 1);
    CHECK_EQ_UINT(k_exp2_weight((uint64_t)25 << 16, 0), 0);
    CHECK_EQ_UINT(k_exp2_weight(0, 65535), 0);
    CHECK_EQ_UINT(k_exp2_weight(UINT64_MAX, 65535), 0);
}

static void sigmoid_is_close(void)
{
    double worst = 0;
    for (int x = INT16_MIN; x <= INT16_MAX; x++) {
        worst = fmax(worst, fabs(k_sigmoid_q15((int16_t)x) * 0x1p-15 - 1 / (1 + exp(-x * 0x1p-11))));
    }
    CHECK_NEAR(worst, 0, 7e-5);
    CHECK_EQ_INT(k_sigmoid_q15(-32767), 0);
    CHECK_EQ_INT(k_sigmoid_q15(32767), 32768);
    CHECK_EQ_INT(k_sigmoid_q15(0), 16384);
}

static void gelu_is_close(void)
{
    double worst = 0;
    int32_t before = 0;
    for (int x = -32768; x < 32768; x++) {
        const double v = ldexp(x, -12), half = 0.5 * (1 + tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
        const int32_t g = k_gelu_gate_q15((int16_t)x);
        worst = fmax(worst, fabs(g * 0x1p-15 - half));
        CHECK(g >= before);
        before = g;
    }
    CHECK_NEAR(worst, 0, 6e-5);
    CHECK_EQ_INT(k_gelu_gate_q15(-32768), 0);
    CHECK_EQ_INT(k_gelu_gate_q15(32767), 1 << 15);
}

void suite_kernels_tables(void)
{
    suite_begin("kernels_tables");
    suite_add("the tables' bits are the same on every platform", bits_are_pinned);
    suite_add("sine and cosine within 3.2e-5", sine_is_close);
    suite_add("sine's quarters are mirror images", sine_is_symmetric);
    suite_add("exp2 within 3.1e-5, never rising", exp2_is_close);
    suite_add("softmax weights of 24 bits", weights_have_24_bits);
    suite_add("sigmoid within 7e-5", sigmoid_is_close);
    suite_add("GELU(x) / x within 6e-5", gelu_is_close);
}
