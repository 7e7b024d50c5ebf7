/* safetensors files: are tensors found and read, and is every mistake of the header told? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/safetensors.h"
#include "tests/unit/check.h"
#include "tests/unit/gguf_writer.h"

#define T(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static bool open_header(const char *header, const void *data, size_t size, struct safetensors *s, struct bytes *file, struct error *e)
{
    *file = safetensors_written(header, data, size);
    return safetensors_open_memory("t.safetensors", file->data, file->size, s, e);
}

static void reads_three_types(void)
{
    uint8_t data[4 + 4 + 2] = {0};
    const float f32 = -1.5f;
    const uint16_t halves[2] = {half_of_float(0.25f), half_of_float(-65504.0f)}, bf16 = 0x4049; /* 3.140625 */
    memcpy(data, &f32, 4);
    memcpy(data + 4, halves, 4);
    memcpy(data + 8, &bf16, 2);
    struct safetensors s;
    struct bytes file;
    struct error e;
    REQUIRE_GOOD(open_header("{\"__metadata__\":{\"format\":\"pt\"}," T("c", "BF16", "[]", 8, 10) "," T("a", "F32", "[1,1]", 0, 4) "," T(
                                 "b", "F16", "[2]", 4, 8) "," T("empty", "F32", "[3,0]", 10, 10) "}   ",
                             data, sizeof data, &s, &file, &e),
                 &e);
    CHECK_EQ_INT(s.n_tensors, 4);
    float values[2];
    const struct safetensors_tensor *a = safetensors_find(&s, "a"), *b = safetensors_find(&s, "b"), *c = safetensors_find(&s, "c");
    REQUIRE(a && b && c);
    CHECK_EQ_INT(a->n_dims, 2);
    CHECK_EQ_INT(c->n_dims, 0);
    CHECK_GOOD(safetensors_read(&s, a, 0, 1, values, &e), &e);
    CHECK_NEAR(values[0], -1.5, 0);
    CHECK_GOOD(safetensors_read(&s, b, 0, 2, values, &e), &e);
    CHECK_NEAR(values[0], 0.25, 0);
    CHECK_NEAR(values[1], -65504, 0);
    CHECK_GOOD(safetensors_read(&s, c, 0, 1, values, &e), &e);
    CHECK_NEAR(values[0], 3.140625, 0);
    CHECK(safetensors_find(&s, "d") == NULL);
    safetensors_close(&s);
    bytes_free(&file);
}

static void names_the_place_of_nan(void)
{
    const float data[4] = {1, 2, INFINITY, 4};
    struct safetensors s;
    struct bytes file;
    struct error e;
    float values[4];
    REQUIRE_GOOD(open_header("{" T("x", "F32", "[4]", 0, 16) "}", data, sizeof data, &s, &file, &e), &e);
    CHECK_GOOD(safetensors_read(&s, s.tensors, 0, 2, values, &e), &e);
    CHECK(!safetensors_read(&s, s.tensors, 1, 3, values, &e));
    char expected[80];
    snprintf(expected, sizeof expected, "t.safetensors: tensor x at byte %zu: expected finite values, found inf at element 2",
             file.size - 8);
    CHECK_CONTAINS(e.message, expected);
    safetensors_close(&s);
    bytes_free(&file);
}

