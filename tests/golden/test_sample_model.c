/* Is the shipped model what its documents say? Baked without error, as good on the chip's integers as in floating point, the adapters worth their slots,
 * and the same tokens as llama.cpp. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "kernels/ref.h"
#include "kernels/ref_float.h"
#include "sim/bake.h"
#include "sim/image.h"
#include "sim/tokenizer.h"
#include "tests/unit/check.h"

enum { CONTEXT = 512 };

/* -- what the tests share -- */

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!CHECK(in != NULL)) {
        return calloc(1, 1);
    }
    fseek(in, 0, SEEK_END);
    long bytes = ftell(in);
    rewind(in);
    char *text = calloc(1, (size_t)bytes + 1);
    CHECK(fread(text, 1, (size_t)bytes, in) == (size_t)bytes);
    fclose(in);
    return text;
}

struct subject { /* the sample model with its tokenizer */
    struct image image;
    struct tokenizer *tokenizer;
};

static bool subject_open(struct subject *s)
{
    struct error e = {0};
    bool good = CHECK_GOOD(image_open_model("sample", NULL, &s->image, &e), &e);
    return good && CHECK_GOOD(tokenizer_open(&s->image.vocab, &s->tokenizer, &e), &e);
}

static void subject_close(struct subject *s)
{
    tokenizer_close(s->tokenizer);
    image_close(&s->image);
}

/* -- perplexity, as configs/models/sample/README.md defines it -- */

struct scorer { /* one of two ways to get logits, as floats */
    struct ref *integer;
    struct ref_float *floating;
    const struct adapter *adapter;
    struct acc acc;
    float *logits;
    int32_t n_vocab;
};

static void score_token(struct scorer *s, int32_t token, int32_t position)
{
    if (s->floating) {
        ref_float_forward(s->floating, token, position, s->logits);
    } else {
        ref_forward(s->integer, s->adapter, token, position, &s->acc);
        acc_to_float(&s->acc, s->logits);
    }
}

