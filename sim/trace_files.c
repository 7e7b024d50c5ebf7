#include "sim/trace_files.h"

#include <string.h>

#include "traces/event_text.h"
#include "traces/perfetto.h"

bool trace_kinds_parse(const char *const *names, int32_t n, bool fst, const char *folder, struct trace_kinds *kinds, struct error *e)
{
    *kinds = (struct trace_kinds){0};
    for (int32_t i = 0; i < n; i++) {
        bool *kind = strcmp(names[i], "events") == 0       ? &kinds->events
                     : strcmp(names[i], "perfetto") == 0   ? &kinds->perfetto
                     : strcmp(names[i], "none") == 0       ? &kinds->none
                     : fst && strcmp(names[i], "fst") == 0 ? &kinds->fst
                                                           : NULL;
        if (!kind) {
            return error_input(e, "--trace %s: expected events, perfetto%s or none", names[i], fst ? ", fst" : "");
        }
        *kind = true;
    }
    if (kinds->none && (kinds->events || kinds->perfetto || kinds->fst)) {
        return error_input(e, "--trace none: expected no other --trace beside it");
    }
    return n == 0 || kinds->none || folder || error_input(e, "--trace %s: expected --out DIR as well, the folder for the trace", names[0]);
}

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
