#include "sim/engine_systemc.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "etchsim/systemc.h"
#include "sim/plugin.h"

#define LIBRARY "libetchsim_systemc.so"

/* The functions of etchsim/systemc.h that are used here, found in the library by their names. */
#define FUNCTIONS(F) \
    F(esc_error) F(esc_open) F(esc_run) F(esc_stop) F(esc_module_new) F(esc_clock_new) F(esc_rising) F(esc_falling) F(esc_method_new)
struct shim {
#define MEMBER(name) __typeof__(name) *(name);
    FUNCTIONS(MEMBER)
#undef MEMBER
};

/* -- the library -- */

static bool no_library(struct error *e, const char *reason)
{
    return error_input(e,
                       "SystemC is not there: %.500s; `make all` builds " LIBRARY " where SystemC is installed (scripts/setup.sh systemc), "
                       "the other engines do without",
                       reason);
}

/* It stays loaded: SystemC cannot be taken out of a process. */
static const struct shim *load(struct error *e)
{
    static struct shim shim;
    static bool loaded;
    if (loaded) {
        return &shim;
    }
    char reason[500];
    void *library = plugin_open(LIBRARY, RTLD_NOW | RTLD_LOCAL, reason, sizeof reason), *symbol = NULL;
    if (!library) {
        no_library(e, reason);
        return NULL;
    }
#define FIND(name)                                   \
    symbol = dlsym(library, #name);                  \
    if (!symbol) {                                   \
        no_library(e, "another version's " LIBRARY); \
        return NULL;                                 \
    }                                                \
    memcpy(&shim.name, &symbol, sizeof symbol); /* ISO C has no cast from a pointer to an object to one to a function */
    FUNCTIONS(FIND)
#undef FIND
    loaded = true;
    return &shim;
}

bool engine_systemc_there(struct error *e)
{
    return load(e) != NULL;
}

/* -- the processes -- */

struct clocked {
    struct chip *chip;
    const struct shim *shim;
    esc *simulation;
    cycle_t now;
    enum cycle_end end;
};

struct process {
    struct unit *unit;
    const struct clocked *clocked;
};

static void on_rising(void *user)
{
    const struct process *process = user;
    process->unit->tick(process->unit, process->clocked->now);
}

static void on_falling(void *user)
{
    struct clocked *clocked = user;
    clocked->end = chip_end_cycle(clocked->chip, clocked->now);
    if (clocked->end != CYCLE_NEXT) {
        clocked->shim->esc_stop(clocked->simulation);
        return;
    }
    chip_begin_cycle(clocked->chip, ++clocked->now);
}

/* A module with the clock and all units. The period is that of the chip's clock, to the picosecond. */
static bool build(struct clocked *clocked, struct process *processes)
{
    enum { PS_PER_US = 1000000 };
    const struct shim *s = clocked->shim;
    const struct chip *c = clocked->chip;
    esc_module *module = NULL;
    esc_signal *clock = NULL;
    bool good = s->esc_open(&clocked->simulation) == ESC_GOOD &&
                s->esc_module_new(clocked->simulation, NULL, "chip", &module) == ESC_GOOD &&
                s->esc_clock_new(module, "clock", (PS_PER_US + c->config.clock_mhz / 2) / c->config.clock_mhz, &clock) == ESC_GOOD;
    esc_event *rising = good ? s->esc_rising(clock) : NULL, *falling = good ? s->esc_falling(clock) : NULL;
    for (uint32_t i = 0; good && i < c->n_units; i++) {
        char name[CHIP_NAME_ROOM];
        processes[i] = (struct process){c->units[i], clocked};
        for (char *dot = strchr(chip_unit_name(c->units[i], name), '.'); dot; dot = NULL) {
            *dot = '_'; /* a dot would be a step down in SystemC's hierarchy */
        }
        good = s->esc_method_new(module, name, on_rising, &processes[i], 0, &rising, 1) == ESC_GOOD;
    }
    return good && s->esc_method_new(module, "end_of_cycle", on_falling, clocked, 0, &falling, 1) == ESC_GOOD;
}

bool engine_systemc_run(struct chip *chip, enum cycle_end *end, struct error *e)
{
    struct clocked clocked = {.chip = chip, .shim = load(e)};
    if (!clocked.shim) {
        return false;
    }
    struct process *processes = error_calloc(e, chip->n_units, sizeof *processes, "SystemC's processes");
    bool good = processes != NULL;
    if (good) {
        chip_begin_cycle(chip, 0);
        good =
            build(&clocked, processes) && clocked.shim->esc_run(clocked.simulation, ESC_FOREVER) == ESC_GOOD && clocked.end != CYCLE_NEXT;
        good = good || error_check(e, "SystemC: %.800s", clocked.shim->esc_error());
    }
    free(processes);
    *end = clocked.end;
    return good;
}
