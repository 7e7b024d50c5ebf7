/* workload_incidents.c -- the `incidents` of a workload file. */
#include <string.h>

#include "sim/workload_read_internal.h"

static const struct yaml_field fields[] = {
    {"at_us", YAML_DOUBLE, offsetof(struct workload_incident, at_us), 0, 1e9, NULL},
    {"times", YAML_UINT32, offsetof(struct workload_incident, what.count), 1, 1000000000, NULL},
    {"bits", YAML_UINT32, offsetof(struct workload_incident, what.count), 1, 3, NULL},
};

static bool read_incident_field(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return yaml_field(&r->yaml, value, key, fields, r->incident);
}

static bool complain_none(struct workload_reader *r, const yaml_node_t *value, const char *key)
{
    return yaml_complain(&r->yaml, value, "%s: expected an adapter, found none", key);
}

/* reload: NAME, ...: the key says what happens. */
static bool read_kind(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    if (r->incident->what.kind != INCIDENT_KINDS) {
        return yaml_complain(&r->yaml, value, "%s: expected one of reload, unload, corrupt, truncate, flip in an incident", key);
    }
    enum incident_kind kind = INCIDENT_RELOAD;
    while (strcmp(incident_names[kind], key) != 0) {
        kind++; /* ends: the key is one of the list */
    }
    r->incident->what.kind = kind;
    return workload_find_adapter(r, value, key, "", &r->incident->what.adapter) &&
           (r->incident->what.adapter >= 0 || kind == INCIDENT_FLIP || complain_none(r, value, key));
}

static bool read_to(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    return workload_find_adapter(r, value, key, "", &r->incident->what.version) &&
           (r->incident->what.version >= 0 || complain_none(r, value, key));
}

static bool read_layer(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    const bool embedding = yaml_is_word(value, "embedding"), head = yaml_is_word(value, "head");
    uint64_t layer = 0;
    bool good = embedding || head || yaml_integer(&r->yaml, value, key, 0, 100000, &layer);
    r->incident->what.layer = embedding ? LAYER_EMBEDDING : head ? INCIDENT_AT_HEAD : (int32_t)layer;
    return good;
}

static bool read_part(void *user, yaml_node_t *value, const char *key)
{
    struct workload_reader *r = user;
    size_t part = 0;
    bool good = yaml_word(&r->yaml, value, key, flip_part_names, FLIP_PARTS, &part);
    r->incident->what.part = (enum flip_part)part;
    return good;
}

/* A new version belongs to one adapter only: whoever else had it would be moved along with a second reload. */
static bool check_version(struct workload_reader *r, yaml_node_t *item, const struct incident *what)
{
    for (int32_t t = 0; what->version != what->adapter && t < r->w->n_tenants; t++) {
        if (r->w->tenants[t].adapter == what->version) {
            return yaml_complain(&r->yaml, item, "to: expected an adapter that no tenant has, and '%s' has it", r->w->tenants[t].name);
        }
    }
    return true;
}

static bool read_incident(struct workload_reader *r, yaml_node_t *item)
{
    static const struct yaml_key keys[] = {{"at_us", true, read_incident_field},
                                           {"reload", false, read_kind},
                                           {"unload", false, read_kind},
                                           {"corrupt", false, read_kind},
                                           {"truncate", false, read_kind},
                                           {"flip", false, read_kind},
                                           {"to", false, read_to},
                                           {"layer", false, read_layer},
                                           {"times", false, read_incident_field},
                                           {"bits", false, read_incident_field},
                                           {"part", false, read_part}};
    struct incident *what = &r->incident->what;
    what->kind = INCIDENT_KINDS;
    what->count = 1;
    if (!YAML_MAP(&r->yaml, item, "incidents", keys)) {
        return false;
    }
    if (what->kind == INCIDENT_KINDS) {
        return yaml_complain(&r->yaml, item, "incidents: expected one of reload, unload, corrupt, truncate, flip");
    }
    if (what->adapter < 0 && what->part != FLIP_KV) { /* the base model has KV caches, and no more */
        return complain_none(r, yaml_value(&r->yaml, item, "flip"), "flip");
    }
    const unsigned kind = 1u << what->kind, slice = 1u << INCIDENT_CORRUPT | 1u << INCIDENT_TRUNCATE, flip = 1u << INCIDENT_FLIP;
    const char *name = incident_names[what->kind];
    bool layer = kind & (slice | flip);
    if ((yaml_value(&r->yaml, item, "layer") != NULL) != layer) {
        return yaml_complain(&r->yaml, item, "layer: %s with %s", layer ? "expected" : "not expected", name);
    }
    const struct {
        const char *key;
        unsigned kinds;
    } optional[] = {{"to", 1u << INCIDENT_RELOAD}, {"times", slice}, {"bits", flip}, {"part", flip}};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        if (!(kind & optional[i].kinds) && yaml_value(&r->yaml, item, optional[i].key)) {
            return yaml_complain(&r->yaml, item, "%s: not expected with %s", optional[i].key, name);
        }
    }
    what->version = yaml_value(&r->yaml, item, "to") ? what->version : what->adapter;
    return check_version(r, item, what);
}

bool workload_read_incidents(struct workload_reader *r)
{
    enum { INCIDENTS_MAX = 10000 };
    yaml_node_t *list = r->incidents;
    size_t count = list ? yaml_list_length(list) : 0;
    if (!list) {
        return true;
    }
    if (count == 0 || count > INCIDENTS_MAX) {
        return yaml_complain(&r->yaml, list, "incidents: expected a list of 1 to %d", INCIDENTS_MAX);
    }
    r->w->incidents = error_calloc(r->yaml.e, count, sizeof *r->w->incidents, "incidents");
    bool good = r->w->incidents != NULL;
    for (size_t i = 0; good && i < count; i++) {
        r->incident = &r->w->incidents[r->w->n_incidents++];
        good = read_incident(r, yaml_list_item(&r->yaml, list, i));
    }
    return good;
}
