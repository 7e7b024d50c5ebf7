/* sweep_pool.h -- worker processes on this machine, each running points that it is given. A worker that ends (a crash, a kill) costs the point it was
 * at, which gets a row that says so; another worker takes its place.
 *
 *   pool_give(points) --socket--> worker: point_run() --row--> pool_wait() --> on_row
 *
 * Workers are forked after the sweep was opened: what it names is in memory once, for all of them.
 */
#ifndef ETCHSIM_SWEEP_POOL_H
#define ETCHSIM_SWEEP_POOL_H

#include "sim/point.h"

enum { POOL_CHUNK_MAX = 256, POOL_WORKERS_MAX = 1024 };

struct sweep_pool;

/* before_point, which may be NULL, is called in the worker: tests let it end the process. */
bool pool_open(const struct sweep *s, uint32_t n_workers, void (*before_point)(uint32_t point), struct sweep_pool **pool, struct error *e);
/* Ends the workers, at once. */
void pool_close(struct sweep_pool *pool);

/* A worker that has nothing to do, or -1. */
int32_t pool_idle(const struct sweep_pool *pool);
void pool_give(struct sweep_pool *pool, int32_t worker, const uint32_t *points, uint32_t n);
/* Waits for at most timeout_ms, then hands over all rows that are there. False: no worker can be started any more. */
bool pool_wait(struct sweep_pool *pool, int timeout_ms, void (*on_row)(void *context, const struct sweep_row *row), void *context,
               struct error *e);

#endif
