/* bus.c -- the registers of sim/registers.def on top of etchsim/etchsim.h, and nothing below it. */
#include "etchsim/bus.h"

#include <stdbool.h>
#include <stdlib.h>

enum { ID = 0x45544348, MAP_VERSION = 1, NONE = -1 };
enum access { RO, WO, RW, W1C };
enum refusal { REFUSED_NOT, REFUSED_PROMPT, REFUSED_REQUEST, REFUSED_ADAPTER, REFUSED_MEMORY, REFUSED_HALTED, REFUSED_FETCHING };

enum reg {
#define REGISTER(name, offset, access, meaning) REG_##name = (offset),
#define FIELD(reg, name, bit, meaning)
#include "sim/registers.def"
#undef REGISTER
#undef FIELD
};

enum {
#define REGISTER(name, offset, access, meaning)
#define FIELD(reg, name, bit, meaning) reg##_##name = 1 << (bit),
#include "sim/registers.def"
#undef REGISTER
#undef FIELD
};

enum transfer { TRANSFER_NONE, TRANSFER_START, TRANSFER_HEADER, TRANSFER_SLICE };

struct etchsim_bus {
    etchsim_chip *chip;
    struct etchsim_facts facts;
    uint32_t error, enable, pending;
    uint32_t cycle_hi, tokens_hi, load_bytes_hi; /* kept by reads of the lower halves */
    int32_t *prompt;                             /* [context_tokens] */
    uint32_t n_prompt;
    uint32_t generate, use_adapter, stop_token, temperature, top_p, seed;
    uint32_t asked, request, token_index, slot;
    uint32_t address_lo, address_hi;
    uint64_t *address; /* [adapters_max] of each known adapter's image */
    uint32_t n_adapters;
    uint64_t tokens, done; /* that the interrupts know of */
    bool halted;
    enum transfer transfer; /* under way */
    bool transfer_is_new;
    struct etchsim_dma dma;
    uint64_t announced; /* the image of TRANSFER_START and TRANSFER_HEADER */
};

int etchsim_bus_open(etchsim_chip *chip, etchsim_bus **bus)
{
    etchsim_bus *b = calloc(1, sizeof *b);
    if (b) {
        b->chip = chip;
        etchsim_facts(chip, &b->facts);
        b->prompt = calloc(b->facts.context_tokens, sizeof *b->prompt);
        b->address = calloc(b->facts.adapters_max, sizeof *b->address);
        b->generate = b->seed = 1;
        b->use_adapter = (uint32_t)NONE;
        b->stop_token = (uint32_t)b->facts.end_token;
        b->top_p = 1 << 16;
    }
    if (!b || !b->prompt || !b->address) {
        etchsim_bus_close(b);
        return ETCHSIM_INPUT;
    }
    *bus = b;
    return ETCHSIM_GOOD;
}

void etchsim_bus_close(etchsim_bus *b)
{
    if (b) {
        free(b->prompt);
        free(b->address);
        free(b);
    }
}

static void refuse(etchsim_bus *b, enum refusal why)
{
    b->error = why;
    b->pending |= INTERRUPT_PENDING_ERROR;
}

/* -- DMA -- */

static void begin(etchsim_bus *b, enum transfer transfer, uint64_t address, uint32_t bytes, uint64_t from)
{
    b->transfer = transfer;
    b->transfer_is_new = true;
    b->dma = (struct etchsim_dma){address, bytes, from};
}

/* The chip's own wish, once nothing else is under way. */
static void take_fetch(etchsim_bus *b)
{
    struct etchsim_fetch fetch;
    if (b->transfer == TRANSFER_NONE && etchsim_fetch(b->chip, &fetch)) {
        begin(b, TRANSFER_SLICE, b->address[fetch.adapter] + fetch.offset, fetch.bytes, fetch.from);
    }
}

int etchsim_bus_dma(etchsim_bus *b, struct etchsim_dma *dma)
{
    bool is_new = b->transfer_is_new;
    if (is_new) {
        *dma = b->dma;
        b->transfer_is_new = false;
    }
    return is_new;
}

int etchsim_bus_wants(const etchsim_bus *b)
{
    return b->transfer_is_new;
}

