/* Pins of the LoRA MAC unit as flat records: nothing is lost on the way there and back, and each port lies where its description says. */
#include <string.h>

#include "sim/lora_ports.h"
#include "tests/unit/check.h"

enum { ELEMENTS_MAX = 40, WORDS_MAX = 64 };

static const struct lora_geometry units[] = {
    {.lanes = 64, .sram_width_bits = 64, .row_words = 6, .port_words = 6, .link_elements = 16, .drain_elements = 16},
    {.lanes = 8, .sram_width_bits = 20, .row_words = 3, .port_words = 1, .link_elements = 1, .drain_elements = 5},
    {.lanes = 24, .sram_width_bits = 48, .row_words = 3, .port_words = 2, .link_elements = 7, .drain_elements = 40},
};

static uint64_t state = 7;

static uint64_t pick(uint32_t bits)
{
    return test_random(&state) >> (64 - bits);
}

static int64_t pick_signed(uint32_t bits)
{
    return (int64_t)pick(bits) - ((int64_t)1 << (bits - 1));
}

static void round_trip_inputs(const struct lora_ports *ports)
{
    int8_t sent[LINEAR_GROUPS][ELEMENTS_MAX], beats[LINEAR_GROUPS * ELEMENTS_MAX];
    uint32_t record[256], words[WORDS_MAX];
    struct lora_inputs in = {.reset = pick(1), .abort = pick(1), .request_ready = pick(1), .word_count = (uint32_t)pick(8), .words = words},
                       back;
    in.word_count %= ports->unit.port_words + 1;
    for (int i = 0; i < WORDS_MAX; i++) {
        words[i] = (uint32_t)pick(32);
    }
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        in.x_valid[g] = pick(1);
        in.delta_ready[g] = pick(1);
        in.x[g] = sent[g];
        for (int i = 0; i < ELEMENTS_MAX; i++) {
            sent[g][i] = (int8_t)pick_signed(8);
        }
        in.job[g] = (struct lora_job){(uint32_t)pick(8),  (uint32_t)pick(3),
                                      (uint32_t)pick(20), {0},
                                      (uint32_t)pick(11), {0},
                                      (uint32_t)pick(32), (uint32_t)pick(32),
                                      (uint32_t)pick(16), (uint32_t)pick(16),
                                      (uint32_t)pick(16)};
        for (int i = 0; i < GROUP_LINEARS_MAX; i++) {
            in.job[g].outputs[i] = (uint32_t)pick(20);
            in.job[g].base_exponent[i] = (int32_t)pick_signed(16);
        }
    }
    lora_ports_pack_inputs(ports, &in, record);
    lora_ports_unpack_inputs(ports, record, beats, &back);
    CHECK(back.reset == in.reset && back.abort == in.abort && back.request_ready == in.request_ready && back.word_count == in.word_count);
    for (uint32_t bit = 0; bit < in.word_count * ports->unit.sram_width_bits; bit++) {
        CHECK(bits_get(back.words, bit, 1) == bits_get(words, bit, 1));
    }
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        CHECK(back.x_valid[g] == in.x_valid[g] && back.delta_ready[g] == in.delta_ready[g]);
        if (in.x_valid[g]) {
            CHECK_EQ_BYTES(back.x[g], sent[g], ports->unit.link_elements);
            CHECK_EQ_BYTES(&back.job[g], &in.job[g], sizeof in.job[g]);
        }
    }
}

static void inputs_come_back(void)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct lora_ports ports = lora_ports(&units[i]);
        REQUIRE(ports.input_words <= 256);
        for (int repeat = 0; repeat < 100; repeat++) {
            round_trip_inputs(&ports);
        }
    }
}

