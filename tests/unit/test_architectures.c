/* Models of every architecture from GGUF: what is read, what is baked, and what a broken file is told. */
#include "sim/architecture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/ref.h"
#include "kernels/ref_float.h"
#include "sim/bake.h"
#include "sim/gguf_float.h"
#include "sim/gguf_model.h"
#include "sim/image.h"
#include "tests/unit/check.h"
#include "tests/unit/gguf_writer.h"

enum { TOKENS = 20, VOCAB = 70 };

static struct bytes model_bytes(const struct test_llama *m)
{
    struct gguf_writer w = {0};
    gguf_write_llama(&w, m);
    return gguf_written(&w);
}

/* The file's weights in floating point, the image's in floating point and in integers: with weights on the chip's grid the first two are the
 * same function, whatever the order of rows, the fused matrices and the scaled residual stream between them. */
static void check_values(const struct gguf *g, const struct model *model)
{
    struct float_model from_file, from_image;
    struct error e;
    REQUIRE_GOOD(gguf_float_model(g, &from_file, &e), &e);
    REQUIRE(float_model_from_image(model, NULL, &from_image));
    struct ref_float *file = ref_float_new(&from_file, TOKENS), *image = ref_float_new(&from_image, TOKENS);
    struct ref *integers = ref_new(model, TOKENS);
    int64_t m[VOCAB];
    struct acc logits = {m, VOCAB, 0};
    double kl = 0, largest = 0, spread = 0;
    for (int32_t position = 0; position < TOKENS; position++) {
        float a[VOCAB], b[VOCAB], c[VOCAB];
        const int32_t token = (7 + 11 * position) % VOCAB;
        ref_float_forward(file, token, position, a);
        ref_float_forward(image, token, position, b);
        ref_forward(integers, NULL, token, position, &logits);
        acc_to_float(&logits, c);
        for (int i = 0; i < VOCAB; i++) {
            largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
            spread = fmax(spread, fabs((double)a[i] - (double)a[0]));
        }
        kl += float_kl(a, c, VOCAB) / TOKENS;
    }
    CHECK(spread > 0.1);
    CHECK_NEAR(largest / spread, 0, 2e-5);
    CHECK_NEAR(kl, 0, 0.002);
    ref_float_free(file);
    ref_float_free(image);
    ref_free(integers);
    float_model_free(&from_file);
    float_model_free(&from_image);
}

static void check_shape(const struct shape *found, const struct shape *expected)
{
    CHECK_EQ_INT(found->architecture, expected->architecture);
    CHECK_EQ_INT(found->n_layers, expected->n_layers);
    CHECK_EQ_INT(found->head_dim, expected->head_dim);
    CHECK_EQ_INT(found->context_tokens, expected->context_tokens);
    CHECK_EQ_INT(found->tied_head, expected->tied_head);
    CHECK_EQ_INT(found->qkv_bias, expected->qkv_bias);
    CHECK_EQ_INT(found->qk_norm, expected->qk_norm);
    CHECK_EQ_INT(found->post_norms, expected->post_norms);
    CHECK_EQ_INT(found->scaled_embedding, expected->scaled_embedding);
    CHECK_EQ_INT(found->activation, expected->activation);
    CHECK_EQ_INT(found->rotary_dim, expected->rotary_dim);
    CHECK_EQ_INT(found->window_tokens, expected->window_tokens);
    CHECK_EQ_INT(found->global_period, expected->global_period);
    CHECK_NEAR(found->rope_gain, expected->rope_gain, 0);
    CHECK_NEAR(found->rope_base_local, expected->rope_base_local, 0);
}

static void files_become_images(void)
{
    for (int i = 0; i < 2 * ARCHITECTURE_COUNT; i++) {
        struct test_llama m = {.shape = test_shape_of((enum architecture)(i / 2)), .on_grid = true, .seed = (uint64_t)i};
        m.rope_factors = i % 2;
        m.shape.tied_head = i % 3 != 0;
        struct bytes file = model_bytes(&m);
        struct gguf g;
        struct image image;
        struct error e;
        REQUIRE_GOOD(image_open_model(bytes_to_file(&file, "arch.gguf"), NULL, &image, &e), &e);
        REQUIRE_GOOD(gguf_open_memory("arch.gguf", file.data, file.size, &g, &e), &e);
        check_shape(&image.model.shape, &m.shape);
        check_values(&g, &image.model);
        image_close(&image);
        gguf_close(&g);
        bytes_free(&file);
    }
}

