/* ROM images from anywhere, past the checksum: no crash, and every weight of what is accepted is within the format's bounds. */
#include <stdlib.h>
#include <string.h>

#include "kernels/gemv.h"
#include "sim/image_format.h"
#include "sim/image_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_matrix(const struct matrix *w)
{
    for (int32_t row = 0; row < w->n_out; row++) {
        for (int32_t panel = 0; panel < matrix_panels(w); panel++) {
            int16_t values[PANEL_INPUTS];
            matrix_unpack_panel(w, row, panel, values);
            for (int i = 0; i < PANEL_INPUTS; i++) {
                if (values[i] < -32 * 63 || values[i] > 32 * 63) {
                    abort();
                }
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image image;
    struct error e;
    uint8_t *copy = aligned_alloc(IMAGE_ALIGNMENT, (size + IMAGE_ALIGNMENT) / IMAGE_ALIGNMENT * IMAGE_ALIGNMENT);
    if (!copy) {
        return 0;
    }
    memcpy(copy, data, size);
    if (image_open_memory("fuzz.rom", copy, size, false, &image, &e)) {
        check_matrix(&image.model.embedding);
        check_matrix(&image.model.head);
        for (int32_t layer = 0; layer < image.model.shape.n_layers; layer++) {
            for (int which = 0; which < LINEAR_COUNT; which++) {
                check_matrix(&image.model.layers[layer].linear[which]);
            }
        }
        image_close(&image);
    }
    free(copy);
    return 0;
}
