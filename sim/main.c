/* main.c -- the program `etchsim`: finds the command and leaves the rest to libetchsim. */
#include <stdio.h>
#include <string.h>

#include "sim/commands.h"
#include "sim/config.h"
#include "sim/metrics.h"
#include "sim/options.h"
#include "sim/suggest.h"

static const struct entry {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} entries[] = {
#define COMMAND(name, summary) {#name, summary, cmd_##name},
#include "sim/commands.def"
#undef COMMAND
};
enum { ENTRY_COUNT = sizeof entries / sizeof entries[0] };

static void print_help(FILE *out)
{
    fputs("etchsim simulates chips with a language model etched into mask ROM, cycle by cycle.\n"
          "\n"
          "examples:\n"
          "  etchsim run --prompt 'Once upon a time' --tokens 32     the sample model on the sample chip\n"
          "  etchsim run --chip sample-wide --json                   another chip, results as JSON\n"
          "  etchsim run --set lora.lanes=128 --set sram.ports=2     the sample chip, changed\n"
          "  etchsim list                                            what else there is to run\n"
          "  etchsim help parameters                                 what a chip is described by\n"
          "\n"
          "commands:\n",
          out);
    for (int i = 0; i < ENTRY_COUNT; i++) {
        fprintf(out, "  %-10s %s\n", entries[i].name, entries[i].summary);
    }
    fputs("\n`etchsim COMMAND --help` lists a command's options.\n"
          "exit codes: 0 good; 1 a check failed; 2 bad input; 3 internal error\n",
          out);
}

static const struct entry *find(const char *name)
{
    for (int i = 0; i < ENTRY_COUNT; i++) {
        if (strcmp(entries[i].name, name) == 0) {
            return &entries[i];
        }
    }
    return NULL;
}

static int unknown_command(const char *name)
{
    struct suggestion nearest = {0};
    struct error e;
    char hint[128];
    for (int i = 0; i < ENTRY_COUNT; i++) {
        suggest_offer(&nearest, name, entries[i].name);
    }
    error_input(&e, "there is no command '%.100s'%s (etchsim --help lists them)", name, suggest_text(&nearest, hint, sizeof hint));
    return command_fail(NULL, &e);
}

int cmd_help(int argc, char **argv)
{
    struct arguments {
        const char *topic;
    } arguments = {NULL};
    static const struct option options[] = {OPTION_OPERAND(
        struct arguments, topic, "TOPIC", 0, "a command, 'parameters': the list of a chip's parameters, or 'metrics': of a run's results")};
    static const struct command command = {"help", "explains a command, or the parameters of a chip", NULL, options, OPTION_COUNT(options)};
    int exit_code;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    if (!arguments.topic) {
        print_help(stdout);
    } else if (strcmp(arguments.topic, "parameters") == 0) {
        config_help(stdout);
    } else if (strcmp(arguments.topic, "metrics") == 0) {
        metrics_help(stdout);
    } else {
        const struct entry *entry = find(arguments.topic);
        char help[] = "--help";
        char *argv_help[] = {argv[0], help, NULL};
        return entry ? entry->run(2, argv_help) : unknown_command(arguments.topic);
    }
    return EXIT_CODE_GOOD;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_CODE_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_CODE_GOOD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        char name[] = "version";
        return cmd_version(1, (char *[]){name, NULL});
    }
    const struct entry *entry = find(argv[1]);
    return entry ? entry->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    int exit_code = dispatch(argc, argv);
    /* A full disk or a closed pipe must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("etchsim: cannot write the results");
        return exit_code == EXIT_CODE_GOOD ? EXIT_CODE_INPUT : exit_code;
    }
    return exit_code;
}
