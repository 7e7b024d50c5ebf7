#include "sim/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "sim/architecture.h"
#include "sim/image_format.h"
#include "sim/image_internal.h"
#include "sim/mapped.h"
#include "sim/quantise.h"
#include "sim/shape_limits.h"
#include "sim/vocab_memory.h"

enum { PATH_ROOM = 4096 };

/* A file being checked. Sections are indexed by kind - 1. */
struct reader {
    const char *path;
    const uint8_t *bytes;
    uint64_t size_bytes;
    struct image_section sections[IMAGE_SECTION_COUNT];
    struct error *e;
};

static const char *const SECTION_NAMES[IMAGE_SECTION_COUNT] = {"shape", "rope", "norms", "biases", "matrices", "vocabulary", "data"};

static bool fail(const struct reader *r, const char *what, uint64_t at, const char *expected, int64_t found)
{
    error_input(r->e, "%s: %s at byte %" PRIu64 ": expected %s, found %" PRId64, r->path, what, at, expected, found);
    return false;
}

/* A number that must lie within bounds. */
static bool check(const struct reader *r, const char *what, uint64_t at, int64_t value, int64_t low, int64_t high)
{
    char expected[64];
    snprintf(expected, sizeof expected, "%" PRId64 " to %" PRId64, low, high);
    return (value >= low && value <= high) || fail(r, what, at, expected, value);
}

static const uint8_t *section(const struct reader *r, enum image_section_kind kind, uint64_t *at, uint64_t *bytes)
{
    *at = r->sections[kind - 1].offset;
    *bytes = r->sections[kind - 1].bytes;
    return r->bytes + *at;
}

static bool check_section_size(const struct reader *r, enum image_section_kind kind, uint64_t expected_bytes)
{
    const struct image_section *s = &r->sections[kind - 1];
    return s->bytes == expected_bytes || error_input(r->e, "%s: section %s at byte %" PRIu64 ": expected %" PRIu64 " bytes, found %" PRIu64,
                                                     r->path, SECTION_NAMES[kind - 1], s->offset, expected_bytes, s->bytes);
}

/* ---- header and section table ---- */

static bool read_header(struct reader *r, bool verify_checksum, uint64_t *checksum)
{
    struct image_header h;
    uint64_t tables = sizeof h + sizeof r->sections;
    if (r->size_bytes < tables) {
        return error_input(r->e, "%s: expected a ROM image of at least %" PRIu64 " bytes, found %" PRIu64, r->path, tables, r->size_bytes);
    }
    memcpy(&h, r->bytes, sizeof h);
    if (memcmp(h.magic, IMAGE_MAGIC, sizeof h.magic) != 0) {
        return error_input(r->e, "%s: byte 0: expected \"" IMAGE_MAGIC "\", the start of a ROM image, found other bytes", r->path);
    }
    if (!check(r, "version", 8, h.version, IMAGE_VERSION, IMAGE_VERSION) ||
        !check(r, "number of sections", 12, h.n_sections, IMAGE_SECTION_COUNT, IMAGE_SECTION_COUNT)) {
        return false;
    }
    if (h.file_bytes != r->size_bytes) {
        return error_input(r->e, "%s: length at byte 16: expected the file's %" PRIu64 " bytes, found %" PRIu64, r->path, r->size_bytes,
                           h.file_bytes);
    }
    *checksum = h.checksum;
    if (!verify_checksum) {
        return true;
    }
    uint64_t found = XXH64(r->bytes + IMAGE_CHECKSUM_START, r->size_bytes - IMAGE_CHECKSUM_START, 0);
    return found == h.checksum ||
           error_input(r->e, "%s: checksum at byte 24: expected %016" PRIx64 ", found %016" PRIx64 " over the rest of the file", r->path,
                       h.checksum, found);
}

