/* Does SystemC from C do what SystemC does? Clocks, signals, FIFOs, events, methods and threads; and every misuse is a return code. */
#include <etchsim/systemc.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

struct bench { /* what processes see */
    esc *simulation;
    esc_module *top;
    esc_signal *clock, *word, *bit;
    esc_fifo *fifo;
    esc_event *event;
    uint64_t rising, falling, first_ps, last_ps;
    uint64_t seen[64];
    unsigned n_seen;
    int code;
};

static void open_bench(struct bench *b)
{
    *b = (struct bench){0};
    CHECK_EQ_INT(esc_open(&b->simulation), ESC_GOOD);
    CHECK_EQ_INT(esc_module_new(b->simulation, NULL, "top", &b->top), ESC_GOOD);
    CHECK_EQ_INT(esc_clock_new(b->top, "clock", 1000, &b->clock), ESC_GOOD);
    CHECK_EQ_INT(esc_signal_new(b->top, "word", 12, &b->word), ESC_GOOD);
    CHECK_EQ_INT(esc_signal_new(b->top, "bit", 1, &b->bit), ESC_GOOD);
    CHECK_EQ_INT(esc_fifo_new(b->top, "fifo", 3, &b->fifo), ESC_GOOD);
    CHECK_EQ_INT(esc_event_new(b->top, "event", &b->event), ESC_GOOD);
}

static void method(struct bench *b, const char *name, void (*run)(void *), esc_event *event)
{
    CHECK_EQ_INT(esc_method_new(b->top, name, run, b, 0, &event, 1), ESC_GOOD);
}

static void see(struct bench *b, uint64_t value)
{
    if (CHECK(b->n_seen < 64)) {
        b->seen[b->n_seen++] = value;
    }
}

/* -- clocks and time -- */

static void on_rising(void *user)
{
    struct bench *b = user;
    b->first_ps = b->rising++ ? b->first_ps : esc_time(b->simulation);
    b->last_ps = esc_time(b->simulation);
}

static void on_falling(void *user)
{
    struct bench *b = user;
    b->falling++;
}

static void clocks_tick(void)
{
    struct bench b;
    open_bench(&b);
    method(&b, "rising", on_rising, esc_rising(b.clock));
    method(&b, "falling", on_falling, esc_falling(b.clock));
    CHECK_EQ_INT(esc_run(b.simulation, 10250), ESC_GOOD);
    CHECK_EQ_UINT(b.rising, 11); /* at 0, 1000 .. 10000 ps */
    CHECK_EQ_UINT(b.falling, 10);
    CHECK_EQ_UINT(b.first_ps, 0);
    CHECK_EQ_UINT(b.last_ps, 10000);
    CHECK_EQ_UINT(esc_time(b.simulation), 10250);
    CHECK_EQ_INT(esc_run(b.simulation, 750), ESC_GOOD); /* and on, up to 11000: that edge is the next run's */
    CHECK_EQ_UINT(b.rising, 11);
    CHECK_EQ_UINT(esc_time(b.simulation), 11000);
    CHECK_EQ_INT(esc_run(b.simulation, 1), ESC_GOOD);
    CHECK_EQ_UINT(b.rising, 12);
}

static void on_rising_stop(void *user)
{
    struct bench *b = user;
    if (++b->rising == 5) {
        b->code = esc_stop(b->simulation);
    }
}

static void stop_and_go_on(void)
{
    struct bench b;
    open_bench(&b);
    method(&b, "rising", on_rising_stop, esc_rising(b.clock));
    CHECK_EQ_INT(esc_run(b.simulation, ESC_FOREVER), ESC_GOOD);
    CHECK_EQ_INT(b.code, ESC_GOOD);
    CHECK_EQ_UINT(b.rising, 5);
    CHECK_EQ_UINT(esc_time(b.simulation), 4000);
    CHECK_EQ_INT(esc_run(b.simulation, 2001), ESC_GOOD);
    CHECK_EQ_UINT(b.rising, 7);
}

/* -- signals: a write is seen one delta later -- */

