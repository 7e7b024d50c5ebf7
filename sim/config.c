#include "sim/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/params.h"
#include "sim/suggest.h"

void config_defaults(struct chip_config *config)
{
    memset(config, 0, sizeof *config);
    snprintf(config->name, sizeof config->name, "defaults");
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        *parameter_value(&parameters[i], config) = parameters[i].default_value;
    }
}

static bool offer_keys(const char *typed, struct suggestion *nearest)
{
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        suggest_offer(nearest, typed, parameters[i].key);
    }
    return nearest->nearest != NULL;
}

bool config_set(struct chip_config *config, const char *assignment, struct error *e)
{
    const char *equals = strchr(assignment, '=');
    char key[128];
    if (!equals || equals == assignment || (size_t)(equals - assignment) >= sizeof key) {
        return error_input(e, "--set %.100s: expected section.name=value, for instance lora.lanes=64", assignment);
    }
    memcpy(key, assignment, (size_t)(equals - assignment));
    key[equals - assignment] = '\0';
    const struct parameter *p = parameter_find(key);
    if (!p) {
        struct suggestion nearest = {0};
        char hint[128];
        bool near = offer_keys(key, &nearest);
        return error_input(e, "--set %.100s: there is no parameter '%s'%s", assignment, key,
                           near ? suggest_text(&nearest, hint, sizeof hint) : "; etchsim help parameters lists them");
    }
    uint32_t value;
    struct error detail;
    if (!parameter_parse(p, equals + 1, &value, &detail)) {
        return error_input(e, "--set %.100s: %s", p->key, detail.message);
    }
    *parameter_value(p, config) = value;
    return true;
}

/* --- rules between parameters --- */

static bool check_divides(const struct chip_config *c, struct error *e)
{
    if (c->sram_banks % c->sram_ways == 0) {
        return true;
    }
    uint32_t below = c->sram_ways, above = c->sram_ways;
    while (c->sram_banks % --below != 0) { /* ends at 1 at the latest: ways is at least 2 here */
    }
    while (above < c->sram_banks && c->sram_banks % above != 0) {
        above++;
    }
    return error_input(e,
                       "chip %s: sram.ways: expected a divisor of sram.banks (%" PRIu32 "), found %" PRIu32 "; the nearest are %" PRIu32
                       " and %" PRIu32,
                       c->name, c->sram_banks, c->sram_ways, below, above < c->sram_banks ? above : c->sram_banks);
}

bool config_check(const struct chip_config *c, struct error *e)
{
    if (c->chip_organisation == ORGANISATION_SHARED &&
        (c->slots_loading != LOADING_WHOLE || c->slots_layout != LAYOUT_FIXED || c->sram_split != SPLIT_FIXED)) {
        return error_input(
            e, "chip %s: chip.organisation: shared: expected slots.loading: whole, slots.layout: fixed and sram.split: fixed", c->name);
    }
    if (c->rom_rows_per_cycle > c->rom_tile_rows) {
        return error_input(e, "chip %s: rom.rows_per_cycle: expected at most rom.tile_rows (%" PRIu32 "), found %" PRIu32, c->name,
                           c->rom_tile_rows, c->rom_rows_per_cycle);
    }
    if (c->slots_pinned >= c->slots_count) {
        return error_input(e, "chip %s: slots.pinned: expected fewer than slots.count (%" PRIu32 "), found %" PRIu32, c->name,
                           c->slots_count, c->slots_pinned);
    }
    uint64_t group_words = (uint64_t)c->sram_ways * c->sram_depth_words;
    if ((c->slots_layout == LAYOUT_PAGED || c->sram_split == SPLIT_SHARED) && c->sram_page_words > group_words) {
        return error_input(
            e, "chip %s: sram.page_words: expected at most a group of banks, sram.ways * sram.depth_words = %" PRIu64 ", found %" PRIu32,
            c->name, group_words, c->sram_page_words);
    }
    return check_divides(c, e);
}

/* --- writing --- */

/* A value as a user writes it. */
static const char *value_text(const struct parameter *p, uint32_t value, char *text, size_t room)
{
    if (p->words) {
        int length = 0;
        const char *word = parameter_word(p, value, &length);
        ES_ASSERT(word != NULL);
        snprintf(text, room, "%.*s", length, word);
    } else {
        snprintf(text, room, "%" PRIu32, value);
    }
    return text;
}

static bool starts_section(size_t i)
{
    return i == 0 || strcmp(parameters[i].section, parameters[i - 1].section) != 0;
}

void config_print_notes(const struct chip_config *config, char (*notes)[CONFIG_NOTE_ROOM], FILE *out)
{
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter *p = &parameters[i];
        char value[64];
        fprintf(out, "%-28s %12s %-16s  %s\n", p->key, value_text(p, parameter_get(p, config), value, sizeof value),
                p->words ? "" : p->unit, notes[i][0] ? notes[i] : p->meaning);
    }
}

void config_write_yaml(const struct chip_config *config, FILE *out)
{
    fprintf(out, "# Chip %s, every parameter.\n", config->name);
    if (config->model[0]) {
        fprintf(out, "model: %s\n", config->model);
    }
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter *p = &parameters[i];
        if (starts_section(i)) {
            fprintf(out, "%s:\n", p->section);
        }
        char value[64];
        int width = 30 - (int)strlen(p->name); /* the comments stand in one column */
        fprintf(out, "  %s: %-*s # %s; %s\n", p->name, width, value_text(p, parameter_get(p, config), value, sizeof value),
                p->words ? p->words : p->unit, p->meaning);
    }
}

void config_write_verilog(const struct chip_config *config, FILE *out)
{
    fprintf(out, "// Parameters of chip %s, written by etchsim. Do not edit.\n", config->name);
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter *p = &parameters[i];
        fputs("localparam [31:0] ", out);
        for (const char *c = p->key; *c; c++) {
            fputc(*c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
        }
        fprintf(out, " = %" PRIu32 "; // %s: %s\n", parameter_get(p, config), p->words ? p->words : p->unit, p->meaning);
    }
}

void config_help(FILE *out)
{
    fprintf(out, "%-28s %12s  %-24s %-18s %s\n", "parameter", "default", "range", "unit", "meaning");
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter *p = &parameters[i];
        fprintf(out, "%s%-28s ", starts_section(i) && i > 0 ? "\n" : "", p->key);
        char value[64], range[64];
        value_text(p, p->default_value, value, sizeof value);
        snprintf(range, sizeof range, "%" PRIu32 " to %" PRIu32, p->low, p->high);
        fprintf(out, "%12s  %-24s %-18s %s\n", value, p->words ? p->words : range, p->words ? "" : p->unit, p->meaning);
    }
}
