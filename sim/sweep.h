/* sweep.h -- a design space: which values every parameter of chip, model, adapters and workload takes, and the points that follow.
 *
 *   SWEEP.yaml --sweep_load--> struct sweep --sweep_point(index)--> struct sweep_point --point_run (point.h)--> struct sweep_row
 *
 * A point depends on the sweep and its index alone, so any process can compute any point. docs/sweep.md lists the keys of the file.
 */
#ifndef ETCHSIM_SWEEP_H
#define ETCHSIM_SWEEP_H

#include "sim/config.h"
#include "sim/image.h"
#include "sim/metrics.h"
#include "sim/physics.h"
#include "sim/workload.h"

enum {
    SWEEP_TEXT_ROOM = 256,
    SWEEP_KEY_ROOM = 64,
    SWEEP_AXES_MAX = 64,
    SWEEP_VALUES_MAX = 4096, /* of one key */
    SWEEP_CONSTRAINTS_MAX = 32,
    SWEEP_PARETO_MAX = 8,
    SWEEP_PLOTS_MAX = 16,
    SWEEP_PLOT_NAME_ROOM = 40,
    SWEEP_POINTS_MAX = 1000000
};

enum {
#define INPUT(section, name, ...) INPUT_##section##_##name,
#include "sim/sweep_inputs.def"
#undef INPUT
    INPUT_COUNT
};

struct sweep_input {
    const char *key; /* "run.tokens" */
    uint32_t default_value, low, high;
    const char *unit, *meaning;
};
extern const struct sweep_input sweep_inputs[INPUT_COUNT];

/* What a key of the file stands for. */
enum sweep_target { TARGET_CHIP, TARGET_MODEL, TARGET_SERVE, TARGET_INPUT, TARGET_PARAMETER };
struct sweep_key {
    enum sweep_target target;
    int32_t index; /* in sweep_inputs, in parameters; 0 for names */
};
bool sweep_key_find(const char *text, struct sweep_key *key);
/* "sram.banks" */
const char *sweep_key_text(struct sweep_key key);
/* The range of its values; of a choice, the indices of its words. Not for names. */
uint32_t sweep_key_low(struct sweep_key key);
uint32_t sweep_key_high(struct sweep_key key);
static inline bool sweep_key_is_name(struct sweep_key key)
{
    return key.target == TARGET_CHIP || key.target == TARGET_MODEL || key.target == TARGET_SERVE;
}

enum axis_kind { AXIS_LIST, AXIS_INTERVAL, AXIS_TIE };

struct sweep_axis {
    struct sweep_key key;
    enum axis_kind kind;
    bool fixed; /* from `set`: one value */
    /* LIST */
    uint32_t n_values;
    uint32_t *numbers;              /* [n_values] owned; NULL for names */
    char (*names)[SWEEP_TEXT_ROOM]; /* [n_values] owned; NULL for numbers */
    /* INTERVAL, for random and Latin hypercube sampling: every integer from low to high */
    uint32_t low, high;
    bool logarithmic;
    /* TIE: the same value as this key's, which is no tie itself */
    struct sweep_key tied_to;
};

enum operand_kind { OPERAND_NUMBER, OPERAND_KEY, OPERAND_METRIC };
struct sweep_operand {
    enum operand_kind kind;
    double number;
    struct sweep_key key;
    int32_t metric;
};
enum comparison { COMPARE_LESS, COMPARE_LESS_EQUAL, COMPARE_GREATER, COMPARE_GREATER_EQUAL, COMPARE_EQUAL, COMPARE_UNEQUAL };
struct sweep_constraint {
    char text[SWEEP_TEXT_ROOM];
    struct sweep_operand left, right;
    enum comparison comparison;
    enum known known; /* BEFORE: no metric in it that needs the run */
};

enum sampling_method { SAMPLE_GRID, SAMPLE_RANDOM, SAMPLE_LATIN_HYPERCUBE };

