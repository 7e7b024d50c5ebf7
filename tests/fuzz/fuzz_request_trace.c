/* Request traces from anywhere; the first byte says in which format. No crash, and rows in order with lengths in range. */
#include "traces/request_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request_trace trace;
    struct error e;
    if (size == 0 ||
        !request_trace_parse((const char *)data + 1, size - 1, "fuzz", (enum request_format)(data[0] % REQUEST_FORMATS), &trace, &e)) {
        return 0;
    }
    ES_ASSERT(trace.count > 0 && trace.rows[0].arrival_ns == 0);
    for (size_t i = 0; i < trace.count; i++) {
        const struct request_row *r = &trace.rows[i];
        ES_ASSERT(r->prompt_tokens >= 1 && r->output_tokens >= 1 && (i == 0 || r->arrival_ns >= trace.rows[i - 1].arrival_ns));
        ES_ASSERT((r->adapter[0] != '\0') == trace.names_adapters);
    }
    request_trace_free(&trace);
    return 0;
}
