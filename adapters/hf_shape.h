/* hf_shape.h -- a model's shape from the config.json that stands beside its weights on Hugging Face: all that an adapter is checked against. */
#ifndef ETCHSIM_HF_SHAPE_H
#define ETCHSIM_HF_SHAPE_H

#include "kernels/types.h"
#include "sim/error.h"

/* Errors: "FILE: key K: expected ..., found ...". Text need not end in NUL. */
bool hf_shape_parse(const char *path, const char *text, size_t length_bytes, struct shape *shape, struct error *e);
bool hf_shape_read(const char *path, struct shape *shape, struct error *e);

#endif
