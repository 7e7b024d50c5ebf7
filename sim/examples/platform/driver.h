/* driver.h -- what the driver needs of the machine that it runs on, and the driver. */
#ifndef ETCHSIM_EXAMPLE_DRIVER_H
#define ETCHSIM_EXAMPLE_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct machine {
    void *processor;
    uint64_t chip_base;     /* of the chip's registers */
    uint64_t image_base[2]; /* of two adapters in the memory */
    const char *name[2];
    const int32_t *prompt; /* [n_prompt] */
    size_t n_prompt;
};

uint32_t machine_read(const struct machine *machine, uint64_t address);
void machine_write(const struct machine *machine, uint64_t address, uint32_t value);
void machine_wait_for_interrupt(const struct machine *machine);
/* Prints the text of tokens. */
void machine_print(const struct machine *machine, const int32_t *ids, size_t n);

/* Announces both adapters, runs the prompt with one, the other and the first again, and prints tokens and times. Returns 0, or 1 if the chip refused. */
int driver_main(const struct machine *machine);

#ifdef __cplusplus
}
#endif

#endif
