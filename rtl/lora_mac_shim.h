/* lora_mac_shim.h -- what a verilated LoRA MAC unit offers as a shared library: between rtl/lora_mac_shim.cpp and sim/lora_rtl.c.
 *
 * Pins are records of 32-bit words, laid out by sim/lora_ports.def.
 */
#ifndef ETCHSIM_LORA_MAC_SHIM_H
#define ETCHSIM_LORA_MAC_SHIM_H

#include <stdint.h>

struct lora_shim_unit;

struct lora_shim {
    uint32_t input_words, output_words; /* of the two records, as the RTL's ports have it */
    struct lora_shim_unit *(*open)(void);
    void (*close)(struct lora_shim_unit *unit);
    void (*outputs)(const struct lora_shim_unit *unit, uint32_t *record);
    void (*clock)(struct lora_shim_unit *unit, const uint32_t *record);
    int (*stopped)(const struct lora_shim_unit *unit); /* $finish or $stop: a check in the RTL has failed, its words are on stdout */
    int (*trace_open)(struct lora_shim_unit *unit, const char *path); /* an FST file; 0: it cannot be written */
    void (*trace_cycle)(struct lora_shim_unit *unit, uint64_t cycle);
    void (*trace_close)(struct lora_shim_unit *unit);
};

/* The one symbol of the library. */
#ifdef __cplusplus
extern "C" const struct lora_shim *lora_shim_functions(void);
#else
const struct lora_shim *lora_shim_functions(void);
#endif

#endif
