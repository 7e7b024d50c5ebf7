#include "sim/lora_cosim_wave.h"

#include <stdlib.h>
#include <string.h>

#include "traces/waveform.h"

struct pin_wave {
    struct waveform *file;
    struct lora_ports ports;
    uint32_t n_units, sample_words;
    struct pin_place place;
    waveform_signal *signals; /* [place.n][1 + n_units][LORA_PORTS] inputs, then each unit's outputs */
    uint32_t *last;           /* [place.n][sample_words] */
    bool *begun;              /* [place.n] */
    cycle_t cycle;
    bool any;
};

static uint32_t sample_words(const struct lora_ports *ports, uint32_t n_units)
{
    return ports->input_words + n_units * ports->output_words;
}

static waveform_signal *signals_of(const struct pin_wave *w, int32_t layer, uint32_t record)
{
    return w->signals + ((size_t)(layer - w->place.first) * (1 + w->n_units) + record) * LORA_PORTS;
}

static void declare_unit(struct pin_wave *w, int32_t layer, uint32_t unit, const char *unit_name)
{
    char name[48];
    waveform_scope(w->file, unit_name);
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *port = &w->ports.port[p];
        snprintf(name, sizeof name, "%s%s", port->name, port->suffix);
        if (port->input && unit > 0) {
            waveform_alias(w->file, name, port->bits, true, signals_of(w, layer, 0)[p]);
        } else {
            signals_of(w, layer, port->input ? 0 : 1 + unit)[p] = waveform_declare(w->file, name, port->bits, port->input);
        }
    }
    waveform_end_scope(w->file);
}

const char *pin_scope(const struct pin_place *place, int32_t layer, char scope[PIN_SCOPE_ROOM])
{
    if (layer == LAYER_EMBEDDING || layer == place->model_layers) {
        snprintf(scope, PIN_SCOPE_ROOM, "%s", layer == LAYER_EMBEDDING ? "embedding" : "head");
    } else {
        snprintf(scope, PIN_SCOPE_ROOM, "layer%d", layer);
    }
    return scope;
}

static void declare_layer(struct pin_wave *w, int32_t layer, const char *const unit_names[])
{
    char name[PIN_SCOPE_ROOM];
    waveform_scope(w->file, pin_scope(&w->place, layer, name));
    for (uint32_t u = 0; u < w->n_units; u++) {
        declare_unit(w, layer, u, unit_names[u]);
    }
    waveform_end_scope(w->file);
}

static void free_wave(struct pin_wave *w)
{
    if (w) {
        free(w->signals);
        free(w->last);
        free(w->begun);
    }
    free(w);
}

bool pin_wave_open(struct pin_wave **wave, const struct lora_ports *ports, const char *const unit_names[], uint32_t n_units,
                   struct pin_place place, const char *folder, const char *name, struct error *e)
{
    struct pin_wave *w = error_calloc(e, 1, sizeof *w, "a waveform");
    if (!w) {
        return false;
    }
    *w = (struct pin_wave){.ports = *ports, .n_units = n_units, .sample_words = sample_words(ports, n_units), .place = place};
    size_t layers = (size_t)place.n;
    w->signals = error_calloc(e, layers * (1 + n_units) * LORA_PORTS, sizeof *w->signals, "a waveform");
    w->last = error_calloc(e, layers * w->sample_words, sizeof *w->last, "a waveform");
    w->begun = error_calloc(e, layers, sizeof *w->begun, "a waveform");
    if (!w->signals || !w->last || !w->begun || !waveform_open(&w->file, folder, name, e)) {
        free_wave(w);
        return false;
    }
    for (int32_t l = place.first; l < place.first + place.n; l++) {
        declare_layer(w, l, unit_names);
    }
    *wave = w;
    return true;
}

/* One record's ports, those that changed. */
static void write_record(struct pin_wave *w, const waveform_signal *signals, bool inputs, const uint32_t *record, const uint32_t *last,
                         bool all)
{
    for (enum lora_port p = 0; p < LORA_PORTS; p++) {
        const struct lora_port_place *port = &w->ports.port[p];
        size_t bytes = (port->bits + 31) / 32 * sizeof *record;
        if (port->input == inputs && (all || memcmp(record + port->offset_words, last + port->offset_words, bytes) != 0)) {
            waveform_value(w->file, signals[p], port->bits, record + port->offset_words);
        }
    }
}

void pin_wave_sample(struct pin_wave *w, int32_t layer, cycle_t cycle, const uint32_t *sample)
{
    size_t index = (size_t)(layer - w->place.first);
    uint32_t *last = w->last + index * w->sample_words;
    bool all = !w->begun[index];
    if (!all && memcmp(last, sample, w->sample_words * sizeof *sample) == 0) {
        return;
    }
    if (!w->any || cycle != w->cycle) {
        waveform_cycle(w->file, cycle);
        w->cycle = cycle;
        w->any = true;
    }
    write_record(w, signals_of(w, layer, 0), true, sample, last, all);
    for (uint32_t u = 0, at = w->ports.input_words; u < w->n_units; u++, at += w->ports.output_words) {
        write_record(w, signals_of(w, layer, 1 + u), false, sample + at, last + at, all);
    }
    memcpy(last, sample, w->sample_words * sizeof *sample);
    w->begun[index] = true;
}

bool pin_wave_close(struct pin_wave *w, bool keep, struct error *e)
{
    bool good = !w || waveform_close(w->file, keep, e);
    free_wave(w);
    return good;
}

bool pin_ring_new(struct pin_ring *ring, uint32_t room, uint32_t words, struct error *e)
{
    *ring = (struct pin_ring){.room = room, .sample_words = words};
    ring->samples = error_calloc(e, (size_t)room * words, sizeof *ring->samples, "the last cycles' pins");
    ring->cycles = ring->samples ? error_calloc(e, room, sizeof *ring->cycles, "the last cycles' pins") : NULL;
    return ring->cycles != NULL;
}

void pin_ring_free(struct pin_ring *ring)
{
    free(ring->samples);
    free(ring->cycles);
    *ring = (struct pin_ring){0};
}

void pin_ring_add(struct pin_ring *ring, cycle_t cycle, const uint32_t *sample)
{
    memcpy(ring->samples + (size_t)ring->next * ring->sample_words, sample, ring->sample_words * sizeof *sample);
    ring->cycles[ring->next] = cycle;
    ring->next = (ring->next + 1) % ring->room;
    ring->used += ring->used < ring->room;
}

bool pin_ring_dump(const struct pin_ring *ring, const struct lora_ports *ports, const char *const unit_names[], uint32_t n_units,
                   struct pin_place place, const char *folder, const char *name, struct error *e)
{
    struct pin_wave *wave;
    if (!pin_wave_open(&wave, ports, unit_names, n_units, place, folder, name, e)) {
        return false;
    }
    for (uint32_t i = 0; i < ring->used; i++) {
        uint32_t at = (ring->next + ring->room - ring->used + i) % ring->room;
        pin_wave_sample(wave, place.first, ring->cycles[at], ring->samples + (size_t)at * ring->sample_words);
    }
    return pin_wave_close(wave, true, e);
}
