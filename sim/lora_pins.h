/* lora_pins.h -- the LoRA MAC unit at its pins, one cycle at a time: what the C reference (lora_pins_model.h) and the verilated RTL (lora_rtl.h) have in common.
 *
 *   outputs(unit, &out)   the pins that are seen in this cycle (functions of registers only)
 *   clock(unit, &in)      the clock edge at the end of this cycle, with this cycle's inputs
 *
 * Names and meanings are those of docs/lora_mac.md, without _i and _o.
 */
#ifndef ETCHSIM_LORA_PINS_H
#define ETCHSIM_LORA_PINS_H

#include "sim/lora_layout.h"

struct lora_inputs {
    bool reset, abort;
    bool x_valid[LINEAR_GROUPS];
    const int8_t *x[LINEAR_GROUPS]; /* [link_elements] the beat at the front, where x_valid */
    struct lora_job job[LINEAR_GROUPS];
    bool request_ready;
    uint32_t word_count;
    const uint32_t *words; /* word_count * sram_width_bits bits, lowest first */
    bool delta_ready[LINEAR_GROUPS];
};

struct lora_outputs {
    bool x_ready[LINEAR_GROUPS];
    bool busy, aborted;
    bool request_valid; /* and with it: */
    uint32_t request_address_words, request_words, request_first_rows, request_block_rows, request_pause_cycles;
    bool delta_open[LINEAR_GROUPS];
    bool delta_valid[LINEAR_GROUPS]; /* and with one of them: */
    bool delta_last, delta_abort;
    uint32_t delta_count;
    int64_t *delta; /* [drain_elements] owned by the caller; the first delta_count are written */
};

struct lora_unit {    /* one implementation, one instance */
    const char *name; /* "model", "rtl" */
    void (*outputs)(struct lora_unit *unit, struct lora_outputs *out);
    void (*clock)(struct lora_unit *unit, const struct lora_inputs *in);
    void (*close)(struct lora_unit *unit); /* frees it */
};

#endif
