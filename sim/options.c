#include "sim/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/suggest.h"

enum { OPTIONS_MAX = 64 };

struct parse {
    const struct command *command;
    int argc, index;
    char **argv;
    char *arguments; /* the command's struct */
    bool given[OPTIONS_MAX];
    bool only_operands; /* after -- */
    struct error *e;
};

/* --- finding --- */

static const struct option *find_long(const struct parse *p, const char *name, size_t length)
{
    for (size_t i = 0; i < p->command->option_count; i++) {
        const struct option *o = &p->command->options[i];
        if (o->kind != OPTION_KIND_OPERAND && strlen(o->name) == length && memcmp(o->name, name, length) == 0) {
            return o;
        }
    }
    return NULL;
}

static const struct option *find_letter(const struct parse *p, char letter)
{
    for (size_t i = 0; i < p->command->option_count; i++) {
        if (p->command->options[i].letter && p->command->options[i].letter == letter) {
            return &p->command->options[i];
        }
    }
    return NULL;
}

static const struct option *next_operand(const struct parse *p)
{
    for (size_t i = 0; i < p->command->option_count; i++) {
        if (p->command->options[i].kind == OPTION_KIND_OPERAND && !p->given[i]) {
            return &p->command->options[i];
        }
    }
    return NULL;
}

