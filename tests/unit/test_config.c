/* Chip files: does every mistake get its line, key and expectation, and does what is written read back the same? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chip_auto.h"
#include "sim/image.h"
#include "sim/memory_map.h"
#include "sim/model_shape.h"
#include "sim/params.h"
#include "tests/unit/check.h"

static const char KEYS[][64] = {
#define PARAM(section, name, ...) #section "." #name,
#define CHOICE(section, name, ...) #section "." #name,
#include "sim/params.def"
#undef PARAM
#undef CHOICE
};
enum { KEY_COUNT = sizeof KEYS / sizeof KEYS[0] };

static bool parse(const char *text, struct chip_config *config, struct error *e)
{
    return config_parse(text, strlen(text), "chip.yaml", config, e);
}

/* What a write function of config.h prints; the caller frees it. */
static char *written(void (*write)(const struct chip_config *, FILE *), const struct chip_config *config)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    write(config, out);
    fclose(out);
    return text;
}

static void help_text(const struct chip_config *config, FILE *out)
{
    (void)config;
    config_help(out);
}

/* --- mistakes --- */

static const struct mistake {
    const char *text, *place, *expectation;
} mistakes[] = {
    {"", "chip.yaml:1: ", "expected a map of sections, found an empty file"},
    {"# only a comment\n", "chip.yaml:1: ", "found an empty file"},
    {"sample\n", "chip.yaml:1: ", "expected a map of sections, found a single value"},
    {"- a\n- b\n", "chip.yaml:1: ", "expected a map of sections, found a list"},
    {"base: defaults\nlore:\n  lanes: 8\n", "chip.yaml:2: lore: ", "did you mean 'lora'?"},
    {"base: defaults\nwhatever:\n  lanes: 8\n", "chip.yaml:2: whatever: ", "there is no such section"},
    {"base: defaults\nlora.lanes: 8\n", "chip.yaml:2: lora.lanes: ", "expected a section with its parameters below it"},
    {"base: defaults\nlora:\n  lane: 8\n", "chip.yaml:3: lora.lane: ", "did you mean 'lanes'?"},
    {"base: defaults\nlora:\n  tile_rows: 8\n", "chip.yaml:3: lora.tile_rows: ", "did you mean 'rom.tile_rows'?"},
    {"base: defaults\nlora:\n", "chip.yaml:2: lora: ", "expected a map of parameters, found nothing"},
    {"base: defaults\nlora: 8\n", "chip.yaml:2: lora: ", "expected a map of parameters, found a single value"},
    {"base: defaults\nlora: [8]\n", "chip.yaml:2: lora: ", "expected a map of parameters, found a list"},
    {"base: defaults\nlora:\n  lanes:\n", "chip.yaml:3: lora.lanes: ", "expected an integer, found nothing"},
    {"base: defaults\nlora:\n  lanes: [8]\n", "chip.yaml:3: lora.lanes: ", "expected an integer, found a list"},
    {"base: defaults\nlora:\n  lanes: {a: 8}\n", "chip.yaml:3: lora.lanes: ", "expected an integer, found a map"},
    {"base: defaults\nlora:\n  lanes: many\n", "chip.yaml:3: lora.lanes: ", "expected an integer from 8 to 1024 (MAC/cycle), found 'many'"},
    {"base: defaults\nlora:\n  lanes: 8.5\n", "chip.yaml:3: lora.lanes: ", "found '8.5'"},
    {"base: defaults\nlora:\n  lanes: 0x10\n", "chip.yaml:3: lora.lanes: ", "found '0x10'"},
    {"base: defaults\nlora:\n  lanes: 010\n", "chip.yaml:3: lora.lanes: ", "without leading zeros"},
    {"base: defaults\nlora:\n  lanes: \"16\"\n", "chip.yaml:3: lora.lanes: ", "found a quoted text '16'"},
    {"base: defaults\nlora:\n  lanes: 7\n", "chip.yaml:3: lora.lanes: ", "out of range: expected 8 to 1024 (MAC/cycle), found 7"},
    {"base: defaults\nlora:\n  lanes: 1025\n", "chip.yaml:3: lora.lanes: ", "out of range: expected 8 to 1024 (MAC/cycle), found 1025"},
    {"base: defaults\nlora:\n  lanes: -8\n", "chip.yaml:3: lora.lanes: ", "out of range"},
    {"base: defaults\nlora:\n  latency_cycles: 5\n", "chip.yaml:3: lora.latency_cycles: ", "expected 6 to 64 (cycles), found 5"},
    {"base: defaults\nlora:\n  latency_cycles: 65\n", "chip.yaml:3: lora.latency_cycles: ", "expected 6 to 64 (cycles), found 65"},
    {"base: defaults\nlora:\n  lanes: 18446744073709551632\n", "chip.yaml:3: lora.lanes: ", "out of range"},
    {"base: defaults\nhost:\n  tensor_cycles: -0\n", "chip.yaml:3: host.tensor_cycles: ", "out of range"},
    {"base: defaults\nlora:\n  lanes: 8\n  lanes: 8\n", "chip.yaml:4: lora.lanes: ", "expected once, given before in line 3"},
    {"base: defaults\nlora:\n  lanes: 8\nlora:\n  latency_cycles: 8\n", "chip.yaml:4: lora: ", "expected once, given before in line 2"},
    {"base: defaults\nsram:\n  arbiter: round-robin\n",
     "chip.yaml:3: sram.arbiter: ", "expected one of round_robin|fixed, found 'round-robin'; did you mean 'round_robin'?"},
    {"base: defaults\nsram:\n  arbiter: 1\n", "chip.yaml:3: sram.arbiter: ", "expected one of round_robin|fixed, found '1'"},
    {"base: defaults\nlora: &a\n  lanes: 8\n", "chip.yaml:2: ", "anchors (&name) and aliases (*name) are not supported"},
    {"base: defaults\nlora:\n  lanes: *a\n", "chip.yaml:3: ", "anchors (&name) and aliases (*name) are not supported"},
    {"base: defaults\nlora:\n  lanes: &a 8\n", "chip.yaml:3: ", "anchors (&name) and aliases (*name) are not supported"},
    {"base: defaults\nlora:\n  lanes: !!int 8\n", "chip.yaml:3: ", "tags (!name) are not supported"},
    {"base: defaults\n---\nbase: defaults\n", "chip.yaml:2: ", "expected one document in the file, found a second one"},
    {"base: defaults\nlora:\n\tlanes: 8\n", "chip.yaml:3: ", "not YAML: "},
    {"base: defaults\nlora: {lanes: 8\n", "chip.yaml:3: ", "not YAML: "},
    {"base: defaults\nlora:\n  lanes: 8 # caf\xe9\n", "chip.yaml:3: ", "not YAML: "},
    {"base: defaults\n\"lo\\0ra\":\n  lanes: 8\n", "chip.yaml:2: top level: ", "found a text with a NUL byte"},
    {"base: defaults\n[a]: 8\n", "chip.yaml:2: top level: ", "expected a section's name, found a list"},
    {"lora:\n  lanes: 8\nbase: defaults\n", "chip.yaml:3: base: ", "expected once and before all parameters"},
    {"lora:\n  lanes: 8\nmodel: sample\n", "chip.yaml:3: model: ", "expected once and as the first key of the file"},
    {"base: defaults\nmodel: sample\n", "chip.yaml:2: model: ", "expected once and as the first key of the file"},
    {"model: sample\nmodel: sample\n", "chip.yaml:2: model: ", "expected once and as the first key of the file"},
    {"model: llama-3.2-2b\n", "chip.yaml:1: model: ", "there is no model 'llama-3.2-2b'; did you mean 'llama-3.2-1b'"},
    {"model: ./mine.gguf\n", "chip.yaml:1: model: ", "expected a preset's name (a file is given with --model)"},
    {"model: [sample]\n", "chip.yaml:1: model: ", "expected a preset's name, found a list"},
    {"base: auto\n", "chip.yaml:1: base: ", "auto: expected after 'model: NAME', the model that the chip is sized for"},
    {"base: defaults\nbase: defaults\n", "chip.yaml:2: base: ", "expected once"},
    {"base: [defaults]\n", "chip.yaml:1: base: ", "expected a preset's name, a file's path, 'defaults' or 'auto', found a list"},
    {"base: sampel\n", "chip.yaml:1: base: ", "there is no chip 'sampel'; did you mean 'sample'?"},
    {"base: ./nowhere.yaml\n", "chip.yaml:1: base: ", "./nowhere.yaml: cannot read this chip file: No such file"},
    {"base: /\n", "chip.yaml:1: base: ", "it is a folder"},
    {"lora:\n  lanes: 8\n", "chip.yaml: expected all ", "clock.mhz, chip.organisation, "},
};

