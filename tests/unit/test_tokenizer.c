/* test_tokenizer.c -- are a text's ids those that the vocabulary's rules give, and does decoding give the text back?
 *
 * The toy vocabularies' expectations were worked out by hand from the rules; the real vocabularies' come from llama.cpp (its own test
 * cases, special tokens not parsed, no BOS). A naive merger (each step looks at every pair) stands beside the one with the heap.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/gguf.h"
#include "sim/tokenizer.h"
#include "tests/unit/check.h"

enum { TOY_TOKENS = 400, TOY_MERGES = 64, TEXT_ROOM = 4096, IDS_ROOM = 8192 };

#define SPACE "\xe2\x96\x81"    /* U+2581, as SentencePiece writes a space */
#define LETTER_SPACE "\xc4\xa0" /* U+0120, the space in GPT-2's alphabet */

/* --- toy vocabularies ---------------------------------------------------------------------------------------------------------------- */

struct toy {
    struct vocab vocab;
    struct text tokens[TOY_TOKENS], merges[TOY_MERGES];
    uint8_t types[TOY_TOKENS];
    float scores[TOY_TOKENS];
    char byte_tokens[256][8];
};

static int32_t toy_add(struct toy *toy, const char *token, enum token_type type, float score)
{
    int32_t id = toy->vocab.n_tokens++;
    toy->tokens[id] = (struct text){token, (uint32_t)strlen(token)};
    toy->types[id] = (uint8_t)type;
    toy->scores[id] = score;
    return id;
}

static void toy_merge(struct toy *toy, const char *merge)
{
    toy->merges[toy->vocab.n_merges++] = (struct text){merge, (uint32_t)strlen(merge)};
}

static void toy_begin(struct toy *toy, enum vocab_kind kind)
{
    *toy = (struct toy){.vocab = {.kind = kind, .bos = -1, .eos = -1, .unknown = -1, .add_space_prefix = true}};
    toy->vocab.tokens = toy->tokens;
    toy->vocab.types = toy->types;
    toy->vocab.scores = kind == VOCAB_SENTENCEPIECE ? toy->scores : NULL;
    toy->vocab.merges = kind == VOCAB_BPE ? toy->merges : NULL;
    snprintf(toy->vocab.pre, sizeof toy->vocab.pre, "llama-bpe");
}

/* 0 <unk>, 1 <s>, 2 </s>, 3 to 258 the bytes, then the pieces in the order below. */
static void toy_sentencepiece(struct toy *toy)
{
    static const struct {
        const char *text;
        float score;
    } pieces[] = {{SPACE, -10},    {"a", -11}, {"b", -12}, {"ab", -3}, {"ba", -2},   {"aba", -1},
                  {SPACE "a", -4}, {"aa", -5}, {"c", -13}, {"bc", 0},  {"cb", -0.0F}};
    toy_begin(toy, VOCAB_SENTENCEPIECE);
    toy->vocab.unknown = toy_add(toy, "<unk>", TOKEN_UNKNOWN, 0);
    toy->vocab.bos = toy_add(toy, "<s>", TOKEN_CONTROL, 0);
    toy->vocab.eos = toy_add(toy, "</s>", TOKEN_CONTROL, 0);
    for (int byte = 0; byte < 256; byte++) {
        snprintf(toy->byte_tokens[byte], sizeof toy->byte_tokens[byte], "<0x%02X>", byte);
        toy_add(toy, toy->byte_tokens[byte], TOKEN_BYTE, 0);
    }
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        toy_add(toy, pieces[i].text, TOKEN_NORMAL, pieces[i].score);
    }
}

/* 0 a, 1 b, 2 c, 3 space, 4 ab, 5 bc, 6 abc, 7 " a", 8 control, 9 cab, 10 c3, 11 a9, 12 " abc": 7 and 9 are no merge's result. */
static void toy_bpe(struct toy *toy)
{
    static const char *const normal[] = {"a", "b", "c", LETTER_SPACE, "ab", "bc", "abc", "\xc4\xa0\x61"};
    toy_begin(toy, VOCAB_BPE);
    for (size_t i = 0; i < sizeof normal / sizeof *normal; i++) {
        toy_add(toy, normal[i], TOKEN_NORMAL, 0);
    }
    toy->vocab.bos = toy_add(toy, "<|begin|>", TOKEN_CONTROL, 0);
    toy_add(toy, "cab", TOKEN_NORMAL, 0);
    toy_add(toy, "\xc3\x83", TOKEN_NORMAL, 0); /* U+00C3, the letter of byte c3 */
    toy_add(toy, "\xc2\xa9", TOKEN_NORMAL, 0); /* U+00A9, the letter of byte a9 */
    toy_add(toy, LETTER_SPACE "abc", TOKEN_NORMAL, 0);
    toy_merge(toy, "b c");
    toy_merge(toy, "a b");
    toy_merge(toy, "a bc");
    toy_merge(toy, LETTER_SPACE " abc");
}

