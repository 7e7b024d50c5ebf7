/* config_read.c -- chip files: YAML events in, struct chip_config out, every complaint with its line.
 *
 * libyaml's event parser, and not a schema library, since it alone gives the line of each key and shows duplicates. */
#include "sim/config.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "sim/chip_auto.h"
#include "sim/image.h"
#include "sim/params.h"
#include "sim/suggest.h"

enum { FILE_BYTES_MAX = 1 << 20, BASES_MAX = 8, TEXT_ROOM = 512 };

/* The files being read, innermost first: each was named as base by the next one. */
struct origin {
    const struct origin *parent;
    dev_t device;
    ino_t inode;
    int depth;
};

struct reader {
    const char *file;
    const struct origin *origin; /* NULL: text from memory */
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    struct chip_config *config;
    char (*notes)[CONFIG_NOTE_ROOM]; /* [PARAMETER_COUNT], or NULL */
    struct error *e;
    bool has_base, has_model;
    size_t lines[PARAMETER_COUNT]; /* where each parameter was given; 0: not yet */
};

static bool load(const char *name_or_path, const char *relative_to, const struct origin *parent, struct chip_config *config,
                 char (*notes)[CONFIG_NOTE_ROOM], struct error *e);

/* --- events --- */

static size_t line_of(const struct reader *r)
{
    return r->event.start_mark.line + 1;
}

static bool complain(struct reader *r, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool complain(struct reader *r, size_t line, const char *format, ...)
{
    char text[sizeof r->e->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_input(r->e, "%.300s:%zu: %s", r->file, line, text);
}

static bool complain_syntax(struct reader *r, const char *text, size_t length_bytes)
{
    size_t line = r->parser.problem_mark.line + 1;
    if (r->parser.error == YAML_READER_ERROR) { /* bad encoding: the parser knows the offset only */
        line = 1;
        for (size_t i = 0; i < r->parser.problem_offset && i < length_bytes; i++) {
            line += text[i] == '\n';
        }
    }
    return complain(r, line, "not YAML: %s%s%s", r->parser.problem ? r->parser.problem : "out of memory", r->parser.context ? ", " : "",
                    r->parser.context ? r->parser.context : "");
}

static const char *event_name(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT: return event->data.scalar.length == 0 ? "nothing" : "a single value";
    case YAML_SEQUENCE_START_EVENT: return "a list";
    case YAML_MAPPING_START_EVENT: return "a map";
    case YAML_ALIAS_EVENT: return "an alias (*name)";
    default: return "the end";
    }
}

static bool next_event(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        return complain_syntax(r, (const char *)r->parser.input.string.start,
                               (size_t)(r->parser.input.string.end - r->parser.input.string.start));
    }
    const yaml_event_t *event = &r->event;
    bool scalar = event->type == YAML_SCALAR_EVENT, map = event->type == YAML_MAPPING_START_EVENT;
    if (event->type == YAML_ALIAS_EVENT || (scalar && event->data.scalar.anchor) || (map && event->data.mapping_start.anchor)) {
        return complain(r, line_of(r), "anchors (&name) and aliases (*name) are not supported; expected the value itself");
    }
    if ((scalar && event->data.scalar.tag) || (map && event->data.mapping_start.tag)) {
        return complain(r, line_of(r), "tags (!name) are not supported; expected the value itself");
    }
    return true;
}

/* Copies the current event's text. `key` says where we are, for the message. */
static bool take_text(struct reader *r, const char *key, const char *expected, char text[static TEXT_ROOM])
{
    if (r->event.type != YAML_SCALAR_EVENT || r->event.data.scalar.length == 0) {
        return complain(r, line_of(r), "%s: expected %s, found %s", key, expected, event_name(&r->event));
    }
    size_t length = r->event.data.scalar.length;
    if (length >= TEXT_ROOM || memchr(r->event.data.scalar.value, '\0', length)) {
        return complain(r, line_of(r), "%s: expected %s, found %s", key, expected,
                        length >= TEXT_ROOM ? "a very long text" : "a text with a NUL byte");
    }
    memcpy(text, r->event.data.scalar.value, length);
    text[length] = '\0';
    return true;
}

/* --- the two levels --- */

static bool unknown_section(struct reader *r, const char *section)
{
    struct suggestion nearest = {0};
    char hint[128];
    if (parameter_find(section)) {
        int n = (int)strcspn(section, ".");
        return complain(r, line_of(r), "%s: expected a section with its parameters below it: '%.*s:', then an indented '%s: ...'", section,
                        n, section, section + n + 1);
    }
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        suggest_offer(&nearest, section, parameters[i].section);
    }
    return complain(r, line_of(r), "%.100s: there is no such section%s", section, suggest_text(&nearest, hint, sizeof hint));
}