static void mistakes_are_named(void)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct chip_config config, before;
        struct error e = {0};
        memset(&config, 0x5a, sizeof config);
        before = config;
        CHECK(!parse(mistakes[i].text, &config, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_EQ_INT(strncmp(e.message, mistakes[i].place, strlen(mistakes[i].place)), 0);
        CHECK_CONTAINS(e.message, mistakes[i].place);
        CHECK_CONTAINS(e.message, mistakes[i].expectation);
        CHECK_EQ_BYTES(&config, &before, sizeof config); /* nothing half-written */
    }
}

/* Comments one key out and tells what the reader says to that. */
static void leave_out(const char *text, const char *key, struct error *e)
{
    struct chip_config read;
    char *copy = strdup(text);
    char section[80], name[80];
    snprintf(section, sizeof section, "\n%.*s:\n", (int)strcspn(key, "."), key);
    snprintf(name, sizeof name, "\n  %s: ", strchr(key, '.') + 1);
    char *start = copy ? strstr(copy, section) : NULL;
    char *line = start ? strstr(start, name) : NULL;
    CHECK(line != NULL);
    if (line) {
        line[1] = '#';
        CHECK(!parse(copy, &read, e));
    }
    free(copy);
}

/* The message must count and name just the one that isn't there. */
static void missing_keys_are_listed(void)
{
    struct chip_config config;
    config_defaults(&config);
    char *text = written(config_write_yaml, &config);
    for (int i = 0; i < KEY_COUNT; i++) {
        struct error e = {0};
        char expected[128];
        leave_out(text, KEYS[i], &e);
        snprintf(expected, sizeof expected, "1 missing: %s.", KEYS[i]);
        bool only_key_of_section = strstr(e.message, "expected a map of parameters, found nothing") != NULL;
        CHECK(only_key_of_section || strstr(e.message, expected));
    }
    free(text);
}

