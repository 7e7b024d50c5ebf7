#include "sim/report.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/metrics.h"
#include "sim/params.h"
#include "sim/physical_report.h"
#include "sim/sram_use.h"

/* -- figures that both forms print -- */

struct figures { /* of one request */
    uint64_t first_token_cycles, last_token_cycles;
    double cycles_per_token; /* between tokens after the first; 0 when there is only one */
    double tokens_per_second;
};

static struct figures figures_of(const struct run *run, const struct request *r)
{
    struct figures f = {.first_token_cycles = r->generated_at[0], .last_token_cycles = r->generated_at[r->n_generated - 1]};
    if (r->n_generated > 1) {
        f.cycles_per_token = (double)(f.last_token_cycles - f.first_token_cycles) / (r->n_generated - 1);
        f.tokens_per_second = run->config.clock_mhz * 1e6 / f.cycles_per_token;
    }
    return f;
}

static double microseconds(const struct run *run, double cycles)
{
    return cycles / run->config.clock_mhz;
}

struct kind_sum { /* units of one kind, over all layers */
    uint32_t n_units;
    uint64_t state_cycles[UNIT_STATES];
};

static struct kind_sum sum_kind(const struct chip *c, enum unit_kind kind)
{
    struct kind_sum sum = {0};
    for (uint32_t i = 0; i < c->n_units; i++) {
        if (c->units[i]->kind == kind) {
            sum.n_units++;
            for (int s = 0; s < UNIT_STATES; s++) {
                sum.state_cycles[s] += c->units[i]->state_cycles[s];
            }
        }
    }
    return sum;
}

static const char *adapter_name(const struct run *run, const struct request *r)
{
    return r->adapter >= 0 ? run->adapters[r->adapter].name : "none";
}

static double metric(const struct observation *o, int index)
{
    return metrics[index].value(o);
}

/* -- for people -- */

static void bar(FILE *out, double busy, double stalled)
{
    enum { WIDTH = 20 };
    int n_busy = (int)(busy * WIDTH + 0.5), n_all = (int)((busy + stalled) * WIDTH + 0.5);
    for (int i = 0; i < WIDTH; i++) {
        fputc(i < n_busy ? '#' : i < n_all ? '-' : '.', out);
    }
}

static void print_unit(const struct run *run, enum unit_kind kind, FILE *out)
{
    struct kind_sum sum = sum_kind(run->chip, kind);
    double all = (double)run->chip->now * sum.n_units;
    double busy = (double)sum.state_cycles[UNIT_BUSY] / all, stalled = 0;
    for (int s = UNIT_BUSY + 1; s < UNIT_STATES; s++) {
        stalled += (double)sum.state_cycles[s] / all;
    }
    fprintf(out, "%-14s x%-2" PRIu32 " ", unit_kind_names[kind], sum.n_units);
    bar(out, busy, stalled);
    fprintf(out, "%6.2f %%", 100 * busy);
    for (int s = UNIT_BUSY + 1; s < UNIT_STATES; s++) {
        if (sum.state_cycles[s]) {
            fprintf(out, "  %s %.2f %%", unit_state_names[s], 100 * (double)sum.state_cycles[s] / all);
        }
    }
}

/* Where the cycles of request 0's tokens went: per token after the first, or of the first if it is the only one. */
static uint64_t places_of(const struct request *r, uint64_t cycles[PLACES])
{
    uint64_t total = 0;
    for (int p = 0; p < PLACES; p++) {
        cycles[p] = r->n_generated > 1 ? r->account_cycles[p] - r->first_token_account_cycles[p] : r->account_cycles[p];
        total += cycles[p];
    }
    return total;
}

static const char *places_title(const struct run *run)
{
    if (run->requests[0].n_generated == 1) {
        return "cycles of the first token, by place";
    }
    return run->n_requests > 1 ? "cycles per token of the first sequence" : "cycles per token, by place";
}

/* This kind or the first behind it of which the chip has any. */
static int next_kind(const struct run *run, int kind)
{
    while (kind < UNIT_KINDS && sum_kind(run->chip, (enum unit_kind)kind).n_units == 0) {
        kind++;
    }
    return kind;
}

