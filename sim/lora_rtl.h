/* lora_rtl.h -- the LoRA MAC unit's RTL (rtl/lora_mac.v), verilated, behind the same pins as the C model.
 *
 *   rtl/lora_mac*.v, rtl/lora_mac_shim*.cpp --[ scripts/verilate.sh ]--> CACHE/rtl-HASH/lora_mac.so --[ dlopen ]--> struct lora_unit
 *
 * A library is built the first time that a set of parameters is asked for; HASH covers sources, parameters and tools, so what is there is right.
 * CACHE is $ETCHSIM_CACHE, else $XDG_CACHE_HOME/etchsim, else ~/.cache/etchsim. ETCHSIM_RTL names another folder of Verilog files.
 * An assertion that fails in the RTL (rtl/lora_mac_checks.v) prints its name and ends the program: the bench broke the contract, or the unit.
 */
#ifndef ETCHSIM_LORA_RTL_H
#define ETCHSIM_LORA_RTL_H

#include "sim/lora_pins.h"

/* inputs_max: the longest x. Fails where Verilator is missing (exit code 2, names what to install) or the RTL does not compile (its last words). */
bool lora_rtl_open(const struct lora_geometry *geometry, uint32_t inputs_max, struct lora_unit **unit, struct error *e);

/* The same RTL as a SystemC module (verilator --sc), clocked by an sc_clock; without waveforms. One at a time, and it takes SystemC's present simulation. */
bool lora_rtl_open_systemc(const struct lora_geometry *geometry, uint32_t inputs_max, struct lora_unit **unit, struct error *e);

/* Writes every signal inside the unit to an FST file from now on. The next clock() is cycle `cycle` of the waveform, 1 ns a cycle; cycle n shows
 * registers and inputs of n, the rising edge of the clock at its beginning. One file at a time, of a unit made by lora_rtl_open. */
bool lora_rtl_trace_start(struct lora_unit *unit, const char *path, uint64_t cycle, struct error *e);
/* Names the cycle of the next clock() where cycles were left out; it may not fall. */
void lora_rtl_trace_cycle(struct lora_unit *unit, uint64_t cycle);
/* Closes the file, which ends with the registers of the cycle that is to come. Without a file it does nothing; close() does it as well. */
void lora_rtl_trace_stop(struct lora_unit *unit);

#endif
