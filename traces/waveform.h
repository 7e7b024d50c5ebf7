/* waveform.h -- waveforms in GTKWave's FST format, written with the fstapi library that comes with Verilator.
 *
 * Time is in cycles (viewers show ns: one cycle is 1 ns). Signals are declared first; then, in rising order of cycles, the values that changed.
 * The file is written beside its place and renamed when closed.
 */
#ifndef ETCHSIM_WAVEFORM_H
#define ETCHSIM_WAVEFORM_H

#include <stdint.h>

#include "sim/error.h"

struct waveform;
typedef uint32_t waveform_signal;

/* FOLDER/NAME. The folder must be there. */
bool waveform_open(struct waveform **waveform, const char *folder, const char *name, struct error *e);
/* keep false: nothing stays. NULL is let through. */
bool waveform_close(struct waveform *waveform, bool keep, struct error *e);

void waveform_scope(struct waveform *waveform, const char *name);
void waveform_end_scope(struct waveform *waveform);
waveform_signal waveform_declare(struct waveform *waveform, const char *name, uint32_t bits, bool input);
/* The same signal under another name or scope. */
void waveform_alias(struct waveform *waveform, const char *name, uint32_t bits, bool input, waveform_signal of);

void waveform_cycle(struct waveform *waveform, uint64_t cycle);
void waveform_value(struct waveform *waveform, waveform_signal signal, uint32_t bits, const uint32_t *value);

#endif
