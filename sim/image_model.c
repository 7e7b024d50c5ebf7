/* image_model.c -- what --model names: a preset, a GGUF file, a ROM image, or a shape without weights. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "sim/bake.h"
#include "sim/gguf_model.h"
#include "sim/image_internal.h"
#include "sim/mapped.h"
#include "sim/model_shape.h"
#include "sim/presets.h"

enum { PATH_ROOM = 4096 };

/* Asks before the work of baking; only the file's header is read. */
static bool shape_fits(const char *path, const struct shape_check *fits, struct error *e)
{
    struct gguf gguf;
    struct gguf_model model;
    if (!gguf_open(path, &gguf, e)) {
        return false;
    }
    bool good = gguf_model(&gguf, &model, e);
    if (good) {
        good = fits->check(fits->user, &model.shape, e);
        gguf_model_free(&model);
    }
    gguf_close(&gguf);
    return good;
}

/* Bakes into a file without a name, in $TMPDIR or /tmp. */
static bool open_gguf(const char *path, const struct shape_check *fits, struct image *image, struct error *e)
{
    const char *folder = getenv("TMPDIR");
    char template[PATH_ROOM];
    int length = snprintf(template, sizeof template, "%s/etchsim-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = length < (int)sizeof template ? mkostemp(template, O_CLOEXEC) : -1;
    if (fd < 0) {
        return error_input(e, "%s: no temporary file for its image: %s", path, strerror(errno));
    }
    unlink(template);
    struct mapped map;
    struct bake_report report = {0};
    bool good = (!fits || shape_fits(path, fits, e)) && bake_fd(path, fd, template, NULL, &report, e) &&
                mapped_open_fd(fd, path, &map, e) && image_open_mapped(path, &map, image, e);
    for (int32_t i = 0; good && i < report.n_tensors; i++) {
        image->rounding = fmax(image->rounding, report.tensors[i].n_out > 1 ? report.tensors[i].relative_rms_error : 0);
    }
    bake_report_free(&report);
    close(fd);
    return good;
}

static bool starts_with_gguf(const char *path)
{
    char magic[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, magic, sizeof magic) : 0;
    if (fd >= 0) {
        close(fd);
    }
    return n == sizeof magic && memcmp(magic, "GGUF", sizeof magic) == 0;
}

/* What an argument names. */
enum named { NAMED_GGUF, NAMED_IMAGE, NAMED_SHAPE, NAMED_NOTHING };

/* Finds the file that --model means; an unknown preset's name is an error. */
static enum named find_model(const char *name_or_path, char path[PATH_ROOM], struct error *e)
{
    char relative[PATH_ROOM];
    struct error absent;
    struct stat st;
    bool is_path = preset_is_path(name_or_path, ".gguf") || strlen(name_or_path) >= PRESET_NAME_ROOM;
    snprintf(relative, sizeof relative, "models/%.64s/%.64s.gguf", name_or_path, name_or_path);
    if (!is_path && config_path(relative, path, PATH_ROOM, &absent)) {
        return NAMED_GGUF;
    }
    snprintf(path, PATH_ROOM, "%s", name_or_path);
    if (model_shape_named(name_or_path)) {
        return NAMED_SHAPE;
    }
    if (!is_path && stat(name_or_path, &st) != 0) {
        preset_unknown("model", "models", "/.yaml", name_or_path, e);
        return NAMED_NOTHING;
    }
    return starts_with_gguf(name_or_path) ? NAMED_GGUF : NAMED_IMAGE;
}

bool image_open_model(const char *name_or_path, const struct shape_check *fits, struct image *image, struct error *e)
{
    char path[PATH_ROOM];
    *image = (struct image){0};
    switch (find_model(name_or_path, path, e)) {
    case NAMED_GGUF: return open_gguf(path, fits, image, e);
    case NAMED_IMAGE: return image_open(path, image, e);
    case NAMED_SHAPE:
        return error_input(e,
                           "model %.200s is a shape without weights: expected a run without values (run --timing-only; serve with `values: "
                           "false`), or --synthetic-weights SEED",
                           name_or_path);
    default: return false;
    }
}

/* -- without weights -- */

/* The file's name without folder and extension. */
static void set_name(struct image *image, const char *path)
{
    const char *slash = strrchr(path, '/'), *stem = slash ? slash + 1 : path, *dot = strrchr(stem, '.');
    bool cut = dot && dot > stem && (strcmp(dot, ".gguf") == 0 || strcmp(dot, ".yaml") == 0);
    snprintf(image->name, sizeof image->name, "%.*s", cut ? (int)(dot - stem) : (int)strlen(stem), stem);
}

static bool open_gguf_shape(const char *path, struct image *image, struct error *e)
{
    struct gguf gguf;
    struct gguf_model model;
    if (!gguf_open(path, &gguf, e)) {
        return false;
    }
    bool good = gguf_model(&gguf, &model, e);
    if (good) {
        image->model.shape = model.shape;
        image->hash = XXH64(gguf.map.bytes, (size_t)gguf_tensor_at(&gguf, &gguf.tensors[0]), 0);
        gguf_model_free(&model);
        good = gguf_vocab(&gguf, &image->vocab, e);
    }
    gguf_close(&gguf);
    return good;
}

static bool open_shape(const char *name_or_path, struct image *image, struct error *e)
{
    struct model_shape model;
    if (!model_shape_load(name_or_path, &model, e)) {
        return false;
    }
    image->model.shape = model.shape;
    image->hash = model.hash;
    image->vocab.bos = image->vocab.eos = image->vocab.unknown = -1;
    return true;
}

bool image_open_shape(const char *name_or_path, const struct shape_check *fits, struct image *image, struct error *e)
{
    char path[PATH_ROOM];
    bool good = false;
    *image = (struct image){0};
    switch (find_model(name_or_path, path, e)) {
    case NAMED_IMAGE: return image_open(path, image, e);
    case NAMED_GGUF: good = open_gguf_shape(path, image, e); break;
    case NAMED_SHAPE: good = open_shape(path, image, e); break;
    default: break;
    }
    good = good && (!fits || fits->check(fits->user, &image->model.shape, e));
    if (!good) {
        image_close(image);
        return false;
    }
    set_name(image, path);
    image->shape_only = true;
    image->rom_bits = shape_rom_bits(&image->model.shape);
    return true;
}

/* -- weights without a file -- */

/* Moves a file in memory, piece by piece, to where the system gives pages of 2 MiB, which file systems on disks have of themselves: reading goes 15 to 20 %
 * faster than from pages of 4 KiB. Where it gives none the pages are small, and all else is the same. */
static bool move_to_large_pages(int fd, const char *name, struct mapped *map, struct error *e)
{
    enum { PIECE_BYTES = 1 << 26 };
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return error_input(e, "%s: its image cannot be read: %s", name, strerror(errno));
    }
    const size_t size = (size_t)st.st_size;
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) {
        return error_input(e, "%s: no memory for its image: %s", name, strerror(errno));
    }
    madvise(bytes, size, MADV_HUGEPAGE); /* advice only */
    for (size_t at = 0; at < size;) {
        const ssize_t n = pread(fd, bytes + at, size - at < PIECE_BYTES ? size - at : PIECE_BYTES, (off_t)at);
        if (n <= 0 && errno != EINTR) {
            munmap(bytes, size);
            return error_input(e, "%s: its image cannot be read: %s", name, n < 0 ? strerror(errno) : "it ends early");
        }
        if (n > 0) {
            fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, n); /* else it takes its memory until the end */
            at += (size_t)n;
        }
    }
    *map = (struct mapped){.bytes = bytes, .size_bytes = size, .owned = true};
    return true;
}

