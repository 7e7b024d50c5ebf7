/* comparator.h -- machines whose base weights stream from memory: GPUs, SRAM machines, phones. An analytic model of generation, not cycle-accurate.
 *
 *   bytes of a step  = streamed weights * weight_bits / 8 + users of a group * context * KV bits / 8
 *   flops of a step  = users of a group * 2 * (streamed weights + 2 * context * n_heads * head_dim * layers)
 *   time of a step   = max(bytes / (bandwidth * efficiency), flops / (compute * efficiency)) + layers * layer_us + token_us
 *   tokens/s         = 1 / time for each user, users / time in all; users of a group = ceil(users / stages)
 *
 * Streamed weights are the linears and the head; of the embedding a token reads one row.
 * Inaccuracies: prompts cost nothing; a user's context is the same for all; batches are perfect; no speculative decoding; fixed times don't grow with the
 * batch; power is the same at any load.
 */
#ifndef ETCHSIM_COMPARATOR_H
#define ETCHSIM_COMPARATOR_H

#include "kernels/types.h"
#include "sim/error.h"
#include "sim/presets.h"

enum grade { GRADE_PUBLISHED, GRADE_MEASURED, GRADE_DERIVED, GRADE_FITTED, GRADE_ASSUMED, GRADES };
extern const char *const grade_names[GRADES];

enum {
#define QUANTITY(name, ...) QUANTITY_##name,
#include "sim/comparator.def"
#undef QUANTITY
    QUANTITY_COUNT
};

enum { COMPARATOR_SOURCE_ROOM = 512 };
struct comparator {
    char name[PRESET_NAME_ROOM];
#define QUANTITY(name, ...) double name;
#include "sim/comparator.def"
#undef QUANTITY
    struct {
        enum grade grade;
        char source[COMPARATOR_SOURCE_ROOM];
    } note[QUANTITY_COUNT];
};

struct quantity {
    const char *name, *unit;
    double least, most;
    const char *meaning;
    size_t offset; /* in struct comparator */
};
extern const struct quantity quantities[QUANTITY_COUNT];

/* A preset's name (configs/comparators/NAME.yaml) or a YAML file. Unknown, missing, duplicate and out-of-range keys, and quantities without a source are
 * errors with file, line and key. */
bool comparator_load(const char *name_or_path, struct comparator *comparator, struct error *e);
/* The same from memory; `file` stands for it. */
bool comparator_parse(const char *text, size_t bytes, const char *file, struct comparator *comparator, struct error *e);

struct comparison {
    double user_tokens_per_s, total_tokens_per_s, joules_per_token;
    bool fits; /* weights and all users' KV have room; the rates are those as if they had */
};

/* users >= 1, each with so many tokens in its KV cache. */
struct comparison comparator_rate(const struct comparator *comparator, const struct shape *shape, double users, double context_tokens);

/* Weights that every token needs: linears and head. */
double shape_streamed_weights(const struct shape *shape);

#endif