static void header_came(etchsim_bus *b, const uint8_t *bytes)
{
    unsigned number = 0;
    if (etchsim_adapter_announce(b->chip, bytes, b->dma.bytes, &number) != ETCHSIM_GOOD) {
        refuse(b, REFUSED_ADAPTER);
        return;
    }
    b->address[number] = b->announced;
    b->n_adapters = number + 1;
    b->pending |= INTERRUPT_PENDING_ADAPTER;
}

void etchsim_bus_dma_done(etchsim_bus *b, const uint8_t *bytes, uint64_t at)
{
    enum transfer transfer = b->transfer;
    size_t n = 0;
    if (transfer == TRANSFER_NONE || b->transfer_is_new) {
        return; /* nobody was told to */
    }
    b->transfer = TRANSFER_NONE;
    if (!bytes) {
        refuse(b, REFUSED_MEMORY);
    }
    if (transfer == TRANSFER_SLICE) {
        etchsim_brought(b->chip, bytes, at);
    } else if (bytes && transfer == TRANSFER_HEADER) {
        header_came(b, bytes);
    } else if (bytes && etchsim_header_bytes(bytes, &n) == ETCHSIM_GOOD) {
        begin(b, TRANSFER_HEADER, b->announced, (uint32_t)n, at);
    } else if (bytes) {
        refuse(b, REFUSED_ADAPTER);
    }
    take_fetch(b);
}

/* -- what happened -- */

void etchsim_bus_update(etchsim_bus *b, int code)
{
    struct etchsim_counters counters;
    etchsim_counters(b->chip, &counters);
    b->pending |= counters.tokens > b->tokens ? INTERRUPT_PENDING_TOKEN : 0;
    b->pending |= counters.requests_done > b->done ? INTERRUPT_PENDING_DONE : 0;
    b->tokens = counters.tokens;
    b->done = counters.requests_done;
    if (code == ETCHSIM_CHECK && !b->halted) {
        b->halted = true;
        refuse(b, REFUSED_HALTED);
    }
    take_fetch(b);
}

int etchsim_bus_interrupt(const etchsim_bus *b)
{
    return (b->pending & b->enable) != 0;
}

/* -- commands -- */

static void append_prompt(etchsim_bus *b, uint32_t id)
{
    if (b->n_prompt == b->facts.context_tokens) {
        refuse(b, REFUSED_PROMPT);
        return;
    }
    b->prompt[b->n_prompt++] = (int32_t)id;
}

static void ask(etchsim_bus *b)
{
    unsigned number = 0;
    struct etchsim_request request = {.prompt = b->prompt,
                                      .n_prompt = b->n_prompt,
                                      .n_generate = b->generate,
                                      .adapter = (int32_t)b->use_adapter,
                                      .stop_token = (int32_t)b->stop_token,
                                      .temperature = b->temperature / 65536.0,
                                      .top_p = b->top_p / 65536.0,
                                      .seed = b->seed};
    if (b->halted) {
        refuse(b, REFUSED_HALTED);
    } else if (etchsim_ask(b->chip, &request, &number) == ETCHSIM_GOOD) {
        b->asked = number + 1;
    } else {
        refuse(b, REFUSED_REQUEST);
    }
    b->n_prompt = 0;
}

static void announce(etchsim_bus *b)
{
    if (b->transfer != TRANSFER_NONE) {
        refuse(b, REFUSED_FETCHING);
        return;
    }
    b->announced = (uint64_t)b->address_hi << 32 | b->address_lo;
    begin(b, TRANSFER_START, b->announced, ETCHSIM_HEADER_START, etchsim_now(b->chip));
}

/* -- registers -- */

/* Whether there is a register, and what may be done with it. */
static bool find(uint64_t offset, enum access *access)
{
    enum { NOTHING = 0, SOMETHING = 1 }; /* a register's access is stored one higher */
    static const uint8_t accesses[ETCHSIM_BUS_BYTES] = {
#define REGISTER(name, offset, access, meaning) [(offset)] = SOMETHING + (access),
#define FIELD(reg, name, bit, meaning)
#include "sim/registers.def"
#undef REGISTER
#undef FIELD
    };
    if (offset >= ETCHSIM_BUS_BYTES || accesses[offset] == NOTHING) {
        return false;
    }
    *access = (enum access)(accesses[offset] - SOMETHING);
    return true;
}

