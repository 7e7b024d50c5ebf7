#include "sim/wheel.h"

#include <stdlib.h>

struct wheel *wheel_new(void)
{
    return calloc(1, sizeof(struct wheel));
}

void wheel_free(struct wheel *w)
{
    if (w) {
        free(w->entries);
        free(w->far);
        free(w);
    }
}

/* -- cycles within reach -- */

/* Makes the free list longer: all entries behind those in use. */
RARELY static void grow(struct wheel *w)
{
    uint32_t room = w->room ? 2 * w->room : 1024;
    w->entries = realloc(w->entries, room * sizeof *w->entries);
    ES_ASSERT(w->entries);
    for (uint32_t i = room - 1; i >= (w->room ? w->room : 1); i--) {
        w->entries[i].next = w->free;
        w->free = i;
    }
    w->room = room;
}

static inline void add_near(struct wheel *w, struct unit *unit, cycle_t cycle)
{
    if (w->free == 0) {
        grow(w);
    }
    uint32_t slot = cycle % WHEEL_SLOTS, entry = w->free;
    struct wheel_entry *e = &w->entries[entry];
    w->free = e->next;
    e->unit = unit;
    e->next = w->first[slot];
    w->first[slot] = entry;
    w->occupied[slot / 64] |= (uint64_t)1 << slot % 64;
    w->summary |= (uint64_t)1 << slot / 64;
}

/* -- cycles further away: a binary heap -- */

RARELY static void add_far(struct wheel *w, struct unit *unit, cycle_t cycle)
{
    if (w->far_count == w->far_room) {
        w->far_room = w->far_room ? 2 * w->far_room : 64;
        w->far = realloc(w->far, w->far_room * sizeof *w->far);
        ES_ASSERT(w->far);
    }
    uint32_t i = w->far_count++;
    for (; i > 0 && w->far[(i - 1) / 2].cycle > cycle; i = (i - 1) / 2) {
        w->far[i] = w->far[(i - 1) / 2];
    }
    w->far[i] = (struct wheel_far){cycle, unit};
}

static struct wheel_far take_far(struct wheel *w)
{
    struct wheel_far first = w->far[0], last = w->far[--w->far_count];
    uint32_t i = 0;
    for (uint32_t child = 1; child < w->far_count; child = 2 * i + 1) {
        child += child + 1 < w->far_count && w->far[child + 1].cycle < w->far[child].cycle;
        if (w->far[child].cycle >= last.cycle) {
            break;
        }
        w->far[i] = w->far[child];
        i = child;
    }
    if (w->far_count > 0) {
        w->far[i] = last;
    }
    return first;
}

void unit_schedule(struct unit *unit, cycle_t cycle)
{
    struct wheel *w = unit->wheel;
    ES_ASSERT(cycle >= w->from);
    if (cycle - w->from < WHEEL_SLOTS) {
        add_near(w, unit, cycle);
    } else {
        add_far(w, unit, cycle);
    }
}

/* The wheel begins at `from` now; what comes within its reach goes onto it. */
RARELY static void turn_to(struct wheel *w, cycle_t from)
{
    w->from = from;
    while (w->far_count > 0 && w->far[0].cycle - from < WHEEL_SLOTS) {
        struct wheel_far far = take_far(w);
        if (far.unit->wake == far.cycle) {
            add_near(w, far.unit, far.cycle);
        }
    }
}

/* -- the engine's side -- */

/* The first occupied slot at or behind `slot`, going round; there is one. */
static uint32_t find_slot(const struct wheel *w, uint32_t slot)
{
    uint32_t word = slot / 64;
    uint64_t bits = w->occupied[word] & ~(uint64_t)0 << slot % 64;
    if (!bits) {
        uint64_t behind = word + 1 < 64 ? w->summary & ~(uint64_t)0 << (word + 1) : 0;
        word = (uint32_t)__builtin_ctzll(behind ? behind : w->summary);
        bits = w->occupied[word];
    }
    return word * 64 + (uint32_t)__builtin_ctzll(bits);
}

/* Of what is on the wheel; there is something. */
static cycle_t next_near(const struct wheel *w)
{
    uint32_t slot = (uint32_t)(w->from % WHEEL_SLOTS);
    return w->from + (find_slot(w, slot) - slot + WHEEL_SLOTS) % WHEEL_SLOTS;
}

cycle_t wheel_peek(const struct wheel *w)
{
    return w->summary ? next_near(w) : w->far_count ? w->far[0].cycle : NEVER;
}

cycle_t wheel_next(struct wheel *w, cycle_t until)
{
    while (!w->summary) {
        if (w->far_count == 0 || w->far[0].cycle >= until) {
            return NEVER;
        }
        turn_to(w, w->far[0].cycle);
    }
    cycle_t now = next_near(w);
    if (now >= until) {
        return NEVER;
    }
    w->from = now;
    if (w->far_count > 0 && w->far[0].cycle - now < WHEEL_SLOTS) {
        turn_to(w, now);
    }
    return now;
}

uint32_t wheel_take(struct wheel *w, cycle_t now, struct unit **due)
{
    uint32_t slot = now % WHEEL_SLOTS, n = 0, last = 0;
    for (uint32_t entry = w->first[slot]; entry; entry = w->entries[entry].next) {
        struct unit *unit = w->entries[entry].unit;
        if (unit->wake == now) { /* cleared before any of them ticks, so that what they say then counts */
            unit->wake = NEVER;
            due[n++] = unit;
        }
        last = entry;
    }
    w->entries[last].next = w->free;
    w->free = w->first[slot];
    w->first[slot] = 0;
    w->occupied[slot / 64] &= ~((uint64_t)1 << slot % 64);
    w->summary &= ~((uint64_t)(w->occupied[slot / 64] == 0) << slot / 64);
    w->from = now + 1;
    return n;
}
