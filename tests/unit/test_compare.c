/* Machines whose weights stream from memory: the reader, the formula by hand, and a chip beside them. */
#include <string.h>

#include "sim/compare.h"
#include "tests/unit/check.h"

#define QUANTITY_LINE(name, value) name ": {value: " value ", grade: assumed, source: \"x\"}\n"
#define MACHINE                                  \
    QUANTITY_LINE("chips", "2")                  \
    QUANTITY_LINE("memory_gbytes_per_s", "1000") \
    QUANTITY_LINE("memory_efficiency", "0.5")    \
    QUANTITY_LINE("memory_gbytes", "10")         \
    QUANTITY_LINE("compute_tflops", "100")       \
    QUANTITY_LINE("compute_efficiency", "0.5")   \
    QUANTITY_LINE("weight_bits", "16")           \
    QUANTITY_LINE("kv_bits", "8")                \
    QUANTITY_LINE("layer_us", "10") QUANTITY_LINE("token_us", "80") QUANTITY_LINE("stages", "4") QUANTITY_LINE("power_w", "100")

static bool parse(const char *text, struct comparator *c, struct error *e)
{
    return comparator_parse(text, strlen(text), "x/m.yaml", c, e);
}

static void complains_with_line_and_key(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "m.yaml:1: expected a map"},
        {"speed: 3\n" MACHINE, "m.yaml:1: speed: there is no such key"},
        {MACHINE QUANTITY_LINE("chips", "2"), "m.yaml:13: chips: expected once, given before in line 1"},
        {QUANTITY_LINE("chips", "2"), "memory_gbytes_per_s: expected in the comparator, and missing"},
        {QUANTITY_LINE("memory_efficiency", "1.5"), "m.yaml:1: memory_efficiency: expected a number from 0.001 to 1, found '1.5'"},
        {"chips: 3\n", "chips: expected a map, found a single value"},
        {"chips: {value: 3, grade: rumour, source: x}\n", "chips: grade: expected published, measured, derived, fitted or assumed"},
        {"chips: {value: 3, grade: fitted}\n", "source: expected in chips, and missing"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct comparator c;
        struct error e = {0};
        CHECK(!parse(bad[i].text, &c, &e));
        CHECK_CONTAINS(e.message, bad[i].message);
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    }
}

/* 2 layers of d = 1000, 10 heads of 100, 5 of K and V, ff = 2000, 50,000 tokens: 2 * (1 + 0.5 + 0.5 + 1 + 3 * 2) + 50 = 68 M weights. */
static const struct shape shape = {.n_layers = 2,
                                   .d_model = 1000,
                                   .n_heads = 10,
                                   .n_kv_heads = 5,
                                   .head_dim = 100,
                                   .d_ff = 2000,
                                   .n_vocab = 50000,
                                   .context_tokens = 4096};

static void a_step_by_hand(void)
{
    struct comparator c;
    struct error e;
    REQUIRE_GOOD(parse(MACHINE, &c, &e), &e);
    CHECK_EQ_TEXT(c.name, "m");
    CHECK_NEAR(shape_streamed_weights(&shape), 68e6, 0);
    /* 136 MB and 1000 tokens * 2 * 2 * 500 bytes = 2 MB, at 500 GB/s: 276 us; 2 * (68 M + 4 M) flops at 50 T/s are less; 100 us fixed */
    struct comparison r = comparator_rate(&c, &shape, 1, 1000);
    CHECK_NEAR(r.user_tokens_per_s, 1e6 / 376, 1e-6);
    CHECK_NEAR(r.total_tokens_per_s, 1e6 / 376, 1e-6);
    CHECK_NEAR(r.joules_per_token, 100 * 376e-6, 1e-9);
    CHECK(r.fits);
    /* 4 users in 4 stages are each alone; 400 are groups of 100: 336 MB, 672 us */
    CHECK_NEAR(comparator_rate(&c, &shape, 4, 1000).user_tokens_per_s, 1e6 / 376, 1e-6);
    CHECK_NEAR(comparator_rate(&c, &shape, 4, 1000).total_tokens_per_s, 4e6 / 376, 1e-6);
    CHECK_NEAR(comparator_rate(&c, &shape, 400, 1000).user_tokens_per_s, 1e6 / 772, 1e-6);
    /* without context compute wins: groups of 1000 take 1000 * 136 M / 50 T/s = 2720 us */
    CHECK_NEAR(comparator_rate(&c, &shape, 4000, 0).user_tokens_per_s, 1e6 / 2820, 1e-6);
    /* 100 MB of embedding, 136 of weights, 2 for each user: 10 GB hold 4882 users */
    CHECK(comparator_rate(&c, &shape, 4882, 1000).fits);
    CHECK(!comparator_rate(&c, &shape, 4883, 1000).fits);
}

