#include "sim/sweep_crew.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/sweep_transport.h"

enum { ROWS_PER_MESSAGE = 16, TURN_MS = 200, TURN_MPI_MS = 1 };

/* At the end rank 0 says OVER, the others BYE, and rank 0 END to those that did: with n not 0 where a rank has died, and nobody can wait for all. */
enum message_kind { MESSAGE_HELLO, MESSAGE_ROWS, MESSAGE_POINTS, MESSAGE_OVER, MESSAGE_BYE, MESSAGE_END };

struct message {
    enum message_kind kind;
    uint32_t n;
    uint64_t sweep_hash; /* HELLO */
    union {
        uint32_t points[POOL_CHUNK_MAX];
        struct sweep_row rows[ROWS_PER_MESSAGE];
    };
};

struct rank {                        /* another one, as rank 0 sees it */
    bool known, lost, gone;          /* gone: it has said BYE */
    double heard_at;                 /* seconds */
    uint32_t points[POOL_CHUNK_MAX]; /* given and not yet back */
    uint32_t n_points;
};

struct sweep_crew {
    const struct sweep *sweep;
    struct sweep_pool *pool;
    struct sweep_transport transport;
    struct rank *ranks; /* [transport.size], of rank 0 */
    struct message *message;
    uint32_t n_workers;
    double silent_seconds, told_at;
    /* crew_run's */
    uint32_t *again; /* points of ranks that were given up */
    uint32_t n_again;
    void (*on_row)(void *context, const struct sweep_row *row);
    void *context;
    uint32_t n_back;
    bool *back; /* [sweep.n_points] */
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t message_bytes(const struct message *m)
{
    size_t item = m->kind == MESSAGE_ROWS ? sizeof m->rows[0] : m->kind == MESSAGE_POINTS ? sizeof m->points[0] : 0;
    return offsetof(struct message, points) + m->n * item;
}

static uint32_t processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > POOL_WORKERS_MAX ? POOL_WORKERS_MAX : (uint32_t)n;
}

bool crew_open(const struct sweep *s, uint32_t n_workers, double silent_seconds, void (*before_point)(uint32_t point),
               struct sweep_crew **out, struct error *e)
{
    struct sweep_crew *c = error_calloc(e, 1, sizeof *c, "workers");
    if (!c) {
        return false;
    }
    c->sweep = s;
    c->silent_seconds = silent_seconds;
    c->message = error_calloc(e, 1, sizeof *c->message, "messages");
    int ranks = sweep_transport_ranks();
    c->n_workers = ranks > 1 ? 1 : n_workers ? n_workers : processors();
    /* Workers first: they are forked before MPI is there. */
    bool good = c->message && pool_open(s, c->n_workers, before_point, &c->pool, e) && sweep_transport_open(&c->transport, e);
    c->ranks = good ? error_calloc(e, (size_t)c->transport.size, sizeof *c->ranks, "ranks") : NULL;
    good = c->ranks != NULL;
    if (!good) {
        pool_close(c->pool);
        free(c->ranks);
        free(c->message);
        free(c);
        return false;
    }
    *out = c;
    return true;
}

void crew_close(struct sweep_crew *c)
{
    crew_end(c);
    pool_close(c->pool);
    free(c->ranks);
    free(c->message);
    free(c);
}

int crew_rank(const struct sweep_crew *c)
{
    return c->transport.rank;
}

uint32_t crew_size(const struct sweep_crew *c)
{
    return c->n_workers + (uint32_t)c->transport.size - 1;
}

/* -- rank 0 -- */

static void row_back(void *context, const struct sweep_row *row)
{
    struct sweep_crew *c = context;
    if (c->back && row->point < c->sweep->n_points && !c->back[row->point]) { /* after crew_run() nobody wants it any more */
        c->back[row->point] = true;
        c->n_back++;
        c->on_row(c->context, row);
    }
}

