/* Is the chip a good citizen of a TLM-2.0 platform? Registers, DMA, interrupts and time, loosely and approximately timed; every misuse of the protocol gets
 * its response, and the chip works on after it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etchsim/bus.h"
#include "tests/systemc/tlm_bench.h"
#include "tests/unit/check.h"

enum { IMAGES_BASE = 0x1000, TOKENS = 10 };
static const char prompt[] = "On Monday";
static const char *const names[] = {"clinical", "contract"};
static const struct tlm_options plain = {.memory_ns = 20};

static const char *transfer(struct tlm_bench *b, struct access a)
{
    return tlm_bench_b_transport(b, &a);
}

static uint32_t get(struct tlm_bench *b, uint32_t reg)
{
    uint32_t word = 0xdeadbeef;
    CHECK_EQ_TEXT(transfer(b, (struct access){ACCESS_READ, CHIP_BASE + reg, &word, 4, 0, NULL, 0, 0}), "TLM_OK_RESPONSE");
    return word;
}

static void set(struct tlm_bench *b, uint32_t reg, uint32_t word)
{
    CHECK_EQ_TEXT(transfer(b, (struct access){ACCESS_WRITE, CHIP_BASE + reg, &word, 4, 0, NULL, 0, 0}), "TLM_OK_RESPONSE");
}

/* -- what it is for -- */

/* Until one of the bits is pending. */
static bool wait_for(struct tlm_bench *b, uint32_t bits)
{
    set(b, ETCHSIM_REG_INTERRUPT_ENABLE, bits);
    bool came = CHECK(tlm_bench_run_to_interrupt(b, 1e9));
    set(b, ETCHSIM_REG_INTERRUPT_PENDING, get(b, ETCHSIM_REG_INTERRUPT_PENDING));
    tlm_bench_run(b, 100); /* the line falls again */
    CHECK(!tlm_bench_interrupt(b));
    return came;
}

static uint64_t put_image(struct tlm_bench *b, int which)
{
    uint64_t base = IMAGES_BASE + (uint64_t)which * MEMORY_BYTES / 2;
    size_t n = 0;
    CHECK_EQ_INT(etchsim_adapter_image(tlm_bench_chip(b), names[which], tlm_bench_memory(b) + base, MEMORY_BYTES / 2 - IMAGES_BASE, &n),
                 ETCHSIM_GOOD);
    return base;
}

static void announce(struct tlm_bench *b, uint64_t address)
{
    set(b, ETCHSIM_REG_ADAPTER_ADDRESS_LO, (uint32_t)address);
    set(b, ETCHSIM_REG_ADAPTER_ADDRESS_HI, (uint32_t)(address >> 32));
    set(b, ETCHSIM_REG_ANNOUNCE, 1);
}

static void ask(struct tlm_bench *b, uint32_t adapter)
{
    int32_t ids[32];
    size_t n = 0;
    CHECK_EQ_INT(etchsim_encode(tlm_bench_chip(b), prompt, ids, 32, &n), ETCHSIM_GOOD);
    for (size_t i = 0; i < n; i++) {
        set(b, ETCHSIM_REG_PROMPT, (uint32_t)ids[i]);
    }
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_PROMPT_COUNT), (uint32_t)n);
    set(b, ETCHSIM_REG_GENERATE, TOKENS);
    set(b, ETCHSIM_REG_USE_ADAPTER, adapter);
    set(b, ETCHSIM_REG_ASK, 1);
}

struct outcome {
    uint32_t tokens[TOKENS], first, done, load;
};

static struct outcome outcome_of(struct tlm_bench *b, uint32_t request)
{
    struct outcome o = {0};
    set(b, ETCHSIM_REG_REQUEST, request);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_REQUEST_STATE), 3);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_TOKENS), TOKENS);
    for (int i = 0; i < TOKENS; i++) {
        o.tokens[i] = get(b, ETCHSIM_REG_TOKEN);
    }
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_TOKEN), 0xffffffff);
    o.first = get(b, ETCHSIM_REG_FIRST_TOKEN_CYCLES);
    o.done = get(b, ETCHSIM_REG_DONE_CYCLES);
    o.load = get(b, ETCHSIM_REG_LOAD_CYCLES);
    return o;
}

