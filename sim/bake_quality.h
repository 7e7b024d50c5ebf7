/* bake_quality.h -- what baking costs a model's output, on a text.
 *
 *   GGUF as floats ----> outputs, position by position --+
 *   ROM's weights as floats ----> outputs ---------------+--> divergences, perplexities
 *   the chip's integers on the ROM ----> outputs --------+
 *
 * The second differs from the first by the weights' rounding alone, the third from the second by the chip's arithmetic alone.
 */
#ifndef ETCHSIM_BAKE_QUALITY_H
#define ETCHSIM_BAKE_QUALITY_H

#include "kernels/ref_float.h"
#include "sim/error.h"

enum evaluated { EVALUATED_FILE, EVALUATED_ROM, EVALUATED_CHIP, EVALUATED_COUNT };

struct bake_quality {
    int32_t n_positions;                /* each predicts the token after it, the last one nothing */
    double perplexity[EVALUATED_COUNT]; /* over n_positions - 1 tokens; NAN for one position */
    struct output_distance weights;     /* ROM from file */
    struct output_distance arithmetic;  /* chip from ROM */
    struct output_distance chip;        /* chip from file: both together */
};

/* progress may be NULL: called before each position of each evaluation, and at the end with done == total. Needs 4 bytes a weight at a time, and
 * 12 bytes a position and token of the vocabulary; an error where the machine has not as much memory. */
bool bake_quality(const char *gguf_path, const char *image_path, const char *text_path, int64_t tokens,
                  void (*progress)(int64_t done, int64_t total), struct bake_quality *out, struct error *e);

#endif
