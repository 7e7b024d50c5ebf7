/* Pairs on the embedding and the head, in files: which of them does a PEFT configuration name, and is everything else about them told and refused? That what is
 * read computes what PEFT computes is tests/golden/test_architectures.c's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "adapters/lora_file.h"
#include "adapters/memory_image.h"
#include "kernels/embed.h"
#include "kernels/lora.h"
#include "sim/slice.h"
#include "tests/unit/adapter_files.h"
#include "tests/unit/check.h"

#define HEAD "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, "
#define PREFIX "base_model.model."
#define EMBEDDING PREFIX "model.embed_tokens"
#define Q PREFIX "model.layers.0.self_attn.q_proj"

enum { VOCAB = 70, WIDE = 64, RANK = 4, TENSORS_MAX = 8 };

struct tensor {
    const char *name; /* NULL: the end of a list */
    int rows, n;
};
static const struct tensor EMBEDDING_A = {EMBEDDING ".lora_embedding_A", RANK, VOCAB},
                           EMBEDDING_B = {EMBEDDING ".lora_embedding_B", WIDE, RANK}, HEAD_A = {PREFIX "lm_head.lora_A.weight", RANK, WIDE},
                           HEAD_B = {PREFIX "lm_head.lora_B.weight", VOCAB, RANK}, Q_A = {Q ".lora_A.weight", RANK, WIDE},
                           Q_B = {Q ".lora_B.weight", WIDE, RANK};

/* A file of zeros, but for the last value. */
static struct bytes file_of(const struct tensor *tensors, float last)
{
    struct bytes header = {0}, data = {0};
    for (const struct tensor *t = tensors; t->name; t++) {
        static const float zeros[VOCAB * WIDE];
        char entry[256];
        size_t begin = data.size;
        bytes_add(&data, zeros, (size_t)(t->rows * t->n) * sizeof *zeros);
        int length = snprintf(entry, sizeof entry, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%zu,%zu]}",
                              header.size ? "," : "{", t->name, t->rows, t->n, begin, data.size);
        bytes_add(&header, entry, (size_t)length);
    }
    bytes_add(&header, "}", 2);
    memcpy(data.data + data.size - sizeof last, &last, sizeof last);
    struct bytes file = safetensors_written((const char *)header.data, data.data, data.size);
    bytes_free(&header);
    bytes_free(&data);
    return file;
}

static bool read(const char *config, const struct tensor *tensors, const struct shape *base, float last, struct lora_tensors *t,
                 struct error *e)
{
    struct bytes file = file_of(tensors, last);
    struct lora_file f;
    *t = (struct lora_tensors){0};
    bool good = lora_file_open_peft_memory(config, strlen(config), file.data, file.size, base, &f, e) && lora_file_read_all(&f, t, e);
    lora_file_close(&f);
    bytes_free(&file);
    return good;
}

static void check_ranks(const char *config, const struct tensor *tensors, int embedding, int head, double embedding_alpha,
                        double head_alpha)
{
    struct lora_tensors t;
    struct error e;
    REQUIRE_GOOD(read(config, tensors, &TEST_SHAPE, 1, &t, &e), &e);
    CHECK_EQ_INT(lora_tensors_linear(&t, 0, LINEAR_EMBEDDING)->rank, embedding);
    CHECK_EQ_INT(lora_tensors_linear(&t, 0, LINEAR_HEAD)->rank, head);
    CHECK_NEAR(lora_tensors_linear(&t, 0, LINEAR_EMBEDDING)->alpha, embedding_alpha, 0);
    CHECK_NEAR(lora_tensors_linear(&t, 0, LINEAR_HEAD)->alpha, head_alpha, 0);
    lora_tensors_free(&t);
}

static void check_refused(const char *config, const struct tensor *tensors, const struct shape *base, float last, const char *expected)
{
    struct lora_tensors t;
    struct error e = {0};
    bool good = read(config, tensors, base, last, &t, &e);
    CHECK_EQ_TEXT(good ? expected : "", "");
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, expected);
    lora_tensors_free(&t);
}

