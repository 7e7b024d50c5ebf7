#include "traces/event_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/output.h"

struct event_text {
    struct gz_output out;
    cycle_t cycle; /* of the last line with @ */
    uint64_t n_events;
};

static void write_event(void *context, const struct event *e)
{
    static const char letters[EVENT_KINDS] = {'L', 'U', 'T', 'S', 'R'};
    struct event_text *w = context;
    if (w->n_events++ == 0 || e->cycle != w->cycle) {
        gz_print(&w->out, "@%" PRIu64 "\n", e->cycle);
        w->cycle = e->cycle;
    }
    if (e->kind == EVENT_BURST || e->kind == EVENT_SPAN) {
        gz_print(&w->out, "%c %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRId32 " %" PRId32 "\n", letters[e->kind], e->id, e->from, e->to, e->a,
                 e->b);
    } else {
        gz_print(&w->out, "%c %" PRIu32 " %" PRId32 " %" PRId32 "\n", letters[e->kind], e->id, e->a, e->b);
    }
}

static void write_end(void *context, cycle_t cycle)
{
    struct event_text *w = context;
    gz_print(&w->out, "# end cycle %" PRIu64 " events %" PRIu64 "\n", cycle, w->n_events);
}

static void write_legend(struct event_text *w, const struct chip *chip)
{
    char name[CHIP_NAME_ROOM];
    gz_print(&w->out, "# etchsim events 1\n# clock_mhz %" PRIu32 "\n", chip->config.clock_mhz);
    for (uint32_t i = 0; i < chip->n_units; i++) {
        gz_print(&w->out, "# unit %" PRIu32 " %s\n", i, chip_unit_name(chip->units[i], name));
    }
    for (uint32_t i = 0; i < chip->n_links; i++) {
        gz_print(&w->out, "# link %" PRIu32 " %s\n", i, chip_link_name(chip->links[i], name));
    }
}

bool event_text_open(struct event_text **writer, const char *folder, const struct chip *chip, struct error *e)
{
    struct event_text *w = error_calloc(e, 1, sizeof *w, "the trace writer");
    if (!w || !gz_open(&w->out, folder, "trace.events.gz", e)) {
        free(w);
        return false;
    }
    write_legend(w, chip);
    trace_add_sink(chip->trace, (struct trace_sink){write_event, write_end, w});
    *writer = w;
    return true;
}

bool event_text_close(struct event_text *w, bool keep, struct error *e)
{
    bool good = gz_close(&w->out, keep, e);
    free(w);
    return good;
}
