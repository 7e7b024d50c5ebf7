#include "sim/pages.h"

void pages_init(struct page_pool *pool, uint32_t *first_words, uint32_t n)
{
    *pool = (struct page_pool){.free = first_words, .n = n, .n_free = n};
    for (uint32_t i = 0; i < n / 2; i++) { /* the top of the stack goes first */
        uint32_t swapped = first_words[i];
        first_words[i] = first_words[n - 1 - i];
        first_words[n - 1 - i] = swapped;
    }
}

static void account(struct page_pool *pool, cycle_t now)
{
    pool->used_page_cycles += (uint64_t)(pool->n - pool->n_free) * (now - pool->since);
    pool->since = now;
}

void pages_take(struct page_pool *pool, uint32_t n, uint32_t *table, cycle_t now)
{
    ES_ASSERT(n <= pages_available(pool));
    account(pool, now);
    for (uint32_t i = 0; i < n; i++) {
        table[i] = pool->free[--pool->n_free];
    }
    uint32_t used = pool->n - pool->n_free;
    pool->used_peak = used > pool->used_peak ? used : pool->used_peak;
}

void pages_give(struct page_pool *pool, uint32_t n, const uint32_t *table, cycle_t now)
{
    ES_ASSERT(n <= pool->n - pool->n_free);
    account(pool, now);
    for (uint32_t i = n; i-- > 0;) { /* so that they would be taken in the same order again */
        pool->free[pool->n_free++] = table[i];
    }
}

void pages_close(struct page_pool *pool, cycle_t now)
{
    account(pool, now);
}
