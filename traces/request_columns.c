/* request_columns.c -- request traces as CSV with named columns: "arrival_s,prompt_tokens,output_tokens,adapter". */
#include <string.h>

#include "traces/request_line.h"

bool columns_header(const struct request_line *line, struct columns *columns)
{
    static const char *const names[] = {"arrival_s", "prompt_tokens", "output_tokens", "adapter"};
    enum { NAMES = sizeof names / sizeof *names };
    int found[NAMES] = {-1, -1, -1, -1};
    struct field fields[FIELDS_MAX];
    size_t count = line_split(line, fields);
    if (count > NAMES) {
        return line_complain(line, "expected columns out of arrival_s, prompt_tokens, output_tokens, adapter, found %zu", count);
    }
    for (size_t i = 0; i < count; i++) {
        int k = 0;
        while (k < NAMES && !field_is(&fields[i], names[k])) {
            k++;
        }
        if (k == NAMES || found[k] >= 0) {
            return line_complain(line, "expected columns out of arrival_s, prompt_tokens, output_tokens, adapter, each once, found '%.*s'",
                                 (int)(fields[i].bytes < 60 ? fields[i].bytes : 60), fields[i].text);
        }
        found[k] = (int)i;
    }
    for (int k = 0; k < NAMES - 1; k++) {
        if (found[k] < 0) {
            return line_complain(line, "expected the column %s, and it is missing", names[k]);
        }
    }
    *columns = (struct columns){.arrival = found[0], .prompt = found[1], .output = found[2], .adapter = found[3], .count = count};
    return true;
}

bool columns_row(const struct request_line *line, const struct columns *columns, struct request_row *row)
{
    struct field fields[FIELDS_MAX];
    size_t count = line_split(line, fields);
    if (count != columns->count) {
        return line_complain(line, "expected %zu fields as in the header, found %zu", columns->count, count);
    }
    if (!field_seconds(line, &fields[columns->arrival], "arrival_s", &row->arrival_ns) ||
        !field_tokens(line, &fields[columns->prompt], "prompt_tokens", &row->prompt_tokens) ||
        !field_tokens(line, &fields[columns->output], "output_tokens", &row->output_tokens)) {
        return false;
    }
    if (columns->adapter >= 0) {
        const struct field *adapter = &fields[columns->adapter];
        if (adapter->bytes == 0 || adapter->bytes >= sizeof row->adapter || memchr(adapter->text, '"', adapter->bytes) ||
            memchr(adapter->text, '\0', adapter->bytes)) {
            return line_complain(line, "adapter: expected a name of 1 to %zu bytes without quotes", sizeof row->adapter - 1);
        }
        memcpy(row->adapter, adapter->text, adapter->bytes);
    }
    return true;
}
