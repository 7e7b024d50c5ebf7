/* etchsim report -- results as one HTML page. */
#include <stdio.h>

#include "sim/commands.h"
#include "sim/options.h"
#include "sim/report_page.h"

struct arguments {
    const char *folder;
};

static const struct option options[] = {
    OPTION_OPERAND(struct arguments, folder, "DIR", 1, "a folder that run, serve or sweep left with --out"),
};

static const struct command command = {"report", "one HTML page of the results in a folder, to read and to hand on",
                                       "  etchsim run --adapter none --adapter clinical --out /tmp/run && etchsim report /tmp/run\n"
                                       "  etchsim serve agency15 --out /tmp/served && etchsim report /tmp/served\n",
                                       options, OPTION_COUNT(options)};

int cmd_report(int argc, char **argv)
{
    struct arguments arguments = {0};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    if (!report_page(arguments.folder, &e)) {
        return command_fail(command.name, &e);
    }
    printf("%s/report.html\n", arguments.folder);
    return EXIT_CODE_GOOD;
}
