/* tokenizer_merge.c -- merges neighbouring symbols in the order a vocabulary gives its pairs.
 *
 * The symbols are a doubly linked list in an array; the pairs that could merge wait in a binary heap. A pair is not taken out
 * of the heap when one of its symbols changes: it is recognised as stale when it comes up, since symbols only ever grow.
 */
#include "sim/tokenizer_internal.h"

#include <stdlib.h>

bool encoder_reserve(struct encoder *c, size_t n_symbols)
{
    if (n_symbols <= c->symbols_room) {
        return true;
    }
    size_t room = n_symbols > 2 * c->symbols_room ? n_symbols : 2 * c->symbols_room;
    free(c->symbols);
    free(c->heap);
    c->symbols_room = 0;
    c->symbols = error_calloc(c->e, room, sizeof *c->symbols, "the symbols of a text");
    c->heap = c->symbols ? error_calloc(c->e, 3 * room, sizeof *c->heap, "the pairs of a text") : NULL;
    if (!c->symbols || !c->heap) {
        free(c->symbols);
        c->symbols = NULL;
        return false;
    }
    c->symbols_room = room;
    return true;
}

static void heap_push(struct encoder *c, struct candidate added)
{
    struct candidate *heap = c->heap;
    size_t at = c->n_heap++;
    ES_ASSERT(c->n_heap <= 3 * c->symbols_room);
    while (at > 0 && heap[(at - 1) / 2].key > added.key) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = added;
}

static struct candidate heap_pop(struct encoder *c)
{
    struct candidate *heap = c->heap;
    struct candidate top = heap[0], moved = heap[--c->n_heap];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < c->n_heap; at = child) {
        if (child + 1 < c->n_heap && heap[child + 1].key < heap[child].key) {
            child++;
        }
        if (heap[child].key >= moved.key) {
            break;
        }
        heap[at] = heap[child];
    }
    heap[at] = moved;
    return top;
}

static void consider(struct encoder *c, const char *text, int32_t left, int32_t right, pair_finder *find)
{
    struct pair pair;
    if (left < 0 || right < 0 || !find(c->t, text, &c->symbols[left], &c->symbols[right], &pair)) {
        return;
    }
    heap_push(c, (struct candidate){.key = (uint64_t)pair.order << 32 | (uint32_t)left,
                                    .right = right,
                                    .id = pair.id,
                                    .length_bytes = c->symbols[left].length_bytes + c->symbols[right].length_bytes});
}

void merge_symbols(struct encoder *c, const char *text, int32_t n_symbols, pair_finder *find)
{
    struct symbol *symbols = c->symbols;
    c->n_heap = 0;
    for (int32_t i = 0; i + 1 < n_symbols; i++) {
        consider(c, text, i, i + 1, find);
    }
    while (c->n_heap > 0) {
        struct candidate best = heap_pop(c);
        int32_t left = (int32_t)(uint32_t)best.key;
        struct symbol *l = &symbols[left], *r = &symbols[best.right];
        if (l->length_bytes == 0 || r->length_bytes == 0 || l->length_bytes + r->length_bytes != best.length_bytes) {
            continue;
        }
        l->length_bytes += r->length_bytes;
        l->id = best.id;
        l->next = r->next;
        r->length_bytes = 0;
        if (r->next >= 0) {
            symbols[r->next].previous = left;
        }
        consider(c, text, l->previous, left, find);
        consider(c, text, left, l->next, find);
    }
}
