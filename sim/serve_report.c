#include "sim/serve_report.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include "sim/metrics.h"
#include "sim/serve_groups.h"
#include "sim/sram_use.h"

static double us(const struct serve *s, double cycles)
{
    return serve_us(s, cycles);
}

static double per_second(const struct serve *s, double count)
{
    return count / us(s, (double)s->chip->now) * 1e6;
}

static double link_utilisation(const struct serve *s)
{
    struct swap_time t = swap_time(s->chip, s->requests, s->drawn.count);
    return (double)(t.transfer + t.tensor + t.wire) / (double)s->chip->now;
}

static uint64_t restarts(const struct serve *s)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        n += s->requests[i].restarts;
    }
    return n;
}

static uint64_t corrected(const struct serve *s)
{
    uint64_t n = 0;
    for (uint32_t l = 0; l < s->chip->n_layer_blocks; l++) {
        n += s->chip->layers[l].lora_mac.corrected + s->chip->layers[l].attention.corrected;
    }
    return n + s->chip->embed_end.lora_mac.corrected + s->chip->head_end.lora_mac.corrected;
}

/* --- for people --- */

static void print_spread(const struct serve *s, const char *name, const struct percentiles *v, FILE *out)
{
    fprintf(out, "  %-22s %12.2f %12.2f %12.2f us\n", name, us(s, (double)v->at[0]), us(s, (double)v->at[1]), us(s, (double)v->at[2]));
}

static void print_all(const struct serve *s, const struct group *all, double jain, FILE *out)
{
    double seconds_us = us(s, (double)s->chip->now), n = (double)all->requests;
    fprintf(out, "workload %s   chip %s   model %s   %s   seed %" PRIu64 "\n", s->workload->name, s->config.name, s->image.name,
            s->workload->values ? "with values" : "timing only", s->workload->seed);
    fprintf(out, "requests %" PRIu64 " in = %" PRIu64 " done + 0 queued + 0 running + %" PRIu64 " dropped", all->requests,
            all->requests - all->dropped, all->dropped);
    if (s->drawn.clipped) {
        fprintf(out, "   %" PRIu32 " were shortened to fit kv.context_tokens", s->drawn.clipped);
    }
    fprintf(out,
            "\n%" PRIu64 " prompt and %" PRIu64 " generated tokens in %" PRIu64 " cycles = %.2f us at %" PRIu32
            " MHz: %.0f tokens/s, %.1f requests/s\n",
            all->prompt_tokens, all->tokens, s->chip->now, seconds_us, s->config.clock_mhz, per_second(s, (double)all->tokens),
            per_second(s, n));
    fprintf(out, "                                  P50          P90          P99\n");
    print_spread(s, "time to first token", &all->first_token, out);
    print_spread(s, "between tokens", &all->between, out);
    print_spread(s, "whole request", &all->whole, out);
    double mean = (double)(all->queue_cycles + all->adapter_cycles) / n;
    fprintf(out, "  mean wait: in the queue %.2f us, then for the adapter %.2f us; longest wait %.2f us\n",
            us(s, (double)all->queue_cycles / n), us(s, (double)all->adapter_cycles / n), us(s, (double)all->longest_wait));
    fprintf(out,
            "  Jain's fairness of the tenants' tokens/s: %.4f; the longest wait is %.1f times the mean; at most %" PRIu32
            " later requests started before one\n",
            jain, mean > 0 ? (double)all->longest_wait / mean : 1, all->most_overtaken);
}

static void print_tenants(const struct serve *s, const struct group *groups, FILE *out)
{
    enum { SHOWN = 20 };
    fprintf(out,
            "tenant                 requests   tokens    hits   loads  first token P50, P99 us     whole P50, P99 us  longest wait us\n");
    for (int32_t t = 0; t < s->workload->n_tenants && t < SHOWN; t++) {
        const struct group *g = &groups[t];
        fprintf(out, "  %-20s %8" PRIu64 " %8" PRIu64 " %7" PRIu64 " %7" PRIu64 " %12.2f %12.2f %10.2f %10.2f %16.2f\n",
                s->workload->tenants[t].name, g->requests, g->tokens, g->hits, g->loads, us(s, (double)g->first_token.at[0]),
                us(s, (double)g->first_token.at[2]), us(s, (double)g->whole.at[0]), us(s, (double)g->whole.at[2]),
                us(s, (double)g->longest_wait));
    }
    if (s->workload->n_tenants > SHOWN) {
        fprintf(out, "  ... and %d more (--json has all)\n", s->workload->n_tenants - SHOWN);
    }
}

