/* request.h -- one prompt to be continued: what was asked, and what the chip answered when. */
#ifndef ETCHSIM_REQUEST_H
#define ETCHSIM_REQUEST_H

#include "kernels/sample.h"
#include "sim/unit.h"

enum request_state { REQUEST_QUEUED, REQUEST_LOADING, REQUEST_RUNNING, REQUEST_DONE };

struct request {
    /* asked */
    const int32_t *prompt;        /* [n_prompt], at least one token */
    int32_t n_prompt, n_generate; /* n_prompt + n_generate <= kv.context_tokens + 1: the last token is not fed back */
    int32_t adapter;              /* index in the chip's list, -1: the base model */
    int32_t stop_token;           /* ends the answer when sampled; -1: never */
    struct sampling sampling;
    struct random random;
    /* answered */
    enum request_state state;
    int32_t *generated;    /* [n_generate] */
    cycle_t *generated_at; /* [n_generate] the cycle in which the sequencer had the token */
    int32_t n_generated;
    cycle_t mark;                                /* all cycles from 0 to here are booked below */
    uint64_t account_cycles[PLACES];             /* sums to mark, exactly */
    uint64_t first_token_account_cycles[PLACES]; /* the part up to the first token; sums to generated_at[0] */
};

#endif
