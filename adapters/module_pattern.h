/* module_pattern.h -- the names of a model's linears as PEFT knows them, and the patterns in an adapter's configuration that pick some.
 *
 *   name       model.layers.7.self_attn.q_proj, model.embed_tokens, lm_head
 *   plain      q_proj, self_attn.q_proj, layers.7.self_attn.q_proj ...: the name's end, from a dot on
 *   expression anything else, a regular expression for the name's end from a dot on (rank_pattern, alpha_pattern) or for the whole name
 *              (target_modules); PCRE2 in place of Python's re, with bounds on its work
 */
#ifndef ETCHSIM_MODULE_PATTERN_H
#define ETCHSIM_MODULE_PATTERN_H

#include "kernels/types.h"
#include "sim/error.h"

/* "self_attn.q_proj" .. "mlp.down_proj", "model.embed_tokens", "lm_head", by enum linear. */
extern const char *const PEFT_MODULES[LINEAR_ENDS];
/* The module that has a linear: the same, or where several are one "self_attn.qkv_proj", "mlp.gate_up_proj". */
const char *peft_module(enum architecture architecture, enum linear which);
/* Its whole name, written to `name`; returns the length. */
enum { PEFT_NAME_ROOM = 64 };
size_t peft_module_name(enum architecture architecture, int32_t layer, enum linear which, char name[PEFT_NAME_ROOM]);
/* What follows the module in a tensor's name: ".lora_A.weight", of the embedding ".lora_embedding_A". */
const char *peft_tensor_suffix(enum linear which, bool is_b);

struct module_pattern {
    const char *text; /* the caller's */
    void *code;       /* owned: the compiled expression; NULL for a plain name */
};

/* False, and *reason in words for a message, where an expression does not compile. `whole`: it must match the whole name. */
bool module_pattern_compile(const char *text, bool whole, struct module_pattern *p, char reason[128]);
void module_pattern_free(struct module_pattern *p);

enum module_match { MODULE_DIFFERS, MODULE_MATCHES, MODULE_TOO_MUCH_WORK };
enum module_match module_pattern_match(const struct module_pattern *p, enum architecture architecture, int32_t layer, enum linear which);
/* Is a plain pattern the whole name, not its end? */
bool module_pattern_is_whole(const struct module_pattern *p, enum architecture architecture, int32_t layer, enum linear which);

/* Could a plain name be one of any model's linears at all? True for every expression. */
bool module_pattern_possible(const struct module_pattern *p);

#endif
