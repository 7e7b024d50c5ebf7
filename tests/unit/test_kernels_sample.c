/* The generator against published values, and the sampler's distribution against softmax in doubles. */
#include "kernels/sample.h"

#include <math.h>
#include <stdlib.h>

#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

enum { V = 50, DRAWS = 200000 };

/* xoshiro256** from state 1, 2, 3, 4: the first outputs of the authors' own code, as other implementations' tests have them too. */
static void generator_is_xoshiro(void)
{
    const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u, 1216172134540287360u, 607988272756665600u};
    struct random random = {{1, 2, 3, 4}};
    for (int i = 0; i < 6; i++) {
        CHECK_EQ_UINT(random_next(&random), expected[i]);
    }
}

static void seeds_and_sequences_differ(void)
{
    struct random a, b, c, again;
    random_seed(&a, 1, 0);
    random_seed(&b, 1, 1);
    random_seed(&c, 2, 0);
    random_seed(&again, 1, 0);
    const uint64_t first = random_next(&a);
    CHECK(first != random_next(&b) && first != random_next(&c));
    CHECK_EQ_UINT(random_next(&again), first);
}

static void greedy_takes_the_first_of_the_largest(void)
{
    int64_t m[5] = {-3, 7, 2, 7, 7};
    struct sampling sampling;
    struct random random = {{1, 2, 3, 4}};
    sampling_make(0, 0.9, &sampling);
    CHECK(sampling.greedy);
    CHECK_EQ_INT(k_sample(&sampling, &random, &(struct acc){m, 5, -4}, NULL), 1);
    CHECK_EQ_UINT(random.s[0], 1); /* no random number was used */
    for (int i = 0; i < 5; i++) {
        m[i] = -ACC_LIMIT;
    }
    CHECK_EQ_INT(k_sample(&sampling, &random, &(struct acc){m, 5, -4}, NULL), 0);
}

static void options_become_integers(void)
{
    struct sampling s;
    sampling_make(0.7, 0.9, &s);
    CHECK(!s.greedy);
    CHECK_EQ_UINT(s.temperature_q16, 45875); /* 45875.2 */
    CHECK_EQ_UINT(s.top_p_q16, 58982);       /* 58982.4 */
    sampling_make(1e9, 2.0, &s);
    CHECK(s.temperature_q16 == 1 << 26 && s.top_p_q16 == 65536);
    sampling_make(0.001, 0.0, &s);
    CHECK(s.temperature_q16 == 66 && s.top_p_q16 == 1 && !s.greedy);
}

/* Which tokens top_p leaves, and how likely each is: sorted by selection, in doubles. */
static void expected_distribution(const struct acc *logits, double temperature, double top_p, double *p)
{
    bool taken[V] = {false};
    double all[V], max = -INFINITY, sum = 0, kept = 0;
    for (int i = 0; i < V; i++) {
        all[i] = ldexp((double)logits->m[i], logits->exponent) / temperature;
        max = fmax(max, all[i]);
        p[i] = 0;
    }
    for (int i = 0; i < V; i++) {
        sum += all[i] = exp(all[i] - max);
    }
    for (int rank = 0; rank < V && kept < top_p * sum; rank++) {
        int best = -1;
        for (int i = 0; i < V; i++) {
            best = !taken[i] && (best < 0 || all[i] > all[best]) ? i : best;
        }
        taken[best] = true;
        kept += all[best];
    }
    for (int i = 0; i < V; i++) {
        p[i] = taken[i] ? all[i] / kept : 0;
    }
}

/* Each frequency within five standard deviations; what top_p leaves out never comes. */
static void check_distribution(double temperature, double top_p)
{
    int64_t m[V];
    struct acc logits = {m, V, -20};
    struct random random;
    random_seed(&random, 15, 0);
    random_acc(&random, 2.0 * 0x1p20, &logits);
    struct sampling sampling;
    sampling_make(temperature, top_p, &sampling);
    void *scratch = malloc(k_sample_scratch(V));
    double p[V];
    int count[V] = {0};
    for (int i = 0; i < DRAWS; i++) {
        count[k_sample(&sampling, &random, &logits, scratch)]++;
    }
    expected_distribution(&logits, temperature, top_p, p);
    for (int i = 0; i < V; i++) {
        CHECK_NEAR(count[i], p[i] * DRAWS, 5 * sqrt(p[i] * DRAWS) + 1e-4 * DRAWS * p[i]);
    }
    free(scratch);
}

static void distribution_is_softmax(void)
{
    check_distribution(1.0, 1.0);
    check_distribution(0.5, 1.0);
    check_distribution(2.0, 0.9);
    check_distribution(1.0, 0.5);
    check_distribution(0.7, 0.95);
}

static void small_top_p_is_greedy(void)
{
    int64_t m[V];
    struct acc logits = {m, V, -20};
    struct random random;
    random_seed(&random, 16, 0);
    char scratch[V * 8];
    struct sampling greedy, narrow, cold;
    sampling_make(0, 1, &greedy);
    sampling_make(1, 1e-9, &narrow);
    sampling_make(0.001, 1, &cold);
    for (int round = 0; round < 100; round++) {
        random_acc(&random, 2.0 * 0x1p20, &logits);
        const int32_t best = k_sample(&greedy, &random, &logits, scratch);
        CHECK_EQ_INT(k_sample(&narrow, &random, &logits, scratch), best);
        CHECK_EQ_INT(k_sample(&cold, &random, &logits, scratch), best);
    }
}

/* Four equal logits: a top_p of one half is reached by two of them, the first two. */
static void ties_go_by_index(void)
{
    int64_t m[8] = {-9, 5, 5, -9, 5, 5, -9, -9};
    uint64_t scratch[8];
    struct sampling s;
    struct random random;
    random_seed(&random, 19, 0);
    int count[8] = {0};
    sampling_make(1.0, 0.5, &s);
    for (int i = 0; i < 1000; i++) {
        count[k_sample(&s, &random, &(struct acc){m, 8, 4}, scratch)]++;
    }
    CHECK_EQ_INT(count[1] + count[2], 1000);
    CHECK(count[1] > 400 && count[2] > 400);
}

static void any_logits_are_safe(void)
{
    struct random random;
    random_seed(&random, 17, 0);
    int64_t m[V];
    uint64_t scratch[V];
    for (int exponent = -200; exponent <= 200; exponent += 7) {
        struct acc logits = {m, V, exponent};
        for (int i = 0; i < V; i++) {
            m[i] = i % 2 ? ACC_LIMIT - i : -ACC_LIMIT + i;
        }
        struct sampling s;
        sampling_make(exponent % 2 ? 0.001 : 1000, exponent % 3 ? 1.0 : 0.5, &s);
        const int32_t token = k_sample(&s, &random, &logits, scratch);
        CHECK(token >= 0 && token < V);
    }
}

void suite_kernels_sample(void)
{
    suite_begin("kernels_sample");
    suite_add("the generator is xoshiro256**", generator_is_xoshiro);
    suite_add("seeds and sequences give different numbers", seeds_and_sequences_differ);
    suite_add("greedy takes the first of the largest", greedy_takes_the_first_of_the_largest);
    suite_add("options become integers", options_become_integers);
    suite_add("the distribution is softmax, cut at top_p", distribution_is_softmax);
    suite_add("a tiny top_p or temperature is greedy", small_top_p_is_greedy);
    suite_add("ties go by index", ties_go_by_index);
    suite_add("any logits are safe", any_logits_are_safe);
}
