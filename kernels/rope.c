#include "kernels/rope.h"

#include <math.h>

#include "kernels/fixed.h"
#include "kernels/requant.h"
#include "kernels/rmsnorm.h"
#include "kernels/tables.h"
#include "sim/error.h"

struct rotation {
    int32_t cosine, sine;
};

static int16_t to_int16(int32_t exponent)
{
    ES_ASSERT(exponent >= INT16_MIN && exponent <= INT16_MAX);
    return (int16_t)exponent;
}

/* 16 bits each, turned: v [head_dim] -> scratch, which may be v; returns the exponent. */
static int32_t rotate_head(const struct rotation *by, const int64_t *v, int32_t head_dim, int32_t exponent, int64_t *scratch)
{
    const int s = k_requant_shift(k_max_magnitude(v, head_dim), 16);
    for (int32_t i = 0; i < head_dim / 2; i++) {
        const int64_t a = clamp_i64(shr_round(v[2 * i], s), -32767, 32767), b = clamp_i64(shr_round(v[2 * i + 1], s), -32767, 32767);
        scratch[2 * i] = a * by[i].cosine - b * by[i].sine;
        scratch[2 * i + 1] = a * by[i].sine + b * by[i].cosine;
    }
    return exponent + s - 15;
}

struct rope_balance layer_balance(const struct layer *layer, const struct shape *shape, enum linear which)
{
    return (struct rope_balance){layer->k_shift, which == LINEAR_K ? 1 : shape->n_heads / shape->n_kv_heads, which == LINEAR_K};
}

/* Head h, in place; returns what its exponent changes by. */
static int32_t balance_head(const struct rope_balance *balance, int32_t h, int32_t head_dim, int64_t *v)
{
    if (!balance->shift) {
        return 0;
    }
    const uint8_t *shift = balance->shift + (int64_t)(h / balance->sharing) * (head_dim / 2);
    for (int32_t i = 0; i < head_dim; i++) {
        v[i] *= (int64_t)1 << (balance->keys ? K_SHIFT_MAX - shift[i / 2] : shift[i / 2]);
    }
    return balance->keys ? -K_SHIFT_MAX : 0;
}

struct rope_turns model_rope_turns(const struct model *model, int32_t layer)
{
    const bool local = model->rope_increment_local && shape_is_local(&model->shape, layer);
    return (struct rope_turns){.increment = local ? model->rope_increment_local : model->rope_increment,
                               .n_pairs = shape_rotary_dim(&model->shape) / 2,
                               .gain_q14 = model->rope_gain_q14};
}

/* How each pair of a head turns at a position. */
static void find_rotations(const struct rope_turns *turns, uint32_t position, int32_t n_pairs, struct rotation *by)
{
    for (int32_t i = 0; i < n_pairs; i++) {
        if (i >= turns->n_pairs) {
            by[i] = (struct rotation){1 << 15, 0};
            continue;
        }
        const uint64_t phase = position * turns->increment[i];
        by[i] = (struct rotation){k_cosine_q15(phase), k_sine_q15(phase)};
        if (turns->gain_q14) {
            by[i].cosine = (int32_t)shr_round((int64_t)by[i].cosine * turns->gain_q14, 14);
            by[i].sine = (int32_t)shr_round((int64_t)by[i].sine * turns->gain_q14, 14);
        }
    }
}

void k_rope(const struct rope_turns *turns, uint32_t position, const struct norm *norm, const struct rope_balance *balance,
            const struct acc *in, int32_t n_heads, int32_t head_dim, int8_t *out, int16_t *exponents, int64_t *scratch)
{
    ES_ASSERT(head_dim <= HEAD_DIM_MAX && in->n == n_heads * head_dim && (!norm->m || norm->n == head_dim));
    struct rotation by[HEAD_DIM_MAX / 2];
    find_rotations(turns, position, head_dim / 2, by);
    for (int32_t h = 0; h < n_heads; h++) {
        const int64_t first = (int64_t)h * head_dim;
        int32_t exponent = in->exponent;
        const int64_t *head = in->m + first;
        if (norm->m) {
            exponent = k_rmsnorm_wide(norm, head, exponent, scratch);
            head = scratch;
        }
        exponent = rotate_head(by, head, head_dim, exponent, scratch);
        exponent += balance_head(balance, h, head_dim, scratch);
        exponents[h] = to_int16(k_requant8_part(scratch, head_dim, exponent, out + first));
    }
}

void k_kv_value(const struct acc *v, int32_t n_kv_heads, int32_t head_dim, int8_t *out, int16_t *exponents)
{
    ES_ASSERT(v->n == n_kv_heads * head_dim);
    for (int32_t h = 0; h < n_kv_heads; h++) {
        const int64_t first = (int64_t)h * head_dim;
        exponents[h] = to_int16(k_requant8_part(v->m + first, head_dim, v->exponent, out + first));
    }
}

void k_rope_increments(float base, int32_t rotary_dim, const float *factors, uint64_t *increment)
{
    for (int32_t i = 0; i < rotary_dim / 2; i++) {
        const long double factor = factors ? (long double)factors[i] : 1.0L;
        const long double turns = powl(base, -2.0L * i / rotary_dim) / factor / (2 * 3.14159265358979323846264338327950288L);
        increment[i] = (uint64_t)roundl(turns * 0x1p64L);
    }
}
