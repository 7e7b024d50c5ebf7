/* gguf_model.h -- a GGUF file as a model of one of the architectures in architecture.h: its shape, and which tensor is which.
 *
 *   keys --gguf_shape.c--> struct shape --gguf_model.c--> tensors, or parts of them, in the chip's order
 *
 * Refused by name: other architectures, mixtures of experts, RoPE scaling by key, soft caps of logits, tensors this program does not know, shapes
 * that contradict the keys.
 */
#ifndef ETCHSIM_GGUF_MODEL_H
#define ETCHSIM_GGUF_MODEL_H

#include "kernels/types.h"
#include "sim/gguf.h"

/* "attn_q" .. "ffn_down", by enum linear: the names in GGUF, in options and in reports. */
extern const char *const LINEAR_NAMES[LINEAR_ENDS];

/* Of the matrix that begins with a linear: its own name, or "attn_qkv" and "ffn_up" where several are one. */
const char *gguf_matrix_name(enum architecture architecture, enum linear first);

/* Rows of a matrix, or values of a vector, in the chip's order. */
struct gguf_part {
    const struct gguf_tensor *tensor; /* NULL: the model has none */
    int32_t first, n;                 /* where they begin in the tensor, and how many there are */
    int32_t head_dim, rotary_dim;     /* the file has rotated halves: in each head they stand in another order; 0: as the chip wants them */
};
/* Where the tensor has the chip's row (value) i. */
int32_t gguf_part_at(const struct gguf_part *part, int32_t i);

struct gguf_layer {
    struct gguf_part attention_norm, ffn_norm, post_attention_norm, post_ffn_norm, q_norm, k_norm;
    struct gguf_part linear[LINEAR_COUNT];
    struct gguf_part bias[BIASES];
};

struct gguf_model {
    struct shape shape;
    struct gguf_part embedding, final_norm;
    struct gguf_part head;                  /* no tensor where tied to the embedding */
    const struct gguf_tensor *rope_factors; /* what frequencies are divided by: rope_freqs.weight, rope_factors_short.weight; may be NULL */
    /* Phi 3: the same for a context longer than the one first trained for, which is shape.context_tokens unless these are used. */
    const struct gguf_tensor *rope_factors_long;
    int32_t long_context_tokens;
    struct gguf_layer *layers; /* owned, [shape.n_layers] */
};

/* On failure *m is empty. Pointers are into *g. */
bool gguf_model(const struct gguf *g, struct gguf_model *m, struct error *e);
void gguf_model_free(struct gguf_model *m);
/* The long context and its factors instead of the short ones. False, and an error, where the file has none. */
bool gguf_model_use_long_rope(const struct gguf *g, struct gguf_model *m, struct error *e);

/* All of a vector part, in the chip's order; NaN and infinities are errors. out [part->n], row [the tensor's own length]. */
bool gguf_part_values(const struct gguf *g, const struct gguf_part *part, float *row, float *out, struct error *e);

/* -- between gguf_shape.c and gguf_model.c -- */
/* From the keys alone; n_vocab and tied_head stay 0. *long_context_tokens as above, 0 where there is none. */
bool gguf_shape(const struct gguf *g, struct shape *s, int32_t *long_context_tokens, struct error *e);
/* ARCHITECTURE.SUFFIX as an integer that, where present, may only have one value. */
bool gguf_shape_expect(const struct gguf *g, const struct shape *s, const char *suffix, int64_t expected, const char *why, struct error *e);

#endif
