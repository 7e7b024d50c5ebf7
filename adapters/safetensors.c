#include "adapters/safetensors.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/gguf.h"

enum { LENGTH_BYTES = 8, HEADER_BYTES_MAX = 16 << 20 };

static const struct {
    const char *name;
    uint64_t bytes;
} TYPES[] = {[SAFETENSORS_F32] = {"F32", 4}, [SAFETENSORS_F16] = {"F16", 2}, [SAFETENSORS_BF16] = {"BF16", 2}};
enum { N_TYPES = sizeof TYPES / sizeof *TYPES };

/* Names come from JSON strings and may hold anything. */
static const char *shown(const char *name, char room[PRINTABLE_ROOM])
{
    return printable((struct text){name, (uint32_t)strnlen(name, 4096)}, room);
}

/* Places within the header are given as its start, since the JSON parser keeps none. */
static bool fail(const struct safetensors *s, const char *tensor, struct error *e, const char *expected, const char *found)
{
    char name[PRINTABLE_ROOM];
    error_input(e, "%s: tensor %s in the header at byte %d: expected %s, found %s", s->path, shown(tensor, name), LENGTH_BYTES, expected,
                found);
    return false;
}

/* A JSON number that is an integer of 0 .. 2^53. */
static bool integer_of(const cJSON *item, int64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53) ||
        floor(item->valuedouble) != item->valuedouble) {
        return false;
    }
    *value = (int64_t)item->valuedouble;
    return true;
}

static bool read_type(const struct safetensors *s, const cJSON *dtype, struct safetensors_tensor *t, struct error *e)
{
    const char *name = dtype && cJSON_IsString(dtype) ? dtype->valuestring : "none";
    for (int i = 0; i < N_TYPES; i++) {
        if (strcmp(name, TYPES[i].name) == 0) {
            t->type = (enum safetensors_type)i;
            return true;
        }
    }
    char found[PRINTABLE_ROOM];
    return fail(s, t->name, e, "dtype F32, F16 or BF16", shown(name, found));
}

/* *bytes: what the shape and the type come to. */
static bool read_dims(const struct safetensors *s, const cJSON *shape, struct safetensors_tensor *t, uint64_t *bytes, struct error *e)
{
    if (!cJSON_IsArray(shape)) {
        return fail(s, t->name, e, "\"shape\" as an array", "none");
    }
    *bytes = TYPES[t->type].bytes;
    const cJSON *item;
    cJSON_ArrayForEach(item, shape)
    {
        if (t->n_dims == SAFETENSORS_DIMS_MAX) {
            return fail(s, t->name, e, "at most 8 dimensions", "more");
        }
        int64_t *dim = &t->dims[t->n_dims++];
        if (!integer_of(item, dim)) {
            return fail(s, t->name, e, "dimensions that are integers from 0", "something else");
        }
        if (__builtin_mul_overflow(*bytes, (uint64_t)*dim, bytes)) {
            return fail(s, t->name, e, "a shape whose size fits 64 bits", "a larger one");
        }
    }
    return true;
}

static bool read_tensor(const struct safetensors *s, const cJSON *item, struct safetensors_tensor *t, struct error *e)
{
    t->name = item->string;
    if (!cJSON_IsObject(item)) {
        return fail(s, t->name, e, "an object with dtype, shape and data_offsets", "something else");
    }
    const cJSON *dtype = NULL, *shape = NULL, *offsets = NULL, *entry;
    cJSON_ArrayForEach(entry, item)
    {
        const cJSON **place = strcmp(entry->string, "dtype") == 0          ? &dtype
                              : strcmp(entry->string, "shape") == 0        ? &shape
                              : strcmp(entry->string, "data_offsets") == 0 ? &offsets
                                                                           : NULL;
        if (!place || *place) {
            char found[PRINTABLE_ROOM];
            return fail(s, t->name, e, "dtype, shape and data_offsets, each once", shown(entry->string, found));
        }
        *place = entry;
    }
    uint64_t bytes = 0;
    int64_t begin, end;
    if (!read_type(s, dtype, t, e) || !read_dims(s, shape, t, &bytes, e)) {
        return false;
    }
    if (!offsets || !cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 || !integer_of(offsets->child, &begin) ||
        !integer_of(offsets->child->next, &end) || begin > end) {
        return fail(s, t->name, e, "data_offsets of two ascending integers", "something else");
    }
    t->begin = (uint64_t)begin;
    t->end = (uint64_t)end;
    if (t->end - t->begin != bytes) {
        char expected[64], found[64];
        snprintf(expected, sizeof expected, "%" PRIu64 " bytes, the shape's size", bytes);
        snprintf(found, sizeof found, "data_offsets of %" PRIu64, t->end - t->begin);
        return fail(s, t->name, e, expected, found);
    }
    return true;
}

static bool check_metadata(const struct safetensors *s, const cJSON *metadata, struct error *e)
{
    bool good = cJSON_IsObject(metadata);
    const cJSON *item;
    cJSON_ArrayForEach(item, metadata)
    {
        good = good && cJSON_IsString(item);
    }
    return good || error_input(e, "%s: key __metadata__ in the header at byte %d: expected strings by name, found something else", s->path,
                               LENGTH_BYTES);
}