static double negative_log_probability(const float *logits, int32_t n, int32_t token)
{
    double max = -INFINITY, sum = 0;
    for (int32_t i = 0; i < n; i++) {
        max = fmax(max, (double)logits[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        sum += exp((double)logits[i] - max);
    }
    return log(sum) + max - (double)logits[token];
}

/* Adds one document: BOS, its tokens, EOS. */
static void score_document(struct scorer *s, const struct subject *subject, const char *text, size_t length, double *total, int *count)
{
    struct token_ids ids;
    struct error e = {0};
    if (!CHECK_GOOD(tokenizer_encode(subject->tokenizer, text, length, true, &ids, &e), &e)) {
        return;
    }
    for (int32_t i = 0; i < ids.count; i++) {
        int32_t next = i + 1 < ids.count ? ids.ids[i + 1] : subject->image.vocab.eos;
        score_token(s, ids.ids[i], i);
        *total += negative_log_probability(s->logits, s->n_vocab, next);
        (*count)++;
    }
    free(ids.ids);
}

/* Of the first `max_documents` of a held-out file. */
static double perplexity(struct scorer *s, const struct subject *subject, const char *domain, int max_documents)
{
    char path[128];
    snprintf(path, sizeof path, "configs/models/sample/heldout/%s.txt", domain);
    char *text = read_file(source_file(path));
    double total = 0;
    int count = 0, documents = 0;
    for (char *at = text; *at && documents < max_documents; documents++) {
        char *end = strstr(at, "\n\n");
        size_t length = end ? (size_t)(end - at) : strcspn(at, "\n");
        score_document(s, subject, at, length, &total, &count);
        at += end ? length + 2 : length + strspn(at + length, "\n");
    }
    free(text);
    return exp(total / count);
}

static double integer_perplexity(const struct subject *subject, const struct adapter *adapter, const char *domain, int max_documents)
{
    int32_t n = subject->image.model.shape.n_vocab;
    struct scorer s = {.integer = ref_new(&subject->image.model, CONTEXT),
                       .adapter = adapter,
                       .acc = {calloc((size_t)n, sizeof(int64_t)), n, 0},
                       .logits = calloc((size_t)n, sizeof(float)),
                       .n_vocab = n};
    double result = perplexity(&s, subject, domain, max_documents);
    ref_free(s.integer);
    free(s.acc.m);
    free(s.logits);
    return result;
}

static double float_perplexity(const struct subject *subject, const struct adapter *adapter, const char *domain, int max_documents)
{
    int32_t n = subject->image.model.shape.n_vocab;
    struct float_model model;
    if (!CHECK(float_model_from_image(&subject->image.model, adapter, &model))) {
        return NAN;
    }
    struct scorer s = {.floating = ref_float_new(&model, CONTEXT), .logits = calloc((size_t)n, sizeof(float)), .n_vocab = n};
    double result = perplexity(&s, subject, domain, max_documents);
    ref_float_free(s.floating);
    float_model_free(&model);
    free(s.logits);
    return result;
}

/* -- the tests -- */

static void bakes_without_error(void)
{
    struct bake_report report = {0};
    struct error e = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/sample.rom", temporary_folder());
    REQUIRE_GOOD(bake(source_file("configs/models/sample/sample.gguf"), path, NULL, &report, &e), &e);
    for (int32_t i = 0; i < report.n_tensors; i++) {
        if (!CHECK(report.tensors[i].relative_max_error == 0)) {
            printf("\n    %s: %g", report.tensors[i].name, report.tensors[i].relative_max_error);
        }
    }
    CHECK_EQ_INT(report.n_tensors, 1 + 6 * 7 + 1 + 6 * 2);
    bake_report_free(&report);
}

static void integers_cost_less_than_a_percent(void)
{
    struct subject s = {0};
    REQUIRE(subject_open(&s));
    double integers = integer_perplexity(&s, NULL, "general", 20), floats = float_perplexity(&s, NULL, "general", 20);
    printf("\n    general, 20 documents: perplexity %.4f on the chip's integers, %.4f in floating point ", integers, floats);
    CHECK(integers < 1.01 * floats);
    CHECK(integers > 0.99 * floats);
    subject_close(&s);
}

/* Each adapter at least halves the perplexity of its own domain. */
static void adapters_earn_their_slots(void)
{
    static const char *const names[] = {"clinical", "contract", "support"};
    struct subject s = {0};
    REQUIRE(subject_open(&s));
    for (int i = 0; i < 3; i++) {
        struct adapter adapter;
        struct error e = {0};
        REQUIRE_GOOD(adapter_load(names[i], &s.image.model.shape, &adapter, &e), &e);
        double base = integer_perplexity(&s, NULL, names[i], 20), adapted = integer_perplexity(&s, &adapter, names[i], 20);
        printf("\n    %s: %.3f with the adapter, %.3f without ", names[i], adapted, base);
        CHECK(adapted <= base / 2);
        adapter_free(&adapter);
    }
    subject_close(&s);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    return CHECK(cJSON_IsNumber(item)) ? item->valuedouble : NAN;
}

/* What training measured, over all documents: 3 bits cost at most 10 % against the same recipe in float; and those figures are ours. */
static void recorded_scores_hold(void)
{
    struct subject s = {0};
    REQUIRE(subject_open(&s));
    char *text = read_file(source_file("configs/models/sample/scores.json"));
    cJSON *scores = cJSON_Parse(text);
    free(text);
    REQUIRE(scores != NULL);
    const cJSON *base = cJSON_GetObjectItem(scores, "base_perplexity"),
                *baseline = cJSON_GetObjectItem(scores, "float_baseline_perplexity");
    CHECK(number(base, "general") <= 1.10 * number(baseline, "general"));
    double ours = integer_perplexity(&s, NULL, "general", 1000);
    printf("\n    general, all documents: %.4f on the chip's integers, %.4f by training's float evaluation ", ours,
           number(base, "general"));
    CHECK_NEAR(ours, number(base, "general"), 0.01 * number(base, "general"));
    cJSON_Delete(scores);
    subject_close(&s);
}

static int32_t argmax(const float *logits, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

/* One prompt: the same prompt tokens, and greedily the same continuation. */
static void follow_llama_cpp(const struct subject *s, struct ref_float *ref, float *logits, const cJSON *run)
{
    const char *prompt = cJSON_GetStringValue(cJSON_GetObjectItem(run, "prompt"));
    const cJSON *prompt_ids = cJSON_GetObjectItem(run, "prompt_ids"), *expected = cJSON_GetObjectItem(run, "token_ids");
    struct token_ids ids;
    struct error e = {0};
    REQUIRE_GOOD(tokenizer_encode(s->tokenizer, prompt, strlen(prompt), true, &ids, &e), &e);
    CHECK_EQ_INT(ids.count, cJSON_GetArraySize(prompt_ids));
    int32_t position = 0;
    for (; position < ids.count; position++) {
        CHECK_EQ_INT(ids.ids[position], (int)cJSON_GetArrayItem(prompt_ids, position)->valuedouble);
        ref_float_forward(ref, ids.ids[position], position, logits);
    }
    const cJSON *token;
    cJSON_ArrayForEach(token, expected)
    {
        int32_t next = argmax(logits, s->image.model.shape.n_vocab);
        CHECK_EQ_INT(next, (int)token->valuedouble);
        ref_float_forward(ref, next, position++, logits);
    }
    free(ids.ids);
}

/* tests/golden/llama_cpp_sample.json holds what llama.cpp wrote for three prompts (greedy; version and settings are in the file). */
static void float_reference_follows_llama_cpp(void)
{
    struct subject s = {0};
    struct float_model model;
    REQUIRE(subject_open(&s));
    REQUIRE(float_model_from_image(&s.image.model, NULL, &model));
    char *text = read_file(source_file("tests/golden/llama_cpp_sample.json"));
    cJSON *golden = cJSON_Parse(text), *runs = cJSON_GetObjectItem(golden, "runs"), *run;
    struct ref_float *ref = ref_float_new(&model, CONTEXT);
    float *logits = calloc((size_t)model.shape.n_vocab, sizeof *logits);
    CHECK_EQ_INT(cJSON_GetArraySize(runs), 3);
    cJSON_ArrayForEach(run, runs)
    {
        follow_llama_cpp(&s, ref, logits, run);
    }
    free(logits);
    ref_float_free(ref);
    cJSON_Delete(golden);
    free(text);
    float_model_free(&model);
    subject_close(&s);
}

void suite_sample_model(void)
{
    suite_begin("sample_model");
    suite_add("bake finds the trained codes: no error in any tensor", bakes_without_error);
    suite_add("perplexity on the chip's integers is within 1 % of floating point", integers_cost_less_than_a_percent);
    suite_add("each adapter at least halves its domain's perplexity", adapters_earn_their_slots);
    suite_add("the recorded scores hold", recorded_scores_hold);
    suite_add("the float reference writes what llama.cpp writes", float_reference_follows_llama_cpp);
}
