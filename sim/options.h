/* options.h -- the command line: one table per command gives the parsing, the --help text and the errors.
 *
 *   struct arguments { const char *chip; int64_t tokens; bool json; struct option_list set; };
 *   static const struct option options[] = {
 *       OPTION_TEXT(struct arguments, chip, "chip", 'c', "NAME|FILE", "the chip: a preset or a YAML file"),
 *       OPTION_INTEGER(struct arguments, tokens, "tokens", 'n', "N", 1, 1000000, "tokens to generate"),
 *       OPTION_FLAG(struct arguments, json, "json", 0, "print one JSON object"),
 *       OPTION_REPEATED(struct arguments, set, "set", 0, "KEY=VALUE", "change a parameter of the chip"),
 *   };
 *   static const struct command command = {"run", "generate tokens on a simulated chip", examples, options, OPTION_COUNT(options)};
 *   struct arguments arguments = {.chip = "sample", .tokens = 64};           what isn't given keeps its value
 *   int exit_code;
 *   if (!options_parse(&command, argc, argv, &arguments, &exit_code)) { return exit_code; }
 */
#ifndef ETCHSIM_OPTIONS_H
#define ETCHSIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/error.h"

enum option_kind { OPTION_KIND_FLAG, OPTION_KIND_TEXT, OPTION_KIND_INTEGER, OPTION_KIND_CHOICE, OPTION_KIND_REPEATED, OPTION_KIND_OPERAND };

enum { OPTION_LIST_MAX = 1024 };
struct option_list { /* an option given several times, in order */
    const char *items[OPTION_LIST_MAX];
    int32_t count;
};

struct option {
    enum option_kind kind;
    const char *name;     /* without the dashes */
    char letter;          /* 0: no short form */
    const char *argument; /* what stands for the value in the help; for a CHOICE the words, "step|skip" */
    int64_t low, high;    /* INTEGER; for an OPERAND low is 1 if it must be given */
    const char *help;
    size_t offset; /* of the target in the command's struct */
};

#define OPTION_FLAG(type, field, name, letter, help)                            \
    {                                                                           \
        OPTION_KIND_FLAG, name, letter, NULL, 0, 0, help, offsetof(type, field) \
    } /* bool */
#define OPTION_TEXT(type, field, name, letter, argument, help)                      \
    {                                                                               \
        OPTION_KIND_TEXT, name, letter, argument, 0, 0, help, offsetof(type, field) \
    } /* const char * */
#define OPTION_INTEGER(type, field, name, letter, argument, low, high, help)                \
    {                                                                                       \
        OPTION_KIND_INTEGER, name, letter, argument, low, high, help, offsetof(type, field) \
    } /* int64_t */
#define OPTION_CHOICE(type, field, name, letter, words, help)                      \
    {                                                                              \
        OPTION_KIND_CHOICE, name, letter, words, 0, 0, help, offsetof(type, field) \
    } /* int, the word's index */
#define OPTION_REPEATED(type, field, name, letter, argument, help)                      \
    {                                                                                   \
        OPTION_KIND_REPEATED, name, letter, argument, 0, 0, help, offsetof(type, field) \
    } /* struct option_list */
/* An argument without a dash; several are filled in the table's order. */
#define OPTION_OPERAND(type, field, name, required, help)                            \
    {                                                                                \
        OPTION_KIND_OPERAND, name, 0, name, required, 0, help, offsetof(type, field) \
    } /* const char * */
#define OPTION_COUNT(options) (sizeof(options) / sizeof(options)[0])

struct command {
    const char *name;     /* after "etchsim", for instance "run" or "adapter inspect" */
    const char *summary;  /* one line */
    const char *examples; /* for the help, lines that start with two spaces; may be NULL */
    const struct option *options;
    size_t option_count;
};

/* argv[0] is the command's own name. Understands --name value, --name=value, -x value, -xvalue, -- and --help. False: done already, by an
 * error (told on stderr, *exit_code is 2) or by --help (printed, 0). An option given twice is an error, unless it is REPEATED. */
bool options_parse(const struct command *command, int argc, char **argv, void *arguments, int *exit_code);
/* The parsing alone: false and *e filled for bad input; *help set (and true returned) when --help was met. */
bool options_read(const struct command *command, int argc, char **argv, void *arguments, bool *help, struct error *e);
void options_help(const struct command *command, FILE *out);

/* Tells an error on stderr, as "etchsim run: ...", and gives the exit code for it. */
int command_fail(const char *command, const struct error *e);

#endif