static void configurations_name_ends(void)
{
    const struct tensor embedding[] = {EMBEDDING_A, EMBEDDING_B, {0}}, head[] = {HEAD_A, HEAD_B, {0}}, q[] = {Q_A, Q_B, {0}},
                        both[] = {EMBEDDING_A, EMBEDDING_B, HEAD_A, HEAD_B, {0}}, q_and_head[] = {Q_A, Q_B, HEAD_A, HEAD_B, {0}};
    check_ranks(HEAD "\"target_modules\": [\"embed_tokens\"]}", embedding, RANK, 0, 8, 0);
    check_ranks(HEAD "\"target_modules\": [\"model.embed_tokens\"]}", embedding, RANK, 0, 8, 0);
    check_ranks(HEAD "\"target_modules\": [\"lm_head\"]}", head, 0, RANK, 0, 8);
    check_ranks(HEAD "\"target_modules\": [\"lm_head\", \"embed_tokens\"], \"use_rslora\": true}", both, RANK, RANK, 16, 16);
    check_ranks(HEAD "\"target_modules\": \"model.embed_tokens|lm_head\"}", both, RANK, RANK, 8, 8);
    check_ranks(
        "{\"peft_type\": \"LORA\", \"r\": 9, \"lora_alpha\": 8, \"target_modules\": [\"lm_head\", \"embed_tokens\"], \"rank_pattern\": "
        "{\"lm_head\": 4, \"embed_[a-z]+\": 4}, \"alpha_pattern\": {\"model.embed_tokens\": 3, \"lm_head\": 5}}",
        both, RANK, RANK, 3, 5);
    /* layers_to_transform leaves ends alone, unless they are named whole, as PEFT has it */
    check_ranks(HEAD "\"target_modules\": [\"q_proj\", \"embed_tokens\"], \"layers_to_transform\": [0]}", q, 0, 0, 0, 0);
    check_ranks(HEAD "\"target_modules\": [\"q_proj\", \"lm_head\", \"embed_tokens\"], \"layers_to_transform\": 0}", q_and_head, 0, RANK, 0,
                8);
    check_ranks(HEAD "\"target_modules\": [\"model.embed_tokens\"], \"layers_to_transform\": [1]}", embedding, RANK, 0, 8, 0);
    check_refused(HEAD "\"target_modules\": \"all-linear\"}", head, &TEST_SHAPE, 1,
                  "expected only modules and layers that adapter_config.json names");
}

/* ensure_weight_tying: of a tied base, both ends have the pair, whichever is named; PEFT writes four tensors. */
static void tied_pairs_are_read(void)
{
    const struct tensor both[] = {EMBEDDING_A, EMBEDDING_B, HEAD_A, HEAD_B, {0}}, embedding[] = {EMBEDDING_A, EMBEDDING_B, {0}};
    struct shape untied = TEST_SHAPE;
    untied.tied_head = false;
    check_ranks(HEAD "\"ensure_weight_tying\": true, \"target_modules\": [\"embed_tokens\"]}", both, RANK, RANK, 8, 8);
    check_ranks(HEAD "\"ensure_weight_tying\": true, \"target_modules\": [\"lm_head\"]}", both, RANK, RANK, 8, 8);
    check_ranks(HEAD "\"ensure_weight_tying\": false, \"target_modules\": [\"embed_tokens\"]}", embedding, RANK, 0, 8, 0);
    check_refused(HEAD "\"ensure_weight_tying\": true, \"target_modules\": [\"embed_tokens\"]}", embedding, &TEST_SHAPE, 1,
                  "tensor base_model.model.lm_head.lora_A.weight: expected by adapter_config.json, found no such tensor");
    check_refused(HEAD "\"ensure_weight_tying\": true, \"target_modules\": [\"embed_tokens\"]}", both, &untied, 1,
                  "expected only modules and layers that adapter_config.json names");
}

/* PEFT saves the base weights of an end that has a pair. */
static void copies_of_the_base_are_passed_over(void)
{
    const struct tensor good[] = {{EMBEDDING ".base_layer.weight", VOCAB, WIDE}, EMBEDDING_A, EMBEDDING_B, {0}},
                        more[] = {{EMBEDDING ".base_layer.weight", VOCAB - 1, WIDE}, EMBEDDING_A, EMBEDDING_B, {0}},
                        stray[] = {{PREFIX "lm_head.base_layer.weight", VOCAB, WIDE}, EMBEDDING_A, EMBEDDING_B, {0}};
    check_ranks(HEAD "\"target_modules\": [\"embed_tokens\"]}", good, RANK, 0, 8, 0);
    check_refused(HEAD "\"target_modules\": [\"embed_tokens\"]}", more, &TEST_SHAPE, 1,
                  "expected shape [70, 64] as the base model's, which is in ROM, found [69, 64]");
    check_refused(HEAD "\"target_modules\": [\"embed_tokens\"]}", stray, &TEST_SHAPE, 1, "found another name (base weights are in ROM)");
}

