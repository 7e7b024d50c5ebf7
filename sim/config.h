/* config.h -- a chip's parameters: preset file, --set, range checks. The list itself is params.def.
 *
 * A chip file is YAML, two levels of maps:
 *
 *   # What this chip is, in one line (etchsim list shows it).
 *   model: llama-3.1-8b optional, before all else: the model that it is made for, a preset; what runs on it unless --model says otherwise
 *   base: sample        optional, before all parameters: take all values from there, then change some. A preset's name, a file's path
 *                       (relative to this file), `defaults`, or `auto`: sized for `model` (chip_auto.h). Without it every parameter must be given.
 *   lora:
 *     lanes: 16
 */
#ifndef ETCHSIM_CONFIG_H
#define ETCHSIM_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "sim/error.h"
#include "sim/presets.h"

struct chip_config {
    char name[64];                /* preset or file it came from */
    char model[PRESET_NAME_ROOM]; /* preset that it is made for; empty: none in particular */
#define PARAM(section, name, ...) uint32_t section##_##name;
#define CHOICE(section, name, ...) uint32_t section##_##name;
#include "sim/params.def"
#undef PARAM
#undef CHOICE
};

enum organisation { ORGANISATION_SPATIAL, ORGANISATION_SHARED };
enum split { SPLIT_FIXED, SPLIT_SHARED };
enum die { DIE_BASE, DIE_SECOND };
enum ends { ENDS_NONE, ENDS_EMBEDDING, ENDS_HEAD, ENDS_BOTH };
enum layout { LAYOUT_FIXED, LAYOUT_PAGED };
enum reload { RELOAD_DRAIN, RELOAD_RESTART };
enum loading { LOADING_WHOLE, LOADING_STREAMING };
enum dealing { DEALING_ROUND_ROBIN, DEALING_TENANT };
enum arbiter { ARBITER_ROUND_ROBIN, ARBITER_FIXED };

void config_defaults(struct chip_config *config);
/* A preset's name (configs/chips/NAME.yaml) or a YAML file. Unknown, missing, duplicate or out-of-range keys are errors with file, line and key. */
bool config_load(const char *name_or_path, struct chip_config *config, struct error *e);
/* The same, with what the file says behind each parameter: the comment in its line, without the '#'; empty where there is none, or where the value comes from the
 * defaults. A value from a `base:` keeps what is said there. notes [PARAMETER_COUNT], in the order of params.def. */
enum { CONFIG_NOTE_ROOM = 200 };
bool config_load_notes(const char *name_or_path, struct chip_config *config, char (*notes)[CONFIG_NOTE_ROOM], struct error *e);
/* The same from memory; `file` stands for it in messages, and the paths of its `base:` are relative to it. */
bool config_parse(const char *text, size_t length_bytes, const char *file, struct chip_config *config, struct error *e);
/* "section.name=value" as --set takes it. */
bool config_set(struct chip_config *config, const char *assignment, struct error *e);
/* What runs on it unless something else is asked for. */
static inline const char *config_model(const struct chip_config *config)
{
    return config->model[0] ? config->model : "sample";
}
/* Rules between parameters (sram.ways divides sram.banks, ...). Call after the last change. */
bool config_check(const struct chip_config *config, struct error *e);
/* All parameters with unit and meaning as comments; reads back through config_load to the same values. */
void config_write_yaml(const struct chip_config *config, FILE *out);
/* Each parameter's value, unit and note: in presets of real chips whether it is published, derived, guessed or fitted, and from what. */
void config_print_notes(const struct chip_config *config, char (*notes)[CONFIG_NOTE_ROOM], FILE *out);
/* The same list as Verilog localparams. */
void config_write_verilog(const struct chip_config *config, FILE *out);
/* The list of parameters for --help: key, default, range, unit, meaning. */
void config_help(FILE *out);

#endif
