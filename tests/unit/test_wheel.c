/* The skip engine's calendar against a list that is searched from end to end. */
#include "sim/wheel.h"

#include <string.h>

#include "tests/unit/check.h"

enum { UNITS = 40 };

/* Far more often near than far, as units sleep; beyond the wheel's reach now and then, and by much. */
static cycle_t random_distance(uint64_t *seed)
{
    uint64_t kind = test_random(seed) % 16, far = test_random(seed);
    return 1 + (kind < 10 ? far % 50 : kind < 14 ? far % 5000 : kind < 15 ? far % 100000 : far % 10000000);
}

/* A look at the wheel changes nothing, nor does asking for what is before the next cycle. */
static cycle_t next_of(struct wheel *wheel)
{
    cycle_t seen = wheel_peek(wheel);
    CHECK_EQ_UINT(wheel_next(wheel, seen), NEVER);
    CHECK_EQ_UINT(wheel_peek(wheel), seen);
    cycle_t next = wheel_next(wheel, NEVER);
    CHECK(next >= seen); /* later where what was seen is out of date */
    return next;
}

/* Some units say once more, and maybe earlier, when they want to be woken; sometimes one says it for another. */
static void sleep_somehow(struct unit *units, cycle_t wakes[UNITS], uint32_t unit, cycle_t now, uint64_t *seed)
{
    for (uint64_t n = test_random(seed) % 4; n > 0; n--) {
        uint32_t other = test_random(seed) % 8 ? unit : (uint32_t)(test_random(seed) % UNITS);
        cycle_t until = now + random_distance(seed);
        unit_sleep(&units[other], until);
        wakes[other] = until < wakes[other] ? until : wakes[other];
    }
}

static void wakes_when_they_said(void)
{
    for (uint64_t run = 1; run <= 40; run++) {
        struct unit units[UNITS];
        cycle_t wakes[UNITS], now = 0;
        struct unit *due[UNITS];
        uint64_t seed = run;
        uint32_t cycles = 0;
        struct wheel *wheel = wheel_new();
        REQUIRE(wheel != NULL);
        memset(units, 0, sizeof units);
        for (uint32_t i = 0; i < UNITS; i++) {
            units[i].wheel = wheel;
            units[i].wake = wakes[i] = NEVER;
            sleep_somehow(units, wakes, i, 0, &seed);
        }
        for (cycle_t next = next_of(wheel); next != NEVER && cycles < 20000; next = next_of(wheel), cycles++) {
            uint32_t n = wheel_take(wheel, next, due), expected = 0;
            cycle_t earliest = NEVER;
            for (uint32_t i = 0; i < UNITS; i++) {
                earliest = wakes[i] < earliest ? wakes[i] : earliest;
            }
            CHECK(next > now || now == 0);
            CHECK(next <= earliest); /* an entry that is out of date may come first */
            now = next;
            for (uint32_t i = 0; i < UNITS; i++) {
                expected += wakes[i] == now;
            }
            CHECK_EQ_UINT(n, expected);
            for (uint32_t i = 0; i < n; i++) {
                CHECK_EQ_UINT(wakes[due[i] - units], now);
                wakes[due[i] - units] = NEVER;
                CHECK(due[i]->wake == NEVER);
            }
            for (uint32_t i = 0; i < n; i++) {
                sleep_somehow(units, wakes, (uint32_t)(due[i] - units), now, &seed);
            }
        }
        for (uint32_t i = 0; i < UNITS && cycles < 20000; i++) {
            CHECK(wakes[i] == NEVER); /* it ends only when nobody wants to be woken */
        }
        wheel_free(wheel);
    }
}

static void sleeps_without_a_wheel(void)
{
    struct unit unit = {.wake = NEVER};
    unit_sleep(&unit, 20);
    unit_sleep(&unit, 30);
    CHECK_EQ_UINT(unit.wake, 20);
}

void suite_wheel(void);
void suite_wheel(void)
{
    suite_begin("wheel");
    suite_add("units are due when they said, near and far", wakes_when_they_said);
    suite_add("other engines have no calendar", sleeps_without_a_wheel);
}
