/* peft_config.h -- adapter_config.json, as PEFT writes it beside an adapter's weights.
 *
 * What changes the arithmetic in a way the chip does not have is refused by key and reason: modules_to_save, bias, DoRA, other kinds of
 * adapter, initialisations that change the base weights (PiSSA, OLoRA, ...), trained tokens. A key unknown to this program
 * is refused unless it is off (null, false, 0, empty). fan_in_fan_out says how a base weight is stored; PEFT turns it off for linears such
 * as a Llama's, and a LoRA pair's own shapes do not depend on it: both values mean the same.
 * Errors: input errors "FILE:LINE: key K: expected ..., found ...".
 */
#ifndef ETCHSIM_PEFT_CONFIG_H
#define ETCHSIM_PEFT_CONFIG_H

#include "adapters/module_pattern.h"

#define PEFT_ALPHA_MAX 1e8

struct peft_pattern { /* of rank_pattern, alpha_pattern or target_modules */
    struct module_pattern module;
    double value; /* a rank or an alpha */
};

struct peft_patterns {
    int32_t count, n_expressions;
    struct peft_pattern *items; /* owned; the first that matches counts */
};

struct peft_config {
    int32_t rank; /* 1 .. LORA_RANK_MAX; see peft_config_pair for each linear's own */
    double alpha;
    bool use_rslora;
    bool all_linear;   /* target_modules is "all-linear": the layers' linears, neither embedding nor head */
    bool ties_ends;    /* ensure_weight_tying: of a model whose head is its embedding, both have the pair that one of them is named for */
    int32_t layer_max; /* the last of layers_to_transform; 0 where it is off */
    const char *base_name; /* base_model_name_or_path, or "" */
    struct peft_patterns targets, ranks, alphas;
    void *json; /* owned: texts and layers_to_transform are in it */
    char *path; /* owned */
};

/* Text need not end in NUL. On failure *config is empty. */
bool peft_config_parse(const char *path, const char *text, size_t length_bytes, struct peft_config *config, struct error *e);
bool peft_config_read(const char *path, struct peft_config *config, struct error *e);
void peft_config_free(struct peft_config *config);

/* A linear's rank (0: this linear has no adapter) and the alpha of which B A is multiplied by alpha / rank: with use_rslora that is
 * lora_alpha * sqrt(rank). False where an expression's matching takes too much work. */
bool peft_config_pair(const struct peft_config *config, enum architecture architecture, int32_t layer, enum linear which, int32_t *rank,
                      double *alpha, struct error *e);

#endif
