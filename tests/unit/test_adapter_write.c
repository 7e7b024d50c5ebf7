/* Adapters written: does a file hold what it was made from, in the order of rows that its readers expect, and is nothing left of one that
 * failed? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/adapter.h"
#include "adapters/float_types.h"
#include "adapters/lora_file.h"
#include "adapters/lora_write.h"
#include "tests/unit/adapter_files.h"
#include "tests/unit/check.h"

static struct adapter_spec make_spec(void)
{
    return (struct adapter_spec){.shape = TEST_SHAPE, .rank = 4, .alpha = 12, .linears = ALL_LINEARS, .seed = 9};
}

static const char *in_folder(const char *name)
{
    static char paths[4][4096];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", temporary_folder(), name);
    return path;
}

static struct bytes file_bytes(const char *folder, const char *name)
{
    char path[4400], block[4096];
    struct bytes bytes = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    for (size_t n = 1; f && n > 0;) {
        n = fread(block, 1, sizeof block, f);
        bytes_add(&bytes, block, n);
    }
    if (f) {
        fclose(f);
    }
    return bytes;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* --- rounding --- */

static void halves_round_to_the_nearest(void)
{
    for (uint32_t bits = 0; bits < 0x7c00; bits++) { /* up to the largest, 65504 */
        float value = half_to_float((uint16_t)bits), next = bits == 0x7bff ? 65536.0f : half_to_float((uint16_t)(bits + 1));
        float middle = (value + next) / 2; /* exact: floats have 13 bits more */
        bool good = f16_of_float(value) == bits && f16_of_float(-value) == (bits | 0x8000) && f16_of_float(nextafterf(middle, 0)) == bits &&
                    f16_of_float(nextafterf(middle, 1e9f)) == bits + 1 && f16_of_float(middle) == bits + (bits & 1);
        if (!good) {
            CHECK_EQ_INT(bits, -1);
            return;
        }
    }
    CHECK_EQ_INT(f16_of_float(65520.0f), 0x7c00);
    CHECK_EQ_INT(f16_of_float(-3e38f), 0xfc00);
    CHECK_EQ_INT(f16_of_float(1e-40f), 0);
}

static void bf16_rounds_to_the_nearest(void)
{
    for (uint32_t bits = 0; bits < 0x7f80; bits++) {
        float value = float_of_bf16((uint16_t)bits), middle = float_of_bits32(bits << 16 | 0x8000);
        bool good = bf16_of_float(value) == bits && bf16_of_float(-value) == (bits | 0x8000) &&
                    bf16_of_float(nextafterf(middle, 0)) == bits && bf16_of_float(nextafterf(middle, INFINITY)) == bits + 1 &&
                    bf16_of_float(middle) == bits + (bits & 1);
        if (!good) {
            CHECK_EQ_INT(bits, -1);
            return;
        }
    }
}

/* --- the two kinds of file, against files written without the program --- */

