/* memory_image.h -- an adapter as it lies in a platform's memory, for a chip that fetches it slice by slice.
 *
 *   | header | slice of layer 0 | slice of layer 1 | ... |                       little-endian, each part on a multiple of 8 bytes
 *
 *   header   "ETCHLORA", u32 version = 1, u32 header_bytes, u32 layers, u32 linears = 7, char name[64], u64 hash (adapter.h), u64 checksum;
 *            per layer: u64 offset, u32 bytes, u32 0, u64 checksum; then per layer and linear: i32 rank, i32 exponent of A, i32 exponent of B; u32 0 where it pads
 *   version 2, of adapters with a pair for the embedding or the head: their slices before and behind the layers' (without a pair of 0 bytes), their entries too,
 *            and their ranks and exponents behind those of the layers' linears
 *   slice    per linear that has a rank, bits from the least significant one on: A, then B, 6 bits a weight (two's complement), then the scales of A and B,
 *            16 bits each; zeros up to the byte. Exactly the bytes of slice_size() (sim/slice.h).
 *
 * The header's checksum is the XXH64 of the header with zero in its place; a slice's is that of sim/slice.h, of the unpacked weights.
 */
#ifndef ETCHSIM_MEMORY_IMAGE_H
#define ETCHSIM_MEMORY_IMAGE_H

#include "adapters/adapter.h"

enum { MEMORY_IMAGE_START = 16 }; /* bytes that are enough for memory_image_header_bytes() */

struct memory_slice {
    uint64_t offset; /* in the image */
    uint32_t bytes;
    uint64_t checksum;
};

/* Size of an adapter's image, and the image, [that many] bytes. */
size_t memory_image_bytes(const struct adapter *adapter);
void memory_image_write(const struct adapter *adapter, uint8_t *to);

/* The header's length, from the image's first bytes. */
bool memory_image_header_bytes(const uint8_t start[MEMORY_IMAGE_START], size_t *bytes, struct error *e);
/* An adapter for this shape with all weights 0, and where its slices are, [n_layers + 2], a layer's at layer + 1, owned by the caller. */
bool memory_image_header(const uint8_t *header, size_t bytes, const struct shape *shape, struct adapter *adapter,
                         struct memory_slice **slices, struct error *e);
/* Fills in a layer's weights from its slice's bytes. The adapter must be one of memory_image_header(). */
void memory_image_slice(struct adapter *adapter, int32_t layer, const uint8_t *bytes);

#endif
