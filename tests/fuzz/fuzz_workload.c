/* Workload files from anywhere: no crash, and what is accepted can be drawn from or says why not; its incidents are in range. */
#include "sim/workload.h"

static void check_incident(const struct workload *w, const struct incident *what)
{
    const int32_t adapters = w->n_adapter_files + (int32_t)w->synthetic_count;
    const bool slice = what->kind == INCIDENT_CORRUPT || what->kind == INCIDENT_TRUNCATE, flip = what->kind == INCIDENT_FLIP;
    ES_ASSERT(what->kind < INCIDENT_KINDS && what->part < FLIP_PARTS && (flip || what->part == FLIP_WEIGHTS));
    ES_ASSERT(what->adapter < adapters && what->adapter >= (what->part == FLIP_KV ? -1 : 0));
    ES_ASSERT(what->version < adapters && (what->version == what->adapter || what->kind == INCIDENT_RELOAD));
    ES_ASSERT(what->count >= 1 && (slice || what->count <= (flip ? 3 : 1)) && what->layer >= LAYER_EMBEDDING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct workload w;
    struct workload_requests requests;
    struct error e;
    if (!workload_parse((const char *)data, size, "fuzz.yaml", &w, &e)) {
        return 0;
    }
    for (uint32_t i = 0; i < w.n_incidents; i++) {
        check_incident(&w, &w.incidents[i].what);
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
