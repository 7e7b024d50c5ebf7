/* random_model.h -- models and adapters of random weights for tests: any seed gives the same model on every machine.
 *
 * Weights have the magnitudes of a trained network (each linear keeps the scale of its input, logits spread by a few units), so the
 * values take the paths they take in earnest, but the text makes no sense.
 */
#ifndef ETCHSIM_RANDOM_MODEL_H
#define ETCHSIM_RANDOM_MODEL_H

#include "adapters/adapter.h"
#include "kernels/sample.h"
#include "kernels/types.h"

struct random_model {
    struct model model;
    struct adapter *adapters; /* [n_adapters], some linears without a pair; freed with the model, not by adapter_free */
    int32_t n_adapters;
    void **blocks; /* owned */
    int32_t n_blocks;
};

/* A small random shape: 1 to 3 layers, all kinds of GQA, widths that are no multiples of 16 or 32 among them. */
struct shape random_shape(uint64_t seed);
/* The same with what the architecture adds: biases, norms, windows of a few tokens, partial and scaled rotation, ... */
struct shape random_shape_of(enum architecture architecture, uint64_t seed);
/* Matrices: W3 linears with one of the standard codebooks, W6 embedding and head; every third seed has scaled RoPE. rank_max bounds
 * the adapters' random ranks. Aborts when there is no memory. */
void random_model_new(uint64_t seed, const struct shape *shape, int32_t n_adapters, int32_t rank_max, struct random_model *out);
void random_model_free(struct random_model *m);
/* Gives most of its adapters pairs for the embedding and the head, as far as these are wanted. */
void random_model_adapt_ends(uint64_t seed, bool embedding, bool head, int32_t rank_max, struct random_model *m);

/* -- parts -- */

/* low .. high */
int32_t random_between(struct random *random, int32_t low, int32_t high);
/* Roughly normal, mean 0, deviation 1: the sum of twelve uniform numbers, less 6. */
double random_normal(struct random *random);
/* A vector of n int64 mantissas, roughly normal with this deviation. */
void random_acc(struct random *random, double deviation, struct acc *v);
/* Codes and scales of random values, packed into data [matrix_bytes(w)]; w->data is set to it. */
void random_matrix(struct random *random, struct matrix *w, uint8_t *data);

#endif
