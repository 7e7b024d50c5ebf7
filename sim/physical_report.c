#include "sim/physical_report.h"

#include <string.h>

#include "sim/chip.h"
#include "sim/request.h"

static void corners_of(const struct physics *physics, const struct silicon *silicon, const struct activity *activity,
                       struct physical corners[CORNERS])
{
    for (enum corner c = 0; c < CORNERS; c++) {
        physical_die(&physics->corner[c], silicon, &corners[c]);
        physical_run(&physics->corner[c], silicon, activity, &corners[c]);
    }
}

void physical_corners(const struct physics *physics, const struct chip *chip, int64_t rom_bits, const struct request *requests,
                      uint32_t n_requests, struct physical corners[CORNERS])
{
    struct silicon silicon;
    struct activity activity;
    silicon_count(&chip->config, &chip->shape, rom_bits, &silicon);
    activity_count(chip, requests, n_requests, &activity);
    corners_of(physics, &silicon, &activity, corners);
}

void estimate_make(const struct physics *physics, const struct silicon *silicon, const struct activity *activity, const bool *held,
                   struct estimate *e)
{
    e->physics = physics;
    corners_of(physics, silicon, activity, e->corner);
    uncertainty_of(physics, silicon, activity, held, &e->uncertainty);
    e->cards = silicon->cards;
    e->tokens_per_s = activity->seconds > 0 ? activity->generated_tokens / activity->seconds : 0;
}

void estimate_of(const struct physics *physics, const struct chip *chip, int64_t rom_bits, const struct request *requests,
                 uint32_t n_requests, const bool *held, struct estimate *e)
{
    struct silicon silicon;
    struct activity activity;
    silicon_count(&chip->config, &chip->shape, rom_bits, &silicon);
    activity_count(chip, requests, n_requests, &activity);
    estimate_make(physics, &silicon, &activity, held, e);
}

/* -- for people -- */

static void print_shares(const char *title, const double parts[COMPONENTS], double all, FILE *out)
{
    const char *before = "";
    fprintf(out, "  %s: ", title);
    for (int i = 0; i < COMPONENTS; i++) {
        if (all > 0 && parts[i] >= 0.005 * all) {
            fprintf(out, "%s%s %.0f %%", before, component_labels[i], 100 * parts[i] / all);
            before = ", ";
        }
    }
    fputc('\n', out);
}

/* "card (W) moved most by: rom.add_pj 60 to 110, ..."; of the other results in JSON. */
static void print_most(const struct uncertainty *u, int result, FILE *out)
{
    enum { SHOWN = 3 };
    int most[SHOWN], n = uncertainty_most(u, result, most, SHOWN);
    fprintf(out, "  %s (%s) moved most by:", physical_results[result].meaning, physical_results[result].unit);
    for (int i = 0; i < n; i++) {
        const struct constant *c = &constants[most[i]];
        fprintf(out, "%s %s.%s %.4g to %.4g", i ? "," : "", c->section, c->name, u->alone[result][most[i]].low,
                u->alone[result][most[i]].high);
    }
    fputc('\n', out);
}

void estimate_print(const struct estimate *e, FILE *out)
{
    const struct physical *low = &e->corner[CORNER_LOW], *nominal = &e->corner[CORNER_NOMINAL], *high = &e->corner[CORNER_HIGH];
    const struct uncertainty *u = &e->uncertainty;
    fprintf(out, "area, energy, cost (constants %s)%*s %11s %11s %11s %11s %11s\n", e->physics->name, (int)(10 - strlen(e->physics->name)),
            "", "lowest", "likely from", "nominal", "likely to", "highest");
    for (int i = 0; i < PHYSICAL_RESULTS; i++) {
        const struct physical_result *r = &physical_results[i];
        if (r->shown && r->value(high) != 0) {
            fprintf(out, "  %-24s %-12s %11.4g %11.4g %11.4g %11.4g %11.4g\n", r->meaning, r->unit, r->value(low), u->likely[i].low,
                    r->value(nominal), u->likely[i].high, r->value(high));
        }
    }
    print_shares("nominal area", nominal->area_mm2, nominal->die_mm2, out);
    print_shares("nominal energy for what moved", nominal->dynamic_j, nominal->run_dynamic_j, out);
    print_most(u, PHYSICAL_area_mm2, out);
    if (e->tokens_per_s > 0) {
        print_most(u, e->cards > 0 ? PHYSICAL_server_w : PHYSICAL_card_w, out);
    }
    if (e->cards > 0) {
        fprintf(out, "  a server of %.0f cards, on average as busy as this: %.0f tokens/s over the run\n", e->cards,
                e->cards * e->tokens_per_s);
    }
}

/* -- JSON -- */

static void add_bracket(cJSON *object, const char *key, const struct physical corners[CORNERS], size_t offset, double factor)
{
    cJSON *bracket = cJSON_AddObjectToObject(object, key);
    for (enum corner c = 0; c < CORNERS; c++) {
        cJSON_AddNumberToObject(bracket, corner_names[c], *(const double *)((const char *)&corners[c] + offset) * factor);
    }
}

static void add_most(cJSON *json, const struct uncertainty *u)
{
    enum { MOST = 8 };
    cJSON *all = cJSON_AddObjectToObject(json, "moved_most_by");
    for (int r = 0; r < PHYSICAL_RESULTS; r++) {
        int most[MOST], n = uncertainty_most(u, r, most, MOST);
        cJSON *list = cJSON_AddArrayToObject(all, physical_results[r].name);
        for (int i = 0; i < n; i++) {
            char name[64];
            cJSON *item = cJSON_CreateObject();
            snprintf(name, sizeof name, "%s.%s", constants[most[i]].section, constants[most[i]].name);
            cJSON_AddStringToObject(item, "constant", name);
            cJSON_AddNumberToObject(item, "low", u->alone[r][most[i]].low);
            cJSON_AddNumberToObject(item, "high", u->alone[r][most[i]].high);
            cJSON_AddItemToArray(list, item);
        }
    }
}

cJSON *estimate_json(const struct estimate *e)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "constants", e->physics->name);
    for (int i = 0; i < PHYSICAL_RESULTS; i++) {
        cJSON *bracket = cJSON_AddObjectToObject(json, physical_results[i].name);
        for (enum corner c = 0; c < CORNERS; c++) {
            cJSON_AddNumberToObject(bracket, corner_names[c], physical_results[i].value(&e->corner[c]));
        }
        cJSON_AddNumberToObject(bracket, "likely_low", e->uncertainty.likely[i].low);
        cJSON_AddNumberToObject(bracket, "likely_high", e->uncertainty.likely[i].high);
    }
    cJSON *components = cJSON_AddObjectToObject(json, "components");
    for (int i = 0; i < COMPONENTS; i++) {
        cJSON *component = cJSON_AddObjectToObject(components, component_names[i]);
        size_t at = (size_t)i * sizeof(double);
        add_bracket(component, "area_mm2", e->corner, offsetof(struct physical, area_mm2) + at, 1);
        add_bracket(component, "transistors", e->corner, offsetof(struct physical, transistors) + at, 1);
        add_bracket(component, "leakage_w", e->corner, offsetof(struct physical, leakage_w) + at, 1);
        add_bracket(component, "dynamic_mj", e->corner, offsetof(struct physical, dynamic_j) + at, 1e3);
    }
    add_most(json, &e->uncertainty);
    cJSON_AddNumberToObject(json, "server_cards", e->cards);
    cJSON_AddNumberToObject(json, "server_tokens_per_second", e->cards * e->tokens_per_s);
    return json;
}
