/* unit.h -- what every unit of the chip has in common.
 *
 * A unit is a struct that begins with `struct unit` and one tick function. In a tick it looks at its own state and at the links it holds,
 * and at nothing else; every link is a register (link.h), so the order in which units tick within a cycle cannot matter.
 *
 * Time. tick(now) must do nothing when nothing can change at `now`. A unit that is working towards a known cycle says so with
 * unit_sleep(); a link wakes its receiver when a burst arrives and its sender when room appears. The step engine ignores all this
 * and ticks every unit on every cycle; the skip engine relies on it. Both must give the same trace.
 *
 * Accounts. A unit is in one state at any time (idle, busy, or stalled for a cause); unit_enter() closes the span of the last one. A token
 * carries its own account: each cycle from its start to its end is booked to exactly one place, so the sum is its time, exactly.
 */
#ifndef ETCHSIM_UNIT_H
#define ETCHSIM_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/types.h"
#include "sim/error.h"

typedef uint64_t cycle_t;
#define NEVER UINT64_MAX

struct trace;
struct wheel;
struct adapter;

enum unit_state {
    UNIT_IDLE,         /* holds no token */
    UNIT_BUSY,         /* works on one */
    UNIT_STALL_OUTPUT, /* done, but the next link has no room */
    UNIT_STALL_LORA,   /* done, but the LoRA MAC unit's contribution is still to come */
    UNIT_STALL_SRAM,   /* the bank ports gave fewer words than asked for */
    UNIT_STALL_SLICE,  /* done, but the layer's slice of the adapter is still being loaded */
    UNIT_STATES
};
extern const char *const unit_state_names[UNIT_STATES]; /* "idle", "busy", "output", "lora", "sram", "slice" */

enum unit_kind {
#define UNIT_KIND(kind, name) KIND_##kind,
#include "sim/unit_kinds.def"
#undef UNIT_KIND
    UNIT_KINDS
};
extern const char *const unit_kind_names[UNIT_KINDS];

struct unit {
    void (*tick)(struct unit *unit, cycle_t now);
    cycle_t wake;        /* next cycle at which this unit has something to do */
    struct wheel *wheel; /* where the skip engine looks for it; NULL with other engines */
    struct trace *trace;
    uint16_t id;
    int16_t layer; /* -1: not part of a layer block */
    enum unit_kind kind;
    uint32_t inbox; /* bursts in its input links, seen or not yet seen: with none a waiting unit has nothing to look at */
    uint32_t ports; /* which of its input links hold any: a bit for each link->port */
    enum unit_state state;
    cycle_t since; /* the present state's first cycle */
    uint64_t state_cycles[UNIT_STATES];
};

/* Where a cycle of a token's time went. */
enum place {
#define PLACE(name, label) PLACE_##name,
#include "sim/places.def"
#undef PLACE
    PLACES
};
extern const char *const place_names[PLACES];  /* for JSON */
extern const char *const place_labels[PLACES]; /* for people */

/* One position of one sequence on its way through the chip: the header that its bursts carry. */
struct token {
    uint32_t sequence; /* whose KV cache */
    uint32_t request;
    uint32_t position;
    int32_t layer; /* the one it is in; -1: none yet */
    int32_t id;
    int32_t slot;                  /* adapter slot, -1: none */
    uint32_t load;                 /* the slot's how many-th load that is */
    const struct adapter *adapter; /* what the slot holds; NULL: none */
    bool wants_logits;
    bool flipped;               /* computed with flipped bits that nothing noticed */
    bool detected, kv_detected; /* computed with flipped bits, and ECC noticed: of the slot, of the KV cache */
    cycle_t mark;               /* booked up to this cycle */
    uint64_t account_cycles[PLACES];
};

static inline void token_book(struct token *token, enum place place, cycle_t now)
{
    token->account_cycles[place] += now - token->mark;
    token->mark = now;
}

/* Tells the skip engine of a wake. */
void unit_schedule(struct unit *unit, cycle_t cycle);

/* The unit has something to do at `until`, if not earlier. */
static inline void unit_sleep(struct unit *unit, cycle_t until)
{
    if (until < unit->wake) {
        unit->wake = until;
        if (unit->wheel) {
            unit_schedule(unit, until);
        }
    }
}

/* Ends the present state's span at cycle `now` (its last cycle was now - 1); the state stays as it is. */
void unit_close(struct unit *unit, cycle_t now);
/* Leaves the present state at cycle `now`. */
static inline void unit_enter(struct unit *unit, cycle_t now, enum unit_state state)
{
    if (unit->state != state) {
        unit_close(unit, now);
        unit->state = state;
    }
}

/* Keeps what happens once in many cycles out of a tick function, so that an uneventful tick is a handful of instructions. */
#define RARELY __attribute__((noinline))

/* It has given its token away: idle from this cycle on, and looks for the next one in the following cycle, if one is there or on its way. */
static inline void unit_rest(struct unit *unit, cycle_t now)
{
    unit_enter(unit, now, UNIT_IDLE);
    if (unit->inbox) {
        unit_sleep(unit, now + 1);
    }
}

static inline uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

#endif
