#include "sim/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/physical_report.h"
#include "sim/sram_use.h"

/* -- figures -- */

double observation_us(const struct observation *o, double cycles)
{
    return cycles / o->chip->config.clock_mhz;
}

uint64_t observation_tokens(const struct observation *o)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < o->n_requests; i++) {
        total += (uint64_t)o->requests[i].n_generated;
    }
    return total;
}

double observation_word_bytes(const struct observation *o)
{
    return o->chip->map.width_bits / 8.0 * o->chip->shape.n_layers;
}

static double cycles_per_token(const struct observation *o)
{
    const struct request *r = &o->requests[0];
    int32_t later = r->n_generated - 1;
    return later > 0 ? (double)(r->generated_at[later] - r->generated_at[0]) / later : NAN;
}

static double token_place(const struct observation *o, enum place place)
{
    const struct request *r = &o->requests[0];
    double later = r->n_generated - 1;
    return later > 0 ? (double)(r->account_cycles[place] - r->first_token_account_cycles[place]) / later : NAN;
}

static double unit_share(const struct observation *o, enum unit_kind kind, bool stalled)
{
    const struct chip *c = o->chip;
    uint64_t cycles = 0, units = 0;
    for (uint32_t i = 0; i < c->n_units; i++) {
        const struct unit *u = c->units[i];
        if (u->kind == kind) {
            units++;
            cycles += u->state_cycles[UNIT_BUSY];
            for (int s = UNIT_BUSY + 1; s < UNIT_STATES && stalled; s++) {
                cycles += u->state_cycles[s];
            }
            cycles -= stalled ? u->state_cycles[UNIT_BUSY] : 0;
        }
    }
    return units ? (double)cycles / ((double)units * (double)c->now) : NAN;
}

struct swap_time swap_time(const struct chip *chip, const struct request *requests, uint32_t n_requests)
{
    const struct host_port *port = &chip->host_port;
    struct swap_time t = {.queue = port->queue_cycles,
                          .transfer = port->transfer_sum_cycles,
                          .tensor = port->tensor_sum_cycles,
                          .wire = port->wire_cycles,
                          .contention = chip->dma.contention_cycles,
                          .loads = chip->sequencer.slots.renewals,
                          .load_cycles = chip->sequencer.slots.renewal_load_cycles,
                          .drain = chip->sequencer.slots.renewal_drain_cycles};
    for (uint32_t i = 0; i < n_requests; i++) {
        const struct request *r = &requests[i];
        if (r->adapter_load) {
            t.loads++;
            t.load_cycles += (r->loaded_at != NEVER ? r->loaded_at : r->done_at) - r->load_requested_at;
            t.drain += r->slot_wanted_at != NEVER ? r->load_requested_at - r->slot_wanted_at : 0;
        }
    }
    uint64_t known = t.queue + t.transfer + t.tensor + t.wire + t.contention;
    t.write = t.load_cycles > known ? t.load_cycles - known : 0;
    return t;
}

static double swap_part(const struct observation *o, uint64_t cycles)
{
    return o->swap.loads ? observation_us(o, (double)cycles / (double)o->swap.loads) : NAN;
}

struct bank_accesses bank_accesses(const struct chip *c)
{
    struct bank_accesses b = {0};
    for (uint32_t i = 0; i < chip_srams(c); i++) {
        const struct sram *sram = chip_sram(c, i);
        b.all_words += (double)c->now * sram->n_banks * sram->ports;
        for (enum sram_client k = 0; k < SRAM_CLIENTS; k++) {
            b.words[k] += sram->words[k];
            b.lost_cycles[k] += sram->lost_cycles[k];
        }
    }
    return b;
}

static double bank_ports_utilisation(const struct observation *o)
{
    double words = 0;
    for (enum sram_client k = 0; k < SRAM_CLIENTS; k++) {
        words += (double)o->banks.words[k];
    }
    return words / o->banks.all_words;
}

static double bank_ports_lost(const struct observation *o)
{
    double lost = 0;
    for (enum sram_client k = 0; k < SRAM_CLIENTS; k++) {
        lost += (double)o->banks.lost_cycles[k];
    }
    return lost;
}

/* -- over all requests -- */

static int compare_cycles(const void *a, const void *b)
{
    cycle_t x = *(const cycle_t *)a, y = *(const cycle_t *)b;
    return (x > y) - (x < y);
}

