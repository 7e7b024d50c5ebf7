#include "sim/leap_passage.h"

#include <stdlib.h>
#include <string.h>

struct unit *block_unit(struct layer_block *b, uint32_t which)
{
    struct unit *const units[BLOCK_UNITS] = {
        [BLOCK_ROM_QKV] = &b->rom_qkv.unit,
        [BLOCK_ROPE] = &b->rope.unit,
        [BLOCK_ATTENTION] = &b->attention.unit,
        [BLOCK_SRAM] = &b->sram.unit,
        [BLOCK_ROM_O] = &b->rom_o.unit,
        [BLOCK_FFN_NORM] = &b->ffn_norm.unit,
        [BLOCK_ROM_GATE_UP] = &b->rom_gate_up.unit,
        [BLOCK_SILU] = &b->silu.unit,
        [BLOCK_ROM_DOWN] = &b->rom_down.unit,
        [BLOCK_LORA_MAC] = &b->lora_mac.unit,
    };
    return units[which];
}

void block_send(struct layer_block *b, struct token *token, cycle_t now)
{
    struct link *links[] = {&b->x_qkv, &b->residual_attention, &b->lora_x_qkv};
    for (int i = 0; i < 2 + token_has_lora(token, LINEARS_QKV); i++) {
        links[i]->wires_free_at = now; /* where it boarded, they were used already */
        link_push(links[i], now, token, b->attention_norm.beats);
    }
}

/* -- a clock of their own -- */

enum { UNITS_ALONE = BLOCK_UNITS + 2, NEXT_NORM = BLOCK_UNITS, FIRST_NORM };

struct alone {
    struct unit *unit[UNITS_ALONE]; /* the block's units, the next norm, and the block's first one, which does not tick */
    cycle_t wake[UNITS_ALONE];      /* the engine's */
};

/* Nothing they say goes to the engine. */
static struct alone take_units(struct chip *c, uint32_t layer)
{
    struct alone a;
    for (uint32_t i = 0; i < UNITS_ALONE; i++) {
        a.unit[i] = i < BLOCK_UNITS  ? block_unit(&c->layers[layer], i)
                    : i == NEXT_NORM ? c->layers[layer].down.receiver
                                     : &c->layers[layer].attention_norm.unit;
        a.wake[i] = a.unit[i]->wake;
        a.unit[i]->wake = NEVER;
        a.unit[i]->wheel = NULL;
    }
    return a;
}

/* The engine knows what it knew before, and what they said since. */
static void give_back(const struct chip *c, const struct alone *a)
{
    for (uint32_t i = 0; i < UNITS_ALONE; i++) {
        a->unit[i]->wheel = c->wheel;
        cycle_t said = i == FIRST_NORM ? NEVER : a->unit[i]->wake;
        a->unit[i]->wake = a->wake[i];
        unit_sleep(a->unit[i], said);
    }
}

/* Of the first n units. */
static cycle_t next_wake(const struct alone *a, uint32_t n)
{
    cycle_t next = NEVER;
    for (uint32_t i = 0; i < n; i++) {
        next = a->unit[i]->wake < next ? a->unit[i]->wake : next;
    }
    return next;
}

static void tick_due(const struct alone *a, uint32_t n, cycle_t now)
{
    struct unit *due[FIRST_NORM];
    uint32_t n_due = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (a->unit[i]->wake == now) {
            a->unit[i]->wake = NEVER;
            due[n_due++] = a->unit[i];
        }
    }
    for (uint32_t i = 0; i < n_due; i++) {
        due[i]->tick(due[i], now);
    }
}

void passage_replay(struct chip *c, uint32_t layer, const struct boarded *boarded, uint32_t n, cycle_t now)
{
    struct layer_block *b = &c->layers[layer];
    struct alone a = take_units(c, layer);
    const uint32_t asked = b->sram.unit.inbox, asking = b->sram.unit.ports; /* the DMA, in this cycle: nobody sees it before the next one */
    b->sram.unit.inbox = b->sram.unit.ports = 0;
    for (uint32_t sent = 0;;) {
        cycle_t wake = next_wake(&a, FIRST_NORM), at = sent < n && boarded[sent].at < wake ? boarded[sent].at : wake;
        if (at > now) {
            break;
        }
        if (sent < n && boarded[sent].at == at) {
            block_send(b, boarded[sent++].token, at);
        }
        tick_due(&a, FIRST_NORM, at);
    }
    b->sram.unit.inbox += asked;
    b->sram.unit.ports |= asking;
    give_back(c, &a);
}

/* -- measuring -- */

