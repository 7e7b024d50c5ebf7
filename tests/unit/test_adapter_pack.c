/* Formats of packed adapters: are sizes and errors what a recount gives, and does 6-bit packing leave the model's output alone? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/adapter.h"
#include "adapters/lora_file.h"
#include "adapters/lora_write.h"
#include "adapters/pack_cost.h"
#include "sim/image.h"
#include "sim/mapped.h"
#include "sim/tokenizer.h"
#include "tests/unit/adapter_files.h"
#include "tests/unit/check.h"

static void sizes_are_those_of_the_formats(void)
{
    /* rank 16, 128 inputs, 384 outputs: weights, and a 16-bit scale for each of the 400 rows */
    CHECK_EQ_INT(pack_pair_bits(PACK_4, 16, 128, 384), 4 * 16 * 512 + 16 * 400);
    CHECK_EQ_INT(pack_pair_bits(PACK_6, 16, 128, 384), 6 * 16 * 512 + 16 * 400);
    CHECK_EQ_INT(pack_pair_bits(PACK_8, 16, 128, 384), 8 * 16 * 512 + 16 * 400);
    CHECK_EQ_INT(pack_pair_bits(PACK_BF16, 16, 128, 384), 16 * 16 * 512);
    CHECK_EQ_INT(pack_pair_bits(PACK_6, 0, 128, 384), 0);
    const struct lora_pair pair = {.rank = 5, .n_in = 77, .n_out = 31};
    CHECK_EQ_INT(pack_pair_bits(PACK_6, 5, 77, 31), lora_pair_bits(&pair));
}

/* Codes stay in their range, and rows on the grid come back exactly, whatever the number of bits. */
static void grids_pack_to_themselves(void)
{
    enum { ROWS = 12, N = 40 };
    static const int32_t CODE_MAX[] = {7, 31, 127};
    uint64_t state = 21;
    for (int k = 0; k < 3; k++) {
        float rows[ROWS * N], given[ROWS * N];
        for (int i = 0; i < ROWS * N; i++) {
            int64_t code = i % N == 0 ? CODE_MAX[k] : (int64_t)(test_random(&state) >> 20) % (2 * CODE_MAX[k] + 1) - CODE_MAX[k];
            int64_t units = code * (60000 + 17 * (i / N));
            rows[i] = given[i] = ldexpf((float)units, -20);
        }
        struct pack_error sum;
        REQUIRE(pack_round_rows((enum pack_format)k, rows, ROWS, N, &sum));
        CHECK_EQ_BYTES(rows, given, sizeof rows);
        CHECK_NEAR(sum.squared_error, 0, 0);
        int8_t codes[ROWS * N];
        uint16_t scales[ROWS];
        int32_t exponent;
        rows[3] = 1e4f; /* one large value must not leave the range */
        REQUIRE(pack_rows(rows, ROWS, N, CODE_MAX[k], codes, scales, &exponent, &sum));
        for (int i = 0; i < ROWS * N; i++) {
            CHECK(codes[i] >= -CODE_MAX[k] && codes[i] <= CODE_MAX[k]);
        }
    }
}

/* --- errors of the tensors --- */

static double dense_value(const struct lora_linear *l, int32_t o, int32_t i)
{
    double sum = 0;
    for (int32_t j = 0; j < l->rank; j++) {
        sum += (double)l->b[o * l->rank + j] * (double)l->a[j * l->n_in + i];
    }
    return sum * l->alpha / l->rank;
}

/* What pack_cost says of a pair, recounted. */
static void check_cost(const struct lora_linear *in, const struct lora_linear *out, const struct pack_cost *cost)
{
    double error[3] = {0}, weight[3] = {0};
    for (int32_t k = 0; k < in->rank * in->n_in; k++) {
        error[0] += pow((double)in->a[k] - (double)out->a[k], 2);
        weight[0] += pow((double)in->a[k], 2);
    }
    for (int32_t k = 0; k < in->rank * in->n_out; k++) {
        double value = (double)in->b[k] * in->alpha / in->rank;
        error[1] += pow(value - (double)out->b[k] * out->alpha / out->rank, 2);
        weight[1] += pow(value, 2);
    }
    for (int32_t k = 0; k < in->n_out * in->n_in; k++) {
        double value = dense_value(in, k / in->n_in, k % in->n_in);
        error[2] += pow(value - dense_value(out, k / in->n_in, k % in->n_in), 2);
        weight[2] += pow(value, 2);
    }
    const struct pack_error *told[3] = {&cost->a, &cost->b, &cost->product};
    for (int k = 0; k < 3; k++) {
        CHECK_NEAR(pack_relative_error(told[k]), sqrt(error[k] / weight[k]), 1e-6);
    }
}

static void load_random(struct lora_tensors *t)
{
    struct adapter_spec spec = {.shape = TEST_SHAPE, .rank = 6, .alpha = 9, .linears = ALL_LINEARS & ~(1u << LINEAR_K), .seed = 4};
    struct bytes file = adapter_gguf(&spec, GGML_F32);
    struct lora_file f;
    struct error e;
    ES_ASSERT(lora_file_open_gguf_memory(file.data, file.size, &spec.shape, &f, &e) && lora_file_read_all(&f, t, &e));
    lora_file_close(&f);
    bytes_free(&file);
}

