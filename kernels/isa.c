#include "kernels/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/isa_table.h"
#include "sim/error.h"

const char *const k_isa_names[K_ISA_COUNT] = {"plain", "avx2", "avx512"};

#ifdef __x86_64__
static const struct isa_table *const tables[K_ISA_COUNT] = {&isa_plain, &isa_avx2, &isa_avx512};

bool k_isa_available(enum k_isa isa)
{
    switch (isa) {
    case K_ISA_PLAIN: return true;
    case K_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case K_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
    default: return false;
    }
}
#else
static const struct isa_table *const tables[K_ISA_COUNT] = {&isa_plain};

bool k_isa_available(enum k_isa isa)
{
    return isa == K_ISA_PLAIN;
}
#endif

static const struct isa_table *selected; /* the dispatch pointer; NULL until first use */

bool k_select(enum k_isa isa)
{
    if (!k_isa_available(isa)) {
        return false;
    }
    __atomic_store_n(&selected, tables[isa], __ATOMIC_RELEASE);
    return true;
}

static void select_from_environment(const char *name)
{
    for (enum k_isa isa = 0; isa < K_ISA_COUNT; isa++) {
        if (strcmp(name, k_isa_names[isa]) == 0 && k_select(isa)) {
            return;
        }
    }
    fprintf(stderr, "ETCHSIM_ISA: expected plain, avx2 or avx512, and one that this CPU has, found '%s'\n", name);
    exit(EXIT_CODE_INPUT);
}

static void select_first(void)
{
    const char *name = getenv("ETCHSIM_ISA");
    if (name && name[0]) {
        select_from_environment(name);
        return;
    }
    enum k_isa best = K_ISA_COUNT - 1;
    while (!k_select(best)) {
        best--;
    }
}

const struct isa_table *isa_table(void)
{
    const struct isa_table *table = __atomic_load_n(&selected, __ATOMIC_ACQUIRE);
    if (!table) {
        select_first();
        table = __atomic_load_n(&selected, __ATOMIC_ACQUIRE);
    }
    return table;
}

enum k_isa k_selected(void)
{
    const struct isa_table *table = isa_table();
    enum k_isa isa = 0;
    while (isa < K_ISA_COUNT - 1 && tables[isa] != table) {
        isa++;
    }
    return isa;
}
