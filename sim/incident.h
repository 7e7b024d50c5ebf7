/* incident.h -- what happens to a chip beside requests: adapters that their owners replace or take away, and bits that go wrong.
 *
 * reload    from this cycle on, whoever names the adapter gets another one of the chip's list, its new version (slots.reload says what becomes of requests in flight)
 * unload    the adapter's slot is given up as soon as its present users are done; a later request loads it anew
 * corrupt   the next `count` arrivals of a layer's slice of the adapter have a flipped bit
 * truncate  they lack their last byte
 * flip      `count` bits of one word of the adapter's weights or scales in a layer flip, if it is in a slot and live; or of a KV row of a running request of it
 */
#ifndef ETCHSIM_INCIDENT_H
#define ETCHSIM_INCIDENT_H

#include "kernels/types.h"
#include "sim/unit.h"

enum incident_kind { INCIDENT_RELOAD, INCIDENT_UNLOAD, INCIDENT_CORRUPT, INCIDENT_TRUNCATE, INCIDENT_FLIP, INCIDENT_KINDS };
extern const char *const incident_names[INCIDENT_KINDS]; /* "reload", ... */

enum flip_part { FLIP_WEIGHTS, FLIP_SCALES, FLIP_KV, FLIP_PARTS };
extern const char *const flip_part_names[FLIP_PARTS]; /* "weights", ... */

enum { INCIDENT_AT_HEAD = INT32_MAX }; /* the layer in a workload, which knows no model, for the model's n_layers */

struct incident {
    cycle_t at;
    enum incident_kind kind;
    enum flip_part part;
    int32_t adapter; /* index in the chip's list; flip of KV: -1 for the base model too */
    int32_t version; /* reload: what takes its place */
    int32_t layer;   /* corrupt, truncate, flip; LAYER_EMBEDDING and n_layers of the model: the ends, which have no KV */
    uint32_t count;  /* corrupt, truncate: times; flip: bits */
};

/* A word of an adapter in a slot, or of a KV cache, with flipped bits, and what reading it is like. */
struct damage {
    const struct adapter *adapter; /* the same adapter with the flipped bits; NULL in a run without values */
    int32_t layer, linear;
    uint32_t bits;
    uint64_t draw; /* KV: which row and element, by the remainder */
    uint32_t row;  /* KV: the token's position */
    cycle_t from;  /* reads after this cycle see it */
};

enum ecc { ECC_NONE, ECC_PARITY, ECC_SECDED };                            /* as in params.def */
enum damage_outcome { DAMAGE_SILENT, DAMAGE_CORRECTED, DAMAGE_DETECTED }; /* of a read */
/* parity detects odd numbers of flipped bits in a word; secded corrects one, detects two, and takes three for another one. */
enum damage_outcome damage_read(enum ecc ecc, uint32_t bits);

/* The same, told to the token that reads: *detected is its flag for what ECC finds. Returns whether it computes with the flipped bits. */
bool damage_met(enum ecc ecc, uint32_t bits, struct token *token, bool *detected, uint64_t *corrected);

/* Flips `bits` neighbouring bits of one of a pair's weights, a [n_a] and b [n_b]; `seed` says which. */
void damage_weight(int8_t *a, uint64_t n_a, int8_t *b, uint64_t n_b, uint32_t bits, uint64_t seed);
/* The same of its scales: bits of one of the three six-bit fields in which a scale lies in the SRAM (docs/lora_mac.md). */
void damage_scale(uint16_t *a, uint64_t n_a, uint16_t *b, uint64_t n_b, uint32_t bits, uint64_t seed);
/* The same of one mantissa of a row of `elements` in K or in V; `draw` says which. Done twice, all is as before. */
void damage_kv(struct kv *kv, uint32_t row, uint32_t elements, uint32_t bits, uint64_t draw);

#endif
