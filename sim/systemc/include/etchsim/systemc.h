/* etchsim/systemc.h -- SystemC from C: modules, clocks, signals, FIFOs, events, and C functions as processes. No line of C++ is needed.
 *
 *   simulation --- module --- module ...
 *                    |- clock, signal, fifo, event      what has a value or happens
 *                    `- method, thread                  C functions, called when an event they are sensitive to happens
 *
 * Everything is made before the simulation first runs, and lives as long as the process: SystemC cannot give it back. Values are unsigned integers
 * of up to 64 bits. As in SystemC, what is written to a signal or put into a FIFO is seen in the next delta cycle, and all processes that
 * are due in one delta cycle run in an order that must not matter.
 *
 * Every function returns an esc_code; esc_error() says more about the last one that was not ESC_GOOD. Errors never end the program.
 * Times are in picoseconds. One thread of the operating system uses a process's simulations.
 */
#ifndef ETCHSIM_SYSTEMC_H
#define ETCHSIM_SYSTEMC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ESC_API __attribute__((visibility("default")))

typedef struct esc esc;               /* a simulation */
typedef struct esc_module esc_module; /* a place in its hierarchy of names */
typedef struct esc_signal esc_signal; /* clocks as well */
typedef struct esc_fifo esc_fifo;
typedef struct esc_event esc_event;

enum esc_code {
    ESC_GOOD = 0,
    ESC_MISUSE, /* an argument that is not allowed, or not here (esc_wait outside a process) or not now (new modules once it runs) */
    ESC_FULL,   /* esc_put: no room in the FIFO */
    ESC_EMPTY,  /* esc_get: nothing in the FIFO */
    ESC_REPORT, /* SystemC reported an error; esc_error() has its words */
    ESC_MEMORY,
};

/* What the last failed call said; "" before any. Valid until the next call. */
ESC_API const char *esc_error(void);

/* -- simulations -- */

/* A new simulation at time 0, which becomes the present one. The simulations before it can no longer be used. */
ESC_API int esc_open(esc **simulation);
/* The simulation that is there already: of a C++ platform whose sc_main() calls C. */
ESC_API int esc_join(esc **simulation);
#define ESC_FOREVER UINT64_MAX
/* Runs for so long (what happens at its very end belongs to the next run), or until esc_stop(), or (ESC_FOREVER) until nothing can happen any more. May be called again, to go on. Not from a process. */
ESC_API int esc_run(esc *simulation, uint64_t ps);
/* From a process: esc_run() returns at the end of this delta cycle. */
ESC_API int esc_stop(esc *simulation);
/* Now, in ps. */
ESC_API uint64_t esc_time(const esc *simulation);

/* -- the parts; names are unique within their module. parent NULL: at the top -- */

ESC_API int esc_module_new(esc *simulation, esc_module *parent, const char *name, esc_module **module);
/* 1 bit, half of the period high, its first rising edge at time 0. period_ps at least 2. */
ESC_API int esc_clock_new(esc_module *parent, const char *name, uint64_t period_ps, esc_signal **clock);
/* 1 to 64 bits, 0 at first. */
ESC_API int esc_signal_new(esc_module *parent, const char *name, unsigned bits, esc_signal **signal);
/* Holds `depth` values. */
ESC_API int esc_fifo_new(esc_module *parent, const char *name, unsigned depth, esc_fifo **fifo);
ESC_API int esc_event_new(esc_module *parent, const char *name, esc_event **event);

/* -- what processes can be sensitive to. Never NULL but for edges of signals of more than one bit -- */

ESC_API esc_event *esc_changed(esc_signal *signal);
ESC_API esc_event *esc_rising(esc_signal *signal);
ESC_API esc_event *esc_falling(esc_signal *signal);
ESC_API esc_event *esc_was_put(esc_fifo *fifo);
ESC_API esc_event *esc_was_got(esc_fifo *fifo);

/* -- processes: run(user) -- */

/* Called each time one of events[0 .. n_events - 1] happens; it must return. With at_start also once when the simulation begins. */
ESC_API int esc_method_new(esc_module *parent, const char *name, void (*run)(void *user), void *user, int at_start,
                           esc_event *const *events, unsigned n_events);
/* Called once, when the simulation begins, on a stack of its own of stack_bytes (0: 64 KiB); it may wait in the middle, and may return. */
ESC_API int esc_thread_new(esc_module *parent, const char *name, void (*run)(void *user), void *user, unsigned stack_bytes);

/* In a thread: returns when the time is over. In a method: returns at once, and the method is called next when the time is over, instead of
 * on its events. */
ESC_API int esc_wait(esc *simulation, uint64_t ps);
/* The same until the event happens. */
ESC_API int esc_wait_event(esc_event *event);

/* -- values, from anywhere -- */

ESC_API int esc_read(esc_signal *signal, uint64_t *value);
/* A value that doesn't fit the signal's bits, or a clock, is ESC_MISUSE. */
ESC_API int esc_write(esc_signal *signal, uint64_t value);
ESC_API int esc_put(esc_fifo *fifo, uint64_t value);
ESC_API int esc_get(esc_fifo *fifo, uint64_t *value);
/* The event happens after so long; 0: in the next delta cycle. Of several notifications the earliest counts. Only for events of esc_event_new. */
ESC_API int esc_notify(esc_event *event, uint64_t ps);
ESC_API int esc_cancel(esc_event *event);

#ifdef __cplusplus
}
#endif

#endif