static void print_slots(const struct serve *s, FILE *out)
{
    enum { SHOWN = 16 };
    const struct slots *slots = &s->chip->sequencer.slots;
    double all = (double)s->chip->now;
    fprintf(out,
            "slot     hits   loads  evictions    free  loading     used   unused   waited for its loads (cycles, summed over requests)\n");
    for (uint32_t i = 0; i < slots->count && i < SHOWN; i++) {
        const struct slot *k = &slots->slot[i];
        fprintf(out, "  %-3" PRIu32 " %8" PRIu64 " %7" PRIu64 " %10" PRIu64 " %5.1f %% %6.1f %% %6.1f %% %6.1f %%   %" PRIu64 "\n", i,
                k->hits, k->loads, k->evictions, 100 * (double)k->free_cycles / all, 100 * (double)k->loading_cycles / all,
                100 * (double)k->used_cycles / all, 100 * (double)k->unused_cycles / all, k->stall_cycles);
    }
    if (slots->count > SHOWN) {
        fprintf(out, "  ... and %" PRIu32 " more (--json has all)\n", slots->count - SHOWN);
    }
    fprintf(out, "  all %7" PRIu64 " hits, %" PRIu64 " loads, %" PRIu64 " evictions, %" PRIu64 " retries\n", slots->hits, slots->loads,
            slots->evictions, slots->retries);
}

static void print_swaps(const struct serve *s, FILE *out)
{
    struct swap_time t = swap_time(s->chip, s->requests, s->drawn.count);
    struct bank_accesses b = bank_accesses(s->chip);
    const struct host_port *port = &s->chip->host_port;
    double n = t.loads ? (double)t.loads : 1, words = 0;
    fprintf(
        out,
        "swaps %" PRIu64
        ", mean of each in cycles: %.1f = drain %.1f + queue %.1f + fixed %.1f + tensors %.1f + bytes on the link %.1f + SRAM writes %.1f "
        "+ bank contention %.1f\n",
        t.loads, (double)(t.drain + t.load_cycles) / n, (double)t.drain / n, (double)t.queue / n, (double)t.transfer / n,
        (double)t.tensor / n, (double)t.wire / n, (double)t.write / n, (double)t.contention / n);
    fprintf(out, "  the DMA lost %" PRIu64 " cycles to others at bank ports, LoRA %" PRIu64 ", KV %" PRIu64 " (summed over layers)\n",
            b.lost_cycles[SRAM_DMA_WRITE], b.lost_cycles[SRAM_LORA_READ], b.lost_cycles[SRAM_KV_READ] + b.lost_cycles[SRAM_KV_WRITE]);
    for (enum sram_client k = 0; k < SRAM_CLIENTS; k++) {
        words += (double)b.words[k];
    }
    fprintf(out, "  host link: %" PRIu64 " bytes, busy %.2f %% of all cycles; bank ports used: %.2f %%\n", port->bytes,
            100 * link_utilisation(s), 100 * words / b.all_words);
}

/* What happened to slots beside requests, where the workload has any of it. */
static void print_incidents(const struct serve *s, FILE *out)
{
    const struct sequencer *q = &s->chip->sequencer;
    if (s->workload->n_incidents == 0) {
        return;
    }
    fprintf(out,
            "incidents: %" PRIu64 " reloads, %" PRIu64 " unloads of a slot; slots renewed %" PRIu64 ", requests restarted %" PRIu64
            ", tokens thrown away %" PRIu64 "\n",
            q->seen.happened[INCIDENT_RELOAD], q->seen.happened[INCIDENT_UNLOAD], q->slots.renewals, restarts(s), q->seen.discarded_tokens);
    fprintf(out, "  loads that arrived broken: %" PRIu64 ", of them %" PRIu64 " asked for again; %" PRIu32 " requests dropped\n",
            q->slots.retries + q->slots.failures, q->slots.retries, q->n_dropped);
    fprintf(out,
            "  bit flips in a slot: %" PRIu64 ", in KV caches: %" PRIu64 "; reads corrected %" PRIu64 ", tokens found to be wrong %" PRIu64
            ", tokens silently computed with flipped bits %" PRIu64 "\n",
            q->seen.happened[INCIDENT_FLIP] - q->seen.kv_flips, q->seen.kv_flips, corrected(s), q->seen.detections, q->seen.silent_tokens);
}

