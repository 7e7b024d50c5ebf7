/* GGUF files: is everything that was written found again, and is every mistake told with its place? Weights: test_gguf_types.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/gguf.h"
#include "sim/gguf_model.h"
#include "tests/unit/check.h"
#include "tests/unit/gguf_writer.h"

/* --- what is written is found --- */

static struct bytes small_file(void)
{
    static const float DATA[6] = {1, -2, 3.5f, 0, 1e-30f, -1e30f};
    static const uint8_t BYTES[3] = {1, 0, 1};
    struct gguf_writer w = {0};
    gguf_write_u32(&w, "a.u32", 7);
    gguf_write_f32(&w, "a.f32", 0.5f);
    gguf_write_bool(&w, "a.bool", 1);
    gguf_write_string(&w, "a.string", "hello");
    gguf_write_strings(&w, "a.strings", (const char *const[]){"x", "", "yz"}, 3);
    gguf_write_array(&w, "a.bools", GGUF_BOOL, BYTES, 3, 1);
    gguf_write_tensor(&w, "t.one", GGML_F32, (int64_t[]){3, 2}, 2, DATA, sizeof DATA);
    gguf_write_tensor(&w, "t.two", GGML_F32, (int64_t[]){6}, 1, DATA, sizeof DATA);
    return gguf_written(&w);
}

static void finds_keys_and_tensors(void)
{
    struct bytes file = small_file();
    struct gguf g;
    struct error e;
    REQUIRE_GOOD(gguf_open(bytes_to_file(&file, "small.gguf"), &g, &e), &e);
    int64_t integer = 0;
    float number = 0, row[3];
    bool truth = false;
    char text[8] = "";
    CHECK_GOOD(gguf_get_integer(&g, "a.u32", true, 0, 7, &integer, &e), &e);
    CHECK_EQ_INT(integer, 7);
    CHECK_GOOD(gguf_get_float(&g, "a.f32", true, &number, &e), &e);
    CHECK_NEAR(number, 0.5, 0);
    CHECK_GOOD(gguf_get_bool(&g, "a.bool", &truth, &e), &e);
    CHECK(truth);
    CHECK_GOOD(gguf_get_string(&g, "a.string", true, text, sizeof text, &e), &e);
    CHECK_EQ_TEXT(text, "hello");
    CHECK_GOOD(gguf_get_integer(&g, "absent", false, 0, 1, &integer, &e), &e);
    CHECK_EQ_INT(integer, 7);
    const struct gguf_tensor *t = gguf_find_tensor(&g, "t.one");
    REQUIRE(t != NULL);
    CHECK_EQ_INT(t->n_rows, 2);
    gguf_row(t, 1, row);
    CHECK_NEAR(row[2], (double)-1e30f, 0);
    CHECK(gguf_find_tensor(&g, "t.") == NULL);
    CHECK(gguf_find_key(&g, "a.u321") == NULL);
    gguf_close(&g);
    bytes_free(&file);
}

static void getters_tell_what_they_expected(void)
{
    struct bytes file = small_file();
    struct gguf g;
    struct error e = {0};
    int64_t integer = 0;
    float number = 0;
    bool truth = false;
    char text[4] = "";
    REQUIRE_GOOD(gguf_open_memory("f.gguf", file.data, file.size, &g, &e), &e);
    CHECK(!gguf_get_integer(&g, "a.u32", true, 0, 6, &integer, &e));
    CHECK_CONTAINS(e.message, "f.gguf: key a.u32 at byte 24: expected an integer of 0 to 6, found 7");
    CHECK(!gguf_get_integer(&g, "a.string", true, 0, 6, &integer, &e));
    CHECK_CONTAINS(e.message, "expected an integer, found type string");
    CHECK(!gguf_get_integer(&g, "a.bools", true, 0, 6, &integer, &e));
    CHECK_CONTAINS(e.message, "found an array");
    CHECK(!gguf_get_integer(&g, "absent", true, 0, 6, &integer, &e));
    CHECK_CONTAINS(e.message, "key absent: expected an integer, found no such key");
    CHECK(!gguf_get_float(&g, "a.u32", true, &number, &e));
    CHECK(!gguf_get_bool(&g, "a.u32", &truth, &e));
    CHECK(!gguf_get_string(&g, "a.string", true, text, sizeof text, &e));
    CHECK_CONTAINS(e.message, "expected a string of at most 3 bytes");
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    gguf_close(&g);
    bytes_free(&file);
}

