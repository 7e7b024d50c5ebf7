/* gguf_float.h -- a GGUF model as plain floats, for the floating-point reference (kernels/ref_float.h). All weights are in
 * memory: for tests. */
#ifndef ETCHSIM_GGUF_FLOAT_H
#define ETCHSIM_GGUF_FLOAT_H

#include "kernels/ref_float.h"
#include "sim/gguf.h"

/* Errors as in gguf_model.h, and NaN or infinity in the weights. float_model_free releases it; on failure *model is empty. */
bool gguf_float_model(const struct gguf *g, struct float_model *model, struct error *e);

#endif
