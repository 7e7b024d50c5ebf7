/* etchsim/bus.h -- a chip behind registers and a DMA engine, for any platform: what a bus's adapter has to call. etchsim/registers.h is the map.
 *
 *   bus ---read, write---> registers ---> chip ---dma---> the platform's memory
 *                              '--- interrupt
 *
 * The platform clocks the chip (etchsim_advance) and calls etchsim_bus_update() after it; when etchsim_bus_dma() wants bytes, it fetches them and says
 * when they are there. Accesses happen in the chip's present cycle. The chip must outlive its bus.
 */
#ifndef ETCHSIM_BUS_H
#define ETCHSIM_BUS_H

#include "etchsim/etchsim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct etchsim_bus etchsim_bus;

enum etchsim_bus_code {
    ETCHSIM_BUS_GOOD = 0,
    ETCHSIM_BUS_ADDRESS, /* no register begins there */
    ETCHSIM_BUS_ACCESS,  /* a write to one that is read only, or a read of one that is write only */
};
enum { ETCHSIM_BUS_BYTES = 0x200 }; /* that the map covers */

ETCHSIM_API int etchsim_bus_open(etchsim_chip *chip, etchsim_bus **bus);
ETCHSIM_API void etchsim_bus_close(etchsim_bus *bus);

ETCHSIM_API int etchsim_bus_read(etchsim_bus *bus, uint64_t offset, uint32_t *value);
/* The same without the side effects of reading. */
ETCHSIM_API int etchsim_bus_peek(const etchsim_bus *bus, uint64_t offset, uint32_t *value);
/* A command that is refused is no error of the bus: see the register ERROR. */
ETCHSIM_API int etchsim_bus_write(etchsim_bus *bus, uint64_t offset, uint32_t value);

/* After the chip was clocked: takes notice of what happened. code: of etchsim_advance(). */
ETCHSIM_API void etchsim_bus_update(etchsim_bus *bus, int code);
/* The interrupt line: 0 or 1. */
ETCHSIM_API int etchsim_bus_interrupt(const etchsim_bus *bus);

struct etchsim_dma {
    uint64_t address; /* in the platform's memory */
    uint32_t bytes;
    uint64_t from; /* the cycle from which on they are wanted */
};
/* Whether bytes are wanted of which nobody was told: 1, and *dma says which. Only one transfer is under way at a time, and it is told once. */
ETCHSIM_API int etchsim_bus_dma(etchsim_bus *bus, struct etchsim_dma *dma);
/* Whether etchsim_bus_dma() would say so. */
ETCHSIM_API int etchsim_bus_wants(const etchsim_bus *bus);
/* The bytes of that transfer, there in cycle `at`; NULL: the memory refused. */
ETCHSIM_API void etchsim_bus_dma_done(etchsim_bus *bus, const uint8_t *bytes, uint64_t at);

#ifdef __cplusplus
}
#endif

#endif
