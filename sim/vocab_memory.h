/* vocab_memory.h -- room for a vocabulary, for the readers that fill one (gguf_vocab.c, image.c). */
#ifndef ETCHSIM_VOCAB_MEMORY_H
#define ETCHSIM_VOCAB_MEMORY_H

#include "sim/error.h"
#include "sim/vocab.h"

/* One block holds all arrays of *v and string_bytes of *strings, zeroed; the caller fills them. Counts and string_bytes must have been
 * checked against the input's size. bos, eos, unknown are -1. vocab_free releases it. */
bool vocab_allocate(struct vocab *v, int32_t n_tokens, int32_t n_merges, bool has_scores, size_t string_bytes, char **strings,
                    struct error *e);

#endif