/* --- weights --- */

static void names_the_place_of_nan(void)
{
    static const float BAD[3] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++) {
        float data[8] = {0};
        data[6] = BAD[k];
        struct gguf_writer w = {0};
        gguf_write_tensor(&w, "weights", GGML_F32, (int64_t[]){4, 2}, 2, data, sizeof data);
        struct bytes file = gguf_written(&w);
        struct gguf g;
        struct error e;
        float row[4];
        REQUIRE_GOOD(gguf_open_memory("f.gguf", file.data, file.size, &g, &e), &e);
        CHECK_GOOD(gguf_row_finite(&g, g.tensors, 0, row, &e), &e);
        CHECK(!gguf_row_finite(&g, g.tensors, 1, row, &e));
        char expected[64];
        snprintf(expected, sizeof expected, "f.gguf: tensor weights at byte %zu: expected finite", file.size - 8);
        CHECK_CONTAINS(e.message, expected);
        CHECK_CONTAINS(e.message, "row 1, input 2");
        gguf_close(&g);
        bytes_free(&file);
    }
}

/* --- malformed files --- */

/* Where a text stands in the file. */
static size_t place_of(const struct bytes *file, const char *text)
{
    const uint8_t *p = memmem(file->data, file->size, text, strlen(text));
    ES_ASSERT(p != NULL);
    return (size_t)(p - file->data);
}

/* Each row overwrites `n` bytes at `offset` from the end of a text of small_file (or from the start of the file where text is NULL). */
static const struct {
    const char *title, *text;
    int offset;
    uint64_t value;
    int n;
    const char *expected;
} MUTATIONS[] = {
    {"magic", NULL, 0, 'g', 1, "header at byte 0: expected \"GGUF\""},
    {"version 2", NULL, 4, 2, 4, "header at byte 4: expected version 3, little-endian, found version 2"},
    {"big-endian", NULL, 4, 0x03000000, 4, "found version 50331648 (a big-endian file)"},
    {"too many tensors", NULL, 8, 1u << 20, 8, "header at byte 8: expected a number of tensors of at most"},
    {"tensors beyond 63 bits", NULL, 8, UINT64_MAX, 8, "header at byte 8"},
    {"too many keys", NULL, 16, UINT64_MAX / 13, 8, "header at byte 16: expected a number of keys of at most"},
    {"one key more than there is", NULL, 16, 7, 8, "at byte"},
    {"one tensor more than there is", NULL, 8, 3, 8, "tensor at byte"},
    {"key's length beyond the file", NULL, 24, 1u << 30, 8, "key at byte 24: expected a key's name of at most"},
    {"key's length of 2^64 - 1", NULL, 24, UINT64_MAX, 8, "key at byte 24"},
    {"key of no length", NULL, 24, 0, 8, "key at byte 24: expected a key's name, found an empty one"},
    {"unknown value type", "a.u32", 0, 13, 4, "key a.u32 at byte 37: expected a value type of 0 to 12, found type 13"},
    {"bool of 2", "a.bool", 4, 2, 1, "key a.bool at byte"},
    {"bool of 2 in an array", "a.bools", 18, 2, 1, "key a.bools at byte"},
    {"string beyond the file", "a.string", 4, 100000, 8, "key a.string at byte"},
    {"array of arrays", "a.strings", 4, 9, 4, "found an array of arrays"},
    {"array's unknown type", "a.strings", 4, 99, 4, "found type 99"},
    {"array longer than the file", "a.bools", 8, 1u << 20, 8, "key a.bools at byte"},
    {"array of 2^64 - 1", "a.bools", 8, UINT64_MAX, 8, "key a.bools at byte"},
    {"array of 2^64 - 1 strings", "a.strings", 8, UINT64_MAX, 8, "key a.strings at byte"},
    {"string in an array beyond the file", "a.strings", 16, 100000, 8, "key a.strings at byte"},
    {"tensor's name of no length", "t.one", -13, 0, 8, "tensor at byte"},
    {"tensor's name too long", "t.one", -13, 64, 8, "expected a tensor's name of at most 63 bytes, found length 64"},
    {"no dimensions", "t.one", 0, 0, 4, "tensor t.one at byte"},
    {"five dimensions", "t.one", 0, 5, 4, "expected 1 to 4 dimensions, found 5"},
    {"dimension of 0", "t.one", 4, 0, 8, "expected positive dimensions"},
    {"negative dimension", "t.one", 4, (uint64_t)-1, 8, "expected positive dimensions"},
    {"dimensions that overflow", "t.one", 12, (uint64_t)1 << 62, 8, "tensor t.one at byte"},
    {"rows that overflow", "t.one", 4, (uint64_t)1 << 62, 8, "expected data within the file's"},
    {"tensor type refused by name", "t.one", 20, 16, 4, "IQ4_NL, IQ4_XS or MXFP4, found type 16 IQ2_XXS"},
    {"unknown tensor type", "t.one", 20, 77, 4, "found type 77"},
    {"rows that don't fill blocks", "t.one", 20, GGML_Q4_K, 4, "expected rows of a multiple of 256 weights for Q4_K, found 3"},
    {"offset of the first tensor", "t.one", 24, 32, 8, "tensor t.one at byte"},
    {"offset of the second tensor", "t.two", 16, 64, 8, "expected data offset 32, the end of the tensor before, found 64"},
    {"unaligned offset", "t.two", 16, 24, 8, "expected data offset 32"},
    {"overlapping tensors", "t.two", 16, 0, 8, "expected data offset 32"},
    {"the same tensor twice", "t.two", -3, 0x656e6f, 3, "tensor t.one at byte"},
    {"the same key twice", "a.f32", -3, 0x323375, 3, "key a.u32 at byte"},
};

