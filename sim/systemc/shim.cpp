// shim.cpp -- SystemC behind the C interface of etchsim/systemc.h. As thin as can be: every function is one call of SystemC, with errors caught.
//
// Parts are never freed: SystemC 2.3 cannot end a simulation and begin another, but for a fresh context; the old one stays where it is.
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#define SC_INCLUDE_DYNAMIC_PROCESSES
#include <systemc>

#include "etchsim/systemc.h"

using sc_core::sc_time;

struct esc_event {
    esc *simulation;
    const sc_core::sc_event *event;
    std::unique_ptr<sc_core::sc_event> own; // of esc_event_new
};

struct esc_module : sc_core::sc_module {
    esc *simulation;
    esc_module(esc *s, const char *name) : sc_module(sc_core::sc_module_name(name)), simulation(s)
    {
    }
};

struct esc_signal {
    esc *simulation;
    unsigned bits;
    std::unique_ptr<sc_core::sc_signal<bool>> bit; // one of the two; clocks are bits
    std::unique_ptr<sc_core::sc_signal<uint64_t>> word;
    bool is_clock;
    esc_event *changed, *rising, *falling;
};

struct esc_fifo {
    esc *simulation;
    sc_core::sc_fifo<uint64_t> fifo;
    esc_event *put, *got;
    esc_fifo(esc *s, const char *name, unsigned depth) : simulation(s), fifo(name, static_cast<int>(depth)), put(), got()
    {
    }
};

struct esc {
    sc_core::sc_simcontext *context;
    bool ours; // made by esc_open
    bool running = false;
    std::deque<esc_event> events; // addresses stay
    std::vector<std::unique_ptr<esc_module>> modules;
    std::vector<std::unique_ptr<esc_signal>> signals;
    std::vector<std::unique_ptr<esc_fifo>> fifos;
};

namespace
{

std::string last_error;
std::vector<std::unique_ptr<esc>> &simulations()
{
    static auto *all = new std::vector<std::unique_ptr<esc>>; // outlives the destructors of SystemC's own statics
    return *all;
}

int fail(int code, const char *words)
{
    last_error = words;
    return code;
}

int misuse(const char *words)
{
    return fail(ESC_MISUSE, words);
}

bool is_present(const esc *s)
{
    return s && s->context == sc_core::sc_curr_simcontext;
}

// SystemC's errors are exceptions (sc_report); others, such as the end of a thread, are not ours to catch.
template <typename F> int guarded(F &&work)
{
    try {
        return work();
    } catch (const sc_core::sc_report &report) {
        return fail(ESC_REPORT, report.what());
    } catch (const std::bad_alloc &) {
        return fail(ESC_MEMORY, "no memory");
    }
}

// A part of `parent`: made with the parent as the place in the hierarchy.
template <typename F> int inside(esc *s, sc_core::sc_module *parent, const char *name, F &&make)
{
    if (!is_present(s)) {
        return misuse("not the present simulation");
    }
    if (!name || !*name) {
        return misuse("a part without a name");
    }
    if (sc_core::sc_get_status() >= sc_core::SC_END_OF_ELABORATION) {
        return misuse("the simulation runs already: parts are made before the first esc_run()");
    }
    sc_core::sc_object *taken = sc_core::sc_find_object(parent ? (std::string(parent->name()) + "." + name).c_str() : name);
    if (taken) {
        return misuse("there is a part of this name already");
    }
    if (parent) {
        s->context->hierarchy_push(parent);
    }
    int code = guarded(make);
    if (parent) {
        s->context->hierarchy_pop();
    }
    return code;
}

esc_event *add_event(esc *s, const sc_core::sc_event &event)
{
    s->events.push_back({s, &event, nullptr});
    return &s->events.back();
}

sc_time picoseconds(uint64_t ps)
{
    return sc_time(static_cast<double>(ps), sc_core::SC_PS);
}

int simulation_new(esc **simulation, sc_core::sc_simcontext *context, bool ours)
{
    if (!simulation) {
        return misuse("no place for the simulation's handle");
    }
    return guarded([&] {
        auto s = std::make_unique<esc>();
        s->context = context ? context : new sc_core::sc_simcontext;
        s->ours = ours;
        sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = s->context;
        *simulation = s.get();
        simulations().push_back(std::move(s));
        return static_cast<int>(ESC_GOOD);
    });
}

int signal_add(esc *s, std::unique_ptr<esc_signal> made, esc_signal **signal)
{
    made->simulation = s;
    if (made->bit) {
        made->changed = add_event(s, made->bit->value_changed_event());
        made->rising = add_event(s, made->bit->posedge_event());
        made->falling = add_event(s, made->bit->negedge_event());
    } else {
        made->changed = add_event(s, made->word->value_changed_event());
    }
    *signal = made.get();
    s->signals.push_back(std::move(made));
    return ESC_GOOD;
}

// Waits by `wait` in a thread, by `next` in a method.
template <typename Wait, typename Next> int wait_for(const esc *s, Wait &&wait, Next &&next)
{
    if (!is_present(s)) {
        return misuse("not the present simulation");
    }
    sc_core::sc_process_handle process = sc_core::sc_get_current_process_handle();
    if (!process.valid() || s->context->get_status() < sc_core::SC_RUNNING) {
        return misuse("only a process can wait");
    }
    bool thread = process.proc_kind() != sc_core::SC_METHOD_PROC_;
    return guarded([&] {
        if (thread) {
            wait();
        } else {
            next();
        }
        return static_cast<int>(ESC_GOOD);
    });
}

int spawn(esc_module *parent, const char *name, void (*run)(void *), void *user, sc_core::sc_spawn_options &options)
{
    if (!parent || !run) {
        return misuse("a process without a module or a function");
    }
    return inside(parent->simulation, parent, name, [&] {
        sc_core::sc_spawn([run, user] { run(user); }, name, &options);
        return static_cast<int>(ESC_GOOD);
    });
}

} // namespace

