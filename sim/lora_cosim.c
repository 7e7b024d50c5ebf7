#include "sim/lora_cosim_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lora_rtl.h"
#include "sim/sram.h"

static bool traced(const struct cosim_layer *l)
{
    return l->all->options.layer < 0 || l->layer == l->all->options.layer;
}

/* -- what the unit sees -- */

/* The embedding's pair with the columns of one block of tokens, zero past the last one. */
static struct lora_pair pair_of_block(const struct lora_pair *p, uint32_t inputs, uint32_t block, int8_t *columns)
{
    struct lora_pair part = *p;
    for (uint32_t j = 0; j < (uint32_t)p->rank; j++) {
        for (uint32_t i = 0, token = block * inputs; i < inputs; i++, token++) {
            columns[j * inputs + i] = token < (uint32_t)p->n_in ? p->a[(size_t)j * (size_t)p->n_in + token] : 0;
        }
    }
    part.n_in = (int32_t)inputs;
    part.a = columns;
    return part;
}

static void pack_regions(const struct cosim_layer *l, const struct token *token, const struct lora_job *job, struct regions *r)
{
    const struct lora_geometry *u = &l->all->geometry;
    const enum linear_group group = l->unit->first_group + r->port;
    const struct lora_pair *pairs[GROUP_LINEARS_MAX] = {NULL};
    for (uint32_t i = 0; i < linears_count(group); i++) {
        pairs[i] = adapter_pair(token->adapter, l->layer, linears_first(group) + i);
    }
    if (group != LINEARS_EMBEDDING) {
        lora_layout_pack(u, job, pairs, r->a, r->b);
        return;
    }
    const struct lora_pair *whole = adapter_pair(token->adapter, l->layer, LINEAR_EMBEDDING);
    int8_t *columns = calloc((size_t)whole->rank * job->inputs, 1);
    ES_ASSERT(columns);
    const struct lora_pair part = pair_of_block(whole, job->inputs, r->block, columns);
    pairs[0] = &part;
    lora_layout_pack(u, job, pairs, r->a, r->b);
    free(columns);
}

/* Packed when they are first read; of the embedding whenever another block is. */
static const struct regions *regions_of(struct cosim_layer *l, const struct token *token, uint32_t port, const struct lora_job *job)
{
    struct lora_cosim *all = l->all;
    size_t adapter = (size_t)(token->adapter - all->chip->sequencer.adapters);
    struct regions *r = &l->regions[adapter][port];
    const uint32_t block = l->unit->first_group + port == LINEARS_EMBEDDING ? (uint32_t)token->id / job->inputs : 0;
    const bool packed = r->a && r->block == block;
    if (!r->a) {
        const struct lora_geometry *u = &all->geometry;
        uint64_t row_bits = (uint64_t)u->row_words * u->sram_width_bits;
        r->a = calloc(lora_job_a_rows(u, job) * row_bits / 32 + 2, sizeof *r->a);
        r->b = calloc(lora_job_b_rows(u, job) * row_bits / 32 + 2, sizeof *r->b);
        ES_ASSERT(r->a && r->b);
    }
    if (!packed) {
        r->port = port;
        r->block = block;
        pack_regions(l, token, job, r);
    }
    return r;
}

/* The beats that wait on the links. */
static void see_x(struct cosim_layer *l, cycle_t now, struct lora_inputs *in)
{
    struct lora_mac *u = l->unit;
    for (uint32_t g = 0; g < u->n_groups; g++) {
        const struct burst *x = link_front(u->in_x[g], now);
        if (!x) {
            continue;
        }
        if (l->job_token[g] != x->token || l->job_first[g] != x->first) {
            l->job[g] = lora_mac_job(u, g, x->token);
            l->job_token[g] = x->token;
            l->job_first[g] = x->first;
        }
        uint32_t left = l->job[g].inputs - l->taken[g], n = l->job[g].beat_elements < left ? l->job[g].beat_elements : left;
        memset(l->all->beat[g], 0, l->all->geometry.link_elements);
        memcpy(l->all->beat[g], x->act.m + l->taken[g], n);
        in->x_valid[g] = true;
        in->x[g] = l->all->beat[g];
        in->job[g] = l->job[g];
    }
}

