#include "sim/gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/gguf_types.h"

enum { VERSION = 3, ALIGNMENT_DEFAULT = 32, ALIGNMENT_MAX = 1 << 20, KEY_BYTES_MAX = 65535 };
enum { KEY_BYTES_MIN = 8 + 4 + 1, TENSOR_BYTES_MIN = 8 + 4 + 8 + 4 + 8 }; /* the least a key or a tensor takes in the file */

static const char *const TYPE_NAMES[GGUF_TYPE_COUNT] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                        "bool", "string", "array", "u64", "i64", "f64"};
static const uint8_t TYPE_BYTES[GGUF_TYPE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

/* Where the reader is; everything before `at` has been checked. `what` and `name` say whose bytes are being read. */
struct cursor {
    const struct gguf *g;
    uint64_t at;
    const char *what;
    struct text name;
    struct error *e;
};

/* "FILE: key NAME at byte N: " for the messages below. */
static bool fail(const struct cursor *c, uint64_t at, const char *expected, const char *found)
{
    char name[PRINTABLE_ROOM];
    error_input(c->e, "%s: %s%s%s at byte %" PRIu64 ": expected %s, found %s", c->g->path, c->what, c->name.length_bytes ? " " : "",
                printable(c->name, name), at, expected, found);
    return false;
}

static uint64_t left(const struct cursor *c)
{
    return c->g->map.size_bytes - c->at;
}

/* The next bytes, or NULL where the file has fewer. */
static const uint8_t *take(struct cursor *c, uint64_t n_bytes, const char *expected)
{
    if (n_bytes > left(c)) {
        char found[64];
        snprintf(found, sizeof found, "%" PRIu64 " bytes left of %" PRIu64, left(c), n_bytes);
        fail(c, c->at, expected, found);
        return NULL;
    }
    c->at += n_bytes;
    return c->g->map.bytes + c->at - n_bytes;
}

static bool take_u32(struct cursor *c, uint32_t *v, const char *expected)
{
    const uint8_t *bytes = take(c, 4, expected);
    if (!bytes) {
        return false;
    }
    *v = load_u32(bytes);
    return true;
}

static bool take_u64(struct cursor *c, uint64_t *v, const char *expected)
{
    const uint8_t *bytes = take(c, 8, expected);
    if (!bytes) {
        return false;
    }
    *v = load_u64(bytes);
    return true;
}

static bool take_string(struct cursor *c, uint64_t length_max, struct text *text, const char *expected)
{
    uint64_t length;
    if (!take_u64(c, &length, expected)) {
        return false;
    }
    if (length > length_max || length > left(c)) {
        char wanted[64], found[64];
        uint64_t limit = length_max < left(c) ? length_max : left(c);
        snprintf(wanted, sizeof wanted, "%s of at most %" PRIu64 " bytes", expected, limit);
        snprintf(found, sizeof found, "length %" PRIu64, length);
        return fail(c, c->at - 8, wanted, found);
    }
    *text = (struct text){(const char *)c->g->map.bytes + c->at, (uint32_t)length};
    c->at += length;
    return true;
}

static bool take_type(struct cursor *c, bool array_allowed, enum gguf_type *type)
{
    uint32_t id;
    if (!take_u32(c, &id, "a value type")) {
        return false;
    }
    if (id >= GGUF_TYPE_COUNT || (id == GGUF_ARRAY && !array_allowed)) {
        char found[32];
        snprintf(found, sizeof found, id == GGUF_ARRAY ? "an array of arrays" : "type %" PRIu32, id);
        return fail(c, c->at - 4, array_allowed ? "a value type of 0 to 12" : "an element type of 0 to 8 or 10 to 12", found);
    }
    *type = (enum gguf_type)id;
    return true;
}

static bool take_bools(struct cursor *c, uint64_t count, const uint8_t *bytes)
{
    for (uint64_t i = 0; i < count; i++) {
        if (bytes[i] > 1) {
            char found[32];
            snprintf(found, sizeof found, "%u", bytes[i]);
            return fail(c, (uint64_t)(bytes + i - c->g->map.bytes), "a bool of 0 or 1", found);
        }
    }
    return true;
}

/* Walks over a key's value; every byte of it is checked to be there. */
static bool take_values(struct cursor *c, struct gguf_key *key)
{
    key->value = c->g->map.bytes + c->at;
    if (key->type == GGUF_STRING) {
        for (uint64_t i = 0; i < key->count; i++) {
            struct text text;
            if (!take_string(c, UINT32_MAX, &text, "a string")) {
                return false;
            }
        }
        return true;
    }
    uint64_t size = TYPE_BYTES[key->type];
    ES_ASSERT(size > 0);
    if (key->count > left(c) / size) {
        char found[48], expected[64];
        snprintf(expected, sizeof expected, "at most %" PRIu64 " elements of type %s", left(c) / size, TYPE_NAMES[key->type]);
        snprintf(found, sizeof found, "%" PRIu64, key->count);
        return fail(c, c->at, expected, found);
    }
    const uint8_t *bytes = take(c, key->count * size, "a value");
    return bytes && (key->type != GGUF_BOOL || take_bools(c, key->count, bytes));
}

static bool take_key(struct cursor *c, struct gguf_key *key)
{
    *key = (struct gguf_key){.at_byte = c->at, .count = 1};
    c->name = (struct text){0};
    if (!take_string(c, KEY_BYTES_MAX, &key->name, "a key's name")) {
        return false;
    }
    c->name = key->name;
    if (key->name.length_bytes == 0) {
        return fail(c, key->at_byte, "a key's name", "an empty one");
    }
    if (!take_type(c, true, &key->type)) {
        return false;
    }
    if (key->type == GGUF_ARRAY) {
        key->is_array = true;
        if (!take_type(c, false, &key->type) || !take_u64(c, &key->count, "an array's length")) {
            return false;
        }
    }
    return take_values(c, key);
}

/* Dimensions, type and offset of one tensor, as in the file; its data is placed by place_tensor. */
static bool take_tensor(struct cursor *c, struct gguf_tensor *t, uint64_t *offset)
{
    uint64_t start = c->at;
    *t = (struct gguf_tensor){.dims = {1, 1, 1, 1}, .n_rows = 1};
    c->name = (struct text){0};
    if (!take_string(c, GGUF_TENSOR_NAME_MAX, &t->name, "a tensor's name")) {
        return false;
    }
    c->name = t->name;
    if (t->name.length_bytes == 0) {
        return fail(c, start, "a tensor's name", "an empty one");
    }
    char found[64];
    uint32_t n_dims, type;
    if (!take_u32(c, &n_dims, "a number of dimensions")) {
        return false;
    }
    if (n_dims < 1 || n_dims > GGUF_DIMS_MAX) {
        snprintf(found, sizeof found, "%" PRIu32, n_dims);
        return fail(c, c->at - 4, "1 to 4 dimensions", found);
    }
    t->n_dims = (int32_t)n_dims;
    for (uint32_t d = 0; d < n_dims; d++) {
        uint64_t dim;
        if (!take_u64(c, &dim, "a dimension")) {
            return false;
        }
        if (dim < 1 || dim > INT64_MAX || (d > 0 && __builtin_mul_overflow(t->n_rows, (int64_t)dim, &t->n_rows))) {
            snprintf(found, sizeof found, "dimension %" PRIu32 " of %" PRIu64, d, dim);
            return fail(c, c->at - 8, "positive dimensions whose product is below 2^63", found);
        }
        t->dims[d] = (int64_t)dim;
    }
    if (!take_u32(c, &type, "a tensor type") || !take_u64(c, offset, "a data offset")) {
        return false;
    }
    t->type = (enum ggml_type)type;
    return true;
}

static bool size_tensor(struct cursor *c, struct gguf_tensor *t, uint64_t at)
{
    char found[64], expected[64];
    const struct ggml_layout *layout = ggml_layout((uint32_t)t->type);
    if (!layout || layout->block_bytes == 0) {
        snprintf(found, sizeof found, "type %" PRIu32 "%s%s", (uint32_t)t->type, layout ? " " : "", layout ? layout->name : "");
        return fail(c, at, "F32, F16, BF16, Q8_0, Q4_0/1, Q5_0/1, Q2_K to Q6_K, IQ4_NL, IQ4_XS or MXFP4", found);
    }
    if (t->dims[0] % layout->block_weights != 0) {
        snprintf(expected, sizeof expected, "rows of a multiple of %d weights for %s", layout->block_weights, layout->name);
        snprintf(found, sizeof found, "%" PRId64, t->dims[0]);
        return fail(c, at, expected, found);
    }
    uint64_t blocks = (uint64_t)(t->dims[0] / layout->block_weights);
    if (__builtin_mul_overflow(blocks, (uint64_t)layout->block_bytes, &t->row_bytes) ||
        __builtin_mul_overflow(t->row_bytes, (uint64_t)t->n_rows, &t->bytes) || t->bytes > c->g->map.size_bytes) {
        snprintf(expected, sizeof expected, "data within the file's %zu bytes", c->g->map.size_bytes);
        snprintf(found, sizeof found, "%" PRId64 " rows of %" PRId64 " weights", t->n_rows, t->dims[0]);
        return fail(c, at, expected, found);
    }
    return true;
}

/* The tensors' data follow one another from data_start, each padded to the alignment; the last one's padding may be missing. */
static bool place_tensors(struct cursor *c, struct gguf *g, const uint64_t *offsets, uint64_t alignment)
{
    uint64_t data_start = (c->at + alignment - 1) / alignment * alignment, offset = 0;
    char expected[64], found[64];
    for (uint64_t i = 0; i < g->n_tensors; i++) {
        struct gguf_tensor *t = &g->tensors[i];
        c->name = t->name;
        uint64_t named_at = (uint64_t)((const uint8_t *)t->name.bytes - g->map.bytes) - 8;
        if (!size_tensor(c, t, named_at)) {
            return false;
        }
        if (offsets[i] != offset) {
            snprintf(expected, sizeof expected, "data offset %" PRIu64 ", the end of the tensor before", offset);
            snprintf(found, sizeof found, "%" PRIu64, offsets[i]);
            return fail(c, named_at, expected, found);
        }
        uint64_t start = data_start + offset; /* no overflow: each term is at most the file's size plus the alignment */
        if (start > g->map.size_bytes || t->bytes > g->map.size_bytes - start) {
            snprintf(expected, sizeof expected, "%" PRIu64 " bytes of data", t->bytes);
            snprintf(found, sizeof found, "the file's end at byte %zu", g->map.size_bytes);
            return fail(c, start, expected, found);
        }
        t->data = g->map.bytes + start;
        offset += (t->bytes + alignment - 1) / alignment * alignment;
    }
    return true;
}

static int compare_text(struct text a, struct text b)
{
    uint32_t shorter = a.length_bytes < b.length_bytes ? a.length_bytes : b.length_bytes;
    int order = memcmp(a.bytes, b.bytes, shorter);
    return order ? order : (a.length_bytes > b.length_bytes) - (a.length_bytes < b.length_bytes);
}

static int compare_keys(const void *a, const void *b)
{
    return compare_text(((const struct gguf_key *)a)->name, ((const struct gguf_key *)b)->name);
}

static int compare_tensors(const void *a, const void *b)
{
    return compare_text(((const struct gguf_tensor *)a)->name, ((const struct gguf_tensor *)b)->name);
}

static bool fail_duplicate(struct cursor *c, struct text first, struct text second)
{
    const char *later = first.bytes > second.bytes ? first.bytes : second.bytes;
    c->name = first;
    return fail(c, (uint64_t)((const uint8_t *)later - c->g->map.bytes), "a name not used before", "it a second time");
}

static bool read_keys(struct cursor *c, struct gguf *g)
{
    c->what = "key";
    for (uint64_t i = 0; i < g->n_keys; i++) {
        if (!take_key(c, &g->keys[i])) {
            return false;
        }
    }
    qsort(g->keys, g->n_keys, sizeof *g->keys, compare_keys);
    for (uint64_t i = 1; i < g->n_keys; i++) {
        if (compare_keys(&g->keys[i - 1], &g->keys[i]) == 0) {
            return fail_duplicate(c, g->keys[i - 1].name, g->keys[i].name);
        }
    }
    return true;
}

static bool read_tensors(struct cursor *c, struct gguf *g)
{
    int64_t alignment = ALIGNMENT_DEFAULT;
    if (!gguf_get_integer(g, "general.alignment", false, 1, ALIGNMENT_MAX, &alignment, c->e)) {
        return false;
    }
    c->what = "key";
    c->name = (struct text){"general.alignment", 17};
    if ((alignment & (alignment - 1)) != 0) {
        return fail(c, gguf_find_key(g, "general.alignment")->at_byte, "a power of two", "another number");
    }
    c->what = "tensor";
    uint64_t *offsets = error_calloc(c->e, g->n_tensors, sizeof *offsets, "the tensors' offsets");
    bool good = offsets != NULL;
    for (uint64_t i = 0; good && i < g->n_tensors; i++) {
        good = take_tensor(c, &g->tensors[i], &offsets[i]);
    }
    good = good && place_tensors(c, g, offsets, (uint64_t)alignment);
    free(offsets);
    if (!good) {
        return false;
    }
    qsort(g->tensors, g->n_tensors, sizeof *g->tensors, compare_tensors);
    for (uint64_t i = 1; i < g->n_tensors; i++) {
        if (compare_tensors(&g->tensors[i - 1], &g->tensors[i]) == 0) {
            return fail_duplicate(c, g->tensors[i - 1].name, g->tensors[i].name);
        }
    }
    return true;
}

static bool take_count(struct cursor *c, uint64_t least_bytes, uint64_t *count, const char *expected)
{
    if (!take_u64(c, count, expected)) {
        return false;
    }
    if (*count > left(c) / least_bytes) {
        char wanted[96], found[32];
        snprintf(wanted, sizeof wanted, "%s of at most %" PRIu64 ", what the file has room for", expected, left(c) / least_bytes);
        snprintf(found, sizeof found, "%" PRIu64, *count);
        return fail(c, c->at - 8, wanted, found);
    }
    return true;
}

static bool read_file(struct gguf *g, struct error *e)
{
    struct cursor c = {.g = g, .what = "header", .e = e};
    const uint8_t *magic = take(&c, 4, "\"GGUF\"");
    uint32_t version;
    if (!magic) {
        return false;
    }
    if (memcmp(magic, "GGUF", 4) != 0) {
        return fail(&c, 0, "\"GGUF\"", "other bytes");
    }
    if (!take_u32(&c, &version, "a version")) {
        return false;
    }
    if (version != VERSION) {
        char found[64];
        snprintf(found, sizeof found, "version %" PRIu32 "%s", version, version == 0x03000000 ? " (a big-endian file)" : "");
        return fail(&c, 4, "version 3, little-endian", found);
    }
    if (!take_count(&c, TENSOR_BYTES_MIN, &g->n_tensors, "a number of tensors") ||
        !take_count(&c, KEY_BYTES_MIN, &g->n_keys, "a number of keys")) {
        return false;
    }
    g->keys = error_calloc(e, g->n_keys, sizeof *g->keys, "the file's keys");
    g->tensors = error_calloc(e, g->n_tensors, sizeof *g->tensors, "the file's tensors");
    return g->keys && g->tensors && read_keys(&c, g) && read_tensors(&c, g);
}

static bool open_mapped(const char *path, struct mapped map, struct gguf *g, struct error *e)
{
    *g = (struct gguf){.map = map, .path = error_calloc(e, strlen(path) + 1, 1, "a file's name")};
    if (g->path) {
        memcpy(g->path, path, strlen(path) + 1);
        if (read_file(g, e)) {
            return true;
        }
    }
    gguf_close(g);
    return false;
}

bool gguf_open(const char *path, struct gguf *g, struct error *e)
{
    struct mapped map;
    *g = (struct gguf){0};
    return mapped_open(path, &map, e) && open_mapped(path, map, g, e);
}

bool gguf_open_memory(const char *name, const void *bytes, size_t size_bytes, struct gguf *g, struct error *e)
{
    return open_mapped(name, (struct mapped){.bytes = bytes, .size_bytes = size_bytes}, g, e);
}

void gguf_close(struct gguf *g)
{
    mapped_close(&g->map);
    free(g->path);
    free(g->keys);
    free(g->tensors);
    *g = (struct gguf){0};
}

const struct gguf_key *gguf_find_key(const struct gguf *g, const char *name)
{
    struct gguf_key wanted = {.name = {name, (uint32_t)strlen(name)}};
    return g->n_keys ? bsearch(&wanted, g->keys, g->n_keys, sizeof *g->keys, compare_keys) : NULL;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name)
{
    struct gguf_tensor wanted = {.name = {name, (uint32_t)strlen(name)}};
    return g->n_tensors ? bsearch(&wanted, g->tensors, g->n_tensors, sizeof *g->tensors, compare_tensors) : NULL;
}

uint64_t gguf_tensor_at(const struct gguf *g, const struct gguf_tensor *t)
{
    return (uint64_t)(t->data - g->map.bytes);
}

const char *gguf_type_name(enum ggml_type type)
{
    const struct ggml_layout *layout = ggml_layout((uint32_t)type);
    return layout ? layout->name : "unknown";
}

/* Finds a key for a typed getter; *key is NULL where it is absent and not required. */
static bool find_scalar(const struct gguf *g, const char *name, bool required, const char *expected, const struct gguf_key **key,
                        struct error *e)
{
    *key = gguf_find_key(g, name);
    if (!*key) {
        return !required || error_input(e, "%s: key %s: expected %s, found no such key", g->path, name, expected);
    }
    return !(*key)->is_array ||
           error_input(e, "%s: key %s at byte %" PRIu64 ": expected %s, found an array", g->path, name, (*key)->at_byte, expected);
}

static bool fail_type(const struct gguf *g, const struct gguf_key *key, const char *name, const char *expected, struct error *e)
{
    return error_input(e, "%s: key %s at byte %" PRIu64 ": expected %s, found type %s", g->path, name, key->at_byte, expected,
                       TYPE_NAMES[key->type]);
}

/* False for types that are no integers; values of 2^63 and more give INT64_MAX. */
static bool integer_at(enum gguf_type type, const uint8_t *p, int64_t *v)
{
    switch (type) {
    case GGUF_U8: *v = *p; return true;
    case GGUF_I8: *v = (int8_t)*p; return true;
    case GGUF_U16: *v = load_u16(p); return true;
    case GGUF_I16: *v = (int16_t)load_u16(p); return true;
    case GGUF_U32: *v = load_u32(p); return true;
    case GGUF_I32: *v = (int32_t)load_u32(p); return true;
    case GGUF_U64: *v = load_u64(p) > INT64_MAX ? INT64_MAX : (int64_t)load_u64(p); return true;
    case GGUF_I64: *v = (int64_t)load_u64(p); return true;
    default: return false;
    }
}

bool gguf_get_integer(const struct gguf *g, const char *name, bool required, int64_t low, int64_t high, int64_t *value, struct error *e)
{
    const struct gguf_key *key;
    if (!find_scalar(g, name, required, "an integer", &key, e) || !key) {
        return !key && !required;
    }
    int64_t v;
    if (!integer_at(key->type, key->value, &v)) {
        return fail_type(g, key, name, "an integer", e);
    }
    if (v < low || v > high) {
        return error_input(e, "%s: key %s at byte %" PRIu64 ": expected an integer of %" PRId64 " to %" PRId64 ", found %" PRId64, g->path,
                           name, key->at_byte, low, high, v);
    }
    *value = v;
    return true;
}

bool gguf_get_float(const struct gguf *g, const char *name, bool required, float *value, struct error *e)
{
    const struct gguf_key *key;
    if (!find_scalar(g, name, required, "a number", &key, e) || !key) {
        return !key && !required;
    }
    if (key->type != GGUF_F32 && key->type != GGUF_F64) {
        return fail_type(g, key, name, "f32 or f64", e);
    }
    double v = load_f32(key->value);
    if (key->type == GGUF_F64) {
        memcpy(&v, key->value, sizeof v);
    }
    if (!isfinite((float)v)) {
        return error_input(e, "%s: key %s at byte %" PRIu64 ": expected a finite number, found %g", g->path, name, key->at_byte, v);
    }
    *value = (float)v;
    return true;
}

bool gguf_get_bool(const struct gguf *g, const char *name, bool *value, struct error *e)
{
    const struct gguf_key *key;
    if (!find_scalar(g, name, false, "a bool", &key, e) || !key) {
        return !key;
    }
    if (key->type != GGUF_BOOL) {
        return fail_type(g, key, name, "a bool", e);
    }
    *value = *key->value != 0;
    return true;
}

bool gguf_get_string(const struct gguf *g, const char *name, bool required, char *value, size_t room, struct error *e)
{
    const struct gguf_key *key;
    if (!find_scalar(g, name, required, "a string", &key, e) || !key) {
        return !key && !required;
    }
    if (key->type != GGUF_STRING) {
        return fail_type(g, key, name, "a string", e);
    }
    uint64_t length = load_u64(key->value);
    if (length >= room || memchr(key->value + 8, 0, length)) {
        return error_input(e, "%s: key %s at byte %" PRIu64 ": expected a string of at most %zu bytes without NUL, found %" PRIu64 " bytes",
                           g->path, name, key->at_byte, room - 1, length);
    }
    memcpy(value, key->value + 8, length);
    value[length] = '\0';
    return true;
}

void gguf_row(const struct gguf_tensor *t, int64_t row, float *out)
{
    const struct ggml_layout *layout = ggml_layout((uint32_t)t->type);
    layout->dequantise(t->data + (uint64_t)row * t->row_bytes, t->dims[0] / layout->block_weights, out);
}

bool gguf_row_finite(const struct gguf *g, const struct gguf_tensor *t, int64_t row, float *out, struct error *e)
{
    gguf_row(t, row, out);
    uint32_t not_finite = 0;
    for (int64_t i = 0; i < t->dims[0]; i++) {
        uint32_t bits;
        memcpy(&bits, &out[i], sizeof bits);
        not_finite |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    if (!not_finite) {
        return true;
    }
    int64_t i = 0;
    while (isfinite(out[i])) {
        i++;
    }
    const struct ggml_layout *layout = ggml_layout((uint32_t)t->type);
    uint64_t block = (uint64_t)(i / layout->block_weights) * (uint64_t)layout->block_bytes;
    char name[PRINTABLE_ROOM];
    return error_input(e, "%s: tensor %s at byte %" PRIu64 ": expected finite weights, found %f in row %" PRId64 ", input %" PRId64,
                       g->path, printable(t->name, name), gguf_tensor_at(g, t) + (uint64_t)row * t->row_bytes + block, (double)out[i], row,
                       i);
}
