/* peft_write.c -- an adapter as a PEFT folder: adapter_config.json, adapter_model.safetensors.
 *
 * The configuration is the plainest that says it: one r and lora_alpha, target_modules by their short names; rank_pattern, alpha_pattern,
 * layers_to_transform or whole names only where pairs differ.
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/lora_values.h"
#include "adapters/module_pattern.h"
#include "sim/architecture.h"
#include "sim/output.h"

enum { TENSOR_NAME_ROOM = 112 };

/* --- adapter_config.json --- */

static const char *short_name(enum linear which)
{
    return strchr(PEFT_MODULES[which], '.') + 1;
}

static const char *whole_name(const struct lora_tensors *t, int32_t index, char name[PEFT_NAME_ROOM])
{
    peft_module_name(t->base.architecture, index / LINEAR_COUNT, lora_tensors_which(t, index), name);
    return name;
}

static bool layer_is_used(const struct lora_tensors *t, int32_t layer)
{
    bool used = false;
    for (int which = 0; which < LINEAR_COUNT; which++) {
        used = used || lora_tensors_linear(t, layer, (enum linear)which)->rank > 0;
    }
    return used;
}

static bool linear_is_used(const struct lora_tensors *t, enum linear which)
{
    bool used = false;
    for (int32_t layer = 0; layer < t->base.n_layers; layer++) {
        used = used || lora_tensors_linear(t, layer, which)->rank > 0;
    }
    return used;
}

/* Has every layer that has pairs the same linears? Then modules and layers can be named apart. */
static bool is_product(const struct lora_tensors *t)
{
    bool product = true;
    for (int32_t i = 0; i < t->base.n_layers * LINEAR_COUNT; i++) {
        bool named = layer_is_used(t, i / LINEAR_COUNT) && linear_is_used(t, (enum linear)(i % LINEAR_COUNT));
        product = product && named == (t->linears[i].rank > 0);
    }
    return product;
}

static void add_targets(cJSON *config, const struct lora_tensors *t)
{
    cJSON *targets = cJSON_AddArrayToObject(config, "target_modules");
    bool product = is_product(t), all_layers = true, any_layer = false;
    char name[PEFT_NAME_ROOM];
    for (int which = 0; which < LINEAR_COUNT && product; which++) {
        if (linear_is_used(t, (enum linear)which)) {
            cJSON_AddItemToArray(targets, cJSON_CreateString(short_name((enum linear)which)));
        }
    }
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        if (t->linears[i].rank > 0 && (!product || lora_tensors_which(t, i) >= LINEAR_COUNT)) {
            cJSON_AddItemToArray(targets, cJSON_CreateString(whole_name(t, i, name)));
        }
    }
    for (int32_t layer = 0; layer < t->base.n_layers; layer++) {
        all_layers = all_layers && layer_is_used(t, layer);
        any_layer = any_layer || layer_is_used(t, layer);
    }
    if (!product || all_layers || !any_layer) {
        cJSON_AddNullToObject(config, "layers_to_transform");
        return;
    }
    cJSON *layers = cJSON_AddArrayToObject(config, "layers_to_transform");
    for (int32_t layer = 0; layer < t->base.n_layers; layer++) {
        if (layer_is_used(t, layer)) {
            cJSON_AddItemToArray(layers, cJSON_CreateNumber(layer));
        }
    }
}

static double number_of(const struct lora_linear *l, bool ranks)
{
    return ranks ? l->rank : l->alpha;
}

