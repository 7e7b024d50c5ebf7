#include "sim/lora_cosim_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lora_pins_model.h"
#include "sim/lora_rtl.h"
#include "sim/sram.h"

static bool traced(const struct cosim_layer *l)
{
    return l->all->options.layer < 0 || l->block->lora_mac.unit.layer == l->all->options.layer;
}

/* -- what the unit sees -- */

static const struct regions *regions_of(struct cosim_layer *l, const struct token *token, enum linear_group group,
                                        const struct lora_job *job)
{
    struct lora_cosim *all = l->all;
    size_t adapter = (size_t)(token->adapter - all->chip->sequencer.adapters);
    struct regions *r = &l->regions[adapter][group];
    if (!r->a) {
        const struct lora_geometry *u = &all->geometry;
        uint64_t row_bits = (uint64_t)u->row_words * u->sram_width_bits;
        r->a = calloc(lora_job_a_rows(u, job) * row_bits / 32 + 2, sizeof *r->a);
        r->b = calloc(lora_job_b_rows(u, job) * row_bits / 32 + 2, sizeof *r->b);
        ES_ASSERT(r->a && r->b);
        const struct lora_pair *pairs[GROUP_LINEARS_MAX] = {NULL};
        for (uint32_t i = 0; i < linears_count(group); i++) {
            pairs[i] = adapter_pair(token->adapter, l->block->lora_mac.unit.layer, linears_first(group) + i);
        }
        lora_layout_pack(u, job, pairs, r->a, r->b);
    }
    return r;
}

/* The beats that wait on the four links. */
static void see_x(struct cosim_layer *l, cycle_t now, struct lora_inputs *in)
{
    struct lora_mac *u = &l->block->lora_mac;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
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
    in->word_count = now >= way ? sram_lora_grant(&l->block->sram, now - way) : 0;
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
    const struct lora_mac *u = &l->block->lora_mac;
    in->request_ready = link_ready(u->read_request, now);
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        in->delta_ready[g] = link_ready(u->out_delta[g], now);
    }
}

/* -- the C unit's actions -- */

static struct actions tick_c(struct cosim_layer *l, cycle_t now)
{
    struct lora_mac *u = &l->block->lora_mac;
    struct actions did = {0};
    cycle_t popped[LINEAR_GROUPS];
    bool was_open[LINEAR_GROUPS];
    const struct burst *request = link_back(u->read_request);
    uint32_t requests = u->read_request->count;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
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
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
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
    const struct lora_mac *u = &l->block->lora_mac;
    for (enum linear_group g = 0; next->busy && !was_busy && g < LINEAR_GROUPS; g++) {
        if (next->x_ready[g]) {
            const struct burst *x = link_front(u->in_x[g], now);
            l->group = g;
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
    if (next->delta_open[l->group]) {
        l->phase_b = true;
        l->delta_linear = l->delta_element = 0;
    }
}

/* -- the RTL's actions on the chip's links -- */

static void open_delta(struct cosim_layer *l, cycle_t now)
{
    struct lora_mac *u = &l->block->lora_mac;
    struct link *out = u->out_delta[l->group];
    l->delta = link_back(out);
    for (uint32_t i = 0; i < linears_count(l->group); i++) {
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
    struct lora_mac *u = &l->block->lora_mac;
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
    } else if (was_busy && now >= l->until && !l->phase_b && !in->delta_ready[l->group]) {
        unit_enter(unit, now, UNIT_STALL_OUTPUT);
    }
}

static void drive(struct cosim_layer *l, cycle_t now, const struct actions *say, const struct lora_outputs *next)
{
    struct lora_mac *u = &l->block->lora_mac;
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        if (say->pop[g]) {
            link_pop(u->in_x[g], now);
        }
    }
    if (say->open[l->group]) {
        open_delta(l, now);
    }
    if (say->request) {
        struct sram_rows rows = rows_asked(l, next);
        struct sram_place place = {say->address_words, memory_map_slot_page(u->map, l->token->slot)};
        sram_request_rows(u->read_request, now, l->token, place, &rows);
    }
    if (next->delta_valid[l->group]) {
        store_beat(l, now, next);
    }
    if (say->close[l->group]) {
        link_close(u->out_delta[l->group], now);
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
        pin_wave_sample(all->wave, l->block->lora_mac.unit.layer, now, l->sample);
    }
}

/* The first stall that was asked for: its waveform ends here. */
static void watch(struct cosim_layer *l)
{
    struct lora_cosim *all = l->all;
    const struct unit *unit = &l->block->lora_mac.unit;
    enum unit_state wanted = all->options.trigger == TRIGGER_SRAM ? UNIT_STALL_SRAM : UNIT_STALL_OUTPUT;
    if (all->options.trigger == TRIGGER_NONE || all->triggered || unit->state != wanted || !traced(l)) {
        return;
    }
    struct error e;
    all->triggered = true;
    if (!pin_ring_dump(&l->ring, &all->ports, all->names, all->n_pins, unit->layer, all->options.folder, "lora_mac_trigger.fst", &e)) {
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
        char path[512];
        struct error e;
        snprintf(path, sizeof path, "%s/lora_mac_rtl_layer%d.fst", o->folder, l->block->lora_mac.unit.layer);
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
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        slots[g] = link_back(l->block->lora_mac.out_delta[g]);
    }
    follow(l, now, in, was_busy, next);
    struct actions did = tick_c(l, now);
    if (did.open[l->group]) {
        l->delta = slots[l->group];
    }
    cosim_compare_actions(l, now, &did, say);
    cosim_compare_beat(l, now, next);
}

static void cosim_tick(struct unit *unit, cycle_t now)
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

/* -- outside -- */

static bool open_pins(struct cosim_layer *l, struct error *e)
{
    struct lora_cosim *all = l->all;
    uint32_t n = 0, inputs_max = 0;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        uint32_t inputs = (uint32_t)shape_n_in(&all->chip->shape, which);
        inputs_max = inputs > inputs_max ? inputs : inputs_max;
    }
    if (all->options.mode != LORA_RTL) {
        l->pins[n] = lora_pins_model_open(&all->geometry, inputs_max, e);
        if (!l->pins[n++]) {
            return false;
        }
    }
    return all->options.mode == LORA_MODEL || lora_rtl_open(&all->geometry, inputs_max, &l->pins[n], e);
}

