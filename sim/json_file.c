#include "sim/json_file.h"

#include <ctype.h>
#include <string.h>

#include "sim/mapped.h"

static int line_of(const char *text, size_t at)
{
    int line = 1;
    for (size_t i = 0; i < at; i++) {
        line += text[i] == '\n';
    }
    return line;
}

static cJSON *parse(const char *path, const char *text, size_t length, struct error *e)
{
    const char *end = NULL;
    cJSON *json = length ? cJSON_ParseWithLengthOpts(text, length, &end, false) : NULL;
    size_t at = end ? (size_t)(end - text) : 0;
    while (json && at < length && isspace((unsigned char)text[at])) {
        at++;
    }
    if (json && at == length && cJSON_IsObject(json)) {
        return json;
    }
    cJSON_Delete(json);
    error_input(e, "%s:%d: byte %zu: expected one JSON object, found a mistake", path, line_of(text, at < length ? at : length), at);
    return NULL;
}

cJSON *json_file_read(const char *path, const char *schema, struct error *e)
{
    struct mapped map;
    if (!mapped_open(path, &map, e)) {
        return NULL;
    }
    cJSON *json = parse(path, (const char *)map.bytes, map.size_bytes, e);
    mapped_close(&map);
    const char *found = json_text(json, "schema", "none");
    if (json && strcmp(found, schema) != 0) {
        error_input(e, "%s: expected the schema %s, found %.40s", path, schema, found);
        cJSON_Delete(json);
        json = NULL;
    }
    return json;
}

const cJSON *json_at(const cJSON *json, const char *path)
{
    char key[64];
    while (json && *path) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof key) {
            return NULL;
        }
        memcpy(key, path, length);
        key[length] = '\0';
        json = cJSON_GetObjectItemCaseSensitive(json, key);
        path += length + (path[length] == '.');
    }
    return json;
}

double json_number(const cJSON *json, const char *path, double missing)
{
    const cJSON *item = json_at(json, path);
    return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

const char *json_text(const cJSON *json, const char *path, const char *missing)
{
    const cJSON *item = json_at(json, path);
    return cJSON_IsString(item) ? item->valuestring : missing;
}
