/* yaml_read.h -- small YAML files as maps of known keys, every complaint with file, line and key.
 *
 *   text --yaml_read--> document --read_root(user, root)--> yaml_map(..., keys) --> each key's read()
 *
 * A map's keys are rows of a table: name, whether it must be there, and the function that reads its value. Unknown, missing and duplicate keys are
 * complained about. Readers of values return false after a complaint; the error is in the reader's *e.
 */
#ifndef ETCHSIM_YAML_READ_H
#define ETCHSIM_YAML_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "sim/error.h"

struct yaml_reader {
    const char *file; /* stands for it in messages */
    struct error *e;
    void *user; /* what the keys' readers are called with */
    yaml_document_t document;
};

struct yaml_key {
    const char *name;
    bool required;
    bool (*read)(void *user, yaml_node_t *value, const char *key);
};
enum { YAML_KEYS_MAX = 64 }; /* of one map */

/* Parses one document and calls read_root(r->user, its root). An empty file has no root: an error, as is a second document or a file beyond bytes_max. */
bool yaml_read(struct yaml_reader *r, const char *text, size_t bytes, size_t bytes_max, bool (*read_root)(void *user, yaml_node_t *root));
/* A regular file's text with a NUL behind it, owned by the caller; `what` ("workload") is for messages. NULL and an error otherwise. */
char *yaml_file_text(const char *path, const char *what, size_t bytes_max, size_t *bytes, struct error *e);

/* Fills the error with the node's place; node may be NULL: the file's first line. Returns false. */
bool yaml_complain(struct yaml_reader *r, const yaml_node_t *node, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A map that has these keys and no other, each once. `where` names it in messages. */
bool yaml_map(struct yaml_reader *r, yaml_node_t *map, const char *where, const struct yaml_key *keys, size_t n);
#define YAML_MAP(r, map, where, keys) yaml_map(r, map, where, keys, sizeof(keys) / sizeof(keys)[0])
yaml_node_t *yaml_node(struct yaml_reader *r, int index);
/* "a list", "a map", ... for messages. */
const char *yaml_kind(const yaml_node_t *node);
bool yaml_is_word(const yaml_node_t *node, const char *word);
size_t yaml_list_length(const yaml_node_t *node); /* 0: empty, or no list */
yaml_node_t *yaml_list_item(struct yaml_reader *r, const yaml_node_t *list, size_t i);
/* Of a key in a map; NULL: it has none. */
yaml_node_t *yaml_value(struct yaml_reader *r, const yaml_node_t *map, const char *key);

/* Values. `key` is what messages call them. */
/* A scalar's text, shorter than `room` and without NUL, owned by the document; NULL after a complaint. */
const char *yaml_text(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *expected, size_t room);
bool yaml_copy(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *expected, char *to, size_t room);
/* A preset's name as it stands, or a path (preset_is_path), relative to the file's own folder. */
bool yaml_path(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *extension, char *to, size_t room);
bool yaml_integer(struct yaml_reader *r, yaml_node_t *node, const char *key, uint64_t low, uint64_t high, uint64_t *value);
bool yaml_number(struct yaml_reader *r, yaml_node_t *node, const char *key, double low, double high, double *value);
/* One of n words, by its index. */
bool yaml_word(struct yaml_reader *r, yaml_node_t *node, const char *key, const char *const *words, size_t n, size_t *index);
bool yaml_bool(struct yaml_reader *r, yaml_node_t *node, const char *key, bool *value);

/* Keys that are a struct's field and its bounds. */
struct yaml_field {
    const char *key;
    enum { YAML_UINT32, YAML_DOUBLE, YAML_BOOL, YAML_PATH } kind;
    size_t offset;
    double low, high;      /* both included; of a path: high is its room */
    const char *extension; /* of a path's file */
};
/* Reads the field that `key`, one of the list, names in an object of its struct. */
bool yaml_field(struct yaml_reader *r, yaml_node_t *node, const char *key, const struct yaml_field *fields, void *object);

#endif
