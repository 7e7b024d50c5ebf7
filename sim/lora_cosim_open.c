/* lora_cosim_open.c -- co-simulation begins and ends: which units it takes the place of, their pins, their memory. */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/lora_cosim_internal.h"
#include "sim/lora_pins_model.h"
#include "sim/lora_rtl.h"
#include "sim/sram.h"

static bool open_pins(struct cosim_layer *l, struct error *e)
{
    struct lora_cosim *all = l->all;
    uint32_t n = 0, inputs_max = 0;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        uint32_t inputs = (uint32_t)shape_n_in(&all->chip->shape, which);
        inputs_max = inputs > inputs_max ? inputs : inputs_max;
    }
    if (config_has_end(&all->chip->config, LINEARS_EMBEDDING) && all->chip->embed.lora_inputs > inputs_max) {
        inputs_max = all->chip->embed.lora_inputs;
    }
    if (all->options.mode != LORA_RTL) {
        l->pins[n] = lora_pins_model_open(&all->geometry, inputs_max, e);
        if (!l->pins[n++]) {
            return false;
        }
    }
    return all->options.mode == LORA_MODEL || lora_rtl_open(&all->geometry, inputs_max, &l->pins[n], e);
}

static bool open_layer(struct lora_cosim *all, int32_t layer, struct lora_mac *unit, struct sram *sram, struct error *e)
{
    struct cosim_layer *l = &all->layers[all->n_layers++];
    uint32_t sample_words = all->ports.input_words + all->n_pins * all->ports.output_words;
    l->all = all;
    l->layer = layer;
    l->unit = unit;
    l->sram = sram;
    l->sample = error_calloc(e, sample_words, sizeof *l->sample, "co-simulation");
    l->regions = error_calloc(e, all->n_adapters, sizeof *l->regions, "co-simulation");
    if (!l->sample || !l->regions || !pin_ring_new(&l->ring, all->options.before_cycles, sample_words, e) || !open_pins(l, e)) {
        return false;
    }
    l->grants = error_calloc(e, SRAM_WATCHED_CYCLES, sizeof *l->grants, "co-simulation");
    if (!l->grants) {
        return false;
    }
    sram_watch_lora(sram, l->grants);
    for (uint32_t k = 0; k < all->n_pins; k++) {
        l->pins[k]->clock(l->pins[k], &(struct lora_inputs){.reset = true});
    }
    unit->cosim = l;
    unit->unit.tick = cosim_tick;
    return true;
}

/* The units of all layers, and of the ends that have one. */
static bool open_layers(struct lora_cosim *all, struct error *e)
{
    struct chip *c = all->chip;
    const int32_t n_layers = c->shape.n_layers;
    all->layers = error_calloc(e, slices_per_adapter(n_layers), sizeof *all->layers, "co-simulation");
    bool good = all->layers != NULL;
    for (int32_t layer = 0; good && layer < n_layers; layer++) {
        good = open_layer(all, layer, &c->layers[layer].lora_mac, &c->layers[layer].sram, e);
    }
    if (good && config_has_end(&c->config, LINEARS_EMBEDDING)) {
        good = open_layer(all, LAYER_EMBEDDING, &c->embed_end.lora_mac, &c->embed_end.sram, e);
    }
    if (good && config_has_end(&c->config, LINEARS_HEAD)) {
        good = open_layer(all, n_layers, &c->head_end.lora_mac, &c->head_end.sram, e);
    }
    return good;
}

/* What --trace fst shows: one layer, or all of them with the ends. */
static struct pin_place traced_layers(const struct lora_cosim *all)
{
    const struct chip *c = all->chip;
    struct pin_place place = {c->shape.n_layers, all->options.layer, 1};
    if (all->options.layer < 0) {
        place.first = config_has_end(&c->config, LINEARS_EMBEDDING) ? LAYER_EMBEDDING : 0;
        place.n = c->shape.n_layers + config_has_end(&c->config, LINEARS_HEAD) - place.first;
    }
    return place;
}

static bool open_all(struct lora_cosim *all, struct error *e)
{
    const struct lora_geometry *u = &all->geometry;
    all->word_buffer = error_calloc(e, (size_t)u->port_words * u->sram_width_bits / 32 + 2, sizeof *all->word_buffer, "co-simulation");
    bool good = all->word_buffer != NULL;
    for (enum linear_group g = 0; good && g < LINEAR_GROUPS; g++) {
        all->beat[g] = error_calloc(e, u->link_elements, 1, "co-simulation");
        good = all->beat[g] != NULL;
    }
    for (uint32_t k = 0; good && k <= COSIM_UNITS_MAX; k++) {
        all->delta[k] = error_calloc(e, u->drain_elements, sizeof **all->delta, "co-simulation");
        good = all->delta[k] != NULL;
    }
    const struct lora_cosim_options *options = &all->options;
    return good && open_layers(all, e) &&
           (!options->trace ||
            pin_wave_open(&all->wave, &all->ports, all->names, all->n_pins, traced_layers(all), options->folder, "lora_mac.fst", e));
}

bool lora_cosim_attach(struct chip *chip, const struct lora_cosim_options *options, struct lora_cosim **cosim, struct error *e)
{
    ES_ASSERT(chip->model && chip->now == 0 && options->before_cycles > 0);
    if (chip->config.chip_organisation == ORGANISATION_SHARED) {
        return error_input(e, "chip %s: chip.organisation: shared has no layer of its own at the LoRA MAC unit's pins; expected spatial",
                           chip->config.name);
    }
    if (options->layer >= chip->shape.n_layers) {
        return error_input(e, "layer %" PRId32 ": expected a layer of the model, 0 to %" PRId32, options->layer, chip->shape.n_layers - 1);
    }
    struct lora_cosim *all = error_calloc(e, 1, sizeof *all, "co-simulation");
    if (!all) {
        return false;
    }
    *all = (struct lora_cosim){.options = *options,
                               .chip = chip,
                               .geometry = lora_geometry(&chip->config),
                               .names = {options->mode == LORA_RTL ? "rtl" : "model", "rtl"},
                               .n_pins = options->mode == LORA_LOCKSTEP ? 2 : 1,
                               .n_adapters = chip->n_adapters};
    all->ports = lora_ports(&all->geometry);
    if (!open_all(all, e)) {
        struct error later;
        lora_cosim_close(all, false, &later);
        return false;
    }
    *cosim = all;
    return true;
}

static void free_layer(struct cosim_layer *l)
{
    for (uint32_t k = 0; k < COSIM_UNITS_MAX; k++) {
        if (l->pins[k]) {
            l->pins[k]->close(l->pins[k]);
        }
    }
    for (uint32_t a = 0; l->regions && a < l->all->n_adapters; a++) {
        for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
            free(l->regions[a][g].a);
            free(l->regions[a][g].b);
        }
    }
    free(l->regions);
    free(l->sample);
    free(l->grants);
    pin_ring_free(&l->ring);
}

bool lora_cosim_close(struct lora_cosim *all, bool keep, struct error *e)
{
    if (!all) {
        return true;
    }
    bool good = pin_wave_close(all->wave, keep, e);
    for (uint32_t layer = 0; all->layers && layer < all->n_layers; layer++) {
        free_layer(&all->layers[layer]);
    }
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        free(all->beat[g]);
    }
    for (uint32_t k = 0; k <= COSIM_UNITS_MAX; k++) {
        free(all->delta[k]);
    }
    free(all->layers);
    free(all->word_buffer);
    free(all);
    return good;
}