static void note_states(struct layer_block *b, cycle_t from, cycle_t now, struct passage *p)
{
    for (uint32_t i = 0; i < BLOCK_UNITS; i++) {
        const struct unit *unit = block_unit(b, i);
        if (unit->state != UNIT_IDLE && p->enter[i] == 0) {
            p->enter[i] = (int64_t)(now - from);
        }
        if (unit->state == UNIT_IDLE && unit->since == now) {
            p->leave[i] = (int64_t)(now - from);
        }
    }
}

static void note_counts(struct layer_block *b, struct block_counts *counts)
{
    for (uint32_t i = 0; i < BLOCK_UNITS; i++) {
        counts->busy_cycles[i] = block_unit(b, i)->state_cycles[UNIT_BUSY] - counts->busy_cycles[i];
        counts->lora_cycles[i] = block_unit(b, i)->state_cycles[UNIT_STALL_LORA] - counts->lora_cycles[i];
        counts->sram_cycles[i] = block_unit(b, i)->state_cycles[UNIT_STALL_SRAM] - counts->sram_cycles[i];
    }
    for (enum sram_client i = 0; i < SRAM_CLIENTS; i++) {
        counts->words[i] = b->sram.words[i] - counts->words[i];
    }
}

/* Tokens come to a ROM array at least as far apart as it takes for one that does not wait there. */
static int64_t distance_at(const struct passage *p, uint32_t which)
{
    return p->leave[which] - p->enter[which] + 1 - (int64_t)p->counts.lora_cycles[which];
}

/* Rooms and rates that no unit's rest implies. residual_attention: as many as come on the whole way; or, if all of them take the same time before and
 * behind attention, those before, the one in it and those behind. residual_ffn: those on their way to rom_down's end, and those in the link behind it. */
static void note_limits(const struct layer_block *b, uint32_t norm_beats, bool alike, struct passage *p)
{
    const int64_t qkv = distance_at(p, BLOCK_ROM_QKV), o = distance_at(p, BLOCK_ROM_O), gate_up = distance_at(p, BLOCK_ROM_GATE_UP);
    const int64_t down = distance_at(p, BLOCK_ROM_DOWN), room = b->residual_attention.depth;
    const int64_t whole = p->enter[BLOCK_FFN_NORM] / qkv + 1;
    const int64_t parts = p->enter[BLOCK_ATTENTION] / qkv + 1 + 1 + (p->enter[BLOCK_FFN_NORM] - p->leave[BLOCK_ATTENTION]) / o + 1;
    const int64_t behind = ((int64_t)p->sent - p->leave[BLOCK_FFN_NORM]) / gate_up + 1 + b->down.depth;
    p->fits = (whole < room || (alike && parts < room)) && behind < room;
    p->through = (int64_t)(p->period - p->taken) < down && norm_beats + 1 < down;
}

static void measure(struct chip *lab, uint32_t layer, const struct token *token, struct passage *p)
{
    struct layer_block *b = &lab->layers[layer];
    const struct norm_unit *norm = &lab->layers[lab->n_layer_blocks - 1].attention_norm; /* between any two blocks */
    const cycle_t from = lab->now;
    struct token alone = *token;
    alone.mark = from;
    memset(alone.account_cycles, 0, sizeof alone.account_cycles);
    *p = (struct passage){0};
    note_counts(b, &p->counts);
    struct alone a = take_units(lab, layer);
    block_send(b, &alone, from);
    for (cycle_t at = next_wake(&a, BLOCK_UNITS); at != NEVER; at = next_wake(&a, BLOCK_UNITS)) {
        tick_due(&a, BLOCK_UNITS, at);
        note_states(b, from, at, p);
        lab->now = at + 1;
    }
    note_counts(b, &p->counts);
    const struct burst *down = link_front(&b->down, lab->now);
    ES_ASSERT(b->down.count == 1 && down && alone.mark == down->first - 1);
    p->sent = down->first - 1 - from;
    p->taken = down->last - from;
    p->period = p->taken + norm_cycles(norm, true);
    memcpy(p->account_cycles, alone.account_cycles, sizeof p->account_cycles);
    note_limits(b, norm->beats, lab->n_adapters == 0, p);
    if (p->enter[BLOCK_LORA_MAC] == 0) { /* for tokens with an adapter that come later it is as if it had used that unit with the SRAM */
        p->enter[BLOCK_LORA_MAC] = p->enter[BLOCK_SRAM];
        p->leave[BLOCK_LORA_MAC] = p->leave[BLOCK_SRAM];
    }
    link_pop(&b->down, lab->now);
    link_pop(&b->residual_ffn, lab->now);
    lab->now++;
}

struct passages {
    const struct chip *chip;
    struct chip *lab;          /* a chip like it, in which nothing else happens */
    int32_t *kind;             /* [n_adapters] 1 .. n_kinds - 1: all of a kind have the same ranks; 0: not the same in all layers */
    const struct adapter **of; /* [n_kinds] one of that kind; of[0], the base model's: NULL */
    int32_t n_kinds;
    struct passage **known; /* [n_kinds][kv.context_tokens + 1] by the tokens that are attended to; NULL: not measured yet */
};

