/* tokenizer_spm.c -- SentencePiece vocabularies (Llama 2): pairs merge in order of their score, the highest first.
 *
 * A space is written U+2581 in the vocabulary, and a text gets one in front (where the vocabulary says so). A character that is
 * part of no token becomes the tokens <0xXX> of its bytes; without those, the unknown token.
 *
 * Inaccuracies: U+2581 in a text is taken for a space, as SentencePiece and llama.cpp take it, and comes back as one.
 * A text never gives an unused token; SentencePiece would merge through such a token and then take it apart.
 */
#include "sim/tokenizer_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char space[] = "\xe2\x96\x81";
enum { SPACE_BYTES = sizeof space - 1 };

/* Floats in descending order as unsigned integers in ascending order; the two zeros are equal. */
static uint32_t order_of_score(float score)
{
    float negated = 0.0F - score;
    uint32_t bits;
    memcpy(&bits, &negated, sizeof bits);
    return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

static bool find_pair(const struct tokenizer *t, const char *text, const struct symbol *left, const struct symbol *right, struct pair *pair)
{
    pair->id = tokenizer_find(t, text + left->start_byte, left->length_bytes + right->length_bytes);
    if (pair->id < 0) {
        return false;
    }
    pair->order = order_of_score(t->vocab->scores[pair->id]);
    return true;
}

/* The text with its spaces as the vocabulary writes them; owned by the caller. */
static char *escape(struct encoder *c, const char *text, uint32_t length_bytes, bool space_prefix, uint32_t *escaped_bytes)
{
    char *escaped = error_calloc(c->e, (size_t)length_bytes + 1, SPACE_BYTES, "a text");
    if (!escaped) {
        return NULL;
    }
    char *to = escaped;
    if (space_prefix) {
        to = mempcpy(to, space, SPACE_BYTES);
    }
    for (uint32_t i = 0; i < length_bytes; i++) {
        if (text[i] == ' ') {
            to = mempcpy(to, space, SPACE_BYTES);
        } else {
            *to++ = text[i];
        }
    }
    *escaped_bytes = (uint32_t)(to - escaped);
    return escaped;
}

/* One symbol a character; returns how many. */
static int32_t split(struct encoder *c, const char *text, uint32_t length_bytes)
{
    int32_t n = 0;
    for (uint32_t at = 0; at < length_bytes; n++) {
        uint32_t bytes = utf8_character_bytes(text + at, length_bytes - at);
        ES_ASSERT(bytes > 0);
        c->symbols[n] = (struct symbol){.start_byte = at,
                                        .length_bytes = bytes,
                                        .id = tokenizer_find(c->t, text + at, bytes),
                                        .previous = n - 1,
                                        .next = at + bytes == length_bytes ? -1 : n + 1};
        at += bytes;
    }
    return n;
}

static bool push_bytes(struct encoder *c, const char *bytes, uint32_t length_bytes)
{
    for (uint32_t i = 0; i < length_bytes; i++) {
        if (c->t->byte_ids[(unsigned char)bytes[i]] < 0) {
            return encoder_push_unknown(c, bytes, length_bytes);
        }
    }
    for (uint32_t i = 0; i < length_bytes; i++) {
        if (!encoder_push(c, c->t->byte_ids[(unsigned char)bytes[i]])) {
            return false;
        }
    }
    return true;
}

static bool encode_escaped(struct encoder *c, const char *text, uint32_t length_bytes)
{
    if (!encoder_reserve(c, length_bytes)) {
        return false;
    }
    merge_symbols(c, text, split(c, text, length_bytes), find_pair);
    for (int32_t i = 0; i >= 0; i = c->symbols[i].next) {
        const struct symbol *s = &c->symbols[i];
        if (!(s->id >= 0 ? encoder_push(c, s->id) : push_bytes(c, text + s->start_byte, s->length_bytes))) {
            return false;
        }
    }
    return true;
}

bool spm_encode(struct encoder *c, const char *text, uint32_t length_bytes, bool space_prefix)
{
    uint32_t escaped_bytes;
    char *escaped = escape(c, text, length_bytes, space_prefix, &escaped_bytes);
    bool good = escaped && encode_escaped(c, escaped, escaped_bytes);
    free(escaped);
    return good;
}

/* The value of a hexadecimal digit as byte tokens have them, or -1. */
static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The value of "<0xXX>", or -1. */
static int byte_of_token(struct text token)
{
    if (token.length_bytes != 6 || memcmp(token.bytes, "<0x", 3) != 0 || token.bytes[5] != '>') {
        return -1;
    }
    int high = digit(token.bytes[3]), low = digit(token.bytes[4]);
    return high >= 0 && low >= 0 ? 16 * high + low : -1;
}

bool spm_piece(struct tokenizer *t, int32_t id, char *bytes, struct error *e)
{
    struct text token = t->vocab->tokens[id];
    uint32_t n = 0;
    if (t->vocab->types[id] == TOKEN_BYTE) {
        int value = byte_of_token(token);
        if (value < 0) {
            return error_input(e, "vocabulary: token %" PRId32 " is of type byte: expected a text of the form <0x0A>", id);
        }
        t->byte_ids[value] = id;
        bytes[n++] = (char)value;
    } else {
        for (uint32_t i = 0; i < token.length_bytes;) {
            bool is_space = token.length_bytes - i >= SPACE_BYTES && memcmp(token.bytes + i, space, SPACE_BYTES) == 0;
            bytes[n++] = is_space ? ' ' : token.bytes[i];
            i += is_space ? SPACE_BYTES : 1;
        }
    }
    t->pieces[id] = (struct text){bytes, n};
    return true;
}

bool spm_check(struct tokenizer *t, struct error *e)
{
    if (!t->vocab->scores) {
        return error_input(e, "vocabulary: expected a score for each token of a SentencePiece vocabulary, found none");
    }
    for (int32_t id = 0; id < t->vocab->n_tokens; id++) {
        if (!isfinite(t->vocab->scores[id])) {
            return error_input(e, "vocabulary: the score of token %" PRId32 " is not a finite number", id);
        }
    }
    return true;
}
