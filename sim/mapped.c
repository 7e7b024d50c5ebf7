#include "sim/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool mapped_open_fd(int fd, const char *path, struct mapped *m, struct error *e)
{
    *m = (struct mapped){0};
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return error_input(e, "%s: cannot be read: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return error_input(e, "%s: expected a regular file, found %s", path, S_ISDIR(st.st_mode) ? "a folder" : "something else");
    }
    if (st.st_size == 0) {
        return true;
    }
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return error_input(e, "%s: cannot be mapped: %s", path, strerror(errno));
    }
    *m = (struct mapped){.bytes = bytes, .size_bytes = (size_t)st.st_size, .owned = true};
    return true;
}

bool mapped_open(const char *path, struct mapped *m, struct error *e)
{
    *m = (struct mapped){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return error_input(e, "%s: cannot be opened: %s", path, strerror(errno));
    }
    bool good = mapped_open_fd(fd, path, m, e);
    close(fd);
    return good;
}

void mapped_close(struct mapped *m)
{
    if (m->owned) {
        munmap((void *)(uintptr_t)m->bytes, m->size_bytes);
    }
    *m = (struct mapped){0};
}

void mapped_drop(const struct mapped *m, const void *from, size_t length_bytes)
{
    if (!m->owned || length_bytes == 0) {
        return;
    }
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (uintptr_t)from & ~(page - 1);
    uintptr_t last = (uintptr_t)from + length_bytes;
    madvise((void *)first, last - first, MADV_DONTNEED); /* advice only: a failure costs memory, nothing else */
}

const char *printable(struct text text, char room[PRINTABLE_ROOM])
{
    uint32_t shown = text.length_bytes < PRINTABLE_ROOM - 5 ? text.length_bytes : PRINTABLE_ROOM - 5;
    for (uint32_t i = 0; i < shown; i++) {
        char c = text.bytes[i];
        room[i] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
    memcpy(room + shown, shown < text.length_bytes ? "..." : "\0\0\0", 4);
    return room;
}

bool text_is(struct text text, const char *expected)
{
    return text.length_bytes == strlen(expected) && memcmp(text.bytes, expected, text.length_bytes) == 0;
}
