#include "tests/lockstep/weights.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

uint32_t between(uint64_t *random, uint32_t low, uint32_t high)
{
    return low + (uint32_t)((test_random(random) >> 16) % ((uint64_t)high - low + 1));
}

bool chance(uint64_t *random, uint32_t per_mille)
{
    return between(random, 0, 999) < per_mille;
}

static void *room(size_t count, size_t size)
{
    struct error e = {0};
    void *memory = error_calloc(&e, count, size, "weights of the bench");
    ES_ASSERT(memory);
    return memory;
}

static size_t region_words(const struct lora_geometry *unit, uint64_t rows)
{
    return (rows * unit->row_words * unit->sram_width_bits + 31) / 32 + 1;
}

struct weights *weights_new(const struct lora_geometry *unit, uint32_t width)
{
    struct weights *w = room(1, sizeof *w);
    uint64_t blocks = width / unit->lanes + 1, r = unit->rank_max;
    for (uint32_t i = 0; i < GROUP_LINEARS_MAX; i++) {
        w->a[i] = room((size_t)r * width, 1);
        w->b[i] = room((size_t)r * width, 1);
        w->scale_a[i] = room(r, sizeof(uint16_t));
        w->scale_b[i] = room(width, sizeof(uint16_t));
    }
    w->region_a = room(region_words(unit, 3 * ((r + 1) * GROUP_LINEARS_MAX / unit->lanes + 1) + GROUP_LINEARS_MAX * blocks * r), 4);
    w->region_b = room(region_words(unit, GROUP_LINEARS_MAX * blocks * (r + 3)), 4);
    return w;
}

void weights_free(struct weights *w)
{
    for (uint32_t i = 0; w && i < GROUP_LINEARS_MAX; i++) {
        free(w->a[i]);
        free(w->b[i]);
        free(w->scale_a[i]);
        free(w->scale_b[i]);
    }
    if (w) {
        free(w->region_a);
        free(w->region_b);
    }
    free(w);
}

/* -- random shapes and values -- */

static uint32_t random_width(const struct lora_geometry *unit, uint32_t width, enum shape_kind shape, uint64_t *random)
{
    uint32_t lanes = unit->lanes, blocks = between(random, 1, width / lanes);
    switch (shape) {
    case SHAPE_TINY: return between(random, 1, lanes < 9 ? 3 : 9);
    case SHAPE_FULL_BLOCKS: return blocks * lanes;
    case SHAPE_LONG: return chance(random, 500) ? between(random, width - lanes + 1, width) : between(random, 1, width);
    case SHAPE_ONE_LANE_LEFT: return (blocks - 1) * lanes + (chance(random, 500) || blocks == 1 ? 1 : lanes - 1);
    default: return between(random, 1, chance(random, 500) ? width : lanes);
    }
}

static uint32_t random_rank(const struct lora_geometry *unit, enum shape_kind shape, uint64_t *random)
{
    uint32_t few = unit->rank_max < 5 ? unit->rank_max : 5;
    return shape == SHAPE_RANK_1     ? 1
           : shape == SHAPE_RANK_MAX ? unit->rank_max
                                     : between(random, 1, chance(random, 800) ? few : unit->rank_max);
}

/* +-2^n or nothing, so that sums and products have few bits: where one bit decides what is saturated. */
static int32_t random_power(uint32_t n_max, uint64_t *random)
{
    int32_t power = (int32_t)(1u << between(random, 0, n_max));
    return chance(random, 500) ? 0 : chance(random, 500) ? power : -power;
}

static int8_t random_weight(enum value_kind values, uint64_t *random)
{
    switch (values) {
    case VALUES_LOWEST: return -32;
    case VALUES_SMALL: return (int8_t)((int32_t)between(random, 0, 2) - 1);
    case VALUES_MIDDLE: return (int8_t)((int32_t)between(random, 0, 6) - 3);
    case VALUES_POWERS: return (int8_t)random_power(4, random);
    default: return (int8_t)((int32_t)between(random, 0, 63) - 32);
    }
}

static uint16_t random_scale(enum value_kind values, uint64_t *random)
{
    switch (values) {
    case VALUES_LOWEST: return 65535;
    case VALUES_ZERO_SCALE: return 0;
    case VALUES_SMALL: return (uint16_t)between(random, 0, 2);
    case VALUES_MIDDLE: return (uint16_t)between(random, 1, 4);
    case VALUES_POWERS: return (uint16_t)(1u << between(random, 0, 15));
    default: return (uint16_t)between(random, 0, 65535);
    }
}

