/* Vectors of the LoRA MAC unit: files that agree with their legend, that follow from the seed, and that another instance of the reference plays back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/lora_dpi.h"
#include "sim/vectors.h"
#include "tests/unit/check.h"

enum { LINE_ROOM = 1 << 14, WORDS_ROOM = LINE_ROOM / 8, CYCLES = 2000 };

static struct chip_config chips[3];

static void make_chips(void)
{
    for (int i = 0; i < 3; i++) {
        config_defaults(&chips[i]);
    }
    chips[1].lora_lanes = 8;
    chips[1].sram_width_bits = 20;
    chips[1].sram_ways = 2;
    chips[1].link_elements = 5;
    chips[1].rom_drain_elements = 3;
    chips[2].lora_lanes = 24;
    chips[2].sram_width_bits = 64;
    chips[2].sram_ports = 2;
    chips[2].link_elements = 32;
    chips[2].rom_drain_elements = 1;
    chips[2].lora_latency_cycles = 9;
    chips[2].slots_rank_max = 40;
}

static struct vectors_options options_of(const struct chip_config *chip, uint64_t cycles, uint64_t seed)
{
    return (struct vectors_options){
        .config = chip, .weights = "random", .inputs_max = vectors_random_inputs_max(chip), .cycles = cycles, .seed = seed, .stalls = true};
}

static bool write_to(const char *name, const struct vectors_options *options, char path[512], struct stimulus_counts *counts)
{
    struct error e = {0};
    snprintf(path, 512, "%s/%s", temporary_folder(), name);
    mkdir(path, 0777);
    return CHECK_GOOD(vectors_write(options, path, counts, &e), &e);
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "r");
}

/* A line of hexadecimal digits as 32-bit words; its length, 0 at the end, UINT32_MAX where something else stands. */
static uint32_t read_line(FILE *in, uint32_t words[WORDS_ROOM])
{
    static char line[LINE_ROOM];
    memset(words, 0, WORDS_ROOM * sizeof *words);
    if (!fgets(line, sizeof line, in)) {
        return 0;
    }
    const uint32_t digits = (uint32_t)strcspn(line, "\n");
    for (uint32_t i = 0; i < digits; i++) {
        static const char hexadecimal[] = "0123456789abcdef";
        const char *place = strchr(hexadecimal, line[digits - 1 - i]);
        if (!place) {
            return UINT32_MAX;
        }
        words[i / 8] |= (uint32_t)(place - hexadecimal) << i % 8 * 4;
    }
    return digits;
}

/* -- the legend -- */

struct legend {
    uint64_t cycles;
    uint32_t input_bits, output_bits, next_input, next_output, ports, parameters;
};

/* The ports of a file must follow each other without a gap, in the order of lora_ports.def. */
static void read_port(struct legend *l, const char *file, const char *port, uint32_t bits, uint32_t high, uint32_t low)
{
    static const char *const names[] = {
#define INPUT(name, bits) #name "_i",
#define OUTPUT(name, bits) #name "_o",
#include "sim/lora_ports.def"
#undef INPUT
#undef OUTPUT
    };
    uint32_t *next = strcmp(file, "inputs.mem") == 0 ? &l->next_input : &l->next_output;
    REQUIRE(l->ports < LORA_PORTS);
    CHECK_EQ_TEXT(port, names[l->ports++]);
    CHECK(next == &l->next_input || strcmp(file, "outputs.mem") == 0);
    CHECK_EQ_UINT(low, *next);
    CHECK_EQ_UINT(high + 1, low + bits);
    *next += bits;
}

static void read_legend(const char *folder, struct legend *l)
{
    FILE *in = open_in(folder, "legend.txt");
    char line[256], file[64], port[64];
    uint32_t bits, high, low;
    *l = (struct legend){.cycles = 0};
    REQUIRE(in != NULL);
    while (fgets(line, sizeof line, in)) {
        if (sscanf(line, "%63s %63s %" SCNu32 " %" SCNu32 " %" SCNu32, file, port, &bits, &high, &low) == 5) {
            read_port(l, file, port, bits, high, low);
        } else if (strncmp(line, "parameter ", strlen("parameter ")) == 0) {
            l->parameters++;
        } else if (line[0] != '#') {
            CHECK(sscanf(line, "cycles %" SCNu64, &l->cycles) == 1 || sscanf(line, "input_bits %" SCNu32, &l->input_bits) == 1 ||
                  sscanf(line, "output_bits %" SCNu32, &l->output_bits) == 1);
        }
    }
    fclose(in);
}

