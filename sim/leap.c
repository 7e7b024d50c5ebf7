#include "sim/leap.h"

#include <stdlib.h>
#include <string.h>

#include "sim/leap_passage.h"

enum { SHUT_UNITS = 1, SHUT_GATE = 2 }; /* of a block: its units work; a token in them waits before it, in the link or in its norm */

struct flight {       /* a token on board */
    struct unit unit; /* ticks when it lands */
    struct leap *leap;
    struct flight *ahead, *behind;
    struct token *token;
    const struct passage *passage;
    uint32_t first, to; /* it passes the blocks first .. to - 1; to 0: it is not on board */
    cycle_t at;         /* the norm of the first one sent it */
};

struct passed { /* sums over tokens */
    struct block_counts counts;
    uint64_t tokens, norms; /* norms: of the block, passed on board */
};

struct leap {
    struct chip *chip;
    uint32_t n_layers;
    struct flight *flights; /* [tokens of the sequencer] */
    struct flight *head, *tail;
    struct passage **passages; /* [kv.context_tokens + 1] by the tokens that are attended to; NULL: not measured yet */
    struct passed *passed;     /* [n_layers + 1] what begins with this block, less what ends before it */
    uint8_t *shut;             /* [n_layers] */
    struct boarded *inside;    /* [tokens of the sequencer] room */
};

/* -- flights -- */

static cycle_t sent_into(const struct flight *f, uint32_t block)
{
    return f->at + (cycle_t)(block - f->first) * f->passage->period;
}

static cycle_t lands_at(const struct flight *f)
{
    return sent_into(f, f->to - 1) + f->passage->sent;
}

static void schedule(struct flight *f)
{
    f->unit.wake = NEVER;
    unit_sleep(&f->unit, lands_at(f));
}

static void insert(struct leap *l, struct flight *f, struct flight *ahead)
{
    f->ahead = ahead;
    f->behind = ahead ? ahead->behind : l->head;
    *(f->behind ? &f->behind->ahead : &l->tail) = f;
    *(ahead ? &ahead->behind : &l->head) = f;
}

static void take_out(struct leap *l, struct flight *f)
{
    *(f->ahead ? &f->ahead->behind : &l->head) = f->behind;
    *(f->behind ? &f->behind->ahead : &l->tail) = f->ahead;
    f->unit.wake = NEVER;
    f->to = 0;
}

static void add_counts(struct block_counts *to, const struct block_counts *what, uint64_t sign)
{
    for (uint32_t i = 0; i < BLOCK_UNITS; i++) {
        to->busy_cycles[i] += sign * what->busy_cycles[i];
        to->stall_cycles[i] += sign * what->stall_cycles[i];
    }
    for (enum sram_client i = 0; i < SRAM_CLIENTS; i++) {
        to->words[i] += sign * what->words[i];
    }
}

/* The flight has passed the blocks before `block`; `norm`: and that one's norm. Counters and the token's account, but for the way to the last norm if not. */
static void count(struct leap *l, const struct flight *f, uint32_t block, bool norm)
{
    const struct passage *p = f->passage;
    const uint64_t blocks = block - f->first, norms = blocks - (blocks > 0 && !norm);
    add_counts(&l->passed[f->first].counts, &p->counts, 1);
    add_counts(&l->passed[block].counts, &p->counts, (uint64_t)-1);
    l->passed[f->first].tokens++;
    l->passed[block].tokens--;
    l->passed[f->first + (blocks > 0)].norms++;
    l->passed[f->first + (blocks > 0) + norms].norms--;
    for (int i = 0; i < PLACES; i++) {
        f->token->account_cycles[i] += blocks * p->account_cycles[i];
    }
    f->token->account_cycles[PLACE_transfer] += norms * (p->taken - p->sent);
    f->token->account_cycles[PLACE_norm] += norms * (p->period - p->taken);
    f->token->layer = (int32_t)(norm ? block : block - 1);
    f->token->mark = norm ? sent_into(f, block) : lands_at(f);
    l->chip->leaps.passed += blocks;
}

