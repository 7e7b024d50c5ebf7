#include "adapters/gguf_lora.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/architecture.h"
#include "sim/gguf_model.h"

/* Tensors that the chip has no place for, by how their name begins, or by a part that begins with '_' or '.'. */
static const char *const REFUSED[][2] = {
    {"token_embd", "base weights are in ROM"},
    {"output.weight", "base weights are in ROM"},
    {"_norm", "norm weights are in ROM"},
    {".bias", "a bias has no place in an adapter slot"},
};

static bool expect_key(const struct gguf *g, const char *key, const char *expected, const char *why, struct error *e)
{
    char value[64];
    if (!gguf_get_string(g, key, true, value, sizeof value, e)) {
        return false;
    }
    return strcmp(value, expected) == 0 || error_input(e, "%s: key %s at byte %" PRIu64 ": expected \"%s\" (%s), found \"%s\"", g->path,
                                                       key, gguf_find_key(g, key)->at_byte, expected, why, value);
}

static bool check_keys(const struct gguf *g, enum architecture architecture, float *alpha, struct error *e)
{
    static const char INVOCATION[] = "adapter.alora.invocation_tokens", ALPHA[] = "adapter.lora.alpha";
    if (!expect_key(g, "general.type", "adapter", "a model is no adapter", e) ||
        !expect_key(g, "general.architecture", architectures[architecture].name, "the base model's architecture", e) ||
        !expect_key(g, "adapter.type", "lora", "low-rank pairs are all that a slot holds", e) ||
        !gguf_get_float(g, ALPHA, true, alpha, e)) {
        return false;
    }
    const struct gguf_key *invocation = gguf_find_key(g, INVOCATION);
    if (invocation && invocation->count > 0) {
        return error_input(e, "%s: key %s at byte %" PRIu64 ": expected no such key (an activated LoRA is off for part of the prompt)",
                           g->path, INVOCATION, invocation->at_byte);
    }
    return (*alpha >= 0 && (double)*alpha <= PEFT_ALPHA_MAX) ||
           error_input(e, "%s: key %s at byte %" PRIu64 ": expected a number of 0 to 1e8, found %g", g->path, ALPHA,
                       gguf_find_key(g, ALPHA)->at_byte, (double)*alpha);
}

static struct lora_file_tensor as_lora(const struct lora_file *f, const struct gguf_tensor *t)
{
    bool matrix = t->n_dims == 2;
    return (struct lora_file_tensor){.name = t->name,
                                     .at_byte = gguf_tensor_at(&f->gguf, t),
                                     .n_rows = matrix ? t->n_rows : -1,
                                     .n = matrix ? t->dims[0] : -1,
                                     .type = t->type,
                                     .source = t};
}

static bool fail_name(const struct lora_file *f, const struct lora_file_tensor *t, struct error *e)
{
    char found[96] = "another name";
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        const char *part = REFUSED[i][0], *at = memmem(t->name.bytes, t->name.length_bytes, part, strlen(part));
        if (at && (at == t->name.bytes || part[0] == '_' || part[0] == '.')) {
            snprintf(found, sizeof found, "another name (%s)", REFUSED[i][1]);
            break;
        }
    }
    const bool fused = architectures[f->tensors.base.architecture].fused;
    return lora_file_fail(f, t,
                          fused ? "(blk.N.(attn_qkv|attn_output|ffn_up|ffn_down)|token_embd|output).weight.lora_(a|b)"
                                : "(blk.N.(attn_[qkv]|attn_output|ffn_gate|ffn_up|ffn_down)|token_embd|output).weight.lora_(a|b)",
                          found, e);
}

/* Is a name MATRIX.weight.lora_a, or lora_b? Which one, in *matrix. */
static bool is_pair_of(struct text name, const char *of, enum lora_matrix *matrix)
{
    char expected[GGUF_TENSOR_NAME_MAX + 1];
    for (*matrix = LORA_A; *matrix <= LORA_B; (*matrix)++) {
        snprintf(expected, sizeof expected, "%s.weight.lora_%c", of, "ab"[*matrix]);
        if (text_is(name, expected)) {
            return true;
        }
    }
    return false;
}

/* blk.N.LINEAR.weight.lora_a, token_embd.weight.lora_a, output.weight.lora_a, or lora_b: which it is (of a fused matrix the first linear); false for any other
 * name. */