/* Phi 3 has two sets of RoPE factors; the short one goes with the context first trained for. */
static void the_long_context_is_asked_for(void)
{
    struct test_llama m = {.shape = test_shape_of(ARCHITECTURE_PHI3), .on_grid = true, .rope_factors = true};
    struct bytes file = model_bytes(&m);
    struct image image[2];
    struct bake_options options;
    struct error e;
    char path[4096];
    snprintf(path, sizeof path, "%s/long.rom", temporary_folder());
    bake_options_default(&options);
    for (int i = 0; i < 2; i++) {
        options.long_rope = i == 1;
        REQUIRE_GOOD(bake(bytes_to_file(&file, "long.gguf"), path, &options, NULL, &e), &e);
        REQUIRE_GOOD(image_open(path, &image[i], &e), &e);
        CHECK_EQ_INT(image[i].model.shape.context_tokens, i ? 256 : 128);
        CHECK_EQ_INT(image[i].model.rope_gain_q14, 5 << 12);
    }
    /* factors 1 + i / 2 and 1 + 3 i, of i = 2: 2 and 7 */
    CHECK_NEAR((double)image[0].model.rope_increment[2] * 2 / ((double)image[1].model.rope_increment[2] * 7), 1, 1e-12);
    image_close(&image[0]);
    image_close(&image[1]);
    bytes_free(&file);
    struct test_llama llama = {.shape = TEST_SHAPE};
    file = model_bytes(&llama);
    CHECK(!bake(bytes_to_file(&file, "short.gguf"), path, &options, NULL, &e));
    CHECK_CONTAINS(e.message, "expected a model with RoPE factors for a long context");
    bytes_free(&file);
}

static void shapes_of_all_can_be_drawn(void)
{
    for (enum architecture a = 0; a < ARCHITECTURE_COUNT; a++) {
        const struct shape shape = test_shape_of(a);
        const struct vocab none = {.kind = VOCAB_NONE, .bos = -1, .eos = -1, .unknown = -1};
        char path[4096];
        struct image image;
        struct error e;
        int64_t m[VOCAB];
        struct acc logits = {m, VOCAB, 0};
        snprintf(path, sizeof path, "%s/drawn.rom", temporary_folder());
        REQUIRE_GOOD(
            bake_synthetic(&(struct synthetic_model){.shape = &shape, .vocab = &none, .name = "drawn", .seed = 1}, path, NULL, NULL, &e),
            &e);
        REQUIRE_GOOD(image_open(path, &image, &e), &e);
        check_shape(&image.model.shape, &shape);
        struct ref *ref = ref_new(&image.model, TOKENS);
        ref_forward(ref, NULL, 1, 0, &logits);
        CHECK(m[0] != m[1] || m[1] != m[2]);
        ref_free(ref);
        image_close(&image);
    }
}

static void rotated_halves_become_neighbours(void)
{
    static const int32_t whole[8] = {0, 4, 1, 5, 2, 6, 3, 7}, part[8] = {0, 2, 1, 3, 4, 5, 6, 7};
    for (int32_t i = 0; i < 8; i++) {
        CHECK_EQ_INT(halves_row(i, 8, 8), whole[i]);
        CHECK_EQ_INT(halves_row(16 + i, 8, 8), 16 + whole[i]);
        CHECK_EQ_INT(halves_row(8 + i, 8, 4), 8 + part[i]);
    }
}

/* --- mistakes --- */

