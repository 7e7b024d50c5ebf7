/* peft.c -- adapter_load: a PEFT folder to packed pairs.
 *
 *   adapter_config.json --peft_config--> rank, scale of each linear ---+
 *   adapter_model.safetensors --safetensors--> A, B as floats -------> check, permute Q and K, scale B, pack --> struct adapter
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "adapters/adapter.h"
#include "adapters/pack.h"
#include "adapters/peft_config.h"
#include "adapters/safetensors.h"
#include "sim/presets.h"

enum { PATH_ROOM = 4096, MATRIX_A = 0, MATRIX_B = 1 };
static const double VALUE_MAX = 0x1p36; /* below 31 * 65535 * 2^LORA_EXPONENT_MAX */

/* The two tensors of a linear's pair. */
struct source {
    const struct safetensors_tensor *tensor[2];
};

struct loader {
    const struct shape *base;
    struct peft_config config;
    struct safetensors file;
    struct source *sources; /* [n_layers][LINEAR_COUNT] */
    struct error *e;
};

static bool fail(const struct loader *l, const struct safetensors_tensor *t, const char *expected, const char *found)
{
    char name[PRINTABLE_ROOM];
    return error_input(l->e, "%s: tensor %s at byte %" PRIu64 ": expected %s, found %s", l->file.path,
                       printable((struct text){t->name, (uint32_t)strnlen(t->name, 4096)}, name), l->file.data_start + t->begin, expected,
                       found);
}

/* base_model.model.model.layers.N.MODULE.lora_A.weight, or lora_B: which it is; false for any other name. */
static bool parse_name(const char *name, int32_t *layer, enum linear *which, int *matrix)
{
    static const char PREFIX[] = "base_model.model.model.layers.";
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0) {
        return false;
    }
    const char *digits = name + sizeof PREFIX - 1;
    size_t n_digits = strspn(digits, "0123456789");
    if (n_digits == 0 || n_digits > 5 || (n_digits > 1 && digits[0] == '0') || digits[n_digits] != '.') {
        return false;
    }
    *layer = (int32_t)strtol(digits, NULL, 10);
    const char *module = digits + n_digits + 1;
    for (int i = 0; i < LINEAR_COUNT; i++) {
        size_t length = strlen(PEFT_MODULES[i]);
        if (strncmp(module, PEFT_MODULES[i], length) == 0) {
            *which = (enum linear)i;
            *matrix = strcmp(module + length, ".lora_A.weight") == 0   ? MATRIX_A
                      : strcmp(module + length, ".lora_B.weight") == 0 ? MATRIX_B
                                                                       : -1;
            return *matrix >= 0;
        }
    }
    return false;
}

/* Every tensor of the file to its place; one that has none is an error. */
static bool place_tensors(struct loader *l)
{
    for (int64_t i = 0; i < l->file.n_tensors; i++) {
        const struct safetensors_tensor *t = &l->file.tensors[i];
        int32_t layer, rank;
        enum linear which;
        int matrix;
        double scale;
        char expected[128];
        if (!parse_name(t->name, &layer, &which, &matrix)) {
            return fail(l, t, "base_model.model.model.layers.N.(self_attn.[qkvo]|mlp.gate|up|down)_proj.lora_(A|B).weight", "another name");
        }
        if (layer >= l->base->n_layers) {
            snprintf(expected, sizeof expected, "layers below %d, the base model's", l->base->n_layers);
            return fail(l, t, expected, "a layer beyond them");
        }
        peft_config_pair(&l->config, layer, which, &rank, &scale);
        if (rank == 0) {
            snprintf(expected, sizeof expected, "only modules and layers that adapter_config.json names");
            return fail(l, t, expected, "one that it does not");
        }
        l->sources[(int64_t)layer * LINEAR_COUNT + which].tensor[matrix] = t;
    }
    return true;
}

static bool check_tensor(const struct loader *l, const struct safetensors_tensor *t, int64_t n_rows, int64_t n)
{
    if (t->n_dims == 2 && t->dims[0] == n_rows && t->dims[1] == n) {
        return true;
    }
    char expected[96], found[96];
    snprintf(expected, sizeof expected, "shape [%" PRId64 ", %" PRId64 "] for this base model and rank", n_rows, n);
    snprintf(found, sizeof found, t->n_dims == 2 ? "[%" PRId64 ", %" PRId64 "]" : "not two dimensions", t->dims[0], t->dims[1]);
    return fail(l, t, expected, found);
}

