/* adapter_config.json from anywhere: no crash, and ranks and alphas of what is accepted are usable. */
#include <math.h>

#include "adapters/peft_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peft_config config;
    struct error e;
    if (!peft_config_parse("fuzz.json", (const char *)data, size, &config, &e)) {
        return 0;
    }
    for (int32_t layer = 0; layer < 3; layer++) {
        for (int which = 0; which < LINEAR_COUNT; which++) {
            int32_t rank;
            double alpha;
            if (peft_config_pair(&config, layer % 2 ? ARCHITECTURE_PHI3 : ARCHITECTURE_LLAMA, layer, (enum linear)which, &rank, &alpha,
                                 &e) &&
                (rank < 0 || rank > LORA_RANK_MAX || (rank > 0 && !(isfinite(alpha) && alpha > 0)))) {
                __builtin_trap();
            }
        }
    }
    peft_config_free(&config);
    return 0;
}
