/* seeds.c -- writes the seed files of the fuzzers' corpora: tests/fuzz/corpus/{gguf,image,safetensors,adapter_gguf,adapter_peft}/.
 *
 *   make && cc -std=c17 -D_GNU_SOURCE -I. -o build/seeds tests/fuzz/seeds.c tests/unit/gguf_writer.c tests/unit/adapter_files.c \
 *       tests/unit/check.c build/libetchsim.a -DETCHSIM_SOURCE_DIR='"."' -lcunit -lxxhash -lcjson -lpcre2-8 -lm -lpthread &&
 *       build/seeds tests/fuzz/corpus
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim/architecture.h"
#include "sim/bake.h"
#include "tests/unit/adapter_files.h"

static void write_file(const char *folder, const char *name, struct bytes *file)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(file->data, 1, file->size, f) != file->size || fclose(f) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    bytes_free(file);
}

/* The smallest that still has everything. */
static struct shape small_shape(enum architecture architecture)
{
    struct shape s = test_shape_of(architecture);
    s.n_layers = architecture == ARCHITECTURE_GEMMA3 ? 2 : 1;
    s.d_model = s.d_ff = s.context_tokens = 8;
    s.n_heads = 2;
    s.n_kv_heads = 1;
    s.head_dim = s.n_vocab = 4;
    s.rotary_dim = s.rotary_dim ? 2 : 0;
    s.global_period = s.global_period ? 2 : 0;
    return s;
}

static void write_model(const char *folder, const char *stem, const struct test_llama *m, uint32_t alignment)
{
    struct gguf_writer w = {.alignment = alignment};
    char name[64], gguf_path[4096], image_path[4096];
    gguf_write_llama(&w, m);
    struct bytes file = gguf_written(&w);
    snprintf(name, sizeof name, "gguf/%s.gguf", stem);
    write_file(folder, name, &file);
    snprintf(gguf_path, sizeof gguf_path, "%s/%s", folder, name);
    snprintf(image_path, sizeof image_path, "%s/image/%s.rom", folder, stem);
    struct error e;
    if (!bake(gguf_path, image_path, NULL, NULL, &e)) {
        fprintf(stderr, "%s\n", e.message);
        exit(e.code);
    }
}

/* Llamas in floats, on the grid with another alignment, untied with RoPE factors; and each architecture. */
static void write_models(const char *folder)
{
    for (int variant = 0; variant < 3; variant++) {
        struct test_llama m = {
            .shape = small_shape(ARCHITECTURE_LLAMA), .on_grid = variant == 1, .rope_factors = variant == 2, .seed = (uint64_t)variant};
        char stem[16];
        m.shape.tied_head = variant != 2;
        snprintf(stem, sizeof stem, "llama%d", variant);
        write_model(folder, stem, &m, variant == 1 ? 8 : 0);
    }
    for (enum architecture a = ARCHITECTURE_QWEN2; a < ARCHITECTURE_COUNT; a++) {
        const struct test_llama m = {.shape = small_shape(a), .rope_factors = a == ARCHITECTURE_PHI3, .seed = a};
        write_model(folder, architectures[a].name, &m, 0);
    }
}

