#include "sim/sweep_pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker {
    pid_t pid;
    int socket;
    uint32_t points[POOL_CHUNK_MAX]; /* given, in the order in which their rows come */
    uint32_t n_points, n_done;
    struct sweep_row row; /* that is arriving */
    size_t row_bytes;
};

struct sweep_pool {
    const struct sweep *sweep;
    void (*before_point)(uint32_t point);
    struct worker *workers;
    uint32_t n_workers;
};

/* -- in the worker -- */

static bool read_all(int fd, void *to, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = read(fd, (char *)to + done, bytes - done);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool write_all(int fd, const void *from, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = send(fd, (const char *)from + done, bytes - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Until the other end is closed. */
static _Noreturn void work(const struct sweep_pool *pool, int socket)
{
    uint32_t n, points[POOL_CHUNK_MAX];
    static struct sweep_row row;
    while (read_all(socket, &n, sizeof n) && n <= POOL_CHUNK_MAX && read_all(socket, points, n * sizeof points[0])) {
        for (uint32_t i = 0; i < n; i++) {
            if (pool->before_point) {
                pool->before_point(points[i]);
            }
            point_run(pool->sweep, points[i], &row);
            if (!write_all(socket, &row, sizeof row)) {
                _exit(0);
            }
        }
    }
    _exit(0);
}

/* Nothing of the parent stays open in the worker but its socket: the files of the results, the sockets of the others. */
static _Noreturn void become_worker(const struct sweep_pool *pool, int socket)
{
    enum { SOCKET = 3 };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the parent decides */
    signal(SIGTERM, SIG_DFL);
    if (socket != SOCKET) {
        dup2(socket, SOCKET);
    }
    close_range(SOCKET + 1, ~0u, 0);
    work(pool, SOCKET);
}

/* -- in the parent -- */

static bool start(struct sweep_pool *pool, struct worker *w, struct error *e)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return error_input(e, "cannot start a worker: %s", strerror(errno));
    }
    fflush(NULL); /* or the child would print it again */
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(pool, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_input(e, "cannot start a worker: %s", strerror(errno));
    }
    *w = (struct worker){.pid = pid, .socket = ends[0]};
    return true;
}

bool pool_open(const struct sweep *s, uint32_t n_workers, void (*before_point)(uint32_t point), struct sweep_pool **out, struct error *e)
{
    struct sweep_pool *pool = error_calloc(e, 1, sizeof *pool, "workers");
    if (!pool) {
        return false;
    }
    *pool = (struct sweep_pool){.sweep = s, .before_point = before_point};
    pool->workers = error_calloc(e, n_workers, sizeof *pool->workers, "workers");
    bool good = pool->workers != NULL;
    while (good && pool->n_workers < n_workers) {
        good = start(pool, &pool->workers[pool->n_workers], e);
        pool->n_workers += good;
    }
    if (!good) {
        pool_close(pool);
        return false;
    }
    *out = pool;
    return true;
}

void pool_close(struct sweep_pool *pool)
{
    for (uint32_t i = 0; pool && i < pool->n_workers; i++) {
        if (pool->workers[i].pid > 0) {
            close(pool->workers[i].socket);
            kill(pool->workers[i].pid, SIGKILL);
            waitpid(pool->workers[i].pid, NULL, 0);
        }
    }
    if (pool) {
        free(pool->workers);
        free(pool);
    }
}

int32_t pool_idle(const struct sweep_pool *pool)
{
    for (uint32_t i = 0; i < pool->n_workers; i++) {
        if (pool->workers[i].n_done == pool->workers[i].n_points) {
            return (int32_t)i;
        }
    }
    return -1;
}

void pool_give(struct sweep_pool *pool, int32_t worker, const uint32_t *points, uint32_t n)
{
    struct worker *w = &pool->workers[worker];
    ES_ASSERT(n >= 1 && n <= POOL_CHUNK_MAX && w->n_done == w->n_points);
    memcpy(w->points, points, n * sizeof points[0]);
    w->n_points = n;
    w->n_done = 0;
    if (!write_all(w->socket, &n, sizeof n) || !write_all(w->socket, points, n * sizeof points[0])) {
        return; /* it has ended: pool_wait() sees that */
    }
}

static void describe_end(int status, char *text, size_t room)
{
    if (WIFSIGNALED(status)) {
        snprintf(text, room, "the process ended with signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, room, "the process ended with exit code %d", WEXITSTATUS(status));
    }
}

/* The worker has ended. Its present point is lost, the rest goes to the next one. */
static bool replace(struct sweep_pool *pool, struct worker *w, void (*on_row)(void *context, const struct sweep_row *row), void *context,
                    struct error *e)
{
    int status = 0;
    struct sweep_row row;
    uint32_t points[POOL_CHUNK_MAX], n = w->n_points - w->n_done;
    close(w->socket);
    waitpid(w->pid, &status, 0);
    memcpy(points, &w->points[w->n_done], n * sizeof points[0]);
    bool good = start(pool, w, e);
    if (n > 0) {
        row_clear(&row, points[0]);
        row.status = POINT_CRASHED;
        describe_end(status, row.text, sizeof row.text);
        on_row(context, &row);
    }
    if (!good) { /* nothing to wait for at a socket that isn't there */
        *w = (struct worker){.socket = -1};
    } else if (n > 1) {
        pool_give(pool, (int32_t)(w - pool->workers), &points[1], n - 1);
    }
    return good;
}

/* Takes what the worker has written, row by row. False: it has ended. */
static bool take_rows(struct worker *w, void (*on_row)(void *context, const struct sweep_row *row), void *context)
{
    for (;;) {
        ssize_t n = recv(w->socket, (char *)&w->row + w->row_bytes, sizeof w->row - w->row_bytes, MSG_DONTWAIT);
        if (n <= 0) {
            return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
        }
        w->row_bytes += (size_t)n;
        if (w->row_bytes == sizeof w->row) {
            w->row_bytes = 0;
            ES_ASSERT(w->n_done < w->n_points && w->row.point == w->points[w->n_done]);
            w->n_done++;
            on_row(context, &w->row);
        }
    }
}

bool pool_wait(struct sweep_pool *pool, int timeout_ms, void (*on_row)(void *context, const struct sweep_row *row), void *context,
               struct error *e)
{
    struct pollfd *polled = calloc(pool->n_workers, sizeof *polled);
    ES_ASSERT(polled);
    for (uint32_t i = 0; i < pool->n_workers; i++) {
        polled[i] = (struct pollfd){.fd = pool->workers[i].socket, .events = POLLIN};
    }
    bool good = true;
    int ready = poll(polled, pool->n_workers, timeout_ms);
    for (uint32_t i = 0; i < pool->n_workers && ready > 0 && good; i++) {
        if (polled[i].revents && !take_rows(&pool->workers[i], on_row, context)) {
            good = replace(pool, &pool->workers[i], on_row, context, e);
        }
    }
    free(polled);
    return good;
}
