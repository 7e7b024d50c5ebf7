/* driver.c -- a driver for the chip, in C: it knows the registers and nothing of SystemC. */
#include "driver.h"

#include <etchsim/registers.h>
#include <stdio.h>

enum { GENERATE = 24 };

static uint32_t get(const struct machine *m, uint32_t reg)
{
    return machine_read(m, m->chip_base + reg);
}

static void set(const struct machine *m, uint32_t reg, uint32_t value)
{
    machine_write(m, m->chip_base + reg, value);
}

/* Until one of these bits is pending; they are cleared. False: the chip refused. */
static int wait_for(const struct machine *m, uint32_t bits)
{
    uint32_t pending = 0;
    set(m, ETCHSIM_REG_INTERRUPT_ENABLE, bits | ETCHSIM_INTERRUPT_PENDING_ERROR);
    while (!(pending & (bits | ETCHSIM_INTERRUPT_PENDING_ERROR))) {
        machine_wait_for_interrupt(m);
        pending = get(m, ETCHSIM_REG_INTERRUPT_PENDING);
    }
    set(m, ETCHSIM_REG_INTERRUPT_PENDING, pending);
    if (pending & ETCHSIM_INTERRUPT_PENDING_ERROR) {
        fprintf(stderr, "the chip refused: error %u\n", (unsigned)get(m, ETCHSIM_REG_ERROR));
    }
    return !(pending & ETCHSIM_INTERRUPT_PENDING_ERROR);
}

static int announce(const struct machine *m, uint64_t address)
{
    set(m, ETCHSIM_REG_ADAPTER_ADDRESS_LO, (uint32_t)address);
    set(m, ETCHSIM_REG_ADAPTER_ADDRESS_HI, (uint32_t)(address >> 32));
    set(m, ETCHSIM_REG_ANNOUNCE, 1);
    return wait_for(m, ETCHSIM_INTERRUPT_PENDING_ADAPTER);
}

/* The prompt, with an adapter, to the end. */
static int run(const struct machine *m, uint32_t adapter)
{
    int32_t ids[GENERATE];
    size_t n = 0;
    for (size_t i = 0; i < m->n_prompt; i++) {
        set(m, ETCHSIM_REG_PROMPT, (uint32_t)m->prompt[i]);
    }
    set(m, ETCHSIM_REG_GENERATE, GENERATE);
    set(m, ETCHSIM_REG_USE_ADAPTER, adapter);
    set(m, ETCHSIM_REG_ASK, 1);
    if (!wait_for(m, ETCHSIM_INTERRUPT_PENDING_DONE)) {
        return 0;
    }
    set(m, ETCHSIM_REG_REQUEST, get(m, ETCHSIM_REG_ASKED) - 1);
    for (uint32_t count = get(m, ETCHSIM_REG_TOKENS); n < count; n++) {
        ids[n] = (int32_t)get(m, ETCHSIM_REG_TOKEN);
    }
    double mhz = get(m, ETCHSIM_REG_CLOCK_MHZ);
    unsigned swap = get(m, ETCHSIM_REG_LOAD_CYCLES), first = get(m, ETCHSIM_REG_FIRST_TOKEN_CYCLES);
    printf("%-9s swap %6u cycles = %6.2f us   first token %6u cycles = %6.2f us   |", m->name[adapter], swap, swap / mhz, first,
           first / mhz);
    machine_print(m, ids, n);
    printf("|\n");
    return 1;
}

int driver_main(const struct machine *m)
{
    return announce(m, m->image_base[0]) && announce(m, m->image_base[1]) && run(m, 0) && run(m, 1) && run(m, 0) ? 0 : 1;
}
