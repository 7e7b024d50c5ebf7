/* lora_write.h -- an adapter to a file that PEFT or llama.cpp reads.
 *
 *   FOLDER      adapter_config.json and adapter_model.safetensors; rows of Q and K in Hugging Face order
 *   FILE.gguf   as convert_lora_to_gguf.py writes it
 *
 * Values are rounded to the type (F32, F16, BF16) to the nearest, ties to even; what was in that type already comes out unchanged. A GGUF
 * file has one alpha: where an adapter's pairs have different ones, B gets the first one's ratio (exact for powers of two).
 * Files are whole or not there; an adapter that was there before is replaced.
 */
#ifndef ETCHSIM_LORA_WRITE_H
#define ETCHSIM_LORA_WRITE_H

#include "adapters/lora_tensors.h"

struct lora_write_report {
    int64_t n_values, n_changed; /* of A and B; changed: not stored exactly */
    double relative_error;       /* root of squared errors / squared values */
    int64_t file_bytes;          /* of the tensors' file */
    double alpha_error;          /* largest relative error of an alpha (GGUF stores 32 bits) */
    bool alphas_folded;          /* into B */
};

/* False, and *e filled, where a value is too large for the type or the file cannot be written. */
bool lora_write(const struct lora_tensors *t, const char *path, enum ggml_type type, struct lora_write_report *report, struct error *e);
/* Is this the name of a GGUF file, or of a PEFT folder? */
bool lora_path_is_gguf(const char *path);

#endif
