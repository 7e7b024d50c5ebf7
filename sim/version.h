/* version.h -- what this program is, for `etchsim version` and for the files a run leaves behind. */
#ifndef ETCHSIM_VERSION_H
#define ETCHSIM_VERSION_H

#include <stdio.h>

#define ETCHSIM_VERSION "0.1.0"

/* The commit it was built from, "unknown" outside git, with "-dirty" if files were changed. */
const char *version_commit(void);
/* Program, compiler and libraries, a line each: "name version". */
void version_print(FILE *out);

#endif