/* GPT-2's alphabet as its authors define it: printable bytes stand for themselves, the others get the next free letter in order. */
static void letter_of_byte(int byte, char room[8])
{
    uint32_t letter = 0x100;
    for (int b = 0; b < byte; b++) {
        letter += !((b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae);
    }
    if ((byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae) {
        letter = (uint32_t)byte;
    }
    if (letter < 0x80) {
        snprintf(room, 8, "%c", (int)letter);
    } else {
        snprintf(room, 8, "%c%c", (int)(0xc0 | letter >> 6), (int)(0x80 | (letter & 0x3f)));
    }
}

/* --- checks -------------------------------------------------------------------------------------------------------------------------- */

static void ids_text(const struct token_ids *ids, char room[IDS_ROOM])
{
    size_t n = 0;
    room[0] = '\0';
    for (int32_t i = 0; i < ids->count && n + 16 < IDS_ROOM; i++) {
        n += (size_t)snprintf(room + n, IDS_ROOM - n, "%s%" PRId32, i > 0 ? " " : "", ids->ids[i]);
    }
}

/* The ids as text, or the error's message. */
static const char *encoded(const struct tokenizer *t, const char *text, size_t length_bytes, bool add_bos, char room[IDS_ROOM])
{
    struct error e;
    struct token_ids ids;
    if (!tokenizer_encode(t, text, length_bytes, add_bos, &ids, &e)) {
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK(ids.ids == NULL && ids.count == 0);
        snprintf(room, IDS_ROOM, "%s", e.message);
        return room;
    }
    ids_text(&ids, room);
    free(ids.ids);
    return room;
}

static void check_ids(const struct tokenizer *t, const char *text, const char *expected)
{
    char room[IDS_ROOM];
    CHECK_EQ_TEXT(encoded(t, text, strlen(text), false, room), expected);
}

/* Opens the vocabulary, which must fail with a message that has `part` in it. */
static void check_refused(const struct vocab *vocab, const char *part)
{
    struct error e = {0};
    struct tokenizer *t = NULL;
    CHECK(!tokenizer_open(vocab, &t, &e));
    CHECK(t == NULL);
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, part);
    tokenizer_close(t);
}

/* decode(encode(text)) is the text, after the space that SentencePiece puts in front. */
static bool round_trips(const struct tokenizer *t, const char *text, size_t length_bytes, bool space_prefix)
{
    struct error e;
    struct token_ids ids;
    if (!CHECK_GOOD(tokenizer_encode(t, text, length_bytes, false, &ids, &e), &e)) {
        return false;
    }
    size_t room = length_bytes + 1, n = 0;
    char *bytes = malloc(room);
    for (int32_t i = 0; i < ids.count; i++) {
        n += tokenizer_decode(t, ids.ids[i], bytes + (n < room ? n : room), n < room ? room - n : 0);
    }
    size_t skipped_bytes = space_prefix && length_bytes > 0;
    bool good =
        n == length_bytes + skipped_bytes && (!skipped_bytes || bytes[0] == ' ') && memcmp(bytes + skipped_bytes, text, length_bytes) == 0;
    free(bytes);
    free(ids.ids);
    return good;
}

/* A valid UTF-8 character; U+2581 is left out, since SentencePiece takes it for a space. */
static size_t random_character(uint64_t *seed, char *to)
{
    static const uint32_t ends[] = {0x80, 0x80, 0x80, 0x250, 0x3100, 0x10000, 0x20000, 0x110000};
    uint32_t c = (uint32_t)(test_random(seed) % ends[test_random(seed) % 8]);
    if (test_random(seed) % 4 == 0) {
        c = (uint32_t)(" \n\t'as1\r"[test_random(seed) % 8]);
    }
    if ((c >= 0xd800 && c < 0xe000) || c == 0x2581) {
        c = 'b';
    }
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint32_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6) {
        to[i] = (char)(0x80 | (c & 0x3f));
    }
    to[0] = (char)(lead[n] | c);
    return n;
}

static void check_random_round_trips(const struct tokenizer *t, bool space_prefix, int texts, uint64_t seed)
{
    for (int i = 0; i < texts; i++) {
        char text[TEXT_ROOM];
        size_t n = 0, characters = test_random(&seed) % 200;
        for (size_t j = 0; j < characters; j++) {
            n += random_character(&seed, text + n);
        }
        if (!CHECK(round_trips(t, text, n, space_prefix))) {
            printf("text %d of seed %" PRIu64 "\n", i, seed);
            return;
        }
    }
}

/* --- SentencePiece ------------------------------------------------------------------------------------------------------------------- */

