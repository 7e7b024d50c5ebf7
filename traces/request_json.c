/* request_json.c -- request traces as JSON lines: Mooncake's, and this project's own keys. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "traces/request_line.h"

struct json_key {
    const char *name;
    bool required;
    const cJSON *value; /* once found */
};

/* The line as an object that has these keys and no other, each once. NULL and an error otherwise; cJSON_Delete() the result. */
static cJSON *parse_object(const struct request_line *line, struct json_key *keys, size_t n_keys)
{
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithLengthOpts(line->text, line->bytes, &end, false);
    while (object && end < line->text + line->bytes && (*end == ' ' || *end == '\t')) {
        end++;
    }
    bool good = (cJSON_IsObject(object) && end == line->text + line->bytes) || line_complain(line, "expected one JSON object");
    for (const cJSON *item = good && object ? object->child : NULL; item && good; item = item->next) {
        size_t k = 0;
        while (k < n_keys && strcmp(keys[k].name, item->string) != 0) {
            k++;
        }
        if (k == n_keys) {
            good = line_complain(line, "%.60s: there is no such key in this format", item->string);
        } else if (keys[k].value) {
            good = line_complain(line, "%s: expected once", keys[k].name);
        } else {
            keys[k].value = item;
        }
    }
    for (size_t k = 0; k < n_keys && good; k++) {
        good = keys[k].value || !keys[k].required || line_complain(line, "%s: expected, and missing", keys[k].name);
    }
    if (!good) {
        cJSON_Delete(object);
    }
    return good ? object : NULL;
}

static bool json_tokens(const struct request_line *line, const struct json_key *key, uint32_t *tokens)
{
    double value = cJSON_IsNumber(key->value) ? key->value->valuedouble : 0;
    if (!(value >= 1 && value <= REQUEST_LENGTH_MAX && value == floor(value))) {
        return line_complain(line, "%s: expected a whole number of tokens, 1 to %d", key->name, REQUEST_LENGTH_MAX);
    }
    *tokens = (uint32_t)value;
    return true;
}

/* A time in units of ns_per_unit. Doubles hold nanoseconds exactly for the first 104 days. */
static bool json_time(const struct request_line *line, const struct json_key *key, const char *unit, double ns_per_unit, uint64_t *ns)
{
    double value = cJSON_IsNumber(key->value) ? key->value->valuedouble * ns_per_unit : -1;
    if (!(value >= 0 && value <= (double)REQUEST_SECONDS_MAX * NS_PER_S)) {
        return line_complain(line, "%s: expected a number of %s, 0 or more", key->name, unit);
    }
    *ns = (uint64_t)floor(value + 0.5);
    return true;
}

bool mooncake_row(const struct request_line *line, struct request_row *row)
{
    struct json_key keys[] = {
        {"timestamp", true, NULL}, {"input_length", true, NULL}, {"output_length", true, NULL}, {"hash_ids", true, NULL}};
    cJSON *object = parse_object(line, keys, sizeof keys / sizeof *keys);
    bool good = object && json_time(line, &keys[0], "milliseconds", 1e6, &row->arrival_ns) &&
                json_tokens(line, &keys[1], &row->prompt_tokens) && json_tokens(line, &keys[2], &row->output_tokens) &&
                (cJSON_IsArray(keys[3].value) || line_complain(line, "hash_ids: expected a list"));
    cJSON_Delete(object);
    return good;
}

static bool json_adapter(const struct request_line *line, const cJSON *value, struct request_row *row)
{
    if (!cJSON_IsString(value) || !value->valuestring[0] || strlen(value->valuestring) >= sizeof row->adapter) {
        return line_complain(line, "adapter: expected a name of 1 to %zu bytes", sizeof row->adapter - 1);
    }
    snprintf(row->adapter, sizeof row->adapter, "%s", value->valuestring);
    return true;
}

bool columns_json_row(const struct request_line *line, struct request_row *row)
{
    struct json_key keys[] = {
        {"arrival_s", true, NULL}, {"prompt_tokens", true, NULL}, {"output_tokens", true, NULL}, {"adapter", false, NULL}};
    cJSON *object = parse_object(line, keys, sizeof keys / sizeof *keys);
    bool good = object && json_time(line, &keys[0], "seconds", 1e9, &row->arrival_ns) && json_tokens(line, &keys[1], &row->prompt_tokens) &&
                json_tokens(line, &keys[2], &row->output_tokens) && (!keys[3].value || json_adapter(line, keys[3].value, row));
    cJSON_Delete(object);
    return good;
}
