/* Workload files and what is drawn from them: complaints, distributions by their moments, and replay. */
#include <math.h>
#include <string.h>

#include "sim/workload.h"
#include "sim/workload_math.h"
#include "tests/unit/check.h"

#define HEAD "chip: sample\nmodel: sample\nvalues: false\nseed: 3\n"
#define BODY                                                                                                                    \
    "requests: 20000\narrivals:\n  poisson: {requests_per_s: 1000}\npopularity:\n  zipf: {s: 1}\nprompt_tokens: {uniform: [3, " \
    "6]}\noutput_tokens: 5\n"
#define SYNTHETIC "adapters:\n  synthetic: {count: 4, rank: 8}\n"

static bool parse(const char *text, struct workload *w, struct error *e)
{
    return workload_parse(text, strlen(text), "w.yaml", w, e);
}

static void complains_with_line_and_key(void)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "w.yaml:1: expected a map"},
        {HEAD "speed: 3\n" BODY, "w.yaml:5: speed: there is no such key"},
        {HEAD "seed: 3\n" BODY, "w.yaml:5: seed: expected once, given before in line 4"},
        {"chip: sample\n" BODY, "model: expected in the workload, and missing"},
        {HEAD "requestss: 3\n" BODY, "did you mean 'requests'"},
        {HEAD "clip: yes\n" BODY, "w.yaml:5: clip: expected true or false, found 'yes'"},
        {HEAD "set: {slots.count: 1, slots.count: 2}\n" BODY, "w.yaml:5: slots.count: expected once"},
        {HEAD "tenants:\n  - {name: a, adapter: x}\n" BODY, "w.yaml:6: adapter: expected `none` or one of the workload's adapters"},
        {HEAD "tenants:\n  - {name: a, adapter: none, weight: 2}\n" BODY, "w.yaml:6: weight: expected only with"},
        {HEAD "tenants:\n  - {name: a, adapter: none, pinned: true}\n" BODY, "w.yaml:6: pinned: expected of a tenant with an adapter"},
        {HEAD "tenants:\n  - {name: a, adapter: none}\n  - {name: a, adapter: none}\n" BODY, "w.yaml:7: name: expected once"},
        {HEAD "requests: all\narrivals: at_once\npopularity: uniform\nprompt_tokens: 1\noutput_tokens: 1\n", "requests: `all`"},
        {HEAD "requests: 1\narrivals: at_once\npopularity: uniform\nprompt_tokens: trace\noutput_tokens: 1\n", "prompt_tokens: `trace`"},
        {HEAD "requests: 1\narrivals: at_once\npopularity: {zipf: {s: -1}}\nprompt_tokens: 1\noutput_tokens: 1\n",
         "w.yaml:7: s: expected a number from 0"},
        {HEAD "requests: 1\narrivals: {poisson: {}}\npopularity: uniform\nprompt_tokens: 1\noutput_tokens: 1\n",
         "w.yaml:6: requests_per_s: expected in poisson"},
        {HEAD "requests: 1\narrivals: soon\npopularity: uniform\nprompt_tokens: 1\noutput_tokens: 1\n", "constant, poisson, gamma, trace"},
        {HEAD "requests: 1\narrivals: at_once\npopularity: uniform\nprompt_tokens: {uniform: [4, 3]}\noutput_tokens: 1\n", "from 4 to"},
        {"chip: sample\nmodel: sample\nvalues: true\nseed: 3\n" SYNTHETIC BODY, "values: expected false with synthetic"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct workload w;
        struct error e = {0};
        CHECK(!parse(bad[i].text, &w, &e));
        CHECK_CONTAINS(e.message, bad[i].message);
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        workload_free(&w);
    }
}

/* Means and shares lie within five standard errors of what the distributions say. */
static void draws_what_it_says(void)
{
    enum { N = 20000 };
    struct workload w;
    struct workload_requests r, again;
    struct error e;
    REQUIRE_GOOD(parse(HEAD SYNTHETIC BODY, &w, &e), &e);
    REQUIRE_GOOD(workload_draw(&w, 1000, 512, &r, &e), &e);
    REQUIRE_GOOD(workload_draw(&w, 1000, 512, &again, &e), &e);
    CHECK_EQ_UINT(r.count, N);
    CHECK_EQ_BYTES(again.items, r.items, N * sizeof *r.items);
    double tenants[4] = {0}, lengths[7] = {0}, squares = 0, mean = (double)r.items[N - 1].arrives_at / N;
    for (int i = 0; i < N; i++) {
        double gap = (double)(r.items[i].arrives_at - (i ? r.items[i - 1].arrives_at : 0));
        squares += (gap - mean) * (gap - mean) / N;
        tenants[r.items[i].tenant]++;
        lengths[r.items[i].prompt_tokens]++;
        CHECK_EQ_UINT(r.items[i].output_tokens, 5);
    }
    CHECK_NEAR(mean, 1e6, 5 * 1e6 / sqrt(N));                     /* 1000 a second at 1000 MHz */
    CHECK_NEAR(sqrt(squares) / mean, 1, 5 * sqrt(8.0 / (4 * N))); /* an exponential's deviation is its mean; kurtosis 9 */
    for (int t = 0; t < 4; t++) {
        double share = 12.0 / 25 / (t + 1); /* 1 + 1/2 + 1/3 + 1/4 = 25/12 */
        CHECK_NEAR(tenants[t] / N, share, 5 * sqrt(share * (1 - share) / N));
        CHECK_NEAR(lengths[3 + t] / N, 0.25, 5 * sqrt(0.25 * 0.75 / N));
    }
    workload_requests_free(&again);
    w.seed = 4;
    REQUIRE_GOOD(workload_draw(&w, 1000, 512, &again, &e), &e);
    CHECK(again.items[N - 1].arrives_at != r.items[N - 1].arrives_at);
    workload_requests_free(&r);
    workload_requests_free(&again);
    workload_free(&w);
}