static bool parse_name(enum architecture architecture, struct text name, int32_t *layer, enum linear *which, enum lora_matrix *matrix)
{
    const char *end = name.bytes + name.length_bytes, *rest = NULL;
    if (name.length_bytes > 4 && memcmp(name.bytes, "blk.", 4) == 0) {
        rest = lora_layer_in_name(name.bytes + 4, end, layer);
    }
    for (int i = 0; rest && i < LINEAR_COUNT; i += fused_linears(architecture, (enum linear)i)) {
        *which = (enum linear)i;
        if (is_pair_of((struct text){rest + 1, (uint32_t)(end - rest - 1)}, gguf_matrix_name(architecture, *which), matrix)) {
            return true;
        }
    }
    for (*which = LINEAR_EMBEDDING; *which < LINEAR_ENDS; (*which)++) {
        *layer = 0;
        if (is_pair_of(name, LINEAR_NAMES[*which], matrix)) {
            return true;
        }
    }
    return false;
}

static bool check_type(const struct lora_file *f, const struct lora_file_tensor *t, struct error *e)
{
    bool good = t->type == GGML_F32 || t->type == GGML_F16 || t->type == GGML_BF16 || t->type == GGML_Q8_0;
    return good || lora_file_fail(f, t, "F32, F16, BF16 or Q8_0", gguf_type_name(t->type), e);
}

static bool place_tensors(struct lora_file *f, struct error *e)
{
    for (uint64_t i = 0; i < f->gguf.n_tensors; i++) {
        struct lora_file_tensor t = as_lora(f, &f->gguf.tensors[i]);
        int32_t layer;
        enum linear which;
        enum lora_matrix matrix;
        if (!parse_name(f->tensors.base.architecture, t.name, &layer, &which, &matrix)) {
            return fail_name(f, &t, e);
        }
        t.transposed = which == LINEAR_EMBEDDING && matrix == LORA_A;
        if (!check_type(f, &t, e) || !lora_file_place(f, &t, layer, which, matrix, e)) {
            return false;
        }
    }
    return true;
}

/* Both of a pair, and the rank that lora_b has. */
static bool set_rank(const struct lora_file *f, int32_t index, double alpha, struct error *e)
{
    struct lora_linear *l = &f->tensors.linears[index];
    const struct lora_file_tensor *m = f->pairs[index].matrix;
    for (int missing = LORA_A; missing <= LORA_B; missing++) {
        const struct lora_file_tensor *other = &m[1 - missing];
        if (!m[missing].name.bytes && other->name.bytes) {
            char name[PRINTABLE_ROOM];
            return error_input(e, "%s: tensor %s at byte %" PRIu64 ": expected lora_%c beside it, found no such tensor", f->gguf.path,
                               printable(other->name, name), other->at_byte, "ab"[missing]);
        }
    }
    if (!m[LORA_B].name.bytes) {
        return true;
    }
    if (m[LORA_B].n < 1 || m[LORA_B].n > LORA_RANK_MAX) {
        char found[64] = "not two dimensions";
        if (m[LORA_B].n > 0) {
            snprintf(found, sizeof found, "%" PRId64, m[LORA_B].n);
        }
        return lora_file_fail(f, &m[LORA_B], "a rank of 1 to 128", found, e);
    }
    l->rank = (int32_t)m[LORA_B].n;
    l->alpha = alpha > 0 ? alpha : l->rank;
    return true;
}

/* What the base is called, for a PEFT folder made from this one. */
static void take_base_name(struct lora_file *f)
{
    struct error ignored; /* a name that is too long is left out */
    char name[LORA_BASE_NAME_ROOM] = "";
    if (gguf_get_string(&f->gguf, "general.base_model.0.name", false, name, sizeof name, &ignored)) {
        memcpy(f->tensors.base_name, name, sizeof name);
    }
}

bool gguf_lora_find_pairs(struct lora_file *f, struct error *e)
{
    float alpha = 0;
    take_base_name(f);
    if (!check_keys(&f->gguf, f->tensors.base.architecture, &alpha, e) || !place_tensors(f, e)) {
        return false;
    }
    for (int32_t i = 0; i < lora_tensors_count(&f->tensors); i++) {
        if (!set_rank(f, i, (double)alpha, e)) {
            return false;
        }
    }
    return true;
}
