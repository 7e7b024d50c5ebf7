#include "sim/trace_files.h"

#include "traces/event_text.h"
#include "traces/perfetto.h"

bool trace_files_open(struct trace_files *files, bool events, bool perfetto, const char *folder, const struct chip *chip, struct error *e)
{
    *files = (struct trace_files){0};
    return (!events || event_text_open(&files->events, folder, chip, e)) && (!perfetto || perfetto_open(&files->perfetto, folder, chip, e));
}

bool trace_files_close(struct trace_files *files, bool keep, bool good, struct error *e)
{
    struct error later;
    if (files->events && !event_text_close(files->events, keep, good ? e : &later)) {
        good = false;
    }
    if (files->perfetto && !perfetto_close(files->perfetto, keep, good ? e : &later)) {
        good = false;
    }
    return good;
}
