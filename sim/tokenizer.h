/* tokenizer.h -- text to token ids and back, for SentencePiece (Llama 2) and Llama 3 BPE vocabularies. */
#ifndef ETCHSIM_TOKENIZER_H
#define ETCHSIM_TOKENIZER_H

#include "sim/error.h"
#include "sim/vocab.h"

struct tokenizer;

struct token_ids {
    int32_t *ids; /* owned; free() */
    int32_t count;
};

/* The vocabulary must outlive the tokenizer. Checks it: ids in range, merges that name known tokens, a kind and pattern that is supported. */
bool tokenizer_open(const struct vocab *vocab, struct tokenizer **tokenizer, struct error *e);
void tokenizer_close(struct tokenizer *tokenizer);

/* Text must be valid UTF-8 (an error names the byte offset); empty text is fine. The vocabulary's BOS comes first if add_bos (the argument) says so. */
bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t length_bytes, bool add_bos, struct token_ids *out,
                      struct error *e);

/* Bytes of one token as they appear in text, at most `room` of them; returns how many it has. Control tokens have none.
 * Bytes of several tokens may together form one UTF-8 character. */
size_t tokenizer_decode(const struct tokenizer *t, int32_t id, char *bytes, size_t room);

/* Bytes of the UTF-8 character at p (1 to 4), or 0 if there is none within `room` bytes. */
uint32_t utf8_character_bytes(const char *p, size_t room);

#endif