static void swap_word(void *user)
{
    struct bench *b = user;
    uint64_t before = 0, after = 0;
    CHECK_EQ_INT(esc_read(b->word, &before), ESC_GOOD);
    CHECK_EQ_INT(esc_write(b->word, before + 7), ESC_GOOD);
    CHECK_EQ_INT(esc_read(b->word, &after), ESC_GOOD);
    CHECK_EQ_UINT(after, before);
    CHECK_EQ_INT(esc_write(b->bit, before & 1), ESC_GOOD);
}

static void on_word(void *user)
{
    struct bench *b = user;
    uint64_t value = 0;
    CHECK_EQ_INT(esc_read(b->word, &value), ESC_GOOD);
    see(b, value);
}

static void on_bit(void *user)
{
    struct bench *b = user;
    see(b, 1000);
}

static void signals_change_a_delta_later(void)
{
    static const uint64_t expected[] = {7, 14, 1000, 21, 28, 1000};
    struct bench b;
    open_bench(&b);
    method(&b, "clocked", swap_word, esc_rising(b.clock));
    method(&b, "word_changed", on_word, esc_changed(b.word));
    method(&b, "bit_rose", on_bit, esc_rising(b.bit));
    CHECK_EQ_INT(esc_run(b.simulation, 3500), ESC_GOOD);
    CHECK_EQ_UINT(b.n_seen, 6);
    uint64_t sums[2] = {0};
    for (unsigned i = 0; i < 6; i++) { /* the two watchers of one delta run in any order */
        sums[0] += expected[i] * (i / 3 + 1);
        sums[1] += b.seen[i] * (i / 3 + 1);
    }
    CHECK_EQ_UINT(sums[1], sums[0]);
    CHECK(esc_rising(b.word) == NULL);
    CHECK(esc_falling(b.word) == NULL);
}

/* -- FIFO: a producer a cycle, a consumer every third -- */

static void produce(void *user)
{
    struct bench *b = user;
    b->code = esc_put(b->fifo, b->rising);
    b->rising += b->code == ESC_GOOD;
    CHECK(b->code == ESC_GOOD || b->code == ESC_FULL);
}

static void consume(void *user)
{
    struct bench *b = user;
    uint64_t value = 0;
    if (++b->falling % 3 == 0) {
        CHECK_EQ_INT(esc_get(b->fifo, &value), ESC_GOOD);
        see(b, value);
    }
}

static void fifos_keep_order_and_are_full(void)
{
    struct bench b;
    open_bench(&b);
    method(&b, "producer", produce, esc_rising(b.clock));
    method(&b, "consumer", consume, esc_falling(b.clock));
    CHECK_EQ_INT(esc_run(b.simulation, 30000), ESC_GOOD);
    CHECK_EQ_UINT(b.n_seen, 10);
    for (unsigned i = 0; i < b.n_seen; i++) {
        CHECK_EQ_UINT(b.seen[i], i);
    }
    CHECK(b.rising >= 10 && b.rising <= 13); /* what was taken, and at most what it holds */
    uint64_t value = 0;
    int left = 0;
    while (esc_get(b.fifo, &value) == ESC_GOOD) {
        left++;
    }
    CHECK_EQ_INT(left, 2); /* the last one was taken after the producer's last turn */
    CHECK_CONTAINS(esc_error(), "empty");
}

/* -- threads and events -- */

static void thread(void *user)
{
    struct bench *b = user;
    CHECK_EQ_INT(esc_wait(b->simulation, 1234), ESC_GOOD);
    see(b, esc_time(b->simulation));
    CHECK_EQ_INT(esc_notify(b->event, 500), ESC_GOOD);
    CHECK_EQ_INT(esc_wait_event(b->event), ESC_GOOD);
    see(b, esc_time(b->simulation));
    CHECK_EQ_INT(esc_notify(b->event, 900), ESC_GOOD);
    CHECK_EQ_INT(esc_notify(b->event, 100), ESC_GOOD); /* the earlier one counts */
    CHECK_EQ_INT(esc_wait_event(b->event), ESC_GOOD);
    see(b, esc_time(b->simulation));
    CHECK_EQ_INT(esc_notify(b->event, 10), ESC_GOOD);
    CHECK_EQ_INT(esc_cancel(b->event), ESC_GOOD);
    CHECK_EQ_INT(esc_wait(b->simulation, 50), ESC_GOOD);
    CHECK_EQ_INT(esc_notify(b->event, 0), ESC_GOOD);
    CHECK_EQ_INT(esc_wait_event(b->event), ESC_GOOD);
    see(b, esc_time(b->simulation));
}

