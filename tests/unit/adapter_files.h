/* adapter_files.h -- the same random adapter as PEFT and as GGUF files, for tests, written without the program's own writers.
 *
 * Values are whole multiples of 1/64 up to +-127/64, so that F32, F16, BF16 and Q8_0 hold the same ones.
 */
#ifndef ETCHSIM_TESTS_ADAPTER_FILES_H
#define ETCHSIM_TESTS_ADAPTER_FILES_H

#include "tests/unit/gguf_writer.h"

struct adapter_spec {
    struct shape shape;
    int32_t rank;
    double alpha;
    unsigned linears; /* bit `which` is set: this linear has a pair in every layer, or this end has one */
    uint64_t seed;
};
enum { ALL_LINEARS = (1 << LINEAR_COUNT) - 1, EMBEDDING_BIT = 1 << LINEAR_EMBEDDING, HEAD_BIT = 1 << LINEAR_HEAD };

/* A [rank][n_in] or B [n_out][rank] of one linear, rows in Hugging Face order; the caller frees it. `layer` does not matter for an end. */
float *adapter_values(const struct adapter_spec *spec, int32_t layer, enum linear which, bool is_b);
/* As llama.cpp's converter stores them: B's rows of Q and K, where heads of halves become heads of pairs; the embedding's A [n_vocab][rank]. The caller frees it. */
float *adapter_values_gguf(const struct adapter_spec *spec, int32_t layer, enum linear which, bool is_b);

/* adapter_model.safetensors; type F32, F16 or BF16. Free .data. */
struct bytes adapter_safetensors(const struct adapter_spec *spec, enum ggml_type type);
/* adapter_config.json; free .data. */
struct bytes adapter_config(const struct adapter_spec *spec);
/* Both in a folder of that name in the temporary folder; the path lives until the next call. */
const char *adapter_folder_written(const struct adapter_spec *spec, enum ggml_type type, const char *name);

/* The tensors alone, so that a test may choose the keys; Q8_0 where rows have a multiple of 32 values, else F16. */
void adapter_gguf_tensors(const struct adapter_spec *spec, enum ggml_type type, struct gguf_writer *w);
void adapter_gguf_keys(const struct adapter_spec *spec, struct gguf_writer *w);
/* The whole file; free .data. */
struct bytes adapter_gguf(const struct adapter_spec *spec, enum ggml_type type);

/* n values in a type's bytes, added to `to`. */
void add_typed(struct bytes *to, enum ggml_type type, const float *values, int64_t n);

#endif
