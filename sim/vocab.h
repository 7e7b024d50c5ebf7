/* vocab.h -- a model's vocabulary as data, between the file readers (GGUF, ROM image) and the tokenizer. */
#ifndef ETCHSIM_VOCAB_H
#define ETCHSIM_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vocab_kind { VOCAB_NONE, VOCAB_SENTENCEPIECE, VOCAB_BPE };
enum token_type { TOKEN_NORMAL = 1, TOKEN_UNKNOWN = 2, TOKEN_CONTROL = 3, TOKEN_USER_DEFINED = 4, TOKEN_UNUSED = 5, TOKEN_BYTE = 6 };

struct text { /* not NUL-terminated; may contain NUL */
    const char *bytes;
    uint32_t length_bytes;
};

struct vocab {
    enum vocab_kind kind;
    char pre[32]; /* tokenizer.ggml.pre of BPE: "llama-bpe" for Llama 3 and the sample model, "qwen2", ... */
    int32_t n_tokens;
    struct text *tokens; /* [n_tokens] */
    uint8_t *types;      /* [n_tokens] enum token_type */
    float *scores;       /* [n_tokens], SentencePiece only, else NULL */
    int32_t n_merges;
    struct text *merges;       /* [n_merges] "left right", BPE only, else NULL */
    int32_t bos, eos, unknown; /* token id or -1 */
    bool add_bos;
    bool add_space_prefix; /* SentencePiece; true unless the file says otherwise */
    void *memory;          /* owned: everything above points into it or is allocated beside it; see vocab_free */
};

void vocab_free(struct vocab *vocab);

#endif