/* Two columns: a token's cycles at the left, the units at the right. */
static void print_tables(const struct run *run, FILE *out)
{
    const struct request *r = &run->requests[0];
    uint64_t cycles[PLACES], total = places_of(r, cycles);
    int tokens = r->n_generated > 1 ? r->n_generated - 1 : 1, place = 0, kind = next_kind(run, 0);
    fprintf(out, "%-47s%s\n", places_title(run), "units: # busy  - stalled  . idle, of all cycles");
    while (place < PLACES || kind < UNIT_KINDS) {
        while (place < PLACES && cycles[place] == 0) {
            place++;
        }
        if (place < PLACES) {
            fprintf(out, "  %-24s %9.1f %5.1f %%  ", place_labels[place], (double)cycles[place] / tokens,
                    100.0 * (double)cycles[place] / (double)total);
            place++;
        } else {
            fprintf(out, "%-45s", "");
        }
        if (kind < UNIT_KINDS) {
            print_unit(run, (enum unit_kind)kind, out);
            kind = next_kind(run, kind + 1);
        }
        fputc('\n', out);
        if (place == PLACES) {
            place++;
        }
        if (kind == UNIT_KINDS && place >= PLACES) {
            break;
        }
    }
    fprintf(out, "  %-24s %9.1f  exactly the %" PRIu64 " cycles of %d token%s\n", "sum", (double)total / tokens, total, tokens,
            tokens == 1 ? "" : "s");
}

static void print_request(const struct run *run, const struct request *r, FILE *out)
{
    struct figures f = figures_of(run, r);
    fprintf(out, "  %-16s %4d tokens  first after %.2f us", adapter_name(run, r), r->n_generated,
            microseconds(run, (double)f.first_token_cycles));
    if (r->n_generated > 1) {
        fprintf(out, "  then %.1f cycles/token, %.0f tokens/s", f.cycles_per_token, f.tokens_per_second);
    }
    fprintf(out, "\n");
}

static struct estimate estimate(const struct run *run)
{
    struct estimate e;
    estimate_of(&run->physics, run->chip, run->image.rom_bits, run->requests, run->n_requests, NULL, &e);
    return e;
}

static void print_memory(const struct run *run, FILE *out)
{
    struct sram_use use = sram_use(run->chip);
    sram_use_print(&use, out);
    fprintf(out, "ROM %.3f Mbit   ", (double)run->image.rom_bits * 1e-6);
    trace_print(run->trace, out);
}

void report_text(const struct run *run, FILE *out)
{
    enum { REQUESTS_SHOWN = 8 };
    struct observation o = run_observe(run);
    uint64_t tokens = observation_tokens(&o);
    double us = microseconds(run, (double)run->chip->now);
    fprintf(out, "chip %s   model %s   prompt %d tokens, generated %" PRIu64 " in %" PRIu64 " cycles = %.2f us at %" PRIu32 " MHz\n",
            run->config.name, run->image.name, run->prompt.count, tokens, run->chip->now, us, run->config.clock_mhz);
    for (uint32_t i = 0; i < run->n_requests && i < REQUESTS_SHOWN; i++) {
        print_request(run, &run->requests[i], out);
    }
    if (run->n_requests > REQUESTS_SHOWN) {
        fprintf(out, "  ... and %" PRIu32 " more\n", run->n_requests - REQUESTS_SHOWN);
    }
    if (run->n_requests > 1) {
        fprintf(out, "  all %" PRIu32 " sequences: %.0f tokens/s, %.1f cycles per token of the chip\n", run->n_requests,
                (double)tokens / us * 1e6, (double)run->chip->now / (double)tokens);
    }
    print_tables(run, out);
    print_memory(run, out);
    struct estimate e = estimate(run);
    estimate_print(&e, out);
}

/* -- JSON -- */

static cJSON *json_units(const struct chip *c)
{
    cJSON *units = cJSON_CreateObject();
    for (uint32_t i = 0; i < c->n_units; i++) {
        char name[CHIP_NAME_ROOM];
        const struct unit *u = c->units[i];
        cJSON *unit = cJSON_AddObjectToObject(units, chip_unit_name(u, name));
        cJSON_AddNumberToObject(unit, "busy_cycles", (double)u->state_cycles[UNIT_BUSY]);
        cJSON_AddNumberToObject(unit, "idle_cycles", (double)u->state_cycles[UNIT_IDLE]);
        cJSON *stalls = cJSON_AddObjectToObject(unit, "stall_cycles");
        for (int s = UNIT_BUSY + 1; s < UNIT_STATES; s++) {
            cJSON_AddNumberToObject(stalls, unit_state_names[s], (double)u->state_cycles[s]);
        }
        cJSON_AddNumberToObject(unit, "utilisation", (double)u->state_cycles[UNIT_BUSY] / (double)c->now);
    }
    return units;
}