static bool same_ranks(const struct adapter *a, int32_t layer_a, const struct adapter *b, int32_t layer_b)
{
    bool same = true;
    for (enum linear which = 0; which < LINEAR_COUNT; which++) {
        same &= adapter_pair(a, layer_a, which)->rank == adapter_pair(b, layer_b, which)->rank;
    }
    return same;
}

static bool same_in_all_layers(const struct adapter *a)
{
    bool same = true;
    for (int32_t layer = 1; layer < a->n_layers; layer++) {
        same &= same_ranks(a, layer, a, 0);
    }
    return same;
}

static void note_kinds(struct passages *p)
{
    p->n_kinds = 1;
    for (uint32_t i = 0; i < p->chip->n_adapters; i++) {
        const struct adapter *a = &p->chip->sequencer.adapters[i];
        for (int32_t kind = 1; kind < p->n_kinds && p->kind[i] == 0; kind++) {
            p->kind[i] = same_in_all_layers(a) && same_ranks(a, 0, p->of[kind], 0) ? kind : 0;
        }
        if (p->kind[i] == 0 && same_in_all_layers(a)) {
            p->of[p->n_kinds] = a;
            p->kind[i] = p->n_kinds++;
        }
    }
}

void passages_free(struct passages *p)
{
    const size_t n = p ? (size_t)p->n_kinds * (p->chip->config.kv_context_tokens + 1) : 0;
    for (size_t i = 0; i < n && p->known; i++) {
        free(p->known[i]);
    }
    if (p) {
        chip_free(p->lab);
        free(p->kind);
        free(p->of);
        free(p->known);
        free(p);
    }
}

struct passages *passages_new(const struct chip *c, struct error *e)
{
    const struct model shape = {.shape = c->shape};
    struct passages *p = error_calloc(e, 1, sizeof *p, "the engine");
    if (!p) {
        return NULL;
    }
    p->chip = c;
    p->kind = error_calloc(e, (size_t)c->n_adapters + 1, sizeof *p->kind, "the engine");
    p->of = error_calloc(e, (size_t)c->n_adapters + 1, sizeof(const struct adapter *), "the engine");
    if (p->kind && p->of) {
        note_kinds(p);
        p->known = error_calloc(e, (size_t)p->n_kinds * (c->config.kv_context_tokens + 1), sizeof(struct passage *), "the engine");
    }
    if (!p->known || !chip_new(&c->config, &shape, false, c->sequencer.adapters, c->n_adapters, NULL, 0, NULL, &p->lab, e)) {
        passages_free(p);
        return NULL;
    }
    return p;
}

/* Tokens with an adapter may have to wait for its slices, find its bits flipped, or read it page by page; and who comes behind one may find its x still on the way
 * into the LoRA MAC unit. */
static bool adapters_leap(const struct chip *c)
{
    const struct norm_unit *norm = &c->layers[0].attention_norm;
    return !c->sequencer.streams && c->sequencer.n_incidents == 0 && !c->map.slot_page && norm_cycles(norm, false) > norm->beats;
}

const struct passage *passages_find(struct passages *p, uint32_t block, const struct token *token)
{
    const int32_t kind = token->adapter ? p->kind[token->adapter - p->chip->sequencer.adapters] : 0;
    if (p->chip->map.kv_damage || (token->adapter && (kind == 0 || !adapters_leap(p->chip)))) { /* it may read flipped bits */
        return NULL;
    }
    const int32_t visible = shape_visible_tokens(&p->chip->shape, (int32_t)block, (int32_t)token->position + 1);
    struct passage **known = &p->known[(size_t)kind * (p->chip->config.kv_context_tokens + 1) + (size_t)visible];
    if (!*known) {
        *known = malloc(sizeof **known);
        ES_ASSERT(*known);
        measure(p->lab, block, token, *known);
    }
    return *known;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t passage_distance(const struct passage *ahead, const struct passage *behind)
{
    int64_t distance =
        ahead->leave[BLOCK_ATTENTION] - behind->enter[BLOCK_SRAM]; /* it may still wait for the SRAM's answer when that rests */
    distance = larger(distance, ahead->leave[BLOCK_LORA_MAC] - behind->enter[BLOCK_SRAM]);
    distance = larger(distance, ahead->enter[BLOCK_ATTENTION] - behind->leave[BLOCK_ROPE]); /* the link between them has room for one */
    for (uint32_t i = 0; i < BLOCK_UNITS; i++) {
        distance = larger(distance, ahead->leave[i] - behind->enter[i]);
    }
    return distance + 1;
}
