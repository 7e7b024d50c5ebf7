/* fuzz_tokenizer.c -- bytes to a vocabulary and a text: no crash, and where a text is accepted its ids give it back.
 *
 *   kind and flags | unknown, bos (ids) | n_tokens x (type, length, bytes) | n_merges x (length, bytes) | the rest is the text
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/tokenizer.h"

enum { TOKENS_MAX = 128, MERGES_MAX = 64 };

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static struct text next_text(struct input *in, uint32_t longest_bytes)
{
    uint32_t n = next(in) % (longest_bytes + 1), left = (uint32_t)(in->end - in->at);
    struct text text = {(const char *)in->at, n < left ? n : left};
    in->at += text.length_bytes;
    return text;
}

/* A complete vocabulary has tokens for the space and all bytes (SentencePiece) or for all printable letters (BPE) before those of the
 * input, so that most texts are accepted. Without a token for the space SentencePiece writes a space as the bytes of U+2581. */
struct made {
    struct vocab vocab;
    bool complete;
    struct text tokens[257 + TOKENS_MAX], merges[MERGES_MAX];
    uint8_t types[257 + TOKENS_MAX];
    float scores[257 + TOKENS_MAX];
    char names[256][6];
};

static void add_bytes(struct made *m)
{
    static const char digits[] = "0123456789ABCDEF";
    bool bpe = m->vocab.kind == VOCAB_BPE;
    for (int byte = bpe ? '!' : 0; byte < (bpe ? '~' + 1 : 256); byte++) {
        char name[6] = {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
        memcpy(m->names[byte], name, sizeof name);
        m->names[byte][0] = bpe ? (char)byte : '<';
        m->types[m->vocab.n_tokens] = bpe ? TOKEN_NORMAL : TOKEN_BYTE;
        m->tokens[m->vocab.n_tokens++] = (struct text){m->names[byte], bpe ? 1 : 6};
    }
    if (!bpe) {
        m->types[m->vocab.n_tokens] = TOKEN_NORMAL;
        m->tokens[m->vocab.n_tokens++] = (struct text){"\xe2\x96\x81", 3};
    }
}

static void make_vocab(struct input *in, struct made *m)
{
    uint8_t flags = next(in);
    *m = (struct made){.vocab = {.kind = flags & 1 ? VOCAB_BPE : VOCAB_SENTENCEPIECE, .eos = -1}};
    struct vocab *v = &m->vocab;
    v->tokens = m->tokens;
    v->merges = m->merges;
    v->types = m->types;
    v->scores = m->scores;
    v->add_space_prefix = flags & 2;
    snprintf(v->pre, sizeof v->pre, "%s", flags & 4 ? "llama3" : "llama-bpe");
    v->unknown = (int32_t)next(in) - 1;
    v->bos = (int32_t)next(in) - 1;
    m->complete = flags & 8;
    if (m->complete) {
        add_bytes(m);
    }
    for (int n = next(in) % TOKENS_MAX; n > 0; n--) {
        uint8_t type = next(in);
        m->types[v->n_tokens] = type % 8 < 6 ? (uint8_t)(type % 8 + 1) : TOKEN_NORMAL;
        m->scores[v->n_tokens] = (float)(type >> 3);
        m->tokens[v->n_tokens++] = next_text(in, 8);
    }
    for (int n = next(in) % MERGES_MAX; n > 0; n--) {
        m->merges[v->n_merges++] = next_text(in, 9);
    }
}

static bool has(const char *text, size_t length_bytes, const char *part)
{
    return length_bytes > 0 && memmem(text, length_bytes, part, strlen(part));
}

/* Holds unless an unknown token stands for something; a space may stand in front, and after user-defined tokens, so those end it too. */
static void check_round_trip(const struct tokenizer *t, const struct vocab *v, const struct token_ids *ids, const char *text, size_t length)
{
    size_t at = 0, skipped = v->kind == VOCAB_SENTENCEPIECE && v->add_space_prefix && length > 0;
    for (int32_t i = 0; i < ids->count; i++) {
        char bytes[8];
        uint8_t type = v->types[ids->ids[i]];
        if (ids->ids[i] == v->unknown || (type == TOKEN_USER_DEFINED && v->kind == VOCAB_SENTENCEPIECE)) {
            return;
        }
        size_t n = tokenizer_decode(t, ids->ids[i], bytes, sizeof bytes);
        for (size_t j = 0; j < n; j++) {
            char expected = skipped ? ' ' : at < length ? text[at] : '\0';
            if (bytes[j] != expected || (!skipped && at >= length)) {
                abort();
            }
            at += !skipped;
            skipped = 0;
        }
    }
    if (at != length) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct made made;
    struct input in = {data, data + size};
    make_vocab(&in, &made);
    struct error e;
    struct tokenizer *t;
    if (!tokenizer_open(&made.vocab, &t, &e)) {
        return 0;
    }
    const char *text = (const char *)in.at;
    size_t length = (size_t)(in.end - in.at);
    struct token_ids ids;
    if (tokenizer_encode(t, text, length, false, &ids, &e)) {
        bool spaces_have_a_token = made.complete || made.vocab.kind == VOCAB_BPE;
        if (spaces_have_a_token && !has(text, length, "\xe2\x96\x81")) {
            check_round_trip(t, &made.vocab, &ids, text, length);
        }
        free(ids.ids);
    }
    tokenizer_close(t);
    return 0;
}
