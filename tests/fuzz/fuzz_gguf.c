/* GGUF files from anywhere: no crash, and whatever is accepted can be walked, read and asked for. */
#include <stdlib.h>

#include "sim/gguf.h"
#include "sim/gguf_model.h"

enum { ROW_MAX = 4096, ROWS_READ = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_rows(const struct gguf *g)
{
    static float row[ROW_MAX];
    struct error e;
    for (uint64_t i = 0; i < g->n_tensors; i++) {
        const struct gguf_tensor *t = &g->tensors[i];
        for (int64_t r = 0; r < ROWS_READ && r < t->n_rows && t->dims[0] <= ROW_MAX; r++) {
            gguf_row_finite(g, t, t->n_rows - 1 - r, row, &e);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf g;
    struct gguf_model model;
    struct vocab vocab;
    struct error e;
    if (!gguf_open_memory("fuzz.gguf", data, size, &g, &e)) {
        return 0;
    }
    read_rows(&g);
    if (gguf_vocab(&g, &vocab, &e)) {
        vocab_free(&vocab);
    }
    if (gguf_model(&g, &model, &e)) {
        const struct gguf_layer *l = &model.layers[model.shape.n_layers - 1];
        for (int which = 0; which < LINEAR_COUNT; which++) { /* the chip's rows are rows of the file */
            const struct gguf_part *part = &l->linear[which];
            if (gguf_part_at(part, 0) < 0 || gguf_part_at(part, part->n - 1) >= part->tensor->n_rows) {
                abort();
            }
        }
        gguf_model_free(&model);
    }
    gguf_close(&g);
    return 0;
}
