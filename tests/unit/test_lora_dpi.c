/* The LoRA MAC unit for other people's benches: flat bit vectors, masks, the rules that a bench must keep, and what the DPI functions refuse. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/lora_dpi.h"
#include "sim/lora_flat.h"
#include "sim/lora_rules.h"
#include "tests/unit/check.h"

enum { LANES = 8, ELEMENTS = 4, DRAIN = 3, ROW_WORDS = 3, RANK_MAX = 4, INPUTS = 20, WORDS_ROOM = 64 };

static const struct lora_geometry unit = {.lanes = LANES,
                                          .sram_width_bits = 20,
                                          .row_words = ROW_WORDS,
                                          .port_words = 2,
                                          .link_elements = ELEMENTS,
                                          .drain_elements = DRAIN,
                                          .latency_cycles = 6,
                                          .sram_latency_cycles = 2,
                                          .rank_max = RANK_MAX};

static uint64_t state = 3;

static void fill(uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        words[i] = (uint32_t)(test_random(&state) >> 32);
    }
}

/* -- bit vectors -- */

static void flat_inputs_come_back(void)
{
    const struct lora_ports ports = lora_ports(&unit);
    const struct lora_flat flat = lora_flat(&ports);
    uint32_t bits[WORDS_ROOM], record[WORDS_ROOM], again[WORDS_ROOM];
    REQUIRE(ports.input_words < WORDS_ROOM);
    for (int repeat = 0; repeat < 100; repeat++) {
        fill(bits, WORDS_ROOM);
        uint32_t last = lora_flat_words(flat.input_bits) - 1;
        bits[last] &= flat.input_bits % 32 == 0 ? UINT32_MAX : (1u << flat.input_bits % 32) - 1;
        lora_flat_to_inputs(&ports, bits, record);
        lora_flat_from_inputs(&ports, record, again);
        CHECK_EQ_BYTES(again, bits, (last + 1) * sizeof *bits);
        for (enum lora_port p = 0; p < LORA_PORTS; p++) {
            const struct lora_port_place *place = &ports.port[p];
            uint32_t n = place->bits < 64 ? place->bits : 64;
            CHECK(!place->input || bits_get(record + place->offset_words, 0, n) == bits_get(bits, flat.low[p], n));
        }
    }
}

/* Set bits of a port's mask. */
static uint32_t ones(const struct lora_ports *ports, const uint32_t *mask, enum lora_port port)
{
    uint32_t n = 0;
    for (uint32_t bit = 0; bit < ports->port[port].bits; bit++) {
        n += (uint32_t)bits_get(mask + ports->port[port].offset_words, bit, 1);
    }
    return n;
}

static void masks_leave_out_what_has_no_valid(void)
{
    const struct lora_ports ports = lora_ports(&unit);
    int64_t delta[DRAIN] = {0};
    uint32_t record[WORDS_ROOM], mask[WORDS_ROOM];
    struct lora_outputs out = {.delta = delta};
    lora_ports_pack_outputs(&ports, &out, record);
    lora_flat_mask(&ports, record, mask);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_x_ready), 4);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_busy), 1);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_request_words), 0);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_delta_count), 0);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_delta_data), 0);
    out.request_valid = out.delta_valid[2] = true;
    out.delta_count = 2;
    lora_ports_pack_outputs(&ports, &out, record);
    lora_flat_mask(&ports, record, mask);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_request_words), 32);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_request_pause), 16);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_delta_count), 2);
    CHECK_EQ_UINT(ones(&ports, mask, PORT_delta_data), 80);
    CHECK_EQ_UINT(bits_get(mask + ports.port[PORT_delta_data].offset_words, 79, 2), 1); /* results 0 and 1, not 2 */
}

/* -- rules -- */

struct scene { /* pins by hand: there is no unit */
    struct lora_rules rules;
    struct lora_outputs out;
    struct lora_inputs in;
    struct error e;
};

static void step(struct scene *s)
{
    CHECK_GOOD(lora_rules_check(&s->rules, &s->out, &s->in, &s->e), &s->e);
}

static void refused(struct scene *s, const char *words)
{
    s->e.message[0] = '\0';
    CHECK(!lora_rules_check(&s->rules, &s->out, &s->in, &s->e));
    CHECK_CONTAINS(s->e.message, words);
}

