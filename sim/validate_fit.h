/* validate_fit.h -- leave one out: the time of a ROM array, predicted from fits to the other arrays' published times.
 *
 *   published us of four of qkv, o, gate_up, down, head --fit--> rom.array_macs (slope over weights), rom.latency_cycles (what is left)
 *                                                        --rom_port_timing--> cycles of the fifth
 *
 * Both are fitted to relative errors; rom.reduce_cycles is a cycle, whatever the chip's file says, since that may have been fitted to the one left out.
 */
#ifndef ETCHSIM_VALIDATE_FIT_H
#define ETCHSIM_VALIDATE_FIT_H

#include "kernels/types.h"
#include "sim/config.h"

enum fit_array { FIT_QKV, FIT_O, FIT_GATE_UP, FIT_DOWN, FIT_HEAD, FIT_ARRAYS };
extern const char *const fit_array_names[FIT_ARRAYS];

/* us: published, of each; that of `left_out` is not looked at. Returns the predicted us. */
double fit_predict(const struct chip_config *config, const struct shape *shape, const double us[FIT_ARRAYS], enum fit_array left_out);

#endif