static void sentencepiece_by_hand(void)
{
    static struct toy toy;
    toy_sentencepiece(&toy);
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    check_ids(t, "", "");
    check_ids(t, "a", "265");           /* _a */
    check_ids(t, "ab", "259 262");      /* ab (-3) before _a (-4), and _ab is no token */
    check_ids(t, "aba", "259 264");     /* ba (-2), then aba (-1) */
    check_ids(t, "aaa", "265 266");     /* _a (-4), then aa (-5) */
    check_ids(t, "a b", "265 259 261"); /* _a, _, b */
    check_ids(t, "cbc", "259 269 267"); /* cb and bc score the two zeros: the left one goes first */
    check_ids(t, "x", "259 123");       /* byte 78 */
    check_ids(t, "\xc3\xa9", "259 198 172");
    check_ids(t, "<s>", "259 63 118 65");             /* text gives no control token */
    check_ids(t, "<0x41>", "259 63 51 123 55 52 65"); /* nor a byte's token by its name */
    char room[IDS_ROOM];
    CHECK_EQ_TEXT(encoded(t, "a\0b", 3, true, room), "1 265 3 261");
    tokenizer_close(t);
    toy.vocab.add_space_prefix = false;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    check_ids(t, "aaa", "266 260"); /* the left pair of two equals */
    check_ids(t, " a", "265");
    check_ids(t, "bab", "263 261");
    tokenizer_close(t);
    toy.scores[262] = 2; /* ab before ba now */
    toy.scores[263] = 1;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    check_ids(t, "bab", "261 262");
    tokenizer_close(t);
}

static void sentencepiece_without_bytes(void)
{
    static struct toy toy;
    toy_sentencepiece(&toy);
    memset(toy.types + 3, TOKEN_UNUSED, 256);
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    check_ids(t, "a\xc3\xa9", "265 0");
    tokenizer_close(t);
    toy.vocab.unknown = -1;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    char room[IDS_ROOM];
    CHECK_CONTAINS(encoded(t, "a\xc3\xa9", 3, false, room), "bytes c3 a9");
    tokenizer_close(t);
}

static void user_defined_tokens(void)
{
    static struct toy toy;
    toy_sentencepiece(&toy); /* 270 to 273 */
    toy_add(&toy, "<x>", TOKEN_USER_DEFINED, 0);
    toy_add(&toy, "b<x>b", TOKEN_USER_DEFINED, 0);
    toy_add(&toy, "b<", TOKEN_USER_DEFINED, 0);
    toy_add(&toy, "", TOKEN_USER_DEFINED, 0);
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    check_ids(t, "<x>", "270");
    check_ids(t, "a<x>a", "265 270 265");       /* the text after a token starts anew */
    check_ids(t, "b<x>b<x><x>", "271 270 270"); /* the longest first */
    check_ids(t, "b<x>b<", "271 259 63");       /* so there is no b< */
    check_ids(t, "b<b<", "272 272");
    check_ids(t, "b<x>", "259 261 270");
    char bytes[8];
    CHECK_EQ_INT((int64_t)tokenizer_decode(t, 271, bytes, sizeof bytes), 5);
    CHECK_EQ_BYTES(bytes, "b<x>b", 5);
    tokenizer_close(t);
}

/* --- BPE ----------------------------------------------------------------------------------------------------------------------------- */

static void bpe_by_hand(void)
{
    static struct toy toy;
    toy_bpe(&toy);
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    check_ids(t, "", "");
    check_ids(t, "abc", "6");
    check_ids(t, "abcab", "6 4"); /* bc, the second ab, a bc */
    check_ids(t, "abb", "4 1");
    check_ids(t, "cab", "9");    /* a whole word is taken, though no merge makes it */
    check_ids(t, "cabc", "2 6"); /* but only a whole word */
    check_ids(t, " a", "7");
    check_ids(t, " ab", "3 4");
    check_ids(t, " abc", "12");
    check_ids(t, " abcc", "12 2");
    check_ids(t, "a  bc", "0 3 3 5"); /* words: a, space, space bc */
    check_ids(t, "\xc3\xa9", "10 11");
    char room[IDS_ROOM];
    CHECK_EQ_TEXT(encoded(t, "abc", 3, true, room), "8 6");
    CHECK_CONTAINS(encoded(t, "abx", 3, false, room), "bytes 78");
    tokenizer_close(t);
    toy.vocab.unknown = toy_add(&toy, "<unk>", TOKEN_UNKNOWN, 0);
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    check_ids(t, "abx", "4 13");
    tokenizer_close(t);
}

/* With a token for each byte and no merges, a text's ids are its bytes: the ids tell nothing of the words, so a token that spans them, with the merges
 * that lead to it, is added for each cut that must be there. It is taken where the pattern leaves it whole, and only there. */
