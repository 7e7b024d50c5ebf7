/* slots.h -- the table of adapter slots: which adapter is where, and who uses it. Owned by the sequencer.
 *
 *   free --load--> loading --written--> live --(no users, another adapter needs room)--> loading
 *     ^                 ^                |  '--(reload, unload)--> draining --(no users)--> free
 *     |                 '--(drained)-- draining <--(reload with restart, a detected bit flip)
 *     '--(arrived broken too often)
 *
 * A slot in use or loading is never evicted; nor is one whose adapter is pinned. Among the others the victim follows from slots.eviction: used
 * longest ago, loaded longest ago, adapter asked for least often, or cheapest to bring back (bytes x how often it was asked for); among equals
 * the one that was used longest ago. How often an adapter was asked for is counted over the whole run.
 * With a pool (slots.layout: paged, sram.split: shared) a slot is an entry of the table and takes its pages when it is loaded; then as many adapters go as it takes.
 * A request that asks for an adapter which is loading joins that load. All this is decided in no time.
 */
#ifndef ETCHSIM_SLOTS_H
#define ETCHSIM_SLOTS_H

#include "sim/pages.h"
#include "sim/unit.h"

enum slot_state { SLOT_FREE, SLOT_LOADING, SLOT_LIVE, SLOT_DRAINING, SLOT_STATES };
enum eviction { EVICTION_LRU, EVICTION_FIFO, EVICTION_LFU, EVICTION_COST_AWARE }; /* as in params.def */

struct slot {
    enum slot_state state;
    int32_t adapter; /* -1: none */
    uint32_t users;  /* requests that need it, waiting ones included */
    cycle_t used_at;
    cycle_t load_requested_at, loaded_at; /* of the present adapter's load */
    uint32_t load;                        /* the load's number in this slot, from 1 on: what layers know a slice by */
    bool usable;                          /* tokens may be issued: it is live or, streaming, layer 0 is written */
    uint32_t retries;                     /* this load came in broken so often */
    bool broken;                          /* it has now, and the sequencer is yet to do something about it */
    int32_t broken_layer;                 /* there */
    bool retired;     /* nobody finds it any more: its adapter was unloaded or has a new version; it is given up when its users are done */
    bool renew;       /* its adapter is to be loaded (anew) when no token that used it is in flight and no load is on the way */
    bool renewed;     /* the present load is of that kind */
    bool failing;     /* streaming: its load stayed broken; layers are told not to wait for it */
    bool released;    /* and they have been */
    bool let_through; /* streaming: renewed while its load came in broken; layers are told not to wait for that load */
    uint32_t in_flight; /* renew: sequences with tokens in flight */
    cycle_t renew_at;   /* since when */
    uint32_t pages;     /* that its adapter has */
    /* counters; free_cycles + loading_cycles + used_cycles + unused_cycles is the run's length once slots_close() was called */
    uint64_t hits, loads, evictions;
    uint64_t free_cycles, loading_cycles, used_cycles, unused_cycles; /* used, unused: live with and without users */
    uint64_t stall_cycles;                                            /* that started requests waited for its loads, summed over them */
    cycle_t since;                                                    /* counted up to here */
};

struct slots_adapter {               /* an adapter of the chip's list */
    int32_t slot;                    /* where it is or is being loaded, -1: nowhere */
    uint64_t bytes;                  /* over the host link */
    uint64_t words;                  /* that it fills of the SRAM, all layers */
    uint32_t pages;                  /* that it takes; 0 without a pool */
    uint64_t hits, loads, evictions; /* hits + loads requests asked for it */
    uint64_t stall_cycles;
};

struct slots {
    struct slot *slot; /* [count] */
    uint32_t count;
    struct slots_adapter *adapters; /* [n_adapters] */
    uint32_t n_adapters;
    enum eviction eviction;
    uint32_t pinned; /* adapters 0 .. pinned - 1 stay once they are loaded */
    /* slots that are free, that could be evicted, and the pages of those */
    uint32_t n_free, n_idle, idle_pages;
    struct page_pool *pool; /* NULL: each slot has its place */
    uint32_t *page;         /* [count][page_room] tables of pages */
    uint32_t page_room;
    uint64_t fill_words, fill_words_peak, fill_bytes, fill_bytes_peak; /* of adapters that are in a slot or on the way */
    uint64_t hits, loads, evictions;
    uint64_t retries;                         /* loads that came in broken and were asked for again; not in `loads` */
    uint64_t failures;                        /* that stayed broken */
    uint64_t n_dropped_hits, n_dropped_loads; /* of queued requests that lost their slot to a failure, and are to take another */
    uint64_t renewals, renewal_drain_cycles,
        renewal_load_cycles; /* loads into a slot in use, not in `loads`; until its tokens had left; until it was live again */
};

/* The slot that holds (or is loading) an adapter, or -1. */
int32_t slots_find(const struct slots *slots, int32_t adapter);
/* A free slot, else a victim, else -1. */
int32_t slots_victim(const struct slots *slots);

/* Whether a request can have an adapter's slot (-1: needs none) and so many pages beside it, perhaps after evictions. Constant time. */
bool slots_have_room(const struct slots *slots, int32_t adapter, uint32_t more_pages);
/* Evicts, the least worth first, until a slot is free (if `slot`) and so many pages are; there must be room for that. Returns the one that went, or -1 when no more
 * has to go. Only with a pool: without one, slots_load() evicts what is in its slot. */
int32_t slots_evict_next(struct slots *slots, bool slot, uint32_t pages, cycle_t now);

/* A request asks for the adapter that is in (or on the way to) slot i: a hit. */
void slots_join(struct slots *slots, int32_t i, cycle_t now);
/* A request asks for an adapter that is nowhere: slot i, a free one or a victim, loads it. */
void slots_load(struct slots *slots, int32_t i, int32_t adapter, cycle_t now);
/* Nobody finds the slot any more: free at once, or when its users are done. */
void slots_retire(struct slots *slots, int32_t i, cycle_t now);
/* The slot's users are to go on with `version`, of the same number of pages; until the load nobody may use it. Not while another slot has that version, unless the slot is
 * retired. Can be said again before the load is asked for. */
void slots_renew(struct slots *slots, int32_t i, int32_t version, cycle_t now);
/* The load that was on the way when the slot was renewed is over. */
void slots_superseded(struct slots *slots, int32_t i, cycle_t now);
/* A renewed slot has drained: its load is asked for. */
void slots_reload(struct slots *slots, int32_t i, cycle_t now);
/* The load stayed broken: the slot is free, its users are gone. */
void slots_fail(struct slots *slots, int32_t i, cycle_t now);

/* The load is whole. */
void slots_live(struct slots *slots, int32_t i, cycle_t now);
/* A request that had slot i is done. A retired slot that is left by the last one is free. */
void slots_leave(struct slots *slots, int32_t i, cycle_t now);
/* A request that had started waited so long for slot i's load. */
void slots_stalled(struct slots *slots, int32_t i, cycle_t cycles);
/* The end of the run: counts each slot's cycles up to now. */
void slots_close(struct slots *slots, cycle_t now);

/* free + loading + live + draining = count, free and evictable ones as counted, only slots with an adapter have users, and the adapters' entries point back. */
bool slots_conserved(const struct slots *slots);

#endif
