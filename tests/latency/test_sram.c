/* When does an SRAM answer? Hand-computed cases, and random requests, plain ones and ones for lane rows, against a word-by-word model that knows nothing
 * of streams or closed forms. */
#include "sim/sram.h"

#include <string.h>

#include "tests/unit/check.h"
#include "traces/trace.h"

struct rig { /* an SRAM with the test at the other end of its links */
    struct trace *trace;
    struct unit client;
    struct sram sram;
    struct link links[2 * SRAM_CLIENTS];
    struct burst slots[2 * SRAM_CLIENTS][4];
};

static void rig_open(struct rig *r, const struct chip_config *config)
{
    *r = (struct rig){.trace = trace_new()};
    r->client = (struct unit){.wake = NEVER, .trace = r->trace};
    sram_init(&r->sram, config);
    r->sram.unit = (struct unit){.tick = sram_tick, .wake = NEVER, .trace = r->trace};
    for (int i = 0; i < 2 * SRAM_CLIENTS; i++) {
        bool request = i < SRAM_CLIENTS;
        r->links[i] = (struct link){.slots = r->slots[i],
                                    .depth = 4,
                                    .port = (uint8_t)(request ? i : 0),
                                    .popped_at = NEVER,
                                    .trace = r->trace,
                                    .sender = request ? &r->client : &r->sram.unit,
                                    .receiver = request ? &r->sram.unit : &r->client};
        *(request ? &r->sram.request[i] : &r->sram.response[i - SRAM_CLIENTS]) = &r->links[i];
    }
}

static void rig_close(struct rig *r)
{
    trace_free(r->trace);
}

struct asked {
    cycle_t pushed_at, seen_at; /* seen_at: the response, found by the run */
    uint32_t address, words, words_per_cycle;
    enum sram_client client;
    uint32_t row_words, first_rows, block_rows, pause; /* row_words 0: a plain request */
    const uint32_t *pages;                             /* NULL: address is the SRAM's */
};

static void push(struct rig *r, const struct asked *a, cycle_t now)
{
    struct link *link = r->sram.request[a->client];
    struct sram_place place = {a->address, a->pages};
    if (a->row_words) {
        struct sram_rows rows = {a->words, a->row_words, a->first_rows, a->block_rows, a->pause};
        sram_request_rows(link, now, NULL, place, &rows);
    } else {
        sram_request(link, now, NULL, place, a->words, a->words_per_cycle);
    }
}

/* Pushes the requests when their time comes (one a client), ticks every cycle (step) or only when the SRAM wants it (skip), notes the answers. */
static void rig_run(struct rig *r, struct asked *asked, int n, bool skip)
{
    int answered = 0;
    for (cycle_t now = 0; answered < n && now < 100000; now++) {
        bool due = !skip || r->sram.unit.wake <= now || now == 0;
        if (due) {
            r->sram.unit.wake = NEVER;
            r->sram.unit.tick(&r->sram.unit, now);
        }
        for (int i = 0; i < n; i++) {
            struct link *response = r->sram.response[asked[i].client];
            if (asked[i].pushed_at == now) {
                push(r, &asked[i], now);
            }
            if (asked[i].seen_at == 0 && link_front(response, now)) {
                asked[i].seen_at = now;
                link_pop(response, now);
                answered++;
            }
        }
    }
    CHECK_EQ_INT(answered, n);
}

static struct chip_config small_config(void)
{
    struct chip_config c;
    config_defaults(&c);
    c.sram_banks = 8;
    c.sram_ways = 4;
    c.sram_depth_words = 16;
    c.sram_ports = 1;
    c.sram_latency_cycles = 2;
    return c;
}

/* lost: cycles in which each client got less than it would have alone; NULL: not looked at */
static void answers_and_losses(struct chip_config config, struct asked *asked, int n, const cycle_t *expected, const uint64_t *lost)
{
    for (int skip = 0; skip <= 1; skip++) {
        struct rig r;
        struct asked copy[SRAM_CLIENTS];
        memcpy(copy, asked, (size_t)n * sizeof *asked);
        rig_open(&r, &config);
        rig_run(&r, copy, n, skip);
        for (int i = 0; i < n; i++) {
            CHECK_EQ_UINT(copy[i].seen_at, expected[i]);
            CHECK_EQ_UINT(r.sram.words[copy[i].client], copy[i].words);
        }
        for (int c = 0; lost && c < SRAM_CLIENTS; c++) {
            CHECK_EQ_UINT(r.sram.lost_cycles[c], lost[c]);
        }
        rig_close(&r);
    }
}

