#define PCRE2_CODE_UNIT_WIDTH 8
#include "adapters/module_pattern.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/architecture.h"

const char *const PEFT_MODULES[LINEAR_ENDS] = {"self_attn.q_proj", "self_attn.k_proj",   "self_attn.v_proj",
                                               "self_attn.o_proj", "mlp.gate_proj",      "mlp.up_proj",
                                               "mlp.down_proj",    "model.embed_tokens", "lm_head"};

const char *peft_module(enum architecture architecture, enum linear which)
{
    const bool in_qkv = which <= LINEAR_V, in_gate_up = which == LINEAR_GATE || which == LINEAR_UP;
    return !architectures[architecture].fused ? PEFT_MODULES[which]
           : in_qkv                           ? "self_attn.qkv_proj"
           : in_gate_up                       ? "mlp.gate_up_proj"
                                              : PEFT_MODULES[which];
}

/* A name has some thirty letters: an honest expression needs a few hundred steps. */
enum { TEXT_BYTES_MAX = 4096, MATCH_STEPS_MAX = 20000, DEPTH_MAX = 1000, HEAP_KIB_MAX = 1024 };

static bool is_plain(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0';
}

bool module_pattern_compile(const char *text, bool whole, struct module_pattern *p, char reason[128])
{
    *p = (struct module_pattern){.text = text};
    if (is_plain(text) && !whole) {
        return true;
    }
    char expression[TEXT_BYTES_MAX + 32];
    if (strlen(text) > TEXT_BYTES_MAX) {
        snprintf(reason, 128, "longer than %d bytes", TEXT_BYTES_MAX);
        return false;
    }
    /* The groups are those that PEFT puts around it, so that an expression's own group numbers stay right. */
    snprintf(expression, sizeof expression, whole ? "(?:%s)" : "(.*\\.)?(%s)$", text);
    int code;
    PCRE2_SIZE at;
    uint32_t options = PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C | (whole ? PCRE2_ENDANCHORED : 0);
    p->code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);
    if (!p->code) {
        PCRE2_UCHAR words[96];
        pcre2_get_error_message(code, words, sizeof words);
        snprintf(reason, 128, "%.100s", (const char *)words);
        return false;
    }
    return true;
}

void module_pattern_free(struct module_pattern *p)
{
    pcre2_code_free(p->code);
    *p = (struct module_pattern){0};
}

size_t peft_module_name(enum architecture architecture, int32_t layer, enum linear which, char name[PEFT_NAME_ROOM])
{
    const char *module = peft_module(architecture, which);
    return (size_t)(which < LINEAR_COUNT ? snprintf(name, PEFT_NAME_ROOM, "model.layers.%d.%s", layer, module)
                                         : snprintf(name, PEFT_NAME_ROOM, "%s", module));
}

const char *peft_tensor_suffix(enum linear which, bool is_b)
{
    return which == LINEAR_EMBEDDING ? (is_b ? ".lora_embedding_B" : ".lora_embedding_A") : is_b ? ".lora_B.weight" : ".lora_A.weight";
}

static enum module_match match_expression(const pcre2_code *code, const char *name, size_t length)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    int found = PCRE2_ERROR_NOMEMORY;
    if (data && context) {
        pcre2_set_match_limit(context, MATCH_STEPS_MAX);
        pcre2_set_depth_limit(context, DEPTH_MAX);
        pcre2_set_heap_limit(context, HEAP_KIB_MAX);
        found = pcre2_match(code, (PCRE2_SPTR)name, length, 0, 0, data, context);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    return found >= 0 ? MODULE_MATCHES : found == PCRE2_ERROR_NOMATCH ? MODULE_DIFFERS : MODULE_TOO_MUCH_WORK;
}

enum module_match module_pattern_match(const struct module_pattern *p, enum architecture architecture, int32_t layer, enum linear which)
{
    char name[PEFT_NAME_ROOM];
    size_t length = peft_module_name(architecture, layer, which, name);
    if (p->code) {
        return match_expression(p->code, name, length);
    }
    size_t n = strlen(p->text);
    bool ends = n <= length && strcmp(name + length - n, p->text) == 0 && (n == length || name[length - n - 1] == '.');
    return ends ? MODULE_MATCHES : MODULE_DIFFERS;
}

bool module_pattern_is_whole(const struct module_pattern *p, enum architecture architecture, int32_t layer, enum linear which)
{
    char name[PEFT_NAME_ROOM];
    peft_module_name(architecture, layer, which, name);
    return !p->code && strcmp(p->text, name) == 0;
}

bool module_pattern_possible(const struct module_pattern *p)
{
    const char *digits = strstr(p->text, "layers.");
    int32_t layer = digits ? (int32_t)strtol(digits + 7, NULL, 10) : 0; /* the layer it names itself, if any */
    bool possible = p->code != NULL;
    for (int i = 0; i < ARCHITECTURE_COUNT * LINEAR_ENDS && !possible; i++) {
        possible = module_pattern_match(p, (enum architecture)(i / LINEAR_ENDS), layer, (enum linear)(i % LINEAR_ENDS)) == MODULE_MATCHES;
    }
    return possible;
}
