/* bake_options.c -- the format of each class of tensors. */
#include <string.h>

#include "sim/bake.h"
#include "sim/gguf_model.h"

void bake_options_default(struct bake_options *options)
{
    *options = (struct bake_options){.embedding_bits = 6};
}

static bool set_class(struct bake_options *options, const char *name, size_t length, int32_t bits)
{
    bool all = length == 7 && memcmp(name, "linears", 7) == 0, found = all;
    for (int which = 0; which < LINEAR_COUNT; which++) {
        if (all || (strlen(LINEAR_NAMES[which]) == length && memcmp(name, LINEAR_NAMES[which], length) == 0)) {
            options->linear_bits[which] = bits;
            found = true;
        }
    }
    if (length == 10 && memcmp(name, "token_embd", 10) == 0) {
        options->embedding_bits = bits;
        found = true;
    }
    if (length == 6 && memcmp(name, "output", 6) == 0) {
        options->head_bits = bits;
        found = true;
    }
    return found;
}

bool bake_options_set(struct bake_options *options, const char *assignments, struct error *e)
{
    const char *at = assignments;
    for (;;) {
        size_t length = strcspn(at, ",");
        const char *equals = memchr(at, '=', length);
        bool good = equals && at + length == equals + 2 && strchr("346", equals[1]) &&
                    set_class(options, at, (size_t)(equals - at), equals[1] - '0');
        if (!good) {
            return error_input(
                e,
                "weight formats: expected CLASS=3, CLASS=4 or CLASS=6 with a class of attn_q, attn_k, attn_v, attn_output, ffn_gate, "
                "ffn_up, ffn_down, linears, token_embd, output; found \"%.*s\"",
                (int)(length < 100 ? length : 100), at);
        }
        if (at[length] == '\0') {
            return true;
        }
        at += length + 1;
    }
}
