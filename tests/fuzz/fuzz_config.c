/* Chip files from anywhere: no crash, and what is accepted is in range and reads back the same after writing. */
#include <stdlib.h>
#include <string.h>

#include "sim/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chip_config config, again;
    struct error e;
    if (!config_parse((const char *)data, size, "fuzz.yaml", &config, &e)) {
        return 0;
    }
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    config_write_yaml(&config, out);
    fclose(out);
    bool same = config_parse(text, length, "fuzz.yaml", &again, &e) && memcmp(&config, &again, sizeof config) == 0;
    free(text);
    if (!same) {
        abort();
    }
    return 0;
}