static bool take_message(struct sweep_crew *c, int from, const struct message *m, struct error *e)
{
    struct rank *rank = &c->ranks[from];
    rank->heard_at = seconds_now();
    rank->lost = false;
    rank->gone |= m->kind == MESSAGE_BYE;
    if (m->kind == MESSAGE_HELLO) {
        rank->known = true;
        return m->sweep_hash == c->sweep->hash ||
               error_input(
                   e, "rank %d has read another sweep (or other chips, models, workloads): expected the same files on every machine", from);
    }
    for (uint32_t i = 0; m->kind == MESSAGE_ROWS && i < m->n; i++) {
        for (uint32_t p = 0; p < rank->n_points; p++) {
            if (rank->points[p] == m->rows[i].point) {
                rank->points[p] = rank->points[--rank->n_points];
            }
        }
        row_back(c, &m->rows[i]);
    }
    return true;
}

static bool hear_ranks(struct sweep_crew *c, struct error *e)
{
    int from;
    size_t bytes;
    while (c->transport.size > 1 && c->transport.receive(&from, c->message, sizeof *c->message, &bytes)) {
        if (!take_message(c, from, c->message, e)) {
            return false;
        }
    }
    double now = seconds_now();
    for (int r = 1; r < c->transport.size; r++) {
        struct rank *rank = &c->ranks[r];
        if (!rank->lost && rank->known && now - rank->heard_at > c->silent_seconds) {
            rank->lost = true;
            if (c->again) {
                memcpy(&c->again[c->n_again], rank->points, rank->n_points * sizeof rank->points[0]);
                c->n_again += rank->n_points;
            }
            rank->n_points = 0;
        }
    }
    return true;
}

static void tell(struct sweep_crew *c, int rank, enum message_kind kind, uint32_t n)
{
    *c->message = (struct message){.kind = kind, .n = n};
    c->transport.send(rank, c->message, message_bytes(c->message));
}

/* Once a second, to those that are there: rank 0 lives. */
static void give_signs_of_life(struct sweep_crew *c)
{
    double now = seconds_now();
    for (int r = 1; r < c->transport.size && now - c->told_at > 1; r++) {
        if (c->ranks[r].known && !c->ranks[r].lost) {
            tell(c, r, MESSAGE_POINTS, 0);
        }
    }
    c->told_at = now - c->told_at > 1 ? now : c->told_at;
}

/* Enough for some 100 ms, and few enough that all are at work until the end. */
static uint32_t chunk_size(const struct sweep_crew *c, uint32_t left, double point_seconds)
{
    double many = point_seconds > 0 ? 0.1 / point_seconds : 1, fair = (double)left / (3.0 * crew_size(c));
    double n = many < fair ? many : fair;
    return n < 1 ? 1 : n > POOL_CHUNK_MAX ? POOL_CHUNK_MAX : (uint32_t)n;
}

struct deal { /* what is still to be given out */
    const uint32_t *points;
    uint32_t n, next;
    double point_seconds;
};

static uint32_t next_chunk(struct sweep_crew *c, struct deal *d, uint32_t points[POOL_CHUNK_MAX])
{
    uint32_t size = chunk_size(c, d->n - d->next + c->n_again, d->point_seconds), n = 0;
    while (n < size && (c->n_again > 0 || d->next < d->n)) {
        points[n++] = c->n_again > 0 ? c->again[--c->n_again] : d->points[d->next++];
    }
    return n;
}

static void deal_out(struct sweep_crew *c, struct deal *d)
{
    uint32_t points[POOL_CHUNK_MAX], n;
    for (int r = 1; r < c->transport.size; r++) {
        struct rank *rank = &c->ranks[r];
        if (rank->known && !rank->lost && rank->n_points == 0 && (n = next_chunk(c, d, rank->points)) > 0) {
            rank->n_points = n;
            *c->message = (struct message){.kind = MESSAGE_POINTS, .n = n};
            memcpy(c->message->points, rank->points, n * sizeof points[0]);
            c->transport.send(r, c->message, message_bytes(c->message));
        }
    }
    for (int32_t w = pool_idle(c->pool); w >= 0; w = pool_idle(c->pool)) {
        n = next_chunk(c, d, points);
        if (n == 0) {
            return;
        }
        pool_give(c->pool, w, points, n);
    }
}

