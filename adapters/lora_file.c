#include "adapters/lora_file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/gguf_lora.h"
#include "adapters/pack.h"
#include "adapters/peft.h"
#include "sim/architecture.h"
#include "sim/presets.h"

static const double VALUE_MAX = 0x1p36; /* below 31 * 65535 * 2^LORA_EXPONENT_MAX */

static const char *path_of(const struct lora_file *f)
{
    return f->is_gguf ? f->gguf.path : f->safetensors.path;
}

bool lora_file_fail(const struct lora_file *f, const struct lora_file_tensor *t, const char *expected, const char *found, struct error *e)
{
    char name[PRINTABLE_ROOM];
    return error_input(e, "%s: tensor %s at byte %" PRIu64 ": expected %s, found %s", path_of(f), printable(t->name, name), t->at_byte,
                       expected, found);
}

bool lora_file_place(struct lora_file *f, const struct lora_file_tensor *t, int32_t layer, enum linear first, enum lora_matrix matrix,
                     struct error *e)
{
    if (first >= LINEAR_COUNT) {
        f->pairs[pair_index(f->tensors.base.n_layers, layer, first)].matrix[matrix] = *t;
        return true;
    }
    if (layer >= f->tensors.base.n_layers) {
        char expected[64];
        snprintf(expected, sizeof expected, "layers below %d, the base model's", f->tensors.base.n_layers);
        return lora_file_fail(f, t, expected, "a layer beyond them", e);
    }
    const int n = fused_linears(f->tensors.base.architecture, first);
    int32_t rows[LINEAR_COUNT + 1] = {0};
    for (int i = 0; i < n; i++) {
        rows[i + 1] = rows[i] + shape_n_out(&f->tensors.base, (enum linear)((int)first + i));
    }
    for (int i = 0; i < n; i++) {
        struct lora_file_tensor *part = &f->pairs[(int64_t)layer * LINEAR_COUNT + (int)first + i].matrix[matrix];
        *part = *t;
        if (n > 1 && matrix == LORA_B) {
            part->first_row = rows[i];
            part->fused_rows = rows[n];
        }
    }
    return true;
}

const char *lora_layer_in_name(const char *digits, const char *end, int32_t *layer)
{
    enum { DIGITS_MAX = 5 };
    const char *at = digits;
    *layer = 0;
    while (at < end && *at >= '0' && *at <= '9' && at - digits < DIGITS_MAX) {
        *layer = *layer * 10 + (*at++ - '0');
    }
    bool good = at > digits && at < end && *at == '.' && (digits[0] != '0' || at == digits + 1);
    return good ? at : NULL;
}

/* --- checks --- */

bool lora_file_expect_shape(const struct lora_file *f, const struct lora_file_tensor *t, int64_t n_rows, int64_t n, const char *why,
                            struct error *e)
{
    if (t->n_rows == n_rows && t->n == n) {
        return true;
    }
    char expected[128], found[96] = "not two dimensions";
    snprintf(expected, sizeof expected, "shape [%" PRId64 ", %" PRId64 "] %s", n_rows, n, why);
    if (t->n_rows >= 0) {
        snprintf(found, sizeof found, "[%" PRId64 ", %" PRId64 "]", t->n_rows, t->n);
    }
    return lora_file_fail(f, t, expected, found, e);
}

static bool check_shape(const struct lora_file *f, const struct lora_file_tensor *t, int64_t n_rows, int64_t n, struct error *e)
{
    return lora_file_expect_shape(f, t, n_rows, n, "for this base model and rank", e);
}

/* The narrowest type that holds both exactly. */
static enum ggml_type common_type(enum ggml_type a, enum ggml_type b)
{
    return a == b && a != GGML_Q8_0 ? a : GGML_F32;
}

/* Every pair has the base's shapes; what the values' type is. */
static bool check_pairs(struct lora_file *f, struct error *e)
{
    bool first = true;
    for (int32_t i = 0; i < lora_tensors_count(&f->tensors); i++) {
        const struct lora_linear *l = &f->tensors.linears[i];
        const struct lora_file_tensor *m = f->pairs[i].matrix;
        if (l->rank == 0) {
            continue;
        }
        const bool transposed = m[LORA_A].transposed;
        if (!check_shape(f, &m[LORA_A], transposed ? l->n_in : l->rank, transposed ? l->rank : l->n_in, e) ||
            !check_shape(f, &m[LORA_B], m[LORA_B].fused_rows ? m[LORA_B].fused_rows : l->n_out, l->rank, e)) {
            return false;
        }
        f->tensors.type = first ? common_type(m[LORA_A].type, m[LORA_A].type) : common_type(f->tensors.type, m[LORA_A].type);
        f->tensors.type = common_type(f->tensors.type, m[LORA_B].type);
        first = false;
    }
    return !first || error_input(e, "%s: expected a pair for at least one linear, found none", path_of(f));
}