/* JSON is UTF-8, but a model may write bytes that are not: each becomes U+FFFD. */
static char *replace_bad_bytes(const char *text, size_t length)
{
    char *clean = malloc(3 * length + 1);
    size_t used = 0;
    ES_ASSERT(clean);
    for (size_t at = 0; at < length;) {
        uint32_t bytes = utf8_character_bytes(text + at, length - at);
        memcpy(clean + used, bytes ? text + at : "\xef\xbf\xbd", bytes ? bytes : 3);
        used += bytes ? bytes : 3;
        at += bytes ? bytes : 1;
    }
    clean[used] = 0;
    return clean;
}

static cJSON *json_text(const struct run *run, const struct request *r)
{
    size_t length = 0;
    char *text = run_text(run, r, 0, r->n_generated, &length), *clean = replace_bad_bytes(text, length);
    cJSON *json = cJSON_CreateString(clean);
    free(text);
    free(clean);
    return json;
}

static void add_request(cJSON *object, const struct run *run, const struct request *r)
{
    struct figures f = figures_of(run, r);
    cJSON_AddStringToObject(object, "adapter", adapter_name(run, r));
    cJSON_AddNumberToObject(object, "prompt_tokens", r->n_prompt);
    cJSON_AddNumberToObject(object, "tokens", r->n_generated);
    cJSON_AddItemToObject(object, "token_ids", cJSON_CreateIntArray(r->generated, run->options.timing_only ? 0 : r->n_generated));
    cJSON_AddItemToObject(object, "text", json_text(run, r));
    cJSON_AddNumberToObject(object, "cycles_per_token", f.cycles_per_token);
    cJSON_AddNumberToObject(object, "tokens_per_second", f.tokens_per_second);
    cJSON_AddNumberToObject(object, "time_to_first_token_us", microseconds(run, (double)f.first_token_cycles));
    cJSON *first = cJSON_AddObjectToObject(object, "first_token_cycles");
    cJSON *later = cJSON_AddObjectToObject(object, "later_tokens_cycles");
    for (int p = 0; p < PLACES; p++) {
        cJSON_AddNumberToObject(first, place_names[p], (double)r->first_token_account_cycles[p]);
        cJSON_AddNumberToObject(later, place_names[p], (double)(r->account_cycles[p] - r->first_token_account_cycles[p]));
    }
}

static cJSON *json_sram(const struct observation *o)
{
    static const struct {
        const char *key;
        int metric;
    } rows[] = {{"capacity_bytes", METRIC_sram_capacity_bytes},
                {"slots_bytes", METRIC_sram_slots_bytes},
                {"ends_bytes", METRIC_sram_ends_bytes},
                {"adapters_bytes", METRIC_sram_adapters_bytes},
                {"adapters_packed_bytes", METRIC_sram_adapters_packed_bytes},
                {"kv_bytes", METRIC_sram_kv_bytes},
                {"kv_used_bytes", METRIC_sram_kv_used_bytes}};
    cJSON *sram = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cJSON_AddNumberToObject(sram, rows[i].key, metric(o, rows[i].metric));
    }
    for (enum sram_client client = 0; client < SRAM_CLIENTS; client++) {
        cJSON *json = cJSON_AddObjectToObject(sram, sram_client_names[client]);
        cJSON_AddNumberToObject(json, "words", (double)o->banks.words[client]);
        cJSON_AddNumberToObject(json, "lost_cycles", (double)o->banks.lost_cycles[client]);
    }
    return sram;
}

/* What binds (limits.h). */
static void add_limits(cJSON *root, const struct limits *l)
{
    cJSON *json = cJSON_AddObjectToObject(root, "limits");
    cJSON_AddItemToObject(json, "token", isnan(l->token_cycles[0]) ? cJSON_CreateNull() : cJSON_CreateString(limit_names[l->token]));
    cJSON_AddStringToObject(json, "first_token", limit_names[l->first_token]);
    cJSON_AddStringToObject(json, "throughput", limit_names[l->throughput]);
    cJSON_AddStringToObject(json, "busiest_unit", unit_kind_names[l->busiest->kind]);
}

/* Every row of metrics.def; null where there is no value. */
static cJSON *json_metrics(const struct observation *o)
{
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < METRIC_COUNT; i++) {
        cJSON_AddNumberToObject(json, metrics[i].name, metric(o, i));
    }
    return json;
}

static void add_hash(cJSON *object, const char *key, uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    cJSON_AddStringToObject(object, key, text);
}

