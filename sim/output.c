#include "sim/output.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_folder(const char *path, struct error *e)
{
    char partial[512];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof partial) {
        return error_input(e, "%s: expected a folder's path of 1 to %zu bytes", path, sizeof partial - 1);
    }
    for (size_t i = 1; i <= length; i++) {
        if (i == length || path[i] == '/') {
            memcpy(partial, path, i);
            partial[i] = 0;
            if (mkdir(partial, 0777) != 0 && errno != EEXIST) {
                return error_input(e, "%s: cannot make the folder: %s", partial, strerror(errno));
            }
        }
    }
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return error_input(e, "%s: expected a folder, found something else", path);
    }
    return true;
}

bool output_open(struct output *out, const char *folder, const char *name, struct error *e)
{
    int length = snprintf(out->path, sizeof out->path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof out->path) {
        return error_input(e, "%s: the path is too long", folder);
    }
    snprintf(out->temporary, sizeof out->temporary, "%s.part", out->path);
    out->file = fopen(out->temporary, "wb");
    return out->file ? true : error_input(e, "%s: cannot write: %s", out->temporary, strerror(errno));
}

bool output_close(struct output *out, struct error *e)
{
    bool good = !ferror(out->file);
    good = fclose(out->file) == 0 && good;
    out->file = NULL;
    if (!good || rename(out->temporary, out->path) != 0) {
        error_input(e, "%s: cannot write: %s", out->path, strerror(errno));
        unlink(out->temporary);
        return false;
    }
    return true;
}

bool output_command(const char *folder, int argc, char **argv, struct error *e)
{
    struct output out;
    if (!output_open(&out, folder, "command.txt", e)) {
        return false;
    }
    fputs("etchsim", out.file);
    for (int i = 0; i < argc; i++) {
        bool plain =
            argv[i][0] && argv[i][strspn(argv[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%")] == 0;
        fputs(plain ? " " : " '", out.file);
        for (const char *c = argv[i]; *c; c++) {
            fputs(*c == '\'' ? "'\\''" : (char[2]){*c}, out.file);
        }
        fputs(plain ? "" : "'", out.file);
    }
    fputc('\n', out.file);
    return output_close(&out, e);
}

void output_abandon(struct output *out)
{
    if (out->file) {
        fclose(out->file);
        out->file = NULL;
        unlink(out->temporary);
    }
}

bool gz_open(struct gz_output *out, const char *folder, const char *name, struct error *e)
{
    *out = (struct gz_output){0};
    if (!output_open(&out->out, folder, name, e)) {
        return false;
    }
    int descriptor = dup(fileno(out->out.file));
    out->gz = descriptor >= 0 ? gzdopen(descriptor, "wb6") : NULL;
    if (!out->gz) {
        if (descriptor >= 0) {
            close(descriptor);
        }
        output_abandon(&out->out);
        return error_input(e, "%s: cannot compress", out->out.path);
    }
    return true;
}

void gz_print(struct gz_output *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    out->failed = gzvprintf(out->gz, format, arguments) <= 0 || out->failed;
    va_end(arguments);
}

bool gz_close(struct gz_output *out, bool keep, struct error *e)
{
    bool written = gzclose(out->gz) == Z_OK && !out->failed;
    if (keep && written) {
        return output_close(&out->out, e);
    }
    output_abandon(&out->out);
    return !keep || error_input(e, "%s: cannot write (is the disk full?)", out->out.path);
}
