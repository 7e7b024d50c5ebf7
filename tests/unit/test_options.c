/* The command line's tables, and the suggestions for mistyped words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/options.h"
#include "sim/suggest.h"
#include "tests/unit/check.h"

struct arguments {
    const char *chip, *input, *second;
    int64_t tokens, seed;
    bool json;
    int engine;
    struct option_list set;
};

static const struct option options[] = {
    OPTION_OPERAND(struct arguments, input, "INPUT", 1, "what to read"),
    OPTION_OPERAND(struct arguments, second, "SECOND", 0, "another"),
    OPTION_TEXT(struct arguments, chip, "chip", 'c', "NAME", "the chip"),
    OPTION_INTEGER(struct arguments, tokens, "tokens", 'n', "N", 1, 100, "tokens to generate"),
    OPTION_INTEGER(struct arguments, seed, "seed", 0, "N", INT64_MIN, INT64_MAX, "any integer"),
    OPTION_FLAG(struct arguments, json, "json", 'j', "print JSON"),
    OPTION_CHOICE(struct arguments, engine, "engine", 0, "step|skip", "which engine"),
    OPTION_REPEATED(struct arguments, set, "set", 0, "KEY=VALUE", "change a parameter"),
};
static const struct command command = {"try", "tries things", "  etchsim try this\n", options, OPTION_COUNT(options)};

/* Splits the text at spaces, since no test needs a value with one. */
static bool read_line(const char *line, struct arguments *arguments, bool *help, struct error *e)
{
    static char copy[512];
    char *argv[32] = {"try"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    *arguments = (struct arguments){.chip = "sample", .tokens = 7};
    return options_read(&command, argc, argv, arguments, help, e);
}

static void values_reach_their_fields(void)
{
    struct arguments a;
    struct error e;
    bool help;
    REQUIRE_GOOD(read_line("in --chip wide --tokens=100 --json --engine skip --set a=1 --set=b=2 out", &a, &help, &e), &e);
    CHECK_EQ_TEXT(a.input, "in");
    CHECK_EQ_TEXT(a.second, "out");
    CHECK_EQ_TEXT(a.chip, "wide");
    CHECK_EQ_INT(a.tokens, 100);
    CHECK(a.json);
    CHECK_EQ_INT(a.engine, 1);
    REQUIRE(a.set.count == 2);
    CHECK_EQ_TEXT(a.set.items[0], "a=1");
    CHECK_EQ_TEXT(a.set.items[1], "b=2");
    REQUIRE_GOOD(read_line("-cwide -n 3 -- --chip", &a, &help, &e), &e);
    CHECK_EQ_TEXT(a.chip, "wide");
    CHECK_EQ_INT(a.tokens, 3);
    CHECK_EQ_TEXT(a.input, "--chip");
    REQUIRE_GOOD(read_line("x --seed 9223372036854775807", &a, &help, &e), &e);
    CHECK_EQ_INT(a.seed, INT64_MAX);
    REQUIRE_GOOD(read_line("x --seed -9223372036854775808", &a, &help, &e), &e);
    CHECK_EQ_INT(a.seed, INT64_MIN);
    REQUIRE_GOOD(read_line("-", &a, &help, &e), &e);
    CHECK_EQ_TEXT(a.input, "-");
    CHECK_EQ_TEXT(a.chip, "sample");
    CHECK_EQ_INT(a.tokens, 7);
}

static void mistakes_are_named(void)
{
    static const struct {
        const char *line, *expectation;
    } cases[] = {
        {"", "expected INPUT: what to read"},
        {"a b c", "expected no further argument, found 'c'"},
        {"a --chpi x", "there is no option '--chpi'; did you mean '--chip'?"},
        {"a --zzzzzz", "there is no option '--zzzzzz'"},
        {"a -z", "there is no option '-z'"},
        {"a --INPUT x", "there is no option '--INPUT'"},
        {"a --chip", "--chip: expected NAME after it"},
        {"a --json=yes", "--json: expected no value, found 'yes'"},
        {"a -jx", "there is no option '-jx'"},
        {"a --tokens 0", "--tokens: expected 1 to 100, found 0"},
        {"a --tokens 101", "--tokens: expected 1 to 100, found 101"},
        {"a --tokens -5", "--tokens: expected 1 to 100, found -5"},
        {"a --tokens 5x", "--tokens: expected an integer from 1 to 100, found '5x'"},
        {"a --tokens=", "--tokens: expected an integer from 1 to 100, found ''"},
        {"a --tokens 99999999999999999999", "--tokens: expected an integer"},
        {"a --seed 9223372036854775808", "--seed: expected an integer"},
        {"a --engine fast", "--engine: expected one of step|skip, found 'fast'"},
        {"a --engine ste", "--engine: expected one of step|skip, found 'ste'"},
        {"a --chip x --chip y", "--chip: expected once, given twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arguments a;
        struct error e = {0};
        bool help;
        CHECK(!read_line(cases[i].line, &a, &help, &e));
        CHECK_EQ_INT(e.code, EXIT_CODE_INPUT);
        CHECK_CONTAINS(e.message, cases[i].expectation);
    }
}

static void help_lists_every_option(void)
{
    struct arguments a;
    struct error e;
    bool help;
    REQUIRE_GOOD(read_line("--tokens 3 -h", &a, &help, &e), &e); /* before the missing INPUT is told */
    CHECK(help);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    options_help(&command, out);
    fclose(out);
    CHECK_CONTAINS(text, "usage: etchsim try INPUT [SECOND] [options]\n");
    for (size_t i = 0; i < OPTION_COUNT(options); i++) {
        CHECK_CONTAINS(text, options[i].name);
        CHECK_CONTAINS(text, options[i].help);
    }
    free(text);
}

static void suggestions_are_near(void)
{
    CHECK_EQ_UINT(edit_distance("", ""), 0);
    CHECK_EQ_UINT(edit_distance("", "abc"), 3);
    CHECK_EQ_UINT(edit_distance("kitten", "sitting"), 3);
    CHECK_EQ_UINT(edit_distance("chpi", "chip"), 1);
    CHECK_EQ_UINT(edit_distance("LANES", "lanes"), 0);
    struct suggestion s = {0};
    suggest_offer(&s, "xy", "ab");
    CHECK(s.nearest == NULL);
    suggest_offer(&s, "sampel", "sample-wide");
    suggest_offer(&s, "sampel", "sample");
    suggest_offer(&s, "sampel", "samplers");
    CHECK_EQ_TEXT(s.nearest, "sample");
}

void suite_options(void)
{
    suite_begin("options");
    suite_add("values reach their fields", values_reach_their_fields);
    suite_add("mistakes are named", mistakes_are_named);
    suite_add("help lists every option", help_lists_every_option);
    suite_add("suggestions are near", suggestions_are_near);
}
