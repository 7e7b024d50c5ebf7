/* Shape files from anywhere: no crash, and what is accepted reads back the same after writing. */
#include <stdlib.h>
#include <string.h>

#include "sim/model_shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_shape model, again;
    struct error e;
    if (!model_shape_parse((const char *)data, size, "fuzz.yaml", &model, &e)) {
        return 0;
    }
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    model_shape_write(&model, out);
    fclose(out);
    bool same = model_shape_parse(text, length, "fuzz.yaml", &again, &e) && memcmp(&model.shape, &again.shape, sizeof model.shape) == 0 &&
                strcmp(model.source, again.source) == 0 && shape_rom_bits(&again.shape) > 0;
    free(text);
    if (!same) {
        abort();
    }
    return 0;
}
