/* workload_draw.c -- from a workload's distributions to its requests. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/workload.h"
#include "sim/workload_math.h"

enum stream { STREAM_ARRIVALS = 1, STREAM_TENANTS, STREAM_LENGTHS }; /* numbers of random_seed() */

/* --- who --- */

/* Zipf: share of tenant i (from 1) ~ 1 / i^s; s = 0 is uniform, larger s more skewed. Power law, as numpy.random.power draws it: share of tenant i
 * of n is (i/n)^a - ((i-1)/n)^a; a = 1 is uniform, smaller a more skewed. */
static double weight_of(const struct workload *w, int32_t tenant)
{
    double i = tenant + 1, n = w->n_tenants;
    switch (w->popularity) {
    case POPULARITY_WEIGHTS: return w->tenants[tenant].weight;
    case POPULARITY_ZIPF: return portable_exp(-w->exponent * portable_log(i));
    case POPULARITY_POWER_LAW:
        return portable_exp(w->exponent * portable_log(i / n)) - (tenant ? portable_exp(w->exponent * portable_log((i - 1) / n)) : 0);
    default: return 1;
    }
}

void workload_shares(const struct workload *w, double *shares)
{
    double sum = 0;
    for (int32_t t = 0; t < w->n_tenants; t++) {
        shares[t] = weight_of(w, t);
        sum += shares[t];
    }
    for (int32_t t = 0; t < w->n_tenants; t++) {
        shares[t] /= sum;
    }
}

