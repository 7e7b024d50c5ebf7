#include "sim/physical_report.h"

#include <string.h>

#include "sim/chip.h"
#include "sim/request.h"

void physical_corners(const struct physics *physics, const struct chip *chip, int64_t rom_bits, const struct request *requests,
                      uint32_t n_requests, struct physical corners[CORNERS])
{
    struct silicon silicon;
    struct activity activity;
    silicon_count(&chip->config, &chip->shape, rom_bits, &silicon);
    activity_count(chip, requests, n_requests, &activity);
    for (enum corner c = 0; c < CORNERS; c++) {
        physical_die(&physics->corner[c], &silicon, &corners[c]);
        physical_run(&physics->corner[c], &silicon, &activity, &corners[c]);
    }
}

#define RESULT(stem, suffix, unit, better, known, shown, meaning, value) \
    static double value_##stem##_##suffix(const struct physical *p)      \
    {                                                                    \
        return (value);                                                  \
    }
#include "sim/physical_results.def"
#undef RESULT

const struct physical_result physical_results[PHYSICAL_RESULTS] = {
#define RESULT(stem, suffix, unit, better, known, shown, meaning, value) {#stem "_" #suffix, unit, meaning, shown, value_##stem##_##suffix},
#include "sim/physical_results.def"
#undef RESULT
};

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

void physical_print(const struct physics *physics, const struct physical corners[CORNERS], FILE *out)
{
    const struct physical *nominal = &corners[CORNER_NOMINAL];
    fprintf(out, "area, energy, cost (constants %s)%*s %11s %11s %11s\n", physics->name, (int)(10 - strlen(physics->name)), "",
            corner_names[CORNER_LOW], corner_names[CORNER_NOMINAL], corner_names[CORNER_HIGH]);
    for (int i = 0; i < PHYSICAL_RESULTS; i++) {
        const struct physical_result *r = &physical_results[i];
        if (r->shown && r->value(&corners[CORNER_HIGH]) != 0) {
            fprintf(out, "  %-24s %-12s", r->meaning, r->unit);
            for (enum corner c = 0; c < CORNERS; c++) {
                fprintf(out, " %11.4g", r->value(&corners[c]));
            }
            fputc('\n', out);
        }
    }
    print_shares("nominal area", nominal->area_mm2, nominal->die_mm2, out);
    print_shares("nominal energy for what moved", nominal->dynamic_j, nominal->run_dynamic_j, out);
}

/* -- JSON -- */

static void add_bracket(cJSON *object, const char *key, const struct physical corners[CORNERS], size_t offset, double factor)
{
    cJSON *bracket = cJSON_AddObjectToObject(object, key);
    for (enum corner c = 0; c < CORNERS; c++) {
        cJSON_AddNumberToObject(bracket, corner_names[c], *(const double *)((const char *)&corners[c] + offset) * factor);
    }
}

cJSON *physical_json(const struct physics *physics, const struct physical corners[CORNERS])
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "constants", physics->name);
    for (int i = 0; i < PHYSICAL_RESULTS; i++) {
        cJSON *bracket = cJSON_AddObjectToObject(json, physical_results[i].name);
        for (enum corner c = 0; c < CORNERS; c++) {
            cJSON_AddNumberToObject(bracket, corner_names[c], physical_results[i].value(&corners[c]));
        }
    }
    cJSON *components = cJSON_AddObjectToObject(json, "components");
    for (int i = 0; i < COMPONENTS; i++) {
        cJSON *component = cJSON_AddObjectToObject(components, component_names[i]);
        size_t at = (size_t)i * sizeof(double);
        add_bracket(component, "area_mm2", corners, offsetof(struct physical, area_mm2) + at, 1);
        add_bracket(component, "transistors", corners, offsetof(struct physical, transistors) + at, 1);
        add_bracket(component, "leakage_w", corners, offsetof(struct physical, leakage_w) + at, 1);
        add_bracket(component, "dynamic_mj", corners, offsetof(struct physical, dynamic_j) + at, 1e3);
    }
    return json;
}
