/* Does the C API give what a run gives? The same tokens, cycles and trace; adapters from files and from a platform's memory; errors that change nothing. */
#include <stdlib.h>
#include <string.h>

#include "etchsim/etchsim.h"
#include "sim/run.h"
#include "tests/unit/check.h"
#include "traces/trace.h"

static const char prompt[] = "On Monday";
static const char *const one_slot[] = {"slots.count=1"};

static struct run_options run_options(const char *const *adapters, int32_t n_adapters)
{
    return (struct run_options){.chip = "sample",
                                .model = "sample",
                                .prompt = prompt,
                                .prompt_bytes = sizeof prompt - 1,
                                .adapters = adapters,
                                .n_adapters = n_adapters,
                                .set = one_slot,
                                .n_set = 1,
                                .tokens = 12,
                                .sequences = 1,
                                .seed = 1,
                                .top_p = 1,
                                .ignore_stop = true,
                                .engine = ENGINE_SKIP};
}

static etchsim_chip *open_chip(void)
{
    etchsim_chip *chip = NULL;
    struct etchsim_options options = {.set = one_slot, .n_set = 1, .requests_max = 4, .adapters_max = 2};
    CHECK_EQ_INT(etchsim_open(&options, &chip), ETCHSIM_GOOD);
    return chip;
}

static unsigned ask(etchsim_chip *chip, int32_t adapter)
{
    int32_t ids[32];
    size_t n = 0;
    unsigned number = 99;
    CHECK_EQ_INT(etchsim_encode(chip, prompt, ids, 32, &n), ETCHSIM_GOOD);
    struct etchsim_request request = {
        .prompt = ids, .n_prompt = (uint32_t)n, .n_generate = 12, .adapter = adapter, .stop_token = -1, .top_p = 1, .seed = 1};
    CHECK_EQ_INT(etchsim_ask(chip, &request, &number), ETCHSIM_GOOD);
    return number;
}

static void check_answer(const etchsim_chip *chip, unsigned number, const struct request *r)
{
    struct etchsim_answer a;
    CHECK_EQ_INT(etchsim_answer(chip, number, &a), ETCHSIM_GOOD);
    CHECK_EQ_INT(a.state, ETCHSIM_DONE);
    CHECK_EQ_UINT(a.n_tokens, (uint32_t)r->n_generated);
    CHECK_EQ_BYTES(a.tokens, r->generated, a.n_tokens * sizeof *a.tokens);
    CHECK_EQ_BYTES(a.token_cycles, r->generated_at, a.n_tokens * sizeof *a.token_cycles);
    CHECK_EQ_UINT(a.load_requested, r->load_requested_at);
    CHECK_EQ_UINT(a.loaded, r->loaded_at);
    CHECK_EQ_UINT(a.done, r->done_at);
}

/* -- the same as a run -- */

static void all_at_once_is_a_run(void)
{
    static const char *const names[] = {"clinical", "none", "contract"};
    struct run_options options = run_options(names, 3);
    struct run run;
    struct error e = {0};
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    CHECK_GOOD(run_execute(&run, &e), &e);
    for (int stepped = 0; stepped < 2; stepped++) {
        etchsim_chip *chip = open_chip();
        REQUIRE(chip != NULL);
        unsigned adapter = 9;
        uint64_t hash = 0;
        CHECK_EQ_INT(etchsim_adapter(chip, "clinical", &adapter), ETCHSIM_GOOD);
        CHECK_EQ_INT(etchsim_adapter(chip, "contract", &adapter), ETCHSIM_GOOD);
        CHECK_EQ_UINT(adapter, 1);
        for (unsigned i = 0; i < 3; i++) {
            CHECK_EQ_UINT(ask(chip, (int32_t[]){0, -1, 1}[i]), i);
        }
        if (stepped) { /* in small steps, up to the cycle where the run ended */
            while (etchsim_now(chip) < run.chip->now) {
                uint64_t until = etchsim_now(chip) + 777;
                CHECK_EQ_INT(etchsim_advance(chip, until < run.chip->now ? until : run.chip->now), ETCHSIM_GOOD);
            }
        } else {
            CHECK_EQ_INT(etchsim_run(chip), ETCHSIM_GOOD);
        }
        CHECK_EQ_UINT(etchsim_now(chip), run.chip->now);
        for (unsigned i = 0; i < 3; i++) {
            check_answer(chip, i, &run.requests[i]);
        }
        struct etchsim_counters counters;
        etchsim_counters(chip, &counters);
        CHECK_EQ_UINT(counters.tokens, 36);
        CHECK_EQ_UINT(counters.requests_done, 3);
        CHECK_EQ_UINT(counters.slot_loads, 2);
        CHECK_EQ_UINT(counters.slot_evictions, 1);
        CHECK_EQ_INT(etchsim_trace_hash(chip, &hash), ETCHSIM_GOOD);
        CHECK_EQ_UINT(hash, trace_hash(run.trace));
        CHECK_EQ_INT(etchsim_advance(chip, ETCHSIM_NEVER), ETCHSIM_INPUT);
        etchsim_close(chip);
    }
    run_close(&run);
}

