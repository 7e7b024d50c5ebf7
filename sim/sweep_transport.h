/* sweep_transport.h -- messages between the processes of an `mpirun -n N etchsim sweep ...`.
 *
 * etchsim itself is not linked with MPI: started by mpirun (or srun) with several ranks it loads libetchsim_mpi.so, which lies beside the program and is built
 * where mpicc is. Rank 0 deals the points and keeps the results; every other rank runs points in a worker of its own.
 */
#ifndef ETCHSIM_SWEEP_TRANSPORT_H
#define ETCHSIM_SWEEP_TRANSPORT_H

#include "sim/error.h"

struct sweep_transport {
    int rank, size;
    /* A message of bytes; returns when the buffer may be used again. */
    void (*send)(int to, const void *message, size_t bytes);
    /* A message if one is there, of at most `room` bytes; from: the sender's rank. Doesn't wait. */
    bool (*receive)(int *from, void *message, size_t room, size_t *bytes);
    /* The last call. lost: ranks have died, nobody can be waited for. */
    void (*finish)(bool lost);
};

/* The plugin's only symbol: "etchsim_transport_open". */
typedef bool sweep_transport_opener(struct sweep_transport *transport);

/* How many ranks mpirun has started, from the environment; 1 without it. */
int sweep_transport_ranks(void);
/* What mpirun has started: transport->size is 1 where this is a process like any other. Several ranks and no plugin are an error. */
bool sweep_transport_open(struct sweep_transport *transport, struct error *e);

#endif
