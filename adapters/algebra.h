/* algebra.h -- adapters as sums: stacked, averaged, reduced to fewer ranks; and how far one is from another.
 *
 * An adapter i changes a linear's weights by D_i = s_i B_i A_i, s = alpha / rank. All adapters of a sum are for the same base; a linear
 * that an adapter has no pair for counts as D_i = 0.
 *
 *   stack      sum w_i D_i = [w_1 s_1 B_1 | w_2 s_2 B_2 ...] [A_1; A_2; ...]: exact, the ranks add up
 *   reduce     the best approximation of that sum with a given rank (Eckart and Young): Q_B R_B = [B ...], Q_A R_A = [A ...]^T,
 *              U S V^T = R_B R_A^T, then B = Q_B U S^1/2 and A = S^1/2 V^T Q_A^T, the largest singular values first; by LAPACK
 *   factors    A = sum w_i A_i, B = sum w_i s_i / s B_i: what federated averaging of LoRA weights does. Not the mean of the D_i: it has
 *              products of one adapter's B with another's A
 *
 * Arithmetic is in double; results are rounded to float once. Memory: a few matrices of (n_in + n_out) x (sum of ranks) doubles.
 */
#ifndef ETCHSIM_ALGEBRA_H
#define ETCHSIM_ALGEBRA_H

#include "adapters/lora_tensors.h"

struct lora_term {
    const struct lora_tensors *tensors;
    double weight;
};

/* Each fills *out (lora_tensors_free) or *e. Results are named after the first term, and have type F32. */

/* A linear's alphas are chosen so that its B are unchanged where all terms have the same alpha / rank and weight 1. Ranks above
 * LORA_RANK_MAX are an error. */
bool lora_stack(const struct lora_term *terms, int32_t n, struct lora_tensors *out, struct error *e);
/* rank: of every linear, less where the sum has less. */
bool lora_reduce(const struct lora_term *terms, int32_t n, int32_t rank, struct lora_tensors *out, struct error *e);
/* The same linears and ranks in all terms, else an error. */
bool lora_mean_factors(const struct lora_term *terms, int32_t n, struct lora_tensors *out, struct error *e);

/* tr(D_x^T D_y) of linear `index`, from the factors alone. */
double lora_inner_product(const struct lora_tensors *x, const struct lora_tensors *y, int32_t index);
/* Squared Frobenius norm of sum w_i D_i, over all linears. */
double lora_norm2(const struct lora_term *terms, int32_t n);
/* Norm of sum w_i D_i - D relative to that of the sum, whose square is given (0 if both are 0). It is a difference of inner products in double: below
 * some 1e-7 it is noise. */
double lora_distance(const struct lora_term *terms, int32_t n, double norm2, const struct lora_tensors *approximation);

#endif
