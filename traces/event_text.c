#include "traces/event_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "sim/output.h"

struct event_text {
    struct output out;
    gzFile gz;
    cycle_t cycle; /* of the last line with @ */
    uint64_t n_events;
    bool failed;
};

static void write_event(void *context, const struct event *e)
{
    static const char letters[EVENT_KINDS] = {'L', 'U', 'T', 'S', 'R'};
    struct event_text *w = context;
    int n = 1;
    if (w->n_events++ == 0 || e->cycle != w->cycle) {
        n = gzprintf(w->gz, "@%" PRIu64 "\n", e->cycle);
        w->cycle = e->cycle;
    }
    if (n > 0 && (e->kind == EVENT_BURST || e->kind == EVENT_SPAN)) {
        n = gzprintf(w->gz, "%c %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRId32 " %" PRId32 "\n", letters[e->kind], e->id, e->from, e->to,
                     e->a, e->b);
    } else if (n > 0) {
        n = gzprintf(w->gz, "%c %" PRIu32 " %" PRId32 " %" PRId32 "\n", letters[e->kind], e->id, e->a, e->b);
    }
    w->failed = w->failed || n <= 0;
}

static void write_end(void *context, cycle_t cycle)
{
    struct event_text *w = context;
    w->failed = w->failed || gzprintf(w->gz, "# end cycle %" PRIu64 " events %" PRIu64 "\n", cycle, w->n_events) <= 0;
}

static void write_legend(struct event_text *w, const struct chip *chip)
{
    char name[CHIP_NAME_ROOM];
    gzprintf(w->gz, "# etchsim events 1\n# clock_mhz %" PRIu32 "\n", chip->config.clock_mhz);
    for (uint32_t i = 0; i < chip->n_units; i++) {
        gzprintf(w->gz, "# unit %" PRIu32 " %s\n", i, chip_unit_name(chip->units[i], name));
    }
    for (uint32_t i = 0; i < chip->n_links; i++) {
        gzprintf(w->gz, "# link %" PRIu32 " %s\n", i, chip_link_name(chip->links[i], name));
    }
}

bool event_text_open(struct event_text **writer, const char *folder, const struct chip *chip, struct error *e)
{
    struct event_text *w = error_calloc(e, 1, sizeof *w, "the trace writer");
    if (!w || !output_open(&w->out, folder, "trace.events.gz", e)) {
        free(w);
        return false;
    }
    w->gz = gzdopen(dup(fileno(w->out.file)), "wb6");
    if (!w->gz) {
        output_abandon(&w->out);
        free(w);
        return error_input(e, "%s: cannot compress", folder);
    }
    write_legend(w, chip);
    trace_add_sink(chip->trace, (struct trace_sink){write_event, write_end, w});
    *writer = w;
    return true;
}

bool event_text_close(struct event_text *w, struct error *e)
{
    bool good = gzclose(w->gz) == Z_OK && !w->failed;
    if (good) {
        good = output_close(&w->out, e);
    } else {
        error_input(e, "%s: cannot write (is the disk full?)", w->out.path);
        output_abandon(&w->out);
    }
    free(w);
    return good;
}
