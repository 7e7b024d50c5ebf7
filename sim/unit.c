#include "sim/unit.h"

#include "traces/trace.h"

const char *const unit_state_names[UNIT_STATES] = {"idle", "busy", "output", "lora", "sram", "slice"};

const char *const unit_kind_names[UNIT_KINDS] = {
#define UNIT_KIND(kind, name) #name,
#include "sim/unit_kinds.def"
#undef UNIT_KIND
};

const char *const place_names[PLACES] = {
#define PLACE(name, label) #name,
#include "sim/places.def"
#undef PLACE
};

const char *const place_labels[PLACES] = {
#define PLACE(name, label) label,
#include "sim/places.def"
#undef PLACE
};

void unit_close(struct unit *unit, cycle_t now)
{
    if (now > unit->since) {
        unit->state_cycles[unit->state] += now - unit->since;
        if (unit->state != UNIT_IDLE && unit->trace) {
            trace_span(unit->trace, now, unit, unit->since);
        }
    }
    unit->since = now;
}
