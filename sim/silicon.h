/* silicon.h -- what is on the die, and what moved in a run: the counts that area, energy and cost are computed from (physical.h).
 *
 *   chip parameters, model shape, ROM bits --silicon_count--> struct silicon   (cells, gates' carriers, lanes, buffers)
 *   chip that has run, its requests --activity_count--> struct activity        (tokens, words, MACs, bits)
 *
 * No heap, some microseconds: a sweep calls both at each of its points.
 * Inaccuracies: embedding and head are counted at 6 bits a weight, however the model was baked; a tied head is one ROM, on the head's side; the norms'
 * weights count as ROM that computes. Columns that share circuits (rom.array_macs) are as many adders, and at most as many accumulators. Of the reduction tree there is one for the outputs drained in a cycle. A 6-bit weight is two selects and two adders.
 */
#ifndef ETCHSIM_SILICON_H
#define ETCHSIM_SILICON_H

#include "kernels/types.h"
#include "sim/config.h"

struct chip;
struct request;

struct silicon {
    double rom_bits;         /* in arrays that compute, norms included */
    double rom_store_bits;   /* in the embedding ROM, which is only read */
    double rom_adders;       /* for each row read in a cycle, one a column; a 6-bit column has two */
    double rom_accumulators; /* one a column of a tile: outputs x tiles */
    double rom_multipliers;  /* products of an activation with an entry of the alphabet, made in a cycle */
    double rom_tree_adders;
    double matrix_logic_bits;     /* of ROM that has circuits of its own beside it: shared organisation; 0: those above are all */
    double sram_bits, sram_ports; /* ports of a bank */
    bool sram_second_die;         /* it has a die of its own */
    double lora_lanes, attention_lanes, softmax_lanes, vector_lanes;
    double buffer_bits; /* of the links that carry activations */
    double cards;       /* in a server; 0: a card alone */
    double clock_mhz;
    double blocks; /* layer blocks side by side: wires are as long as one is wide */

    /* what a token moves; whole model */
    double layers_rom_bits, head_rom_bits; /* swept for a token; the head only for tokens whose logits are wanted */
    double layers_adds, head_adds;         /* products added */
    double layers_inputs, head_inputs;     /* activations that go to the arrays */
    double product_wires;                  /* that carry an activation's products over a tile */
    double layers_link_bits, head_link_bits, lora_link_bits, embed_lora_link_bits, head_lora_link_bits;
    double layers_vector_elements, head_vector_elements;
    double row_macs, row_exponentials; /* for a K or V row that attention reads */
    double sram_word_bits;
};

/* c: the chip, m: the model; rom_bits: of the whole model (image.rom_bits, shape_rom_bits). The chip's parameters have been checked. */
void silicon_count(const struct chip_config *c, const struct shape *m, int64_t rom_bits, struct silicon *s);

struct activity { /* of a run; all zero: a chip at rest */
    double seconds;
    double layer_tokens, head_tokens, lora_tokens; /* that went through all layers, through the head, through the layers with an adapter */
    double embed_lora_tokens, head_lora_tokens;    /* with a pair there */
    double generated_tokens;
    double kv_rows_read, lora_words, sram_words; /* sram_words: all clients, reads and writes */
    double host_bytes;
    double rom_busy, lora_busy, attention_busy, vector_busy; /* shares of the time in which such units work, by what a unit is large */
};

/* Of requests that are done; others count with the tokens that they have. */
void activity_count(const struct chip *chip, const struct request *requests, uint32_t n_requests, struct activity *a);
/* Of several chips: sums; shares of the time, each over `time_share` of the whole, add up as well. Then divide for the mean chip. */
void activity_add(struct activity *sum, const struct activity *a, double time_share);
void activity_divide(struct activity *sum, double n);

#endif