/* The chip stands still between requests; what is asked later takes as long as if it were alone. */
static void asked_later(void)
{
    etchsim_chip *chip = open_chip();
    REQUIRE(chip != NULL);
    struct etchsim_answer first, second;
    CHECK_EQ_UINT(etchsim_next(chip), 0);
    ask(chip, -1);
    CHECK_EQ_INT(etchsim_run(chip), ETCHSIM_GOOD);
    CHECK_EQ_INT(etchsim_advance(chip, etchsim_now(chip) + 100000), ETCHSIM_GOOD);
    CHECK_EQ_UINT(etchsim_next(chip), ETCHSIM_NEVER);
    uint64_t asked = etchsim_now(chip);
    unsigned number = ask(chip, -1);
    CHECK_EQ_UINT(etchsim_next(chip), asked);
    CHECK_EQ_INT(etchsim_run(chip), ETCHSIM_GOOD);
    CHECK_EQ_INT(etchsim_answer(chip, 0, &first), ETCHSIM_GOOD);
    CHECK_EQ_INT(etchsim_answer(chip, number, &second), ETCHSIM_GOOD);
    CHECK_EQ_UINT(second.asked, asked);
    CHECK_EQ_UINT(second.done - second.asked, first.done - first.asked);
    CHECK_EQ_BYTES(first.tokens, second.tokens, 12 * sizeof *first.tokens);
    etchsim_close(chip);
}

/* -- a platform's memory -- */

struct memory {
    uint8_t *image;
    size_t bytes;
};

static struct memory image_of(etchsim_chip *chip, const char *name)
{
    struct memory m = {0};
    CHECK_EQ_INT(etchsim_adapter_image(chip, name, NULL, 0, &m.bytes), ETCHSIM_GOOD);
    m.image = calloc(m.bytes ? m.bytes : 1, 1);
    CHECK_EQ_INT(etchsim_adapter_image(chip, name, m.image, m.bytes, &m.bytes), ETCHSIM_GOOD);
    return m;
}

static unsigned announce(etchsim_chip *chip, const struct memory *m)
{
    size_t n = 0;
    unsigned adapter = 99;
    CHECK_EQ_INT(etchsim_header_bytes(m->image, &n), ETCHSIM_GOOD);
    CHECK_EQ_INT(etchsim_adapter_announce(chip, m->image, n, &adapter), ETCHSIM_GOOD);
    return adapter;
}

/* Runs; each slice is brought `late` cycles after the link was free for it. Ends at the first failure. */
static int run_fetching(etchsim_chip *chip, const struct memory *memories, uint64_t late)
{
    struct etchsim_fetch f;
    int code = ETCHSIM_GOOD;
    struct etchsim_counters counters;
    do {
        code = etchsim_run(chip);
        while (code == ETCHSIM_GOOD && etchsim_fetch(chip, &f)) {
            CHECK(f.offset + f.bytes <= memories[f.adapter].bytes);
            code = etchsim_brought(chip, memories[f.adapter].image + f.offset, f.from + late);
        }
        etchsim_counters(chip, &counters);
    } while (code == ETCHSIM_GOOD && counters.requests_done < counters.requests_asked);
    return code;
}

