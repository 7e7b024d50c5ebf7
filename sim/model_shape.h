/* model_shape.h -- a model as its shape alone, without weights: enough for time, area and energy.
 *
 * A shape file is a YAML map of the keys in shape_keys.def, all of them, and `source`, where the figures are from:
 *
 *   # What this model is, in one line (etchsim list shows it).
 *   source: https://huggingface.co/...
 *   architecture: qwen2     left out: llama; some keys that a Llama does not need can be left out too
 *   weights: mxfp4          how the linears are stored; left out: w3
 *   n_layers: 32
 *   ...
 */
#ifndef ETCHSIM_MODEL_SHAPE_H
#define ETCHSIM_MODEL_SHAPE_H

#include <stdio.h>

#include "kernels/types.h"
#include "sim/error.h"

enum { MODEL_SOURCE_ROOM = 256 };

struct model_shape {
    struct shape shape;
    char source[MODEL_SOURCE_ROOM];
    uint64_t hash; /* XXH64 of the file's text */
};

/* Is there a preset of that name, or is the argument a shape file's path (it ends in .yaml)? */
bool model_shape_named(const char *name_or_path);
/* A preset (configs/models/NAME.yaml) or a file. Unknown, missing, duplicate and out-of-range keys are errors with file, line and key. */
bool model_shape_load(const char *name_or_path, struct model_shape *model, struct error *e);
/* The same from memory; `file` stands for it in messages. */
bool model_shape_parse(const char *text, size_t bytes, const char *file, struct model_shape *model, struct error *e);
/* All keys with their meanings as comments; reads back to the same values. */
void model_shape_write(const struct model_shape *model, FILE *out);

/* Mask ROM that the shape takes in the chip's standard formats: linears as it says (3-bit, MXFP4), 6-bit embedding and head, scales, 16-bit norm
 * weights and biases. */
int64_t shape_rom_bits(const struct shape *shape);

#endif
