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
    cycle_t at;         /* the norm of the first one sent it; in units: of the block that it is in */
    bool in_units;
};

/* Tokens in a block's units. Once one of them left as early as a token without company does, and nothing has disturbed the block since it came in, those behind it
 * that keep their distance leave as early, too: the next one can board. */
struct block_state {
    uint8_t shut;
    bool free;                  /* those in the units meet nobody */
    uint32_t inside;            /* tokens in the units that rom_down has not sent */
    cycle_t chain_from;         /* since the token that came in then, all kept their distance; NEVER: the last one doesn't count */
    cycle_t last_at;            /* the last one came in */
    const struct passage *last; /* what it does, if it meets nobody */
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
    struct passages *passages;
    struct passed *passed;      /* [n_layers + 1] what begins with this block, less what ends before it */
    struct block_state *blocks; /* [n_layers] */
    struct boarded *inside;     /* [tokens of the sequencer] room */
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

/* Of those that land at the same place the engine knows the first one only. */
static void schedule(struct flight *f, cycle_t now)
{
    if (f && lands_at(f) > now) {
        f->unit.wake = NEVER;
        unit_sleep(&f->unit, f->ahead && f->ahead->to == f->to ? NEVER : lands_at(f));
    }
}

static void insert(struct leap *l, struct flight *f, struct flight *ahead)
{
    f->ahead = ahead;
    f->behind = ahead ? ahead->behind : l->head;
    *(f->behind ? &f->behind->ahead : &l->tail) = f;
    *(ahead ? &ahead->behind : &l->head) = f;
}

static void take_out(struct leap *l, struct flight *f, cycle_t now)
{
    *(f->ahead ? &f->ahead->behind : &l->head) = f->behind;
    *(f->behind ? &f->behind->ahead : &l->tail) = f->ahead;
    f->unit.wake = NEVER;
    f->to = 0;
    schedule(f->behind, now);
}

static void add_counts(struct block_counts *to, const struct block_counts *what, uint64_t sign)
{
    for (uint32_t i = 0; i < BLOCK_UNITS; i++) {
        to->busy_cycles[i] += sign * what->busy_cycles[i];
        to->lora_cycles[i] += sign * what->lora_cycles[i];
        to->sram_cycles[i] += sign * what->sram_cycles[i];
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

/* -- tokens in units -- */

/* Whoever is in the block's units may have been held up, or will be. */
static void disturb(struct block_state *s)
{
    s->free = false;
    s->chain_from = NEVER;
}

/* It comes no earlier than the units are free after the last one that came in, if that met nobody. */
static bool follows(const struct block_state *s, const struct flight *f)
{
    return s->chain_from != NEVER && (int64_t)(f->at - s->last_at) >= passage_distance(s->last, f->passage);
}

static void enter_units(struct block_state *s, struct flight *f)
{
    s->inside++;
    f->in_units = true;
    if (!f->passage) {
        disturb(s);
        return;
    }
    if (!follows(s, f)) {
        s->free = false;
        s->chain_from = f->at;
    }
    s->last_at = f->at;
    s->last = f->passage;
}

/* rom_down sent it. */
static void leave_units(struct block_state *s, struct flight *f, cycle_t now)
{
    s->inside--;
    f->in_units = false;
    if (!f->passage) {
        disturb(s);
    } else {
        s->free |= f->at >= s->chain_from && now == f->at + f->passage->sent;
    }
}

/* -- back into the units -- */

/* The block goes on in its units; `now` is over. */
static void put_back(struct leap *l, uint32_t block, cycle_t now)
{
    uint32_t n = 0;
    bool at_gate = false; /* a token on board is already on its way from the block before to this one */
    struct block_state *s = &l->blocks[block];
    if (s->shut & SHUT_UNITS) {
        return;
    }
    s->shut |= SHUT_UNITS;
    disturb(s);
    for (struct flight *f = l->head, *next; f; f = next) {
        next = f->behind;
        if (f->first > block || f->to <= block) {
            continue;
        }
        cycle_t sent = sent_into(f, block);
        if (sent > now) { /* it comes as far as here */
            f->to = block;
            schedule(f, now);
            at_gate |= lands_at(f) <= now;
        } else if (f->to == block + 1 || now < sent + f->passage->period) {
            const bool held = now < sent + f->passage->sent || f->to == block + 1; /* has not been sent, or could not be */
            l->inside[n++] = (struct boarded){f->token, sent};
            count(l, f, block, true);
            take_out(l, f, now);
            f->at = sent;
            if (held) {
                enter_units(s, f);
            }
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
    while (to < l->n_layers && (to == from || (f->passage->through && !l->blocks[to].shut)) &&
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
    for (struct flight *f = boarded->behind; f && f->to == block && !l->blocks[block].shut && lands_at(f) > boarded->at; f = f->behind) {
        uint32_t to = f->passage->through ? reach(l, f, block, f->ahead) : block;
        if (to == block) {
            return;
        }
        f->to = to;
        schedule(f, boarded->at);
        schedule(f->behind, boarded->at);
    }
}

static bool rests(const struct unit *unit, uint32_t inbox)
{
    return unit->state == UNIT_IDLE && unit->inbox == inbox;
}

/* Nothing is in the block's units but the token that its norm sends. */
static bool is_empty(const struct leap *l, uint32_t block, const struct token *token)
{
    struct layer_block *b = &l->chip->layers[block];
    bool empty = l->blocks[block].inside == 0 && b->sram.n_open == 0;
    for (uint32_t i = 0; i < BLOCK_UNITS && empty; i++) {
        bool gets = i == BLOCK_ROM_QKV || i == BLOCK_FFN_NORM || (i == BLOCK_LORA_MAC && token_has_lora(token, LINEARS_QKV));
        empty = rests(block_unit(b, i), gets);
    }
    return empty;
}

/* Takes the token that was sent last out of the links behind the block's norm; that their wires are taken stays. */
static void lift(struct layer_block *b, const struct token *token)
{
    struct link *links[] = {&b->x_qkv, &b->residual_attention, &b->lora_x_qkv};
    for (int i = 0; i < 2 + token_has_lora(token, LINEARS_QKV); i++) {
        links[i]->count--;
        links[i]->receiver->inbox--;
        links[i]->receiver->ports &= ~((uint32_t)(links[i]->count == 0) << links[i]->port);
    }
}

/* Whether a token that its norm sends can go on board: nothing in the block's units is in its way. */
static bool may_board(const struct leap *l, uint32_t block, const struct flight *f)
{
    const struct layer_block *b = &l->chip->layers[block];
    const struct block_state *s = &l->blocks[block];
    if (!f->passage || !f->passage->fits || b->dma_write.request.count > 0 || b->sram.stream[SRAM_DMA_WRITE].open) {
        return false;
    }
    return !(s->shut & SHUT_UNITS) || is_empty(l, block, f->token) || (s->free && follows(s, f));
}

/* Of a token that comes into this block: those ahead go further, those behind have come no further. */
static struct flight *ahead_of(const struct leap *l, uint32_t block)
{
    struct flight *ahead = l->tail;
    if (block < l->n_layers / 2) {
        while (ahead && ahead->to <= block) {
            ahead = ahead->ahead;
        }
        return ahead;
    }
    ahead = NULL;
    for (struct flight *f = l->head; f && f->to > block; f = f->behind) {
        ahead = f;
    }
    return ahead;
}

/* A norm has sent a token into its block in this cycle. */
static void board(struct leap *l, uint32_t block, cycle_t now)
{
    struct layer_block *b = &l->chip->layers[block];
    struct block_state *s = &l->blocks[block];
    struct token *token = b->x_qkv.slots[(b->x_qkv.head + b->x_qkv.count - 1) % b->x_qkv.depth].token;
    struct flight *f = &l->flights[token - l->chip->sequencer.tokens];
    f->token = token;
    f->first = block;
    f->at = now;
    f->passage = passages_find(l->passages, block, token);
    const bool may = may_board(l, block, f);
    if (may && s->shut & SHUT_UNITS && block + 1 < l->n_layers &&
        (s->inside > 0 || b->down.count > 0 || l->chip->layers[block + 1].attention_norm.token)) {
        l->blocks[block + 1].shut |= SHUT_GATE;
    }
    struct flight *ahead = may ? ahead_of(l, block) : NULL;
    const uint32_t to = may ? reach(l, f, block, ahead) : block;
    if (to == block) { /* it goes the long way, and so does the block */
        if (!(s->shut & SHUT_UNITS)) {
            lift(b, token);
            put_back(l, block, now);
            block_send(b, token, now);
        }
        enter_units(s, f);
        return;
    }
    lift(b, token);
    f->to = to;
    s->shut &= (uint8_t)~SHUT_UNITS;
    insert(l, f, ahead);
    schedule(f, now);
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
        l->blocks[f->to].shut |= SHUT_GATE;
    }
    take_out(l, f, now);
}

/* -- the engine's side -- */

/* What was sent over the link in this cycle, or NULL. */
static const struct burst *sent_last(const struct link *link, cycle_t now)
{
    const struct burst *last = &link->slots[(link->head + link->count - 1) % link->depth];
    return link->count > 0 && last->first == now + 1 ? last : NULL;
}

static void norm_ticked(struct leap *l, uint32_t block, cycle_t now)
{
    if (!sent_last(&l->chip->layers[block].x_qkv, now)) {
        return;
    }
    if (block > 0 && l->chip->layers[block - 1].down.count == 0 && l->blocks[block - 1].inside == 0) {
        l->blocks[block].shut &= (uint8_t)~SHUT_GATE;
    }
    board(l, block, now);
}

static void rom_down_ticked(struct leap *l, uint32_t block, cycle_t now)
{
    const struct link *down = &l->chip->layers[block].down;
    const struct burst *last = sent_last(down, now);
    struct flight *f = last ? &l->flights[last->token - l->chip->sequencer.tokens] : NULL;
    if (f && f->in_units) {
        leave_units(&l->blocks[block], f, now);
    }
}

/* A write begins, goes on or is over. */
static void dma_ticked(struct leap *l, cycle_t now)
{
    const int32_t layer = l->chip->dma.layer;
    if (layer < 0 || layer >= (int32_t)l->n_layers) { /* of an end */
        return;
    }
    if (l->chip->layers[layer].dma_write.request.count > 0) {
        put_back(l, (uint32_t)layer, now);
    }
    disturb(&l->blocks[layer]);
}

static void flight_ticked(struct leap *l, const struct flight *f, cycle_t now)
{
    if (f->to > 0 && lands_at(f) == now) {
        put_back(l, f->to - 1, now);
    }
}

void leap_end_cycle(struct chip *c, struct unit *const *ticked, uint32_t n, cycle_t now)
{
    bool dma = false, flights = false; /* last: when a block is put back, what came into it is known */
    for (uint32_t i = 0; i < n; i++) {
        const struct unit *unit = ticked[i];
        switch (unit->kind) {
        case KIND_ATTENTION_NORM: norm_ticked(c->leap, (uint32_t)unit->layer, now); break;
        case KIND_ROM_DOWN: rom_down_ticked(c->leap, (uint32_t)unit->layer, now); break;
        case KIND_DMA: dma = true; break;
        case UNIT_KINDS: flights = true; break;
        default: break;
        }
    }
    if (dma) {
        dma_ticked(c->leap, now);
    }
    for (uint32_t i = 0; i < n && flights; i++) {
        if (ticked[i]->kind == UNIT_KINDS) {
            flight_ticked(c->leap, (const struct flight *)ticked[i], now);
        }
    }
}

static bool can_leap(const struct chip *c)
{
    bool can = !c->trace && !c->model && c->config.chip_organisation == ORGANISATION_SPATIAL &&
               c->config.sram_ways == c->config.sram_banks && !c->map.kv_page;
    for (uint32_t i = 0; i < c->n_layer_blocks; i++) {
        can &= !c->layers[i].sram.lora_grants;
    }
    return can;
}

static void leap_free(struct leap *l)
{
    passages_free(l->passages);
    free(l->flights);
    free(l->passed);
    free(l->blocks);
    free(l->inside);
    free(l);
}

bool leap_new(struct chip *c, struct leap **leap, struct error *e)
{
    *leap = NULL;
    if (!can_leap(c)) {
        return true;
    }
    const uint32_t n_tokens = c->sequencer.n_free;
    struct leap *l = error_calloc(e, 1, sizeof *l, "the engine");
    if (!l) {
        return false;
    }
    l->chip = c;
    l->n_layers = c->n_layer_blocks;
    l->flights = calloc(n_tokens, sizeof *l->flights);
    l->passed = calloc((size_t)l->n_layers + 1, sizeof *l->passed);
    l->blocks = calloc(l->n_layers, sizeof *l->blocks);
    l->inside = calloc(n_tokens, sizeof *l->inside);
    if (!l->flights || !l->passed || !l->blocks || !l->inside) {
        leap_free(l);
        return error_input(e, "not enough memory for the engine");
    }
    l->passages = passages_new(c, e);
    if (!l->passages) {
        leap_free(l);
        return false;
    }
    for (uint32_t i = 0; i < l->n_layers; i++) {
        l->blocks[i] = (struct block_state){.shut = SHUT_UNITS, .chain_from = NEVER};
    }
    for (uint32_t i = 0; i < n_tokens; i++) {
        l->flights[i] = (struct flight){.unit = {.tick = land, .wake = NEVER, .wheel = c->wheel, .kind = UNIT_KINDS}, .leap = l};
    }
    *leap = l;
    return true;
}

/* Cycles of a unit that were passed on board: it looked idle. */
static void add_cycles(struct unit *unit, enum unit_state state, uint64_t cycles)
{
    unit->state_cycles[state] += cycles;
    unit->state_cycles[UNIT_IDLE] -= cycles;
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
            add_cycles(block_unit(b, u), UNIT_BUSY, sum.counts.busy_cycles[u]);
            add_cycles(block_unit(b, u), UNIT_STALL_LORA, sum.counts.lora_cycles[u]);
            add_cycles(block_unit(b, u), UNIT_STALL_SRAM, sum.counts.sram_cycles[u]);
        }
        for (enum sram_client client = 0; client < SRAM_CLIENTS; client++) {
            b->sram.words[client] += sum.counts.words[client];
        }
        add_cycles(&b->attention_norm.unit, UNIT_BUSY, sum.norms * norm_cycles(&b->attention_norm, true));
    }
    leap_free(l);
    c->leap = NULL;
}