static void fill_pair(struct weights *w, uint32_t i, uint64_t *random)
{
    uint32_t rank = w->ranks[i];
    for (uint32_t k = 0; k < rank * w->inputs; k++) {
        w->a[i][k] = random_weight(w->values, random);
    }
    for (uint32_t k = 0; k < rank * w->outputs[i]; k++) {
        w->b[i][k] = random_weight(w->values, random);
    }
    for (uint32_t k = 0; k < rank; k++) {
        w->scale_a[i][k] = random_scale(w->values, random);
    }
    for (uint32_t k = 0; k < w->outputs[i]; k++) {
        w->scale_b[i][k] = random_scale(w->values == VALUES_ZERO_SCALE && chance(random, 500) ? VALUES_RANDOM : w->values, random);
    }
    w->pair[i] = (struct lora_pair){.rank = (int32_t)rank,
                                    .n_in = (int32_t)w->inputs,
                                    .n_out = (int32_t)w->outputs[i],
                                    .exponent_a = -(int32_t)between(random, 0, 40),
                                    .exponent_b = -(int32_t)between(random, 0, 40),
                                    .a = w->a[i],
                                    .b = w->b[i],
                                    .scale_a = w->scale_a[i],
                                    .scale_b = w->scale_b[i]};
}

void weights_fill(struct weights *w, const struct lora_geometry *unit, uint32_t width, const struct recipe *recipe, uint64_t *random)
{
    enum shape_kind shape = recipe->shape == SHAPE_KINDS ? between(random, 0, SHAPE_KINDS - 1) : recipe->shape;
    w->values = recipe->values == VALUE_KINDS ? between(random, 0, VALUE_KINDS - 1) : recipe->values;
    w->group = between(random, 0, LINEAR_GROUPS - 1);
    w->n_linears = linears_count(w->group);
    w->inputs = random_width(unit, width, shape, random);
    uint32_t sure = between(random, 0, w->n_linears - 1);
    for (uint32_t i = 0; i < w->n_linears; i++) {
        w->ranks[i] = i == sure || chance(random, 700) ? random_rank(unit, shape, random) : 0;
        w->outputs[i] = random_width(unit, width, shape == SHAPE_LONG ? SHAPE_TINY : shape, random);
        fill_pair(w, i, random);
    }
    struct lora_job job = lora_job_make(unit, w->n_linears, w->ranks, w->inputs, w->outputs, 1);
    const struct lora_pair *const pairs[GROUP_LINEARS_MAX] = {&w->pair[0], &w->pair[1], &w->pair[2]};
    lora_layout_pack(unit, &job, pairs, w->region_a, w->region_b);
    uint32_t words = (lora_job_a_rows(unit, &job) + lora_job_b_rows(unit, &job)) * unit->row_words;
    w->a_address_words = between(random, 0, chance(random, 500) ? UINT32_MAX - words : 100);
    w->b_address_words = w->a_address_words + lora_job_a_rows(unit, &job) * unit->row_words;
}

static int32_t random_base_exponent(const struct lora_pair *pair, const struct recipe *recipe, uint64_t *random)
{
    enum shift_kind shift = recipe->shift == SHIFT_KINDS ? between(random, 0, SHIFT_KINDS - 1) : recipe->shift;
    int32_t exponent = pair->exponent_a + pair->exponent_b;
    switch (shift) { /* the requantiser's own shift, 0 .. 39, is still to be subtracted */
    case SHIFT_SMALL: return exponent + (int32_t)between(random, 0, 14);
    case SHIFT_LEFT: return exponent - (int32_t)between(random, 0, 50);
    case SHIFT_LARGE: return exponent + (int32_t)between(random, 55, 105);
    case SHIFT_FARTHEST: return chance(random, 500) ? INT16_MAX : INT16_MIN;
    default: return exponent + (int32_t)between(random, 0, 75);
    }
}

struct lora_job weights_job(const struct weights *w, const struct lora_geometry *unit, const struct recipe *recipe, uint64_t *random)
{
    uint32_t elements = chance(random, 500) ? unit->link_elements : between(random, 1, unit->link_elements);
    struct lora_job job = lora_job_make(unit, w->n_linears, w->ranks, w->inputs, w->outputs, elements);
    job.a_address_words = w->a_address_words;
    job.b_address_words = w->b_address_words;
    job.a_delay_cycles += chance(random, 200) ? between(random, 1, 20) : 0;
    job.a_pause_cycles += chance(random, 200) ? between(random, 1, 20) : 0;
    job.b_pause_cycles += chance(random, 200) ? between(random, 1, 20) : 0;
    for (uint32_t i = 0; i < w->n_linears; i++) {
        job.base_exponent[i] = random_base_exponent(&w->pair[i], recipe, random);
    }
    return job;
}

