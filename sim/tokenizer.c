/* tokenizer.c -- opens and checks a vocabulary, cuts a text at its user-defined tokens, decodes.
 *
 *   text --(user-defined tokens are cut out)--> the rest --(tokenizer_spm.c or tokenizer_bpe.c)--> ids
 *
 * The ids are those of llama.cpp, special tokens not parsed: "<s>" in a text is three characters, and a text never gives a control,
 * unknown or unused token (but for the unknown token where a byte has no token of its own). Time n log n in the text's length.
 *
 * Inaccuracies: user-defined tokens are looked for as they stand, without the white space that some vocabularies let them absorb.
 */
#include "sim/tokenizer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/tokenizer_internal.h"

/* --- bytes to ids -------------------------------------------------------------------------------------------------------------------- */

static struct id_slot *id_slot(const struct tokenizer *t, const char *bytes, uint32_t length_bytes, uint32_t *tag)
{
    uint64_t hash = XXH3_64bits(bytes, length_bytes);
    uint32_t at = (uint32_t)hash & t->slot_mask;
    *tag = (uint32_t)(hash >> 32);
    for (; t->slots[at].id >= 0; at = (at + 1) & t->slot_mask) {
        struct text key = t->keys[t->slots[at].id];
        if (t->slots[at].tag == *tag && key.length_bytes == length_bytes && memcmp(key.bytes, bytes, length_bytes) == 0) {
            break;
        }
    }
    return &t->slots[at];
}

int32_t tokenizer_find(const struct tokenizer *t, const char *bytes, uint32_t length_bytes)
{
    uint32_t tag;
    return length_bytes > 0 && length_bytes <= t->longest_key_bytes ? id_slot(t, bytes, length_bytes, &tag)->id : -1;
}

static bool add_keys(struct tokenizer *t, enum token_type type, struct error *e)
{
    for (int32_t id = 0; id < t->vocab->n_tokens; id++) {
        struct text key = t->keys[id];
        if (t->vocab->types[id] != type || key.length_bytes == 0) {
            continue;
        }
        uint32_t tag;
        struct id_slot *slot = id_slot(t, key.bytes, key.length_bytes, &tag);
        if (slot->id >= 0 && type == TOKEN_NORMAL) {
            return error_input(e, "vocabulary: tokens %" PRId32 " and %" PRId32 " have the same text", slot->id, id);
        }
        if (slot->id < 0) {
            *slot = (struct id_slot){tag, id};
        }
        t->longest_key_bytes = key.length_bytes > t->longest_key_bytes ? key.length_bytes : t->longest_key_bytes;
    }
    return true;
}

static bool make_map(struct tokenizer *t, struct error *e)
{
    uint32_t n_slots = 16;
    while (n_slots / 2 < (uint32_t)t->vocab->n_tokens) {
        n_slots *= 2;
    }
    t->slot_mask = n_slots - 1;
    t->slots = error_calloc(e, n_slots, sizeof *t->slots, "the vocabulary's map");
    if (!t->slots) {
        return false;
    }
    for (uint32_t i = 0; i < n_slots; i++) {
        t->slots[i].id = -1;
    }
    t->keys = t->vocab->kind == VOCAB_BPE ? t->pieces : t->vocab->tokens;
    return add_keys(t, TOKEN_NORMAL, e) && add_keys(t, TOKEN_USER_DEFINED, e);
}

/* --- UTF-8 ---------------------------------------------------------------------------------------------------------------------------- */

