/* bake.h -- a GGUF model quantised and laid out as a ROM image.
 *
 * Streams: rows are read from the mapped file in chunks, quantised and packed on a few threads, and written to their place in the
 * image; pages of the input are let go behind. Peak memory is some tens of MB besides the vocabulary, whatever the model's size.
 */
#ifndef ETCHSIM_BAKE_H
#define ETCHSIM_BAKE_H

#include "kernels/types.h"
#include "sim/error.h"
#include "sim/gguf.h"

struct bake_options {
    int32_t linear_bits[LINEAR_COUNT]; /* 3, 4 or 6; 0: as the shape says; for a GGUF file 4 where all linears are MXFP4, else 3 */
    int32_t embedding_bits;            /* 3, 4 or 6 */
    int32_t head_bits;                 /* 3, 4 or 6; 0: 6, or the embedding's where tied */
    bool long_rope;                    /* the RoPE factors for a long context (Phi 3); an error where the model has none */
    int32_t n_threads;                 /* 0: as many as there are processors */
    /* Called before each tensor and once at the end with done == total and tensor NULL. May be NULL. */
    void (*progress)(void *user, const char *tensor, int32_t done, int32_t total);
    void *user;
};

struct bake_tensor {
    char name[GGUF_TENSOR_NAME_MAX + 1];
    int32_t n_out, n_in;    /* n_out 1 for norms and biases */
    int32_t bits;           /* of a code: 3, 4, 6; 16 for norms and biases */
    double bits_per_weight; /* with scales */
    char codebook_name[8];  /* "-" without one */
    int8_t codebook[CODEBOOK_MAX];
    int32_t exponent;
    double relative_rms_error; /* root of squared errors / squared weights */
    double relative_max_error; /* largest error / largest weight */
};

struct bake_report {
    struct bake_tensor *tensors; /* owned, in the image's order: matrices, then norms and biases */
    int32_t n_tensors;
    int64_t n_weights;      /* of the matrices */
    int64_t rom_bits;       /* codes, scales, norm weights and biases of the true shapes */
    double bits_per_weight; /* of the matrices, with scales */
    int64_t image_bytes;
};

/* Linears as the shape says (w3, if nothing), embedding and head w6. */
void bake_options_default(struct bake_options *options);
/* "attn_v=6,ffn_down=6": tensor classes attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down, token_embd, output; "linears"
 * is the first seven together. A later assignment wins over an earlier one. */
bool bake_options_set(struct bake_options *options, const char *assignments, struct error *e);

/* options NULL: the defaults. report may be NULL; free with bake_report_free. Writes a nameless file (or, where the file system has no
 * such thing, PATH.tmp-PID) and gives it its name at the end, so that image_path is either what it was or a whole image. */
bool bake(const char *gguf_path, const char *image_path, const struct bake_options *options, struct bake_report *report, struct error *e);
void bake_report_free(struct bake_report *report);

/* A model of some shape whose weights are drawn from a seed: the same for the same seed, on any machine. */
struct synthetic_model {
    const struct shape *shape;
    const struct vocab *vocab; /* kind VOCAB_NONE, or as many tokens as the shape has */
    const char *name;
    uint64_t seed;
};
bool bake_synthetic(const struct synthetic_model *model, const char *image_path, const struct bake_options *options,
                    struct bake_report *report, struct error *e);
bool bake_synthetic_fd(const struct synthetic_model *model, int fd, const char *path, const struct bake_options *options,
                       struct bake_report *report, struct error *e);

/* The same into an open, empty file, for callers that need no name. `path` stands for it in messages. */
bool bake_fd(const char *gguf_path, int fd, const char *path, const struct bake_options *options, struct bake_report *report,
             struct error *e);

#endif
