/* bake_synthetic.c -- weights drawn from a seed, packed as they are drawn: a model of true shape in seconds, without a file.
 *
 * Codes are uniform, scales within a seventh of each other (MXFP4: two neighbouring powers of two); exponent and scale give each matrix the
 * deviation that keeps the values of a transformer in range: 1 / sqrt(inputs), less by sqrt(2 layers) where it adds to the residual stream.
 * Norm weights are 1, biases small. The draws depend on seed, matrix and block of rows only, so the image is the same on every machine and for
 * any number of threads.
 */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemv.h"
#include "kernels/matrix_panel.h"
#include "kernels/threads.h"
#include "sim/bake_matrix.h"
#include "sim/bake_plan.h"
#include "sim/quantise.h"

enum { SCALE_SPREAD = 8, SCALE_MID_MIN = 24 }; /* the middle scale lies in 24 .. 47 */
enum { MX_SCALE = 16, MX_SCALE_MID_MIN = 18 }; /* MXFP4: 16 and 32, whose root mean square 25.3 stands for 18 .. 35 */

static const int8_t GAUSS[CODEBOOK_MAX] = {-31, -19, -11, -4, 4, 11, 19, 31};

/* Its numbers are the splitmix64 sequence. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* ---- the model ---- */

static const struct gguf_tensor NORM = {.name = {"norm", 4}}, BIAS = {.name = {"bias", 4}};

static struct gguf_part rows_of(const struct gguf_tensor *tensor, int32_t n)
{
    return (struct gguf_part){.tensor = tensor, .n = n};
}

bool synthetic_model(const struct shape *shape, struct gguf_model *m, struct error *e)
{
    *m = (struct gguf_model){.shape = *shape};
    m->layers = error_calloc(e, (size_t)shape->n_layers, sizeof *m->layers, "layers");
    if (!m->layers) {
        return false;
    }
    m->embedding = m->head = rows_of(NULL, shape->n_vocab);
    m->final_norm = rows_of(&NORM, shape->d_model);
    for (int32_t i = 0; i < shape->n_layers; i++) {
        struct gguf_layer *l = &m->layers[i];
#define LAYER_NORM(field, width, present) l->field = rows_of((present) ? &NORM : NULL, shape->width);
#include "kernels/layer_norms.def"
#undef LAYER_NORM
        for (enum linear which = 0; which < LINEAR_COUNT; which++) {
            l->linear[which] = rows_of(NULL, shape_n_out(shape, which));
        }
        for (int which = 0; which < BIASES; which++) {
            l->bias[which] = rows_of(&BIAS, shape_n_out(shape, (enum linear)which));
        }
    }
    return true;
}

void synthetic_values(const struct gguf_part *part, float *values)
{
    for (int32_t i = 0; i < part->n; i++) {
        values[i] = part->tensor == &NORM ? 1.0f : (float)(i * 37 % 17 - 8) / 64.0f;
    }
}

/* ---- a matrix ---- */

struct draw {
    const struct matrix *w;
    const struct bake_target *target;
    uint64_t seed;
    uint8_t scale; /* the least one */
    atomic_bool failed;
    struct error error; /* of whoever failed first */
};

static void draw_bytes(uint64_t *state, uint8_t *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i += 8) {
        const uint64_t word = next(state);
        memcpy(bytes + i, &word, n - i < 8 ? (size_t)(n - i) : 8);
    }
}

/* Code 0 where the matrix has no input: the planes again, code by code. */
static void draw_last_panel(const struct matrix *w, uint64_t *state, uint8_t *planes)
{
    memset(planes, 0, (size_t)PLANE_BYTES * (size_t)weight_bits(w->format));
    for (int32_t i = 0; i < w->n_in % PANEL_INPUTS; i++) {
        const uint64_t word = next(state);
        for (int r = 0; r < BLOCK_ROWS; r++) {
            const int code = (int)(word >> 4 * r & 15) & ((1 << weight_bits(w->format)) - 1);
            panel_put_code(w->format, planes, i / CHUNK_INPUTS, CHUNK_INPUTS * r + i % CHUNK_INPUTS, code);
        }
    }
}

