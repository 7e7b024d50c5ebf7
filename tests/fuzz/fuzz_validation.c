/* Tables of published figures from anywhere: no crash, and what is accepted has rows of a known kind. Nothing is run. */
#include "sim/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct validation v;
    struct error e;
    if (validation_parse((const char *)data, size, "fuzz.yaml", &v, &e)) {
        for (uint32_t i = 0; i < v.n_rows; i++) {
            ES_ASSERT(v.rows[i].measure < MEASURES && v.rows[i].quantity[0] && v.rows[i].each >= 1);
        }
        ES_ASSERT(v.n_rows > 0);
        validation_free(&v);
    }
    return 0;
}
