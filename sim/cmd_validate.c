/* etchsim validate -- published figures beside ours, with error and tolerance; exit code 1 when one is broken that no row owns up to. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/commands.h"
#include "sim/options.h"
#include "sim/validate.h"

/* Whether the row says what is the case. */
static const char *verdict(const struct validation_row *r)
{
    return r->miss[0] ? r->holds ? "HOLDS" : "miss" : r->holds ? "ok" : "NO";
}

static void print_row(const struct validation_row *r, bool sources)
{
    char tolerance[48], range[64] = "";
    if (r->bracket) {
        snprintf(tolerance, sizeof tolerance, "likely");
        snprintf(range, sizeof range, "; likely %.4g to %.4g", r->low, r->high);
    } else {
        snprintf(tolerance, sizeof tolerance, "%g %%", r->within_percent);
    }
    printf("%-58s %-12s %12.6g %12.6g %+8.2f %%  %-8s %-5s %s%s%s\n", r->quantity, r->unit, r->published, r->ours, r->error_percent,
           tolerance, verdict(r), r->calibration ? "calibration: " : "validation", r->calibration ? r->fitted : "", range);
    if (r->miss[0]) {
        printf("    %s: %s\n", r->holds ? "no longer true" : "why", r->miss);
    }
    if (sources) {
        printf("    source: %s\n", r->source);
    }
}

static void print_sum(const struct validation *v)
{
    uint32_t hold = 0, validations = 0, validations_hold = 0;
    for (uint32_t i = 0; i < v->n_rows; i++) {
        hold += v->rows[i].holds;
        validations += !v->rows[i].calibration;
        validations_hold += !v->rows[i].calibration && v->rows[i].holds;
    }
    printf("%" PRIu32 " of %" PRIu32 " figures hold: %" PRIu32 " of %" PRIu32 " validations, %" PRIu32 " of %" PRIu32 " calibrations", hold,
           v->n_rows, validations_hold, validations, hold - validations_hold, v->n_rows - validations);
    if (v->n_missed) {
        printf("; %" PRIu32 " known miss%s, each with its reason", v->n_missed, v->n_missed == 1 ? "" : "es");
    }
    putchar('\n');
}

/* --- JSON --- */

static cJSON *json_row(const struct validation_row *r)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "quantity", r->quantity);
    cJSON_AddStringToObject(json, "unit", r->unit);
    cJSON_AddNumberToObject(json, "published", r->published);
    cJSON_AddNumberToObject(json, "ours", r->ours);
    cJSON_AddNumberToObject(json, "error_percent", r->error_percent);
    cJSON_AddStringToObject(json, "kind", r->calibration ? "calibration" : "validation");
    if (r->calibration) {
        cJSON_AddStringToObject(json, "fitted", r->fitted);
    }
    if (r->bracket) {
        cJSON_AddNumberToObject(json, "likely_low", r->low);
        cJSON_AddNumberToObject(json, "likely_high", r->high);
    } else {
        cJSON_AddNumberToObject(json, "within_percent", r->within_percent);
    }
    cJSON_AddBoolToObject(json, "holds", r->holds);
    if (r->miss[0]) {
        cJSON_AddStringToObject(json, "miss", r->miss);
    }
    cJSON_AddStringToObject(json, "source", r->source);
    return json;
}

static void print_json(const struct validation *v)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "schema", "etchsim-validate-1");
    cJSON_AddNumberToObject(root, "known_misses", v->n_missed);
    cJSON_AddNumberToObject(root, "not_as_they_say", v->n_broken);
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (uint32_t i = 0; i < v->n_rows; i++) {
        cJSON_AddItemToArray(rows, json_row(&v->rows[i]));
    }
    char *text = cJSON_Print(root);
    printf("%s\n", text);
    free(text);
    cJSON_Delete(root);
}

static void print_text(const struct validation *v, bool sources)
{
    printf("%-58s %-12s %12s %12s %10s  %-8s %-5s %s\n", "quantity", "unit", "published", "ours", "error", "within", "", "kind");
    for (uint32_t i = 0; i < v->n_rows; i++) {
        print_row(&v->rows[i], sources);
    }
    print_sum(v);
}

int cmd_validate(int argc, char **argv)
{
    struct arguments {
        const char *file;
        bool sources, json;
    } arguments = {0};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, file, "FILE", 0, "rows to compute (default: configs/validation.yaml; docs/validation.md)"),
        OPTION_FLAG(struct arguments, sources, "sources", 0, "print who published each figure, too"),
        OPTION_FLAG(struct arguments, json, "json", 'j', "print one JSON object instead of text"),
    };
    static const struct command command = {"validate", "published figures beside ours: error, tolerance, what was fitted, what misses",
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
        if (arguments.json) {
            print_json(&v);
        } else {
            print_text(&v, arguments.sources);
        }
    }
    if (good && v.n_broken) {
        good =
            error_check(&e, "%" PRIu32 " figure%s not as the row says (NO: outside the tolerance; HOLDS: within, though `miss` is given)",
                        v.n_broken, v.n_broken == 1 ? " is" : "s are");
    }
    validation_free(&v);
    return good ? EXIT_CODE_GOOD : command_fail(command.name, &e);
}