uint32_t utf8_character_bytes(const char *p, size_t room)
{
    const unsigned char *b = (const unsigned char *)p;
    if (room < 1 || b[0] < 0x80) {
        return room < 1 ? 0 : 1;
    }
    uint32_t n = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (b[0] < 0xc2 || b[0] > 0xf4 || room < n) {
        return 0;
    }
    for (uint32_t i = 1; i < n; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
    bool surrogate = b[0] == 0xed && b[1] >= 0xa0, too_large = b[0] == 0xf4 && b[1] >= 0x90;
    return overlong || surrogate || too_large ? 0 : n;
}

/* The first byte at which the text isn't UTF-8, or its length. */
static size_t utf8_bytes(const char *text, size_t length_bytes)
{
    size_t at = 0;
    for (uint32_t bytes; at < length_bytes && (bytes = utf8_character_bytes(text + at, length_bytes - at)) > 0; at += bytes) {
    }
    return at;
}

/* --- opening -------------------------------------------------------------------------------------------------------------------------- */

static bool check_vocab(const struct vocab *vocab, struct error *e)
{
    if (vocab->kind != VOCAB_SENTENCEPIECE && vocab->kind != VOCAB_BPE) {
        return error_input(e, "vocabulary: expected SentencePiece or BPE, found none: text needs a model with a tokenizer");
    }
    if (vocab->n_tokens < 1 || vocab->n_tokens > 1 << 28 || !vocab->tokens || !vocab->types) {
        return error_input(e, "vocabulary: expected tokens with their types, found %" PRId32, vocab->n_tokens);
    }
    const struct {
        const char *name;
        int32_t id;
    } named[] = {{"bos", vocab->bos}, {"eos", vocab->eos}, {"unknown", vocab->unknown}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (named[i].id < -1 || named[i].id >= vocab->n_tokens) {
            return error_input(e, "vocabulary: %s token: expected an id below %" PRId32 ", found %" PRId32, named[i].name, vocab->n_tokens,
                               named[i].id);
        }
    }
    for (int32_t id = 0; id < vocab->n_tokens; id++) {
        if (vocab->types[id] < TOKEN_NORMAL || vocab->types[id] > TOKEN_BYTE) {
            return error_input(e, "vocabulary: token %" PRId32 ": expected a type from 1 to 6, found %d", id, vocab->types[id]);
        }
    }
    return true;
}

static bool make_piece(struct tokenizer *t, int32_t id, char *bytes, struct error *e)
{
    struct text token = t->vocab->tokens[id];
    switch ((enum token_type)t->vocab->types[id]) {
    case TOKEN_NORMAL:
    case TOKEN_BYTE: return t->vocab->kind == VOCAB_BPE ? bpe_piece(t, id, bytes, e) : spm_piece(t, id, bytes, e);
    case TOKEN_USER_DEFINED: /* cutting UTF-8 out of UTF-8 leaves UTF-8 */
        if (utf8_bytes(token.bytes, token.length_bytes) < token.length_bytes) {
            return error_input(e, "vocabulary: token %" PRId32 " is user-defined: expected UTF-8", id);
        }
        t->user_defined[t->n_user_defined++] = id;
        t->pieces[id] = token;
        return true;
    case TOKEN_CONTROL:
    case TOKEN_UNKNOWN:
    case TOKEN_UNUSED: t->pieces[id] = (struct text){bytes, 0}; return true;
    }
    ES_ASSERT(!"token types were checked");
    return false;
}

static bool make_pieces(struct tokenizer *t, struct error *e)
{
    const struct vocab *vocab = t->vocab;
    size_t bytes = 0;
    for (int32_t id = 0; id < vocab->n_tokens; id++) {
        bytes += vocab->tokens[id].length_bytes;
    }
    t->pieces = error_calloc(e, (size_t)vocab->n_tokens, sizeof *t->pieces, "the vocabulary");
    t->user_defined = t->pieces ? error_calloc(e, (size_t)vocab->n_tokens, sizeof *t->user_defined, "the vocabulary") : NULL;
    t->piece_bytes = t->user_defined ? error_calloc(e, bytes, 1, "the vocabulary") : NULL;
    if (!t->piece_bytes) {
        return false;
    }
    char *to = t->piece_bytes;
    for (int32_t id = 0; id < vocab->n_tokens; id++) {
        if (!make_piece(t, id, to, e)) {
            return false;
        }
        to += vocab->tokens[id].length_bytes;
    }
    return true;
}

static int by_length(const void *a, const void *b, void *pieces)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    uint32_t x_bytes = ((const struct text *)pieces)[x].length_bytes, y_bytes = ((const struct text *)pieces)[y].length_bytes;
    return x_bytes != y_bytes ? (x_bytes > y_bytes ? -1 : 1) : (x > y) - (x < y);
}

static bool fill(struct tokenizer *t, struct error *e)
{
    if (!check_vocab(t->vocab, e) || !make_pieces(t, e) || !make_map(t, e)) {
        return false;
    }
    if (t->n_user_defined > TOKENIZER_USER_DEFINED_MAX) {
        return error_input(e, "vocabulary: expected at most %d user-defined tokens, found %" PRId32, TOKENIZER_USER_DEFINED_MAX,
                           t->n_user_defined);
    }
    qsort_r(t->user_defined, (size_t)t->n_user_defined, sizeof *t->user_defined, by_length, t->pieces);
    return t->vocab->kind == VOCAB_BPE ? bpe_open(t, e) : spm_check(t, e);
}

bool tokenizer_open(const struct vocab *vocab, struct tokenizer **tokenizer, struct error *e)
{
    *tokenizer = NULL;
    struct tokenizer *t = error_calloc(e, 1, sizeof *t, "the tokenizer");
    if (!t) {
        return false;
    }
    t->vocab = vocab;
    for (int byte = 0; byte < 256; byte++) {
        t->byte_ids[byte] = -1;
    }
    if (!fill(t, e)) {
        tokenizer_close(t);
        return false;
    }
    *tokenizer = t;
    return true;
}

void tokenizer_close(struct tokenizer *t)
{
    if (t) {
        bpe_close(t->bpe);
        free(t->user_defined);
        free(t->slots);
        free(t->piece_bytes);
        free(t->pieces);
        free(t);
    }
}

/* --- encoding ------------------------------------------------------------------------------------------------------------------------- */

bool encoder_push(struct encoder *c, int32_t id)
{
    if (c->n_ids == c->ids_room) {
        size_t room = c->ids_room ? 2 * c->ids_room : 64;
        int32_t *ids = realloc(c->ids, room * sizeof *ids);
        if (!ids) {
            return error_input(c->e, "not enough memory for %zu token ids", room);
        }
        c->ids = ids;
        c->ids_room = room;
    }
    c->ids[c->n_ids++] = id;
    return true;
}

