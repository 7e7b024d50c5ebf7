/* The whole model: what integers cost against floating point, and that nothing but the inputs decides the bits. */
#include "kernels/ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/isa.h"
#include "kernels/ref_float.h"
#include "tests/unit/check.h"
#include "tests/unit/random_model.h"

enum { TOKENS = 40 };

struct run {
    struct ref *ref;
    struct ref_float *ref_float;
    struct float_model float_model;
    struct acc logits;
    float *integer, *floating;
};

static bool run_new(const struct model *model, const struct adapter *adapter, struct run *r)
{
    const size_t n = (size_t)model->shape.n_vocab;
    *r = (struct run){.logits = {malloc(n * sizeof(int64_t)), 0, 0}, .integer = malloc(n * 4), .floating = malloc(n * 4)};
    if (!CHECK(float_model_from_image(model, adapter, &r->float_model))) {
        return false;
    }
    r->ref = ref_new(model, TOKENS);
    r->ref_float = ref_float_new(&r->float_model, TOKENS);
    return CHECK(r->ref && r->ref_float);
}

static void run_free(struct run *r)
{
    ref_free(r->ref);
    ref_float_free(r->ref_float);
    float_model_free(&r->float_model);
    free(r->logits.m);
    free(r->integer);
    free(r->floating);
}

/* Mean KL over positions, random tokens. */
static double mean_kl(const struct model *model, const struct adapter *adapter, uint64_t seed)
{
    struct run r;
    double sum = 0;
    struct random random;
    random_seed(&random, seed, 99);
    if (run_new(model, adapter, &r)) {
        for (int32_t position = 0; position < TOKENS; position++) {
            const int32_t token = random_between(&random, 0, model->shape.n_vocab - 1);
            ref_forward(r.ref, adapter, token, position, &r.logits);
            ref_float_forward(r.ref_float, token, position, r.floating);
            acc_to_float(&r.logits, r.integer);
            sum += float_kl(r.floating, r.integer, model->shape.n_vocab);
        }
    }
    run_free(&r);
    return sum / TOKENS;
}

/* The bar of docs/numbers.md: 0.02 nats. Random models are harder than trained ones, whose layers damp errors. */
static void integers_cost_little(void)
{
    double sum = 0;
    enum { MODELS = 8 };
    for (uint64_t seed = 0; seed < MODELS; seed++) {
        struct shape shape = random_shape(seed);
        struct random_model m;
        random_model_new(seed, &shape, 1, 8, &m);
        const double base = mean_kl(&m.model, NULL, seed), adapted = mean_kl(&m.model, &m.adapters[0], seed);
        CHECK_NEAR(base, 0, 0.02);
        CHECK_NEAR(adapted, 0, 0.02);
        sum += base + adapted;
        random_model_free(&m);
    }
    CHECK_NEAR(sum / (2 * MODELS), 0, 0.01);
}

/* Every architecture, each alone held to the bar of a single model and to a mean of its own. */
static void integers_cost_little_in_any_architecture(void)
{
    for (enum architecture a = 0; a < ARCHITECTURE_COUNT; a++) {
        double sum = 0;
        enum { MODELS = 6 };
        for (uint64_t seed = 30; seed < 30 + MODELS; seed++) {
            struct shape shape = random_shape_of(a, seed);
            struct random_model m;
            random_model_new(seed, &shape, 1, 8, &m);
            const double kl = mean_kl(&m.model, seed & 1 ? &m.adapters[0] : NULL, seed);
            CHECK_NEAR(kl, 0, 0.02);
            sum += kl;
            random_model_free(&m);
        }
        printf("\n    architecture %d: mean KL %.4f ", (int)a, sum / MODELS);
        CHECK_NEAR(sum / MODELS, 0, 0.01);
    }
}

/* Two pairs of each K head with biases `larger` times the others', as Qwen 2.5 has them; balanced as bake does it. */
static double kl_with_key_biases(int larger, bool balanced)
{
    enum { MODELS = 6 };
    double sum = 0;
    for (uint64_t seed = 30; seed < 30 + MODELS; seed++) {
        struct shape shape = random_shape_of(ARCHITECTURE_QWEN2, seed);
        struct random_model m;
        shape.head_dim = 64;
        random_model_new(seed, &shape, 0, 8, &m);
        for (int32_t layer = 0; layer < shape.n_layers; layer++) {
            struct bias *bias = &m.model.layers[layer].bias[LINEAR_K];
            int16_t *values = (int16_t *)(uintptr_t)bias->m;
            uint8_t *shift = (uint8_t *)(uintptr_t)m.model.layers[layer].k_shift;
            for (int32_t i = 0; i < bias->n; i++) {
                const bool large = i % 64 / 2 == 0 || i % 64 / 2 == 20;
                values[i] = (int16_t)(large ? values[i] : values[i] / larger);
                shift[i / 2] = large && balanced ? (uint8_t)lrint(log2(larger) / 2) : 0;
            }
            bias->exponent += (int32_t)lrint(log2(larger));
        }
        sum += mean_kl(&m.model, NULL, seed) / MODELS;
        random_model_free(&m);
    }
    return sum;
}

