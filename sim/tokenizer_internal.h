/* tokenizer_internal.h -- what the tokenizer's files share; nobody else includes it.
 *
 *   tokenizer.c         opening, checks, user-defined tokens, the map from bytes to ids, decoding
 *   tokenizer_spm.c     SentencePiece: spaces as U+2581, pairs in order of score, bytes as <0xXX>
 *   tokenizer_bpe.c     byte-level BPE: a pattern cuts words (PCRE2), pairs in order of rank
 *   tokenizer_merge.c   the merging of neighbours that both of them do
 */
#ifndef ETCHSIM_TOKENIZER_INTERNAL_H
#define ETCHSIM_TOKENIZER_INTERNAL_H

#include "sim/tokenizer.h"

enum {
    TOKENIZER_TEXT_BYTES_MAX = 1 << 24,  /* 16 MiB: a bound on time and memory, far above any context */
    TOKENIZER_USER_DEFINED_MAX = 1 << 14 /* the text is searched once for each of them */
};

/* Open addressing, linear probing, at most half full; the bytes stand in tokenizer.keys. */
struct id_slot {
    uint32_t tag; /* of the hash, to spare most comparisons */
    int32_t id;   /* -1: empty */
};

struct bpe; /* tokenizer_bpe.c */

struct tokenizer {
    const struct vocab *vocab;
    const struct text *keys; /* [n_tokens] what the map compares: the tokens as stored (SentencePiece) or their bytes (BPE) */
    struct id_slot *slots;   /* [slot_mask + 1] normal and user-defined tokens: text never gives a control token */
    uint32_t slot_mask;
    uint32_t longest_key_bytes;
    struct text *pieces;   /* [n_tokens] what a token is in text; empty for control, unknown and unused tokens */
    char *piece_bytes;     /* what pieces point into */
    int32_t byte_ids[256]; /* token of one byte, or -1 */
    int32_t *user_defined; /* [n_user_defined] the longest first */
    int32_t n_user_defined;
    struct bpe *bpe; /* BPE only */
};

/* A run of bytes of the text being merged, and its neighbours. */
struct symbol {
    uint32_t start_byte, length_bytes; /* length 0: merged into a symbol further left */
    int32_t id;                        /* -1: no token */
    int32_t previous, next;            /* -1: none */
};

/* What two neighbours would become. */
struct pair {
    uint32_t order; /* the smallest merges first, the leftmost among equals */
    int32_t id;
};

/* Two neighbours that could be merged when the entry was made; stale if one of them has grown or gone since. */
struct candidate {
    uint64_t key; /* order, then the index of the left symbol */
    int32_t right;
    int32_t id;
    uint32_t length_bytes;
};

/* One call of tokenizer_encode: its output and its working memory. */
struct encoder {
    const struct tokenizer *t;
    struct error *e;
    int32_t *ids;
    size_t n_ids, ids_room;
    struct symbol *symbols;
    struct candidate *heap;
    size_t n_heap, symbols_room; /* the heap has three times the symbols' room */
};

typedef bool pair_finder(const struct tokenizer *t, const char *text, const struct symbol *left, const struct symbol *right,
                         struct pair *pair);

/* Room for n symbols and their candidates. */
bool encoder_reserve(struct encoder *c, size_t n_symbols);
bool encoder_push(struct encoder *c, int32_t id);
/* The unknown token, or where the vocabulary has none an input error that shows the bytes without a token. */
bool encoder_push_unknown(struct encoder *c, const char *bytes, uint32_t length_bytes);

/* Merges c->symbols[0..n_symbols), n_symbols >= 1, all linked in order, until no pair is left. Symbol 0 stays the first.
 * Time n log n: at most n - 1 merges, each of which adds at most two candidates to the first n - 1. */
void merge_symbols(struct encoder *c, const char *text, int32_t n_symbols, pair_finder *find);

/* The id of these bytes, or -1. */
int32_t tokenizer_find(const struct tokenizer *t, const char *bytes, uint32_t length_bytes);

/* The text is valid UTF-8, not empty, and holds no user-defined token. */
bool spm_encode(struct encoder *c, const char *text, uint32_t length_bytes, bool space_prefix);
bool bpe_encode(struct encoder *c, const char *text, uint32_t length_bytes);

/* Fill pieces[id].bytes (room for the token's stored length) and length_bytes; false and an error where a token's text is none. */
bool spm_piece(struct tokenizer *t, int32_t id, char *bytes, struct error *e);
bool bpe_piece(struct tokenizer *t, int32_t id, char *bytes, struct error *e);

/* After the map is there. */
bool spm_check(struct tokenizer *t, struct error *e);
bool bpe_open(struct tokenizer *t, struct error *e);
void bpe_close(struct bpe *bpe);

#endif
