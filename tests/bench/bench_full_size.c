/* bench_full_size.c -- values at full size: Llama 3.1 8B with drawn weights, against what the memory gives and against llama.cpp.
 *
 * Rounds of measurements one right after the other, since on a shared machine the bandwidth changes from one moment to the next: reading the
 * whole image, the timeless reference, the chip with values, reading again (the better one counts), the peer. Ratios are of one round; their medians are told.
 * PEER=/path/to/llama-bench PEER_MODEL=file.gguf (make bench passes them on) add the peer.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/ref.h"
#include "kernels/threads.h"
#include "sim/chip.h"
#include "sim/engine.h"
#include "sim/image.h"
#include "tests/bench/bench.h"

enum { WARM_TOKENS = 4, TOKENS = 20, ROUNDS = 5, PEER_TOKENS = 16 };
static const char MODEL[] = "llama-3.1-8b";

static void check(bool good, const struct error *e)
{
    if (!good) {
        fprintf(stderr, "%s\n", e->message);
        exit(e->code);
    }
}

/* -- what the memory gives -- */

enum { PIECE_BYTES = 1 << 20 };

struct reading {
    const uint64_t *words;
    uint64_t sum; /* so that nothing is optimised away */
};

/* With the widest loads there are: with SSE2's, 10.6 of 14.6 GB/s were seen. */
#ifdef __x86_64__
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void
read_pieces(void *user, int32_t first, int32_t n)
{
    enum { LANES = 64, PIECE_WORDS = PIECE_BYTES / 8 };
    struct reading *r = user;
    const uint64_t *at = r->words + (int64_t)first * PIECE_WORDS;
    uint64_t sum[LANES] = {0};
    for (int64_t i = 0; i < (int64_t)n * PIECE_WORDS; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            sum[lane] += at[i + lane];
        }
    }
    for (int lane = 0; lane < LANES; lane++) {
        __atomic_fetch_add(&r->sum, sum[lane], __ATOMIC_RELAXED);
    }
}

static double read_bytes_per_s(const struct image *image)
{
    struct reading r = {.words = image->map};
    const int32_t n = (int32_t)(image->map_bytes / PIECE_BYTES), grain = n / threads_count() + 1;
    const double start = bench_seconds();
    threads_share(n, grain, read_pieces, &r);
    return (double)n * PIECE_BYTES / (bench_seconds() - start);
}

/* Of the image, what a token needs: all but the embedding, of which it reads a row. */
static double token_bytes(const struct model *m)
{
    int64_t bytes = matrix_bytes(&m->head);
    for (int32_t l = 0; l < m->shape.n_layers; l++) {
        for (int which = 0; which < LINEAR_COUNT; which++) {
            bytes += matrix_bytes(&m->layers[l].linear[which]);
        }
    }
    return (double)bytes;
}

/* -- tokens: from the fourth one on; the first ones touch registers and links that are new, a page at a time -- */

static double reference_tokens_per_s(const struct model *model)
{
    struct acc logits = {calloc((size_t)model->shape.n_vocab, sizeof(int64_t)), model->shape.n_vocab, 0};
    struct ref *ref = ref_new(model, TOKENS);
    if (!ref || !logits.m) {
        perror("bench_full_size");
        exit(EXIT_FAILURE);
    }
    double start = 0;
    for (int32_t position = 0; position < TOKENS; position++) {
        ref_forward(ref, NULL, 1000 * position, position, &logits);
        start = position == WARM_TOKENS - 1 ? bench_seconds() : start;
    }
    const double seconds = bench_seconds() - start;
    ref_free(ref);
    free(logits.m);
    return (TOKENS - WARM_TOKENS) / seconds;
}

static void note_warm(void *start, const struct request *request)
{
    if (request->n_generated == WARM_TOKENS) {
        *(double *)start = bench_seconds();
    }
}

/* One request of one prompt token; as many tokens through the chip as the reference had. */
static double chip_tokens_per_s(const struct model *model)
{
    static const char *const changes[] = {"kv.sequences=1", "kv.context_tokens=64", "slots.count=1", "slots.rank_max=1",
                                          "sram.depth_words=65536"};
    struct chip_config config;
    struct error e;
    struct chip *chip = NULL;
    int32_t prompt = 1, generated[TOKENS];
    uint64_t generated_at[TOKENS];
    struct request request = {.prompt = &prompt,
                              .n_prompt = 1,
                              .n_generate = TOKENS,
                              .adapter = -1,
                              .stop_token = -1,
                              .generated = generated,
                              .generated_at = generated_at};
    struct trace *trace = trace_new();
    sampling_make(0, 1, &request.sampling);
    check(config_load("sample", &config, &e), &e);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        check(config_set(&config, changes[i], &e), &e);
    }
    check(chip_new(&config, model, true, NULL, 0, &request, 1, trace, &chip, &e), &e);
    double start = 0;
    chip->sequencer.on_token = note_warm;
    chip->sequencer.context = &start;
    check(chip_run(chip, ENGINE_SKIP, &e), &e);
    const double seconds = bench_seconds() - start;
    chip_free(chip);
    trace_free(trace);
    return (TOKENS - WARM_TOKENS) / seconds;
}

