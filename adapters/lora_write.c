#include "adapters/lora_write.h"

#include <math.h>
#include <string.h>

#include "adapters/float_types.h"
#include "adapters/lora_values.h"
#include "sim/architecture.h"

bool lora_path_is_gguf(const char *path)
{
    size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".gguf") == 0;
}

void lora_values_put(struct lora_values *v, double value)
{
    float stored = (float)value;
    uint16_t bits = 0;
    if (v->type == GGML_F16) {
        bits = f16_of_float(stored);
        stored = half_to_float(bits);
    } else if (v->type == GGML_BF16) {
        bits = bf16_of_float(stored);
        stored = float_of_bf16(bits);
    }
    const void *from = v->type == GGML_F32 ? (const void *)&stored : &bits;
    fwrite(from, (size_t)lora_value_bytes(v->type), 1, v->out); /* a failure is found when the file is closed */
    double error = (double)stored - value;
    v->n++;
    v->n_changed += error != 0;
    v->too_large = v->too_large || !isfinite(stored);
    v->squared_error += error * error;
    v->squared_value += value * value;
}

void lora_values_put_all(struct lora_values *v, const float *values, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; i++) {
        lora_values_put(v, factor * (double)values[i]);
    }
}

bool lora_write(const struct lora_tensors *t, const char *path, enum ggml_type type, struct lora_write_report *report, struct error *e)
{
    struct lora_values v = {.type = type};
    *report = (struct lora_write_report){0};
    if (lora_tensors_rank_max(t) == 0) {
        return error_input(e, "%s: expected an adapter with a pair for at least one linear, found none", path);
    }
    if (architectures[t->base.architecture].fused) {
        return error_input(
            e,
            "%s: expected an adapter of a model whose linears are matrices of their own, found one of %s, which has Q, K and V "
            "in one: such adapters are read, not written",
            path, architectures[t->base.architecture].name);
    }
    if (!(lora_path_is_gguf(path) ? gguf_lora_write : peft_write)(t, path, &v, report, e)) {
        return false;
    }
    report->n_values = v.n;
    report->n_changed = v.n_changed;
    report->relative_error = v.squared_value > 0 ? sqrt(v.squared_error / v.squared_value) : 0;
    return true;
}