static void tells_mistakes_with_their_place(void)
{
    for (size_t k = 0; k < sizeof MUTATIONS / sizeof *MUTATIONS; k++) {
        struct bytes file = small_file();
        size_t at = MUTATIONS[k].text ? place_of(&file, MUTATIONS[k].text) + strlen(MUTATIONS[k].text) : 0;
        at += (size_t)MUTATIONS[k].offset;
        memcpy(file.data + at, &MUTATIONS[k].value, (size_t)MUTATIONS[k].n);
        struct gguf g;
        struct error e = {0};
        bool opened = gguf_open_memory("bad.gguf", file.data, file.size, &g, &e);
        CHECK_EQ_TEXT(opened ? MUTATIONS[k].title : "", "");
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, "bad.gguf: ");
        CHECK_CONTAINS(e.message, "at byte ");
        CHECK_CONTAINS(e.message, MUTATIONS[k].expected);
        bytes_free(&file);
    }
}

static void refuses_every_truncation(void)
{
    struct bytes file = small_file();
    for (size_t n = 0; n < file.size; n++) {
        uint8_t *copy = malloc(n + 1); /* so that a sanitiser sees a byte too far */
        struct gguf g;
        struct error e = {0};
        memcpy(copy, file.data, n);
        CHECK(!gguf_open_memory("short.gguf", copy, n, &g, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, "short.gguf: ");
        free(copy);
    }
    bytes_free(&file);
}

static void survives_random_bytes(void)
{
    uint64_t state = 11;
    struct bytes file = small_file();
    for (int k = 0; k < 20000; k++) {
        uint8_t *copy = malloc(file.size);
        struct gguf g;
        struct error e = {0};
        float row[16];
        memcpy(copy, file.data, file.size);
        for (int i = 0; i < 1 + k % 3; i++) {
            copy[test_random(&state) % file.size] = (uint8_t)test_random(&state);
        }
        if (gguf_open_memory("f", copy, file.size, &g, &e)) {
            for (uint64_t t = 0; t < g.n_tensors; t++) {
                for (int64_t r = 0; r < g.tensors[t].n_rows && g.tensors[t].dims[0] <= 16; r++) {
                    gguf_row_finite(&g, &g.tensors[t], r, row, &e);
                }
            }
            gguf_close(&g);
        }
        free(copy);
    }
    bytes_free(&file);
}

static void refuses_what_is_no_file(void)
{
    struct gguf g;
    struct error e = {0};
    CHECK(!gguf_open("/nonexistent.gguf", &g, &e));
    CHECK_CONTAINS(e.message, "/nonexistent.gguf: cannot be opened");
    CHECK(!gguf_open(temporary_folder(), &g, &e));
    CHECK_CONTAINS(e.message, "expected a regular file, found a folder");
    struct bytes empty = {0};
    CHECK(!gguf_open(bytes_to_file(&empty, "empty.gguf"), &g, &e));
    CHECK_CONTAINS(e.message, "header at byte 0");
}

static void alignment_is_a_power_of_two(void)
{
    for (uint32_t alignment = 1; alignment <= 96; alignment += 1) {
        struct gguf_writer w = {.alignment = alignment};
        float data[3] = {1, 2, 3};
        gguf_write_tensor(&w, "a", GGML_F32, (int64_t[]){3}, 1, data, sizeof data);
        gguf_write_tensor(&w, "b", GGML_F32, (int64_t[]){3}, 1, data, sizeof data);
        struct bytes file = gguf_written(&w);
        struct gguf g;
        struct error e = {0};
        bool power = (alignment & (alignment - 1)) == 0, opened = gguf_open_memory("f.gguf", file.data, file.size, &g, &e);
        CHECK_EQ_INT(opened, power);
        if (opened) {
            float row[3];
            gguf_row(gguf_find_tensor(&g, "b"), 0, row);
            CHECK_NEAR(row[2], 3, 0);
            gguf_close(&g);
        } else {
            CHECK_CONTAINS(e.message, "f.gguf: key general.alignment at byte");
        }
        bytes_free(&file);
    }
}

/* Names that share long beginnings, many of them: the reader must stay within n log n. */
static void many_names_take_little_time(void)
{
    struct gguf_writer w = {0};
    for (uint32_t i = 0; i < 100000; i++) {
        char key[128];
        snprintf(key, sizeof key, "%0100u", i);
        gguf_write_u32(&w, key, i);
    }
    struct bytes file = gguf_written(&w);
    struct gguf g;
    struct error e;
    REQUIRE_GOOD(gguf_open_memory("f.gguf", file.data, file.size, &g, &e), &e);
    CHECK_EQ_UINT(g.n_keys, 100000);
    gguf_close(&g);
    bytes_free(&file);
}

/* --- vocabularies --- */

static void write_sentencepiece(struct gguf_writer *w, const int32_t *types, const float *scores, uint64_t n_scores)
{
    gguf_write_string(w, "tokenizer.ggml.model", "llama");
    gguf_write_strings(w, "tokenizer.ggml.tokens", (const char *const[]){"<unk>", "<s>", "</s>", "ab"}, 4);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, types, 4, sizeof *types);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_F32, scores, n_scores, sizeof *scores);
}