static const struct parameter *find_in_section(struct reader *r, const char *section, const char *name)
{
    char key[2 * TEXT_ROOM];
    snprintf(key, sizeof key, "%s.%s", section, name);
    const struct parameter *p = parameter_find(key);
    if (!p) {
        struct suggestion nearest = {0};
        char hint[128];
        for (size_t i = 0; i < PARAMETER_COUNT; i++) {
            if (strcmp(parameters[i].section, section) == 0) {
                suggest_offer(&nearest, name, parameters[i].name);
            }
        }
        for (size_t i = 0; i < PARAMETER_COUNT && !nearest.nearest; i++) {
            if (strcmp(parameters[i].name, name) == 0) { /* the right name in the wrong section */
                nearest.nearest = parameters[i].key;
            }
        }
        complain(r, line_of(r), "%.150s: there is no such parameter%s", key, suggest_text(&nearest, hint, sizeof hint));
    }
    return p;
}

/* The comment behind a value: the parser drops it. Values have no '#' in them. */
static void take_note(struct reader *r, size_t line, char note[CONFIG_NOTE_ROOM])
{
    const char *at = (const char *)r->parser.input.string.start, *end = (const char *)r->parser.input.string.end;
    for (; line > 1 && at < end; at++) {
        line -= *at == '\n';
    }
    size_t length = (size_t)(end - at);
    const char *stop = memchr(at, '\n', length), *mark = memchr(at, '#', stop ? (size_t)(stop - at) : length);
    stop = stop ? stop : end;
    note[0] = '\0';
    if (mark) {
        mark += 1 + strspn(mark + 1, " ");
        snprintf(note, CONFIG_NOTE_ROOM, "%.*s", mark < stop ? (int)(stop - mark) : 0, mark);
    }
}

static bool read_parameter(struct reader *r, const char *section)
{
    char name[TEXT_ROOM], text[TEXT_ROOM];
    if (!take_text(r, section, "a parameter's name", name)) {
        return false;
    }
    const struct parameter *p = find_in_section(r, section, name);
    if (!p) {
        return false;
    }
    size_t *line = &r->lines[p - parameters];
    if (*line) {
        return complain(r, line_of(r), "%s: expected once, given before in line %zu", p->key, *line);
    }
    *line = line_of(r);
    if (!next_event(r) || !take_text(r, p->key, p->words ? p->words : "an integer", text)) {
        return false;
    }
    if (!p->words && r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return complain(r, line_of(r), "%s: expected an integer, found a quoted text '%.100s'", p->key, text);
    }
    struct error detail;
    if (!parameter_parse(p, text, parameter_value(p, r->config), &detail)) {
        return complain(r, line_of(r), "%s: %s", p->key, detail.message);
    }
    if (r->notes) {
        take_note(r, line_of(r), r->notes[p - parameters]);
    }
    return true;
}

