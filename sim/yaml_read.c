#include "sim/yaml_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/presets.h"
#include "sim/suggest.h"

enum { KEY_ROOM = 64 };

/* --- complaints and simple values --- */

bool yaml_complain(struct yaml_reader *r, const yaml_node_t *node, const char *format, ...)
{
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_input(r->e, "%.300s:%zu: %s", r->file, node ? node->start_mark.line + 1 : 1, text);
}

yaml_node_t *yaml_node(struct yaml_reader *r, int index)
{
    return yaml_document_get_node(&r->document, index);
}

const char *yaml_kind(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SCALAR_NODE: return node->data.scalar.length ? "a single value" : "nothing";
    case YAML_SEQUENCE_NODE: return "a list";
    case YAML_MAPPING_NODE: return "a map";
    default: return "nothing";
    }
}

const char *yaml_text(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *expected, size_t room)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0) {
        yaml_complain(r, node, "%.60s: expected %s, found %s", key, expected, yaml_kind(node));
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (node->data.scalar.length >= room || strlen(text) != node->data.scalar.length) {
        yaml_complain(r, node, "%.60s: expected %s of at most %zu bytes without NUL", key, expected, room - 1);
        return NULL;
    }
    return text;
}

bool yaml_copy(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *expected, char *to, size_t room)
{
    const char *text = yaml_text(r, node, key, expected, room);
    if (text) {
        snprintf(to, room, "%s", text);
    }
    return text != NULL;
}

bool yaml_path(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *extension, char *to, size_t room)
{
    const char *text = yaml_text(r, node, key, "a preset's name or a path", room);
    if (!text) {
        return false;
    }
    const char *slash = preset_is_path(text, extension) && text[0] != '/' ? strrchr(r->file, '/') : NULL;
    int folder = slash ? (int)(slash - r->file) + 1 : 0;
    return (size_t)snprintf(to, room, "%.*s%s", folder, r->file, text) < room || yaml_complain(r, node, "%.60s: the path is too long", key);
}

bool yaml_integer(struct yaml_reader *r, yaml_node_t *node, const char *key, uint64_t low, uint64_t high, uint64_t *value)
{
    const char *text = yaml_text(r, node, key, "an integer", 32);
    char *end = NULL;
    if (!text) {
        return false;
    }
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || text[strspn(text, "0123456789")] || errno || *value < low || *value > high) {
        return yaml_complain(r, node, "%.60s: expected an integer from %llu to %llu, found '%s'", key, (unsigned long long)low,
                             (unsigned long long)high, text);
    }
    return true;
}

bool yaml_number(struct yaml_reader *r, yaml_node_t *node, const char *key, double low, double high, double *value)
{
    const char *text = yaml_text(r, node, key, "a number", 64);
    char *end = NULL;
    if (!text) {
        return false;
    }
    *value = strtod(text, &end);
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || text[strspn(text, "0123456789.eE+-")] || *end ||
        !(*value >= low && *value <= high)) {
        return yaml_complain(r, node, "%.60s: expected a number from %g to %g, found '%s'", key, low, high, text);
    }
    return true;
}

bool yaml_bool(struct yaml_reader *r, yaml_node_t *node, const char *key, bool *value)
{
    const char *text = yaml_text(r, node, key, "true or false", 32);
    if (!text) {
        return false;
    }
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0 || yaml_complain(r, node, "%.60s: expected true or false, found '%s'", key, text);
}

bool yaml_word(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *const *words, size_t n, size_t *index)
{
    char all[200] = "";
    for (*index = 0; *index < n && !yaml_is_word(node, words[*index]); ++*index) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", used ? "|" : "", words[*index]);
    }
    if (*index < n) {
        return true;
    }
    *index = 0;
    const char *found = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : yaml_kind(node);
    return yaml_complain(r, node, "%.60s: expected one of %s, found %.100s", key, all, found);
}

bool yaml_field(struct yaml_reader *r, yaml_node_t *node, const char *key, const struct yaml_field *fields, void *object)
{
    const struct yaml_field *f = fields;
    while (strcmp(f->key, key) != 0) {
        f++;
    }
    void *to = (char *)object + f->offset;
    uint64_t number = 0;
    bool good = false;
    switch (f->kind) {
    case YAML_UINT32:
        good = yaml_integer(r, node, key, (uint64_t)f->low, (uint64_t)f->high, &number);
        *(uint32_t *)to = (uint32_t)number;
        break;
    case YAML_DOUBLE: good = yaml_number(r, node, key, f->low, f->high, to); break;
    case YAML_BOOL: good = yaml_bool(r, node, key, to); break;
    case YAML_PATH: good = yaml_path(r, node, key, f->extension, to, (size_t)f->high); break;
    }
    return good;
}

/* --- maps and lists --- */

size_t yaml_list_length(const yaml_node_t *node)
{
    return node->type == YAML_SEQUENCE_NODE ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start) : 0;
}

yaml_node_t *yaml_list_item(struct yaml_reader *r, const yaml_node_t *list, size_t i)
{
    return yaml_node(r, list->data.sequence.items.start[i]);
}