static void check_bad(struct gguf_writer *w, const char *expected)
{
    struct bytes file = gguf_written(w);
    struct gguf g;
    struct gguf_model m;
    struct error e = {0};
    REQUIRE_GOOD(gguf_open_memory("m.gguf", file.data, file.size, &g, &e), &e);
    CHECK(!gguf_model(&g, &m, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, expected);
    gguf_close(&g);
    bytes_free(&file);
}

/* Tensors of one shape under the keys of another: what the second asks for is missing, or of another size. */
static void wrong_tensors_are_told(void)
{
    static const struct {
        enum architecture keys, tensors;
        const char *expected;
    } cases[] = {
        {ARCHITECTURE_QWEN2, ARCHITECTURE_LLAMA, "tensor blk.0.attn_q.bias: expected with shape [1, 64], found no such tensor"},
        {ARCHITECTURE_QWEN3, ARCHITECTURE_LLAMA, "tensor blk.0.attn_q_norm.weight: expected with shape [1, 16], found no such tensor"},
        {ARCHITECTURE_GEMMA3, ARCHITECTURE_LLAMA, "tensor blk.0.attn_q.weight at byte"},
        {ARCHITECTURE_PHI3, ARCHITECTURE_LLAMA, "tensor blk.0.attn_qkv.weight: expected with shape [128, 64], found no such tensor"},
        {ARCHITECTURE_LLAMA, ARCHITECTURE_QWEN2, "tensor blk.0.attn_k.bias at byte"},
        {ARCHITECTURE_LLAMA, ARCHITECTURE_PHI3, "tensor blk.0.attn_q.weight: expected with shape [64, 64], found no such tensor"},
        {ARCHITECTURE_QWEN2, ARCHITECTURE_QWEN3, "tensor blk.0.attn_q.bias: expected with shape [1, 64], found no such tensor"},
        {ARCHITECTURE_LLAMA, ARCHITECTURE_QWEN3, "expected a tensor of a llama model of 2 layers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf_writer w = {0};
        struct shape keys = test_shape_of(cases[i].keys);
        gguf_write_llama_keys(&w, &keys);
        gguf_write_llama_tensors(&w, &(struct test_llama){.shape = test_shape_of(cases[i].tensors)});
        check_bad(&w, cases[i].expected);
    }
}

/* A key more, or another figure under a key. */
static void wrong_keys_are_told(void)
{
    static const struct {
        enum architecture architecture;
        const char *key;
        bool is_float;
        float value;
        const char *expected;
    } cases[] = {
        {ARCHITECTURE_QWEN2, "qwen2.expert_count", false, 4, "key qwen2.expert_count"},
        {ARCHITECTURE_GEMMA3, "gemma3.final_logit_softcapping", true, 30, "expected 0 (soft caps have no chip), found 30"},
        {ARCHITECTURE_GEMMA3, "gemma3.attn_logit_softcapping", true, 50, "expected 0 (soft caps have no chip), found 50"},
        {ARCHITECTURE_PHI3, "phi3.rope.scaling.original_context_length", false, 0, "key phi3.rope.scaling.original_context_length"},
        {ARCHITECTURE_QWEN2, "qwen2.attention.value_length", false, 8, "key qwen2.attention.value_length"},
        {ARCHITECTURE_QWEN3, "qwen3.attention.sliding_window", true, 4, "key qwen3.attention.sliding_window"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf_writer w = {0};
        const struct test_llama m = {.shape = test_shape_of(cases[i].architecture)};
        gguf_write_llama_keys(&w, &m.shape);
        if (cases[i].is_float) {
            gguf_write_f32(&w, cases[i].key, cases[i].value);
        } else {
            gguf_write_u32(&w, cases[i].key, (uint32_t)cases[i].value);
        }
        gguf_write_llama_tensors(&w, &m);
        check_bad(&w, cases[i].expected);
    }
}

static void wrong_shapes_are_told(void)
{
    struct gguf_writer w = {0};
    struct test_llama m = {.shape = test_shape_of(ARCHITECTURE_PHI3)};
    m.shape.rotary_dim = 18;
    gguf_write_llama_keys(&w, &m.shape);
    gguf_write_llama_tensors(&w, &m);
    check_bad(&w, "key phi3.rope.dimension_count: expected an even number of at most the head dimension 16, found 18");
    m.shape = test_shape_of(ARCHITECTURE_PHI3);
    m.shape.rope_gain = 5;
    gguf_write_llama_keys(&w, &m.shape);
    gguf_write_llama_tensors(&w, &m);
    check_bad(&w, "key phi3.rope.scaling.attn_factor: expected 0.1 to 3.9, found 5");
    m.shape = test_shape_of(ARCHITECTURE_GEMMA3);
    m.shape.n_layers = 62;
    gguf_write_llama_keys(&w, &m.shape);
    gguf_write_llama_tensors(&w, &m);
    check_bad(&w, "found 62 layers (Gemma 3 27B)");
}

/* Newer files list the layers. */
static void patterns_can_be_lists(void)
{
    static const struct {
        uint8_t local[6];
        int32_t period;
        const char *expected;
    } cases[] = {
        {{1, 1, 0, 1, 1, 0}, 3, NULL},
        {{0, 0, 0, 0, 0, 0}, 1, NULL},
        {{1, 1, 1, 1, 1, 1}, 0, NULL},
        {{1, 0, 1, 0, 0, 0}, 0, "expected every so many-th layer to be global, found another at layer 4"},
        {{1, 1, 0, 1, 1, 1}, 0, "expected every so many-th layer to be global, found another at layer 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf_writer w = {0};
        struct test_llama m = {.shape = test_shape_of(ARCHITECTURE_GEMMA3)};
        m.shape.n_layers = 6;
        m.shape.window_tokens = 0; /* its keys are written here */
        gguf_write_llama_keys(&w, &m.shape);
        gguf_write_u32(&w, "gemma3.attention.sliding_window", 9);
        gguf_write_array(&w, "gemma3.attention.sliding_window_pattern", GGUF_BOOL, cases[i].local, 6, 1);
        gguf_write_llama_tensors(&w, &m);
        if (cases[i].expected) {
            check_bad(&w, cases[i].expected);
            continue;
        }
        struct bytes file = gguf_written(&w);
        struct gguf g;
        struct gguf_model read;
        struct error e;
        REQUIRE_GOOD(gguf_open_memory("m.gguf", file.data, file.size, &g, &e), &e);
        REQUIRE_GOOD(gguf_model(&g, &read, &e), &e);
        CHECK_EQ_INT(read.shape.global_period, cases[i].period);
        CHECK_EQ_INT(read.shape.window_tokens, 9);
        gguf_model_free(&read);
        gguf_close(&g);
        bytes_free(&file);
    }
}

void suite_architectures(void)
{
    suite_begin("architectures");
    suite_add("files of every architecture become images that compute the same", files_become_images);
    suite_add("Phi 3's long context is asked for", the_long_context_is_asked_for);
    suite_add("models of every architecture can be drawn", shapes_of_all_can_be_drawn);
    suite_add("rotated halves become neighbours", rotated_halves_become_neighbours);
    suite_add("patterns of local layers can be lists", patterns_can_be_lists);
    suite_add("missing and unknown tensors are told", wrong_tensors_are_told);
    suite_add("mistakes in keys are told", wrong_keys_are_told);
    suite_add("mistakes in shapes are told", wrong_shapes_are_told);
}
