#include "adapters/peft.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/architecture.h"

static const char PREFIX[] = "base_model.model.", LAYERS[] = "model.layers.", BASE_COPY[] = ".base_layer.weight";
#define NAMES_EXPECTED(linears)                                                                                              \
    "base_model.model.(model.layers.N.(" linears ")_proj|lm_head).lora_(A|B).weight or base_model.model.model.embed_tokens." \
    "lora_embedding_(A|B)"

/* Names of what the chip has no place for. */
static const char *const REFUSED[][2] = {
    {"lora_magnitude_vector", "DoRA rescales the base weights' rows"},
    {"trainable_tokens_delta", "rows of the embedding have no place in an adapter slot"},
    {"modules_to_save", "whole modules have no place in an adapter slot"},
    {"base_layer", "base weights are in ROM"},
    {"lm_head.weight", "base weights are in ROM"},
    {"embed_tokens.weight", "base weights are in ROM"},
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
    return lora_file_fail(f, t,
                          architectures[f->tensors.base.architecture].fused ? NAMES_EXPECTED("self_attn.qkv|o|mlp.gate_up|down")
                                                                            : NAMES_EXPECTED("self_attn.[qkvo]|mlp.gate|up|down"),
                          found, e);
}

/* base_model.model.MODULE.lora_A.weight, or lora_B: which it is (of a fused module the first linear); false for any other name. */
static bool parse_name(enum architecture architecture, const char *name, int32_t *layer, enum linear *which, enum lora_matrix *matrix)
{
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0) {
        return false;
    }
    const char *module = name + sizeof PREFIX - 1, *in_layer = NULL;
    *layer = 0;
    if (strncmp(module, LAYERS, sizeof LAYERS - 1) == 0) {
        in_layer = lora_layer_in_name(module + sizeof LAYERS - 1, name + strlen(name), layer);
        module = in_layer ? in_layer + 1 : "";
    }
    for (*which = in_layer ? LINEAR_Q : LINEAR_EMBEDDING; *which < (in_layer ? LINEAR_COUNT : LINEAR_ENDS); (*which)++) {
        const char *expected = peft_module(architecture, *which);
        size_t length = strlen(expected);
        if (strncmp(module, expected, length) == 0) {
            *matrix = strcmp(module + length, peft_tensor_suffix(*which, false)) == 0 ? LORA_A : LORA_B;
            return *matrix == LORA_A || strcmp(module + length, peft_tensor_suffix(*which, true)) == 0;
        }
    }
    return false;
}

/* PEFT saves an end's base weights along with its pair. They are in ROM already: only the shape can be held against the base. */
static bool is_copy_of_base(const struct lora_file *f, const char *name, const struct lora_file_tensor *t, bool *good, struct error *e)
{
    for (enum linear which = LINEAR_EMBEDDING; which < LINEAR_ENDS; which++) {
        const char *module = PEFT_MODULES[which];
        size_t length = sizeof PREFIX - 1 + strlen(module);
        const struct shape *base = &f->tensors.base;
        if (strncmp(name, PREFIX, sizeof PREFIX - 1) == 0 && strncmp(name + sizeof PREFIX - 1, module, strlen(module)) == 0 &&
            strcmp(name + length, BASE_COPY) == 0 && lora_tensors_linear(&f->tensors, 0, which)->rank > 0) {
            *good = lora_file_expect_shape(f, t, base->n_vocab, base->d_model, "as the base model's, which is in ROM", e);
            return true;
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
        bool good = true;
        if (is_copy_of_base(f, name, &t, &good, e)) {
            if (!good) {
                return false;
            }
            continue;
        }
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
                char module[PEFT_NAME_ROOM];
                const enum linear which = lora_tensors_which(&f->tensors, i);
                peft_module_name(f->tensors.base.architecture, i / LINEAR_COUNT, which, module);
                return error_input(e, "%s: tensor %s%s%s: expected by adapter_config.json, found no such tensor", f->safetensors.path,
                                   PREFIX, module, peft_tensor_suffix(which, matrix == LORA_B));
            }
        }
    }
    return true;
}

/* ensure_weight_tying: an end's pair is the other's too, transposed; PEFT writes both. */
static void tie_ends(struct lora_file *f)
{
    struct lora_linear *embedding = lora_tensors_linear(&f->tensors, 0, LINEAR_EMBEDDING), *head = embedding + 1;
    if (f->config.ties_ends && f->tensors.base.tied_head) {
        struct lora_linear *from = embedding->rank ? embedding : head, *to = embedding->rank ? head : embedding;
        to->rank = from->rank;
        to->alpha = from->alpha;
    }
}

static bool set_ranks(struct lora_file *f, struct error *e)
{
    for (int32_t i = 0; i < lora_tensors_count(&f->tensors); i++) {
        struct lora_linear *l = &f->tensors.linears[i];
        if (!peft_config_pair(&f->config, f->tensors.base.architecture, i / LINEAR_COUNT, lora_tensors_which(&f->tensors, i), &l->rank,
                              &l->alpha, e)) {
            return false;
        }
    }
    tie_ends(f);
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
