/* gguf_writer.h -- GGUF and safetensors files in memory for tests: right ones, and wrong ones in a chosen place.
 *
 *   struct gguf_writer w = {0};
 *   gguf_write_u32(&w, "llama.block_count", 2);
 *   gguf_write_tensor(&w, "t", GGML_F32, (int64_t[]){32, 2}, 2, data, sizeof data);
 *   struct bytes file = gguf_written(&w);   // free(file.data)
 */
#ifndef ETCHSIM_TESTS_GGUF_WRITER_H
#define ETCHSIM_TESTS_GGUF_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/types.h"
#include "sim/gguf.h"

struct bytes { /* grows; data is NULL while empty */
    uint8_t *data;
    size_t size, room;
};

void bytes_add(struct bytes *b, const void *data, size_t size);
void bytes_add_u32(struct bytes *b, uint32_t v);
void bytes_add_u64(struct bytes *b, uint64_t v);
void bytes_add_string(struct bytes *b, const char *text); /* u64 length and the characters */
void bytes_pad(struct bytes *b, size_t alignment);
void bytes_free(struct bytes *b);
/* Writes a file of the test's temporary folder; the path lives until the next call but three. */
const char *bytes_to_file(const struct bytes *b, const char *name);

struct gguf_writer {
    struct bytes keys, infos, data;
    uint64_t n_keys, n_tensors;
    uint32_t alignment; /* 0: 32, and no key for it */
    uint32_t version;   /* 0: 3 */
};

void gguf_write_key(struct gguf_writer *w, const char *key, uint32_t type, const void *value, size_t size);
void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_write_f32(struct gguf_writer *w, const char *key, float v);
void gguf_write_bool(struct gguf_writer *w, const char *key, uint8_t v);
void gguf_write_string(struct gguf_writer *w, const char *key, const char *text);
void gguf_write_strings(struct gguf_writer *w, const char *key, const char *const *texts, uint64_t n);
/* An array of numbers of `size` bytes each. */
void gguf_write_array(struct gguf_writer *w, const char *key, uint32_t type, const void *values, uint64_t n, size_t size);
/* dims: fastest first. The offset is the right one. */
void gguf_write_tensor(struct gguf_writer *w, const char *name, uint32_t type, const int64_t *dims, uint32_t n_dims, const void *data,
                       size_t size);
/* The file; empties *w. */
struct bytes gguf_written(struct gguf_writer *w);

uint16_t half_of_float(float f); /* exact or an assertion: tests only convert what fits */

/* A small model of shape.architecture with random weights. on_grid: on the chip's grid with the default formats (w3 "gauss" linears, w6 embedding and head, norms
 * of 12 fractional bits), stored in F16; else Gaussian weights in F32. */
struct test_llama {
    struct shape shape;
    bool on_grid;
    bool mxfp4;        /* linears in MXFP4, exactly representable; their inputs are multiples of 32 */
    bool rope_factors; /* with a rope_freqs.weight tensor, Phi 3: with both of its sets, the long one for twice the context */
    uint64_t seed;
};
/* TEST_SHAPE of another architecture, with all that it adds. */
struct shape test_shape_of(enum architecture architecture);
extern const struct shape TEST_SHAPE; /* 2 layers, GQA, an FFN that is no multiple of 32 */
/* Everything, with a SentencePiece vocabulary of shape.n_vocab tokens. */
void gguf_write_llama(struct gguf_writer *w, const struct test_llama *m);
void gguf_write_llama_keys(struct gguf_writer *w, const struct shape *s);
void gguf_write_llama_tensors(struct gguf_writer *w, const struct test_llama *m);
/* A tensor's weights as gguf_write_llama_tensors wrote them: found by name in an open file, as floats [n_out][n_in]; the caller frees. */
float *gguf_all_rows(const struct gguf *g, const char *name);

/* A safetensors file: header text and data bytes. */
struct bytes safetensors_written(const char *header, const void *data, size_t size);

#endif