static void bpe_words(void)
{
    static const struct {
        const char *text, *word;
        bool whole;
        const char *pre; /* NULL: llama-bpe */
    } cases[] = {
        {"'s", "'s", true, NULL},
        {"'RE", "'RE", true, NULL},
        {"a's", "a's", false, NULL},
        {"123", "123", true, NULL},
        {"1234", "1234", false, NULL},
        {" 1", " 1", false, NULL},
        {" a", " a", true, NULL},
        {"!a", "!a", true, NULL},
        {"\na", "\na", false, NULL},
        {" !!\n\n", " !!\n\n", true, NULL},
        {"  \n \n", "  \n \n", true, NULL},
        {"   a", "  ", true, NULL},
        {"   a", "   ", false, NULL},
        {"   ", "   ", true, NULL},
        {"\xc2\x85\xe3\x80\x80", "\xc2\x85\xe3\x80\x80", true, NULL},
        {"\xe1\xa0\x8e!", "\xe1\xa0\x8e!", true, NULL}, /* U+180E is no white space since Unicode 6.3 */
        {" \xe1\xa0\x8e", " \xe1\xa0\x8e", true, NULL},
        {"\xd9\xa3\xe0\xa5\xaa", "\xd9\xa3\xe0\xa5\xaa", true, NULL}, /* digits of two scripts */
        {"12", "12", false, "qwen2"},
        {" 1", " 1", false, "qwen2"},
        {"'RE", "'RE", true, "qwen2"},
        {"!a", "!a", true, "qwen2"},
        {" !!\n\n", " !!\n\n", true, "qwen2"},
        {"12", "12", false, "smollm"},
        {"a  1", "  ", true, "smollm"}, /* white space before a digit stays together */
        {"a  b", "  ", false, "smollm"},
        {"'s", "'s", true, "smollm"},
        {"'S", "'S", false, "smollm"},
        {"!a", "!a", false, "smollm"},
        {"!!\n", "!!\n", false, "smollm"},
        {"\n\nb", "\n\n", false, "smollm"},
        {"123", "123", true, "gpt-4o"},
        {"aB", "aB", false, "gpt-4o"},
        {"Ab", "Ab", true, "gpt-4o"},
        {"ABc", "ABc", true, "gpt-4o"},
        {"a's", "a's", true, "gpt-4o"},
        {"!/\n/", "!/\n/", true, "gpt-4o"},
        {"\xc3\xa9\xc3\x89", "\xc3\xa9\xc3\x89", false, "gpt-4o"}, /* a lower-case e with an accent, then an upper-case one */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct toy toy;
        toy_begin(&toy, VOCAB_BPE);
        for (int byte = 0; byte < 256; byte++) {
            letter_of_byte(byte, toy.byte_tokens[byte]);
            toy_add(&toy, toy.byte_tokens[byte], TOKEN_NORMAL, 0);
        }
        if (cases[i].pre) {
            snprintf(toy.vocab.pre, sizeof toy.vocab.pre, "%s", cases[i].pre);
        }
        char words[16][64] = {""}, merges[16][80];
        int32_t id = -1;
        for (size_t n = 0; n < strlen(cases[i].word); n++) {
            const char *letter = toy.byte_tokens[(unsigned char)cases[i].word[n]];
            snprintf(words[n], sizeof words[n], "%s%s", n ? words[n - 1] : "", letter);
            if (n > 0) {
                snprintf(merges[n], sizeof merges[n], "%s %s", words[n - 1], letter);
                id = toy_add(&toy, words[n], TOKEN_NORMAL, 0);
                toy_merge(&toy, merges[n]);
            }
        }
        struct error e;
        struct tokenizer *t = NULL;
        REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
        struct token_ids ids;
        REQUIRE_GOOD(tokenizer_encode(t, cases[i].text, strlen(cases[i].text), false, &ids, &e), &e);
        bool whole = false;
        for (int32_t j = 0; j < ids.count; j++) {
            whole = whole || ids.ids[j] == id;
        }
        if (!CHECK(whole == cases[i].whole)) {
            printf("case %zu\n", i);
        }
        free(ids.ids);
        tokenizer_close(t);
    }
}

static int find_token(const struct toy *toy, const char *bytes, size_t length)
{
    for (int32_t id = 0; id < toy->vocab.n_tokens; id++) {
        if (toy->tokens[id].length_bytes == length && memcmp(toy->tokens[id].bytes, bytes, length) == 0) {
            return id;
        }
    }
    return -1;
}

