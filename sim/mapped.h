/* mapped.h -- a file's bytes, mapped read-only, and little-endian loads from them.
 *
 * A file that another program shortens while it is mapped kills the process (SIGBUS); nothing here guards against that.
 */
#ifndef ETCHSIM_MAPPED_H
#define ETCHSIM_MAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sim/error.h"
#include "sim/vocab.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file formats are little-endian and loaded as they are");

struct mapped {
    const uint8_t *bytes; /* NULL for an empty file */
    size_t size_bytes;
    bool owned; /* to be unmapped */
};

/* Errors: no such file, not a regular file, no memory. */
bool mapped_open(const char *path, struct mapped *m, struct error *e);
/* The same for an open descriptor, which may be closed afterwards; `path` is for messages only. */
bool mapped_open_fd(int fd, const char *path, struct mapped *m, struct error *e);
void mapped_close(struct mapped *m);
/* Pages of [from, from + length) leave this process's resident set; they are read again from the file when touched. */
void mapped_drop(const struct mapped *m, const void *from, size_t length_bytes);

/* Text of an untrusted file for a message: unprintable bytes become '?', at most 63 characters. Returns `room`. */
enum { PRINTABLE_ROOM = 68 };
const char *printable(struct text text, char room[PRINTABLE_ROOM]);

bool text_is(struct text text, const char *expected);

static inline uint16_t load_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline float load_f32(const void *p)
{
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}

#endif
