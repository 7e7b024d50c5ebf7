#include "adapters/peft.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/architecture.h"

static const char PREFIX[] = "base_model.model.model.layers.";
static const char NAMES_EXPECTED[] = "base_model.model.model.layers.N.(self_attn.[qkvo]|mlp.gate|up|down)_proj.lora_(A|B).weight";
static const char FUSED_NAMES_EXPECTED[] = "base_model.model.model.layers.N.(self_attn.qkv|o|mlp.gate_up|down)_proj.lora_(A|B).weight";

/* Names of what the chip has no place for. */
static const char *const REFUSED[][2] = {
    {"lora_magnitude_vector", "DoRA rescales the base weights' rows"},
    {"lm_head", "the head is in ROM, without a LoRA path"},
    {"embed_tokens", "the embedding is in ROM, without a LoRA path"},
    {"lora_embedding_", "the embedding is in ROM, without a LoRA path"},
    {"modules_to_save", "whole modules have no place in an adapter slot"},
    {"base_layer", "base weights are in ROM"},
    {"norm.weight", "norm weights are in ROM"},
    {".bias", "a bias has no place in an adapter slot"},
};

static struct lora_file_tensor as_lora(const struct lora_file *f, const struct safetensors_tensor *t)
{
    static const enum ggml_type types[] = {[SAFETENSORS_F32] = GGML_F32, [SAFETENSORS_F16] = GGML_F16, [SAFETENSORS_BF16] = GGML_BF16};
    bool matrix = t->n_dims == 2;
    return (struct lora_file_tensor){.name = {t->name, (uint32_t)strnlen(t->name, 4096)},
                                     .at_byte = f->safetensors.data_start + t->begin,
                                     .n_rows = matrix ? t->dims[0] : -1,
                                     .n = matrix ? t->dims[1] : -1,
                                     .type = types[t->type],
                                     .source = t};
}

static bool fail_name(const struct lora_file *f, const struct lora_file_tensor *t, const char *name, struct error *e)
{
    char found[96] = "another name";
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        if (strstr(name, REFUSED[i][0])) {
            snprintf(found, sizeof found, "another name (%s)", REFUSED[i][1]);
            break;
        }
    }
    return lora_file_fail(f, t, architectures[f->tensors.base.architecture].fused ? FUSED_NAMES_EXPECTED : NAMES_EXPECTED, found, e);
}

/* base_model.model.model.layers.N.MODULE.lora_A.weight, or lora_B: which it is (of a fused module the first linear); false for any other name. */
static bool parse_name(enum architecture architecture, const char *name, int32_t *layer, enum linear *which, enum lora_matrix *matrix)
{
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0) {
        return false;
    }
    const char *digits = name + sizeof PREFIX - 1, *rest = lora_layer_in_name(digits, name + strlen(name), layer);
    for (int i = 0; rest && i < LINEAR_COUNT; i++) {
        const char *module = peft_module(architecture, (enum linear)i);
        size_t length = strlen(module);
        if (strncmp(rest + 1, module, length) == 0) {
            const char *kind = rest + 1 + length;
            *which = (enum linear)i;
            *matrix = strcmp(kind, ".lora_A.weight") == 0 ? LORA_A : LORA_B;
            return *matrix == LORA_A || strcmp(kind, ".lora_B.weight") == 0;
        }
    }
    return false;
}

/* Every tensor of the file to its place. */
static bool place_tensors(struct lora_file *f, struct error *e)
{
    for (int64_t i = 0; i < f->safetensors.n_tensors; i++) {
        const char *name = f->safetensors.tensors[i].name;
        struct lora_file_tensor t = as_lora(f, &f->safetensors.tensors[i]);
        int32_t layer;
        enum linear which;
        enum lora_matrix matrix;
        if (!parse_name(f->tensors.base.architecture, name, &layer, &which, &matrix)) {
            return fail_name(f, &t, name, e);
        }
        if (!lora_file_place(f, &t, layer, which, matrix, e)) {
            return false;
        }
        if (lora_tensors_linear(&f->tensors, layer, which)->rank == 0) {
            return lora_file_fail(f, &t, "only modules and layers that adapter_config.json names", "one that it does not", e);
        }
    }
    return true;
}

/* What the configuration names is in the file. */
static bool check_complete(const struct lora_file *f, struct error *e)
{
    for (int32_t i = 0; i < lora_tensors_count(&f->tensors); i++) {
        for (int matrix = LORA_A; matrix <= LORA_B && f->tensors.linears[i].rank > 0; matrix++) {
            if (!f->pairs[i].matrix[matrix].name.bytes) {
                return error_input(e, "%s: tensor %s%d.%s.lora_%c.weight: expected by adapter_config.json, found no such tensor",
                                   f->safetensors.path, PREFIX, i / LINEAR_COUNT,
                                   peft_module(f->tensors.base.architecture, (enum linear)(i % LINEAR_COUNT)), "AB"[matrix]);
            }
        }
    }
    return true;
}

static bool set_ranks(struct lora_file *f, struct error *e)
{
    for (int32_t i = 0; i < lora_tensors_count(&f->tensors); i++) {
        struct lora_linear *l = &f->tensors.linears[i];
        if (!peft_config_pair(&f->config, f->tensors.base.architecture, i / LINEAR_COUNT, (enum linear)(i % LINEAR_COUNT), &l->rank,
                              &l->alpha, e)) {
            return false;
        }
    }
    if (f->config.layer_max >= f->tensors.base.n_layers) {
        return error_input(e, "%s: key layers_to_transform: expected layers of 0 to %d, the base model's, found layer %d", f->config.path,
                           f->tensors.base.n_layers - 1, f->config.layer_max);
    }
    return lora_tensors_rank_max(&f->tensors) > 0 ||
           error_input(e, "%s: key target_modules: expected to name at least one linear of the base model's %d layers, found none",
                       f->config.path, f->tensors.base.n_layers);
}

bool peft_find_pairs(struct lora_file *f, struct error *e)
{
    snprintf(f->tensors.base_name, sizeof f->tensors.base_name, "%s", f->config.base_name);
    return set_ranks(f, e) && place_tensors(f, e) && check_complete(f, e);
}
