/* physics.h -- physical and economic constants: the rows of physics.def, read from configs/physics/NAME.yaml.
 *
 *   sram:
 *     bitcell_um2: {low: 0.027, nominal: 0.027, high: 0.032, unit: um2, process: N7, source: "who says so"}
 *
 * Each constant is a bracket. The LOW corner has of every constant the end that makes the chip smaller, thriftier and cheaper, the HIGH corner the
 * other one: all results are monotone in every constant, so the corners' results are the ends of the results' brackets.
 */
#ifndef ETCHSIM_PHYSICS_H
#define ETCHSIM_PHYSICS_H

#include "sim/error.h"
#include "sim/presets.h"

enum corner { CORNER_LOW, CORNER_NOMINAL, CORNER_HIGH, CORNERS };
extern const char *const corner_names[CORNERS]; /* "low", "nominal", "high" */

struct constants { /* one corner */
#define CONSTANT(section, name, ...) double section##_##name;
#include "sim/physics.def"
#undef CONSTANT
};

enum {
#define CONSTANT(section, name, ...) CONSTANT_##section##_##name,
#include "sim/physics.def"
#undef CONSTANT
    CONSTANT_COUNT
};

enum effect { EFFECT_MORE, EFFECT_LESS };

struct constant {
    const char *section, *name, *unit;
    double least, most;
    enum effect effect;
    const char *meaning;
    size_t offset; /* in struct constants */
};
extern const struct constant constants[CONSTANT_COUNT];

enum { PHYSICS_PROCESS_ROOM = 32, PHYSICS_SOURCE_ROOM = 512 };
struct physics {
    char name[PRESET_NAME_ROOM];
    struct constants corner[CORNERS];
    struct {
        double low, nominal, high; /* as written, low <= nominal <= high */
        char process[PHYSICS_PROCESS_ROOM], source[PHYSICS_SOURCE_ROOM];
    } given[CONSTANT_COUNT];
};

/* A preset's name (configs/physics/NAME.yaml) or a YAML file. Unknown, missing, duplicate and out-of-range keys, other units and constants without a
 * source are errors with file, line and key. */
bool physics_load(const char *name_or_path, struct physics *physics, struct error *e);
/* The same from memory; `file` stands for it. */
bool physics_parse(const char *text, size_t bytes, const char *file, struct physics *physics, struct error *e);

static inline double constant_value(const struct constant *c, const struct constants *values)
{
    return *(const double *)((const char *)values + c->offset);
}

#endif
