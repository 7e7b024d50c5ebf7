#include "sim/sampler.h"

#include "sim/sequencer.h"

RARELY static void accept(struct sampler *u, cycle_t now)
{
    struct burst *logits = link_whole(u->in_logits, &u->unit, now);
    if (!logits) {
        return;
    }
    struct request *request = &u->requests[logits->token->request];
    u->token = logits->token;
    token_arrive(u->token, logits->last, now);
    u->sampled = u->values ? k_sample(&request->sampling, &request->random, &logits->acc[0], u->scratch) : -1;
    cycle_t compared = logits->first + u->pass_cycles;
    u->until = (compared > now ? compared : now) + u->latency_cycles + (request->sampling.greedy ? 0 : 2 * u->pass_cycles);
    link_pop(u->in_logits, now);
    unit_enter(&u->unit, now, UNIT_BUSY);
    unit_sleep(&u->unit, u->until);
}

RARELY static void send(struct sampler *u, cycle_t now)
{
    if (!link_ready(u->out_token, now)) {
        link_block(u->out_token, &u->unit, now);
        return;
    }
    link_back(u->out_token)->index = u->sampled;
    token_book(u->token, PLACE_sampler, u->until);
    token_book(u->token, PLACE_wait, now);
    link_push(u->out_token, now, u->token, 1);
    u->token = NULL;
    unit_rest(&u->unit, now);
}

void sampler_tick(struct unit *unit, cycle_t now)
{
    struct sampler *u = (struct sampler *)unit;
    if (!u->token) {
        if (unit->inbox) {
            accept(u, now);
        }
    } else if (now < u->until) {
        unit_sleep(unit, u->until);
    } else {
        send(u, now);
    }
}