static const int32_t GOOD_TYPES[4] = {2, 3, 3, 1};
static const float GOOD_SCORES[4] = {0, 0, 0, -1.5f};

static bool open_vocab(struct gguf_writer *w, struct vocab *v, struct error *e)
{
    struct bytes file = gguf_written(w);
    struct gguf g;
    *v = (struct vocab){0};
    bool good = gguf_open_memory("v.gguf", file.data, file.size, &g, e);
    if (good) {
        good = gguf_vocab(&g, v, e);
        gguf_close(&g);
    }
    bytes_free(&file);
    return good;
}

static void reads_sentencepiece_with_defaults(void)
{
    struct gguf_writer w = {0};
    struct vocab v;
    struct error e;
    write_sentencepiece(&w, GOOD_TYPES, GOOD_SCORES, 4);
    REQUIRE_GOOD(open_vocab(&w, &v, &e), &e);
    CHECK_EQ_INT(v.kind, VOCAB_SENTENCEPIECE);
    CHECK_EQ_INT(v.n_tokens, 4);
    ES_ASSERT(v.tokens && v.scores);
    CHECK_EQ_INT(v.tokens[3].length_bytes, 2);
    CHECK(memcmp(v.tokens[3].bytes, "ab", 2) == 0);
    CHECK_NEAR(v.scores[3], -1.5, 0);
    CHECK_EQ_INT(v.unknown, 0);
    CHECK_EQ_INT(v.bos, 1);
    CHECK_EQ_INT(v.eos, 2);
    CHECK(v.add_bos && v.add_space_prefix);
    vocab_free(&v);
}

