/* ROM images: does baking keep what it should, bit by bit, and is a broken image or model told and nothing left behind? */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "kernels/gemv.h"
#include "sim/bake.h"
#include "sim/gguf_float.h"
#include "sim/gguf_model.h"
#include "sim/image.h"
#include "sim/image_format.h"
#include "sim/image_internal.h"
#include "tests/unit/check.h"
#include "tests/unit/gguf_writer.h"

/* --- baking --- */

static struct test_llama test_model(bool on_grid)
{
    return (struct test_llama){.shape = TEST_SHAPE, .on_grid = on_grid, .seed = 1};
}

static const char *model_file(const struct test_llama *m, const char *name)
{
    struct gguf_writer w = {0};
    gguf_write_llama(&w, m);
    struct bytes file = gguf_written(&w);
    const char *path = bytes_to_file(&file, name);
    bytes_free(&file);
    return path;
}

static const char *temporary_file(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", temporary_folder(), name);
    return path;
}

/* Every weight of the image against the file's, within `tolerance` of the tensor's largest. */
static void compare_matrix(const struct gguf *g, const char *name, const struct matrix *w, double tolerance)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    float *row = calloc((size_t)w->n_in, sizeof *row);
    int16_t *values = calloc((size_t)w->n_in, sizeof *values);
    int64_t wrong = 0;
    ES_ASSERT(t && row && values && t->n_rows == w->n_out && t->dims[0] == w->n_in);
    for (int32_t r = 0; r < w->n_out; r++) {
        gguf_row(t, r, row);
        matrix_unpack_row(w, r, values);
        for (int32_t i = 0; i < w->n_in; i++) {
            wrong += fabs((double)row[i] - ldexp(values[i], w->exponent)) > tolerance;
        }
    }
    free(row);
    free(values);
    CHECK_EQ_INT(wrong, 0);
}

static void compare_norm(const struct gguf *g, const char *name, const struct norm *norm)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    float row[64];
    REQUIRE(t && norm->n == 64 && t->dims[0] == 64);
    gguf_row(t, 0, row);
    for (int i = 0; i < 64; i++) {
        CHECK_NEAR(ldexp(norm->m[i], norm->exponent), row[i], 0);
    }
}

static void compare_model(const char *gguf_path, const struct model *m, double tolerance)
{
    struct gguf g;
    struct error e;
    char name[64];
    REQUIRE_GOOD(gguf_open(gguf_path, &g, &e), &e);
    compare_matrix(&g, "token_embd.weight", &m->embedding, tolerance);
    compare_matrix(&g, m->shape.tied_head ? "token_embd.weight" : "output.weight", &m->head, tolerance);
    compare_norm(&g, "output_norm.weight", &m->final_norm);
    for (int32_t layer = 0; layer < m->shape.n_layers; layer++) {
        snprintf(name, sizeof name, "blk.%d.attn_norm.weight", layer);
        compare_norm(&g, name, &m->layers[layer].attention_norm);
        snprintf(name, sizeof name, "blk.%d.ffn_norm.weight", layer);
        compare_norm(&g, name, &m->layers[layer].ffn_norm);
        for (int which = 0; which < LINEAR_COUNT; which++) {
            snprintf(name, sizeof name, "blk.%d.%s.weight", layer, LINEAR_NAMES[which]);
            compare_matrix(&g, name, &m->layers[layer].linear[which], tolerance);
        }
    }
    gguf_close(&g);
}

