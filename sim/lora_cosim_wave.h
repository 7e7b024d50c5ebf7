/* lora_cosim_wave.h -- what co-simulation of the LoRA MAC unit leaves to look at: waveforms of its pins, as they are and of the cycles before something happened.
 *
 * A sample is one cycle of one layer's pins: the record of inputs, then a record of outputs for each implementation (lora_ports.h).
 * Scopes: layerN, embedding, head, in it one an implementation ("model", "rtl"), in it the ports by their Verilog names; both show the same inputs.
 */
#ifndef ETCHSIM_LORA_COSIM_WAVE_H
#define ETCHSIM_LORA_COSIM_WAVE_H

#include "sim/lora_ports.h"
#include "sim/unit.h"

enum { COSIM_UNITS_MAX = 2 };

struct pin_wave; /* a waveform file of some layers' pins */

struct pin_place {        /* which layers a waveform has */
    int32_t model_layers; /* the layer with this number is the head, LAYER_EMBEDDING the embedding */
    int32_t first, n;
};
/* "layer3", "embedding", "head"; returns `scope`. */
enum { PIN_SCOPE_ROOM = 24 };
const char *pin_scope(const struct pin_place *place, int32_t layer, char scope[PIN_SCOPE_ROOM]);

bool pin_wave_open(struct pin_wave **wave, const struct lora_ports *ports, const char *const unit_names[], uint32_t n_units,
                   struct pin_place place, const char *folder, const char *name, struct error *e);
/* Samples of a layer come in rising order of cycles, and cycles do not fall between layers. */
void pin_wave_sample(struct pin_wave *wave, int32_t layer, cycle_t cycle, const uint32_t *sample);
bool pin_wave_close(struct pin_wave *wave, bool keep, struct error *e);

struct pin_ring {      /* a layer's last samples */
    uint32_t *samples; /* [room][sample_words] */
    cycle_t *cycles;   /* [room] */
    uint32_t room, used, next, sample_words;
};

bool pin_ring_new(struct pin_ring *ring, uint32_t room, uint32_t sample_words, struct error *e);
void pin_ring_free(struct pin_ring *ring);
void pin_ring_add(struct pin_ring *ring, cycle_t cycle, const uint32_t *sample);
/* Writes what the ring holds as a waveform of its own; place: of one layer. */
bool pin_ring_dump(const struct pin_ring *ring, const struct lora_ports *ports, const char *const unit_names[], uint32_t n_units,
                   struct pin_place place, const char *folder, const char *name, struct error *e);

#endif