static bool open_drawn(const struct synthetic_model *model, struct image *image, struct error *e)
{
    struct mapped map;
    int fd = memfd_create("etchsim-image", MFD_CLOEXEC);
    if (fd < 0) {
        return error_input(e, "%s: no memory for its image: %s", model->name, strerror(errno));
    }
    bool good = bake_synthetic_fd(model, fd, model->name, NULL, NULL, e) && move_to_large_pages(fd, model->name, &map, e) &&
                image_open_mapped(model->name, &map, image, e);
    close(fd);
    return good;
}

bool image_open_synthetic(const char *name_or_path, uint64_t seed, const struct shape_check *fits, struct image *image, struct error *e)
{
    struct image shape;
    *image = (struct image){0};
    if (!image_open_shape(name_or_path, fits, &shape, e)) {
        return false;
    }
    struct synthetic_model model = {&shape.model.shape, &shape.vocab, shape.name, seed};
    bool good = open_drawn(&model, image, e);
    image_close(&shape);
    return good;
}

void image_note_rounding(const struct image *image)
{
    enum { NOTEWORTHY_PERCENT = 5 };
    const double percent = 100 * image->rounding;
    if (percent > NOTEWORTHY_PERCENT) {
        fprintf(stderr,
                "note: the weights of %s were rounded to the ROM's formats, a matrix by %.0f %% (root mean square); `etchsim bake --text` "
                "tells what "
                "that costs, --bits there gives more\n",
                image->name, percent);
    }
}
