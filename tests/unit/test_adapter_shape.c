/* Hugging Face's config.json: is the shape read, with its defaults, and is every file that is none told? */
#include <string.h>

#include "adapters/hf_shape.h"
#include "tests/unit/check.h"

#define LLAMA "{\"model_type\": \"llama\", "
#define COUNTS "\"num_hidden_layers\": 30, \"hidden_size\": 576, \"intermediate_size\": 1536, \"vocab_size\": 49152"
#define HEADS ", \"num_attention_heads\": 9"

static bool parse(const char *text, struct shape *s, struct error *e)
{
    return hf_shape_parse("config.json", text, strlen(text), s, e);
}

static void reads_shapes(void)
{
    struct shape s;
    struct error e;
    REQUIRE_GOOD(parse(LLAMA COUNTS HEADS "}", &s, &e), &e);
    CHECK(s.n_layers == 30 && s.d_model == 576 && s.d_ff == 1536 && s.n_vocab == 49152);
    CHECK(s.n_heads == 9 && s.n_kv_heads == 9 && s.head_dim == 64 && !s.tied_head && s.context_tokens == 2048);
    REQUIRE_GOOD(parse(LLAMA COUNTS HEADS ", \"num_key_value_heads\": 3, \"head_dim\": 32, \"tie_word_embeddings\": true, "
                                          "\"max_position_embeddings\": 8192, \"rope_theta\": 500000.0, \"rms_norm_eps\": 1e-05,"
                                          " \"torch_dtype\": \"bfloat16\"}\n",
                       &s, &e),
                 &e);
    CHECK(s.n_kv_heads == 3 && s.head_dim == 32 && s.tied_head && s.context_tokens == 8192);
    CHECK_NEAR(s.rope_base, 500000, 0);
    CHECK_NEAR(s.rms_epsilon, 1e-5, 1e-11);
    REQUIRE_GOOD(parse(LLAMA COUNTS HEADS ", \"num_key_value_heads\": null, \"head_dim\": null}", &s, &e), &e);
    CHECK(s.n_kv_heads == 9 && s.head_dim == 64);
}

static void tells_mistakes(void)
{
    static const char *const WRONG[][2] = {
        {"", "config.json: expected 1 to 1048576 bytes of JSON, found 0"},
        {"[]", "config.json: expected a JSON object"},
        {"{", "config.json: expected a JSON object"},
        {"{} {}", "config.json: expected a JSON object and nothing else"},
        {"{}", "key model_type: expected one of llama, qwen2, qwen3, gemma3_text, phi3, found no such key"},
        {"{\"model_type\": \"mistral\"}", "found mistral"},
        {"{\"model_type\": 3}", "found 3"},
        {LLAMA COUNTS "}", "key num_attention_heads: expected an integer of 1 to 1024, found no such key"},
        {LLAMA COUNTS ", \"num_attention_heads\": 0}", "key num_attention_heads: expected an integer of 1 to 1024, found 0"},
        {LLAMA COUNTS ", \"num_attention_heads\": 1.5}", "found 1.5"},
        {LLAMA COUNTS ", \"num_attention_heads\": \"9\"}", "key num_attention_heads: expected an integer of 1 to 1024, found 9"},
        {LLAMA COUNTS ", \"num_attention_heads\": [9]}", "found something else"},
        {LLAMA COUNTS ", \"num_attention_heads\": 1e300}", "found 1e+300"},
        {LLAMA COUNTS ", \"num_attention_heads\": 7}", "key head_dim: expected an integer of 1 to 1024, found no such key"},
        {LLAMA COUNTS HEADS ", \"num_key_value_heads\": 4}", "key num_key_value_heads: expected a divisor of num_attention_heads, found 4"},
        {LLAMA COUNTS HEADS ", \"head_dim\": 33}", "expected heads of an even number of values, found 9 heads of 33"},
        {LLAMA COUNTS HEADS ", \"rope_theta\": \"big\"}", "key rope_theta: expected a number, found big"},
    };
    for (size_t k = 0; k < sizeof WRONG / sizeof *WRONG; k++) {
        struct shape s;
        struct error e = {0};
        bool good = parse(WRONG[k][0], &s, &e);
        CHECK_EQ_TEXT(good ? WRONG[k][0] : "", "");
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, WRONG[k][1]);
    }
    struct shape s;
    struct error e = {0};
    CHECK(!hf_shape_read("/nonexistent/config.json", &s, &e));
    CHECK_CONTAINS(e.message, "/nonexistent/config.json");
}

void suite_adapter_shape(void)
{
    suite_begin("adapter_shape");
    suite_add("a config.json gives a shape", reads_shapes);
    suite_add("mistakes are told", tells_mistakes);
}
