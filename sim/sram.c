#include "sim/sram.h"

#include <string.h>

const char *const sram_client_names[SRAM_CLIENTS] = {"kv_write", "kv_read", "lora_read", "dma_write"};

void sram_init(struct sram *sram, const struct chip_config *config)
{
    sram->ways = config->sram_ways;
    sram->group_words = config->sram_ways * config->sram_depth_words;
    sram->page_words = config->sram_page_words;
    sram->ports = config->sram_ports;
    sram->latency_cycles = config->sram_latency_cycles;
    sram->round_robin = config->sram_arbiter == ARBITER_ROUND_ROBIN;
    sram->n_banks = config->sram_banks;
}

void sram_init_group(struct sram *sram, const struct chip_config *config, uint32_t ways, uint32_t words)
{
    sram_init(sram, config);
    sram->n_banks = sram->ways = ways;
    sram->group_words = words;
}

void sram_request(struct link *request, cycle_t now, struct token *token, struct sram_place place, uint32_t words, uint32_t words_per_cycle)
{
    struct burst *burst = link_back(request);
    burst->address_words = place.address_words;
    burst->pages = place.pages;
    burst->words = words;
    burst->words_per_cycle = words_per_cycle;
    burst->row_words = 0;
    link_push(request, now, token, 1);
}

void sram_request_rows(struct link *request, cycle_t now, struct token *token, struct sram_place place, const struct sram_rows *rows)
{
    struct burst *burst = link_back(request);
    burst->address_words = place.address_words;
    burst->pages = place.pages;
    burst->words = rows->words;
    burst->words_per_cycle = burst->row_words = rows->row_words;
    burst->first_rows = rows->first_rows;
    burst->block_rows = rows->block_rows;
    burst->pause_cycles = rows->pause_cycles;
    link_push(request, now, token, 1);
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool active(const struct sram_stream *s)
{
    return s->row_words_left > 0;
}

static bool wants(const struct sram_stream *s, cycle_t now)
{
    return active(s) && s->wanted_at <= now;
}

/* What a stream gets in one cycle when no other wants a port. */
static uint32_t words_alone(const struct sram_stream *s)
{
    return min_u32(min_u32(s->words_per_cycle, s->row_words_left), s->run_words_left);
}

/* A row's last word was granted in cycle `now`. */
static void next_row(struct sram_stream *s, cycle_t now)
{
    s->rows_left--;
    s->block_rows_left--;
    if (s->rows_left == 0) {
        return;
    }
    s->row_words_left = s->row_words;
    if (s->block_rows_left == 0) {
        s->block_rows_left = s->block_rows;
        s->wanted_at = now + 1 + s->pause_cycles;
    }
}

/* On to the next page, or the next group of banks. */
static void next_run(const struct sram *sram, struct sram_stream *s)
{
    if (s->next_page) {
        s->address_words = *s->next_page++;
        s->way = s->address_words % sram->group_words % sram->ways;
        s->run_words_left = sram->page_words;
    } else {
        s->run_words_left = sram->group_words;
        s->way = 0;
    }
}

/* Words of the present row, the last of them granted in cycle `now`. */
static void take(const struct sram *sram, struct sram_stream *s, uint32_t words, cycle_t now)
{
    s->address_words += words;
    s->row_words_left -= words;
    s->run_words_left -= words;
    if (s->run_words_left == 0) {
        next_run(sram, s);
    } else if (words < sram->ways) {
        s->way += words;
        s->way -= s->way >= sram->ways ? sram->ways : 0;
    } else {
        ES_ASSERT(sram->ways > 0);
        s->way = (s->way + words) % sram->ways;
    }
    if (s->row_words_left == 0) {
        next_row(s, now);
    }
}

/* -- a client alone: closed form -- */

/* At the beginning of a row: makes one row of all that come without a pause, in one group of banks and one page, in no more than `limit` cycles. Returns their cycles, 0
 * if that is not even one row. */
static cycle_t join_rows(struct sram_stream *s, cycle_t limit)
{
    cycle_t row_cycles = ceil_div(s->row_words, s->words_per_cycle);
    uint32_t rows = min_u32(s->block_rows_left, s->run_words_left / s->row_words);
    if (limit / row_cycles < rows) {
        rows = (uint32_t)(limit / row_cycles);
    }
    if (rows > 0) {
        s->row_words_left = rows * s->row_words;
        s->rows_left -= rows - 1;
        s->block_rows_left -= rows - 1;
    }
    return rows * row_cycles;
}

/* Advances a stream over the cycles from .. to - 1. Returns the cycle behind the one in which it got its last word, or `to`. */
static cycle_t advance_alone(const struct sram *sram, struct sram_stream *s, cycle_t from, cycle_t to)
{
    while (active(s) && from < to) {
        if (s->wanted_at > from) {
            from = s->wanted_at < to ? s->wanted_at : to;
            continue;
        }
        cycle_t cycles = s->row_words_left == s->row_words ? join_rows(s, to - from) : 0;
        uint32_t words = s->row_words_left;
        if (cycles == 0) {
            words = min_u32(words, s->run_words_left);
            cycles = ceil_div(words, s->words_per_cycle);
            if (cycles > to - from) {
                cycles = to - from;
                words = (uint32_t)cycles * s->words_per_cycle;
            }
        }
        from += cycles;
        take(sram, s, words, from - 1);
    }
    return from;
}

/* -- several clients: one cycle at a time -- */

/* What the clients before have been granted in this cycle: words one after the other, round the banks of a group. */
struct grants {
    uint32_t n;
    struct {
        uint32_t group, way, words;
    } of[SRAM_CLIENTS];
};

/* Ports of bank `way` of the group that are taken. *same_for: so many banks from here on, this one included, have as many. */
static uint32_t ports_taken(const struct sram *sram, const struct grants *grants, uint32_t group, uint32_t way, uint32_t *same_for)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < grants->n; i++) {
        if (grants->of[i].group == group) {
            uint32_t rounds = grants->of[i].words / sram->ways, rest = grants->of[i].words % sram->ways;
            uint32_t offset = way >= grants->of[i].way ? way - grants->of[i].way : way + sram->ways - grants->of[i].way;
            taken += rounds + (offset < rest);
            *same_for = min_u32(*same_for, offset < rest ? rest - offset : sram->ways - offset);
        }
    }
    return taken;
}

