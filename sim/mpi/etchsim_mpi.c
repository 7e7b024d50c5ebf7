/* etchsim_mpi.c -- sweep_transport.h on MPI: the only file that knows of it, built as libetchsim_mpi.so where mpicc is. */
#include <mpi.h>
#include <stddef.h>
#include <unistd.h>

#include "sim/sweep_transport.h"

sweep_transport_opener etchsim_transport_open;

static void send_message(int to, const void *message, size_t bytes)
{
    MPI_Send(message, (int)bytes, MPI_BYTE, to, 0, MPI_COMM_WORLD);
}

static bool receive_message(int *from, void *message, size_t room, size_t *bytes)
{
    int there = 0, count = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, &status);
    if (!there) {
        return false;
    }
    MPI_Recv(message, (int)room, MPI_BYTE, status.MPI_SOURCE, 0, MPI_COMM_WORLD, &status);
    MPI_Get_count(&status, MPI_BYTE, &count);
    *from = status.MPI_SOURCE;
    *bytes = (size_t)count;
    return true;
}

static void finish(bool lost)
{
    if (!lost) {
        MPI_Finalize();
    }
    /* else: Finalize would wait for ranks that are gone */
}

bool etchsim_transport_open(struct sweep_transport *t)
{
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS) {
        return false;
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN); /* a rank that has died is not the end of the others */
    *t = (struct sweep_transport){.send = send_message, .receive = receive_message, .finish = finish};
    return MPI_Comm_rank(MPI_COMM_WORLD, &t->rank) == MPI_SUCCESS && MPI_Comm_size(MPI_COMM_WORLD, &t->size) == MPI_SUCCESS;
}
