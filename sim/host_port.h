/* host_port.h -- adapters from the host into the slots: the link to the host, and the DMA engine behind it.
 *
 *   load (adapter, slot) -> [host port: fixed cost, then layer after layer at the link's bandwidth] -> slice -> [DMA] -> writes to each layer's SRAM
 *                                                                       loaded, to the sequencer <-----------'  `-> written, to the layer's norm
 *                                                                                                                   (slots.loading: streaming)
 * Latency     host.transfer_cycles + sum over layers of (tensors * host.tensor_cycles + ceil(bytes / bandwidth), at least 1); the DMA writes a layer's slice when it
 *             is whole, while the next one arrives, and reports in the cycle after a write is done: the last layer's (whole), or every layer's (streaming).
 * Throughput  one adapter at a time, in the order in which they were asked for; host.depth more may wait. A report takes the DMA a cycle.
 * Stall rule  host port `output` while the DMA is behind; DMA `sram` while its writes take longer than on an idle SRAM, `output` while a report has no room.
 * Ends        a load of an adapter with a pair for the embedding begins with that one's slice, layer LAYER_EMBEDDING; with one for the head, that one's is the last,
 *             layer n_layers. Written, to the final norm as to a layer's.
 * Checksum    the DMA compares each slice with the checksum that the host sent along. From the first broken slice on nothing of the load is written or reported,
 *             but for the last report, which says so: the slot doesn't get live. The sequencer asks for the load once more.
 * Inaccuracies: the link is an average bandwidth without packets; a slice waits until it is whole. The host sends weights and scales without padding; the
 *             DMA lays them out in lane rows (docs/lora_mac.md) in no time, and writes the rows with their padding. The checksum takes no bytes on the link and no
 *             time, and a run without values has none.
 */
#ifndef ETCHSIM_HOST_PORT_H
#define ETCHSIM_HOST_PORT_H

#include "sim/config.h"
#include "sim/incident.h"
#include "sim/link.h"
#include "sim/memory_map.h"
#include "sim/slice.h"

enum { NO_LAYER = LAYER_EMBEDDING - 1 };

struct host_port {
    struct unit unit;
    struct link *in_load, *out_slice;
    const struct adapter *adapters;
    int32_t n_layers;
    bool head; /* the chip has a LoRA MAC unit there */
    uint32_t bandwidth_mbytes_per_s, clock_mhz;
    uint32_t transfer_cycles, tensor_cycles;
    bool active;
    int32_t adapter, slot, layer; /* the slice that arrives */
    uint32_t load;
    cycle_t until;
    bool release;         /* no load: every layer is to be told that it need not wait for the slot's slice any more */
    cycle_t delay_cycles; /* of this load's slices so far, for want of room behind the port */
    /* counters, sums over all loads: waiting at the port for the ones before, then fixed costs, costs of tensors, and bytes on the link (planned when a slice
     * begins). What is missing to a load's time: the port's `output` stalls, and the DMA's last slice. */
    uint64_t loads, bytes;
    uint64_t queue_cycles, transfer_sum_cycles, tensor_sum_cycles, wire_cycles;
    uint64_t platform_cycles; /* for slices that the platform brought later than the link would have */
    /* NULL: slices come from nowhere, at the link's speed. Else called when the link is free for one, at `from`, and the slice isn't whole before
     * host_port_brought(). */
    void (*fetch)(void *context, int32_t adapter, int32_t layer, cycle_t from);
    void *context;
    bool waits; /* for host_port_brought() */
};

struct dma {
    struct unit unit;
    struct link *in_slice, *out_loaded;
    struct link **out_written;                     /* [slices_per_adapter()], NULL: adapters are loaded whole; the embedding's is NULL */
    struct link **write_request, **write_response; /* the same */
    const struct adapter *adapters;
    const struct memory_map *map;
    int32_t n_layers;
    bool head;
    uint32_t ports, sram_latency_cycles; /* of a bank */
    bool active;
    bool reports; /* the layer is done; others are to be told */
    bool release; /* as the host port's */
    int32_t adapter, slot, layer;
    uint32_t load;
    int32_t broken_layer; /* of this load, NO_LAYER: none so far */
    cycle_t delay_cycles; /* until the DMA took this slice, summed over the port's and the last one's own */
    cycle_t until;
    const uint64_t *checksums;   /* [adapters][slices_per_adapter()] what the host sends along; NULL: a run without values */
    uint8_t *arrived;            /* room for the largest slice's contents */
    cycle_t written_late_cycles; /* this load's writes so far, later than on an idle SRAM */
    /* counter: what bank contention added to loads, summed over them: the last slice's late write, and of earlier ones what the load waited for */
    uint64_t contention_cycles;
    const struct incident *incidents; /* [n_incidents] sorted by cycle; corrupt and truncate are the DMA's */
    uint32_t *incidents_left;         /* [n_incidents] so many slices are still to be broken */
    uint32_t n_incidents;
    void (*on_arrival)(void *context, int32_t adapter, int32_t layer, uint8_t *contents,
                       size_t *bytes); /* for platforms that bring slices, and tests: may change what arrives */
    void *context;
};

void host_port_tick(struct unit *unit, cycle_t now);
/* The platform brought the slice that was fetched; it is there in cycle `at`, which has not been yet. */
void host_port_brought(struct host_port *u, cycle_t at);
void dma_tick(struct unit *unit, cycle_t now);

#endif