static int compare_place(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

static int compare_name(const void *a, const void *b)
{
    return strcmp(((const struct safetensors_tensor *)a)->name, ((const struct safetensors_tensor *)b)->name);
}

/* The data are one tensor after another, without gaps, to the end of the file. */
static bool check_places(struct safetensors *s, struct error *e)
{
    uint64_t end = 0, data_bytes = s->map.size_bytes - s->data_start;
    char expected[96], found[64];
    qsort(s->tensors, (size_t)s->n_tensors, sizeof *s->tensors, compare_place);
    for (int64_t i = 0; i < s->n_tensors; i++) {
        struct safetensors_tensor *t = &s->tensors[i];
        if (t->begin != end || t->end > data_bytes) {
            snprintf(expected, sizeof expected, "data from %" PRIu64 " to at most %" PRIu64, end, data_bytes);
            snprintf(found, sizeof found, "%" PRIu64 " to %" PRIu64, t->begin, t->end);
            return fail(s, t->name, e, expected, found);
        }
        t->data = s->map.bytes + s->data_start + t->begin;
        end = t->end;
    }
    if (end != data_bytes) {
        return error_input(e, "%s: data at byte %" PRIu64 ": expected %" PRIu64 " bytes, the tensors' sum, found %" PRIu64, s->path,
                           s->data_start, end, data_bytes);
    }
    qsort(s->tensors, (size_t)s->n_tensors, sizeof *s->tensors, compare_name);
    for (int64_t i = 1; i < s->n_tensors; i++) {
        if (compare_name(&s->tensors[i - 1], &s->tensors[i]) == 0) {
            return fail(s, s->tensors[i].name, e, "a name not used before", "it a second time");
        }
    }
    return true;
}

static bool parse_header(struct safetensors *s, uint64_t length, struct error *e)
{
    const char *text = (const char *)s->map.bytes + LENGTH_BYTES, *end = NULL;
    if (length == 0 || text[0] != '{') {
        return error_input(e, "%s: header at byte %d: expected \"{\", found another byte", s->path, LENGTH_BYTES);
    }
    cJSON *json = s->json = cJSON_ParseWithLengthOpts(text, length, &end, false);
    if (!json) {
        ptrdiff_t at = end ? end - text : 0;
        return error_input(e, "%s: header at byte %td: expected JSON, found a mistake", s->path, at + LENGTH_BYTES);
    }
    for (const char *p = end; p < text + length; p++) {
        if (*p != ' ') {
            return error_input(e, "%s: header at byte %td: expected spaces after the JSON, found something else", s->path,
                               p - text + LENGTH_BYTES);
        }
    }
    int n = cJSON_GetArraySize(json);
    s->tensors = error_calloc(e, (size_t)n, sizeof *s->tensors, "the file's tensors");
    if (!s->tensors) {
        return false;
    }
    bool has_metadata = false;
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (strcmp(item->string, "__metadata__") == 0 && !has_metadata) {
            has_metadata = true;
            if (!check_metadata(s, item, e)) {
                return false;
            }
        } else if (!read_tensor(s, item, &s->tensors[s->n_tensors++], e)) {
            return false;
        }
    }
    return check_places(s, e);
}

static bool read_file(struct safetensors *s, struct error *e)
{
    if (s->map.size_bytes < LENGTH_BYTES) {
        return error_input(e, "%s: byte 0: expected a header length of 8 bytes, found %zu bytes", s->path, s->map.size_bytes);
    }
    uint64_t length = load_u64(s->map.bytes), room = s->map.size_bytes - LENGTH_BYTES;
    uint64_t limit = room < HEADER_BYTES_MAX ? room : HEADER_BYTES_MAX;
    if (length > limit) {
        return error_input(e, "%s: header length at byte 0: expected at most %" PRIu64 ", found %" PRIu64, s->path, limit, length);
    }
    s->data_start = LENGTH_BYTES + length;
    return parse_header(s, length, e);
}

static bool open_mapped(const char *path, struct mapped map, struct safetensors *s, struct error *e)
{
    *s = (struct safetensors){.map = map, .path = error_calloc(e, strlen(path) + 1, 1, "a file's name")};
    if (s->path) {
        memcpy(s->path, path, strlen(path) + 1);
        if (read_file(s, e)) {
            return true;
        }
    }
    safetensors_close(s);
    return false;
}

bool safetensors_open(const char *path, struct safetensors *s, struct error *e)
{
    struct mapped map;
    *s = (struct safetensors){0};
    return mapped_open(path, &map, e) && open_mapped(path, map, s, e);
}

bool safetensors_open_memory(const char *name, const void *bytes, size_t size_bytes, struct safetensors *s, struct error *e)
{
    return open_mapped(name, (struct mapped){.bytes = bytes, .size_bytes = size_bytes}, s, e);
}

void safetensors_close(struct safetensors *s)
{
    cJSON_Delete(s->json);
    mapped_close(&s->map);
    free(s->path);
    free(s->tensors);
    *s = (struct safetensors){0};
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *s, const char *name)
{
    struct safetensors_tensor wanted = {.name = name};
    return s->n_tensors ? bsearch(&wanted, s->tensors, (size_t)s->n_tensors, sizeof *s->tensors, compare_name) : NULL;
}

bool safetensors_read(const struct safetensors *s, const struct safetensors_tensor *t, int64_t first, int64_t n, float *out,
                      struct error *e)
{
    uint64_t size = TYPES[t->type].bytes;
    const uint8_t *from = t->data + (uint64_t)first * size;
    for (int64_t i = 0; i < n; i++, from += size) {
        uint32_t bits = t->type == SAFETENSORS_BF16 ? (uint32_t)load_u16(from) << 16 : 0;
        out[i] = t->type == SAFETENSORS_F32 ? load_f32(from) : t->type == SAFETENSORS_F16 ? half_to_float(load_u16(from)) : load_f32(&bits);
        if (!isfinite(out[i])) {
            char name[PRINTABLE_ROOM];
            return error_input(e, "%s: tensor %s at byte %" PRIu64 ": expected finite values, found %f at element %" PRId64, s->path,
                               shown(t->name, name), (uint64_t)(from - s->map.bytes), (double)out[i], first + i);
        }
    }
    return true;
}
