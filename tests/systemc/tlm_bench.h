/* tlm_bench.h -- an initiator, the example platform's bus and memory, and the chip, to be driven from C: payloads of any kind go in, responses come out. */
#ifndef ETCHSIM_TLM_BENCH_H
#define ETCHSIM_TLM_BENCH_H

#include <etchsim/registers.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "etchsim/etchsim.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { CHIP_BASE = 0x10000000, MEMORY_BYTES = 1 << 20 };

struct tlm_options {
    bool approximately_timed;
    double quantum_ns, memory_ns;
    bool waits; /* the memory's b_transport waits instead of annotating its delay */
    unsigned burst_bytes;
};
struct tlm_bench;

/* A simulation of its own; the one before it is over. */
struct tlm_bench *tlm_bench_open(const struct tlm_options *options);
void tlm_bench_close(struct tlm_bench *bench);
etchsim_chip *tlm_bench_chip(struct tlm_bench *bench);
uint8_t *tlm_bench_memory(struct tlm_bench *bench);
bool tlm_bench_interrupt(const struct tlm_bench *bench);
double tlm_bench_ns(const struct tlm_bench *bench);

/* A payload. The response's name is returned, TLM_OK_RESPONSE and so on. */
struct access {
    enum { ACCESS_READ, ACCESS_WRITE, ACCESS_IGNORE } command;
    uint64_t address;
    void *data;
    unsigned bytes;
    unsigned streaming_width; /* 0: bytes */
    unsigned char *byte_enable;
    unsigned byte_enable_bytes;
    double delay_ns; /* in and out */
};
const char *tlm_bench_b_transport(struct tlm_bench *bench, struct access *access);
/* By the four phases of the base protocol; time passes until it is over, delay_ns says how long. */
const char *tlm_bench_nb_transport(struct tlm_bench *bench, struct access *access);
unsigned tlm_bench_debug(struct tlm_bench *bench, struct access *access);
bool tlm_bench_dmi(struct tlm_bench *bench, uint64_t address);

/* Time passes, at most so long, or until the interrupt line is high. */
void tlm_bench_run(struct tlm_bench *bench, double ns);
bool tlm_bench_run_to_interrupt(struct tlm_bench *bench, double ns);

#ifdef __cplusplus
}
#endif

#endif