static void long_and_deep_files_are_refused(void)
{
    enum { BYTES = (1 << 20) + 1 };
    static char text[BYTES + 1];
    memset(text, ' ', BYTES);
    text[BYTES] = '\0';
    struct chip_config config;
    struct error e = {0};
    CHECK(!parse(text, &config, &e));
    CHECK_CONTAINS(e.message, "expected at most 1048576 bytes, found 1048577");
    memset(text, '[', 100000);
    text[100000] = '\0';
    CHECK(!parse(text, &config, &e));
    CHECK_CONTAINS(e.message, "chip.yaml:1: expected a map of sections, found a list");
    memset(text, '{', 100000);
    CHECK(!parse(text, &config, &e));
    CHECK_CONTAINS(e.message, "chip.yaml:1: ");
}

/* --- bases --- */

static const char *write_file(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", temporary_folder(), name);
    FILE *out = fopen(path, "w");
    if (out) {
        fputs(text, out);
        fclose(out);
    }
    return path;
}

static void bases_are_inherited(void)
{
    struct chip_config config;
    struct error e = {0};
    write_file("one.yaml", "base: defaults\nlora:\n  lanes: 32\nsram:\n  ports: 2\n");
    REQUIRE_GOOD(config_load(write_file("two.yaml", "base: one.yaml\nlora:\n  lanes: 48\n"), &config, &e), &e);
    CHECK_EQ_INT(config.lora_lanes, 48);
    CHECK_EQ_INT(config.sram_ports, 2);
    CHECK_EQ_INT(config.sram_banks, 16);
    CHECK_EQ_TEXT(config.name, "two");
    /* Equal configs are equal bytes: nothing of a base's longer name stays behind. */
    struct chip_config named = config;
    memset(named.name, 0, sizeof named.name);
    snprintf(named.name, sizeof named.name, "x");
    REQUIRE_GOOD(config_load(write_file("a-long-name.yaml", "base: two.yaml\n"), &config, &e), &e);
    REQUIRE_GOOD(config_load(write_file("x.yaml", "base: a-long-name.yaml\n"), &config, &e), &e);
    CHECK_EQ_BYTES(&config, &named, sizeof config);
}

