/* sweep_open.c -- opens what a sweep names, once: chips, models' shapes, workloads; and draws its samples. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/chip_auto.h"
#include "sim/sweep.h"

/* -- names -- */

static bool open_chip(const char *name, struct sweep_chip *chip, struct error *e)
{
    snprintf(chip->name, sizeof chip->name, "%s", name);
    chip->is_auto = chip_is_auto(name);
    return chip->is_auto || config_load(name, &chip->config, e);
}

static bool open_model(struct sweep *s, const char *name, struct error *e)
{
    for (uint32_t i = 0; i < s->n_models; i++) {
        if (strcmp(s->models[i].name, name) == 0) {
            return true;
        }
    }
    struct sweep_model *model = &s->models[s->n_models];
    snprintf(model->name, sizeof model->name, "%s", name);
    if (!image_open_shape(name, NULL, &model->image, e)) {
        return false;
    }
    s->n_models++;
    return true;
}

/* The workload's chip, with its `set`; an automatic one is made for the workload's own model. */
static bool open_workload(struct sweep *s, const char *name, struct sweep_workload *w, struct error *e)
{
    snprintf(w->name, sizeof w->name, "%s", name);
    if (!workload_load(name, &w->workload, e)) {
        return false;
    }
    w->workload.values = false; /* the same cycles */
    bool good = open_model(s, w->workload.model, e) && open_chip(w->workload.chip, &w->chip, e);
    for (uint32_t i = 0; good && w->chip.is_auto && i < s->n_models; i++) {
        if (strcmp(s->models[i].name, w->workload.model) == 0) {
            chip_auto(&s->models[i].image.model.shape, &w->chip.config);
            w->chip.is_auto = false;
        }
    }
    for (int32_t i = 0; good && i < w->workload.n_set; i++) {
        good = config_set(&w->chip.config, w->workload.set[i], e);
    }
    return good;
}

static bool open_names(struct sweep *s, const struct sweep_axis *a, struct error *e)
{
    bool good = true;
    for (uint32_t i = 0; good && a->names && i < a->n_values; i++) {
        switch (a->key.target) {
        case TARGET_CHIP: good = open_chip(a->names[i], &s->chips[s->n_chips++], e); break;
        case TARGET_MODEL: good = open_model(s, a->names[i], e); break;
        case TARGET_SERVE: good = open_workload(s, a->names[i], &s->workloads[s->n_workloads++], e); break;
        default: break;
        }
    }
    return good;
}

/* -- samples -- */

static double unit_random(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* A stream for each axis: another axis more leaves the others as they are. */
static bool draw_samples(struct sweep *s, struct error *e)
{
    struct random random;
    uint32_t n = s->n_points;
    ES_ASSERT(n > 0);
    s->samples = error_calloc(e, (size_t)s->n_axes * n, sizeof *s->samples, "samples");
    for (uint32_t axis = 0; s->samples && axis < s->n_axes; axis++) {
        double *sample = &s->samples[(size_t)axis * n];
        random_seed(&random, s->seed, XXH64(sweep_key_text(s->axes[axis].key), strlen(sweep_key_text(s->axes[axis].key)), 0));
        for (uint32_t i = 0; i < n; i++) {
            sample[i] = s->method == SAMPLE_RANDOM ? unit_random(&random) : (i + unit_random(&random)) / n; /* one in each of n strata */
        }
        for (uint32_t i = n - 1; i > 0 && s->method == SAMPLE_LATIN_HYPERCUBE; i--) {
            uint32_t j = (uint32_t)(random_next(&random) % (i + 1));
            double other = sample[j];
            sample[j] = sample[i];
            sample[i] = other;
        }
    }
    return s->samples != NULL;
}

/* -- what the results depend on -- */

static void hash_sweep(struct sweep *s)
{
    XXH64_hash_t hash = XXH64(s->text, strlen(s->text), 0);
    hash = XXH64(s->physics.corner, sizeof s->physics.corner, hash);
    for (uint32_t i = 0; i < s->n_chips; i++) {
        hash = XXH64(&s->chips[i].config, sizeof s->chips[i].config, hash);
    }
    for (uint32_t i = 0; i < s->n_workloads; i++) {
        hash = XXH64(&s->workloads[i].chip.config, sizeof s->workloads[i].chip.config, hash);
        hash = XXH64(&s->workloads[i].workload.seed, sizeof s->workloads[i].workload.seed, hash);
    }
    for (uint32_t i = 0; i < s->n_models; i++) {
        hash = XXH64(&s->models[i].image.hash, sizeof s->models[i].image.hash, hash);
    }
    s->hash = hash;
}

bool sweep_open(struct sweep *s, struct error *e)
{
    size_t most = 1;
    for (uint32_t i = 0; i < s->n_axes; i++) {
        most += s->axes[i].names ? s->axes[i].n_values : 0;
    }
    s->chips = error_calloc(e, most, sizeof *s->chips, "chips");
    s->models = s->chips ? error_calloc(e, 2 * most, sizeof *s->models, "models") : NULL;
    s->workloads = s->models ? error_calloc(e, most, sizeof *s->workloads, "workloads") : NULL;
    bool good = s->workloads && physics_load(s->physics_name, &s->physics, e);
    for (uint32_t i = 0; good && i < s->n_axes; i++) {
        good = open_names(s, &s->axes[i], e);
    }
    good = good && (s->method == SAMPLE_GRID || draw_samples(s, e));
    if (!good) {
        sweep_free(s);
        return false;
    }
    hash_sweep(s);
    return true;
}

void sweep_free(struct sweep *s)
{
    for (uint32_t i = 0; i < s->n_axes; i++) {
        free(s->axes[i].numbers);
        free(s->axes[i].names);
    }
    for (uint32_t i = 0; s->models && i < s->n_models; i++) {
        image_close(&s->models[i].image);
    }
    for (uint32_t i = 0; s->workloads && i < s->n_workloads; i++) {
        workload_free(&s->workloads[i].workload);
    }
    free(s->chips);
    free(s->models);
    free(s->workloads);
    free(s->samples);
    free(s->text);
    *s = (struct sweep){0};
}
