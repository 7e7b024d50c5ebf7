/* pages.h -- the pool of pages that adapters, and with sram.split: shared also KV caches, take from a layer's SRAM. Owned by the sequencer.
 *
 *   group of banks 0                               group 1
 *   | page 0 | page 1 | ... | page p - 1 | rest |  page p | ...           p = pages that fit a group; what is left of it stays unused
 *
 * All layers are alike: a page is the same place in each of them, so one table of pages describes an adapter (or a KV cache) on the whole chip. A table
 * entry is the page's first word. Pages of one owner need not lie together. Taken and given back in no time.
 */
#ifndef ETCHSIM_PAGES_H
#define ETCHSIM_PAGES_H

#include "sim/unit.h"

struct page_pool {
    uint32_t *free; /* [n_free] a stack of first words */
    uint32_t n, n_free;
    uint32_t n_reserved; /* of the free ones: promised to requests that wait for a KV cache */
    /* counters */
    uint32_t used_peak;
    uint64_t used_page_cycles; /* pages in use, summed over cycles up to `since` */
    cycle_t since;
};

/* `first_words`: [n] room for the pool, in the order in which pages are to be taken. */
void pages_init(struct page_pool *pool, uint32_t *first_words, uint32_t n);
/* What a new owner can have. */
static inline uint32_t pages_available(const struct page_pool *pool)
{
    return pool->n_free - pool->n_reserved;
}
void pages_take(struct page_pool *pool, uint32_t n, uint32_t *table, cycle_t now);
void pages_give(struct page_pool *pool, uint32_t n, const uint32_t *table, cycle_t now);
/* The end of the run. */
void pages_close(struct page_pool *pool, cycle_t now);

#endif
