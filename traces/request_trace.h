/* request_trace.h -- recorded requests: when each arrived, how long its prompt and its answer were.
 *
 *   file --[ azure | mooncake | columns ]--> rows in the order of the file, first arrival at 0 ns
 *
 * azure      CSV with the header TIMESTAMP,ContextTokens,GeneratedTokens (Azure LLM inference traces): "2023-11-16 18:17:03.9799600,4808,10"
 * mooncake   JSON lines {"timestamp": ms, "input_length": n, "output_length": n, "hash_ids": [...]}; the hash ids (prefix blocks) are checked to be
 *            a list and otherwise not used, since the chip shares no KV between sequences
 * columns    CSV whose header names arrival_s, prompt_tokens, output_tokens and, if wanted, adapter, in any order; or JSON lines with these keys
 *
 * Lines end in LF or CRLF; the last one may lack it. Empty lines, rows whose arrival lies before that of the row above, lengths that are not 1 ..
 * 10^9 and texts between quotes are errors: "FILE:LINE: expected ..., found ...".
 */
#ifndef ETCHSIM_REQUEST_TRACE_H
#define ETCHSIM_REQUEST_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/error.h"

enum request_format { REQUEST_AZURE, REQUEST_MOONCAKE, REQUEST_COLUMNS, REQUEST_FORMATS };
extern const char *const request_format_names[REQUEST_FORMATS]; /* "azure", "mooncake", "columns" */

enum { REQUEST_ADAPTER_ROOM = 64 };

struct request_row {
    uint64_t arrival_ns; /* since the first row */
    uint32_t prompt_tokens, output_tokens;
    uint32_t line;
    char adapter[REQUEST_ADAPTER_ROOM]; /* "": the file does not say */
};

struct request_trace {
    struct request_row *rows; /* [count], owned */
    size_t count;
    bool names_adapters;
};

/* On failure *trace is empty. */
bool request_trace_read(const char *path, enum request_format format, struct request_trace *trace, struct error *e);
/* The same from memory; `file` stands for it in messages. */
bool request_trace_parse(const char *text, size_t bytes, const char *file, enum request_format format, struct request_trace *trace,
                         struct error *e);
void request_trace_free(struct request_trace *trace);

#endif
