#include "sim/text_tokens.h"

#include "sim/mapped.h"

bool text_tokens(const char *path, const struct image *image, int64_t tokens, struct token_ids *ids, struct error *e)
{
    struct mapped map;
    struct tokenizer *tokenizer = NULL;
    struct error text;
    if (!mapped_open(path, &map, e)) {
        return false;
    }
    bool good = tokenizer_open(&image->vocab, &tokenizer, e);
    if (good && !tokenizer_encode(tokenizer, (const char *)map.bytes, map.size_bytes, image->vocab.add_bos, ids, &text)) {
        good = error_input(e, "%s: %s", path, text.message);
    }
    tokenizer_close(tokenizer);
    mapped_close(&map);
    if (!good) {
        return false;
    }
    const int64_t most = tokens < image->model.shape.context_tokens ? tokens : image->model.shape.context_tokens;
    ids->count = ids->count < most ? ids->count : (int32_t)most;
    return ids->count > 0 || error_input(e, "%s: expected some text, found none", path);
}