/* One cycle's grant to one client beside what others took already: consecutive words until a bank has no port left. */
static uint32_t words_contended(const struct sram *sram, const struct sram_stream *s, const struct grants *grants, uint32_t group,
                                uint32_t wanted)
{
    uint32_t granted = 0, way = s->way, round = 0; /* rounds of its own */
    while (granted < wanted) {
        uint32_t same_for = min_u32(wanted - granted, sram->ways - granted % sram->ways);
        if (ports_taken(sram, grants, group, way, &same_for) + round >= sram->ports) {
            break;
        }
        granted += same_for;
        round = granted / sram->ways;
        way += same_for;
        way -= way >= sram->ways ? sram->ways : 0;
    }
    return granted;
}

static void grant(const struct sram *sram, struct sram_stream *s, cycle_t now, struct grants *grants, uint64_t *lost)
{
    uint32_t group = s->address_words / sram->group_words;
    uint32_t wanted = words_alone(s), granted = words_contended(sram, s, grants, group, wanted);
    grants->of[grants->n].group = group;
    grants->of[grants->n].way = s->way;
    grants->of[grants->n++].words = granted;
    *lost += granted < wanted;
    take(sram, s, granted, now);
}

/* Arbitrates one cycle among all clients. `lost` counts the cycles in which a client got less than it would have alone. */
static void arbitrate(const struct sram *sram, struct sram_stream streams[SRAM_CLIENTS], cycle_t now, uint32_t *turn,
                      uint64_t lost[SRAM_CLIENTS])
{
    struct grants grants;
    grants.n = 0;
    for (uint32_t i = 0; i < SRAM_CLIENTS; i++) {
        enum sram_client client = sram->round_robin ? (i + *turn) % SRAM_CLIENTS : i;
        if (wants(&streams[client], now)) {
            grant(sram, &streams[client], now, &grants, &lost[client]);
        }
    }
    *turn = grants.n > 1 ? (*turn + 1) % SRAM_CLIENTS : *turn;
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
        if (wants(s, sram->served_to)) {
            take(sram, s, words_alone(s), sram->served_to);
        }
    } else if (sram->n_active == 1) {
        advance_alone(sram, lone(sram->stream), sram->served_to, to);
    } else if (sram->n_active > 1) {
        for (cycle_t cycle = sram->served_to; cycle < to; cycle++) {
            arbitrate(sram, sram->stream, cycle, &sram->turn, sram->lost_cycles);
        }
    }
    sram->served_to = to;
}