/* One card's chip, beyond what its requests saw. */
static void print_chip(const struct serve *s, FILE *out)
{
    print_slots(s, out);
    print_swaps(s, out);
    print_incidents(s, out);
    struct sram_use use = sram_use(s->chip);
    sram_use_print(&use, out);
    trace_print(s->trace, out);
}

static void print_cards(const struct server *server, FILE *out)
{
    fprintf(out, "%" PRIu32 " cards, %s\n", server->n_cards,
            server->whole.config.server_dealing == DEALING_TENANT ? "each tenant's requests on one of them"
                                                                  : "requests dealt to them in turn");
    fprintf(out, "card   requests   tokens    hits   loads  evictions  done after us  first token P50, P99 us  host link  trace\n");
    for (uint32_t k = 0; k < server->n_cards; k++) {
        const struct serve *s = &server->card[k];
        if (!s->chip) {
            fprintf(out, "  %-3" PRIu32 " %9d: at rest\n", k, 0);
            continue;
        }
        struct group g = group_of_all(s);
        fprintf(out,
                "  %-3" PRIu32 " %9" PRIu64 " %8" PRIu64 " %7" PRIu64 " %7" PRIu64 " %10" PRIu64
                " %14.2f %12.2f %10.2f %8.2f %%  %016" PRIx64 "\n",
                k, g.requests, g.tokens, g.hits, g.loads, s->chip->sequencer.slots.evictions, us(s, (double)s->chip->now),
                us(s, (double)g.first_token.at[0]), us(s, (double)g.first_token.at[2]), 100 * link_utilisation(s), trace_hash(s->trace));
    }
}

/* What a request takes of the dies' energy, its share of the time at rest included. */
static void print_energy(const struct server *server, const struct group *all, FILE *out)
{
    struct estimate e;
    server_estimate(server, &e);
    estimate_print(&e, out);
    double tokens = (double)all->tokens / (double)all->requests; /* of a request */
    int energy = PHYSICAL_energy_mj_per_token;
    fprintf(out, "  energy of the die for a request: %.4g mJ (likely %.4g to %.4g)\n", tokens * e.uncertainty.nominal[energy],
            tokens * e.uncertainty.likely[energy].low, tokens * e.uncertainty.likely[energy].high);
}

void serve_report_text(const struct server *server, FILE *out)
{
    const struct serve *s = &server->whole;
    struct group all = group_of_all(s), *groups = groups_of_tenants(s);
    print_all(s, &all, group_fairness(s, groups), out);
    print_tenants(s, groups, out);
    if (server->n_cards > 1) {
        print_cards(server, out);
    } else {
        print_chip(s, out);
    }
    print_energy(server, &all, out);
    free(groups);
}

/* --- JSON --- */

static void add_spread(cJSON *object, const struct serve *s, const char *name, const struct percentiles *v)
{
    static const char *const keys[PERCENTILES] = {"p50_us", "p90_us", "p99_us"};
    cJSON *json = cJSON_AddObjectToObject(object, name);
    for (int i = 0; i < PERCENTILES; i++) {
        cJSON_AddNumberToObject(json, keys[i], us(s, (double)v->at[i]));
    }
}

static void add_group(cJSON *object, const struct serve *s, const struct group *g)
{
    cJSON_AddNumberToObject(object, "requests", (double)g->requests);
    cJSON_AddNumberToObject(object, "dropped", (double)g->dropped);
    cJSON_AddNumberToObject(object, "prompt_tokens", (double)g->prompt_tokens);
    cJSON_AddNumberToObject(object, "tokens", (double)g->tokens);
    cJSON_AddNumberToObject(object, "hits", (double)g->hits);
    cJSON_AddNumberToObject(object, "loads", (double)g->loads);
    add_spread(object, s, "time_to_first_token", &g->first_token);
    add_spread(object, s, "between_tokens", &g->between);
    add_spread(object, s, "whole_request", &g->whole);
    cJSON_AddNumberToObject(object, "queue_cycles", (double)g->queue_cycles);
    cJSON_AddNumberToObject(object, "adapter_wait_cycles", (double)g->adapter_cycles);
    cJSON_AddNumberToObject(object, "longest_wait_us", us(s, (double)g->longest_wait));
    cJSON_AddNumberToObject(object, "most_overtaken", g->most_overtaken);
}