/* Both adapters announced, a prompt with each: what comes out of a chip of its own with adapters from files. */
static void expected_outcomes(struct outcome expected[2])
{
    static const char *const one_slot[] = {"slots.count=1"};
    struct etchsim_options options = {.set = one_slot, .n_set = 1};
    etchsim_chip *chip = NULL;
    int32_t ids[32];
    size_t n = 0;
    unsigned number = 0;
    CHECK_EQ_INT(etchsim_open(&options, &chip), ETCHSIM_GOOD);
    CHECK_EQ_INT(etchsim_encode(chip, prompt, ids, 32, &n), ETCHSIM_GOOD);
    for (int i = 0; i < 2; i++) {
        struct etchsim_request r = {
            .prompt = ids, .n_prompt = (uint32_t)n, .n_generate = TOKENS, .adapter = i, .stop_token = -1, .top_p = 1, .seed = 1};
        struct etchsim_answer a;
        CHECK_EQ_INT(etchsim_adapter(chip, names[i], &number), ETCHSIM_GOOD);
        CHECK_EQ_INT(etchsim_ask(chip, &r, &number), ETCHSIM_GOOD);
        CHECK_EQ_INT(etchsim_run(chip), ETCHSIM_GOOD);
        CHECK_EQ_INT(etchsim_answer(chip, number, &a), ETCHSIM_GOOD);
        memcpy(expected[i].tokens, a.tokens, sizeof expected[i].tokens);
        expected[i].first = (uint32_t)(a.token_cycles[0] - a.asked);
        expected[i].done = (uint32_t)(a.done - a.asked);
        expected[i].load = (uint32_t)(a.loaded - a.load_requested);
    }
    etchsim_close(chip);
}

static void swap(const struct tlm_options *options, struct outcome outcomes[2])
{
    struct tlm_bench *b = tlm_bench_open(options);
    set(b, ETCHSIM_REG_STOP_TOKEN, 0xffffffff);
    for (uint32_t i = 0; i < 2; i++) {
        announce(b, put_image(b, (int)i));
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_STATUS) & ETCHSIM_STATUS_DMA, ETCHSIM_STATUS_DMA);
        CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_ADAPTER));
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_ADAPTERS), i + 1);
    }
    for (uint32_t i = 0; i < 2; i++) {
        ask(b, i);
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_STATUS) & ETCHSIM_STATUS_BUSY, ETCHSIM_STATUS_BUSY);
        CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_DONE));
        outcomes[i] = outcome_of(b, i);
        set(b, ETCHSIM_REG_SLOT, 0);
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_SLOT_STATE), 2);
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_SLOT_ADAPTER), i);
    }
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_LOADS), 2);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_EVICTIONS), 1);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_TOKENS_LO), 2 * TOKENS);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 0);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_STATUS), 0);
    tlm_bench_close(b);
}