/* -- back into the units -- */

/* The block goes on in its units; `now` is over. */
static void put_back(struct leap *l, uint32_t block, cycle_t now)
{
    uint32_t n = 0;
    bool at_gate = false; /* a token on board is already on its way from the block before to this one */
    if (l->shut[block] & SHUT_UNITS) {
        return;
    }
    l->shut[block] |= SHUT_UNITS;
    for (struct flight *f = l->head, *next; f; f = next) {
        next = f->behind;
        if (f->first > block || f->to <= block) {
            continue;
        }
        cycle_t sent = sent_into(f, block);
        if (sent > now) { /* it comes as far as here */
            f->to = block;
            if (lands_at(f) > now) {
                schedule(f);
            } else {
                at_gate = true;
            }
        } else if (f->to == block + 1 || now < sent + f->passage->period) {
            l->inside[n++] = (struct boarded){f->token, sent};
            count(l, f, block, true);
            take_out(l, f);
        }
    }
    passage_replay(l->chip, block, l->inside, n, now);
    l->chip->leaps.put_back += n > 0;
    if (at_gate) {
        put_back(l, block - 1, now);
    }
}

/* -- boarding -- */

/* How far a flight comes that boards, or is on board, up to block `from`: all it meets is the one ahead of it. */
static uint32_t reach(const struct leap *l, const struct flight *f, uint32_t from, const struct flight *ahead)
{
    const struct shape *shape = &l->chip->shape;
    const int32_t tokens = (int32_t)f->token->position + 1;
    uint32_t to = from;
    while (to < l->n_layers && (to == from || (f->passage->through && !l->shut[to])) &&
           shape_visible_tokens(shape, (int32_t)to, tokens) == shape_visible_tokens(shape, (int32_t)f->first, tokens)) {
        to++;
    }
    if (!ahead) {
        return to;
    }
    to = to < ahead->to ? to : ahead->to;
    uint32_t shared = from > ahead->first ? from : ahead->first;
    if (shared >= to) {
        return to;
    }
    int64_t spare = (int64_t)(sent_into(f, shared) - sent_into(ahead, shared)) - passage_distance(ahead->passage, f->passage);
    int64_t gain = (int64_t)ahead->passage->period - (int64_t)f->passage->period; /* it comes so much closer with each block */
    if (spare < 0) {
        return shared;
    }
    if (gain > 0 && spare / gain + 1 < to - shared) {
        to = shared + (uint32_t)(spare / gain) + 1;
    }
    return to;
}

/* Those behind stopped before this block, since it was shut or the one ahead went no further. */
static void reach_again(const struct leap *l, const struct flight *boarded)
{
    const uint32_t block = boarded->first;
    for (struct flight *f = boarded->behind; f && f->to == block && !l->shut[block] && lands_at(f) > boarded->at; f = f->behind) {
        uint32_t to = f->passage->through ? reach(l, f, block, f->ahead) : block;
        if (to == block) {
            return;
        }
        f->to = to;
        schedule(f);
    }
}

static const struct passage *passage_for(struct leap *l, uint32_t block, const struct token *token, cycle_t now)
{
    struct passage **known =
        &l->passages[shape_visible_tokens(&l->chip->shape, (int32_t)block, (int32_t)token->position + 1)];
    if (!*known) {
        *known = malloc(sizeof **known);
        ES_ASSERT(*known);
        passage_measure(l->chip, block, token, now, *known);
    }
    return *known;
}

static bool rests(const struct unit *unit, uint32_t inbox)
{
    return unit->state == UNIT_IDLE && unit->inbox == inbox;
}

