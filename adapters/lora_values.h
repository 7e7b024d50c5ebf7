/* lora_values.h -- between lora_write.c, gguf_lora_write.c and peft_write.c: values on their way into a file. */
#ifndef ETCHSIM_LORA_VALUES_H
#define ETCHSIM_LORA_VALUES_H

#include <stdio.h>

#include "adapters/lora_write.h"

struct lora_values {
    enum ggml_type type; /* F32, F16 or BF16 */
    FILE *out;
    int64_t n, n_changed;
    double squared_error, squared_value;
    bool too_large; /* one was, for the type */
};

static inline int32_t lora_value_bytes(enum ggml_type type)
{
    return type == GGML_F32 ? 4 : 2;
}

/* Rounds and writes one value. */
void lora_values_put(struct lora_values *v, double value);
/* A matrix of n values, times `factor`. */
void lora_values_put_all(struct lora_values *v, const float *values, int64_t n, double factor);

bool gguf_lora_write(const struct lora_tensors *t, const char *path, struct lora_values *v, struct lora_write_report *report,
                     struct error *e);
bool peft_write(const struct lora_tensors *t, const char *folder, struct lora_values *v, struct lora_write_report *report, struct error *e);

#endif