static void slices_from_memory_are_the_same_adapter(void)
{
    static const char *const names[] = {"clinical", "contract"};
    struct run_options options = run_options(names, 2);
    struct run run;
    struct error e = {0};
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    CHECK_GOOD(run_execute(&run, &e), &e);
    uint64_t swap[2] = {0};
    for (int slow = 0; slow < 2; slow++) {
        etchsim_chip *chip = open_chip();
        REQUIRE(chip != NULL);
        struct memory memories[2] = {image_of(chip, names[0]), image_of(chip, names[1])};
        CHECK_EQ_UINT(announce(chip, &memories[0]), 0);
        CHECK_EQ_UINT(announce(chip, &memories[1]), 1);
        ask(chip, 0);
        ask(chip, 1);
        CHECK_EQ_INT(run_fetching(chip, memories, slow ? 5000 : 0), ETCHSIM_GOOD);
        struct etchsim_answer a;
        CHECK_EQ_INT(etchsim_answer(chip, 1, &a), ETCHSIM_GOOD);
        swap[slow] = a.loaded - a.load_requested;
        CHECK_EQ_BYTES(a.tokens, run.requests[1].generated, 12 * sizeof *a.tokens);
        if (!slow) { /* at the link's own speed: to the last cycle */
            uint64_t hash = 0;
            check_answer(chip, 0, &run.requests[0]);
            check_answer(chip, 1, &run.requests[1]);
            CHECK_EQ_INT(etchsim_trace_hash(chip, &hash), ETCHSIM_GOOD);
            CHECK_EQ_UINT(hash, trace_hash(run.trace));
        }
        free(memories[0].image);
        free(memories[1].image);
        etchsim_close(chip);
    }
    /* a slice took the link less than 5,000 cycles: now each takes 5,000. Fixed cost, the last slice's way into the SRAM and three links are as before */
    const struct host_port *port = &run.chip->host_port;
    uint64_t link_cycles = (port->tensor_sum_cycles + port->wire_cycles) / 2;
    CHECK_EQ_UINT(swap[1] - swap[0], 5000 * (uint64_t)run.chip->shape.n_layers - link_cycles);
    run_close(&run);
}

/* Pairs on the embedding and on the head: their slices are in the image too, the embedding's first and the head's last. */
static void ends_from_memory_are_the_same_adapter(void)
{
    static const char *const set[] = {"slots.count=1", "lora.ends=both"};
    const char *names[] = {source_file("tests/golden/architectures/llama-ends")};
    struct run_options options = run_options(names, 1);
    options.model = source_file("tests/golden/architectures/llama.gguf");
    options.prompt = NULL; /* a model without vocabulary */
    options.prompt_tokens = 5;
    options.set = set;
    options.n_set = 2;
    struct run run;
    struct error e = {0};
    REQUIRE_GOOD(run_open(&options, &run, &e), &e);
    CHECK_GOOD(run_execute(&run, &e), &e);
    for (int broken = 0; broken < 3; broken++) {
        static const char *const places[] = {NULL, "embedding", "head"};
        etchsim_chip *chip = NULL;
        struct etchsim_options same = {.model = options.model, .set = set, .n_set = 2, .requests_max = 1, .adapters_max = 1};
        REQUIRE(etchsim_open(&same, &chip) == ETCHSIM_GOOD);
        struct memory m = image_of(chip, names[0]);
        struct etchsim_request request = {.prompt = run.prompt.ids,
                                          .n_prompt = (uint32_t)run.prompt.count,
                                          .n_generate = 12,
                                          .adapter = (int32_t)announce(chip, &m),
                                          .stop_token = -1,
                                          .top_p = 1,
                                          .seed = 1};
        size_t header = 0;
        unsigned number = 9;
        uint64_t hash = 0;
        CHECK_EQ_INT(etchsim_header_bytes(m.image, &header), ETCHSIM_GOOD);
        CHECK_EQ_INT(etchsim_ask(chip, &request, &number), ETCHSIM_GOOD);
        if (broken) {
            m.image[broken == 1 ? header : m.bytes - 100] ^= 4; /* its last bytes are padding that no chip fetches */
            CHECK_EQ_INT(run_fetching(chip, &m, 0), ETCHSIM_CHECK);
            CHECK_CONTAINS(etchsim_error(), places[broken]);
        } else {
            CHECK_EQ_INT(run_fetching(chip, &m, 0), ETCHSIM_GOOD);
            check_answer(chip, number, &run.requests[0]);
            CHECK_EQ_INT(etchsim_trace_hash(chip, &hash), ETCHSIM_GOOD);
            CHECK_EQ_UINT(hash, trace_hash(run.trace));
        }
        free(m.image);
        etchsim_close(chip);
    }
    run_close(&run);
}

