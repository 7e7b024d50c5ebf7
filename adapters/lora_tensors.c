#include "adapters/lora_tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/gguf_model.h"

bool lora_tensors_make(const struct shape *base, struct lora_tensors *t, struct error *e)
{
    *t = (struct lora_tensors){.base = *base};
    t->linears = error_calloc(e, (size_t)lora_tensors_count(t), sizeof *t->linears, "an adapter's pairs");
    for (int32_t i = 0; t->linears && i < lora_tensors_count(t); i++) {
        t->linears[i].n_in = shape_n_in(base, lora_tensors_which(t, i));
        t->linears[i].n_out = shape_n_out(base, lora_tensors_which(t, i));
    }
    return t->linears != NULL;
}

bool lora_tensors_allocate(struct lora_tensors *t, struct error *e)
{
    size_t total = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        const struct lora_linear *l = &t->linears[i];
        total += (size_t)l->rank * ((size_t)l->n_in + (size_t)l->n_out);
    }
    float *at = t->memory = error_calloc(e, total, sizeof *t->memory, "an adapter's weights");
    if (!at) {
        lora_tensors_free(t);
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        struct lora_linear *l = &t->linears[i];
        l->a = at;
        l->b = at + (size_t)l->rank * (size_t)l->n_in;
        at = l->b + (size_t)l->rank * (size_t)l->n_out;
    }
    return true;
}

void lora_tensors_free(struct lora_tensors *t)
{
    free(t->linears);
    free(t->memory);
    *t = (struct lora_tensors){0};
}

int32_t lora_tensors_rank_max(const struct lora_tensors *t)
{
    int32_t largest = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        largest = t->linears[i].rank > largest ? t->linears[i].rank : largest;
    }
    return largest;
}

const char *lora_linear_name(const struct lora_tensors *t, int32_t index, char name[LORA_LINEAR_NAME_ROOM])
{
    const enum linear which = lora_tensors_which(t, index);
    if (which < LINEAR_COUNT) {
        snprintf(name, LORA_LINEAR_NAME_ROOM, "blk.%d.%s", index / LINEAR_COUNT, LINEAR_NAMES[which]);
    } else {
        snprintf(name, LORA_LINEAR_NAME_ROOM, "%s", LINEAR_NAMES[which]);
    }
    return name;
}

const char *lora_name_of_path(const char *path, int *length)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    size_t n = end - start;
    n -= n > 5 && memcmp(path + end - 5, ".gguf", 5) == 0 ? 5 : 0;
    *length = (int)n;
    return path + start;
}