/* A memory faster than the host link: the numbers of a run, whatever the timing; a slower one delays the load, by the same in all of them. */
static void swaps_take_what_a_run_says(void)
{
    static const struct tlm_options fast[] = {
        {.memory_ns = 20},
        {.memory_ns = 20, .approximately_timed = true},
        {.memory_ns = 20, .waits = true},
        {.memory_ns = 20, .quantum_ns = 100},
        {.memory_ns = 20, .quantum_ns = 10000},
    };
    static const struct tlm_options slow[] = {
        {.memory_ns = 800},
        {.memory_ns = 800, .approximately_timed = true},
        {.memory_ns = 800, .waits = true},
        {.memory_ns = 800, .quantum_ns = 1000},
    };
    struct outcome expected[2] = {{{0}, 0, 0, 0}}, got[2], slower[2];
    expected_outcomes(expected);
    for (size_t i = 0; i < sizeof fast / sizeof *fast; i++) {
        swap(&fast[i], got);
        CHECK_EQ_BYTES(got, expected, sizeof got);
    }
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        swap(&slow[i], got);
        for (int k = 0; k < 2; k++) {
            CHECK_EQ_BYTES(got[k].tokens, expected[k].tokens, sizeof got[k].tokens);
            CHECK(got[k].load > 2 * expected[k].load);
            CHECK_EQ_UINT(got[k].first - got[k].load, expected[k].first - expected[k].load);
        }
        if (i == 0) {
            memcpy(slower, got, sizeof slower);
        }
        CHECK_EQ_BYTES(got, slower, sizeof got);
    }
}

/* With a waiting memory and a quantum the chip is ahead of what is brought: late by at most the quantum for each slice. */
static void a_quantum_costs_at_most_itself(void)
{
    struct tlm_options options = {.memory_ns = 800, .waits = true};
    struct outcome exact[2], ahead[2];
    swap(&options, exact);
    options.quantum_ns = 500;
    swap(&options, ahead);
    for (int k = 0; k < 2; k++) {
        CHECK_EQ_BYTES(ahead[k].tokens, exact[k].tokens, sizeof exact[k].tokens);
        CHECK(ahead[k].load >= exact[k].load);
        CHECK(ahead[k].load <= exact[k].load + 6 * 500);
    }
}

/* The interrupt comes in the cycle after the token's, and not before: at n - 1 the line is low. */
static void interrupts_come_in_their_cycle(void)
{
    for (int quantum_ns = 0; quantum_ns <= 3000; quantum_ns += 1000) {
        struct tlm_bench *b = tlm_bench_open(&(struct tlm_options){.memory_ns = 20, .quantum_ns = quantum_ns});
        set(b, ETCHSIM_REG_INTERRUPT_ENABLE, ETCHSIM_INTERRUPT_PENDING_TOKEN);
        ask(b, 0xffffffff);
        CHECK(tlm_bench_run_to_interrupt(b, 1e6));
        uint32_t first = get(b, ETCHSIM_REG_FIRST_TOKEN_CYCLES);
        CHECK(first > 5000);
        CHECK_EQ_UINT((uint64_t)(tlm_bench_ns(b) + 0.5), first + 1u);
        tlm_bench_close(b);
    }
}

/* Accesses one after the other at a decoupled initiator's local time find the chip where it is then. */
static void local_time_counts(void)
{
    struct tlm_bench *b = tlm_bench_open(&plain);
    uint32_t cycle = 0;
    struct access a = {ACCESS_READ, CHIP_BASE + ETCHSIM_REG_CYCLE_LO, &cycle, 4, 0, NULL, 0, 123};
    tlm_bench_run(b, 1000);
    CHECK_EQ_TEXT(tlm_bench_b_transport(b, &a), "TLM_OK_RESPONSE");
    CHECK_EQ_UINT(cycle, 1123);
    CHECK_EQ_UINT((uint64_t)(a.delay_ns + 0.5), 127); /* and 4 cycles that the access takes */
    tlm_bench_close(b);
}

