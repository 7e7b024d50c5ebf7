/* gguf.h -- reads GGUF v3 files: metadata, tensors (dequantised row by row), the tokenizer's vocabulary.
 *
 *   "GGUF" | version | n_tensors | n_kv | n_kv x (key, type, value) | n_tensors x (name, dims, type, offset) | padding | tensor data
 *
 * The file is mapped; gguf_open checks everything but the weights themselves (sizes, names, types, offsets: a running sum of
 * sizes padded to general.alignment), so that everything found through a struct gguf lies within the file. The weights are
 * checked for NaN and infinities as they are read.
 *
 * Every error reads "FILE: key|tensor NAME at byte N: expected ..., found ..." and is an input error (exit code 2).
 * Time and memory are bounded by the file's size (n log n for the names).
 *
 * Not supported, and refused by name: other GGUF versions, big-endian files, arrays of arrays, tensor types not in enum ggml_type.
 */
#ifndef ETCHSIM_GGUF_H
#define ETCHSIM_GGUF_H

#include "sim/error.h"
#include "sim/mapped.h"
#include "sim/vocab.h"

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPE_COUNT
};

enum ggml_type {
    GGML_F32 = 0,
    GGML_F16 = 1,
    GGML_Q4_0 = 2,
    GGML_Q4_1 = 3,
    GGML_Q5_0 = 6,
    GGML_Q5_1 = 7,
    GGML_Q8_0 = 8,
    GGML_Q2_K = 10,
    GGML_Q3_K = 11,
    GGML_Q4_K = 12,
    GGML_Q5_K = 13,
    GGML_Q6_K = 14,
    GGML_IQ4_NL = 20,
    GGML_IQ4_XS = 23,
    GGML_BF16 = 30,
    GGML_MXFP4 = 39
};

enum { GGUF_DIMS_MAX = 4, GGUF_TENSOR_NAME_MAX = 63 };

struct gguf_key {
    struct text name;
    enum gguf_type type; /* of the value; of the elements where is_array */
    bool is_array;
    uint64_t count;       /* elements of an array, else 1 */
    const uint8_t *value; /* the first element */
    uint64_t at_byte;     /* where the key stands in the file */
};

struct gguf_tensor {
    struct text name;
    enum ggml_type type;
    int32_t n_dims;
    int64_t dims[GGUF_DIMS_MAX]; /* the fastest first: torch's [out, in] is [in, out]; 1 beyond n_dims */
    int64_t n_rows;              /* product of dims[1..] */
    uint64_t row_bytes;
    uint64_t bytes;
    const uint8_t *data;
};

struct gguf {
    char *path; /* owned; for messages */
    struct mapped map;
    uint64_t n_keys, n_tensors;
    struct gguf_key *keys;       /* sorted by name */
    struct gguf_tensor *tensors; /* sorted by name */
};

/* On failure *g is empty. */
bool gguf_open(const char *path, struct gguf *g, struct error *e);
/* The same for bytes in memory, which must outlive *g. */
bool gguf_open_memory(const char *name, const void *bytes, size_t size_bytes, struct gguf *g, struct error *e);
void gguf_close(struct gguf *g);

/* NULL where the file has none of that name. */
const struct gguf_key *gguf_find_key(const struct gguf *g, const char *name);
const struct gguf_tensor *gguf_find_tensor(const struct gguf *g, const char *name);
/* Byte of the file at which a tensor's data starts. */
uint64_t gguf_tensor_at(const struct gguf *g, const struct gguf_tensor *t);
/* "F16" and so on. */
const char *gguf_type_name(enum ggml_type type);

/* Typed access. Where the key is absent: *value keeps what it held if `required` is false, else an error. A key of another type
 * is an error always; integers may be stored in any integer type, floats as f32 or f64. Integers outside low..high, non-finite
 * floats, strings longer than room - 1 or with a NUL are errors. */
bool gguf_get_integer(const struct gguf *g, const char *key, bool required, int64_t low, int64_t high, int64_t *value, struct error *e);
bool gguf_get_float(const struct gguf *g, const char *key, bool required, float *value, struct error *e);
bool gguf_get_bool(const struct gguf *g, const char *key, bool *value, struct error *e);
bool gguf_get_string(const struct gguf *g, const char *key, bool required, char *value, size_t room, struct error *e);

/* One row of a tensor, dims[0] floats, as stored: may hold NaN. 0 <= row < n_rows. */
void gguf_row(const struct gguf_tensor *t, int64_t row, float *out);
/* The same, and NaN or infinity is an error that names the place. */
bool gguf_row_finite(const struct gguf *g, const struct gguf_tensor *t, int64_t row, float *out, struct error *e);

/* The vocabulary (tokenizer.ggml.*): SentencePiece ("llama") or BPE ("gpt2"); copies, so it outlives *g; vocab_free. A file without
 * tokenizer.ggml.model, or with "no_vocab" or "none", gives VOCAB_NONE. Ids out of range, arrays of unequal length, unknown types are errors. */
bool gguf_vocab(const struct gguf *g, struct vocab *vocab, struct error *e);

/* IEEE half to single, exact. */
float half_to_float(uint16_t half);

#endif