/* Pairs complete and of the right shapes; *bytes is the memory they will take. */
static bool check_pairs(const struct loader *l, struct adapter *a, size_t *bytes)
{
    *bytes = 0;
    for (int32_t layer = 0; layer < l->base->n_layers; layer++) {
        for (int which = 0; which < LINEAR_COUNT; which++) {
            const struct source *s = &l->sources[(int64_t)layer * LINEAR_COUNT + which];
            struct lora_pair *pair = &a->pairs[(int64_t)layer * LINEAR_COUNT + which];
            double scale;
            peft_config_pair(&l->config, layer, which, &pair->rank, &scale);
            if (pair->rank == 0) {
                continue;
            }
            pair->n_in = shape_n_in(l->base, which);
            pair->n_out = shape_n_out(l->base, which);
            for (int matrix = MATRIX_A; matrix <= MATRIX_B; matrix++) {
                if (!s->tensor[matrix]) {
                    return error_input(l->e,
                                       "%s: tensor base_model.model.model.layers.%d.%s.lora_%c.weight: expected by adapter_config.json, "
                                       "found no such tensor",
                                       l->file.path, layer, PEFT_MODULES[which], "AB"[matrix]);
                }
            }
            if (!check_tensor(l, s->tensor[MATRIX_A], pair->rank, pair->n_in) ||
                !check_tensor(l, s->tensor[MATRIX_B], pair->n_out, pair->rank)) {
                return false;
            }
            size_t rows = (size_t)pair->rank + (size_t)pair->n_out,
                   values = (size_t)pair->rank * ((size_t)pair->n_in + (size_t)pair->n_out);
            *bytes += 2 * (rows + rows % 2) + (values + 3) / 4 * 4;
            a->rank_max = pair->rank > a->rank_max ? pair->rank : a->rank_max;
        }
    }
    return true;
}

/* One matrix as floats, rows in GGUF order, multiplied by `scale`; the caller frees it. */
static float *read_rows(const struct loader *l, const struct safetensors_tensor *t, enum linear which, bool is_b, double scale)
{
    int64_t n_rows = t->dims[0], n = t->dims[1];
    float *rows = error_calloc(l->e, (size_t)n_rows, (size_t)n * sizeof *rows, "a LoRA matrix");
    for (int64_t r = 0; rows && r < n_rows; r++) {
        bool permuted = is_b && (which == LINEAR_Q || which == LINEAR_K);
        int64_t from = permuted ? hf_row_of_gguf_row((int32_t)r, l->base->head_dim) : r;
        if (!safetensors_read(&l->file, t, from * n, n, rows + r * n, l->e)) {
            free(rows);
            return NULL;
        }
        for (int64_t i = 0; i < n; i++) {
            double value = (double)rows[r * n + i] * scale;
            if (value > VALUE_MAX || value < -VALUE_MAX) {
                fail(l, t, "values (B's times alpha / r) of magnitude up to 2^36", "a larger one");
                free(rows);
                return NULL;
            }
            rows[r * n + i] = (float)value;
        }
    }
    return rows;
}

static bool pack_matrix(const struct loader *l, const struct safetensors_tensor *t, enum linear which, bool is_b, double scale,
                        int8_t *codes, uint16_t *scales, int32_t *exponent)
{
    struct pack_error sum;
    float *rows = read_rows(l, t, which, is_b, scale);
    if (!rows) {
        return false;
    }
    bool good = pack_rows(rows, (int32_t)t->dims[0], (int32_t)t->dims[1], codes, scales, exponent, &sum) ||
                error_input(l->e, "%s: not enough memory to pack it", l->file.path);
    free(rows);
    return good;
}

/* Takes the pair's arrays from *at on. */
static bool pack_pair(const struct loader *l, int32_t layer, enum linear which, char **at, struct lora_pair *pair)
{
    const struct source *s = &l->sources[(int64_t)layer * LINEAR_COUNT + which];
    int32_t rank;
    double scale;
    peft_config_pair(&l->config, layer, which, &rank, &scale);
    size_t rows = (size_t)rank + (size_t)pair->n_out, values = (size_t)rank * ((size_t)pair->n_in + (size_t)pair->n_out);
    uint16_t *scale_a = (uint16_t *)(void *)*at, *scale_b = scale_a + rank;
    int8_t *a = (int8_t *)(*at + 2 * (rows + rows % 2)), *b = a + (size_t)rank * (size_t)pair->n_in;
    *at += 2 * (rows + rows % 2) + (values + 3) / 4 * 4;
    pair->a = a;
    pair->b = b;
    pair->scale_a = scale_a;
    pair->scale_b = scale_b;
    return pack_matrix(l, s->tensor[MATRIX_A], which, false, 1.0, a, scale_a, &pair->exponent_a) &&
           pack_matrix(l, s->tensor[MATRIX_B], which, true, scale, b, scale_b, &pair->exponent_b);
}

