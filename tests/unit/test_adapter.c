/* Adapters: do packed pairs multiply as PEFT's do, in GGUF's order of rows, and is every adapter that would not be told and refused? */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/adapter.h"
#include "adapters/pack.h"
#include "adapters/peft_config.h"
#include "sim/architecture.h"
#include "sim/gguf.h"
#include "tests/unit/check.h"
#include "tests/unit/gguf_writer.h"

/* --- packing --- */

enum { ROWS = 24, INPUTS = 96, RANK = 4 };

static double uniform(uint64_t *state)
{
    return ((double)(test_random(state) >> 11) + 0.5) * 0x1p-53;
}

static float gaussian(uint64_t *state)
{
    return (float)(sqrt(-2 * log(uniform(state))) * cos(2 * 3.14159265358979323846 * uniform(state)));
}

static double packed_error(const float *rows, int32_t n_rows, int32_t n, double *told)
{
    int8_t codes[ROWS * INPUTS];
    uint16_t scales[ROWS];
    int32_t exponent;
    struct pack_error sum;
    if (!CHECK(pack_rows(rows, n_rows, n, LORA_CODE_MAX, codes, scales, &exponent, &sum))) {
        return 1;
    }
    double squared = 0, weights = 0;
    for (int32_t i = 0; i < n_rows * n; i++) {
        int32_t units = codes[i] * scales[i / n];
        double value = ldexp(units, exponent);
        CHECK(codes[i] >= -31 && codes[i] <= 31);
        squared += ((double)rows[i] - value) * ((double)rows[i] - value);
        weights += (double)rows[i] * (double)rows[i];
    }
    *told = weights > 0 ? sqrt(sum.squared_error / sum.squared_weight) : 0;
    return weights > 0 ? sqrt(squared / weights) : 0;
}

static void packs_better_than_plain_rounding(void)
{
    float rows[ROWS * INPUTS];
    uint64_t state = 1;
    double plain = 0, weights = 0, told;
    for (int r = 0; r < ROWS; r++) {
        float largest = 0;
        for (int i = 0; i < INPUTS; i++) {
            rows[r * INPUTS + i] = gaussian(&state) * (float)(1 + r);
            largest = fmaxf(largest, fabsf(rows[r * INPUTS + i]));
        }
        for (int i = 0; i < INPUTS; i++) {
            double w = rows[r * INPUTS + i], step = largest / 31, error = w - rint(w / step) * step;
            plain += error * error;
            weights += w * w;
        }
    }
    double error = packed_error(rows, ROWS, INPUTS, &told);
    CHECK_NEAR(told, error, 1e-6 * error);
    CHECK(error < sqrt(plain / weights));
    CHECK(error < 0.03);
}

/* 15 levels for a long Gaussian row: with its largest values clipped the error is 0.101, without 0.121. */
static void coarse_codes_clip(void)
{
    enum { LONG = 1024 };
    float rows[LONG];
    struct pack_error sum;
    uint64_t state = 5;
    for (int i = 0; i < LONG; i++) {
        rows[i] = gaussian(&state);
    }
    REQUIRE(pack_round_rows(PACK_4, rows, 1, LONG, &sum));
    CHECK(sqrt(sum.squared_error / sum.squared_weight) < 0.11);
}

static void packed_rows_pack_to_themselves(void)
{
    uint64_t state = 2;
    for (int32_t exponent = -60; exponent < 0; exponent += 7) {
        float rows[ROWS * INPUTS];
        double told;
        for (int r = 0; r < ROWS; r++) {
            uint32_t scale = r == 0 ? 65535 : (uint32_t)(test_random(&state) % 65536);
            for (int i = 0; i < INPUTS; i++) {
                int32_t code = i == 0 ? 31 - r % 16 : (int32_t)(test_random(&state) % 31) - 15;
                rows[r * INPUTS + i] = ldexpf((float)(code * (int32_t)scale), exponent);
            }
        }
        CHECK_NEAR(packed_error(rows, ROWS, INPUTS, &told), 0, 0);
    }
}