static bool read_sections(struct reader *r)
{
    memcpy(r->sections, r->bytes + sizeof(struct image_header), sizeof r->sections);
    uint64_t end = sizeof(struct image_header) + sizeof r->sections;
    for (int i = 0; i < IMAGE_SECTION_COUNT; i++) {
        const struct image_section *s = &r->sections[i];
        uint64_t at = sizeof(struct image_header) + (uint64_t)i * sizeof *s, start = image_aligned(end);
        if (!check(r, "section kind", at, s->kind, i + 1, i + 1) || !check(r, "section's zero", at + 4, s->zero, 0, 0)) {
            return false;
        }
        if (s->offset != start || start > r->size_bytes || s->bytes > r->size_bytes - start) {
            return error_input(r->e,
                               "%s: section %s at byte %" PRIu64 ": expected offset %" PRIu64 " and an end within the file's %" PRIu64
                               " bytes, found offset %" PRIu64 " and %" PRIu64 " bytes",
                               r->path, SECTION_NAMES[i], at, start, r->size_bytes, s->offset, s->bytes);
        }
        for (; end < start; end++) {
            if (!check(r, "padding", end, r->bytes[end], 0, 0)) {
                return false;
            }
        }
        end = start + s->bytes;
    }
    return end == r->size_bytes ||
           error_input(r->e, "%s: expected the file to end at byte %" PRIu64 ", found %" PRIu64 " bytes", r->path, end, r->size_bytes);
}

/* ---- shape, RoPE, norms, biases ---- */

static bool check_shape(const struct reader *r, const struct image_shape *s, uint64_t at)
{
    const struct {
        const char *what;
        int64_t value, high;
    } counts[] = {
        {"number of layers", s->n_layers, SHAPE_LAYERS_MAX}, {"model width", s->d_model, SHAPE_WIDTH_MAX},
        {"number of heads", s->n_heads, SHAPE_HEADS_MAX},    {"number of KV heads", s->n_kv_heads, s->n_heads},
        {"head dimension", s->head_dim, SHAPE_HEAD_DIM_MAX}, {"FFN width", s->d_ff, SHAPE_WIDTH_MAX},
        {"vocabulary size", s->n_vocab, SHAPE_VOCAB_MAX},    {"context length", s->context_tokens, SHAPE_CONTEXT_MAX},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (!check(r, counts[i].what, at + sizeof s->name + 4 * i, counts[i].value, 1, counts[i].high)) {
            return false;
        }
    }
    if (!check(r, "heads' values", at, (int64_t)s->n_heads * s->head_dim, 1, SHAPE_WIDTH_MAX) ||
        !check(r, "heads per KV head: the remainder", at, s->n_heads % s->n_kv_heads, 0, 0) ||
        !check(r, "head dimension: the odd part", at, s->head_dim % 2, 0, 0) || !check(r, "tied head", at, s->tied_head, 0, 1) ||
        !check(r, "softmax scale", at, s->softmax_scale_q15, 1, 1 << 16) || !check(r, "end of name", at, s->name[63], 0, 0)) {
        return false;
    }
    if (!check(r, "architecture", at + 112, s->architecture, 0, ARCHITECTURE_COUNT - 1) ||
        !check(r, "turning values of a head", at + 116, s->rotary_dim, 0, s->head_dim) ||
        !check(r, "turning values of a head: the odd part", at + 116, s->rotary_dim % 2, 0, 0) ||
        !check(r, "window", at + 120, s->window_tokens, 0, INT32_MAX) ||
        !check(r, "layers to a global one", at + 124, s->global_period, 0, SHAPE_LAYERS_MAX) ||
        !check(r, "gain of RoPE", at + 136, s->rope_gain_q14, 0, (1 << 16) - 1) ||
        !check(r, "scale of embeddings", at + 140, s->embedding_scale_q16, 0, (1 << 26) - 1)) {
        return false;
    }
    if (!(s->rope_gain >= 0.0f && s->rope_gain < 4.0f) || !(s->rope_base_local == 0.0f || s->rope_base_local >= 1.0f) ||
        !isfinite(s->rope_base_local)) {
        return error_input(r->e,
                           "%s: section shape at byte %" PRIu64
                           ": expected a gain of 0 to 4 and a local RoPE base of 0 or at least 1, found "
                           "%g and %g",
                           r->path, at, (double)s->rope_gain, (double)s->rope_base_local);
    }
    bool sane = s->rms_epsilon >= 0.0f && s->rms_epsilon <= 1.0f && s->rope_base >= 1.0f && isfinite(s->rope_base);
    return sane || error_input(r->e,
                               "%s: section shape at byte %" PRIu64 ": expected an epsilon of 0 to 1 and a RoPE base of at least 1, "
                               "found %g and %g",
                               r->path, at, (double)s->rms_epsilon, (double)s->rope_base);
}

