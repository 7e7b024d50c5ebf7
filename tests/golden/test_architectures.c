/* Models of every architecture against an independent implementation: tests/golden/architectures has a tiny random model of each as llama.cpp's
 * converter writes it, two random adapters for each, one with pairs on embedding and head, and the logits that transformers and PEFT computed in 64-bit floats
 * (scripts/golden_architectures.py). */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "adapters/lora_file.h"
#include "kernels/ref.h"
#include "kernels/ref_float.h"
#include "sim/bake.h"
#include "sim/gguf_float.h"
#include "sim/image.h"
#include "sim/mapped.h"
#include "tests/unit/check.h"

enum { VOCAB = 64, CONTEXT = 24 };
#define FOLDER "tests/golden/architectures/"

static cJSON *read_json(const char *path)
{
    struct mapped map;
    struct error e;
    if (!CHECK_GOOD(mapped_open(path, &map, &e), &e)) {
        return NULL;
    }
    cJSON *json = cJSON_ParseWithLength((const char *)map.bytes, map.size_bytes);
    mapped_close(&map);
    return json;
}

/* The index of `position` among the recorded ones, or -1. */
static int recorded(const cJSON *golden, int position)
{
    const cJSON *positions = cJSON_GetObjectItem(golden, "positions");
    for (int i = 0; i < cJSON_GetArraySize(positions); i++) {
        if (cJSON_GetArrayItem(positions, i)->valueint == position) {
            return i;
        }
    }
    return -1;
}

static int token_at(const cJSON *golden, int position)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(golden, "token_ids"), position)->valueint;
}

static const char *model_path(const cJSON *model)
{
    char name[64];
    snprintf(name, sizeof name, FOLDER "%s.gguf", cJSON_GetObjectItem(model, "name")->valuestring);
    return source_file(name);
}

/* w += alpha / r B A */
static void merge(const struct lora_tensors *t, const struct float_model *model)
{
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        const struct lora_linear *l = &t->linears[i];
        const enum linear which = lora_tensors_which(t, i);
        const bool embedding = which == LINEAR_EMBEDDING;
        float *w = (float *)(uintptr_t)(embedding              ? model->embedding
                                        : which == LINEAR_HEAD ? model->head
                                                               : model->layers[i / LINEAR_COUNT].linear[which]);
        for (int32_t k = 0; l->rank && k < l->n_out * l->n_in; k++) {
            const int32_t to = embedding ? k % l->n_in * l->n_out + k / l->n_in : k; /* it has a row for each token */
            double sum = 0;
            for (int32_t j = 0; j < l->rank; j++) {
                sum += (double)l->b[k / l->n_in * l->rank + j] * (double)l->a[j * l->n_in + k % l->n_in];
            }
            w[to] += (float)(sum * lora_scale(l));
        }
    }
}

static bool merge_file(const cJSON *model, const char *adapter, struct float_model *weights)
{
    char path[96];
    struct lora_tensors t;
    struct error e;
    snprintf(path, sizeof path, FOLDER "%s%s", cJSON_GetObjectItem(model, "name")->valuestring, adapter);
    if (!CHECK_GOOD(lora_tensors_load(source_file(path), &weights->shape, &t, &e), &e)) {
        return false;
    }
    const bool ends = strstr(adapter, "ends");
    for (int32_t i = 0; i < lora_tensors_count(&t); i++) {
        const enum linear which = lora_tensors_which(&t, i);
        const bool here = ends ? which == LINEAR_O || which == LINEAR_DOWN : which < LINEAR_COUNT;
        CHECK_EQ_INT(t.linears[i].rank, here ? 2 : which < LINEAR_COUNT || !ends ? 0 : which == LINEAR_EMBEDDING ? 3 : 5);
    }
    merge(&t, weights);
    lora_tensors_free(&t);
    return true;
}

/* The largest difference of any recorded logit, relative to the largest logit; adapter: NULL, or the end of its file's name. */
static double float_difference(const cJSON *golden, const cJSON *model, const char *adapter)
{
    struct gguf g;
    struct float_model weights;
    struct error e;
    double worst = 0, largest = 0;
    if (!CHECK_GOOD(gguf_open(model_path(model), &g, &e), &e)) {
        return 1;
    }
    if (!CHECK_GOOD(gguf_float_model(&g, &weights, &e), &e)) {
        gguf_close(&g);
        return 1;
    }
    static float head[VOCAB * 64];
    if (weights.head == weights.embedding) { /* tied, but PEFT adapts them apart */
        ES_ASSERT(weights.shape.d_model <= 64);
        memcpy(head, weights.head, (size_t)weights.shape.n_vocab * (size_t)weights.shape.d_model * sizeof *head);
        weights.head = head;
    }
    if (adapter && !merge_file(model, adapter, &weights)) {
        float_model_free(&weights);
        gguf_close(&g);
        return 1;
    }
    struct ref_float *ref = ref_float_new(&weights, CONTEXT);
    for (int position = 0; position < CONTEXT; position++) {
        float logits[VOCAB];
        ref_float_forward(ref, token_at(golden, position), position, logits);
        const char *logits_of = !adapter ? "logits" : strstr(adapter, "ends") ? "ends_logits" : "adapted_logits";
        const cJSON *expected = cJSON_GetArrayItem(cJSON_GetObjectItem(model, logits_of), recorded(golden, position));
        for (int i = 0; expected && recorded(golden, position) >= 0 && i < VOCAB; i++) {
            const double value = cJSON_GetArrayItem(expected, i)->valuedouble;
            worst = fmax(worst, fabs((double)logits[i] - value));
            largest = fmax(largest, fabs(value));
        }
    }
    ref_float_free(ref);
    float_model_free(&weights);
    gguf_close(&g);
    return worst / largest;
}