static uint32_t since(uint64_t from, uint64_t to)
{
    return from == ETCHSIM_NEVER || to == ETCHSIM_NEVER ? 0 : to - from > UINT32_MAX ? UINT32_MAX : (uint32_t)(to - from);
}

static uint32_t peek_request(const etchsim_bus *b, enum reg reg)
{
    struct etchsim_answer a = {.asked = ETCHSIM_NEVER};
    bool there = etchsim_answer(b->chip, b->request, &a) == ETCHSIM_GOOD;
    switch (reg) {
    case REG_REQUEST_STATE: return there ? (uint32_t)a.state : (uint32_t)NONE;
    case REG_TOKENS: return a.n_tokens;
    case REG_TOKEN: return b->token_index < a.n_tokens ? (uint32_t)a.tokens[b->token_index] : (uint32_t)NONE;
    case REG_FIRST_TOKEN_CYCLES: return a.n_tokens ? since(a.asked, a.token_cycles[0]) : 0;
    case REG_DONE_CYCLES: return there ? since(a.asked, a.done) : 0;
    default: return there ? since(a.load_requested, a.loaded) : 0; /* LOAD_CYCLES */
    }
}

static uint32_t peek_slot(const etchsim_bus *b, enum reg reg)
{
    struct etchsim_slot s = {.adapter = NONE};
    bool there = etchsim_slot(b->chip, b->slot, &s) == ETCHSIM_GOOD;
    switch (reg) {
    case REG_SLOT_STATE: return there ? (uint32_t)s.state : (uint32_t)NONE;
    case REG_SLOT_ADAPTER: return (uint32_t)s.adapter;
    case REG_SLOT_USERS: return s.users;
    default: return (uint32_t)s.loads; /* SLOT_LOADS */
    }
}

static uint32_t status(const etchsim_bus *b)
{
    struct etchsim_counters c;
    etchsim_counters(b->chip, &c);
    return (c.requests_done < c.requests_asked ? STATUS_BUSY : 0u) | (b->transfer != TRANSFER_NONE ? STATUS_DMA : 0u) |
           (b->halted ? STATUS_HALTED : 0u);
}

static uint32_t peek_counter(const etchsim_bus *b, enum reg reg)
{
    struct etchsim_counters c;
    etchsim_counters(b->chip, &c);
    switch (reg) {
    case REG_CYCLE_LO: return (uint32_t)c.cycles;
    case REG_TOKENS_LO: return (uint32_t)c.tokens;
    case REG_HITS: return (uint32_t)c.slot_hits;
    case REG_LOADS: return (uint32_t)c.slot_loads;
    case REG_EVICTIONS: return (uint32_t)c.slot_evictions;
    default: return (uint32_t)c.load_bytes; /* LOAD_BYTES_LO */
    }
}

static uint32_t value_of(const etchsim_bus *b, enum reg reg)
{
    switch (reg) {
    case REG_ID: return ID;
    case REG_VERSION: return MAP_VERSION;
    case REG_CLOCK_MHZ: return b->facts.clock_mhz;
    case REG_VOCABULARY: return b->facts.n_vocab;
    case REG_CONTEXT_TOKENS: return b->facts.context_tokens;
    case REG_SLOTS: return b->facts.slots;
    case REG_REQUESTS_MAX: return b->facts.requests_max;
    case REG_ADAPTERS_MAX: return b->facts.adapters_max;
    case REG_STATUS: return status(b);
    case REG_ERROR: return b->error;
    case REG_INTERRUPT_ENABLE: return b->enable;
    case REG_INTERRUPT_PENDING: return b->pending;
    case REG_CYCLE_HI: return b->cycle_hi;
    case REG_PROMPT_COUNT: return b->n_prompt;
    case REG_GENERATE: return b->generate;
    case REG_USE_ADAPTER: return b->use_adapter;
    case REG_STOP_TOKEN: return b->stop_token;
    case REG_TEMPERATURE: return b->temperature;
    case REG_TOP_P: return b->top_p;
    case REG_SEED: return b->seed;
    case REG_ASKED: return b->asked;
    case REG_REQUEST: return b->request;
    case REG_REQUEST_STATE:
    case REG_TOKENS:
    case REG_TOKEN:
    case REG_FIRST_TOKEN_CYCLES:
    case REG_DONE_CYCLES:
    case REG_LOAD_CYCLES: return peek_request(b, reg);
    case REG_TOKEN_INDEX: return b->token_index;
    case REG_ADAPTER_ADDRESS_LO: return b->address_lo;
    case REG_ADAPTER_ADDRESS_HI: return b->address_hi;
    case REG_ADAPTERS: return b->n_adapters;
    case REG_SLOT: return b->slot;
    case REG_SLOT_STATE:
    case REG_SLOT_ADAPTER:
    case REG_SLOT_USERS:
    case REG_SLOT_LOADS: return peek_slot(b, reg);
    case REG_CYCLE_LO:
    case REG_TOKENS_LO:
    case REG_HITS:
    case REG_LOADS:
    case REG_EVICTIONS:
    case REG_LOAD_BYTES_LO: return peek_counter(b, reg);
    case REG_TOKENS_HI: return b->tokens_hi;
    case REG_LOAD_BYTES_HI: return b->load_bytes_hi;
    case REG_PROMPT:
    case REG_ASK:
    case REG_ANNOUNCE: break; /* write only */
    }
    return 0;
}