/* --- opening --- */

static bool find_pairs(struct lora_file *f, const struct shape *base, struct error *e)
{
    if (!lora_tensors_make(base, &f->tensors, e)) {
        return false;
    }
    f->pairs = error_calloc(e, (size_t)lora_tensors_count(&f->tensors), sizeof *f->pairs, "an adapter's tensors");
    return f->pairs && (f->is_gguf ? gguf_lora_find_pairs(f, e) : peft_find_pairs(f, e)) && check_pairs(f, e);
}

static bool closed_unless(bool good, struct lora_file *f)
{
    if (!good) {
        lora_file_close(f);
    }
    return good;
}

static bool open_peft(const char *folder, const struct shape *base, struct lora_file *f, struct error *e)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/adapter_config.json", folder);
    if (!peft_config_read(path, &f->config, e)) {
        return false;
    }
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    return safetensors_open(path, &f->safetensors, e) && find_pairs(f, base, e);
}

bool lora_file_open_peft_memory(const char *config, size_t config_bytes, const void *tensors, size_t tensors_bytes,
                                const struct shape *base, struct lora_file *f, struct error *e)
{
    *f = (struct lora_file){0};
    return closed_unless(peft_config_parse("adapter_config.json", config, config_bytes, &f->config, e) &&
                             safetensors_open_memory("adapter_model.safetensors", tensors, tensors_bytes, &f->safetensors, e) &&
                             find_pairs(f, base, e),
                         f);
}

bool lora_file_open_gguf_memory(const void *bytes, size_t size_bytes, const struct shape *base, struct lora_file *f, struct error *e)
{
    *f = (struct lora_file){.is_gguf = true};
    return closed_unless(gguf_open_memory("adapter.gguf", bytes, size_bytes, &f->gguf, e) && find_pairs(f, base, e), f);
}

/* A preset's name or a path to a path without a slash at its end; *is_folder says which kind of adapter it is. */
static bool resolve(const char *name_or_path, char path[PATH_MAX], bool *is_folder, struct error *e)
{
    char relative[PATH_MAX];
    struct error absent;
    struct stat status;
    size_t length = strlen(name_or_path);
    if (length == 0 || length >= PATH_MAX - 64) {
        return error_input(e, "adapter: expected a preset's name or a folder or a GGUF file, found %zu characters", length);
    }
    snprintf(relative, sizeof relative, "adapters/%.4000s", name_or_path);
    bool is_path = preset_is_path(name_or_path, ".gguf");
    if (is_path || !config_path(relative, path, PATH_MAX, &absent)) {
        if (!is_path && stat(name_or_path, &status) != 0) {
            return preset_unknown("adapter", "adapters", NULL, name_or_path, e);
        }
        snprintf(path, PATH_MAX, "%s", name_or_path);
    }
    bool exists = stat(path, &status) == 0;
    *is_folder = exists && S_ISDIR(status.st_mode);
    for (size_t end = strlen(path); *is_folder && end > 1 && path[end - 1] == '/'; end--) {
        path[end - 1] = '\0';
    }
    return exists ||
           error_input(e, "%s: expected a folder with adapter_config.json and adapter_model.safetensors, or a GGUF file, found none", path);
}

static bool open_path(const char *path, bool is_folder, const struct shape *base, struct lora_file *f, struct error *e)
{
    if (is_folder) {
        return open_peft(path, base, f, e);
    }
    size_t length = strlen(path);
    if (length > 12 && strcmp(path + length - 12, ".safetensors") == 0) {
        return error_input(e, "%s: expected the folder it is in, with its adapter_config.json", path);
    }
    f->is_gguf = true;
    return gguf_open(path, &f->gguf, e) && find_pairs(f, base, e);
}