static void answers(struct chip_config config, struct asked *asked, int n, const cycle_t *expected)
{
    answers_and_losses(config, asked, n, expected, NULL);
}

/* Pushed at 0, seen at 1: words in cycles 1.., latency 2, one more for the response's register. */
static void alone(void)
{
    struct chip_config c = small_config();
    answers(c, (struct asked[]){{.words = 1, .words_per_cycle = 1, .client = SRAM_KV_READ}}, 1, (cycle_t[]){1 + 2 + 1});
    answers(c, (struct asked[]){{.words = 10, .words_per_cycle = 2, .client = SRAM_KV_READ}}, 1, (cycle_t[]){5 + 2 + 1});
    answers(c, (struct asked[]){{.words = 10, .words_per_cycle = 100, .client = SRAM_KV_READ}}, 1,
            (cycle_t[]){3 + 2 + 1}); /* 4 ways: 4, 4, 2 */
    /* groups of 64 words: 62, 63 | 64, 65, 66, 67 | 68 */
    answers(c, (struct asked[]){{.address = 62, .words = 7, .words_per_cycle = 4, .client = SRAM_DMA_WRITE}}, 1, (cycle_t[]){3 + 2 + 1});
    c.sram_ports = 2;
    answers(c, (struct asked[]){{.words = 16, .words_per_cycle = 100, .client = SRAM_LORA_READ}}, 1, (cycle_t[]){2 + 2 + 1});
}

/* Two streams of 4 words a cycle on the same 4 single-ported banks take turns; on different groups they do not meet. */
static void contended(void)
{
    struct chip_config c = small_config();
    struct asked same[] = {{.words = 8, .words_per_cycle = 4, .client = SRAM_KV_WRITE},
                           {.words = 8, .words_per_cycle = 4, .client = SRAM_KV_READ}};
    c.sram_arbiter = ARBITER_FIXED;
    answers(c, same, 2, (cycle_t[]){2 + 2 + 1, 4 + 2 + 1});
    struct asked apart[] = {{.words = 8, .words_per_cycle = 4, .client = SRAM_KV_WRITE},
                            {.address = 64, .words = 8, .words_per_cycle = 4, .client = SRAM_KV_READ}};
    answers(c, apart, 2, (cycle_t[]){2 + 2 + 1, 2 + 2 + 1});
    struct asked narrow[] = {{.words = 4, .words_per_cycle = 1, .client = SRAM_KV_WRITE},
                             {.address = 2, .words = 4, .words_per_cycle = 1, .client = SRAM_KV_READ}};
    answers(c, narrow, 2, (cycle_t[]){4 + 2 + 1, 4 + 2 + 1}); /* banks 0 1 2 3 and 2 3 0 1: never the same one */
}

/* Rows of 6 words on 4 single-ported banks take two cycles each; a pause comes between blocks, none before the first or after the last. */
static void rows_alone(void)
{
    struct chip_config c = small_config();
    struct asked six = {.words = 18, .client = SRAM_LORA_READ, .row_words = 6, .first_rows = 1, .block_rows = 1};
    answers(c, &six, 1, (cycle_t[]){3 * 2 + 2 + 1});
    struct asked one = {.words = 4, .client = SRAM_LORA_READ, .row_words = 4, .first_rows = 1, .block_rows = 1, .pause = 50};
    answers(c, &one, 1, (cycle_t[]){1 + 2 + 1});
    struct asked blocks = {.words = 28, .client = SRAM_LORA_READ, .row_words = 4, .first_rows = 3, .block_rows = 2, .pause = 5};
    answers(c, &blocks, 1, (cycle_t[]){3 + 5 + 2 + 5 + 2 + 2 + 1});
    /* groups of 64 words: 62, 63 | 64, 65 | 66 .. 69; without rows it would be 62, 63 | 64 .. 67 | 68, 69 */
    struct asked across = {.address = 62, .words = 8, .client = SRAM_LORA_READ, .row_words = 4, .first_rows = 2, .block_rows = 1};
    answers(c, &across, 1, (cycle_t[]){3 + 2 + 1});
    c.sram_ports = 2; /* a cycle's words are of one row, though the ports would give two */
    answers(c, &blocks, 1, (cycle_t[]){3 + 5 + 2 + 5 + 2 + 2 + 1});
}

