/* bake_vocab.c -- the vocabulary's section of an image. */
#include <stdlib.h>
#include <string.h>

#include "sim/bake_plan.h"

static uint64_t string_bytes(const struct vocab *v)
{
    uint64_t total = 0;
    for (int32_t i = 0; i < v->n_tokens; i++) {
        total += v->tokens[i].length_bytes;
    }
    for (int32_t i = 0; i < v->n_merges; i++) {
        total += v->merges[i].length_bytes;
    }
    return total;
}

uint64_t bake_vocab_bytes(const struct vocab *v)
{
    uint64_t tokens = (uint64_t)v->n_tokens;
    return sizeof(struct image_vocab) + 4 * (tokens + (uint64_t)v->n_merges) + (v->scores ? 4 * tokens : 0) + tokens + string_bytes(v);
}

static char *append(char *at, const void *bytes, size_t size_bytes)
{
    if (size_bytes) {
        memcpy(at, bytes, size_bytes);
    }
    return at + size_bytes;
}

bool bake_vocab(const struct plan *p, struct error *e)
{
    const struct vocab *v = &p->vocab;
    struct image_vocab header = {.kind = v->kind,
                                 .n_tokens = v->n_tokens,
                                 .n_merges = v->n_merges,
                                 .bos = v->bos,
                                 .eos = v->eos,
                                 .unknown = v->unknown,
                                 .string_bytes = string_bytes(v)};
    header.flags = (v->add_bos ? IMAGE_VOCAB_ADD_BOS : 0) | (v->add_space_prefix ? IMAGE_VOCAB_ADD_SPACE_PREFIX : 0);
    memcpy(header.pre, v->pre, sizeof header.pre);
    char *blob = error_calloc(e, bake_vocab_bytes(v), 1, "the vocabulary"), *at = blob;
    if (!blob) {
        return false;
    }
    at = append(at, &header, sizeof header);
    for (int32_t i = 0; i < v->n_tokens; i++) {
        at = append(at, &v->tokens[i].length_bytes, 4);
    }
    for (int32_t i = 0; i < v->n_merges; i++) {
        at = append(at, &v->merges[i].length_bytes, 4);
    }
    at = append(at, v->scores, v->scores ? 4 * (size_t)v->n_tokens : 0);
    at = append(at, v->types, (size_t)v->n_tokens);
    for (int32_t i = 0; i < v->n_tokens; i++) {
        at = append(at, v->tokens[i].bytes, v->tokens[i].length_bytes);
    }
    for (int32_t i = 0; i < v->n_merges; i++) {
        at = append(at, v->merges[i].bytes, v->merges[i].length_bytes);
    }
    ES_ASSERT((uint64_t)(at - blob) == bake_vocab_bytes(v));
    bool good = plan_write(p, IMAGE_VOCAB, 0, blob, bake_vocab_bytes(v), e);
    free(blob);
    return good;
}
