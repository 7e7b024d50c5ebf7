#include "sim/lora_rtl.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rtl/lora_mac_shim.h"
#include "sim/lora_ports.h"
#include "sim/presets.h"

struct rtl {
    struct lora_unit unit;
    struct lora_ports ports;
    void *library;
    const struct lora_shim *shim;
    struct lora_shim_unit *instance;
    uint32_t *inputs, *outputs; /* records */
};

/* -- the library -- */

enum { PARAMETERS = 9, KIND = PARAMETERS, WORDS, PARAMETER_ROOM = 48, SCRIPT_WORDS_ROOM = 800 };
static const char systemc[] = "--sc"; /* what the script is told of the kind; nothing for a plain one */

/* Names are those of the chip's parameters. Ways and ports only count together. */
static void parameter_texts(const struct lora_geometry *g, uint32_t inputs_max, char text[WORDS][PARAMETER_ROOM])
{
    const struct {
        const char *name;
        uint32_t value;
    } parameters[PARAMETERS] = {
        {"LORA_LANES", g->lanes},
        {"LORA_LATENCY_CYCLES", g->latency_cycles},
        {"SRAM_WIDTH_BITS", g->sram_width_bits},
        {"SRAM_WAYS", g->port_words},
        {"SRAM_PORTS", 1},
        {"LINK_ELEMENTS", g->link_elements},
        {"ROM_DRAIN_ELEMENTS", g->drain_elements},
        {"SLOTS_RANK_MAX", g->rank_max},
        {"INPUTS_MAX", inputs_max},
    };
    for (int i = 0; i < PARAMETERS; i++) {
        snprintf(text[i], PARAMETER_ROOM, "%s=%u", parameters[i].name, parameters[i].value);
    }
}

/* In the child, between fork and exec: both outputs go into the pipe. */
static _Noreturn void run_script(const char *script, int pipe_end, char text[WORDS][PARAMETER_ROOM])
{
    char *arguments[WORDS + 2] = {(char *)script};
    int n = 1;
    if (text[KIND][0]) {
        arguments[n++] = text[KIND];
    }
    for (int i = 0; i < PARAMETERS; i++) {
        arguments[n++] = text[i];
    }
    if (dup2(pipe_end, STDOUT_FILENO) >= 0 && dup2(pipe_end, STDERR_FILENO) >= 0) {
        execv(script, arguments);
    }
    _exit(127);
}

/* Its words, as far as there is room, and the last line apart. What says that it takes a while is passed on to a terminal at once. */
static void read_words(FILE *pipe, char *words, char *last)
{
    char line[PATH_MAX];
    size_t used = 0;
    words[0] = last[0] = '\0';
    while (fgets(line, sizeof line, pipe)) {
        if (strncmp(line, "building ", strlen("building ")) == 0) {
            if (isatty(STDERR_FILENO)) {
                fputs(line, stderr);
            }
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        snprintf(last, PATH_MAX, "%s", line);
        if (used < SCRIPT_WORDS_ROOM) {
            used += (size_t)snprintf(words + used, SCRIPT_WORDS_ROOM - used, "%s%s", used > 0 ? "\n" : "", line);
        }
    }
}

/* Builds where needed; library: [PATH_MAX]. */
static bool make_library(char text[WORDS][PARAMETER_ROOM], char *library, struct error *e)
{
    char script[PATH_MAX], words[SCRIPT_WORDS_ROOM];
    int ends[2], status = 0;
    if (!share_path("scripts/verilate.sh", script, sizeof script, e)) {
        return false;
    }
    if (pipe(ends) != 0) {
        return error_input(e, "%.400s: cannot be started: %s", script, strerror(errno));
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        run_script(script, ends[1], text);
    }
    close(ends[1]);
    FILE *pipe_out = fdopen(ends[0], "r");
    if (child < 0 || !pipe_out) {
        close(ends[0]);
        return error_input(e, "%.400s: cannot be started: %s", script, strerror(errno));
    }
    read_words(pipe_out, words, library);
    fclose(pipe_out);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return error_input(e, "the LoRA MAC unit's RTL could not be built: %s", words[0] ? words : "scripts/verilate.sh gave no reason");
    }
    return true;
}

/* The script is asked once for a run of units with the same parameters (a chip has one in every layer). */
static bool find_library(const struct lora_geometry *g, uint32_t inputs_max, const char *kind, char *library, struct error *e)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static char known_text[WORDS][PARAMETER_ROOM], known[PATH_MAX];
    char text[WORDS][PARAMETER_ROOM] = {{0}};
    parameter_texts(g, inputs_max, text);
    snprintf(text[KIND], sizeof text[KIND], "%s", kind);
    pthread_mutex_lock(&mutex);
    bool good = true;
    if (known[0] == '\0' || memcmp(text, known_text, sizeof text) != 0) {
        good = make_library(text, known, e);
        memcpy(known_text, text, sizeof text);
        known[0] = good ? known[0] : '\0';
    }
    snprintf(library, PATH_MAX, "%s", known);
    pthread_mutex_unlock(&mutex);
    return good;
}

