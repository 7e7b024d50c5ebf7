/* Workload files from anywhere: no crash, and what is accepted can be drawn from or says why not. */
#include "sim/workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct workload w;
    struct workload_requests requests;
    struct error e;
    if (!workload_parse((const char *)data, size, "fuzz.yaml", &w, &e)) {
        return 0;
    }
    if (w.arrivals != ARRIVALS_TRACE && w.requests < 10000) { /* no file of the fuzzer's choice is opened */
        if (workload_draw(&w, 1000, 512, &requests, &e)) {
            for (uint32_t i = 0; i < requests.count; i++) {
                const struct workload_request *r = &requests.items[i];
                bool good = r->tenant >= 0 && r->tenant < w.n_tenants && r->prompt_tokens >= 1 && r->output_tokens >= 1 &&
                            r->prompt_tokens + r->output_tokens <= 513 && (i == 0 || r->arrives_at >= requests.items[i - 1].arrives_at);
                ES_ASSERT(good);
            }
            workload_requests_free(&requests);
        }
    }
    workload_free(&w);
    return 0;
}