static void legend_adds_up(void)
{
    make_chips();
    for (int i = 0; i < 3; i++) {
        struct vectors_options options = options_of(&chips[i], 10, 1);
        struct stimulus_counts counts;
        struct legend l;
        char folder[512];
        if (!write_to("legend", &options, folder, &counts)) {
            return;
        }
        read_legend(folder, &l);
        CHECK_EQ_UINT(l.cycles, 10);
        CHECK_EQ_UINT(l.ports, LORA_PORTS);
        CHECK_EQ_UINT(l.parameters, VECTORS_PARAMETERS);
        CHECK_EQ_UINT(l.next_input, l.input_bits);
        CHECK_EQ_UINT(l.next_output, l.output_bits);
    }
}

/* -- records -- */

static void lines_are_as_wide_as_said(void)
{
    static const char *const files[] = {"inputs.mem", "outputs.mem", "mask.mem"};
    static uint32_t words[WORDS_ROOM];
    make_chips();
    for (int i = 0; i < 3; i++) {
        struct vectors_options options = options_of(&chips[i], 300, 3);
        struct stimulus_counts counts;
        struct legend l;
        char folder[512];
        if (!write_to("widths", &options, folder, &counts)) {
            return;
        }
        read_legend(folder, &l);
        for (int f = 0; f < 3; f++) {
            const uint32_t bits = f == 0 ? l.input_bits : l.output_bits;
            FILE *in = open_in(folder, files[f]);
            uint64_t lines = 0;
            REQUIRE(in != NULL);
            for (uint32_t digits; (digits = read_line(in, words)) != 0; lines++) {
                CHECK_EQ_UINT(digits, (bits + 3) / 4);
                CHECK_EQ_UINT(bits % 4 == 0 ? 0 : bits_get(words, bits, 4 - bits % 4), 0); /* of the first digit */
            }
            CHECK_EQ_UINT(lines, 300);
            fclose(in);
        }
    }
}

/* What the vectors say is what a unit shows that is driven through the DPI functions, bit for bit; no mask lies outside an output. */
static void play_back(const struct chip_config *chip, const struct vectors_options *options, const char *folder)
{
    static uint32_t inputs[WORDS_ROOM], expected[WORDS_ROOM], mask[WORDS_ROOM], got[WORDS_ROOM];
    struct legend l;
    read_legend(folder, &l);
    void *unit = lora_mac_dpi_open((int)chip->lora_lanes, (int)chip->lora_latency_cycles, (int)chip->sram_width_bits, (int)chip->sram_ways,
                                   (int)chip->sram_ports, (int)chip->link_elements, (int)chip->rom_drain_elements,
                                   (int)chip->slots_rank_max, (int)options->inputs_max, (int)l.input_bits, (int)l.output_bits);
    FILE *in[3] = {open_in(folder, "inputs.mem"), open_in(folder, "outputs.mem"), open_in(folder, "mask.mem")};
    REQUIRE(unit != NULL && in[0] != NULL && in[1] != NULL && in[2] != NULL);
    uint64_t aborted = 0, differ = 0, outside = 0, refused = 0;
    memset(got, 0, sizeof got);
    for (uint64_t cycle = 0; cycle < options->cycles; cycle++) {
        read_line(in[0], inputs);
        read_line(in[1], expected);
        read_line(in[2], mask);
        bool some = false;
        for (uint32_t w = 0; w < lora_flat_words(l.output_bits); w++) {
            differ += ((expected[w] ^ got[w]) & (cycle == 0 ? 0 : UINT32_MAX)) != 0;
            outside += (expected[w] & ~mask[w]) != 0;
            some |= mask[w] != 0;
        }
        CHECK(some == (cycle > 0)); /* nothing is known before the first reset, something always after it */
        aborted += bits_get(expected, l.output_bits - 1, 1);
        refused += lora_mac_dpi_clock(unit, inputs, got) != 1;
    }
    CHECK_EQ_UINT(differ, 0);
    CHECK_EQ_UINT(outside, 0);
    CHECK_EQ_UINT(refused, 0);
    CHECK(aborted > 0); /* the highest output bit, aborted_o, is seen at some time */
    lora_mac_dpi_close(unit);
    for (int f = 0; f < 3; f++) {
        fclose(in[f]);
    }
}