static void add_tenants(cJSON *root, const struct serve *s, const struct group *groups)
{
    cJSON *tenants = cJSON_AddArrayToObject(root, "tenants");
    for (int32_t t = 0; t < s->workload->n_tenants; t++) {
        cJSON *json = cJSON_CreateObject();
        int32_t adapter = s->workload->tenants[t].adapter;
        cJSON_AddStringToObject(json, "name", s->workload->tenants[t].name);
        cJSON_AddStringToObject(json, "adapter", adapter >= 0 ? s->adapters[s->chip_index[adapter]].name : "none");
        add_group(json, s, &groups[t]);
        cJSON_AddItemToArray(tenants, json);
    }
}

static void add_slots(cJSON *root, const struct serve *s)
{
    const struct slots *slots = &s->chip->sequencer.slots;
    cJSON *list = cJSON_AddArrayToObject(root, "slots");
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *k = &slots->slot[i];
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "hits", (double)k->hits);
        cJSON_AddNumberToObject(json, "loads", (double)k->loads);
        cJSON_AddNumberToObject(json, "evictions", (double)k->evictions);
        cJSON_AddNumberToObject(json, "free_cycles", (double)k->free_cycles);
        cJSON_AddNumberToObject(json, "loading_cycles", (double)k->loading_cycles);
        cJSON_AddNumberToObject(json, "used_cycles", (double)k->used_cycles);
        cJSON_AddNumberToObject(json, "unused_cycles", (double)k->unused_cycles);
        cJSON_AddNumberToObject(json, "stall_cycles", (double)k->stall_cycles);
        cJSON_AddItemToArray(list, json);
    }
}

static void add_swaps(cJSON *root, const struct serve *s)
{
    struct swap_time t = swap_time(s->chip, s->requests, s->drawn.count);
    struct bank_accesses b = bank_accesses(s->chip);
    cJSON *json = cJSON_AddObjectToObject(root, "swaps"), *banks = cJSON_AddObjectToObject(root, "banks");
    cJSON_AddNumberToObject(json, "loads", (double)t.loads);
    cJSON_AddNumberToObject(json, "bytes", (double)s->chip->host_port.bytes);
    cJSON_AddNumberToObject(json, "load_cycles", (double)t.load_cycles);
    cJSON_AddNumberToObject(json, "queue_cycles", (double)t.queue);
    cJSON_AddNumberToObject(json, "fixed_cycles", (double)t.transfer);
    cJSON_AddNumberToObject(json, "tensor_cycles", (double)t.tensor);
    cJSON_AddNumberToObject(json, "link_cycles", (double)t.wire);
    cJSON_AddNumberToObject(json, "sram_write_cycles", (double)t.write);
    cJSON_AddNumberToObject(json, "contention_cycles", (double)t.contention);
    cJSON_AddNumberToObject(json, "drain_cycles", (double)t.drain);
    cJSON_AddNumberToObject(json, "link_utilisation", link_utilisation(s));
    for (enum sram_client k = 0; k < SRAM_CLIENTS; k++) {
        cJSON *client = cJSON_AddObjectToObject(banks, sram_client_names[k]);
        cJSON_AddNumberToObject(client, "words", (double)b.words[k]);
        cJSON_AddNumberToObject(client, "lost_cycles", (double)b.lost_cycles[k]);
        cJSON_AddNumberToObject(client, "utilisation", (double)b.words[k] / b.all_words);
    }
}

