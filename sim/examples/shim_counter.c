/* shim_counter.c -- a test bench in C on SystemC's kernel: a counter, and a thread that watches it. No line of C++. */
#include <etchsim/systemc.h>
#include <stdio.h>
#include <stdlib.h>

static esc *simulation;
static esc_signal *clock_signal, *count;

static void must(int code)
{
    if (code != ESC_GOOD) {
        fprintf(stderr, "%s\n", esc_error());
        exit(EXIT_FAILURE);
    }
}

static void on_rising(void *user)
{
    uint64_t value = 0;
    (void)user;
    must(esc_read(count, &value));
    must(esc_write(count, (value + 1) & 0xf));
}

static void watch(void *user)
{
    for (uint64_t value = 0; value < 10; must(esc_read(count, &value))) {
        must(esc_wait_event(esc_changed(count)));
    }
    printf("%s at %llu ps\n", (const char *)user, (unsigned long long)esc_time(simulation));
    must(esc_stop(simulation));
}

int main(void)
{
    esc_module *top = NULL;
    must(esc_open(&simulation));
    must(esc_module_new(simulation, NULL, "top", &top));
    must(esc_clock_new(top, "clock", 1000, &clock_signal));
    must(esc_signal_new(top, "count", 4, &count));
    must(esc_method_new(top, "counter", on_rising, NULL, 0, (esc_event *[]){esc_rising(clock_signal)}, 1));
    must(esc_thread_new(top, "watch", watch, "ten", 0));
    must(esc_run(simulation, ESC_FOREVER));
    return 0;
}