static bool read_shape(const struct reader *r, struct image *image)
{
    uint64_t at, bytes;
    const uint8_t *p = section(r, IMAGE_SHAPE, &at, &bytes);
    struct image_shape s;
    if (!check_section_size(r, IMAGE_SHAPE, sizeof s)) {
        return false;
    }
    memcpy(&s, p, sizeof s);
    if (!check_shape(r, &s, at)) {
        return false;
    }
    memcpy(image->name, s.name, sizeof image->name);
    image->model.softmax_scale_q15 = s.softmax_scale_q15;
    image->model.shape = (struct shape){
        .n_layers = s.n_layers,
        .d_model = s.d_model,
        .n_heads = s.n_heads,
        .n_kv_heads = s.n_kv_heads,
        .head_dim = s.head_dim,
        .d_ff = s.d_ff,
        .n_vocab = s.n_vocab,
        .context_tokens = s.context_tokens,
        .tied_head = s.tied_head != 0,
        .rms_epsilon = s.rms_epsilon,
        .rope_base = s.rope_base,
        .rotary_dim = s.rotary_dim,
        .rope_gain = s.rope_gain,
        .window_tokens = s.window_tokens,
        .global_period = s.global_period,
        .rope_base_local = s.rope_base_local,
    };
    architecture_apply((enum architecture)s.architecture, &image->model.shape);
    image->model.rope_gain_q14 = s.rope_gain_q14;
    image->model.embedding_scale_q16 = s.embedding_scale_q16;
    return true;
}

/* Layers and RoPE constants in one block; the tables' sizes have been checked against the file. */
static bool allocate_model(const struct reader *r, struct image *image)
{
    const struct shape *s = &image->model.shape;
    size_t layers = (size_t)s->n_layers * sizeof(struct layer), rope = image_rope_bytes(s);
    uint64_t n_matrices = (s->tied_head ? 1 : 2) + (uint64_t)s->n_layers * LINEAR_COUNT;
    if (!check_section_size(r, IMAGE_ROPE, rope) || !check_section_size(r, IMAGE_NORMS, image_norms_bytes(s)) ||
        !check_section_size(r, IMAGE_BIASES, image_biases_bytes(s)) ||
        !check_section_size(r, IMAGE_MATRICES, n_matrices * sizeof(struct image_matrix))) {
        return false;
    }
    image->memory = error_calloc(r->e, layers + rope, 1, "the model's tables");
    if (!image->memory) {
        return false;
    }
    image->model.layers = image->memory;
    image->model.rope_increment = (uint64_t *)(void *)((char *)image->memory + layers);
    memcpy(image->model.rope_increment, r->bytes + r->sections[IMAGE_ROPE - 1].offset, rope);
    if (s->rope_base_local > 0) {
        image->model.rope_increment_local = image->model.rope_increment + shape_rotary_dim(s) / 2;
    }
    return true;
}

/* 16-bit values at *at, which moves on. */
static const int16_t *take_values(const struct reader *r, int32_t n, uint64_t *at, struct image *image)
{
    const int16_t *values = (const int16_t *)(const void *)(r->bytes + *at);
    *at += image_values_bytes(n);
    image->rom_bits += 16 * (int64_t)n;
    return values;
}