static void reads_bpe(void)
{
    struct gguf_writer w = {0};
    struct vocab v;
    struct error e;
    gguf_write_string(&w, "tokenizer.ggml.model", "gpt2");
    gguf_write_string(&w, "tokenizer.ggml.pre", "llama-bpe");
    gguf_write_strings(&w, "tokenizer.ggml.tokens", (const char *const[]){"a", "b", "ab", "<eos>"}, 4);
    gguf_write_strings(&w, "tokenizer.ggml.merges", (const char *const[]){"a b"}, 1);
    gguf_write_u32(&w, "tokenizer.ggml.eos_token_id", 3);
    REQUIRE_GOOD(open_vocab(&w, &v, &e), &e);
    CHECK_EQ_INT(v.kind, VOCAB_BPE);
    CHECK_EQ_INT(v.n_merges, 1);
    ES_ASSERT(v.merges != NULL);
    CHECK(memcmp(v.merges[0].bytes, "a b", 3) == 0);
    CHECK_EQ_INT(v.bos, -1);
    CHECK_EQ_INT(v.eos, 3);
    CHECK_EQ_TEXT(v.pre, "llama-bpe");
    CHECK(v.scores == NULL);
    vocab_free(&v);
}

static void check_bad_vocab(struct gguf_writer *w, const char *expected)
{
    struct vocab v;
    struct error e = {0};
    CHECK(!open_vocab(w, &v, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, "v.gguf: key tokenizer.ggml.");
    CHECK_CONTAINS(e.message, expected);
    CHECK(v.memory == NULL);
}

static void tells_mistakes_in_vocabularies(void)
{
    struct gguf_writer w = {0};
    write_sentencepiece(&w, (const int32_t[]){2, 3, 7, 1}, GOOD_SCORES, 4);
    check_bad_vocab(&w, "expected types of 1 to 6, found 7 for token 2");
    write_sentencepiece(&w, GOOD_TYPES, (const float[]){0, NAN, 0, 0}, 4);
    check_bad_vocab(&w, "expected finite scores");
    write_sentencepiece(&w, GOOD_TYPES, GOOD_SCORES, 3);
    check_bad_vocab(&w, "expected 4 elements, found 3");
    write_sentencepiece(&w, GOOD_TYPES, GOOD_SCORES, 4);
    gguf_write_u32(&w, "tokenizer.ggml.bos_token_id", 4);
    check_bad_vocab(&w, "expected an integer of 0 to 3, found 4");
    gguf_write_string(&w, "tokenizer.ggml.model", "bert");
    check_bad_vocab(&w, "expected \"llama\" (SentencePiece) or \"gpt2\" (BPE), found \"bert\"");
    gguf_write_string(&w, "tokenizer.ggml.model", "gpt2");
    check_bad_vocab(&w, "key tokenizer.ggml.tokens: expected an array, found no such key");
    gguf_write_string(&w, "tokenizer.ggml.model", "gpt2");
    gguf_write_strings(&w, "tokenizer.ggml.tokens", NULL, 0);
    check_bad_vocab(&w, "expected tokens, found none");
    gguf_write_string(&w, "tokenizer.ggml.model", "gpt2");
    gguf_write_strings(&w, "tokenizer.ggml.tokens", (const char *const[]){"a"}, 1);
    check_bad_vocab(&w, "key tokenizer.ggml.merges: expected an array, found no such key");
    gguf_write_string(&w, "tokenizer.ggml.model", "gpt2");
    gguf_write_u32(&w, "tokenizer.ggml.tokens", 3);
    check_bad_vocab(&w, "expected an array of strings");
}

/* --- models --- */

static bool open_llama(struct gguf_writer *w, struct error *e)
{
    struct bytes file = gguf_written(w);
    struct gguf g;
    struct gguf_model m;
    bool good = gguf_open_memory("m.gguf", file.data, file.size, &g, e);
    if (good) {
        good = gguf_model(&g, &m, e);
        gguf_model_free(&m);
        gguf_close(&g);
    }
    bytes_free(&file);
    return good;
}

static void check_bad_llama(struct gguf_writer *w, const struct shape *tensors, const char *expected)
{
    struct error e = {0};
    gguf_write_llama_tensors(w, &(struct test_llama){.shape = *tensors});
    CHECK(!open_llama(w, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, "m.gguf: ");
    CHECK_CONTAINS(e.message, expected);
}

static void tells_mistakes_in_models(void)
{
    struct gguf_writer w = {0};
    struct shape s = TEST_SHAPE;
    gguf_write_string(&w, "general.architecture", "gpt2");
    check_bad_llama(&w, &s, "key general.architecture at byte 24: expected one of llama, qwen2, qwen3, gemma3, phi3, found \"gpt2\"");
    gguf_write_llama_keys(&w, &s);
    gguf_write_u32(&w, "llama.expert_count", 8);
    check_bad_llama(&w, &s, "key llama.expert_count");
    gguf_write_llama_keys(&w, &s);
    gguf_write_string(&w, "llama.rope.scaling.type", "yarn");
    check_bad_llama(&w, &s, "found \"yarn\"");
    gguf_write_llama_keys(&w, &s);
    gguf_write_u32(&w, "llama.vocab_size", 71);
    check_bad_llama(&w, &s, "key llama.vocab_size");
    gguf_write_llama_keys(&w, &s);
    gguf_write_tensor(&w, "blk.0.attn_q.bias", GGML_F32, (int64_t[]){1}, 1, "abcd", 4);
    check_bad_llama(&w, &s, "tensor blk.0.attn_q.bias at byte");
    s.n_kv_heads = 3;
    gguf_write_llama_keys(&w, &s);
    check_bad_llama(&w, &TEST_SHAPE, "expected a divisor of the 4 heads, found 3");
    s = TEST_SHAPE;
    s.n_layers = 3;
    gguf_write_llama_keys(&w, &s);
    check_bad_llama(&w, &TEST_SHAPE, "tensor blk.2.attn_norm.weight: expected with shape [1, 64], found no such tensor");
    s.n_layers = 1;
    gguf_write_llama_keys(&w, &s);
    check_bad_llama(&w, &TEST_SHAPE, "expected a tensor of a llama model of 1 layers");
    s = TEST_SHAPE;
    s.d_ff = 96;
    gguf_write_llama_keys(&w, &s);
    check_bad_llama(&w, &TEST_SHAPE, "tensor blk.0.ffn_gate.weight at byte");
    s = TEST_SHAPE;
    s.rotary_dim = 8;
    gguf_write_llama_keys(&w, &s);
    check_bad_llama(&w, &TEST_SHAPE, "key llama.rope.dimension_count");
}

/* --- real files --- */

static void opens_real_files(void)
{
    static const struct {
        const char *path;
        enum vocab_kind kind;
        int32_t n_tokens, n_merges;
    } FILES[] = {
        {"stories260K/stories260K.gguf", VOCAB_SENTENCEPIECE, 512, 0},
        {"tokenizer-llama3/llama-bpe-vocab.gguf", VOCAB_BPE, 128256, 280147},
        {"tokenizer-llama3/ggml-vocab-llama-spm.gguf", VOCAB_SENTENCEPIECE, 32000, 0},
        {"lora/medai-smollm135m-r16.gguf", VOCAB_NONE, 0, 0},
    };
    for (size_t k = 0; k < sizeof FILES / sizeof *FILES; k++) {
        const char *path = shared_data(FILES[k].path);
        if (!path) {
            SKIP("the shared test data are not here");
        }
        struct gguf g;
        struct vocab v;
        struct error e;
        REQUIRE_GOOD(gguf_open(path, &g, &e), &e);
        REQUIRE_GOOD(gguf_vocab(&g, &v, &e), &e);
        CHECK_EQ_INT(v.kind, FILES[k].kind);
        CHECK_EQ_INT(v.n_tokens, FILES[k].n_tokens);
        CHECK_EQ_INT(v.n_merges, FILES[k].n_merges);
        vocab_free(&v);
        gguf_close(&g);
    }
}

void suite_gguf(void)
{
    suite_begin("gguf");
    suite_add("keys and tensors are found", finds_keys_and_tensors);
    suite_add("getters tell what they expected", getters_tell_what_they_expected);
    suite_add("NaN and infinity are told with their place", names_the_place_of_nan);
    suite_add("mistakes are told with their place", tells_mistakes_with_their_place);
    suite_add("every truncation is refused", refuses_every_truncation);
    suite_add("random bytes do no harm", survives_random_bytes);
    suite_add("what is no file is refused", refuses_what_is_no_file);
    suite_add("alignments are powers of two", alignment_is_a_power_of_two);
    suite_add("many long names take little time", many_names_take_little_time);
    suite_add("SentencePiece vocabularies, with llama.cpp's defaults", reads_sentencepiece_with_defaults);
    suite_add("BPE vocabularies", reads_bpe);
    suite_add("mistakes in vocabularies are told", tells_mistakes_in_vocabularies);
    suite_add("mistakes in models are told", tells_mistakes_in_models);
    suite_add("real files open", opens_real_files);
}