static void draw_panel(const struct draw *d, int n_rows, bool whole, uint64_t *state, uint8_t *data)
{
    const struct matrix *w = d->w;
    const int n_scales = matrix_panel_scales(w);
    draw_bytes(state, data, matrix_panel_bytes(w));
    for (int i = 0; i < n_scales; i++) {
        const int scale = w->format == WEIGHT_W4 ? d->scale << (data[i] & 1) : d->scale + data[i] % SCALE_SPREAD;
        data[i] = i % BLOCK_ROWS < n_rows ? (uint8_t)scale : 0;
    }
    if (!whole) {
        draw_last_panel(w, state, data + n_scales);
    }
    for (int at = n_scales; n_rows < BLOCK_ROWS && at < matrix_panel_bytes(w); at += PLANE_BYTES) {
        memset(data + at + (ptrdiff_t)CHUNK_INPUTS * n_rows, 0, (size_t)(PLANE_BYTES - CHUNK_INPUTS * n_rows));
    }
}

static void draw_block(const struct draw *d, int32_t block, uint8_t *data)
{
    const struct matrix *w = d->w;
    const int32_t left = w->n_out - block * BLOCK_ROWS, n_panels = matrix_panels(w);
    uint64_t state = d->seed + (uint64_t)block, mixed = next(&state); /* neighbours' states lie far apart */
    for (int32_t p = 0; p < n_panels; p++, data += matrix_panel_bytes(w)) {
        draw_panel(d, left < BLOCK_ROWS ? left : BLOCK_ROWS, (p + 1) * PANEL_INPUTS <= w->n_in, &mixed, data);
    }
}

static void draw_blocks(void *user, int32_t first, int32_t n)
{
    struct draw *d = user;
    const uint64_t block_bytes = (uint64_t)matrix_block_bytes(d->w);
    struct error e;
    uint8_t *data = error_calloc(&e, block_bytes, 1, "a block of weights");
    bool good = data != NULL;
    for (int32_t block = first; good && block < first + n; block++) {
        draw_block(d, block, data);
        good = write_at(d->target->fd, d->target->path, data, block_bytes, d->target->offset + (uint64_t)block * block_bytes, &e);
    }
    free(data);
    if (!good && !atomic_exchange(&d->failed, true)) {
        d->error = e;
    }
}

/* Root mean square of a weight. */
static double deviation(const struct plan *p, int32_t index)
{
    const struct shape *s = &p->model.shape;
    const int32_t first_linear = s->tied_head ? 1 : 2;
    if (index < first_linear) {
        return index == 0 && !s->tied_head ? 1.0 : 2.0 / sqrt(s->d_model);
    }
    const enum linear which = (enum linear)((index - first_linear) % LINEAR_COUNT);
    const bool adds = which == LINEAR_O || which == LINEAR_DOWN;
    return 1.0 / sqrt((double)shape_n_in(s, which) * (adds ? 2.0 * s->n_layers : 1.0));
}

/* Exponent and least scale, so that codes times scales have the deviation. */
static int32_t choose_scale(const struct matrix *w, double rms, int32_t *exponent)
{
    const double code_rms = w->format == WEIGHT_W3 ? 19.1 : w->format == WEIGHT_W4 ? 5.85 : 18.5;
    const int least = w->format == WEIGHT_W4 ? MX_SCALE_MID_MIN : SCALE_MID_MIN;
    double scale = rms / code_rms;
    for (*exponent = 0; scale < least; --*exponent) {
        scale *= 2;
    }
    return w->format == WEIGHT_W4 ? MX_SCALE : (int32_t)lrint(scale) - SCALE_SPREAD / 2;
}

bool synthetic_matrix(const struct plan *p, int32_t index, const struct bake_target *target, struct matrix *w, char codebook_name[8],
                      struct error *e)
{
    uint64_t state = p->synthetic->seed ^ (uint64_t)index << 40;
    struct draw d = {.w = w, .target = target, .seed = next(&state)};
    d.scale = (uint8_t)choose_scale(w, deviation(p, index), &w->exponent);
    for (int i = 0; i < weight_codebook_entries(w->format); i++) {
        w->codebook[i] = w->format == WEIGHT_W3 ? GAUSS[i] : MX_BOOK[i];
    }
    snprintf(codebook_name, 8, "%s", w->format == WEIGHT_W3 ? "gauss" : w->format == WEIGHT_W4 ? "mxfp4" : "-");
    threads_share(matrix_blocks(w), (1 << 22) / (int32_t)matrix_block_bytes(w) + 1, draw_blocks, &d);
    if (atomic_load(&d.failed)) {
        *e = d.error;
        return false;
    }
    return true;
}
