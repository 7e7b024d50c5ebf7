/* tokenizer_bpe.c -- byte-level BPE as in Llama 3, Qwen 2, SmolLM and GPT-4o: a pattern cuts the text into words, each word's bytes merge by rank.
 *
 * Tokens are stored in GPT-2's alphabet, a printable character for each byte; here they are turned into their bytes once, when
 * the vocabulary is opened. In Llama 3 a word that is a token as a whole is taken as it is, whatever its merges say.
 *
 * Inaccuracies: which characters are letters and numbers is as new as PCRE2's Unicode tables (10.42: Unicode 14). No text is normalised (NFC), which
 * Hugging Face's tokenizers do for Qwen 2 and llama.cpp does not. GPT-4o's pattern is that of the model's own tokenizer, whose upper and lower case
 * are Unicode's; llama.cpp's are those of ASCII.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "sim/tokenizer_internal.h"

#include <inttypes.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mapped.h"

/* White space is spelt out as Unicode's property: PCRE2's own \s also has U+180E. */
#define WHITE "\\t-\\r\\x{85}\\p{Z}"
#define CONTRACTIONS "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define UPPER "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}"
#define LOWER "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}"
#define WHITE_RUNS "|[" WHITE "]*[\\r\\n]+|[" WHITE "]+(?![^" WHITE "])|[" WHITE "]+"
#define LETTERS_AND(numbers) CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers "| ?[^" WHITE "\\p{L}\\p{N}]+[\\r\\n]*" WHITE_RUNS

/* By tokenizer.ggml.pre. SmolLM's digits are cut off before the rest is looked at, so white space before one counts as white space at the end. */
static const struct dialect {
    const char *pre;
    bool whole_words;
    const char *pattern;
} dialects[] = {
    {"llama-bpe", true, LETTERS_AND("\\p{N}{1,3}")},
    {"llama3", true, LETTERS_AND("\\p{N}{1,3}")},
    {"qwen2", false, LETTERS_AND("\\p{N}")},
    {"smollm", false, "\\p{N}|'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+| ?[^" WHITE "\\p{L}\\p{N}]+|[" WHITE "]+(?![^" WHITE "\\p{N}])|[" WHITE "]+"},
    {"gpt-4o", false,
     "[^\\r\\n\\p{L}\\p{N}]?[" UPPER "]*[" LOWER "]+" CONTRACTIONS "?|[^\\r\\n\\p{L}\\p{N}]?[" UPPER "]+[" LOWER "]*" CONTRACTIONS
     "?|\\p{N}{1,3}| ?[^" WHITE "\\p{L}\\p{N}]+[\\r\\n/]*" WHITE_RUNS},
};

/* A run of white space is walked at most once forth and once back, so these bounds are never met by a text of the permitted size. */
enum { MATCH_STEPS_MAX = 4 * TOKENIZER_TEXT_BYTES_MAX, MATCH_HEAP_KIB_MAX = 64 * 1024 };

/* Open addressing, at most half full. */
struct rank_slot {
    uint64_t key; /* left id, right id */
    int32_t rank; /* -1: empty */
    int32_t merged_id;
};

struct bpe {
    const struct dialect *dialect;
    pcre2_code *code;
    struct rank_slot *slots; /* [slot_mask + 1] */
    uint32_t slot_mask;
};

static struct rank_slot *rank_slot(const struct bpe *bpe, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint32_t at = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & bpe->slot_mask;
    while (bpe->slots[at].rank >= 0 && bpe->slots[at].key != key) {
        at = (at + 1) & bpe->slot_mask;
    }
    return &bpe->slots[at];
}

static bool find_pair(const struct tokenizer *t, const char *text, const struct symbol *left, const struct symbol *right, struct pair *pair)
{
    (void)text;
    if (left->id < 0 || right->id < 0) {
        return false;
    }
    const struct rank_slot *slot = rank_slot(t->bpe, left->id, right->id);
    *pair = (struct pair){.order = (uint32_t)slot->rank, .id = slot->merged_id};
    return slot->rank >= 0;
}

static bool encode_word(struct encoder *c, const char *word, uint32_t length_bytes)
{
    int32_t whole = c->t->bpe->dialect->whole_words ? tokenizer_find(c->t, word, length_bytes) : -1;
    if (whole >= 0) {
        return encoder_push(c, whole);
    }
    if (!encoder_reserve(c, length_bytes)) {
        return false;
    }
    int32_t n = (int32_t)length_bytes;
    for (int32_t i = 0; i < n; i++) {
        c->symbols[i] = (struct symbol){.start_byte = (uint32_t)i,
                                        .length_bytes = 1,
                                        .id = c->t->byte_ids[(unsigned char)word[i]],
                                        .previous = i - 1,
                                        .next = i + 1 < n ? i + 1 : -1};
    }
    merge_symbols(c, word, n, find_pair);
    for (int32_t i = 0; i >= 0; i = c->symbols[i].next) {
        const struct symbol *s = &c->symbols[i];
        if (!(s->id >= 0 ? encoder_push(c, s->id) : encoder_push_unknown(c, word + s->start_byte, s->length_bytes))) {
            return false;
        }
    }
    return true;
}

