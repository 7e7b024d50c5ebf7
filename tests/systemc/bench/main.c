/* main.c -- build/systemc_bench: transactions a second of the chip as a TLM-2.0 component, and what the platform costs beside the same chip without one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/systemc/tlm_bench.h"

enum { ACCESSES = 1000000, PHASED = 20000, REPEATS = 5, TOKENS = 100 };
static const char prompt[] = "On Monday";

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void report(const char *name, double value, const char *unit)
{
    printf("%-44s %14.4g %s\n", name, value, unit);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double (*measure)(void *), void *user)
{
    double seconds[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        seconds[i] = measure(user);
    }
    qsort(seconds, REPEATS, sizeof *seconds, compare);
    return seconds[REPEATS / 2];
}

/* -- transactions: a register read, through the bus -- */

static double b_transports(void *user)
{
    struct tlm_bench *b = user;
    uint32_t word = 0;
    struct access a = {ACCESS_READ, CHIP_BASE + ETCHSIM_REG_STATUS, &word, 4, 0, NULL, 0, 0};
    double start = seconds_now();
    for (int i = 0; i < ACCESSES; i++) {
        a.delay_ns = 0;
        tlm_bench_b_transport(b, &a);
    }
    return (seconds_now() - start) / ACCESSES;
}

static double nb_transports(void *user)
{
    struct tlm_bench *b = user;
    uint32_t word = 0;
    struct access a = {ACCESS_READ, CHIP_BASE + ETCHSIM_REG_STATUS, &word, 4, 0, NULL, 0, 0};
    double start = seconds_now();
    for (int i = 0; i < PHASED; i++) {
        tlm_bench_nb_transport(b, &a);
    }
    return (seconds_now() - start) / PHASED;
}

/* -- the same tokens with and without a platform -- */

static size_t encode(etchsim_chip *chip, int32_t ids[32])
{
    size_t n = 0;
    return etchsim_encode(chip, prompt, ids, 32, &n) == ETCHSIM_GOOD ? n : 0;
}

static double alone(void *user)
{
    struct etchsim_options options = {.timing_only = 0};
    etchsim_chip *chip = NULL;
    int32_t ids[32];
    unsigned number = 0;
    (void)user;
    if (etchsim_open(&options, &chip) != ETCHSIM_GOOD) {
        fprintf(stderr, "%s\n", etchsim_error());
        exit(EXIT_FAILURE);
    }
    struct etchsim_request r = {
        .prompt = ids, .n_prompt = (uint32_t)encode(chip, ids), .n_generate = TOKENS, .adapter = -1, .stop_token = -1, .top_p = 1};
    etchsim_ask(chip, &r, &number);
    double start = seconds_now();
    etchsim_run(chip);
    double seconds = seconds_now() - start;
    etchsim_close(chip);
    return seconds;
}

static void set(struct tlm_bench *b, uint32_t reg, uint32_t word)
{
    tlm_bench_b_transport(b, &(struct access){ACCESS_WRITE, CHIP_BASE + reg, &word, 4, 0, NULL, 0, 0});
}

static double platform(void *user)
{
    struct tlm_bench *b = tlm_bench_open(user);
    int32_t ids[32];
    size_t n = encode(tlm_bench_chip(b), ids);
    for (size_t i = 0; i < n; i++) {
        set(b, ETCHSIM_REG_PROMPT, (uint32_t)ids[i]);
    }
    set(b, ETCHSIM_REG_STOP_TOKEN, 0xffffffff);
    set(b, ETCHSIM_REG_GENERATE, TOKENS);
    set(b, ETCHSIM_REG_INTERRUPT_ENABLE, ETCHSIM_INTERRUPT_PENDING_DONE);
    set(b, ETCHSIM_REG_ASK, 1);
    double start = seconds_now();
    if (!tlm_bench_run_to_interrupt(b, 1e8)) {
        fprintf(stderr, "the platform's request is not done\n");
        exit(EXIT_FAILURE);
    }
    return seconds_now() - start;
}

int main(void)
{
    static const struct {
        const char *name;
        struct tlm_options options;
    } platforms[] = {
        {"TLM loosely timed, quantum 10 us: time of a chip alone", {.memory_ns = 20, .quantum_ns = 10000}},
        {"TLM loosely timed, quantum 1 us: time of a chip alone", {.memory_ns = 20, .quantum_ns = 1000}},
        {"TLM loosely timed, quantum 0: time of a chip alone", {.memory_ns = 20}},
        {"TLM approximately timed: time of a chip alone", {.memory_ns = 20, .approximately_timed = true}},
    };
    struct tlm_bench *b = tlm_bench_open(&(struct tlm_options){.memory_ns = 20});
    report("TLM b_transport, a register: transactions", 1e-6 / median(b_transports, b), "M/s");
    b = tlm_bench_open(&(struct tlm_options){.memory_ns = 20, .approximately_timed = true});
    report("TLM nb_transport, a register: transactions", 1e-6 / median(nb_transports, b), "M/s");
    double base = median(alone, NULL);
    for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++) {
        struct tlm_options options = platforms[i].options;
        report(platforms[i].name, median(platform, &options) / base, "times");
    }
    return 0;
}