/* A head of K has one exponent, so that a few large biases take bits from the others; less so balanced (docs/numbers.md tells the figures). */
static void large_key_biases_cost_bits(void)
{
    for (int larger = 4; larger <= 256; larger *= 4) {
        const double plain = kl_with_key_biases(larger, false), balanced = kl_with_key_biases(larger, true);
        printf("\n    K biases %d times the others': mean KL %.4f, balanced %.4f ", larger, plain, balanced);
        CHECK_NEAR(balanced, 0, larger <= 64 ? 0.02 : 0.1);
        CHECK(larger < 16 || balanced < plain);
    }
}

static void adapters_change_the_logits(void)
{
    struct shape shape = random_shape(3);
    struct random_model m;
    random_model_new(3, &shape, 2, 8, &m);
    struct ref *ref = ref_new(&m.model, TOKENS);
    int64_t *logits[3];
    for (int i = 0; i < 3; i++) {
        logits[i] = malloc((size_t)shape.n_vocab * sizeof *logits[i]);
        struct acc out = {logits[i], 0, 0};
        ref_forward(ref, i < 2 ? &m.adapters[i] : NULL, 5, 0, &out);
    }
    const size_t bytes = (size_t)shape.n_vocab * sizeof *logits[0];
    CHECK(memcmp(logits[0], logits[1], bytes) != 0 && memcmp(logits[0], logits[2], bytes) != 0);
    for (int i = 0; i < 3; i++) {
        free(logits[i]);
    }
    ref_free(ref);
    random_model_free(&m);
}

static void tokens_of_prompt(const struct random_model *m, struct ref *ref, int32_t first, int32_t *hash)
{
    int64_t *logits = malloc((size_t)m->model.shape.n_vocab * sizeof *logits);
    struct acc out = {logits, 0, 0};
    for (int32_t position = first; position < TOKENS; position++) {
        ref_forward(ref, &m->adapters[0], (position * 7 + 1) % m->model.shape.n_vocab, position, position % 3 == 2 ? &out : NULL);
        for (int32_t i = 0; position % 3 == 2 && i < out.n; i++) {
            hash[position] = (int32_t)((uint32_t)hash[position] * 31 + (uint32_t)out.m[i] + (uint32_t)out.exponent);
        }
    }
    free(logits);
}

/* Same bits on every instruction set, and after going back to an earlier position. */
static void bits_depend_on_inputs_only(void)
{
    const enum k_isa before = k_selected();
    for (uint64_t seed = 20; seed < 28; seed++) {
        struct shape shape = random_shape_of((enum architecture)(seed % ARCHITECTURE_COUNT), seed);
        struct random_model m;
        random_model_new(seed, &shape, 1, 16, &m);
        struct ref *ref = ref_new(&m.model, TOKENS);
        int32_t expected[TOKENS] = {0};
        k_select(K_ISA_PLAIN);
        tokens_of_prompt(&m, ref, 0, expected);
        for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
            if (k_select(isa)) {
                int32_t found[TOKENS] = {0};
                memcpy(found, expected, 11 * sizeof *found);
                tokens_of_prompt(&m, ref, 11, found);
                CHECK_EQ_BYTES(found, expected, sizeof found);
            }
        }
        ref_free(ref);
        random_model_free(&m);
    }
    k_select(before);
}

/* One golden value: a change of any operation's bits shows here, and then needs its reason in docs/numbers.md. */
static void bits_are_pinned(void)
{
    struct shape shape = random_shape(1);
    struct random_model m;
    random_model_new(1, &shape, 1, 8, &m);
    struct ref *ref = ref_new(&m.model, TOKENS);
    int32_t hash[TOKENS] = {0};
    tokens_of_prompt(&m, ref, 0, hash);
    CHECK_EQ_UINT((uint32_t)hash[TOKENS - 2], 0xefa92b8cu);
    ref_free(ref);
    random_model_free(&m);
}

static void kl_is_a_divergence(void)
{
    const float a[3] = {0, 1, 2}, b[3] = {5, 6, 7}, c[3] = {2, 1, 0};
    CHECK_NEAR(float_kl(a, b, 3), 0, 1e-12);
    CHECK_NEAR(float_kl(a, c, 3), 1.1504205, 1e-6); /* (p2 - p0) * 2, p = e^i / sum */
}

void suite_kernels_ref(void)
{
    suite_begin("kernels_ref");
    suite_add("integers cost at most KL 0.02 against floating point", integers_cost_little);
    suite_add("and so they do in every architecture", integers_cost_little_in_any_architecture);
    suite_add("large biases of K are within the bar, balanced", large_key_biases_cost_bits);
    suite_add("adapters change the logits", adapters_change_the_logits);
    suite_add("bits depend on the inputs only", bits_depend_on_inputs_only);
    suite_add("the reference's bits are pinned", bits_are_pinned);
    suite_add("KL is a divergence", kl_is_a_divergence);
}
