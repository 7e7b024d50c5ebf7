/* gguf_llama.h -- a GGUF file as a Llama model: its shape, and which tensor is which.
 *
 * Refused by name: other architectures, mixtures of experts, RoPE scaling by key, partial rotation, tensors this program does not know
 * (biases, for instance), shapes that contradict the keys.
 */
#ifndef ETCHSIM_GGUF_LLAMA_H
#define ETCHSIM_GGUF_LLAMA_H

#include "kernels/types.h"
#include "sim/gguf.h"

/* "attn_q" .. "ffn_down", by enum linear: the names in GGUF, in options and in reports. */
extern const char *const LINEAR_NAMES[LINEAR_COUNT];

struct llama_layer_tensors {
    const struct gguf_tensor *attention_norm, *ffn_norm, *linear[LINEAR_COUNT];
};

struct gguf_llama {
    struct shape shape;
    const struct gguf_tensor *embedding, *final_norm;
    const struct gguf_tensor *head;         /* NULL where tied to the embedding */
    const struct gguf_tensor *rope_factors; /* rope_freqs.weight, what frequencies are divided by; may be NULL */
    struct llama_layer_tensors *layers;     /* owned, [shape.n_layers] */
};

/* On failure *m is empty. Pointers are into *g. */
bool gguf_llama(const struct gguf *g, struct gguf_llama *m, struct error *e);
void gguf_llama_free(struct gguf_llama *m);

#endif