/* The rank of the merge of text[from..middle) and text[middle..end), or n_merges. */
static int32_t naive_rank(const struct toy *toy, const char *text, size_t from, size_t middle, size_t end)
{
    for (int32_t i = 0; i < toy->vocab.n_merges; i++) {
        struct text m = toy->merges[i];
        if (m.length_bytes == end - from + 1 && memcmp(m.bytes, text + from, middle - from) == 0 && m.bytes[middle - from] == ' ' &&
            memcmp(m.bytes + (middle - from) + 1, text + middle, end - middle) == 0) {
            return i;
        }
    }
    return toy->vocab.n_merges;
}

/* One word of letters: all pairs are looked at before each merge. cut[i] is where symbol i starts, cut[n] the end. */
static void naive_bpe(const struct toy *toy, const char *word, char room[IDS_ROOM])
{
    size_t n = strlen(word), cut[TEXT_ROOM];
    for (size_t i = 0; i <= n; i++) {
        cut[i] = i;
    }
    if (find_token(toy, word, n) >= 0) {
        cut[n = 1] = strlen(word);
    }
    for (;;) {
        int32_t best = toy->vocab.n_merges;
        size_t at = 0;
        for (size_t i = 0; i + 2 <= n; i++) {
            int32_t rank = naive_rank(toy, word, cut[i], cut[i + 1], cut[i + 2]);
            at = rank < best ? i : at;
            best = rank < best ? rank : best;
        }
        if (best == toy->vocab.n_merges) {
            break;
        }
        memmove(cut + at + 1, cut + at + 2, (n - at - 1) * sizeof *cut);
        n--;
    }
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        written += (size_t)snprintf(room + written, IDS_ROOM - written, "%s%d", i > 0 ? " " : "",
                                    find_token(toy, word + cut[i], cut[i + 1] - cut[i]));
    }
}

/* Random merges over a, b, c: each joins two tokens there are. Room for the texts in `bytes`. */
static void random_bpe(struct toy *toy, uint64_t *seed, char *bytes)
{
    toy_begin(toy, VOCAB_BPE);
    toy_add(toy, "a", TOKEN_NORMAL, 0);
    toy_add(toy, "b", TOKEN_NORMAL, 0);
    toy_add(toy, "c", TOKEN_NORMAL, 0);
    for (int i = 0; i < 40; i++) {
        struct text l = toy->tokens[test_random(seed) % (uint64_t)toy->vocab.n_tokens];
        struct text r = toy->tokens[test_random(seed) % (uint64_t)toy->vocab.n_tokens];
        if (l.length_bytes + r.length_bytes > 12) {
            continue;
        }
        char *merge = bytes, *token = bytes + 32;
        bytes += 64;
        snprintf(merge, 32, "%.*s %.*s", (int)l.length_bytes, l.bytes, (int)r.length_bytes, r.bytes);
        snprintf(token, 32, "%.*s%.*s", (int)l.length_bytes, l.bytes, (int)r.length_bytes, r.bytes);
        toy_merge(toy, merge);
        if (find_token(toy, token, strlen(token)) < 0) {
            toy_add(toy, token, TOKEN_NORMAL, 0);
        }
    }
}

static void bpe_like_the_naive_merger(void)
{
    static struct toy toy;
    static char bytes[64 * 64];
    uint64_t seed = 11;
    for (int round = 0; round < 30; round++) {
        random_bpe(&toy, &seed, bytes);
        struct error e;
        struct tokenizer *t = NULL;
        REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
        for (int i = 0; i < 30; i++) {
            char word[100], expected[IDS_ROOM];
            size_t n = 1 + test_random(&seed) % 90;
            for (size_t j = 0; j < n; j++) {
                word[j] = "abc"[test_random(&seed) % 3];
            }
            word[n] = '\0';
            naive_bpe(&toy, word, expected);
            check_ids(t, word, expected);
        }
        tokenizer_close(t);
    }
}

/* --- text and bytes ------------------------------------------------------------------------------------------------------------------ */

static void invalid_utf8_is_refused(void)
{
    static const struct {
        const char *text;
        int at_byte;
    } cases[] = {
        {"\x80", 0},
        {"a\xff", 1},
        {"ab\xc3", 2},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"a\xe0\x9f\xbf", 1},
        {"\xed\xa0\x80", 0},
        {"\xc3\xa9\xed\xbf\xbf", 2},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xe2\x82", 0},
        {"\xf0\x9f\xa6", 0},
        {"\xe2\x82\xac\xe2\x28\xa1", 3},
    };
    static struct toy toys[2];
    toy_sentencepiece(&toys[0]);
    toy_bpe(&toys[1]);
    for (int k = 0; k < 2; k++) {
        struct error e;
        struct tokenizer *t = NULL;
        REQUIRE_GOOD(tokenizer_open(&toys[k].vocab, &t, &e), &e);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char room[IDS_ROOM], part[32];
            snprintf(part, sizeof part, "byte %d:", cases[i].at_byte);
            CHECK_CONTAINS(encoded(t, cases[i].text, strlen(cases[i].text), false, room), part);
        }
        tokenizer_close(t);
    }
}

