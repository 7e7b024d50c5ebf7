/* bake_matrix.h -- one matrix of a GGUF file, a tensor or some rows of one, quantised and packed into its place in a ROM image, by several threads.
 *
 *   survey: all rows --> finite? largest weight, its row      (first pass)
 *   choose: a sample of rows --> exponent, codebook           (quantise.h)
 *   pack:   chunks of rows --> codes, scales --> file          (second pass; again with the next choice should a sample have misled)
 */
#ifndef ETCHSIM_BAKE_MATRIX_H
#define ETCHSIM_BAKE_MATRIX_H

#include "kernels/types.h"
#include "sim/gguf_model.h"
#include "sim/quantise.h"

enum { BAKE_THREADS_MAX = 64 };

struct bake_target {
    int fd;
    const char *path;  /* for messages */
    uint64_t offset;   /* of the matrix's data in the file */
    int32_t n_threads; /* 1 .. BAKE_THREADS_MAX */
};

/* w->format, n_out and n_in are given; fills the exponent and the codebook, and *codebook_name. w->data stays NULL. */
bool bake_matrix(const struct gguf *g, const struct gguf_part *part, const struct bake_target *target, struct matrix *w,
                 char codebook_name[8], struct quantise_error *sum, struct error *e);

/* All of it, at an offset; errors name the path. */
bool write_at(int fd, const char *path, const void *bytes, size_t size_bytes, uint64_t offset, struct error *e);

#endif
