/* physical.h -- area, transistors, power, energy and cost of a chip and of what ran on it, at one corner of the constants.
 *
 *   struct silicon (what is on the die) --+
 *   struct activity (what moved) ---------+--> struct physical: for each component area, transistors, leakage, dynamic energy; then their sums,
 *   struct constants (one corner) --------+                     card, server and cost
 *
 * No heap; a corner takes a microsecond or two. Formulas, sources and inaccuracies: docs/physics.md.
 */
#ifndef ETCHSIM_PHYSICAL_H
#define ETCHSIM_PHYSICAL_H

#include "sim/physics.h"
#include "sim/silicon.h"

enum component {
#define COMPONENT(name, label) COMPONENT_##name,
#include "sim/components.def"
#undef COMPONENT
    COMPONENTS
};
extern const char *const component_names[COMPONENTS];  /* for JSON */
extern const char *const component_labels[COMPONENTS]; /* for people */

struct physical {
    /* of the die */
    double area_mm2[COMPONENTS], transistors[COMPONENTS], leakage_w[COMPONENTS];
    double die_mm2, die_transistors; /* die_mm2: of both dies, where SRAM has its own */
    double second_die_mm2;           /* of it; 0: there is one die */
    double static_w;                 /* leakage, and the clock of logic that waits */
    double idle_clock_w;             /* what clock gating leaves */
    double dies_per_wafer, yield;    /* of the die with the ROM */
    double die_usd, card_usd;        /* good dies, bonded; its owner's price */
    /* of the run: dynamic energy, then what follows with the time that it took. 0 where nothing was generated */
    double dynamic_j[COMPONENTS];
    double run_dynamic_j, run_j; /* run_j: with static_w over the run */
    double energy_mj_per_token;  /* run_j over the tokens generated */
    double die_w, card_w;
    double server_w, server_mj_per_token; /* of a server full of such cards, each as busy; 0: a card alone */
    double capital_usd_per_million_tokens, electricity_usd_per_million_tokens;
};

/* The part that follows from the die alone. In these, k: constants of one corner, s: what is on the die, a: what moved, p: the results. */
void physical_die(const struct constants *k, const struct silicon *s, struct physical *p);
/* Adds what a run cost, to a die's figures. */
void physical_run(const struct constants *k, const struct silicon *s, const struct activity *a, struct physical *p);

static inline double physical_dynamic_mj_per_token(const struct physical *p)
{
    return p->run_j > 0 ? p->energy_mj_per_token * p->run_dynamic_j / p->run_j : 0;
}
static inline double physical_usd_per_million_tokens(const struct physical *p)
{
    return p->capital_usd_per_million_tokens + p->electricity_usd_per_million_tokens;
}

enum {
#define RESULT(stem, suffix, ...) PHYSICAL_##stem##_##suffix,
#include "sim/physical_results.def"
#undef RESULT
    PHYSICAL_RESULTS
};

struct physical_result {
    const char *name, *unit, *meaning;
    bool shown;
    double (*value)(const struct physical *p);
};
extern const struct physical_result physical_results[PHYSICAL_RESULTS];

/* mm2 that a model's ROM takes, cells with their share of lines and decoders, without the logic of the tiles. */
double physical_rom_mm2(const struct constants *k, double rom_bits, double rom_store_bits);

#endif