/* Nothing is in the block's units but the token that its norm sends. Who waits behind the block shuts the next one's gate. */
static bool is_empty(struct leap *l, uint32_t block)
{
    struct layer_block *b = &l->chip->layers[block];
    bool empty = rests(&b->lora_mac.unit, 0) && b->sram.n_open == 0;
    for (uint32_t i = 0; i < BLOCK_UNITS && empty; i++) {
        empty = rests(block_unit(b, i), i == BLOCK_ROM_QKV || i == BLOCK_FFN_NORM);
    }
    if (empty && block + 1 < l->n_layers && (b->down.count > 0 || l->chip->layers[block + 1].attention_norm.token)) {
        l->shut[block + 1] |= SHUT_GATE;
    }
    return empty;
}

/* Takes the token that was sent last out of a link; that its wires are taken stays. */
static void lift(struct link *link)
{
    link->count--;
    link->receiver->inbox--;
    link->receiver->ports &= ~((uint32_t)(link->count == 0) << link->port);
}

/* A norm has sent a token into its block in this cycle. */
static void board(struct leap *l, uint32_t block, cycle_t now)
{
    struct layer_block *b = &l->chip->layers[block];
    struct token *token = b->x_qkv.slots[(b->x_qkv.head + b->x_qkv.count - 1) % b->x_qkv.depth].token;
    bool in_units = l->shut[block] & SHUT_UNITS, alone = !token->adapter && b->sram.unit.inbox == 0;
    if (in_units && (!alone || !is_empty(l, block))) {
        return;
    }
    struct flight *f = &l->flights[token - l->chip->sequencer.tokens], *ahead = l->tail;
    while (ahead && ahead->to <= block) {
        ahead = ahead->ahead;
    }
    lift(&b->x_qkv);
    lift(&b->residual_attention);
    if (alone) {
        f->token = token;
        f->first = block;
        f->at = now;
        f->passage = passage_for(l, block, token, now);
        f->to = f->passage->fits ? reach(l, f, block, ahead) : block;
    }
    if (!alone || f->to == block) { /* it goes the long way, and so does the block */
        put_back(l, block, now);
        b->x_qkv.wires_free_at = b->residual_attention.wires_free_at = now;
        block_send(b, token, now);
        return;
    }
    l->shut[block] &= (uint8_t)~SHUT_UNITS;
    insert(l, f, ahead);
    schedule(f);
    reach_again(l, f);
}

/* -- landing -- */

/* Where the way out is blocked, it stays on board: leap_end_cycle() puts its block back. */
static void land(struct unit *unit, cycle_t now)
{
    struct flight *f = (struct flight *)unit;
    struct leap *l = f->leap;
    struct layer_block *b = &l->chip->layers[f->to - 1];
    if (!link_ready(&b->down, now)) {
        return;
    }
    count(l, f, f->to, false);
    link_push(&b->residual_ffn, now, f->token, 1);
    b->residual_ffn.wires_free_at = 0; /* its beats went long ago */
    link_push(&b->down, now, f->token, b->rom_down.port[0].drain_beats);
    if (f->to < l->n_layers) {
        l->shut[f->to] |= SHUT_GATE;
    }
    take_out(l, f);
}

/* -- the engine's side -- */

static void norm_ticked(struct leap *l, uint32_t block, cycle_t now)
{
    const struct layer_block *b = &l->chip->layers[block];
    const struct link *x = &b->x_qkv;
    if (x->count == 0 || x->slots[(x->head + x->count - 1) % x->depth].first != now + 1) {
        return;
    }
    if (block > 0 && l->chip->layers[block - 1].down.count == 0) {
        l->shut[block] &= (uint8_t)~SHUT_GATE;
    }
    board(l, block, now);
}

void leap_end_cycle(struct chip *c, struct unit *const *ticked, uint32_t n, cycle_t now)
{
    struct leap *l = c->leap;
    for (uint32_t i = 0; i < n; i++) {
        const struct unit *unit = ticked[i];
        if (unit->kind == KIND_ATTENTION_NORM) {
            norm_ticked(l, (uint32_t)unit->layer, now);
        } else if (unit->kind == KIND_DMA && c->dma.write_request[c->dma.layer]->count > 0) {
            put_back(l, (uint32_t)c->dma.layer, now);
        } else if (unit->kind == UNIT_KINDS && ((const struct flight *)unit)->to > 0 && lands_at((const struct flight *)unit) == now) {
            put_back(l, ((const struct flight *)unit)->to - 1, now);
        }
    }
}

