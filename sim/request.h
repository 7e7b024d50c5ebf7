/* request.h -- one prompt to be continued: what was asked, and what the chip answered when.
 *
 *   arrives_at --queue--> started_at --adapter loads--> running_at --prompt--> generated_at[0] .. generated_at[n_generated - 1] = done_at
 *                         (KV cache, slot)              (tokens issue)
 *
 * Cycles that never came are NEVER. chip_new() sets all answers, so that a request is asked by filling the first part of the struct.
 */
#ifndef ETCHSIM_REQUEST_H
#define ETCHSIM_REQUEST_H

#include "kernels/sample.h"
#include "sim/unit.h"

enum request_state { REQUEST_QUEUED, REQUEST_LOADING, REQUEST_RUNNING, REQUEST_DONE, REQUEST_DROPPED };

struct request {
    /* asked */
    cycle_t arrives_at;           /* enters the queue in this cycle; the chip's requests are sorted by it */
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
    int32_t slot;              /* adapter slot it has or had, -1: none */
    int32_t version;           /* the adapter that answers: the one asked for or what has replaced it; -1: base model, or not decided yet */
    int32_t first_version;     /* the one before a restart */
    uint32_t restarts;         /* its KV cache was thrown away and computed anew: a new version of its adapter, or a bit flip in the slot */
    int32_t restarted_at;      /* n_generated at the last of them */
    uint32_t flipped_tokens;   /* positions computed with flipped bits that nothing noticed */
    bool adapter_hit;          /* its adapter was live, or loading for another request, when it took its slot */
    bool adapter_load;         /* the load was its own; neither: the base model */
    uint32_t kv_pages;         /* pages that its K rows, and its V rows, can come to fill; 0 without shared pages */
    bool reserved;             /* it has its slot and its pages */
    bool prefetched;           /* it took its slot while it was queued */
    uint32_t overtaken;        /* later requests that started before it */
    cycle_t slot_wanted_at;    /* first in the queue, a KV cache was free, slots or pages were not; NEVER: that was never so */
    cycle_t started_at;        /* left the queue: has a KV cache and a slot */
    cycle_t load_requested_at; /* of the load it waited for, its own or another's; NEVER: its adapter was live */
    cycle_t loaded_at;         /* the sequencer was told that this load is whole in its slot; NEVER as above */
    cycle_t running_at;        /* its tokens may be issued from here on: the adapter is loaded (streaming: the first layer's slice is) */
    cycle_t done_at;           /* the last token was there */
    cycle_t mark;              /* all cycles from arrives_at to here are booked below */
    uint64_t account_cycles[PLACES];             /* sums to mark - arrives_at, exactly */
    uint64_t first_token_account_cycles[PLACES]; /* the part up to the first token; sums to generated_at[0] - arrives_at */
};

#endif
