#include "adapters/adapter.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "adapters/lora_file.h"
#include "adapters/pack.h"

/* Where pairs come from: floats in memory, or (with a file) read one by one into `room`. */
struct pair_source {
    const struct lora_tensors *tensors;
    const struct lora_file *file;
    float *room;   /* for the largest pair's A, B; NULL without a file */
    float *scaled; /* for its B times alpha / rank */
};

/* --- memory --- */

static size_t pair_values(const struct lora_linear *l)
{
    return (size_t)l->rank * ((size_t)l->n_in + (size_t)l->n_out);
}

/* Scales first, so that they are aligned; rounded up to whole words. */
static size_t pair_bytes(const struct lora_linear *l)
{
    size_t rows = (size_t)l->rank + (size_t)l->n_out;
    return 2 * (rows + rows % 2) + (pair_values(l) + 3) / 4 * 4;
}

static bool make_room(struct pair_source *source, struct adapter *a, struct error *e)
{
    const struct lora_tensors *t = source->tensors;
    size_t bytes = 0, most_values = 0, most_b = 0;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        const struct lora_linear *l = &t->linears[i];
        size_t n_b = (size_t)l->rank * (size_t)l->n_out;
        bytes += l->rank ? pair_bytes(l) : 0;
        most_values = pair_values(l) > most_values ? pair_values(l) : most_values;
        most_b = n_b > most_b ? n_b : most_b;
    }
    a->pairs = error_calloc(e, (size_t)lora_tensors_count(t), sizeof *a->pairs, "an adapter's pairs");
    a->memory = a->pairs ? error_calloc(e, bytes, 1, "an adapter") : NULL;
    source->scaled = a->memory ? error_calloc(e, most_b, sizeof(float), "a LoRA matrix") : NULL;
    source->room = source->scaled && source->file ? error_calloc(e, most_values, sizeof(float), "a LoRA matrix") : NULL;
    return source->scaled && (source->room || !source->file);
}

/* --- packing --- */

/* Takes the pair's arrays from *at on; B's rows get alpha / rank before they are packed. */
static bool pack_pair(const struct lora_linear *l, float *scaled, char **at, struct lora_pair *pair, struct error *e)
{
    size_t rows = (size_t)l->rank + (size_t)l->n_out;
    uint16_t *scale_a = (uint16_t *)(void *)*at, *scale_b = scale_a + l->rank;
    int8_t *a = (int8_t *)(*at + 2 * (rows + rows % 2)), *b = a + (size_t)l->rank * (size_t)l->n_in;
    *at += pair_bytes(l);
    *pair = (struct lora_pair){.rank = l->rank, .n_in = l->n_in, .n_out = l->n_out, .a = a, .b = b, .scale_a = scale_a, .scale_b = scale_b};
    for (int64_t i = 0; i < (int64_t)l->n_out * l->rank; i++) {
        scaled[i] = (float)((double)l->b[i] * lora_scale(l));
    }
    struct pack_error sum;
    return (pack_rows(l->a, l->rank, l->n_in, LORA_CODE_MAX, a, scale_a, &pair->exponent_a, &sum) &&
            pack_rows(scaled, l->n_out, l->rank, LORA_CODE_MAX, b, scale_b, &pair->exponent_b, &sum)) ||
           error_input(e, "not enough memory to pack an adapter");
}

static bool pack_pairs(const struct pair_source *source, struct adapter *a, struct error *e)
{
    char *at = a->memory;
    for (int32_t i = 0; i < lora_tensors_count(source->tensors); i++) {
        struct lora_linear l = source->tensors->linears[i];
        if (l.rank == 0) {
            continue;
        }
        if (source->file) {
            l.a = source->room;
            l.b = source->room + (size_t)l.rank * (size_t)l.n_in;
            if (!lora_file_read(source->file, i, &l, e)) {
                return false;
            }
        }
        if (!pack_pair(&l, source->scaled, &at, &a->pairs[i], e)) {
            return false;
        }
        a->packed_bits += lora_pair_bits(&a->pairs[i]);
    }
    return true;
}

/* Identity: shapes, exponents, scales and codes of all pairs in order; an end without a pair doesn't count. */
static uint64_t hash_pairs(const struct adapter *a)
{
    XXH64_state_t *state = XXH64_createState();
    ES_ASSERT(state != NULL);
    XXH64_reset(state, 0);
    for (int32_t i = 0; i < pair_count(a->n_layers); i++) {
        const struct lora_pair *p = &a->pairs[i];
        if (p->rank == 0 && pair_linear(a->n_layers, i) >= LINEAR_COUNT) {
            continue;
        }
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

static bool pack(struct pair_source *source, struct adapter *a, struct error *e)
{
    *a = (struct adapter){.n_layers = source->tensors->base.n_layers, .rank_max = lora_tensors_rank_max(source->tensors)};
    memcpy(a->name, source->tensors->name, sizeof a->name);
    bool good = make_room(source, a, e) && pack_pairs(source, a, e);
    free(source->room);
    free(source->scaled);
    if (!good) {
        adapter_free(a);
        return false;
    }
    a->hash = hash_pairs(a);
    return true;
}

bool adapter_pack(const struct lora_tensors *tensors, struct adapter *adapter, struct error *e)
{
    return pack(&(struct pair_source){.tensors = tensors}, adapter, e);
}

bool adapter_pack_file(const struct lora_file *file, struct adapter *adapter, struct error *e)
{
    return pack(&(struct pair_source){.tensors = &file->tensors, .file = file}, adapter, e);
}

bool adapter_load(const char *name_or_path, const struct shape *base, struct adapter *adapter, struct error *e)
{
    struct lora_file file;
    *adapter = (struct adapter){0};
    if (!lora_file_open(name_or_path, base, &file, e)) {
        return false;
    }
    bool good = adapter_pack_file(&file, adapter, e);
    lora_file_close(&file);
    return good;
}

void adapter_free(struct adapter *adapter)
{
    free(adapter->pairs);
    free(adapter->memory);
    *adapter = (struct adapter){0};
}
