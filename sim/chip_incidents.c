/* chip_incidents.c -- what happens to a chip beside its requests: adapters replaced, transfers broken, bits flipped (incident.h). */
#include <inttypes.h>
#include <string.h>

#include "sim/chip_internal.h"

static bool complain(const struct chip *c, const struct incident *what, struct error *e, const char *expected)
{
    return error_input(e, "%s: %s of adapter %.100s in cycle %" PRIu64 ": expected %s", c->config.name, incident_names[what->kind],
                       what->adapter >= 0 ? c->dma.adapters[what->adapter].name : "none", what->at, expected);
}

static bool check_incident(const struct chip *c, const struct incident *what, struct error *e)
{
    const struct sequencer *u = &c->sequencer;
    if (what->kind == INCIDENT_FLIP && what->part == FLIP_KV) {
        return (what->layer >= 0 && what->layer < c->shape.n_layers) || complain(c, what, e, "a layer of the model, for the KV rows in it");
    }
    ES_ASSERT(what->adapter >= 0 && what->adapter < (int32_t)u->slots.n_adapters);
    bool replaces = what->kind == INCIDENT_RELOAD || what->kind == INCIDENT_UNLOAD;
    if (replaces &&
        (what->adapter < (int32_t)u->slots.pinned || (what->kind == INCIDENT_RELOAD && what->version < (int32_t)u->slots.pinned))) {
        return complain(c, what, e, "none that is pinned");
    }
    const struct adapter *adapter = &c->dma.adapters[what->adapter];
    if (!replaces && (what->layer < adapter_first_layer(adapter) || what->layer > adapter_last_layer(adapter))) {
        return complain(c, what, e, "a layer of the model, or an end for which it has a pair");
    }
    if (what->kind == INCIDENT_FLIP) {
        const struct linear_range linears = layer_linears(c->shape.n_layers, what->layer);
        for (enum linear which = linears.first; which < linears.end; which++) {
            if (adapter_pair(adapter, what->layer, which)->rank > 0) {
                return true;
            }
        }
        return complain(c, what, e, "a layer in which it has weights");
    }
    return true;
}

static void *copy(struct chip *c, const void *from, size_t n, size_t size)
{
    return memcpy(chip_keep(c, n, size), from, n * size);
}

static void damage_pair(struct chip *c, const struct incident *what, struct lora_pair *pair, uint64_t seed)
{
    size_t rank = (size_t)pair->rank, n_a = rank * (size_t)pair->n_in, n_out = (size_t)pair->n_out, n_b = rank * n_out;
    if (what->part == FLIP_SCALES) {
        uint16_t *a = copy(c, pair->scale_a, rank, sizeof *a), *b = copy(c, pair->scale_b, n_out, sizeof *b);
        damage_scale(a, rank, b, n_out, what->count, seed);
        pair->scale_a = a;
        pair->scale_b = b;
    } else {
        int8_t *a = copy(c, pair->a, n_a, sizeof *a), *b = copy(c, pair->b, n_b, sizeof *b);
        damage_weight(a, n_a, b, n_b, what->count, seed);
        pair->a = a;
        pair->b = b;
    }
}

/* The adapter with flipped bits: all but one pair's are the adapter's own. */
static void set_damage(struct chip *c, const struct incident *what, struct damage *d, uint64_t seed)
{
    *d = (struct damage){.layer = what->layer, .bits = what->count, .draw = seed, .from = NEVER};
    if (what->part == FLIP_KV) {
        return;
    }
    const struct adapter *whole = &c->dma.adapters[what->adapter];
    const struct linear_range linears = layer_linears(whole->n_layers, what->layer);
    enum linear which = linears.first + (enum linear)(seed % (uint64_t)(linears.end - linears.first));
    while (adapter_pair(whole, what->layer, which)->rank == 0) {
        which = which + 1 < linears.end ? which + 1 : linears.first;
    }
    d->linear = (int32_t)which;
    if (!c->model) {
        return;
    }
    size_t n_pairs = (size_t)pair_count(whole->n_layers);
    struct adapter *broken = copy(c, whole, 1, sizeof *whole);
    struct lora_pair *pairs = copy(c, whole->pairs, n_pairs, sizeof *pairs);
    damage_pair(c, what, &pairs[pair_index(whole->n_layers, what->layer, which)], seed);
    broken->pairs = pairs;
    d->adapter = broken;
}

static void keep_incidents(struct chip *c, const struct incident *incidents, uint32_t n, uint64_t seed)
{
    struct sequencer *u = &c->sequencer;
    u->incidents = c->dma.incidents = incidents;
    u->n_incidents = c->dma.n_incidents = n;
    u->damage = chip_keep(c, n, sizeof *u->damage);
    c->dma.incidents_left = chip_keep(c, n, sizeof *c->dma.incidents_left);
    c->map.damage = chip_keep(c, u->slots.count, sizeof(const struct damage *));
    u->version = chip_keep(c, u->slots.n_adapters, sizeof *u->version);
    u->queue.version = u->version;
    for (uint32_t i = 0; i < u->slots.n_adapters; i++) {
        u->version[i] = (int32_t)i;
    }
    for (uint32_t i = 0; i < n; i++) {
        c->dma.incidents_left[i] = incidents[i].count;
        if (incidents[i].kind == INCIDENT_FLIP && incidents[i].part == FLIP_KV && !c->map.kv_damage) {
            c->map.kv_damage = chip_keep(c, u->n_sequences, sizeof(const struct damage *));
        }
        if (incidents[i].kind == INCIDENT_FLIP) {
            set_damage(c, &incidents[i], &u->damage[i], seed + i);
        }
    }
}

bool chip_set_incidents(struct chip *c, const struct incident *incidents, uint32_t n, uint64_t seed, struct error *e)
{
    for (uint32_t i = 0; i < n; i++) {
        ES_ASSERT(i == 0 || incidents[i].at >= incidents[i - 1].at);
        if (!check_incident(c, &incidents[i], e)) {
            return false;
        }
        for (uint32_t j = 0; j < i && incidents[i].kind == INCIDENT_RELOAD; j++) {
            if (incidents[j].kind == INCIDENT_RELOAD && incidents[j].version == incidents[i].version &&
                incidents[j].adapter != incidents[i].adapter) {
                return complain(c, &incidents[i], e, "a version that is no other adapter's");
            }
        }
    }
    if (setjmp(c->out_of_memory)) {
        return error_input(e, "%s: not enough memory for adapters with flipped bits", c->config.name);
    }
    keep_incidents(c, incidents, n, seed);
    return true;
}