static void add_sram(cJSON *root, const struct serve *s)
{
    struct sram_use use = sram_use(s->chip);
    cJSON *json = cJSON_AddObjectToObject(root, "sram");
    cJSON_AddNumberToObject(json, "capacity_bytes", use.capacity);
    cJSON_AddNumberToObject(json, "slots_bytes", use.slots);
    cJSON_AddNumberToObject(json, "ends_bytes", use.ends);
    cJSON_AddNumberToObject(json, "kv_bytes", use.kv_reserved);
    cJSON_AddNumberToObject(json, "adapters_bytes", use.adapters);
    cJSON_AddNumberToObject(json, "adapters_packed_bytes", use.packed);
    cJSON_AddNumberToObject(json, "kv_used_bytes", use.kv_used);
    cJSON_AddNumberToObject(json, "pages", use.pages);
    cJSON_AddNumberToObject(json, "page_bytes", use.page);
    cJSON_AddNumberToObject(json, "pages_peak_bytes", use.pages_peak);
    cJSON_AddNumberToObject(json, "pages_mean_bytes", use.pages_mean);
}

static void add_incidents(cJSON *root, const struct serve *s)
{
    const struct sequencer *q = &s->chip->sequencer;
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {{"reloads", q->seen.happened[INCIDENT_RELOAD]},
                {"unloads", q->seen.happened[INCIDENT_UNLOAD]},
                {"slots_renewed", q->slots.renewals},
                {"requests_restarted", restarts(s)},
                {"tokens_discarded", q->seen.discarded_tokens},
                {"loads_retried", q->slots.retries},
                {"loads_failed", q->slots.failures},
                {"bit_flips", q->seen.happened[INCIDENT_FLIP] - q->seen.kv_flips},
                {"kv_bit_flips", q->seen.kv_flips},
                {"reads_corrected", corrected(s)},
                {"tokens_detected", q->seen.detections},
                {"tokens_silent", q->seen.silent_tokens}};
    cJSON *json = cJSON_AddObjectToObject(root, "incidents");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cJSON_AddNumberToObject(json, rows[i].key, (double)rows[i].value);
    }
}

/* null without a trace */
static void add_hash(cJSON *object, const struct serve *s, uint64_t hash)
{
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    cJSON_AddItemToObject(object, "trace_hash", s->options.without_trace ? cJSON_CreateNull() : cJSON_CreateString(text));
}

/* One card's trace, or the hash of all cards' hashes. */
static uint64_t server_hash(const struct server *server)
{
    uint64_t all = trace_hash(server->card[0].trace);
    for (uint32_t k = 1; k < server->n_cards; k++) {
        const uint64_t both[2] = {all, trace_hash(server->card[k].trace)};
        all = XXH64(both, sizeof both, 0);
    }
    return all;
}

static void add_head(cJSON *root, const struct serve *s, const struct group *all)
{
    char text[24];
    cJSON_AddStringToObject(root, "schema", "etchsim-serve-1");
    cJSON_AddStringToObject(root, "workload", s->workload->name);
    cJSON_AddStringToObject(root, "chip", s->config.name);
    cJSON_AddStringToObject(root, "model", s->image.name);
    cJSON_AddNumberToObject(root, "clock_mhz", s->config.clock_mhz);
    snprintf(text, sizeof text, "%" PRIu64, s->workload->seed);
    cJSON_AddRawToObject(root, "seed", text);
    cJSON_AddBoolToObject(root, "timing_only", !s->workload->values);
    cJSON_AddNumberToObject(root, "requests_in", (double)all->requests);
    cJSON_AddNumberToObject(root, "requests_done", (double)(all->requests - all->dropped));
    cJSON_AddNumberToObject(root, "requests_dropped", (double)all->dropped);
    cJSON_AddNumberToObject(root, "requests_clipped", s->drawn.clipped);
    cJSON_AddNumberToObject(root, "cycles", (double)s->chip->now);
}

static void add_chip(cJSON *object, const struct serve *s)
{
    add_slots(object, s);
    add_swaps(object, s);
    add_sram(object, s);
    add_incidents(object, s);
}

static void add_cards(cJSON *root, const struct server *server)
{
    cJSON *cards = cJSON_AddArrayToObject(root, "cards");
    for (uint32_t k = 0; k < server->n_cards; k++) {
        const struct serve *s = &server->card[k];
        struct group all = group_of_all(s);
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "cycles", s->chip ? (double)s->chip->now : 0);
        add_group(json, s, &all);
        if (s->chip) { /* else it is at rest */
            add_hash(json, s, trace_hash(s->trace));
            add_chip(json, s);
        }
        cJSON_AddItemToArray(cards, json);
    }
}

