#include "sim/presets.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/suggest.h"

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The file that has this code: the program, or libetchsim.so where another program uses that. */
static bool find_self(char *path)
{
    Dl_info info;
    void *here = NULL;
    bool (*self)(char *) = find_self;
    memcpy(&here, &self, sizeof here); /* ISO C has no cast from a pointer to a function to one to an object */
    if (dladdr(here, &info) && info.dli_fname && strstr(info.dli_fname, ".so") && realpath(info.dli_fname, path)) {
        return true;
    }
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* Beside the folder that has it, as in the source tree, or in its share/etchsim, as where it was installed. */
bool share_path(const char *relative, char *path, size_t room, struct error *e)
{
    static const char *const places[] = {"", "/share/etchsim"};
    char self[PATH_MAX];
    char *slash = NULL;
    bool found = find_self(self);
    for (int up = 0; found && up < 2; up++) {
        slash = strrchr(self, '/');
        found = slash != NULL;
        *(found ? slash : self) = '\0';
    }
    for (size_t i = 0; found && i < sizeof places / sizeof places[0]; i++) {
        if ((size_t)snprintf(path, room, "%s%s/%s", self, places[i], relative) < room && access(path, F_OK) == 0) {
            return true;
        }
    }
    if ((size_t)snprintf(path, room, "%s/%s", ETCHSIM_SOURCE_DIR, relative) >= room) {
        return error_input(e, "%.200s: the path is too long", relative);
    }
    return access(path, F_OK) == 0 ||
           error_input(e, "%.400s: no such file or folder; it is part of etchsim (is the source tree gone?)", path);
}

bool config_path(const char *relative, char *path, size_t room, struct error *e)
{
    char root[PATH_MAX];
    const char *environment = getenv("ETCHSIM_CONFIGS");
    if (environment && environment[0]) {
        snprintf(root, sizeof root, "%s", environment);
    } else if (!share_path("configs", root, sizeof root, e)) {
        return false;
    }
    if ((size_t)snprintf(path, room, "%s/%s", root, relative) >= room) {
        return error_input(e, "configs/%.200s: the path is too long", relative);
    }
    if (access(path, F_OK) != 0) {
        return error_input(e, "%.400s: no such file or folder (ETCHSIM_CONFIGS names the folder of presets)", path);
    }
    return true;
}

static bool has_extension(const char *name, const char *extension)
{
    size_t n = strlen(name), m = strlen(extension);
    return n > m && strcmp(name + n - m, extension) == 0;
}

bool preset_is_path(const char *name_or_path, const char *extension)
{
    return strchr(name_or_path, '/') != NULL || has_extension(name_or_path, extension);
}

/* What presets of a kind end in that are files: "/.yaml" means files and folders. */
static const char *file_extension(const char *extension)
{
    return extension[0] == '/' ? extension + 1 : extension;
}

static bool is_preset(const char *folder, const char *name, const char *extension)
{
    char path[PATH_MAX];
    if (name[0] == '.' || strlen(name) >= PRESET_NAME_ROOM || (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path) {
        return false;
    }
    return is_folder(path) ? !extension || extension[0] == '/' : extension && has_extension(name, file_extension(extension));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

bool presets_list(const char *folder, const char *extension, struct preset_list *list, struct error *e)
{
    *list = (struct preset_list){0};
    char path[PATH_MAX];
    struct error absent;
    struct dirent **entries = NULL;
    int count = config_path(folder, path, sizeof path, &absent) ? scandir(path, &entries, NULL, NULL) : 0;
    if (count < 0) {
        return error_input(e, "%.400s: cannot read this folder", path);
    }
    list->names = error_calloc(e, (size_t)count, sizeof *list->names, "the list of presets");
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (list->names && is_preset(path, name, extension)) {
            bool file = extension && has_extension(name, file_extension(extension));
            int length = (int)(strlen(name) - (file ? strlen(file_extension(extension)) : 0));
            snprintf(list->names[list->count++], PRESET_NAME_ROOM, "%.*s", length, name);
        }
        free(entries[i]);
    }
    free(entries);
    if (list->names) { /* only now: the extensions would mix with the names ("a-b" before "a.yaml") */
        qsort(list->names, (size_t)list->count, sizeof *list->names, compare_names);
    }
    return list->names != NULL;
}

void presets_free(struct preset_list *list)
{
    free(list->names);
    *list = (struct preset_list){0};
}

bool preset_unknown(const char *kind, const char *folder, const char *extension, const char *name, struct error *e)
{
    struct preset_list list;
    if (!presets_list(folder, extension, &list, e)) {
        return false;
    }
    struct suggestion nearest = {0};
    for (int i = 0; i < list.count; i++) {
        suggest_offer(&nearest, name, list.names[i]);
    }
    char hint[128];
    error_input(e, "there is no %s '%.100s'%s (etchsim list shows what there is; a file is given by its path, with a '/')", kind, name,
                suggest_text(&nearest, hint, sizeof hint));
    presets_free(&list);
    return false;
}

bool preset_yaml(const char *kind, const char *folder, const char *name_or_path, char *path, size_t room, struct error *e)
{
    char relative[PATH_MAX];
    struct error absent;
    if (preset_is_path(name_or_path, ".yaml")) {
        return (size_t)snprintf(path, room, "%s", name_or_path) < room || error_input(e, "%.300s: the path is too long", name_or_path);
    }
    return ((size_t)snprintf(relative, sizeof relative, "%s/%s.yaml", folder, name_or_path) < sizeof relative &&
            config_path(relative, path, room, &absent)) ||
           preset_unknown(kind, folder, ".yaml", name_or_path, e);
}

void preset_stem(const char *path, char name[PRESET_NAME_ROOM])
{
    const char *slash = strrchr(path, '/'), *stem = slash ? slash + 1 : path, *dot = strrchr(stem, '.');
    snprintf(name, PRESET_NAME_ROOM, "%.*s", dot && dot > stem ? (int)(dot - stem) : (int)strlen(stem), stem);
}