static void malformed_ends_are_told(void)
{
    static const char BOTH[] = HEAD "\"target_modules\": [\"embed_tokens\", \"lm_head\"]}";
    const struct tensor transposed[] = {{EMBEDDING ".lora_embedding_A", VOCAB, RANK}, EMBEDDING_B, HEAD_A, HEAD_B, {0}},
                        half[] = {EMBEDDING_A, EMBEDDING_B, HEAD_A, {0}},
                        other_vocab[] = {EMBEDDING_A, EMBEDDING_B, HEAD_A, {PREFIX "lm_head.lora_B.weight", VOCAB + 1, RANK}, {0}},
                        good[] = {EMBEDDING_A, EMBEDDING_B, HEAD_A, HEAD_B, {0}},
                        a_last[] = {EMBEDDING_B, HEAD_A, HEAD_B, EMBEDDING_A, {0}};
    check_refused(BOTH, transposed, &TEST_SHAPE, 1, "expected shape [4, 70] for this base model and rank, found [70, 4]");
    check_refused(BOTH, half, &TEST_SHAPE, 1, "lm_head.lora_B.weight: expected by adapter_config.json, found no such tensor");
    check_refused(BOTH, other_vocab, &TEST_SHAPE, 1, "expected shape [70, 4] for this base model and rank, found [71, 4]");
    check_refused(BOTH, good, &TEST_SHAPE, NAN, "expected finite values, found");
    check_refused(BOTH, a_last, &TEST_SHAPE, INFINITY, "lora_embedding_A");
    check_refused(BOTH, a_last, &TEST_SHAPE, 0x1p37f, "expected values (B's times alpha / r) of magnitude up to 2^36, found a larger one");
}

/* An end without a pair does not change who an adapter is; with one it does. */
static void identity_knows_ends(void)
{
    uint64_t hash[4];
    for (unsigned k = 0; k < 4; k++) {
        struct adapter_spec spec = {.shape = TEST_SHAPE,
                                    .rank = 2,
                                    .alpha = 4,
                                    .linears = 1u << LINEAR_Q | (k & 1 ? EMBEDDING_BIT : 0) | (k & 2 ? HEAD_BIT : 0),
                                    .seed = 9};
        struct adapter a;
        struct error e;
        REQUIRE_GOOD(adapter_load(adapter_folder_written(&spec, GGML_F16, "identity"), &spec.shape, &a, &e), &e);
        hash[k] = a.hash;
        CHECK_EQ_INT(a.packed_bits, 2 * (6 * 2 * (64 + 64) + 16 * (2 + 64)) + (k & 1 ? 6 * 2 * (70 + 64) + 16 * (2 + 64) : 0) +
                                        (k & 2 ? 6 * 2 * (64 + 70) + 16 * (2 + 70) : 0));
        CHECK_EQ_INT(adapter_first_layer(&a), k & 1 ? -1 : 0);
        CHECK_EQ_INT(adapter_last_layer(&a), k & 2 ? 2 : 1);
        for (unsigned other = 0; other < k; other++) {
            CHECK(hash[other] != hash[k]);
        }
        adapter_free(&a);
    }
}

/* A token's column is what a whole one-hot vector would give; and its sum with the embedding is saturated, scaled and rounded as docs/numbers.md says. */
static void tokens_are_one_hot_vectors(void)
{
    struct adapter_spec spec = {.shape = TEST_SHAPE, .rank = 7, .alpha = 3, .linears = EMBEDDING_BIT, .seed = 4};
    struct adapter a;
    struct error e;
    int8_t x[128], h_one[LORA_RANK_MAX], h_whole[LORA_RANK_MAX];
    REQUIRE_GOOD(adapter_load(adapter_folder_written(&spec, GGML_F32, "one-hot"), &spec.shape, &a, &e), &e);
    const struct lora_pair *pair = adapter_pair(&a, 0, LINEAR_EMBEDDING);
    for (int32_t token = 0; token < VOCAB; token++) {
        struct act8 one = {h_one, 0, 0, NULL}, whole = {h_whole, 0, 0, NULL};
        memset(x, 0, sizeof x);
        x[token] = 1;
        k_lora_a_token(pair, token, &one);
        k_lora_a(pair, &(struct act8){x, VOCAB, 0, NULL}, &whole);
        CHECK_EQ_INT(one.n, whole.n);
        CHECK_EQ_INT(one.exponent, whole.exponent);
        CHECK_EQ_BYTES(h_one, h_whole, (size_t)one.n);
    }
    adapter_free(&a);
    int64_t delta[] = {5, -5, 3, ACC_LIMIT, -ACC_LIMIT, INT32_MAX};
    int32_t m[6] = {10, 10, 10, 10, 10, 10}, scaled[6] = {10, 10, 10, 10, 10, 10};
    const int32_t expected[] = {15, 5, 13, INT32_MAX, -INT32_MAX + 10, INT32_MAX},
                  expected_scaled[] = {13, 8, 12, INT32_MAX, -INT32_MAX + 10, 1073741834};
    k_embed_add(0, &(struct acc){delta, 6, RESIDUAL_EXPONENT}, &(struct residual){m, 6});
    k_embed_add(1 << 15, &(struct acc){delta, 6, RESIDUAL_EXPONENT},
                &(struct residual){scaled, 6}); /* times a half: 2.5, -2.5, 1.5 go up */
    for (int i = 0; i < 6; i++) {
        CHECK_EQ_INT(m[i], expected[i]);
        CHECK_EQ_INT(scaled[i], expected_scaled[i]);
    }
}