/* Identity: shapes, exponents, scales and codes of all pairs in order. */
static uint64_t hash_pairs(const struct adapter *a)
{
    XXH64_state_t *state = XXH64_createState();
    ES_ASSERT(state != NULL);
    XXH64_reset(state, 0);
    for (int64_t i = 0; i < (int64_t)a->n_layers * LINEAR_COUNT; i++) {
        const struct lora_pair *p = &a->pairs[i];
        const int32_t numbers[5] = {p->rank, p->n_in, p->n_out, p->exponent_a, p->exponent_b};
        XXH64_update(state, numbers, sizeof numbers);
        if (p->rank > 0) {
            XXH64_update(state, p->scale_a, sizeof *p->scale_a * (size_t)p->rank);
            XXH64_update(state, p->scale_b, sizeof *p->scale_b * (size_t)p->n_out);
            XXH64_update(state, p->a, (size_t)p->rank * (size_t)p->n_in);
            XXH64_update(state, p->b, (size_t)p->rank * (size_t)p->n_out);
        }
    }
    uint64_t hash = XXH64_digest(state);
    XXH64_freeState(state);
    return hash;
}

static bool pack_all(struct loader *l, struct adapter *a)
{
    size_t n_pairs = (size_t)l->base->n_layers * LINEAR_COUNT, bytes;
    a->n_layers = l->base->n_layers;
    a->pairs = error_calloc(l->e, n_pairs, sizeof *a->pairs, "an adapter's pairs");
    if (!a->pairs || !check_pairs(l, a, &bytes)) {
        return false;
    }
    if (a->rank_max == 0 || l->config.layer_max >= a->n_layers) {
        return error_input(l->e, "%s: key layers_to_transform: expected layers of 0 to %d, the base model's, found layer %d",
                           l->config.path, a->n_layers - 1, l->config.layer_max);
    }
    a->memory = error_calloc(l->e, bytes, 1, "an adapter");
    char *at = a->memory;
    for (int32_t layer = 0; at && layer < a->n_layers; layer++) {
        for (int which = 0; which < LINEAR_COUNT; which++) {
            struct lora_pair *pair = &a->pairs[(int64_t)layer * LINEAR_COUNT + which];
            if (pair->rank > 0 && !pack_pair(l, layer, which, &at, pair)) {
                return false;
            }
            a->packed_bits += lora_pair_bits(pair);
        }
    }
    if (at) {
        a->hash = hash_pairs(a);
    }
    return at != NULL;
}

static bool load(struct loader *l, const char *folder, struct adapter *a)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%.4000s/adapter_config.json", folder);
    if (!peft_config_read(path, &l->config, l->e)) {
        return false;
    }
    snprintf(path, sizeof path, "%.4000s/adapter_model.safetensors", folder);
    if (!safetensors_open(path, &l->file, l->e)) {
        return false;
    }
    l->sources = error_calloc(l->e, (size_t)l->base->n_layers * LINEAR_COUNT, sizeof *l->sources, "the adapter's tensors");
    return l->sources && place_tensors(l) && pack_all(l, a);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A preset's name or a folder's path to a folder without a slash at its end. */
static bool resolve(const char *name_or_path, char folder[PATH_ROOM], struct error *e)
{
    char relative[PATH_ROOM];
    struct error absent;
    size_t length = strlen(name_or_path);
    if (length == 0 || length >= PATH_ROOM - 64) {
        return error_input(e, "adapter: expected a preset's name or a folder, found %zu characters", length);
    }
    snprintf(relative, sizeof relative, "adapters/%.4000s", name_or_path);
    bool is_path = preset_is_path(name_or_path, ".safetensors");
    if (is_path || !config_path(relative, folder, PATH_ROOM, &absent)) {
        if (!is_path && !is_folder(name_or_path)) {
            return preset_unknown("adapter", "adapters", NULL, name_or_path, e);
        }
        snprintf(folder, PATH_ROOM, "%s", name_or_path);
    }
    for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--) {
        folder[end - 1] = '\0';
    }
    return is_folder(folder) ||
           error_input(e, "%s: expected a folder with adapter_config.json and adapter_model.safetensors, found none", folder);
}

bool adapter_load(const char *path, const struct shape *base, struct adapter *adapter, struct error *e)
{
    char folder[PATH_ROOM];
    *adapter = (struct adapter){0};
    if (!resolve(path, folder, e)) {
        return false;
    }
    struct loader l = {.base = base, .e = e};
    bool good = load(&l, folder, adapter);
    peft_config_free(&l.config);
    safetensors_close(&l.file);
    free(l.sources);
    if (!good) {
        adapter_free(adapter);
        return false;
    }
    const char *slash = strrchr(folder, '/'), *name = slash && slash[1] ? slash + 1 : folder;
    snprintf(adapter->name, sizeof adapter->name, "%.63s", name);
    return true;
}

void adapter_free(struct adapter *adapter)
{
    free(adapter->pairs);
    free(adapter->memory);
    *adapter = (struct adapter){0};
}