static void shares_have_their_sign(void)
{
    struct workload w;
    struct error e;
    double shares[4];
    REQUIRE_GOOD(parse(HEAD SYNTHETIC BODY, &w, &e), &e);
    w.popularity = POPULARITY_POWER_LAW;
    w.exponent = 0.5;
    workload_shares(&w, shares);
    CHECK_NEAR(shares[0], 0.5, 1e-12); /* (1/4)^0.5 */
    CHECK_NEAR(shares[3], 1 - sqrt(0.75), 1e-12);
    w.exponent = 1;
    workload_shares(&w, shares);
    CHECK_NEAR(shares[0], 0.25, 1e-12);
    w.popularity = POPULARITY_ZIPF;
    w.exponent = 2;
    workload_shares(&w, shares);
    CHECK_NEAR(shares[1] / shares[0], 0.25, 1e-12);
    workload_free(&w);
}

static void logarithm_gamma_and_exponential(void)
{
    uint64_t seed = 5;
    for (int i = 0; i < 10000; i++) {
        double x = ldexp((double)(test_random(&seed) >> 11) + 1, (int)(test_random(&seed) % 200) - 150);
        CHECK_NEAR(portable_log(x), log(x), 4e-16 * (1 + fabs(log(x))));
        double y = ((double)(test_random(&seed) >> 11) * 0x1p-53 - 0.5) * 1200;
        CHECK_NEAR(portable_exp(y) / exp(y), 1, 3e-13); /* the reduction's error grows with y */
    }
    static const double cvs[] = {0.25, 1, 3};
    for (int c = 0; c < 3; c++) {
        enum { N = 40000 };
        struct random random;
        double sum = 0, squares = 0;
        random_seed(&random, 9, (uint64_t)c);
        for (int i = 0; i < N; i++) {
            double x = draw_gamma(&random, cvs[c]);
            sum += x;
            squares += x * x;
        }
        double mean = sum / N, variance = squares / N - mean * mean, cv2 = cvs[c] * cvs[c];
        CHECK_NEAR(mean, 1, 5 * cvs[c] / sqrt(N));
        CHECK_NEAR(variance / cv2, 1, 5 * sqrt((2 + 6 * cv2) / N)); /* a gamma's excess kurtosis is 6 cv^2 */
    }
}

static void clips_only_when_told(void)
{
    struct workload w;
    struct workload_requests r;
    struct error e = {0};
    REQUIRE_GOOD(parse(HEAD BODY, &w, &e), &e);
    w.requests = 1;
    w.prompt = (struct workload_length){LENGTH_FIXED, 90, 90};
    w.output = (struct workload_length){LENGTH_FIXED, 60, 60};
    CHECK(!workload_draw(&w, 1000, 99, &r, &e));
    CHECK_CONTAINS(e.message, "request 0 has a prompt of 90 tokens and an answer of 60");
    w.clip = true;
    REQUIRE_GOOD(workload_draw(&w, 1000, 99, &r, &e), &e);
    CHECK_EQ_UINT(r.items[0].output_tokens, 50);
    CHECK_EQ_UINT(r.items[0].prompt_tokens, 50);
    CHECK_EQ_UINT(r.clipped, 1);
    workload_requests_free(&r);
    REQUIRE_GOOD(workload_draw(&w, 1000, 149, &r, &e), &e);
    CHECK_EQ_UINT(r.items[0].output_tokens, 60);
    CHECK_EQ_UINT(r.items[0].prompt_tokens, 90);
    CHECK_EQ_UINT(r.clipped, 0);
    workload_requests_free(&r);
    workload_free(&w);
}

void suite_workload(void);
void suite_workload(void)
{
    suite_begin("workload");
    suite_add("a bad file is named with line and key", complains_with_line_and_key);
    suite_add("Poisson arrivals, Zipf tenants and uniform lengths have their moments, and replay", draws_what_it_says);
    suite_add("Zipf and power law are skewed the documented way", shares_have_their_sign);
    suite_add("logarithm and exponential agree with the library's, gamma has its moments", logarithm_gamma_and_exponential);
    suite_add("what does not fit is an error, or shortened when the file says so", clips_only_when_told);
}
