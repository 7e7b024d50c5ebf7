#include "kernels/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "sim/error.h"

enum { LOOKS = 64 }; /* before a waiting thread offers its processor to others */

/* Shared by all threads. What the ticket offers is described by n_items .. user: written before the ticket, and left alone until all its parts are
 * done, so whoever holds a part may read it. */
static struct {
    atomic_flag busy;            /* a caller is sharing work */
    atomic_uint_fast64_t ticket; /* number of parts << 32 | next part; there is work while next < number */
    atomic_int parts_done;
    int32_t n_items, grain;
    void (*work)(void *user, int32_t first, int32_t n);
    void *user;
    atomic_int n_wanted; /* threads, the caller included; 0: not asked yet */
    int32_t n_started;   /* threads, without the caller; under busy */
    atomic_int n_sleeping;
    pthread_mutex_t lock; /* of falling asleep and waking up */
    pthread_cond_t wake;
} pool = {.busy = ATOMIC_FLAG_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static inline void relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* -- parts -- */

static bool offered(uint64_t ticket)
{
    return (uint32_t)ticket < ticket >> 32;
}

/* Whether there is work for the helper of this number, from 1; 0 is the caller. Of more than are wanted now the later ones rest. */
static bool asked(intptr_t number)
{
    return number < atomic_load(&pool.n_wanted) && offered(atomic_load(&pool.ticket));
}

static bool take_part(intptr_t number)
{
    if (!asked(number)) {
        return false;
    }
    const uint64_t ticket = atomic_fetch_add(&pool.ticket, 1);
    if (!offered(ticket)) {
        return false;
    }
    const int32_t first = (int32_t)(uint32_t)ticket * pool.grain, left = pool.n_items - first;
    pool.work(pool.user, first, left < pool.grain ? left : pool.grain);
    atomic_fetch_add(&pool.parts_done, 1);
    return true;
}

/* -- the threads -- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Waits for work with open eyes: between two products of a token there is some time for other things, and waking up takes longer than that. */
static void watch(intptr_t number)
{
    enum { PATIENCE_NS = 200000 };
    const int64_t end = now_ns() + PATIENCE_NS;
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (asked(number)) {
                return;
            }
            relax();
        }
        sched_yield(); /* others may need the processor */
    } while (now_ns() < end);
}

/* The caller looks for sleepers after it has published the ticket, a sleeper at the ticket after it is counted: one of them sees the other. */
static void sleep_until_asked(intptr_t number)
{
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.n_sleeping, 1);
    while (!asked(number)) {
        pthread_cond_wait(&pool.wake, &pool.lock);
    }
    atomic_fetch_sub(&pool.n_sleeping, 1);
    pthread_mutex_unlock(&pool.lock);
}

static void *help(void *argument)
{
    const intptr_t number = (intptr_t)argument;
    for (;;) {
        while (take_part(number)) {
        }
        watch(number);
        if (!asked(number)) {
            sleep_until_asked(number);
        }
    }
    return NULL;
}

/* Fewer than wanted if the system gives no more; then these do all. */
static void start_up_to(int32_t n)
{
    pthread_attr_t attributes;
    pthread_t thread;
    if (pool.n_started >= n || pthread_attr_init(&attributes) != 0) {
        return;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (pool.n_started < n && pthread_create(&thread, &attributes, help, (void *)(intptr_t)(pool.n_started + 1)) == 0) {
        pool.n_started++;
    }
    pthread_attr_destroy(&attributes);
}

static void wake_sleepers(void)
{
    if (atomic_load(&pool.n_sleeping) > 0) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
}

/* -- for callers -- */

static int32_t processors(void)
{
    cpu_set_t set;
    const int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n;
}

void threads_set(int32_t n)
{
    ES_ASSERT(n >= 0 && n <= THREADS_MAX);
    atomic_store(&pool.n_wanted, n > 0 ? n : processors());
}

int32_t threads_count(void)
{
    if (atomic_load(&pool.n_wanted) == 0) {
        threads_set(0);
    }
    return atomic_load(&pool.n_wanted);
}

void threads_share(int32_t n_items, int32_t grain, void (*work)(void *user, int32_t first, int32_t n), void *user)
{
    ES_ASSERT(n_items >= 0 && grain > 0);
    const int32_t n_threads = threads_count(), n_parts = (int32_t)(((int64_t)n_items + grain - 1) / grain);
    if (n_threads == 1 || n_parts <= 1 || atomic_flag_test_and_set(&pool.busy)) {
        if (n_items > 0) {
            work(user, 0, n_items);
        }
        return;
    }
    start_up_to(n_threads - 1);
    pool.n_items = n_items;
    pool.grain = grain;
    pool.work = work;
    pool.user = user;
    atomic_store(&pool.parts_done, 0);
    atomic_store(&pool.ticket, (uint64_t)n_parts << 32);
    wake_sleepers();
    while (take_part(0)) {
    }
    for (int looks = 1; atomic_load(&pool.parts_done) < n_parts; looks++) {
        relax();
        if (looks % LOOKS == 0) {
            sched_yield(); /* whoever has the last part may wait for this processor */
        }
    }
    atomic_flag_clear(&pool.busy);
}