/* Rows of all four banks, one in cycle 1, the next not before cycle 6. In between the banks belong to others, who lose nothing and take nothing away. */
static void a_pause_leaves_the_ports_to_others(void)
{
    struct chip_config c = small_config();
    struct asked rows = {.words = 8, .client = SRAM_LORA_READ, .row_words = 4, .first_rows = 1, .block_rows = 1, .pause = 4};
    struct asked within = {.pushed_at = 1, .words = 16, .words_per_cycle = 4, .client = SRAM_KV_READ};
    for (c.sram_arbiter = 0; c.sram_arbiter < 2; c.sram_arbiter++) {
        answers_and_losses(c, (struct asked[]){rows, within}, 2, (cycle_t[]){6 + 2 + 1, 5 + 2 + 1}, (uint64_t[SRAM_CLIENTS]){0});
    }
    /* Four cycles of KV reads go first; the pause counts from the row that was late. */
    struct asked before = {.words = 16, .words_per_cycle = 4, .client = SRAM_KV_READ};
    c.sram_arbiter = ARBITER_FIXED;
    answers_and_losses(c, (struct asked[]){rows, before}, 2, (cycle_t[]){10 + 2 + 1, 4 + 2 + 1},
                       (uint64_t[SRAM_CLIENTS]){[SRAM_LORA_READ] = 4});
    /* KV write goes first in cycle 1, the row in 2, so the turn is at the LoRA read's; it stays there while that pauses, in 3 and 4, and the second row goes
     * first in 5. */
    struct asked longer = {.words = 16, .words_per_cycle = 4, .client = SRAM_KV_WRITE};
    rows.pause = 2;
    c.sram_arbiter = ARBITER_ROUND_ROBIN;
    answers_and_losses(c, (struct asked[]){rows, longer}, 2, (cycle_t[]){5 + 2 + 1, 6 + 2 + 1}, (uint64_t[SRAM_CLIENTS]){2, 0, 1, 0});
}

/* -- the word-by-word model: every cycle each client in turn wants its next words; a bank serves `ports` of them -- */

struct word_model {
    const struct chip_config *config;
    struct asked asked[SRAM_CLIENTS];
    uint32_t next[SRAM_CLIENTS], end[SRAM_CLIENTS];
    cycle_t not_before[SRAM_CLIENTS];
    cycle_t done[SRAM_CLIENTS];
    uint64_t lost[SRAM_CLIENTS];
    uint32_t turn;
};

static uint32_t bank_of(const struct chip_config *c, uint32_t word)
{
    uint32_t group = word / (c->sram_ways * c->sram_depth_words);
    return group * c->sram_ways + word % (c->sram_ways * c->sram_depth_words) % c->sram_ways;
}

static uint32_t group_of(const struct word_model *m, uint32_t word)
{
    return word / (m->config->sram_ways * m->config->sram_depth_words);
}

/* Where a request's word is. */
static uint32_t place_of(const struct word_model *m, const struct asked *a, uint32_t word)
{
    uint32_t page = m->config->sram_page_words;
    return a->pages ? a->pages[word / page] + word % page : word;
}

static bool together(const struct word_model *m, const struct asked *a, uint32_t word, uint32_t other)
{
    uint32_t page = m->config->sram_page_words;
    return group_of(m, place_of(m, a, word)) == group_of(m, place_of(m, a, other)) && (!a->pages || word / page == other / page);
}

/* The row a word belongs to, and the block a row belongs to; a plain request is one row. */
static uint32_t row_of(const struct asked *a, uint32_t word)
{
    return a->row_words ? (word - a->address) / a->row_words : 0;
}

static uint32_t block_of(const struct asked *a, uint32_t word)
{
    uint32_t row = row_of(a, word);
    return a->row_words == 0 || row < a->first_rows ? 0 : 1 + (row - a->first_rows) / a->block_rows;
}

/* What a client takes in a cycle in which banks have had `uses`; consecutive words of one group, one page and one row. */
static uint32_t model_take(const struct word_model *m, uint32_t client, uint32_t uses[64])
{
    const struct asked *a = &m->asked[client];
    uint32_t got = 0, next = m->next[client], rate = a->row_words ? a->row_words : a->words_per_cycle;
    for (uint32_t word = next; word < m->end[client] && got < rate; word++) {
        uint32_t bank = bank_of(m->config, place_of(m, a, word));
        if (!together(m, a, word, next) || row_of(a, word) != row_of(a, next) || uses[bank] == m->config->sram_ports) {
            break;
        }
        uses[bank]++;
        got++;
    }
    return got;
}

