#include "sim/engine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/engine_systemc.h"

static bool done(const struct chip *c)
{
    return c->stop || c->sequencer.n_done + c->sequencer.n_dropped == c->sequencer.n_requests;
}

static bool deadlock(const struct chip *c, cycle_t now, struct error *e)
{
    return error_check(e, "deadlock at cycle %" PRIu64 ": no unit will ever do anything again, %" PRIu32 " of %" PRIu32 " requests done",
                       now, c->sequencer.n_done, c->sequencer.n_requests);
}

static uint32_t n_groups(const struct chip *c)
{
    return (c->n_units + WAKE_GROUP - 1) / WAKE_GROUP;
}

/* -- step: every unit, every cycle -- */

/* What units say about their next change is used for one thing only: every WATCH cycles the watchdog asks whether anyone still expects any. */
enum { WATCH = 1024 };

void chip_begin_cycle(struct chip *c, cycle_t now)
{
    for (uint32_t i = 0; now % WATCH == 0 && i < c->n_units; i++) {
        c->wake[i] = NEVER;
    }
}

static bool anyone_expects(const struct chip *c)
{
    bool alive = false;
    for (uint32_t i = 0; i < c->n_units; i++) {
        alive |= c->wake[i] != NEVER;
    }
    return alive;
}

enum cycle_end chip_end_cycle(struct chip *c, cycle_t now)
{
    c->now = now + 1;
    if (done(c)) {
        return CYCLE_DONE;
    }
    return now % WATCH == 0 && !anyone_expects(c) ? CYCLE_DEADLOCK : CYCLE_NEXT;
}

static bool run_step(struct chip *c, struct error *e)
{
    enum cycle_end end = CYCLE_NEXT;
    cycle_t now = 0;
    for (; end == CYCLE_NEXT; now++) {
        chip_begin_cycle(c, now);
        for (uint32_t i = 0; i < c->n_units; i++) {
            c->units[i]->tick(c->units[i], now);
        }
        end = chip_end_cycle(c, now);
    }
    return end == CYCLE_DONE || deadlock(c, now - 1, e);
}

static bool run_systemc(struct chip *c, struct error *e)
{
    enum cycle_end end = CYCLE_NEXT;
    return engine_systemc_run(c, &end, e) && (end == CYCLE_DONE || deadlock(c, c->now - 1, e));
}

/* -- skip: only units that have something to do, only cycles in which one has -- */

/* The units of a group that are due; their wakes are cleared, the group's is that of the others. Returns how many. */
static uint32_t take_due(struct chip *c, uint32_t group, cycle_t now, uint32_t *due)
{
    uint32_t first = group * WAKE_GROUP, end = first + WAKE_GROUP < c->n_units ? first + WAKE_GROUP : c->n_units, n = 0;
    cycle_t later = NEVER;
    for (uint32_t i = first; i < end; i++) {
        if (c->wake[i] <= now) {
            due[n++] = i;
            c->wake[i] = NEVER;
        } else if (c->wake[i] < later) {
            later = c->wake[i];
        }
    }
    c->group_wake[group] = later;
    return n;
}

static cycle_t earliest(const struct chip *c)
{
    cycle_t first = NEVER;
    for (uint32_t g = 0; g < n_groups(c); g++) {
        first = c->group_wake[g] < first ? c->group_wake[g] : first;
    }
    return first;
}

static bool run_skip(struct chip *c, struct error *e)
{
    uint32_t *due = error_calloc(e, c->n_units, sizeof *due, "the engine");
    bool good = due != NULL;
    cycle_t now = 0;
    while (good && now != NEVER && !done(c)) {
        uint32_t n = 0;
        for (uint32_t g = 0; g < n_groups(c); g++) {
            if (c->group_wake[g] <= now) {
                n += take_due(c, g, now, due + n);
            }
        }
        for (uint32_t i = 0; i < n; i++) {
            c->units[due[i]]->tick(c->units[due[i]], now);
        }
        c->now = now + 1;
        now = earliest(c);
    }
    free(due);
    return good && !done(c) ? deadlock(c, c->now - 1, e) : good;
}

/* -- all -- */

bool chip_run(struct chip *c, enum engine engine, struct error *e)
{
    bool good = engine == ENGINE_STEP ? run_step(c, e) : engine == ENGINE_SKIP ? run_skip(c, e) : run_systemc(c, e);
    for (uint32_t i = 0; i < c->n_units; i++) {
        unit_close(c->units[i], c->now);
    }
    slots_close(&c->sequencer.slots, c->now);
    trace_end(c->trace, c->now);
    if (c->stop) {
        *e = c->failure;
        return false;
    }
    return good;
}