static bool read_norm(const struct reader *r, int32_t n, uint64_t *at, struct image *image, struct norm *norm)
{
    struct image_norm record;
    memcpy(&record, r->bytes + *at, sizeof record);
    int64_t sqrt_n = llrint(sqrt(n) * 65536.0);
    if (!check(r, "norm's length", *at, record.n, n, n) ||
        !check(r, "norm's exponent", *at + 4, record.exponent, IMAGE_NORM_EXPONENT_MIN, WEIGHT_EXPONENT_MAX) ||
        !check(r, "norm's epsilon", *at + 8, (int64_t)(record.epsilon_q40 >> 1), 0, ((int64_t)n << 40) / 2) ||
        !check(r, "norm's root of n", *at + 16, record.sqrt_n_q16, sqrt_n - 1, sqrt_n + 1)) {
        return false;
    }
    *at += sizeof record;
    *norm = (struct norm){.n = n,
                          .exponent = record.exponent,
                          .epsilon_q40 = record.epsilon_q40,
                          .sqrt_n_q16 = record.sqrt_n_q16,
                          .m = take_values(r, n, at, image)};
    return true;
}

static bool read_norms(const struct reader *r, struct image *image)
{
    struct model *m = &image->model;
    const struct shape *shape = &m->shape;
    uint64_t at = r->sections[IMAGE_NORMS - 1].offset;
    for (int32_t l = 0; l < shape->n_layers; l++) {
#define LAYER_NORM(field, width, present)                                            \
    if ((present) && !read_norm(r, shape->width, &at, image, &m->layers[l].field)) { \
        return false;                                                                \
    }
#include "kernels/layer_norms.def"
#undef LAYER_NORM
    }
    return read_norm(r, shape->d_model, &at, image, &m->final_norm);
}

static bool read_bias(const struct reader *r, int32_t n, uint64_t *at, struct image *image, struct bias *bias)
{
    struct image_bias record;
    memcpy(&record, r->bytes + *at, sizeof record);
    if (!check(r, "bias's length", *at, record.n, n, n) ||
        !check(r, "bias's exponent", *at + 4, record.exponent, WEIGHT_EXPONENT_MIN, WEIGHT_EXPONENT_MAX)) {
        return false;
    }
    *at += sizeof record;
    *bias = (struct bias){n, record.exponent, take_values(r, n, at, image)};
    return true;
}

static bool read_biases(const struct reader *r, struct image *image)
{
    const struct shape *s = &image->model.shape;
    uint64_t at = r->sections[IMAGE_BIASES - 1].offset;
    for (int32_t l = 0; l < s->n_layers && s->qkv_bias; l++) {
        struct layer *layer = &image->model.layers[l];
        for (int i = 0; i < BIASES; i++) {
            if (!read_bias(r, shape_n_out(s, (enum linear)i), &at, image, &layer->bias[i])) {
                return false;
            }
        }
        layer->k_shift = r->bytes + at;
        for (int32_t i = 0; i < s->n_kv_heads * s->head_dim / 2; i++) {
            if (!check(r, "balance of K", at + (uint64_t)i, layer->k_shift[i], 0, K_SHIFT_MAX)) {
                return false;
            }
        }
        at += image_shifts_bytes(s);
    }
    return true;
}

/* ---- matrices ---- */

static bool check_codebook(const struct reader *r, const struct image_matrix *entry, uint64_t at)
{
    const int n = weight_codebook_entries((enum weight_format)entry->format);
    for (int k = 0; k < CODEBOOK_MAX; k++) {
        int low = k >= n   ? 0
                  : k == 0 ? -WEIGHT_CODE_MAX
                           : entry->codebook[k - 1] + (entry->format != WEIGHT_W4 || entry->codebook[k - 1] != 0);
        if (!check(r, "codebook entry", at + offsetof(struct image_matrix, codebook) + (uint64_t)k, entry->codebook[k], low,
                   k < n ? WEIGHT_CODE_MAX : 0)) {
            return false;
        }
    }
    return true;
}