bool encoder_push_unknown(struct encoder *c, const char *bytes, uint32_t length_bytes)
{
    if (c->t->vocab->unknown >= 0) {
        return encoder_push(c, c->t->vocab->unknown);
    }
    char hex[4 * 3 + 1] = "";
    for (uint32_t i = 0; i < length_bytes && i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        hex[3 * i] = ' ';
        hex[3 * i + 1] = digits[(unsigned char)bytes[i] >> 4];
        hex[3 * i + 2] = digits[bytes[i] & 15];
    }
    return error_input(c->e, "text: the vocabulary has neither a token for the bytes%s nor an unknown token", hex);
}

static bool check_text(const char *text, size_t length_bytes, struct error *e)
{
    if (length_bytes > TOKENIZER_TEXT_BYTES_MAX) {
        return error_input(e, "text: expected at most %d bytes, found %zu", TOKENIZER_TEXT_BYTES_MAX, length_bytes);
    }
    size_t at = utf8_bytes(text, length_bytes);
    return at == length_bytes || error_input(e, "text: byte %zu: expected UTF-8, found 0x%02x", at, (unsigned char)text[at]);
}

/* Which user-defined token each byte belongs to, or -1. The longest tokens choose first, each from left to right. */
static int32_t *mark_user_defined(struct encoder *c, const char *text, uint32_t length_bytes)
{
    const struct tokenizer *t = c->t;
    int32_t *owner = error_calloc(c->e, length_bytes, sizeof *owner, "the parts of a text");
    for (uint32_t i = 0; owner && i < length_bytes; i++) {
        owner[i] = -1;
    }
    for (int32_t i = 0; owner && i < t->n_user_defined; i++) {
        struct text token = t->pieces[t->user_defined[i]];
        const char *end = text + length_bytes, *from = text, *hit;
        while (token.length_bytes > 0 && (hit = memmem(from, (size_t)(end - from), token.bytes, token.length_bytes))) {
            int32_t *first = owner + (hit - text);
            /* What was marked before is at least as long, so it covers one of this token's ends if it covers any of its bytes. */
            bool is_free = first[0] < 0 && first[token.length_bytes - 1] < 0;
            for (uint32_t j = 0; is_free && j < token.length_bytes; j++) {
                first[j] = t->user_defined[i];
            }
            from = hit + (is_free ? token.length_bytes : 1);
        }
    }
    return owner;
}

static bool encode_part(struct encoder *c, const char *text, uint32_t length_bytes, bool after_special)
{
    return c->t->vocab->kind == VOCAB_BPE ? bpe_encode(c, text, length_bytes)
                                          : spm_encode(c, text, length_bytes, after_special && c->t->vocab->add_space_prefix);
}

static bool encode_parts(struct encoder *c, const char *text, uint32_t length_bytes, const int32_t *owner)
{
    bool after_special = true, good = true;
    for (uint32_t at = 0; good && at < length_bytes;) {
        uint32_t end = at;
        if (owner[at] >= 0) {
            good = encoder_push(c, owner[at]);
            end += c->t->pieces[owner[at]].length_bytes;
        } else {
            while (end < length_bytes && owner[end] < 0) {
                end++;
            }
            good = encode_part(c, text + at, end - at, after_special);
        }
        after_special = owner[at] >= 0;
        at = end;
    }
    return good;
}

static bool encode(struct encoder *c, const char *text, uint32_t length_bytes, bool add_bos)
{
    if (add_bos) {
        if (c->t->vocab->bos < 0) {
            return error_input(c->e, "vocabulary: expected a beginning-of-sequence token, found none");
        }
        if (!encoder_push(c, c->t->vocab->bos)) {
            return false;
        }
    }
    if (length_bytes == 0) {
        return true;
    }
    if (c->t->n_user_defined == 0) {
        return encode_part(c, text, length_bytes, true);
    }
    int32_t *owner = mark_user_defined(c, text, length_bytes);
    bool good = owner && encode_parts(c, text, length_bytes, owner);
    free(owner);
    return good;
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t length_bytes, bool add_bos, struct token_ids *out,
                      struct error *e)
{
    *out = (struct token_ids){0};
    if (!check_text(text, length_bytes, e)) {
        return false;
    }
    struct encoder c = {.t = t, .e = e};
    bool good = encode(&c, text, (uint32_t)length_bytes, add_bos);
    free(c.symbols);
    free(c.heap);
    if (!good) {
        free(c.ids);
        return false;
    }
    *out = (struct token_ids){.ids = c.ids, .count = (int32_t)c.n_ids};
    return true;
}

/* --- decoding ------------------------------------------------------------------------------------------------------------------------- */

size_t tokenizer_decode(const struct tokenizer *t, int32_t id, char *bytes, size_t room)
{
    ES_ASSERT(id >= 0 && id < t->vocab->n_tokens);
    struct text piece = t->pieces[id];
    if (piece.length_bytes > 0 && room > 0) {
        memcpy(bytes, piece.bytes, piece.length_bytes < room ? piece.length_bytes : room);
    }
    return piece.length_bytes;
}