/* The first tenant whose share, added to those before it, reaches u. */
static int32_t pick_tenant(const double *cumulated, int32_t n, double u)
{
    int32_t low = 0, high = n - 1;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (cumulated[middle] < u * cumulated[n - 1]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool draw_tenants(const struct workload *w, struct workload_requests *out, struct error *e)
{
    double *cumulated = error_calloc(e, (size_t)w->n_tenants, sizeof *cumulated, "tenants");
    struct random random;
    if (!cumulated) {
        return false;
    }
    random_seed(&random, w->seed, STREAM_TENANTS);
    workload_shares(w, cumulated);
    for (int32_t t = 1; t < w->n_tenants; t++) {
        cumulated[t] += cumulated[t - 1];
    }
    for (uint32_t i = 0; i < out->count; i++) {
        out->items[i].tenant = pick_tenant(cumulated, w->n_tenants, draw_uniform(&random));
    }
    free(cumulated);
    return true;
}

static bool tenants_of_trace(const struct workload *w, const struct request_trace *trace, struct workload_requests *out, struct error *e)
{
    ES_ASSERT(trace->rows);
    for (uint32_t i = 0; i < out->count; i++) {
        int32_t t = 0;
        while (t < w->n_tenants && strcmp(w->tenants[t].name, trace->rows[i].adapter) != 0) {
            t++;
        }
        if (t == w->n_tenants) {
            return error_input(e, "%.300s:%" PRIu32 ": adapter: expected the name of a tenant of %.200s, found '%.60s'", w->trace_file,
                               trace->rows[i].line, w->file, trace->rows[i].adapter);
        }
        out->items[i].tenant = t;
    }
    return true;
}

/* --- when --- */

static bool to_cycle(const struct workload *w, double cycles, cycle_t *cycle, struct error *e)
{
    *cycle = (cycle_t)(cycles < 0x1p53 ? cycles : 0);
    return cycles < 0x1p53 || error_input(e, "%.300s: arrivals: expected arrivals in the first 2^53 cycles", w->file);
}

static bool draw_arrivals(const struct workload *w, double cycles_per_s, const struct request_trace *trace, struct workload_requests *out,
                          struct error *e)
{
    struct random random;
    double cycles = 0, mean_cycles = w->requests_per_s > 0 ? cycles_per_s / w->requests_per_s : 0;
    const struct request_row *rows = trace->rows; /* NULL without a trace */
    random_seed(&random, w->seed, STREAM_ARRIVALS);
    for (uint32_t i = 0; i < out->count; i++) {
        switch (w->arrivals) {
        case ARRIVALS_AT_ONCE: break;
        case ARRIVALS_CONSTANT: cycles = i * mean_cycles; break;
        case ARRIVALS_POISSON: cycles += mean_cycles * draw_exponential(&random); break;
        case ARRIVALS_GAMMA: cycles += mean_cycles * draw_gamma(&random, w->cv); break;
        case ARRIVALS_TRACE: cycles = (rows ? (double)rows[i].arrival_ns : 0) * (cycles_per_s / 1e6) / 1e3 / w->trace_speed; break;
        }
        if (!to_cycle(w, cycles, &out->items[i].arrives_at, e)) {
            return false;
        }
    }
    return true;
}

/* --- how long --- */

static uint32_t draw_length(const struct workload_length *length, uint32_t of_trace, struct random *random)
{
    if (length->kind == LENGTH_TRACE) {
        return of_trace;
    }
    uint64_t values = (uint64_t)length->high - length->low + 1;
    return length->kind == LENGTH_FIXED ? length->low : length->low + (uint32_t)((random_next(random) >> 32) * values >> 32);
}

static bool fit(const struct workload *w, uint32_t index, uint32_t context_tokens, struct workload_request *r, struct error *e)
{
    uint64_t room = (uint64_t)context_tokens + 1; /* the last token is not fed back */
    if ((uint64_t)r->prompt_tokens + r->output_tokens <= room) {
        return true;
    }
    if (!w->clip) {
        return error_input(e,
                           "%.300s: request %" PRIu32 " has a prompt of %" PRIu32 " tokens and an answer of %" PRIu32
                           ": expected together at most %" PRIu64 ", for which kv.context_tokens has room (clip: true shortens them)",
                           w->file, index, r->prompt_tokens, r->output_tokens, room);
    }
    uint64_t beside = room > r->prompt_tokens ? room - r->prompt_tokens : 0, most = beside > room / 2 ? beside : room / 2;
    r->output_tokens = (uint32_t)(r->output_tokens < most ? r->output_tokens : most);
    r->prompt_tokens = (uint32_t)(r->prompt_tokens < room - r->output_tokens ? r->prompt_tokens : room - r->output_tokens);
    r->clipped = true;
    return true;
}

static bool draw_lengths(const struct workload *w, uint32_t context_tokens, const struct request_trace *trace,
                         struct workload_requests *out, struct error *e)
{
    struct random random;
    random_seed(&random, w->seed, STREAM_LENGTHS);
    for (uint32_t i = 0; i < out->count; i++) {
        struct workload_request *r = &out->items[i];
        r->prompt_tokens = draw_length(&w->prompt, trace->count ? trace->rows[i].prompt_tokens : 0, &random);
        r->output_tokens = draw_length(&w->output, trace->count ? trace->rows[i].output_tokens : 0, &random);
        if (!fit(w, i, context_tokens, r, e)) {
            return false;
        }
        out->clipped += r->clipped;
    }
    return true;
}

/* --- all of it --- */

static bool count_requests(const struct workload *w, const struct request_trace *trace, uint32_t *count, struct error *e)
{
    if (w->arrivals != ARRIVALS_TRACE) {
        *count = w->requests;
        return true;
    }
    if (w->requests > trace->count || trace->count > WORKLOAD_REQUESTS_MAX) {
        return error_input(e, "%.300s: requests: expected at most the %zu of %.300s (at most %d), found %" PRIu32, w->file, trace->count,
                           w->trace_file, WORKLOAD_REQUESTS_MAX, w->requests);
    }
    *count = w->requests ? w->requests : (uint32_t)trace->count;
    return w->popularity != POPULARITY_TRACE || trace->names_adapters ||
           error_input(e, "%.300s: popularity: trace: expected a trace that names adapters, and %.300s does not", w->file, w->trace_file);
}

bool workload_draw(const struct workload *w, uint32_t clock_mhz, uint32_t context_tokens, struct workload_requests *out, struct error *e)
{
    struct request_trace trace = {0};
    *out = (struct workload_requests){0};
    bool good = (w->arrivals != ARRIVALS_TRACE || request_trace_read(w->trace_file, w->trace_format, &trace, e)) &&
                count_requests(w, &trace, &out->count, e);
    if (good) {
        out->items = error_calloc(e, out->count, sizeof *out->items, "requests");
        good = out->items && draw_arrivals(w, clock_mhz * 1e6, &trace, out, e) &&
               (w->popularity == POPULARITY_TRACE ? tenants_of_trace(w, &trace, out, e) : draw_tenants(w, out, e)) &&
               draw_lengths(w, context_tokens, &trace, out, e);
    }
    request_trace_free(&trace);
    if (!good) {
        workload_requests_free(out);
    }
    return good;
}

void workload_requests_free(struct workload_requests *requests)
{
    free(requests->items);
    *requests = (struct workload_requests){0};
}
