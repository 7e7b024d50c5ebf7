/* text_tokens.h -- the first tokens of a text file, for what is measured on text. */
#ifndef ETCHSIM_TEXT_TOKENS_H
#define ETCHSIM_TEXT_TOKENS_H

#include "sim/image.h"
#include "sim/tokenizer.h"

/* At most `tokens` and the model's context, the vocabulary's BOS included; at least one. Free ids->ids, also on failure. */
bool text_tokens(const char *path, const struct image *image, int64_t tokens, struct token_ids *ids, struct error *e);

#endif
