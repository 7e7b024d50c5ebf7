#include "sim/model_shape.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/architecture.h"
#include "sim/presets.h"
#include "sim/shape_limits.h"
#include "sim/yaml_read.h"

enum { FILE_BYTES_MAX = 1 << 16 };

struct reader {
    struct yaml_reader yaml;
    struct model_shape *model;
};

/* --- the keys --- */

#define SHAPE_COUNT(field, low, high, meaning)                                  \
    static bool read_##field(void *user, yaml_node_t *value, const char *key)   \
    {                                                                           \
        struct reader *r = user;                                                \
        uint64_t number = 0;                                                    \
        bool good = yaml_integer(&r->yaml, value, key, (low), (high), &number); \
        r->model->shape.field = (int32_t)number;                                \
        return good;                                                            \
    }
#define SHAPE_REAL(field, low, high, meaning)                                  \
    static bool read_##field(void *user, yaml_node_t *value, const char *key)  \
    {                                                                          \
        struct reader *r = user;                                               \
        double number = 0;                                                     \
        bool good = yaml_number(&r->yaml, value, key, (low), (high), &number); \
        r->model->shape.field = (float)number;                                 \
        return good;                                                           \
    }
#define SHAPE_FLAG(field, meaning)                                            \
    static bool read_##field(void *user, yaml_node_t *value, const char *key) \
    {                                                                         \
        struct reader *r = user;                                              \
        return yaml_bool(&r->yaml, value, key, &r->model->shape.field);       \
    }
#define SHAPE_EXTRA_COUNT SHAPE_COUNT
#define SHAPE_EXTRA_REAL SHAPE_REAL
#include "sim/shape_keys.def"
#undef SHAPE_COUNT
#undef SHAPE_REAL
#undef SHAPE_FLAG
#undef SHAPE_EXTRA_COUNT
#undef SHAPE_EXTRA_REAL

static bool read_architecture(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    char name[32], names[ARCHITECTURE_NAMES_ROOM], expected[ARCHITECTURE_NAMES_ROOM + 16];
    enum architecture architecture;
    snprintf(expected, sizeof expected, "one of %s", architecture_names(false, names));
    if (!yaml_copy(&r->yaml, value, key, expected, name, sizeof name)) {
        return false;
    }
    if (!architecture_find(name, false, &architecture)) {
        return yaml_complain(&r->yaml, value, "%s: expected %s, found \"%s\"", key, expected, name);
    }
    architecture_apply(architecture, &r->model->shape);
    return true;
}

/* The formats that linears can have by default; others take `bake --bits`. */
static const struct {
    const char *name;
    enum weight_format format;
} linear_formats[] = {{"w3", WEIGHT_W3}, {"mxfp4", WEIGHT_W4}};
enum { LINEAR_FORMATS = sizeof linear_formats / sizeof *linear_formats };

static bool read_weights(void *user, yaml_node_t *value, const char *key)
{
    static const char expected[] = "w3 or mxfp4";
    struct reader *r = user;
    char name[32];
    if (!yaml_copy(&r->yaml, value, key, expected, name, sizeof name)) {
        return false;
    }
    for (int i = 0; i < LINEAR_FORMATS; i++) {
        if (strcmp(name, linear_formats[i].name) == 0) {
            r->model->shape.linear_format = linear_formats[i].format;
            return true;
        }
    }
    return yaml_complain(&r->yaml, value, "%s: expected %s, found \"%s\"", key, expected, name);
}

static bool read_source(void *user, yaml_node_t *value, const char *key)
{
    struct reader *r = user;
    return yaml_copy(&r->yaml, value, key, "where the figures are from", r->model->source, sizeof r->model->source);
}

static const struct yaml_key keys[] = {
    {"source", true, read_source},
    {"architecture", false, read_architecture},
    {"weights", false, read_weights},
#define SHAPE_COUNT(field, ...) {#field, true, read_##field},
#define SHAPE_REAL(field, ...) {#field, true, read_##field},
#define SHAPE_FLAG(field, ...) {#field, true, read_##field},
#define SHAPE_EXTRA_COUNT(field, ...) {#field, false, read_##field},
#define SHAPE_EXTRA_REAL(field, ...) {#field, false, read_##field},
#include "sim/shape_keys.def"
#undef SHAPE_COUNT
#undef SHAPE_REAL
#undef SHAPE_FLAG
#undef SHAPE_EXTRA_COUNT
#undef SHAPE_EXTRA_REAL
};