static void on_grid_models_bake_exactly(void)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct test_llama m = test_model(true);
        m.seed = seed;
        m.shape.tied_head = seed % 2 == 0;
        m.rope_factors = seed == 3;
        const char *path = model_file(&m, "grid.gguf"), *image_path = temporary_file("grid.rom");
        struct bake_report report;
        struct image image;
        struct error e;
        REQUIRE_GOOD(bake(path, image_path, NULL, &report, &e), &e);
        CHECK_EQ_INT(report.n_tensors, (m.shape.tied_head ? 1 : 2) + 2 * 9 + 1);
        for (int32_t i = 0; i < report.n_tensors; i++) {
            CHECK_NEAR(report.tensors[i].relative_rms_error, 0, 0);
            CHECK_NEAR(report.tensors[i].relative_max_error, 0, 0);
        }
        REQUIRE_GOOD(image_open(image_path, &image, &e), &e);
        CHECK_EQ_TEXT(image.name, "grid");
        CHECK_EQ_INT(image.rom_bits, report.rom_bits);
        CHECK_EQ_INT(image.model.shape.tied_head, m.shape.tied_head);
        CHECK_EQ_INT(image.model.head.data == image.model.embedding.data, m.shape.tied_head);
        compare_model(path, &image.model, 0);
        image_close(&image);
        bake_report_free(&report);
    }
}

/* A file in MXFP4 stays in it, baked or as a shape: 4 bits and 8 for 32 weights, counted by hand. */
static void mxfp4_files_keep_their_format(void)
{
    struct test_llama m = test_model(true);
    m.mxfp4 = true;
    m.shape.d_ff = 96;
    const struct shape *s = &m.shape;
    const int64_t d = s->d_model, q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
    const int64_t weights = s->n_layers * (2 * d * q + 2 * d * kv + 3 * d * s->d_ff);
    const int64_t rest = (s->tied_head ? 1 : 2) * s->n_vocab * d * (6 * 32 + 6) / 32 + 16 * (2 * s->n_layers + 1) * d;
    const char *path = model_file(&m, "mx.gguf");
    struct bake_report report;
    struct image image;
    struct error e;
    REQUIRE_GOOD(image_open_shape(path, NULL, &image, &e), &e);
    CHECK_EQ_INT(image.model.shape.linear_format, WEIGHT_W4);
    CHECK_EQ_INT(image.rom_bits, weights * (4 * 32 + 8) / 32 + rest);
    image_close(&image);
    REQUIRE_GOOD(bake(path, temporary_file("mx.rom"), NULL, &report, &e), &e);
    CHECK_EQ_INT(report.rom_bits, weights * (4 * 32 + 8) / 32 + rest);
    for (int32_t i = 0; i < report.n_tensors; i++) {
        CHECK_NEAR(report.tensors[i].relative_rms_error, 0, 0);
    }
    bake_report_free(&report);
    m.shape.d_ff = TEST_SHAPE.d_ff; /* the same file in F16 */
    m.mxfp4 = false;
    REQUIRE_GOOD(image_open_shape(model_file(&m, "f16.gguf"), NULL, &image, &e), &e);
    CHECK_EQ_INT(image.model.shape.linear_format, WEIGHT_W3);
    image_close(&image);
}

static void constants_are_as_defined(void)
{
    struct test_llama m = test_model(true);
    m.rope_factors = true;
    struct image image;
    struct error e;
    REQUIRE_GOOD(image_open_model(model_file(&m, "constants.gguf"), NULL, &image, &e), &e);
    for (int i = 0; i < m.shape.head_dim / 2; i++) {
        double frequency = pow(10000, -2.0 * i / m.shape.head_dim) / (1 + i), turns = frequency / (2 * 3.14159265358979323846);
        CHECK_NEAR((double)image.model.rope_increment[i], turns * 0x1p64, 0x1p16);
    }
    CHECK_EQ_INT(image.model.softmax_scale_q15, 11819); /* 1.442695 / 4 * 32768 */
    CHECK_EQ_UINT(image.model.final_norm.sqrt_n_q16, 8 * 65536);
    CHECK_NEAR((double)image.model.final_norm.epsilon_q40, 1e-5 * 64 * 0x1p40, 64);
    CHECK_EQ_INT(image.vocab.n_tokens, 70);
    CHECK(memcmp(image.vocab.tokens[69].bytes, "t69", 3) == 0);
    CHECK_EQ_INT(image.vocab.types[1], TOKEN_CONTROL);
    CHECK_NEAR(image.vocab.scores[5], -5, 0);
    CHECK_EQ_INT(image.vocab.bos, 1);
    CHECK(image.vocab.add_bos);
    image_close(&image);
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *folder = opendir(temporary_folder());
    ES_ASSERT(folder != NULL);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        n++;
    }
    closedir(folder);
    return n;
}

