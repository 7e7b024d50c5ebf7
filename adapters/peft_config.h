/* peft_config.h -- adapter_config.json, as PEFT writes it beside an adapter's weights.
 *
 * What changes the arithmetic in a way the chip does not have is refused by key and reason: modules_to_save, bias, DoRA, other kinds of
 * adapter, initialisations that change the base weights (PiSSA, OLoRA, ...), regular expressions. A key unknown to this program
 * is refused unless it is off (null, false, 0, empty). fan_in_fan_out has no meaning for a Llama's linears; PEFT ignores it there, and
 * so do we.
 * Errors: input errors "FILE: line N: key K: expected ..., found ...".
 */
#ifndef ETCHSIM_PEFT_CONFIG_H
#define ETCHSIM_PEFT_CONFIG_H

#include "kernels/types.h"
#include "sim/error.h"

struct peft_config {
    int32_t rank; /* 1 .. LORA_RANK_MAX; see peft_config_pair for each linear's own */
    double alpha;
    bool use_rslora;
    int32_t layer_max; /* the last of layers_to_transform; 0 where it is off */
    bool targets[LINEAR_COUNT];
    void *json; /* owned: the patterns are looked up in it */
    char *path; /* owned */
};

/* Text need not end in NUL. On failure *config is empty. */
bool peft_config_parse(const char *path, const char *text, size_t length_bytes, struct peft_config *config, struct error *e);
bool peft_config_read(const char *path, struct peft_config *config, struct error *e);
void peft_config_free(struct peft_config *config);

/* A linear's rank (0: this linear has no adapter) and what B A is multiplied by: alpha / rank, or alpha / sqrt(rank). */
void peft_config_pair(const struct peft_config *config, int32_t layer, enum linear which, int32_t *rank, double *scale);

/* "self_attn.q_proj" .. "mlp.down_proj", by enum linear. */
extern const char *const PEFT_MODULES[LINEAR_COUNT];

#endif
