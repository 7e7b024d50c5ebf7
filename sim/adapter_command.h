/* adapter_command.h -- between the files of `etchsim adapter`: cmd_adapter.c (the actions and their options, convert), adapter_look.c (inspect, pack) and
 * adapter_sum.c (average, stack). */
#ifndef ETCHSIM_ADAPTER_COMMAND_H
#define ETCHSIM_ADAPTER_COMMAND_H

#include "adapters/lora_tensors.h"
#include "adapters/pack.h"
#include "sim/options.h"

enum sum_method { METHOD_FACTORS, METHOD_SVD, METHOD_STACK, METHOD_COUNT };

struct adapter_arguments { /* of any action */
    const char *adapter, *model, *text, *output;
    struct option_list adapters, weights;
    int64_t tokens, rank;
    int format; /* enum pack_format */
    int method; /* enum sum_method */
    int type;   /* of written values, -1: the usual one */
};

/* The actions. Each prints what it has to say. */
bool adapter_inspect(const struct adapter_arguments *a, struct error *e);
bool adapter_pack_action(const struct adapter_arguments *a, struct error *e);
bool adapter_average(const struct adapter_arguments *a, struct error *e);
bool adapter_stack(const struct adapter_arguments *a, struct error *e);

/* Only the shape: a GGUF file needn't be baked for that. */
bool adapter_base_shape(const char *name_or_path, struct shape *shape, struct error *e);
/* Writes to a->output, as a->type or as `usual`, and prints what that changed. */
bool adapter_write(const struct adapter_arguments *a, const struct lora_tensors *t, enum ggml_type usual, struct error *e);
int64_t adapter_packed_bytes(const struct lora_tensors *t, enum pack_format format);

#endif