/* After a reset, with a burst of x on link 1 that is picked next. */
static void offered(struct scene *s)
{
    static const uint32_t ranks[] = {1}, outputs[] = {LANES};
    *s = (struct scene){.in.reset = true};
    lora_rules_open(&s->rules, &unit, INPUTS);
    step(s);
    s->in.reset = false;
    s->in.x_valid[1] = true;
    s->in.job[1] = lora_job_make(&unit, 1, ranks, INPUTS, outputs, ELEMENTS);
    s->in.request_ready = true;
}

/* Picked; its request of A is seen, x is taken. */
static void asked(struct scene *s)
{
    offered(s);
    step(s);
    s->out.busy = s->out.x_ready[1] = true;
    s->out.request_valid = true;
    s->out.request_words = lora_job_a_rows(&unit, &s->in.job[1]) * ROW_WORDS;
    s->out.request_first_rows = lora_job_preamble_rows(&unit, &s->in.job[1]) + 1;
    s->out.request_block_rows = 1;
    s->out.request_pause_cycles = 1;
    step(s);
    s->out.request_valid = false;
}

static void words(struct scene *s, uint32_t count)
{
    s->in.word_count = count;
    step(s);
}

static void rows(struct scene *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        words(s, 2);
        words(s, 1);
    }
}

static void everything_goes_before_a_reset(void)
{
    struct scene s = {.in.word_count = 9, .in.x_valid = {true}};
    lora_rules_open(&s.rules, &unit, INPUTS);
    step(&s);
}

static void jobs_must_be_whole(void)
{
    struct scene s;
    offered(&s);
    s.in.job[1].rank = RANK_MAX + 1;
    refused(&s, "cycle 1: job_rank_i[1]: expected 1 to 4 with the first beat of x, found 5");
    offered(&s);
    s.in.job[1].pairs = 0;
    refused(&s, "job_pairs_i[1]: expected 1 to 7");
    offered(&s);
    s.in.job[1].inputs = INPUTS + 1;
    refused(&s, "job_inputs_i[1]: expected 1 to 20");
    offered(&s);
    s.in.job[1].beat_elements = 0;
    refused(&s, "job_beat_elements_i[1]: expected 1 to 4");
    offered(&s);
    s.in.job[1].outputs[0] = 0;
    refused(&s, "job_outputs_i[1][0]: expected outputs");
    struct lora_geometry slow = unit;
    slow.drain_elements = 1; /* 8 beats a block, which has 4 rows */
    offered(&s);
    lora_rules_open(&s.rules, &slow, INPUTS);
    s.rules.reset_seen = true;
    refused(&s, "job_b_pause_i[1]: expected 4 to 65535");
}

static void x_has_no_gaps(void)
{
    struct scene s;
    offered(&s);
    step(&s);
    s.in.x_valid[1] = false;
    refused(&s, "x_valid_i[1]: expected 1 until a burst of x is taken to its end");
    asked(&s);
    s.in.x_valid[1] = false;
    refused(&s, "x_valid_i[1]");
}

static void words_are_those_asked_for(void)
{
    struct scene s;
    offered(&s);
    s.in.word_count = 1;
    refused(&s, "word_count_i: expected at most 2 words in a cycle, and of the request 0 are to come; found 1");
    asked(&s);
    s.in.word_count = 3;
    refused(&s, "found 3");
    asked(&s);
    words(&s, 2);
    s.in.word_count = 2;
    refused(&s, "expected words of one row, at most 1, found 2");
}

static void x_comes_before_its_rows(void)
{
    struct scene s;
    asked(&s); /* in cycle 2 the first beat of 4 elements is taken; the first block wants 8, the second 16 */
    s.out.x_ready[1] = false;
    rows(&s, 3);
    words(&s, 2);
    s.in.word_count = 1;
    refused(&s, "row 3 of A is there, but of x only 4 of 8 elements");
    asked(&s);
    step(&s);
    s.out.x_ready[1] = false;
    rows(&s, 4);
    words(&s, 0);
    words(&s, 2);
    s.in.word_count = 1;
    refused(&s, "row 4 of A is there, but of x only 8 of 16 elements");
}