/* Serves the cycles served_to .. to - 1, and keeps what LoRA read is granted in each. */
static void serve_watched(struct sram *sram, cycle_t to)
{
    const struct sram_stream *lora = &sram->stream[SRAM_LORA_READ];
    while (active(lora) && sram->served_to < to) {
        cycle_t cycle = sram->served_to;
        uint32_t address_words = lora->address_words;
        serve_until(sram, cycle + 1);
        sram->lora_grants[cycle % SRAM_WATCHED_CYCLES] = (struct sram_grant){cycle, lora->address_words - address_words};
    }
    serve_until(sram, to);
}

RARELY static void serve_as_asked(struct sram *sram, cycle_t to)
{
    if (sram->lora_grants) {
        serve_watched(sram, to);
    } else {
        serve_until(sram, to);
    }
}

void sram_watch_lora(struct sram *sram, struct sram_grant *grants)
{
    for (uint32_t i = 0; i < SRAM_WATCHED_CYCLES; i++) {
        grants[i] = (struct sram_grant){NEVER, 0};
    }
    sram->lora_grants = grants;
}

/* The cycle in which the first of the present streams gets its last word, if no further request comes before. */
static cycle_t next_last_word(const struct sram *sram)
{
    struct sram_stream streams[SRAM_CLIENTS];
    memcpy(streams, sram->stream, sizeof streams);
    if (sram->n_active == 1) {
        return advance_alone(sram, lone(streams), sram->served_to, NEVER) - 1;
    }
    uint32_t turn = sram->turn;
    uint64_t lost[SRAM_CLIENTS] = {0};
    cycle_t cycle = sram->served_to;
    while (count_active(streams) == sram->n_active) {
        arbitrate(sram, streams, cycle, &turn, lost);
        cycle++;
    }
    return cycle - 1;
}

static struct sram_stream stream_of(const struct sram *sram, const struct burst *request)
{
    const uint32_t *page = request->pages ? &request->pages[request->address_words / sram->page_words] : NULL;
    uint32_t in_page = page ? request->address_words % sram->page_words : 0;
    uint32_t address_words = page ? *page + in_page : request->address_words, in_group = address_words % sram->group_words;
    struct sram_stream s = {.address_words = address_words,
                            .row_words_left = request->words,
                            .words_per_cycle = min_u32(request->words_per_cycle, sram->ways * sram->ports),
                            .way = in_group % sram->ways,
                            .run_words_left = page ? sram->page_words - in_page : sram->group_words - in_group,
                            .next_page = page ? page + 1 : NULL,
                            .rows_left = 1,
                            .block_rows_left = 1,
                            .respond_at = NEVER,
                            .open = true};
    if (request->row_words > 0) {
        s.row_words_left = s.row_words = request->row_words;
        s.rows_left = request->words / request->row_words;
        s.block_rows_left = request->pause_cycles ? request->first_rows : s.rows_left; /* without a pause the blocks are one */
        s.block_rows = request->block_rows;
        s.pause_cycles = request->pause_cycles;
        ES_ASSERT(s.rows_left * s.row_words == request->words && request->first_rows > 0 && s.block_rows > 0);
        ES_ASSERT(s.rows_left >= request->first_rows && (s.rows_left - request->first_rows) % s.block_rows == 0);
    }
    ES_ASSERT(request->words > 0 && s.words_per_cycle > 0);
    ES_ASSERT((uint64_t)address_words + (page ? sram->page_words - in_page : request->words) <=
              (uint64_t)sram->n_banks / sram->ways * sram->group_words);
    return s;
}

