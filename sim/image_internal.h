/* image_internal.h -- doors for tests and fuzzers, and for image_model.c. */
#ifndef ETCHSIM_IMAGE_INTERNAL_H
#define ETCHSIM_IMAGE_INTERNAL_H

#include "sim/image.h"
#include "sim/mapped.h"

/* image_open for bytes in memory, 64-byte aligned, which must outlive *image. A fuzzer would never get past the checksum, so it may be
 * skipped; all else is checked as in a file. */
bool image_open_memory(const char *name, const void *bytes, size_t size_bytes, bool verify_checksum, struct image *image, struct error *e);
/* An image file that is mapped already. Takes the mapping over, or unmaps it on failure. */
bool image_open_mapped(const char *path, struct mapped *map, struct image *image, struct error *e);

#endif
