#include "sim/host_port.h"

#include "sim/sram.h"

/* The slices of a load: those that the adapter has; of none, which lets tokens through that wait for slices, all that they can wait for. */
static int32_t first_layer(const struct adapter *adapter, bool release)
{
    return release ? 0 : adapter_first_layer(adapter);
}
static int32_t last_layer(const struct adapter *adapter, bool release, bool head)
{
    return release ? adapter->n_layers - !head : adapter_last_layer(adapter);
}

/* The next layer's slice on the link; a layer that the adapter leaves alone still takes a cycle. */
static cycle_t slice_cycles(struct host_port *u)
{
    if (u->release) {
        return 1;
    }
    struct slice_size size = slice_size(&u->adapters[u->adapter], u->layer);
    cycle_t fixed = size.tensors * u->tensor_cycles;
    cycle_t wire = ceil_div(size.bytes * u->clock_mhz, u->bandwidth_mbytes_per_s);
    wire = fixed + wire ? wire : 1;
    u->bytes += size.bytes;
    u->tensor_sum_cycles += fixed;
    u->wire_cycles += wire;
    return fixed + wire;
}

/* The next slice is on the link from `from` on. */
static void begin_slice(struct host_port *u, cycle_t from, cycle_t now)
{
    u->until = from + slice_cycles(u);
    u->waits = u->fetch && !u->release;
    if (u->waits) {
        u->fetch(u->context, u->adapter, u->layer, from);
    }
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

void host_port_brought(struct host_port *u, cycle_t at)
{
    ES_ASSERT(u->active && u->waits);
    u->waits = false;
    if (at > u->until) {
        u->platform_cycles += at - u->until;
        u->until = at;
    }
    unit_sleep(&u->unit, u->until);
}

static void accept_load(struct host_port *u, cycle_t now)
{
    struct burst *load = link_front(u->in_load, now);
    if (!load) {
        return;
    }
    u->active = true;
    u->adapter = load->index;
    u->slot = load->slot;
    u->load = load->load;
    u->delay_cycles = 0;
    u->release = load->broken;
    u->layer = first_layer(&u->adapters[u->adapter], u->release);
    if (!u->release) {
        u->loads++;
        u->queue_cycles += now - load->first;
        u->transfer_sum_cycles += u->transfer_cycles;
    }
    link_pop(u->in_load, now);
    begin_slice(u, now + (u->release ? 0 : u->transfer_cycles), now);
}

static void send_slice(struct host_port *u, cycle_t now)
{
    if (!link_ready(u->out_slice, now)) {
        link_block(u->out_slice, &u->unit, now);
        return;
    }
    struct burst *slice = link_back(u->out_slice);
    slice->index = u->adapter;
    slice->slot = u->slot;
    slice->layer = u->layer;
    slice->load = u->load;
    slice->broken = u->release;
    u->delay_cycles += now - u->until;
    slice->delay_cycles = u->delay_cycles;
    link_push(u->out_slice, now, NULL, 1);
    if (u->layer++ == last_layer(&u->adapters[u->adapter], u->release, u->head)) {
        u->active = false;
        unit_rest(&u->unit, now);
    } else {
        begin_slice(u, now, now);
    }
}

void host_port_tick(struct unit *unit, cycle_t now)
{
    struct host_port *u = (struct host_port *)unit;
    if (!u->active) {
        accept_load(u, now);
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else if (!u->waits) {
        send_slice(u, now);
    }
}

/* -- DMA -- */

static bool is_first(const struct dma *u)
{
    return u->layer == first_layer(&u->adapters[u->adapter], u->release);
}

static bool is_last(const struct dma *u)
{
    return u->layer == last_layer(&u->adapters[u->adapter], u->release, u->head);
}

/* The layer is done (or had nothing to write): a report, or the next slice. */
static void next_slice(struct dma *u, cycle_t now)
{
    u->active = false;
    u->reports = is_last(u) || u->out_written;
    unit_enter(&u->unit, now, u->reports ? UNIT_BUSY : UNIT_IDLE);
    unit_sleep(&u->unit, now + 1);
}

/* What is to be broken of the slice that arrives now; NULL: nothing. */
static const struct incident *breaks(struct dma *u, cycle_t now)
{
    for (uint32_t i = 0; i < u->n_incidents && u->incidents[i].at <= now; i++) {
        const struct incident *what = &u->incidents[i];
        bool ours = what->kind == INCIDENT_CORRUPT || what->kind == INCIDENT_TRUNCATE;
        if (ours && what->adapter == u->adapter && what->layer == u->layer && u->incidents_left[i] > 0) {
            u->incidents_left[i]--;
            return what;
        }
    }
    return NULL;
}

/* Whether what arrived is what was sent. Without values nothing arrives, and nothing can be wrong with it unless it is to be broken. */
static bool slice_good(struct dma *u, cycle_t now)
{
    const struct incident *broken = breaks(u, now);
    if (!u->checksums) {
        return !broken;
    }
    const struct adapter *adapter = &u->adapters[u->adapter];
    size_t bytes = slice_contents_bytes(adapter, u->layer);
    slice_contents(adapter, u->layer, u->arrived);
    if (u->on_arrival) {
        u->on_arrival(u->context, u->adapter, u->layer, u->arrived, &bytes);
    }
    if (broken && broken->kind == INCIDENT_CORRUPT) {
        u->arrived[bytes / 2] ^= 1;
    } else if (broken) {
        bytes--;
    }
    return slice_checksum(u->arrived, bytes) == u->checksums[slice_index(u->n_layers, u->adapter, u->layer)];
}

/* Of a load that is broken nothing more is written. */
static uint32_t words_to_write(struct dma *u, cycle_t now)
{
    if (u->release) {
        u->broken_layer = u->layer;
        return 0;
    }
    if (is_first(u)) {
        u->broken_layer = NO_LAYER;
    }
    if (u->broken_layer == NO_LAYER && !slice_good(u, now)) {
        u->broken_layer = u->layer;
    }
    return u->broken_layer == NO_LAYER ? memory_map_slice_words(u->map, &u->adapters[u->adapter], u->layer) : 0;
}

/* A slice's write was so late. Only what the load waited for counts: all of the last one, of the others no more than the last one was delayed. */
static void count_contention(struct dma *u, cycle_t late_cycles)
{
    if (is_last(u)) {
        u->contention_cycles += late_cycles + (u->written_late_cycles < u->delay_cycles ? u->written_late_cycles : u->delay_cycles);
    }
    u->written_late_cycles += late_cycles;
}

static void accept_slice(struct dma *u, cycle_t now)
{
    struct burst *slice = link_front(u->in_slice, now);
    if (!slice) {
        return;
    }
    u->active = true;
    u->adapter = slice->index;
    u->slot = slice->slot;
    u->layer = slice->layer;
    u->load = slice->load;
    u->release = slice->broken;
    u->delay_cycles = slice->delay_cycles + (now - slice->first);
    u->written_late_cycles = is_first(u) ? 0 : u->written_late_cycles;
    link_pop(u->in_slice, now);
    uint32_t words = words_to_write(u, now);
    if (words == 0) {
        count_contention(u, 0);
        next_slice(u, now);
        return;
    }
    const uint32_t words_per_cycle = memory_map_ways(u->map, u->layer) * u->ports;
    sram_request(u->write_request[u->layer - LAYER_EMBEDDING], now, NULL, memory_map_slice(u->map, u->slot, u->layer), words,
                 words_per_cycle);
    u->until = now + sram_ideal_cycles(words, words_per_cycle, u->sram_latency_cycles);
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

static void push_report(const struct dma *u, struct link *link, cycle_t now)
{
    struct burst *report = link_back(link);
    report->slot = u->slot;
    report->load = u->load;
    report->whole = is_last(u);
    report->broken = u->broken_layer != NO_LAYER;
    report->layer = report->broken ? u->broken_layer : u->layer;
    link_push(link, now, NULL, 1);
}

/* Streaming: each layer's norm learns of its slice, and the sequencer of the first one. */
static void send_reports(struct dma *u, cycle_t now)
{
    bool streams = u->out_written && (u->broken_layer == NO_LAYER || u->release);
    struct link *written = streams ? u->out_written[u->layer - LAYER_EMBEDDING] : NULL;
    struct link *loaded = is_last(u) || (streams && !u->release && is_first(u)) ? u->out_loaded : NULL;
    struct link *full = written && !link_ready(written, now) ? written : loaded && !link_ready(loaded, now) ? loaded : NULL;
    if (full) {
        link_block(full, &u->unit, now);
        return;
    }
    if (written) {
        push_report(u, written, now);
    }
    if (loaded) {
        push_report(u, loaded, now);
    }
    u->reports = false;
    unit_rest(&u->unit, now);
}

void dma_tick(struct unit *unit, cycle_t now)
{
    struct dma *u = (struct dma *)unit;
    if (u->reports) {
        send_reports(u, now);
    } else if (!u->active) {
        accept_slice(u, now);
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else if (link_front(u->write_response[u->layer - LAYER_EMBEDDING], now)) {
        link_pop(u->write_response[u->layer - LAYER_EMBEDDING], now);
        count_contention(u, now - u->until);
        next_slice(u, now);
    } else {
        unit_enter(unit, now, UNIT_STALL_SRAM);
    }
}
