#include "sim/sram.h"

#include <string.h>

const char *const sram_client_names[SRAM_CLIENTS] = {"kv_write", "kv_read", "lora_read", "dma_write"};

void sram_init(struct sram *sram, const struct chip_config *config, uint8_t *bank_uses)
{
    sram->ways = config->sram_ways;
    sram->group_words = config->sram_ways * config->sram_depth_words;
    sram->ports = config->sram_ports;
    sram->latency_cycles = config->sram_latency_cycles;
    sram->round_robin = config->sram_arbiter == ARBITER_ROUND_ROBIN;
    sram->n_banks = config->sram_banks;
    sram->bank_uses = bank_uses;
}

void sram_request(struct link *request, cycle_t now, struct token *token, uint32_t address_words, uint32_t words, uint32_t words_per_cycle)
{
    struct burst *burst = link_back(request);
    burst->address_words = address_words;
    burst->words = words;
    burst->words_per_cycle = words_per_cycle;
    link_push(request, now, token, 1);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool active(const struct sram_stream *s)
{
    return s->words_left > 0;
}

/* What a stream gets in one cycle when no other is active. */
static uint32_t words_alone(const struct sram *sram, const struct sram_stream *s)
{
    uint32_t wanted = min_u32(s->words_per_cycle, s->words_left);
    return min_u32(min_u32(wanted, sram->ways * sram->ports), s->group_words_left);
}

static void take(const struct sram *sram, struct sram_stream *s, uint32_t words)
{
    s->address_words += words;
    s->words_left -= words;
    s->group_words_left -= words;
    if (s->group_words_left == 0) { /* on to the next group */
        s->group_words_left = sram->group_words;
        s->way = 0;
    } else if (words < sram->ways) {
        s->way += words;
        s->way -= s->way >= sram->ways ? sram->ways : 0;
    } else {
        ES_ASSERT(sram->ways > 0);
        s->way = (s->way + words) % sram->ways;
    }
}

/* -- a client alone: closed form -- */

/* Advances a stream by up to `limit` cycles; returns how many it needed to get its last word, or `limit`. */
static cycle_t advance_alone(const struct sram *sram, struct sram_stream *s, cycle_t limit)
{
    uint32_t per_cycle = min_u32(s->words_per_cycle, sram->ways * sram->ports);
    cycle_t cycles = 0;
    while (s->words_left > 0 && cycles < limit) {
        uint32_t segment = min_u32(s->words_left, s->group_words_left);
        cycle_t segment_cycles = ceil_div(segment, per_cycle);
        if (segment_cycles > limit - cycles) {
            segment_cycles = limit - cycles;
            segment = (uint32_t)segment_cycles * per_cycle;
        }
        cycles += segment_cycles;
        take(sram, s, segment);
    }
    return cycles;
}

/* -- several clients: one cycle at a time -- */

/* One cycle's grant to one client beside what others took already: consecutive words until a bank has no port left. */
static uint32_t words_contended(const struct sram *sram, const struct sram_stream *s, uint32_t wanted)
{
    uint32_t granted = 0, way = s->way;
    uint8_t *group_uses = &sram->bank_uses[s->address_words / sram->group_words * sram->ways];
    while (granted < wanted && group_uses[way] < sram->ports) {
        group_uses[way]++;
        granted++;
        way = way + 1 < sram->ways ? way + 1 : 0;
    }
    return granted;
}

/* Arbitrates one cycle among all active clients. `lost` counts the cycles in which a client got less than it would have alone. */
static void arbitrate(const struct sram *sram, struct sram_stream streams[SRAM_CLIENTS], uint32_t *turn, uint64_t lost[SRAM_CLIENTS])
{
    memset(sram->bank_uses, 0, sram->n_banks);
    for (uint32_t i = 0; i < SRAM_CLIENTS; i++) {
        enum sram_client client = sram->round_robin ? (i + *turn) % SRAM_CLIENTS : i;
        struct sram_stream *s = &streams[client];
        if (active(s)) {
            uint32_t wanted = words_alone(sram, s), granted = words_contended(sram, s, wanted);
            lost[client] += granted < wanted;
            take(sram, s, granted);
        }
    }
    *turn = (*turn + 1) % SRAM_CLIENTS;
}

/* -- both -- */

static uint32_t count_active(const struct sram_stream streams[SRAM_CLIENTS])
{
    uint32_t n = 0;
    for (enum sram_client c = 0; c < SRAM_CLIENTS; c++) {
        n += active(&streams[c]);
    }
    return n;
}

static struct sram_stream *lone(struct sram_stream streams[SRAM_CLIENTS])
{
    struct sram_stream *s = streams;
    while (!active(s)) {
        s++;
    }
    return s;
}

/* Serves the cycles served_to .. to - 1. No stream gets its last word before the last of them (the unit sleeps no longer than that). */
static void serve_until(struct sram *sram, cycle_t to)
{
    if (sram->n_active == 1 && to - sram->served_to == 1) {
        struct sram_stream *s = lone(sram->stream);
        take(sram, s, words_alone(sram, s));
    } else if (sram->n_active == 1) {
        advance_alone(sram, lone(sram->stream), to - sram->served_to);
    } else if (sram->n_active > 1) {
        for (cycle_t cycle = sram->served_to; cycle < to; cycle++) {
            arbitrate(sram, sram->stream, &sram->turn, sram->lost_cycles);
        }
    }
    sram->served_to = to;
}

/* The cycle in which the first of the present streams gets its last word, if no further request comes before. */
static cycle_t next_last_word(const struct sram *sram)
{
    struct sram_stream streams[SRAM_CLIENTS];
    memcpy(streams, sram->stream, sizeof streams);
    if (sram->n_active == 1) {
        return sram->served_to + advance_alone(sram, lone(streams), NEVER) - 1;
    }
    uint32_t turn = sram->turn;
    uint64_t lost[SRAM_CLIENTS] = {0};
    cycle_t cycle = sram->served_to;
    while (count_active(streams) == sram->n_active) {
        arbitrate(sram, streams, &turn, lost);
        cycle++;
    }
    return cycle - 1;
}

/* Takes requests that are there and starts their streams; returns whether there was one. */
static bool accept(struct sram *sram, cycle_t now)
{
    bool any = false;
    for (enum sram_client c = 0; c < SRAM_CLIENTS; c++) {
        struct sram_stream *s = &sram->stream[c];
        struct burst *request = s->open ? NULL : link_front(sram->request[c], now);
        if (request) {
            uint32_t in_group = request->address_words % sram->group_words;
            *s = (struct sram_stream){request->address_words,
                                      request->words,
                                      request->words_per_cycle,
                                      in_group % sram->ways,
                                      sram->group_words - in_group,
                                      NEVER,
                                      true};
            ES_ASSERT(s->words_left > 0 && s->words_per_cycle > 0);
            ES_ASSERT((uint64_t)s->address_words + s->words_left <= (uint64_t)sram->n_banks / sram->ways * sram->group_words);
            sram->words[c] += s->words_left;
            sram->n_open++;
            sram->n_active++;
            link_pop(sram->request[c], now);
            any = true;
        }
    }
    return any;
}

/* Sends the responses that are due, and notes when the others will be. Returns whether a stream has just had its last word. */
static bool respond(struct sram *sram, cycle_t now)
{
    bool any = false;
    for (enum sram_client c = 0; c < SRAM_CLIENTS; c++) {
        struct sram_stream *s = &sram->stream[c];
        if (!s->open || s->words_left > 0) {
            continue;
        }
        if (s->respond_at == NEVER) {
            s->respond_at = now + sram->latency_cycles;
            sram->n_active--;
            any = true;
        }
        if (now < s->respond_at) {
            unit_sleep(&sram->unit, s->respond_at);
        } else if (link_ready(sram->response[c], now)) {
            link_push(sram->response[c], now, NULL, 1);
            s->open = false;
            sram->n_open--;
            unit_sleep(&sram->unit, now + 1);
        }
    }
    return any;
}

RARELY static void serve(struct sram *sram, cycle_t now)
{
    serve_until(sram, now);
    bool changed = accept(sram, now);
    unit_enter(&sram->unit, now, sram->n_active ? UNIT_BUSY : UNIT_IDLE);
    serve_until(sram, now + 1);
    changed |= respond(sram, now);
    if (changed) {
        sram->last_word_at = sram->n_active ? next_last_word(sram) : now + 1; /* with none left, it is idle from the next cycle on */
    }
    if (sram->last_word_at > now) {
        unit_sleep(&sram->unit, sram->last_word_at);
    }
}

void sram_tick(struct unit *unit, cycle_t now)
{
    struct sram *sram = (struct sram *)unit;
    if (unit->inbox == 0 && sram->n_open == 0 && unit->state == UNIT_IDLE) {
        return;
    }
    if (unit->inbox == 0 && sram->n_open == sram->n_active && now < sram->last_word_at && now == sram->served_to) {
        serve_until(sram, now + 1); /* in step, most cycles: streams go on and none ends */
        unit_sleep(unit, sram->last_word_at);
        return;
    }
    serve(sram, now);
}
