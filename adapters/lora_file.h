/* lora_file.h -- an adapter file, open and checked against its base model; its pairs are read one by one.
 *
 *   preset's name | PEFT folder | GGUF file --> lora_file_open --> ranks, shapes, alphas --> lora_file_read, per linear: A, B as floats
 *
 * peft.c and gguf_lora.c find a file's tensors and say which is which; what holds for both is here: complete pairs, shapes that fit the base,
 * ranks of 1 to LORA_RANK_MAX, finite values of bounded magnitude, the order of Q's and K's rows.
 * Errors: input errors that name file, tensor or key, its byte or line, and what was expected.
 */
#ifndef ETCHSIM_LORA_FILE_H
#define ETCHSIM_LORA_FILE_H

#include "adapters/lora_tensors.h"
#include "adapters/peft_config.h"
#include "adapters/safetensors.h"

enum lora_matrix { LORA_A, LORA_B };

struct lora_file_tensor { /* one of a pair's two matrices, where it lies in the file */
    struct text name;     /* bytes NULL: the file has none */
    uint64_t at_byte;
    int64_t n_rows, n; /* -1, -1: not a matrix */
    enum ggml_type type;
    bool transposed;               /* the embedding's A in GGUF files: a row for each token */
    int32_t first_row, fused_rows; /* B of a matrix that several linears share: where this one's rows begin, of how many; 0, 0: its own */
    const void *source;            /* struct safetensors_tensor or struct gguf_tensor */
};

struct lora_file_pair {
    struct lora_file_tensor matrix[2];
};

struct lora_file {
    struct lora_tensors tensors;  /* without weights: a and b of its linears are NULL */
    struct lora_file_pair *pairs; /* owned, as tensors.linears */
    bool is_gguf;
    struct peft_config config; /* PEFT */
    struct safetensors safetensors;
    struct gguf gguf;
};

/* A preset's name (configs/adapters/NAME), a PEFT folder, or a GGUF file. On failure *f is empty. */
bool lora_file_open(const char *name_or_path, const struct shape *base, struct lora_file *f, struct error *e);
/* The same for bytes in memory, which must outlive *f. */
bool lora_file_open_peft_memory(const char *config, size_t config_bytes, const void *tensors, size_t tensors_bytes,
                                const struct shape *base, struct lora_file *f, struct error *e);
bool lora_file_open_gguf_memory(const void *bytes, size_t size_bytes, const struct shape *base, struct lora_file *f, struct error *e);
void lora_file_close(struct lora_file *f);

/* Fills l->a and l->b, which have room; the rest of *l is as in f->tensors. Values too large to pack are an error. */
bool lora_file_read(const struct lora_file *f, int32_t index, const struct lora_linear *l, struct error *e);

/* All of it. */
bool lora_tensors_load(const char *name_or_path, const struct shape *base, struct lora_tensors *t, struct error *e);
bool lora_file_read_all(const struct lora_file *f, struct lora_tensors *t, struct error *e);

/* -- for peft.c and gguf_lora.c -- */

/* "FILE: tensor NAME at byte N: expected ..., found ...". Returns false. */
bool lora_file_fail(const struct lora_file *f, const struct lora_file_tensor *t, const char *expected, const char *found, struct error *e);
/* The same where the shape is another one; `why` follows the expected shape. */
bool lora_file_expect_shape(const struct lora_file *f, const struct lora_file_tensor *t, int64_t n_rows, int64_t n, const char *why,
                            struct error *e);
/* Puts a tensor to its place, or to those of all linears that are one matrix with `first`; an error where the base has no such layer. `layer` does not matter
 * for an end. */
bool lora_file_place(struct lora_file *f, const struct lora_file_tensor *t, int32_t layer, enum linear first, enum lora_matrix matrix,
                     struct error *e);
/* A layer's number in a name: digits without a leading zero up to a '.'; the text from that dot on, or NULL where there is none. */
const char *lora_layer_in_name(const char *digits, const char *end, int32_t *layer);

#endif
