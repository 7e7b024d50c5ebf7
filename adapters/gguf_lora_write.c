/* gguf_lora_write.c -- an adapter as a GGUF file: keys, tensors' infos, then the data, each tensor padded to 32 bytes. */
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "adapters/lora_values.h"
#include "sim/architecture.h"
#include "sim/gguf_model.h"
#include "sim/output.h"

enum { VERSION = 3, ALIGNMENT = 32 };
enum { FILE_TYPE_F32 = 0, FILE_TYPE_F16 = 1, FILE_TYPE_BF16 = 32 }; /* general.file_type */

static void put_u32(FILE *out, uint32_t v)
{
    fwrite(&v, sizeof v, 1, out);
}

static void put_u64(FILE *out, uint64_t v)
{
    fwrite(&v, sizeof v, 1, out);
}

static void put_text(FILE *out, const char *text)
{
    put_u64(out, strlen(text));
    fputs(text, out);
}

static void put_text_key(FILE *out, const char *key, const char *value)
{
    put_text(out, key);
    put_u32(out, GGUF_STRING);
    put_text(out, value);
}

static void put_u32_key(FILE *out, const char *key, uint32_t value)
{
    put_text(out, key);
    put_u32(out, GGUF_U32);
    put_u32(out, value);
}

static void put_keys(FILE *out, const struct lora_tensors *t, const char *name, enum ggml_type type, float alpha)
{
    put_text_key(out, "general.architecture", architectures[t->base.architecture].name);
    put_text_key(out, "general.type", "adapter");
    put_text_key(out, "adapter.type", "lora");
    put_text_key(out, "general.name", name);
    put_text(out, "adapter.lora.alpha");
    put_u32(out, GGUF_F32);
    fwrite(&alpha, sizeof alpha, 1, out);
    put_u32_key(out, "general.file_type", type == GGML_F32 ? FILE_TYPE_F32 : type == GGML_F16 ? FILE_TYPE_F16 : FILE_TYPE_BF16);
    if (t->base_name[0]) {
        put_u32_key(out, "general.base_model.count", 1);
        put_text_key(out, "general.base_model.0.name", t->base_name);
    }
}

static int64_t pad(int64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* dims: the fastest first. */
static void put_info(FILE *out, const struct lora_tensors *t, int32_t index, char matrix, int64_t fast, int64_t slow, enum ggml_type type,
                     int64_t *offset)
{
    char linear[LORA_LINEAR_NAME_ROOM], name[LORA_LINEAR_NAME_ROOM + 16];
    snprintf(name, sizeof name, "%s.weight.lora_%c", lora_linear_name(t, index, linear), matrix);
    put_text(out, name);
    put_u32(out, 2);
    put_u64(out, (uint64_t)fast);
    put_u64(out, (uint64_t)slow);
    put_u32(out, type);
    put_u64(out, (uint64_t)*offset);
    *offset += pad(fast * slow * lora_value_bytes(type));
}

static void put_padding(FILE *out)
{
    for (int64_t at = ftello(out); at < pad(at); at++) {
        fputc(0, out);
    }
}

/* One alpha for all: the first pair's. What a pair's own is of it goes into its B. */
static double alpha_ratio(const struct lora_linear *l, double alpha)
{
    return l->alpha / alpha;
}

/* B of linear `index`, in the file's order of rows. */
static void put_b(const struct lora_tensors *t, int32_t index, double ratio, struct lora_values *v)
{
    const struct lora_linear *l = &t->linears[index];
    const enum linear which = lora_tensors_which(t, index);
    const bool moved = architectures[t->base.architecture].halves && (which == LINEAR_Q || which == LINEAR_K);
    for (int32_t row = 0; row < l->n_out; row++) {
        const int32_t from = moved ? halves_chip_row(row, t->base.head_dim, shape_rotary_dim(&t->base)) : row;
        lora_values_put_all(v, l->b + (int64_t)from * l->rank, l->rank, ratio);
    }
}

/* A of linear `index`; the embedding's a row for each token. */
static void put_a(const struct lora_tensors *t, int32_t index, struct lora_values *v)
{
    const struct lora_linear *l = &t->linears[index];
    if (lora_tensors_which(t, index) != LINEAR_EMBEDDING) {
        lora_values_put_all(v, l->a, (int64_t)l->rank * l->n_in, 1);
        return;
    }
    for (int32_t token = 0; token < l->n_in; token++) {
        for (int32_t j = 0; j < l->rank; j++) {
            lora_values_put(v, (double)l->a[(int64_t)j * l->n_in + token]);
        }
    }
}

static void put_file(const struct lora_tensors *t, const char *name, double alpha, struct lora_values *v)
{
    uint64_t n_pairs = 0;
    int64_t offset = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        n_pairs += t->linears[i].rank > 0;
    }
    fwrite("GGUF", 4, 1, v->out);
    put_u32(v->out, VERSION);
    put_u64(v->out, 2 * n_pairs);
    put_u64(v->out, t->base_name[0] ? 8 : 6);
    put_keys(v->out, t, name, v->type, (float)alpha);
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        const struct lora_linear *l = &t->linears[i];
        if (l->rank > 0) {
            const bool transposed = lora_tensors_which(t, i) == LINEAR_EMBEDDING;
            put_info(v->out, t, i, 'a', transposed ? l->rank : l->n_in, transposed ? l->n_in : l->rank, v->type, &offset);
            put_info(v->out, t, i, 'b', l->rank, l->n_out, v->type, &offset);
        }
    }
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        const struct lora_linear *l = &t->linears[i];
        if (l->rank > 0) {
            put_padding(v->out);
            put_a(t, i, v);
            put_padding(v->out);
            put_b(t, i, alpha_ratio(l, alpha), v);
        }
    }
    put_padding(v->out);
}

static double find_alpha(const struct lora_tensors *t, struct lora_write_report *report)
{
    double alpha = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        const struct lora_linear *l = &t->linears[i];
        if (l->rank > 0) {
            alpha = alpha > 0 ? alpha : l->alpha;
            report->alphas_folded = report->alphas_folded || l->alpha != alpha;
        }
    }
    report->alpha_error = fabs((double)(float)alpha / alpha - 1);
    return alpha;
}

bool gguf_lora_write(const struct lora_tensors *t, const char *path, struct lora_values *v, struct lora_write_report *report,
                     struct error *e)
{
    char folder[PATH_MAX], name[PATH_MAX];
    int length;
    if (strlen(path) >= PATH_MAX) {
        return error_input(e, "%.200s...: the path is too long", path);
    }
    snprintf(folder, sizeof folder, "%s", path);
    snprintf(name, sizeof name, "%s", path);
    struct output out;
    if (!output_open(&out, dirname(folder), basename(name), e)) {
        return false;
    }
    v->out = out.file;
    const char *stem = lora_name_of_path(path, &length);
    snprintf(name, sizeof name, "%.*s", length, stem);
    put_file(t, name, find_alpha(t, report), v);
    report->file_bytes = ftello(out.file);
    if (v->too_large) {
        output_abandon(&out);
        return error_input(e, "%s: expected values that %s holds, found a larger one", path, gguf_type_name(v->type));
    }
    return output_close(&out, e);
}