static bool can_leap(const struct chip *c)
{
    bool can = !c->trace && !c->model && c->config.chip_organisation == ORGANISATION_SPATIAL && c->config.sram_ways == c->config.sram_banks &&
               !c->map.kv_page;
    for (uint32_t i = 0; i < c->n_layer_blocks; i++) {
        can &= !c->layers[i].sram.lora_grants;
    }
    return can;
}

static void leap_free(struct leap *l, uint32_t context_tokens)
{
    for (uint32_t i = 0; l->passages && i <= context_tokens; i++) {
        free(l->passages[i]);
    }
    free(l->flights);
    free(l->passages);
    free(l->passed);
    free(l->shut);
    free(l->inside);
    free(l);
}

bool leap_new(struct chip *c, struct leap **leap, struct error *e)
{
    *leap = NULL;
    if (!can_leap(c)) {
        return true;
    }
    uint32_t n_tokens = c->sequencer.n_free, context_tokens = c->config.kv_context_tokens;
    struct leap *l = error_calloc(e, 1, sizeof *l, "the engine");
    if (!l) {
        return false;
    }
    l->chip = c;
    l->n_layers = c->n_layer_blocks;
    l->flights = calloc(n_tokens, sizeof *l->flights);
    l->passages = calloc((size_t)context_tokens + 1, sizeof(struct passage *));
    l->passed = calloc((size_t)l->n_layers + 1, sizeof *l->passed);
    l->shut = malloc(l->n_layers);
    l->inside = calloc(n_tokens, sizeof *l->inside);
    if (!l->flights || !l->passages || !l->passed || !l->shut || !l->inside) {
        leap_free(l, context_tokens);
        return error_input(e, "not enough memory for the engine");
    }
    memset(l->shut, SHUT_UNITS, l->n_layers);
    for (uint32_t i = 0; i < n_tokens; i++) {
        l->flights[i] = (struct flight){.unit = {.tick = land, .wake = NEVER, .wheel = c->wheel, .kind = UNIT_KINDS}, .leap = l};
    }
    *leap = l;
    return true;
}

/* Cycles of a unit that were passed on board: it looked idle. */
static void add_cycles(struct unit *unit, uint64_t busy_cycles, uint64_t stall_cycles)
{
    unit->state_cycles[UNIT_BUSY] += busy_cycles;
    unit->state_cycles[UNIT_STALL_SRAM] += stall_cycles;
    unit->state_cycles[UNIT_IDLE] -= busy_cycles + stall_cycles;
}

void leap_close(struct chip *c, cycle_t now)
{
    struct leap *l = c->leap;
    struct passed sum = {0};
    for (uint32_t i = 0; i < l->n_layers; i++) {
        put_back(l, i, now);
    }
    for (uint32_t i = 0; i < l->n_layers; i++) {
        struct layer_block *b = &c->layers[i];
        add_counts(&sum.counts, &l->passed[i].counts, 1);
        sum.norms += l->passed[i].norms;
        for (uint32_t u = 0; u < BLOCK_UNITS; u++) {
            add_cycles(block_unit(b, u), sum.counts.busy_cycles[u], sum.counts.stall_cycles[u]);
        }
        for (enum sram_client client = 0; client < SRAM_CLIENTS; client++) {
            b->sram.words[client] += sum.counts.words[client];
        }
        add_cycles(&b->attention_norm.unit, sum.norms * norm_cycles(&b->attention_norm, true), 0);
    }
    leap_free(l, c->config.kv_context_tokens);
    c->leap = NULL;
}
