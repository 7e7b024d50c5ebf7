#include "traces/request_trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/request_line.h"

const char *const request_format_names[REQUEST_FORMATS] = {"azure", "mooncake", "columns"};

enum { FILE_BYTES_MAX = 1 << 30, LINE_BYTES_MAX = 1 << 20 };

bool line_complain(const struct request_line *line, const char *format, ...)
{
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_input(line->e, "%.300s:%zu: %s", line->file, line->number, text);
}

/* --- CSV fields --- */

size_t line_split(const struct request_line *line, struct field fields[FIELDS_MAX])
{
    size_t count = 0;
    const char *at = line->text, *end = line->text + line->bytes;
    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        if (count < FIELDS_MAX) {
            fields[count] = (struct field){at, (size_t)(stop - at)};
        }
        count++;
        if (!comma) {
            return count;
        }
        at = comma + 1;
    }
}

bool field_is(const struct field *field, const char *word)
{
    return field->bytes == strlen(word) && memcmp(field->text, word, field->bytes) == 0;
}

/* Digits from *at on, at most up to `most`; false where there is none or the number is larger. */
static bool take_digits(const char **at, const char *end, uint64_t most, uint64_t *value)
{
    const char *start = *at;
    *value = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        *value = *value * 10 + (uint64_t)(**at - '0');
        if (*value > most) {
            return false;
        }
    }
    return *at > start;
}

bool field_tokens(const struct request_line *line, const struct field *field, const char *column, uint32_t *tokens)
{
    const char *at = field->text, *end = at + field->bytes;
    uint64_t value = 0;
    if (!take_digits(&at, end, REQUEST_LENGTH_MAX, &value) || at != end || value == 0) {
        return line_complain(line, "%s: expected a whole number of tokens, 1 to %d, found '%.*s'", column, REQUEST_LENGTH_MAX,
                             (int)(field->bytes < 60 ? field->bytes : 60), field->text);
    }
    *tokens = (uint32_t)value;
    return true;
}

bool field_seconds(const struct request_line *line, const struct field *field, const char *column, uint64_t *ns)
{
    const char *at = field->text, *end = at + field->bytes;
    uint64_t seconds = 0, decimals = 0;
    bool good = take_digits(&at, end, REQUEST_SECONDS_MAX, &seconds);
    if (good && at < end && *at == '.') {
        const char *first = ++at;
        good = take_digits(&at, end, NS_PER_S - 1, &decimals) && at - first <= 9;
        for (long digits = at - first; good && digits < 9; digits++) {
            decimals *= 10;
        }
    }
    if (!good || at != end) {
        return line_complain(line, "%s: expected seconds, 0 to %d with at most nine decimals, found '%.*s'", column, REQUEST_SECONDS_MAX,
                             (int)(field->bytes < 60 ? field->bytes : 60), field->text);
    }
    *ns = seconds * NS_PER_S + decimals;
    return true;
}

/* --- lines to rows --- */

struct parser {
    struct request_trace *trace;
    struct columns columns;
    enum request_format format;
    size_t room;
    uint64_t first_ns, last_ns;
    struct error *e;
};

static bool is_header(const struct parser *p, const struct request_line *line)
{
    return line->number == 1 && p->format != REQUEST_MOONCAKE && !(p->format == REQUEST_COLUMNS && line->bytes && line->text[0] == '{');
}

static bool read_header(struct parser *p, const struct request_line *line)
{
    return p->format == REQUEST_AZURE ? azure_header(line) : columns_header(line, &p->columns);
}

static bool read_row(const struct parser *p, const struct request_line *line, struct request_row *row)
{
    switch (p->format) {
    case REQUEST_AZURE: return azure_row(line, row);
    case REQUEST_MOONCAKE: return mooncake_row(line, row);
    default: return p->columns.count ? columns_row(line, &p->columns, row) : columns_json_row(line, row);
    }
}

static bool add_row(struct parser *p, const struct request_line *line)
{
    struct request_trace *t = p->trace;
    struct request_row row = {.line = (uint32_t)line->number};
    if (!read_row(p, line, &row)) {
        return false;
    }
    if (t->count && row.arrival_ns < p->last_ns) {
        return line_complain(line, "expected an arrival no earlier than that of the row above");
    }
    if (t->count && t->names_adapters != (row.adapter[0] != '\0')) {
        return line_complain(line, "adapter: expected in every row or in none");
    }
    if (t->count == p->room) {
        size_t room = p->room ? 2 * p->room : 256;
        struct request_row *rows = realloc(t->rows, room * sizeof *rows);
        if (!rows) {
            return line_complain(line, "not enough memory for %zu requests", room);
        }
        t->rows = rows;
        p->room = room;
    }
    p->first_ns = t->count ? p->first_ns : row.arrival_ns;
    p->last_ns = row.arrival_ns;
    row.arrival_ns -= p->first_ns;
    t->names_adapters = row.adapter[0] != '\0';
    t->rows[t->count++] = row;
    return true;
}

static bool read_line(struct parser *p, const struct request_line *line)
{
    if (line->bytes == 0) {
        return line_complain(line, "expected a request, found an empty line");
    }
    if (line->bytes > LINE_BYTES_MAX) {
        return line_complain(line, "expected a line of at most %d bytes, found %zu", LINE_BYTES_MAX, line->bytes);
    }
    return is_header(p, line) ? read_header(p, line) : add_row(p, line);
}

bool request_trace_parse(const char *text, size_t bytes, const char *file, enum request_format format, struct request_trace *trace,
                         struct error *e)
{
    struct parser parser = {.trace = trace, .format = format, .e = e};
    struct request_line line = {.file = file, .number = 1, .e = e};
    *trace = (struct request_trace){0};
    bool good = true;
    for (const char *at = text, *end = text + bytes; good && at < end; line.number++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at)), *stop = feed ? feed : end;
        line.text = at;
        line.bytes = (size_t)(stop - at);
        line.bytes -= line.bytes && stop[-1] == '\r';
        good = read_line(&parser, &line);
        at = feed ? feed + 1 : end;
    }
    if (good && trace->count == 0) {
        good = error_input(e, "%.300s: expected requests in the format '%s', found none", file, request_format_names[format]);
    }
    if (!good) {
        request_trace_free(trace);
    }
    return good;
}

bool request_trace_read(const char *path, enum request_format format, struct request_trace *trace, struct error *e)
{
    FILE *in = fopen(path, "rb");
    struct stat status;
    *trace = (struct request_trace){0};
    if (!in || fstat(fileno(in), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX) {
        const char *reason = !in ? strerror(errno) : "expected a regular file of at most 1 GiB";
        if (in) {
            fclose(in);
        }
        return error_input(e, "%.300s: cannot read this request trace: %s", path, reason);
    }
    size_t bytes = (size_t)status.st_size;
    char *text = error_calloc(e, bytes + 1, 1, path);
    bool good = text && (fread(text, 1, bytes, in) == bytes || error_input(e, "%.300s: cannot read this request trace", path)) &&
                request_trace_parse(text, bytes, path, format, trace, e);
    free(text);
    fclose(in);
    return good;
}

void request_trace_free(struct request_trace *trace)
{
    free(trace->rows);
    *trace = (struct request_trace){0};
}
