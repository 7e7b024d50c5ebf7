/* request_line.h -- what the readers of request traces share: lines, numbers, complaints with their place. Private to traces/request_*.c. */
#ifndef ETCHSIM_REQUEST_LINE_H
#define ETCHSIM_REQUEST_LINE_H

#include "traces/request_trace.h"

enum { REQUEST_LENGTH_MAX = 1000000000, REQUEST_SECONDS_MAX = 1000000000 };
#define NS_PER_S 1000000000u

struct request_line { /* one line without its end, and where it stands */
    const char *text;
    size_t bytes;
    const char *file;
    size_t number;
    struct error *e;
};

/* "FILE:LINE: ..."; returns false. */
bool line_complain(const struct request_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct field { /* a piece of a CSV line */
    const char *text;
    size_t bytes;
};

enum { FIELDS_MAX = 16 };
/* Splits at commas. Returns the number of fields; more than FIELDS_MAX are counted, not kept. */
size_t line_split(const struct request_line *line, struct field fields[FIELDS_MAX]);
bool field_is(const struct field *field, const char *word);
/* How many tokens: decimal digits, 1 .. REQUEST_LENGTH_MAX. */
bool field_tokens(const struct request_line *line, const struct field *field, const char *column, uint32_t *tokens);
/* Seconds, digits with at most nine decimals, as nanoseconds. */
bool field_seconds(const struct request_line *line, const struct field *field, const char *column, uint64_t *ns);

/* -- the formats: each reads one line, the header included where there is one -- */

struct columns { /* where a CSV file has its columns; -1: not there */
    int arrival, prompt, output, adapter;
    size_t count;
};

bool azure_header(const struct request_line *line);
bool azure_row(const struct request_line *line, struct request_row *row);
bool mooncake_row(const struct request_line *line, struct request_row *row);
bool columns_header(const struct request_line *line, struct columns *columns);
bool columns_row(const struct request_line *line, const struct columns *columns, struct request_row *row);
bool columns_json_row(const struct request_line *line, struct request_row *row);

#endif
