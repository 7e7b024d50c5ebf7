#include "kernels/sample.h"

#include <math.h>

#include "kernels/fixed.h"
#include "kernels/tables.h"
#include "sim/error.h"

enum { LOG2_E_Q16 = 94548, TEMPERATURE_MIN_Q16 = 64, TEMPERATURE_MAX_Q16 = 1 << 26, TOP_P_ALL_Q16 = 1 << 16 };
static const int64_t DISTANCE_LIMIT = (int64_t)1 << 29;

void sampling_make(double temperature, double top_p, struct sampling *sampling)
{
    const double t = fmin(fmax(temperature * 65536.0, TEMPERATURE_MIN_Q16), TEMPERATURE_MAX_Q16);
    const double p = fmin(fmax(top_p * 65536.0, 1.0), TOP_P_ALL_Q16);
    *sampling = (struct sampling){temperature < 0.0005, (uint32_t)lrint(t), (uint32_t)lrint(p)};
}

/* -- the generator: splitmix64 and xoshiro256** 1.0, in the public domain, prng.di.unimi.it -- */

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void random_seed(struct random *random, uint64_t seed, uint64_t sequence)
{
    uint64_t state = sequence;
    state = splitmix64(&state) ^ seed;
    for (int i = 0; i < 4; i++) {
        random->s[i] = splitmix64(&state);
    }
}

static uint64_t rotate_left(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->s;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* floor(v * bound / 2^64) */
static uint64_t below(uint64_t v, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)v * bound >> 64);
}

/* -- choosing -- */

struct candidate {
    uint32_t weight;
    int32_t token;
};

size_t k_sample_scratch(int32_t n_vocab)
{
    return (size_t)n_vocab * sizeof(struct candidate);
}

static int32_t largest(const struct acc *logits)
{
    int32_t best = 0;
    for (int32_t i = 1; i < logits->n; i++) {
        best = logits->m[i] > logits->m[best] ? i : best;
    }
    return best;
}

/* Candidates of weight above 0, in order of index; returns how many. */
static int32_t weigh(const struct sampling *sampling, const struct acc *logits, struct candidate *c, uint64_t *total)
{
    const int64_t max = logits->m[largest(logits)];
    const int64_t scale_q16 = ((int64_t)LOG2_E_Q16 << 16) / sampling->temperature_q16;
    int32_t n = 0;
    *total = 0;
    for (int32_t i = 0; i < logits->n; i++) {
        const int64_t distance = rescale(max - logits->m[i], logits->exponent, -16, DISTANCE_LIMIT);
        const uint32_t weight = k_exp2_weight((uint64_t)(distance * scale_q16 >> 16), 0);
        if (weight > 0) {
            c[n++] = (struct candidate){weight, i};
            *total += weight;
        }
    }
    return n;
}

static bool before(const struct candidate *a, const struct candidate *b)
{
    return a->weight > b->weight || (a->weight == b->weight && a->token < b->token);
}

/* Lets the candidate at i sink in the heap c [0 .. n), whose first is before all others. */
static void sink(struct candidate *c, int32_t n, int32_t i)
{
    const struct candidate moving = c[i];
    for (int32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&c[child + 1], &c[child])) {
            child++;
        }
        if (before(&moving, &c[child])) {
            break;
        }
        c[i] = c[child];
    }
    c[i] = moving;
}

/* The best that top_p wants, in reverse order at c [*first .. n); returns their sum. A heap, since as a rule few of many are taken. */
static uint64_t keep_best(struct candidate *c, int32_t n, uint32_t top_p_q16, uint64_t total, int32_t *first)
{
    for (int32_t i = n / 2 - 1; i >= 0; i--) {
        sink(c, n, i);
    }
    uint64_t sum = 0;
    int32_t left = n;
    while (left > 0 && sum << 16 < top_p_q16 * total) {
        const struct candidate best = c[0];
        left--;
        c[0] = c[left];
        sink(c, left, 0);
        c[left] = best;
        sum += best.weight;
    }
    *first = left;
    return sum;
}

int32_t k_sample(const struct sampling *sampling, struct random *random, const struct acc *logits, void *scratch)
{
    ES_ASSERT(logits->n > 0);
    if (sampling->greedy) {
        return largest(logits);
    }
    struct candidate *c = scratch;
    uint64_t sum;
    const int32_t n = weigh(sampling, logits, c, &sum);
    if (sampling->top_p_q16 >= TOP_P_ALL_Q16) {
        uint64_t r = below(random_next(random), sum);
        int32_t i = 0;
        while (r >= c[i].weight) {
            r -= c[i++].weight;
        }
        return c[i].token;
    }
    int32_t first, i = n - 1;
    sum = keep_best(c, n, sampling->top_p_q16, sum, &first);
    uint64_t r = below(random_next(random), sum);
    while (r >= c[i].weight) {
        r -= c[i--].weight;
    }
    return c[i].token;
}