static void packs_zeros_and_extremes(void)
{
    float rows[ROWS * INPUTS] = {0};
    double told;
    CHECK_NEAR(packed_error(rows, ROWS, INPUTS, &told), 0, 0);
    rows[5] = 0x1p36f;
    rows[INPUTS + 5] = 1e-30f; /* lost beside it */
    CHECK(packed_error(rows, ROWS, INPUTS, &told) < 1e-4);
    memset(rows, 0, sizeof rows);
    rows[3] = 1e-44f;
    CHECK(packed_error(rows, ROWS, INPUTS, &told) <= 1);
}

/* --- the order of rows --- */

/* q . k of two positions, with Q and K rotated as Hugging Face does (halves) or as GGUF does (neighbours). */
static double score(const double *q, const double *k, int dim, int position_q, int position_k, bool halves)
{
    double sum = 0;
    for (int i = 0; i < dim / 2; i++) {
        int first = halves ? i : 2 * i, second = halves ? i + dim / 2 : 2 * i + 1;
        double frequency = pow(10000, -2.0 * i / dim), a = position_q * frequency, b = position_k * frequency;
        double q0 = q[first] * cos(a) - q[second] * sin(a), q1 = q[second] * cos(a) + q[first] * sin(a);
        double k0 = k[first] * cos(b) - k[second] * sin(b), k1 = k[second] * cos(b) + k[first] * sin(b);
        sum += q0 * k0 + q1 * k1;
    }
    return sum;
}

/* Rows are permuted rightly if attention scores come out the same both ways, for every head and distance. */
static void permutation_keeps_attention_scores(void)
{
    enum { HEADS = 3, DIM = 16 };
    double q[HEADS * DIM], k[HEADS * DIM], q_gguf[HEADS * DIM], k_gguf[HEADS * DIM];
    bool used[HEADS * DIM] = {0};
    uint64_t state = 4;
    for (int i = 0; i < HEADS * DIM; i++) {
        q[i] = gaussian(&state);
        k[i] = gaussian(&state);
    }
    for (int32_t row = 0; row < HEADS * DIM; row++) {
        int32_t from = halves_row(row, DIM, DIM);
        CHECK(from >= 0 && from < HEADS * DIM && !used[from]);
        used[from] = true;
        q_gguf[row] = q[from];
        k_gguf[row] = k[from];
    }
    for (int head = 0; head < HEADS; head++) {
        for (int distance = 0; distance < 50; distance += 7) {
            int at = head * DIM;
            CHECK_NEAR(score(q_gguf + at, k_gguf + at, DIM, distance + 3, 3, false), score(q + at, k + at, DIM, distance + 3, 3, true),
                       1e-9);
        }
    }
}

/* --- whole adapters --- */

#define CONFIG_HEAD "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, "
#define CONFIG CONFIG_HEAD "\"bias\": \"none\", \"target_modules\": [\"q_proj\", \"v_proj\"]}"

struct tensor_options {
    const char *skip;      /* a tensor of this name is left out */
    const char *rename;    /* and this one gets the name ... */
    const char *renamed;   /* ... */
    bool wrong_shape, nan; /* of the last one */
    int32_t rank;          /* 0: RANK */
};

static void add_tensor(struct bytes *header, struct bytes *data, const char *name, int64_t rows, int64_t n, uint64_t *state)
{
    char entry[256];
    size_t begin = data->size;
    for (int64_t i = 0; i < rows * n; i++) {
        float v = gaussian(state);
        bytes_add(data, &v, sizeof v);
    }
    int length = snprintf(entry, sizeof entry, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%zu,%zu]}",
                          header->size ? "," : "{", name, (int)rows, (int)n, begin, data->size);
    bytes_add(header, entry, (size_t)length);
}