static void add_physical(cJSON *root, const struct server *server, const struct group *all)
{
    struct estimate e;
    server_estimate(server, &e);
    double tokens = (double)all->tokens / (double)all->requests;
    cJSON *physical = estimate_json(&e), *request = cJSON_AddObjectToObject(physical, "energy_mj_per_request");
    for (enum corner c = 0; c < CORNERS; c++) {
        cJSON_AddNumberToObject(request, corner_names[c], tokens * e.corner[c].energy_mj_per_token);
    }
    cJSON_AddNumberToObject(request, "likely_low", tokens * e.uncertainty.likely[PHYSICAL_energy_mj_per_token].low);
    cJSON_AddNumberToObject(request, "likely_high", tokens * e.uncertainty.likely[PHYSICAL_energy_mj_per_token].high);
    cJSON_AddItemToObject(root, "physical", physical);
}

void serve_report_json(const struct server *server, FILE *out)
{
    const struct serve *s = &server->whole;
    struct group all = group_of_all(s), *groups = groups_of_tenants(s);
    cJSON *root = cJSON_CreateObject();
    add_head(root, s, &all);
    add_hash(root, s, server_hash(server));
    cJSON_AddNumberToObject(root, "tokens_per_second", per_second(s, (double)all.tokens));
    cJSON_AddNumberToObject(root, "requests_per_second", per_second(s, (double)all.requests));
    cJSON_AddNumberToObject(root, "fairness_jain", group_fairness(s, groups));
    add_group(cJSON_AddObjectToObject(root, "all"), s, &all);
    add_tenants(root, s, groups);
    if (server->n_cards == 1) {
        add_chip(root, s);
    } else {
        add_cards(root, server);
    }
    add_physical(root, server, &all);
    char *text = cJSON_Print(root);
    fprintf(out, "%s\n", text);
    free(text);
    cJSON_Delete(root);
    free(groups);
}

/* --- CSV --- */

static void put_cycle(FILE *out, cycle_t cycle)
{
    if (cycle != NEVER) {
        fprintf(out, "%" PRIu64, cycle);
    }
    fputc(',', out);
}

static void put_us(FILE *out, const struct serve *s, cycle_t cycles, char end)
{
    if (cycles != NEVER) {
        fprintf(out, "%.3f", us(s, (double)cycles));
    }
    fputc(end, out);
}

void serve_report_csv(const struct server *server, FILE *out)
{
    const struct serve *s = &server->whole;
    fputs("request,tenant,adapter,prompt_tokens,output_tokens,slot,swap,arrives_at_cycle,started_at_cycle,load_requested_at_cycle,"
          "loaded_at_cycle,running_at_cycle,first_token_at_cycle,done_at_cycle,overtaken,restarts,end,time_to_first_token_us,whole_request_"
          "us,card\n",
          out);
    for (uint32_t i = 0; i < s->drawn.count; i++) {
        const struct request *r = &s->requests[i];
        fprintf(out, "%" PRIu32 ",%s,%s,%d,%d,%d,%s,", i, s->workload->tenants[s->drawn.items[i].tenant].name,
                r->adapter >= 0 ? s->adapters[r->adapter].name : "none", r->n_prompt, r->n_generated, r->slot,
                r->adapter_load  ? "load"
                : r->adapter_hit ? "hit"
                                 : "none");
        put_cycle(out, r->arrives_at);
        put_cycle(out, r->started_at);
        put_cycle(out, r->load_requested_at);
        put_cycle(out, r->loaded_at);
        put_cycle(out, r->running_at);
        put_cycle(out, r->n_generated ? r->generated_at[0] : NEVER);
        put_cycle(out, r->done_at);
        fprintf(out, "%" PRIu32 ",%" PRIu32 ",%s,", r->overtaken, r->restarts, r->state == REQUEST_DONE ? "done" : "dropped");
        put_us(out, s, r->n_generated ? r->generated_at[0] - r->arrives_at : NEVER, ',');
        put_us(out, s, r->state == REQUEST_DONE ? r->done_at - r->arrives_at : NEVER, ',');
        fprintf(out, "%" PRIu32 "\n", server->card_of[i]);
    }
}