static bool read_section(struct reader *r, size_t section_lines[PARAMETER_COUNT])
{
    char section[TEXT_ROOM];
    if (!take_text(r, "top level", "a section's name", section)) {
        return false;
    }
    size_t first = 0;
    while (first < PARAMETER_COUNT && strcmp(parameters[first].section, section) != 0) {
        first++;
    }
    if (first == PARAMETER_COUNT) {
        return unknown_section(r, section);
    }
    if (section_lines[first]) {
        return complain(r, line_of(r), "%s: expected once, given before in line %zu", section, section_lines[first]);
    }
    section_lines[first] = line_of(r);
    if (!next_event(r)) {
        return false;
    }
    if (r->event.type != YAML_MAPPING_START_EVENT) {
        return complain(r, section_lines[first], "%s: expected a map of parameters, found %s", section, event_name(&r->event));
    }
    while (next_event(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        if (!read_parameter(r, section)) {
            return false;
        }
    }
    return r->event.type == YAML_MAPPING_END_EVENT;
}

/* Sized for the model, which the file has named before. */
static bool size_for_model(struct reader *r, struct error *e)
{
    struct image image;
    if (!r->config->model[0]) {
        return error_input(e, "auto: expected after 'model: NAME', the model that the chip is sized for");
    }
    if (!image_open_shape(r->config->model, NULL, &image, e)) {
        return false;
    }
    chip_auto(&image.model.shape, r->config);
    image_close(&image);
    for (size_t i = 0; i < PARAMETER_COUNT && r->notes; i++) {
        bool sized = parameter_get(&parameters[i], r->config) != parameters[i].default_value;
        snprintf(r->notes[i], CONFIG_NOTE_ROOM, "%s", sized ? "derived: by the rule of --chip auto" : "");
    }
    return true;
}

static bool read_base(struct reader *r)
{
    char base[TEXT_ROOM], model[PRESET_NAME_ROOM];
    size_t line = line_of(r);
    if (!next_event(r) || !take_text(r, "base", "a preset's name, a file's path, 'defaults' or 'auto'", base)) {
        return false;
    }
    r->has_base = true;
    memcpy(model, r->config->model, sizeof model);
    struct error detail;
    bool good = true;
    if (strcmp(base, "defaults") == 0) {
        config_defaults(r->config);
    } else if (chip_is_auto(base)) {
        good = size_for_model(r, &detail);
    } else {
        good = load(base, r->file, r->origin, r->config, r->notes, &detail);
    }
    if (r->has_model) {
        memcpy(r->config->model, model, sizeof model);
    }
    return good || complain(r, line, "base: %s", detail.message);
}

static bool read_model(struct reader *r)
{
    char model[TEXT_ROOM], relative[TEXT_ROOM + 16], path[PATH_MAX];
    struct error absent;
    size_t line = line_of(r);
    if (!next_event(r) || !take_text(r, "model", "a preset's name", model)) {
        return false;
    }
    r->has_model = true;
    bool name = !strchr(model, '/') && strlen(model) < sizeof r->config->model, found = false;
    for (int i = 0; name && !found && i < 2; i++) {
        snprintf(relative, sizeof relative, "models/%s%s", model, i ? ".yaml" : "");
        found = config_path(relative, path, sizeof path, &absent);
    }
    if (!found) {
        preset_unknown("model", "models", "/.yaml", model, &absent);
        return complain(r, line, "model: %s", name ? absent.message : "expected a preset's name (a file is given with --model)");
    }
    snprintf(r->config->model, sizeof r->config->model, "%s", model);
    return true;
}

static bool is_key(const struct reader *r, const char *key)
{
    const yaml_event_t *event = &r->event;
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.length == strlen(key) &&
           memcmp(event->data.scalar.value, key, strlen(key)) == 0;
}

static bool check_complete(struct reader *r)
{
    char missing[400] = "";
    size_t count = 0, length = 0;
    for (size_t i = 0; i < PARAMETER_COUNT && !r->has_base; i++) {
        if (r->lines[i]) {
            continue;
        }
        count++;
        if (length + strlen(parameters[i].key) + 8 < sizeof missing) {
            length += (size_t)snprintf(missing + length, sizeof missing - length, "%s%s", length ? ", " : "", parameters[i].key);
        } else if (missing[length - 1] != '.') {
            length += (size_t)snprintf(missing + length, sizeof missing - length, ", ...");
        }
    }
    return count == 0 || error_input(r->e,
                                     "%.300s: expected all %d parameters, %zu missing: %s. A file that gives only some starts with "
                                     "'base: NAME', a preset, a file or 'defaults'",
                                     r->file, PARAMETER_COUNT, count, missing);
}

static bool read_document(struct reader *r)
{
    size_t section_lines[PARAMETER_COUNT] = {0};
    bool first = true;
    if (!next_event(r) || !next_event(r)) { /* start of the stream, of the document */
        return false;
    }
    if (r->event.type == YAML_STREAM_END_EVENT) {
        return complain(r, 1, "expected a map of sections, found an empty file");
    }
    if (!next_event(r)) {
        return false;
    }
    if (r->event.type != YAML_MAPPING_START_EVENT) {
        return complain(r, line_of(r), "expected a map of sections, found %s", event_name(&r->event));
    }
    while (next_event(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        bool base = is_key(r, "base"), model = is_key(r, "model");
        if (base && (!first || r->has_base)) {
            return complain(r, line_of(r), "base: expected once and before all parameters");
        }
        if (model && (!first || r->has_base || r->has_model)) {
            return complain(r, line_of(r), "model: expected once and as the first key of the file");
        }
        if (base ? !read_base(r) : model ? !read_model(r) : !read_section(r, section_lines)) {
            return false;
        }
        first = first && (base || model);
    }
    if (r->event.type != YAML_MAPPING_END_EVENT || !next_event(r) || !next_event(r)) { /* end of the document, of the stream */
        return false;
    }
    if (r->event.type != YAML_STREAM_END_EVENT) {
        return complain(r, line_of(r), "expected one document in the file, found a second one");
    }
    return check_complete(r);
}

static bool parse(const char *text, size_t length_bytes, const char *file, const struct origin *origin, struct chip_config *config,
                  char (*notes)[CONFIG_NOTE_ROOM], struct error *e)
{
    struct chip_config result; /* the caller's is changed only when all is well */
    config_defaults(&result);
    struct reader r = {.file = file, .origin = origin, .config = &result, .notes = notes, .e = e};
    if (length_bytes > FILE_BYTES_MAX) {
        return error_input(e, "%.300s: expected at most %d bytes, found %zu", file, FILE_BYTES_MAX, length_bytes);
    }
    if (!yaml_parser_initialize(&r.parser)) {
        return error_input(e, "%.300s: not enough memory", file);
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length_bytes);
    bool good = read_document(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (good) {
        *config = result;
    }
    return good;
}

static void set_name(struct chip_config *config, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *stem = slash ? slash + 1 : path;
    const char *dot = strrchr(stem, '.');
    int length = dot && dot > stem ? (int)(dot - stem) : (int)strlen(stem);
    memset(config->name, 0, sizeof config->name); /* a base's longer name would show behind the NUL */
    snprintf(config->name, sizeof config->name, "%.*s", length, stem);
}

bool config_parse(const char *text, size_t length_bytes, const char *file, struct chip_config *config, struct error *e)
{
    if (!parse(text, length_bytes, file, NULL, config, NULL, e)) {
        return false;
    }
    set_name(config, file);
    return true;
}

/* --- files --- */

/* The whole file in memory; NULL and an error if it can't be read or is too long. */
static char *read_file(const char *path, struct origin *origin, size_t *length_bytes, struct error *e)
{
    FILE *in = fopen(path, "rb");
    struct stat status;
    if (!in || fstat(fileno(in), &status) != 0 || S_ISDIR(status.st_mode)) {
        error_input(e, "%.300s: cannot read this chip file: %s", path, in ? "it is a folder" : strerror(errno));
        if (in) {
            fclose(in);
        }
        return NULL;
    }
    origin->device = status.st_dev;
    origin->inode = status.st_ino;
    char *text = error_calloc(e, FILE_BYTES_MAX + 1, 1, path); /* one byte more than is allowed: parse() sees that it is too long */
    if (text) {
        *length_bytes = fread(text, 1, FILE_BYTES_MAX + 1, in);
        if (ferror(in)) {
            error_input(e, "%.300s: cannot read this chip file", path);
            free(text);
            text = NULL;
        }
    }
    fclose(in);
    return text;
}

static bool find_file(const char *name_or_path, const char *relative_to, char *path, size_t room, struct error *e)
{
    if (preset_is_path(name_or_path, ".yaml")) {
        const char *slash = relative_to && name_or_path[0] != '/' ? strrchr(relative_to, '/') : NULL;
        int folder = slash ? (int)(slash - relative_to) + 1 : 0;
        return (size_t)snprintf(path, room, "%.*s%s", folder, folder ? relative_to : "", name_or_path) < room ||
               error_input(e, "%.300s: the path is too long", name_or_path);
    }
    char relative[PATH_MAX];
    struct error absent;
    if ((size_t)snprintf(relative, sizeof relative, "chips/%s.yaml", name_or_path) < sizeof relative &&
        config_path(relative, path, room, &absent)) {
        return true;
    }
    return preset_unknown("chip", "chips", ".yaml", name_or_path, e);
}

static bool load(const char *name_or_path, const char *relative_to, const struct origin *parent, struct chip_config *config,
                 char (*notes)[CONFIG_NOTE_ROOM], struct error *e)
{
    char path[PATH_MAX];
    struct origin origin = {.parent = parent, .depth = parent ? parent->depth + 1 : 0};
    size_t length_bytes = 0;
    if (origin.depth > BASES_MAX) {
        return error_input(e, "expected at most %d bases one above the other", BASES_MAX);
    }
    if (!find_file(name_or_path, relative_to, path, sizeof path, e)) {
        return false;
    }
    char *text = read_file(path, &origin, &length_bytes, e);
    if (!text) {
        return false;
    }
    bool good = true;
    for (const struct origin *o = parent; o && good; o = o->parent) {
        if (o->device == origin.device && o->inode == origin.inode) {
            good = error_input(e, "%.300s is its own base", path);
        }
    }
    good = good && parse(text, length_bytes, path, &origin, config, notes, e);
    free(text);
    if (good) {
        set_name(config, path);
    }
    return good;
}

bool config_load(const char *name_or_path, struct chip_config *config, struct error *e)
{
    return load(name_or_path, NULL, NULL, config, NULL, e);
}

bool config_load_notes(const char *name_or_path, struct chip_config *config, char (*notes)[CONFIG_NOTE_ROOM], struct error *e)
{
    memset(notes, 0, PARAMETER_COUNT * sizeof *notes);
    return load(name_or_path, NULL, NULL, config, notes, e);
}