/* What differs from `usual`: a linear's short name where all its pairs do, and alike; else whole names. */
static void add_pattern(cJSON *config, const char *key, const struct lora_tensors *t, bool ranks, double usual)
{
    cJSON *pattern = cJSON_AddObjectToObject(config, key);
    char name[PEFT_NAME_ROOM];
    for (int which = 0; which < LINEAR_COUNT; which++) {
        double own = 0;
        bool alike = true;
        for (int32_t layer = 0; layer < t->base.n_layers; layer++) {
            const struct lora_linear *l = lora_tensors_linear(t, layer, (enum linear)which);
            own = l->rank && own == 0 ? number_of(l, ranks) : own;
            alike = alike && (!l->rank || number_of(l, ranks) == own);
        }
        if (alike && own != 0 && own != usual) {
            cJSON_AddNumberToObject(pattern, short_name((enum linear)which), own);
        }
        for (int32_t layer = 0; layer < t->base.n_layers && !alike; layer++) {
            const struct lora_linear *l = lora_tensors_linear(t, layer, (enum linear)which);
            if (l->rank && number_of(l, ranks) != usual) {
                cJSON_AddNumberToObject(pattern, whole_name(t, layer * LINEAR_COUNT + which, name), number_of(l, ranks));
            }
        }
    }
    for (int32_t i = t->base.n_layers * LINEAR_COUNT; i < lora_tensors_count(t); i++) {
        if (t->linears[i].rank && number_of(&t->linears[i], ranks) != usual) {
            cJSON_AddNumberToObject(pattern, whole_name(t, i, name), number_of(&t->linears[i], ranks));
        }
    }
}

static char *config_text(const struct lora_tensors *t)
{
    const struct lora_linear *first = t->linears;
    while (first->rank == 0) {
        first++;
    }
    cJSON *config = cJSON_CreateObject();
    cJSON_AddStringToObject(config, "peft_type", "LORA");
    cJSON_AddStringToObject(config, "task_type", "CAUSAL_LM");
    if (t->base_name[0]) {
        cJSON_AddStringToObject(config, "base_model_name_or_path", t->base_name);
    } else {
        cJSON_AddNullToObject(config, "base_model_name_or_path");
    }
    cJSON_AddNumberToObject(config, "r", first->rank);
    cJSON_AddNumberToObject(config, "lora_alpha", first->alpha);
    add_targets(config, t);
    add_pattern(config, "rank_pattern", t, true, first->rank);
    add_pattern(config, "alpha_pattern", t, false, first->alpha);
    cJSON_AddStringToObject(config, "bias", "none");
    cJSON_AddFalseToObject(config, "use_rslora");
    cJSON_AddFalseToObject(config, "use_dora");
    cJSON_AddFalseToObject(config, "fan_in_fan_out");
    cJSON_AddNullToObject(config, "modules_to_save");
    cJSON_AddNumberToObject(config, "lora_dropout", 0);
    cJSON_AddTrueToObject(config, "inference_mode");
    cJSON_AddTrueToObject(config, "init_lora_weights");
    char *text = cJSON_Print(config);
    cJSON_Delete(config);
    return text;
}

/* --- adapter_model.safetensors --- */

struct entry {
    char name[TENSOR_NAME_ROOM];
    int32_t index;
    bool is_b;
};

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* All tensors by name, as PEFT's own files have them. */
static struct entry *list_entries(const struct lora_tensors *t, int32_t *n, struct error *e)
{
    struct entry *entries = error_calloc(e, 2 * (size_t)lora_tensors_count(t), sizeof *entries, "an adapter's tensors");
    *n = 0;
    for (int32_t i = 0; entries && i < 2 * lora_tensors_count(t); i++) {
        char module[PEFT_NAME_ROOM];
        if (t->linears[i / 2].rank > 0) {
            struct entry *entry = &entries[(*n)++];
            entry->index = i / 2;
            entry->is_b = i % 2;
            snprintf(entry->name, sizeof entry->name, "base_model.model.%s%s", whole_name(t, i / 2, module),
                     peft_tensor_suffix(lora_tensors_which(t, i / 2), i % 2));
        }
    }
    if (entries) {
        qsort(entries, (size_t)*n, sizeof *entries, compare_entries);
    }
    return entries;
}