static void on_event(void *user)
{
    struct bench *b = user;
    b->rising++;
}

static void threads_wait(void)
{
    static const uint64_t expected[] = {1234, 1734, 1834, 1884};
    struct bench b;
    open_bench(&b);
    CHECK_EQ_INT(esc_thread_new(b.top, "thread", thread, &b, 0), ESC_GOOD);
    method(&b, "event_watch", on_event, b.event);
    CHECK_EQ_INT(esc_run(b.simulation, 100000), ESC_GOOD);
    CHECK_EQ_UINT(b.n_seen, 4);
    CHECK_EQ_BYTES(b.seen, expected, sizeof expected);
    CHECK_EQ_UINT(b.rising, 3); /* the cancelled one never happened */
}

/* A method's wait changes when it is called next, once. */
static void waiting_method(void *user)
{
    struct bench *b = user;
    see(b, esc_time(b->simulation));
    if (b->n_seen == 2) {
        CHECK_EQ_INT(esc_wait(b->simulation, 2500), ESC_GOOD);
    }
}

static void methods_wait(void)
{
    static const uint64_t expected[] = {0, 1000, 3500, 4000, 5000};
    struct bench b;
    open_bench(&b);
    method(&b, "waiting", waiting_method, esc_rising(b.clock));
    CHECK_EQ_INT(esc_run(b.simulation, 5500), ESC_GOOD);
    CHECK_EQ_UINT(b.n_seen, 5);
    CHECK_EQ_BYTES(b.seen, expected, sizeof expected);
}

/* -- misuse -- */

static void nothing(void *user)
{
    (void)user;
}

static void run_inside(void *user)
{
    struct bench *b = user;
    b->code = esc_run(b->simulation, 10);
}

static void parts_are_checked(void)
{
    struct bench b;
    esc_module *module = NULL;
    esc_signal *s = NULL;
    esc_fifo *f = NULL;
    esc_event *none[] = {NULL};
    open_bench(&b);
    CHECK_EQ_INT(esc_open(NULL), ESC_MISUSE);
    CHECK_EQ_INT(esc_module_new(NULL, NULL, "x", &module), ESC_MISUSE);
    CHECK_EQ_INT(esc_module_new(b.simulation, NULL, "", &module), ESC_MISUSE);
    CHECK_EQ_INT(esc_module_new(b.simulation, NULL, NULL, &module), ESC_MISUSE);
    CHECK_EQ_INT(esc_module_new(b.simulation, NULL, "top", &module), ESC_MISUSE);
    CHECK_CONTAINS(esc_error(), "a part of this name already");
    CHECK_EQ_INT(esc_module_new(b.simulation, b.top, "inner", &module), ESC_GOOD);
    CHECK_EQ_INT(esc_signal_new(module, "word", 64, &s), ESC_GOOD); /* the same name one level down */
    CHECK_EQ_INT(esc_write(s, UINT64_MAX), ESC_GOOD);
    CHECK_EQ_INT(esc_signal_new(b.top, "word", 8, &s), ESC_MISUSE);
    CHECK_EQ_INT(esc_signal_new(b.top, "w0", 0, &s), ESC_MISUSE);
    CHECK_EQ_INT(esc_signal_new(b.top, "w65", 65, &s), ESC_MISUSE);
    CHECK_EQ_INT(esc_clock_new(b.top, "c1", 1, &s), ESC_MISUSE);
    CHECK_EQ_INT(esc_fifo_new(b.top, "f0", 0, &f), ESC_MISUSE);
    CHECK_EQ_INT(esc_method_new(b.top, "m", NULL, &b, 0, NULL, 0), ESC_MISUSE);
    CHECK_EQ_INT(esc_method_new(b.top, "m", nothing, &b, 0, none, 1), ESC_MISUSE);
    CHECK_EQ_INT(esc_method_new(b.top, "m", nothing, &b, 0, NULL, 1), ESC_MISUSE);
}

