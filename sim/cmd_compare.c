/* etchsim compare -- a hardwired chip beside machines whose weights stream from memory, and how its advantage changes with the number of users. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chip_auto.h"
#include "sim/commands.h"
#include "sim/compare.h"
#include "sim/options.h"

struct arguments {
    const char *chip, *model, *physics, *users;
    int64_t cards, context, tokens;
    bool json, sources;
    struct option_list set;
};

static const struct option options[] = {
    OPTION_TEXT(struct arguments, chip, "chip", 'c', "NAME|FILE", "the hardwired chip (default: hc1)"),
    OPTION_TEXT(struct arguments, model, "model", 'm', "NAME|FILE",
                "the model that all of them run (default: the one that the chip is made for)"),
    OPTION_TEXT(struct arguments, users, "users", 'u', "N,...", "numbers of users at once (default: 1,8,64)"),
    OPTION_INTEGER(struct arguments, cards, "cards", 0, "N", 1, 1000,
                   "cards of the chip, users are dealt to them (default: those of its server, or 1)"),
    OPTION_INTEGER(struct arguments, context, "context", 0, "N", 2, 1048576, "mean tokens in each user's KV cache (default: 1536)"),
    OPTION_INTEGER(struct arguments, tokens, "tokens", 'n', "N", 2, 1000000, "tokens of each user that are simulated (default: 32)"),
    OPTION_REPEATED(struct arguments, set, "set", 0, "KEY=VALUE", "change a parameter of the chip; `etchsim help parameters` lists them"),
    OPTION_TEXT(struct arguments, physics, "physics", 0, "NAME|FILE", "constants that the chip's energy is computed from (default: n6)"),
    OPTION_FLAG(struct arguments, sources, "sources", 0, "print what the machines are described by instead, each figure with its source"),
    OPTION_FLAG(struct arguments, json, "json", 'j', "print one JSON object instead of text"),
};

static const struct command command = {"compare", "a hardwired chip beside machines whose weights stream from memory",
                                       "  etchsim compare --model llama-3.1-8b --users 1,8,64\n"
                                       "  etchsim compare --chip hc1-server --users 1,10,100,1000\n"
                                       "  etchsim compare --sources\n",
                                       options, OPTION_COUNT(options)};

static bool parse_users(const char *text, struct compare_options *o, struct error *e)
{
    bool more = true;
    o->n_users = 0;
    for (const char *at = text; more; at++) {
        char *end = NULL;
        unsigned long users = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : 0;
        if (users < 1 || users > 1000000 || o->n_users == COMPARE_USERS_MAX || (*end && *end != ',')) {
            return error_input(e, "--users %.100s: expected up to %d numbers from 1 to 1000000, with commas between them", text,
                               COMPARE_USERS_MAX);
        }
        o->users[o->n_users++] = (uint32_t)users;
        more = *end == ',';
        at = end;
    }
    return true;
}

/* --- for people --- */

static void print_row(const char *name, const char *kind, const struct comparison *rates, const struct comparison *chip, uint32_t n)
{
    printf("%-20s %-9s", name, kind);
    for (uint32_t u = 0; u < n; u++) {
        printf("  %9.4g %10.5g%c", rates[u].user_tokens_per_s, rates[u].total_tokens_per_s, rates[u].fits ? ' ' : '*');
        if (chip) {
            printf(" %8.4g", chip[u].user_tokens_per_s / rates[u].user_tokens_per_s);
        } else {
            printf(" %8s", "1");
        }
    }
    for (uint32_t u = 0; u < n; u++) {
        printf(" %9.3g", 1e3 * rates[u].joules_per_token);
    }
    printf("\n");
}

static void print_text(const struct compare *c, const struct compare_options *o)
{
    printf("%s, %" PRIu32 " tokens of context; %" PRIu32 " card%s of %s serve%s %" PRIu32 " users together, the others wait\n\n",
           c->model_name, o->context_tokens, o->cards, o->cards == 1 ? "" : "s", c->chip_name, o->cards == 1 ? "s" : "", c->chip_sequences);
    printf("%-20s %-9s", "tokens/s", "");
    for (uint32_t u = 0; u < o->n_users; u++) {
        char title[32];
        snprintf(title, sizeof title, "%" PRIu32 " user%s", o->users[u], o->users[u] == 1 ? "" : "s");
        printf("  %-30s", title);
    }
    printf(" mJ/token\n%-20s %-9s", "machine", "kind");
    for (uint32_t u = 0; u < o->n_users; u++) {
        printf("  %9s %10s  %8s", "each", "total", "behind");
    }
    for (uint32_t u = 0; u < o->n_users; u++) {
        printf(" %9" PRIu32, o->users[u]);
    }
    printf("\n");
    print_row(c->chip_name, "simulated", c->chip, NULL, o->n_users);
    for (uint32_t m = 0; m < c->n_machines; m++) {
        print_row(c->machines[m].name, "analytic", c->machine[m], c->chip, o->n_users);
    }
    printf("\nbehind: the chip's tokens/s over the machine's. *: not all fit; the chip's users wait their turn, a machine's rate is as if "
           "they did.\n"
           "analytic: a formula of bandwidth, compute and fixed times, not cycle-accurate (docs/validation.md). mJ/token: chip with its "
           "card%s,\n"
           "nominal constants; machines at their power while they generate.\n",
           c->with_server ? ", those at rest and the host included, at the wall" : "");
}

