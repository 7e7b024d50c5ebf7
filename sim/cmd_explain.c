/* etchsim explain -- what binds a run, a point or a sweep, in sentences. */
#include <unistd.h>

#include "sim/commands.h"
#include "sim/explain.h"
#include "sim/options.h"

struct arguments {
    const char *folder;
    int64_t point;
};

static const struct option options[] = {
    OPTION_OPERAND(struct arguments, folder, "DIR", 1, "a folder of `etchsim sweep` or of `etchsim run --out`"),
    OPTION_INTEGER(struct arguments, point, "point", 'p', "N", 0, 100000000, "one point of a sweep (default: the sweep as a whole)"),
};

static const struct command command = {"explain", "what binds a run or a sweep, in sentences",
                                       "  etchsim explain sweep-quick\n"
                                       "  etchsim explain sweep-quick --point 24\n"
                                       "  etchsim run --adapter clinical --out /tmp/run && etchsim explain /tmp/run\n",
                                       options, OPTION_COUNT(options)};

int cmd_explain(int argc, char **argv)
{
    struct arguments arguments = {.point = -1};
    struct error e;
    char path[600];
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    snprintf(path, sizeof path, "%.500s/sweep.sqlite", arguments.folder);
    bool sweep = access(path, F_OK) == 0;
    bool good = sweep                  ? explain_sweep(arguments.folder, arguments.point, stdout, &e)
                : arguments.point >= 0 ? error_input(&e, "--point: expected a folder with sweep.sqlite, %.300s has none", arguments.folder)
                                       : explain_run(arguments.folder, stdout, &e);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}
