#include "sim/architecture.h"

#include <stdio.h>
#include <string.h>

const struct architecture_info architectures[ARCHITECTURE_COUNT] = {
    [ARCHITECTURE_LLAMA] = {"llama", "llama"},
    [ARCHITECTURE_QWEN2] = {"qwen2", "qwen2", .halves = true, .qkv_bias = true},
    [ARCHITECTURE_QWEN3] = {"qwen3", "qwen3", .halves = true, .qk_norm = true},
    [ARCHITECTURE_GEMMA3] = {"gemma3", "gemma3_text", .halves = true, .qk_norm = true, .post_norms = true, .scaled_embedding = true,
                             .activation = ACTIVATION_GELU},
    [ARCHITECTURE_PHI3] = {"phi3", "phi3", .halves = true, .fused = true},
};

void architecture_apply(enum architecture architecture, struct shape *s)
{
    const struct architecture_info *a = &architectures[architecture];
    s->architecture = architecture;
    s->qkv_bias = a->qkv_bias;
    s->qk_norm = a->qk_norm;
    s->post_norms = a->post_norms;
    s->scaled_embedding = a->scaled_embedding;
    s->activation = a->activation;
}

const char *architecture_names(bool hf, char names[ARCHITECTURE_NAMES_ROOM])
{
    int length = 0;
    for (int i = 0; i < ARCHITECTURE_COUNT; i++) {
        length += snprintf(names + length, (size_t)(ARCHITECTURE_NAMES_ROOM - length), "%s%s", i ? ", " : "",
                           hf ? architectures[i].hf_name : architectures[i].name);
    }
    return names;
}

bool architecture_find(const char *name, bool hf, enum architecture *architecture)
{
    for (int i = 0; i < ARCHITECTURE_COUNT; i++) {
        if (strcmp(name, hf ? architectures[i].hf_name : architectures[i].name) == 0) {
            *architecture = (enum architecture)i;
            return true;
        }
    }
    return false;
}