/* The words that were granted so long ago that they are here now. */
static void see_words(struct cosim_layer *l, cycle_t now, struct lora_inputs *in)
{
    const struct lora_geometry *u = &l->all->geometry;
    cycle_t way = u->sram_latency_cycles + 1;
    in->word_count = now >= way ? sram_lora_grant(l->sram, now - way) : 0;
    in->words = l->all->word_buffer;
    uint32_t width = u->sram_width_bits;
    for (uint32_t w = 0; w < in->word_count; w++) {
        const struct lora_job *job = &l->serving;
        uint32_t address = l->next_address_words + w;
        bool b = address >= job->b_address_words;
        uint64_t from = (uint64_t)(address - (b ? job->b_address_words : job->a_address_words)) * width;
        for (uint32_t bit = 0; bit < width; bit += 32) {
            uint32_t n = width - bit < 32 ? width - bit : 32;
            bits_put(l->all->word_buffer, (uint64_t)w * width + bit, n, bits_get(b ? l->fetched->b : l->fetched->a, from + bit, n));
        }
    }
    ES_ASSERT(in->word_count <= l->words_left);
    l->next_address_words += in->word_count;
    l->words_left -= in->word_count;
}

static void see_room(const struct cosim_layer *l, cycle_t now, struct lora_inputs *in)
{
    const struct lora_mac *u = l->unit;
    in->request_ready = link_ready(u->read_request, now);
    for (uint32_t g = 0; g < u->n_groups; g++) {
        in->delta_ready[g] = link_ready(u->out_delta[g], now);
    }
}

/* -- the C unit's actions -- */

static struct actions tick_c(struct cosim_layer *l, cycle_t now)
{
    struct lora_mac *u = l->unit;
    struct actions did = {0};
    cycle_t popped[LINEAR_GROUPS] = {0};
    bool was_open[LINEAR_GROUPS] = {0};
    const struct burst *request = link_back(u->read_request);
    uint32_t requests = u->read_request->count;
    for (uint32_t g = 0; g < u->n_groups; g++) {
        popped[g] = u->in_x[g]->popped_at;
        was_open[g] = u->out_delta[g]->wires_free_at == NEVER;
    }
    lora_mac_tick(&u->unit, now);
    if (u->read_request->count > requests) {
        did.request = true;
        did.address_words = request->address_words;
        did.words = request->words;
        did.first_rows = request->first_rows;
        did.block_rows = request->block_rows;
        did.pause_cycles = request->pause_cycles;
    }
    for (uint32_t g = 0; g < u->n_groups; g++) {
        bool is_open = u->out_delta[g]->wires_free_at == NEVER;
        did.pop[g] = u->in_x[g]->popped_at != popped[g];
        did.open[g] = is_open && !was_open[g];
        did.close[g] = was_open[g] && !is_open;
    }
    return did;
}

/* -- what the pins say -- */

static struct actions read_pins(const bool x_taken_whole[LINEAR_GROUPS], const struct lora_outputs *next)
{
    struct actions say = {.request = next->request_valid,
                          .address_words = next->request_address_words,
                          .words = next->request_words,
                          .first_rows = next->request_first_rows,
                          .block_rows = next->request_block_rows,
                          .pause_cycles = next->request_pause_cycles};
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        say.pop[g] = x_taken_whole[g];
        say.open[g] = next->delta_open[g];
        say.close[g] = next->delta_valid[g] && next->delta_last;
    }
    return say;
}

/* A beat of x goes over where both sides are ready. Says which bursts are over with it. */
static void take_x(struct cosim_layer *l, const struct lora_inputs *in, const bool x_ready[LINEAR_GROUPS], bool whole[LINEAR_GROUPS])
{
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        whole[g] = false;
        if (in->x_valid[g] && x_ready[g]) {
            l->taken[g] += l->job[g].beat_elements;
            whole[g] = l->taken[g] >= l->job[g].inputs;
            l->taken[g] = whole[g] ? 0 : l->taken[g];
        }
    }
}

/* Notes the job that was picked in this cycle, the words it asks for and the burst it opens. */
static void follow(struct cosim_layer *l, cycle_t now, const struct lora_inputs *in, bool was_busy, const struct lora_outputs *next)
{
    const struct lora_mac *u = l->unit;
    for (uint32_t g = 0; next->busy && !was_busy && g < u->n_groups; g++) {
        if (next->x_ready[g]) {
            const struct burst *x = link_front(u->in_x[g], now);
            l->port = g;
            l->serving = in->job[g];
            l->token = x->token;
            l->x_exponent = x->act.exponent;
            l->fetched = regions_of(l, x->token, g, &l->serving);
            l->phase_b = false;
        }
    }
    if (next->request_valid) {
        l->next_address_words = next->request_address_words;
        l->words_left = next->request_words;
    }
    if (next->delta_open[l->port]) {
        l->phase_b = true;
        l->delta_linear = l->delta_element = 0;
    }
}

