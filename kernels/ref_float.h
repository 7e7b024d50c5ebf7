/* ref_float.h -- the same model in floating point: what the integer path is measured against.
 *
 * Weights are float, sums are double. Evaluation knows nothing of ROMs: fill a struct float_model from a ROM image (here) or from GGUF
 * tensors (by who has them), and the figures compare.
 */
#ifndef ETCHSIM_REF_FLOAT_H
#define ETCHSIM_REF_FLOAT_H

#include "kernels/types.h"

struct adapter;

struct float_layer {                                  /* what the shape does without is NULL */
    const float *attention_norm, *ffn_norm;           /* [d_model] */
    const float *post_attention_norm, *post_ffn_norm; /* [d_model] */
    const float *q_norm, *k_norm;                     /* [head_dim] */
    const float *linear[LINEAR_COUNT];                /* [n_out][n_in], as shape_n_out, shape_n_in */
    const float *bias[BIASES];                        /* [n_out] */
};

struct float_model {
    struct shape shape;
    const float *embedding;             /* [n_vocab][d_model] */
    const float *head;                  /* [n_vocab][d_model], may be the embedding */
    const float *final_norm;            /* [d_model] */
    const double *rope_frequency;       /* [rotary_dim / 2], radians per position; pairs (2i, 2i + 1) */
    const double *rope_frequency_local; /* the same of local layers; NULL: as in global ones */
    double embedding_scale;             /* what embeddings are multiplied by */
    double residual_epsilon;            /* of the norms of the residual stream; all others: shape.rms_epsilon */
    struct float_layer *layers;         /* [n_layers] */
    void *memory;                       /* owned, may be NULL: what float_model_free frees */
};

/* The ROM's weights as they are (exact), with the packed adapter merged in (W + B A, rounded once to float) unless NULL.
 * False when there is no memory. */
bool float_model_from_image(const struct model *model, const struct adapter *adapter, struct float_model *out);
/* The same without an adapter, the head's weights always its own, so that adapters can be merged into either end. */
bool float_model_untied(const struct model *model, struct float_model *out);
void float_model_free(struct float_model *m);

struct ref_float; /* one sequence */
/* NULL when there is no memory. */
struct ref_float *ref_float_new(const struct float_model *model, int32_t context_tokens);
void ref_float_free(struct ref_float *ref);
/* As ref_forward; logits [n_vocab] or NULL. */
void ref_float_forward(struct ref_float *ref, int32_t token, int32_t position, float *logits);

/* Kullback-Leibler divergence in nats of softmax(q) from softmax(p): sum p log(p / q). */
double float_kl(const float *p_logits, const float *q_logits, int32_t n);
/* -log of softmax(logits)[token], nats: what the model pays for the token that came. */
double float_surprise(const float *logits, int32_t n, int32_t token);
/* acc logits as floats, [n]. */
void acc_to_float(const struct acc *v, float *out);

struct output_distance { /* of outputs q from outputs p, over the positions of a text */
    int32_t n_positions;
    double mean_kl, largest_kl; /* of q from p, nats */
    int32_t n_same_first;       /* positions where both have the same most likely token */
};
/* One more position; logits [n]. */
void output_distance_add(struct output_distance *sum, const float *p_logits, const float *q_logits, int32_t n);

#endif
