/* etchsim plot -- pictures of results, by gnuplot. */
#include <stdio.h>

#include "sim/commands.h"
#include "sim/options.h"
#include "sim/plot.h"

struct arguments {
    const char *folder;
};

static const struct option options[] = {
    OPTION_OPERAND(struct arguments, folder, "DIR", 1, "a folder that run, serve or sweep left with --out"),
};

static const struct command command = {"plot", "draw the results in a folder, as PNG and SVG",
                                       "  etchsim run --adapter none --adapter clinical --out /tmp/run && etchsim plot /tmp/run\n"
                                       "  etchsim serve agency15 --out /tmp/served && etchsim plot /tmp/served\n"
                                       "  cd /tmp/run/plots && gnuplot token-time.gp      draws again, after a change of the script\n",
                                       options, OPTION_COUNT(options)};

int cmd_plot(int argc, char **argv)
{
    static struct plots plots;
    struct arguments arguments = {0};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    if (!plots_draw(arguments.folder, &plots, &e)) {
        return command_fail(command.name, &e);
    }
    for (int i = 0; i < plots.count; i++) {
        printf("%s/%s.png\n  %s: %s\n", plots.folder, plots.pictures[i].name, plots.pictures[i].title, plots.pictures[i].caption);
    }
    return EXIT_CODE_GOOD;
}