/* -- the RTL's actions on the chip's links -- */

static void open_delta(struct cosim_layer *l, cycle_t now)
{
    struct lora_mac *u = l->unit;
    struct link *out = u->out_delta[l->port];
    l->delta = link_back(out);
    for (uint32_t i = 0; i < linears_count(u->first_group + l->port); i++) {
        struct acc *acc = &l->delta->acc[i];
        acc->exponent = l->x_exponent + l->serving.base_exponent[i];
        memset(acc->m, 0, (size_t)acc->n * sizeof *acc->m);
    }
    link_open(out, now, l->token);
}

static void store_beat(struct cosim_layer *l, cycle_t now, const struct lora_outputs *next)
{
    for (uint32_t i = 0; i < next->delta_count; i++, l->delta_element++) {
        if (!cosim_next_element(l)) {
            cosim_too_many_results(l, now);
            return;
        }
        l->delta->acc[l->delta_linear].m[l->delta_element] = next->delta[i];
    }
}

static struct sram_rows rows_asked(const struct cosim_layer *l, const struct lora_outputs *next)
{
    return (struct sram_rows){next->request_words, l->all->geometry.row_words, next->request_first_rows, next->request_block_rows,
                              next->request_pause_cycles};
}

/* The unit's account, as the C unit keeps it. */
static void enter_state(struct cosim_layer *l, cycle_t now, const struct lora_inputs *in, bool was_busy, const struct lora_outputs *next)
{
    struct lora_mac *u = l->unit;
    struct unit *unit = &u->unit;
    bool picked = next->busy && !was_busy, last_words = in->word_count > 0 && l->words_left == 0;
    if (was_busy && !next->busy) {
        unit_rest(unit, now);
    } else if (picked || next->request_valid || last_words) {
        unit_enter(unit, now, UNIT_BUSY);
        if (next->request_valid) {
            struct sram_rows rows = rows_asked(l, next);
            l->until = now + sram_rows_ideal_cycles(&rows, u->geometry.port_words, u->geometry.sram_latency_cycles);
        } else {
            l->until = last_words ? now + u->geometry.latency_cycles : NEVER;
        }
    } else if (was_busy && now >= l->until && l->words_left > 0) {
        unit_enter(unit, now, UNIT_STALL_SRAM);
    } else if (was_busy && now >= l->until && !l->phase_b && !in->delta_ready[l->port]) {
        unit_enter(unit, now, UNIT_STALL_OUTPUT);
    }
}

static void drive(struct cosim_layer *l, cycle_t now, const struct actions *say, const struct lora_outputs *next)
{
    struct lora_mac *u = l->unit;
    for (uint32_t g = 0; g < u->n_groups; g++) {
        if (say->pop[g]) {
            link_pop(u->in_x[g], now);
        }
    }
    if (say->open[l->port]) {
        open_delta(l, now);
    }
    if (say->request) {
        struct sram_rows rows = rows_asked(l, next);
        sram_request_rows(u->read_request, now, l->token, lora_mac_place(u, l->token, say->address_words), &rows);
    }
    if (next->delta_valid[l->port]) {
        store_beat(l, now, next);
    }
    if (say->close[l->port]) {
        link_close(u->out_delta[l->port], now);
    }
    if (link_front(u->read_response, now)) {
        link_pop(u->read_response, now);
        if (l->words_left > 0) {
            cosim_words_missing(l, now);
        }
    }
}

/* -- the tick -- */

static void sample(struct cosim_layer *l, cycle_t now, const struct lora_inputs *in, const struct lora_outputs out[])
{
    struct lora_cosim *all = l->all;
    lora_ports_pack_inputs(&all->ports, in, l->sample);
    for (uint32_t k = 0; k < all->n_pins; k++) {
        lora_ports_pack_outputs(&all->ports, &out[k], l->sample + all->ports.input_words + k * all->ports.output_words);
    }
    pin_ring_add(&l->ring, now, l->sample);
    if (all->n_pins == COSIM_UNITS_MAX) {
        cosim_compare_pins(l, now, l->sample + all->ports.input_words, l->sample + all->ports.input_words + all->ports.output_words);
    }
    if (all->wave && traced(l) && now >= all->options.from && now <= all->options.to) {
        pin_wave_sample(all->wave, l->layer, now, l->sample);
    }
}