/* A weight changed in memory: the load is tried twice, then the chip halts, and says so from then on. */
static void a_broken_slice_halts_the_chip(void)
{
    etchsim_chip *chip = open_chip();
    REQUIRE(chip != NULL);
    struct memory m = image_of(chip, "clinical");
    announce(chip, &m);
    m.image[m.bytes - 100] ^= 4;
    ask(chip, 0);
    CHECK_EQ_INT(run_fetching(chip, &m, 0), ETCHSIM_CHECK);
    CHECK_CONTAINS(etchsim_error(), "adapter clinical, layer 5: a slice for slot 0 did not arrive as it was sent (checksum), 2 times");
    CHECK_EQ_INT(etchsim_advance(chip, ETCHSIM_NEVER), ETCHSIM_CHECK);
    CHECK_EQ_UINT(etchsim_next(chip), ETCHSIM_NEVER);
    free(m.image);
    etchsim_close(chip);
}

static void a_slice_that_cannot_be_had(void)
{
    etchsim_chip *chip = open_chip();
    REQUIRE(chip != NULL);
    struct memory m = image_of(chip, "clinical");
    struct etchsim_fetch f;
    announce(chip, &m);
    ask(chip, 0);
    CHECK_EQ_INT(etchsim_brought(chip, m.image, 0), ETCHSIM_INPUT);
    int code = ETCHSIM_GOOD;
    for (int i = 0; i < 100 && code == ETCHSIM_GOOD; i++) {
        code = etchsim_run(chip);
        if (code == ETCHSIM_GOOD && etchsim_fetch(chip, &f)) {
            CHECK_EQ_INT(etchsim_fetch(chip, &f), 0);
            CHECK_EQ_INT(etchsim_brought(chip, NULL, 0), ETCHSIM_GOOD);
        }
    }
    CHECK_EQ_INT(code, ETCHSIM_CHECK);
    CHECK_CONTAINS(etchsim_error(), "layer 0");
    free(m.image);
    etchsim_close(chip);
}

/* -- bad input -- */

/* Every byte of a header matters, and every length but the right one is refused. */
static void headers_are_checked(void)
{
    etchsim_chip *chip = open_chip();
    REQUIRE(chip != NULL);
    struct memory m = image_of(chip, "clinical");
    size_t n = 0;
    unsigned adapter = 7;
    CHECK_EQ_INT(etchsim_header_bytes(m.image, &n), ETCHSIM_GOOD);
    for (size_t i = 0; i < n; i++) {
        m.image[i] ^= 0x10;
        CHECK_EQ_INT(etchsim_adapter_announce(chip, m.image, n, &adapter), ETCHSIM_INPUT);
        m.image[i] ^= 0x10;
    }
    for (size_t length = 0; length < n; length += 8) {
        CHECK_EQ_INT(etchsim_adapter_announce(chip, m.image, length, &adapter), ETCHSIM_INPUT);
    }
    CHECK_EQ_UINT(adapter, 7);
    CHECK_EQ_INT(etchsim_adapter_announce(chip, m.image, n, &adapter), ETCHSIM_GOOD);
    CHECK_EQ_INT(etchsim_adapter_announce(chip, m.image, n, &adapter), ETCHSIM_INPUT);
    CHECK_CONTAINS(etchsim_error(), "adapter clinical is known already");
    free(m.image);
    etchsim_close(chip);
}

