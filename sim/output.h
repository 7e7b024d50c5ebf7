/* output.h -- files that are either whole or not there: written beside their place, renamed when closed. */
#ifndef ETCHSIM_OUTPUT_H
#define ETCHSIM_OUTPUT_H

#include <stdio.h>
#include <zlib.h>

#include "sim/error.h"

struct output {
    FILE *file;
    char path[512], temporary[520];
};

/* Makes a folder (and its parents) unless it is there. */
bool output_folder(const char *path, struct error *e);
/* Opens DIR/NAME for writing. */
bool output_open(struct output *out, const char *folder, const char *name, struct error *e);
/* Closes and puts the file in its place; an error (disk full) removes it. */
bool output_close(struct output *out, struct error *e);
/* DIR/command.txt: the command line, as a shell takes it. argv[0] is the command's name, without the program's. */
bool output_command(const char *folder, int argc, char **argv, struct error *e);
/* Gives up: nothing stays. */
void output_abandon(struct output *out);

/* -- the same, compressed -- */

struct gz_output {
    struct output out;
    gzFile gz;
    bool failed; /* a write failed; gz_close tells */
};

bool gz_open(struct gz_output *out, const char *folder, const char *name, struct error *e);
void gz_print(struct gz_output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* keep false: nothing stays. */
bool gz_close(struct gz_output *out, bool keep, struct error *e);

#endif
