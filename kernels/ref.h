/* ref.h -- the whole model without time, in integers: the token oracle. The clocked chip must give the same logits bit for bit, since each
 * of its units calls the same kernels with the same vectors.
 */
#ifndef ETCHSIM_REF_H
#define ETCHSIM_REF_H

#include "kernels/types.h"

struct adapter;
struct ref; /* one sequence: its KV cache and working vectors */

/* NULL when there is no memory. The model stays the caller's and must outlive it. */
struct ref *ref_new(const struct model *model, int32_t context_tokens);
void ref_free(struct ref *ref);

/* One token at its position: positions 0 .. context_tokens - 1, each after all before it (a later call with a lower position starts over from
 * there). adapter NULL: the base model. logits NULL: not wanted, the head is left out (a prompt's tokens but the last);
 * otherwise logits->m has room for n_vocab, and n and exponent are set. */
void ref_forward(struct ref *ref, const struct adapter *adapter, int32_t token, int32_t position, struct acc *logits);

/* Its KV cache of a layer. */
struct kv *ref_kv(struct ref *ref, int32_t layer);

#endif