static void gguf_is_what_the_converter_writes(void)
{
    static const enum ggml_type TYPES[] = {GGML_F32, GGML_F16, GGML_BF16};
    struct adapter_spec spec = make_spec();
    for (int k = 0; k < 3; k++) {
        struct lora_tensors t;
        struct lora_write_report report;
        struct gguf found, expected;
        struct error e;
        REQUIRE_GOOD(lora_tensors_load(adapter_folder_written(&spec, TYPES[k], "to-gguf"), &spec.shape, &t, &e), &e);
        CHECK_EQ_INT(t.type, TYPES[k]);
        REQUIRE_GOOD(lora_write(&t, in_folder("written.gguf"), t.type, &report, &e), &e);
        CHECK_EQ_INT(report.n_changed, 0);
        CHECK(!report.alphas_folded && report.alpha_error == 0 && report.relative_error == 0);
        REQUIRE_GOOD(gguf_open(in_folder("written.gguf"), &found, &e), &e);
        CHECK_EQ_INT(report.file_bytes, (int64_t)found.map.size_bytes);
        struct bytes file = adapter_gguf(&spec, TYPES[k]);
        REQUIRE_GOOD(gguf_open_memory("expected", file.data, file.size, &expected, &e), &e);
        CHECK_EQ_UINT(found.n_tensors, expected.n_tensors);
        for (uint64_t i = 0; i < found.n_tensors; i++) {
            const struct gguf_tensor *x = &found.tensors[i], *y = &expected.tensors[i]; /* sorted by name */
            CHECK_EQ_BYTES(x->name.bytes, y->name.bytes, y->name.length_bytes);
            CHECK(x->type == y->type && x->dims[0] == y->dims[0] && x->n_rows == y->n_rows);
            CHECK_EQ_BYTES(x->data, y->data, y->bytes);
        }
        float alpha;
        CHECK_GOOD(gguf_get_float(&found, "adapter.lora.alpha", true, &alpha, &e), &e);
        CHECK_NEAR(alpha, 12, 0);
        gguf_close(&found);
        gguf_close(&expected);
        bytes_free(&file);
        lora_tensors_free(&t);
    }
}

static void safetensors_are_what_peft_writes(void)
{
    static const enum ggml_type TYPES[] = {GGML_F32, GGML_F16, GGML_BF16, GGML_Q8_0};
    struct adapter_spec spec = make_spec();
    for (int k = 0; k < 4; k++) {
        struct lora_tensors t;
        struct lora_write_report report;
        struct safetensors found, expected;
        struct error e;
        struct bytes gguf = adapter_gguf(&spec, TYPES[k]), file = adapter_safetensors(&spec, TYPES[k] == GGML_Q8_0 ? GGML_F32 : TYPES[k]);
        REQUIRE_GOOD(lora_tensors_load(bytes_to_file(&gguf, "to-peft.gguf"), &spec.shape, &t, &e), &e);
        REQUIRE_GOOD(lora_write(&t, in_folder("written"), t.type, &report, &e), &e);
        CHECK_EQ_INT(report.n_changed, 0);
        REQUIRE_GOOD(safetensors_open(in_folder("written/adapter_model.safetensors"), &found, &e), &e);
        REQUIRE_GOOD(safetensors_open_memory("expected", file.data, file.size, &expected, &e), &e);
        REQUIRE(found.n_tensors == expected.n_tensors);
        for (int64_t i = 0; i < found.n_tensors; i++) {
            const struct safetensors_tensor *x = &found.tensors[i], *y = &expected.tensors[i];
            CHECK_EQ_TEXT(x->name, y->name);
            CHECK(x->type == y->type && x->n_dims == 2 && x->dims[0] == y->dims[0] && x->dims[1] == y->dims[1]);
            CHECK_EQ_BYTES(x->data, y->data, y->end - y->begin);
        }
        CHECK_EQ_INT((int64_t)(found.data_start % 8), 0);
        safetensors_close(&found);
        safetensors_close(&expected);
        lora_tensors_free(&t);
        bytes_free(&gguf);
        bytes_free(&file);
    }
}

static bool convert(const char *from, const char *to, const struct shape *shape)
{
    struct lora_tensors t;
    struct lora_write_report report;
    struct error e;
    bool good = CHECK_GOOD(lora_tensors_load(from, shape, &t, &e), &e) && CHECK_GOOD(lora_write(&t, to, t.type, &report, &e), &e);
    lora_tensors_free(&t);
    return good;
}

