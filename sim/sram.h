/* sram.h -- a layer's SRAM banks: its part of the adapter slots and of the KV cache.
 *
 *   KV write --\                     word address a: group a / (ways * depth), bank in the group a % ways
 *   KV read  ---> [ port arbiter ] -> banks 0 .. banks-1, each `ports` accesses a cycle of one word
 *   LoRA read --/        ^
 *   DMA write ----------/
 *
 * A client sends a request (address, words, words per cycle it can use) and gets a response when the last word is there. The LoRA MAC unit's
 * requests are for lane rows of row_words words each: a first block of rows, further blocks, and a pause after each but the last.
 * Latency     a request seen at n is served from n on; the response goes sram.latency_cycles after the last word's grant.
 * Throughput  alone: min(words per cycle, ways * ports) words a cycle, less in the cycle in which it crosses into the next group of banks or the next page, or ends a row.
 *             When the last word of a block's last row is granted at g, the next block is wanted from g + 1 + pause on.
 * Stall rule  several clients: in the arbiter's order each takes consecutive words while their banks have a port left this cycle,
 *             and stops at the first that has none. Each client has one request served at a time. A client that pauses wants no port.
 * A client alone is advanced in closed form, to its last word at once until another asks; two or more are arbitrated cycle by cycle, in step when the cycle comes, in skip when one of them has
 * its last word or another asks (looked up beforehand on a copy).
 * Pages       a request may name a table of pages, through which its addresses count; they are translated in no time.
 * Inaccuracies: it keeps time, not contents (KV rows and adapters are held beside it); no read/write turn-around, no bank sleep; reads and writes cost the same.
 */
#ifndef ETCHSIM_SRAM_H
#define ETCHSIM_SRAM_H

#include "sim/config.h"
#include "sim/link.h"

enum sram_client { SRAM_KV_WRITE, SRAM_KV_READ, SRAM_LORA_READ, SRAM_DMA_WRITE, SRAM_CLIENTS };
extern const char *const sram_client_names[SRAM_CLIENTS];

struct sram_stream {
    uint32_t address_words;
    uint32_t row_words_left; /* of the present row; a plain stream is one row. 0: all words are granted */
    uint32_t words_per_cycle;
    uint32_t way, run_words_left;        /* of address_words: its bank within the group, words to the end of the group or of the page */
    const uint32_t *next_page;           /* NULL: words follow each other */
    uint32_t rows_left, block_rows_left; /* the present row included */
    uint32_t row_words, block_rows, pause_cycles;
    cycle_t wanted_at;  /* it pauses until then */
    cycle_t respond_at; /* NEVER until the last word is granted */
    bool open;
};

enum { SRAM_WATCHED_CYCLES = 128 };
struct sram_grant { /* of words to LoRA read, in a cycle */
    cycle_t cycle;
    uint32_t words;
};

struct sram {
    struct unit unit;
    struct link *request[SRAM_CLIENTS], *response[SRAM_CLIENTS]; /* NULL: an end's SRAM has no KV */
    struct sram_stream stream[SRAM_CLIENTS];
    uint32_t n_open, n_active; /* streams: taken and not yet answered; with words left */
    uint32_t ways, group_words, page_words, ports, latency_cycles;
    bool round_robin;
    uint32_t turn;            /* moves on with every contended cycle */
    cycle_t served_to;        /* all cycles before this one are arbitrated */
    cycle_t last_word_at;     /* when one of the present streams gets its last word, if no request comes before */
    struct sram_stream *lone; /* the one open stream, that nobody disturbs; NULL: none, several, or somebody watches */
    cycle_t lone_last_at;     /* the cycle in which it gets its last word */
    uint32_t n_banks;
    struct sram_grant *lora_grants; /* [SRAM_WATCHED_CYCLES] NULL: nobody watches */
    /* counters */
    uint64_t words[SRAM_CLIENTS];
    uint64_t lost_cycles[SRAM_CLIENTS]; /* cycles in which others took a port this client wanted */
};

void sram_init(struct sram *sram, const struct chip_config *config);
/* One of a single group of `ways` banks, of so many words together. */
void sram_init_group(struct sram *sram, const struct chip_config *config, uint32_t ways, uint32_t words);
void sram_tick(struct unit *unit, cycle_t now);

/* For co-simulation: keeps how many words LoRA read is granted in each cycle. grants [SRAM_WATCHED_CYCLES] outlives the SRAM. */
void sram_watch_lora(struct sram *sram, struct sram_grant *grants);
/* In a cycle before this one, no longer ago than sram.latency_cycles can be. */
static inline uint32_t sram_lora_grant(const struct sram *sram, cycle_t cycle)
{
    const struct sram_grant *grant = &sram->lora_grants[cycle % SRAM_WATCHED_CYCLES];
    return grant->cycle == cycle ? grant->words : 0;
}

struct sram_place { /* where a request begins */
    uint32_t address_words;
    const uint32_t *
        pages; /* NULL: a word of the SRAM. Else the first words of pages, and address_words counts through them; an entry more than there are pages can be read */
};
static inline struct sram_place sram_at(uint32_t address_words)
{
    return (struct sram_place){address_words, NULL};
}

/* Sends a request; the link must be ready. */
void sram_request(struct link *request, cycle_t now, struct token *token, struct sram_place place, uint32_t words,
                  uint32_t words_per_cycle);

struct sram_rows { /* a request for lane rows: a cycle's words are of one row, at most all of it */
    uint32_t words, row_words;
    uint32_t first_rows, block_rows; /* of the first block and of each further one */
    uint32_t pause_cycles;           /* after each block but the last */
};
void sram_request_rows(struct link *request, cycle_t now, struct token *token, struct sram_place place, const struct sram_rows *rows);

/* Cycles from the push of a request to the cycle in which the client sees the response, when nothing is in the way and the banks are wide enough. */
static inline cycle_t sram_ideal_cycles(uint32_t words, uint32_t words_per_cycle, uint32_t latency_cycles)
{
    return 1 + ceil_div(words, words_per_cycle) + latency_cycles;
}
/* The same for lane rows of which the banks give port_words a cycle. A row that lies across two groups of banks or two pages takes a cycle more. */
static inline cycle_t sram_rows_ideal_cycles(const struct sram_rows *rows, uint32_t port_words, uint32_t latency_cycles)
{
    uint64_t n = rows->words / rows->row_words, further_blocks = (n - rows->first_rows) / rows->block_rows;
    return 1 + n * ceil_div(rows->row_words, port_words) + further_blocks * rows->pause_cycles + latency_cycles;
}

#endif