static void float_reference_computes_what_transformers_does(void)
{
    cJSON *golden = read_json(source_file(FOLDER "logits.json"));
    const cJSON *model;
    int n = 0;
    cJSON_ArrayForEach(model, cJSON_GetObjectItem(golden, "models"))
    {
        const double bare = float_difference(golden, model, NULL);
        const double peft = float_difference(golden, model, "-adapter"), converted = float_difference(golden, model, "-adapter.gguf");
        const double ends = float_difference(golden, model, "-ends"), converted_ends = float_difference(golden, model, "-ends.gguf");
        printf("\n    %s: logits within %.1e of the largest, with an adapter from PEFT %.1e, from GGUF %.1e, one of both ends %.1e, %.1e ",
               cJSON_GetObjectItem(model, "name")->valuestring, bare, peft, converted, ends, converted_ends);
        CHECK_NEAR(bare, 0, 1e-5);
        CHECK_NEAR(peft, 0, 1e-5);
        CHECK_NEAR(converted, 0, 1e-5);
        CHECK_NEAR(ends, 0, 1e-5);
        CHECK_NEAR(converted_ends, 0, 1e-5);
        n++;
    }
    CHECK_EQ_INT(n, ARCHITECTURE_COUNT);
    cJSON_Delete(golden);
}

/* KL of logits from the recorded ones; 0 at a position that is not. */
static double recorded_kl(const cJSON *golden, const cJSON *model, const char *logits_of, int position, const float *logits)
{
    const int i = recorded(golden, position);
    float expected[VOCAB];
    for (int k = 0; i >= 0 && k < VOCAB; k++) {
        expected[k] = (float)cJSON_GetArrayItem(cJSON_GetArrayItem(cJSON_GetObjectItem(model, logits_of), i), k)->valuedouble;
    }
    return i < 0 ? 0 : float_kl(expected, logits, VOCAB) / cJSON_GetArraySize(cJSON_GetObjectItem(golden, "positions"));
}

/* What etchsim bake makes of the file in these formats: the integers against a float evaluation of the same weights, both with the packed adapter if there is one. */
static double integer_kl(const cJSON *golden, const cJSON *model, const char *bits, const char *adapter, double *from_golden)
{
    struct image image;
    struct adapter packed = {0};
    struct float_model weights;
    struct bake_options options;
    struct error e;
    char rom[4096];
    double kl = 0;
    *from_golden = 0;
    snprintf(rom, sizeof rom, "%s/golden.rom", temporary_folder());
    bake_options_default(&options);
    if (!CHECK_GOOD(bake_options_set(&options, bits, &e), &e) || !CHECK_GOOD(bake(model_path(model), rom, &options, NULL, &e), &e) ||
        !CHECK_GOOD(image_open(rom, &image, &e), &e)) {
        return 1;
    }
    if (adapter && !CHECK_GOOD(adapter_load(adapter, &image.model.shape, &packed, &e), &e)) {
        return 1;
    }
    CHECK(float_model_from_image(&image.model, adapter ? &packed : NULL, &weights));
    struct ref_float *floats = ref_float_new(&weights, CONTEXT);
    struct ref *integers = ref_new(&image.model, CONTEXT);
    int64_t m[VOCAB];
    struct acc acc = {m, VOCAB, 0};
    for (int position = 0; position < CONTEXT; position++) {
        float a[VOCAB], b[VOCAB];
        ref_float_forward(floats, token_at(golden, position), position, a);
        ref_forward(integers, adapter ? &packed : NULL, token_at(golden, position), position, &acc);
        acc_to_float(&acc, b);
        kl += float_kl(a, b, VOCAB) / CONTEXT;
        *from_golden += recorded_kl(golden, model, adapter ? "ends_logits" : "logits", position, b);
    }
    ref_free(integers);
    ref_float_free(floats);
    float_model_free(&weights);
    image_close(&image);
    adapter_free(&packed);
    return kl;
}

static void integers_cost_little(void)
{
    cJSON *golden = read_json(source_file(FOLDER "logits.json"));
    const cJSON *model;
    cJSON_ArrayForEach(model, cJSON_GetObjectItem(golden, "models"))
    {
        const char *name = cJSON_GetObjectItem(model, "name")->valuestring;
        char ends[96];
        snprintf(ends, sizeof ends, FOLDER "%s-ends", name);
        double bare, mxfp4, adapted; /* from what transformers and PEFT computed: weights rounded to 6 bits are in it */
        const double kl = integer_kl(golden, model, "linears=6", NULL, &bare);
        const double kl_mxfp4 = integer_kl(golden, model, "linears=4,token_embd=4", NULL, &mxfp4);
        const double kl_ends = integer_kl(golden, model, "linears=6", source_file(ends), &adapted);
        printf("\n    %s: KL %.4f, in MXFP4 %.4f, with an adapter of both ends %.4f (from float weights %.4f, with the adapter %.4f) ",
               name, kl, kl_mxfp4, kl_ends, bare, adapted);
        CHECK_NEAR(kl, 0, 0.02);
        CHECK_NEAR(kl_ends, 0, 0.02);
        CHECK_NEAR(adapted, 0, 0.03);
        CHECK_NEAR(kl_mxfp4, 0, 0.02);
    }
    cJSON_Delete(golden);
}

void suite_golden_architectures(void)
{
    suite_begin("golden_architectures");
    suite_add("the float reference computes what transformers does", float_reference_computes_what_transformers_does);
    suite_add("the chip's integers cost at most KL 0.02", integers_cost_little);
}
