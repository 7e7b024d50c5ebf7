/* sram.h -- a layer's SRAM banks: its part of the adapter slots and of the KV cache.
 *
 *   KV write --\                     word address a: group a / (ways * depth), bank in the group a % ways
 *   KV read  ---> [ port arbiter ] -> banks 0 .. banks-1, each `ports` accesses a cycle of one word
 *   LoRA read --/        ^
 *   DMA write ----------/
 *
 * A client sends a request (address, words, words per cycle it can use) and gets a response when the last word is there.
 * Latency     a request seen at n is served from n on; the response goes sram.latency_cycles after the last word's grant.
 * Throughput  alone: min(words per cycle, ways * ports) words a cycle, less in the cycle in which it crosses into the next group of banks.
 * Stall rule  several clients: in the arbiter's order each takes consecutive words while their banks have a port left this cycle,
 *             and stops at the first that has none. Each client has one request served at a time.
 * A client alone is advanced in closed form; two or more are arbitrated cycle by cycle, in step when the cycle comes, in skip when one of them has
 * its last word or another asks (looked up beforehand on a copy).
 * Inaccuracies: it keeps time, not contents (KV rows and adapters are held beside it); no read/write turn-around, no bank sleep; reads and writes cost the same.
 */
#ifndef ETCHSIM_SRAM_H
#define ETCHSIM_SRAM_H

#include "sim/config.h"
#include "sim/link.h"

enum sram_client { SRAM_KV_WRITE, SRAM_KV_READ, SRAM_LORA_READ, SRAM_DMA_WRITE, SRAM_CLIENTS };
extern const char *const sram_client_names[SRAM_CLIENTS];

struct sram_stream {
    uint32_t address_words, words_left, words_per_cycle;
    uint32_t way, group_words_left; /* of address_words: its bank within the group, words to the group's end */
    cycle_t respond_at;             /* NEVER until the last word is granted */
    bool open;
};

struct sram {
    struct unit unit;
    struct link *request[SRAM_CLIENTS], *response[SRAM_CLIENTS];
    struct sram_stream stream[SRAM_CLIENTS];
    uint32_t n_open, n_active; /* streams: taken and not yet answered; with words left */
    uint32_t ways, group_words, ports, latency_cycles;
    bool round_robin;
    uint32_t turn;        /* moves on with every contended cycle */
    cycle_t served_to;    /* all cycles before this one are arbitrated */
    cycle_t last_word_at; /* when one of the present streams gets its last word, if no request comes before */
    uint8_t *bank_uses;   /* [banks] accesses in the cycle being arbitrated */
    uint32_t n_banks;
    /* counters */
    uint64_t words[SRAM_CLIENTS];
    uint64_t lost_cycles[SRAM_CLIENTS]; /* cycles in which others took a port this client wanted */
};

/* bank_uses: [sram.banks] bytes that outlive it. */
void sram_init(struct sram *sram, const struct chip_config *config, uint8_t *bank_uses);
void sram_tick(struct unit *unit, cycle_t now);

/* Sends a request; the link must be ready. */
void sram_request(struct link *request, cycle_t now, struct token *token, uint32_t address_words, uint32_t words, uint32_t words_per_cycle);
/* Cycles from the push of a request to the cycle in which the client sees the response, when nothing is in the way and the banks are wide enough. */
static inline cycle_t sram_ideal_cycles(uint32_t words, uint32_t words_per_cycle, uint32_t latency_cycles)
{
    return 1 + ceil_div(words, words_per_cycle) + latency_cycles;
}

#endif