static void there_and_back_is_the_same_file(void)
{
    struct adapter_spec spec = make_spec();
    const char *from = adapter_folder_written(&spec, GGML_BF16, "from");
    REQUIRE(convert(from, in_folder("one"), &spec.shape) && convert(in_folder("one"), in_folder("two.gguf"), &spec.shape) &&
            convert(in_folder("two.gguf"), in_folder("two"), &spec.shape));
    static const char *const FILES[] = {"adapter_config.json", "adapter_model.safetensors"};
    for (int k = 0; k < 2; k++) {
        struct bytes one = file_bytes(in_folder("one"), FILES[k]), two = file_bytes(in_folder("two"), FILES[k]);
        CHECK(one.size > 0);
        CHECK_EQ_INT((int64_t)two.size, (int64_t)one.size);
        CHECK_EQ_BYTES(two.data, one.data, one.size < two.size ? one.size : two.size);
        bytes_free(&one);
        bytes_free(&two);
    }
    REQUIRE(convert(in_folder("two"), in_folder("again/two.gguf.part"), &spec.shape)); /* a folder's name, though an odd one */
    CHECK(exists(in_folder("again/two.gguf.part/adapter_config.json")));
}

/* --- uneven adapters --- */

/* Places at random, or only some of the first layer's (kind 1); ranks, and alphas: any, one (1), powers of two (2). */
static void make_uneven(uint64_t seed, int kind, struct lora_tensors *t)
{
    struct error e;
    uint64_t state = seed * 977 + 5;
    ES_ASSERT(lora_tensors_make(&TEST_SHAPE, t, &e));
    snprintf(t->base_name, sizeof t->base_name, "someone/a \"base\" \\ model");
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        uint64_t random = test_random(&state) >> 24;
        bool first_layer = i < LINEAR_COUNT, has = kind == 0 ? random % 3 > 0 : kind == 1 ? first_layer && i % 2 == 0 : i % 3 > 0;
        t->linears[i].rank = !has ? 0 : kind == 1 ? 3 : (int32_t)(1 + random % 7);
        t->linears[i].alpha = !has ? 0 : kind == 1 ? 4 : kind == 2 ? ldexp(1, (int)(random % 5)) : 1 + (double)(random % 4) / 3;
    }
    t->linears[2].rank = kind == 1 ? 3 : 2;
    t->linears[2].alpha = 4;
    ES_ASSERT(lora_tensors_allocate(t, &e));
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        struct lora_linear *l = &t->linears[i];
        for (int32_t k = 0; k < l->rank * (l->n_in + l->n_out); k++) {
            l->a[k] = (float)((int64_t)(test_random(&state) >> 20) % 2001 - 1000) / 977; /* b is behind a */
        }
    }
}

static void check_same(const struct lora_tensors *x, const struct lora_tensors *y, bool exact)
{
    for (int32_t i = 0; i < lora_tensors_count(x); i++) {
        const struct lora_linear *p = &x->linears[i], *q = &y->linears[i];
        REQUIRE(CHECK_EQ_INT(q->rank, p->rank));
        CHECK_EQ_BYTES(q->a, p->a, (size_t)p->rank * (size_t)p->n_in * sizeof *p->a);
        if (exact) {
            CHECK_NEAR(q->alpha, p->alpha, 0);
            CHECK_EQ_BYTES(q->b, p->b, (size_t)p->rank * (size_t)p->n_out * sizeof *p->b);
        }
        for (int32_t k = 0; k < p->rank * p->n_out; k++) {
            CHECK_NEAR(lora_scale(q) * (double)q->b[k], lora_scale(p) * (double)p->b[k], 1e-6 * fabs((double)p->b[k]) * lora_scale(p));
        }
    }
}

static void uneven_adapters_come_back(void)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        int kind = (int)(seed % 3);
        struct lora_tensors t, back;
        struct lora_write_report report;
        struct error e;
        make_uneven(seed, kind, &t);
        REQUIRE_GOOD(lora_write(&t, in_folder("uneven"), GGML_F32, &report, &e), &e);
        CHECK_EQ_INT(report.n_changed, 0);
        REQUIRE_GOOD(lora_tensors_load(in_folder("uneven"), &TEST_SHAPE, &back, &e), &e);
        CHECK_EQ_TEXT(back.base_name, t.base_name);
        check_same(&t, &back, true);
        lora_tensors_free(&back);
        REQUIRE_GOOD(lora_write(&t, in_folder("uneven.gguf"), GGML_F32, &report, &e), &e);
        CHECK_EQ_INT(report.alphas_folded, kind == 0 || kind == 2);
        CHECK(kind == 0 || report.n_changed == 0); /* powers of two are exact */
        REQUIRE_GOOD(lora_tensors_load(in_folder("uneven.gguf"), &TEST_SHAPE, &back, &e), &e);
        CHECK_EQ_TEXT(back.base_name, t.base_name);
        check_same(&t, &back, false);
        lora_tensors_free(&back);
        lora_tensors_free(&t);
    }
}

