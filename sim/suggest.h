/* suggest.h -- "did you mean ...?": the known word nearest to a mistyped one. */
#ifndef ETCHSIM_SUGGEST_H
#define ETCHSIM_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_LENGTH_MAX = 63 }; /* longer words get no suggestion */

struct suggestion {
    const char *nearest; /* NULL: nothing near enough */
    size_t distance;
};

/* Edit distance (insert, delete, replace, swap of neighbours), letters without case; SIZE_MAX where a word is longer than SUGGEST_LENGTH_MAX. */
size_t edit_distance(const char *a, const char *b);

/* Offers one known word; the nearest so far stays. Words that differ in more than a third of their letters (at least 2) don't count. */
void suggest_offer(struct suggestion *s, const char *typed, const char *known);

/* "; did you mean 'lora.lanes'?" or "", in a caller's buffer, for the end of an error message. */
const char *suggest_text(const struct suggestion *s, char *text, size_t room);

#endif
