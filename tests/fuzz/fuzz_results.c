/* Result folders from anywhere: the first byte says which file the input is, run.json, utilisation.csv, serve.json or latencies.csv, beside a good
 * one of the other kind. No crash, and where pictures come of it, their tables and scripts are whole. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/report_page.h"

enum { FILES = 4 };
static const char *const names[FILES] = {"run.json", "utilisation.csv", "serve.json", "latencies.csv"};
static const char *const good[FILES] = {"{\"schema\": \"etchsim-run-1\", \"sequences\": []}", NULL, "{\"schema\": \"etchsim-serve-1\"}",
                                        "latency,tenant,us,count\nfirst_token,,1.5,2\nfirst_token,a,1.5,1\nfirst_token,b,1.5,1\n"};

static void write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    ES_ASSERT(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static void remove_file(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[64];
    static struct plots plots;
    struct error e;
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/fuzz-results-%d", (int)getpid());
        ES_ASSERT(output_folder(folder, &e) && setenv("ETCHSIM_GNUPLOT", "true", 1) == 0);
    }
    if (size == 0) {
        return 0;
    }
    int fuzzed = data[0] % FILES, partner = fuzzed ^ 1;
    for (int i = 0; i < FILES; i++) {
        remove_file(folder, names[i]);
    }
    write_file(folder, names[fuzzed], data + 1, size - 1);
    if (good[partner]) {
        write_file(folder, names[partner], good[partner], strlen(good[partner]));
    }
    if (plots_draw(folder, &plots, &e)) {
        ES_ASSERT(plots.count > 0 && plots.count <= PLOTS_MAX);
    }
    return 0;
}