/* Headers over 8 bytes of data. */
static const struct {
    const char *header, *expected;
} MISTAKES[] = {
    {"", "header at byte 8: expected \"{\""},
    {" {}", "header at byte 8: expected \"{\""},
    {"[]", "header at byte 8: expected \"{\""},
    {"{", "expected JSON, found a mistake"},
    {"{\"a\":1,}", "expected JSON, found a mistake"},
    {"{}x", "header at byte 10: expected spaces after the JSON"},
    {"{}\n", "header at byte 10: expected spaces after the JSON"},
    {"{}", "data at byte 10: expected 0 bytes, the tensors' sum, found 8"},
    {"{\"a\":1}", "tensor a in the header at byte 8: expected an object"},
    {"{\"a\":{}}", "expected dtype F32, F16 or BF16, found none"},
    {"{" T("a", "I64", "[1]", 0, 8) "}", "expected dtype F32, F16 or BF16, found I64"},
    {"{" T("a", "F8_E4M3", "[8]", 0, 8) "}", "found F8_E4M3"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", "expected \"shape\" as an array"},
    {"{" T("a", "F32", "[-2]", 0, 8) "}", "expected dimensions that are integers from 0"},
    {"{" T("a", "F32", "[1.5]", 0, 8) "}", "expected dimensions that are integers from 0"},
    {"{" T("a", "F32", "[\"2\"]", 0, 8) "}", "expected dimensions that are integers from 0"},
    {"{" T("a", "F32", "[1e300]", 0, 8) "}", "expected dimensions that are integers from 0"},
    {"{" T("a", "F32", "[4294967296,4294967296,2]", 0, 8) "}", "expected a shape whose size fits 64 bits"},
    {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,2]", 0, 8) "}", "expected at most 8 dimensions"},
    {"{" T("a", "F32", "[3]", 0, 8) "}", "expected 12 bytes, the shape's size, found data_offsets of 8"},
    {"{" T("a", "F16", "[2]", 0, 8) "}", "expected 4 bytes, the shape's size, found data_offsets of 8"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "expected data_offsets of two ascending integers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "expected data_offsets of two ascending integers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", "expected data_offsets of two ascending integers"},
    {"{" T("a", "F32", "[2]", 8, 0) "}", "expected data_offsets of two ascending integers"},
    {"{" T("a", "F32", "[2]", -8, 0) "}", "expected data_offsets of two ascending integers"},
    {"{" T("a", "F32", "[2]", 0.5, 8.5) "}", "expected data_offsets of two ascending integers"},
    {"{" T("a", "F32", "[2]", 4, 12) "}", "expected data from 0 to at most 8, found 4 to 12"},
    {"{" T("a", "F32", "[3]", 0, 12) "}", "expected data from 0 to at most 8, found 0 to 12"},
    {"{" T("a", "F32", "[1]", 0, 4) "}", "expected 4 bytes, the tensors' sum, found 8"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[2]", 0, 8) "}", "tensor b in the header at byte 8: expected data from 4"},
    {"{" T("a", "F16", "[1]", 0, 2) "," T("b", "F32", "[1]", 4, 8) "}", "tensor b in the header at byte 8: expected data from 2"},
    {"{" T("a", "F32", "[1]", 0, 4) "," T("a", "F32", "[1]", 4, 8) "}",
     "tensor a in the header at byte 8: expected a name not used before"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,8]}}", "each once, found dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"size\":8,\"shape\":[2],\"data_offsets\":[0,8]}}", "each once, found size"},
    {"{\"__metadata__\":{\"x\":1}," T("a", "F32", "[2]", 0, 8) "}", "key __metadata__"},
    {"{\"__metadata__\":[]," T("a", "F32", "[2]", 0, 8) "}", "key __metadata__"},
};

static void tells_mistakes_of_the_header(void)
{
    for (size_t k = 0; k < sizeof MISTAKES / sizeof *MISTAKES; k++) {
        struct safetensors s;
        struct bytes file;
        struct error e = {0};
        bool opened = open_header(MISTAKES[k].header, "12345678", 8, &s, &file, &e);
        CHECK_EQ_TEXT(opened ? MISTAKES[k].header : "", "");
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, "t.safetensors: ");
        CHECK_CONTAINS(e.message, MISTAKES[k].expected);
        bytes_free(&file);
    }
}

static void tells_a_wrong_header_length(void)
{
    static const uint64_t LENGTHS[] = {3, 100, (uint64_t)1 << 40, UINT64_MAX};
    for (size_t k = 0; k < sizeof LENGTHS / sizeof *LENGTHS; k++) {
        struct bytes file = {0};
        struct safetensors s;
        struct error e = {0};
        bytes_add_u64(&file, LENGTHS[k]);
        bytes_add(&file, "{}", 2);
        CHECK(!safetensors_open_memory("t.safetensors", file.data, file.size, &s, &e));
        CHECK_CONTAINS(e.message, "t.safetensors: header length at byte 0: expected at most 2, found");
        CHECK(!safetensors_open_memory("t.safetensors", file.data, (size_t)k, &s, &e));
        CHECK_CONTAINS(e.message, "t.safetensors: byte 0: expected a header length");
        bytes_free(&file);
    }
}

static void refuses_every_truncation(void)
{
    const float data[2] = {1, 2};
    struct bytes file = safetensors_written("{" T("a", "F32", "[2]", 0, 8) "}", data, sizeof data);
    for (size_t n = 0; n < file.size; n++) {
        uint8_t *copy = malloc(n + 1);
        struct safetensors s;
        struct error e = {0};
        memcpy(copy, file.data, n);
        CHECK(!safetensors_open_memory("t.safetensors", copy, n, &s, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        free(copy);
    }
    bytes_free(&file);
}

static void an_empty_table_is_legal(void)
{
    struct safetensors s;
    struct bytes file;
    struct error e;
    REQUIRE_GOOD(open_header("{}", NULL, 0, &s, &file, &e), &e);
    CHECK_EQ_INT(s.n_tensors, 0);
    CHECK(safetensors_find(&s, "a") == NULL);
    safetensors_close(&s);
    bytes_free(&file);
}

void suite_safetensors(void)
{
    suite_begin("safetensors");
    suite_add("F32, F16, BF16, scalars and empty tensors", reads_three_types);
    suite_add("NaN and infinity are told with their place", names_the_place_of_nan);
    suite_add("mistakes of the header are told", tells_mistakes_of_the_header);
    suite_add("a wrong header length is told", tells_a_wrong_header_length);
    suite_add("every truncation is refused", refuses_every_truncation);
    suite_add("an empty table is legal", an_empty_table_is_legal);
}
