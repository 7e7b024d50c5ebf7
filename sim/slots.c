#include "sim/slots.h"

int32_t slots_find(const struct slots *slots, int32_t adapter)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        if (slots->slot[i].state != SLOT_FREE && slots->slot[i].adapter == adapter) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t slots_victim(const struct slots *slots)
{
    int32_t victim = -1;
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *s = &slots->slot[i];
        if (s->state == SLOT_FREE) {
            return (int32_t)i;
        }
        if (s->state == SLOT_LIVE && s->users == 0 && (victim < 0 || s->used_at < slots->slot[victim].used_at)) {
            victim = (int32_t)i;
        }
    }
    return victim;
}

bool slots_conserved(const struct slots *slots)
{
    uint32_t n[SLOT_STATES] = {0};
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *s = &slots->slot[i];
        n[s->state]++;
        if (s->state == SLOT_FREE && (s->users || s->adapter >= 0)) {
            return false;
        }
    }
    return n[SLOT_FREE] + n[SLOT_LOADING] + n[SLOT_LIVE] == slots->count;
}
