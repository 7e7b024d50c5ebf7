#include "sim/sweep_transport.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plugin.h"

/* Open MPI's launcher, or one that speaks PMI. */
int sweep_transport_ranks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = getenv(names[i]);
        if (text) {
            return (int)strtol(text, NULL, 10);
        }
    }
    return 1;
}

bool sweep_transport_open(struct sweep_transport *transport, struct error *e)
{
    *transport = (struct sweep_transport){.size = 1};
    int ranks = sweep_transport_ranks();
    if (ranks <= 1) {
        return true;
    }
    char reason[300] = "";
    void *plugin =
        plugin_open("libetchsim_mpi.so", RTLD_NOW | RTLD_GLOBAL, reason, sizeof reason); /* Open MPI's own plugins look for its symbols */
    sweep_transport_opener *open = NULL;
    void *symbol = plugin ? dlsym(plugin, "etchsim_transport_open") : NULL;
    memcpy(&open, &symbol, sizeof open);
    if (!open) {
        return error_input(
            e,
            "started as one of %d MPI ranks, but this etchsim was built without MPI (no etchsim_mpi.so): expected a build on a machine "
            "with mpicc (Debian: libopenmpi-dev), or one process",
            ranks);
    }
    return open(transport) || error_input(e, "MPI could not be started");
}
