#include "tests/unit/adapter_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/module_pattern.h"
#include "sim/gguf_model.h"
#include "tests/unit/check.h"

float *adapter_values(const struct adapter_spec *spec, int32_t layer, enum linear which, bool is_b)
{
    int64_t n = (int64_t)spec->rank * (is_b ? shape_n_out(&spec->shape, which) : shape_n_in(&spec->shape, which));
    float *values = calloc((size_t)n, sizeof *values);
    uint64_t state = spec->seed * 1000003 + (uint64_t)(which < LINEAR_COUNT ? layer : 0) * 101 + (uint64_t)which * 7 + is_b + 1;
    ES_ASSERT(values != NULL);
    for (int64_t i = 0; i < n + 8; i++) { /* the generator's first numbers are alike for like seeds */
        int64_t units = (int64_t)(test_random(&state) >> 20) % 255 - 127;
        if (i >= 8) {
            values[i - 8] = (float)units / 64;
        }
    }
    return values;
}

float *adapter_values_gguf(const struct adapter_spec *spec, int32_t layer, enum linear which, bool is_b)
{
    float *hf = adapter_values(spec, layer, which, is_b);
    if (which == LINEAR_EMBEDDING && !is_b) {
        const int32_t n = spec->shape.n_vocab;
        float *columns = calloc((size_t)n * (size_t)spec->rank, sizeof *columns);
        ES_ASSERT(columns != NULL);
        for (int64_t i = 0; i < (int64_t)n * spec->rank; i++) {
            columns[i % n * spec->rank + i / n] = hf[i];
        }
        free(hf);
        return columns;
    }
    if (!is_b || (which != LINEAR_Q && which != LINEAR_K)) {
        return hf;
    }
    int32_t dim = spec->shape.head_dim, heads = which == LINEAR_Q ? spec->shape.n_heads : spec->shape.n_kv_heads;
    float *out = calloc((size_t)heads * (size_t)dim * (size_t)spec->rank, sizeof *out);
    ES_ASSERT(out != NULL);
    int64_t to = 0; /* row of (heads, half, 2) */
    for (int32_t head = 0; head < heads; head++) {
        for (int32_t i = 0; i < dim / 2; i++) {
            for (int32_t half = 0; half < 2; half++, to++) {
                int64_t from = ((int64_t)head * 2 + half) * (dim / 2) + i; /* row of (heads, 2, half) */
                memcpy(out + to * spec->rank, hf + from * spec->rank, (size_t)spec->rank * sizeof *out);
            }
        }
    }
    free(hf);
    return out;
}

void add_typed(struct bytes *to, enum ggml_type type, const float *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        uint16_t half = type == GGML_F16 ? half_of_float(values[i]) : (uint16_t)(bits >> 16);
        if (type == GGML_Q8_0) {
            int8_t q = (int8_t)(values[i] * 64);
            uint16_t d = half_of_float(1.0f / 64);
            bytes_add(to, &d, i % 32 == 0 ? 2 : 0);
            bytes_add(to, &q, 1);
        } else if (type == GGML_F32) {
            bytes_add(to, &values[i], sizeof values[i]);
        } else {
            bytes_add(to, &half, sizeof half);
        }
    }
}

/* --- PEFT --- */

struct bytes adapter_safetensors(const struct adapter_spec *spec, enum ggml_type type)
{
    struct bytes header = {0}, data = {0};
    for (int32_t i = 0; i < 2 * pair_count(spec->shape.n_layers); i++) {
        enum linear which = pair_linear(spec->shape.n_layers, i / 2);
        int32_t layer = i / 2 / LINEAR_COUNT;
        bool is_b = i % 2;
        char entry[256], module[64];
        if (!(spec->linears >> which & 1)) {
            continue;
        }
        int32_t rows = is_b ? shape_n_out(&spec->shape, which) : spec->rank;
        int32_t columns = is_b ? spec->rank : shape_n_in(&spec->shape, which);
        size_t begin = data.size;
        float *values = adapter_values(spec, layer, which, is_b);
        add_typed(&data, type, values, (int64_t)rows * columns);
        free(values);
        if (which < LINEAR_COUNT) {
            snprintf(module, sizeof module, "model.layers.%d.%s.lora_%c.weight", layer, PEFT_MODULES[which], is_b ? 'B' : 'A');
        } else {
            snprintf(module, sizeof module, which == LINEAR_HEAD ? "lm_head.lora_%c.weight" : "model.embed_tokens.lora_embedding_%c",
                     is_b ? 'B' : 'A');
        }
        int length =
            snprintf(entry, sizeof entry, "%s\"base_model.model.%s\":{\"dtype\":\"%s\",\"shape\":[%d,%d],\"data_offsets\":[%zu,%zu]}",
                     header.size ? "," : "{", module, gguf_type_name(type), rows, columns, begin, data.size);
        bytes_add(&header, entry, (size_t)length);
    }
    bytes_add(&header, "}", 2); /* with its NUL */
    struct bytes file = safetensors_written((const char *)header.data, data.data, data.size);
    bytes_free(&header);
    bytes_free(&data);
    return file;
}

