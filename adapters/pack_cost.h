/* pack_cost.h -- what a format costs an adapter: the error of each tensor, and of the model's output.
 *
 *   adapter --each row to codes and back--> the adapter that the chip would compute with --> relative errors of A, B and B A
 *                                                                       |
 *   text --> float reference with the one, with the other adapter <-----+ --> Kullback-Leibler divergence of the outputs
 *
 * alpha / rank is multiplied into B before it is rounded, as packing does it. The errors of 6 bits are the chip's own: adapter.c packs the
 * same rows with the same function.
 */
#ifndef ETCHSIM_PACK_COST_H
#define ETCHSIM_PACK_COST_H

#include "adapters/lora_tensors.h"
#include "adapters/pack.h"
#include "kernels/ref_float.h"

struct pack_cost { /* of one linear's pair, or summed over several */
    int64_t bits;  /* in SRAM, before padding to lane rows */
    struct pack_error a, b, product;
};

/* Root of squared errors / squared values; 0 where all values are 0. */
double pack_relative_error(const struct pack_error *sum);
void pack_cost_add(struct pack_cost *sum, const struct pack_cost *cost);

/* *out: the values that the format holds, B times alpha / rank (its own alpha is its rank). costs [lora_tensors_count] is filled. On
 * failure *out is empty. */
bool pack_round(const struct lora_tensors *in, enum pack_format format, struct lora_tensors *out, struct pack_cost *costs, struct error *e);

/* -- the output -- */

struct model;
struct adapter;

/* Float reference with adapter p against float reference with adapter q, on a model's ROM weights. ids [n]. */
bool output_distance(const struct model *model, const struct lora_tensors *p, const struct lora_tensors *q, const int32_t *ids, int32_t n,
                     struct output_distance *out, struct error *e);
/* Float reference with adapter p against the chip's integers with the packed adapter: packing and the chip's arithmetic together. */
bool output_distance_chip(const struct model *model, const struct lora_tensors *p, const struct adapter *packed, const int32_t *ids,
                          int32_t n, struct output_distance *out, struct error *e);

#endif
