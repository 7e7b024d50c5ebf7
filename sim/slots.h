/* slots.h -- the table of adapter slots: which adapter is where, and who uses it. Owned by the sequencer.
 *
 *   free --load--> loading --written--> live --(no users, another adapter needs room)--> loading
 *
 * A slot in use or loading is never evicted. The victim is the live slot without users that was used longest ago.
 */
#ifndef ETCHSIM_SLOTS_H
#define ETCHSIM_SLOTS_H

#include "sim/unit.h"

enum slot_state { SLOT_FREE, SLOT_LOADING, SLOT_LIVE, SLOT_STATES };

struct slot {
    enum slot_state state;
    int32_t adapter; /* -1: none */
    uint32_t users;  /* requests that need it, waiting ones included */
    cycle_t used_at;
};

struct slots {
    struct slot *slot; /* [count] */
    uint32_t count;
    uint64_t hits, loads, evictions;
};

/* The slot that holds (or is loading) an adapter, or -1. */
int32_t slots_find(const struct slots *slots, int32_t adapter);
/* A free slot, else a victim, else -1. */
int32_t slots_victim(const struct slots *slots);
/* free + loading + live = count, and only slots with an adapter have users. */
bool slots_conserved(const struct slots *slots);

#endif
