#include "sim/validate_fit.h"

#include <math.h>

#include "sim/rom_array.h"

const char *const fit_array_names[FIT_ARRAYS] = {"qkv", "o", "gate_up", "down", "head"};

struct extent {
    int32_t n_in, n_out;
};

static struct extent extent_of(const struct shape *s, enum fit_array which)
{
    int32_t q = shape_n_out(s, LINEAR_Q), kv = shape_n_out(s, LINEAR_K);
    switch (which) {
    case FIT_QKV: return (struct extent){s->d_model, q + 2 * kv};
    case FIT_O: return (struct extent){q, s->d_model};
    case FIT_GATE_UP: return (struct extent){s->d_model, 2 * s->d_ff};
    case FIT_DOWN: return (struct extent){s->d_ff, s->d_model};
    default: return (struct extent){s->d_model, s->n_vocab};
    }
}

/* From the last beat of x to the first of the results, and the beats after that. */
static double array_cycles(const struct chip_config *c, struct extent a)
{
    struct rom_port port = {0};
    rom_port_timing(&port, c, (uint32_t)a.n_in, (uint32_t)a.n_out, false);
    return (double)port.sweep_cycles + port.pipeline_cycles + port.drain_beats - 1;
}

double fit_predict(const struct chip_config *config, const struct shape *shape, const double us[FIT_ARRAYS], enum fit_array left_out)
{
    struct chip_config c = *config;
    double n = 0, x = 0, y = 0, xx = 0, xy = 0, left = 0, weights = 0;
    for (enum fit_array i = 0; i < FIT_ARRAYS; i++) { /* least squares of relative errors: cycles = a + b * weights */
        if (i != left_out) {
            struct extent a = extent_of(shape, i);
            double w = (double)a.n_in * a.n_out, cycles = us[i] * c.clock_mhz, importance = 1 / (cycles * cycles);
            n += importance;
            x += importance * w;
            y += importance * cycles;
            xx += importance * w * w;
            xy += importance * w * cycles;
        }
    }
    c.rom_array_macs = (uint32_t)lround((n * xx - x * x) / (n * xy - x * y));
    c.rom_reduce_cycles = 1;
    c.rom_latency_cycles = 1;
    for (enum fit_array i = 0; i < FIT_ARRAYS; i++) {
        if (i != left_out) {
            double cycles = us[i] * c.clock_mhz, importance = 1 / (cycles * cycles);
            left += importance * (cycles - array_cycles(&c, extent_of(shape, i)));
            weights += importance;
        }
    }
    c.rom_latency_cycles += (uint32_t)fmax(0, lround(left / weights));
    return array_cycles(&c, extent_of(shape, left_out)) / c.clock_mhz;
}
