#include "sim/incident.h"

#include "kernels/sample.h"

const char *const incident_names[INCIDENT_KINDS] = {"reload", "unload", "corrupt", "truncate", "flip"};

enum damage_outcome damage_read(enum ecc ecc, uint32_t bits)
{
    switch (ecc) {
    case ECC_PARITY: return bits % 2 ? DAMAGE_DETECTED : DAMAGE_SILENT;
    case ECC_SECDED: return bits == 1 ? DAMAGE_CORRECTED : bits == 2 ? DAMAGE_DETECTED : DAMAGE_SILENT;
    case ECC_NONE: break;
    }
    return DAMAGE_SILENT;
}

void damage_weight(int8_t *a, uint64_t n_a, int8_t *b, uint64_t n_b, uint32_t bits, uint64_t seed)
{
    enum { FIELD = (1 << LORA_WEIGHT_BITS) - 1, SIGN = 1 << (LORA_WEIGHT_BITS - 1) };
    struct random random;
    random_seed(&random, seed, 0);
    uint64_t index = random_next(&random) % (n_a + n_b);
    int8_t *weight = index < n_a ? &a[index] : &b[index - n_a];
    int field = *weight & FIELD;
    uint32_t first = (uint32_t)(random_next(&random) % LORA_WEIGHT_BITS);
    for (uint32_t i = 0; i < bits; i++) {
        field ^= 1 << (first + i) % LORA_WEIGHT_BITS;
    }
    *weight = (int8_t)((field ^ SIGN) - SIGN);
}