struct bytes adapter_config(const struct adapter_spec *spec)
{
    struct bytes text = {0};
    char part[128];
    snprintf(part, sizeof part, "{\"peft_type\": \"LORA\", \"r\": %d, \"lora_alpha\": %.17g, \"target_modules\": [", spec->rank,
             spec->alpha);
    bytes_add(&text, part, strlen(part));
    const char *separator = "";
    for (int which = 0; which < LINEAR_ENDS; which++) {
        if (spec->linears >> which & 1) {
            const char *dot = strchr(PEFT_MODULES[which], '.');
            snprintf(part, sizeof part, "%s\"%s\"", separator, dot ? dot + 1 : PEFT_MODULES[which]);
            bytes_add(&text, part, strlen(part));
            separator = ", ";
        }
    }
    bytes_add(&text, "]}", 2);
    return text;
}

const char *adapter_folder_written(const struct adapter_spec *spec, enum ggml_type type, const char *name)
{
    static char folder[4096];
    char path[256];
    snprintf(folder, sizeof folder, "%s/%s", temporary_folder(), name);
    ES_ASSERT(mkdir(folder, 0777) == 0 || errno == EEXIST);
    struct bytes config = adapter_config(spec), tensors = adapter_safetensors(spec, type);
    snprintf(path, sizeof path, "%s/adapter_config.json", name);
    bytes_to_file(&config, path);
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", name);
    bytes_to_file(&tensors, path);
    bytes_free(&config);
    bytes_free(&tensors);
    return folder;
}

/* --- GGUF --- */

void adapter_gguf_tensors(const struct adapter_spec *spec, enum ggml_type type, struct gguf_writer *w)
{
    for (int32_t i = 0; i < 2 * pair_count(spec->shape.n_layers); i++) {
        enum linear which = pair_linear(spec->shape.n_layers, i / 2);
        bool is_b = i % 2;
        char name[64];
        if (!(spec->linears >> which & 1)) {
            continue;
        }
        int64_t n_in = shape_n_in(&spec->shape, which), n_out = shape_n_out(&spec->shape, which);
        bool columns = which == LINEAR_EMBEDDING && !is_b;
        int64_t dims[2] = {is_b || columns ? spec->rank : n_in, is_b ? n_out : columns ? n_in : spec->rank};
        enum ggml_type own = type == GGML_Q8_0 && dims[0] % 32 != 0 ? GGML_F16 : type;
        struct bytes data = {0};
        float *values = adapter_values_gguf(spec, i / 2 / LINEAR_COUNT, which, is_b);
        add_typed(&data, own, values, dims[0] * dims[1]);
        if (which < LINEAR_COUNT) {
            snprintf(name, sizeof name, "blk.%d.%s.weight.lora_%c", i / 2 / LINEAR_COUNT, LINEAR_NAMES[which], is_b ? 'b' : 'a');
        } else {
            snprintf(name, sizeof name, "%s.weight.lora_%c", which == LINEAR_HEAD ? "output" : "token_embd", is_b ? 'b' : 'a');
        }
        gguf_write_tensor(w, name, own, dims, 2, data.data, data.size);
        free(values);
        bytes_free(&data);
    }
}

void adapter_gguf_keys(const struct adapter_spec *spec, struct gguf_writer *w)
{
    gguf_write_string(w, "general.architecture", "llama");
    gguf_write_string(w, "general.type", "adapter");
    gguf_write_string(w, "adapter.type", "lora");
    gguf_write_f32(w, "adapter.lora.alpha", (float)spec->alpha);
}

struct bytes adapter_gguf(const struct adapter_spec *spec, enum ggml_type type)
{
    struct gguf_writer w = {0};
    adapter_gguf_keys(spec, &w);
    adapter_gguf_tensors(spec, type, &w);
    return gguf_written(&w);
}
