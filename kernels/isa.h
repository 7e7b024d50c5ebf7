/* isa.h -- which instruction set the heavy kernels use. All give the same bits; only speed differs.
 *
 * The first use chooses the best that this CPU has, or what the environment variable ETCHSIM_ISA (plain, avx2, avx512) asks for.
 * An unknown name there, or an instruction set that this CPU lacks, ends the program with a message and exit code 2: a benchmark that
 * silently measured something else would be worse. Safe to use from several threads; k_select() is meant for one, before the others start.
 */
#ifndef ETCHSIM_ISA_H
#define ETCHSIM_ISA_H

#include <stdbool.h>

enum k_isa { K_ISA_PLAIN, K_ISA_AVX2, K_ISA_AVX512, K_ISA_COUNT };

extern const char *const k_isa_names[K_ISA_COUNT]; /* "plain", "avx2", "avx512" */

/* Whether this CPU and this build have it. AVX512 means F, BW, VL, DQ, VNNI and VBMI. */
bool k_isa_available(enum k_isa isa);
/* Uses it from now on. False, and nothing changes, where it is not available. */
bool k_select(enum k_isa isa);
enum k_isa k_selected(void);

#endif