static void print_sources(const struct compare *c)
{
    for (uint32_t m = 0; m < c->n_machines; m++) {
        const struct comparator *machine = &c->machines[m];
        printf("%s%s\n", m ? "\n" : "", machine->name);
        for (int i = 0; i < QUANTITY_COUNT; i++) {
            printf("  %-20s %12.6g %-8s %-9s %s\n", quantities[i].name, *(const double *)((const char *)machine + quantities[i].offset),
                   quantities[i].unit, grade_names[machine->note[i].grade], machine->note[i].source);
        }
    }
}

/* --- JSON --- */

static cJSON *json_machine(const char *name, const char *kind, const struct comparison *rates, const struct comparison *chip,
                           const struct compare_options *o)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "machine", name);
    cJSON_AddStringToObject(json, "kind", kind);
    cJSON *list = cJSON_AddArrayToObject(json, "rates");
    for (uint32_t u = 0; u < o->n_users; u++) {
        cJSON *rate = cJSON_CreateObject();
        cJSON_AddNumberToObject(rate, "users", o->users[u]);
        cJSON_AddNumberToObject(rate, "user_tokens_per_second", rates[u].user_tokens_per_s);
        cJSON_AddNumberToObject(rate, "total_tokens_per_second", rates[u].total_tokens_per_s);
        cJSON_AddNumberToObject(rate, "energy_mj_per_token", 1e3 * rates[u].joules_per_token);
        cJSON_AddBoolToObject(rate, "fits", rates[u].fits);
        cJSON_AddNumberToObject(rate, "chip_advantage", chip[u].user_tokens_per_s / rates[u].user_tokens_per_s);
        cJSON_AddItemToArray(list, rate);
    }
    return json;
}

static void print_json(const struct compare *c, const struct compare_options *o)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "schema", "etchsim-compare-1");
    cJSON_AddStringToObject(root, "model", c->model_name);
    cJSON_AddNumberToObject(root, "context_tokens", o->context_tokens);
    cJSON_AddNumberToObject(root, "cards", o->cards);
    cJSON_AddNumberToObject(root, "chip_users", c->chip_sequences);
    cJSON_AddBoolToObject(root, "energy_with_server", c->with_server);
    cJSON *machines = cJSON_AddArrayToObject(root, "machines");
    cJSON_AddItemToArray(machines, json_machine(c->chip_name, "simulated", c->chip, c->chip, o));
    for (uint32_t m = 0; m < c->n_machines; m++) {
        cJSON_AddItemToArray(machines, json_machine(c->machines[m].name, "analytic", c->machine[m], c->chip, o));
    }
    char *text = cJSON_Print(root);
    printf("%s\n", text);
    free(text);
    cJSON_Delete(root);
}

/* What is not given, the chip's file says. */
static bool choose(const struct arguments *a, struct compare_options *o, struct chip_config *chip, struct error *e)
{
    config_defaults(chip);
    if (!chip_is_auto(a->chip) && !config_load(a->chip, chip, e)) {
        return false;
    }
    o->model = a->model ? a->model : config_model(chip);
    o->cards = a->cards ? (uint32_t)a->cards : chip->server_cards ? chip->server_cards : 1;
    return true;
}

int cmd_compare(int argc, char **argv)
{
    struct arguments a = {.chip = "hc1", .physics = "n6", .users = "1,8,64", .context = 1536, .tokens = 32};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &a, &exit_code)) {
        return exit_code;
    }
    struct compare_options o = {.chip = a.chip,
                                .model = a.model,
                                .physics = a.physics,
                                .set = a.set.items,
                                .n_set = a.set.count,
                                .cards = (uint32_t)a.cards,
                                .context_tokens = (uint32_t)a.context,
                                .tokens = (uint32_t)a.tokens};
    struct compare compare;
    struct chip_config chip;
    struct error e;
    if (!parse_users(a.users, &o, &e) || !choose(&a, &o, &chip, &e) || !compare_run(&o, &compare, &e)) {
        return command_fail(command.name, &e);
    }
    if (a.sources) {
        print_sources(&compare);
    } else if (a.json) {
        print_json(&compare, &o);
    } else {
        print_text(&compare, &o);
    }
    compare_free(&compare);
    return EXIT_CODE_GOOD;
}