/* An image in a platform's memory: version 2 where there are ends, with their slices around the layers'; read back, each slice has its checksum. */
static void images_bring_ends(void)
{
    for (unsigned k = 0; k < 4; k++) {
        struct adapter_spec spec = {.shape = TEST_SHAPE,
                                    .rank = 3,
                                    .alpha = 4,
                                    .linears = 1u << LINEAR_UP | (k & 1 ? EMBEDDING_BIT : 0) | (k & 2 ? HEAD_BIT : 0),
                                    .seed = 11};
        struct adapter a, b;
        struct memory_slice *slices;
        struct error e;
        size_t header;
        REQUIRE_GOOD(adapter_load(adapter_folder_written(&spec, GGML_F16, "image"), &spec.shape, &a, &e), &e);
        static uint8_t image[1 << 16], contents[1 << 16];
        ES_ASSERT(memory_image_bytes(&a) <= sizeof image);
        memory_image_write(&a, image);
        CHECK_EQ_INT(image[8], k ? 2 : 1);
        REQUIRE_GOOD(memory_image_header_bytes(image, &header, &e), &e);
        REQUIRE_GOOD(memory_image_header(image, header, &spec.shape, &b, &slices, &e), &e);
        CHECK_EQ_INT(b.packed_bits, a.packed_bits);
        uint64_t end = header;
        for (int32_t layer = adapter_first_layer(&a); layer <= adapter_last_layer(&a); layer++) {
            const struct memory_slice *slice = &slices[layer + 1];
            size_t bytes = slice_contents_bytes(&b, layer);
            ES_ASSERT(bytes <= sizeof contents);
            CHECK_EQ_UINT(slice->offset, end);
            CHECK_EQ_UINT(slice->bytes, slice_size(&a, layer).bytes);
            memory_image_slice(&b, layer, image + slice->offset);
            slice_contents(&b, layer, contents);
            CHECK_EQ_UINT(slice_checksum(contents, bytes), slice->checksum);
            end = slice->offset + (slice->bytes + 7) / 8 * 8;
        }
        CHECK_EQ_UINT(end, memory_image_bytes(&a));
        for (enum linear which = LINEAR_EMBEDDING; which < LINEAR_ENDS; which++) {
            const struct lora_pair *p = adapter_pair(&a, 0, which), *q = adapter_pair(&b, 0, which);
            CHECK_EQ_INT(q->rank, p->rank);
            CHECK_EQ_BYTES(q->a, p->a, (size_t)p->rank * (size_t)p->n_in);
            CHECK_EQ_BYTES(q->b, p->b, (size_t)p->rank * (size_t)p->n_out);
        }
        free(slices);
        adapter_free(&a);
        adapter_free(&b);
    }
}

void suite_adapter_ends(void)
{
    suite_begin("adapter_ends");
    suite_add("configurations name embedding and head as PEFT has it", configurations_name_ends);
    suite_add("tied pairs are read", tied_pairs_are_read);
    suite_add("copies of the base weights are passed over", copies_of_the_base_are_passed_over);
    suite_add("malformed pairs are told", malformed_ends_are_told);
    suite_add("identity and sizes know the ends", identity_knows_ends);
    suite_add("tokens are one-hot vectors", tokens_are_one_hot_vectors);
    suite_add("images in a platform's memory bring the ends", images_bring_ends);
}