static void four_phases(void)
{
    struct tlm_bench *b = tlm_bench_open(&(struct tlm_options){.memory_ns = 20, .approximately_timed = true});
    uint32_t words[2] = {0, 0};
    struct access a = {ACCESS_READ, CHIP_BASE + ETCHSIM_REG_ID, words, 8, 0, NULL, 0, 0};
    CHECK_EQ_TEXT(tlm_bench_nb_transport(b, &a), "TLM_OK_RESPONSE");
    CHECK_EQ_UINT(words[0], 0x45544348);
    CHECK_EQ_UINT(words[1], 1);
    CHECK_EQ_UINT((uint64_t)(a.delay_ns + 0.5), 8); /* two words of 4 cycles */
    a.address = CHIP_BASE + 2;
    CHECK_EQ_TEXT(tlm_bench_nb_transport(b, &a), "TLM_ADDRESS_ERROR_RESPONSE");
    a.address = 0x20000000;
    CHECK_EQ_TEXT(tlm_bench_nb_transport(b, &a), "TLM_ADDRESS_ERROR_RESPONSE");
    a.address = CHIP_BASE;
    CHECK_EQ_TEXT(tlm_bench_nb_transport(b, &a), "TLM_OK_RESPONSE");
    tlm_bench_close(b);
}

/* -- misuse -- */

static void payloads_are_checked(void)
{
    enum { ID = CHIP_BASE + ETCHSIM_REG_ID, END = CHIP_BASE + ETCHSIM_BUS_BYTES };
    uint32_t w[8] = {0};
    unsigned char all[4] = {0xff, 0xff, 0xff, 0xff};
    struct {
        struct access a;
        const char *response;
    } cases[] = {
        {{ACCESS_IGNORE, ID, w, 4, 0, NULL, 0, 0}, "TLM_COMMAND_ERROR_RESPONSE"},
        {{ACCESS_READ, ID + 1, w, 4, 0, NULL, 0, 0}, "TLM_ADDRESS_ERROR_RESPONSE"},
        {{ACCESS_READ, ID + 2, w, 2, 0, NULL, 0, 0}, "TLM_ADDRESS_ERROR_RESPONSE"},
        {{ACCESS_READ, END, w, 4, 0, NULL, 0, 0}, "TLM_ADDRESS_ERROR_RESPONSE"},
        {{ACCESS_READ, END + 0x100, w, 4, 0, NULL, 0, 0}, "TLM_ADDRESS_ERROR_RESPONSE"},
        {{ACCESS_READ, CHIP_BASE - 4, w, 4, 0, NULL, 0, 0}, "TLM_ADDRESS_ERROR_RESPONSE"},     /* the bus */
        {{ACCESS_READ, CHIP_BASE + 0x038, w, 4, 0, NULL, 0, 0}, "TLM_ADDRESS_ERROR_RESPONSE"}, /* a gap */
        {{ACCESS_READ, END - 4, w, 8, 0, NULL, 0, 0}, "TLM_BURST_ERROR_RESPONSE"},
        {{ACCESS_READ, ID, w, 3, 0, NULL, 0, 0}, "TLM_BURST_ERROR_RESPONSE"},
        {{ACCESS_READ, ID, w, 6, 0, NULL, 0, 0}, "TLM_BURST_ERROR_RESPONSE"},
        {{ACCESS_READ, ID, w, 0, 4, NULL, 0, 0}, "TLM_BURST_ERROR_RESPONSE"},
        {{ACCESS_READ, ID, w, 8, 2, NULL, 0, 0}, "TLM_BURST_ERROR_RESPONSE"},
        {{ACCESS_READ, ID, NULL, 4, 0, NULL, 0, 0}, "TLM_BURST_ERROR_RESPONSE"},
        {{ACCESS_READ, ID, w, 4, 0, all, 4, 0}, "TLM_BYTE_ENABLE_ERROR_RESPONSE"},
        {{ACCESS_WRITE, ID, w, 4, 0, NULL, 0, 0}, "TLM_COMMAND_ERROR_RESPONSE"},
        {{ACCESS_READ, CHIP_BASE + ETCHSIM_REG_ASK, w, 4, 0, NULL, 0, 0}, "TLM_COMMAND_ERROR_RESPONSE"},
        {{ACCESS_READ, CHIP_BASE + ETCHSIM_REG_PROMPT, w, 4, 0, NULL, 0, 0}, "TLM_COMMAND_ERROR_RESPONSE"},
    };
    struct tlm_bench *b = tlm_bench_open(&plain);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_EQ_TEXT(tlm_bench_b_transport(b, &cases[i].a), cases[i].response);
    }
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ID), 0x45544348); /* and nothing has happened */
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 0);
    CHECK(!tlm_bench_dmi(b, CHIP_BASE));
    tlm_bench_close(b);
}