static bool read_root(void *user, yaml_node_t *root)
{
    struct reader *r = user;
    const struct shape *s = &r->model->shape;
    if (!YAML_MAP(&r->yaml, root, "a model's shape", keys)) {
        return false;
    }
    if (s->n_heads % s->n_kv_heads != 0) {
        return yaml_complain(&r->yaml, root, "n_kv_heads: expected a divisor of n_heads (%" PRId32 "), found %" PRId32, s->n_heads,
                             s->n_kv_heads);
    }
    if (s->head_dim % 2 != 0) {
        return yaml_complain(&r->yaml, root, "head_dim: expected an even number, found %" PRId32, s->head_dim);
    }
    if (s->rotary_dim % 2 != 0 || s->rotary_dim > s->head_dim) {
        return yaml_complain(&r->yaml, root, "rotary_dim: expected an even number of at most head_dim (%" PRId32 "), found %" PRId32,
                             s->head_dim, s->rotary_dim);
    }
    if (s->window_tokens == 0 && (s->global_period != 0 || s->rope_base_local != 0)) {
        return yaml_complain(&r->yaml, root, "global_period and rope_base_local: expected with window_tokens only, found without");
    }
    return s->n_heads * s->head_dim <= SHAPE_WIDTH_MAX ||
           yaml_complain(&r->yaml, root, "n_heads: expected n_heads * head_dim of at most %d, found %" PRId32, SHAPE_WIDTH_MAX,
                         s->n_heads * s->head_dim);
}

bool model_shape_parse(const char *text, size_t bytes, const char *file, struct model_shape *model, struct error *e)
{
    struct reader r = {.yaml = {.file = file, .e = e, .user = &r}, .model = model};
    *model = (struct model_shape){.hash = XXH64(text, bytes, 0)};
    return yaml_read(&r.yaml, text, bytes, FILE_BYTES_MAX, read_root);
}

/* --- files --- */

static bool find_preset(const char *name, char path[PATH_MAX])
{
    char relative[PATH_MAX];
    struct error absent;
    return !strchr(name, '/') && snprintf(relative, sizeof relative, "models/%s.yaml", name) < PATH_MAX &&
           config_path(relative, path, PATH_MAX, &absent);
}

bool model_shape_named(const char *name_or_path)
{
    char path[PATH_MAX];
    size_t n = strlen(name_or_path);
    return (n > 5 && strcmp(name_or_path + n - 5, ".yaml") == 0) || find_preset(name_or_path, path);
}

bool model_shape_load(const char *name_or_path, struct model_shape *model, struct error *e)
{
    char path[PATH_MAX];
    size_t bytes = 0;
    if (!find_preset(name_or_path, path)) {
        snprintf(path, sizeof path, "%s", name_or_path);
    }
    char *text = yaml_file_text(path, "model", FILE_BYTES_MAX, &bytes, e);
    bool good = text && model_shape_parse(text, bytes, path, model, e);
    free(text);
    return good;
}

void model_shape_write(const struct model_shape *model, FILE *out)
{
    const struct shape *s = &model->shape;
    fprintf(out, "source: \"");
    for (const char *c = model->source; *c; c++) {
        fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : (unsigned char)*c < ' ' ? "\\x%02x" : "%c", (unsigned char)*c);
    }
    fprintf(out, "\"\narchitecture: %s # whose biases, norms and gate it has\n", architectures[s->architecture].name);
    fprintf(out, "weights: %s # how the linears are stored\n", linear_formats[s->linear_format == WEIGHT_W4 ? 1 : 0].name);
#define SHAPE_COUNT(field, low, high, meaning) fprintf(out, "%s: %" PRId32 " # %s\n", #field, s->field, (meaning));
#define SHAPE_REAL(field, low, high, meaning) fprintf(out, "%s: %.9g # %s\n", #field, (double)s->field, (meaning));
#define SHAPE_FLAG(field, meaning) fprintf(out, "%s: %s # %s\n", #field, s->field ? "true" : "false", (meaning));
#define SHAPE_EXTRA_COUNT SHAPE_COUNT
#define SHAPE_EXTRA_REAL SHAPE_REAL
#include "sim/shape_keys.def"
#undef SHAPE_COUNT
#undef SHAPE_REAL
#undef SHAPE_FLAG
#undef SHAPE_EXTRA_COUNT
#undef SHAPE_EXTRA_REAL
}

/* --- size --- */

int64_t shape_rom_bits(const struct shape *s)
{
    struct matrix embedding = {.format = WEIGHT_W6, .n_out = s->n_vocab, .n_in = s->d_model};
    int64_t layer = 0;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        struct matrix linear = {.format = s->linear_format, .n_out = shape_n_out(s, which), .n_in = shape_n_in(s, which)};
        layer += matrix_rom_bits(&linear);
    }
    return s->n_layers * layer + 16 * shape_vector_values(s) + matrix_rom_bits(&embedding) * (s->tied_head ? 1 : 2);
}
