/* explain_run.c -- the facts of a run, from the run.json that --out leaves. */
#include <math.h>
#include <string.h>

#include "sim/explain.h"
#include "sim/json_file.h"

static double number(const void *from, const char *metric)
{
    char path[160];
    snprintf(path, sizeof path, "metrics.%s", metric);
    return json_number(from, path, NAN);
}

static const char *text(const void *from, const char *column)
{
    char path[160];
    snprintf(path, sizeof path, "limits.%s", strncmp(column, "limit_", 6) == 0 ? column + 6 : column);
    return json_text(from, path, NULL);
}

bool explain_run(const char *folder, FILE *out, struct error *e)
{
    char path[512];
    if ((size_t)snprintf(path, sizeof path, "%s/run.json", folder) >= sizeof path) {
        return error_input(e, "%.300s: the path is too long", folder);
    }
    cJSON *run = json_file_read(path, "etchsim-run-1", e);
    if (!run) {
        return false;
    }
    bool good = json_at(run, "limits") || error_input(e, "%.300s: expected the limits of a run, this file has none", path);
    if (good) {
        fprintf(out, "chip %s, model %s\n", json_text(run, "chip", "unknown"), json_text(run, "model", "unknown"));
        explain_facts(&(struct facts){number, text, run}, out);
    }
    cJSON_Delete(run);
    return good;
}