/* Every tensor type, value types the models don't have, a BPE vocabulary. */
static void write_types(const char *folder)
{
    static const uint8_t DATA[210];
    struct gguf_writer w = {0};
    static const struct {
        const char *name;
        enum ggml_type type;
        int64_t weights;
        size_t bytes;
    } TYPES[] = {
        {"q4_0", GGML_Q4_0, 32, 18},   {"q4_1", GGML_Q4_1, 32, 20},   {"q5_0", GGML_Q5_0, 32, 22},     {"q5_1", GGML_Q5_1, 32, 24},
        {"q8_0", GGML_Q8_0, 32, 34},   {"q2_k", GGML_Q2_K, 256, 84},  {"q3_k", GGML_Q3_K, 256, 110},   {"q4_k", GGML_Q4_K, 256, 144},
        {"q5_k", GGML_Q5_K, 256, 176}, {"q6_k", GGML_Q6_K, 256, 210}, {"iq4_nl", GGML_IQ4_NL, 32, 18}, {"iq4_xs", GGML_IQ4_XS, 256, 136},
        {"mxfp4", GGML_MXFP4, 32, 17},
    };
    for (size_t k = 0; k < sizeof TYPES / sizeof *TYPES; k++) {
        gguf_write_tensor(&w, TYPES[k].name, TYPES[k].type, (int64_t[]){TYPES[k].weights}, 1, DATA, TYPES[k].bytes);
    }
    gguf_write_tensor(&w, "bf16", GGML_BF16, (int64_t[]){2, 2, 2}, 3, DATA, 16);
    gguf_write_string(&w, "tokenizer.ggml.model", "gpt2");
    gguf_write_string(&w, "tokenizer.ggml.pre", "llama-bpe");
    gguf_write_strings(&w, "tokenizer.ggml.tokens", (const char *const[]){"a", "b", "ab"}, 3);
    gguf_write_strings(&w, "tokenizer.ggml.merges", (const char *const[]){"a b"}, 1);
    gguf_write_bool(&w, "tokenizer.ggml.add_bos_token", 0);
    gguf_write_array(&w, "f64", GGUF_F64, DATA, 3, 8);
    gguf_write_array(&w, "i64", GGUF_I64, DATA, 3, 8);
    gguf_write_array(&w, "u16", GGUF_U16, DATA, 3, 2);
    struct bytes file = gguf_written(&w);
    write_file(folder, "gguf/types.gguf", &file);
}

/* The base model of fuzz_adapter_gguf.c and fuzz_adapter_peft.c. */
static const struct shape ADAPTER_BASE = {
    .n_layers = 2, .d_model = 8, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 8, .n_vocab = 4, .context_tokens = 8};

static void write_adapters(const char *folder)
{
    static const struct {
        const char *name;
        enum ggml_type type;
        unsigned linears;
    } kinds[] = {
        {"f32", GGML_F32, 1u << LINEAR_Q},
        {"f16", GGML_F16, 1u << LINEAR_K | 1u << LINEAR_DOWN},
        {"bf16", GGML_BF16, ALL_LINEARS},
        {"ends", GGML_F32, EMBEDDING_BIT | HEAD_BIT},
    };
    for (int k = 0; k < 4; k++) {
        struct adapter_spec spec = {.shape = ADAPTER_BASE, .rank = 1 + k, .alpha = 2, .linears = kinds[k].linears};
        char name[64];
        struct bytes gguf = adapter_gguf(&spec, kinds[k].type), config = adapter_config(&spec),
                     tensors = adapter_safetensors(&spec, kinds[k].type), peft = {0};
        snprintf(name, sizeof name, "adapter_gguf/%s.gguf", kinds[k].name);
        write_file(folder, name, &gguf);
        const uint8_t length[2] = {(uint8_t)config.size, (uint8_t)(config.size >> 8)};
        bytes_add(&peft, length, 2);
        bytes_add(&peft, config.data, config.size);
        bytes_add(&peft, tensors.data, tensors.size);
        snprintf(name, sizeof name, "adapter_peft/%s", kinds[k].name);
        write_file(folder, name, &peft);
        bytes_free(&config);
        bytes_free(&tensors);
    }
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    write_models(folder);
    write_types(folder);
    write_adapters(folder);
    struct bytes three = safetensors_written("{\"__metadata__\":{\"format\":\"pt\"},\"base_model.model.model.layers.0.self_attn.q_proj."
                                             "lora_A.weight\":{\"dtype\":\"F32\",\"shape\":"
                                             "[1,2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[8,12]}"
                                             ",\"c\":{\"dtype\":\"BF16\",\"shape\":[],"
                                             "\"data_offsets\":[12,14]}} ",
                                             "12345678901234", 14);
    write_file(folder, "safetensors/three.safetensors", &three);
    struct bytes empty = safetensors_written("{}", NULL, 0);
    write_file(folder, "safetensors/empty.safetensors", &empty);
    return 0;
}
