/* Files of constants from anywhere: no crash, and what is accepted are brackets inside the list's limits, from which a die can be computed. */
#include "sim/physical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct physics p;
    static const struct silicon silicon = {.rom_bits = 1e9, .sram_bits = 1e8, .sram_ports = 2, .lora_lanes = 64, .blocks = 4};
    struct physical die[CORNERS];
    struct error e;
    if (!physics_parse((const char *)data, size, "fuzz.yaml", &p, &e)) {
        return 0;
    }
    for (int i = 0; i < CONSTANT_COUNT; i++) {
        ES_ASSERT(p.given[i].low >= constants[i].least && p.given[i].high <= constants[i].most && p.given[i].low <= p.given[i].nominal &&
                  p.given[i].nominal <= p.given[i].high && p.given[i].source[0] != 0);
    }
    for (enum corner c = 0; c < CORNERS; c++) {
        physical_die(&p.corner[c], &silicon, &die[c]);
    }
    ES_ASSERT(die[CORNER_LOW].die_mm2 <= die[CORNER_HIGH].die_mm2);
    return 0;
}