/* alpha * sqrt(rank) / rank, of which a GGUF file keeps 32 bits. */
static void rank_stabilised_alpha_is_converted(void)
{
    struct adapter_spec spec = make_spec();
    char config[512];
    struct bytes text = {0};
    struct lora_tensors t, back;
    struct lora_write_report report;
    struct error e;
    spec.rank = 8;
    adapter_folder_written(&spec, GGML_F32, "rs");
    snprintf(config, sizeof config,
             "{\"peft_type\": \"LORA\", \"r\": 8, \"lora_alpha\": 16, \"use_rslora\": true, \"target_modules\": \"all-linear\"}");
    bytes_add(&text, config, strlen(config));
    bytes_to_file(&text, "rs/adapter_config.json");
    REQUIRE_GOOD(lora_tensors_load(in_folder("rs"), &spec.shape, &t, &e), &e);
    CHECK_NEAR(lora_scale(&t.linears[0]), 16 / sqrt(8), 1e-15);
    REQUIRE_GOOD(lora_write(&t, in_folder("rs.gguf"), GGML_F32, &report, &e), &e);
    CHECK(report.alpha_error > 0 && report.alpha_error < 6e-8);
    REQUIRE_GOOD(lora_tensors_load(in_folder("rs.gguf"), &spec.shape, &back, &e), &e);
    CHECK_NEAR(lora_scale(&back.linears[0]), 16 / sqrt(8), 1e-6);
    lora_tensors_free(&back);
    REQUIRE_GOOD(lora_write(&t, in_folder("rs-again"), GGML_F32, &report, &e), &e);
    REQUIRE_GOOD(lora_tensors_load(in_folder("rs-again"), &spec.shape, &back, &e), &e);
    CHECK_NEAR(lora_scale(&back.linears[0]), lora_scale(&t.linears[0]), 0);
    lora_tensors_free(&back);
    lora_tensors_free(&t);
    bytes_free(&text);
}

/* --- narrower types, failures --- */

static void changed_values_are_counted(void)
{
    struct lora_tensors t, back;
    struct lora_write_report report;
    struct error e;
    make_uneven(3, 1, &t);
    REQUIRE_GOOD(lora_write(&t, in_folder("narrow"), GGML_F16, &report, &e), &e);
    REQUIRE_GOOD(lora_tensors_load(in_folder("narrow"), &TEST_SHAPE, &back, &e), &e);
    int64_t changed = 0, values = 0;
    double error = 0, square = 0;
    for (int32_t i = 0; i < lora_tensors_count(&t); i++) {
        const struct lora_linear *p = &t.linears[i], *q = &back.linears[i];
        for (int32_t k = 0; k < p->rank * (p->n_in + p->n_out); k++) {
            double difference = (double)p->a[k] - (double)q->a[k];
            values++;
            changed += difference != 0;
            error += difference * difference;
            square += (double)p->a[k] * (double)p->a[k];
        }
    }
    CHECK(changed > 0);
    CHECK_EQ_INT(report.n_values, values);
    CHECK_EQ_INT(report.n_changed, changed);
    CHECK_NEAR(report.relative_error, sqrt(error / square), 1e-12);
    CHECK(report.relative_error < 0x1p-11);
    lora_tensors_free(&back);
    lora_tensors_free(&t);
}