/* Bursts over several registers; a streaming width of a word writes one register again and again. */
static void bursts_and_streams(void)
{
    struct tlm_bench *b = tlm_bench_open(&plain);
    uint32_t facts[8] = {0}, ids[5] = {5, 6, 7, 8, 9}, gap[6] = {0};
    CHECK_EQ_TEXT(transfer(b, (struct access){ACCESS_READ, CHIP_BASE + ETCHSIM_REG_ID, facts, 32, 0, NULL, 0, 0}), "TLM_OK_RESPONSE");
    CHECK_EQ_UINT(facts[2], 1000);
    CHECK_EQ_UINT(facts[3], 1024);
    CHECK_EQ_UINT(facts[5], 1);
    CHECK_EQ_UINT(facts[6], 8);
    CHECK_EQ_TEXT(transfer(b, (struct access){ACCESS_WRITE, CHIP_BASE + ETCHSIM_REG_PROMPT, ids, 20, 4, NULL, 0, 0}), "TLM_OK_RESPONSE");
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_PROMPT_COUNT), 5);
    set(b, ETCHSIM_REG_PROMPT_COUNT, 2);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_PROMPT_COUNT), 2);
    CHECK_EQ_TEXT(transfer(b, (struct access){ACCESS_READ, CHIP_BASE + ETCHSIM_REG_CYCLE_LO, gap, 24, 0, NULL, 0, 0}),
                  "TLM_ADDRESS_ERROR_RESPONSE");
    tlm_bench_close(b);
}

static void debug_reads_have_no_effects(void)
{
    struct tlm_bench *b = tlm_bench_open(&plain);
    uint32_t words[4] = {0};
    set(b, ETCHSIM_REG_STOP_TOKEN, 0xffffffff);
    ask(b, 0xffffffff);
    CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_DONE));
    set(b, ETCHSIM_REG_REQUEST, 0);
    struct access a = {ACCESS_READ, CHIP_BASE + ETCHSIM_REG_TOKEN, words, 4, 0, NULL, 0, 0};
    CHECK_EQ_UINT(tlm_bench_debug(b, &a), 4);
    uint32_t token = words[0];
    CHECK_EQ_UINT(tlm_bench_debug(b, &a), 4);
    CHECK_EQ_UINT(words[0], token);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_TOKEN_INDEX), 0);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_TOKEN), token);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_TOKEN_INDEX), 1);
    a.command = ACCESS_WRITE;
    CHECK_EQ_UINT(tlm_bench_debug(b, &a), 0);
    a = (struct access){ACCESS_READ, CHIP_BASE + ETCHSIM_REG_CYCLE_LO, words, 16, 0, NULL, 0, 0};
    CHECK_EQ_UINT(tlm_bench_debug(b, &a), 8); /* up to the gap */
    a.address = CHIP_BASE + ETCHSIM_BUS_BYTES;
    CHECK_EQ_UINT(tlm_bench_debug(b, &a), 0);
    tlm_bench_close(b);
}