static void round_trip_outputs(const struct lora_ports *ports)
{
    int64_t sent[ELEMENTS_MAX], got[ELEMENTS_MAX];
    uint32_t record[256], again[256];
    struct lora_outputs out = {
        .busy = pick(1), .aborted = pick(1), .request_valid = pick(1), .delta_last = pick(1), .delta_abort = pick(1), .delta = sent};
    struct lora_outputs back = {.delta = got};
    out.request_address_words = (uint32_t)pick(32);
    out.request_words = (uint32_t)pick(32);
    out.request_first_rows = (uint32_t)pick(16);
    out.request_block_rows = (uint32_t)pick(16);
    out.request_pause_cycles = (uint32_t)pick(16);
    out.delta_count = (uint32_t)(pick(16) % (ports->unit.drain_elements + 1));
    for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
        out.x_ready[g] = pick(1);
        out.delta_open[g] = pick(1);
        out.delta_valid[g] = pick(2) == 0;
    }
    for (int i = 0; i < ELEMENTS_MAX; i++) {
        sent[i] = pick_signed(40);
    }
    lora_ports_pack_outputs(ports, &out, record);
    lora_ports_unpack_outputs(ports, record, &back);
    lora_ports_pack_outputs(ports, &back, again);
    CHECK_EQ_BYTES(again, record, ports->output_words * sizeof *record);
    CHECK_EQ_INT(lora_ports_differ(ports, record, again), LORA_PORTS);
    CHECK(back.busy == out.busy && back.aborted == out.aborted && back.request_valid == out.request_valid);
    bool beat = out.delta_valid[0] || out.delta_valid[1] || out.delta_valid[2] || out.delta_valid[3];
    CHECK_EQ_UINT(back.delta_count, beat ? out.delta_count : 0);
    CHECK_EQ_BYTES(got, sent, (beat ? out.delta_count : 0) * sizeof *got);
    CHECK_EQ_UINT(back.request_words, out.request_valid ? out.request_words : 0);
}

static void outputs_come_back(void)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct lora_ports ports = lora_ports(&units[i]);
        REQUIRE(ports.output_words <= 256);
        for (int repeat = 0; repeat < 100; repeat++) {
            round_trip_outputs(&ports);
        }
    }
}

/* What does not matter in a cycle is zero, so that records can be compared as they are. */
static void fields_without_valid_are_zero(void)
{
    struct lora_ports ports = lora_ports(&units[0]);
    int64_t delta[16] = {1, 2, 3};
    uint32_t a[256], b[256];
    struct lora_outputs out = {.request_words = 5, .delta_count = 3, .delta_last = true, .delta = delta};
    lora_ports_pack_outputs(&ports, &out, a);
    out = (struct lora_outputs){.request_words = 6, .delta_count = 2, .delta = delta};
    lora_ports_pack_outputs(&ports, &out, b);
    CHECK_EQ_INT(lora_ports_differ(&ports, a, b), LORA_PORTS);
}

static void names_the_port_that_differs(void)
{
    struct lora_ports ports = lora_ports(&units[0]);
    int64_t delta[16] = {1, -2, 3};
    uint32_t a[256], b[256];
    struct lora_outputs out = {.delta_valid = {false, true}, .delta_count = 3, .delta = delta};
    lora_ports_pack_outputs(&ports, &out, a);
    delta[1] = -3;
    lora_ports_pack_outputs(&ports, &out, b);
    CHECK_EQ_INT(lora_ports_differ(&ports, a, b), PORT_delta_data);
    CHECK_EQ_TEXT(ports.port[PORT_delta_data].name, "delta_data");
    CHECK_EQ_UINT(ports.port[PORT_delta_data].bits, 640);
    CHECK_EQ_UINT(bits_get(a + ports.port[PORT_delta_data].offset_words, 40, 40), 0xfffffffffe);
}

void suite_lora_ports(void)
{
    suite_begin("lora_ports");
    suite_add("inputs come back from their record", inputs_come_back);
    suite_add("outputs come back from their record", outputs_come_back);
    suite_add("fields without a valid are zero", fields_without_valid_are_zero);
    suite_add("names the port that differs", names_the_port_that_differs);
}
