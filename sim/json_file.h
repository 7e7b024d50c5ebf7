/* json_file.h -- JSON files that etchsim wrote, read again. */
#ifndef ETCHSIM_JSON_FILE_H
#define ETCHSIM_JSON_FILE_H

#include <cjson/cJSON.h>

#include "sim/error.h"

/* The object in a file, owned by the caller (cJSON_Delete), whose "schema" must be the one expected. NULL and *e filled for anything else. */
cJSON *json_file_read(const char *path, const char *schema, struct error *e);

/* The number or the text at a path of keys below `json`, "all.time_to_first_token.p50_us"; `missing` where there is none of that kind. */
double json_number(const cJSON *json, const char *path, double missing);
const char *json_text(const cJSON *json, const char *path, const char *missing);
/* The array or object there, or NULL. */
const cJSON *json_at(const cJSON *json, const char *path);

#endif
