/* etchsim physics -- the constants that area, energy and cost are computed from, with their sources. */
#include <stdio.h>
#include <string.h>

#include "sim/commands.h"
#include "sim/options.h"
#include "sim/physics.h"

static void print_constants(const struct physics *p)
{
    printf("constants %s\n", p->name);
    for (int i = 0; i < CONSTANT_COUNT; i++) {
        const struct constant *c = &constants[i];
        if (i == 0 || strcmp(c->section, constants[i - 1].section) != 0) {
            printf("\n%s: %*s %10s %10s %10s  %-13s %s\n", c->section, (int)(26 - strlen(c->section)), "", corner_names[CORNER_LOW],
                   corner_names[CORNER_NOMINAL], corner_names[CORNER_HIGH], "unit", "process");
        }
        printf("  %-26s %10.5g %10.5g %10.5g  %-13s %s\n", c->name, p->given[i].low, p->given[i].nominal, p->given[i].high, c->unit,
               p->given[i].process);
        printf("      %s\n      source: %s\n", c->meaning, p->given[i].source);
    }
}

int cmd_physics(int argc, char **argv)
{
    struct arguments {
        const char *name;
    } arguments = {"n6"};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, name, "NAME|FILE", 0, "a set of constants: a preset (default: n6) or a YAML file")};
    static const struct command command = {"physics", "constants of area, energy and cost, with their sources",
                                           "  etchsim physics\n  etchsim physics /tmp/mine.yaml\n", options, OPTION_COUNT(options)};
    static struct physics physics;
    struct error e;
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    if (!physics_load(arguments.name, &physics, &e)) {
        return command_fail(command.name, &e);
    }
    print_constants(&physics);
    return EXIT_CODE_GOOD;
}