static void decoding(void)
{
    static struct toy toy;
    toy_sentencepiece(&toy);
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    char bytes[8] = "xxxxxxx";
    for (int32_t id = 0; id < 3; id++) { /* unknown, begin, end: no text */
        CHECK_EQ_UINT(tokenizer_decode(t, id, bytes, sizeof bytes), 0);
    }
    CHECK_EQ_UINT(tokenizer_decode(t, 3, bytes, sizeof bytes), 1);
    CHECK_EQ_BYTES(bytes, "\0x", 2);
    CHECK_EQ_UINT(tokenizer_decode(t, 265, bytes, sizeof bytes), 2);
    CHECK_EQ_BYTES(bytes, " ax", 3);
    CHECK_EQ_UINT(tokenizer_decode(t, 264, bytes, 2), 3); /* three bytes, of which two have room */
    CHECK_EQ_BYTES(bytes, "abx", 3);
    CHECK_EQ_UINT(tokenizer_decode(t, 264, NULL, 0), 3);
    tokenizer_close(t);
}

static void random_texts_round_trip(void)
{
    static struct toy spm, bpe;
    toy_sentencepiece(&spm);
    toy_begin(&bpe, VOCAB_BPE);
    for (int byte = 0; byte < 256; byte++) {
        letter_of_byte(byte, bpe.byte_tokens[byte]);
        toy_add(&bpe, bpe.byte_tokens[byte], TOKEN_NORMAL, 0);
    }
    toy_add(&bpe, "as", TOKEN_NORMAL, 0);
    toy_merge(&bpe, "a s");
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&spm.vocab, &t, &e), &e);
    check_random_round_trips(t, true, 2000, 21);
    tokenizer_close(t);
    REQUIRE_GOOD(tokenizer_open(&bpe.vocab, &t, &e), &e);
    check_random_round_trips(t, false, 2000, 22);
    for (int byte = 0; byte < 256; byte++) { /* the alphabet, each letter */
        char found;
        CHECK_EQ_UINT(tokenizer_decode(t, byte, &found, 1), 1);
        CHECK_EQ_INT((unsigned char)found, byte);
    }
    tokenizer_close(t);
}

/* A merger that is quadratic, or a pattern that is, would take minutes here. */
static void long_words_take_no_quadratic_time(void)
{
    enum { LENGTH_BYTES = 1 << 20 };
    static const char *const units[] = {"a", "ab", " ", "\n", " \n", "                               x", "!", "'", "\xe3\x80\x80", "1"};
    static struct toy spm, bpe;
    toy_sentencepiece(&spm);
    toy_bpe(&bpe);
    bpe.vocab.unknown = toy_add(&bpe, "<unk>", TOKEN_UNKNOWN, 0);
    static char text[LENGTH_BYTES];
    const struct vocab *vocabs[] = {&spm.vocab, &bpe.vocab};
    for (int k = 0; k < 2; k++) {
        struct error e;
        struct tokenizer *t = NULL;
        REQUIRE_GOOD(tokenizer_open(vocabs[k], &t, &e), &e);
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            size_t unit = strlen(units[i]), n = LENGTH_BYTES / unit * unit;
            for (size_t at = 0; at < n; at += unit) {
                memcpy(text + at, units[i], unit);
            }
            struct token_ids ids;
            CHECK_GOOD(tokenizer_encode(t, text, n, false, &ids, &e), &e);
            CHECK(ids.count > 0);
            free(ids.ids);
        }
        tokenizer_close(t);
    }
}

static void too_long_texts_are_refused(void)
{
    static struct toy toy;
    toy_bpe(&toy);
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    size_t length = ((size_t)16 << 20) + 1;
    char *text = calloc(length, 1), room[IDS_ROOM];
    CHECK_CONTAINS(encoded(t, text, length, false, room), "expected at most 16777216 bytes, found 16777217");
    free(text);
    tokenizer_close(t);
}

/* --- vocabularies that are refused --------------------------------------------------------------------------------------------------- */

static void bad_bpe_is_refused(void)
{
    static struct toy toy;
    toy_bpe(&toy);
    snprintf(toy.vocab.pre, sizeof toy.vocab.pre, "bloom");
    check_refused(&toy.vocab, "found \"bloom\"");
    static const char *const merges[][2] = {
        {"ab", "with a space"}, {"a x", "the right one is none"}, {"x a", "the left one is none"}, {"c c", "together they are none"},
        {"", "with a space"},   {" a", "the left one is none"}};
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
        toy_bpe(&toy);
        toy_merge(&toy, merges[i][0]);
        check_refused(&toy.vocab, merges[i][1]);
        check_refused(&toy.vocab, "merge 4");
    }
    toy_bpe(&toy);
    toy_add(&toy, "a b", TOKEN_NORMAL, 0);
    check_refused(&toy.vocab, "token 13: expected a text in GPT-2's byte alphabet");
    toy_bpe(&toy);
    toy_add(&toy, "<0x41>", TOKEN_BYTE, 0);
    check_refused(&toy.vocab, "token 13 is of type byte");
    toy_bpe(&toy);
    toy_add(&toy, "bc", TOKEN_NORMAL, 0);
    check_refused(&toy.vocab, "tokens 5 and 13 have the same text");
}