/* q_proj and v_proj of both layers of TEST_SHAPE. */
static const char *adapter_folder(const char *name, const char *config, const struct tensor_options *options)
{
    static char folder[4096];
    struct bytes header = {0}, data = {0}, text = {0};
    uint64_t state = 8;
    int32_t rank = options->rank ? options->rank : RANK;
    for (int k = 0; k < 8; k++) {
        char tensor[128];
        bool is_b = k % 2, is_v = k / 2 % 2;
        snprintf(tensor, sizeof tensor, "base_model.model.model.layers.%d.self_attn.%c_proj.lora_%c.weight", k / 4, is_v ? 'v' : 'q',
                 is_b ? 'B' : 'A');
        if (options->skip && strcmp(tensor, options->skip) == 0) {
            continue;
        }
        bool rename = options->rename && strcmp(tensor, options->rename) == 0;
        int64_t wide = is_b ? (is_v ? 32 : 64) : 64;
        wide += options->wrong_shape && k == 7 ? 1 : 0;
        add_tensor(&header, &data, rename ? options->renamed : tensor, is_b ? wide : rank, is_b ? rank : wide, &state);
    }
    bytes_add(&header, "}", 2); /* with its NUL */
    if (options->nan) {
        float nan = NAN;
        memcpy(data.data + data.size - 4, &nan, 4);
    }
    snprintf(folder, sizeof folder, "%s/%s", temporary_folder(), name);
    ES_ASSERT(mkdir(folder, 0777) == 0 || errno == EEXIST);
    struct bytes file = safetensors_written((const char *)header.data, data.data, data.size);
    char path[256];
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", name);
    bytes_to_file(&file, path);
    bytes_add(&text, config, strlen(config));
    snprintf(path, sizeof path, "%s/adapter_config.json", name);
    bytes_to_file(&text, path);
    bytes_free(&header);
    bytes_free(&data);
    bytes_free(&text);
    bytes_free(&file);
    return folder;
}

static const struct tensor_options AS_IT_IS = {0};

/* The floats adapter_folder wrote for tensor k, drawn again. */
static void draw_again(int wanted, float *out)
{
    uint64_t state = 8;
    for (int k = 0; k <= wanted; k++) {
        int64_t n = (int64_t)RANK * (k % 2 && k / 2 % 2 ? 32 : 64);
        for (int64_t i = 0; i < n; i++) {
            out[i] = gaussian(&state);
        }
    }
}

static void check_pair(const struct lora_pair *p, int k, bool permuted, double scale)
{
    float a[RANK * 64], b[RANK * 64];
    draw_again(k, a);
    draw_again(k + 1, b);
    double squared = 0, weights = 0;
    REQUIRE(p->rank == RANK && p->n_in == 64);
    for (int i = 0; i < RANK * 64; i++) {
        int32_t units = p->a[i] * p->scale_a[i / 64];
        double error = ldexp(units, p->exponent_a) - (double)a[i];
        squared += error * error;
        weights += (double)a[i] * (double)a[i];
    }
    CHECK_NEAR(sqrt(squared / weights), 0, 0.05);
    squared = weights = 0;
    for (int row = 0; row < p->n_out; row++) {
        /* Hugging Face's row (half t, pair i) of a head of 16 is GGUF's row 2 i + t: 0 8 1 9 2 10 ... */
        static const int ORDER[16] = {0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15};
        int from = permuted ? row / 16 * 16 + ORDER[row % 16] : row;
        for (int j = 0; j < RANK; j++) {
            double w = (double)b[from * RANK + j] * scale, error = ldexp(p->b[row * RANK + j] * p->scale_b[row], p->exponent_b) - w;
            squared += error * error;
            weights += w * w;
        }
    }
    CHECK_NEAR(sqrt(squared / weights), 0, 0.05);
}