static void values_are_checked(void)
{
    struct bench b;
    uint64_t value = 0;
    open_bench(&b);
    CHECK_EQ_INT(esc_write(b.word, 4095), ESC_GOOD);
    CHECK_EQ_INT(esc_write(b.word, 4096), ESC_MISUSE);
    CHECK_CONTAINS(esc_error(), "more bits than the signal");
    CHECK_EQ_INT(esc_write(b.bit, 2), ESC_MISUSE);
    CHECK_EQ_INT(esc_write(b.clock, 1), ESC_MISUSE);
    CHECK_EQ_INT(esc_write(NULL, 1), ESC_MISUSE);
    CHECK_EQ_INT(esc_read(b.word, NULL), ESC_MISUSE);
    CHECK_EQ_INT(esc_get(NULL, &value), ESC_MISUSE);
    CHECK_EQ_INT(esc_notify(esc_rising(b.clock), 1), ESC_MISUSE);
    CHECK_EQ_INT(esc_cancel(NULL), ESC_MISUSE);
}

static void times_are_checked(void)
{
    struct bench b;
    esc_module *module = NULL;
    open_bench(&b);
    CHECK_EQ_INT(esc_wait(b.simulation, 5), ESC_MISUSE);
    CHECK_EQ_INT(esc_wait_event(b.event), ESC_MISUSE);
    CHECK_EQ_INT(esc_stop(b.simulation), ESC_MISUSE);
    method(&b, "runs", run_inside, esc_rising(b.clock));
    CHECK_EQ_INT(esc_run(b.simulation, 10), ESC_GOOD);
    CHECK_EQ_INT(b.code, ESC_MISUSE);
    CHECK_EQ_INT(esc_module_new(b.simulation, NULL, "late", &module), ESC_MISUSE);
    CHECK_CONTAINS(esc_error(), "runs already");
    CHECK_EQ_INT(esc_run(b.simulation, 10), ESC_GOOD); /* and it still runs */
    struct bench next;
    open_bench(&next);
    CHECK_EQ_INT(esc_run(b.simulation, 10), ESC_MISUSE);
    CHECK_CONTAINS(esc_error(), "not the present simulation");
    CHECK_EQ_INT(esc_write(b.word, 1), ESC_MISUSE);
    CHECK_EQ_INT(esc_run(next.simulation, 10), ESC_GOOD);
    CHECK_EQ_UINT(esc_time(b.simulation), 20);
}

/* Two processes that write one signal: SystemC's own error comes back as a code, and the simulation goes on. */
static void write_one(void *user)
{
    struct bench *b = user;
    int code = esc_write(b->word, 1);
    b->rising += code == ESC_GOOD;
    b->falling += code == ESC_REPORT;
}

static void systemc_errors_are_codes(void)
{
    struct bench b;
    open_bench(&b);
    method(&b, "one", write_one, esc_rising(b.clock));
    method(&b, "two", write_one, esc_rising(b.clock));
    CHECK_EQ_INT(esc_run(b.simulation, 2500), ESC_GOOD);
    CHECK_EQ_UINT(b.rising + b.falling, 6);
    CHECK(b.falling >= 1);
    CHECK_CONTAINS(esc_error(), "more than one driver");
}

void suite_shim(void)
{
    suite_begin("shim");
    suite_add("a clock's edges, from time 0 on; a run goes on where the last one ended", clocks_tick);
    suite_add("stop ends a run, and the next one goes on", stop_and_go_on);
    suite_add("signals change a delta later, and their watchers are called", signals_change_a_delta_later);
    suite_add("FIFOs keep order, are full and empty", fifos_keep_order_and_are_full);
    suite_add("threads wait for times and events; notify, the earlier counts, cancel", threads_wait);
    suite_add("a method's wait moves its next call", methods_wait);
    suite_add("bad parts are refused", parts_are_checked);
    suite_add("bad values are refused", values_are_checked);
    suite_add("what is not allowed now is refused, and the simulation goes on", times_are_checked);
    suite_add("SystemC's own errors are return codes", systemc_errors_are_codes);
}