static void presets_are_read(void)
{
    struct preset_list list;
    struct comparator c;
    struct error e;
    REQUIRE_GOOD(presets_list("comparators", ".yaml", &list, &e), &e);
    CHECK_EQ_INT(list.count, 8);
    for (int i = 0; i < list.count; i++) {
        CHECK_GOOD(comparator_load(list.names[i], &c, &e), &e);
        CHECK_EQ_TEXT(c.name, list.names[i]);
    }
    presets_free(&list);
    CHECK(!comparator_load("h20", &c, &e));
    CHECK_CONTAINS(e.message, "there is no comparator 'h20'; did you mean 'h200'?");
}

/* The sample chip has 8 KV caches: up to 8 users each have it as if alone but for contention, beyond that they share; cards multiply. */
static void users_share_the_chip(void)
{
    struct compare_options o = {
        .chip = "sample", .model = "sample", .cards = 1, .users = {1, 8, 16, 32}, .n_users = 4, .context_tokens = 64, .tokens = 16};
    struct compare one, two;
    struct error e;
    REQUIRE_GOOD(compare_run(&o, &one, &e), &e);
    CHECK_EQ_UINT(one.chip_sequences, 8);
    CHECK(one.chip[1].total_tokens_per_s > 4 * one.chip[0].total_tokens_per_s);
    CHECK(one.chip[1].total_tokens_per_s <= 8 * one.chip[0].total_tokens_per_s);
    CHECK_NEAR(one.chip[2].total_tokens_per_s, one.chip[1].total_tokens_per_s, 0);
    CHECK_NEAR(one.chip[2].user_tokens_per_s, one.chip[1].total_tokens_per_s / 16, 1e-6);
    CHECK(one.chip[1].fits && !one.chip[2].fits);
    CHECK(one.chip[1].joules_per_token < one.chip[0].joules_per_token); /* less time at rest for each */
    o.cards = 2;
    REQUIRE_GOOD(compare_run(&o, &two, &e), &e);
    CHECK_NEAR(two.chip[0].total_tokens_per_s, one.chip[0].total_tokens_per_s, 0);        /* one user has one card */
    CHECK_NEAR(two.chip[2].total_tokens_per_s, 2 * one.chip[1].total_tokens_per_s, 1e-6); /* 16 users, 8 on each */
    CHECK(!two.with_server);
    CHECK_NEAR(two.chip[0].joules_per_token, one.chip[0].joules_per_token, 0); /* the other card is not counted */
    static const char *const server[] = {"server.cards=2"};
    struct compare both;
    struct physics physics;
    o.set = server;
    o.n_set = 1;
    REQUIRE_GOOD(compare_run(&o, &both, &e), &e);
    REQUIRE_GOOD(physics_load("n6", &physics, &e), &e);
    const struct constants *k = &physics.corner[CORNER_NOMINAL];
    CHECK(both.with_server);
    /* 16 users, both cards at work: their energy and the host's, through the supply */
    double rate = both.chip[2].total_tokens_per_s, host = k->server_host_w / rate;
    CHECK_NEAR(both.chip[2].joules_per_token, (two.chip[2].joules_per_token + host) / k->server_supply_efficiency, 1e-9 * host);
    CHECK(both.chip[0].joules_per_token * both.chip[0].total_tokens_per_s * k->server_supply_efficiency >
          two.chip[0].joules_per_token * two.chip[0].total_tokens_per_s + k->server_host_w + k->card_board_w); /* one card at rest */
    compare_free(&one);
    compare_free(&two);
    compare_free(&both);
    o.context_tokens = 4;
    CHECK(!compare_run(&o, &one, &e));
    CHECK_CONTAINS(e.message, "a context of more than half of them");
}

void suite_compare(void)
{
    suite_begin("compare");
    suite_add("complaints with line and key", complains_with_line_and_key);
    suite_add("a step by hand", a_step_by_hand);
    suite_add("presets are read", presets_are_read);
    suite_add("users share the chip", users_share_the_chip);
}