bool lora_file_open(const char *name_or_path, const struct shape *base, struct lora_file *f, struct error *e)
{
    char path[PATH_MAX];
    bool is_folder = false;
    *f = (struct lora_file){0};
    if (!resolve(name_or_path, path, &is_folder, e) || !closed_unless(open_path(path, is_folder, base, f, e), f)) {
        return false;
    }
    int length;
    const char *name = lora_name_of_path(path, &length);
    snprintf(f->tensors.name, sizeof f->tensors.name, "%.*s", length, name);
    return true;
}

void lora_file_close(struct lora_file *f)
{
    lora_tensors_free(&f->tensors);
    free(f->pairs);
    peft_config_free(&f->config);
    safetensors_close(&f->safetensors);
    gguf_close(&f->gguf);
    *f = (struct lora_file){0};
}

/* --- reading --- */

static bool read_row(const struct lora_file *f, const struct lora_file_tensor *t, int64_t row, float *out, struct error *e)
{
    return f->is_gguf ? gguf_row_finite(&f->gguf, t->source, row, out, e)
                      : safetensors_read(&f->safetensors, t->source, row * t->n, t->n, out, e);
}

/* `scale`: what the values are multiplied by before they are packed. */
static bool check_row(const struct lora_file *f, const struct lora_file_tensor *t, const float *row, double scale, struct error *e)
{
    for (int64_t i = 0; i < t->n; i++) {
        double value = (double)row[i] * scale;
        if (value > VALUE_MAX || value < -VALUE_MAX) {
            return lora_file_fail(f, t, "values (B's times alpha / r) of magnitude up to 2^36", "a larger one", e);
        }
    }
    return true;
}

/* A whose rows are its columns in the file. */
static bool read_transposed(const struct lora_file *f, const struct lora_file_tensor *t, const struct lora_linear *l, struct error *e)
{
    float column[LORA_RANK_MAX];
    for (int32_t i = 0; i < l->n_in; i++) {
        if (!read_row(f, t, i, column, e) || !check_row(f, t, column, 1, e)) {
            return false;
        }
        for (int32_t j = 0; j < l->rank; j++) {
            l->a[(int64_t)j * l->n_in + i] = column[j];
        }
    }
    return true;
}

bool lora_file_read(const struct lora_file *f, int32_t index, const struct lora_linear *l, struct error *e)
{
    enum linear which = lora_tensors_which(&f->tensors, index);
    const struct shape *base = &f->tensors.base;
    bool halves = !f->is_gguf || architectures[base->architecture].halves;
    bool permuted = halves && (which == LINEAR_Q || which == LINEAR_K);
    for (enum lora_matrix matrix = LORA_A; matrix <= LORA_B; matrix++) {
        const struct lora_file_tensor *t = &f->pairs[index].matrix[matrix];
        double scale = matrix == LORA_B ? lora_scale(l) : 1;
        const int32_t n_rows = matrix == LORA_A ? t->transposed ? 0 : l->rank : l->n_out;
        if (t->transposed && !read_transposed(f, t, l, e)) {
            return false;
        }
        for (int32_t row = 0; row < n_rows; row++) {
            bool moved = permuted && matrix == LORA_B;
            int64_t from = t->first_row + (moved ? halves_row(row, base->head_dim, shape_rotary_dim(base)) : row);
            float *out = (matrix == LORA_A ? l->a : l->b) + row * t->n;
            if (!read_row(f, t, from, out, e) || !check_row(f, t, out, scale, e)) {
                return false;
            }
        }
    }
    return true;
}

bool lora_file_read_all(const struct lora_file *f, struct lora_tensors *t, struct error *e)
{
    if (!lora_tensors_make(&f->tensors.base, t, e)) {
        return false;
    }
    memcpy(t->name, f->tensors.name, sizeof t->name);
    memcpy(t->base_name, f->tensors.base_name, sizeof t->base_name);
    t->type = f->tensors.type;
    memcpy(t->linears, f->tensors.linears, (size_t)lora_tensors_count(t) * sizeof *t->linears);
    if (!lora_tensors_allocate(t, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        if (t->linears[i].rank > 0 && !lora_file_read(f, i, &t->linears[i], e)) {
            lora_tensors_free(t);
            return false;
        }
    }
    return true;
}

bool lora_tensors_load(const char *name_or_path, const struct shape *base, struct lora_tensors *t, struct error *e)
{
    struct lora_file f;
    *t = (struct lora_tensors){0};
    if (!lora_file_open(name_or_path, base, &f, e)) {
        return false;
    }
    bool good = lora_file_read_all(&f, t, e);
    lora_file_close(&f);
    return good;
}