static void bad_requests_change_nothing(void)
{
    static const int32_t ids[] = {1, 2, 3}, wrong[] = {1, 1024};
    const struct etchsim_request good = {.prompt = ids, .n_prompt = 3, .n_generate = 2, .adapter = -1, .stop_token = -1, .top_p = 1};
    static const struct {
        const char *words;
        struct etchsim_request r;
    } cases[] = {
        {"expected at least 1 of both", {.prompt = ids, .n_prompt = 0, .n_generate = 2, .adapter = -1}},
        {"expected at least 1 of both", {.prompt = ids, .n_prompt = 1, .n_generate = 0, .adapter = -1}},
        {"adapter 0: expected -1 or one of the 0", {.prompt = ids, .n_prompt = 1, .n_generate = 1, .adapter = 0}},
        {"token 1 of the prompt is 1024: expected 0 to 1023", {.prompt = wrong, .n_prompt = 2, .n_generate = 1, .adapter = -1}},
        {"do not fit the KV cache", {.prompt = ids, .n_prompt = 1, .n_generate = 100000, .adapter = -1}},
        {"expected 0 to 100, 0 to 1", {.prompt = ids, .n_prompt = 1, .n_generate = 1, .adapter = -1, .temperature = -1}},
    };
    etchsim_chip *chip = open_chip();
    REQUIRE(chip != NULL);
    unsigned number = 77;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_EQ_INT(etchsim_ask(chip, &cases[i].r, &number), ETCHSIM_INPUT);
        CHECK_CONTAINS(etchsim_error(), cases[i].words);
    }
    CHECK_EQ_UINT(number, 77);
    struct etchsim_answer answer;
    CHECK_EQ_INT(etchsim_answer(chip, 0, &answer), ETCHSIM_INPUT);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ_INT(etchsim_ask(chip, &good, &number), ETCHSIM_GOOD);
        CHECK_EQ_UINT(number, i);
    }
    CHECK_EQ_INT(etchsim_ask(chip, &good, &number), ETCHSIM_INPUT);
    CHECK_CONTAINS(etchsim_error(), "expected at most requests_max");
    CHECK_EQ_INT(etchsim_run(chip), ETCHSIM_GOOD);
    etchsim_close(chip);
}

static void bad_options(void)
{
    static const char *const set[] = {"lora.lanes=0"};
    static const struct {
        const char *words;
        struct etchsim_options o;
    } cases[] = {
        {"there is no chip 'sampel'", {.chip = "sampel"}},
        {"there is no model 'sampel'", {.model = "sampel"}},
        {"lora.lanes", {.set = set, .n_set = 1}},
        {"expected at most", {.requests_max = 1u << 30}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        etchsim_chip *chip = NULL;
        CHECK_EQ_INT(etchsim_open(&cases[i].o, &chip), ETCHSIM_INPUT);
        CHECK(chip == NULL);
        CHECK_CONTAINS(etchsim_error(), cases[i].words);
    }
}

void suite_api(void)
{
    suite_begin("api");
    suite_add("what is asked before cycle 0 is a run: tokens, cycles, trace", all_at_once_is_a_run);
    suite_add("what is asked later takes as long, and the chip stands still in between", asked_later);
    suite_add("adapters fetched from a platform's memory: at the link's speed a run, later exactly as much later",
              slices_from_memory_are_the_same_adapter);
    suite_add("an adapter of the embedding and the head fetched from memory is a run; a broken slice of an end is named",
              ends_from_memory_are_the_same_adapter);
    suite_add("a slice that is broken twice halts the chip", a_broken_slice_halts_the_chip);
    suite_add("a slice that cannot be had is a broken one", a_slice_that_cannot_be_had);
    suite_add("every byte and the length of an image's header are checked", headers_are_checked);
    suite_add("bad requests are refused and change nothing", bad_requests_change_nothing);
    suite_add("bad options are refused", bad_options);
}
