/* params.h -- the rows of params.def as data: what config.c checks, prints and writes from. */
#ifndef ETCHSIM_PARAMS_H
#define ETCHSIM_PARAMS_H

#include "sim/config.h"

struct parameter {
    const char *section, *name, *key; /* key: "section.name" */
    uint32_t default_value, low, high;
    const char *unit;  /* PARAM only */
    const char *words; /* CHOICE only: "a|b|c"; else NULL */
    const char *meaning;
    size_t offset; /* in struct chip_config */
};

enum {
#define PARAM(section, name, ...) PARAMETER_##section##_##name,
#define CHOICE(section, name, ...) PARAMETER_##section##_##name,
#include "sim/params.def"
#undef PARAM
#undef CHOICE
    PARAMETER_COUNT
};

extern const struct parameter parameters[PARAMETER_COUNT];

static inline uint32_t *parameter_value(const struct parameter *p, struct chip_config *config)
{
    return (uint32_t *)((char *)config + p->offset);
}

static inline uint32_t parameter_get(const struct parameter *p, const struct chip_config *config)
{
    return *(const uint32_t *)((const char *)config + p->offset);
}

/* NULL if there is no such key. */
const struct parameter *parameter_find(const char *key);

/* A CHOICE's word number `index`; its length goes to *length (words aren't NUL-terminated). NULL past the last one. */
const char *parameter_word(const struct parameter *p, uint32_t index, int *length);

/* Reads a value as a user wrote it, decimal or one of the words. An error has no place in it; it says "expected ..., found ...". */
bool parameter_parse(const struct parameter *p, const char *text, uint32_t *value, struct error *e);

#endif
