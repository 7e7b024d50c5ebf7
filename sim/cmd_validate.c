/* etchsim validate -- published figures beside ours, with error and tolerance; exit code 1 when one is broken. */
#include <inttypes.h>
#include <stdio.h>

#include "sim/commands.h"
#include "sim/options.h"
#include "sim/validate.h"

static void print_row(const struct validation_row *r, bool sources)
{
    char tolerance[48], range[64] = "";
    if (r->bracket) {
        snprintf(tolerance, sizeof tolerance, "bracket");
        snprintf(range, sizeof range, " [%.4g, %.4g]", r->low, r->high);
    } else {
        snprintf(tolerance, sizeof tolerance, "%g %%", r->within_percent);
    }
    printf("%-58s %-12s %12.6g %12.6g %+8.2f %%  %-8s %-4s %s%s%s%s\n", r->quantity, r->unit, r->published, r->ours, r->error_percent,
           tolerance, r->holds ? "ok" : "NO", r->calibration ? "calibration: " : "validation", r->calibration ? r->fitted : "",
           r->bracket ? ";" : "", range);
    if (sources) {
        printf("    source: %s\n", r->source);
    }
}

int cmd_validate(int argc, char **argv)
{
    struct arguments {
        const char *file;
        bool sources;
    } arguments = {0};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, file, "FILE", 0, "rows to compute (default: configs/validation.yaml; docs/validation.md)"),
        OPTION_FLAG(struct arguments, sources, "sources", 0, "print who published each figure, too"),
    };
    static const struct command command = {"validate", "published figures beside ours: error, tolerance, what was fitted",
                                           "  etchsim validate\n  etchsim validate --sources\n", options, OPTION_COUNT(options)};
    struct validation v;
    struct error e;
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    if (!validation_load(arguments.file, &v, &e)) {
        return command_fail(command.name, &e);
    }
    bool good = validation_run(&v, &e);
    if (good) {
        printf("%-58s %-12s %12s %12s %10s  %-8s %-4s %s\n", "quantity", "unit", "published", "ours", "error", "within", "", "kind");
        for (uint32_t i = 0; i < v.n_rows; i++) {
            print_row(&v.rows[i], arguments.sources);
        }
        printf("%" PRIu32 " of %" PRIu32 " figures are within their tolerance\n", v.n_rows - v.n_broken, v.n_rows);
    }
    if (good && v.n_broken) {
        good = error_check(&e, "%" PRIu32 " figure%s outside the tolerance", v.n_broken, v.n_broken == 1 ? " is" : "s are");
    }
    validation_free(&v);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}
