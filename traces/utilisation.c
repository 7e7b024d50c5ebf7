#include "traces/utilisation.h"

#include <stdlib.h>

struct utilisation {
    const struct chip *chip;
    cycle_t bin_cycles, end; /* end: cycles run */
    uint32_t n_units[UNIT_KINDS];
    uint64_t busy_cycles[UTILISATION_BINS][UNIT_KINDS];
};

/* Two bins become one. */
static void fold(struct utilisation *u)
{
    for (int bin = 0; bin < UTILISATION_BINS; bin++) {
        for (int kind = 0; kind < UNIT_KINDS; kind++) {
            bool room = 2 * bin < UTILISATION_BINS;
            u->busy_cycles[bin][kind] = room ? u->busy_cycles[2 * bin][kind] + u->busy_cycles[2 * bin + 1][kind] : 0;
        }
    }
    u->bin_cycles *= 2;
}

static void add_event(void *context, const struct event *event)
{
    struct utilisation *u = context;
    if (event->kind != EVENT_SPAN || event->a != UNIT_BUSY) {
        return;
    }
    while (event->to / u->bin_cycles >= UTILISATION_BINS) {
        fold(u);
    }
    enum unit_kind kind = u->chip->units[event->id]->kind;
    for (cycle_t from = event->from; from <= event->to;) {
        cycle_t bin = from / u->bin_cycles, next = (bin + 1) * u->bin_cycles;
        cycle_t end = next <= event->to ? next : event->to + 1;
        u->busy_cycles[bin][kind] += end - from;
        from = end;
    }
}

static void add_end(void *context, cycle_t cycle)
{
    struct utilisation *u = context;
    u->end = cycle;
}

struct utilisation *utilisation_new(const struct chip *chip, struct error *e)
{
    struct utilisation *u = error_calloc(e, 1, sizeof *u, "the record of utilisation");
    if (u) {
        u->chip = chip;
        u->bin_cycles = 1;
        for (uint32_t i = 0; i < chip->n_units; i++) {
            u->n_units[chip->units[i]->kind]++;
        }
        trace_add_sink(chip->trace, (struct trace_sink){add_event, add_end, u});
    }
    return u;
}

void utilisation_free(struct utilisation *utilisation)
{
    free(utilisation);
}

void utilisation_write_csv(const struct utilisation *u, FILE *out)
{
    double us = 1.0 / u->chip->config.clock_mhz;
    fputs("from_us,to_us", out);
    for (int kind = 0; kind < UNIT_KINDS; kind++) {
        fprintf(out, ",%s", unit_kind_names[kind]);
    }
    fputc('\n', out);
    for (int bin = 0; bin < UTILISATION_BINS && (cycle_t)bin * u->bin_cycles < u->end; bin++) {
        cycle_t from = (cycle_t)bin * u->bin_cycles, to = from + u->bin_cycles < u->end ? from + u->bin_cycles : u->end;
        fprintf(out, "%.6g,%.6g", (double)from * us, (double)to * us);
        for (int kind = 0; kind < UNIT_KINDS; kind++) {
            double all = (double)(to - from) * u->n_units[kind];
            fprintf(out, ",%.6f", all > 0 ? (double)u->busy_cycles[bin][kind] / all : 0);
        }
        fputc('\n', out);
    }
}