/* Every value by up to 10 %: the shipped adapters are on the 6-bit grid, others are not. */
static void disturb(struct lora_tensors *t)
{
    uint64_t state = 31;
    for (int32_t i = 0; i < lora_tensors_count(t); i++) {
        for (int32_t k = 0; k < t->linears[i].rank * (t->linears[i].n_in + t->linears[i].n_out); k++) {
            t->linears[i].a[k] *= 1 + (float)((int64_t)(test_random(&state) >> 20) % 201 - 100) / 1000;
        }
    }
}

static void errors_are_those_of_a_recount(void)
{
    struct lora_tensors t, rounded;
    struct pack_cost costs[2 * LINEAR_COUNT + 2];
    struct error e;
    double last = INFINITY;
    load_random(&t);
    disturb(&t);
    for (int format = PACK_4; format <= PACK_BF16; format++) {
        struct pack_cost sum = {0};
        REQUIRE_GOOD(pack_round(&t, (enum pack_format)format, &rounded, costs, &e), &e);
        for (int32_t i = 0; i < lora_tensors_count(&t); i++) {
            CHECK_EQ_INT(costs[i].bits, pack_pair_bits((enum pack_format)format, t.linears[i].rank, t.linears[i].n_in, t.linears[i].n_out));
            pack_cost_add(&sum, &costs[i]);
            if (t.linears[i].rank > 0) {
                check_cost(&t.linears[i], &rounded.linears[i], &costs[i]);
            }
        }
        double error = pack_relative_error(&sum.product);
        CHECK(error > 0 && error < last); /* each of the formats is finer */
        last = error;
        lora_tensors_free(&rounded);
    }
    lora_tensors_free(&t);
}

/* The study's 6 bits are the chip's: the same values, and what is written packs to itself. */
static void six_bits_are_the_chips(void)
{
    struct lora_tensors t, rounded;
    struct pack_cost costs[2 * LINEAR_COUNT + 2];
    struct adapter packed, again;
    struct lora_write_report report;
    struct error e;
    char path[256];
    load_random(&t);
    REQUIRE_GOOD(pack_round(&t, PACK_6, &rounded, costs, &e), &e);
    REQUIRE_GOOD(adapter_pack(&t, &packed, &e), &e);
    for (int32_t i = 0; i < lora_tensors_count(&t); i++) {
        const struct lora_pair *p = &packed.pairs[i];
        const struct lora_linear *l = &rounded.linears[i];
        for (int32_t k = 0; k < p->rank * p->n_in; k++) {
            int32_t units = p->a[k] * p->scale_a[k / p->n_in];
            CHECK_NEAR(l->a[k], ldexp(units, p->exponent_a), 0);
        }
        for (int32_t k = 0; k < p->rank * p->n_out; k++) {
            int32_t units = p->b[k] * p->scale_b[k / p->rank];
            CHECK_NEAR(lora_scale(l) * (double)l->b[k], ldexp(units, p->exponent_b), 0);
        }
    }
    snprintf(path, sizeof path, "%s/rounded.gguf", temporary_folder());
    REQUIRE_GOOD(lora_write(&rounded, path, GGML_F32, &report, &e), &e);
    REQUIRE_GOOD(adapter_load(path, &TEST_SHAPE, &again, &e), &e);
    CHECK_EQ_UINT(again.hash, packed.hash);
    adapter_free(&again);
    adapter_free(&packed);
    lora_tensors_free(&rounded);
    lora_tensors_free(&t);
}

/* --- errors of the output --- */

enum { POSITIONS = 64 };

/* The first tokens of a domain's held-out text. */
static bool heldout_ids(const struct image *image, const char *domain, struct token_ids *ids)
{
    char path[128];
    struct mapped map;
    struct tokenizer *tokenizer;
    struct error e;
    snprintf(path, sizeof path, "configs/models/sample/heldout/%s.txt", domain);
    if (!CHECK_GOOD(mapped_open(source_file(path), &map, &e), &e) || !CHECK_GOOD(tokenizer_open(&image->vocab, &tokenizer, &e), &e)) {
        return false;
    }
    bool good = CHECK_GOOD(tokenizer_encode(tokenizer, (const char *)map.bytes, map.size_bytes, image->vocab.add_bos, ids, &e), &e) &&
                CHECK(ids->count >= POSITIONS);
    tokenizer_close(tokenizer);
    mapped_close(&map);
    return good;
}

static bool rounded_kl(const struct image *image, enum pack_format format, const struct lora_tensors *t, const struct token_ids *ids,
                       double *kl)
{
    struct lora_tensors rounded;
    struct pack_cost costs[6 * LINEAR_COUNT + 2];
    struct output_distance d = {0};
    struct error e;
    bool good = CHECK_GOOD(pack_round(t, format, &rounded, costs, &e), &e) &&
                CHECK_GOOD(output_distance(&image->model, t, &rounded, ids->ids, POSITIONS, &d, &e), &e) &&
                CHECK_EQ_INT(d.n_positions, POSITIONS) && CHECK(d.mean_kl > -1e-9 && d.mean_kl <= d.largest_kl + 1e-12);
    lora_tensors_free(&rounded);
    *kl = d.mean_kl;
    return good;
}