static void failures_leave_nothing(void)
{
    struct lora_tensors t;
    struct lora_write_report report;
    struct error e = {0};
    make_uneven(3, 1, &t);
    t.linears[2].b[1] = 70000;
    CHECK(!lora_write(&t, in_folder("large.gguf"), GGML_F16, &report, &e));
    CHECK_CONTAINS(e.message, "large.gguf: expected values that F16 holds, found a larger one");
    CHECK(!exists(in_folder("large.gguf")) && !exists(in_folder("large.gguf.part")));
    CHECK(!lora_write(&t, in_folder("large"), GGML_F16, &report, &e));
    CHECK_CONTAINS(e.message, "large: expected values that F16 holds");
    CHECK(!exists(in_folder("large")));
    CHECK(!lora_write(&t, in_folder("nowhere/x.gguf"), GGML_F32, &report, &e));
    CHECK_CONTAINS(e.message, "cannot write");
    REQUIRE_GOOD(lora_write(&t, in_folder("file.gguf"), GGML_F32, &report, &e), &e);
    CHECK(!lora_write(&t, in_folder("file.gguf/folder"), GGML_F32, &report, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    lora_tensors_free(&t);
    ES_ASSERT(lora_tensors_make(&TEST_SHAPE, &t, &e));
    CHECK(!lora_write(&t, in_folder("none.gguf"), GGML_F32, &report, &e));
    CHECK_CONTAINS(e.message, "expected an adapter with a pair for at least one linear");
    lora_tensors_free(&t);
}

/* Back and forth, the real one keeps every bit. */
static void a_real_adapter_converts_exactly(void)
{
    struct shape smollm = {.n_layers = 30, .d_model = 576, .n_heads = 9, .n_kv_heads = 3, .head_dim = 64, .d_ff = 1536, .n_vocab = 49152};
    const char *gguf = shared_data("lora/medai-smollm135m-r16.gguf"), *folder = shared_data("lora/medai-smollm135m");
    if (!gguf || !folder) {
        SKIP("the shared test data are not here");
    }
    REQUIRE(convert(gguf, in_folder("real"), &smollm) && convert(folder, in_folder("real.gguf"), &smollm));
    struct bytes written = file_bytes(in_folder("real"), "adapter_model.safetensors"),
                 peft = file_bytes(folder, "adapter_model.safetensors");
    CHECK_EQ_INT((int64_t)written.size, (int64_t)peft.size);
    CHECK_EQ_BYTES(written.data, peft.data, peft.size);
    struct gguf found, expected;
    struct error e;
    REQUIRE_GOOD(gguf_open(in_folder("real.gguf"), &found, &e), &e);
    REQUIRE_GOOD(gguf_open(gguf, &expected, &e), &e);
    REQUIRE(found.n_tensors == expected.n_tensors);
    for (uint64_t i = 0; i < found.n_tensors; i++) {
        CHECK_EQ_BYTES(found.tensors[i].data, expected.tensors[i].data, expected.tensors[i].bytes);
    }
    gguf_close(&found);
    gguf_close(&expected);
    bytes_free(&written);
    bytes_free(&peft);
}

void suite_adapter_write(void)
{
    suite_begin("adapter_write");
    suite_add("F16 rounds to the nearest, every value and every middle", halves_round_to_the_nearest);
    suite_add("BF16 rounds to the nearest, every value and every middle", bf16_rounds_to_the_nearest);
    suite_add("GGUF files are what the converter writes", gguf_is_what_the_converter_writes);
    suite_add("safetensors are what PEFT writes", safetensors_are_what_peft_writes);
    suite_add("there and back is the same file", there_and_back_is_the_same_file);
    suite_add("uneven ranks, alphas and places come back", uneven_adapters_come_back);
    suite_add("a rank-stabilised alpha is converted", rank_stabilised_alpha_is_converted);
    suite_add("changed values are counted", changed_values_are_counted);
    suite_add("failures leave nothing", failures_leave_nothing);
    suite_add("a real adapter converts exactly", a_real_adapter_converts_exactly);
}
