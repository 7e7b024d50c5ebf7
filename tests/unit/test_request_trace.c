/* The readers of request traces: figures of small samples in each format, real traces where they are present, and every complaint's place. */
#include <string.h>

#include "tests/unit/check.h"
#include "traces/request_trace.h"

static const char azure[] = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                            "2023-12-31 23:59:59.9999999,4808,10\r\n"
                            "2024-01-01 00:00:00.0000001,3180,8\r\n"
                            "2024-03-01 00:00:00,1,2"; /* no fraction, no line end; a leap day lies before it */
static const char mooncake[] = "{\"timestamp\": 27, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0, 1]}\n"
                               "{\"timestamp\": 30.5, \"input_length\": 7, \"output_length\": 1, \"hash_ids\": []}\n";
static const char csv[] = "output_tokens,arrival_s,adapter,prompt_tokens\n5,1.5,a,7\n6,1.500000001,b c,8\n";
static const char jsonl[] =
    "{\"arrival_s\": 1, \"prompt_tokens\": 3, \"output_tokens\": 4}\n{\"arrival_s\": 1.25, \"output_tokens\": 6, \"prompt_tokens\": 5}\n";

static void check_row(const struct request_row *row, uint64_t ns, uint32_t prompt, uint32_t output, const char *adapter)
{
    CHECK_EQ_UINT(row->arrival_ns, ns);
    CHECK_EQ_UINT(row->prompt_tokens, prompt);
    CHECK_EQ_UINT(row->output_tokens, output);
    CHECK_EQ_TEXT(row->adapter, adapter);
}

static void reads_samples(void)
{
    struct request_trace t;
    struct error e;
    REQUIRE_GOOD(request_trace_parse(azure, strlen(azure), "a.csv", REQUEST_AZURE, &t, &e), &e);
    CHECK_EQ_UINT(t.count, 3);
    check_row(&t.rows[0], 0, 4808, 10, "");
    check_row(&t.rows[1], 200, 3180, 8, "");
    check_row(&t.rows[2], 60ull * 86400 * 1000000000 + 100, 1, 2, ""); /* 31 + 29 days */
    request_trace_free(&t);
    REQUIRE_GOOD(request_trace_parse(mooncake, strlen(mooncake), "m.jsonl", REQUEST_MOONCAKE, &t, &e), &e);
    CHECK_EQ_UINT(t.count, 2);
    check_row(&t.rows[0], 0, 6758, 500, "");
    check_row(&t.rows[1], 3500000, 7, 1, "");
    request_trace_free(&t);
    REQUIRE_GOOD(request_trace_parse(csv, strlen(csv), "c.csv", REQUEST_COLUMNS, &t, &e), &e);
    CHECK(t.names_adapters);
    check_row(&t.rows[0], 0, 7, 5, "a");
    check_row(&t.rows[1], 1, 8, 6, "b c");
    request_trace_free(&t);
    REQUIRE_GOOD(request_trace_parse(jsonl, strlen(jsonl), "c.jsonl", REQUEST_COLUMNS, &t, &e), &e);
    CHECK(!t.names_adapters);
    check_row(&t.rows[1], 250000000, 5, 6, "");
    request_trace_free(&t);
}

