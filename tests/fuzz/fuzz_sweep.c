/* Sweep files from anywhere: no crash, and every point of one that is accepted is within the parameters' ranges, or says that it is not. */
#include <stdlib.h>
#include <string.h>

#include "sim/params.h"
#include "sim/sweep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No file of the fuzzer's choice is opened: any name is the default chip, and a model without a shape. */
static void open_names(struct sweep *s)
{
    size_t names = 1;
    for (uint32_t i = 0; i < s->n_axes; i++) {
        names += s->axes[i].n_values;
    }
    s->chips = calloc(names, sizeof *s->chips);
    s->models = calloc(1, sizeof *s->models);
    for (uint32_t i = 0; i < s->n_axes; i++) {
        for (uint32_t v = 0; v < s->axes[i].n_values && s->axes[i].key.target == TARGET_CHIP; v++) {
            memcpy(s->chips[s->n_chips].name, s->axes[i].names[v], SWEEP_TEXT_ROOM);
            config_defaults(&s->chips[s->n_chips++].config);
        }
        for (uint32_t v = 0; v < s->axes[i].n_values && s->axes[i].key.target == TARGET_MODEL; v++) {
            memcpy(s->axes[i].names[v], "m", 2);
        }
    }
    memcpy(s->models[0].name, "m", 2);
    s->n_models = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sweep s;
    struct error e;
    if (!sweep_parse((const char *)data, size, "fuzz.yaml", &s, &e)) {
        return 0;
    }
    if (s.method == SAMPLE_GRID && !s.serves) {
        open_names(&s);
        for (uint32_t i = 0; i < s.n_points; i += 1 + s.n_points / 50) {
            struct sweep_point point;
            sweep_point(&s, i, &point);
            for (int p = 0; p < PARAMETER_COUNT && sweep_point_check(&s, &point, &e); p++) {
                uint32_t value = parameter_get(&parameters[p], &point.config);
                ES_ASSERT(parameters[p].words || (value >= parameters[p].low && value <= parameters[p].high));
            }
        }
    }
    sweep_free(&s);
    return 0;
}