/* A command that is refused is told by a register and an interrupt; what comes after it works. */
static void commands_are_refused(void)
{
    struct tlm_bench *b = tlm_bench_open(&plain);
    set(b, ETCHSIM_REG_INTERRUPT_ENABLE, ETCHSIM_INTERRUPT_PENDING_ERROR);
    set(b, ETCHSIM_REG_ASK, 1); /* without a prompt */
    CHECK(tlm_bench_run_to_interrupt(b, 100));
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 2);
    set(b, ETCHSIM_REG_ERROR, 0);
    CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_ERROR));
    ask(b, 7); /* an adapter that nobody announced */
    CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_ERROR));
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 2);
    announce(b, IMAGES_BASE); /* where zeros are */
    CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_ERROR));
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 3);
    announce(b, 0x7fffffff0000); /* where nothing is */
    CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_ERROR));
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 4);
    uint64_t image = put_image(b, 0);
    tlm_bench_memory(b)[image + 200] ^= 1; /* a header that is broken */
    announce(b, image);
    set(b, ETCHSIM_REG_ANNOUNCE, 1); /* while it is at it */
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 6);
    tlm_bench_run(b, 10000);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 3);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ADAPTERS), 0);
    put_image(b, 0);
    announce(b, image);
    tlm_bench_run(b, 10000);
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ADAPTERS), 1);
    for (uint32_t i = 0; i <= get(b, ETCHSIM_REG_CONTEXT_TOKENS); i++) {
        set(b, ETCHSIM_REG_PROMPT, 1);
    }
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 1);
    set(b, ETCHSIM_REG_PROMPT_COUNT, 0);
    ask(b, 0);
    CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_DONE));
    CHECK_EQ_UINT(get(b, ETCHSIM_REG_ASKED), 1);
    tlm_bench_close(b);
}

/* An adapter whose image goes away after it was announced: two tries, then the chip halts; the simulation does not, and registers still answer. */
static void a_broken_adapter_halts_the_chip_alone(void)
{
    for (int how = 0; how < 2; how++) {
        struct tlm_bench *b = tlm_bench_open(&(struct tlm_options){.memory_ns = 20, .approximately_timed = how == 1});
        uint64_t image = how ? MEMORY_BYTES - 0x1000 : put_image(b, 0);
        if (how) { /* the header is in memory, the slices are beyond its end */
            size_t n = 0;
            CHECK_EQ_INT(etchsim_adapter_image(tlm_bench_chip(b), names[0], tlm_bench_memory(b) + image, 0x1000, &n), ETCHSIM_GOOD);
        }
        announce(b, image);
        CHECK(wait_for(b, ETCHSIM_INTERRUPT_PENDING_ADAPTER));
        if (!how) {
            memset(tlm_bench_memory(b) + image + 0x2000, 0x55, 100);
        }
        ask(b, 0);
        tlm_bench_run(b, 100000);
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_STATUS) & ETCHSIM_STATUS_HALTED, ETCHSIM_STATUS_HALTED);
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 5);
        set(b, ETCHSIM_REG_PROMPT, 1);
        set(b, ETCHSIM_REG_ERROR, 0);
        set(b, ETCHSIM_REG_ASK, 1);
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_ERROR), 5);
        double before = tlm_bench_ns(b);
        tlm_bench_run(b, 1000);
        CHECK_EQ_UINT((uint64_t)(tlm_bench_ns(b) - before + 0.5), 1000);
        CHECK_EQ_UINT(get(b, ETCHSIM_REG_ID), 0x45544348);
        tlm_bench_close(b);
    }
}

void suite_tlm(void)
{
    suite_begin("tlm");
    suite_add("adapters fetched, prompts run, adapters swapped: tokens and cycles of a run, loosely and approximately timed",
              swaps_take_what_a_run_says);
    suite_add("a quantum and a memory that waits: late by at most the quantum a slice", a_quantum_costs_at_most_itself);
    suite_add("interrupts come in their cycle, whatever the quantum", interrupts_come_in_their_cycle);
    suite_add("an access counts at its initiator's local time", local_time_counts);
    suite_add("nb_transport: the four phases", four_phases);
    suite_add("bad payloads get their responses, DMI is refused", payloads_are_checked);
    suite_add("bursts and streams", bursts_and_streams);
    suite_add("debug reads have no effects", debug_reads_have_no_effects);
    suite_add("refused commands say why", commands_are_refused);
    suite_add("a broken adapter halts the chip, not the simulation", a_broken_adapter_halts_the_chip_alone);
}