static bool unknown_option(const struct parse *p, const char *argument)
{
    char name[SUGGEST_LENGTH_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    struct suggestion nearest = {0};
    for (size_t i = 0; i < p->command->option_count && argument[1] == '-'; i++) {
        if (p->command->options[i].kind != OPTION_KIND_OPERAND) {
            suggest_offer(&nearest, name, p->command->options[i].name);
        }
    }
    char dashed[SUGGEST_LENGTH_MAX + 8], hint[128];
    if (nearest.nearest) {
        snprintf(dashed, sizeof dashed, "--%s", nearest.nearest);
        nearest.nearest = dashed;
    }
    return error_input(p->e, "there is no option '%.100s'%s", argument, suggest_text(&nearest, hint, sizeof hint));
}

/* --- values --- */

static bool store_integer(const struct parse *p, const struct option *o, const char *value)
{
    const char *digits = value + (value[0] == '-');
    size_t n = strspn(digits, "0123456789");
    errno = 0;
    int64_t number = strtoll(value, NULL, 10);
    if (n == 0 || digits[n] != '\0' || errno == ERANGE) {
        return error_input(p->e, "--%s: expected an integer from %" PRId64 " to %" PRId64 ", found '%.100s'", o->name, o->low, o->high,
                           value);
    }
    if (number < o->low || number > o->high) {
        return error_input(p->e, "--%s: expected %" PRId64 " to %" PRId64 ", found %" PRId64, o->name, o->low, o->high, number);
    }
    *(int64_t *)(void *)(p->arguments + o->offset) = number;
    return true;
}

static bool store_choice(const struct parse *p, const struct option *o, const char *value)
{
    int index = 0;
    for (const char *word = o->argument;; index++) {
        size_t length = strcspn(word, "|");
        if (strlen(value) == length && memcmp(word, value, length) == 0) {
            *(int *)(void *)(p->arguments + o->offset) = index;
            return true;
        }
        if (word[length] == '\0') {
            return error_input(p->e, "--%s: expected one of %s, found '%.100s'", o->name, o->argument, value);
        }
        word += length + 1;
    }
}

static bool store_repeated(const struct parse *p, const struct option *o, const char *value)
{
    struct option_list *list = (struct option_list *)(void *)(p->arguments + o->offset);
    if (list->count == OPTION_LIST_MAX) {
        return error_input(p->e, "--%s: expected at most %d times", o->name, OPTION_LIST_MAX);
    }
    list->items[list->count++] = value;
    return true;
}

static bool store(struct parse *p, const struct option *o, const char *value)
{
    bool *given = &p->given[o - p->command->options];
    if (*given && o->kind != OPTION_KIND_REPEATED) {
        return error_input(p->e, "--%s: expected once, given twice", o->name);
    }
    *given = true;
    switch (o->kind) {
    case OPTION_KIND_FLAG: *(bool *)(void *)(p->arguments + o->offset) = true; return true;
    case OPTION_KIND_INTEGER: return store_integer(p, o, value);
    case OPTION_KIND_CHOICE: return store_choice(p, o, value);
    case OPTION_KIND_REPEATED: return store_repeated(p, o, value);
    default: *(const char **)(void *)(p->arguments + o->offset) = value; return true;
    }
}

/* --- arguments --- */

/* `attached`: the value that came with the option itself, or NULL. */
static bool take_option(struct parse *p, const struct option *o, const char *attached)
{
    if (o->kind == OPTION_KIND_FLAG) {
        return attached ? error_input(p->e, "--%s: expected no value, found '%.100s'", o->name, attached) : store(p, o, NULL);
    }
    if (!attached && p->index + 1 == p->argc) {
        return error_input(p->e, "--%s: expected %s after it", o->name, o->argument);
    }
    return store(p, o, attached ? attached : p->argv[++p->index]);
}

static bool take_argument(struct parse *p)
{
    const char *argument = p->argv[p->index];
    if (p->only_operands || argument[0] != '-' || argument[1] == '\0') {
        const struct option *o = next_operand(p);
        return o ? store(p, o, argument) : error_input(p->e, "expected no further argument, found '%.100s'", argument);
    }
    if (argument[1] == '-') {
        size_t length = strcspn(argument + 2, "=");
        const struct option *o = find_long(p, argument + 2, length);
        return o ? take_option(p, o, argument[2 + length] ? argument + 3 + length : NULL) : unknown_option(p, argument);
    }
    const struct option *o = find_letter(p, argument[1]);
    if (!o || (o->kind == OPTION_KIND_FLAG && argument[2])) {
        return unknown_option(p, argument);
    }
    return take_option(p, o, argument[2] ? argument + 2 : NULL);
}

bool options_read(const struct command *command, int argc, char **argv, void *arguments, bool *help, struct error *e)
{
    ES_ASSERT(command->option_count <= OPTIONS_MAX);
    struct parse p = {.command = command, .argc = argc, .argv = argv, .arguments = arguments, .e = e};
    *help = false;
    for (p.index = 1; p.index < argc; p.index++) {
        const char *argument = argv[p.index];
        if (!p.only_operands && strcmp(argument, "--") == 0) {
            p.only_operands = true;
        } else if (!p.only_operands && (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)) {
            *help = true;
            return true;
        } else if (!take_argument(&p)) {
            return false;
        }
    }
    const struct option *missing = next_operand(&p);
    return !missing || !missing->low || error_input(e, "expected %s: %s", missing->name, missing->help);
}

bool options_parse(const struct command *command, int argc, char **argv, void *arguments, int *exit_code)
{
    struct error e;
    bool help;
    if (!options_read(command, argc, argv, arguments, &help, &e)) {
        *exit_code = command_fail(command->name, &e);
        fprintf(stderr, "etchsim %s --help explains it.\n", command->name);
        return false;
    }
    if (help) {
        options_help(command, stdout);
        *exit_code = EXIT_CODE_GOOD;
    }
    return !help;
}

/* --- help --- */

static void help_option(const struct option *o, FILE *out)
{
    char left[80], letter[8] = "    ";
    if (o->letter) {
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    }
    if (o->kind == OPTION_KIND_OPERAND) {
        snprintf(left, sizeof left, "%s", o->name);
    } else {
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    }
    fprintf(out, "  %-32s %s%s\n", left, o->help, o->kind == OPTION_KIND_REPEATED ? " (repeatable)" : "");
}

void options_help(const struct command *command, FILE *out)
{
    fprintf(out, "etchsim %s: %s\n\nusage: etchsim %s", command->name, command->summary, command->name);
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].kind == OPTION_KIND_OPERAND) {
            fprintf(out, command->options[i].low ? " %s" : " [%s]", command->options[i].name);
        }
    }
    fprintf(out, " [options]\n");
    if (command->examples) {
        fprintf(out, "\nexamples:\n%s", command->examples);
    }
    fprintf(out, "\n");
    for (size_t i = 0; i < command->option_count; i++) {
        help_option(&command->options[i], out);
    }
    fprintf(out, "  %-32s %s\n", "-h, --help", "this text");
}

int command_fail(const char *command, const struct error *e)
{
    fprintf(stderr, "etchsim%s%s: %s\n", command ? " " : "", command ? command : "", e->message);
    return (int)e->code;
}
