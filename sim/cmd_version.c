#include "sim/commands.h"
#include "sim/options.h"
#include "sim/version.h"

int cmd_version(int argc, char **argv)
{
    static const struct command command = {"version", "version of the program, its compiler and libraries", NULL, NULL, 0};
    int exit_code = EXIT_CODE_GOOD;
    if (options_parse(&command, argc, argv, NULL, &exit_code)) {
        version_print(stdout);
    }
    return exit_code;
}