/* A picture: y over x, a line for each value of `lines` (empty: one line); keys or metrics. */
struct sweep_plot {
    char name[SWEEP_PLOT_NAME_ROOM], title[128], x[SWEEP_KEY_ROOM], y[SWEEP_KEY_ROOM], lines[SWEEP_KEY_ROOM];
    bool x_log, y_log;
};

struct sweep_chip {
    char name[SWEEP_TEXT_ROOM];
    bool is_auto; /* made for each point's model (chip_auto.h) */
    struct chip_config config;
};
struct sweep_model {
    char name[SWEEP_TEXT_ROOM];
    struct image image; /* its shape */
};
struct sweep_workload {
    char name[SWEEP_TEXT_ROOM];
    struct workload workload;
    struct sweep_chip chip; /* the workload's own, with its `set` */
};

struct sweep {
    char name[SWEEP_KEY_ROOM], file[SWEEP_TEXT_ROOM];
    char *text; /* the file's, owned */
    char physics_name[SWEEP_TEXT_ROOM];
    struct physics physics; /* constants of area, energy and cost */
    enum sampling_method method;
    uint64_t seed;
    uint32_t n_points;
    struct sweep_axis axes[SWEEP_AXES_MAX];
    uint32_t n_axes;
    struct sweep_constraint constraints[SWEEP_CONSTRAINTS_MAX];
    uint32_t n_constraints;
    int32_t objective; /* a metric */
    int32_t pareto[SWEEP_PARETO_MAX];
    uint32_t n_pareto;
    struct sweep_plot plots[SWEEP_PLOTS_MAX];
    uint32_t n_plots;
    double *samples; /* [n_axes][n_points] in 0..1, owned; NULL for a grid */
    /* everything the axes name, opened once; workers have it from before they are forked. Owned. */
    struct sweep_chip *chips;
    struct sweep_model *models;
    struct sweep_workload *workloads;
    uint32_t n_chips, n_models, n_workloads;
    bool serves;        /* points serve a workload; otherwise they are runs */
    bool without_trace; /* not even its hash: tokens may leap (leap.h); set before the run */
    uint64_t hash;      /* of everything that decides the points' results, but for the program itself */
};

/* A preset's name (configs/sweeps/NAME.yaml) or a YAML file. Unknown, missing, duplicate and out-of-range keys are errors with file, line and key. On
 * failure *s is empty. */
bool sweep_load(const char *name_or_path, struct sweep *s, struct error *e);
/* The same from memory, without opening what it names: sweep_open() does that. `file` stands for it. */
bool sweep_parse(const char *text, size_t bytes, const char *file, struct sweep *s, struct error *e);
bool sweep_open(struct sweep *s, struct error *e);
void sweep_free(struct sweep *s);

/* Does the file say anything of this key? */
bool sweep_varies(const struct sweep *s, struct sweep_key key);

struct sweep_point {
    uint32_t index;
    const struct sweep_chip *chip; /* what `config` came from */
    const struct sweep_model *model;
    const struct sweep_workload *workload; /* NULL: a run */
    uint32_t input[INPUT_COUNT];
    struct chip_config config;
};

/* The point of an index below n_points. */
void sweep_point(const struct sweep *s, uint32_t index, struct sweep_point *point);
/* Keys that are tied to others may get values beyond their range at some points. */
bool sweep_point_check(const struct sweep *s, const struct sweep_point *point, struct error *e);
/* A key's value at a point; names have none. */
double sweep_point_number(const struct sweep_point *point, struct sweep_key key);
const char *sweep_point_name(const struct sweep_point *point, struct sweep_key key);
/* A number, or a choice's word, as a user writes it. */
const char *sweep_point_text(const struct sweep_point *point, struct sweep_key key, char *text, size_t room);
/* Does a constraint hold? o NULL: only those known from the point's inputs may be asked, with `known` BEFORE and no metric. */
bool sweep_constraint_holds(const struct sweep_constraint *c, const struct sweep_point *point, const struct observation *o);
/* XXH64 over all inputs of a point, by name and value. */
uint64_t sweep_point_hash(const struct sweep_point *point);

#endif
