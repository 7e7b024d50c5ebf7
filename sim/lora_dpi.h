/* lora_dpi.h -- the C reference of the LoRA MAC unit for SystemVerilog, through DPI-C: libetchsim_lora_dpi.so (make dpi). rtl/dpi/lora_mac_ref.sv wraps it as a module.
 *
 *   posedge clk_i:   lora_mac_dpi_clock(unit, inputs before the edge, outputs after it)
 *
 * Bit vectors are those of lora_flat.h, as DPI passes `bit [n-1:0]`: 32-bit words (svBitVecVal), the lowest first. The unit is in no state until its first reset:
 * before that it is not clocked and shows zeros. What the bench gives it is held against lora_rules.h.
 */
#ifndef ETCHSIM_LORA_DPI_H
#define ETCHSIM_LORA_DPI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All that the library shows; the rest of it stays hidden from the simulator. */
#define LORA_DPI_EXPORT __attribute__((visibility("default")))

/* Parameters are those of rtl/lora_mac.v; input_bits and output_bits are the caller's idea of the vectors' lengths. NULL, and words on stderr, when one is out of range. */
LORA_DPI_EXPORT void *lora_mac_dpi_open(int lora_lanes, int lora_latency_cycles, int sram_width_bits, int sram_ways, int sram_ports,
                                        int link_elements, int rom_drain_elements, int slots_rank_max, int inputs_max, int input_bits,
                                        int output_bits);
/* 1: good. 0, and words on stderr: the inputs break docs/lora_mac.md, nothing was clocked. */
LORA_DPI_EXPORT int lora_mac_dpi_clock(void *unit, const uint32_t *inputs, uint32_t *outputs);
LORA_DPI_EXPORT void lora_mac_dpi_close(void *unit);

#ifdef __cplusplus
}
#endif

#endif
