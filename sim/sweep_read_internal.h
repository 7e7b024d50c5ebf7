/* sweep_read_internal.h -- what the files that read sweep files share. */
#ifndef ETCHSIM_SWEEP_READ_INTERNAL_H
#define ETCHSIM_SWEEP_READ_INTERNAL_H

#include "sim/sweep.h"
#include "sim/yaml_read.h"

struct sweep_reader {
    struct yaml_reader yaml;
    struct sweep *s;
    struct sweep_axis *axis; /* that is being read */
    bool from_given, to_given, step_given, powers_given, scale_given;
    uint32_t step, powers_of;
    bool points_given, seed_given;
};

/* Readers of keys (yaml_read.h); user: the struct sweep_reader. */
bool sweep_read_constraints(void *user, yaml_node_t *value, const char *key);
bool sweep_read_objective(void *user, yaml_node_t *value, const char *key);
bool sweep_read_pareto(void *user, yaml_node_t *value, const char *key);
bool sweep_read_plots(void *user, yaml_node_t *value, const char *key);

#endif
