/* weights.h -- random LoRA weights of one group of linears, their bits in the SRAM, and what they must give, by plain arithmetic. */
#ifndef ETCHSIM_LOCKSTEP_WEIGHTS_H
#define ETCHSIM_LOCKSTEP_WEIGHTS_H

#include "sim/lora_layout.h"

enum value_kind { VALUES_RANDOM, VALUES_LOWEST, VALUES_SMALL, VALUES_MIDDLE, VALUES_ZERO_X, VALUES_ZERO_SCALE, VALUES_POWERS, VALUE_KINDS };
enum shape_kind { SHAPE_RANDOM, SHAPE_RANK_1, SHAPE_RANK_MAX, SHAPE_ONE_LANE_LEFT, SHAPE_FULL_BLOCKS, SHAPE_TINY, SHAPE_LONG, SHAPE_KINDS };
enum shift_kind { SHIFT_RANDOM, SHIFT_LEFT, SHIFT_SMALL, SHIFT_LARGE, SHIFT_FARTHEST, SHIFT_KINDS };

struct recipe { /* of a job; VALUE_KINDS, SHAPE_KINDS or SHIFT_KINDS: any */
    enum value_kind values;
    enum shape_kind shape;
    enum shift_kind shift;
};

struct weights { /* one group of one adapter in one layer */
    enum linear_group group;
    enum value_kind values;
    uint32_t n_linears, ranks[GROUP_LINEARS_MAX], inputs, outputs[GROUP_LINEARS_MAX];
    uint32_t a_address_words, b_address_words;
    struct lora_pair pair[GROUP_LINEARS_MAX];
    int8_t *a[GROUP_LINEARS_MAX], *b[GROUP_LINEARS_MAX]; /* [rank_max * width], width the largest number of inputs or outputs */
    uint16_t *scale_a[GROUP_LINEARS_MAX], *scale_b[GROUP_LINEARS_MAX]; /* [width] */
    uint32_t *region_a, *region_b;
};

/* width: room for inputs and outputs. */
struct weights *weights_new(const struct lora_geometry *unit, uint32_t width);
void weights_free(struct weights *w);
/* New shapes, values and addresses, packed. */
void weights_fill(struct weights *w, const struct lora_geometry *unit, uint32_t width, const struct recipe *recipe, uint64_t *random);
/* A job on them, with delays and pauses that suffice, now and then longer ones. */
struct lora_job weights_job(const struct weights *w, const struct lora_geometry *unit, const struct recipe *recipe, uint64_t *random);
void weights_x(const struct weights *w, uint64_t *random, int8_t *x);

struct shifts {                                                            /* what was seen on the way, for coverage */
    bool left, saturated, too_far, exact_h, clamped_h, half_h, half_delta; /* half: of a negative number */
};
/* delta[i]: [outputs[i]] of linear i, where it has a pair. */
void weights_delta(const struct weights *w, const int8_t *x, const int32_t base_exponent[], int64_t *const delta[], struct shifts *seen);

/* low .. high */
uint32_t between(uint64_t *random, uint32_t low, uint32_t high);
bool chance(uint64_t *random, uint32_t per_mille);

#endif