static void circular_bases_are_refused(void)
{
    struct chip_config config;
    struct error e = {0};
    CHECK(!config_load(write_file("self.yaml", "base: ./self.yaml\n"), &config, &e));
    CHECK_CONTAINS(e.message, "self.yaml:1: base: ");
    CHECK_CONTAINS(e.message, "self.yaml is its own base");
    write_file("left.yaml", "base: right.yaml\n");
    CHECK(!config_load(write_file("right.yaml", "# comment\nbase: left.yaml\n"), &config, &e));
    CHECK_CONTAINS(e.message, "right.yaml:2: base: ");
    CHECK_CONTAINS(e.message, "right.yaml is its own base");
    write_file("deep0.yaml", "base: defaults\n");
    char name[32], text[64];
    for (int i = 1; i <= 9; i++) {
        snprintf(name, sizeof name, "deep%d.yaml", i);
        snprintf(text, sizeof text, "base: deep%d.yaml\n", i - 1);
        const char *path = write_file(name, text);
        CHECK_EQ_INT(config_load(path, &config, &e), i <= 8);
    }
    CHECK_CONTAINS(e.message, "expected at most 8 bases");
}

/* --- writing and reading --- */

static bool same_values(const struct chip_config *a, const struct chip_config *b)
{
    return memcmp((const char *)a + sizeof a->name, (const char *)b + sizeof b->name, sizeof *a - sizeof a->name) == 0;
}

static void written_yaml_reads_back(void)
{
    struct chip_config config, read;
    struct error e = {0};
    uint64_t seed = 1;
    for (int round = 0; round < 50; round++) {
        config_defaults(&config);
#define PARAM(section, name, default_value, low, high, ...) \
    config.section##_##name = (uint32_t)((low) + test_random(&seed) % ((uint64_t)(high) - (low) + 1));
#define CHOICE(section, name, ...) config.section##_##name = (uint32_t)(test_random(&seed) % 2);
#include "sim/params.def"
#undef PARAM
#undef CHOICE
        char *text = written(config_write_yaml, &config);
        CHECK_GOOD(parse(text, &read, &e), &e);
        CHECK(same_values(&config, &read));
        free(text);
    }
}

static void chips_know_their_model(void)
{
    struct chip_config config, again;
    struct error e = {0};
    config_defaults(&config);
    CHECK_EQ_TEXT(config_model(&config), "sample");
    write_file("made-for.yaml", "model: llama-3.2-1b\nbase: defaults\n");
    REQUIRE_GOOD(config_load(write_file("heir.yaml", "base: made-for.yaml\n"), &config, &e), &e);
    CHECK_EQ_TEXT(config_model(&config), "llama-3.2-1b");
    REQUIRE_GOOD(config_load(write_file("other.yaml", "model: sample\nbase: made-for.yaml\n"), &config, &e), &e);
    CHECK_EQ_TEXT(config_model(&config), "sample");
    char *text = written(config_write_yaml, &config);
    REQUIRE_GOOD(parse(text, &again, &e), &e);
    CHECK_EQ_TEXT(again.model, "sample");
    free(text);
}

