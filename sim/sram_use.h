/* sram_use.h -- what a run took of the chip's SRAM, to the byte; for reports. */
#ifndef ETCHSIM_SRAM_USE_H
#define ETCHSIM_SRAM_USE_H

#include "sim/chip.h"

struct sram_use { /* bytes, of all layers; `adapters` and `packed` of the ends too */
    double capacity;
    double ends;               /* the SRAMs of embedding and head, slots and nothing else; not in `capacity` */
    double slots, kv_reserved; /* the parts set aside for adapters and for KV; with a shared pool all of it is in `slots` */
    double adapters,
        packed; /* at most in the slots: in lane rows, as they lie there; 6-bit weights and scales without padding, as they came over the link */
    double kv_used;                      /* at most: rows of sequences in flight */
    uint32_t pages;                      /* 0: slots and KV caches have fixed places */
    double page, pages_peak, pages_mean; /* a page on all layers; in use at most and in the mean of all cycles */
};

struct sram_use sram_use(const struct chip *chip);
/* "SRAM 4608.0 KiB: ..." and a line end. */
void sram_use_print(const struct sram_use *use, FILE *out);

#endif