static void loads_and_folds_the_scale(void)
{
    struct adapter a;
    struct error e;
    REQUIRE_GOOD(adapter_load(adapter_folder("plain", CONFIG, &AS_IT_IS), &TEST_SHAPE, &a, &e), &e);
    CHECK_EQ_TEXT(a.name, "plain");
    CHECK_EQ_INT(a.n_layers, 2);
    CHECK_EQ_INT(a.rank_max, 4);
    CHECK_EQ_INT(a.packed_bits, 2 * (6 * 4 * (64 + 64) + 16 * (4 + 64) + 6 * 4 * (64 + 32) + 16 * (4 + 32)));
    check_pair(adapter_pair(&a, 0, LINEAR_Q), 0, true, 2);
    check_pair(adapter_pair(&a, 0, LINEAR_V), 2, false, 2);
    check_pair(adapter_pair(&a, 1, LINEAR_Q), 4, true, 2);
    CHECK_EQ_INT(adapter_pair(&a, 0, LINEAR_K)->rank, 0);
    uint64_t hash = a.hash;
    adapter_free(&a);
    REQUIRE_GOOD(adapter_load(adapter_folder("rs/",
                                             CONFIG_HEAD "\"use_rslora\": true, \"target_modules\": [\"self_attn.q_proj\", \"v_proj\"], "
                                                         "\"alpha_pattern\": {\"layers.1.self_attn.q_proj\": 6}}",
                                             &AS_IT_IS),
                              &TEST_SHAPE, &a, &e),
                 &e);
    CHECK_EQ_TEXT(a.name, "rs");
    check_pair(adapter_pair(&a, 0, LINEAR_Q), 0, true, 4);
    check_pair(adapter_pair(&a, 1, LINEAR_Q), 4, true, 3);
    CHECK(a.hash != hash);
    adapter_free(&a);
}

static void ranks_and_layers_may_differ(void)
{
    static const char Q0[] = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
    struct adapter a;
    struct error e = {0};
    CHECK(!adapter_load(adapter_folder("ranks", CONFIG_HEAD "\"target_modules\": \"all-linear\", \"layers_to_transform\": [0]}", &AS_IT_IS),
                        &TEST_SHAPE, &a, &e));
    CHECK_CONTAINS(e.message, "expected only modules and layers that adapter_config.json names");
    REQUIRE_GOOD(adapter_load(adapter_folder(
                                  "ranks",
                                  "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"target_modules\": [\"q_proj\", "
                                  "\"v_proj\"], \"rank_pattern\": {\"q_proj\": 4, \"model.layers.0.self_attn.v_proj\": 4, \"v_proj\": 4}}",
                                  &AS_IT_IS),
                              &TEST_SHAPE, &a, &e),
                 &e);
    check_pair(adapter_pair(&a, 0, LINEAR_Q), 0, true, 2);
    adapter_free(&a);
    CHECK(!adapter_load(adapter_folder("ranks", CONFIG, &(struct tensor_options){.rank = 5}), &TEST_SHAPE, &a, &e));
    CHECK_CONTAINS(e.message, Q0);
    CHECK_CONTAINS(e.message, "expected shape [4, 64] for this base model and rank, found [5, 64]");
}

/* What PEFT takes as a regular expression: target_modules for the whole name, patterns for its end; the first that matches counts. */
static void expressions_are_honoured(void)
{
    static const char *const CONFIGS[] = {
        CONFIG_HEAD "\"target_modules\": \".*\\\\.self_attn\\\\.[qv]_proj\"}",
        CONFIG_HEAD "\"target_modules\": \"model\\\\.layers\\\\.(0|1)\\\\.self_attn\\\\.(q|v)_proj\"}",
        "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"target_modules\": [\"q_proj\", \"v_proj\"], \"rank_pattern\": "
        "{\"mlp.*\": 3, \"[a-z_]+.[qkv]_proj\": 4, \"q_proj\": 9}}",
        CONFIG_HEAD
        "\"target_modules\": [\"model.layers.0.self_attn.q_proj\", \"layers.0.self_attn.v_proj\", \"layers.1.self_attn.q_proj\", "
        "\"model.layers.1.self_attn.v_proj\"]}",
    };
    for (size_t k = 0; k < sizeof CONFIGS / sizeof *CONFIGS; k++) {
        struct adapter a;
        struct error e;
        REQUIRE_GOOD(adapter_load(adapter_folder("expressions", CONFIGS[k], &AS_IT_IS), &TEST_SHAPE, &a, &e), &e);
        check_pair(adapter_pair(&a, 0, LINEAR_Q), 0, true, 2);
        check_pair(adapter_pair(&a, 1, LINEAR_V), 6, false, 2);
        CHECK_EQ_INT(adapter_pair(&a, 0, LINEAR_K)->rank, 0);
        adapter_free(&a);
    }
}

