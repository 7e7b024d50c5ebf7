/* wheel.h -- which units have something to do in which cycle: the skip engine's calendar.
 *
 *   unit_sleep(unit, cycle) -> [ slot of cycle % WHEEL_SLOTS ] one list of units a cycle, a bit for each slot that has any
 *                          \-> [ heap ]                        cycles further away than the wheel reaches
 *
 * An entry is a hint: a unit is due in the cycle its `wake` says, which an earlier unit_sleep() may have moved. An entry that no longer agrees is dropped.
 */
#ifndef ETCHSIM_WHEEL_H
#define ETCHSIM_WHEEL_H

#include <stdbool.h>

#include "sim/unit.h"

enum { WHEEL_SLOTS = 4096, WHEEL_WORDS = WHEEL_SLOTS / 64 };

struct wheel_entry {
    struct unit *unit;
    uint32_t next; /* index of an entry, 0: the last one */
};

struct wheel_far {
    cycle_t cycle;
    struct unit *unit;
};

struct wheel {
    cycle_t from;     /* slots hold the cycles from .. from + WHEEL_SLOTS - 1 */
    uint64_t summary; /* a bit for each word of `occupied` */
    uint64_t occupied[WHEEL_WORDS];
    uint32_t first[WHEEL_SLOTS]; /* index of an entry, 0: none */
    struct wheel_entry *entries; /* [room]; 0 is not used */
    uint32_t room, used, free;   /* free: a list of entries that were used before */
    struct wheel_far *far;       /* [far_room] a heap, the earliest first */
    uint32_t far_count, far_room;
};

/* NULL without memory. Entries and heap grow as needed; without memory for that the program ends. */
struct wheel *wheel_new(void);
void wheel_free(struct wheel *wheel);
/* The next cycle with an entry, if it is before `until`; NEVER if there is none. It and all before it are over then: units are added for later cycles only. */
cycle_t wheel_next(struct wheel *wheel, cycle_t until);
/* The next cycle with an entry, which may be one that no longer agrees; NEVER if there is none. Nothing changes. */
cycle_t wheel_peek(const struct wheel *wheel);
/* The units that are due in this cycle, which wheel_next() returned; their wakes are NEVER from then on. due has room for all units. Returns how many. */
uint32_t wheel_take(struct wheel *wheel, cycle_t now, struct unit **due);

#endif
