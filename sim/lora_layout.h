/* lora_layout.h -- how a group's LoRA weights lie in a layer's SRAM: lane rows, region A and region B (docs/lora_mac.md).
 *
 *   job = one group of linears (QKV, O, gate up, down) of one adapter in one layer
 */
#ifndef ETCHSIM_LORA_LAYOUT_H
#define ETCHSIM_LORA_LAYOUT_H

#include "adapters/adapter.h"
#include "sim/config.h"

/* Those of a layer, then the ends. */
enum linear_group {
    LINEARS_QKV,
    LINEARS_O,
    LINEARS_GATE_UP,
    LINEARS_DOWN,
    LINEAR_GROUPS,
    LINEARS_HEAD = LINEAR_GROUPS,
    LINEARS_EMBEDDING,
    LINEAR_GROUPS_ALL
};
enum { GROUP_LINEARS_MAX = 3, LORA_OUTPUTS_MAX = (1 << 20) - 1 }; /* job_outputs has 20 bits */
/* The linears of a group are consecutive: first .. first + count - 1. */
enum linear linears_first(enum linear_group group);
uint32_t linears_count(enum linear_group group);

/* Of a token in a layer: the layer, or for an end LAYER_EMBEDDING or n_layers. */
static inline int32_t group_layer(enum linear_group group, int32_t n_layers, int32_t layer)
{
    return group == LINEARS_HEAD ? n_layers : group == LINEARS_EMBEDDING ? LAYER_EMBEDDING : layer;
}

struct lora_geometry { /* of the unit: from the chip's parameters */
    uint32_t lanes, sram_width_bits;
    uint32_t row_words;  /* ceil(6 lanes / sram_width_bits) */
    uint32_t port_words; /* min(row_words, sram.ways * sram.ports) */
    uint32_t link_elements, drain_elements;
    uint32_t latency_cycles, sram_latency_cycles, rank_max;
};
struct lora_geometry lora_geometry(const struct chip_config *config);

struct lora_job {   /* what the unit is told with a burst of x */
    uint32_t rank;  /* the largest of the pairs'; 0: nothing to do */
    uint32_t pairs; /* bit i: linear i of the group has a pair */
    uint32_t inputs, outputs[GROUP_LINEARS_MAX];
    uint32_t beat_elements; /* elements of x in a beat */
    int32_t base_exponent[GROUP_LINEARS_MAX];
    uint32_t a_address_words, b_address_words;
    uint32_t a_delay_cycles, a_pause_cycles, b_pause_cycles;
};

/* Derived from a job. Rows are lane rows. */
uint32_t lora_job_pairs(const struct lora_job *job); /* how many */
uint32_t lora_job_preamble_rows(const struct lora_geometry *geometry, const struct lora_job *job);
uint32_t lora_job_a_rows(const struct lora_geometry *geometry, const struct lora_job *job); /* preamble included */
uint32_t lora_job_b_rows(const struct lora_geometry *geometry, const struct lora_job *job);
/* Beats of the last block's results. */
uint32_t lora_job_tail_beats(const struct lora_geometry *geometry, const struct lora_job *job);

/* Fills all fields but base_exponent and the addresses from shapes: ranks[i] 0 where linear i of the group has no pair. */
struct lora_job lora_job_make(const struct lora_geometry *geometry, uint32_t n_linears, const uint32_t ranks[], uint32_t inputs,
                              const uint32_t outputs[], uint32_t beat_elements);

/* The bits of both regions: pair[i] is linear i of the group, rank 0 where there is none. a and b have room for rows * row_words * sram_width_bits bits, rounded
 * up to 32, word 0 lowest; they are overwritten. */
void lora_layout_pack(const struct lora_geometry *geometry, const struct lora_job *job, const struct lora_pair *const pair[], uint32_t *a,
                      uint32_t *b);

#endif