static bool check_group_inputs(const struct reader *r, uint64_t at, int32_t group_inputs)
{
    return group_inputs == 16 || group_inputs == 32 || fail(r, "inputs of a group", at, "16 or 32", group_inputs);
}

/* The scales that a panel starts with; n_rows of each 16 are of true rows, the others must be zero. */
static bool check_panel_scales(const struct reader *r, const uint8_t *scales, int n_scales, int n_rows)
{
    unsigned seen = 0, beyond = 0;
    for (int i = 0; i < n_scales; i++) {
        seen |= i % BLOCK_ROWS < n_rows ? scales[i] : 0;
        beyond |= i % BLOCK_ROWS < n_rows ? 0 : scales[i];
    }
    if (seen <= WEIGHT_SCALE_MAX && beyond == 0) {
        return true;
    }
    int i = 0;
    while (i % BLOCK_ROWS < n_rows ? scales[i] <= WEIGHT_SCALE_MAX : scales[i] == 0) {
        i++;
    }
    bool row = i % BLOCK_ROWS < n_rows;
    return check(r, row ? "scale" : "scale of padding", (uint64_t)(scales + i - r->bytes), scales[i], 0, row ? WEIGHT_SCALE_MAX : 0);
}

static bool check_scales(const struct reader *r, const struct matrix *w)
{
    const int64_t panel_bytes = matrix_panel_bytes(w);
    const int n_scales = matrix_panel_scales(w);
    const uint8_t *at = w->data;
    for (int32_t row = 0; row < w->n_out; row += BLOCK_ROWS) {
        const int n_rows = w->n_out - row < BLOCK_ROWS ? w->n_out - row : BLOCK_ROWS;
        for (int32_t p = 0; p < matrix_panels(w); p++, at += panel_bytes) {
            if (!check_panel_scales(r, at, n_scales, n_rows)) {
                return false;
            }
        }
    }
    return true;
}

/* Entry `index` of the table; *next is where its data must start, and then where the next one's must. */
static bool read_matrix(const struct reader *r, int32_t index, int32_t n_out, int32_t n_in, uint64_t *next, struct image *image,
                        struct matrix *w)
{
    uint64_t at = r->sections[IMAGE_MATRICES - 1].offset + (uint64_t)index * sizeof(struct image_matrix);
    const struct image_section *data = &r->sections[IMAGE_DATA - 1];
    struct image_matrix entry;
    memcpy(&entry, r->bytes + at, sizeof entry);
    if (!check(r, "matrix format", at, entry.format, WEIGHT_W3, WEIGHT_FORMATS - 1) ||
        !check(r, "matrix outputs", at + 4, entry.n_out, n_out, n_out) || !check(r, "matrix inputs", at + 8, entry.n_in, n_in, n_in) ||
        !check_group_inputs(r, at + 12, entry.group_inputs) ||
        !check(r, "matrix exponent", at + 16, entry.exponent, WEIGHT_EXPONENT_MIN, WEIGHT_EXPONENT_MAX) ||
        !check(r, "matrix's zero", at + 20, entry.zero, 0, 0) || !check_codebook(r, &entry, at)) {
        return false;
    }
    *w = (struct matrix){.format = (enum weight_format)entry.format,
                         .n_out = n_out,
                         .n_in = n_in,
                         .groups_of_16 = entry.group_inputs == 16,
                         .exponent = entry.exponent};
    memcpy(w->codebook, entry.codebook, sizeof w->codebook);
    uint64_t bytes = (uint64_t)matrix_bytes(w);
    if (entry.offset != *next || entry.bytes != bytes || *next > data->bytes || bytes > data->bytes - *next) {
        return error_input(r->e,
                           "%s: matrix %d at byte %" PRIu64 ": expected %" PRIu64 " bytes of data at %" PRIu64
                           " within the section's %" PRIu64 ", found %" PRIu64 " at %" PRIu64,
                           r->path, index, at, bytes, *next, data->bytes, entry.bytes, entry.offset);
    }
    w->data = r->bytes + data->offset + *next;
    *next = image_aligned(*next + bytes);
    image->rom_bits += matrix_rom_bits(w);
    return check_scales(r, w);
}

