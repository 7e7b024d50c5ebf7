#include "traces/waveform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fstapi.h"

struct waveform {
    void *fst;
    char path[512], temporary[520];
};

bool waveform_open(struct waveform **waveform, const char *folder, const char *name, struct error *e)
{
    struct waveform *w = error_calloc(e, 1, sizeof *w, "the waveform writer");
    if (!w) {
        return false;
    }
    int length = snprintf(w->path, sizeof w->path, "%s/%s", folder, name);
    bool fits = length > 0 && (size_t)length < sizeof w->path;
    snprintf(w->temporary, sizeof w->temporary, "%s.part", w->path);
    errno = 0;
    w->fst = fits ? fstWriterCreate(w->temporary, 1) : NULL;
    if (!w->fst) {
        error_input(e, "%s/%s: cannot write: %s", folder, name, fits ? strerror(errno) : "the path is too long");
        free(w);
        return false;
    }
    fstWriterSetPackType(w->fst, FST_WR_PT_LZ4);
    fstWriterSetTimescaleFromString(w->fst, "1ns");
    fstWriterSetVersion(w->fst, "etchsim");
    fstWriterSetDate(w->fst, ""); /* the same run gives the same bytes */
    *waveform = w;
    return true;
}

bool waveform_close(struct waveform *w, bool keep, struct error *e)
{
    if (!w) {
        return true;
    }
    bool failed = fstWriterGetFseekFailed(w->fst) != 0;
    fstWriterClose(w->fst);
    bool good = !keep || (!failed && rename(w->temporary, w->path) == 0);
    if (!good) {
        error_input(e, "%s: cannot write (is the disk full?)", w->path);
    }
    if (!keep || !good) {
        unlink(w->temporary);
    }
    free(w);
    return good;
}

void waveform_scope(struct waveform *w, const char *name)
{
    fstWriterSetScope(w->fst, FST_ST_VCD_MODULE, name, NULL);
}

void waveform_end_scope(struct waveform *w)
{
    fstWriterSetUpscope(w->fst);
}

static fstHandle declare(struct waveform *w, const char *name, uint32_t bits, bool input, fstHandle alias)
{
    char text[64];
    if (bits > 1) {
        snprintf(text, sizeof text, "%s [%u:0]", name, bits - 1);
    } else {
        snprintf(text, sizeof text, "%s", name);
    }
    return fstWriterCreateVar(w->fst, FST_VT_VCD_WIRE, input ? FST_VD_INPUT : FST_VD_OUTPUT, bits, text, alias);
}

waveform_signal waveform_declare(struct waveform *w, const char *name, uint32_t bits, bool input)
{
    return declare(w, name, bits, input, 0);
}

void waveform_alias(struct waveform *w, const char *name, uint32_t bits, bool input, waveform_signal of)
{
    declare(w, name, bits, input, of);
}

void waveform_cycle(struct waveform *w, uint64_t cycle)
{
    fstWriterEmitTimeChange(w->fst, cycle);
}

void waveform_value(struct waveform *w, waveform_signal signal, uint32_t bits, const uint32_t *value)
{
    if (bits <= 32) {
        fstWriterEmitValueChange32(w->fst, signal, bits, *value);
    } else {
        fstWriterEmitValueChangeVec32(w->fst, signal, bits, value);
    }
}
