/* link.h -- the only wires between units: registered valid/ready channels that carry bursts.
 *
 *            push at n                          seen from n+1 on (first beat), last beat at n+beats
 *   sender ------------> [ burst | burst | .. ] ----------------------------> receiver
 *          <------------  room freed by a pop at n is seen from n+1 on
 *
 * What a link shows in a cycle depends on earlier cycles only, so the order in which its two ends tick cannot matter.
 * The wires carry one beat a cycle: the next burst may start when the last beat of the one before has left.
 * A link holds `depth` bursts, payloads included (the receiver's input buffer); a burst has room from its first beat on, so there is
 * no back-pressure inside a burst.
 * A sender that cannot know a burst's length in advance (its own input contends for SRAM ports) opens it and closes it later.
 */
#ifndef ETCHSIM_LINK_H
#define ETCHSIM_LINK_H

#include "sim/unit.h"

/* Activations with shifts, or aligned (kernels/requant.h), as LoRA takes them; with an exponent per head; accumulators; the residual stream. */
enum payload { PAYLOAD_NONE, PAYLOAD_ACT8, PAYLOAD_ALIGNED, PAYLOAD_HEADS, PAYLOAD_ACC, PAYLOAD_RESIDUAL };

enum { BURST_ACCS = 3 }; /* Q, K and V travel as one burst */

struct burst {
    struct token *token;
    cycle_t first, last; /* cycles in which the receiver sees the first and the last beat; last is NEVER while the burst is open */
    /* requests to an SRAM: */
    uint32_t address_words, words, words_per_cycle;
    const uint32_t *pages; /* the first words of the pages that address_words counts through; NULL: it is a word of the SRAM */
    uint32_t row_words, first_rows, block_rows, pause_cycles; /* of a stream of lane rows (sram.h); row_words 0: a plain stream */
    /* messages: an adapter's number with slot and layer (sim/slice.h), or a sampled token's id */
    int32_t index, slot, layer;
    uint32_t load;        /* the slot's how many-th load */
    cycle_t delay_cycles; /* of a load's slice: that the host port could not send its slices when they were there, summed */
    bool whole;           /* a report of the DMA: nothing more of this load will come */
    bool broken; /* a report of the DMA: the load failed in `layer`; a load or slice: there is none, whoever waits for it is to go on */
    /* what the beats carry; allocated with the link, absent in runs without values */
    struct act8 act;
    int16_t *head_exponent; /* PAYLOAD_HEADS: act has one exponent per head */
    struct acc acc[BURST_ACCS];
    struct residual residual;
};

/* When a burst wakes its receiver. Only the skip engine's work depends on it, never what happens. */
enum link_wake {
    WAKE_FIRST, /* with the first beat, whatever the receiver is at */
    WAKE_IDLE,  /* with the first beat, if the receiver holds no token: it takes the next one when it has given that away */
    WAKE_WHOLE, /* the same with the last beat */
    WAKE_LAST,  /* with the last beat, whatever the receiver is at */
    WAKE_NOT,   /* not: what comes over another link wakes it, and looks whether this one is there */
};

struct link {
    struct burst *slots; /* [depth] */
    uint32_t depth, head, count;
    uint8_t wake;          /* enum link_wake */
    uint8_t port;          /* of the receiver */
    bool wanted;           /* the sender found no room: the next pop wakes it */
    cycle_t popped_at;     /* of the latest pop: its room is seen only later */
    cycle_t wires_free_at; /* NEVER while a burst is open */
    struct unit *sender, *receiver;
    struct trace *trace; /* NULL: none is kept */
    uint16_t id;
    int16_t layer;
    const char *name;
};

/* The sender found the link not ready: it wakes when that may have changed. */
void link_refuse(struct link *link, cycle_t now);

/* Room for a burst at `now`, as the sender sees it. A sender that finds none is woken when there may be. */
static inline bool link_ready(struct link *link, cycle_t now)
{
    bool ready = now >= link->wires_free_at && link->count + (link->popped_at == now) < link->depth;
    if (!ready) {
        link_refuse(link, now);
    }
    return ready;
}

/* The oldest burst whose first beat is there at `now`, or NULL. */
static inline struct burst *link_front(const struct link *link, cycle_t now)
{
    struct burst *burst = &link->slots[link->head];
    return link->count && burst->first <= now ? burst : NULL;
}

/* Since when the oldest burst has been at the front: since its first beat came, or since the one before it was taken. */
static inline cycle_t link_front_since(const struct link *link)
{
    cycle_t first = link->slots[link->head].first, freed = link->popped_at == NEVER ? 0 : link->popped_at + 1;
    return first > freed ? first : freed;
}

/* The oldest burst once its last beat is there, or NULL; the receiver then wakes when that is known to be. */
static inline struct burst *link_whole(const struct link *link, struct unit *receiver, cycle_t now)
{
    struct burst *burst = link_front(link, now);
    if (burst && burst->last > now) {
        unit_sleep(receiver, burst->last);
        burst = NULL;
    }
    return burst;
}

/* The slot the next push will send: fill its payload first. */
static inline struct burst *link_back(const struct link *link)
{
    uint32_t slot = link->head + link->count;
    return &link->slots[slot < link->depth ? slot : slot - link->depth];
}

/* Sends link_back() as a burst of `beats` beats. The link must be ready. */
void link_push(struct link *link, cycle_t now, struct token *token, uint32_t beats);
/* The same in two steps: the first beat goes now, the last one when the sender closes. */
void link_open(struct link *link, cycle_t now, struct token *token);
void link_close(struct link *link, cycle_t now);
/* Takes the front burst away. At most one a cycle. */
void link_pop(struct link *link, cycle_t now);

/* The unit found `link` not ready: it stalls until it is. */
void link_block(const struct link *link, struct unit *unit, cycle_t now);

/* What units copy from their registers into a burst's payload; shapes must agree. Aligned where the payload has no shifts. */
void act8_copy(struct act8 *to, const struct act8 *from);
/* Registers and payload change places: at full size a copy would cost a few percent of a token's time. */
void acc_swap(struct acc *a, struct acc *b);

/* Books a token's way over a link that a receiver accepts at `now` after it saw the beat at `seen` (first or last). */
static inline void token_arrive(struct token *token, cycle_t seen, cycle_t now)
{
    if (seen > token->mark) {
        token_book(token, PLACE_transfer, seen);
    }
    token_book(token, PLACE_wait, now);
}

#endif