static bool read_matrices(const struct reader *r, struct image *image)
{
    struct model *m = &image->model;
    const struct shape *s = &m->shape;
    uint64_t next = 0;
    int32_t index = 0;
    if (!read_matrix(r, index++, s->n_vocab, s->d_model, &next, image, &m->embedding)) {
        return false;
    }
    m->head = m->embedding;
    if (!s->tied_head && !read_matrix(r, index++, s->n_vocab, s->d_model, &next, image, &m->head)) {
        return false;
    }
    struct matrix *last = &m->head;
    for (int32_t l = 0; l < s->n_layers; l++) {
        for (int which = 0; which < LINEAR_COUNT; which++) {
            last = &m->layers[l].linear[which];
            if (!read_matrix(r, index++, shape_n_out(s, which), shape_n_in(s, which), &next, image, last)) {
                return false;
            }
        }
    }
    return check_section_size(r, IMAGE_DATA,
                              (uint64_t)(last->data - r->bytes) - r->sections[IMAGE_DATA - 1].offset + (uint64_t)matrix_bytes(last));
}

/* ---- vocabulary ---- */

static bool check_vocab(const struct reader *r, const struct image_vocab *v, uint64_t at, uint64_t section_bytes, int32_t n_vocab)
{
    bool none = v->kind == VOCAB_NONE;
    if (!check(r, "vocabulary kind", at, v->kind, VOCAB_NONE, VOCAB_BPE) || !check(r, "end of tokenizer name", at + 35, v->pre[31], 0, 0) ||
        !check(r, "number of tokens", at + 36, v->n_tokens, none ? 0 : n_vocab, none ? 0 : n_vocab) ||
        !check(r, "number of merges", at + 40, v->n_merges, 0, v->kind == VOCAB_BPE ? SHAPE_VOCAB_MAX * 4 : 0) ||
        !check(r, "BOS", at + 44, v->bos, -1, v->n_tokens - 1) || !check(r, "EOS", at + 48, v->eos, -1, v->n_tokens - 1) ||
        !check(r, "unknown token", at + 52, v->unknown, -1, v->n_tokens - 1) || !check(r, "vocabulary flags", at + 56, v->flags, 0, 3)) {
        return false;
    }
    uint64_t tokens = (uint64_t)v->n_tokens, scores = v->kind == VOCAB_SENTENCEPIECE ? 4 * tokens : 0;
    uint64_t fixed = sizeof *v + 4 * (tokens + (uint64_t)v->n_merges) + scores + tokens;
    if (v->string_bytes > section_bytes) {
        return fail(r, "vocabulary's text", at + 64, "a length below the section's", (int64_t)(v->string_bytes >> 1));
    }
    return check_section_size(r, IMAGE_VOCAB, fixed + v->string_bytes);
}

static bool read_texts(const struct reader *r, const uint8_t *lengths, int32_t n, struct text *texts, char **room, uint64_t *left)
{
    for (int32_t i = 0; i < n; i++) {
        uint32_t length = load_u32(lengths + 4 * (size_t)i);
        if (!check(r, "token's length", (uint64_t)(lengths - r->bytes) + 4 * (uint64_t)i, length, 0, (int64_t)*left)) {
            return false;
        }
        texts[i] = (struct text){*room, length};
        *room += length;
        *left -= length;
    }
    return true;
}

