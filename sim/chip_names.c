/* chip_names.c -- what units and links are called, and the state of all of them: what one wants to see after a deadlock. */
#include <inttypes.h>

#include "sim/chip.h"

static const char *name(const char *what, int layer, char text[CHIP_NAME_ROOM])
{
    if (layer >= 0) {
        snprintf(text, CHIP_NAME_ROOM, "layer%d.%s", layer, what);
    } else {
        snprintf(text, CHIP_NAME_ROOM, "%s", what);
    }
    return text;
}

const char *chip_unit_name(const struct unit *unit, char text[CHIP_NAME_ROOM])
{
    return name(unit_kind_names[unit->kind], unit->layer, text);
}

const char *chip_link_name(const struct link *link, char text[CHIP_NAME_ROOM])
{
    return name(link->name, link->layer, text);
}

void chip_print_state(const struct chip *c, FILE *out)
{
    char text[CHIP_NAME_ROOM];
    for (uint32_t i = 0; i < c->n_units; i++) {
        fprintf(out, "unit %s: %s since cycle %" PRIu64 "\n", chip_unit_name(c->units[i], text), unit_state_names[c->units[i]->state],
                c->units[i]->since);
    }
    for (uint32_t i = 0; i < c->n_links; i++) {
        const struct link *link = c->links[i];
        chip_link_name(link, text);
        if (link->count == 0) {
            fprintf(out, "link %s: empty\n", text);
        } else {
            fprintf(out, "link %s: %" PRIu32 " of %" PRIu32 " bursts, the oldest seen since cycle %" PRIu64 "\n", text, link->count,
                    link->depth, link->slots[link->head].first);
        }
    }
}
