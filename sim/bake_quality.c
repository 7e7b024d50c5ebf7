#include "sim/bake_quality.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernels/ref.h"
#include "sim/gguf_float.h"
#include "sim/text_tokens.h"

struct measurement {
    const struct image *image;
    const struct token_ids *ids;
    float *logits[EVALUATED_COUNT]; /* [n_positions][n_vocab] */
    void (*progress)(int64_t done, int64_t total);
    int64_t done;
};

static int32_t n_vocab(const struct measurement *m)
{
    return m->image->model.shape.n_vocab;
}

static float *logits_at(const struct measurement *m, enum evaluated which, int32_t position)
{
    return m->logits[which] + (int64_t)position * n_vocab(m);
}

static void show(struct measurement *m)
{
    if (m->progress) {
        m->progress(m->done, (int64_t)EVALUATED_COUNT * m->ids->count);
    }
    m->done++;
}

/* Frees the model. */
static bool evaluate_float(struct measurement *m, struct float_model *model, enum evaluated which, struct error *e)
{
    struct ref_float *ref = ref_float_new(model, m->ids->count);
    for (int32_t i = 0; ref && i < m->ids->count; i++) {
        show(m);
        ref_float_forward(ref, m->ids->ids[i], i, logits_at(m, which, i));
    }
    const bool good = ref != NULL;
    ref_float_free(ref);
    float_model_free(model);
    return good || error_input(e, "not enough memory for the model's floating-point reference");
}

static bool evaluate_file(struct measurement *m, const char *gguf_path, struct error *e)
{
    struct gguf gguf;
    struct float_model model;
    if (!gguf_open(gguf_path, &gguf, e)) {
        return false;
    }
    const bool good = gguf_float_model(&gguf, &model, e);
    gguf_close(&gguf);
    return good && evaluate_float(m, &model, EVALUATED_FILE, e);
}

static bool evaluate_rom(struct measurement *m, struct error *e)
{
    struct float_model model;
    if (!float_model_from_image(&m->image->model, NULL, &model)) {
        return error_input(e, "not enough memory for the model's weights as floats");
    }
    return evaluate_float(m, &model, EVALUATED_ROM, e);
}

static bool evaluate_chip(struct measurement *m, struct error *e)
{
    struct ref *ref = ref_new(&m->image->model, m->ids->count);
    struct acc acc = {.m = calloc((size_t)n_vocab(m), sizeof *acc.m)};
    const bool good = ref && acc.m;
    for (int32_t i = 0; good && i < m->ids->count; i++) {
        show(m);
        ref_forward(ref, NULL, m->ids->ids[i], i, &acc);
        acc_to_float(&acc, logits_at(m, EVALUATED_CHIP, i));
    }
    free(acc.m);
    ref_free(ref);
    return good || error_input(e, "not enough memory for the model's reference in integers");
}

static double perplexity(const struct measurement *m, enum evaluated which)
{
    double sum = 0;
    for (int32_t i = 0; i + 1 < m->ids->count; i++) {
        sum += float_surprise(logits_at(m, which, i), n_vocab(m), m->ids->ids[i + 1]);
    }
    return exp(sum / (m->ids->count - 1)); /* 0 / 0 for one position */
}

static void compare(const struct measurement *m, struct bake_quality *out)
{
    *out = (struct bake_quality){.n_positions = m->ids->count};
    for (int32_t i = 0; i < m->ids->count; i++) {
        const float *file = logits_at(m, EVALUATED_FILE, i), *rom = logits_at(m, EVALUATED_ROM, i), *chip = logits_at(m, EVALUATED_CHIP, i);
        output_distance_add(&out->weights, file, rom, n_vocab(m));
        output_distance_add(&out->arithmetic, rom, chip, n_vocab(m));
        output_distance_add(&out->chip, file, chip, n_vocab(m));
    }
    for (enum evaluated which = 0; which < EVALUATED_COUNT; which++) {
        out->perplexity[which] = perplexity(m, which);
    }
}

static double count_weights(const struct shape *s)
{
    double n = (s->tied_head ? 1.0 : 2.0) * s->n_vocab * s->d_model;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        n += (double)s->n_layers * shape_n_out(s, which) * shape_n_in(s, which);
    }
    return n;
}

static bool fits_memory(const struct measurement *m, const char *gguf_path, struct error *e)
{
    const double gb = 1e-9, needed = 4.0 * count_weights(&m->image->model.shape) + 12.0 * m->ids->count * n_vocab(m);
    const double has = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    return needed < 0.9 * has || error_input(e,
                                             "%s: expected a model whose weights as floats, and the outputs of %" PRId32
                                             " tokens, fit this machine's %.1f GB of memory, found %.1f GB",
                                             gguf_path, m->ids->count, gb * has, gb * needed);
}

static bool measure(struct measurement *m, const char *gguf_path, struct bake_quality *out, struct error *e)
{
    const size_t room = (size_t)m->ids->count * (size_t)n_vocab(m);
    bool good = fits_memory(m, gguf_path, e);
    for (enum evaluated which = 0; good && which < EVALUATED_COUNT; which++) {
        m->logits[which] = error_calloc(e, room, sizeof(float), "a model's outputs");
        good = m->logits[which] != NULL;
    }
    good = good && evaluate_file(m, gguf_path, e) && evaluate_rom(m, e) && evaluate_chip(m, e);
    if (good) {
        show(m);
        compare(m, out);
    }
    for (enum evaluated which = 0; which < EVALUATED_COUNT; which++) {
        free(m->logits[which]);
    }
    return good;
}

bool bake_quality(const char *gguf_path, const char *image_path, const char *text_path, int64_t tokens,
                  void (*progress)(int64_t done, int64_t total), struct bake_quality *out, struct error *e)
{
    struct image image;
    struct token_ids ids = {0};
    if (!image_open(image_path, &image, e)) {
        return false;
    }
    struct measurement m = {.image = &image, .ids = &ids, .progress = progress};
    const bool good = text_tokens(text_path, &image, tokens, &ids, e) && measure(&m, gguf_path, out, e);
    free(ids.ids);
    image_close(&image);
    return good;
}
