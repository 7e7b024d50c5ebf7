/* plugin.h -- libraries that are built only where their tools are, and loaded only when they are asked for: SystemC, MPI. */
#ifndef ETCHSIM_PLUGIN_H
#define ETCHSIM_PLUGIN_H

#include <stddef.h>

/* Loads NAME from beside the program, or from ../lib of its folder; flags are dlopen()'s. NULL: `reason` says why. It stays loaded. */
void *plugin_open(const char *name, int flags, char *reason, size_t reason_room);

#endif
