/* Weights drawn from a seed: the image's own checks, padding, deviations, and the same bytes whatever the number of threads. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/gemv.h"
#include "kernels/matrix_panel.h"
#include "kernels/ref.h"
#include "kernels/threads.h"
#include "sim/architecture.h"
#include "sim/bake.h"
#include "sim/image.h"
#include "sim/model_shape.h"
#include "tests/unit/check.h"

/* Neither rows nor inputs fill blocks and panels. */
static const struct shape RAGGED = {.n_layers = 2,
                                    .d_model = 72,
                                    .n_heads = 3,
                                    .n_kv_heads = 1,
                                    .head_dim = 20,
                                    .d_ff = 150,
                                    .n_vocab = 203,
                                    .context_tokens = 64,
                                    .rms_epsilon = 1e-5f,
                                    .rope_base = 10000.0f};

static void open_drawn(const struct shape *shape, uint64_t seed, struct image *image)
{
    const struct vocab none = {.bos = -1, .eos = -1, .unknown = -1};
    const struct synthetic_model model = {shape, &none, "drawn-1.5b", seed};
    char path[4096];
    struct error e;
    snprintf(path, sizeof path, "%s/drawn.rom", temporary_folder());
    *image = (struct image){0};
    CHECK_GOOD(bake_synthetic(&model, path, NULL, NULL, &e), &e);
    CHECK_GOOD(image_open(path, image, &e), &e);
}

static void same_seed_same_image(void)
{
    const int32_t before = threads_count();
    uint64_t first = 0;
    for (int32_t n = 1; n <= 4; n++) {
        struct image image;
        threads_set(n);
        open_drawn(&RAGGED, 5, &image);
        first = n == 1 ? image.hash : first;
        CHECK_EQ_UINT(image.hash, first);
        CHECK_EQ_TEXT(image.name, "drawn-1.5b");
        image_close(&image);
    }
    threads_set(before);
    struct image other;
    open_drawn(&RAGGED, 6, &other);
    CHECK(other.hash != first);
    image_close(&other);
}

/* Codes of rows and inputs that the matrix does not have. */
static int64_t codes_in_padding(const struct matrix *w)
{
    int64_t found = 0;
    for (int32_t row = 0; row < matrix_blocks(w) * BLOCK_ROWS; row++) {
        for (int32_t i = 0; i < matrix_panels(w) * PANEL_INPUTS; i++) {
            const uint8_t *panel = w->data + row / BLOCK_ROWS * matrix_block_bytes(w) + i / PANEL_INPUTS * matrix_panel_bytes(w);
            const int j = CHUNK_INPUTS * (row % BLOCK_ROWS) + i % CHUNK_INPUTS;
            const int code = panel_code(w->format, panel + matrix_panel_scales(w), i % PANEL_INPUTS / CHUNK_INPUTS, j);
            found += code != 0 && (row >= w->n_out || i >= w->n_in);
        }
    }
    return found;
}

/* Root mean square of all weights. */
static double deviation(const struct matrix *w)
{
    double sum = 0;
    int16_t row[256];
    for (int32_t o = 0; o < w->n_out; o++) {
        matrix_unpack_row(w, o, row);
        for (int32_t i = 0; i < w->n_in; i++) {
            sum += (double)row[i] * row[i];
        }
    }
    return ldexp(sqrt(sum / ((double)w->n_out * w->n_in)), w->exponent);
}

static void matrices_are_as_promised(void)
{
    struct image image;
    open_drawn(&RAGGED, 1, &image);
    const struct model *m = &image.model;
    REQUIRE(m->layers != NULL);
    CHECK_NEAR(deviation(&m->embedding), 1.0, 0.08);
    CHECK_NEAR(deviation(&m->head) * sqrt(72), 2.0, 0.16);
    CHECK_NEAR(deviation(&m->layers[1].linear[LINEAR_GATE]) * sqrt(72), 1.0, 0.08);
    CHECK_NEAR(deviation(&m->layers[1].linear[LINEAR_DOWN]) * sqrt(150 * 4), 1.0, 0.08); /* 2 layers: adds to the stream four times */
    CHECK_EQ_INT(codes_in_padding(&m->embedding), 0);
    for (int which = 0; which < LINEAR_COUNT; which++) {
        CHECK_EQ_INT(codes_in_padding(&m->layers[0].linear[which]), 0);
    }
    CHECK_NEAR(ldexp(m->final_norm.m[7], m->final_norm.exponent), 1.0, 1e-4);
    image_close(&image);
}

/* A shape that says so has linears in MXFP4: its codebook, scales that are powers of two, the ROM bits of the shape, and about the deviation. */
static void linears_can_be_mxfp4(void)
{
    static const int8_t e2m1_times_two[CODEBOOK_MAX] = {-12, -8, -6, -4, -3, -2, -1, 0, 0, 1, 2, 3, 4, 6, 8, 12};
    struct shape shape = RAGGED;
    struct image image;
    shape.linear_format = WEIGHT_W4;
    open_drawn(&shape, 1, &image);
    REQUIRE(image.model.layers != NULL);
    const struct matrix *gate = &image.model.layers[1].linear[LINEAR_GATE];
    CHECK_EQ_INT(gate->format, WEIGHT_W4);
    CHECK_EQ_BYTES(gate->codebook, e2m1_times_two, CODEBOOK_MAX);
    for (int row = 0; row < BLOCK_ROWS; row++) {
        CHECK(gate->data[row] == 16 || gate->data[row] == 32);
    }
    CHECK_EQ_INT(codes_in_padding(gate), 0);
    const double root = deviation(gate) * sqrt(72);
    CHECK(root > 0.65 && root < 1.55); /* within a power of two's rounding */
    CHECK_EQ_INT(image.rom_bits, shape_rom_bits(&shape));
    CHECK_EQ_INT(image.model.head.format, WEIGHT_W6);
    image_close(&image);
}

/* Every kind of model runs, and its logits say different things at different positions. */
static void models_run(void)
{
    struct shape shapes[4] = {RAGGED, RAGGED, RAGGED, RAGGED};
    shapes[3].linear_format = WEIGHT_W4;
    shapes[1].tied_head = true;
    architecture_apply(ARCHITECTURE_QWEN2, &shapes[1]);
    architecture_apply(ARCHITECTURE_GEMMA3, &shapes[2]);
    for (int i = 0; i < 4; i++) {
        struct image image;
        open_drawn(&shapes[i], 3, &image);
        REQUIRE(image.model.layers != NULL);
        struct acc logits[2] = {{calloc(203, 8), 203, 0}, {calloc(203, 8), 203, 0}};
        struct ref *ref = ref_new(&image.model, 2);
        ref_forward(ref, NULL, 17, 0, &logits[0]);
        ref_forward(ref, NULL, 18, 1, &logits[1]);
        CHECK(memcmp(logits[0].m, logits[1].m, 203 * sizeof(int64_t)) != 0);
        double largest = 0;
        for (int32_t v = 0; v < 203; v++) {
            largest = fmax(largest, fabs(ldexp((double)logits[1].m[v], logits[1].exponent)));
        }
        CHECK(largest > 0.5 && largest < 200); /* of a deviation of 2, or for a tied head the token's own product */
        ref_free(ref);
        free(logits[0].m);
        free(logits[1].m);
        image_close(&image);
    }
}

void suite_synthetic(void)
{
    suite_begin("synthetic");
    suite_add("the same seed gives the same image", same_seed_same_image);
    suite_add("matrices are as promised", matrices_are_as_promised);
    suite_add("linears can be MXFP4", linears_can_be_mxfp4);
    suite_add("models run", models_run);
}
