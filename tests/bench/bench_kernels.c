/* bench_kernels.c -- weights per second of the matrix product and MACs per second of attention and LoRA, on each instruction set.
 *
 * One thread. The small matrix stays in the L2 cache and shows the arithmetic; the large one comes from memory, as a model's layers do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention.h"
#include "kernels/gemv.h"
#include "kernels/lora.h"
#include "kernels/sample.h"
#include "kernels/threads.h"
#include "tests/bench/bench.h"

static void *room(size_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory) {
        perror("bench_kernels");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* Random bytes under a mask that leaves scales (0..63) and codes valid. */
static void *random_bytes(size_t bytes, uint8_t mask)
{
    struct random random;
    random_seed(&random, 1, bytes);
    uint8_t *memory = room(bytes);
    for (size_t i = 0; i < bytes; i++) {
        memory[i] = (uint8_t)random_next(&random) & mask;
    }
    return memory;
}

/* The same work on each instruction set: its rate, and how many times plain C's that is. */
static void on_each_isa(const char *name, void (*work)(void *), void *user, double units, const char *unit)
{
    const enum k_isa before = k_selected();
    double plain = 0;
    for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
        if (!k_select(isa)) {
            continue;
        }
        const double rate = units / bench_median_seconds(work, user);
        plain = isa == K_ISA_PLAIN ? rate : plain;
        char line[128];
        snprintf(line, sizeof line, "%s, %s", name, k_isa_names[isa]);
        bench_report(line, rate * 1e-9, unit);
        if (isa != K_ISA_PLAIN) {
            snprintf(line, sizeof line, "%s, %s / plain", name, k_isa_names[isa]);
            bench_report(line, rate / plain, "times");
        }
    }
    k_select(before);
}

/* -- gemv -- */

struct product {
    struct matrix w;
    struct act8 x;
    struct acc y;
};

static void multiply(void *user)
{
    struct product *p = user;
    k_gemv(&p->w, &p->x, &p->y);
}

static void bench_gemv(const char *name, enum weight_format format, int32_t n_out, int32_t n_in)
{
    struct product p = {.w = {.format = format, .n_out = n_out, .n_in = n_in, .codebook = {-31, -19, -11, -4, 4, 11, 19, 31}}};
    p.w.data = random_bytes((size_t)matrix_bytes(&p.w), 63);
    p.x = (struct act8){random_bytes((size_t)padded(n_in), 127), n_in, 0, NULL};
    p.y = (struct acc){room((size_t)n_out * sizeof(int64_t)), n_out, 0};
    on_each_isa(name, multiply, &p, (double)n_out * n_in, "Gweights/s");
    free((void *)(uintptr_t)p.w.data);
    free(p.x.m);
    free(p.y.m);
}

/* -- attention: the heads of Llama 3.1 8B -- */

struct attention_work {
    struct shape shape;
    struct kv kv;
    int8_t *q;
    int16_t q_exponent[32];
    struct act8 out;
    int64_t *scratch;
};

static void attend(void *user)
{
    struct attention_work *w = user;
    k_attention(&w->shape, 4178, w->q, w->q_exponent, &w->kv, w->kv.capacity_tokens, &w->out, w->scratch);
}

static void bench_attention(void)
{
    enum { TOKENS = 1024, HEADS = 32, KV_HEADS = 8, HEAD_DIM = 128, N = HEADS * HEAD_DIM };
    struct attention_work w = {.shape = {.n_heads = HEADS, .n_kv_heads = KV_HEADS, .head_dim = HEAD_DIM}};
    const size_t rows = (size_t)TOKENS * KV_HEADS;
    w.kv = (struct kv){random_bytes(rows * HEAD_DIM, 127), random_bytes(rows * HEAD_DIM, 127), calloc(rows, 2), calloc(rows, 2), TOKENS};
    w.q = random_bytes(N, 127);
    for (int h = 0; h < HEADS; h++) {
        w.q_exponent[h] = -18;
    }
    w.out = (struct act8){room(N), N, 0, NULL};
    w.scratch = room(k_attention_scratch(&w.shape, TOKENS) * sizeof *w.scratch);
    on_each_isa("attention, 32 heads, 1024 tokens", attend, &w, 2.0 * TOKENS * N, "GMAC/s");
    free(w.kv.k);
    free(w.kv.v);
    free(w.kv.k_exponent);
    free(w.kv.v_exponent);
    free(w.q);
    free(w.out.m);
    free(w.scratch);
}

/* -- LoRA -- */

struct lora_work {
    struct lora_pair pair;
    struct act8 x, h;
    int64_t *delta;
};

static void adapt(void *user)
{
    struct lora_work *w = user;
    k_lora_a(&w->pair, &w->x, &w->h);
    k_lora_b(&w->pair, &w->h, 0, w->delta);
}

static void bench_lora(void)
{
    enum { N = 4096, RANK = 16 };
    int8_t *a = random_bytes((size_t)N * RANK, 31), *b = random_bytes((size_t)N * RANK, 31), h[LORA_RANK_MAX];
    uint16_t *scale_a = random_bytes(RANK * 2, 255), *scale_b = random_bytes((size_t)N * 2, 255);
    struct lora_work w = {.pair = {.rank = RANK, .n_in = N, .n_out = N, .a = a, .b = b, .scale_a = scale_a, .scale_b = scale_b}};
    w.x = (struct act8){random_bytes(N, 127), N, 0, NULL};
    w.h = (struct act8){h, RANK, 0, NULL};
    w.delta = room(N * sizeof *w.delta);
    on_each_isa("LoRA, 4096 x 4096, rank 16", adapt, &w, 2.0 * N * RANK, "GMAC/s");
    free(a);
    free(b);
    free(scale_a);
    free(scale_b);
    free(w.x.m);
    free(w.delta);
}

void bench_kernels(void);
void bench_kernels(void)
{
    threads_set(1);
    bench_gemv("gemv W3, 256 x 4096 in L2", WEIGHT_W3, 256, 4096);
    bench_gemv("gemv W3, 14336 x 14336 in memory", WEIGHT_W3, 14336, 14336);
    bench_gemv("gemv W6, 256 x 4096 in L2", WEIGHT_W6, 256, 4096);
    bench_gemv("gemv W6, 14336 x 4096 in memory", WEIGHT_W6, 14336, 4096);
    bench_attention();
    bench_lora();
    threads_set(0);
}