static void check_output(const struct image *image, const char *name, const struct lora_tensors *t, const struct token_ids *ids)
{
    double kl;
    struct output_distance chip;
    struct adapter packed;
    struct error e;
    REQUIRE(rounded_kl(image, PACK_6, t, ids, &kl));
    REQUIRE_GOOD(adapter_pack(t, &packed, &e), &e);
    REQUIRE_GOOD(output_distance_chip(&image->model, t, &packed, ids->ids, POSITIONS, &chip, &e), &e);
    adapter_free(&packed);
    printf("\n    %s: KL %.6f, %.6f on the chip's integers ", name, kl, chip.mean_kl);
    CHECK(kl <= 0.02);
    CHECK(chip.mean_kl <= 0.02);
}

static void packing_leaves_the_output_alone(void)
{
    static const char *const NAMES[] = {"clinical", "contract", "support"};
    struct image image;
    struct error e = {0};
    struct token_ids general = {0};
    REQUIRE_GOOD(image_open_model("sample", NULL, &image, &e), &e);
    REQUIRE(heldout_ids(&image, "general", &general));
    for (int k = 0; k < 3; k++) {
        struct lora_tensors t;
        struct token_ids own = {0};
        char disturbed[64];
        REQUIRE(heldout_ids(&image, NAMES[k], &own));
        REQUIRE_GOOD(lora_tensors_load(NAMES[k], &image.model.shape, &t, &e), &e);
        check_output(&image, NAMES[k], &t, &own);
        check_output(&image, "the same, general text", &t, &general);
        disturb(&t);
        snprintf(disturbed, sizeof disturbed, "%s, off its grid", NAMES[k]);
        check_output(&image, disturbed, &t, &own);
        lora_tensors_free(&t);
        free(own.ids);
    }
    free(general.ids);
    image_close(&image);
}

static void more_bits_cost_less(void)
{
    struct image image;
    struct error e = {0};
    struct lora_tensors t;
    struct token_ids ids = {0};
    double kl[PACK_FORMAT_COUNT];
    REQUIRE_GOOD(image_open_model("sample", NULL, &image, &e), &e);
    REQUIRE(heldout_ids(&image, "support", &ids));
    REQUIRE_GOOD(lora_tensors_load("support", &image.model.shape, &t, &e), &e);
    disturb(&t);
    for (int format = PACK_4; format <= PACK_BF16; format++) {
        REQUIRE(rounded_kl(&image, (enum pack_format)format, &t, &ids, &kl[format]));
        CHECK(format == PACK_4 || kl[format] < kl[format - 1] / 2);
    }
    printf("\n    support, off its grid: KL %.6f at 4 bits, %.6f at 6, %.6f at 8, %.6f in bf16 ", kl[PACK_4], kl[PACK_6], kl[PACK_8],
           kl[PACK_BF16]);
    lora_tensors_free(&t);
    free(ids.ids);
    image_close(&image);
}

/* An adapter against itself is 0; against none it is what the adapter does. */
static void the_measure_measures(void)
{
    struct image image;
    struct error e = {0};
    struct lora_tensors t, none;
    struct token_ids ids = {0};
    struct output_distance d;
    REQUIRE_GOOD(image_open_model("sample", NULL, &image, &e), &e);
    REQUIRE(heldout_ids(&image, "clinical", &ids));
    REQUIRE_GOOD(lora_tensors_load("clinical", &image.model.shape, &t, &e), &e);
    REQUIRE_GOOD(lora_tensors_make(&image.model.shape, &none, &e), &e);
    REQUIRE_GOOD(output_distance(&image.model, &t, &t, ids.ids, 32, &d, &e), &e);
    CHECK_NEAR(d.mean_kl, 0, 0);
    CHECK_EQ_INT(d.n_same_first, 32);
    REQUIRE_GOOD(output_distance(&image.model, &t, &none, ids.ids, 32, &d, &e), &e);
    CHECK(d.mean_kl > 0.5);
    CHECK(d.n_same_first < 32);
    lora_tensors_free(&t);
    lora_tensors_free(&none);
    free(ids.ids);
    image_close(&image);
}

void suite_adapter_pack(void)
{
    suite_begin("adapter_pack");
    suite_add("sizes are those of the formats", sizes_are_those_of_the_formats);
    suite_add("grids of 4, 6 and 8 bits pack to themselves", grids_pack_to_themselves);
    suite_add("errors are those of a recount", errors_are_those_of_a_recount);
    suite_add("the 6 bits are the chip's", six_bits_are_the_chips);
    suite_add("the measure of the output measures", the_measure_measures);
    suite_add("packing leaves the output alone", packing_leaves_the_output_alone);
    suite_add("more bits cost less", more_bits_cost_less);
}
