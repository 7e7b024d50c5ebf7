#include "sim/engine.h"

#include <inttypes.h>

#include "sim/engine_systemc.h"
#include "sim/leap.h"
#include "sim/wheel.h"

static bool done(const struct chip *c)
{
    return c->stop || c->sequencer.n_done + c->sequencer.n_dropped == c->sequencer.n_requests;
}

static bool deadlock(const struct chip *c, cycle_t now, struct error *e)
{
    return error_check(e, "deadlock at cycle %" PRIu64 ": no unit will ever do anything again, %" PRIu32 " of %" PRIu32 " requests done",
                       now, c->sequencer.n_done, c->sequencer.n_requests);
}

/* -- step: every unit, every cycle -- */

/* What units say about their next change is used for one thing only: every WATCH cycles the watchdog asks whether anyone still expects any. */
enum { WATCH = 1024 };

void chip_begin_cycle(struct chip *c, cycle_t now)
{
    for (uint32_t i = 0; now % WATCH == 0 && i < c->n_units; i++) {
        c->units[i]->wake = NEVER;
    }
}

static bool anyone_expects(const struct chip *c)
{
    bool alive = false;
    for (uint32_t i = 0; i < c->n_units; i++) {
        alive |= c->units[i]->wake != NEVER;
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

/* The units' sleeps go to the wheel from now on; at first all are due. */
static bool start_wheel(struct chip *c, struct error *e)
{
    c->wheel = wheel_new();
    for (uint32_t i = 0; c->wheel && i < c->n_units; i++) {
        c->units[i]->wheel = c->wheel;
        c->units[i]->wake = NEVER;
        unit_sleep(c->units[i], 0);
    }
    return c->wheel || error_input(e, "not enough memory for the engine");
}

static void leave_wheel(struct chip *c)
{
    for (uint32_t i = 0; c->wheel && i < c->n_units; i++) {
        c->units[i]->wheel = NULL;
    }
    wheel_free(c->wheel);
    c->wheel = NULL;
}

cycle_t chip_next(const struct chip *c)
{
    return c->wheel ? wheel_peek(c->wheel) : 0;
}

bool chip_advance(struct chip *c, cycle_t until, struct error *e)
{
    if (!c->wheel && !start_wheel(c, e)) {
        return false;
    }
    c->pause = false;
    for (cycle_t now; !done(c) && !c->pause && (now = wheel_next(c->wheel, until)) != NEVER;) {
        uint32_t n = wheel_take(c->wheel, now, c->due);
        uint32_t kinds = 0;
        for (uint32_t i = 0; i < n; i++) {
            kinds |= (uint32_t)1 << c->due[i]->kind;
            c->due[i]->tick(c->due[i], now);
        }
        if (c->leap && kinds & LEAP_KINDS) {
            leap_end_cycle(c, c->due, n, now);
        }
        c->now = n ? now + 1 : c->now;
    }
    return true;
}

static bool run_skip(struct chip *c, struct error *e)
{
    bool good = start_wheel(c, e) && leap_new(c, &c->leap, e);
    do {
        good = good && chip_advance(c, NEVER, e);
    } while (good && c->pause);
    return good && (done(c) || deadlock(c, c->now - 1, e));
}

/* -- all -- */

bool chip_close(struct chip *c, struct error *e)
{
    if (c->leap) {
        leap_close(c, c->now ? c->now - 1 : 0);
    }
    leave_wheel(c);
    for (uint32_t i = 0; i < c->n_units; i++) {
        unit_close(c->units[i], c->now);
    }
    slots_close(&c->sequencer.slots, c->now);
    trace_end(c->trace, c->now);
    if (c->stop) {
        *e = c->failure;
    }
    return !c->stop;
}

bool chip_run(struct chip *c, enum engine engine, struct error *e)
{
    bool good = engine == ENGINE_STEP ? run_step(c, e) : engine == ENGINE_SKIP ? run_skip(c, e) : run_systemc(c, e);
    return chip_close(c, e) && good;
}
