/* incident.h -- what happens to a chip beside requests: adapters that their owners replace or take away, and bits that go wrong.
 *
 * reload    from this cycle on, whoever names the adapter gets another one of the chip's list, its new version (slots.reload says what becomes of requests in flight)
 * unload    the adapter's slot is given up as soon as its present users are done; a later request loads it anew
 * corrupt   the next `count` arrivals of a layer's slice of the adapter have a flipped bit
 * truncate  they lack their last byte
 * flip      `count` bits of one word of the adapter's weights in a layer flip, if it is in a slot and live
 */
#ifndef ETCHSIM_INCIDENT_H
#define ETCHSIM_INCIDENT_H

#include "sim/unit.h"

enum incident_kind { INCIDENT_RELOAD, INCIDENT_UNLOAD, INCIDENT_CORRUPT, INCIDENT_TRUNCATE, INCIDENT_FLIP, INCIDENT_KINDS };
extern const char *const incident_names[INCIDENT_KINDS]; /* "reload", ... */

enum { INCIDENT_AT_HEAD = INT32_MAX }; /* the layer in a workload, which knows no model, for the model's n_layers */

struct incident {
    cycle_t at;
    enum incident_kind kind;
    int32_t adapter; /* index in the chip's list */
    int32_t version; /* reload: what takes its place */
    int32_t layer;   /* corrupt, truncate, flip; LAYER_EMBEDDING and n_layers of the model: the ends */
    uint32_t count;  /* corrupt, truncate: times; flip: bits */
};

/* A word of an adapter in a slot with flipped bits, and what reading it is like. */
struct damage {
    const struct adapter *adapter; /* the same adapter with the flipped bits; NULL in a run without values */
    int32_t layer, linear;
    uint32_t bits;
    cycle_t from; /* reads after this cycle see it */
};

enum ecc { ECC_NONE, ECC_PARITY, ECC_SECDED };                            /* as in params.def */
enum damage_outcome { DAMAGE_SILENT, DAMAGE_CORRECTED, DAMAGE_DETECTED }; /* of a read */
/* parity detects odd numbers of flipped bits in a word; secded corrects one, detects two, and takes three for another one. */
enum damage_outcome damage_read(enum ecc ecc, uint32_t bits);

/* Flips `bits` neighbouring bits of one of a pair's weights, a [n_a] and b [n_b]; `seed` says which. */
void damage_weight(int8_t *a, uint64_t n_a, int8_t *b, uint64_t n_b, uint32_t bits, uint64_t seed);

#endif