static void play_back_through_dpi(void)
{
    make_chips();
    for (int i = 0; i < 3; i++) {
        struct vectors_options options = options_of(&chips[i], CYCLES, 5 + (uint64_t)i);
        struct stimulus_counts counts;
        char folder[512];
        if (write_to("play", &options, folder, &counts)) {
            play_back(&chips[i], &options, folder);
        }
    }
}

/* -- seeds -- */

static bool same_file(const char *folder_a, const char *folder_b, const char *name)
{
    FILE *a = open_in(folder_a, name), *b = open_in(folder_b, name);
    int byte_a = 0, byte_b = 0;
    while (a && b && byte_a == byte_b && byte_a != EOF) {
        byte_a = fgetc(a);
        byte_b = fgetc(b);
    }
    const bool same = a && b && byte_a == byte_b;
    if (a) {
        fclose(a);
    }
    if (b) {
        fclose(b);
    }
    return same;
}

static void follow_from_the_seed(void)
{
    static const char *const files[] = {"inputs.mem", "outputs.mem", "mask.mem", "legend.txt", "lora_mac_vectors_tb.v",
                                        "README.txt", "chip.yaml"};
    make_chips();
    struct vectors_options options = options_of(&chips[1], CYCLES, 11);
    struct stimulus_counts counts;
    char one[512], two[512];
    if (!write_to("one", &options, one, &counts) || !write_to("two", &options, two, &counts)) {
        return;
    }
    for (int f = 0; f < 7; f++) {
        CHECK(same_file(one, two, files[f]));
    }
    options.seed = 12;
    if (write_to("two", &options, two, &counts)) {
        CHECK(!same_file(one, two, "inputs.mem") && !same_file(one, two, "outputs.mem") && same_file(one, two, "lora_mac_vectors_tb.v"));
    }
}

/* -- what is in them -- */

static void ten_thousand_cycles_have_it_all(void)
{
    make_chips();
    for (int i = 0; i < 3; i++) {
        struct vectors_options options = options_of(&chips[i], 10000, 1);
        struct stimulus_counts c;
        char folder[512];
        if (!write_to("all", &options, folder, &c)) {
            return;
        }
        for (enum linear_group g = 0; g < LINEAR_GROUPS; g++) {
            CHECK(c.jobs[g] >= 2);
        }
        CHECK(c.aborted >= 5 && c.resets >= 2 && c.words > 1000);
        CHECK_EQ_UINT(c.rank_low, 1);
        CHECK_EQ_UINT(c.rank_high, chips[i].slots_rank_max);
    }
}

/* Without stalls a word is never late: more words in the same cycles. */
static void stalls_can_be_left_out(void)
{
    make_chips();
    struct vectors_options options = options_of(&chips[1], 10000, 2);
    struct stimulus_counts with, without;
    char folder[512];
    if (write_to("stalls", &options, folder, &with)) {
        options.stalls = false;
        if (write_to("stalls", &options, folder, &without)) {
            CHECK(without.words > with.words + with.words / 10);
        }
    }
}

void suite_vectors(void)
{
    suite_begin("vectors");
    suite_add("the legend adds up", legend_adds_up);
    suite_add("lines are as wide as said", lines_are_as_wide_as_said);
    suite_add("play back through the DPI functions", play_back_through_dpi);
    suite_add("follow from the seed", follow_from_the_seed);
    suite_add("10,000 cycles have all groups, ranks, aborts, resets", ten_thousand_cycles_have_it_all);
    suite_add("stalls can be left out", stalls_can_be_left_out);
}
