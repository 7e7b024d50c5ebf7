#include "traces/perfetto.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/output.h"

/* Processes of the timeline: requests first, then the ends of the chip, then the layers. A layer's links share its process. */
enum { PROCESS_REQUESTS = 1, PROCESS_CHIP = 2, PROCESS_LAYER_0 = 3, THREAD_LINK_0 = 10000 };

struct perfetto {
    struct gz_output out;
    const struct chip *chip;
    cycle_t *token_from; /* [n_requests] end of the request's last token, or its arrival */
};

static int process(int16_t layer)
{
    return layer >= 0 ? PROCESS_LAYER_0 + layer : PROCESS_CHIP;
}

static double microseconds(const struct perfetto *w, cycle_t cycles)
{
    return (double)cycles / w->chip->config.clock_mhz;
}

static void span(struct perfetto *w, const char *name, int pid, uint32_t tid, cycle_t from, cycle_t to, const char *arguments)
{
    gz_print(&w->out, ",\n{\"ph\":\"X\",\"name\":\"%s\",\"pid\":%d,\"tid\":%" PRIu32 ",\"ts\":%.6f,\"dur\":%.6f,\"args\":{%s}}", name, pid,
             tid, microseconds(w, from), microseconds(w, to + 1 - from), arguments);
}

static void write_event(void *context, const struct event *e)
{
    struct perfetto *w = context;
    char text[128];
    if (e->kind == EVENT_SPAN) {
        const struct unit *unit = w->chip->units[e->id];
        bool stall = e->a != UNIT_BUSY;
        snprintf(text, sizeof text, "%s%s", stall ? "stall: " : "", unit_state_names[e->a]);
        span(w, text, process(unit->layer), e->id, e->from, e->to, "");
    } else if (e->kind == EVENT_BURST) {
        const struct link *link = w->chip->links[e->id];
        snprintf(text, sizeof text, "\"request\":%" PRId32 ",\"position\":%" PRId32, e->a, e->b);
        span(w, "burst", process(link->layer), THREAD_LINK_0 + e->id, e->from, e->to, text);
    } else if (e->kind == EVENT_TOKEN) {
        snprintf(text, sizeof text, "\"position\":%" PRId32 ",\"token\":%" PRId32, e->a, e->b);
        span(w, "token", PROCESS_REQUESTS, e->id, w->token_from[e->id], e->cycle - 1, text);
        w->token_from[e->id] = e->cycle;
    } else if (e->kind == EVENT_REQUEST && e->a == REQUEST_QUEUED) {
        w->token_from[e->id] = e->cycle;
    }
}

static void write_end(void *context, cycle_t cycle)
{
    struct perfetto *w = context;
    (void)cycle;
    gz_print(&w->out, "\n]}\n");
}

static void name_row(struct perfetto *w, const char *what, int pid, uint32_t tid, const char *name)
{
    gz_print(&w->out, "%s{\"ph\":\"M\",\"name\":\"%s_name\",\"pid\":%d,\"tid\":%" PRIu32 ",\"args\":{\"name\":\"%s\"}}",
             pid == PROCESS_REQUESTS && tid == 0 && what[0] == 'p' ? "\n" : ",\n", what, pid, tid, name);
}

static void write_legend(struct perfetto *w)
{
    char name[CHIP_NAME_ROOM + 8];
    gz_print(&w->out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    name_row(w, "process", PROCESS_REQUESTS, 0, "requests");
    name_row(w, "process", PROCESS_CHIP, 0, "chip");
    for (int32_t l = 0; l < w->chip->shape.n_layers; l++) {
        snprintf(name, sizeof name, "layer %" PRId32, l);
        name_row(w, "process", PROCESS_LAYER_0 + l, 0, name);
    }
    for (uint32_t i = 0; i < w->chip->sequencer.n_requests; i++) {
        snprintf(name, sizeof name, "request %" PRIu32, i);
        name_row(w, "thread", PROCESS_REQUESTS, i, name);
    }
    for (uint32_t i = 0; i < w->chip->n_units; i++) {
        name_row(w, "thread", process(w->chip->units[i]->layer), i, unit_kind_names[w->chip->units[i]->kind]);
    }
    for (uint32_t i = 0; i < w->chip->n_links; i++) {
        snprintf(name, sizeof name, "link %s", w->chip->links[i]->name);
        name_row(w, "thread", process(w->chip->links[i]->layer), THREAD_LINK_0 + i, name);
    }
}

bool perfetto_open(struct perfetto **writer, const char *folder, const struct chip *chip, struct error *e)
{
    struct perfetto *w = error_calloc(e, 1, sizeof *w, "the Perfetto writer");
    cycle_t *token_from = error_calloc(e, chip->sequencer.n_requests, sizeof *token_from, "the Perfetto writer");
    if (!w || !token_from || !gz_open(&w->out, folder, "trace.perfetto.json.gz", e)) {
        free(token_from);
        free(w);
        return false;
    }
    w->chip = chip;
    w->token_from = token_from;
    write_legend(w);
    trace_add_sink(chip->trace, (struct trace_sink){write_event, write_end, w});
    *writer = w;
    return true;
}

bool perfetto_close(struct perfetto *w, bool keep, struct error *e)
{
    bool good = gz_close(&w->out, keep, e);
    free(w->token_from);
    free(w);
    return good;
}