void weights_x(const struct weights *w, uint64_t *random, int8_t *x)
{
    for (uint32_t i = 0; i < w->inputs; i++) {
        x[i] = (int8_t)(w->values == VALUES_LOWEST   ? -128
                        : w->values == VALUES_ZERO_X ? 0
                        : w->values == VALUES_SMALL  ? (int32_t)between(random, 0, 2) - 1
                        : w->values == VALUES_MIDDLE ? (int32_t)between(random, 0, 10) - 5
                        : w->values == VALUES_POWERS ? random_power(6, random)
                                                     : (int32_t)between(random, 0, 255) - 128);
    }
}

/* -- what must come out: docs/lora_mac.md, "Arithmetic in the unit", in plain loops -- */

__extension__ typedef __int128 wide;

static wide floor_shift(wide v, int32_t by)
{
    wide step = (wide)1 << by, quotient = v / step;
    return quotient * step > v ? quotient - 1 : quotient;
}

static wide rounded(wide v, int32_t by)
{
    return by == 0 ? v : floor_shift(v + ((wide)1 << (by - 1)), by);
}

/* Exactly between two results, where it matters to which side a half goes. */
static bool is_half(wide v, int32_t by)
{
    return v < 0 && by > 0 && floor_shift(v, by) * ((wide)1 << by) + ((wide)1 << (by - 1)) == v;
}

static wide clamped(wide v, wide limit)
{
    return v > limit ? limit : v < -limit ? -limit : v;
}

/* Returns s. */
static int32_t phase_a(const struct weights *w, uint32_t linear, const int8_t *x, int32_t *h, struct shifts *seen)
{
    wide u[LORA_RANK_MAX], largest = 0;
    for (uint32_t j = 0; j < w->ranks[linear]; j++) {
        int64_t sum = 0;
        for (uint32_t i = 0; i < w->inputs; i++) {
            sum += w->a[linear][j * w->inputs + i] * x[i];
        }
        u[j] = (wide)sum * w->scale_a[linear][j];
        wide magnitude = u[j] < 0 ? -u[j] : u[j];
        largest = magnitude > largest ? magnitude : largest;
    }
    int32_t s = 0;
    while (largest >> s > 127) {
        s++;
    }
    for (uint32_t j = 0; j < w->ranks[linear]; j++) {
        wide full = rounded(u[j], s);
        h[j] = (int32_t)clamped(full, 127);
        seen->clamped_h |= full != h[j];
        seen->half_h |= is_half(u[j], s);
    }
    seen->exact_h |= s == 0;
    return s;
}

static int64_t rescaled(wide v, int32_t d, struct shifts *seen)
{
    const wide limit = ((wide)1 << 39) - 1;
    seen->left |= d < 0;
    seen->too_far |= d > 62;
    if (d > 62 || v == 0) {
        return 0;
    }
    wide full = d >= 0 ? rounded(v, d) : d < -60 ? v * ((wide)1 << 60) : v * ((wide)1 << -d);
    seen->half_delta |= d > 0 && is_half(v, d);
    seen->saturated |= full != clamped(full, limit);
    return (int64_t)clamped(full, limit);
}

void weights_delta(const struct weights *w, const int8_t *x, const int32_t base_exponent[], int64_t *const delta[], struct shifts *seen)
{
    for (uint32_t i = 0; i < w->n_linears; i++) {
        if (w->ranks[i] == 0) {
            continue;
        }
        int32_t h[LORA_RANK_MAX], s = phase_a(w, i, x, h, seen);
        int32_t d = base_exponent[i] - (w->pair[i].exponent_a + w->pair[i].exponent_b) - s;
        for (uint32_t o = 0; o < w->outputs[i]; o++) {
            int64_t sum = 0;
            for (uint32_t j = 0; j < w->ranks[i]; j++) {
                sum += w->b[i][o * w->ranks[i] + j] * h[j];
            }
            delta[i][o] = rescaled((wide)sum * w->scale_b[i][o], d, seen);
        }
    }
}