static void pauses_are_kept(void)
{
    struct scene s;
    asked(&s);
    step(&s);
    s.out.x_ready[1] = false;
    rows(&s, 4);
    s.in.word_count = 1;
    refused(&s, "expected no word before cycle 13 (a pause of 1 cycles after the last block), found 1");
}

static void room_for_results_stays(void)
{
    struct scene s;
    offered(&s);
    s.in.delta_ready[3] = true;
    step(&s);
    s.in.delta_ready[3] = false;
    refused(&s, "delta_ready_i[3]: expected 1 until a burst is opened, found 0");
    offered(&s);
    s.in.delta_ready[3] = true;
    step(&s);
    s.in.delta_ready[3] = false;
    s.out.delta_open[3] = true;
    step(&s);
}

/* -- DPI functions -- */

/* Their words go to stderr; here nobody wants to see them. */
static int silence(void)
{
    fflush(stderr);
    int saved = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    return saved;
}

static void speak(int saved)
{
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void *open_unit(int lanes, int latency, int inputs_max, int more_bits)
{
    const struct lora_ports ports = lora_ports(&unit);
    const struct lora_flat flat = lora_flat(&ports);
    return lora_mac_dpi_open(lanes, latency, 20, 2, 1, ELEMENTS, DRAIN, RANK_MAX, inputs_max, (int)flat.input_bits + more_bits,
                             (int)flat.output_bits);
}

static void refuses_other_parameters(void)
{
    int saved = silence();
    void *bad[] = {open_unit(7, 6, INPUTS, 0), open_unit(LANES, 5, INPUTS, 0), open_unit(LANES, 6, 0, 0), open_unit(LANES, 6, INPUTS, 1),
                   open_unit(-1, 6, INPUTS, 0)};
    void *good = open_unit(LANES, 6, INPUTS, 0);
    speak(saved);
    for (int i = 0; i < 5; i++) {
        CHECK(bad[i] == NULL);
    }
    CHECK(good != NULL);
    lora_mac_dpi_close(good);
    lora_mac_dpi_close(NULL);
}

/* Garbage before the first reset is nobody's fault; after it, it is. */
static void waits_for_a_reset(void)
{
    const struct lora_ports ports = lora_ports(&unit);
    const struct lora_flat flat = lora_flat(&ports);
    void *u = open_unit(LANES, 6, INPUTS, 0);
    uint32_t inputs[WORDS_ROOM], outputs[WORDS_ROOM], zero[WORDS_ROOM] = {0};
    REQUIRE(u != NULL);
    memset(inputs, 0xff, sizeof inputs);
    bits_put(inputs, flat.low[PORT_rst], 1, 0);
    CHECK_EQ_INT(lora_mac_dpi_clock(u, inputs, outputs), 1);
    CHECK_EQ_BYTES(outputs, zero, lora_flat_words(flat.output_bits) * sizeof *outputs);
    bits_put(inputs, flat.low[PORT_rst], 1, 1);
    CHECK_EQ_INT(lora_mac_dpi_clock(u, inputs, outputs), 1);
    CHECK_EQ_BYTES(outputs, zero, lora_flat_words(flat.output_bits) * sizeof *outputs);
    bits_put(inputs, flat.low[PORT_rst], 1, 0);
    int saved = silence(), result = lora_mac_dpi_clock(u, inputs, outputs);
    speak(saved);
    CHECK_EQ_INT(result, 0);
    lora_mac_dpi_close(u);
}

void suite_lora_flat(void)
{
    suite_begin("lora_flat");
    suite_add("flat inputs come back", flat_inputs_come_back);
    suite_add("masks leave out what has no valid", masks_leave_out_what_has_no_valid);
}

void suite_lora_rules(void)
{
    suite_begin("lora_rules");
    suite_add("everything goes before a reset", everything_goes_before_a_reset);
    suite_add("jobs must be whole", jobs_must_be_whole);
    suite_add("x has no gaps", x_has_no_gaps);
    suite_add("words are those asked for", words_are_those_asked_for);
    suite_add("x comes before its rows", x_comes_before_its_rows);
    suite_add("pauses are kept", pauses_are_kept);
    suite_add("room for results stays", room_for_results_stays);
}

void suite_lora_dpi(void)
{
    suite_begin("lora_dpi");
    suite_add("refuses other parameters", refuses_other_parameters);
    suite_add("waits for a reset", waits_for_a_reset);
}