static bool unknown_key(struct yaml_reader *r, const yaml_node_t *node, const char *key, const char *where, const struct yaml_key *keys,
                        size_t n)
{
    struct suggestion nearest = {0};
    char hint[128];
    for (size_t k = 0; k < n; k++) {
        suggest_offer(&nearest, key, keys[k].name);
    }
    return yaml_complain(r, node, "%.60s: there is no such key in %s%s", key, where, suggest_text(&nearest, hint, sizeof hint));
}

bool yaml_map(struct yaml_reader *r, yaml_node_t *map, const char *where, const struct yaml_key *keys, size_t n)
{
    const yaml_node_t *found[YAML_KEYS_MAX] = {0};
    ES_ASSERT(n <= YAML_KEYS_MAX);
    if (map->type != YAML_MAPPING_NODE) {
        return yaml_complain(r, map, "%s: expected a map, found %s", where, yaml_kind(map));
    }
    for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = yaml_node(r, pair->key);
        const char *text = yaml_text(r, name, where, "a key", KEY_ROOM);
        size_t k = 0;
        while (text && k < n && strcmp(keys[k].name, text) != 0) {
            k++;
        }
        if (!text || k == n) {
            return text ? unknown_key(r, name, text, where, keys, n) : false;
        }
        if (found[k]) {
            return yaml_complain(r, name, "%s: expected once, given before in line %zu", text, found[k]->start_mark.line + 1);
        }
        found[k] = name;
        if (!keys[k].read(r->user, yaml_node(r, pair->value), keys[k].name)) {
            return false;
        }
    }
    for (size_t k = 0; k < n; k++) {
        if (keys[k].required && !found[k]) {
            return yaml_complain(r, map, "%s: expected in %s, and missing", keys[k].name, where);
        }
    }
    return true;
}

bool yaml_is_word(const yaml_node_t *node, const char *word)
{
    return node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, word) == 0;
}

yaml_node_t *yaml_value(struct yaml_reader *r, const yaml_node_t *map, const char *key)
{
    const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
    while (pair < map->data.mapping.pairs.top && !yaml_is_word(yaml_node(r, pair->key), key)) {
        pair++;
    }
    return pair < map->data.mapping.pairs.top ? yaml_node(r, pair->value) : NULL;
}

/* --- the whole file --- */

static bool complain_syntax(struct yaml_reader *r, const yaml_parser_t *parser)
{
    return error_input(r->e, "%.300s:%zu: not YAML: %s", r->file, parser->problem_mark.line + 1,
                       parser->problem ? parser->problem : "out of memory");
}

static bool read_document(struct yaml_reader *r, yaml_parser_t *parser, bool (*read_root)(void *user, yaml_node_t *root))
{
    if (!yaml_parser_load(parser, &r->document)) {
        return complain_syntax(r, parser);
    }
    yaml_node_t *root = yaml_document_get_root_node(&r->document);
    bool good = root ? read_root(r->user, root) : yaml_complain(r, NULL, "expected a map of keys, found an empty file");
    yaml_document_delete(&r->document);
    return good;
}

/* Nothing may follow the document. */
static bool read_end(struct yaml_reader *r, yaml_parser_t *parser)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        return complain_syntax(r, parser);
    }
    const yaml_node_t *root = yaml_document_get_root_node(&second);
    bool good = !root || yaml_complain(r, root, "expected one document in the file");
    yaml_document_delete(&second);
    return good;
}

bool yaml_read(struct yaml_reader *r, const char *text, size_t bytes, size_t bytes_max, bool (*read_root)(void *user, yaml_node_t *root))
{
    yaml_parser_t parser;
    if (bytes > bytes_max || !yaml_parser_initialize(&parser)) {
        return error_input(r->e, "%.300s: expected at most %zu bytes, and enough memory", r->file, bytes_max);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
    bool good = read_document(r, &parser, read_root) && read_end(r, &parser);
    yaml_parser_delete(&parser);
    return good;
}

char *yaml_file_text(const char *path, const char *what, size_t bytes_max, size_t *bytes, struct error *e)
{
    struct stat status;
    FILE *in = fopen(path, "rb");
    if (!in || fstat(fileno(in), &status) != 0 || !S_ISREG(status.st_mode) || (uintmax_t)status.st_size > bytes_max) {
        char reason[80] = "";
        snprintf(reason, sizeof reason, "expected a regular file of at most %zu KiB", bytes_max / 1024);
        error_input(e, "%.300s: cannot read this %s: %s", path, what, in ? reason : strerror(errno));
        if (in) {
            fclose(in);
        }
        return NULL;
    }
    *bytes = (size_t)status.st_size;
    char *text = error_calloc(e, *bytes + 1, 1, path);
    if (text && fread(text, 1, *bytes, in) != *bytes) {
        error_input(e, "%.300s: cannot read this %s", path, what);
        free(text);
        text = NULL;
    }
    fclose(in);
    return text;
}