static void gaussian_models_report_their_error(void)
{
    struct test_llama m = test_model(false);
    const char *path = model_file(&m, "gauss.gguf"), *image_path = temporary_file("gauss.rom");
    struct bake_options options;
    struct bake_report report;
    struct error e;
    bake_options_default(&options);
    CHECK_GOOD(bake_options_set(&options, "attn_v=6,ffn_down=6", &e), &e);
    int before = files_in_folder();
    REQUIRE_GOOD(bake(path, image_path, &options, &report, &e), &e);
    CHECK_EQ_INT(files_in_folder(), before + 1);
    for (int32_t i = 0; i < report.n_tensors; i++) {
        const struct bake_tensor *t = &report.tensors[i];
        bool six = strstr(t->name, "attn_v") || strstr(t->name, "ffn_down") || strstr(t->name, "token_embd");
        if (t->bits != 16) {
            CHECK_EQ_INT(t->bits, six ? 6 : 3);
            CHECK(six ? t->relative_rms_error < 0.03 : t->relative_rms_error > 0.1 && t->relative_rms_error < 0.18);
            CHECK_NEAR(t->bits_per_weight, t->bits + (strstr(t->name, "ffn_down") ? 6 * 4.0 / 104 : 6.0 / 32), 1e-12);
        }
    }
    bake_report_free(&report);
}

static void threads_do_not_matter(void)
{
    struct test_llama m = test_model(false);
    const char *path = model_file(&m, "threads.gguf");
    struct error e;
    uint64_t hash[3] = {0};
    double rms[3] = {0};
    for (int32_t i = 0; i < 3; i++) {
        struct bake_options options;
        struct bake_report report;
        struct image image;
        bake_options_default(&options);
        options.n_threads = 1 + 3 * i;
        REQUIRE_GOOD(bake(path, temporary_file("threads.rom"), &options, &report, &e), &e);
        REQUIRE_GOOD(image_open(temporary_file("threads.rom"), &image, &e), &e);
        hash[i] = image.hash;
        rms[i] = report.tensors[3].relative_rms_error;
        image_close(&image);
        bake_report_free(&report);
    }
    CHECK_EQ_UINT(hash[1], hash[0]);
    CHECK_EQ_UINT(hash[2], hash[0]);
    CHECK_NEAR(rms[1], rms[0], 0);
    CHECK_NEAR(rms[2], rms[0], 0);
}

