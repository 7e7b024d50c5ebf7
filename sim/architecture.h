/* architecture.h -- the model architectures that have a chip: what they are called in files, and what sets them apart from a Llama.
 *
 *               biases of  norm of   norm of what  SiLU or  embedding    RoPE in GGUF files     linears fused in files
 *               Q, K, V    Q, K      blocks add    GELU     times root d
 *   llama                                          SiLU                  neighbours
 *   qwen2       yes                                SiLU                  halves
 *   qwen3                  yes                     SiLU                  halves
 *   gemma3                 yes       yes           GELU     yes          halves, two bases
 *   phi3                                           SiLU                  halves of a part       Q K V, gate up
 *
 * The chip turns neighbours, the pairs (2i, 2i + 1). Files with rotated halves (all of Hugging Face's, GGUF's but for llama) pair value i of a head
 * with value i + rotary_dim / 2; their rows of Q and K, biases, norms of heads and LoRA B's change places when they are read.
 */
#ifndef ETCHSIM_ARCHITECTURE_H
#define ETCHSIM_ARCHITECTURE_H

#include "kernels/types.h"
#include "sim/error.h"

struct architecture_info {
    const char *name;    /* general.architecture in GGUF files; their keys begin with it */
    const char *hf_name; /* model_type in config.json */
    bool halves;         /* in GGUF files */
    bool fused;          /* Q, K and V are one matrix in files, gate and up another */
    bool qkv_bias, qk_norm, post_norms, scaled_embedding;
    enum activation activation;
};
extern const struct architecture_info architectures[ARCHITECTURE_COUNT];

/* Sets s->architecture and what every model of it has. */
void architecture_apply(enum architecture architecture, struct shape *s);
/* "llama, qwen2, ...", for messages; hf: Hugging Face's names. */
enum { ARCHITECTURE_NAMES_ROOM = 96 };
const char *architecture_names(bool hf, char names[ARCHITECTURE_NAMES_ROOM]);
/* By either name; false for any other. */
bool architecture_find(const char *name, bool hf, enum architecture *architecture);

/* Linears from `first` on that are one matrix in files, and one module in Hugging Face's. */
static inline int fused_linears(enum architecture architecture, enum linear first)
{
    const bool fused = architectures[architecture].fused;
    return fused && first == LINEAR_Q ? 3 : fused && first == LINEAR_GATE ? 2 : 1;
}

/* Where a file with rotated halves has the chip's row (or value): row r of heads of head_dim, of which rotary_dim turn. */
static inline int32_t halves_row(int32_t r, int32_t head_dim, int32_t rotary_dim)
{
    int32_t in_head = r % head_dim;
    return in_head < rotary_dim ? r - in_head + in_head % 2 * (rotary_dim / 2) + in_head / 2 : r;
}
/* The inverse: which of the chip's rows a file has at r. */
static inline int32_t halves_chip_row(int32_t r, int32_t head_dim, int32_t rotary_dim)
{
    int32_t in_head = r % head_dim, half = rotary_dim / 2;
    return in_head < rotary_dim ? r - in_head + in_head % half * 2 + in_head / half : r;
}

#endif
