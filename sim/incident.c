#include "sim/incident.h"

#include "kernels/sample.h"

const char *const incident_names[INCIDENT_KINDS] = {"reload", "unload", "corrupt", "truncate", "flip"};

const char *const flip_part_names[FLIP_PARTS] = {"weights", "scales", "kv"};

enum damage_outcome damage_read(enum ecc ecc, uint32_t bits)
{
    switch (ecc) {
    case ECC_PARITY: return bits % 2 ? DAMAGE_DETECTED : DAMAGE_SILENT;
    case ECC_SECDED: return bits == 1 ? DAMAGE_CORRECTED : bits == 2 ? DAMAGE_DETECTED : DAMAGE_SILENT;
    case ECC_NONE: break;
    }
    return DAMAGE_SILENT;
}

bool damage_met(enum ecc ecc, uint32_t bits, struct token *token, bool *detected, uint64_t *corrected)
{
    enum damage_outcome outcome = damage_read(ecc, bits);
    *corrected += outcome == DAMAGE_CORRECTED;
    *detected |= outcome == DAMAGE_DETECTED;
    token->flipped |= outcome == DAMAGE_SILENT;
    return outcome != DAMAGE_CORRECTED;
}

/* So many neighbouring bits of a field, the first after the last. */
static uint32_t neighbours(uint32_t bits, uint32_t width, uint64_t draw)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < bits; i++) {
        mask |= 1u << (draw + i) % width;
    }
    return mask;
}

void damage_weight(int8_t *a, uint64_t n_a, int8_t *b, uint64_t n_b, uint32_t bits, uint64_t seed)
{
    enum { FIELD = (1 << LORA_WEIGHT_BITS) - 1, SIGN = 1 << (LORA_WEIGHT_BITS - 1) };
    struct random random;
    random_seed(&random, seed, 0);
    uint64_t index = random_next(&random) % (n_a + n_b);
    int8_t *weight = index < n_a ? &a[index] : &b[index - n_a];
    int field = (*weight & FIELD) ^ (int)neighbours(bits, LORA_WEIGHT_BITS, random_next(&random) % LORA_WEIGHT_BITS);
    *weight = (int8_t)((field ^ SIGN) - SIGN);
}

void damage_scale(uint16_t *a, uint64_t n_a, uint16_t *b, uint64_t n_b, uint32_t bits, uint64_t seed)
{
    struct random random;
    random_seed(&random, seed, 0);
    uint64_t index = random_next(&random) % (n_a + n_b);
    uint16_t *scale = index < n_a ? &a[index] : &b[index - n_a];
    uint32_t low = (uint32_t)(random_next(&random) % LORA_SCALE_BITS) / LORA_WEIGHT_BITS * LORA_WEIGHT_BITS;
    uint32_t width = low + LORA_WEIGHT_BITS < LORA_SCALE_BITS ? LORA_WEIGHT_BITS : LORA_SCALE_BITS - low;
    *scale = (uint16_t)(*scale ^ neighbours(bits, width, random_next(&random) % width) << low);
}

void damage_kv(struct kv *kv, uint32_t row, uint32_t elements, uint32_t bits, uint64_t draw)
{
    struct random random;
    random_seed(&random, draw, 1);
    int8_t *mantissas = random_next(&random) % 2 ? kv->k : kv->v;
    int8_t *mantissa = &mantissas[(uint64_t)row * elements + random_next(&random) % elements];
    *mantissa = (int8_t)(*mantissa ^ (int8_t)neighbours(bits, 8, random_next(&random) % 8));
}