/* The first stall that was asked for: its waveform ends here. */
static void watch(struct cosim_layer *l)
{
    struct lora_cosim *all = l->all;
    const struct unit *unit = &l->unit->unit;
    enum unit_state wanted = all->options.trigger == TRIGGER_SRAM ? UNIT_STALL_SRAM : UNIT_STALL_OUTPUT;
    if (all->options.trigger == TRIGGER_NONE || all->triggered || unit->state != wanted || !traced(l)) {
        return;
    }
    struct error e;
    all->triggered = true;
    if (!pin_ring_dump(&l->ring, &all->ports, all->names, all->n_pins, cosim_place(l), all->options.folder, "lora_mac_trigger.fst", &e)) {
        all->chip->failure = e;
        all->chip->stop = true;
    }
}

/* The inside of the RTL, in the cycles asked for. */
static void trace_inside(struct cosim_layer *l, cycle_t now)
{
    struct lora_cosim *all = l->all;
    const struct lora_cosim_options *o = &all->options;
    if (!o->trace || o->mode == LORA_MODEL || !traced(l)) {
        return;
    }
    struct lora_unit *rtl = l->pins[all->n_pins - 1];
    if (now > o->to) {
        lora_rtl_trace_stop(rtl);
        l->inside = false;
    } else if (l->inside) {
        lora_rtl_trace_cycle(rtl, now);
    } else if (now >= o->from) {
        char path[512], scope[PIN_SCOPE_ROOM];
        struct error e;
        const struct pin_place place = cosim_place(l);
        snprintf(path, sizeof path, "%s/lora_mac_rtl_%s.fst", o->folder, pin_scope(&place, l->layer, scope));
        l->inside = true;
        if (!lora_rtl_trace_start(rtl, path, now, &e)) {
            all->chip->failure = e;
            all->chip->stop = true;
        }
    }
}

static bool awake(const struct lora_inputs *in, const struct lora_outputs *next)
{
    bool any = next->busy || next->request_valid || next->aborted;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        any |= in->x_valid[g] || next->delta_open[g] || next->delta_valid[g];
    }
    return any;
}

static void tick_lockstep(struct cosim_layer *l, cycle_t now, const struct lora_inputs *in, const struct lora_outputs *next, bool was_busy,
                          const struct actions *say)
{
    struct burst *slots[LINEAR_GROUPS];
    for (uint32_t g = 0; g < l->unit->n_groups; g++) {
        slots[g] = link_back(l->unit->out_delta[g]);
    }
    follow(l, now, in, was_busy, next);
    struct actions did = tick_c(l, now);
    if (did.open[l->port]) {
        l->delta = slots[l->port];
    }
    cosim_compare_actions(l, now, &did, say);
    cosim_compare_beat(l, now, next);
}

void cosim_tick(struct unit *unit, cycle_t now)
{
    struct cosim_layer *l = ((struct lora_mac *)unit)->cosim;
    struct lora_cosim *all = l->all;
    struct lora_inputs in = {0};
    struct lora_outputs out[COSIM_UNITS_MAX], next = {.delta = all->delta[COSIM_UNITS_MAX]};
    bool x_taken_whole[LINEAR_GROUPS];
    see_x(l, now, &in);
    see_words(l, now, &in);
    see_room(l, now, &in);
    trace_inside(l, now);
    ES_ASSERT(all->n_pins > 0);
    for (uint32_t k = 0; k < all->n_pins; k++) {
        out[k] = (struct lora_outputs){.delta = all->delta[k]};
        l->pins[k]->outputs(l->pins[k], &out[k]);
        l->pins[k]->clock(l->pins[k], &in);
    }
    sample(l, now, &in, out);
    uint32_t last = all->n_pins - 1;
    l->pins[last]->outputs(l->pins[last], &next);
    take_x(l, &in, out[last].x_ready, x_taken_whole);
    struct actions say = read_pins(x_taken_whole, &next);
    if (all->options.mode == LORA_RTL) {
        follow(l, now, &in, out[last].busy, &next);
        drive(l, now, &say, &next);
        enter_state(l, now, &in, out[last].busy, &next);
    } else {
        tick_lockstep(l, now, &in, &next, out[last].busy, &say);
    }
    watch(l);
    if (awake(&in, &next)) {
        unit_sleep(unit, now + 1);
    }
}