// The library libsystemc brings a main() that wants one. Programs with an sc_main() of their own have that instead.
extern "C" __attribute__((weak, visibility("default"))) int sc_main(int, char **)
{
    return 0;
}

const char *esc_error(void)
{
    return last_error.c_str();
}

int esc_open(esc **simulation)
{
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0); // read before the first run; what is printed is the program's own affair
    return simulation_new(simulation, nullptr, true);
}

int esc_join(esc **simulation)
{
    return simulation_new(simulation, sc_core::sc_get_curr_simcontext(), false);
}

int esc_run(esc *s, uint64_t ps)
{
    if (!is_present(s) || s->running) {
        return misuse(is_present(s) ? "esc_run() from a process" : "not the present simulation");
    }
    if (sc_core::sc_get_status() == sc_core::SC_STOPPED) {
        return misuse("the simulation was ended with sc_stop()");
    }
    s->running = true;
    int code = guarded([&] {
        if (ps == ESC_FOREVER) {
            sc_core::sc_start();
        } else {
            sc_core::sc_start(picoseconds(ps));
        }
        return static_cast<int>(ESC_GOOD);
    });
    s->running = false;
    return code;
}

int esc_stop(esc *s)
{
    if (!is_present(s) || sc_core::sc_get_status() != sc_core::SC_RUNNING) {
        return misuse("esc_stop() is for processes of the present simulation");
    }
    sc_core::sc_pause();
    return ESC_GOOD;
}

uint64_t esc_time(const esc *s)
{
    return s ? static_cast<uint64_t>(s->context->time_stamp().to_seconds() * 1e12 + 0.5) : 0;
}

int esc_module_new(esc *s, esc_module *parent, const char *name, esc_module **module)
{
    if (!module) {
        return misuse("no place for the module's handle");
    }
    return inside(s, parent, name, [&] {
        s->modules.push_back(std::make_unique<esc_module>(s, name));
        *module = s->modules.back().get();
        return static_cast<int>(ESC_GOOD);
    });
}

int esc_clock_new(esc_module *parent, const char *name, uint64_t period_ps, esc_signal **clock)
{
    if (!parent || !clock || period_ps < 2) {
        return misuse("a clock needs a module, a place for its handle, and a period of at least 2 ps");
    }
    esc *s = parent->simulation;
    return inside(s, parent, name, [&] {
        auto made = std::make_unique<esc_signal>();
        made->bit = std::make_unique<sc_core::sc_clock>(name, picoseconds(period_ps), 0.5, sc_core::SC_ZERO_TIME, true);
        made->bits = 1;
        made->is_clock = true;
        return signal_add(s, std::move(made), clock);
    });
}

int esc_signal_new(esc_module *parent, const char *name, unsigned bits, esc_signal **signal)
{
    if (!parent || !signal || bits < 1 || bits > 64) {
        return misuse("a signal needs a module, a place for its handle, and 1 to 64 bits");
    }
    esc *s = parent->simulation;
    return inside(s, parent, name, [&] {
        auto made = std::make_unique<esc_signal>();
        if (bits == 1) {
            made->bit = std::make_unique<sc_core::sc_signal<bool>>(name);
        } else {
            made->word = std::make_unique<sc_core::sc_signal<uint64_t>>(name);
        }
        made->bits = bits;
        return signal_add(s, std::move(made), signal);
    });
}

int esc_fifo_new(esc_module *parent, const char *name, unsigned depth, esc_fifo **fifo)
{
    if (!parent || !fifo || depth < 1 || depth > 1u << 24) {
        return misuse("a FIFO needs a module, a place for its handle, and a depth from 1 to 2^24");
    }
    esc *s = parent->simulation;
    return inside(s, parent, name, [&] {
        s->fifos.push_back(std::make_unique<esc_fifo>(s, name, depth));
        *fifo = s->fifos.back().get();
        (*fifo)->put = add_event(s, (*fifo)->fifo.data_written_event());
        (*fifo)->got = add_event(s, (*fifo)->fifo.data_read_event());
        return static_cast<int>(ESC_GOOD);
    });
}