int etchsim_bus_peek(const etchsim_bus *b, uint64_t offset, uint32_t *value)
{
    enum access access;
    if (!find(offset, &access)) {
        return ETCHSIM_BUS_ADDRESS;
    }
    if (access == WO) {
        return ETCHSIM_BUS_ACCESS;
    }
    *value = value_of(b, (enum reg)offset);
    return ETCHSIM_BUS_GOOD;
}

int etchsim_bus_read(etchsim_bus *b, uint64_t offset, uint32_t *value)
{
    int code = etchsim_bus_peek(b, offset, value);
    if (code != ETCHSIM_BUS_GOOD) {
        return code;
    }
    struct etchsim_counters c;
    etchsim_counters(b->chip, &c);
    switch (offset) {
    case REG_CYCLE_LO: b->cycle_hi = (uint32_t)(c.cycles >> 32); break;
    case REG_TOKENS_LO: b->tokens_hi = (uint32_t)(c.tokens >> 32); break;
    case REG_LOAD_BYTES_LO: b->load_bytes_hi = (uint32_t)(c.load_bytes >> 32); break;
    case REG_TOKEN: b->token_index += *value != (uint32_t)NONE; break;
    default: break;
    }
    return ETCHSIM_BUS_GOOD;
}

/* Registers that are written and do nothing at once; NULL: another. */
static uint32_t *plain(etchsim_bus *b, enum reg reg)
{
    switch (reg) {
    case REG_INTERRUPT_ENABLE: return &b->enable;
    case REG_GENERATE: return &b->generate;
    case REG_USE_ADAPTER: return &b->use_adapter;
    case REG_STOP_TOKEN: return &b->stop_token;
    case REG_TEMPERATURE: return &b->temperature;
    case REG_TOP_P: return &b->top_p;
    case REG_SEED: return &b->seed;
    case REG_TOKEN_INDEX: return &b->token_index;
    case REG_ADAPTER_ADDRESS_LO: return &b->address_lo;
    case REG_ADAPTER_ADDRESS_HI: return &b->address_hi;
    case REG_SLOT: return &b->slot;
    default: return NULL;
    }
}

int etchsim_bus_write(etchsim_bus *b, uint64_t offset, uint32_t value)
{
    enum access access;
    if (!find(offset, &access)) {
        return ETCHSIM_BUS_ADDRESS;
    }
    if (access == RO) {
        return ETCHSIM_BUS_ACCESS;
    }
    uint32_t *reg = plain(b, (enum reg)offset);
    if (reg) {
        *reg = value;
        return ETCHSIM_BUS_GOOD;
    }
    switch (offset) {
    case REG_ERROR: b->error = REFUSED_NOT; break;
    case REG_INTERRUPT_PENDING: b->pending &= ~value; break;
    case REG_PROMPT: append_prompt(b, value); break;
    case REG_PROMPT_COUNT: b->n_prompt = value < b->n_prompt ? value : b->n_prompt; break;
    case REG_ASK: ask(b); break;
    case REG_REQUEST:
        b->request = value;
        b->token_index = 0;
        break;
    case REG_ANNOUNCE: announce(b); break;
    default: break;
    }
    return ETCHSIM_BUS_GOOD;
}
