/* peft.h -- a PEFT folder: adapter_config.json says which linears have pairs, adapter_model.safetensors has them. Called by lora_file.c. */
#ifndef ETCHSIM_PEFT_H
#define ETCHSIM_PEFT_H

#include "adapters/lora_file.h"

/* f->config and f->safetensors are open: ranks, alphas and tensors to their places. A tensor without a place is an error, and so is a pair
 * that the configuration names and the file lacks. */
bool peft_find_pairs(struct lora_file *f, struct error *e);

#endif
