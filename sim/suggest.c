#include "sim/suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int letter(char c)
{
    return tolower((unsigned char)c);
}

size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > SUGGEST_LENGTH_MAX || m > SUGGEST_LENGTH_MAX) {
        return SIZE_MAX;
    }
    /* Three rows of the usual table: a swap looks two rows back. */
    size_t rows[3][SUGGEST_LENGTH_MAX + 1] = {{0}};
    for (size_t j = 0; j <= m; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = above[j - 1] + (letter(a[i - 1]) != letter(b[j - 1]));
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && letter(a[i - 1]) == letter(b[j - 2]) && letter(a[i - 2]) == letter(b[j - 1])) {
                row[j] = least(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[n % 3][m];
}

void suggest_offer(struct suggestion *s, const char *typed, const char *known)
{
    size_t distance = edit_distance(typed, known);
    size_t limit = strlen(typed) / 3 > 2 ? strlen(typed) / 3 : 2;
    if (distance <= limit && distance < strlen(known) && (!s->nearest || distance < s->distance)) {
        s->nearest = known;
        s->distance = distance;
    }
}

const char *suggest_text(const struct suggestion *s, char *text, size_t room)
{
    if (s->nearest) {
        snprintf(text, room, "; did you mean '%s'?", s->nearest);
    } else {
        text[0] = '\0';
    }
    return text;
}
