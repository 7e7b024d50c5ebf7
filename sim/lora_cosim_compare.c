#include <inttypes.h>

#include "sim/lora_cosim_internal.h"

enum { NAME_ROOM = 64 };

/* The implementation that the C unit is compared with. */
static const char *other(const struct cosim_layer *l)
{
    return l->all->names[l->all->n_pins - 1];
}

static const char *link_of(const struct cosim_layer *l, enum lora_port port, uint32_t g)
{
    const struct lora_mac *u = l->unit;
    switch (port) {
    case PORT_x_ready: return g < u->n_groups ? u->in_x[g]->name : "(none)";
    case PORT_request_valid:
    case PORT_request_address:
    case PORT_request_words:
    case PORT_request_first_rows:
    case PORT_request_block_rows:
    case PORT_request_pause: return u->read_request->name;
    case PORT_busy:
    case PORT_aborted: return "(state)";
    default: return g < u->n_groups ? u->out_delta[g]->name : "(none)";
    }
}

static void disagree(struct cosim_layer *l, cycle_t cycle, const char *link, const char *field, const char *expected, const char *got,
                     const char *expected_of, const char *got_of)
{
    struct lora_cosim *all = l->all;
    if (all->chip->stop) {
        return; /* the first one counts */
    }
    char of[SLICE_NAME_ROOM];
    const char *folder = all->options.folder ? all->options.folder : ".";
    struct error e = {0};
    bool dumped = pin_ring_dump(&l->ring, &all->ports, all->names, all->n_pins, cosim_place(l), folder, "lora_mac_mismatch.fst", &e);
    all->chip->stop = true;
    error_check(&all->chip->failure, "LoRA MAC unit of %s%s, cycle %" PRIu64 ": link %s, field %s: expected %s (%s), got %s (%s); %s%s%s",
                l->layer < 0 || l->layer == all->chip->shape.n_layers ? "the " : "", slice_name(all->chip->shape.n_layers, l->layer, of),
                cycle, link, field, expected, expected_of, got, got_of, dumped ? "the cycles before it: " : e.message, dumped ? folder : "",
                dumped ? "/lora_mac_mismatch.fst" : "");
}

/* Names the first field, and in it the first part, that differs. */
void cosim_compare_pins(struct cosim_layer *l, cycle_t cycle, const uint32_t *expected, const uint32_t *got)
{
    const struct lora_ports *ports = &l->all->ports;
    enum lora_port p = lora_ports_differ(ports, expected, got);
    if (p == LORA_PORTS) {
        return;
    }
    const struct lora_port_place *place = &ports->port[p];
    uint32_t part = p == PORT_delta_data ? 40 : place->bits, i = 0;
    const uint32_t *e = expected + place->offset_words, *g = got + place->offset_words;
    while (bits_get(e, (uint64_t)i * part, part) == bits_get(g, (uint64_t)i * part, part)) {
        i++;
    }
    char field[NAME_ROOM], text_e[NAME_ROOM], text_g[NAME_ROOM];
    snprintf(field, sizeof field, p == PORT_delta_data ? "%s_o[%" PRIu32 "]" : "%s_o", place->name, i);
    snprintf(text_e, sizeof text_e, "0x%" PRIx64, bits_get(e, (uint64_t)i * part, part));
    snprintf(text_g, sizeof text_g, "0x%" PRIx64, bits_get(g, (uint64_t)i * part, part));
    disagree(l, cycle, link_of(l, p, l->port), field, text_e, text_g, l->all->names[0], l->all->names[1]);
}

static void compare_flag(struct cosim_layer *l, cycle_t now, enum lora_port port, uint32_t g, const char *field, uint64_t expected,
                         uint64_t got)
{
    if (expected != got) {
        char text_e[NAME_ROOM], text_g[NAME_ROOM];
        snprintf(text_e, sizeof text_e, "%" PRIu64, expected);
        snprintf(text_g, sizeof text_g, "%" PRIu64, got);
        disagree(l, now, link_of(l, port, g), field, text_e, text_g, "C unit", other(l));
    }
}

void cosim_compare_actions(struct cosim_layer *l, cycle_t now, const struct actions *c, const struct actions *pins)
{
    compare_flag(l, now, PORT_request_valid, 0, "push", c->request, pins->request);
    if (c->request && pins->request) {
        compare_flag(l, now, PORT_request_address, 0, "request_address_o", c->address_words, pins->address_words);
        compare_flag(l, now, PORT_request_words, 0, "request_words_o", c->words, pins->words);
        compare_flag(l, now, PORT_request_first_rows, 0, "request_first_rows_o", c->first_rows, pins->first_rows);
        compare_flag(l, now, PORT_request_block_rows, 0, "request_block_rows_o", c->block_rows, pins->block_rows);
        compare_flag(l, now, PORT_request_pause, 0, "request_pause_o", c->pause_cycles, pins->pause_cycles);
    }
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        compare_flag(l, now, PORT_x_ready, g, "pop", c->pop[g], pins->pop[g]);
        compare_flag(l, now, PORT_delta_open, g, "open", c->open[g], pins->open[g]);
        compare_flag(l, now, PORT_delta_last, g, "close", c->close[g], pins->close[g]);
    }
}

void cosim_too_many_results(struct cosim_layer *l, cycle_t now)
{
    disagree(l, now + 1, link_of(l, PORT_delta_data, l->port), "delta_count_o", "no further result", "one more", "shapes", other(l));
}

void cosim_words_missing(struct cosim_layer *l, cycle_t now)
{
    disagree(l, now, link_of(l, PORT_request_words, 0), "request_words_o", "all words", "some are missing", "chip", other(l));
}

bool cosim_next_element(struct cosim_layer *l)
{
    while (l->delta_linear < GROUP_LINEARS_MAX &&
           (!(l->serving.pairs >> l->delta_linear & 1) || l->delta_element == l->serving.outputs[l->delta_linear])) {
        l->delta_linear++;
        l->delta_element = 0;
    }
    return l->delta_linear < GROUP_LINEARS_MAX;
}

void cosim_compare_beat(struct cosim_layer *l, cycle_t now, const struct lora_outputs *next)
{
    for (uint32_t i = 0; next->delta_valid[l->port] && i < next->delta_count; i++, l->delta_element++) {
        if (!cosim_next_element(l)) {
            cosim_too_many_results(l, now);
            return;
        }
        int64_t expected = l->delta->acc[l->delta_linear].m[l->delta_element];
        if (expected != next->delta[i]) {
            char field[NAME_ROOM], e[NAME_ROOM], g[NAME_ROOM];
            snprintf(field, sizeof field, "delta_data_o[%" PRIu32 "]", i);
            snprintf(e, sizeof e, "%" PRId64, expected);
            snprintf(g, sizeof g, "%" PRId64, next->delta[i]);
            disagree(l, now + 1, link_of(l, PORT_delta_data, l->port), field, e, g, "C unit", other(l));
        }
    }
}