/* It says how a base weight is stored; a pair's arithmetic is the same. */
static void fan_in_fan_out_changes_nothing(void)
{
    struct adapter off, on;
    struct error e;
    REQUIRE_GOOD(adapter_load(adapter_folder("plain", CONFIG, &AS_IT_IS), &TEST_SHAPE, &off, &e), &e);
    REQUIRE_GOOD(adapter_load(adapter_folder("fan", CONFIG_HEAD "\"fan_in_fan_out\": true, \"target_modules\": [\"q_proj\", \"v_proj\"]}",
                                             &AS_IT_IS),
                              &TEST_SHAPE, &on, &e),
                 &e);
    CHECK_EQ_UINT(on.hash, off.hash);
    adapter_free(&off);
    adapter_free(&on);
}

static void check_refused(const char *config, const struct tensor_options *options, const char *file, const char *expected)
{
    struct adapter a;
    struct error e = {0};
    bool loaded = adapter_load(adapter_folder("refused", config, options), &TEST_SHAPE, &a, &e);
    CHECK_EQ_TEXT(loaded ? config : "", "");
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK_CONTAINS(e.message, file);
    CHECK_CONTAINS(e.message, expected);
    CHECK(a.pairs == NULL && a.memory == NULL);
}

#define TARGETS "\"target_modules\": [\"q_proj\", \"v_proj\"]"

