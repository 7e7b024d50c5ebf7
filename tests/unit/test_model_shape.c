/* Shape files: complaints with line and key, the presets against their published sizes, ROM bits against a baked model. */
#include <string.h>

#include "adapters/synthetic.h"
#include "sim/image.h"
#include "sim/model_shape.h"
#include "sim/presets.h"
#include "tests/unit/check.h"

#define WITHOUT_LAYERS                                                                                             \
    "source: here\nd_model: 8\nn_heads: 4\nn_kv_heads: 2\nhead_dim: 4\nd_ff: 8\nn_vocab: 16\ncontext_tokens: 32\n" \
    "tied_head: true\nrms_epsilon: 1e-5\nrope_base: 10000\n"
#define GOOD "n_layers: 2\n" WITHOUT_LAYERS

static bool parse(const char *text, struct model_shape *model, struct error *e)
{
    return model_shape_parse(text, strlen(text), "s.yaml", model, e);
}

static void complains_with_line_and_key(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "s.yaml:1: expected a map"},
        {WITHOUT_LAYERS, "n_layers: expected in a model's shape, and missing"},
        {"n_layers: 0\n" WITHOUT_LAYERS, "s.yaml:1: n_layers: expected an integer from 1 to 1024, found '0'"},
        {"n_layers: 1e3\n" WITHOUT_LAYERS, "s.yaml:1: n_layers: expected an integer"},
        {"n_layers: '2'\n" WITHOUT_LAYERS, "s.yaml:1: n_layers: expected an integer"},
        {GOOD "n_layers: 2\n", "s.yaml:13: n_layers: expected once, given before in line 1"},
        {GOOD "n_layer: 2\n", "did you mean 'n_layers'"},
        {GOOD "architecture: gpt2\n", "s.yaml:13: architecture: expected one of llama, qwen2, qwen3, gemma3, phi3, found \"gpt2\""},
        {GOOD "weights: w4\n", "s.yaml:13: weights: expected w3 or mxfp4, found \"w4\""},
        {GOOD "rotary_dim: 6\n", "rotary_dim: expected an even number of at most head_dim (4), found 6"},
        {GOOD "global_period: 6\n", "global_period and rope_base_local: expected with window_tokens only"},
        {GOOD "rope_gain: 4\n", "s.yaml:13: rope_gain"},
        {GOOD "---\n" GOOD, "expected one document"},
        {"source: here\nn_layers: [\n", "not YAML"},
    };
    struct model_shape model;
    struct error e;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e = (struct error){0};
        CHECK(!parse(bad[i].text, &model, &e));
        CHECK_CONTAINS(e.message, bad[i].message);
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    }
    REQUIRE_GOOD(parse(GOOD, &model, &e), &e);
    CHECK_EQ_INT(model.shape.n_layers, 2);
    CHECK(model.shape.tied_head && model.shape.rope_base == 10000.0f);
    CHECK_EQ_INT(strcmp(model.source, "here"), 0);
    REQUIRE_GOOD(parse(GOOD "architecture: gemma3\nwindow_tokens: 4\nglobal_period: 2\nrope_base_local: 100\n", &model, &e), &e);
    CHECK(model.shape.qk_norm && model.shape.post_norms && model.shape.scaled_embedding && !model.shape.qkv_bias);
    CHECK(shape_is_local(&model.shape, 0) && !shape_is_local(&model.shape, 1));
}

static void checks_keys_against_each_other(void)
{
    char text[512];
    struct model_shape model;
    struct error e;
    static const struct {
        int heads, kv_heads, head_dim;
        const char *message;
    } bad[] = {{4, 3, 4, "n_kv_heads: expected a divisor of n_heads (4), found 3"},
               {4, 2, 5, "head_dim: expected an even number, found 5"},
               {1024, 2, 1024, "n_heads: expected n_heads * head_dim of at most"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text,
                 "source: x\nn_layers: 1\nd_model: 8\nn_heads: %d\nn_kv_heads: %d\nhead_dim: %d\nd_ff: 8\nn_vocab: 16\ncontext_tokens: 32\n"
                 "tied_head: false\nrms_epsilon: 0\nrope_base: 1\n",
                 bad[i].heads, bad[i].kv_heads, bad[i].head_dim);
        CHECK(!parse(text, &model, &e));
        CHECK_CONTAINS(e.message, bad[i].message);
    }
}

/* Weights of matrices and norms, biases. */
static int64_t n_weights(const struct shape *s)
{
    int64_t layer = 0;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        layer += (int64_t)shape_n_in(s, which) * shape_n_out(s, which);
    }
    return s->n_layers * layer + shape_vector_values(s) + (int64_t)s->n_vocab * s->d_model * (s->tied_head ? 1 : 2);
}

/* The numbers of parameters that the models' publishers give (safetensors metadata). */
static void presets_have_their_published_size(void)
{
    static const struct {
        const char *name;
        int64_t published;
    } models[] = {
        {"llama-3.1-8b", 8030261248},       {"llama-3.2-1b", 1235814400}, {"llama-3.2-3b", 3212749824}, {"smollm2-135m", 134515008},
        {"smollm2-360m", 361821120},        {"smollm2-1.7b", 1711376384}, {"qwen2.5-0.5b", 494032768},  {"qwen2.5-1.5b", 1543714304},
        {"gemma-3-270m", 268098176},        {"phi-4-mini", 3836021760},   {"dense-20b", 20188206080}, /* a guess: nobody has published it */
        {"llama-3.2-3b-mxfp4", 3212749824},
    };
    struct preset_list list;
    struct error e;
    REQUIRE_GOOD(presets_list("models", ".yaml", &list, &e), &e);
    CHECK_EQ_INT(list.count, (int)(sizeof models / sizeof *models));
    presets_free(&list);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct model_shape model;
        REQUIRE_GOOD(model_shape_load(models[i].name, &model, &e), &e);
        CHECK_EQ_INT(n_weights(&model.shape), models[i].published);
    }
}

