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
#include "sim/incident.h"
#include "sim/link.h"
#include "sim/memory_map.h"
#include "sim/request.h"
#include "sim/slots.h"

struct sequence {      /* a KV cache and the request that has it */
    int32_t request;   /* -1: free */
    int32_t slot;      /* adapter slot, -1: base model */
    uint32_t position; /* of the next token to issue */
    uint32_t in_flight;
    uint32_t known;       /* tokens that are known and can follow each other: the prompt's, after a restart also those generated so far */
    bool held;            /* its slot is renewed, or: nothing is issued, what comes back is thrown away */
    bool recomputes;      /* its KV cache alone is to be computed anew */
    struct random random; /* the sampler's, as of the last token that was kept */
    int32_t next_id;      /* of the next token, once sampled */
    bool ready;           /* it can be issued */
};

struct sequencer {
    struct unit unit;
    struct link *out_token, *in_sampled, *in_retired;
    struct link *out_load, *in_loaded;
    uint32_t n_broken; /* slots whose load came in broken, and for which `load` had no room yet */
    struct request *requests;
    uint32_t n_requests; /* sorted by arrival */
    uint32_t n_arrived, n_started, n_done, n_dropped;
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
    int32_t *version;                 /* [adapters] what stands for an adapter now; NULL without incidents */
    const struct incident *incidents; /* [n_incidents] sorted by cycle */
    struct damage *damage;            /* [n_incidents] of flips */
    uint32_t n_incidents, next_incident;
    enum reload reload;
    bool streams;                          /* slots.loading: streaming */
    uint32_t retries;                      /* of a broken load */
    bool drops;                            /* a load that stays broken drops the requests that wait for it; false: it ends the run */
    uint32_t n_failing;                    /* streaming: slots whose load stayed broken */
    uint32_t n_renewing;                   /* slots whose load is not asked for yet */
    struct {                               /* counters */
        uint64_t happened[INCIDENT_KINDS]; /* those that met something: a slot with the adapter; reload: always */
        uint64_t kv_flips;                 /* of them flips that met a KV cache */
        uint64_t detections;               /* tokens that ECC found to be computed with flipped bits */
        uint64_t silent_tokens;            /* tokens computed with flipped bits that nothing noticed */
        uint64_t discarded_tokens;         /* thrown away when a slot was renewed, or a KV cache computed anew */
    } seen;
    void (*on_token)(void *context, const struct request *request); /* a token was added; NULL: nobody listens */
    void *context;
    bool *stop; /* the chip's: the run ends */
    struct error *failure;
};

void sequencer_tick(struct unit *unit, cycle_t now);

#endif
