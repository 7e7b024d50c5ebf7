/* etchsim list -- the presets, with the description each of them carries in itself. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/commands.h"
#include "sim/gguf.h"
#include "sim/options.h"
#include "sim/params.h"
#include "sim/presets.h"

enum { DESCRIPTION_ROOM = 200 };

/* The first line of a text file without its leading `mark` characters ('#' and spaces); empty if there is none. */
static void first_line(const char *path, const char *mark, char description[DESCRIPTION_ROOM])
{
    FILE *in = fopen(path, "r");
    char line[DESCRIPTION_ROOM] = "";
    description[0] = '\0';
    if (!in) {
        return;
    }
    if (fgets(line, sizeof line, in) && strchr(mark, line[0])) {
        snprintf(description, DESCRIPTION_ROOM, "%s", line + strspn(line, mark));
        description[strcspn(description, "\r\n")] = '\0';
    }
    fclose(in);
}

static void describe_yaml(const char *path, const char *name, char description[DESCRIPTION_ROOM])
{
    (void)name;
    first_line(path, "# ", description);
}

static void describe_gguf(const char *folder, const char *name, char description[DESCRIPTION_ROOM])
{
    char path[PATH_MAX];
    struct gguf g;
    struct error e;
    snprintf(path, sizeof path, "%s/%s.gguf", folder, name);
    description[0] = '\0';
    if (!gguf_open(path, &g, &e)) {
        snprintf(description, DESCRIPTION_ROOM, "cannot be read: %.150s", e.message);
        return;
    }
    if (!gguf_get_string(&g, "general.description", false, description, DESCRIPTION_ROOM, &e)) {
        description[0] = '\0'; /* too long, or no text: no reason to refuse the list */
    }
    gguf_close(&g);
}

/* A folder with a GGUF file, or the file of a shape. */
static void describe_model(const char *path, const char *name, char description[DESCRIPTION_ROOM])
{
    struct error absent;
    char file[PATH_MAX], relative[PATH_MAX];
    snprintf(relative, sizeof relative, "models/%s.yaml", name);
    if (config_path(relative, file, sizeof file, &absent)) {
        describe_yaml(file, name, description);
    } else {
        describe_gguf(path, name, description);
    }
}

static bool names_module(const cJSON *targets, const char *module)
{
    const cJSON *target;
    bool found = false;
    cJSON_ArrayForEach(target, targets)
    {
        const char *name = cJSON_IsString(target) ? target->valuestring : "", *last = strrchr(name, '.');
        found = found || strcmp(last ? last + 1 : name, module) == 0;
    }
    return found;
}

/* "rank 16, alpha 32, 7 linears, head", from the adapter's own configuration. */
static void describe_peft(const char *path, char description[DESCRIPTION_ROOM])
{
    char text[1 << 16];
    FILE *in = fopen(path, "r");
    size_t length = in ? fread(text, 1, sizeof text, in) : 0;
    if (in) {
        fclose(in);
    }
    cJSON *json = cJSON_ParseWithLength(text, length);
    const cJSON *rank = cJSON_GetObjectItemCaseSensitive(json, "r"), *alpha = cJSON_GetObjectItemCaseSensitive(json, "lora_alpha");
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(json, "target_modules");
    if (cJSON_IsNumber(rank) && cJSON_IsNumber(alpha) && cJSON_IsArray(targets)) {
        bool embedding = names_module(targets, "embed_tokens"), head = names_module(targets, "lm_head");
        snprintf(description, DESCRIPTION_ROOM, "rank %g, alpha %g, %d linears%s%s", rank->valuedouble, alpha->valuedouble,
                 cJSON_GetArraySize(targets) - embedding - head, embedding ? ", embedding" : "", head ? ", head" : "");
    }
    cJSON_Delete(json);
}

static void describe_adapter(const char *folder, const char *name, char description[DESCRIPTION_ROOM])
{
    (void)name;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/README.md", folder);
    first_line(path, "# ", description);
    if (!description[0]) {
        snprintf(path, sizeof path, "%s/adapter_config.json", folder);
        describe_peft(path, description);
    }
}

static const struct kind {
    const char *title, *folder, *extension;
    void (*describe)(const char *path, const char *name, char description[DESCRIPTION_ROOM]);
} kinds[] = {
    {"chips", "chips", ".yaml", describe_yaml},       {"models", "models", "/.yaml", describe_model},
    {"adapters", "adapters", NULL, describe_adapter}, {"workloads", "workloads", ".yaml", describe_yaml},
    {"physics", "physics", ".yaml", describe_yaml},   {"comparators", "comparators", ".yaml", describe_yaml},
    {"sweeps", "sweeps", ".yaml", describe_yaml},
};

static bool list_kind(const struct kind *kind, struct error *e)
{
    struct preset_list list;
    if (!presets_list(kind->folder, kind->extension, &list, e)) {
        return false;
    }
    if (list.count > 0) {
        printf("%s:\n", kind->title);
    }
    for (int i = 0; i < list.count; i++) {
        char relative[PATH_MAX], path[PATH_MAX], description[DESCRIPTION_ROOM] = "";
        struct error absent;
        bool file = kind->extension && kind->extension[0] == '.';
        snprintf(relative, sizeof relative, "%s/%s%s", kind->folder, list.names[i], file ? kind->extension : "");
        if (config_path(relative, path, sizeof path, &absent) || !file) {
            kind->describe(path, list.names[i], description);
        }
        printf("  %-20s %s\n", list.names[i], description);
    }
    presets_free(&list);
    return true;
}

static bool show_chip(const char *name, struct error *e)
{
    static char notes[PARAMETER_COUNT][CONFIG_NOTE_ROOM];
    struct chip_config config;
    if (!config_load_notes(name, &config, notes, e)) {
        return false;
    }
    config_print_notes(&config, notes, stdout);
    return true;
}

int cmd_list(int argc, char **argv)
{
    struct arguments {
        const char *kind, *chip;
    } arguments = {NULL, NULL};
    static const struct option options[] = {
        OPTION_OPERAND(struct arguments, kind, "KIND", 0, "one kind alone: chips, models, ..."),
        OPTION_TEXT(struct arguments, chip, "chip", 'c', "NAME|FILE", "this chip's parameters, with what its file says of each"),
    };
    static const struct command command = {"list", "what comes with etchsim: chips, models, adapters, workloads and more",
                                           "  etchsim list\n  etchsim list chips\n  etchsim list --chip hc1\n", options,
                                           OPTION_COUNT(options)};
    int exit_code = EXIT_CODE_GOOD;
    if (!options_parse(&command, argc, argv, &arguments, &exit_code)) {
        return exit_code;
    }
    struct error e;
    bool found = false;
    if (arguments.chip) {
        return show_chip(arguments.chip, &e) ? EXIT_CODE_GOOD : command_fail("list", &e);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!arguments.kind || strcmp(arguments.kind, kinds[i].title) == 0) {
            found = true;
            if (!list_kind(&kinds[i], &e)) {
                return command_fail("list", &e);
            }
        }
    }
    if (!found) {
        error_input(&e, "expected one of chips, models, adapters, workloads, physics, comparators, sweeps; found '%.100s'", arguments.kind);
        return command_fail("list", &e);
    }
    return EXIT_CODE_GOOD;
}
