/* lora_tensors.h -- a LoRA adapter as floats in memory: what readers give and what packing, algebra and writers take.
 *
 *   PEFT folder --peft.c-----+                                 +--> adapter.c      6 bits, for the chip
 *                            +--> lora_file --> lora_tensors --+--> algebra.c      stack, average, fewer ranks
 *   GGUF file --gguf_lora.c--+                                 +--> lora_write.c   PEFT folder or GGUF file
 *
 * Each linear's pair changes its weights by alpha / rank * B A. Rows of Q's and K's B are in GGUF order (RoPE rotates neighbours), whatever
 * the file's order was. The embedding's pair is one of a linear with a token's one-hot vector as its input: its weights are the embedding's,
 * transposed.
 */
#ifndef ETCHSIM_LORA_TENSORS_H
#define ETCHSIM_LORA_TENSORS_H

#include "kernels/types.h"
#include "sim/error.h"
#include "sim/gguf.h"

struct lora_linear {
    int32_t rank; /* 0: this linear has no pair */
    int32_t n_in, n_out;
    double alpha;
    float *a; /* [rank][n_in] */
    float *b; /* [n_out][rank] */
};

static inline double lora_scale(const struct lora_linear *l)
{
    return l->rank ? l->alpha / l->rank : 0;
}

enum { LORA_NAME_ROOM = 64, LORA_BASE_NAME_ROOM = 128 };

struct lora_tensors {
    char name[LORA_NAME_ROOM];           /* last component of the path, without extension */
    char base_name[LORA_BASE_NAME_ROOM]; /* what a PEFT configuration calls the base model, or "" */
    struct shape base;
    enum ggml_type type;         /* F32, F16 or BF16, the narrowest that holds all values exactly; what the file has them in */
    struct lora_linear *linears; /* owned, [pair_count(base.n_layers)] */
    float *memory;               /* owned: all a and b */
};

/* Linears with their shapes, without pairs. Give them ranks and alphas, then lora_tensors_allocate. On failure *t is empty. */
bool lora_tensors_make(const struct shape *base, struct lora_tensors *t, struct error *e);
/* Room, all zero, for every pair whose rank is set. On failure *t is empty. */
bool lora_tensors_allocate(struct lora_tensors *t, struct error *e);
void lora_tensors_free(struct lora_tensors *t);

static inline int32_t lora_tensors_count(const struct lora_tensors *t)
{
    return pair_count(t->base.n_layers);
}

static inline struct lora_linear *lora_tensors_linear(const struct lora_tensors *t, int32_t layer, enum linear which)
{
    return &t->linears[pair_index(t->base.n_layers, layer, which)];
}

int32_t lora_tensors_rank_max(const struct lora_tensors *t);
static inline enum linear lora_tensors_which(const struct lora_tensors *t, int32_t index)
{
    return pair_linear(t->base.n_layers, index);
}
/* "blk.7.attn_q", "token_embd", "output": of linear `index` of all. Returns `name`. */
enum { LORA_LINEAR_NAME_ROOM = 40 };
const char *lora_linear_name(const struct lora_tensors *t, int32_t index, char name[LORA_LINEAR_NAME_ROOM]);

/* Where a path's last component starts, and its length without slashes at the end and without the extension ".gguf". */
const char *lora_name_of_path(const char *path, int *length);

#endif