static bool encode_words(struct encoder *c, const char *text, uint32_t length_bytes, pcre2_match_data *match, pcre2_match_context *context)
{
    for (size_t at = 0; at < length_bytes;) {
        int found = pcre2_match(c->t->bpe->code, (PCRE2_SPTR)text, length_bytes, at, PCRE2_NO_UTF_CHECK, match, context);
        if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
            found = pcre2_match(c->t->bpe->code, (PCRE2_SPTR)text, length_bytes, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match, context);
        }
        if (found < 0) {
            PCRE2_UCHAR reason[128] = "";
            pcre2_get_error_message(found, reason, sizeof reason);
            return error_input(c->e, "text: the tokenizer's pattern gave up at byte %zu: %s", at, (const char *)reason);
        }
        size_t end = pcre2_get_ovector_pointer(match)[1];
        ES_ASSERT(end > at); /* every character is a letter, a number, white space or something else: the pattern takes at least one */
        if (!encode_word(c, text + at, (uint32_t)(end - at))) {
            return false;
        }
        at = end;
    }
    return true;
}

bool bpe_encode(struct encoder *c, const char *text, uint32_t length_bytes)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    bool good;
    if (match && context) {
        pcre2_set_match_limit(context, MATCH_STEPS_MAX);
        pcre2_set_heap_limit(context, MATCH_HEAP_KIB_MAX);
        good = encode_words(c, text, length_bytes, match, context);
    } else {
        good = error_input(c->e, "not enough memory for the tokenizer's pattern");
    }
    pcre2_match_data_free(match);
    pcre2_match_context_free(context);
    return good;
}

/* GPT-2's alphabet: the bytes that are printable in Latin-1 stand for themselves, the others follow from U+0100 on. */
enum { ALPHABET_END = 0x100 + 68 };

static int byte_of_letter(uint32_t letter)
{
    static const struct {
        uint8_t first, last, shift; /* bytes first..last are the letters from U+0100 + shift on */
    } moved[] = {{0x00, 0x20, 0}, {0x7f, 0xa0, 0x21}, {0xad, 0xad, 0x43}};
    _Static_assert(ALPHABET_END == 0x100 + 0x43 + 1, "the alphabet ends with the letter of 0xad");
    if (letter < 0x100) {
        bool printable = (letter >= 0x21 && letter <= 0x7e) || (letter >= 0xa1 && letter != 0xad);
        return printable ? (int)letter : -1;
    }
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        uint32_t from = 0x100U + moved[i].shift;
        if (letter >= from && letter - from <= (uint32_t)(moved[i].last - moved[i].first)) {
            return (int)(moved[i].first + (letter - from));
        }
    }
    return -1;
}

/* The bytes that a text in the alphabet stands for, into `bytes` (no more than the text's own length). */
static bool bytes_of_letters(struct text letters, char *bytes, uint32_t *length_bytes)
{
    *length_bytes = 0;
    for (uint32_t i = 0; i < letters.length_bytes;) {
        const unsigned char *p = (const unsigned char *)letters.bytes + i;
        uint32_t n = utf8_character_bytes(letters.bytes + i, letters.length_bytes - i);
        int byte = n == 1 ? byte_of_letter(p[0]) : n == 2 ? byte_of_letter((p[0] & 0x1fU) << 6 | (p[1] & 0x3fU)) : -1;
        if (byte < 0) {
            return false;
        }
        bytes[(*length_bytes)++] = (char)byte;
        i += n;
    }
    return true;
}

bool bpe_piece(struct tokenizer *t, int32_t id, char *bytes, struct error *e)
{
    struct text token = t->vocab->tokens[id];
    t->pieces[id].bytes = bytes;
    if (t->vocab->types[id] == TOKEN_BYTE) {
        return error_input(e, "vocabulary: token %" PRId32 " is of type byte, which a BPE vocabulary has no use for", id);
    }
    if (!bytes_of_letters(token, bytes, &t->pieces[id].length_bytes)) {
        char shown[PRINTABLE_ROOM];
        return error_input(e, "vocabulary: token %" PRId32 ": expected a text in GPT-2's byte alphabet, found \"%s\"", id,
                           printable(token, shown));
    }
    return true;
}

