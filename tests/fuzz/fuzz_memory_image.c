/* fuzz_memory_image.c -- headers of adapters in a platform's memory: no crash, and what is accepted can take its slices.
 *
 *   The input is a list of changes to a good header, offset (2, little-endian) and value (1) each; the checksum is made to fit, or nothing would get past it.
 *   A byte that is left over: the adapter has pairs for embedding and head.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "adapters/memory_image.h"
#include "sim/slice.h"

static const struct shape BASE = {
    .n_layers = 2, .d_model = 8, .n_heads = 2, .n_kv_heads = 1, .head_dim = 4, .d_ff = 8, .n_vocab = 4, .context_tokens = 8};
enum { RANK = 2, LAYERS = 2, AT_CHECKSUM = 96, ROOM = 4096 };

/* An adapter of RANK on every linear, all zeros. Returns the size of its header. */
static size_t good_header(bool ends, uint8_t *image)
{
    static const uint16_t scales[64];
    static const int8_t weights[64];
    struct lora_pair pairs[LAYERS * LINEAR_COUNT + 2] = {{0}};
    struct adapter a = {.name = "good", .n_layers = LAYERS, .rank_max = RANK, .pairs = pairs};
    struct error e;
    size_t n = 0;
    for (int i = 0; i < (ends ? pair_count(LAYERS) : LAYERS * LINEAR_COUNT); i++) {
        enum linear which = pair_linear(LAYERS, i);
        pairs[i] = (struct lora_pair){.rank = RANK,
                                      .n_in = shape_n_in(&BASE, which),
                                      .n_out = shape_n_out(&BASE, which),
                                      .a = weights,
                                      .b = weights,
                                      .scale_a = scales,
                                      .scale_b = scales};
    }
    if (memory_image_bytes(&a) > ROOM) {
        abort();
    }
    memory_image_write(&a, image);
    return memory_image_header_bytes(image, &n, &e) ? n : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t image[ROOM];
    struct adapter a;
    struct memory_slice *slices;
    struct error e;
    size_t n = good_header(size % 3 == 1, image);
    for (size_t i = 0; i + 3 <= size; i += 3) {
        image[(data[i] | (size_t)data[i + 1] << 8) % n] = data[i + 2];
    }
    memset(image + AT_CHECKSUM, 0, 8);
    uint64_t sum = XXH64(image, n, 0);
    memcpy(image + AT_CHECKSUM, &sum, sizeof sum);
    if (memory_image_header(image, n, &BASE, &a, &slices, &e)) {
        for (int32_t layer = LAYER_EMBEDDING; layer <= a.n_layers; layer++) {
            const uint32_t n_bytes = slices[layer - LAYER_EMBEDDING].bytes;
            uint8_t *bytes = malloc(n_bytes + 1); /* exactly, so that reading beyond is seen */
            memset(bytes, 0xa5, n_bytes + 1);
            memory_image_slice(&a, layer, bytes);
            free(bytes);
        }
        adapter_free(&a);
        free(slices);
    }
    return 0;
}
