/* bake_plan.h -- between the files of bake: what is known of an image before the first weight is read, and who writes which section.
 *
 *   bake.c           plan, matrices, header, the file's name       bake_vectors.c   RoPE, norms, biases
 *   bake_matrix.c    one matrix, by several threads                bake_vocab.c     the vocabulary
 *   bake_synthetic.c the same without a file: drawn from a seed
 */
#ifndef ETCHSIM_BAKE_PLAN_H
#define ETCHSIM_BAKE_PLAN_H

#include "sim/bake.h"
#include "sim/gguf_model.h"
#include "sim/image_format.h"
#include "sim/quantise.h"

struct planned_matrix {
    struct gguf_part part;
    char name[GGUF_TENSOR_NAME_MAX + 1];
    struct image_matrix entry;
    struct quantise_error sum;
    char codebook_name[8];
};

struct plan {
    const struct gguf *g;                    /* or NULL, and then */
    const struct synthetic_model *synthetic; /* this */
    const char *source;                      /* the file, or the model's name; for messages and the image's name */
    struct gguf_model model;
    struct vocab vocab;
    const struct bake_options *options;
    int fd;
    const char *path;
    int32_t n_threads;
    struct image_shape shape;
    int32_t n_matrices, n_vectors;   /* vectors: norms and biases */
    int32_t n_done;                  /* of both, for the progress */
    struct planned_matrix *matrices; /* [n_matrices] */
    struct image_section sections[IMAGE_SECTION_COUNT];
    struct bake_report *report; /* may be NULL */
};

/* A model with post-norms has its residual stream times 2^-this (docs/numbers.md). */
enum { POST_NORM_SHIFT = 4 };
static inline int plan_residual_shift(const struct shape *s)
{
    return s->post_norms ? POST_NORM_SHIFT : 0;
}

/* Of a section, from `at` bytes on. */
bool plan_write(const struct plan *p, enum image_section_kind kind, uint64_t at, const void *bytes, size_t size_bytes, struct error *e);
/* Tells who watches that tensor `name` is next. */
void plan_progress(struct plan *p, const char *name);
/* Adds a row to the report, where there is one; codebook NULL: none. */
void plan_report(struct plan *p, const struct bake_tensor *row, const struct quantise_error *sum);

bool bake_rope(const struct plan *p, struct error *e);
bool bake_norms(struct plan *p, struct error *e);
bool bake_biases(struct plan *p, struct error *e);
/* Without a file: parts of the shape's sizes, whose tensors are names at most. Free with gguf_model_free. */
bool synthetic_model(const struct shape *shape, struct gguf_model *m, struct error *e);
/* A norm or a bias, [part->n]. */
void synthetic_values(const struct gguf_part *part, float *values);
/* Matrix `index` of the image into its place; w->format, n_out and n_in are given, exponent and codebook are filled in. */
struct bake_target;
bool synthetic_matrix(const struct plan *p, int32_t index, const struct bake_target *target, struct matrix *w, char codebook_name[8],
                      struct error *e);
uint64_t bake_vocab_bytes(const struct vocab *v);
bool bake_vocab(const struct plan *p, struct error *e);

#endif