static bool add_merge(struct tokenizer *t, int32_t rank, char *bytes, struct error *e)
{
    struct text merge = t->vocab->merges[rank];
    const char *gap = merge.length_bytes > 0 ? memchr(merge.bytes, ' ', merge.length_bytes) : NULL;
    uint32_t left_bytes, right_bytes;
    if (!gap) {
        return error_input(e, "vocabulary: merge %" PRId32 ": expected two tokens with a space between them", rank);
    }
    struct text left = {merge.bytes, (uint32_t)(gap - merge.bytes)};
    struct text right = {gap + 1, merge.length_bytes - left.length_bytes - 1};
    int32_t left_id = -1, right_id = -1, merged_id = -1;
    if (bytes_of_letters(left, bytes, &left_bytes) && bytes_of_letters(right, bytes + left_bytes, &right_bytes)) {
        left_id = tokenizer_find(t, bytes, left_bytes);
        right_id = tokenizer_find(t, bytes + left_bytes, right_bytes);
        merged_id = tokenizer_find(t, bytes, left_bytes + right_bytes);
    }
    if (left_id < 0 || right_id < 0 || merged_id < 0) {
        char shown[PRINTABLE_ROOM];
        return error_input(e, "vocabulary: merge %" PRId32 " \"%s\": expected two tokens that together are a token, %s", rank,
                           printable(merge, shown),
                           left_id < 0    ? "the left one is none"
                           : right_id < 0 ? "the right one is none"
                                          : "together they are none");
    }
    struct rank_slot *slot = rank_slot(t->bpe, left_id, right_id);
    if (slot->rank < 0) { /* a pair named twice keeps its first rank */
        *slot = (struct rank_slot){(uint64_t)(uint32_t)left_id << 32 | (uint32_t)right_id, rank, merged_id};
    }
    return true;
}

static bool add_merges(struct tokenizer *t, struct error *e)
{
    const struct vocab *vocab = t->vocab;
    uint32_t n_slots = 16, longest_bytes = 0;
    while (n_slots / 2 < (uint32_t)vocab->n_merges) {
        n_slots *= 2;
    }
    for (int32_t i = 0; i < vocab->n_merges; i++) {
        longest_bytes = vocab->merges[i].length_bytes > longest_bytes ? vocab->merges[i].length_bytes : longest_bytes;
    }
    t->bpe->slot_mask = n_slots - 1;
    t->bpe->slots = error_calloc(e, n_slots, sizeof *t->bpe->slots, "the vocabulary's merges");
    char *bytes = t->bpe->slots ? error_calloc(e, longest_bytes, 1, "a merge") : NULL;
    if (!bytes) {
        return false;
    }
    for (uint32_t i = 0; i < n_slots; i++) {
        t->bpe->slots[i].rank = -1;
    }
    bool good = true;
    for (int32_t i = 0; good && i < vocab->n_merges; i++) {
        good = add_merge(t, i, bytes, e);
    }
    free(bytes);
    return good;
}

static const struct dialect *find_dialect(const char *pre)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        if (strcmp(dialects[i].pre, pre) == 0) {
            return &dialects[i];
        }
    }
    return NULL;
}

bool bpe_open(struct tokenizer *t, struct error *e)
{
    const struct vocab *vocab = t->vocab;
    const struct dialect *dialect = find_dialect(vocab->pre);
    if (!dialect) {
        return error_input(e, "vocabulary: tokenizer.ggml.pre: expected llama-bpe, llama3, qwen2, smollm or gpt-4o, found \"%.*s\"",
                           (int)sizeof vocab->pre, vocab->pre);
    }
    if (vocab->n_merges < 0 || vocab->n_merges > 1 << 28 || (vocab->n_merges > 0 && !vocab->merges)) {
        return error_input(e, "vocabulary: expected the merges of a BPE vocabulary, found %" PRId32, vocab->n_merges);
    }
    t->bpe = error_calloc(e, 1, sizeof *t->bpe, "the tokenizer");
    if (!t->bpe) {
        return false;
    }
    t->bpe->dialect = dialect;
    for (int byte = 0; byte < 256; byte++) {
        char bytes[1] = {(char)byte};
        t->byte_ids[byte] = tokenizer_find(t, bytes, 1);
    }
    int reason;
    PCRE2_SIZE at;
    t->bpe->code =
        pcre2_compile((PCRE2_SPTR)dialect->pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &reason, &at, NULL);
    if (!t->bpe->code) {
        return error_input(e, "the tokenizer's pattern needs a PCRE2 with Unicode support (error %d at %zu)", reason, at);
    }
    (void)pcre2_jit_compile(t->bpe->code, PCRE2_JIT_COMPLETE); /* where it isn't available, PCRE2 interprets */
    return add_merges(t, e);
}

void bpe_close(struct bpe *bpe)
{
    if (bpe) {
        pcre2_code_free(bpe->code);
        free(bpe->slots);
        free(bpe);
    }
}
