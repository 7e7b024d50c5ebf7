/* One block for all layers (chip.organisation: shared): a lone token's cycles by hand, and that tokens share the matrix units. */
#include "kernels/types.h"
#include "tests/order/random_run.h"
#include "traces/trace.h"

static uint64_t up(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* From x's first beat to the last beat of the result, n_in inputs in so many beats. */
static uint64_t matrix(const struct chip_config *c, uint64_t n_in, uint64_t beats, uint64_t n_out, bool drains)
{
    uint64_t sweep = up(up(n_out, c->matrix_units) * n_in, c->matrix_macs);
    return most(sweep, beats) + c->rom_latency_cycles + (drains ? up(n_out, c->rom_drain_elements) : 0);
}

static uint64_t sram(const struct chip_config *c, uint64_t words, uint64_t words_per_cycle)
{
    return up(words, least(words_per_cycle, (uint64_t)c->sram_ways * c->sram_ports)) + c->sram_latency_cycles + 1;
}

static uint64_t attention(const struct chip_config *c, const struct shape *s, uint64_t t, uint64_t row)
{
    uint64_t macs = up(t * (uint64_t)(s->n_heads * s->head_dim), c->attention_lanes), rate = up(t * row, macs);
    uint64_t rows = most(1 + macs + c->sram_latency_cycles, sram(c, t * row, rate)) + c->attention_latency_cycles;
    uint64_t scores = t * (uint64_t)s->n_heads;
    uint64_t maximum = c->attention_max_lanes ? up(scores, c->attention_max_lanes) + c->attention_latency_cycles : 0;
    return 2 * rows + maximum + up(scores, c->attention_softmax_lanes) + c->attention_latency_cycles;
}

/* From a token's issue to that of the next one of the same sequence, with t tokens in the cache: docs/time.md, with the sweeps of shared matrix units. */
static uint64_t lone_token(const struct chip_config *c, const struct shape *s, uint64_t t)
{
    uint64_t d = (uint64_t)s->d_model, q = (uint64_t)(s->n_heads * s->head_dim), kv = (uint64_t)(s->n_kv_heads * s->head_dim);
    uint64_t ff = (uint64_t)s->d_ff, vocab = (uint64_t)s->n_vocab, width = c->link_elements;
    uint64_t norm = up(d, c->norm_lanes) + c->norm_latency_cycles, x = up(d, least(c->norm_lanes, width));
    uint64_t row = up((uint64_t)(s->n_kv_heads * (s->head_dim + 1)) * 8, c->sram_width_bits);
    uint64_t rope = up(q + 2 * kv, c->rope_lanes) + c->rope_latency_cycles + 2 * sram(c, row, (uint64_t)c->sram_ways * c->sram_ports);
    uint64_t layer = norm + 1 + matrix(c, d, x, q + 2 * kv, true) + rope + up(q, least(c->rope_lanes, width)) + attention(c, s, t, row) +
                     1 + matrix(c, q, up(q, least(c->attention_lanes, width)), d, true) + norm + 1 + matrix(c, d, x, 2 * ff, true) +
                     up(ff, c->silu_lanes) + c->silu_latency_cycles + 1 + matrix(c, ff, up(ff, least(c->silu_lanes, width)), d, true);
    uint64_t head = norm + 1 + matrix(c, d, x, vocab, false);
    uint64_t sampler = most(1 + up(vocab, c->sampler_lanes), up(vocab, c->rom_drain_elements)) + c->sampler_latency_cycles + 1;
    return 1 + c->embed_latency_cycles + up(d, least(c->embed_elements, width)) + (uint64_t)s->n_layers * layer + head + sampler;
}

struct timed {
    struct random_run run;
    struct request requests[2];
    int32_t generated[2][4];
    cycle_t at[2][4];
    uint64_t cycles;
    struct shape shape;
};

/* So many sequences of one prompt token each on a shared chip, greedy, base model. */
static bool execute(struct timed *t, uint64_t seed, uint32_t n)
{
    struct error e = {0};
    struct chip *chip = NULL;
    random_run_make(&t->run, seed);
    t->shape = t->run.random.model.shape;
    t->run.config.sram_banks = t->run.config.sram_ways;
    t->run.config.kv_sequences = 2;
    random_run_share(&t->run);
    for (uint32_t i = 0; i < n; i++) {
        t->requests[i] = (struct request){.prompt = t->run.prompt,
                                          .n_prompt = 1,
                                          .n_generate = 4,
                                          .adapter = -1,
                                          .stop_token = -1,
                                          .generated = t->generated[i],
                                          .generated_at = t->at[i]};
        sampling_make(0, 1, &t->requests[i].sampling);
    }
    bool good = CHECK_GOOD(chip_new(&t->run.config, &t->run.random.model, false, NULL, 0, t->requests, n, NULL, &chip, &e), &e) &&
                CHECK_GOOD(chip_run(chip, ENGINE_SKIP, &e), &e);
    t->cycles = chip ? chip->now : 0;
    chip_free(chip);
    random_run_free(&t->run);
    return good;
}

static void a_lone_token_takes_what_the_formula_says(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct timed t;
        REQUIRE(execute(&t, seed, 1));
        const struct shape *s = &t.shape;
        if (s->qkv_bias || s->qk_norm || s->post_norms || s->window_tokens) {
            continue; /* the formula is a Llama's */
        }
        CHECK_EQ_UINT(t.at[0][0], lone_token(&t.run.config, s, 1));
        for (uint64_t k = 1; k < 4; k++) {
            CHECK_EQ_UINT(t.at[0][k] - t.at[0][k - 1], lone_token(&t.run.config, s, k + 1));
        }
    }
}

/* Two sequences take no less than the matrix units are busy with both, and less than one after the other unless only one may be on the way. */
static void sequences_share_the_matrix_units(void)
{
    uint32_t faster = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct timed one = {0}, two = {0};
        REQUIRE(execute(&one, seed, 1) && execute(&two, seed, 2));
        CHECK(two.cycles >= one.cycles && two.cycles <= 2 * one.cycles + 8);
        faster += two.cycles < 2 * one.cycles - one.cycles / 10;
        CHECK(two.run.config.link_depth > 1 || two.cycles + 8 >= 2 * one.cycles);
    }
    CHECK(faster > 10);
}

void suite_shared(void);
void suite_shared(void)
{
    suite_begin("shared");
    suite_add("a lone token takes what the formula says", a_lone_token_takes_what_the_formula_says);
    suite_add("sequences share the matrix units", sequences_share_the_matrix_units);
}