/* Counted by hand: MXFP4 takes 4 bits and a shared exponent of 8 for 32 weights, w3 a scale of 6; embedding and head 6 and 6. */
static void weights_take_their_bits(void)
{
    struct model_shape model;
    struct error e;
    const int64_t d = 5120, kv = 1024, ff = 21504, vocab = 128256, weights = 48 * (2 * d * d + 2 * d * kv + 3 * d * ff);
    const int64_t rest = 2 * vocab * d * (6 * 32 + 6) / 32 + 16 * (2 * 48 + 1) * d;
    REQUIRE_GOOD(model_shape_load("dense-20b", &model, &e), &e);
    CHECK_EQ_INT(model.shape.linear_format, WEIGHT_W4);
    CHECK_EQ_INT(shape_rom_bits(&model.shape), weights * (4 * 32 + 8) / 32 + rest);
    model.shape.linear_format = WEIGHT_W3;
    CHECK_EQ_INT(shape_rom_bits(&model.shape), weights * (3 * 32 + 6) / 32 + rest);
    REQUIRE_GOOD(parse(GOOD "weights: w3\n", &model, &e), &e);
    CHECK_EQ_INT(model.shape.linear_format, WEIGHT_W3);
    REQUIRE_GOOD(parse(GOOD, &model, &e), &e);
    CHECK_EQ_INT(model.shape.linear_format, WEIGHT_W3);
}

static void opens_without_weights(void)
{
    struct image image, baked;
    struct error e;
    REQUIRE_GOOD(image_open_model("sample", NULL, &baked, &e), &e);
    REQUIRE_GOOD(image_open_shape("sample", NULL, &image, &e), &e); /* a GGUF file: the vocabulary is there */
    CHECK(image.shape_only && !image.model.layers);
    CHECK_EQ_BYTES(&image.model.shape, &baked.model.shape, sizeof image.model.shape);
    CHECK_EQ_INT(image.vocab.n_tokens, baked.vocab.n_tokens);
    CHECK_EQ_INT(image.rom_bits, baked.rom_bits);
    CHECK_EQ_INT(strcmp(image.name, baked.name), 0);
    image_close(&image);
    image_close(&baked);
    CHECK(!image_open_model("llama-3.2-1b", NULL, &image, &e));
    CHECK_CONTAINS(e.message, "--timing-only");
    REQUIRE_GOOD(image_open_shape("llama-3.2-1b", NULL, &image, &e), &e);
    CHECK_EQ_INT(strcmp(image.name, "llama-3.2-1b"), 0);
    CHECK_EQ_INT(image.vocab.n_tokens, 0);
    image_close(&image);
    CHECK(!image_open_shape("llama-3.2-1", NULL, &image, &e));
    CHECK_CONTAINS(e.message, "did you mean 'llama-3.2-1b'");
}

static void synthetic_adapters_have_a_rank(void)
{
    static const char *const bad[] = {"synthetic:",   "synthetic:0",  "synthetic:129",
                                      "synthetic:4x", "synthetic:-1", "synthetic:99999999999"};
    struct model_shape model;
    struct adapter adapter;
    struct error e;
    int32_t rank;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(adapter_is_synthetic(bad[i], &rank, &e));
        CHECK_EQ_INT(rank, 0);
        CHECK_CONTAINS(e.message, "expected synthetic:RANK with a rank of 1 to 128");
    }
    CHECK(!adapter_is_synthetic("clinical", &rank, &e));
    CHECK(adapter_is_synthetic("synthetic:16", &rank, &e));
    CHECK_EQ_INT(rank, 16);
    REQUIRE_GOOD(model_shape_load("llama-3.1-8b", &model, &e), &e);
    REQUIRE_GOOD(adapter_synthetic("a", &model.shape, rank, (struct synthetic_ends){false, false}, &adapter, &e), &e);
    /* 2,621,440 weights of 6 bits for each unit of rank; scales of 16 bits for rank rows and outputs */
    int64_t outputs = 4096 + 2 * 1024 + 4096 + 2 * 14336 + 4096;
    int64_t layers = 6 * 16 * (int64_t)2621440 + 16 * 32 * (outputs + 7 * 16);
    CHECK_EQ_INT(adapter.packed_bits, layers);
    adapter_free(&adapter);
    REQUIRE_GOOD(adapter_synthetic("a", &model.shape, rank, (struct synthetic_ends){.head = true}, &adapter, &e), &e);
    CHECK_EQ_INT(adapter.packed_bits, layers + 6 * 16 * (int64_t)(4096 + 128256) + 16 * (16 + 128256));
    CHECK_EQ_INT(adapter_first_layer(&adapter), 0);
    CHECK_EQ_INT(adapter_last_layer(&adapter), 32);
    adapter_free(&adapter);
}

void suite_model_shape(void);
void suite_model_shape(void)
{
    suite_begin("model_shape");
    suite_add("a bad shape file is named with line and key", complains_with_line_and_key);
    suite_add("heads that do not fit each other are refused", checks_keys_against_each_other);
    suite_add("each preset has as many weights as its publisher says", presets_have_their_published_size);
    suite_add("linears in w3 or MXFP4 take as many ROM bits", weights_take_their_bits);
    suite_add("a GGUF file or a preset gives a model without weights", opens_without_weights);
    suite_add("synthetic:RANK names an adapter without values, of the right size", synthetic_adapters_have_a_rank);
}
