#include "sim/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void *plugin_open(const char *name, int flags, char *reason, size_t reason_room)
{
    static const char *const places[] = {"", "../lib/"};
    char program[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash) {
        snprintf(reason, reason_room, "/proc/self/exe does not say where this program is");
        return NULL;
    }
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s%s%s", program, places[i], name);
        if (access(path, F_OK) == 0) {
            void *library = dlopen(path, flags);
            if (!library) {
                snprintf(reason, reason_room, "%s", dlerror());
            }
            return library;
        }
    }
    snprintf(reason, reason_room, "no %s in %s or its ../lib", name, program);
    return NULL;
}