bool crew_run(struct sweep_crew *c, const uint32_t *points, uint32_t n, double point_seconds,
              void (*on_row)(void *context, const struct sweep_row *row), void *context, const volatile sig_atomic_t *stop, struct error *e)
{
    struct deal deal = {.points = points, .n = n, .point_seconds = point_seconds};
    c->on_row = on_row;
    c->context = context;
    c->n_back = c->n_again = 0;
    c->back = error_calloc(e, c->sweep->n_points, sizeof *c->back, "points");
    c->again = c->back ? error_calloc(e, (size_t)n + 1, sizeof *c->again, "points") : NULL;
    bool good = c->again != NULL;
    while (good && c->n_back < n && !*stop) {
        give_signs_of_life(c);
        deal_out(c, &deal);
        good = pool_wait(c->pool, c->transport.size > 1 ? TURN_MPI_MS : TURN_MS, row_back, c, e) && hear_ranks(c, e);
    }
    free(c->back);
    free(c->again);
    c->back = NULL;
    c->again = NULL;
    return good;
}

static bool all_gone(const struct sweep_crew *c)
{
    for (int r = 1; r < c->transport.size; r++) {
        if (!c->ranks[r].gone) {
            return false;
        }
    }
    return true;
}

void crew_end(struct sweep_crew *c)
{
    struct error e;
    if (c->transport.size <= 1 || c->transport.rank != 0) {
        return;
    }
    for (int r = 1; r < c->transport.size; r++) {
        tell(c, r, MESSAGE_OVER, 0);
    }
    for (double start = seconds_now(); !all_gone(c) && seconds_now() - start < c->silent_seconds; usleep(1000 * TURN_MPI_MS)) {
        if (!hear_ranks(c, &e)) {
            break;
        }
    }
    bool lost = !all_gone(c);
    for (int r = 1; r < c->transport.size; r++) {
        if (c->ranks[r].gone) {
            tell(c, r, MESSAGE_END, lost);
        }
    }
    c->transport.finish(lost);
    c->transport.size = 1;
}

/* -- the other ranks -- */

/* Rank 0 has said that it is over: says BYE and waits for its last word, but not for ever. */
static void leave(struct sweep_crew *c)
{
    bool ended = false, lost = true;
    tell(c, 0, MESSAGE_BYE, 0);
    for (double start = seconds_now(); !ended && seconds_now() - start < 2 * c->silent_seconds; usleep(1000 * TURN_MPI_MS)) {
        int from;
        size_t bytes;
        if (c->transport.receive(&from, c->message, sizeof *c->message, &bytes) && c->message->kind == MESSAGE_END) {
            ended = true;
            lost = c->message->n != 0;
        }
    }
    c->transport.finish(lost);
    c->transport.size = 1;
}

static void send_rows(struct sweep_crew *c, struct message *out)
{
    if (out->n > 0) {
        c->transport.send(0, out, message_bytes(out));
        out->n = 0;
    }
}

struct relay {
    struct sweep_crew *crew;
    struct message *out;
};

static void relay_row(void *context, const struct sweep_row *row)
{
    struct relay *relay = context;
    relay->out->rows[relay->out->n++] = *row;
    if (relay->out->n == ROWS_PER_MESSAGE || pool_idle(relay->crew->pool) >= 0) {
        send_rows(relay->crew, relay->out);
    }
}

bool crew_serve(struct sweep_crew *c, struct error *e)
{
    struct message *out = error_calloc(e, 1, sizeof *out, "messages");
    struct relay relay = {c, out};
    bool good = out != NULL, over = false;
    double told = 0, heard = seconds_now();
    while (good && !over) {
        int from;
        size_t bytes;
        double now = seconds_now();
        if (now - heard > 2 * c->silent_seconds) {
            good = error_check(e, "rank 0 has not been heard of for %.0f s", now - heard);
        }
        if (now - told > 1) { /* a sign of life, and at first who we are */
            *c->message = (struct message){.kind = MESSAGE_HELLO, .sweep_hash = c->sweep->hash};
            c->transport.send(0, c->message, message_bytes(c->message));
            told = now;
        }
        out->kind = MESSAGE_ROWS;
        good = good && pool_wait(c->pool, TURN_MPI_MS, relay_row, &relay, e);
        if (c->transport.receive(&from, c->message, sizeof *c->message, &bytes)) {
            heard = now;
            over = c->message->kind == MESSAGE_OVER;
            if (c->message->kind == MESSAGE_POINTS && c->message->n > 0) {
                pool_give(c->pool, 0, c->message->points, c->message->n);
            }
        }
    }
    free(out);
    leave(c);
    crew_close(c);
    return good;
}
