/* gguf_lora.h -- a LoRA adapter as llama.cpp's convert_lora_to_gguf.py writes it. Called by lora_file.c.
 *
 *   general.type = "adapter", general.architecture = "llama", adapter.type = "lora", adapter.lora.alpha (0: B A is added as it is)
 *   blk.N.attn_q.weight.lora_a [n_in, r], .lora_b [r, n_out] (the fastest dimension first), in F32, F16, BF16 or Q8_0
 *
 *   output.weight.lora_a, .lora_b: the same; token_embd.weight.lora_a [r, n_vocab]: a row for each token; .lora_b [r, d_model]
 *
 * The rank is that of lora_b, each pair its own. Rows of Q and K are in GGUF order already.
 */
#ifndef ETCHSIM_GGUF_LORA_H
#define ETCHSIM_GGUF_LORA_H

#include "adapters/lora_file.h"

/* f->gguf is open: ranks, alphas and tensors to their places. A tensor without a place is an error. */
bool gguf_lora_find_pairs(struct lora_file *f, struct error *e);

#endif