static void names_file_line_and_expectation(void)
{
    static const struct {
        enum request_format format;
        const char *text, *message;
    } bad[] = {
        {REQUEST_AZURE, "", "f: expected requests in the format 'azure', found none"},
        {REQUEST_AZURE, "TIMESTAMP,ContextTokens\n", "f:1: expected the header TIMESTAMP"},
        {REQUEST_AZURE, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,1\n", "f:2: expected 3 fields"},
        {REQUEST_AZURE, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-29 18:17:03.97,1,1\n", "f:2: TIMESTAMP: expected"},
        {REQUEST_AZURE, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,0,1\n", "f:2: ContextTokens: expected"},
        {REQUEST_AZURE, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,1x\n", "f:2: GeneratedTokens: expected"},
        {REQUEST_AZURE, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,1\n\n", "f:3: expected a request, found an empty"},
        {REQUEST_AZURE, "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,1\n2023-11-16 18:17:02,1,1\n",
         "f:3: expected an arrival"},
        {REQUEST_MOONCAKE, "{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1}", "f:1: hash_ids: expected, and missing"},
        {REQUEST_MOONCAKE, "{\"timestamp\": 1, \"timestamp\": 1}", "f:1: timestamp: expected once"},
        {REQUEST_MOONCAKE, "{\"time\": 1}", "f:1: time: there is no such key"},
        {REQUEST_MOONCAKE, "{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": []}", "f:1: timestamp: expected"},
        {REQUEST_MOONCAKE, "{\"timestamp\": 1, \"input_length\": 1.5, \"output_length\": 1, \"hash_ids\": []}",
         "f:1: input_length: expected"},
        {REQUEST_MOONCAKE, "{} x", "f:1: expected one JSON object"},
        {REQUEST_MOONCAKE, "[1]", "f:1: expected one JSON object"},
        {REQUEST_COLUMNS, "arrival_s,prompt_tokens\n", "f:1: expected the column output_tokens"},
        {REQUEST_COLUMNS, "arrival_s,prompt_tokens,output_tokens,arrival_s\n", "each once, found 'arrival_s'"},
        {REQUEST_COLUMNS, "arrival_s,prompt_tokens,output_tokens\n1,2\n", "f:2: expected 3 fields"},
        {REQUEST_COLUMNS, "arrival_s,prompt_tokens,output_tokens\n1e3,2,3\n", "f:2: arrival_s: expected seconds"},
        {REQUEST_COLUMNS, "arrival_s,prompt_tokens,output_tokens\n0.0000000001,2,3\n", "f:2: arrival_s: expected seconds"},
        {REQUEST_COLUMNS, "arrival_s,prompt_tokens,output_tokens,adapter\n1,2,3,\n", "f:2: adapter: expected a name"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct request_trace t;
        struct error e = {0};
        CHECK(!request_trace_parse(bad[i].text, strlen(bad[i].text), "f", bad[i].format, &t, &e));
        CHECK_CONTAINS(e.message, bad[i].message);
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK(t.rows == NULL);
    }
}

static void reads_real_traces(void)
{
    static const struct {
        const char *file;
        enum request_format format;
        size_t count;
        struct request_row first;
    } real[] = {
        {"traces/AzureLLMInferenceTrace_code.csv", REQUEST_AZURE, 8819, {.prompt_tokens = 4808, .output_tokens = 10}},
        {"traces/AzureLLMInferenceTrace_conv.csv", REQUEST_AZURE, 19366, {.prompt_tokens = 374, .output_tokens = 44}},
        {"traces/mooncake_conversation_trace.jsonl", REQUEST_MOONCAKE, 12031, {.prompt_tokens = 6758, .output_tokens = 500}},
    };
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) {
        const char *path = shared_data(real[i].file);
        struct request_trace t;
        struct error e;
        if (!path) {
            SKIP("the Azure and Mooncake traces are not there");
        }
        REQUIRE_GOOD(request_trace_read(path, real[i].format, &t, &e), &e);
        CHECK_EQ_UINT(t.count, real[i].count);
        check_row(&t.rows[0], 0, real[i].first.prompt_tokens, real[i].first.output_tokens, "");
        if (i == 2) {
            CHECK_EQ_UINT(t.rows[t.count - 1].arrival_ns, 3536999000000);
        }
        request_trace_free(&t);
    }
}

void suite_request_trace(void);
void suite_request_trace(void)
{
    suite_begin("request_trace");
    suite_add("each format's sample gives its rows", reads_samples);
    suite_add("a bad line is named with what was expected", names_file_line_and_expectation);
    suite_add("published traces are read whole", reads_real_traces);
}