static void refused_configs_are_told(void)
{
    static const char *const CONFIGS[][2] = {
        {"", ":1: expected 1 to 1048576 bytes of JSON, found 0"},
        {"[]", ":1: expected a JSON object"},
        {"{\n\n\"r\": 4,\n}", ":4: byte 11: expected JSON, found a mistake"},
        {CONFIG " x", "expected JSON, found a mistake"},
        {"{\"r\": 4, \"lora_alpha\": 8, " TARGETS "}", "key peft_type: expected \"LORA\", found no such key"},
        {"{\"peft_type\": \"IA3\", \"r\": 4, \"lora_alpha\": 8, " TARGETS "}", "key peft_type: expected \"LORA\", found IA3"},
        {CONFIG_HEAD TARGETS ",\n \"modules_to_save\": [\"lm_head\"]}", ":2: key modules_to_save: expected null or off"},
        {CONFIG_HEAD TARGETS ",\n \"bias\": \"all\"}", ":2: key bias: expected \"none\""},
        {CONFIG_HEAD TARGETS ", \"use_dora\": true}",
         "key use_dora: expected null or off (DoRA rescales the base weights' rows), found true"},
        {CONFIG_HEAD TARGETS ", \"layer_replication\": [[0, 2]]}", "key layer_replication"},
        {CONFIG_HEAD TARGETS ", \"lora_bias\": true}", "key lora_bias"},
        {CONFIG_HEAD TARGETS ", \"trainable_token_indices\": [1]}", "key trainable_token_indices"},
        {CONFIG_HEAD TARGETS ", \"init_lora_weights\": \"pissa\"}", "key init_lora_weights"},
        {CONFIG_HEAD TARGETS ", \"use_something_new\": 3}", "key use_something_new: expected a key this program knows"},
        {CONFIG_HEAD TARGETS ", \"use_rslora\": 1}", "key use_rslora: expected true or false, found 1"},
        {CONFIG_HEAD TARGETS ", \"r\": 4}", "key r: expected the key once"},
        {"{\"peft_type\": \"LORA\", \"r\": 0, \"lora_alpha\": 8, " TARGETS "}", "key r: expected a rank of 1 to 128, found 0"},
        {"{\"peft_type\": \"LORA\", \"r\": 129, \"lora_alpha\": 8, " TARGETS "}", "key r: expected a rank of 1 to 128, found 129"},
        {"{\"peft_type\": \"LORA\", \"r\": 4.5, \"lora_alpha\": 8, " TARGETS "}", "key r: expected a rank"},
        {"{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 0, " TARGETS "}", "key lora_alpha: expected a number above 0"},
        {"{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": \"8\", " TARGETS "}", "key lora_alpha"},
        {CONFIG_HEAD "\"target_modules\": null}", "key target_modules: expected a list of modules"},
        {CONFIG_HEAD "\"target_modules\": []}", "key target_modules: expected a list of modules"},
        {CONFIG_HEAD "\"target_modules\": \"\"}", "key target_modules: expected a list of modules"},
        {CONFIG_HEAD "\"target_modules\": \".*(_proj\"}",
         "key target_modules: expected a module's name or a regular expression (missing closing"},
        {CONFIG_HEAD "\"target_modules\": \".*_pro\"}",
         "key target_modules: expected to name at least one linear of the base model's 2 layers"},
        {CONFIG_HEAD "\"target_modules\": \".*_porj\"}",
         "key target_modules: expected to name at least one linear of the base model's 2 layers"},
        {CONFIG_HEAD "\"target_modules\": \"(.+)+(.+)+(.+)+0q\"}",
         "pattern (.+)+(.+)+(.+)+0q: expected an expression that is matched in few steps"},
        {CONFIG_HEAD "\"target_modules\": [\"wte\"]}",
         "expected modules of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, "},
        {CONFIG_HEAD TARGETS ", \"trainable_token_indices\": [3]}",
         "key trainable_token_indices: expected null or off (trained rows of the "},
        {CONFIG_HEAD "\"target_modules\": [\"proj\"]}", "expected modules of q_proj, k_proj"},
        {CONFIG_HEAD "\"target_modules\": [3]}", "key target_modules"},
        {CONFIG_HEAD TARGETS ", \"rank_pattern\": {\"q_.[\": 2}}", "key q_.[: expected a module's name or a regular expression (missing"},
        {CONFIG_HEAD TARGETS ", \"rank_pattern\": {\"x_proj\": 2}}",
         "expected the name of one of the model's linears, embed_tokens or lm_head"},
        {CONFIG_HEAD TARGETS ", \"rank_pattern\": {\"q_proj\": 1000}}", "expected a rank of 1 to 128"},
        {CONFIG_HEAD TARGETS ", \"rank_pattern\": [4]}", "key rank_pattern: expected an object"},
        {CONFIG_HEAD TARGETS ", \"alpha_pattern\": {\"q_proj\": -1}}", "expected an alpha above 0"},
        {CONFIG_HEAD TARGETS ", \"layers_to_transform\": [0, -1]}", "key layers_to_transform"},
        {CONFIG_HEAD TARGETS ", \"layers_to_transform\": []}", "key layers_to_transform"},
        {CONFIG_HEAD TARGETS ", \"layers_to_transform\": \"all\"}", "key layers_to_transform"},
        {CONFIG_HEAD TARGETS ", \"layers_to_transform\": 1, \"layers_pattern\": \"h\"}", "key layers_pattern"},
    };
    for (size_t k = 0; k < sizeof CONFIGS / sizeof *CONFIGS; k++) {
        check_refused(CONFIGS[k][0], &AS_IT_IS, "refused/adapter_config.json:", CONFIGS[k][1]);
    }
}

#define LAYERS "base_model.model.model.layers."