static cycle_t nearest_rank(const cycle_t *sorted, size_t n, uint32_t p)
{
    size_t rank = (n * p + 99) / 100;
    return n ? sorted[rank ? rank - 1 : 0] : 0;
}

cycle_t percentile(cycle_t *values, size_t n, uint32_t p)
{
    qsort(values, n, sizeof *values, compare_cycles);
    return nearest_rank(values, n, p);
}

static struct spread spread_of(cycle_t *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_cycles);
    return (struct spread){nearest_rank(values, n, 50), nearest_rank(values, n, 99)};
}

void observe_before(struct observation *o)
{
    if (o->physics) {
        physical_corners(o->physics, o->chip, o->rom_bits, o->requests, o->n_requests, o->physical);
    }
}

void observe(struct observation *o)
{
    observe_before(o);
    size_t n = 0;
    cycle_t *values = calloc(observation_tokens(o) + o->n_requests + 1, sizeof *values);
    ES_ASSERT(values);
    for (uint32_t i = 0; i < o->n_requests; i++) { /* one that was dropped may have no token */
        if (o->requests[i].n_generated > 0) {
            values[n++] = o->requests[i].generated_at[0] - o->requests[i].arrives_at;
        }
    }
    o->first_token = spread_of(values, n);
    n = 0;
    for (uint32_t i = 0; i < o->n_requests; i++) {
        if (o->requests[i].state == REQUEST_DONE) {
            values[n++] = o->requests[i].done_at - o->requests[i].arrives_at;
        }
    }
    o->whole_request = spread_of(values, n);
    n = 0;
    for (uint32_t i = 0; i < o->n_requests; i++) {
        const struct request *r = &o->requests[i];
        for (int32_t t = 1; t < r->n_generated; t++) {
            values[n++] = r->generated_at[t] - r->generated_at[t - 1];
        }
    }
    o->between_tokens = spread_of(values, n);
    free(values);
    o->swap = swap_time(o->chip, o->requests, o->n_requests);
    o->banks = bank_accesses(o->chip);
    o->limits = limits_of(o->chip, o->requests, o->n_requests);
}

/* -- area, energy, cost -- */

#define RESULT(stem, suffix, unit, better, known, shown, meaning, value) \
    static double result_##stem##_##suffix(const struct physical *p)     \
    {                                                                    \
        return (value);                                                  \
    }
#include "sim/physical_results.def"
#undef RESULT

static double at_corner(const struct observation *o, enum corner corner, double (*result)(const struct physical *p))
{
    return o->physics ? result(&o->physical[corner]) : NAN;
}

static double component_area_mm2(const struct observation *o, enum component component)
{
    return o->physics ? o->physical[CORNER_NOMINAL].area_mm2[component] : NAN;
}

static double component_energy_mj(const struct observation *o, enum component component)
{
    return o->physics ? 1e3 * o->physical[CORNER_NOMINAL].dynamic_j[component] / (double)observation_tokens(o) : NAN;
}

/* -- the list -- */

#define METRIC(name, unit, better, known, meaning, value)   \
    static double value_##name(const struct observation *o) \
    {                                                       \
        return (value);                                     \
    }
#include "sim/metrics.def"
#undef METRIC

const struct metric metrics[METRIC_COUNT] = {
#define METRIC(name, unit, better, known, meaning, value) {#name, unit, meaning, BETTER_##better, KNOWN_##known, value_##name},
#include "sim/metrics.def"
#undef METRIC
};

const struct metric *metric_find(const char *name)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        if (strcmp(metrics[i].name, name) == 0) {
            return &metrics[i];
        }
    }
    return NULL;
}

void metrics_help(FILE *out)
{
    static const char *const words[] = {[BETTER_NEITHER] = "", [BETTER_HIGHER] = "higher", [BETTER_LOWER] = "lower"};
    fputs("A run's results: `metrics` of run --json, columns, constraints, objective and Pareto metrics of a sweep. `before`: known "
          "without a run.\n\n"
          "name                                     unit          better  known   meaning\n",
          out);
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric *m = &metrics[i];
        fprintf(out, "%-40s %-13s %-7s %-7s %s\n", m->name, m->unit, words[m->better], m->known == KNOWN_BEFORE ? "before" : "after",
                m->meaning);
    }
}