static cJSON *json_adapters(const struct run *run)
{
    cJSON *adapters = cJSON_CreateArray();
    for (int32_t i = 0; i < run->n_adapters; i++) {
        cJSON *adapter = cJSON_CreateObject();
        cJSON_AddStringToObject(adapter, "name", run->adapters[i].name);
        add_hash(adapter, "hash", run->adapters[i].hash);
        cJSON_AddItemToArray(adapters, adapter);
    }
    return adapters;
}

/* All parameters of the chip as they were used, so that a result names its config. */
static cJSON *json_parameters(const struct chip_config *config)
{
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter *p = &parameters[i];
        int length = 0;
        const char *word = p->words ? parameter_word(p, parameter_get(p, config), &length) : NULL;
        if (word) {
            char text[64];
            snprintf(text, sizeof text, "%.*s", length, word);
            cJSON_AddStringToObject(json, p->key, text);
        } else {
            cJSON_AddNumberToObject(json, p->key, parameter_get(p, config));
        }
    }
    return json;
}

static cJSON *json_inputs(const struct run *run)
{
    char seed[24];
    cJSON *inputs = cJSON_CreateObject();
    snprintf(seed, sizeof seed, "%" PRIu64, run->options.seed); /* a double would lose digits */
    if (run->options.prompt) {
        cJSON_AddStringToObject(inputs, "prompt", run->options.prompt);
    } else {
        cJSON_AddNullToObject(inputs, "prompt");
    }
    cJSON_AddRawToObject(inputs, "seed", seed);
    cJSON_AddNumberToObject(inputs, "temperature", run->options.temperature);
    cJSON_AddNumberToObject(inputs, "top_p", run->options.top_p);
    cJSON_AddBoolToObject(inputs, "timing_only", run->options.timing_only);
    if (run->options.synthetic_weights) {
        snprintf(seed, sizeof seed, "%" PRIu64, run->options.weights_seed);
        cJSON_AddRawToObject(inputs, "synthetic_weights", seed);
    }
    add_hash(inputs, "model_hash", run->image.hash);
    cJSON_AddItemToObject(inputs, "adapters", json_adapters(run));
    cJSON_AddItemToObject(inputs, "chip_parameters", json_parameters(&run->config));
    return inputs;
}

void report_json(const struct run *run, FILE *out)
{
    cJSON *root = cJSON_CreateObject();
    const struct slots *slots = &run->chip->sequencer.slots;
    struct observation o = run_observe(run);
    cJSON_AddStringToObject(root, "schema", "etchsim-run-1");
    cJSON_AddStringToObject(root, "chip", run->config.name);
    cJSON_AddStringToObject(root, "model", run->image.name);
    cJSON_AddNumberToObject(root, "clock_mhz", run->config.clock_mhz);
    cJSON_AddNumberToObject(root, "cycles", (double)run->chip->now);
    add_request(root, run, &run->requests[0]);
    cJSON_AddNumberToObject(root, "total_tokens_per_second", metric(&o, METRIC_total_tokens_per_second));
    cJSON *sequences = cJSON_AddArrayToObject(root, "sequences");
    for (uint32_t i = 0; i < run->n_requests; i++) {
        cJSON *sequence = cJSON_CreateObject();
        add_request(sequence, run, &run->requests[i]);
        cJSON_AddItemToArray(sequences, sequence);
    }
    cJSON_AddItemToObject(root, "units", json_units(run->chip));
    cJSON_AddItemToObject(root, "sram", json_sram(&o));
    cJSON *json_slots = cJSON_AddObjectToObject(root, "slots");
    cJSON_AddNumberToObject(json_slots, "count", slots->count);
    cJSON_AddNumberToObject(json_slots, "hits", (double)slots->hits);
    cJSON_AddNumberToObject(json_slots, "loads", (double)slots->loads);
    cJSON_AddNumberToObject(json_slots, "evictions", (double)slots->evictions);
    struct estimate e = estimate(run);
    cJSON_AddItemToObject(root, "physical", estimate_json(&e));
    cJSON_AddNumberToObject(root, "rom_bits", (double)run->image.rom_bits);
    if (run->trace) {
        cJSON_AddNumberToObject(root, "trace_events", (double)trace_events(run->trace));
        add_hash(root, "trace_hash", trace_hash(run->trace));
    } else {
        cJSON_AddNullToObject(root, "trace_events");
        cJSON_AddNullToObject(root, "trace_hash");
    }
    add_limits(root, &o.limits);
    cJSON_AddItemToObject(root, "metrics", json_metrics(&o));
    cJSON_AddItemToObject(root, "inputs", json_inputs(run));
    char *text = cJSON_Print(root);
    fprintf(out, "%s\n", text);
    free(text);
    cJSON_Delete(root);
}
