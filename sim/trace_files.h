/* trace_files.h -- the traces of a whole run: which ones --trace asks for; those that are left in a folder are opened before the run and closed after it. */
#ifndef ETCHSIM_TRACE_FILES_H
#define ETCHSIM_TRACE_FILES_H

#include "sim/chip.h"

struct trace_kinds {
    bool none; /* not even its hash: tokens may leap (leap.h) */
    bool events, perfetto, fst;
};

/* What --trace was given, n times; `fst`: that is one of them. All but `none` need a folder. */
bool trace_kinds_parse(const char *const *names, int32_t n, bool fst, const char *folder, struct trace_kinds *kinds, struct error *e);

struct trace_files { /* NULL: not asked for */
    struct event_text *events;
    struct perfetto *perfetto;
};

/* Adds the writers to the chip's trace. What was opened before one failed is to be closed. */
bool trace_files_open(struct trace_files *files, bool events, bool perfetto, const char *folder, const struct chip *chip, struct error *e);
/* Closes those that are open. `good`: the run went well so far; only then is an error of ours told. keep false: their files go. Returns whether all is well. */
bool trace_files_close(struct trace_files *files, bool keep, bool good, struct error *e);

#endif