/* One with SystemC stays loaded, since its modules do. */
static bool load(struct rtl *u, const char *path, bool stays, struct error *e)
{
    u->library = dlopen(path, RTLD_NOW | RTLD_LOCAL | (stays ? RTLD_NODELETE : 0));
    if (!u->library) {
        return error_input(e, "%.800s: cannot be loaded (remove its folder, and it is built again)", dlerror());
    }
    const struct lora_shim *(*functions)(void);
    void *symbol = dlsym(u->library, "lora_shim_functions");
    ES_ASSERT(symbol);
    memcpy(&functions, &symbol, sizeof functions); /* ISO C has no cast from a pointer to an object to one to a function */
    u->shim = functions();
    if (u->shim->input_words != u->ports.input_words || u->shim->output_words != u->ports.output_words) {
        return error_input(
            e, "%.400s: rtl/lora_mac.v has other port widths than sim/lora_ports.def (records of %u and %u words, expected %u and %u)",
            path, u->shim->input_words, u->shim->output_words, u->ports.input_words, u->ports.output_words);
    }
    u->instance = u->shim->open();
    return true;
}

/* -- the unit -- */

static void rtl_outputs(struct lora_unit *unit, struct lora_outputs *out)
{
    struct rtl *u = (struct rtl *)unit;
    u->shim->outputs(u->instance, u->outputs);
    lora_ports_unpack_outputs(&u->ports, u->outputs, out);
}

static void rtl_clock(struct lora_unit *unit, const struct lora_inputs *in)
{
    struct rtl *u = (struct rtl *)unit;
    lora_ports_pack_inputs(&u->ports, in, u->inputs);
    u->shim->clock(u->instance, u->inputs);
    const bool a_check_of_the_rtl_failed = u->shim->stopped(u->instance);
    if (a_check_of_the_rtl_failed) {
        u->shim->trace_close(u->instance); /* what led to it is worth seeing */
    }
    ES_ASSERT(!a_check_of_the_rtl_failed);
}

static void rtl_close(struct lora_unit *unit)
{
    struct rtl *u = (struct rtl *)unit;
    if (u->instance) {
        u->shim->close(u->instance);
    }
    if (u->library) {
        dlclose(u->library);
    }
    free(u->inputs);
    free(u->outputs);
    free(u);
}

static bool open_kind(const struct lora_geometry *geometry, uint32_t inputs_max, const char *kind, struct lora_unit **unit, struct error *e)
{
    char path[PATH_MAX];
    *unit = NULL;
    if (!find_library(geometry, inputs_max, kind, path, e)) {
        return false;
    }
    struct rtl *u = error_calloc(e, 1, sizeof *u, "the LoRA MAC unit's RTL");
    if (!u) {
        return false;
    }
    u->unit = (struct lora_unit){"rtl", rtl_outputs, rtl_clock, rtl_close};
    u->ports = lora_ports(geometry);
    u->inputs = error_calloc(e, u->ports.input_words, sizeof *u->inputs, "the LoRA MAC unit's pins");
    u->outputs = error_calloc(e, u->ports.output_words, sizeof *u->outputs, "the LoRA MAC unit's pins");
    if (!u->inputs || !u->outputs || !load(u, path, kind[0] != 0, e)) {
        rtl_close(&u->unit);
        return false;
    }
    *unit = &u->unit;
    return true;
}

bool lora_rtl_open(const struct lora_geometry *geometry, uint32_t inputs_max, struct lora_unit **unit, struct error *e)
{
    return open_kind(geometry, inputs_max, "", unit, e);
}

bool lora_rtl_open_systemc(const struct lora_geometry *geometry, uint32_t inputs_max, struct lora_unit **unit, struct error *e)
{
    return open_kind(geometry, inputs_max, systemc, unit, e);
}

bool lora_rtl_trace_start(struct lora_unit *unit, const char *path, uint64_t cycle, struct error *e)
{
    struct rtl *u = (struct rtl *)unit;
    ES_ASSERT(unit->clock == rtl_clock);
    u->shim->trace_cycle(u->instance, cycle);
    if (!u->shim->trace_open(u->instance, path)) {
        return error_input(e, "%.400s: cannot be written", path);
    }
    return true;
}

void lora_rtl_trace_cycle(struct lora_unit *unit, uint64_t cycle)
{
    struct rtl *u = (struct rtl *)unit;
    ES_ASSERT(unit->clock == rtl_clock);
    u->shim->trace_cycle(u->instance, cycle);
}

void lora_rtl_trace_stop(struct lora_unit *unit)
{
    struct rtl *u = (struct rtl *)unit;
    ES_ASSERT(unit->clock == rtl_clock);
    u->shim->trace_close(u->instance);
}