static void refused_tensors_are_told(void)
{
    static const char V1[] = LAYERS "1.self_attn.v_proj.lora_B.weight";
    static const char *const NAMES[] = {
        "lm_head.weight",
        LAYERS "1.self_attn.v_proj.lora_magnitude_vector",
        LAYERS "1.self_attn.v_proj.lora_C.weight",
        LAYERS "1.self_attn.v_proj.lora_B.bias",
        LAYERS "1.self_attn.x_proj.lora_B.weight",
        LAYERS "01.self_attn.v_proj.lora_B.weight",
        LAYERS "99999999999.self_attn.v_proj.lora_B.weight",
        LAYERS ".self_attn.v_proj.lora_B.weight",
        "model.layers.1.self_attn.v_proj.lora_B.weight",
    };
    static const char *const REASONS[][2] = {
        {"base_model.model.lm_head.lora_A.weight", "expected only modules and layers that adapter_config.json names, found one"},
        {"base_model.model.model.embed_tokens.lora_embedding_A", "expected only modules and layers that adapter_config.json names"},
        {"base_model.model.model.embed_tokens.lora_A.weight", "found another name"},
        {"base_model.model.lm_head.lora_embedding_A", "found another name"},
        {"base_model.model.model.embed_tokens.base_layer.weight", "found another name (base weights are in ROM)"},
        {"base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta",
         "found another name (rows of the embedding have no place in an adapter slot)"},
        {"base_model.model.lm_head.weight", "found another name (base weights are in ROM)"},
        {"base_model.model.model.embed_tokens.weight", "found another name (base weights are in ROM)"},
        {LAYERS "1.self_attn.v_proj.lora_magnitude_vector", "found another name (DoRA rescales the base weights' rows)"},
        {LAYERS "1.self_attn.v_proj.lora_B.bias", "found another name (a bias has no place in an adapter slot)"},
        {LAYERS "1.self_attn.v_proj.base_layer.weight", "found another name (base weights are in ROM)"},
        {LAYERS "1.input_layernorm.weight", "found another name (norm weights are in ROM)"},
        {LAYERS "1.mlp.modules_to_save.weight", "found another name (whole modules have no place in an adapter slot)"},
    };
    static const char FILE[] = "refused/adapter_model.safetensors: ";
    check_refused(CONFIG, &(struct tensor_options){.skip = V1}, FILE,
                  "1.self_attn.v_proj.lora_B.weight: expected by adapter_config.json, found no such tensor");
    check_refused(CONFIG, &(struct tensor_options){.skip = LAYERS "0.self_attn.q_proj.lora_A.weight"}, FILE, "found no such tensor");
    check_refused(CONFIG, &(struct tensor_options){.wrong_shape = true}, FILE,
                  "expected shape [32, 4] for this base model and rank, found [33, 4]");
    check_refused(CONFIG, &(struct tensor_options){.nan = true}, FILE, "expected finite values, found");
    check_refused(CONFIG, &(struct tensor_options){.rename = V1, .renamed = LAYERS "2.self_attn.v_proj.lora_B.weight"}, FILE,
                  "expected layers below 2, the base model's");
    check_refused(CONFIG, &(struct tensor_options){.rename = V1, .renamed = LAYERS "1.self_attn.k_proj.lora_B.weight"}, FILE,
                  "expected only modules and layers that adapter_config.json names");
    for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++) {
        check_refused(CONFIG, &(struct tensor_options){.rename = V1, .renamed = NAMES[k]}, FILE, "found another name");
    }
    for (size_t k = 0; k < sizeof REASONS / sizeof *REASONS; k++) {
        check_refused(CONFIG, &(struct tensor_options){.rename = V1, .renamed = REASONS[k][0]}, FILE, REASONS[k][1]);
    }
    check_refused(CONFIG_HEAD TARGETS ", \"layers_to_transform\": [0, 1, 2]}", &AS_IT_IS, "refused/adapter_config.json: ", "found layer 2");
}

static void paths_and_names_are_told(void)
{
    struct adapter a;
    struct error e = {0};
    CHECK(!adapter_load("no-such-adapter", &TEST_SHAPE, &a, &e));
    CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
    CHECK(!adapter_load("", &TEST_SHAPE, &a, &e));
    CHECK(!adapter_load("/nonexistent/adapter", &TEST_SHAPE, &a, &e));
    CHECK_CONTAINS(e.message, "/nonexistent/adapter");
    CHECK(!adapter_load(temporary_folder(), &TEST_SHAPE, &a, &e));
    CHECK_CONTAINS(e.message, "adapter_config.json: cannot be opened");
}