static bool open_layer(struct lora_cosim *all, int32_t layer, struct error *e)
{
    struct cosim_layer *l = &all->layers[layer];
    struct layer_block *block = &all->chip->layers[layer];
    uint32_t sample_words = all->ports.input_words + all->n_pins * all->ports.output_words;
    l->all = all;
    l->block = block;
    l->sample = error_calloc(e, sample_words, sizeof *l->sample, "co-simulation");
    l->regions = error_calloc(e, all->n_adapters, sizeof *l->regions, "co-simulation");
    if (!l->sample || !l->regions || !pin_ring_new(&l->ring, all->options.before_cycles, sample_words, e) || !open_pins(l, e)) {
        return false;
    }
    l->grants = error_calloc(e, SRAM_WATCHED_CYCLES, sizeof *l->grants, "co-simulation");
    if (!l->grants) {
        return false;
    }
    sram_watch_lora(&block->sram, l->grants);
    for (uint32_t k = 0; k < all->n_pins; k++) {
        l->pins[k]->clock(l->pins[k], &(struct lora_inputs){.reset = true});
    }
    block->lora_mac.cosim = l;
    block->lora_mac.unit.tick = cosim_tick;
    return true;
}

static bool open_all(struct lora_cosim *all, struct error *e)
{
    const struct lora_geometry *u = &all->geometry;
    all->layers = error_calloc(e, all->n_layers, sizeof *all->layers, "co-simulation");
    all->word_buffer = error_calloc(e, (size_t)u->port_words * u->sram_width_bits / 32 + 2, sizeof *all->word_buffer, "co-simulation");
    bool good = all->layers && all->word_buffer;
    for (enum linear_group g = 0; good && g < LINEAR_GROUPS; g++) {
        all->beat[g] = error_calloc(e, u->link_elements, 1, "co-simulation");
        good = all->beat[g] != NULL;
    }
    for (uint32_t k = 0; good && k <= COSIM_UNITS_MAX; k++) {
        all->delta[k] = error_calloc(e, u->drain_elements, sizeof **all->delta, "co-simulation");
        good = all->delta[k] != NULL;
    }
    for (uint32_t layer = 0; good && layer < all->n_layers; layer++) {
        good = open_layer(all, (int32_t)layer, e);
    }
    const struct lora_cosim_options *o = &all->options;
    return good && (!o->trace || pin_wave_open(&all->wave, &all->ports, all->names, all->n_pins, o->layer < 0 ? 0 : o->layer,
                                               o->layer < 0 ? (int32_t)all->n_layers : 1, o->folder, "lora_mac.fst", e));
}

bool lora_cosim_attach(struct chip *chip, const struct lora_cosim_options *options, struct lora_cosim **cosim, struct error *e)
{
    ES_ASSERT(chip->model && chip->now == 0 && options->before_cycles > 0);
    if (chip->config.chip_organisation == ORGANISATION_SHARED) {
        return error_input(e, "chip %s: chip.organisation: shared has no layer of its own at the LoRA MAC unit's pins; expected spatial",
                           chip->config.name);
    }
    if (options->layer >= chip->shape.n_layers) {
        return error_input(e, "layer %" PRId32 ": expected a layer of the model, 0 to %" PRId32, options->layer, chip->shape.n_layers - 1);
    }
    struct lora_cosim *all = error_calloc(e, 1, sizeof *all, "co-simulation");
    if (!all) {
        return false;
    }
    *all = (struct lora_cosim){.options = *options,
                               .chip = chip,
                               .geometry = lora_geometry(&chip->config),
                               .names = {options->mode == LORA_RTL ? "rtl" : "model", "rtl"},
                               .n_pins = options->mode == LORA_LOCKSTEP ? 2 : 1,
                               .n_layers = (uint32_t)chip->shape.n_layers,
                               .n_adapters = chip->n_adapters};
    all->ports = lora_ports(&all->geometry);
    if (!open_all(all, e)) {
        struct error later;
        lora_cosim_close(all, false, &later);
        return false;
    }
    *cosim = all;
    return true;
}

static void free_layer(struct cosim_layer *l)
{
    for (uint32_t k = 0; k < COSIM_UNITS_MAX; k++) {
        if (l->pins[k]) {
            l->pins[k]->close(l->pins[k]);
        }
    }
    for (uint32_t a = 0; l->regions && a < l->all->n_adapters; a++) {
        for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
            free(l->regions[a][g].a);
            free(l->regions[a][g].b);
        }
    }
    free(l->regions);
    free(l->sample);
    free(l->grants);
    pin_ring_free(&l->ring);
}

bool lora_cosim_close(struct lora_cosim *all, bool keep, struct error *e)
{
    if (!all) {
        return true;
    }
    bool good = pin_wave_close(all->wave, keep, e);
    for (uint32_t layer = 0; all->layers && layer < all->n_layers; layer++) {
        free_layer(&all->layers[layer]);
    }
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        free(all->beat[g]);
    }
    for (uint32_t k = 0; k <= COSIM_UNITS_MAX; k++) {
        free(all->delta[k]);
    }
    free(all->layers);
    free(all->word_buffer);
    free(all);
    return good;
}
