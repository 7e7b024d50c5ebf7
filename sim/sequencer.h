/* sequencer.h -- requests in, positions out: starts sequences, issues their tokens, collects what was sampled.
 *
 *   requests --arrive--> [queue] -> sequence slots (one KV cache each) --token--> embedding ROM
 *                          |  ^                     ^---- sampled / retired tokens
 *                          v  +---- adapter loaded (or its first layer, or: arrived broken)
 *                       host port
 *
 * Latency     a request that arrives at n can start at n; a token that arrives at n (or an adapter that is loaded at n) can lead to an issue at n.
 * Throughput  one start, one load and one issue a cycle. Prompt tokens of a sequence follow each other through the chip without waiting (attention stays in order).
 * Order       who starts: admission.h, when a KV cache is free and the adapter has a slot (slots.h). With slots.prefetch, requests at the front of the queue take
 *             their slots before they have a KV cache. Issues go round the sequences.
 * Stall rule  `output` while the embedding's link has no room. A load that arrives broken is asked for once more; the second time the run ends with an error.
 * Inaccuracies: slot table and queue decide in no time; the positions in flight are limited by the token headers (16 a layer and 16 more).
 */
#ifndef ETCHSIM_SEQUENCER_H
#define ETCHSIM_SEQUENCER_H

#include "adapters/adapter.h"
#include "sim/admission.h"
#include "sim/config.h"
#include "sim/link.h"
#include "sim/memory_map.h"
#include "sim/request.h"
#include "sim/slots.h"

struct sequence {      /* a KV cache and the request that has it */
    int32_t request;   /* -1: free */
    int32_t slot;      /* adapter slot, -1: base model */
    uint32_t position; /* of the next token to issue */
    uint32_t in_flight;
    int32_t next_id; /* of the next token, once sampled */
    bool ready;      /* it can be issued */
};

struct sequencer {
    struct unit unit;
    struct link *out_token, *in_sampled, *in_retired;
    struct link *out_load, *in_loaded;
    struct request *requests;
    uint32_t n_requests; /* sorted by arrival */
    uint32_t n_arrived, n_started, n_done;
    struct admission queue;
    uint32_t prefetch; /* requests at the front of the queue that take their slots ahead */
    int32_t n_layers;
    struct adapter *adapters; /* what requests name by index */
    const struct memory_map *map;
    struct sequence *sequences; /* [n_sequences] */
    uint32_t n_sequences, n_ready, turn;
    struct token *tokens;  /* headers */
    uint32_t *free_tokens; /* [n_free] a stack of indices */
    uint32_t n_free;
    uint64_t kv_rows, kv_rows_peak; /* K rows (and V rows) that present sequences have, or will have written; counters */
    struct slots slots;
    void (*on_token)(void *context, const struct request *request); /* a token was added; NULL: nobody listens */
    void *context;
    bool *stop; /* the chip's: the run ends */
    struct error *failure;
};

void sequencer_tick(struct unit *unit, cycle_t now);

#endif
