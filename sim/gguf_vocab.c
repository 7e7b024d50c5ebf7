#include <inttypes.h>
#include <math.h>

#include "sim/gguf.h"
#include "sim/vocab_memory.h"

#define PREFIX "tokenizer.ggml."
enum { TOKENS_MAX = 1 << 24, MODEL_NAME_ROOM = 32 };

/* An array of the wanted element type and, unless count is 0, length; *key is NULL where absent and not required. */
static bool find_array(const struct gguf *g, const char *name, bool required, enum gguf_type type, uint64_t count,
                       const struct gguf_key **key, struct error *e)
{
    const struct gguf_key *k = *key = gguf_find_key(g, name);
    if (!k) {
        return !required || error_input(e, "%s: key %s: expected an array, found no such key", g->path, name);
    }
    bool right_type = k->type == type || (type == GGUF_I32 && k->type == GGUF_U32);
    if (!k->is_array || !right_type) {
        return error_input(e, "%s: key %s at byte %" PRIu64 ": expected an array of %s, found another type", g->path, name, k->at_byte,
                           type == GGUF_STRING ? "strings"
                           : type == GGUF_F32  ? "f32"
                                               : "i32");
    }
    if (count == 0 ? k->count > TOKENS_MAX : k->count != count) {
        return error_input(e, "%s: key %s at byte %" PRIu64 ": expected %s%" PRIu64 " elements, found %" PRIu64, g->path, name, k->at_byte,
                           count == 0 ? "at most " : "", count == 0 ? (uint64_t)TOKENS_MAX : count, k->count);
    }
    return true;
}

static size_t strings_bytes(const struct gguf_key *key)
{
    size_t total = 0;
    const uint8_t *p = key->value;
    for (uint64_t i = 0; i < key->count; i++) {
        total += load_u64(p);
        p += 8 + load_u64(p);
    }
    return total;
}

static void copy_strings(const struct gguf_key *key, struct text *texts, char **room)
{
    const uint8_t *p = key->value;
    for (uint64_t i = 0; i < key->count; i++) {
        uint32_t length = (uint32_t)load_u64(p);
        memcpy(*room, p + 8, length);
        texts[i] = (struct text){*room, length};
        *room += length;
        p += 8 + length;
    }
}

static bool copy_types(const struct gguf *g, const struct gguf_key *key, struct vocab *v, struct error *e)
{
    for (int32_t i = 0; i < v->n_tokens; i++) {
        uint32_t type = key ? load_u32(key->value + 4 * (size_t)i) : TOKEN_NORMAL;
        if (type < TOKEN_NORMAL || type > TOKEN_BYTE) {
            return error_input(e,
                               "%s: key " PREFIX "token_type at byte %" PRIu64 ": expected types of 1 to 6, found %" PRIu32 " for token %d",
                               g->path, key->at_byte, type, i);
        }
        v->types[i] = (uint8_t)type;
    }
    return true;
}

static bool copy_scores(const struct gguf *g, const struct gguf_key *key, struct vocab *v, struct error *e)
{
    for (int32_t i = 0; i < v->n_tokens; i++) {
        float score = load_f32(key->value + 4 * (size_t)i);
        if (!isfinite(score)) {
            return error_input(e, "%s: key " PREFIX "scores at byte %" PRIu64 ": expected finite scores, found %f for token %d", g->path,
                               key->at_byte, (double)score, i);
        }
        v->scores[i] = score;
    }
    return true;
}

/* Defaults are llama.cpp's: a SentencePiece file without ids means 0, 1, 2; a BPE file without them has none. */
static bool read_special(const struct gguf *g, struct vocab *v, struct error *e)
{
    bool sentencepiece = v->kind == VOCAB_SENTENCEPIECE;
    static const char *const KEYS[3] = {PREFIX "unknown_token_id", PREFIX "bos_token_id", PREFIX "eos_token_id"};
    int32_t *const ids[3] = {&v->unknown, &v->bos, &v->eos};
    for (int32_t i = 0; i < 3; i++) {
        int64_t id = sentencepiece && i < v->n_tokens ? i : -1;
        if (!gguf_get_integer(g, KEYS[i], false, 0, v->n_tokens - 1, &id, e)) {
            return false;
        }
        *ids[i] = (int32_t)id;
    }
    v->add_bos = sentencepiece || strcmp(v->pre, "llama-bpe") == 0;
    return gguf_get_bool(g, PREFIX "add_bos_token", &v->add_bos, e) && gguf_get_bool(g, PREFIX "add_space_prefix", &v->add_space_prefix, e);
}

static bool fill(const struct gguf *g, const struct gguf_key *tokens, const struct gguf_key *merges, const struct gguf_key *scores,
                 const struct gguf_key *types, struct vocab *v, struct error *e)
{
    char *room;
    size_t bytes = strings_bytes(tokens) + (merges ? strings_bytes(merges) : 0);
    if (!vocab_allocate(v, (int32_t)tokens->count, merges ? (int32_t)merges->count : 0, scores != NULL, bytes, &room, e)) {
        return false;
    }
    v->kind = scores ? VOCAB_SENTENCEPIECE : VOCAB_BPE;
    copy_strings(tokens, v->tokens, &room);
    if (merges) {
        copy_strings(merges, v->merges, &room);
    }
    return copy_types(g, types, v, e) && (!scores || copy_scores(g, scores, v, e)) &&
           gguf_get_string(g, PREFIX "pre", false, v->pre, sizeof v->pre, e) && read_special(g, v, e);
}

bool gguf_vocab(const struct gguf *g, struct vocab *v, struct error *e)
{
    *v = (struct vocab){.kind = VOCAB_NONE, .bos = -1, .eos = -1, .unknown = -1};
    char model[MODEL_NAME_ROOM] = "no_vocab";
    if (!gguf_get_string(g, PREFIX "model", false, model, sizeof model, e)) {
        return false;
    }
    bool sentencepiece = strcmp(model, "llama") == 0;
    if (strcmp(model, "no_vocab") == 0 || strcmp(model, "none") == 0) {
        return true;
    }
    if (!sentencepiece && strcmp(model, "gpt2") != 0) {
        return error_input(
            e, "%s: key " PREFIX "model at byte %" PRIu64 ": expected \"llama\" (SentencePiece) or \"gpt2\" (BPE), found \"%s\"", g->path,
            gguf_find_key(g, PREFIX "model")->at_byte, model);
    }
    const struct gguf_key *tokens, *types, *scores = NULL, *merges = NULL;
    if (!find_array(g, PREFIX "tokens", true, GGUF_STRING, 0, &tokens, e)) {
        return false;
    }
    if (tokens->count == 0) {
        return error_input(e, "%s: key " PREFIX "tokens at byte %" PRIu64 ": expected tokens, found none", g->path, tokens->at_byte);
    }
    if (!find_array(g, PREFIX "token_type", false, GGUF_I32, tokens->count, &types, e) ||
        (sentencepiece && !find_array(g, PREFIX "scores", true, GGUF_F32, tokens->count, &scores, e)) ||
        (!sentencepiece && !find_array(g, PREFIX "merges", true, GGUF_STRING, 0, &merges, e))) {
        return false;
    }
    if (!fill(g, tokens, merges, scores, types, v, e)) {
        vocab_free(v);
        return false;
    }
    return true;
}
