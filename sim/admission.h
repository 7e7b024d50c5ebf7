/* admission.h -- the queue of requests that have arrived, and who leaves it next. Owned by the sequencer.
 *
 *   arrival --> [ head | .. look_ahead .. | .. tail ] --pick--> a KV cache (and a slot)
 *
 * fcfs        the head, as soon as its adapter can have a slot.
 * skip_ahead  the head; while it can have no slot, a later one whose adapter is in a slot or on the way into one (or that needs none).
 *             A request that was overtaken admission.overtakes times lets nobody pass any more.
 * affinity    the first one that can run at once (base model, or its adapter is usable), else the first one that can have a slot. When the head
 *             has waited for admission.ageing_cycles, only the head.
 * Only the first admission.look_ahead requests are looked at.
 *
 * No starvation: the head is overtaken finitely often (fcfs never, skip_ahead by count, affinity by age);
 * after that nobody joins a slot before it does, so slots run empty until one is free for it.
 */
#ifndef ETCHSIM_ADMISSION_H
#define ETCHSIM_ADMISSION_H

#include "sim/request.h"
#include "sim/slots.h"

enum admission_policy { ADMISSION_FCFS, ADMISSION_SKIP_AHEAD, ADMISSION_AFFINITY }; /* as in params.def */

#define NOBODY UINT32_MAX

struct admission {
    enum admission_policy policy;
    uint32_t look_ahead, overtakes;
    cycle_t ageing_cycles;
    struct request *requests;
    const int32_t *version; /* [adapters] what stands for an adapter of the chip's list now; NULL: each for itself */
    uint32_t *next;         /* [requests] of a queued one: who is behind it, or NOBODY */
    uint32_t head, tail, length;
};

/* The adapter that answers the request, or would if it started now; -1: the base model. */
int32_t admission_adapter(const struct admission *queue, const struct request *request);
/* The request is the last in the queue. */
void admission_arrive(struct admission *queue, uint32_t request);
/* Who should start now, or NOBODY. `can_load`: a load could be asked for in this cycle. */
uint32_t admission_pick(const struct admission *queue, const struct slots *slots, bool can_load, cycle_t now);
/* Whether the first request waits for a slot to lose its users. Not with an empty queue. */
bool admission_waits_for_slot(const struct admission *queue, const struct slots *slots);
/* The request leaves the queue; all before it are overtaken. */
void admission_leave(struct admission *queue, uint32_t request);

#endif