static bool fill_vocab(const struct reader *r, const struct image_vocab *h, const uint8_t *p, struct vocab *v, char *room)
{
    const uint8_t *lengths = p;
    p += 4 * ((size_t)h->n_tokens + (size_t)h->n_merges);
    for (int32_t i = 0; v->scores && i < h->n_tokens; i++) {
        v->scores[i] = load_f32(p + 4 * (size_t)i);
        if (!isfinite(v->scores[i])) {
            return fail(r, "score", (uint64_t)(p - r->bytes) + 4 * (uint64_t)i, "a finite number for token", i);
        }
    }
    p += v->scores ? 4 * (size_t)h->n_tokens : 0;
    for (int32_t i = 0; i < h->n_tokens; i++) {
        v->types[i] = p[i];
        if (!check(r, "token type", (uint64_t)(p - r->bytes) + (uint64_t)i, p[i], TOKEN_NORMAL, TOKEN_BYTE)) {
            return false;
        }
    }
    p += h->n_tokens;
    uint64_t left = h->string_bytes;
    if (left) {
        memcpy(room, p, left);
    }
    if (!read_texts(r, lengths, h->n_tokens, v->tokens, &room, &left) ||
        !read_texts(r, lengths + 4 * (size_t)h->n_tokens, h->n_merges, v->merges, &room, &left)) {
        return false;
    }
    return left == 0 || fail(r, "vocabulary's text", (uint64_t)(p - r->bytes), "no bytes beyond the last token", (int64_t)left);
}

static bool read_vocab(const struct reader *r, struct image *image)
{
    uint64_t at, bytes;
    const uint8_t *p = section(r, IMAGE_VOCAB, &at, &bytes);
    struct image_vocab h;
    if (bytes < sizeof h) {
        return check_section_size(r, IMAGE_VOCAB, sizeof h);
    }
    memcpy(&h, p, sizeof h);
    if (!check_vocab(r, &h, at, bytes, image->model.shape.n_vocab)) {
        return false;
    }
    char *room;
    struct vocab *v = &image->vocab;
    if (!vocab_allocate(v, h.n_tokens, h.n_merges, h.kind == VOCAB_SENTENCEPIECE, h.string_bytes, &room, r->e)) {
        return false;
    }
    v->kind = (enum vocab_kind)h.kind;
    memcpy(v->pre, h.pre, sizeof v->pre);
    v->bos = h.bos;
    v->eos = h.eos;
    v->unknown = h.unknown;
    v->add_bos = (h.flags & IMAGE_VOCAB_ADD_BOS) != 0;
    v->add_space_prefix = (h.flags & IMAGE_VOCAB_ADD_SPACE_PREFIX) != 0;
    return fill_vocab(r, &h, p + sizeof h, v, room);
}

/* ---- doors ---- */

static bool open_bytes(const char *path, const uint8_t *bytes, size_t size_bytes, bool verify_checksum, struct image *image,
                       struct error *e)
{
    struct reader r = {.path = path, .bytes = bytes, .size_bytes = size_bytes, .e = e};
    *image = (struct image){0};
    if (read_header(&r, verify_checksum, &image->hash) && read_sections(&r) && read_shape(&r, image) && allocate_model(&r, image) &&
        read_norms(&r, image) && read_biases(&r, image) && read_matrices(&r, image) && read_vocab(&r, image)) {
        return true;
    }
    image_close(image);
    return false;
}

bool image_open_memory(const char *name, const void *bytes, size_t size_bytes, bool verify_checksum, struct image *image, struct error *e)
{
    return open_bytes(name, bytes, size_bytes, verify_checksum, image, e);
}

bool image_open_mapped(const char *path, struct mapped *map, struct image *image, struct error *e)
{
    if (!open_bytes(path, map->bytes, map->size_bytes, true, image, e)) {
        mapped_close(map);
        return false;
    }
    image->map = map->bytes;
    image->map_bytes = map->size_bytes;
    return true;
}

bool image_open(const char *path, struct image *image, struct error *e)
{
    struct mapped map;
    *image = (struct image){0};
    return mapped_open(path, &map, e) && image_open_mapped(path, &map, image, e);
}

void image_close(struct image *image)
{
    if (image->map) {
        munmap((void *)(uintptr_t)image->map, image->map_bytes);
    }
    free(image->memory);
    vocab_free(&image->vocab);
    *image = (struct image){0};
}
