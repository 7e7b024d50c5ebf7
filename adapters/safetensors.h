/* safetensors.h -- reads safetensors files: a JSON table of tensors, then their bytes.
 *
 *   u64 header length | {"name": {"dtype", "shape", "data_offsets"}, ..., "__metadata__": {...}} | data
 *
 * Checked at opening: header length, JSON, offsets contiguous from 0 to the file's end, sizes, types, names. Tensors are sorted by name.
 * F32, F16 and BF16 are read; other types are refused by name, and so are headers above 16 MiB (the format allows 100 MB; an adapter's
 * has about 150 bytes a tensor). NaN and infinities are found when rows are read.
 * Errors: input errors "FILE: tensor NAME at byte N: expected ..., found ...".
 */
#ifndef ETCHSIM_SAFETENSORS_H
#define ETCHSIM_SAFETENSORS_H

#include "sim/error.h"
#include "sim/mapped.h"

enum safetensors_type { SAFETENSORS_F32, SAFETENSORS_F16, SAFETENSORS_BF16 };
enum { SAFETENSORS_DIMS_MAX = 8 };

struct safetensors_tensor {
    const char *name; /* owned by the file's header */
    enum safetensors_type type;
    int32_t n_dims;
    int64_t dims[SAFETENSORS_DIMS_MAX]; /* slowest first; may be 0 */
    uint64_t begin, end;                /* in the data */
    const uint8_t *data;
};

struct safetensors {
    char *path; /* owned */
    struct mapped map;
    void *json; /* owned: the parsed header, which holds the names */
    uint64_t data_start;
    int64_t n_tensors;
    struct safetensors_tensor *tensors; /* sorted by name */
};

/* On failure *s is empty. */
bool safetensors_open(const char *path, struct safetensors *s, struct error *e);
/* The same for bytes in memory, which must outlive *s. */
bool safetensors_open_memory(const char *name, const void *bytes, size_t size_bytes, struct safetensors *s, struct error *e);
void safetensors_close(struct safetensors *s);

const struct safetensors_tensor *safetensors_find(const struct safetensors *s, const char *name);
/* Elements first .. first + n - 1 of a tensor as floats; NaN or infinity is an error that names the place. */
bool safetensors_read(const struct safetensors *s, const struct safetensors_tensor *t, int64_t first, int64_t n, float *out,
                      struct error *e);

#endif