static void options_are_checked(void)
{
    static const char *const BAD[] = {"",       "attn_v", "attn_v=",   "attn_v=5",  "attn_v=66",
                                      "attn=6", "=6",     "attn_v=6,", ",attn_v=6", "attn_v=6 "};
    struct bake_options options;
    struct error e = {0};
    for (size_t k = 0; k < sizeof BAD / sizeof *BAD; k++) {
        bake_options_default(&options);
        CHECK(!bake_options_set(&options, BAD[k], &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, "expected CLASS=3, CLASS=4 or CLASS=6");
    }
    CHECK_GOOD(bake_options_set(&options, "linears=6,attn_q=3,output=3,token_embd=3", &e), &e);
    CHECK_EQ_INT(options.linear_bits[LINEAR_Q], 3);
    CHECK_EQ_INT(options.linear_bits[LINEAR_DOWN], 6);
    CHECK_EQ_INT(options.head_bits, 3);
    CHECK_EQ_INT(options.embedding_bits, 3);
    struct test_llama m = test_model(true);
    options.embedding_bits = 6;
    CHECK(!bake(model_file(&m, "tied.gguf"), temporary_file("tied.rom"), &options, NULL, &e));
    CHECK_CONTAINS(e.message, "found a head tied to a 6-bit embedding");
}

/* --- what must not be baked, and leaves nothing --- */

static void check_bad_bake(struct gguf_writer *w, const char *expected)
{
    struct bytes file = gguf_written(w);
    const char *path = bytes_to_file(&file, "bad.gguf"), *target = temporary_file("bad.rom");
    struct bytes old = {0};
    struct error e = {0};
    bytes_add(&old, "what was there before", 21);
    bytes_to_file(&old, "bad.rom");
    int before = files_in_folder();
    CHECK(!bake(path, target, NULL, NULL, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, "bad.gguf: ");
    CHECK_CONTAINS(e.message, expected);
    CHECK_EQ_INT(files_in_folder(), before);
    struct stat st;
    CHECK(stat(target, &st) == 0 && st.st_size == 21);
    bytes_free(&old);
    bytes_free(&file);
}

static void bad_models_leave_nothing(void)
{
    struct test_llama m = test_model(false);
    struct gguf_writer w = {0};
    gguf_write_llama_keys(&w, &m.shape);
    gguf_write_llama_tensors(&w, &m);
    float nan = NAN, large = 1e30f;
    memcpy(w.data.data + w.data.size - 80000 / 4 * 4, &nan, 4); /* in the second layer */
    check_bad_bake(&w, "expected finite weights, found");
    gguf_write_llama_keys(&w, &m.shape);
    gguf_write_llama_tensors(&w, &m);
    memcpy(w.data.data + 64, &large, 4);
    check_bad_bake(&w, "tensor token_embd.weight at byte");
    gguf_write_llama_keys(&w, &m.shape);
    gguf_write_llama_tensors(&w, &m);
    memcpy(w.data.data + w.data.size - 64, &large, 4);
    check_bad_bake(&w, "tensor output_norm.weight at byte");
    gguf_write_llama_keys(&w, &m.shape);
    gguf_write_string(&w, "tokenizer.ggml.model", "gpt2");
    gguf_write_strings(&w, "tokenizer.ggml.tokens", (const char *const[]){"a"}, 1);
    gguf_write_strings(&w, "tokenizer.ggml.merges", NULL, 0);
    gguf_write_llama_tensors(&w, &m);
    check_bad_bake(&w, "key tokenizer.ggml.tokens: expected 70 tokens");
    gguf_write_llama_keys(&w, &m.shape);
    m.rope_factors = true;
    gguf_write_llama_tensors(&w, &m);
    memset(w.data.data + w.data.size - 4, 0, 4);
    check_bad_bake(&w, "tensor rope_freqs.weight at byte");
}

static void bad_targets_are_told(void)
{
    struct test_llama m = test_model(true);
    const char *path = model_file(&m, "target.gguf");
    struct error e = {0};
    CHECK(!bake(path, path, NULL, NULL, &e));
    CHECK_CONTAINS(e.message, "expected an image path other than the model's own file");
    CHECK(!bake(path, "/nonexistent/folder/x.rom", NULL, NULL, &e));
    CHECK_CONTAINS(e.message, "/nonexistent/folder/x.rom");
    CHECK(!bake(path, temporary_folder(), NULL, NULL, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
}

/* --- malformed images --- */

static struct bytes good_image(void)
{
    struct test_llama m = test_model(true);
    struct bytes file = {0};
    struct error e;
    CHECK_GOOD(bake(model_file(&m, "whole.gguf"), temporary_file("whole.rom"), NULL, NULL, &e), &e);
    FILE *f = fopen(temporary_file("whole.rom"), "rb");
    ES_ASSERT(f != NULL);
    char block[4096];
    for (size_t n = fread(block, 1, sizeof block, f); n > 0; n = fread(block, 1, sizeof block, f)) {
        bytes_add(&file, block, n);
    }
    fclose(f);
    return file;
}

/* Memory as aligned as a mapping. */
static bool open_copy(const void *data, size_t size, bool fix_checksum, struct image *image, struct error *e)
{
    uint8_t *copy = aligned_alloc(64, (size + 64) / 64 * 64);
    ES_ASSERT(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (fix_checksum && size > 32) {
        uint64_t checksum = XXH64(copy + 32, size - 32, 0);
        memcpy(copy + 24, &checksum, sizeof checksum);
    }
    bool good = image_open_memory("i.rom", copy, size, true, image, e);
    if (good) {
        image_close(image);
    }
    free(copy);
    return good;
}

/* Each row changes `n` bytes at `offset` of a section (0: of the file). */
static const struct {
    const char *title;
    int section;
    uint64_t offset, value;
    int n;
    const char *expected;
} MUTATIONS[] = {
    {"magic", 0, 0, 'e', 1, "byte 0: expected \"ETCHROM\""},
    {"version", 0, 8, 3, 4, "version at byte 8: expected 4 to 4, found 3"},
    {"sections", 0, 12, 5, 4, "number of sections at byte 12"},
    {"length", 0, 16, 1000, 8, "length at byte 16: expected the file's"},
    {"section's kind", 0, 32, 2, 4, "section kind at byte 32"},
    {"section's zero", 0, 36, 1, 4, "section's zero at byte 36"},
    {"section's offset", 0, 40, 64, 8, "section shape at byte 32: expected offset 256"},
    {"section's size", 0, 48, 1 << 30, 8, "section shape at byte 32"},
    {"size of 2^64 - 1", 0, 48 + 24, UINT64_MAX, 8, "section rope at byte 56"},
    {"padding", 0, 210, 1, 1, "padding at byte 210: expected 0 to 0, found 1"},
    {"layers 0", IMAGE_SHAPE, 64, 0, 4, "number of layers at byte"},
    {"layers 3", IMAGE_SHAPE, 64, 3, 4, "section norms at byte"},
    {"negative width", IMAGE_SHAPE, 68, 0xffffffff, 4, "model width at byte"},
    {"KV heads beyond heads", IMAGE_SHAPE, 76, 8, 4, "number of KV heads at byte"},
    {"KV heads that don't divide", IMAGE_SHAPE, 76, 3, 4, "heads per KV head"},
    {"odd head dimension", IMAGE_SHAPE, 80, 15, 4, "head dimension: the odd part"},
    {"huge FFN", IMAGE_SHAPE, 84, 1 << 18, 4, "matrix outputs at byte"},
    {"vocabulary", IMAGE_SHAPE, 88, 71, 4, "matrix outputs at byte"},
    {"context", IMAGE_SHAPE, 92, 0, 4, "context length at byte"},
    {"tied 2", IMAGE_SHAPE, 96, 2, 4, "tied head at byte"},
    {"untied", IMAGE_SHAPE, 96, 0, 4, "section matrices at byte"},
    {"epsilon NaN", IMAGE_SHAPE, 100, 0x7fc00000, 4, "expected an epsilon of 0 to 1"},
    {"RoPE base", IMAGE_SHAPE, 104, 0, 4, "a RoPE base of at least 1"},
    {"softmax scale", IMAGE_SHAPE, 108, 0, 4, "softmax scale at byte"},
    {"architecture", IMAGE_SHAPE, 112, ARCHITECTURE_COUNT, 4, "architecture at byte"},
    {"architecture with biases", IMAGE_SHAPE, 112, ARCHITECTURE_QWEN2, 4, "section biases at byte"},
    {"architecture with more norms", IMAGE_SHAPE, 112, ARCHITECTURE_QWEN3, 4, "section norms at byte"},
    {"a part of a head turns", IMAGE_SHAPE, 116, 4, 4, "section rope at byte"},
    {"an odd part of a head turns", IMAGE_SHAPE, 116, 5, 4, "turning values of a head: the odd part at byte"},
    {"more than a head turns", IMAGE_SHAPE, 116, 18, 4, "turning values of a head at byte"},
    {"negative window", IMAGE_SHAPE, 120, 0x80000000, 4, "window at byte"},
    {"negative period", IMAGE_SHAPE, 124, 0xffffffff, 4, "layers to a global one at byte"},
    {"gain NaN", IMAGE_SHAPE, 128, 0x7fc00000, 4, "expected a gain of 0 to 4"},
    {"local base", IMAGE_SHAPE, 132, 0x3f000000, 4, "a local RoPE base of 0 or at least 1"},
    {"gain of 4", IMAGE_SHAPE, 136, 65536, 4, "gain of RoPE at byte"},
    {"negative scale", IMAGE_SHAPE, 140, 0xffffffff, 4, "scale of embeddings at byte"},
    {"unended name", IMAGE_SHAPE, 63, 'x', 1, "end of name at byte"},
    {"norm's length", IMAGE_NORMS, 0, 63, 4, "norm's length at byte"},
    {"norm's exponent", IMAGE_NORMS, 4, 17, 4, "norm's exponent at byte"},
    {"norm's epsilon", IMAGE_NORMS, 8, UINT64_MAX, 8, "norm's epsilon at byte"},
    {"norm's root", IMAGE_NORMS, 16, 1, 4, "norm's root of n at byte"},
    {"matrix format", IMAGE_MATRICES, 0, 3, 4, "matrix format at byte"},
    {"matrix format other", IMAGE_MATRICES, 0, 0, 4, "codebook entry at byte"},
    {"matrix outputs", IMAGE_MATRICES, 4, 64, 4, "matrix outputs at byte"},
    {"matrix inputs", IMAGE_MATRICES, 8, 32, 4, "matrix inputs at byte"},
    {"inputs of a group", IMAGE_MATRICES, 12, 64, 4, "inputs of a group at byte"},
    {"matrix exponent", IMAGE_MATRICES, 16, 100, 4, "matrix exponent at byte"},
    {"matrix's zero", IMAGE_MATRICES, 20, 1, 4, "matrix's zero at byte"},
    {"codebook of w6", IMAGE_MATRICES, 24, 1, 1, "codebook entry at byte"},
    {"codebook entry -32", IMAGE_MATRICES, 56 + 24, 0xe0, 1, "codebook entry at byte"},
    {"codebook entry 32", IMAGE_MATRICES, 56 + 31, 32, 1, "codebook entry at byte"},
    {"codebook beyond eight", IMAGE_MATRICES, 56 + 32, 31, 1, "codebook entry at byte"},
    {"descending codebook", IMAGE_MATRICES, 56 + 25, 0xe1, 1, "codebook entry at byte"},
    {"matrix data offset", IMAGE_MATRICES, 40, 64, 8, "matrix 0 at byte"},
    {"matrix data bytes", IMAGE_MATRICES, 48, 64, 8, "matrix 0 at byte"},
    {"scale of 64", IMAGE_DATA, 0, 64, 1, "scale at byte"},
    {"scale of padding", IMAGE_DATA, (70 / 16) * 2 * 400 + 70 % 16, 1, 1, "scale of padding at byte"},
    {"vocabulary kind", IMAGE_VOCAB, 0, 3, 4, "vocabulary kind at byte"},
    {"BPE without merges", IMAGE_VOCAB, 0, 2, 4, "section vocabulary at byte"},
    {"no vocabulary", IMAGE_VOCAB, 0, 0, 4, "number of tokens at byte"},
    {"unended tokenizer name", IMAGE_VOCAB, 35, 'x', 1, "end of tokenizer name"},
    {"tokens", IMAGE_VOCAB, 36, 69, 4, "number of tokens at byte"},
    {"merges of SentencePiece", IMAGE_VOCAB, 40, 1, 4, "number of merges at byte"},
    {"BOS", IMAGE_VOCAB, 44, 70, 4, "BOS at byte"},
    {"EOS", IMAGE_VOCAB, 48, 0xfffffffe, 4, "EOS at byte"},
    {"unknown token", IMAGE_VOCAB, 52, 1000, 4, "unknown token at byte"},
    {"flags", IMAGE_VOCAB, 56, 4, 4, "vocabulary flags at byte"},
    {"text's length", IMAGE_VOCAB, 64, UINT64_MAX, 8, "vocabulary's text at byte"},
    {"token's length", IMAGE_VOCAB, 72, 100000, 4, "token's length at byte"},
    {"token shorter", IMAGE_VOCAB, 72, 0, 4, "no bytes beyond the last token"},
    {"score NaN", IMAGE_VOCAB, 72 + 4 * 70, 0x7fc00000, 4, "score at byte"},
    {"token type 0", IMAGE_VOCAB, 72 + 8 * 70, 0, 1, "token type at byte"},
};

static void mistakes_in_images_are_told(void)
{
    struct bytes good = good_image();
    for (size_t k = 0; k < sizeof MUTATIONS / sizeof *MUTATIONS; k++) {
        struct bytes file = {0};
        struct image_section section = {0};
        struct image image;
        struct error e = {0};
        bytes_add(&file, good.data, good.size);
        if (MUTATIONS[k].section) {
            memcpy(&section, file.data + 32 + (MUTATIONS[k].section - 1) * 24, sizeof section);
        }
        memcpy(file.data + section.offset + MUTATIONS[k].offset, &MUTATIONS[k].value, (size_t)MUTATIONS[k].n);
        bool opened = open_copy(file.data, file.size, true, &image, &e);
        CHECK_EQ_TEXT(opened ? MUTATIONS[k].title : "", "");
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, "i.rom: ");
        CHECK_CONTAINS(e.message, MUTATIONS[k].expected);
        bytes_free(&file);
    }
    bytes_free(&good);
}

static void checksum_and_length_guard_the_image(void)
{
    struct bytes good = good_image();
    struct image image;
    struct error e = {0};
    CHECK_GOOD(open_copy(good.data, good.size, false, &image, &e), &e);
    for (size_t at = 32; at < good.size; at += 509) {
        good.data[at] ^= 1;
        CHECK(!open_copy(good.data, good.size, false, &image, &e));
        CHECK_CONTAINS(e.message, "i.rom: checksum at byte 24");
        good.data[at] ^= 1;
    }
    for (size_t n = 0; n < good.size; n += n < 400 ? 1 : 397) {
        CHECK(!open_copy(good.data, n, true, &image, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    }
    bytes_add(&good, "", 1);
    CHECK(!open_copy(good.data, good.size, true, &image, &e));
    bytes_free(&good);
}

/* --- names --- */

static void models_open_by_name_and_path(void)
{
    struct image image;
    struct error e = {0};
    CHECK(!image_open_model("no-such-model", NULL, &image, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK(!image_open_model("/nonexistent/model.gguf", NULL, &image, &e));
    CHECK_CONTAINS(e.message, "/nonexistent/model.gguf");
    CHECK(!image_open_model(temporary_folder(), NULL, &image, &e));
    CHECK(!image_open_model("", NULL, &image, &e));
    struct test_llama m = test_model(true);
    const char *path = model_file(&m, "named.gguf");
    REQUIRE_GOOD(image_open_model(path, NULL, &image, &e), &e);
    uint64_t hash = image.hash;
    CHECK_NEAR(image.rounding, 0, 0); /* on the grid */
    image_close(&image);
    REQUIRE_GOOD(bake(path, temporary_file("named.rom"), NULL, NULL, &e), &e);
    REQUIRE_GOOD(image_open_model(temporary_file("named.rom"), NULL, &image, &e), &e);
    CHECK_EQ_UINT(image.hash, hash);
    CHECK_EQ_TEXT(image.name, "named");
    image_close(&image);
    m = test_model(false);
    REQUIRE_GOOD(image_open_model(model_file(&m, "off-grid.gguf"), NULL, &image, &e), &e);
    CHECK(image.rounding > 0.1 && image.rounding < 0.3); /* the linears' three bits */
    image_close(&image);
}

static void the_sample_bakes_exactly(void)
{
    struct bake_report report;
    struct image image;
    struct error e;
    if (access(source_file("configs/models/sample/sample.gguf"), R_OK) != 0) {
        SKIP("the sample model is not here yet");
    }
    REQUIRE_GOOD(bake(source_file("configs/models/sample/sample.gguf"), temporary_file("sample.rom"), NULL, &report, &e), &e);
    for (int32_t i = 0; i < report.n_tensors; i++) {
        CHECK_NEAR(report.tensors[i].relative_rms_error, 0, 0);
    }
    bake_report_free(&report);
    REQUIRE_GOOD(image_open_model("sample", NULL, &image, &e), &e);
    CHECK_EQ_TEXT(image.name, "sample");
    CHECK(image.vocab.kind != VOCAB_NONE);
    image_close(&image);
}

/* --- a real model --- */

static int compare_with_oracle(const struct float_model *model, const char *name, double *largest)
{
    char relative[128];
    snprintf(relative, sizeof relative, "ref/stories260K.%s.ids", name);
    FILE *ids = fopen(shared_data(relative), "r");
    snprintf(relative, sizeof relative, "ref/stories260K.%s.logits.f32", name);
    FILE *expected = fopen(shared_data(relative), "rb");
    struct ref_float *ref = ref_float_new(model, 512);
    float logits[512], row[512];
    int position = 0, id;
    *largest = 0;
    ES_ASSERT(ids && expected && ref);
    while (fscanf(ids, "%d", &id) == 1 && fread(row, sizeof row, 1, expected) == 1) {
        ref_float_forward(ref, id, position++, logits);
        for (int i = 0; i < 512; i++) {
            *largest = fmax(*largest, fabs((double)logits[i] - (double)row[i]));
        }
    }
    fclose(ids);
    fclose(expected);
    ref_float_free(ref);
    return position;
}

static void floats_agree_with_the_oracle(void)
{
    static const char *const NAMES[] = {"Once_upon_a_time", "One_day__Lily", "empty"};
    const char *path = shared_data("stories260K/stories260K.gguf");
    if (!path || !shared_data("ref/stories260K.empty.ids")) {
        SKIP("the shared test data are not here");
    }
    struct gguf g;
    struct float_model model;
    struct error e;
    REQUIRE_GOOD(gguf_open(path, &g, &e), &e);
    REQUIRE_GOOD(gguf_float_model(&g, &model, &e), &e);
    for (int k = 0; k < 3; k++) {
        double largest;
        CHECK_EQ_INT(compare_with_oracle(&model, NAMES[k], &largest), 256);
        CHECK_NEAR(largest, 0, 1e-3);
    }
    float_model_free(&model);
    gguf_close(&g);
}

void suite_image(void)
{
    suite_begin("image");
    suite_add("models on the grid bake without error", on_grid_models_bake_exactly);
    suite_add("MXFP4 files keep their format", mxfp4_files_keep_their_format);
    suite_add("constants are as defined", constants_are_as_defined);
    suite_add("other models report their error", gaussian_models_report_their_error);
    suite_add("threads do not matter", threads_do_not_matter);
    suite_add("options are checked", options_are_checked);
    suite_add("bad models leave nothing behind", bad_models_leave_nothing);
    suite_add("bad targets are told", bad_targets_are_told);
    suite_add("mistakes in images are told with their place", mistakes_in_images_are_told);
    suite_add("checksum and length guard the image", checksum_and_length_guard_the_image);
    suite_add("models open by name and by path", models_open_by_name_and_path);
    suite_add("the sample model bakes without error", the_sample_bakes_exactly);
    suite_add("stories260K in floats agrees with llama2.c", floats_agree_with_the_oracle);
}