/* A chip of the rule is what --chip auto gives for its model, but for what its file changes; notes say where each value is from. */
static void chips_are_sized_by_the_rule(void)
{
    static char notes[PARAMETER_COUNT][CONFIG_NOTE_ROOM];
    static const char *const rule[] = {"gemma-3-270m", "llama-3.2-1b", "llama-3.2-3b", "phi-4-mini",  "qwen2.5-0.5b",
                                       "qwen2.5-1.5b", "smollm2-1.7b", "smollm2-135m", "smollm2-360m"};
    struct chip_config config, by_rule;
    struct model_shape model;
    struct error e = {0};
    for (size_t i = 0; i < sizeof rule / sizeof *rule; i++) {
        REQUIRE_GOOD(config_load(rule[i], &config, &e), &e);
        CHECK_EQ_TEXT(config_model(&config), rule[i]);
        REQUIRE_GOOD(model_shape_load(rule[i], &model, &e), &e);
        chip_auto(&model.shape, &by_rule);
        memcpy(by_rule.model, config.model, sizeof by_rule.model);
        CHECK(same_values(&config, &by_rule));
    }
    const char *file = write_file("mine.yaml", "model: smollm2-135m\nbase: auto\nlora:\n  lanes: 16 # a guess\n");
    REQUIRE_GOOD(config_load_notes(file, &config, notes, &e), &e);
    CHECK_EQ_INT(config.lora_lanes, 16);
    CHECK_EQ_INT(config.rom_tile_rows, 256);
    CHECK_EQ_TEXT(notes[PARAMETER_lora_lanes], "a guess");
    CHECK_EQ_TEXT(notes[PARAMETER_rom_tile_rows], "derived: by the rule of --chip auto");
    CHECK_EQ_TEXT(notes[PARAMETER_host_retries], "");
}

static void presets_load_and_hold(void)
{
    struct preset_list list;
    struct chip_config config;
    struct error e = {0};
    REQUIRE_GOOD(presets_list("chips", ".yaml", &list, &e), &e);
    CHECK(list.count >= 3);
    for (int i = 0; i < list.count; i++) {
        CHECK_GOOD(config_load(list.names[i], &config, &e), &e);
        CHECK_GOOD(config_check(&config, &e), &e);
        CHECK_EQ_TEXT(config.name, list.names[i]);
        struct image image; /* its model fits it */
        struct memory_map map;
        CHECK_GOOD(image_open_shape(config_model(&config), NULL, &image, &e) && memory_map_make(&config, &image.model.shape, &map, &e), &e);
        image_close(&image);
        CHECK(i == 0 || strcmp(list.names[i - 1], list.names[i]) < 0);
    }
    presets_free(&list);
}

static void help_and_verilog_list_every_key(void)
{
    struct chip_config config;
    config_defaults(&config);
    config.lora_lanes = 96;
    char *help = written(help_text, &config), *verilog = written(config_write_verilog, &config);
    int lines = 0;
    for (const char *c = verilog; (c = strstr(c, "localparam [31:0] ")); c++) {
        lines++;
    }
    CHECK_EQ_INT(lines, KEY_COUNT);
    for (int i = 0; i < KEY_COUNT; i++) {
        char expected[128];
        int at = 0;
        for (const char *c = KEYS[i]; *c; c++) {
            expected[at++] = *c == '.' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
        }
        snprintf(expected + at, sizeof expected - (size_t)at, " = ");
        CHECK_CONTAINS(verilog, expected);
        CHECK_CONTAINS(help, KEYS[i]);
    }
    CHECK_CONTAINS(verilog, "localparam [31:0] LORA_LANES = 96; // MAC/cycle: multiply-accumulates of a layer's LoRA MAC unit\n");
    free(help);
    free(verilog);
}

/* --- --set and the rules between parameters --- */

