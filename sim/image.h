/* image.h -- the ROM image: a model as the chip's mask ROM holds it, baked from a GGUF file.
 *
 *   GGUF --(gguf.c reads, quantise.c finds codes and scales)--> bake.c --> ROM image file --(image.c maps and checks)--> struct model
 */
#ifndef ETCHSIM_IMAGE_H
#define ETCHSIM_IMAGE_H

#include "kernels/types.h"
#include "sim/error.h"
#include "sim/vocab.h"

struct image {
    char name[64];
    uint64_t hash; /* the file's checksum, XXH64 */
    struct model model;
    struct vocab vocab;
    bool shape_only;  /* model.shape and, from a GGUF file, vocab; no weights: for runs without values */
    int64_t rom_bits; /* codes, scales and norm weights of the true shapes */
    double rounding;  /* of a GGUF file that was baked: the largest of its matrices' errors (bake.h, relative_rms_error); else 0 */
    const void *map;  /* owned */
    size_t map_bytes;
    void *memory; /* owned: layers and constants */
};

/* Maps an image file, checks magic, version, checksum and every size before use. */
bool image_open(const char *path, struct image *image, struct error *e);
/* Whether a model of this shape can be used; fails with the reason. */
struct shape_check {
    bool (*check)(void *user, const struct shape *shape, struct error *e);
    void *user;
};

/* What --model takes: a preset's name (configs/models/NAME/NAME.gguf), a .gguf file (baked into a temporary image) or an image file. A GGUF file is
 * baked only if its shape passes `fits`, which may be NULL. */
bool image_open_model(const char *name_or_path, const struct shape_check *fits, struct image *image, struct error *e);
/* The same for a run without values, where the shape is enough: also a preset or file of a shape (model_shape.h), and a GGUF file is not baked; its
 * `hash` is then of the part before the weights, rom_bits that of the standard formats. */
bool image_open_shape(const char *name_or_path, const struct shape_check *fits, struct image *image, struct error *e);
/* Weights drawn from a seed in the shape of what --model names (bake.h), in memory without a name; the same image as a baked one. */
bool image_open_synthetic(const char *name_or_path, uint64_t seed, const struct shape_check *fits, struct image *image, struct error *e);
void image_close(struct image *image);
/* On stderr, where the weights were rounded by more than some percent, what that means and what can be done about it. */
void image_note_rounding(const struct image *image);

#endif
