/* safetensors files from anywhere: no crash, and every tensor of what is accepted can be read to its end. */
#include "adapters/safetensors.h"

enum { BLOCK = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors s;
    struct error e;
    if (!safetensors_open_memory("fuzz.safetensors", data, size, &s, &e)) {
        return 0;
    }
    for (int64_t i = 0; i < s.n_tensors; i++) {
        const struct safetensors_tensor *t = &s.tensors[i];
        float block[BLOCK];
        int64_t n = (int64_t)(t->end - t->begin) / (t->type == SAFETENSORS_F32 ? 4 : 2);
        for (int64_t first = 0; first < n; first += BLOCK) {
            safetensors_read(&s, t, first, n - first < BLOCK ? n - first : BLOCK, block, &e);
        }
        if (safetensors_find(&s, t->name) != t) {
            __builtin_trap();
        }
    }
    safetensors_close(&s);
    return 0;
}
