#include "kernels/attention.h"

#include "kernels/fixed.h"
#include "kernels/isa_table.h"
#include "kernels/requant.h"
#include "sim/error.h"

enum { TOKENS_MAX = 1 << 24, Y_BITS = 14, Z_BITS = 40 };

/* scratch: the heads' values [n_heads * head_dim] and exponents [n_heads], then [n_tokens] of two 32-bit words: log2 of the weight, weight. */
size_t k_attention_scratch(const struct shape *shape, int32_t n_tokens)
{
    return (size_t)shape->n_heads * ((size_t)shape->head_dim + 1) + (size_t)n_tokens;
}

struct head {
    const int8_t *q, *k, *v; /* k, v: of the first token */
    int32_t q_exponent;
    const int16_t *k_exponent, *v_exponent;
    int32_t n_tokens, n_kv_heads, head_dim; /* a token's row has n_kv_heads * head_dim elements, and n_kv_heads exponents */
    int32_t softmax_scale_q15;
};

/* L_t for all tokens; returns the largest. */
static int32_t logits(const struct head *h, int32_t *l)
{
    isa_table()->dot_rows(h->k, (int64_t)h->n_kv_heads * h->head_dim, h->n_tokens, h->head_dim, h->q, l);
    int32_t max = -INT32_MAX;
    for (int32_t t = 0; t < h->n_tokens; t++) {
        const int32_t exponent = h->q_exponent + h->k_exponent[(int64_t)t * h->n_kv_heads] - 15;
        l[t] = (int32_t)rescale((int64_t)l[t] * h->softmax_scale_q15, exponent, -16, INT32_MAX);
        max = l[t] > max ? l[t] : max;
    }
    return max;
}

/* w_t for all tokens, relative to 2^v_exponent_max; returns Z. */
static int64_t weights(const struct head *h, const int32_t *l, int32_t max, int32_t v_exponent_max, uint32_t *weight)
{
    for (int32_t t = 0; t < h->n_tokens; t++) {
        weight[t] = (uint32_t)(v_exponent_max - h->v_exponent[(int64_t)t * h->n_kv_heads]);
    }
    return isa_table()->exp2_weights(l, max, h->n_tokens, weight);
}

/* y_d in place of o_d. */
static void divide(int64_t *o, int32_t n, int64_t z)
{
    ES_ASSERT(z > 0); /* the largest weighs 65535 * 2^8 */
    const int u = bitlen((uint64_t)z) > Z_BITS ? bitlen((uint64_t)z) - Z_BITS : 0;
    const uint64_t divisor = (uint64_t)z >> u;
    for (int32_t d = 0; d < n; d++) {
        const int64_t value = shr_round(o[d], u);
        const uint64_t magnitude = (uint64_t)(value < 0 ? -value : value);
        const int64_t y = (int64_t)(((magnitude << Y_BITS) + divisor / 2) / divisor);
        o[d] = value < 0 ? -y : y;
    }
}

/* y [head_dim]; returns its exponent. words [2 * n_tokens]. */
static int32_t attend(const struct head *h, int64_t *y, int32_t *words)
{
    int32_t v_exponent_max = INT16_MIN;
    for (int32_t t = 0; t < h->n_tokens; t++) {
        const int32_t exponent = h->v_exponent[(int64_t)t * h->n_kv_heads];
        v_exponent_max = exponent > v_exponent_max ? exponent : v_exponent_max;
    }
    uint32_t *weight = (uint32_t *)words + h->n_tokens;
    const int32_t max = logits(h, words);
    const int64_t z = weights(h, words, max, v_exponent_max, weight);
    isa_table()->weigh_rows(h->v, (int64_t)h->n_kv_heads * h->head_dim, h->n_tokens, h->head_dim, weight, y);
    divide(y, h->head_dim, z);
    return v_exponent_max - Y_BITS;
}

/* All heads to the largest exponent, then to 8 bits. */
static void merge(const struct shape *shape, int64_t *y, const int64_t *exponent, struct act8 *out)
{
    int64_t max = exponent[0];
    for (int32_t h = 1; h < shape->n_heads; h++) {
        max = exponent[h] > max ? exponent[h] : max;
    }
    for (int32_t h = 0; h < shape->n_heads; h++, y += shape->head_dim) {
        const int s = max - exponent[h] < 62 ? (int)(max - exponent[h]) : 62;
        for (int32_t d = 0; d < shape->head_dim; d++) {
            y[d] = shr_round(y[d], s);
        }
    }
    const int32_t n = shape->n_heads * shape->head_dim;
    k_requant8(&(struct acc){y - n, n, (int32_t)max}, out);
}

struct kv kv_from(const struct shape *shape, const struct kv *kv, int32_t first)
{
    const int64_t heads = (int64_t)first * shape->n_kv_heads, values = heads * shape->head_dim;
    return (struct kv){kv->k + values, kv->v + values, kv->k_exponent + heads, kv->v_exponent + heads, kv->capacity_tokens - first};
}

void k_attention(const struct shape *shape, int32_t softmax_scale_q15, const int8_t *q, const int16_t *q_exponent, const struct kv *kv,
                 int32_t n_tokens, struct act8 *out, int64_t *scratch)
{
    ES_ASSERT(n_tokens >= 1 && n_tokens <= kv->capacity_tokens && n_tokens <= TOKENS_MAX);
    int64_t *exponent = scratch + (int64_t)shape->n_heads * shape->head_dim;
    int32_t *words = (int32_t *)(exponent + shape->n_heads);
    for (int32_t h = 0; h < shape->n_heads; h++) {
        const int32_t kv_head = h / (shape->n_heads / shape->n_kv_heads);
        const int64_t first = (int64_t)kv_head * shape->head_dim;
        const struct head head = {.q = q + (int64_t)h * shape->head_dim,
                                  .k = kv->k + first,
                                  .v = kv->v + first,
                                  .q_exponent = q_exponent[h],
                                  .k_exponent = kv->k_exponent + kv_head,
                                  .v_exponent = kv->v_exponent + kv_head,
                                  .n_tokens = n_tokens,
                                  .n_kv_heads = shape->n_kv_heads,
                                  .head_dim = shape->head_dim,
                                  .softmax_scale_q15 = softmax_scale_q15};
        exponent[h] = attend(&head, scratch + (int64_t)h * shape->head_dim, words);
    }
    merge(shape, scratch, exponent, out);
}
