/* lora_cosim_internal.h -- shared by lora_cosim.c (what drives the pins and the links), lora_cosim_compare.c (who disagrees) and lora_cosim_open.c. */
#ifndef ETCHSIM_LORA_COSIM_INTERNAL_H
#define ETCHSIM_LORA_COSIM_INTERNAL_H

#include "sim/lora_cosim.h"
#include "sim/lora_cosim_wave.h"

/* A region's bits as they lie in the SRAM; packed when a job first needs them. */
struct regions {
    uint32_t *a, *b;
    uint32_t port;
    uint32_t block; /* of tokens that a has, the embedding's */
};

/* What crosses the links in a cycle, in bursts: as the C unit did it, or as the pins say. */
struct actions {
    bool request;
    uint32_t address_words, words, first_rows, block_rows, pause_cycles;
    bool pop[LINEAR_GROUPS], open[LINEAR_GROUPS], close[LINEAR_GROUPS];
};

struct cosim_layer { /* or an end; ports beyond the unit's are idle */
    struct lora_cosim *all;
    int32_t layer; /* LAYER_EMBEDDING, n_layers of the model: the ends */
    struct lora_mac *unit;
    struct sram *sram;
    struct lora_unit *pins[COSIM_UNITS_MAX];
    struct regions (*regions)[LINEAR_GROUPS]; /* [n_adapters] */
    /* x: elements taken of the burst at the front of each link, and its job */
    uint32_t taken[LINEAR_GROUPS];
    cycle_t job_first[LINEAR_GROUPS]; /* the first beat of the burst that job[] is for */
    struct lora_job job[LINEAR_GROUPS];
    const struct token *job_token[LINEAR_GROUPS];
    /* words on their way */
    uint32_t next_address_words, words_left;
    const struct regions *fetched;
    struct lora_job serving; /* the picked job */
    uint32_t port;
    struct token *token;
    int32_t x_exponent;
    /* the burst of results that is open */
    struct burst *delta;
    uint32_t delta_linear, delta_element;
    /* rtl mode: what the C unit keeps for itself */
    cycle_t until;
    bool phase_b;
    /* samples */
    uint32_t *sample; /* inputs, outputs of each */
    struct pin_ring ring;
    struct sram_grant *grants;
    bool inside; /* the RTL writes its own waveform */
};

struct lora_cosim {
    struct lora_cosim_options options;
    struct chip *chip;
    struct lora_geometry geometry;
    struct lora_ports ports;
    const char *names[COSIM_UNITS_MAX];
    uint32_t n_pins, n_layers, n_adapters;
    struct cosim_layer *layers;          /* [n_layers], ends included */
    int64_t *delta[COSIM_UNITS_MAX + 1]; /* [drain_elements] results of this cycle, and of the next one */
    int8_t *beat[LINEAR_GROUPS];
    uint32_t *word_buffer; /* words of one cycle */
    struct pin_wave *wave;
    bool triggered;
};

static inline struct pin_place cosim_place(const struct cosim_layer *l)
{
    return (struct pin_place){l->all->chip->shape.n_layers, l->layer, 1};
}

/* In place of lora_mac_tick. */
void cosim_tick(struct unit *unit, cycle_t now);

/* Each ends the run with the first disagreement. Records of outputs that should be equal: */
void cosim_compare_pins(struct cosim_layer *l, cycle_t cycle, const uint32_t *expected, const uint32_t *got);
/* What the C unit did to its links in this cycle against what the pins say. */
void cosim_compare_actions(struct cosim_layer *l, cycle_t now, const struct actions *c, const struct actions *pins);
/* The C unit's results, which it gave all at once with the opening, against a beat on the pins. */
void cosim_compare_beat(struct cosim_layer *l, cycle_t now, const struct lora_outputs *next);
/* A beat has more results than the job has outputs. */
void cosim_too_many_results(struct cosim_layer *l, cycle_t now);
/* The chip has answered a request whose words were not all of the right number. */
void cosim_words_missing(struct cosim_layer *l, cycle_t now);

/* Moves on to the next element of the results to come: linears without a pair have none. False when there is none left. */
bool cosim_next_element(struct cosim_layer *l);

#endif
