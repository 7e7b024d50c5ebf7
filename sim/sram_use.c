#include "sim/sram_use.h"

#include <inttypes.h>

struct sram_use sram_use(const struct chip *c)
{
    const struct slots *slots = &c->sequencer.slots;
    double word = c->map.width_bits / 8.0, layers = c->shape.n_layers, blocks = c->n_layer_blocks;
    double ends = ((double)c->map.embedding.capacity_words + c->map.head.capacity_words) * word;
    struct sram_use use = {.capacity = (double)c->map.capacity_words * word * blocks,
                           .slots = (double)c->map.slots_words * word * blocks,
                           .ends = ends,
                           .kv_reserved = (double)c->map.kv_words * word * blocks,
                           .adapters = (double)slots->fill_words_peak * word,
                           .packed = (double)slots->fill_bytes_peak,
                           .kv_used = 2.0 * c->map.kv_row_words * (double)c->sequencer.kv_rows_peak * word * layers,
                           .pages = c->map.n_pages};
    if (use.pages) {
        use.page = c->map.page_words * word * layers;
        use.pages_peak = use.page * c->pool.used_peak;
        use.pages_mean = use.page * (double)c->pool.used_page_cycles / (double)(c->now ? c->now : 1);
    }
    return use;
}

void sram_use_print(const struct sram_use *use, FILE *out)
{
    enum { KIB = 1024 };
    fprintf(out, "SRAM %.1f KiB: ", use->capacity / KIB);
    if (use->pages) {
        fprintf(out, "%" PRIu32 " pages %.1f KiB (in use at most %.1f KiB, in the mean %.1f KiB; ", use->pages, use->slots / KIB,
                use->pages_peak / KIB, use->pages_mean / KIB);
    } else {
        fprintf(out, "slots %.1f KiB (", use->slots / KIB);
    }
    if (use->ends > 0) {
        fprintf(out, "%.1f KiB more at embedding and head; ", use->ends / KIB);
    }
    fprintf(out, "adapters fill %.1f KiB, %.1f without padding", use->adapters / KIB, use->packed / KIB);
    if (use->pages && use->kv_reserved == 0) {
        fprintf(out, "; KV rows %.1f KiB at most)\n", use->kv_used / KIB);
    } else {
        fprintf(out, "), KV %.1f KiB (%.1f KiB used at most)\n", use->kv_reserved / KIB, use->kv_used / KIB);
    }
}