static void samples_load(void)
{
    static const char *const NAMES[] = {"clinical", "contract", "support"};
    struct shape shape = {.n_layers = 6, .d_model = 128, .n_heads = 4, .n_kv_heads = 2, .head_dim = 32, .d_ff = 384, .n_vocab = 1024};
    for (int k = 0; k < 3; k++) {
        char path[64];
        struct adapter a;
        struct error e = {0};
        snprintf(path, sizeof path, "configs/adapters/%s/adapter_model.safetensors", NAMES[k]);
        FILE *f = fopen(source_file(path), "rb");
        if (!f) {
            SKIP("the sample adapters are not here yet");
        }
        fclose(f);
        REQUIRE_GOOD(adapter_load(NAMES[k], &shape, &a, &e), &e);
        CHECK_EQ_TEXT(a.name, NAMES[k]);
        CHECK_EQ_INT(a.n_layers, 6);
        adapter_free(&a);
    }
}

/* An adapter as PEFT wrote it against the same one as llama.cpp's converter wrote it, which permuted the rows of Q itself. */
static void agrees_with_the_converter(void)
{
    struct shape smollm = {.n_layers = 30, .d_model = 576, .n_heads = 9, .n_kv_heads = 3, .head_dim = 64, .d_ff = 1536, .n_vocab = 49152};
    const char *gguf_path = shared_data("lora/medai-smollm135m-r16.gguf"), *folder = shared_data("lora/medai-smollm135m");
    if (!gguf_path || !folder) {
        SKIP("the shared test data are not here");
    }
    struct adapter a;
    struct gguf g;
    struct error e;
    REQUIRE_GOOD(adapter_load(folder, &smollm, &a, &e), &e);
    REQUIRE_GOOD(gguf_open(gguf_path, &g, &e), &e);
    for (int32_t k = 0; k < 30 * 2 * 2; k++) {
        bool is_b = k % 2, is_v = k / 2 % 2;
        char name[64];
        snprintf(name, sizeof name, "blk.%d.attn_%c.weight.lora_%c", k / 4, is_v ? 'v' : 'q', is_b ? 'b' : 'a');
        const struct lora_pair *p = adapter_pair(&a, k / 4, is_v ? LINEAR_V : LINEAR_Q);
        const struct gguf_tensor *t = gguf_find_tensor(&g, name);
        float *rows = gguf_all_rows(&g, name);
        REQUIRE(t && rows);
        double squared = 0, weights = 0, scale = is_b ? 2 : 1; /* alpha 32, rank 16 */
        for (int64_t i = 0; i < t->n_rows * t->dims[0]; i++) {
            int64_t row = i / t->dims[0];
            double value = is_b ? ldexp(p->b[i] * p->scale_b[row], p->exponent_b) : ldexp(p->a[i] * p->scale_a[row], p->exponent_a);
            squared += (value - scale * (double)rows[i]) * (value - scale * (double)rows[i]);
            weights += scale * scale * (double)rows[i] * (double)rows[i];
        }
        CHECK_NEAR(sqrt(squared / weights), 0, 0.06); /* a wrong order of rows gives 1.4 */
        free(rows);
    }
    adapter_free(&a);
    gguf_close(&g);
}

void suite_adapter(void)
{
    suite_begin("adapter");
    suite_add("packing beats plain rounding", packs_better_than_plain_rounding);
    suite_add("coarse codes clip long rows", coarse_codes_clip);
    suite_add("packed rows pack to themselves", packed_rows_pack_to_themselves);
    suite_add("zeros and extreme magnitudes", packs_zeros_and_extremes);
    suite_add("the permutation keeps attention scores", permutation_keeps_attention_scores);
    suite_add("an adapter loads with its scale folded in", loads_and_folds_the_scale);
    suite_add("ranks and layers may differ", ranks_and_layers_may_differ);
    suite_add("regular expressions and whole names are honoured", expressions_are_honoured);
    suite_add("fan_in_fan_out changes nothing", fan_in_fan_out_changes_nothing);
    suite_add("refused configs are told", refused_configs_are_told);
    suite_add("refused tensors are told", refused_tensors_are_told);
    suite_add("paths and names are told", paths_and_names_are_told);
    suite_add("the sample adapters load", samples_load);
    suite_add("a real adapter agrees with llama.cpp's converter", agrees_with_the_converter);
}