static void bad_vocabularies_are_refused(void)
{
    static struct toy toy;
    toy_sentencepiece(&toy);
    toy.vocab.kind = VOCAB_NONE;
    check_refused(&toy.vocab, "expected SentencePiece or BPE");
    toy_sentencepiece(&toy);
    toy.vocab.eos = toy.vocab.n_tokens;
    check_refused(&toy.vocab, "eos token: expected an id below 270, found 270");
    toy_sentencepiece(&toy);
    toy.scores[262] = NAN;
    check_refused(&toy.vocab, "score of token 262");
    toy_sentencepiece(&toy);
    toy.types[261] = 7;
    check_refused(&toy.vocab, "token 261: expected a type from 1 to 6, found 7");
    toy_sentencepiece(&toy);
    toy_add(&toy, "<0x4g>", TOKEN_BYTE, 0);
    check_refused(&toy.vocab, "token 270 is of type byte");
    toy_sentencepiece(&toy);
    toy_add(&toy, "\xe2", TOKEN_USER_DEFINED, 0); /* it would cut characters */
    check_refused(&toy.vocab, "token 270 is user-defined: expected UTF-8");
    toy_sentencepiece(&toy);
    toy.vocab.scores = NULL;
    check_refused(&toy.vocab, "a score for each token");
    toy_sentencepiece(&toy);
    toy.vocab.bos = -1;
    struct error e;
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(tokenizer_open(&toy.vocab, &t, &e), &e);
    char room[IDS_ROOM];
    CHECK_CONTAINS(encoded(t, "a", 1, true, room), "beginning-of-sequence");
    tokenizer_close(t);
}

/* --- real vocabularies --------------------------------------------------------------------------------------------------------------- */

static bool open_gguf(const char *path, struct vocab *vocab, struct tokenizer **t, struct error *e)
{
    struct gguf g;
    if (!gguf_open(path, &g, e)) {
        return false;
    }
    bool good = gguf_vocab(&g, vocab, e);
    gguf_close(&g);
    if (good && !tokenizer_open(vocab, t, e)) {
        vocab_free(vocab);
        good = false;
    }
    return good;
}

static size_t read_text(const char *path, char *room)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(room, 1, TEXT_ROOM - 1, f) : 0;
    if (f) {
        fclose(f);
    }
    room[n] = '\0';
    return n;
}

/* llama.cpp's cases: texts with a separator line after each, and for each a line of ids, which begin with a space. */
static void check_llama_cpp_cases(const char *vocabulary, const char *cases)
{
    static const char separator[] = "\n__ggml_vocab_test__\n";
    char name[128], inputs[TEXT_ROOM], outputs[TEXT_ROOM];
    const char *path = shared_data(vocabulary);
    snprintf(name, sizeof name, "%s.inp", cases);
    const char *inputs_path = shared_data(name);
    snprintf(name, sizeof name, "%s.out", cases);
    const char *outputs_path = shared_data(name);
    if (!path || !inputs_path || !outputs_path) {
        SKIP("no shared data (ETCHSIM_SHARED_DATA)");
    }
    struct error e;
    struct vocab vocab = {0};
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(open_gguf(path, &vocab, &t, &e), &e);
    size_t n = read_text(inputs_path, inputs);
    CHECK(n > 0 && read_text(outputs_path, outputs) > 0);
    int cases_run = 0;
    char *rest, *text = inputs;
    for (char *line = strtok_r(outputs, "\n", &rest), *end; (end = memmem(text, n - (size_t)(text - inputs), separator, strlen(separator)));
         text = end + strlen(separator)) {
        char room[IDS_ROOM];
        bool is_empty = end == text; /* its line of ids is empty too, which strtok_r passes over */
        CHECK_EQ_TEXT(encoded(t, text, (size_t)(end - text), false, room), is_empty ? "" : line ? line + strspn(line, " ") : "no line");
        CHECK(round_trips(t, text, (size_t)(end - text), vocab.kind == VOCAB_SENTENCEPIECE));
        line = is_empty ? line : strtok_r(NULL, "\n", &rest);
        cases_run++;
    }
    CHECK_EQ_INT(cases_run, 46);
    check_random_round_trips(t, vocab.kind == VOCAB_SENTENCEPIECE, 300, 31);
    tokenizer_close(t);
    vocab_free(&vocab);
}

