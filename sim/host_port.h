/* host_port.h -- adapters from the host into the slots: the link to the host, and the DMA engine behind it.
 *
 *   load (adapter, slot) -> [host port: fixed cost, then layer after layer at the link's bandwidth] -> slice -> [DMA] -> writes to each layer's SRAM
 *                                                                                                              `-> loaded, to the sequencer
 * Latency     host.transfer_cycles + sum over layers of (tensors * host.tensor_cycles + ceil(bytes / bandwidth), at least 1); the DMA writes a layer's slice when it
 *             is whole, while the next one arrives.
 * Throughput  one adapter at a time. Stall rule: host port `output` while the DMA is behind; DMA `sram` while its writes take longer than on an idle SRAM.
 * Inaccuracies: the link is an average bandwidth without packets; a slice waits until it is whole. The host sends weights and scales without padding; the
 *             DMA lays them out in lane rows (docs/lora_mac.md) in no time, and writes the rows with their padding.
 */
#ifndef ETCHSIM_HOST_PORT_H
#define ETCHSIM_HOST_PORT_H

#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"

struct host_port {
    struct unit unit;
    struct link *in_load, *out_slice;
    const struct adapter *adapters;
    int32_t n_layers;
    uint32_t bandwidth_mbytes_per_s, clock_mhz;
    uint32_t transfer_cycles, tensor_cycles;
    bool active;
    int32_t adapter, slot, layer; /* the slice that arrives */
    cycle_t until;
};

struct dma {
    struct unit unit;
    struct link *in_slice, *out_loaded;
    struct link **write_request, **write_response; /* [n_layers] */
    const struct adapter *adapters;
    const struct memory_map *map;
    int32_t n_layers;
    uint32_t words_per_cycle, sram_latency_cycles;
    bool active;
    bool written; /* the last layer is; the sequencer is to be told */
    int32_t adapter, slot, layer;
    cycle_t until;
};

void host_port_tick(struct unit *unit, cycle_t now);
void dma_tick(struct unit *unit, cycle_t now);

#endif