/* Takes requests that are there and starts their streams; returns whether there was one. */
static bool accept(struct sram *sram, cycle_t now)
{
    bool any = false;
    for (enum sram_client c = 0; c < SRAM_CLIENTS; c++) {
        struct burst *request = sram->stream[c].open || !sram->request[c] ? NULL : link_front(sram->request[c], now);
        if (request) {
            sram->stream[c] = stream_of(sram, request);
            sram->words[c] += request->words;
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
        if (!s->open || active(s)) {
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
    serve_as_asked(sram, now);
    bool changed = accept(sram, now);
    unit_enter(&sram->unit, now, sram->n_active ? UNIT_BUSY : UNIT_IDLE);
    serve_as_asked(sram, now + 1);
    changed |= respond(sram, now);
    if (changed) {
        sram->last_word_at = sram->n_active ? next_last_word(sram) : now + 1; /* with none left, it is idle from the next cycle on */
    }
    if (sram->last_word_at > now) {
        unit_sleep(&sram->unit, sram->last_word_at);
    }
}

/* -- one stream from request to response, as long as nobody else asks -- */

static cycle_t lone_last_at(const struct sram *sram, const struct sram_stream *stream, cycle_t now)
{
    struct sram_stream copy = *stream;
    if (stream->row_words == 0 && stream->row_words_left <= stream->run_words_left) {
        return now + ceil_div(stream->row_words_left, stream->words_per_cycle) - 1;
    }
    return advance_alone(sram, &copy, now, NEVER) - 1;
}

/* Nothing is open and one request is on its way, or there. */
static void begin_lone(struct sram *sram, cycle_t now)
{
    enum sram_client c = (enum sram_client)__builtin_ctz(sram->unit.ports);
    const struct burst *request = link_front(sram->request[c], now);
    if (!request) {
        return;
    }
    sram->lone = &sram->stream[c];
    *sram->lone = stream_of(sram, request);
    sram->words[c] += request->words;
    sram->n_open = sram->n_active = 1;
    sram->served_to = now;
    sram->lone_last_at = lone_last_at(sram, sram->lone, now);
    link_pop(sram->request[c], now);
    unit_enter(&sram->unit, now, UNIT_BUSY);
    unit_sleep(&sram->unit, sram->lone_last_at + 1);
}

static void end_stream(struct sram *sram)
{
    sram->lone->row_words_left = sram->lone->rows_left = 0;
    sram->lone->respond_at = sram->lone_last_at + sram->latency_cycles;
    sram->n_active = 0;
}

/* Another client asks: from this cycle on they are arbitrated. */
static void leave_lone(struct sram *sram, cycle_t now)
{
    sram->last_word_at = sram->lone_last_at;
    if (now > sram->lone_last_at && sram->n_active) {
        end_stream(sram);
    }
    sram->lone = NULL;
}

static void go_on_lone(struct sram *sram, cycle_t now)
{
    if (now <= sram->lone_last_at) {
        unit_sleep(&sram->unit, sram->lone_last_at + 1);
        return;
    }
    unit_enter(&sram->unit, now, UNIT_IDLE);
    if (sram->n_active) {
        end_stream(sram);
    }
    if (now < sram->lone->respond_at) {
        unit_sleep(&sram->unit, sram->lone->respond_at);
        return;
    }
    struct link *response = sram->response[sram->lone - sram->stream];
    if (link_ready(response, now)) {
        link_push(response, now, NULL, 1);
        sram->lone->open = false;
        sram->n_open = 0;
        sram->lone = NULL;
    }
}

void sram_tick(struct unit *unit, cycle_t now)
{
    struct sram *sram = (struct sram *)unit;
    if (sram->lone) {
        if (unit->inbox == 0) {
            go_on_lone(sram, now);
            return;
        }
        leave_lone(sram, now);
    } else if (unit->inbox == 0 && sram->n_open == 0 && unit->state == UNIT_IDLE) {
        return;
    } else if (unit->inbox == 1 && sram->n_open == 0 && unit->state == UNIT_IDLE && !sram->lora_grants) {
        begin_lone(sram, now);
        return;
    }
    if (sram->lora_grants) {
        unit_sleep(unit, now + 1); /* whoever watches does so in every cycle */
    }
    if (unit->inbox == 0 && sram->n_open == sram->n_active && now < sram->last_word_at && now == sram->served_to) {
        serve_as_asked(sram, now + 1); /* in step, most cycles: streams go on and none ends */
        unit_sleep(unit, sram->last_word_at);
        return;
    }
    serve(sram, now);
}