static void put_header(const struct lora_tensors *t, const struct entry *entries, int32_t n, enum ggml_type type, FILE *out)
{
    char *text = NULL;
    size_t length = 0;
    FILE *header = open_memstream(&text, &length);
    ES_ASSERT(header != NULL);
    int64_t at = 0;
    fputs("{\"__metadata__\":{\"format\":\"pt\"}", header);
    for (int32_t i = 0; i < n; i++) {
        const struct lora_linear *l = &t->linears[entries[i].index];
        int32_t rows = entries[i].is_b ? l->n_out : l->rank, columns = entries[i].is_b ? l->rank : l->n_in;
        int64_t end = at + (int64_t)rows * columns * lora_value_bytes(type);
        fprintf(header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%d,%d],\"data_offsets\":[%" PRId64 ",%" PRId64 "]}", entries[i].name,
                gguf_type_name(type), rows, columns, at, end);
        at = end;
    }
    fputc('}', header);
    fflush(header);
    while (length % 8 != 0) {
        fputc(' ', header);
        fflush(header);
    }
    fclose(header);
    uint64_t size = length;
    fwrite(&size, sizeof size, 1, out);
    fwrite(text, 1, length, out);
    free(text);
}

/* B of Q and K goes back to Hugging Face's order of rows. */
static void put_tensor(const struct lora_tensors *t, const struct entry *entry, struct lora_values *v)
{
    const struct lora_linear *l = &t->linears[entry->index];
    enum linear which = lora_tensors_which(t, entry->index);
    if (!entry->is_b) {
        lora_values_put_all(v, l->a, (int64_t)l->rank * l->n_in, 1);
        return;
    }
    for (int32_t row = 0; row < l->n_out; row++) {
        int32_t from = which == LINEAR_Q || which == LINEAR_K ? halves_chip_row(row, t->base.head_dim, shape_rotary_dim(&t->base)) : row;
        lora_values_put_all(v, l->b + (int64_t)from * l->rank, l->rank, 1);
    }
}

static bool put_tensors(const struct lora_tensors *t, struct lora_values *v, struct error *e)
{
    int32_t n;
    struct entry *entries = list_entries(t, &n, e);
    if (!entries) {
        return false;
    }
    put_header(t, entries, n, v->type, v->out);
    for (int32_t i = 0; i < n; i++) {
        put_tensor(t, &entries[i], v);
    }
    free(entries);
    return true;
}

/* --- the folder --- */

static bool put_files(const struct lora_tensors *t, const char *folder, struct lora_values *v, struct lora_write_report *report,
                      struct output *config, struct output *tensors, struct error *e)
{
    if (!output_open(tensors, folder, "adapter_model.safetensors", e)) {
        return false;
    }
    v->out = tensors->file;
    if (!put_tensors(t, v, e)) {
        return false;
    }
    report->file_bytes = ftello(tensors->file);
    if (v->too_large) {
        return error_input(e, "%s: expected values that %s holds, found a larger one", folder, gguf_type_name(v->type));
    }
    char *text = config_text(t);
    if (!text) {
        return error_input(e, "%s: not enough memory for adapter_config.json", folder);
    }
    bool good = output_open(config, folder, "adapter_config.json", e);
    if (good) {
        fprintf(config->file, "%s\n", text);
    }
    cJSON_free(text);
    return good;
}

bool peft_write(const struct lora_tensors *t, const char *folder, struct lora_values *v, struct lora_write_report *report, struct error *e)
{
    struct stat status;
    struct output config = {0}, tensors = {0};
    bool existed = stat(folder, &status) == 0;
    if (!output_folder(folder, e)) {
        return false;
    }
    bool written = put_files(t, folder, v, report, &config, &tensors, e);
    if (!written) {
        output_abandon(&tensors);
        output_abandon(&config);
    } else if (!output_close(&tensors, e)) {
        output_abandon(&config);
        written = false;
    } else if (!output_close(&config, e)) {
        unlink(tensors.path); /* an adapter without its configuration is none */
        written = false;
    }
    if (!written && !existed) {
        rmdir(folder);
    }
    return written;
}