/* What llama-bench says in its JSON: avg_ts, tokens per second. 0 without a peer. */
static double peer_tokens_per_s(void)
{
    const char *peer = getenv("PEER"), *model = getenv("PEER_MODEL");
    char command[8192], output[16384];
    if (!peer || !*peer || !model || !*model) {
        return 0;
    }
    snprintf(command, sizeof command, "'%s' -m '%s' -p 0 -n %d -t %d -r 1 -o json 2>/dev/null", peer, model, PEER_TOKENS, threads_count());
    FILE *in = popen(command, "r");
    const size_t n = in ? fread(output, 1, sizeof output - 1, in) : 0;
    const bool ended = in && pclose(in) == 0;
    output[n] = '\0';
    cJSON *json = cJSON_Parse(output);
    const cJSON *speed = cJSON_GetObjectItem(cJSON_GetArrayItem(json, 0), "avg_ts");
    if (!ended || !cJSON_IsNumber(speed)) {
        fprintf(stderr, "the peer failed: %s\n", command);
        exit(EXIT_FAILURE);
    }
    const double tokens_per_s = speed->valuedouble;
    cJSON_Delete(json);
    return tokens_per_s;
}

/* -- rounds -- */

enum figure { READ, REFERENCE, CHIP, USED, OVERHEAD, PEER, TO_PEER, FIGURES };
static const struct {
    const char *name, *unit;
} FIGURE[FIGURES] = {[READ] = {"full size: memory reads", "GB/s"},
                     [REFERENCE] = {"full size: reference without time", "token/s"},
                     [CHIP] = {"full size: chip with values, skip", "token/s"},
                     [USED] = {"full size: chip's weights / memory reads", "of 1"},
                     [OVERHEAD] = {"full size: time that timing adds", "of 1"},
                     [PEER] = {"full size: llama-bench", "token/s"},
                     [TO_PEER] = {"full size: chip / llama-bench", "times"}};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_round(const struct image *image, double value[FIGURES][ROUNDS], int round)
{
    const struct model *m = &image->model;
    const double before = read_bytes_per_s(image);
    value[REFERENCE][round] = reference_tokens_per_s(m);
    value[CHIP][round] = chip_tokens_per_s(m);
    const double after = read_bytes_per_s(image);
    value[READ][round] = (after > before ? after : before) * 1e-9; /* the first one may meet what the peer left behind */
    value[PEER][round] = peer_tokens_per_s();
    value[USED][round] = value[CHIP][round] * token_bytes(m) * 1e-9 / value[READ][round];
    value[OVERHEAD][round] = value[REFERENCE][round] / value[CHIP][round] - 1;
    value[TO_PEER][round] = value[PEER][round] > 0 ? value[CHIP][round] / value[PEER][round] : 0;
    printf("round %d: reads %.2f GB/s, reference %.3f, chip %.3f, peer %.3f token/s\n", round + 1, value[READ][round],
           value[REFERENCE][round], value[CHIP][round], value[PEER][round]);
    fflush(stdout);
}

void bench_full_size(void);
void bench_full_size(void)
{
    static double value[FIGURES][ROUNDS];
    struct image image;
    struct error e;
    if ((double)sysconf(_SC_AVPHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) < 4.5e9) {
        printf("full size: skipped, less than 4.5 GB of memory are free\n");
        return;
    }
    const double start = bench_seconds();
    check(image_open_synthetic(MODEL, 1, NULL, &image, &e), &e);
    bench_report("full size: drawing the weights", bench_seconds() - start, "s");
    bench_report("full size: bytes of weights a token", token_bytes(&image.model) * 1e-9, "GB");
    bench_report("full size: threads", threads_count(), "");
    for (int round = 0; round < ROUNDS; round++) {
        measure_round(&image, value, round);
    }
    for (enum figure f = 0; f < FIGURES; f++) {
        qsort(value[f], ROUNDS, sizeof value[f][0], compare);
        if (value[f][ROUNDS / 2] != 0) {
            bench_report(FIGURE[f].name, value[f][ROUNDS / 2], FIGURE[f].unit);
        }
    }
    if (value[PEER][0] == 0) {
        printf("full size: no PEER=/path/to/llama-bench PEER_MODEL=file.gguf, so without a peer\n");
    }
    image_close(&image);
}
