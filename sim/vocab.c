#include "sim/vocab.h"

#include <stdlib.h>

#include "sim/error.h"
#include "sim/vocab_memory.h"

static char *place(char **at, size_t size_bytes)
{
    char *here = *at;
    *at += (size_bytes + 7) / 8 * 8;
    return here;
}

bool vocab_allocate(struct vocab *v, int32_t n_tokens, int32_t n_merges, bool has_scores, size_t string_bytes, char **strings,
                    struct error *e)
{
    size_t tokens = (size_t)n_tokens, merges = (size_t)n_merges;
    size_t total = (tokens + merges) * sizeof(struct text) + tokens * (1 + sizeof(float)) + string_bytes + (size_t)5 * 8;
    *v = (struct vocab){.bos = -1, .eos = -1, .unknown = -1, .add_space_prefix = true};
    v->memory = error_calloc(e, total, 1, "a vocabulary");
    if (!v->memory) {
        return false;
    }
    char *at = v->memory;
    v->n_tokens = n_tokens;
    v->n_merges = n_merges;
    v->tokens = (struct text *)(void *)place(&at, tokens * sizeof *v->tokens);
    v->merges = n_merges ? (struct text *)(void *)place(&at, merges * sizeof *v->merges) : NULL;
    v->scores = has_scores ? (float *)(void *)place(&at, tokens * sizeof *v->scores) : NULL;
    v->types = (uint8_t *)place(&at, tokens);
    *strings = place(&at, string_bytes);
    return true;
}

void vocab_free(struct vocab *vocab)
{
    free(vocab->memory);
    *vocab = (struct vocab){0};
}