static void model_cycle(struct word_model *m, cycle_t now)
{
    uint32_t uses[64] = {0}, wanting = 0;
    for (uint32_t i = 0; i < SRAM_CLIENTS; i++) {
        uint32_t c = m->config->sram_arbiter == ARBITER_FIXED ? i : (i + m->turn) % SRAM_CLIENTS, idle_banks[64] = {0};
        if (m->next[c] == m->end[c] || now < m->not_before[c]) {
            continue;
        }
        uint32_t alone = model_take(m, c, idle_banks), got = model_take(m, c, uses), last = m->next[c] + got - 1;
        wanting++;
        m->lost[c] += got < alone;
        m->next[c] += got;
        if (got && m->next[c] == m->end[c]) {
            m->done[c] = now;
        } else if (got && block_of(&m->asked[c], last) != block_of(&m->asked[c], last + 1)) {
            m->not_before[c] = now + 1 + m->asked[c].pause;
        }
    }
    m->turn = wanting > 1 ? (m->turn + 1) % SRAM_CLIENTS : m->turn;
}

/* Plain, or lane rows of at most `capacity` / 2 words. */
static struct asked random_request(uint64_t *state, uint32_t capacity, enum sram_client client)
{
    struct asked a = {.pushed_at = test_random(state) % 60, .client = client, .words_per_cycle = 1 + (uint32_t)(test_random(state) % 12)};
    a.words = 1 + (uint32_t)(test_random(state) % (capacity / 2));
    if (test_random(state) % 2) {
        a.row_words = 1 + (uint32_t)(test_random(state) % (a.words < 14 ? a.words : 14));
        uint32_t rows = a.words / a.row_words;
        a.first_rows = 1 + (uint32_t)(test_random(state) % rows);
        a.block_rows = 1 + (uint32_t)(test_random(state) % 4);
        a.pause = (uint32_t)(test_random(state) % 9);
        a.words = (a.first_rows + (rows - a.first_rows) / a.block_rows * a.block_rows) * a.row_words;
    }
    a.address = (uint32_t)(test_random(state) % (capacity - a.words + 1));
    return a;
}

/* Pages in a random order; none lies across groups of banks. Returns how many words they have. */
static uint32_t random_pages(uint64_t *state, struct chip_config *c, uint32_t pages[])
{
    uint32_t group = c->sram_ways * c->sram_depth_words, n = 0;
    c->sram_page_words = 1 + (uint32_t)(test_random(state) % group);
    for (uint32_t g = 0; g < c->sram_banks / c->sram_ways; g++) {
        for (uint32_t p = 0; p < group / c->sram_page_words; p++, n++) {
            uint32_t other = (uint32_t)(test_random(state) % (n + 1));
            pages[n] = pages[other];
            pages[other] = g * group + p * c->sram_page_words;
        }
    }
    return n * c->sram_page_words;
}

static void random_requests_against_the_model(void)
{
    for (uint64_t seed = 1; seed <= 600; seed++) {
        uint64_t state = seed;
        struct chip_config c = small_config();
        c.sram_ways = 1 + (uint32_t)(test_random(&state) % 8);
        c.sram_banks = c.sram_ways * (1 + (uint32_t)(test_random(&state) % 4));
        c.sram_ports = 1 + (uint32_t)(test_random(&state) % 3);
        c.sram_arbiter = (uint32_t)(test_random(&state) % 2);
        uint32_t pages[8 * 4 * 16 + 1] = {0}, capacity = c.sram_banks * c.sram_depth_words;
        uint32_t paged = random_pages(&state, &c, pages);
        struct asked asked[SRAM_CLIENTS];
        struct word_model model = {.config = &c};
        cycle_t expected[SRAM_CLIENTS];
        for (enum sram_client i = 0; i < SRAM_CLIENTS; i++) {
            bool pages_too = seed % 2 && paged > 1 && test_random(&state) % 3;
            asked[i] = random_request(&state, pages_too ? paged : capacity, i);
            asked[i].pages = pages_too ? pages : NULL;
            model.asked[i] = asked[i];
        }
        for (cycle_t now = 0; now < 4000; now++) {
            for (int i = 0; i < SRAM_CLIENTS; i++) {
                if (now == asked[i].pushed_at + 1) {
                    model.next[i] = asked[i].address;
                    model.end[i] = asked[i].address + asked[i].words;
                }
            }
            model_cycle(&model, now);
        }
        for (int i = 0; i < SRAM_CLIENTS; i++) {
            expected[i] = model.done[i] + c.sram_latency_cycles + 1;
        }
        answers_and_losses(c, asked, SRAM_CLIENTS, expected, model.lost);
    }
}

void suite_sram(void)
{
    suite_begin("sram");
    suite_add("a client alone", alone);
    suite_add("two clients on the same and on different banks", contended);
    suite_add("lane rows, blocks and pauses, alone", rows_alone);
    suite_add("a client that pauses leaves the ports to others", a_pause_leaves_the_ports_to_others);
    suite_add("random requests answer when a word-by-word model says, in step and in skip", random_requests_against_the_model);
}