static void llama3_as_llama_cpp(void)
{
    check_llama_cpp_cases("tokenizer-llama3/llama-bpe-vocab.gguf", "tokenizer-llama3/llama-bpe-vocab.gguf");
}

static void llama3_as_llama_cpp_again(void)
{
    check_llama_cpp_cases("tokenizer-llama3/llama-bpe-vocab.gguf", "tokenizer-llama3/ggml-vocab-llama-bpe.gguf");
}

static void llama2_as_llama_cpp(void)
{
    check_llama_cpp_cases("tokenizer-llama3/ggml-vocab-llama-spm.gguf", "tokenizer-llama3/ggml-vocab-llama-spm.gguf");
}

/* The prompts' ids as llama2.c gives them (ref/), and the text it prints for the tokens that follow. */
static void stories260k_as_llama2_c(void)
{
    const char *path = shared_data("stories260K/stories260K.gguf");
    if (!path) {
        SKIP("no shared data (ETCHSIM_SHARED_DATA)");
    }
    struct error e;
    struct vocab vocab = {0};
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(open_gguf(path, &vocab, &t, &e), &e);
    char room[IDS_ROOM];
    CHECK_EQ_TEXT(encoded(t, "Once upon a time", 16, vocab.add_bos, room), "1 403 407 261 378");
    CHECK_EQ_TEXT(encoded(t, "One day, Lily", 13, vocab.add_bos, room), "1 385 328 432 317");
    CHECK_EQ_TEXT(encoded(t, "", 0, vocab.add_bos, room), "1");
    static const int32_t follows[] = {432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426};
    char text[128];
    size_t n = 0;
    for (size_t i = 0; i < sizeof follows / sizeof *follows; i++) {
        n += tokenizer_decode(t, follows[i], text + n, sizeof text - 1 - n);
    }
    text[n] = '\0';
    CHECK_EQ_TEXT(text, ", there was a little girl named Lily.");
    check_random_round_trips(t, true, 300, 41);
    tokenizer_close(t);
    vocab_free(&vocab);
}

static void sample_model_round_trips(void)
{
    const char *path = source_file("configs/models/sample/sample.gguf");
    FILE *f = fopen(path, "rb");
    if (!f) {
        SKIP("configs/models/sample/sample.gguf isn't there");
    }
    fclose(f);
    struct error e;
    struct vocab vocab = {0};
    struct tokenizer *t = NULL;
    REQUIRE_GOOD(open_gguf(path, &vocab, &t, &e), &e);
    static const char prompt[] = "Once upon a time, there was a caf\xc3\xa9. \"It's 123!\"\n\n  She said: \xf0\x9f\xa6\x99";
    bool space_prefix = vocab.kind == VOCAB_SENTENCEPIECE && vocab.add_space_prefix;
    CHECK(round_trips(t, prompt, strlen(prompt), space_prefix));
    check_random_round_trips(t, space_prefix, 1000, 51);
    tokenizer_close(t);
    vocab_free(&vocab);
}

void suite_tokenizer(void)
{
    suite_begin("tokenizer");
    suite_add("SentencePiece: ids worked out by hand", sentencepiece_by_hand);
    suite_add("SentencePiece: without byte tokens, unknown or an error", sentencepiece_without_bytes);
    suite_add("user-defined tokens are cut out first, the longest first", user_defined_tokens);
    suite_add("BPE: ids worked out by hand", bpe_by_hand);
    suite_add("BPE: the pattern's words", bpe_words);
    suite_add("BPE: the heap merges as looking at every pair does", bpe_like_the_naive_merger);
    suite_add("invalid UTF-8 is refused at its byte", invalid_utf8_is_refused);
    suite_add("decoding: bytes, spaces, no text for control tokens", decoding);
    suite_add("random Unicode comes back from its ids", random_texts_round_trip);
    suite_add("megabytes of one word", long_words_take_no_quadratic_time);
    suite_add("texts beyond the limit are refused", too_long_texts_are_refused);
    suite_add("BPE: bad vocabularies are refused", bad_bpe_is_refused);
    suite_add("bad vocabularies are refused", bad_vocabularies_are_refused);
    suite_add("Llama 3's vocabulary: llama.cpp's cases", llama3_as_llama_cpp);
    suite_add("Llama 3's vocabulary: llama.cpp's cases under their first name", llama3_as_llama_cpp_again);
    suite_add("Llama 2's vocabulary: llama.cpp's cases", llama2_as_llama_cpp);
    suite_add("stories260K: llama2.c's prompts and text", stories260k_as_llama2_c);
    suite_add("the sample model's vocabulary", sample_model_round_trips);
}
