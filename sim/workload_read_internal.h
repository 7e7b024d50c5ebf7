/* workload_read_internal.h -- what workload_read.c and workload_incidents.c have of each other. */
#ifndef ETCHSIM_WORKLOAD_READ_INTERNAL_H
#define ETCHSIM_WORKLOAD_READ_INTERNAL_H

#include "sim/workload.h"
#include "sim/yaml_read.h"

struct workload_reader {
    struct yaml_reader yaml;
    struct workload *w;
    struct workload_tenant *tenant;     /* that is being read */
    struct workload_incident *incident; /* the same */
    yaml_node_t *tenants, *incidents;   /* read last, since they name adapters */
};

/* An adapter of the workload's list; *index -1 for `none`, which `expected` may offer in messages. */
bool workload_find_adapter(struct workload_reader *r, yaml_node_t *value, const char *key, const char *expected, int32_t *index);
/* r->incidents, if there are any. After the tenants. */
bool workload_read_incidents(struct workload_reader *r);

#endif