static void set_changes_one_value(void)
{
    struct chip_config config, expected;
    struct error e = {0};
    config_defaults(&config);
    config_defaults(&expected);
    CHECK_GOOD(config_set(&config, "lora.lanes=128", &e), &e);
    CHECK_GOOD(config_set(&config, "sram.arbiter=fixed", &e), &e);
    expected.lora_lanes = 128;
    expected.sram_arbiter = ARBITER_FIXED;
    CHECK(same_values(&config, &expected));
}

static void set_names_mistakes(void)
{
    static const struct {
        const char *assignment, *expectation;
    } cases[] = {
        {"lora.lanes", "--set lora.lanes: expected section.name=value"},
        {"=3", "expected section.name=value"},
        {"", "expected section.name=value"},
        {"lora.lane=8", "there is no parameter 'lora.lane'; did you mean 'lora.lanes'?"},
        {"zzz=8", "there is no parameter 'zzz'; etchsim help parameters lists them"},
        {"lora.lanes=", "--set lora.lanes: expected an integer from 8 to 1024 (MAC/cycle), found ''"},
        {"lora.lanes= 8", "found ' 8'"},
        {"lora.lanes=9999", "--set lora.lanes: out of range: expected 8 to 1024 (MAC/cycle), found 9999"},
        {"chip.organisation=mesh", "--set chip.organisation: expected one of spatial|shared, found 'mesh'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct chip_config config, before;
        struct error e = {0};
        config_defaults(&config);
        before = config;
        CHECK(!config_set(&config, cases[i].assignment, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, cases[i].expectation);
        CHECK(same_values(&config, &before));
    }
}

static void rules_between_parameters_hold(void)
{
    static const struct {
        const char *assignment, *expectation;
    } cases[] = {
        {"sram.ways=5", "sram.ways: expected a divisor of sram.banks (16), found 5; the nearest are 4 and 8"},
        {"sram.ways=32", "found 32; the nearest are 16 and 16"},
        {"rom.tile_rows=1", NULL},
        {"rom.rows_per_cycle=64", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct chip_config config;
        struct error e = {0};
        config_defaults(&config);
        REQUIRE_GOOD(config_check(&config, &e), &e);
        REQUIRE_GOOD(config_set(&config, cases[i].assignment, &e), &e);
        CHECK_EQ_INT(config_check(&config, &e), cases[i].expectation == NULL);
        CHECK_CONTAINS(e.message, cases[i].expectation ? cases[i].expectation : "");
    }
    struct chip_config config;
    struct error e = {0};
    config_defaults(&config);
    config.rom_tile_rows = 4;
    config.rom_rows_per_cycle = 8;
    CHECK(!config_check(&config, &e));
    CHECK_CONTAINS(e.message, "rom.rows_per_cycle: expected at most rom.tile_rows (4), found 8");
}

static void unknown_presets_are_named(void)
{
    struct chip_config config;
    struct error e = {0};
    CHECK(!config_load("sample-wid", &config, &e));
    CHECK_CONTAINS(e.message, "there is no chip 'sample-wid'; did you mean 'sample-wide'?");
    CHECK(!config_load("", &config, &e));
    CHECK_CONTAINS(e.message, "there is no chip ''");
}

void suite_config(void)
{
    suite_begin("config");
    suite_add("every mistake has its line, key and expectation", mistakes_are_named);
    suite_add("missing keys are listed", missing_keys_are_listed);
    suite_add("long and deep files are refused", long_and_deep_files_are_refused);
    suite_add("bases are inherited", bases_are_inherited);
    suite_add("chips know their model", chips_know_their_model);
    suite_add("chips are sized by the rule", chips_are_sized_by_the_rule);
    suite_add("circular and deep bases are refused", circular_bases_are_refused);
    suite_add("written YAML reads back to the same values", written_yaml_reads_back);
    suite_add("presets load and hold their rules", presets_load_and_hold);
    suite_add("help and Verilog list every key", help_and_verilog_list_every_key);
    suite_add("--set changes one value", set_changes_one_value);
    suite_add("--set names mistakes", set_names_mistakes);
    suite_add("rules between parameters hold", rules_between_parameters_hold);
    suite_add("unknown presets are named", unknown_presets_are_named);
}