int esc_event_new(esc_module *parent, const char *name, esc_event **event)
{
    if (!parent || !event) {
        return misuse("an event needs a module and a place for its handle");
    }
    esc *s = parent->simulation;
    return inside(s, parent, name, [&] {
        auto own = std::make_unique<sc_core::sc_event>(name);
        *event = add_event(s, *own);
        (*event)->own = std::move(own);
        return static_cast<int>(ESC_GOOD);
    });
}

esc_event *esc_changed(esc_signal *signal)
{
    return signal ? signal->changed : nullptr;
}

esc_event *esc_rising(esc_signal *signal)
{
    return signal ? signal->rising : nullptr;
}

esc_event *esc_falling(esc_signal *signal)
{
    return signal ? signal->falling : nullptr;
}

esc_event *esc_was_put(esc_fifo *fifo)
{
    return fifo ? fifo->put : nullptr;
}

esc_event *esc_was_got(esc_fifo *fifo)
{
    return fifo ? fifo->got : nullptr;
}

int esc_method_new(esc_module *parent, const char *name, void (*run)(void *), void *user, int at_start, esc_event *const *events,
                   unsigned n_events)
{
    sc_core::sc_spawn_options options;
    options.spawn_method();
    if (!at_start) {
        options.dont_initialize();
    }
    for (unsigned i = 0; i < n_events; i++) {
        if (!events || !events[i]) {
            return misuse("a method is sensitive to an event that is not there (an edge of a signal of several bits?)");
        }
        options.set_sensitivity(events[i]->event);
    }
    return spawn(parent, name, run, user, options);
}

int esc_thread_new(esc_module *parent, const char *name, void (*run)(void *), void *user, unsigned stack_bytes)
{
    sc_core::sc_spawn_options options;
    options.set_stack_size(static_cast<int>(stack_bytes ? stack_bytes : 64u << 10));
    return spawn(parent, name, run, user, options);
}

int esc_wait(esc *s, uint64_t ps)
{
    return wait_for(
        s, [&] { sc_core::wait(picoseconds(ps)); }, [&] { sc_core::next_trigger(picoseconds(ps)); });
}

int esc_wait_event(esc_event *event)
{
    if (!event) {
        return misuse("no event to wait for");
    }
    return wait_for(
        event->simulation, [&] { sc_core::wait(*event->event); }, [&] { sc_core::next_trigger(*event->event); });
}

int esc_read(esc_signal *signal, uint64_t *value)
{
    if (!signal || !value) {
        return misuse("no signal, or no place for its value");
    }
    *value = signal->bit ? signal->bit->read() : signal->word->read();
    return ESC_GOOD;
}

int esc_write(esc_signal *signal, uint64_t value)
{
    if (!signal || signal->is_clock || (signal->bits < 64 && value >> signal->bits)) {
        return misuse(signal && !signal->is_clock ? "the value has more bits than the signal" : "no signal, or a clock");
    }
    if (!is_present(signal->simulation)) {
        return misuse("not the present simulation");
    }
    return guarded([&] { // two processes that write one signal are an error of SystemC's
        if (signal->bit) {
            signal->bit->write(value != 0);
        } else {
            signal->word->write(value);
        }
        return static_cast<int>(ESC_GOOD);
    });
}

int esc_put(esc_fifo *fifo, uint64_t value)
{
    if (!fifo || !is_present(fifo->simulation)) {
        return misuse("no FIFO of the present simulation");
    }
    return guarded([&] { return fifo->fifo.nb_write(value) ? static_cast<int>(ESC_GOOD) : fail(ESC_FULL, "the FIFO is full"); });
}

int esc_get(esc_fifo *fifo, uint64_t *value)
{
    if (!fifo || !value || !is_present(fifo->simulation)) {
        return misuse("no FIFO of the present simulation, or no place for the value");
    }
    return guarded([&] { return fifo->fifo.nb_read(*value) ? static_cast<int>(ESC_GOOD) : fail(ESC_EMPTY, "the FIFO is empty"); });
}

int esc_notify(esc_event *event, uint64_t ps)
{
    if (!event || !event->own || !is_present(event->simulation)) {
        return misuse("only events of esc_event_new() in the present simulation can be notified");
    }
    return guarded([&] {
        event->own->notify(picoseconds(ps));
        return static_cast<int>(ESC_GOOD);
    });
}

int esc_cancel(esc_event *event)
{
    if (!event || !event->own || !is_present(event->simulation)) {
        return misuse("only events of esc_event_new() in the present simulation can be cancelled");
    }
    event->own->cancel();
    return ESC_GOOD;
}
