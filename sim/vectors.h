/* vectors.h -- golden vectors of the LoRA MAC unit for somebody else's bench: what goes in and what must come out, cycle by cycle (docs/vectors.md).
 *
 *   stimulus (vectors_stimulus.h) --inputs--> C reference (lora_pins_model.h) --outputs--> outputs.mem, mask.mem
 *          ^                |                                                     |
 *          |                +--> inputs.mem                                       |
 *          +----------------------------------------------------------------------+
 *
 * Beside them: legend.txt (which bits are which port), lora_mac_vectors_tb.v (plays and compares), README.txt, chip.yaml.
 */
#ifndef ETCHSIM_VECTORS_H
#define ETCHSIM_VECTORS_H

#include "sim/lora_flat.h"
#include "sim/vectors_stimulus.h"

struct vectors_options {
    const struct chip_config *config;
    const char *weights; /* what the weights are, for the texts: "random", "adapter clinical, layer 0" */
    uint32_t inputs_max; /* longest x */
    uint64_t cycles, seed;
    bool stalls;
    const struct stimulus_job *jobs; /* [n_jobs] n_jobs 0: random ones */
    uint32_t n_jobs;
};

/* A parameter of the Verilog unit, in the order in which texts list them. */
struct vectors_parameter {
    const char *name;
    uint32_t value;
};
enum { VECTORS_PARAMETERS = 9 };
void vectors_parameters(const struct vectors_options *options, struct vectors_parameter parameters[VECTORS_PARAMETERS]);

/* Longest x where the weights are random: several blocks of inputs, and part of one. */
uint32_t vectors_random_inputs_max(const struct chip_config *config);

/* Writes all files into a folder that is there; either all of them are new afterwards or none is. */
bool vectors_write(const struct vectors_options *options, const char *folder, struct stimulus_counts *counts, struct error *e);

/* -- its texts (vectors_text.c) -- */

void vectors_write_legend(const struct vectors_options *options, const struct lora_ports *ports, FILE *out);
void vectors_write_bench(const struct vectors_options *options, const struct lora_ports *ports, FILE *out);
void vectors_write_readme(const struct vectors_options *options, const struct lora_ports *ports, const struct stimulus_counts *counts,
                          FILE *out);

#endif
